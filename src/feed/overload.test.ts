import { expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { OverloadDetector } from './overload.ts';

const STEP_MS = LIMITS.overload_check_interval_ms;

/** Wall time is told, what the event loop does is real. */
class Input {
  readonly detector = new OverloadDetector();
  nowMs = 1_700_000_000_000;
  #exchangeMs = this.nowMs - 7;

  /** A step of wall time in which the exchange's advances by so much, with the event loop busy. */
  step(exchangeStepMs: number = STEP_MS): void {
    this.nowMs += STEP_MS;
    this.#exchangeMs += exchangeStepMs;
    const busyUntil = performance.now() + 2;
    while (performance.now() < busyUntil);
    this.detector.observe(this.#exchangeMs, this.nowMs);
  }

  steps(count: number, exchangeStepMs: number = STEP_MS): void {
    for (let index = 0; index < count; index++) this.step(exchangeStepMs);
  }
}

const WINDOW_STEPS = Math.ceil(LIMITS.overload_age_window_ms / STEP_MS) + 1;

test('input that grows old while the event loop has no rest is a load, and no longer once it is young again', () => {
  const input = new Input();
  input.steps(2 * WINDOW_STEPS);
  expect(input.detector.isOverloaded).toBe(false);
  input.steps(10, STEP_MS / 2);
  expect(input.detector.excessAgeMs).toBeGreaterThan(LIMITS.overload_enter_age_ms);
  expect(input.detector.isOverloaded).toBe(true);
  input.steps(10, STEP_MS * 2);
  expect(input.detector.excessAgeMs).toBeLessThan(LIMITS.overload_exit_age_ms);
  expect(input.detector.isOverloaded).toBe(false);
});

test('a busy event loop with young input is none', () => {
  const input = new Input();
  input.steps(3 * WINDOW_STEPS);
  expect(input.detector.isOverloaded).toBe(false);
});

test('nor is old input while the event loop rests', async () => {
  const input = new Input();
  input.steps(2 * WINDOW_STEPS);
  for (let index = 0; index < 10; index++) {
    input.step(STEP_MS / 2);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(input.detector.excessAgeMs).toBeGreaterThan(LIMITS.overload_enter_age_ms);
  expect(input.detector.isOverloaded).toBe(false);
});

test('nor a recording whose time runs faster than ours', () => {
  const input = new Input();
  input.steps(2 * WINDOW_STEPS, STEP_MS * 3);
  input.steps(10, 0);
  expect(input.detector.excessAgeMs).toBeGreaterThan(LIMITS.overload_enter_age_ms);
  expect(input.detector.isOverloaded).toBe(false);
});

test('it has passed when nothing comes any more', async () => {
  const input = new Input();
  input.steps(2 * WINDOW_STEPS);
  input.steps(10, STEP_MS / 2);
  expect(input.detector.isOverloaded).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 50));
  input.detector.check(input.nowMs + STEP_MS);
  expect(input.detector.isOverloaded).toBe(false);
});
