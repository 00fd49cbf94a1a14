import { type Text, textOf, writeText } from './ascii.ts';
import { writeNineDigits } from './digits.ts';

/** RFC 3339 has no text for years outside 0–9999. */
const SECONDS_MIN = -62_167_219_200;
const SECONDS_MAX = 253_402_300_799;
const OFFSET = textOf('+00:00');

/**
 * Writes RFC 3339 times, UTC, nine fractional digits: "2025-10-06T05:16:45.212172749+00:00". The text up to the point is kept
 * from one call to the next; use one writer per stream of times that mostly go forward.
 */
export class TimestampWriter {
  #prefix: Text = textOf('');
  #second = Number.NaN;

  /**
   * @param seconds whole seconds since the Unix epoch; clamped to the years 0–9999
   * @param nanos 0–999,999,999
   * @returns the position behind it
   */
  write(target: DataView, at: number, seconds: number, nanos: number): number {
    if (seconds !== this.#second) this.#render(seconds);
    return writeText(target, writeNineDigits(target, writeText(target, at, this.#prefix), nanos), OFFSET);
  }

  /** The same from integer milliseconds since the Unix epoch. */
  writeMs(target: DataView, at: number, ms: number): number {
    const seconds = Math.floor(ms / 1000);
    return this.write(target, at, seconds, (ms - seconds * 1000) * 1_000_000);
  }

  #render(seconds: number): void {
    this.#second = seconds;
    const inRange = Math.min(Math.max(seconds, SECONDS_MIN), SECONDS_MAX);
    // "2025-10-06T05:16:45." of "2025-10-06T05:16:45.000Z"
    this.#prefix = textOf(new Date(inRange * 1000).toISOString().slice(0, 20));
  }
}
