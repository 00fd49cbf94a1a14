import { Redis } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { Clock } from '../../model/clock.ts';
import type { LabelledCounter } from '../../model/counters.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { DocumentEncoder } from '../encode.ts';
import type { Publisher } from '../publisher.ts';
import { KIND } from './command-ring.ts';
import { ControlConnection } from './control-connection.ts';
import type { Instance } from './instance-lease.ts';
import { Lane, type LaneContext, type LaneLimits } from './lane.ts';
import type { LogListener } from './log-limiter.ts';
import { PublishOutcomes } from './publish-outcomes.ts';
import {
  type ConnectionOptions,
  connectionOptions,
  parseRedisUrl,
  type RedisAddress,
  reconnectDelayMs,
} from './redis-address.ts';
import { isRefusal } from './redis-error.ts';
import { SymbolState } from './symbol-state.ts';

export interface RedisPublisherOptions {
  /** `redis://` or `rediss://`; with Sentinel, host and port in it are not used. */
  readonly url: string;
  readonly sentinels?: {
    readonly name: string;
    readonly nodes: readonly { readonly host: string; readonly port: number }[];
  };
  readonly clock: Clock;
  /** By index. */
  readonly instruments: readonly Instrument[];
  readonly onLog: LogListener;
  /** Shared with other sinks, so that a book is encoded once for all of them. */
  readonly encoder?: DocumentEncoder;
  readonly limits?: LaneLimits;
}

const TICK_MS = 250;
const CLOSE_POLL_MS = 5;

/**
 * Publishes to Redis: channels `orderbook:`, `market_data:`, `trades:`, `status:` and the key `market_data:{SYMBOL}`.
 * @throws UsageError from the constructor when the URL cannot be used
 */
export class RedisPublisher implements Publisher {
  readonly name = 'redis';
  readonly #clock: Clock;
  readonly #outcomes: PublishOutcomes;
  readonly #symbols: SymbolState[];
  readonly #lane: Lane;
  readonly #control: ControlConnection;
  readonly #isSentinel: boolean;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  #suspectSinceNs = Number.NaN;

  constructor(options: RedisPublisherOptions) {
    const { clock, instruments } = options;
    const address = parseRedisUrl(options.url);
    this.#clock = clock;
    this.#isSentinel = options.sentinels !== undefined;
    this.#outcomes = new PublishOutcomes(clock, options.onLog);
    this.#symbols = instruments.map((instrument) => new SymbolState(instrument));
    this.#lane = new Lane(
      this.#redis(address, options, 0),
      address.database,
      nameOf(address, options),
      this.#context(options),
    );
    for (const symbol of this.#symbols) this.#lane.assigned.add(symbol);
    const control = this.#redis(address, options, address.database);
    this.#control = new ControlConnection(
      control,
      instruments.map(({ symbol }) => symbol),
      clock,
      this.#outcomes,
    );
  }

  /** Connects in the background, for as long as it takes. */
  start(): void {
    this.#lane.connection.start();
    this.#control.start();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  // --- the contract of a sink

  onBook(book: BookUpdate): void {
    this.#lane.onBook(this.#symbols[book.instrument.index]!, book);
  }

  onTrade(trade: Trade): void {
    this.#lane.onTrade(trade);
  }

  onStatus(status: StatusUpdate): void {
    this.#lane.onStatus(this.#symbols[status.instrument.index]!, status);
  }

  onEndOfBatch(): void {
    this.#lane.onEndOfBatch();
  }

  /** Hands out what was accepted, within a bound; resolves also when Redis does not take it. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const lane = this.#lane;
    const deadlineNs = this.#clock.nowNs() + (LIMITS.shutdown_ms_max / 3) * 1e6;
    while (this.connected && (lane.queuedBytes > 0 || lane.hasBacklog) && this.#clock.nowNs() < deadlineNs) {
      lane.drain();
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
    }
    lane.abandon();
    await this.#control.close(200);
  }

  // --- what it says about itself

  /** Redis takes commands, and answers them. */
  get connected(): boolean {
    return this.#lane.connection.isReady && !this.#isOverdue();
  }

  /** The last failure, as long as it is recent or lasts; never holds a secret. */
  get lastError(): string | undefined {
    if (this.#isOverdue()) return `no answer for ${Math.floor(this.#silenceNs() / 1e9)} s`;
    return this.#outcomes.lastError;
  }

  /** Another service that publishes some of the same symbols here. */
  get otherInstance(): Instance | undefined {
    return this.#control.otherInstance;
  }

  /** Messages that Redis has confirmed. */
  get publishesByChannel(): Readonly<Record<'orderbook' | 'market_data' | 'trades' | 'status', number>> {
    const outcomes = this.#outcomes;
    return {
      orderbook: outcomes.confirmed(KIND.orderbook),
      market_data: outcomes.confirmed(KIND.market_data),
      trades: outcomes.confirmed(KIND.trades),
      status: outcomes.confirmed(KIND.status),
    };
  }

  /** Keys written, confirmed. */
  get sets(): number {
    return this.#outcomes.confirmed(KIND.set);
  }

  /** By Redis's error code or the system's. */
  get errors(): LabelledCounter {
    return this.#outcomes.errors;
  }

  get dropped(): LabelledCounter {
    return this.#outcomes.dropped;
  }

  /** Accepted and not yet confirmed, conflated books aside. */
  get queuedBytes(): number {
    return this.#lane.queuedBytes;
  }

  // --- connections

  #context(options: RedisPublisherOptions): LaneContext {
    return {
      clock: options.clock,
      encoder: options.encoder ?? new DocumentEncoder(options.clock),
      outcomes: this.#outcomes,
      limits: options.limits ?? {
        conflateAboveBytes: LIMITS.redis_conflate_above_bytes,
        queueBytesMax: LIMITS.redis_queue_bytes_max,
      },
      instruments: options.instruments,
      symbols: this.#symbols,
      onRefusedCommand: (lane, kind) => this.#onRefusedCommand(lane, kind),
    };
  }

  #redis(address: RedisAddress, { sentinels }: RedisPublisherOptions, database: number): Redis {
    const redisOptions: ConnectionOptions = {
      ...connectionOptions(address),
      db: database,
      retryStrategy: (attempt: number) =>
        isRefusal(this.#lane.connectionErrorKind) ? LIMITS.redis_refused_delay_ms : reconnectDelayMs(attempt),
      // The ready check is what looks at the role of the server that a Sentinel named.
      ...(sentinels && { sentinels: [...sentinels.nodes], name: sentinels.name, enableReadyCheck: true }),
    };
    return new Redis(redisOptions);
  }

  #onRefusedCommand(lane: Lane, kind: string): void {
    // After a failover the old master is a replica: ask the Sentinels again.
    if (kind === 'READONLY' && this.#isSentinel) lane.connection.replace();
  }

  #tick(): void {
    this.#ticks++;
    this.#control.tick();
    this.#lane.connection.keepAlive();
    if (this.#ticks % 4 === 0) this.#lane.retryKeys();
    this.#replaceDeadConnection();
  }

  #silenceNs(): number {
    const { connection } = this.#lane;
    return connection.outstandingBytes === 0 ? 0 : this.#clock.nowNs() - connection.waitingSinceNs;
  }

  #isOverdue(): boolean {
    return this.#silenceNs() > LIMITS.redis_unresponsive_after_ms * 1e6;
  }

  /**
   * A silent Redis is waited for: it may be stopped, and would answer late what was sent. But when it keeps answering the
   * control connection, the hot one is dead (a middlebox forgot it, a failover went unnoticed) and is made anew.
   */
  #replaceDeadConnection(): void {
    const { answeredAtNs } = this.#control;
    const { connection } = this.#lane;
    if (!this.#isOverdue() || answeredAtNs < connection.waitingSinceNs + 1e9) {
      this.#suspectSinceNs = Number.NaN;
    } else if (Number.isNaN(this.#suspectSinceNs)) {
      this.#suspectSinceNs = this.#clock.nowNs();
    } else if (answeredAtNs > this.#suspectSinceNs + 1e9) {
      this.#suspectSinceNs = Number.NaN;
      connection.replace();
    }
  }
}

function nameOf(address: RedisAddress, { sentinels }: RedisPublisherOptions): string {
  return sentinels === undefined ? `${address.host}:${address.port}` : `${sentinels.name} (Sentinel)`;
}
