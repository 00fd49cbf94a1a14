import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { Redis } from 'ioredis';
import { type Running, type RunningRedis, start, startRedis, until } from '../../test/e2e/processes.ts';
import { readMetrics } from '../service-metrics.ts';
import type { PlaybackState } from './playback.ts';
import type { RecordingName } from './recorded-loop.ts';

const SHM_NAME = `bench-${process.pid}`;

/** The processes of a bench over real sockets: load, redis-server, and the service that is measured. */
export interface RigOptions {
  readonly recording: RecordingName;
  readonly withTrades?: boolean;
  /** `market-data`, or the straightforward service that it is compared with. */
  readonly service: 'market-data' | 'baseline';
  /** Of the service's own process. */
  readonly nodeFlags?: readonly string[];
  readonly serviceFlags?: readonly string[];
}

export class Rig {
  readonly service: Running;
  readonly redis: RunningRedis;
  readonly client: Redis;
  readonly symbols: readonly string[];
  readonly healthUrl: string;
  readonly #load: Running;
  readonly #loadUrl: string;

  /** What was started is ended again when not all of it can be. */
  static async start(options: RigOptions): Promise<Rig> {
    const started: Running[] = [];
    try {
      return await Rig.#start(options, started);
    } catch (error) {
      for (const process of started.reverse()) await process.end();
      throw error;
    }
  }

  static async #start(options: RigOptions, started: Running[]): Promise<Rig> {
    const redis = await startRedis(['--client-output-buffer-limit', 'pubsub', '0', '0', '0']);
    started.push(redis);
    const load = start(process.execPath, [
      'dist/bench/load/exchange.js',
      options.recording,
      ...(options.withTrades === true ? ['--trades'] : []),
    ]);
    started.push(load);
    const line = await until('load process', () => {
      if (load.process.exitCode !== null) throw new Error(load.output.join('\n'));
      return load.output.find((text) => text.startsWith('{'));
    });
    const { url, symbols } = JSON.parse(line) as { url: string; symbols: string[] };
    const common = [`--symbols=${symbols.join(',')}`, `--redis-url=${redis.url}`, `--exchange-ws-url=ws://${url}`];
    const flags = [...common, `--exchange-rest-url=http://${url}`, ...(options.serviceFlags ?? [])];
    const program =
      options.service === 'baseline'
        ? ['dist/bench/baseline/service.js', ...common, `--exchange-rest-url=http://${url}`]
        : ['bin/market-data.js', 'run', '--health-port=0', `--shm-name=${SHM_NAME}`, ...flags];
    const nodeFlags = options.nodeFlags ?? [];
    const service = start(process.execPath, [...nodeFlags, ...program]);
    started.push(service);
    const healthUrl = await until('service', () => {
      if (service.process.exitCode !== null) throw new Error(service.output.join('\n'));
      const listening = service.output.find((text) => text.includes('listening'));
      return listening === undefined ? undefined : (/"url":"([^"]+)"/.exec(listening)?.[1] ?? '');
    });
    return new Rig(redis, load, url, service, healthUrl, symbols);
  }

  private constructor(
    redis: RunningRedis,
    load: Running,
    loadUrl: string,
    service: Running,
    healthUrl: string,
    symbols: readonly string[],
  ) {
    this.redis = redis;
    this.client = new Redis(redis.port, '127.0.0.1');
    this.#load = load;
    this.#loadUrl = loadUrl;
    this.service = service;
    this.healthUrl = healthUrl;
    this.symbols = symbols;
  }

  /** Of the service's shared memory. */
  get shmName(): string {
    return SHM_NAME;
  }

  get servicePid(): number {
    return this.service.process.pid!;
  }

  get loadPid(): number {
    return this.#load.process.pid!;
  }

  get redisPid(): number {
    return this.redis.process.pid!;
  }

  /** @param rate frames/s, 0: as fast as taken. @param frames position to end at */
  async play(rate: number, frames = Number.POSITIVE_INFINITY, isLiveTime = false): Promise<PlaybackState> {
    const query = `rate=${rate}${Number.isFinite(frames) ? `&frames=${frames}` : ''}${isLiveTime ? '&live_time=1' : ''}`;
    return (await fetch(`http://${this.#loadUrl}/control/play?${query}`)).json() as Promise<PlaybackState>;
  }

  async playback(): Promise<PlaybackState> {
    return (await fetch(`http://${this.#loadUrl}/control/state`)).json() as Promise<PlaybackState>;
  }

  /** Of the recording's frames, those that are diffs. */
  async depthShare(): Promise<number> {
    return (await this.playback()).depthShare;
  }

  /** Plays slowly until every symbol publishes. */
  async goLive(isLiveTime = false): Promise<void> {
    await this.play(500, undefined, isLiveTime);
    await until('every book live', async () => {
      const keys = await this.client.exists(...this.symbols.map((symbol) => `market_data:${symbol}`));
      return keys === this.symbols.length || undefined;
    });
    await this.play(0, 0);
  }

  /** Lets `count` more frames go and waits until Redis has got what comes of them. Returns what was played. */
  async playAndWait(count: number, rate = 0, msMax = 120_000): Promise<PlaybackState> {
    const { position } = await this.playback();
    await this.play(rate, position + count);
    await until('end of playback', async () => ((await this.playback()).isEnded ? true : undefined), msMax);
    let last = -1;
    await until(
      'everything published',
      async () => {
        const { set } = await this.published();
        const isSettled = set === last;
        last = set;
        if (!isSettled) await new Promise((resolve) => setTimeout(resolve, 50));
        return isSettled || undefined;
      },
      msMax,
    );
    return this.playback();
  }

  /** Waits until Redis has executed so many commands, or until no more come. Returns seconds from `beginMs` to the last of them. */
  async untilPublished(command: 'publish' | 'set', calls: number, beginMs: number): Promise<number> {
    let last = { calls: -1, ms: beginMs };
    for (;;) {
      const done = (await this.published())[command];
      const ms = performance.now();
      if (done !== last.calls) last = { calls: done, ms };
      if (done >= calls) return (ms - beginMs) / 1000;
      if (ms - last.ms > 500 && (await this.playback()).isEnded) return (last.ms - beginMs) / 1000;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Commands that redis-server has executed, by its own count. */
  async published(): Promise<{ publish: number; set: number }> {
    const info = await this.client.info('commandstats');
    const calls = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
    return { publish: calls('publish'), set: calls('set') };
  }

  /** The service's own metrics, `name{labels}` to value. */
  metrics(): Promise<Map<string, number>> {
    return readMetrics(this.healthUrl);
  }

  /** Gives the service the first CPU and everything else the others. */
  pin(): void {
    const others = `1-${cpus().length - 1}`;
    for (const [pid, list] of [
      [this.servicePid, '0'],
      [this.loadPid, others],
      [this.redisPid, others],
    ] as const) {
      execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', list, String(pid)], { stdio: 'ignore' });
    }
  }

  async close(): Promise<void> {
    this.client.disconnect();
    await this.service.end();
    await this.#load.end('SIGKILL');
    await this.redis.end();
    rmSync(`/dev/shm/${SHM_NAME}`, { force: true });
  }
}
