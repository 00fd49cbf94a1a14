import type { Market } from '../book/market.ts';
import type { DepthMode, Sequencer } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import { LabelledCounter } from '../model/counters.ts';
import { FeedError } from '../model/errors.ts';
import type { BookUpdate, DepthSnapshot, DepthUpdate, TopOfBook } from '../model/events.ts';
import { LatencyHistogram } from '../model/latency-histogram.ts';
import type { StateReason } from '../model/market-state.ts';
import type { BookAudit } from './audit.ts';
import { BookBuilder } from './book-builder.ts';
import type { BookCandidate } from './book-candidate.ts';
import { DepthBuffer } from './depth-buffer.ts';
import { StreamLiveness } from './liveness.ts';
import { PRIORITY, type Priority } from './rest-client.ts';

/** What a session needs of the feed around it. */
export interface SessionHost {
  readonly depthMode: DepthMode;
  nowNs(): number;
  createSequencer(): Sequencer;
  /** Asks for a snapshot; `onStart` is called when the request leaves, which may be at once or after a wait for the budget. */
  requestSnapshot(session: SymbolSession, priority: Priority, onStart: () => void): Promise<DepthSnapshot>;
  /** More than one socket delivers this symbol's depth: what one has not brought may still come from another. */
  isDepthOverlapping(session: SymbolSession): boolean;
  /** A live book changed; the host publishes it now or, under overload, once for all changes of this batch. */
  onBookChanged(session: SymbolSession): void;
  onStateChanged(session: SymbolSession): void;
}

const HORIZON_CHECK_EVERY = 8;

/**
 * Keeps one symbol's book in sync with the exchange: buffer, snapshot, bridge, live; on a gap the same again for this symbol alone.
 * All state changes of a market happen here.
 */
export class SymbolSession {
  readonly market: Market;
  readonly resyncs = new LabelledCounter();
  readonly latency = new LatencyHistogram();
  readonly depthLiveness = new StreamLiveness({
    floorMs: LIMITS.depth_silence_floor_ms,
    ceilingMs: LIMITS.depth_silence_ceiling_ms,
  });
  readonly tradeLiveness = new StreamLiveness({
    floorMs: LIMITS.trade_silence_floor_ms,
    ceilingMs: LIMITS.trade_silence_ceiling_ms,
  });
  readonly audit: BookAudit | undefined;
  updates = 0;
  gaps = 0;
  duplicates = 0;
  refreshes = 0;
  /** Updates applied in the current batch of frames, and whether a publication of them is still due. */
  batchUpdates = 0;
  isPublicationDue = false;
  readonly #host: SessionHost;
  #sequencer: Sequencer;
  readonly #builder: BookBuilder;
  /** Updates that are ahead of the chain while another socket may still bring the ones before them. */
  readonly #ahead = new DepthBuffer(LIMITS.gap_hold_updates_max);
  #aheadSinceNs = Number.NaN;
  #refreshAllowedNs = 0;
  #sinceHorizonCheck = 0;
  #auditFromNs = 0;
  #isClosed = false;

  constructor(market: Market, host: SessionHost, audit: BookAudit | undefined) {
    this.market = market;
    this.audit = audit;
    this.#host = host;
    this.#sequencer = host.createSequencer();
    this.#builder = new BookBuilder({
      instrument: market.instrument,
      nowNs: () => host.nowNs(),
      createSequencer: () => host.createSequencer(),
      requestSnapshot: (priority, onStart) => host.requestSnapshot(this, priority, onStart),
      retryPriority: () => (this.market.state === 'live' ? PRIORITY.refresh : PRIORITY.resync),
      onBookProven: (candidate, latest) => this.#adopt(candidate, latest),
    });
  }

  get symbol(): string {
    return this.market.instrument.symbol;
  }

  /** An update of the diff stream. */
  onDepth(update: DepthUpdate): void {
    this.depthLiveness.onData(update.receiveTimeNs);
    const state = this.market.state;
    if (state === 'live' || state === 'stale') this.#advance(update);
    else this.#wantBook(PRIORITY.snapshot);
    if (this.#builder.isWanted) this.#builder.offer(update);
  }

  /** A whole top of book, in partial-depth mode. */
  onPartialDepth(update: DepthUpdate): void {
    this.depthLiveness.onData(update.receiveTimeNs);
    const market = this.market;
    if (market.source === 'partial' && update.finalUpdateId <= market.lastUpdateId && market.state === 'live') {
      // Ids that fall far back are an exchange that started anew; a little behind is the other socket.
      if (market.lastUpdateId - update.finalUpdateId < 1_000_000) {
        this.duplicates += 1;
        return;
      }
    }
    if (!market.applyPartial(update)) {
      this.#change('resyncing', update.bidCount === 0 || update.askCount === 0 ? 'empty_book' : 'crossed_book');
      return;
    }
    this.#applied(update);
    this.#change('live', 'partial_depth');
    this.#host.onBookChanged(this);
  }

  onTopOfBook(top: TopOfBook): void {
    if (this.audit === undefined || this.#host.nowNs() < this.#auditFromNs) return;
    if (!this.audit.onTopOfBook(top)) this.#auditFailed();
  }

  /** The route that carries this symbol's depth opened. */
  onDepthRouteUp(): void {
    this.#builder.resetBackoff();
    // The snapshot may come before the first diff; most symbols send one within a second, and it asks earlier.
    if (this.market.state === 'syncing' && this.#host.depthMode === 'diff') this.#builder.wantSoon(PRIORITY.snapshot);
  }

  onDepthRouteDown(): void {
    this.depthLiveness.suspend();
    this.audit?.reset();
    this.markStale('disconnected');
  }

  /** The route that carries this symbol's trades is down: what trades happen meanwhile is not known. */
  onTradeRouteDown(): void {
    this.tradeLiveness.suspend();
  }

  /** Another socket opened beside one that delivers: until both have caught up, a statement may be missing between two that came. */
  onSocketAdded(): void {
    this.#auditFromNs = this.#host.nowNs() + LIMITS.audit_settle_ms * 1e6;
    this.audit?.reset();
  }

  /** The book may be right but nothing proves it any more. The next update decides: it continues the chain or it does not. */
  markStale(reason: StateReason): void {
    if (this.market.state === 'live') this.#change('stale', reason);
  }

  /** Throws the book away and builds it anew. */
  resync(reason: StateReason): void {
    this.#breakChain(reason);
    this.#wantBook(PRIORITY.resync);
  }

  /** The depth mode changed: nothing that was built stands. */
  restart(reason: StateReason): void {
    this.#builder.forget();
    this.depthLiveness.suspend();
    if (this.market.state !== 'syncing') this.#breakChain(reason);
  }

  /** To be called several times a second. */
  check(nowNs: number): void {
    if (!Number.isNaN(this.#aheadSinceNs) && nowNs - this.#aheadSinceNs > LIMITS.gap_hold_ms * 1e6) this.#gap('gap');
    if (this.depthLiveness.isSilent(nowNs) || this.tradeLiveness.isSilent(nowNs)) this.markStale('silent_stream');
  }

  /** Moves everything kept to finer scales; see MarketSink.onScale. */
  rescale(priceScale: number, quantityScale: number): void {
    const { instrument } = this.market;
    const pricePlaces = priceScale - instrument.priceScale;
    const quantityPlaces = quantityScale - instrument.quantityScale;
    this.#ahead.rescale(pricePlaces, quantityPlaces);
    this.audit?.rescale(pricePlaces, quantityPlaces);
    const isExact = [
      isExactAfter(() => this.#builder.rescale(priceScale, quantityScale)),
      isExactAfter(() => this.market.rescale(priceScale, quantityScale)),
    ];
    // A level that has no exact form at the new scales: the instrument has them all the same, the book starts anew.
    if (isExact.includes(false)) this.resync('scale_change');
  }

  /** Asks for a fresh snapshot while the book stays live: to push the horizon out, and as an audit of the book. */
  refresh(): void {
    const nowNs = this.#host.nowNs();
    if (this.market.state !== 'live' || this.market.source !== 'diff' || nowNs < this.#refreshAllowedNs) return;
    this.#refreshAllowedNs = nowNs + LIMITS.refresh_interval_ms * 1e6;
    this.#wantBook(PRIORITY.refresh);
  }

  close(): void {
    this.#builder.forget();
    this.#isClosed = true;
    if (this.market.state !== 'syncing') this.#change('stale', 'shutdown');
  }

  /** The top of the live book as it is now, for publication; undefined when so little of it is certain that the book is built anew. */
  topOfLiveBook(): BookUpdate | undefined {
    if (this.market.source === 'partial') return this.market.update;
    const top = this.market.refresh();
    if (top.bidCount > 0 && top.askCount > 0) return top;
    this.resync('horizon');
    return undefined;
  }

  #advance(update: DepthUpdate): void {
    switch (this.#sequencer.onDepth(update)) {
      case 'apply':
        this.#apply(update);
        if (!Number.isNaN(this.#aheadSinceNs)) this.#catchUp();
        return;
      case 'drop':
        this.duplicates += 1;
        return;
      case 'buffer':
      case 'gap':
        if (!this.#hold(update)) this.#gap('gap');
        return;
      case 'reset':
        this.#gap('update_ids_reset');
        return;
    }
  }

  #apply(update: DepthUpdate): void {
    const { market } = this;
    market.book.apply(update);
    if (market.book.isEmpty || market.book.isCrossed) {
      this.resync(market.book.isEmpty ? 'empty_book' : 'crossed_book');
      return;
    }
    this.#applied(update);
    if (market.state === 'stale' && !this.tradeLiveness.isSilent(update.receiveTimeNs))
      this.#change('live', 'chain_continued');
    if (this.audit !== undefined && !this.audit.onBook(market)) {
      this.#auditFailed();
      return;
    }
    this.#checkHorizon();
    this.#host.onBookChanged(this);
  }

  #applied(update: DepthUpdate): void {
    this.updates += 1;
    this.market.onApplied(update);
  }

  /** With several sockets, an update that is ahead waits a moment for the ones before it. */
  #hold(update: DepthUpdate): boolean {
    if (!this.#host.isDepthOverlapping(this) || !this.#ahead.push(update)) return false;
    if (Number.isNaN(this.#aheadSinceNs)) this.#aheadSinceNs = update.receiveTimeNs;
    return true;
  }

  #catchUp(): void {
    const held = this.#ahead.updates.splice(0).sort((a, b) => a.finalUpdateId - b.finalUpdateId);
    const since = this.#aheadSinceNs;
    this.#aheadSinceNs = Number.NaN;
    for (const update of held) {
      const decision = this.#sequencer.onDepth(update);
      if (decision === 'apply') {
        this.#apply(update);
        if (this.market.state !== 'live') return;
      } else if (decision === 'gap') {
        this.#ahead.push(update);
        this.#aheadSinceNs = since;
      }
    }
  }

  #gap(reason: 'gap' | 'update_ids_reset'): void {
    this.gaps += 1;
    this.resync(reason);
  }

  #breakChain(reason: StateReason): void {
    this.resyncs.add(reason);
    this.#builder.forget();
    this.#sequencer.reset();
    this.#ahead.clear();
    this.#aheadSinceNs = Number.NaN;
    this.isPublicationDue = false;
    this.audit?.reset();
    this.#change('resyncing', reason);
  }

  #auditFailed(): void {
    this.resync('audit_mismatch');
  }

  #checkHorizon(): void {
    this.#sinceHorizonCheck += 1;
    if (this.#sinceHorizonCheck < HORIZON_CHECK_EVERY) return;
    this.#sinceHorizonCheck = 0;
    if (this.market.isNearHorizon) this.refresh();
  }

  #wantBook(priority: Priority): void {
    if (!this.#isClosed && this.#host.depthMode === 'diff') this.#builder.want(priority);
  }

  #adopt(candidate: BookCandidate, latest: DepthUpdate | undefined): void {
    const { market } = this;
    if (candidate.book.isEmpty || candidate.book.isCrossed) {
      this.resync(candidate.book.isEmpty ? 'empty_book' : 'crossed_book');
      return;
    }
    const wasLive = market.state === 'live';
    if (wasLive) {
      // Both were fed the same diffs; while one socket is ahead of another the two may differ for a moment: keep the one in use.
      if (candidate.sequencer.lastUpdateId !== this.#sequencer.lastUpdateId) return;
      this.refreshes += 1;
      if (!market.agreesWith(candidate.book)) {
        this.resyncs.add('audit_mismatch');
        this.#change('resyncing', 'audit_mismatch');
      }
    }
    this.#sequencer = candidate.sequencer;
    market.adopt(candidate.book);
    if (market.state === 'live') return;
    market.lastUpdateId = candidate.sequencer.lastUpdateId;
    market.receiveTimeNs = latest?.receiveTimeNs ?? this.#host.nowNs();
    market.exchangeTimeMs = latest?.exchangeTimeMs ?? candidate.exchangeTimeMs;
    this.updates += 1;
    if (this.tradeLiveness.isSilent(market.receiveTimeNs)) {
      this.#change('stale', 'silent_stream');
      return;
    }
    this.#change('live', 'snapshot_bridged');
    this.#host.onBookChanged(this);
  }

  #change(state: 'live' | 'stale' | 'resyncing', reason: StateReason): void {
    if (this.market.transition(state, reason)) this.#host.onStateChanged(this);
  }
}

function isExactAfter(rescale: () => void): boolean {
  try {
    rescale();
    return true;
  } catch (error) {
    if (error instanceof FeedError) return false;
    throw error;
  }
}
