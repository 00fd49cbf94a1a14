import type { DepthLevels } from '../src/book/order-book.ts';
import type { DepthSnapshot, DepthUpdate } from '../src/model/events.ts';

/** What the book bench asks of a book. */
export interface BenchedBook {
  reset(snapshot: DepthSnapshot): void;
  apply(update: DepthUpdate): void;
  top(depth: number, out: DepthLevels): void;
}

/**
 * Two typed arrays a side, best last, since most changes are near the best: binary search, and a move of all that is behind an
 * insertion or removal.
 */
class SortedArraysSide {
  count = 0;
  #prices = new Float64Array(1024);
  #quantities = new Float64Array(1024);
  readonly #sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  set(price: number, quantity: number): void {
    const sign = this.#sign;
    const prices = this.#prices;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sign * prices[middle]! > sign * price) low = middle + 1;
      else high = middle;
    }
    const isThere = low < this.count && prices[low] === price;
    if (quantity === 0) {
      if (!isThere) return;
      prices.copyWithin(low, low + 1, this.count);
      this.#quantities.copyWithin(low, low + 1, this.count);
      this.count--;
    } else if (isThere) {
      this.#quantities[low] = quantity;
    } else {
      this.#insert(low, price, quantity);
    }
  }

  top(depth: number, prices: Float64Array, quantities: Float64Array): number {
    const count = Math.min(depth, this.count);
    for (let level = 0; level < count; level++) {
      prices[level] = this.#prices[this.count - 1 - level]!;
      quantities[level] = this.#quantities[this.count - 1 - level]!;
    }
    return count;
  }

  #insert(at: number, price: number, quantity: number): void {
    if (this.count === this.#prices.length) {
      const grown = (array: Float64Array): Float64Array<ArrayBuffer> => {
        const larger = new Float64Array(array.length * 2);
        larger.set(array);
        return larger;
      };
      this.#prices = grown(this.#prices);
      this.#quantities = grown(this.#quantities);
    }
    this.#prices.copyWithin(at + 1, at, this.count);
    this.#quantities.copyWithin(at + 1, at, this.count);
    this.#prices[at] = price;
    this.#quantities[at] = quantity;
    this.count++;
  }
}

/** A Map a side; its order is found anew for every top. */
class MapSide {
  readonly #levels = new Map<number, number>();
  readonly #sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  set(price: number, quantity: number): void {
    if (quantity === 0) this.#levels.delete(price);
    else this.#levels.set(price, quantity);
  }

  top(depth: number, prices: Float64Array, quantities: Float64Array): number {
    const sorted = Float64Array.from(this.#levels.keys(), (price) => this.#sign * price).sort();
    const count = Math.min(depth, sorted.length);
    for (let level = 0; level < count; level++) {
      prices[level] = this.#sign * sorted[level]!;
      quantities[level] = this.#levels.get(prices[level]!)!;
    }
    return count;
  }
}

interface BaselineSide {
  set(price: number, quantity: number): void;
  top(depth: number, prices: Float64Array, quantities: Float64Array): number;
}

class BaselineBook implements BenchedBook {
  #bids: BaselineSide;
  #asks: BaselineSide;
  readonly #side: (sign: 1 | -1) => BaselineSide;

  constructor(side: (sign: 1 | -1) => BaselineSide) {
    this.#side = side;
    this.#bids = side(-1);
    this.#asks = side(1);
  }

  reset(snapshot: DepthSnapshot): void {
    this.#bids = this.#side(-1);
    this.#asks = this.#side(1);
    snapshot.bidPrices.forEach((price, level) => {
      this.#bids.set(price, snapshot.bidQuantities[level]!);
    });
    snapshot.askPrices.forEach((price, level) => {
      this.#asks.set(price, snapshot.askQuantities[level]!);
    });
  }

  apply(update: DepthUpdate): void {
    for (let level = 0; level < update.bidCount; level++) {
      this.#bids.set(update.bidPrices[level]!, update.bidQuantities[level]!);
    }
    for (let level = 0; level < update.askCount; level++) {
      this.#asks.set(update.askPrices[level]!, update.askQuantities[level]!);
    }
  }

  top(depth: number, out: DepthLevels): void {
    out.bidCount = this.#bids.top(depth, out.bidPrices, out.bidQuantities);
    out.askCount = this.#asks.top(depth, out.askPrices, out.askQuantities);
  }
}

export function sortedArraysBook(): BenchedBook {
  return new BaselineBook((sign) => new SortedArraysSide(sign));
}

export function mapBook(): BenchedBook {
  return new BaselineBook((sign) => new MapSide(sign));
}
