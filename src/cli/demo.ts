import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { maskUrl } from '../config/values.ts';
import { type Config, describeConfig, type LoadedConfig, loadConfig } from '../config.ts';
import { EXCHANGES } from '../exchanges/registry.ts';
import { UsageError } from '../model/errors.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../ops/embedded-redis.ts';
import { type LogOutput, openLog } from '../ops/logging.ts';
import { redisAnswers } from '../ops/redis-probe.ts';
import { Service } from '../service.ts';
import { type Running, runUntilEnded } from './lifetime.ts';
import { packageVersion } from './package.ts';
import { Screen } from './screen.ts';
import { simulatorAddress, spawnSimulator, stopSimulator } from './simulator-process.ts';
import { StatusTable } from './status-table.ts';

const TABLE_INTERVAL_MS = 1_000;
const LINES_INTERVAL_MS = 5_000;
/** Diffs a second and symbol, as on the exchange's 100 ms streams. */
const DEFAULT_RATE = '10';

export function help(): string {
  return `market-data demo: the whole service on this machine, against a simulated exchange

Starts the simulator, and a private Redis unless one answers at redis_url; ends both with itself. Prices are made up.

  --seed N                  another market (default 1)
  --rate N                  book updates a second and symbol (default ${DEFAULT_RATE})
  --config FILE             default ./config.yaml, which may be missing
${describeConfig()}

Examples
  npm run demo
  market-data demo --symbols BTCUSDT --rate 50
`;
}

export async function execute(argv: readonly string[]): Promise<number> {
  const loaded = loadConfig({
    argv,
    env: process.env,
    cwd: process.cwd(),
    exchanges: EXCHANGES.map(({ name }) => name),
    commandFlags: [
      { name: 'seed', isSwitch: false },
      { name: 'rate', isSwitch: false },
    ],
    // The table says what happens; the log only what is wrong.
    defaults: { log_level: 'warn' },
  });
  for (const key of ['exchange_ws_url', 'exchange_rest_url'] as const) {
    if (loaded.sources[key].startsWith('--'))
      throw new UsageError(`${loaded.sources[key]}: demo brings its own exchange`);
  }
  const screen = process.stdout.isTTY ? new Screen(process.stdout) : undefined;
  const output = await openLog({
    level: loaded.config.log_level,
    isPretty: screen !== undefined,
    ...(screen === undefined ? {} : { writeLines: (lines: string) => screen.print(lines) }),
  });
  return runUntilEnded(output, (onFatal) => Demo.start(loaded, output, screen, onFatal));
}

/** Simulator, Redis and service; whatever was started is ended when a later part fails. */
class Demo implements Running {
  #simulator: ChildProcess | undefined;
  #redis: EmbeddedRedis | undefined;
  #service: Service | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosing = false;

  static async start(
    loaded: LoadedConfig,
    output: LogOutput,
    screen: Screen | undefined,
    onFatal: (error: Error) => void,
  ): Promise<Demo> {
    const demo = new Demo();
    try {
      await demo.#start(loaded, output, screen, onFatal);
    } catch (error) {
      await demo.close('start failed');
      throw error;
    }
    return demo;
  }

  async close(reason: string): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await this.#service?.close(reason);
    await Promise.all([this.#redis?.close(), this.#simulator && stopSimulator(this.#simulator)]);
  }

  async #start(
    loaded: LoadedConfig,
    output: LogOutput,
    screen: Screen | undefined,
    onFatal: (error: Error) => void,
  ): Promise<void> {
    // 1. The exchange.
    const { symbols } = loaded.config;
    const rate = loaded.flags.get('rate') ?? DEFAULT_RATE;
    const seed = loaded.flags.get('seed') ?? '1';
    const simulatorFlags = ['--symbols', symbols.join(','), '--rate', rate, '--seed', seed, '--quiet'];
    this.#simulator = spawnSimulator({ argv: simulatorFlags, stdout: 'pipe', stderr: 'inherit', isDetached: true });
    const { ws_url, rest_url } = await simulatorAddress(this.#simulator);
    this.#simulator.once('exit', (code) => {
      if (!this.#isClosing) onFatal(new Error(`the simulator ended with code ${code}`));
    });

    // 2. Redis: the user's, or one of its own.
    let { redis_url } = loaded.config;
    const isRedisThere = loaded.config.redis_sentinels.length > 0 || (await redisAnswers(redis_url));
    if (!isRedisThere) {
      this.#redis = await startEmbeddedRedis();
      redis_url = this.#redis.url;
    }

    // 3. The service itself.
    const config: Config = {
      ...loaded.config,
      exchange_ws_url: ws_url,
      exchange_rest_url: rest_url,
      redis_url,
      health_port: await freeHealthPort(loaded),
    };
    const { logger } = output;
    this.#service = await Service.start({ config, logger, version: packageVersion(), onFatal });

    // 4. What there is to see.
    process.stdout.write(whereToLook(config, this.#service, this.#redis));
    this.#showStatus(this.#service, screen);
  }

  #showStatus(service: Service, screen: Screen | undefined): void {
    const table = new StatusTable(service.view);
    if (screen === undefined) {
      const show = () => process.stdout.write(`${table.lines().join('\n')}\n\n`);
      this.#timer = setInterval(show, LINES_INTERVAL_MS);
    } else {
      this.#timer = setInterval(() => screen.draw(table.lines(screen.rows - 2)), TABLE_INTERVAL_MS);
    }
  }
}

function whereToLook(config: Config, service: Service, redis: EmbeddedRedis | undefined): string {
  const { httpUrl } = service;
  const symbol = config.symbols[0]!;
  const { hostname, port } = new URL(config.redis_url);
  const client = `redis-cli${hostname === '127.0.0.1' ? '' : ` -h ${hostname}`} -p ${port || 6379}`;
  const kind = redis === undefined ? `yours, at ${maskUrl(config.redis_url)}` : `private, on port ${port}`;
  const region = service.shm === undefined ? 'off' : service.shm.path;
  return `market-data demo: prices are simulated. Ctrl-C ends it.

  Redis            ${kind}
    ${client} SUBSCRIBE orderbook:${symbol} trades:${symbol}
    ${client} PSUBSCRIBE 'status:*'
    ${client} GET market_data:${symbol}
  HTTP             ${httpUrl}
    curl ${httpUrl}/ready
    curl ${httpUrl}/metrics
  Shared memory    ${region}

`;
}

/** The default port, or any free one when another program has it. A port that the user chose is not replaced. */
async function freeHealthPort({ config, sources }: LoadedConfig): Promise<number> {
  const { health_host, health_port } = config;
  if (sources.health_port !== 'default') return health_port;
  const isFree = await new Promise<boolean>((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(health_port, health_host, () => probe.close(() => resolve(true)));
  });
  return isFree ? health_port : 0;
}
