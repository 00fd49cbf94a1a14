import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Sequencer } from '../exchanges/exchange.ts';
import { BookBuilder } from './book-builder.ts';
import { PRIORITY } from './rest-client.ts';

const INSTRUMENT = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A builder whose snapshots never come, with the times at which it asked for them. */
function builderOf(clock: { ms: number }) {
  const askedAtMs: number[] = [];
  const builder = new BookBuilder({
    instrument: INSTRUMENT,
    nowNs: () => clock.ms * 1e6,
    createSequencer: () => ({}) as Sequencer,
    requestSnapshot: () => {
      askedAtMs.push(clock.ms);
      return new Promise(() => {});
    },
    retryPriority: () => PRIORITY.resync,
    onBookProven: () => {},
  });
  return { builder, askedAtMs };
}

function advance(clock: { ms: number }, ms: number): void {
  for (let step = 0; step < ms; step++) {
    clock.ms++;
    vi.advanceTimersByTime(1);
  }
}

test('asks at once for the first book, and again at once after a calm time', () => {
  const clock = { ms: 0 };
  const { builder, askedAtMs } = builderOf(clock);
  builder.want(PRIORITY.resync);
  builder.forget();
  advance(clock, 10_001);
  builder.want(PRIORITY.resync);
  expect(askedAtMs).toEqual([0, 10_001]);
});

// Chaos seed 127: a stream that corrupted every twelfth frame asked for a snapshot every few milliseconds until no weight was left.
test('a book that breaks over and over is asked for at a bounded pace, and never later than a second', () => {
  const clock = { ms: 0 };
  const { builder, askedAtMs } = builderOf(clock);
  for (let broken = 0; broken < 30; broken++) {
    const wantedAtMs = clock.ms;
    const before = askedAtMs.length;
    builder.want(PRIORITY.resync);
    while (askedAtMs.length === before) advance(clock, 1);
    expect(clock.ms - wantedAtMs).toBeLessThanOrEqual(1001);
    builder.forget();
  }
  expect(askedAtMs).toHaveLength(30);
  expect(clock.ms).toBeGreaterThan(3000);
});
