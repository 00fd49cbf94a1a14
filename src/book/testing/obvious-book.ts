import { expect } from 'vitest';
import { type DepthSnapshot, DepthUpdate } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { OrderBook } from '../order-book.ts';

export type Level = readonly [price: number, quantity: number];

export function instrument(): Instrument {
  return { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
}

export function snapshotOf(bids: readonly Level[], asks: readonly Level[], limit = 1000): DepthSnapshot {
  return {
    lastUpdateId: 1,
    exchangeTimeMs: 0,
    limit,
    bidPrices: Float64Array.from(bids, ([price]) => price),
    bidQuantities: Float64Array.from(bids, ([, quantity]) => quantity),
    askPrices: Float64Array.from(asks, ([price]) => price),
    askQuantities: Float64Array.from(asks, ([, quantity]) => quantity),
  };
}

export function updateOf(bids: readonly Level[], asks: readonly Level[]): DepthUpdate {
  const update = new DepthUpdate();
  update.bidCount = bids.length;
  update.askCount = asks.length;
  update.bidPrices = Float64Array.from(bids, ([price]) => price);
  update.bidQuantities = Float64Array.from(bids, ([, quantity]) => quantity);
  update.askPrices = Float64Array.from(asks, ([price]) => price);
  update.askQuantities = Float64Array.from(asks, ([, quantity]) => quantity);
  return update;
}

/** The obvious book of one side: a Map, sorted whenever it is asked. */
class ObviousSide {
  levels = new Map<number, number>();
  horizon = Number.NaN;
  readonly sign: 1 | -1;

  constructor(sign: 1 | -1) {
    this.sign = sign;
  }

  reset(levels: readonly Level[], limit: number): void {
    this.levels = new Map();
    for (const level of levels) this.set(level);
    this.horizon = levels.length < limit ? Number.NaN : this.sign * Math.max(...levels.map(([p]) => this.sign * p));
  }

  set([price, quantity]: Level): void {
    if (quantity === 0) this.levels.delete(price);
    else this.levels.set(price, quantity);
  }

  dropWorst(limit: number): void {
    if (this.levels.size <= limit) return;
    const sorted = this.sorted();
    const dropped = sorted.slice(limit);
    for (const [price] of dropped) this.levels.delete(price);
    if (dropped.some(([price]) => !(this.sign * price > this.sign * this.horizon)))
      this.horizon = sorted[limit - 1]![0];
  }

  sorted(): Level[] {
    return [...this.levels].sort(([a], [b]) => this.sign * (a - b));
  }

  isNear(depth: number): boolean {
    const known = [...this.levels.keys()].filter((price) => this.sign * price <= this.sign * this.horizon).length;
    return !Number.isNaN(this.horizon) && known < depth + Math.floor(depth / 4);
  }
}

/** A book and the obvious one, given the same commands. */
export class Pair {
  readonly book: OrderBook;
  readonly instrument = instrument();
  readonly bids = new ObviousSide(-1);
  readonly asks = new ObviousSide(1);
  readonly levelsMax: number;

  constructor(levelsMax: number) {
    this.levelsMax = levelsMax;
    this.book = new OrderBook(this.instrument, levelsMax);
  }

  reset(bids: readonly Level[], asks: readonly Level[], limit: number): void {
    this.book.reset(snapshotOf(bids, asks, limit));
    this.bids.reset(bids, limit);
    this.asks.reset(asks, limit);
    this.#trim();
  }

  apply(bids: readonly Level[], asks: readonly Level[]): void {
    this.book.apply(updateOf(bids, asks));
    for (const level of bids) this.bids.set(level);
    for (const level of asks) this.asks.set(level);
    this.#trim();
  }

  rescale(pricePlaces: number, quantityPlaces: number): void {
    const { priceScale, quantityScale } = this.instrument;
    this.book.rescale(priceScale + pricePlaces, quantityScale + quantityPlaces);
    this.instrument.priceScale += pricePlaces;
    this.instrument.quantityScale += quantityPlaces;
    for (const side of [this.bids, this.asks]) {
      side.levels = new Map([...side.levels].map(([p, q]) => [p * 10 ** pricePlaces, q * 10 ** quantityPlaces]));
      side.horizon *= 10 ** pricePlaces;
    }
  }

  compare(): void {
    const { book } = this;
    const bids = this.bids.sorted();
    const asks = this.asks.sorted();
    const pairs = (side: 'bid' | 'ask'): Level[] => {
      const { prices, quantities } = book.levels(side);
      return [...prices].map((price, level) => [price, quantities[level]!]);
    };
    expectSame(pairs('bid'), bids);
    expectSame(pairs('ask'), asks);
    expect([book.bestBidPrice, book.bestBidQuantity]).toEqual(bids[0] ?? [Number.NaN, Number.NaN]);
    expect([book.bestAskPrice, book.bestAskQuantity]).toEqual(asks[0] ?? [Number.NaN, Number.NaN]);
    expect([book.bidLevels, book.askLevels]).toEqual([bids.length, asks.length]);
    expect([book.bidHorizon, book.askHorizon]).toEqual([this.bids.horizon, this.asks.horizon]);
    expect(book.isEmpty).toBe(bids.length === 0 || asks.length === 0);
    expect(book.isCrossed).toBe(bids.length > 0 && asks.length > 0 && bids[0]![0] >= asks[0]![0]);
    for (const depth of [1, 5, 20]) {
      expect(book.isNearHorizon(depth)).toBe(this.bids.isNear(depth) || this.asks.isNear(depth));
      const top = topOf(book, depth);
      expectSame(top.bids, bids.slice(0, depth));
      expectSame(top.asks, asks.slice(0, depth));
    }
  }

  #trim(): void {
    this.bids.dropWorst(this.levelsMax);
    this.asks.dropWorst(this.levelsMax);
  }
}

/** `toEqual` costs a hundred times what it checks; only a difference is shown by it. */
function expectSame(levels: readonly Level[], expected: readonly Level[]): void {
  const isSame =
    levels.length === expected.length &&
    levels.every(([price, quantity], at) => price === expected[at]![0] && quantity === expected[at]![1]);
  if (!isSame) expect(levels).toEqual(expected);
}

export function topOf(book: OrderBook, depth: number): { bids: Level[]; asks: Level[] } {
  const array = (): Float64Array => new Float64Array(depth);
  const out = {
    bidCount: 0,
    askCount: 0,
    bidPrices: array(),
    bidQuantities: array(),
    askPrices: array(),
    askQuantities: array(),
  };
  book.top(depth, out);
  const pairs = (prices: Float64Array, quantities: Float64Array, count: number): Level[] =>
    [...prices.subarray(0, count)].map((price, level) => [price, quantities[level]!]);
  return {
    bids: pairs(out.bidPrices, out.bidQuantities, out.bidCount),
    asks: pairs(out.askPrices, out.askQuantities, out.askCount),
  };
}
