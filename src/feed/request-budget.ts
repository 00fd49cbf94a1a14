/**
 * The venue's REST budget: weight per window that starts at multiples of the window's length since the Unix epoch. It books
 * what it grants, corrects itself upwards by what the venue reports, and stands still while the venue asks to wait.
 */
export interface BudgetLimit {
  readonly weight: number;
  readonly windowMs: number;
}

/** Of the venue's limit, what this process uses at the most: others may share the address. */
const SHARE = 0.95;

export class RequestBudget {
  readonly #limit: BudgetLimit;
  #windowStartMs = 0;
  #used = 0;
  #blockedUntilMs = 0;

  constructor(limit: BudgetLimit) {
    this.#limit = limit;
  }

  /**
   * Books the weight and returns 0, or returns how many milliseconds to wait before asking again.
   * @param reserve share of the budget (0–1) that this request must leave for more urgent ones
   */
  take(weight: number, reserve: number, nowMs: number): number {
    this.#roll(nowMs);
    if (nowMs < this.#blockedUntilMs) return this.#blockedUntilMs - nowMs;
    if (this.#used + weight > this.weightMax * (1 - reserve)) {
      return this.#windowStartMs + this.#limit.windowMs - nowMs;
    }
    this.#used += weight;
    return 0;
  }

  /** What the venue says is used of the window in which it answered; -1 when it does not say. */
  report(usedWeight: number, nowMs: number): void {
    this.#roll(nowMs);
    if (usedWeight > this.#used) this.#used = usedWeight;
  }

  /** The venue asked to wait: nothing is granted until then. */
  block(forMs: number, nowMs: number): void {
    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, nowMs + forMs);
  }

  isBlocked(nowMs: number): boolean {
    return nowMs < this.#blockedUntilMs;
  }

  /** What could still be booked now, in weight. */
  remaining(nowMs: number): number {
    this.#roll(nowMs);
    return nowMs < this.#blockedUntilMs ? 0 : Math.max(0, this.weightMax - this.#used);
  }

  /** What could be booked of a whole window, in weight. */
  get weightMax(): number {
    return this.#limit.weight * SHARE;
  }

  get usedWeight(): number {
    return this.#used;
  }

  #roll(nowMs: number): void {
    const start = nowMs - (nowMs % this.#limit.windowMs);
    if (start !== this.#windowStartMs) {
      this.#windowStartMs = start;
      this.#used = 0;
    }
  }
}
