/**
 * Time in this program has two forms. Monotonic nanoseconds since the process's own origin (`receiveTimeNs`), exact as a
 * number for a hundred days, are used for latencies and time-outs. The exchange's times are integer milliseconds since the
 * Unix epoch (`exchangeTimeMs`). Wall time in nanoseconds does not fit a double, so it only ever exists as (seconds, nanos).
 */
export interface Clock {
  /** Nanoseconds since the clock's origin; never goes back. */
  nowNs(): number;
  /** Whole seconds since the Unix epoch at a monotonic time; `nanos` of the same call is in {@link Clock.wallNanos}. */
  wallSeconds(timeNs: number): number;
  /** Nanoseconds within the second of {@link Clock.wallSeconds}, 0–999,999,999. */
  wallNanos(timeNs: number): number;
}

/** Wall-clock steps (NTP, suspend) larger than this move the origin. */
const STEP_TOLERANCE_MS = 5;

export class SystemClock implements Clock {
  #originMs: number = performance.timeOrigin;
  #originWholeMs = Math.floor(this.#originMs);
  #originFractionNs = Math.round((this.#originMs - this.#originWholeMs) * 1e6);

  nowNs(): number {
    return performance.now() * 1e6;
  }

  wallSeconds(timeNs: number): number {
    const ns = timeNs + this.#originFractionNs;
    const ms = Math.floor(ns / 1e6);
    return Math.floor((this.#originWholeMs + ms) / 1000);
  }

  wallNanos(timeNs: number): number {
    const ns = timeNs + this.#originFractionNs;
    const ms = Math.floor(ns / 1e6);
    return ((this.#originWholeMs + ms) % 1000) * 1e6 + Math.floor(ns - ms * 1e6);
  }

  /** Follows a step of the system's wall clock; call now and then. Returns the step in milliseconds, 0 when there was none. */
  resync(): number {
    const step = Date.now() - (this.#originMs + performance.now());
    if (Math.abs(step) <= STEP_TOLERANCE_MS) return 0;
    this.#originMs += step;
    this.#originWholeMs = Math.floor(this.#originMs);
    this.#originFractionNs = Math.round((this.#originMs - this.#originWholeMs) * 1e6);
    return step;
  }
}

/** A clock that stands still until it is told otherwise: for golden files and property tests. */
export class ManualClock implements Clock {
  timeNs = 0;
  private readonly originSeconds: number;
  private readonly originNanos: number;

  constructor(originSeconds: number, originNanos = 0) {
    this.originSeconds = originSeconds;
    this.originNanos = originNanos;
  }

  nowNs(): number {
    return this.timeNs;
  }

  wallSeconds(timeNs: number): number {
    return this.originSeconds + Math.floor((this.originNanos + timeNs) / 1e9);
  }

  wallNanos(timeNs: number): number {
    return Math.floor((this.originNanos + timeNs) % 1e9);
  }
}
