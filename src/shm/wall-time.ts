import type { Clock } from '../model/clock.ts';
import { EpochNanos } from './epoch-nanos.ts';
import { TWO_32 } from './int64.ts';

const ANCHOR_NS = 0;
const ANCHOR_LOW = 1;
const ANCHOR_HIGH = 2;
/** The clock is asked anew after this long: so late may a step of the wall clock be followed. */
const ANCHOR_NS_MAX = 10_000_000;

/**
 * Writes times of a clock as i64 nanoseconds since the Unix epoch: the wall time of one moment is kept, and times shortly after
 * it are told by the distance, which saves most of the conversion.
 */
export class WallTime {
  readonly #clock: Clock;
  readonly #epoch = new EpochNanos();
  readonly #words = new Uint32Array(2);
  /** In a typed array, because a double in a field is allocated anew at each change. */
  readonly #anchor = Float64Array.of(Number.POSITIVE_INFINITY, 0, 0);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param wordIndex of the low 4-byte word. @param timeNs on the clock. */
  write(words: Uint32Array, wordIndex: number, timeNs: number): void {
    const anchor = this.#anchor;
    let distance = timeNs - anchor[ANCHOR_NS]!;
    if (!(distance >= 0 && distance < ANCHOR_NS_MAX)) {
      this.#moveAnchor(timeNs);
      distance = 0;
    }
    const low = anchor[ANCHOR_LOW]! + distance;
    words[wordIndex] = low;
    words[wordIndex + 1] = anchor[ANCHOR_HIGH]! + (low >= TWO_32 ? 1 : 0);
  }

  #moveAnchor(timeNs: number): void {
    this.#epoch.write(this.#words, 0, this.#clock.wallSeconds(timeNs), this.#clock.wallNanos(timeNs));
    this.#anchor[ANCHOR_NS] = timeNs;
    this.#anchor[ANCHOR_LOW] = this.#words[0]!;
    this.#anchor[ANCHOR_HIGH] = this.#words[1]!;
  }
}
