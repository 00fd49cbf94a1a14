/**
 * Exponential backoff with full jitter: the n-th delay is uniform in [0, min(max, base * 2^n)). Full jitter spreads many clients
 * best after a common failure (AWS Architecture Blog, "Exponential Backoff And Jitter").
 */
export class Backoff {
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #failures = 0;

  constructor(baseMs: number, maxMs: number, random: () => number = Math.random) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** The next delay in milliseconds; each call makes the following one longer. */
  nextDelayMs(): number {
    const ceiling = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return this.#random() * ceiling;
  }

  /** The last attempt lasted: start again from the shortest delay. */
  reset(): void {
    this.#failures = 0;
  }

  get failures(): number {
    return this.#failures;
  }
}

/** At most `count` connection attempts in any `perMs`: a sliding window over the times of the last attempts. */
export class AttemptBudget {
  readonly #count: number;
  readonly #perMs: number;
  readonly #attempts: number[] = [];

  constructor(limit: { readonly count: number; readonly perMs: number }) {
    this.#count = limit.count;
    this.#perMs = limit.perMs;
  }

  /** Books an attempt and returns how long it has to wait from now, in milliseconds. */
  reserve(nowMs: number): number {
    while (this.#attempts.length > 0 && this.#attempts[0]! <= nowMs - this.#perMs) this.#attempts.shift();
    const blocking = this.#attempts[this.#attempts.length - this.#count];
    const startMs = blocking === undefined ? nowMs : Math.max(nowMs, blocking + this.#perMs);
    this.#attempts.push(startMs);
    return startMs - nowMs;
  }
}
