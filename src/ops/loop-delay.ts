import { createHistogram } from 'node:perf_hooks';

/** As in the names of Node's usual metrics. */
export const LOOP_DELAY_STATISTICS = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'] as const;

/**
 * How late the event loop is, told by how late a periodic timer fires that runs anyway. Node's own monitor brings a timer of its own, which
 * wakes an idle process fifty times a second, and reports its interval as delay.
 */
export class LoopDelay {
  readonly #intervalNs: number;
  readonly #histogram = createHistogram();
  #firedNs = Number.NaN;

  /** @param intervalMs of the timer */
  constructor(intervalMs: number) {
    this.#intervalNs = intervalMs * 1e6;
  }

  /** To be called whenever the timer fires. */
  onTimer(nowNs: number): void {
    const lateNs = nowNs - this.#firedNs - this.#intervalNs;
    this.#firedNs = nowNs;
    // A histogram of node:perf_hooks starts at 1; before the second firing there is nothing to compare with.
    if (!Number.isNaN(lateNs)) this.#histogram.record(Math.max(1, Math.round(lateNs)));
  }

  /** Seconds, since the last call; 0 when the timer has not fired. */
  take(): Readonly<Record<(typeof LOOP_DELAY_STATISTICS)[number], number>> {
    const histogram = this.#histogram;
    const isEmpty = histogram.count === 0;
    const seconds = (ns: number): number => (isEmpty ? 0 : ns / 1e9);
    const statistics = {
      min: seconds(histogram.min),
      max: seconds(histogram.max),
      mean: seconds(histogram.mean),
      stddev: seconds(histogram.stddev),
      p50: seconds(histogram.percentile(50)),
      p90: seconds(histogram.percentile(90)),
      p99: seconds(histogram.percentile(99)),
    };
    histogram.reset();
    return statistics;
  }
}
