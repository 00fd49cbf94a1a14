import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EpochNanos } from './epoch-nanos.ts';
import { loadInt64, readInt64, storeCounter, storeInt64, TWO_32, writeInt64 } from './int64.ts';

const buffer = new ArrayBuffer(64);
const floats = new Float64Array(buffer);
const words = new Uint32Array(buffer);
const bigs = new BigInt64Array(buffer);

const SAFE = Number.MAX_SAFE_INTEGER;

describe('64-bit integers without BigInt', () => {
  test('written in two words, they are what BigInt reads', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        writeInt64(words, 6, Float64Array.of(value), 0);
        expect(bigs[3]).toBe(BigInt(value));
        expect(readInt64(words, 6)).toBe(value);
      }),
    );
  });

  test.each([0, 1, TWO_32 - 1, TWO_32, TWO_32 + 1, SAFE, 2 ** 53])('a counter holds %d', (value) => {
    storeCounter(words, floats, 1, Float64Array.of(value), 0);
    expect(bigs[1]).toBe(BigInt(value));
    expect(loadInt64(floats, 1)).toBe(value);
  });

  test('a counter counts over the wrap of its low word, in any steps', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 20 }),
        fc.integer({ min: 1, max: 2 ** 21 }),
        fc.array(fc.integer({ min: 0, max: 2 ** 33 }), { minLength: 1 }),
        (high, below, steps) => {
          let value = Math.max(0, high * TWO_32 - below);
          for (const step of steps) {
            value += step;
            storeCounter(words, floats, 2, Float64Array.of(value), 0);
            expect(bigs[2]).toBe(BigInt(value));
            expect(loadInt64(floats, 2)).toBe(value);
          }
        },
      ),
    );
  });

  test('a stored pair of words keeps every bit, up to the year 2262', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 9_200_000_000_000_000_000n }), (value) => {
        storeInt64(floats, 0, Number(value & 0xffffffffn), Number(value >> 32n));
        expect(bigs[0]).toBe(value);
      }),
    );
  });
});

describe('nanoseconds since the epoch', () => {
  test('equal seconds × 10^9 + nanoseconds', () => {
    const time = new EpochNanos();
    const seconds = fc.integer({ min: 0, max: 9_200_000_000 });
    fc.assert(
      fc.property(seconds, fc.array(fc.integer({ min: 0, max: 999_999_999 })), (second, nanos) => {
        for (const nano of nanos) {
          time.write(words, 0, second, nano);
          expect(bigs[0]).toBe(BigInt(second) * 1_000_000_000n + BigInt(nano));
        }
      }),
    );
  });

  test('equal milliseconds × 10^6; none is 0', () => {
    const time = new EpochNanos();
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_200_000_000_000 }), (milliseconds) => {
        time.writeMilliseconds(words, 0, Float64Array.of(milliseconds), 0);
        expect(bigs[0]).toBe(BigInt(milliseconds) * 1_000_000n);
      }),
    );
    time.writeMilliseconds(words, 0, Float64Array.of(0), 0);
    expect(bigs[0]).toBe(0n);
  });
});
