import { expect, test } from 'vitest';
import { LoopDelay } from './loop-delay.ts';

test('tells how late a timer fired, and starts anew each time it is asked', () => {
  const delay = new LoopDelay(50);
  expect(delay.take()).toMatchObject({ min: 0, max: 0, p99: 0 });
  let nowNs = 1e9;
  for (const lateMs of [0, 0, 0, 200, -1]) {
    delay.onTimer(nowNs);
    nowNs += (50 + lateMs) * 1e6;
  }
  delay.onTimer(nowNs);
  const { min, max, p50 } = delay.take();
  expect(max).toBeCloseTo(0.2, 3);
  expect(min).toBeLessThan(1e-6);
  expect(p50).toBeLessThan(1e-6);
  expect(delay.take().max).toBe(0);
});
