import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeedError } from '../model/errors.ts';
import { type DepthSnapshot, DepthUpdate } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { OrderBook } from './order-book.ts';

type Level = readonly [price: number, quantity: number];

function instrument(): Instrument {
  return { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
}

function snapshotOf(bids: readonly Level[], asks: readonly Level[], limit = 1000): DepthSnapshot {
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

function updateOf(bids: readonly Level[], asks: readonly Level[]): DepthUpdate {
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

class Pair {
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

function topOf(book: OrderBook, depth: number): { bids: Level[]; asks: Level[] } {
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

/** Ticks from the middle: at the top, deep, far, very far, and around every power of two at which a window may end. */
const distance = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 60 }) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5_000_000 }) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 5, max: 17 }), fc.integer({ min: -33, max: 33 }))
      .map(([power, off]) => Math.max(0, 2 ** power + off)),
  },
);
const quantity = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 1_000_000 }) },
);
const change = fc.tuple(distance, quantity);

const command = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('apply' as const), bids: fc.array(change), asks: fc.array(change) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('remove_bests' as const),
      bids: fc.integer({ min: 0, max: 12 }),
      asks: fc.integer({ min: 0, max: 12 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('move' as const), ticks: fc.integer({ min: -40_000, max: 40_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('times_ten' as const), isUp: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fill' as const), step: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('rescale' as const),
      price: fc.integer({ min: 0, max: 1 }),
      quantity: fc.integer({ min: 0, max: 1 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('reset' as const),
      bids: fc.array(change, { maxLength: 60 }),
      asks: fc.array(change, { maxLength: 60 }),
      limit: fc.constantFrom(5, 20, 1000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
);

type Command = typeof command extends fc.Arbitrary<infer C> ? C : never;

const PRICE_MAX = 1e9;
/** Scales widen a few times in one run at most, so that everything stays below 2^53. */
const RESCALES_MAX = 3;

class Run {
  readonly pair: Pair;
  middle = 6_180_000;
  rescales = 0;

  constructor(levelsMax: number) {
    this.pair = new Pair(levelsMax);
  }

  step(command: Command): void {
    const { pair } = this;
    switch (command.do) {
      case 'apply':
        pair.apply(this.#levels(command.bids, -1), this.#levels(command.asks, 1));
        return;
      case 'remove_bests':
        pair.apply(
          pair.bids
            .sorted()
            .slice(0, command.bids)
            .map(([price]) => [price, 0]),
          pair.asks
            .sorted()
            .slice(0, command.asks)
            .map(([price]) => [price, 0]),
        );
        return;
      case 'move':
        this.middle = Math.max(1, this.middle + command.ticks);
        return;
      case 'times_ten':
        this.middle = command.isUp ? Math.min(PRICE_MAX, this.middle * 10) : Math.max(1, Math.floor(this.middle / 10));
        return;
      case 'fill': {
        const levels = Array.from({ length: 150 }, (_, level): Level => [level * command.step, level + 1]);
        pair.apply(this.#levels(levels, -1), this.#levels(levels, 1));
        return;
      }
      case 'rescale':
        if (this.rescales++ < RESCALES_MAX) {
          pair.rescale(command.price, command.quantity);
          this.middle *= 10 ** command.price;
        }
        return;
      case 'reset': {
        const bids = bestFirst(this.#levels(command.bids, -1), -1);
        const asks = bestFirst(this.#levels(command.asks, 1), 1);
        pair.reset(bids, asks, command.limit);
        return;
      }
      case 'clear':
        pair.book.clear();
        pair.bids.reset([], 1);
        pair.asks.reset([], 1);
        return;
    }
  }

  #levels(changes: readonly Level[], sign: 1 | -1): Level[] {
    return changes
      .map(([ticks, quantity]): Level => [this.middle + sign * (ticks + 1), quantity])
      .filter(([p]) => p > 0);
  }
}

/** As a snapshot has them: each price once, no zero quantities. */
function bestFirst(levels: readonly Level[], sign: 1 | -1): Level[] {
  return [...new Map(levels)].filter(([, quantity]) => quantity > 0).sort(([a], [b]) => sign * (a - b));
}

describe('an order book on random streams equals an obvious one', () => {
  for (const levelsMax of [100_000, 40]) {
    it(`with at most ${levelsMax} levels a side`, () => {
      fc.assert(
        fc.property(fc.array(command, { minLength: 1, maxLength: 40, size: 'max' }), (commands) => {
          const run = new Run(levelsMax);
          for (const next of commands) {
            run.step(next);
            run.pair.compare();
          }
        }),
        { numRuns: 150 },
      );
    }, 60_000);
  }

  it('through long walks, in which windows grow and move', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -3000, max: 3000 }), (seed, drift) => {
        const random = generator(seed);
        const run = new Run(100_000);
        for (let round = 0; round < 60; round++) {
          run.step({ do: 'apply', bids: changes(random, 400), asks: changes(random, 400) });
          run.step({ do: 'move', ticks: drift });
        }
        run.pair.compare();
      }),
      { numRuns: 10 },
    );
  }, 60_000);
});

/** A seeded generator of numbers from 0 to below 1 (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Changed levels whose distances to the top are of every magnitude up to 40,000 ticks; two in five are removals. */
function changes(random: () => number, count: number): [number, number][] {
  return Array.from({ length: count }, () => [
    Math.floor(random() ** 3 * 40_000),
    random() < 0.4 ? 0 : 1 + Math.floor(random() * 1e6),
  ]);
}

describe('an order book', () => {
  it('is empty before its snapshot', () => {
    const book = new OrderBook(instrument());
    expect(book.isEmpty).toBe(true);
    expect(book.isCrossed).toBe(false);
    expect([book.mid, book.spread, book.bestBidPrice, book.bidHorizon]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
    expect(book.isNearHorizon(20)).toBe(false);
  });

  it('tells mid and spread', () => {
    const book = new OrderBook(instrument());
    book.reset(snapshotOf([[618002, 2909]], [[618005, 1072]]));
    expect([book.mid, book.spread]).toEqual([618003.5, 3]);
  });

  it('applies bids before asks, so that a price can change sides within one update', () => {
    const book = new OrderBook(instrument());
    book.reset(snapshotOf([[99, 1]], [[100, 5]]));
    book.apply(
      updateOf(
        [[100, 7]],
        [
          [100, 0],
          [101, 3],
        ],
      ),
    );
    expect(topOf(book, 5)).toEqual({
      bids: [
        [100, 7],
        [99, 1],
      ],
      asks: [[101, 3]],
    });
    expect(book.isCrossed).toBe(false);
  });

  it('keeps both sides of a price apart while it is crossed', () => {
    const book = new OrderBook(instrument());
    book.reset(snapshotOf([[99, 1]], [[100, 5]]));
    book.apply(updateOf([[100, 7]], []));
    expect(book.isCrossed).toBe(true);
    book.apply(updateOf([[100, 0]], []));
    expect(topOf(book, 5)).toEqual({ bids: [[99, 1]], asks: [[100, 5]] });
  });

  it('runs on from its window into far levels', () => {
    const book = new OrderBook(instrument());
    const asks: Level[] = Array.from({ length: 30 }, (_, level) => [1000 + level * 100_000, level + 1]);
    book.reset(snapshotOf([[999, 1]], asks));
    expect(topOf(book, 20).asks).toEqual(asks.slice(0, 20));
    book.apply(
      updateOf(
        [],
        asks.slice(0, 5).map(([price]) => [price, 0]),
      ),
    );
    expect(topOf(book, 20).asks).toEqual(asks.slice(5, 25));
  });

  it('keeps mantissas up to 2^53', () => {
    const top = Number.MAX_SAFE_INTEGER;
    const book = new OrderBook(instrument());
    book.reset(
      snapshotOf(
        [
          [top - 1, top],
          [1, top],
        ],
        [[top, top - 1]],
      ),
    );
    book.apply(
      updateOf(
        [[top - 50_000, 3]],
        [
          [2, 1],
          [2, 0],
        ],
      ),
    );
    expect(topOf(book, 5)).toEqual({
      bids: [
        [top - 1, top],
        [top - 50_000, 3],
        [1, top],
      ],
      asks: [[top, top - 1]],
    });
  });

  it('refuses scales at which a level is not exact, and changes nothing', () => {
    const book = new OrderBook(instrument());
    book.reset(snapshotOf([[1000, 1]], [[2 ** 52, 5]]));
    expect(() => book.rescale(2, 3)).toThrow(FeedError);
    expect(topOf(book, 5)).toEqual({ bids: [[1000, 1]], asks: [[2 ** 52, 5]] });
    expect(() => book.rescale(0, 3)).toThrow(RangeError);
  });

  it('widens its windows where that catches changes, and keeps what is in them', () => {
    const run = new Run(100_000);
    const random = generator(1);
    for (let round = 0; round < 100; round++) {
      run.step({ do: 'apply', bids: changes(random, 400), asks: changes(random, 400) });
      if (round % 10 === 9) run.pair.compare();
    }
    expect(run.pair.book.windowSizes).toEqual([16_384, 16_384]);
  }, 60_000);

  it('stays small for a small book, and below 0.6 MB with 5,000 levels a side', () => {
    const small = new OrderBook(instrument());
    small.reset(snapshotOf([[99, 1]], [[100, 1]]));
    expect(small.byteLength).toBeLessThan(32_768);

    const book = new OrderBook(instrument());
    const side = (sign: number, step: number): Level[] =>
      Array.from({ length: 5000 }, (_, level) => [1e7 + sign * (1 + level * step), 1 + level]);
    for (const step of [1, 3, 100]) {
      book.reset(snapshotOf(side(-1, step), side(1, step), 5000));
      expect(book.bidLevels).toBe(5000);
      expect(book.byteLength).toBeLessThan(600_000);
    }
  });
});
