import { Market } from '../book/market.ts';
import type { Decoder, DepthMode, Exchange, MarketSink, RejectReason, Sequencer } from '../exchanges/exchange.ts';
import type { Clock } from '../model/clock.ts';
import { LabelledCounter } from '../model/counters.ts';
import type { DepthSnapshot, DepthUpdate, Ticker24h, TopOfBook, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import type { Publisher } from '../publish/publisher.ts';
import { BookAudit } from './audit.ts';
import { OverloadDetector } from './overload.ts';
import type { Priority } from './rest-client.ts';
import { type SessionHost, SymbolSession } from './symbol-session.ts';
import { type TradeHost, TradeSequence } from './trade-sequence.ts';

/** What the feed reports besides data; `fields` are safe to log. */
export type FeedLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;

export interface PipelineOptions {
  readonly depth: number;
  readonly lastPriceSource: 'trade' | 'mid';
  readonly audit: boolean;
}

/** What the pipeline cannot do from frames alone. */
export interface PipelineServices {
  readonly depthMode: DepthMode;
  requestSnapshot(instrument: Instrument, priority: Priority, onStart: () => void): Promise<DepthSnapshot>;
  /** Trades `fromId`, `fromId + 1` … as far as one answer reaches. */
  fetchTrades(instrument: Instrument, fromId: number): Promise<Trade[]>;
  isDepthOverlapping(instrument: Instrument): boolean;
  isTradeOverlapping(instrument: Instrument): boolean;
}

/**
 * The hot path: a frame comes in through `onFrame`, is decoded into this sink, judged by its symbol's session, and published.
 * Publishers do their I/O once per batch: all frames of one read of a socket are handled in one go, the flush runs right after.
 * Live sockets, replays and benches use it alike.
 */
export class Pipeline implements MarketSink, SessionHost, TradeHost {
  readonly sessions: readonly SymbolSession[];
  readonly tradeSequences: readonly TradeSequence[];
  readonly rejected = new LabelledCounter();
  readonly overload = new OverloadDetector();
  frames = 0;
  frameBytes = 0;
  /** Exchange time of the latest update against wall time on receipt, seconds; NaN before the first. */
  exchangeLagSeconds = Number.NaN;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #publishers: readonly Publisher[];
  readonly #log: FeedLog;
  readonly #services: PipelineServices;
  readonly #decoder: Decoder;
  /** Sessions whose book changed in this batch, up to a count: an array that is emptied and filled again allocates each time. */
  readonly #touched: SymbolSession[] = [];
  #touchedCount = 0;
  readonly #flush = (): void => this.endBatch();
  #isBatchOpen = false;
  #batchTimeNs = 0;
  #batchExchangeTimeMs = 0;

  constructor(
    exchange: Exchange,
    instruments: readonly Instrument[],
    options: PipelineOptions,
    clock: Clock,
    publishers: readonly Publisher[],
    services: PipelineServices,
    log: FeedLog,
  ) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.#publishers = publishers;
    this.#services = services;
    this.#log = log;
    this.sessions = instruments.map((instrument) => {
      const market = new Market(instrument, { depth: options.depth, lastPriceSource: options.lastPriceSource });
      return new SymbolSession(market, this, options.audit ? new BookAudit() : undefined);
    });
    this.tradeSequences = instruments.map((instrument) => new TradeSequence(instrument, this));
    this.#decoder = exchange.createDecoder(instruments);
  }

  onFrame(frame: Uint8Array): void {
    this.scheduleFlush();
    this.frames += 1;
    this.frameBytes += frame.length;
    this.#decoder.decode(frame, this);
  }

  /** Monotonic time of the batch under way, or now. */
  nowNs(): number {
    return this.#isBatchOpen ? this.#batchTimeNs : this.#clock.nowNs();
  }

  /** Frames follow, and then `endBatch`: until then nothing is flushed. */
  beginBatch(): void {
    if (this.#isBatchOpen) return;
    this.#isBatchOpen = true;
    this.#batchTimeNs = this.#clock.nowNs();
  }

  /** Something was or will be handed to publishers in this turn of the event loop: flush them at its end. */
  scheduleFlush(): void {
    if (this.#isBatchOpen) return;
    this.beginBatch();
    process.nextTick(this.#flush);
  }

  endBatch(): void {
    for (let index = 0; index < this.#touchedCount; index++) {
      const session = this.#touched[index]!;
      if (session.isPublicationDue) this.#publishBook(session);
    }
    for (const publisher of this.#publishers) publisher.onEndOfBatch();
    if (this.#touchedCount > 0) this.#recordLatency();
    if (this.#batchExchangeTimeMs > 0) this.#recordLag();
    this.#isBatchOpen = false;
  }

  // --- decoded events

  onDepth(update: DepthUpdate): void {
    update.receiveTimeNs = this.#batchTimeNs;
    const session = this.sessions[update.instrument.index]!;
    this.#advanceTime(session, update);
    session.onDepth(update);
  }

  onPartialDepth(update: DepthUpdate): void {
    update.receiveTimeNs = this.#batchTimeNs;
    const session = this.sessions[update.instrument.index]!;
    this.#advanceTime(session, update);
    session.onPartialDepth(update);
  }

  onTrade(trade: Trade): void {
    trade.receiveTimeNs = this.#batchTimeNs;
    const { index } = trade.instrument;
    this.sessions[index]!.tradeLiveness.onData(this.#batchTimeNs);
    this.tradeSequences[index]!.onTrade(trade);
  }

  onTopOfBook(top: TopOfBook): void {
    this.sessions[top.instrument.index]!.onTopOfBook(top);
  }

  onTicker24h(ticker: Ticker24h): void {
    this.sessions[ticker.instrument.index]!.market.statistics.onTicker(ticker);
  }

  onScale(instrument: Instrument, priceScale: number, quantityScale: number): void {
    const pricePlaces = priceScale - instrument.priceScale;
    const quantityPlaces = quantityScale - instrument.quantityScale;
    this.tradeSequences[instrument.index]!.rescale(pricePlaces, quantityPlaces);
    this.sessions[instrument.index]!.rescale(priceScale, quantityScale);
    this.#log('info', 'scale widened', {
      symbol: instrument.symbol,
      price_scale: priceScale,
      quantity_scale: quantityScale,
    });
  }

  onRejected(reason: RejectReason, detail: string): void {
    this.rejected.add(reason);
    this.#log('debug', 'frame rejected', { reason, detail });
  }

  onAcknowledged(error: string | undefined): void {
    if (error !== undefined) this.#log('error', 'subscription refused', { error });
  }

  // --- what sessions ask for and report

  get depthMode(): DepthMode {
    return this.#services.depthMode;
  }

  createSequencer(): Sequencer {
    return this.#exchange.createSequencer();
  }

  requestSnapshot(session: SymbolSession, priority: Priority, onStart: () => void): Promise<DepthSnapshot> {
    return this.#services.requestSnapshot(session.market.instrument, priority, onStart);
  }

  isDepthOverlapping(session: SymbolSession): boolean {
    return this.#services.isDepthOverlapping(session.market.instrument);
  }

  onBookChanged(session: SymbolSession): void {
    this.scheduleFlush();
    if (session.batchUpdates === 0) this.#touched[this.#touchedCount++] = session;
    session.batchUpdates += 1;
    if (session.market.state !== 'live') return;
    if (!this.overload.isOverloaded) {
      this.#publishBook(session);
      return;
    }
    if (session.isPublicationDue) this.overload.conflated += 1;
    session.isPublicationDue = true;
  }

  onStateChanged(session: SymbolSession): void {
    this.scheduleFlush();
    const { market } = session;
    const { state, reason, lastUpdateId, instrument } = market;
    const status = { instrument, state, reason, lastUpdateId, timeNs: this.nowNs() };
    for (const publisher of this.#publishers) publisher.onStatus(status);
    const level = state === 'live' || reason === 'shutdown' ? 'info' : 'warn';
    this.#log(level, 'book state changed', { symbol: session.symbol, state, reason, last_update_id: lastUpdateId });
  }

  // --- what trade sequences ask for and report

  isTradeOverlapping(sequence: TradeSequence): boolean {
    return this.#services.isTradeOverlapping(sequence.instrument);
  }

  fetchTrades(instrument: Instrument, fromId: number): Promise<Trade[]> {
    return this.#services.fetchTrades(instrument, fromId);
  }

  onTradeInOrder(trade: Trade): void {
    this.scheduleFlush();
    this.sessions[trade.instrument.index]!.market.onTrade(trade);
    for (const publisher of this.#publishers) publisher.onTrade(trade);
  }

  onTradesLost(sequence: TradeSequence, fromId: number, toId: number, fromTimeMs: number, toTimeMs: number): void {
    const { symbol, index } = sequence.instrument;
    this.sessions[index]!.market.statistics.markIncomplete(fromTimeMs, toTimeMs);
    this.#log('error', 'trades lost', { symbol, from_id: fromId, to_id: toId, count: toId - fromId + 1 });
  }

  #publishBook(session: SymbolSession): void {
    session.isPublicationDue = false;
    const update = session.topOfLiveBook();
    if (update === undefined) return;
    for (const publisher of this.#publishers) publisher.onBook(update);
  }

  #recordLatency(): void {
    const latencyNs = this.#clock.nowNs() - this.#batchTimeNs;
    for (let index = 0; index < this.#touchedCount; index++) {
      const session = this.#touched[index]!;
      session.latency.recordMany(latencyNs, session.batchUpdates);
      session.batchUpdates = 0;
    }
    this.#touchedCount = 0;
  }

  #advanceTime(session: SymbolSession, { exchangeTimeMs }: DepthUpdate): void {
    if (exchangeTimeMs === 0) return;
    session.market.statistics.advance(exchangeTimeMs);
    this.#batchExchangeTimeMs = exchangeTimeMs;
  }

  #recordLag(): void {
    const seconds = this.#clock.wallSeconds(this.#batchTimeNs);
    const nowMs = seconds * 1000 + this.#clock.wallNanos(this.#batchTimeNs) / 1e6;
    this.exchangeLagSeconds = (nowMs - this.#batchExchangeTimeMs) / 1000;
    this.overload.observe(this.#batchExchangeTimeMs, nowMs);
    this.#batchExchangeTimeMs = 0;
  }
}
