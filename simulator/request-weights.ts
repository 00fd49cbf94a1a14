/** Weight a minute and IP. */
export const WEIGHT_PER_MINUTE_MAX = 2400;
/** Requests answered with 429 in a row before the address is banned. */
const REFUSALS_BEFORE_BAN = 10;
const MINUTE_MS = 60_000;

export interface WeightDecision {
  readonly status: 200 | 429 | 418;
  readonly usedWeight: number;
  /** Only with 429 and 418. */
  readonly retryAfterSeconds: number;
}

/**
 * The venue's request budget: weights add up within each UTC clock minute, above the limit requests are refused with 429, and
 * a client that goes on regardless is banned with 418. Refused requests count too.
 */
export class RequestWeights {
  readonly #limit: number;
  readonly #banMs: number;
  #minute = -1;
  #used = 0;
  #refusals = 0;
  #bannedUntilMs = 0;

  constructor(limit = WEIGHT_PER_MINUTE_MAX, banMs = 2 * MINUTE_MS) {
    this.#limit = limit;
    this.#banMs = banMs;
  }

  get bannedUntilMs(): number {
    return this.#bannedUntilMs;
  }

  /** @param nowMs the exchange's clock, ms since the Unix epoch. */
  take(weight: number, nowMs: number): WeightDecision {
    const minute = Math.floor(nowMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#used = 0;
      this.#refusals = 0;
    }
    this.#used += weight;
    if (nowMs < this.#bannedUntilMs) return this.#decision(418, this.#bannedUntilMs - nowMs);
    if (this.#used <= this.#limit) return this.#decision(200, 0);
    this.#refusals++;
    if (this.#refusals <= REFUSALS_BEFORE_BAN) return this.#decision(429, (minute + 1) * MINUTE_MS - nowMs);
    this.#bannedUntilMs = nowMs + this.#banMs;
    return this.#decision(418, this.#banMs);
  }

  #decision(status: 200 | 429 | 418, waitMs: number): WeightDecision {
    return { status, usedWeight: this.#used, retryAfterSeconds: Math.ceil(waitMs / 1000) };
  }
}
