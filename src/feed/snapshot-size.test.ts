import { expect, test } from 'vitest';
import { RequestBudget } from './request-budget.ts';
import { chooseSnapshotLimit } from './snapshot-size.ts';

const SIZES = [
  { limit: 20, weight: 2 },
  { limit: 50, weight: 2 },
  { limit: 100, weight: 5 },
  { limit: 500, weight: 10 },
  { limit: 1000, weight: 20 },
];

const weightOf = (limit: number) => SIZES.find((size) => size.limit === limit)!.weight;

test('a few symbols get the deepest snapshots of a fresh budget', () => {
  expect(chooseSnapshotLimit(SIZES, 20, 4, 2280, 2280)).toBe(1000);
});

test('never smaller than one and a half times the published depth', () => {
  expect(chooseSnapshotLimit(SIZES, 20, 500, 0, 2280)).toBe(50);
  expect(chooseSnapshotLimit(SIZES, 1000, 500, 0, 2280)).toBe(1000);
});

// Chaos seed 12: eight symbols behind a connection that failed every second were out of budget after fifteen seconds.
test('eight symbols can be rebuilt thirty-five times in one minute', () => {
  const budget = new RequestBudget({ weight: 2400, windowMs: 60_000 });
  for (let round = 0; round < 35; round++) {
    for (let waiting = 1; waiting <= 8; waiting++) {
      const weight = weightOf(chooseSnapshotLimit(SIZES, 20, waiting, budget.remaining(0), budget.weightMax));
      expect(budget.take(weight, 0, 0)).toBe(0);
    }
  }
});

// Chaos seed 218: trades had taken their 70 % of the minute, and single rebuilds of 20 each took the rest.
test('one symbol after the other can be rebuilt a hundred and ninety times on what trades leave', () => {
  const budget = new RequestBudget({ weight: 2400, windowMs: 60_000 });
  while (budget.take(20, 0.3, 0) === 0);
  for (let rebuild = 0; rebuild < 190; rebuild++) {
    const weight = weightOf(chooseSnapshotLimit(SIZES, 20, 1, budget.remaining(0), budget.weightMax));
    expect(budget.take(weight, 0, 0)).toBe(0);
  }
});
