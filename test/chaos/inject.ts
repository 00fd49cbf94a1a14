import { connect, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { sleep } from './child.ts';
import type { PlannedFault } from './schedule.ts';
import type { Stage } from './stage.ts';

/** Carries out planned faults on the processes of a stage. */
export class Injector {
  readonly counts = new Map<string, number>();
  readonly #stage: Stage;
  /** Redis cannot be stopped, paused or asked anything while it is being restarted. */
  #redisBusy: Promise<void> = Promise.resolve();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Plays the whole plan. Resolves when the last fault is over. */
  async play(planned: readonly PlannedFault[], onFault: (fault: PlannedFault) => void): Promise<void> {
    const startedMs = performance.now();
    const running: Promise<void>[] = [];
    for (const fault of planned) {
      const waitMs = startedMs + fault.atMs - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1);
      onFault(fault);
      const struck = this.#strike(fault);
      // Thrown below, once all have been started: until then nobody waits for it.
      struck.catch(() => {});
      running.push(struck);
    }
    await Promise.all(running);
  }

  async #strike(fault: PlannedFault): Promise<void> {
    switch (fault.target) {
      case 'exchange':
        await this.#stage.control('POST', 'faults', fault.faults);
        await sleep(fault.durationMs);
        return;
      case 'redis':
        this.#redisBusy = this.#redisBusy.then(() => this.#strikeRedis(fault));
        return this.#redisBusy;
      case 'service':
        this.#stage.service.signal('SIGSTOP');
        await sleep(fault.durationMs);
        this.#stage.service.signal('SIGCONT');
        return;
      case 'subscriber':
        return this.#subscribeWithoutReading(fault.durationMs);
    }
  }

  async #strikeRedis(fault: PlannedFault): Promise<void> {
    const { redis } = this.#stage;
    switch (fault.name) {
      case 'redis kill':
        redis.signal('SIGKILL');
        await redis.exited;
        await sleep(fault.durationMs);
        return this.#stage.startRedis();
      case 'redis stop':
        redis.signal('SIGSTOP');
        await sleep(fault.durationMs);
        redis.signal('SIGCONT');
        return;
      case 'redis latency':
        await this.#redis('CLIENT', 'PAUSE', String(fault.durationMs), 'ALL');
        await sleep(fault.durationMs);
        return;
      case 'redis out of memory':
        await this.#redis('CONFIG', 'SET', 'maxmemory', '1');
        await sleep(fault.durationMs);
        await this.#redis('CONFIG', 'SET', 'maxmemory', '0');
        return;
      default:
        throw new Error(`no such fault: ${fault.name}`);
    }
  }

  async #redis(command: string, ...args: string[]): Promise<void> {
    const redis = new Redis({ port: this.#stage.redisPort, host: '127.0.0.1', maxRetriesPerRequest: 20 });
    redis.on('error', () => {});
    try {
      await redis.call(command, ...args);
    } finally {
      redis.disconnect();
    }
  }

  /** Subscribers of everything that never read: Redis buffers for them, and ends them at its limit. */
  async #subscribeWithoutReading(durationMs: number): Promise<void> {
    const sockets: Socket[] = [];
    for (let count = 0; count < 4; count++) {
      const socket = connect(this.#stage.redisPort, '127.0.0.1');
      socket.on('error', () => {});
      socket.once('connect', () => socket.write('PSUBSCRIBE *\r\n'));
      socket.pause();
      sockets.push(socket);
    }
    await sleep(durationMs);
    for (const socket of sockets) socket.destroy();
  }
}
