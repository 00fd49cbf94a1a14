import { POW10 } from '../../model/decimal.ts';
import type { BookUpdate } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';

/**
 * The latest book of one symbol, copied out of the caller's reused update: what is published when Redis takes data again.
 * Arrays are allocated with the first book and grow with the deepest one.
 */
export class BookSlot implements BookUpdate {
  readonly instrument: Instrument;
  lastUpdateId = -1;
  source: 'diff' | 'partial' = 'diff';
  exchangeTimeMs = 0;
  receiveTimeNs = 0;
  bidCount = 0;
  askCount = 0;
  bidPrices = new Float64Array(0);
  bidQuantities = new Float64Array(0);
  askPrices = new Float64Array(0);
  askQuantities = new Float64Array(0);
  lastPrice = Number.NaN;
  lastPriceScale = 0;
  volume24h = Number.NaN;
  high24h = Number.NaN;
  low24h = Number.NaN;
  #priceScale = 0;
  #quantityScale = 0;

  constructor(instrument: Instrument) {
    this.instrument = instrument;
  }

  copy(book: BookUpdate): void {
    this.lastUpdateId = book.lastUpdateId;
    this.source = book.source;
    this.exchangeTimeMs = book.exchangeTimeMs;
    this.receiveTimeNs = book.receiveTimeNs;
    this.lastPrice = book.lastPrice;
    this.lastPriceScale = book.lastPriceScale;
    this.volume24h = book.volume24h;
    this.high24h = book.high24h;
    this.low24h = book.low24h;
    this.#priceScale = book.instrument.priceScale;
    this.#quantityScale = book.instrument.quantityScale;
    this.#copyBids(book);
    this.#copyAsks(book);
  }

  /** Moves what was copied to the instrument's present scales, in case they have widened since. */
  followScales(): void {
    const priceFactor = POW10[this.instrument.priceScale - this.#priceScale]!;
    const quantityFactor = POW10[this.instrument.quantityScale - this.#quantityScale]!;
    if (priceFactor === 1 && quantityFactor === 1) return;
    for (let level = 0; level < this.bidCount; level++) {
      this.bidPrices[level]! *= priceFactor;
      this.bidQuantities[level]! *= quantityFactor;
    }
    for (let level = 0; level < this.askCount; level++) {
      this.askPrices[level]! *= priceFactor;
      this.askQuantities[level]! *= quantityFactor;
    }
    this.high24h *= priceFactor;
    this.low24h *= priceFactor;
    this.volume24h *= quantityFactor;
    this.#priceScale = this.instrument.priceScale;
    this.#quantityScale = this.instrument.quantityScale;
  }

  #copyBids(book: BookUpdate): void {
    const count = book.bidCount;
    if (count > this.bidPrices.length) {
      this.bidPrices = new Float64Array(count);
      this.bidQuantities = new Float64Array(count);
    }
    this.bidCount = count;
    copyLevels(this.bidPrices, book.bidPrices, count);
    copyLevels(this.bidQuantities, book.bidQuantities, count);
  }

  #copyAsks(book: BookUpdate): void {
    const count = book.askCount;
    if (count > this.askPrices.length) {
      this.askPrices = new Float64Array(count);
      this.askQuantities = new Float64Array(count);
    }
    this.askCount = count;
    copyLevels(this.askPrices, book.askPrices, count);
    copyLevels(this.askQuantities, book.askQuantities, count);
  }
}

/** A loop, because `set(subarray())` allocates a view and is slower for the usual 20 levels. */
function copyLevels(target: Float64Array, source: Float64Array, count: number): void {
  for (let level = 0; level < count; level++) target[level] = source[level]!;
}
