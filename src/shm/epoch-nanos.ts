/** A constant of this module, because V8 fetches imported ones at each use. */
const HIGH = 4294967296;
const SECONDS = 0;
const SECONDS_LOW = 1;
const SECONDS_HIGH = 2;

/**
 * Writes times as i64 nanoseconds since the Unix epoch. They do not fit a double, so both words are put together from seconds and
 * nanoseconds; the product of the second is kept, because most times fall into the same second as the time before.
 */
export class EpochNanos {
  /** In a typed array, because a double in a field is allocated anew at each change. */
  readonly #cached = new Float64Array(3);

  /** @param wordIndex of the low 4-byte word. @param seconds 0 to 9.2e9. @param nanos 0 to 999,999,999. */
  write(words: Uint32Array, wordIndex: number, seconds: number, nanos: number): void {
    const cached = this.#cached;
    if (seconds !== cached[SECONDS]) this.#cache(seconds);
    const low = cached[SECONDS_LOW]! + nanos;
    words[wordIndex] = low;
    words[wordIndex + 1] = cached[SECONDS_HIGH]! + (low >= HIGH ? 1 : 0);
  }

  /**
   * Writes the milliseconds since the Unix epoch in `times[index]`; 0 or less, which stands for "absent", is written as 0.
   * They come in an array because V8 allocates a double that is passed to a function.
   */
  writeMilliseconds(words: Uint32Array, wordIndex: number, times: Float64Array, index: number): void {
    const milliseconds = times[index]!;
    if (milliseconds <= 0) {
      words[wordIndex] = 0;
      words[wordIndex + 1] = 0;
      return;
    }
    const seconds = Math.floor(milliseconds / 1000);
    this.write(words, wordIndex, seconds, (milliseconds - seconds * 1000) * 1e6);
  }

  /** seconds × 10^9, multiplied in 16-bit halves so that every product is exact. */
  #cache(seconds: number): void {
    const upper = Math.floor(seconds / 65536);
    const upperProduct = upper * 1e9;
    const upperHigh = Math.floor(upperProduct / 65536);
    const low = (upperProduct - upperHigh * 65536) * 65536 + (seconds - upper * 65536) * 1e9;
    this.#cached[SECONDS] = seconds;
    this.#cached[SECONDS_LOW] = low % HIGH;
    this.#cached[SECONDS_HIGH] = upperHigh + Math.floor(low / HIGH);
  }
}
