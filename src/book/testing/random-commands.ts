import fc from 'fast-check';
import { type Level, Pair } from './obvious-book.ts';

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

export const command = fc.oneof(
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

/** One random market: commands in, both books along. */
export class Run {
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

/** A seeded generator of numbers from 0 to below 1 (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Changed levels whose distances to the top are of every magnitude up to 40,000 ticks; two in five are removals. */
export function changes(random: () => number, count: number): [number, number][] {
  return Array.from({ length: count }, () => [
    Math.floor(random() ** 3 * 40_000),
    random() < 0.4 ? 0 : 1 + Math.floor(random() * 1e6),
  ]);
}
