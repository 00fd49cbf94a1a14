import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Child, type Exit, freePort, until } from './child.ts';
import { ServiceLog } from './service-log.ts';

export interface StageOptions {
  readonly symbols: readonly string[];
  readonly seed: number;
  readonly rate: number;
  readonly tradeRate: number;
  /** File in the stage's directory to which the simulator writes what happened. */
  readonly truthFile?: string;
  /** Further flags of the simulator. */
  readonly simulatorFlags?: readonly string[];
  /** Settings of the service that differ from {@link serviceConfig}. */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Instead of `bin/market-data.js run`: a command line that ends where the service's own begins. */
  readonly servicePrefix?: readonly string[];
}

export const PROJECT_ROOT = projectRoot(import.meta.dirname);

const START_MS_MAX = 15_000;

/** Simulator, Redis and service as processes of their own, on free ports and with files in a directory of their own. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'market-data-chaos-'));
  readonly log = new ServiceLog();
  readonly #options: StageOptions;
  readonly shmName: string;
  redisPort = 0;
  wsUrl = '';
  restUrl = '';
  controlUrl = '';
  simulator!: Child;
  redis!: Child;
  service!: Child;
  /** Last lines on the service's standard error. */
  readonly errorLines: string[] = [];
  serviceStartedAtMs = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.shmName = `chaos_${process.pid}_${shmCount++}`;
  }

  get shmPath(): string {
    return `/dev/shm/${this.shmName}`;
  }

  async startSimulator(): Promise<void> {
    const { symbols, seed, rate, tradeRate, truthFile, simulatorFlags = [] } = this.#options;
    const truth = truthFile === undefined ? [] : ['--truth', join(this.directory, truthFile)];
    const options = { symbols: symbols.join(','), seed, rate, 'trade-rate': tradeRate };
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    let ready: Record<string, string> | undefined;
    this.simulator = new Child({
      command: process.execPath,
      args: [join(PROJECT_ROOT, 'dist/simulator/main.js'), ...flags, ...truth, ...simulatorFlags, '--quiet'],
      onLine: (line) => {
        ready ??= JSON.parse(line);
      },
      onErrorLine: (line) => console.error(`simulator: ${line}`),
    });
    await until('the simulator is ready', START_MS_MAX, () => ready !== undefined || this.simulator.exit !== undefined);
    if (ready === undefined) throw new Error('the simulator ended at its start');
    this.wsUrl = ready.ws_url!;
    this.restUrl = ready.rest_url!;
    this.controlUrl = ready.control_url!;
  }

  /** Starts Redis, or starts it again on the port it had. */
  async startRedis(): Promise<void> {
    if (this.redisPort === 0) this.redisPort = await freePort();
    let isReady = false;
    const flags = { port: this.redisPort, bind: '127.0.0.1', save: '', appendonly: 'no', dir: this.directory };
    this.redis = new Child({
      command: 'redis-server',
      args: Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
      onLine: (line) => {
        isReady ||= line.includes('Ready to accept connections');
      },
    });
    await until('Redis is ready', START_MS_MAX, () => isReady);
  }

  async startService(): Promise<void> {
    const path = join(this.directory, 'config.yaml');
    const config = { ...this.serviceConfig(), ...this.#options.config };
    writeFileSync(
      path,
      Object.entries(config)
        .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
        .join(''),
    );
    const [command, ...prefix] = this.#options.servicePrefix ?? [process.execPath];
    this.serviceStartedAtMs = performance.now();
    this.log.httpUrl = '';
    this.service = new Child({
      command: command!,
      args: [...prefix, join(PROJECT_ROOT, 'bin/market-data.js'), 'run', '--config', path],
      cwd: this.directory,
      ...(this.#options.env === undefined ? {} : { env: this.#options.env }),
      onLine: (line) => this.log.onLine(line),
      onErrorLine: (line) => {
        this.errorLines.push(line);
        if (this.errorLines.length > 100) this.errorLines.shift();
      },
    });
  }

  /** Short delays between attempts, because the run is compressed; everything else as it is by default. */
  serviceConfig(): Record<string, unknown> {
    return {
      symbols: this.#options.symbols,
      exchange_ws_url: this.wsUrl,
      exchange_rest_url: this.restUrl,
      redis_url: `redis://127.0.0.1:${this.redisPort}`,
      shm_name: this.shmName,
      shm_size_bytes: 64 << 20,
      health_port: 0,
      reconnect_delay_ms: 100,
      max_reconnect_delay_ms: 1000,
    };
  }

  /** @throws Error when the simulator refuses */
  async control(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.controlUrl}/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`control ${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** @returns undefined while the service does not answer */
  async get(path: string): Promise<{ status: number; text: string } | undefined> {
    if (this.log.httpUrl === '') return undefined;
    try {
      const response = await fetch(`${this.log.httpUrl}${path}`, { signal: AbortSignal.timeout(2000) });
      return { status: response.status, text: await response.text() };
    } catch {
      return undefined;
    }
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/ready'))?.status === 200;
  }

  /** Ends what still runs. @returns how the service ended */
  async close(): Promise<Exit & { readonly isForced: boolean }> {
    const exit = (await this.service?.end('SIGTERM', 6000)) ?? { code: null, signal: null, isForced: false };
    await this.simulator?.end('SIGTERM', 5000);
    await this.redis?.end('SIGKILL', 1000);
    rmSync(this.directory, { recursive: true, force: true });
    rmSync(this.shmPath, { force: true });
    return exit;
  }
}

let shmCount = 0;

/** The nearest directory above that holds package.json: also when this file has been compiled to dist/. */
function projectRoot(from: string): string {
  let directory = from;
  while (!existsSync(join(directory, 'package.json'))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error(`no package.json above ${from}`);
    directory = parent;
  }
  return directory;
}

/** Whether this user may mount a file system in a name space of its own (Linux, root). */
export function canMountPrivately(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
