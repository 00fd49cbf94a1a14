import type { Cluster, Redis } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { Clock } from '../../model/clock.ts';
import { InstanceLease } from './instance-lease.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';

const PING_INTERVAL_NS = 1e9;
const LEASE_INTERVAL_NS = (LIMITS.redis_lease_ms / 3) * 1e6;

/**
 * A second connection, used as ioredis means it: it tells whether Redis answers others while the hot connection is silent, and
 * keeps the instance lease.
 */
export class ControlConnection {
  readonly #redis: Redis | Cluster;
  readonly #clock: Clock;
  readonly #outcomes: PublishOutcomes;
  readonly #lease: InstanceLease;
  #isBusy = false;
  #isClosed = false;
  #pingDueNs = 0;
  #leaseDueNs = 0;
  #reportedToken = '';

  /** When Redis last answered here, ns. */
  answeredAtNs = Number.NEGATIVE_INFINITY;

  constructor(redis: Redis | Cluster, symbols: readonly string[], clock: Clock, outcomes: PublishOutcomes) {
    this.#redis = redis;
    this.#clock = clock;
    this.#outcomes = outcomes;
    this.#lease = new InstanceLease(redis, symbols);
    redis.on('error', () => {
      // The hot connection meets the same errors and reports them.
    });
  }

  get otherInstance() {
    return this.#lease.otherInstance;
  }

  start(): void {
    this.#redis.connect().catch(() => {});
  }

  /** To be called a few times a second. */
  tick(): void {
    if (this.#redis.status === 'end' && !this.#isClosed) this.start();
    const now = this.#clock.nowNs();
    if (this.#isBusy || this.#redis.status !== 'ready' || now < this.#pingDueNs) return;
    this.#isBusy = true;
    this.#pingDueNs = now + PING_INTERVAL_NS;
    this.#work(now)
      .catch((error: Error) => this.#onFailure(error))
      .finally(() => {
        this.#isBusy = false;
      });
  }

  /** Gives the lease back, waiting for it no longer than `withinMs`, and ends the connection. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.#redis.status === 'ready') {
      const release = this.#lease.release().catch(() => {});
      await Promise.race([release, new Promise((resolve) => setTimeout(resolve, withinMs))]);
    }
    this.#redis.disconnect();
  }

  async #work(now: number): Promise<void> {
    await this.#redis.ping();
    this.answeredAtNs = this.#clock.nowNs();
    if (now < this.#leaseDueNs) return;
    this.#leaseDueNs = now + LEASE_INTERVAL_NS;
    await this.#lease.refresh();
    this.#reportOther();
  }

  #onFailure(error: Error): void {
    if (error.name === 'ReplyError') {
      this.answeredAtNs = this.#clock.nowNs();
      // Not needed to publish: a user without these rights, or a replica, is told once in a while.
      this.#outcomes.logs.log('lease', 'info', `the instance lease in Redis cannot be kept: ${error.message}`);
    } else {
      this.#redis.disconnect(true);
    }
  }

  #reportOther(): void {
    const other = this.#lease.otherInstance;
    if (other === undefined || other.token === this.#reportedToken) return;
    this.#reportedToken = other.token;
    const message = 'another market-data service publishes the same symbols to this Redis: end one of the two';
    this.#outcomes.logs.log('instance', 'warn', message, { host: other.host, pid: other.pid });
  }
}
