import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AttemptBudget, Backoff } from './backoff.ts';

describe('backoff', () => {
  test('doubles its ceiling up to the maximum, with full jitter below it', () => {
    const backoff = new Backoff(1000, 8000, () => 0.5);
    expect([1, 2, 3, 4, 5, 6].map(() => backoff.nextDelayMs())).toEqual([500, 1000, 2000, 4000, 4000, 4000]);
  });

  test('starts again from the shortest delay after a reset', () => {
    const backoff = new Backoff(1000, 8000, () => 1);
    backoff.nextDelayMs();
    backoff.nextDelayMs();
    backoff.reset();
    expect(backoff.nextDelayMs()).toBe(1000);
  });
});

describe('attempt budget', () => {
  test('never books more than the limit in any window', () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 60 }),
      (count, pauses) => {
        const perMs = 1000;
        const budget = new AttemptBudget({ count, perMs });
        const starts: number[] = [];
        let nowMs = 0;
        for (const pause of pauses) {
          nowMs += pause;
          starts.push(nowMs + budget.reserve(nowMs));
        }
        for (let index = count; index < starts.length; index += 1) {
          expect(starts[index]! - starts[index - count]!).toBeGreaterThanOrEqual(perMs);
        }
      },
    );
    fc.assert(property);
  });
});
