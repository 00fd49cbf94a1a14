import type { Redis } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { Clock } from '../../model/clock.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { DocumentEncoder } from '../encode.ts';
import { KIND } from './command-ring.ts';
import { CommandWriter } from './command-writer.ts';
import { HotConnection, type HotConnectionListener } from './hot-connection.ts';
import type { PublishOutcomes } from './publish-outcomes.ts';
import type { SymbolState } from './symbol-state.ts';
import { TradeQueue } from './trade-queue.ts';

/** Sizes at which a lane stops writing at once, in bytes. */
export interface LaneLimits {
  readonly conflateAboveBytes: number;
  readonly queueBytesMax: number;
}

/** What lanes have in common. */
export interface LaneContext {
  readonly clock: Clock;
  readonly encoder: DocumentEncoder;
  readonly outcomes: PublishOutcomes;
  readonly limits: LaneLimits;
  readonly instruments: readonly Instrument[];
  /** By instrument index. */
  readonly symbols: readonly SymbolState[];
  /** Redis refused a command with this error code. */
  onRefusedCommand(lane: Lane, kind: string): void;
}

/** Entries that were served stay in the list of pending symbols up to this number: cutting them off each time costs more. */
const SERVED_MAX = 1024;

/**
 * The way of some symbols to one Redis, and what happens when it is slow or away: books conflate to the latest per symbol,
 * trades queue in order and lose their oldest, of states the latest is kept. Whatever waits is written as soon as answers make
 * room, at most half of each turn for books as long as trades wait.
 */
export class Lane implements HotConnectionListener {
  readonly connection: HotConnection;
  /** Host and port, for messages. */
  readonly name: string;
  /** The symbols that go this way. */
  readonly assigned = new Set<SymbolState>();
  /** Why the connection failed last; empty once it is ready. */
  connectionErrorKind = '';
  readonly #context: LaneContext;
  readonly #outcomes: PublishOutcomes;
  readonly #commands: CommandWriter;
  readonly #limits: LaneLimits;
  readonly #trades: TradeQueue;
  readonly #refusedKeys = new Set<SymbolState>();
  /** Symbols with something pending, in the order in which they are served, from `#pendingHead` on. */
  #pending: SymbolState[] = [];
  #pendingHead = 0;

  /** @param redis as {@link HotConnection} wants it */
  constructor(redis: Redis, database: number, name: string, context: LaneContext) {
    this.#context = context;
    this.#outcomes = context.outcomes;
    this.#limits = context.limits;
    this.#trades = new TradeQueue(context.instruments, context.limits.queueBytesMax);
    this.name = name;
    this.connection = new HotConnection(redis, database, context.clock, this);
    this.#commands = new CommandWriter(this.connection, context.encoder, context.symbols);
  }

  get queuedTrades(): number {
    return this.#trades.count;
  }

  get queuedBytes(): number {
    return this.connection.outstandingBytes + this.#trades.bytes;
  }

  get hasBacklog(): boolean {
    return this.#trades.count > 0 || this.#pendingHead < this.#pending.length;
  }

  onBook(symbol: SymbolState, book: BookUpdate): void {
    symbol.book.copy(book);
    symbol.isLive = true;
    if (symbol.isBookPending) this.#outcomes.drop(this.connection.isReady ? 'book_conflated' : 'book_disconnected');
    // Not before its state: a consumer trusts a book only once it was told that the market is live.
    if (!symbol.isStatusPending && this.#canWrite()) {
      symbol.isBookPending = false;
      symbol.isKeyPending = false;
      this.#commands.writeBook(symbol, book);
    } else {
      symbol.isBookPending = true;
      this.#queue(symbol);
    }
  }

  onTrade(trade: Trade): void {
    if (this.#trades.count === 0 && this.#canWrite()) this.#commands.writeTrade(trade);
    else if (!this.#trades.push(trade)) this.#outcomes.drop('trade_queue_full');
  }

  onStatus(symbol: SymbolState, status: StatusUpdate): void {
    symbol.status = { ...status };
    if (status.state !== 'live') this.#leaveLive(symbol);
    // States are few and tell consumers what to trust: they do not wait behind books and trades, up to the hard limit.
    if (this.connection.isReady && this.connection.outstandingBytes < this.#limits.queueBytesMax) {
      symbol.isStatusPending = false;
      this.#commands.writeStatus(symbol.status);
      return;
    }
    if (symbol.isStatusPending) this.#outcomes.drop('status_conflated');
    symbol.isStatusPending = true;
    this.#queue(symbol);
  }

  onEndOfBatch(): void {
    if (this.hasBacklog) this.drain();
    else this.connection.flush();
  }

  /** Writes of the backlog what there is room for. Called when answers have come, and once per batch. */
  drain(): void {
    const connection = this.connection;
    const room = this.#limits.conflateAboveBytes - connection.outstandingBytes;
    if (connection.isReady && room > 0 && this.hasBacklog) {
      const until = connection.outstandingBytes + Math.min(room, LIMITS.redis_drain_bytes);
      const half = (connection.outstandingBytes + until) / 2;
      this.#drainSymbols(this.#trades.count > 0 ? half : until);
      this.#drainTrades(until);
      this.#drainSymbols(until);
    }
    connection.flush();
  }

  /** Ends the connection. What still waits is lost, and counted. */
  abandon(): void {
    for (; this.#trades.count > 0; this.#trades.shift()) this.#outcomes.drop('trade_shutdown');
    this.connection.close();
  }

  /** Once a second: keys that Redis refused are written again, so that a quiet symbol's key does not stay missing. */
  retryKeys(): void {
    for (const symbol of this.#refusedKeys) {
      symbol.isKeyPending = symbol.isLive;
      if (symbol.isLive) this.#queue(symbol);
    }
    this.#refusedKeys.clear();
    this.drain();
  }

  // --- what the connection reports

  onReady(): void {
    this.connectionErrorKind = '';
    this.#outcomes.forgetError();
    this.#outcomes.logs.log(`ready ${this.name}`, 'info', 'Redis is connected', { redis: this.name });
    for (const symbol of this.assigned) this.#republish(symbol);
    this.drain();
  }

  onClosed(): void {
    this.#outcomes.logs.log(`closed ${this.name}`, 'warn', 'Redis connection closed', { redis: this.name });
  }

  onReply(kind: number): void {
    this.#outcomes.confirm(kind);
  }

  onErrorReply(kind: number, index: number, text: string): void {
    if (kind === KIND.ping || kind === KIND.select) {
      if (!this.connection.isReady) this.connectionErrorKind = this.#outcomes.refuseConnection(text, this.name);
      return;
    }
    const symbol = this.#context.symbols[index]!;
    const error = this.#outcomes.refuse(kind, symbol.instrument.symbol, text);
    if (kind === KIND.set) this.#refusedKeys.add(symbol);
    this.#context.onRefusedCommand(this, error);
  }

  onUnanswered(kind: number): void {
    this.#outcomes.lose(kind);
  }

  onProgress(): void {
    if (this.hasBacklog && this.connection.outstandingBytes < this.#limits.conflateAboveBytes / 2) this.drain();
  }

  onConnectionError(error: Error): void {
    this.connectionErrorKind = this.#outcomes.failConnection(error, this.name);
  }

  /** A symbol takes this way from now on. */
  assign(symbol: SymbolState): void {
    this.assigned.add(symbol);
    if (!this.connection.isReady) return;
    this.#republish(symbol);
    this.drain();
  }

  /** A symbol takes another way, and its queued trades with it. */
  unassign(symbol: SymbolState, receive: (trade: Trade) => void): void {
    this.assigned.delete(symbol);
    this.#refusedKeys.delete(symbol);
    this.#pending = this.#pending.slice(this.#pendingHead).filter((other) => other !== symbol);
    this.#pendingHead = 0;
    symbol.isQueued = false;
    for (let count = this.#trades.count; count > 0; count--) {
      const trade = this.#trades.peek();
      this.#trades.shift();
      if (trade.instrument === symbol.instrument) receive(trade);
      else this.#trades.push(trade);
    }
  }

  /** On a new connection, what is current is published again, whatever was under way on the last one. */
  #republish(symbol: SymbolState): void {
    symbol.isStatusPending = symbol.status !== undefined;
    symbol.isBookPending = symbol.isLive;
    if (symbol.isStatusPending || symbol.isBookPending) this.#queue(symbol);
  }

  #canWrite(): boolean {
    return this.connection.isReady && this.connection.outstandingBytes < this.#limits.conflateAboveBytes;
  }

  #queue(symbol: SymbolState): void {
    if (symbol.isQueued) return;
    symbol.isQueued = true;
    this.#pending.push(symbol);
  }

  #leaveLive(symbol: SymbolState): void {
    if (symbol.isBookPending) this.#outcomes.drop('book_not_live');
    symbol.isLive = false;
    symbol.isBookPending = false;
    symbol.isKeyPending = false;
  }

  #drainSymbols(until: number): void {
    const connection = this.connection;
    while (this.#pendingHead < this.#pending.length && connection.outstandingBytes < until) {
      const symbol = this.#pending[this.#pendingHead++]!;
      symbol.isQueued = false;
      // The state first: "live" has to precede the first book.
      if (symbol.isStatusPending) {
        symbol.isStatusPending = false;
        this.#commands.writeStatus(symbol.status!);
      }
      if (symbol.isBookPending || symbol.isKeyPending) this.#drainBook(symbol);
    }
    if (this.#pendingHead === this.#pending.length || this.#pendingHead > SERVED_MAX) {
      this.#pending.splice(0, this.#pendingHead);
      this.#pendingHead = 0;
    }
  }

  #drainBook(symbol: SymbolState): void {
    symbol.book.followScales();
    if (symbol.isBookPending) {
      symbol.isBookPending = false;
      this.#commands.writeBook(symbol, symbol.book);
    } else this.#commands.writeKey(symbol, symbol.book);
    symbol.isKeyPending = false;
  }

  #drainTrades(until: number): void {
    while (this.#trades.count > 0 && this.connection.outstandingBytes < until) {
      this.#commands.writeTrade(this.#trades.peek());
      this.#trades.shift();
    }
  }
}
