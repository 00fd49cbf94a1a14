import type { Instrument } from './instrument.ts';
import type { MarketState, StateReason } from './market-state.ts';

/**
 * What a decoder hands on. Every object is owned by its decoder and overwritten by the next frame: a receiver that keeps one
 * copies it (`DepthUpdate.clone`). Prices and quantities are integer mantissas at the instrument's scales.
 */

/** A change of the order book: absolute quantities per price, 0 removes the level. Also a whole top of book (partial depth). */
export class DepthUpdate {
  instrument!: Instrument;
  /** The first and the final update id that this update covers (Binance `U` and `u`). */
  firstUpdateId = 0;
  finalUpdateId = 0;
  /** The final id of the update before this one on the same stream (Binance `pu`); -1 when the venue sent none. */
  previousFinalUpdateId = -1;
  /** The venue's event time, ms since the Unix epoch; 0 when absent. */
  exchangeTimeMs = 0;
  /** When the frame was read from the socket, on the process's monotonic clock, ns. Set by the receiver, not by decoders. */
  receiveTimeNs = 0;
  bidCount = 0;
  askCount = 0;
  /** Valid up to `bidCount` / `askCount`; grown by {@link DepthUpdate.reserve}. */
  bidPrices: Float64Array = new Float64Array(128);
  bidQuantities: Float64Array = new Float64Array(128);
  askPrices: Float64Array = new Float64Array(128);
  askQuantities: Float64Array = new Float64Array(128);

  reserveBids(count: number): void {
    if (count <= this.bidPrices.length) return;
    this.bidPrices = grown(this.bidPrices, count);
    this.bidQuantities = grown(this.bidQuantities, count);
  }

  reserveAsks(count: number): void {
    if (count <= this.askPrices.length) return;
    this.askPrices = grown(this.askPrices, count);
    this.askQuantities = grown(this.askQuantities, count);
  }

  /** A copy that owns its levels and is no larger than they are. */
  clone(): DepthUpdate {
    const copy = new DepthUpdate();
    copy.instrument = this.instrument;
    copy.firstUpdateId = this.firstUpdateId;
    copy.finalUpdateId = this.finalUpdateId;
    copy.previousFinalUpdateId = this.previousFinalUpdateId;
    copy.exchangeTimeMs = this.exchangeTimeMs;
    copy.receiveTimeNs = this.receiveTimeNs;
    copy.bidCount = this.bidCount;
    copy.askCount = this.askCount;
    copy.bidPrices = this.bidPrices.slice(0, this.bidCount);
    copy.bidQuantities = this.bidQuantities.slice(0, this.bidCount);
    copy.askPrices = this.askPrices.slice(0, this.askCount);
    copy.askQuantities = this.askQuantities.slice(0, this.askCount);
    return copy;
  }
}

function grown(array: Float64Array, count: number): Float64Array {
  const larger = new Float64Array(Math.max(count, array.length * 2));
  larger.set(array);
  return larger;
}

/** A trade, or several of one taker order at one price (aggregated). */
export class Trade {
  instrument!: Instrument;
  /** Increases by one from trade to trade of a symbol. */
  tradeId = 0;
  price = 0;
  quantity = 0;
  /** True when the buyer was the maker, that is, when the trade was a sell order hitting a bid. */
  isBuyerMaker = false;
  /** The venue's trade time, ms since the Unix epoch. */
  tradeTimeMs = 0;
  /** The venue's event time, ms since the Unix epoch; 0 when absent. */
  exchangeTimeMs = 0;
  /** As in {@link DepthUpdate.receiveTimeNs}. */
  receiveTimeNs = 0;
  /** True when it came late from REST to fill a gap. */
  isRefill = false;
}

/** The best bid and ask as the venue itself states them after `updateId`. */
export class TopOfBook {
  instrument!: Instrument;
  updateId = 0;
  bidPrice = 0;
  bidQuantity = 0;
  askPrice = 0;
  askQuantity = 0;
  exchangeTimeMs = 0;
}

/** The venue's own rolling 24 h statistics. Used where klines cannot be had. */
export class Ticker24h {
  instrument!: Instrument;
  lastPrice = 0;
  high = 0;
  low = 0;
  volume = 0;
  exchangeTimeMs = 0;
}

/** One closed or running one-minute candle, from REST. Mantissas at the instrument's scales. */
export interface Candle {
  readonly openTimeMs: number;
  readonly high: number;
  readonly low: number;
  readonly volume: number;
}

/** A whole book as REST gave it: best first. Mantissas at the instrument's scales. */
export interface DepthSnapshot {
  readonly lastUpdateId: number;
  readonly exchangeTimeMs: number;
  readonly bidPrices: Float64Array;
  readonly bidQuantities: Float64Array;
  readonly askPrices: Float64Array;
  readonly askQuantities: Float64Array;
  /** How many levels a side were asked for. Fewer on a side means that the side is complete and has no horizon. */
  readonly limit: number;
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
