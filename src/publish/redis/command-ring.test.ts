import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CommandRing } from './command-ring.ts';

it('gives commands back in order, however many are under way', () => {
  const command = fc.record({ kind: fc.nat(6), index: fc.nat(100_000), bytes: fc.nat(200_000) });
  const step = fc.oneof(command, fc.constant('answer' as const));
  fc.assert(
    fc.property(fc.nat(3000), fc.array(step, { maxLength: 3000 }), (offset, steps) => {
      const ring = new CommandRing();
      // Start anywhere in the ring, so that it grows while it is wrapped around.
      for (let count = 0; count < offset; count++) {
        ring.push(0, 0, 0);
        ring.shift();
      }
      const plain: { kind: number; index: number; bytes: number }[] = [];
      for (const next of steps) {
        if (next !== 'answer') {
          ring.push(next.kind, next.index, next.bytes);
          plain.push(next);
        } else if (plain.length > 0) {
          expect({ kind: ring.kind, index: ring.index, bytes: ring.bytes }).toEqual(plain.shift());
          ring.shift();
        }
        expect(ring.count).toBe(plain.length);
      }
    }),
    { numRuns: 50 },
  );
});
