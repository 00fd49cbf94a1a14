import type { Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import type { MarketState, StateReason } from '../model/market-state.ts';

/**
 * The contract of a sink. Calls are synchronous and must not block or throw; an implementation that cannot keep up conflates
 * books, queues trades up to a limit and counts what it drops. Arguments are reused by the caller: copy what is kept.
 */
export interface Publisher {
  /** Short name for metrics, e.g. "redis" or "shm". */
  readonly name: string;
  /** A live book changed. */
  onBook(book: BookUpdate): void;
  onTrade(trade: Trade): void;
  onStatus(status: StatusUpdate): void;
  /** All frames that had arrived have been handled: do the I/O now, once. */
  onEndOfBatch(): void;
  /** Hands out everything accepted so far, then releases resources. Resolves also when that failed. */
  close(): Promise<void>;
}

/** The top N of a live book with the symbol's statistics. Mantissas at the instrument's scales. */
export interface BookUpdate {
  readonly instrument: Instrument;
  readonly lastUpdateId: number;
  /** `partial`: the venue's own top-N frames; no diff chain stands behind it. */
  readonly source: 'diff' | 'partial';
  readonly exchangeTimeMs: number;
  readonly receiveTimeNs: number;
  readonly bidCount: number;
  readonly askCount: number;
  /** Best first, valid up to the counts. */
  readonly bidPrices: Float64Array;
  readonly bidQuantities: Float64Array;
  readonly askPrices: Float64Array;
  readonly askQuantities: Float64Array;
  /** Last trade, or mid: mantissa at `lastPriceScale` (a mid may need one more decimal place than a price). */
  readonly lastPrice: number;
  readonly lastPriceScale: number;
  /** 24 h statistics at the instrument's scales; NaN while unknown. */
  readonly volume24h: number;
  readonly high24h: number;
  readonly low24h: number;
}

export interface StatusUpdate {
  readonly instrument: Instrument;
  readonly state: MarketState;
  readonly reason: StateReason;
  /** Of the last applied update; -1 when there was none. */
  readonly lastUpdateId: number;
  readonly timeNs: number;
}
