import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FarLevels } from './far-levels.ts';

function all(far: FarLevels): [number, number][] {
  const keys = new Float64Array(far.count);
  const quantities = new Float64Array(far.count);
  expect(far.copy(keys, quantities, 0, far.count + 1, 1)).toBe(far.count);
  return [...keys].map((key, level) => [key, quantities[level]!]);
}

function sorted(levels: Map<number, number>): [number, number][] {
  return [...levels].sort(([a], [b]) => a - b);
}

const key = fc.integer({ min: -300, max: 300 });
const command = fc.oneof(
  { weight: 10, arbitrary: fc.tuple(fc.constant('set'), key, fc.integer({ min: 0, max: 2 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('take_below'), key, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remove_last'), key, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remove_range'), key, fc.integer({ min: 0, max: 200 })) },
);

describe('far levels', () => {
  it('equal a sorted Map under random commands', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 800, size: 'max' }), (commands) => {
        const far = new FarLevels();
        const obvious = new Map<number, number>();
        const set = (at: number, quantity: number): void => {
          const change = Number(quantity !== 0) - Number(obvious.has(at));
          if (quantity === 0) obvious.delete(at);
          else obvious.set(at, quantity);
          if (far.set(at, quantity) !== change) expect.fail(`${at} ${quantity}: not ${change}`);
        };
        for (const [name, at, number] of commands) {
          if (name === 'set') set(at, number);
          else if (name === 'remove_range') for (let step = 0; step < number; step++) set(at + step, 0);
          else if (name === 'remove_last' && obvious.size > 0) {
            const last = Math.max(...obvious.keys());
            obvious.delete(last);
            expect(far.removeLast()).toBe(last);
          } else if (name === 'take_below') {
            const taken: [number, number][] = [];
            const expected = sorted(obvious).filter(([below]) => below < at);
            for (const [below] of expected) obvious.delete(below);
            expect(far.takeBelow(at, (...level) => taken.push(level))).toBe(expected.length);
            expect(taken).toEqual(expected);
          }
          const ends = [far.count, far.firstKey, far.lastKey];
          const expected = [obvious.size, Math.min(...obvious.keys()), Math.max(...obvious.keys())];
          // `expect` costs a hundred times what it checks here.
          if (ends.some((end, which) => end !== expected[which])) expect(ends).toEqual(expected);
        }
        expect(all(far)).toEqual(sorted(obvious));
      }),
      { numRuns: 30 },
    );
  }, 60_000);

  it('give memory back for use when scattered levels are removed', () => {
    const far = new FarLevels();
    for (let at = 0; at < 20_000; at++) far.set(at, 1);
    const full = far.byteLength;
    expect(full).toBeLessThan(20_000 * 16 * 1.7);
    // Three in a hundred remain; as many new ones as there were fit without growing.
    for (let at = 0; at < 20_000; at++) if (at % 32 !== 0) far.set(at, 0);
    for (let at = 30_000; at < 48_000; at++) far.set(at, 1);
    expect(far.count).toBe(20_000 / 32 + 18_000);
    expect(far.byteLength).toBe(full);
  });
});
