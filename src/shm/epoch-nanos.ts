import { TWO_32 } from './int64.ts';

/**
 * A time in nanoseconds since the Unix epoch as the two words of an i64. It does not fit a double, so it is put together from
 * seconds and nanoseconds; the product of the second is kept, because most times fall into the same one as the time before.
 */
export class EpochNanos {
  low = 0;
  high = 0;
  #seconds = 0;
  #secondsLow = 0;
  #secondsHigh = 0;

  /** @param seconds 0 to 9.2e9. @param nanos 0 to 999,999,999. */
  set(seconds: number, nanos: number): void {
    if (seconds !== this.#seconds) this.#setSeconds(seconds);
    const low = this.#secondsLow + nanos;
    const carry = low >= TWO_32 ? 1 : 0;
    this.low = low - carry * TWO_32;
    this.high = this.#secondsHigh + carry;
  }

  /** @param milliseconds since the Unix epoch; 0 or less, which stands for "absent", gives 0. */
  setMilliseconds(milliseconds: number): void {
    if (milliseconds <= 0) {
      this.low = 0;
      this.high = 0;
      return;
    }
    const seconds = Math.floor(milliseconds / 1000);
    this.set(seconds, (milliseconds - seconds * 1000) * 1e6);
  }

  /** seconds × 10^9, multiplied in 16-bit halves so that every product is exact. */
  #setSeconds(seconds: number): void {
    const upper = Math.floor(seconds / 65536);
    const upperProduct = upper * 1e9;
    const upperHigh = Math.floor(upperProduct / 65536);
    const low = (upperProduct - upperHigh * 65536) * 65536 + (seconds - upper * 65536) * 1e9;
    this.#secondsHigh = upperHigh + Math.floor(low / TWO_32);
    this.#secondsLow = low % TWO_32;
    this.#seconds = seconds;
  }
}
