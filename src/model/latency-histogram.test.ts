import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LATENCY_BOUNDS_NS, LatencyHistogram } from './latency-histogram.ts';

describe('LatencyHistogram', () => {
  it('counts a latency in the first bucket whose bound is not below it', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e10, noNaN: true }), (ns) => {
        const histogram = new LatencyHistogram();
        histogram.record(ns);
        const bucket = LATENCY_BOUNDS_NS.findIndex((bound) => ns <= bound);
        expect(histogram.buckets.indexOf(1)).toBe(bucket === -1 ? LATENCY_BOUNDS_NS.length : bucket);
        expect(histogram.count).toBe(1);
      }),
    );
  });

  it('puts bounds themselves into their own bucket, and what is just above into the next', () => {
    for (const [index, bound] of LATENCY_BOUNDS_NS.entries()) {
      const histogram = new LatencyHistogram();
      histogram.record(bound);
      histogram.record(bound + 1);
      expect([histogram.buckets[index], histogram.buckets[index + 1]]).toEqual([1, 1]);
    }
  });

  it('gives percentiles within 3.2 % of those of the sorted list', () => {
    const latency = fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 4e9 }));
    fc.assert(
      fc.property(
        fc.array(latency, { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (all, share) => {
          const histogram = new LatencyHistogram();
          for (const ns of all) histogram.record(ns);
          const sorted = [...all].sort((a, b) => a - b);
          const exact = sorted[Math.max(1, Math.ceil(share * all.length)) - 1]!;
          expect(Math.abs(histogram.percentileNs(share) - exact)).toBeLessThanOrEqual(Math.max(0.5, exact * 0.032));
        },
      ),
    );
  });

  it('knows sum and maximum, and counts groups', () => {
    const histogram = new LatencyHistogram();
    histogram.recordMany(1500, 3);
    histogram.record(9e9);
    expect([histogram.count, histogram.sumNs, histogram.maxNs]).toEqual([4, 3 * 1500 + 9e9, 9e9]);
    expect(histogram.percentileNs(0.5)).toBeCloseTo(1500, -2);
  });

  it('survives clocks that stand still or step back', () => {
    const histogram = new LatencyHistogram();
    histogram.record(0);
    histogram.record(-5);
    expect(histogram.buckets[0]).toBe(2);
    expect(histogram.percentileNs(0.99)).toBe(0);
  });

  it('has no percentiles before the first record', () => {
    expect(new LatencyHistogram().percentileNs(0.5)).toBeNaN();
  });

  it('adds up to what one would have recorded', () => {
    const [left, right, both] = [new LatencyHistogram(), new LatencyHistogram(), new LatencyHistogram()];
    for (let ns = 1; ns < 1e9; ns = Math.ceil(ns * 1.3)) {
      (ns % 2 === 0 ? left : right).record(ns);
      both.record(ns);
    }
    left.add(right);
    expect(left.buckets).toEqual(both.buckets);
    expect([left.count, left.sumNs, left.maxNs, left.percentileNs(0.9)]).toEqual([
      both.count,
      both.sumNs,
      both.maxNs,
      both.percentileNs(0.9),
    ]);
  });
});
