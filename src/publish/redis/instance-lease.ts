import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { LIMITS } from '../../limits.ts';

/**
 * Two services that publish the same symbols to one Redis contradict each other: consumers would see update ids go back and
 * forth. Each service therefore tries to hold one key. Who does not get it keeps publishing (a price is worth more than
 * order), but reports the other one.
 *
 * The key of a service that was killed lives on until it expires, and would accuse its own successor. Another instance is
 * therefore only reported once its key has been seen to be refreshed.
 */
export const LEASE_KEY = 'market_data:instance';

/** The few commands that a lease needs; ioredis's Redis and Cluster have them. */
export interface LeaseCommands {
  set(key: string, value: string, px: 'PX', ms: number, condition: 'NX' | 'XX'): Promise<string | null>;
  get(key: string): Promise<string | null>;
  pttl(key: string): Promise<number>;
  del(key: string): Promise<number>;
}

export interface Instance {
  readonly token: string;
  readonly host: string;
  readonly pid: number;
  readonly symbols: readonly string[];
}

export class InstanceLease {
  readonly #commands: LeaseCommands;
  readonly #self: Instance;
  readonly #value: string;
  #foreign: { readonly value: string; readonly pttl: number } | undefined;
  /** A service that is alive and publishes some of the same symbols to the same Redis. */
  otherInstance: Instance | undefined;

  constructor(commands: LeaseCommands, symbols: readonly string[]) {
    this.#commands = commands;
    this.#self = { token: randomUUID(), host: hostname(), pid: process.pid, symbols };
    this.#value = JSON.stringify(this.#self);
  }

  /** Takes, keeps or watches the key; to be called three times per lease. Rejects as the connection does. */
  async refresh(): Promise<void> {
    if ((await this.#commands.set(LEASE_KEY, this.#value, 'PX', LIMITS.redis_lease_ms, 'NX')) === 'OK') {
      this.#own();
      return;
    }
    const value = await this.#commands.get(LEASE_KEY);
    if (value === this.#value) {
      await this.#commands.set(LEASE_KEY, this.#value, 'PX', LIMITS.redis_lease_ms, 'XX');
      this.#own();
    } else if (value !== null) {
      this.#watch(value, await this.#commands.pttl(LEASE_KEY));
    }
  }

  /** Gives the key back, if it is held. */
  async release(): Promise<void> {
    if ((await this.#commands.get(LEASE_KEY)) === this.#value) await this.#commands.del(LEASE_KEY);
  }

  #own(): void {
    this.#foreign = undefined;
    this.otherInstance = undefined;
  }

  #watch(value: string, pttl: number): void {
    const before = this.#foreign;
    this.#foreign = { value, pttl };
    // Time went by since the last look: a lease that is not shorter for it has been refreshed in between.
    if (before === undefined || before.value !== value || pttl < before.pttl - LIMITS.redis_lease_ms / 6) return;
    const other = parseInstance(value);
    const sharesSymbols = other === undefined || other.symbols.some((symbol) => this.#self.symbols.includes(symbol));
    this.otherInstance = sharesSymbols ? (other ?? UNKNOWN_INSTANCE) : undefined;
  }
}

/** The key is held by something that writes another format. */
const UNKNOWN_INSTANCE: Instance = { token: '', host: 'unknown', pid: 0, symbols: [] };

function parseInstance(value: string): Instance | undefined {
  try {
    const { token, host, pid, symbols } = JSON.parse(value);
    const isValid = typeof token === 'string' && typeof host === 'string' && typeof pid === 'number';
    return isValid && Array.isArray(symbols) ? { token, host, pid, symbols: symbols.map(String) } : undefined;
  } catch {
    return undefined;
  }
}
