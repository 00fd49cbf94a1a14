import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BookSide } from './reference-book.ts';

const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 9 })), { maxLength: 400 });

test.each([1, -1] as const)('a side with sign %i equals a sorted map after any changes', (sign) => {
  fc.assert(
    fc.property(changes, (list) => {
      const side = new BookSide(sign);
      const map = new Map<number, number>();
      for (const [price, quantity] of list) {
        side.set(price, quantity);
        if (quantity === 0) map.delete(price);
        else map.set(price, quantity);
      }
      const expected = [...map].sort(([left], [right]) => (right - left) * sign);
      const levels = Array.from({ length: side.size }, (_, rank) => [side.priceAt(rank), side.quantityAt(rank)]);
      expect(levels).toEqual(expected);
      expect(side.bestPrice).toBe(expected[0]?.[0] ?? Number.NaN);
      for (const price of [1, 30, 60]) expect(side.quantityOf(price)).toBe(map.get(price) ?? 0);
    }),
  );
});
