/*
 * Why a tick ladder. Prices are integers of 10^-priceScale, and nearly all changes are near the top: of the 443,193 changed levels of
 * the BTCUSDT recording 86 % lie within 2,048 ticks of the best price, 95 % within 16,384, the rest up to eight million away, and
 * less than a quarter of them remove a level. So each side is
 * - a dense window of up to 16,384 ticks that begins just before the best price (`Ladder`): a quantity per tick and a bitmap of the
 *   occupied ones with a summary, so that a change is one store and one bit, the next best level is found by `Math.clz32`, and
 *   the top 20 are a scan of a few words;
 * - sorted chunks for all that is beyond (`FarLevels`), which costs five times as much per level but takes any price up to 2^53.
 *
 * Measured with bench/book.ts on two shared 2.5 GHz Xeon cores, Node 20, on that recording (68 levels a diff, 5,000 a side); the figures are
 * what a quiet core takes, in the same run:
 *
 *                                  apply a diff     top 20, both sides
 *   tick ladder and far levels        1.5 µs             0.40 µs
 *   Map, sorted for each top          3.3 µs              616 µs
 *   sorted typed arrays              11.7 µs             0.44 µs
 *
 * The cost of one changed level is 17 ns at 20, 100, 1,000, 5,000 and 20,000 levels a side alike. A book takes 0.02 MB with 20
 * levels a side, 0.27 MB with 5,000, 0.33 MB after the recording, 1.07 MB with 20,000. A window of 2,048 ticks made the diff 2.1 times
 * as dear, 4,096 1.6 times, 65,536 a tenth cheaper for three times the memory: windows start from the snapshot's span and double while that
 * would catch one change in 64 more (`BookSide`). Where levels are so sparse that a window does not help, as after a scale
 * has widened by two places or more, nearly all are far levels and a diff costs 8 µs.
 *
 * The two sides are apart, down to their quantities, although at most ticks only one has a level: in one array, a book that is
 * crossed for a moment would lose the quantity of the other side, and stay wrong afterwards.
 */
import { LIMITS } from '../limits.ts';
import { POW10 } from '../model/decimal.ts';
import { FeedError } from '../model/errors.ts';
import type { DepthSnapshot, DepthUpdate } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { BookSide } from './book-side.ts';

/** Where `OrderBook.top` writes: arrays with room for the depth asked for. Best first, valid up to the counts. */
export interface DepthLevels {
  bidCount: number;
  askCount: number;
  readonly bidPrices: Float64Array;
  readonly bidQuantities: Float64Array;
  readonly askPrices: Float64Array;
  readonly askQuantities: Float64Array;
}

export interface SideLevels {
  readonly prices: Float64Array;
  readonly quantities: Float64Array;
}

/**
 * The order book of one instrument, by price level. Prices and quantities are mantissas at the instrument's scales; whether the
 * chain of updates is sound is its sequencer's business.
 */
export class OrderBook {
  readonly instrument: Instrument;
  readonly #bids: BookSide;
  readonly #asks: BookSide;

  /** @param levelsPerSideMax the worst levels above it are dropped, and the horizon moves there */
  constructor(instrument: Instrument, levelsPerSideMax: number = LIMITS.levels_per_side_max) {
    this.instrument = instrument;
    this.#bids = new BookSide(-1, levelsPerSideMax);
    this.#asks = new BookSide(1, levelsPerSideMax);
  }

  /** NaN when there are no bids, as the others when their side is empty. */
  get bestBidPrice(): number {
    return this.#bids.bestPrice;
  }

  get bestBidQuantity(): number {
    return this.#bids.bestQuantity;
  }

  get bestAskPrice(): number {
    return this.#asks.bestPrice;
  }

  get bestAskQuantity(): number {
    return this.#asks.bestQuantity;
  }

  /** Half-way between the best prices: may end in .5; NaN when a side is empty. */
  get mid(): number {
    return (this.#bids.bestPrice + this.#asks.bestPrice) / 2;
  }

  /** NaN when a side is empty; not above zero when the book is crossed. */
  get spread(): number {
    return this.#asks.bestPrice - this.#bids.bestPrice;
  }

  get bidLevels(): number {
    return this.#bids.count;
  }

  get askLevels(): number {
    return this.#asks.count;
  }

  /** The best bid is not below the best ask, which no exchange's book is between two updates. */
  get isCrossed(): boolean {
    return this.#bids.bestPrice >= this.#asks.bestPrice;
  }

  /** A side has no levels. */
  get isEmpty(): boolean {
    return this.#bids.count === 0 || this.#asks.count === 0;
  }

  /** The worst price that the snapshot had on this side: beyond it levels are unknown. NaN when the snapshot had them all. */
  get bidHorizon(): number {
    return this.#bids.horizon;
  }

  get askHorizon(): number {
    return this.#asks.horizon;
  }

  /** Bytes of all levels and indices. */
  get byteLength(): number {
    return this.#bids.byteLength + this.#asks.byteLength;
  }

  /** Ticks in the dense window of the bids and of the asks: for benches and diagnosis. */
  get windowSizes(): readonly [bids: number, asks: number] {
    return [this.#bids.windowSize, this.#asks.windowSize];
  }

  /** Fewer than `depth` levels of a side, and a quarter more, are known for certain. Constant time. */
  isNearHorizon(depth: number): boolean {
    const needed = depth + (depth >>> 2);
    return (
      (this.#bids.horizonKey !== Number.POSITIVE_INFINITY && this.#bids.knownCount < needed) ||
      (this.#asks.horizonKey !== Number.POSITIVE_INFINITY && this.#asks.knownCount < needed)
    );
  }

  clear(): void {
    this.#bids.clear();
    this.#asks.clear();
  }

  /** Replaces everything by a snapshot. A side with fewer levels than were asked for is complete and has no horizon. */
  reset(snapshot: DepthSnapshot): void {
    const { limit } = snapshot;
    this.#bids.reset(snapshot.bidPrices, snapshot.bidQuantities, snapshot.bidPrices.length < limit);
    this.#asks.reset(snapshot.askPrices, snapshot.askQuantities, snapshot.askPrices.length < limit);
  }

  /** Applies absolute quantities, bids before asks; 0 removes a level, and one that is not there is normal. */
  apply(update: DepthUpdate): void {
    this.#bids.apply(update.bidPrices, update.bidQuantities, update.bidCount);
    this.#asks.apply(update.askPrices, update.askQuantities, update.askCount);
  }

  /** Writes the best `depth` levels of each side. Allocates nothing. */
  top(depth: number, out: DepthLevels): void {
    out.bidCount = this.#bids.top(depth, out.bidPrices, out.bidQuantities);
    out.askCount = this.#asks.top(depth, out.askPrices, out.askQuantities);
  }

  /** A copy of all levels of a side, best first. */
  levels(side: 'bid' | 'ask'): SideLevels {
    const of = side === 'bid' ? this.#bids : this.#asks;
    const prices = new Float64Array(of.count);
    const quantities = new Float64Array(of.count);
    of.top(of.count, prices, quantities);
    return { prices, quantities };
  }

  /**
   * Moves every level from the instrument's scales to finer ones, exactly. The caller sets the instrument's scales afterwards.
   * @throws FeedError (resync) when a level cannot be told exactly at the new scale; nothing has changed then.
   */
  rescale(priceScale: number, quantityScale: number): void {
    const { symbol, priceScale: oldPriceScale, quantityScale: oldQuantityScale } = this.instrument;
    const priceFactor = POW10[priceScale - oldPriceScale];
    const quantityFactor = POW10[quantityScale - oldQuantityScale];
    if (priceFactor === undefined || quantityFactor === undefined) {
      throw new RangeError(
        `${symbol}: scales only widen: ${oldPriceScale}, ${oldQuantityScale} to ${priceScale}, ${quantityScale}`,
      );
    }
    if (!this.#bids.canRescale(priceFactor, quantityFactor) || !this.#asks.canRescale(priceFactor, quantityFactor)) {
      throw new FeedError('resync', `${symbol}: a level is not exact at scales ${priceScale}, ${quantityScale}`);
    }
    this.#bids.rescale(priceFactor, quantityFactor);
    this.#asks.rescale(priceFactor, quantityFactor);
  }
}
