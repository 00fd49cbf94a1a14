import type { Clock } from '../model/clock.ts';
import { EpochNanos } from './epoch-nanos.ts';

/**
 * Writes the time of a clock in `times[index]` as i64 nanoseconds since the Unix epoch. @param wordIndex of the low 4-byte word.
 * The time comes in an array because V8 allocates a double that is passed to a function.
 */
export type WallTimeWriter = (words: Uint32Array, wordIndex: number, times: Float64Array, index: number) => void;

/** A constant of this module, because V8 fetches imported ones at each use. */
const HIGH = 4294967296;
const ANCHOR_NS = 0;
const ANCHOR_LOW = 1;
const ANCHOR_HIGH = 2;
/** The clock is asked anew after this long: so late may a step of the wall clock be followed. */
const ANCHOR_NS_MAX = 10_000_000;

/**
 * The wall time of one moment is kept, and times shortly after it are told by the distance, which saves most of the conversion.
 * Serves one kind of time: receive times and publish times would move each other's anchor.
 */
export function createWallTimeWriter(clock: Clock): WallTimeWriter {
  const epoch = new EpochNanos();
  const epochWords = new Uint32Array(2);
  const anchor = new Float64Array(16).fill(Number.NaN);

  function moveAnchor(timeNs: number): void {
    epoch.write(epochWords, 0, clock.wallSeconds(timeNs), clock.wallNanos(timeNs));
    anchor[ANCHOR_NS] = timeNs;
    anchor[ANCHOR_LOW] = epochWords[0]!;
    anchor[ANCHOR_HIGH] = epochWords[1]!;
  }

  return (words, wordIndex, times, index) => {
    const timeNs = times[index]!;
    let distance = timeNs - anchor[ANCHOR_NS]!;
    if (!(distance >= 0 && distance < ANCHOR_NS_MAX)) {
      moveAnchor(timeNs);
      distance = 0;
    }
    const low = anchor[ANCHOR_LOW]! + distance;
    words[wordIndex] = low;
    words[wordIndex + 1] = anchor[ANCHOR_HIGH]! + (low >= HIGH ? 1 : 0);
  };
}
