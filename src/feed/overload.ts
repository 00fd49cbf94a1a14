import { type EventLoopUtilization, performance } from 'node:perf_hooks';
import { LIMITS } from '../limits.ts';

/**
 * Says whether the process falls behind its input: the event loop has no idle time left, and what arrives has become older than it
 * was a moment ago. While that holds, books are conflated to the latest per symbol and batch of frames.
 *
 * Age is taken relative to the youngest age of the last seconds, so that neither a wrong clock nor a recording's old times matter. And
 * it is only believed while the exchange's time has run no faster than ours: a recording played at speed ages in every pause.
 */
export class OverloadDetector {
  isOverloaded = false;
  /** Updates that were merged into a later publication of the same book. */
  conflated = 0;
  /** Where the look at the event loop began; undefined while nothing is old, when asking would cost more than all else here. */
  #utilization: EventLoopUtilization | undefined;
  #latestAgeMs = Number.NaN;
  #youngestAgeMs = Number.POSITIVE_INFINITY;
  #previousYoungestMs = Number.POSITIVE_INFINITY;
  #windowStartMs = 0;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #behindChecks = 0;
  #latestExchangeMs = Number.NaN;
  #windowStartExchangeMs = Number.NaN;
  #isPaceReal = false;

  /** To be called with an event's exchange time now and then (once a batch), and the present wall time. */
  observe(exchangeTimeMs: number, nowMs: number): void {
    if (exchangeTimeMs === 0) return;
    this.#latestExchangeMs = exchangeTimeMs;
    this.#latestAgeMs = nowMs - exchangeTimeMs;
    if (this.#latestAgeMs < this.#youngestAgeMs) this.#youngestAgeMs = this.#latestAgeMs;
    if (nowMs - this.#checkedMs >= LIMITS.overload_check_interval_ms) this.check(nowMs);
  }

  /** How much older than usual the latest input is, ms. */
  get excessAgeMs(): number {
    const excess = this.#latestAgeMs - Math.min(this.#youngestAgeMs, this.#previousYoungestMs);
    return Number.isFinite(excess) ? excess : 0;
  }

  /** To be called several times a second also when nothing comes: what was a load has passed. */
  check(nowMs: number): void {
    // Twice in short succession would judge the event loop by a moment.
    if (nowMs >= this.#checkedMs && nowMs - this.#checkedMs < LIMITS.overload_check_interval_ms / 2) return;
    this.#checkedMs = nowMs;
    const utilization = this.#utilizationWhileOld();
    const excessAgeMs = this.excessAgeMs;
    if (this.isOverloaded) {
      this.isOverloaded = utilization > LIMITS.overload_exit_utilization && excessAgeMs > LIMITS.overload_exit_age_ms;
    } else {
      // Once is a pause (start-up, a collection of garbage), several times in a row is a load.
      const isBehind =
        this.#isPaceReal &&
        utilization > LIMITS.overload_enter_utilization &&
        excessAgeMs > LIMITS.overload_enter_age_ms;
      this.#behindChecks = isBehind ? this.#behindChecks + 1 : 0;
      this.isOverloaded = this.#behindChecks >= LIMITS.overload_enter_checks;
    }
    if (nowMs - this.#windowStartMs > LIMITS.overload_age_window_ms) this.#nextWindow(nowMs);
  }

  /** Share of the time since the last look that the event loop was busy; 0 while input is young, and at the first look since then. */
  #utilizationWhileOld(): number {
    const before = this.#utilization;
    if (this.excessAgeMs <= LIMITS.overload_exit_age_ms) {
      this.#utilization = undefined;
      return 0;
    }
    this.#utilization = performance.eventLoopUtilization();
    return before === undefined ? 0 : performance.eventLoopUtilization(this.#utilization, before).utilization;
  }

  #nextWindow(nowMs: number): void {
    const pace = (this.#latestExchangeMs - this.#windowStartExchangeMs) / (nowMs - this.#windowStartMs);
    this.#isPaceReal = pace <= LIMITS.overload_pace_max;
    this.#windowStartExchangeMs = this.#latestExchangeMs;
    this.#windowStartMs = nowMs;
    this.#previousYoungestMs = this.#youngestAgeMs;
    this.#youngestAgeMs = Number.POSITIVE_INFINITY;
  }
}
