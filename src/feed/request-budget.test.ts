import { describe, expect, test } from 'vitest';
import { RequestBudget } from './request-budget.ts';

const MINUTE_MS = 60_000;
const START_MS = 1_700_000_040_000 - (1_700_000_040_000 % MINUTE_MS);

describe('request budget', () => {
  test('grants 95 % of the weight and then waits for the next window', () => {
    const budget = new RequestBudget({ weight: 100, windowMs: MINUTE_MS });
    expect(budget.take(95, 0, START_MS + 1000)).toBe(0);
    expect(budget.take(1, 0, START_MS + 1000)).toBe(59_000);
    expect(budget.take(1, 0, START_MS + MINUTE_MS)).toBe(0);
  });

  test('leaves the reserve to more urgent requests', () => {
    const budget = new RequestBudget({ weight: 100, windowMs: MINUTE_MS });
    expect(budget.take(60, 0.3, START_MS)).toBe(0);
    expect(budget.take(10, 0.3, START_MS)).toBe(MINUTE_MS);
    expect(budget.take(30, 0, START_MS)).toBe(0);
  });

  test('believes the venue where it counts more than we do, and not where it counts less', () => {
    const budget = new RequestBudget({ weight: 100, windowMs: MINUTE_MS });
    budget.take(10, 0, START_MS);
    budget.report(90, START_MS + 10);
    expect(budget.take(10, 0, START_MS + 20)).toBe(MINUTE_MS - 20);
    budget.report(1, START_MS + 30);
    expect(budget.usedWeight).toBe(90);
  });

  test('grants nothing while the venue asks to wait, also across windows', () => {
    const budget = new RequestBudget({ weight: 100, windowMs: MINUTE_MS });
    budget.block(90_000, START_MS);
    expect(budget.take(1, 0, START_MS + MINUTE_MS)).toBe(30_000);
    expect(budget.remaining(START_MS + MINUTE_MS)).toBe(0);
    expect(budget.take(1, 0, START_MS + 90_000)).toBe(0);
  });
});
