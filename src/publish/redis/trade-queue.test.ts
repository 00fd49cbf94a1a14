import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { QUEUED_TRADE_BYTES, TradeQueue } from './trade-queue.ts';

const instruments: Instrument[] = [
  { index: 0, symbol: 'A', priceScale: 2, quantityScale: 3 },
  { index: 1, symbol: 'B', priceScale: 0, quantityScale: 12 },
];

function tradeOf(tradeId: number, fields: Partial<Trade> = {}): Trade {
  return Object.assign(new Trade(), { instrument: instruments[tradeId % 2], tradeId, ...fields });
}

/** The ids of everything in the queue, oldest first; empties it. */
function drained(queue: TradeQueue): number[] {
  const ids: number[] = [];
  for (; queue.count > 0; queue.shift()) ids.push(queue.peek().tradeId);
  return ids;
}

describe('the trade queue', () => {
  it('gives back every field', () => {
    const queue = new TradeQueue(instruments, 1 << 20);
    const trade = tradeOf(Number.MAX_SAFE_INTEGER, {
      price: 7,
      quantity: 2 ** 52,
      isBuyerMaker: true,
      tradeTimeMs: 1.7e12,
    });
    queue.push(trade);
    queue.push(tradeOf(2, { isRefill: true }));
    expect(queue.peek()).toMatchObject({ ...trade, instrument: instruments[1] });
    queue.shift();
    expect(queue.peek()).toMatchObject({ tradeId: 2, isBuyerMaker: false, isRefill: true, instrument: instruments[0] });
  });

  it('behaves as a list that loses its first element when it is full', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3000 }),
        fc.array(fc.record({ pushes: fc.nat(2500), shifts: fc.nat(2500) }), { maxLength: 6 }),
        (capacity, rounds) => {
          const queue = new TradeQueue(instruments, capacity * QUEUED_TRADE_BYTES);
          const plain: number[] = [];
          // Compared as whole lists: an assertion per trade would take most of the test's time.
          const actual: unknown[] = [];
          const expected: unknown[] = [];
          let id = 0;
          for (const { pushes, shifts } of rounds) {
            for (let count = 0; count < pushes; count++) {
              actual.push(queue.push(tradeOf(id)));
              expected.push(plain.length < capacity);
              plain.push(id++);
              if (plain.length > capacity) plain.shift();
            }
            for (let count = Math.min(shifts, plain.length); count > 0; count--) {
              actual.push(queue.peek().tradeId);
              expected.push(plain.shift());
              queue.shift();
            }
          }
          expect(actual).toEqual(expected);
          expect(drained(queue)).toEqual(plain);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('moves prices and quantities to scales that have widened meanwhile', () => {
    const instrument: Instrument = { index: 0, symbol: 'A', priceScale: 1, quantityScale: 0 };
    const queue = new TradeQueue([instrument], 1 << 20);
    queue.push(tradeOf(1, { instrument, price: 61_800, quantity: 3 }));
    instrument.priceScale = 3;
    instrument.quantityScale = 2;
    expect(queue.peek()).toMatchObject({ price: 6_180_000, quantity: 300 });
  });
});
