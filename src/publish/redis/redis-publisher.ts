import { LIMITS } from '../../limits.ts';
import type { Clock } from '../../model/clock.ts';
import type { LabelledCounter } from '../../model/counters.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { DocumentEncoder } from '../encode.ts';
import type { Publisher } from '../publisher.ts';
import { KIND } from './command-ring.ts';
import type { Instance } from './instance-lease.ts';
import type { Lane, LaneContext, LaneLimits } from './lane.ts';
import { Lanes } from './lanes.ts';
import type { LogListener } from './log-limiter.ts';
import { PublishOutcomes } from './publish-outcomes.ts';
import { parseRedisUrl } from './redis-address.ts';
import { RedisConnections, type Sentinels } from './redis-connections.ts';
import { SymbolState } from './symbol-state.ts';

export interface RedisPublisherOptions {
  /** `redis://` or `rediss://`; with Sentinel, host and port in it are not used. */
  readonly url: string;
  readonly sentinels?: Sentinels;
  readonly clock: Clock;
  /** By index. */
  readonly instruments: readonly Instrument[];
  readonly onLog: LogListener;
  /** Shared with other sinks, so that a book is encoded once for all of them. */
  readonly encoder?: DocumentEncoder;
  readonly limits?: LaneLimits;
}

const KEEP_ALIVE_TICKS = LIMITS.redis_keep_alive_interval_ms / LIMITS.check_interval_ms;
const KEY_RETRY_TICKS = 5 * KEEP_ALIVE_TICKS;
const CLOSE_POLL_MS = 5;

/**
 * Publishes to Redis: channels `orderbook:`, `market_data:`, `trades:`, `status:` and the key `market_data:{SYMBOL}`.
 * @throws UsageError from the constructor when the URL cannot be used
 */
export class RedisPublisher implements Publisher {
  readonly name = 'redis';
  readonly #clock: Clock;
  readonly #outcomes: PublishOutcomes;
  readonly #symbols: readonly SymbolState[];
  readonly #connections: RedisConnections;
  readonly #lanes: Lanes;
  #ticks = 0;
  #isClosing = false;

  constructor(options: RedisPublisherOptions) {
    this.#clock = options.clock;
    this.#outcomes = new PublishOutcomes(options.clock, options.onLog);
    this.#symbols = options.instruments.map((instrument) => new SymbolState(instrument));
    this.#connections = new RedisConnections(parseRedisUrl(options.url), options.sentinels);
    this.#lanes = new Lanes(this.#connections, this.#context(options));
  }

  /** Connects in the background, for as long as it takes. */
  start(): void {
    this.#lanes.start();
  }

  // --- the contract of a sink

  onBook(book: BookUpdate): void {
    const { index } = book.instrument;
    this.#lanes.of(index).onBook(this.#symbols[index]!, book);
  }

  onTrade(trade: Trade): void {
    this.#lanes.of(trade.instrument.index).onTrade(trade);
  }

  onStatus(status: StatusUpdate): void {
    const { index } = status.instrument;
    this.#lanes.of(index).onStatus(this.#symbols[index]!, status);
  }

  onEndOfBatch(): void {
    for (const lane of this.#lanes.all) lane.onEndOfBatch();
  }

  onTick(): void {
    this.#ticks++;
    if (this.#isClosing || this.#ticks % KEEP_ALIVE_TICKS !== 0) return;
    this.#lanes.tick();
    if (this.#ticks % KEY_RETRY_TICKS === 0) for (const lane of this.#lanes.all) lane.retryKeys();
  }

  /** Hands out what was accepted, within a bound; resolves also when Redis does not take it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const deadlineNs = this.#clock.nowNs() + (LIMITS.shutdown_ms_max / 3) * 1e6;
    while (this.connected && this.#clock.nowNs() < deadlineNs) {
      const waiting = this.#lanes.all.filter((lane) => lane.queuedBytes > 0 || lane.hasBacklog);
      if (waiting.length === 0) break;
      for (const lane of waiting) lane.drain();
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
    }
    await this.#lanes.close();
  }

  // --- what it says about itself

  /** Redis takes commands, and answers them. */
  get connected(): boolean {
    return this.#lanes.all.every((lane) => lane.connection.isReady) && !this.#isOverdue();
  }

  /** The last failure, as long as it is recent or lasts; never holds a secret. */
  get lastError(): string | undefined {
    if (this.#isOverdue()) return `no answer for ${Math.floor(this.#silenceNs() / 1e9)} s`;
    return this.#outcomes.lastError;
  }

  /** Another service that publishes some of the same symbols here. */
  get otherInstance(): Instance | undefined {
    return this.#lanes.control.otherInstance;
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
    return this.#lanes.all.reduce((sum, lane) => sum + lane.queuedBytes, 0);
  }

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

  #onRefusedCommand(lane: Lane, kind: string): void {
    if (kind === 'MOVED') this.#lanes.onMoved();
    // After a failover the old master is a replica: ask the Sentinels again.
    else if (kind === 'READONLY' && this.#connections.isSentinel) lane.connection.replace();
  }

  #silenceNs(): number {
    const now = this.#clock.nowNs();
    return Math.max(...this.#lanes.all.map((lane) => lane.connection.silenceNs(now)));
  }

  #isOverdue(): boolean {
    return this.#silenceNs() > LIMITS.redis_unresponsive_after_ms * 1e6;
  }
}
