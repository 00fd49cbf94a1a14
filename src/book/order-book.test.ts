import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FeedError } from '../model/errors.ts';
import { OrderBook } from './order-book.ts';
import { instrument, type Level, snapshotOf, topOf, updateOf } from './testing/obvious-book.ts';
import { changes, command, generator, Run } from './testing/random-commands.ts';

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
