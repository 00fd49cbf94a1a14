/**
 * Judges whether one stream is silent for longer than it plausibly can be. It learns the second longest gap between two events
 * that the stream has shown, forgets it with a half-life, and calls the stream silent after a multiple of that gap, within bounds.
 *
 * The longest gaps, not the mean: trades come in bursts, and a mean interval learned in one would call the pause after it a fault.
 * The second longest, not the longest: a single outage is not how the stream is.
 */
export interface LivenessBounds {
  /** Never silent before this long. */
  readonly floorMs: number;
  /** Always silent after this long. */
  readonly ceilingMs: number;
}

const GAP_MULTIPLE = 5;
const HALF_LIFE_NS = 600e9;

export class StreamLiveness {
  readonly #bounds: LivenessBounds;
  #lastNs = Number.NaN;
  #longestGapNs = 0;
  #secondGapNs = 0;
  #decayedAtNs = Number.NaN;

  constructor(bounds: LivenessBounds) {
    this.#bounds = bounds;
  }

  /** The stream was subscribed (again): silence is counted from here, without taking the pause for one of its gaps. */
  restart(nowNs: number): void {
    this.#lastNs = nowNs;
  }

  /** The stream cannot be judged: its connection is down. */
  suspend(): void {
    this.#lastNs = Number.NaN;
  }

  onData(nowNs: number): void {
    const gapNs = nowNs - this.#lastNs;
    if (gapNs > this.#longestGapNs) {
      this.#secondGapNs = this.#longestGapNs;
      this.#longestGapNs = gapNs;
    } else if (gapNs > this.#secondGapNs) this.#secondGapNs = gapNs;
    this.#lastNs = nowNs;
  }

  /** Milliseconds after which silence is a fault, at present. */
  thresholdMs(): number {
    const learnedMs = (this.#secondGapNs * GAP_MULTIPLE) / 1e6;
    return Math.min(this.#bounds.ceilingMs, Math.max(this.#bounds.floorMs, learnedMs));
  }

  /** To be called now and then; false while nothing can be said. */
  isSilent(nowNs: number): boolean {
    if (Number.isNaN(this.#lastNs)) return false;
    this.#decay(nowNs);
    return nowNs - this.#lastNs > this.thresholdMs() * 1e6;
  }

  #decay(nowNs: number): void {
    if (!Number.isNaN(this.#decayedAtNs)) {
      const remaining = 0.5 ** ((nowNs - this.#decayedAtNs) / HALF_LIFE_NS);
      this.#longestGapNs *= remaining;
      this.#secondGapNs *= remaining;
    }
    this.#decayedAtNs = nowNs;
  }
}
