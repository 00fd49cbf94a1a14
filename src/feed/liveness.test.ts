import { describe, expect, test } from 'vitest';
import { StreamLiveness } from './liveness.ts';

const BOUNDS = { floorMs: 2000, ceilingMs: 60_000 };
const MS = 1e6;

describe('stream liveness', () => {
  test('says nothing before the stream was subscribed, nor while it is suspended', () => {
    const liveness = new StreamLiveness(BOUNDS);
    expect(liveness.isSilent(1e15)).toBe(false);
    liveness.restart(0);
    liveness.suspend();
    expect(liveness.isSilent(1e15)).toBe(false);
  });

  test('calls a stream silent after the floor when its gaps are short', () => {
    const liveness = new StreamLiveness(BOUNDS);
    liveness.restart(0);
    for (let at = 100; at <= 1000; at += 100) liveness.onData(at * MS);
    expect(liveness.isSilent(2999 * MS)).toBe(false);
    expect(liveness.isSilent(3001 * MS)).toBe(true);
  });

  test('learns long gaps, and calls silence a fault after five of them', () => {
    const liveness = new StreamLiveness(BOUNDS);
    liveness.restart(0);
    liveness.onData(3000 * MS);
    liveness.onData(6000 * MS);
    expect(liveness.isSilent(20_900 * MS)).toBe(false);
    expect(liveness.isSilent(21_100 * MS)).toBe(true);
  });

  test('does not take a single outage for how the stream is', () => {
    const liveness = new StreamLiveness(BOUNDS);
    liveness.restart(0);
    for (let at = 100; at <= 1000; at += 100) liveness.onData(at * MS);
    liveness.onData(2900 * MS);
    for (let at = 3000; at <= 4000; at += 100) liveness.onData(at * MS);
    expect(liveness.thresholdMs()).toBe(2000);
    liveness.onData(5900 * MS);
    expect(liveness.thresholdMs()).toBeCloseTo(5 * 1900);
  });

  test('forgets a long gap with a half-life of ten minutes, and never waits longer than the ceiling', () => {
    const liveness = new StreamLiveness(BOUNDS);
    liveness.restart(0);
    liveness.onData(50_000 * MS);
    liveness.onData(100_000 * MS);
    expect(liveness.thresholdMs()).toBe(60_000);
    liveness.isSilent(100_000 * MS);
    liveness.onData(100_001 * MS);
    for (let minute = 2; minute <= 72; minute += 1) liveness.isSilent(minute * 60_000 * MS);
    expect(liveness.thresholdMs()).toBeLessThan(5000);
    expect(liveness.thresholdMs()).toBeGreaterThanOrEqual(2000);
  });

  test('a pause before a new subscription is not one of the gaps', () => {
    const liveness = new StreamLiveness(BOUNDS);
    liveness.restart(0);
    liveness.onData(100 * MS);
    liveness.suspend();
    liveness.restart(50_000 * MS);
    liveness.onData(50_100 * MS);
    expect(liveness.thresholdMs()).toBe(2000);
  });
});
