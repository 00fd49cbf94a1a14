/** The list is not written as documented, or needs care: the tolerant decoder judges it. */
export const NOT_PLAIN = -1;

const POW10_INTEGERS = Int32Array.from({ length: 10 }, (_, exponent) => 10 ** exponent);

/**
 * Reads one side of a depth frame, `[["61800.20","2.507"],…]`, straight to integer mantissas: the digits before the point, up to
 * `scale` digits after it, then nothing but zeros.
 *
 * This is where most of a frame's time goes: 21 bytes and 30 ns a level. Price and quantity are written out one after the other
 * because a shared function, even inlined, took half as long again; reading four digits at a time through a DataView won nothing,
 * since its bounds checks cost what the arithmetic saved; converting to integers with `| 0` keeps the optimiser from checking for
 * overflow at each digit.
 */
export class LevelScanner {
  /** After a successful {@link scan}: the position after the list. */
  end = 0;

  /**
   * @param frame ends in a byte that is no part of a list, as the caller has checked: reads stop there at the latest.
   * @param position of the list's opening bracket.
   * @param prices,quantities receive the mantissas; their length is the most levels that are read.
   * @returns the number of levels, or NOT_PLAIN.
   */
  scan(
    frame: Uint8Array,
    position: number,
    priceScale: number,
    quantityScale: number,
    prices: Float64Array,
    quantities: Float64Array,
  ): number {
    // Constants of the function, not of the module: V8 reads the module's from memory, and checks them, at every use.
    const ZERO = 0x30;
    const POINT_DIGIT = 0x2e - ZERO;
    const QUOTE = 0x22;
    const COMMA = 0x2c;
    const OPEN = 0x5b;
    const CLOSE = 0x5d;
    const DIGITS_MAX = 9;
    let at = (position + 1) | 0;
    if (frame[at] === CLOSE) {
      this.end = at + 1;
      return 0;
    }
    if (frame[at] !== OPEN || frame[at + 1] !== QUOTE) return -1;
    at = (at + 2) | 0;
    const capacity = prices.length;
    const powers = POW10_INTEGERS;
    for (let count = 0; count < capacity; ) {
      // The price, from its first digit.
      let first = at;
      let missing = 0;
      let digit = (frame[at]! - ZERO) | 0;
      let mantissa = digit;
      if (digit >>> 0 > 9) return -1;
      at = (at + 1) | 0;
      digit = (frame[at]! - ZERO) | 0;
      while (digit >>> 0 <= 9) {
        mantissa = (Math.imul(mantissa, 10) + digit) | 0;
        at = (at + 1) | 0;
        digit = (frame[at]! - ZERO) | 0;
      }
      if (at - first + priceScale > DIGITS_MAX) return -1;
      missing = priceScale;
      if (digit === POINT_DIGIT) {
        at = (at + 1) | 0;
        while (missing > 0) {
          digit = (frame[at]! - ZERO) | 0;
          if (digit >>> 0 > 9) break;
          mantissa = (Math.imul(mantissa, 10) + digit) | 0;
          at = (at + 1) | 0;
          missing = (missing - 1) | 0;
        }
        if (missing === 0) while (frame[at] === ZERO) at = (at + 1) | 0;
      }
      if (missing > 0) mantissa = Math.imul(mantissa, powers[missing]!);
      if (frame[at] !== QUOTE || frame[at + 1] !== COMMA || frame[at + 2] !== QUOTE) return -1;
      prices[count] = mantissa;

      // The quantity, likewise.
      at = (at + 3) | 0;
      first = at;
      digit = (frame[at]! - ZERO) | 0;
      mantissa = digit;
      if (digit >>> 0 > 9) return -1;
      at = (at + 1) | 0;
      digit = (frame[at]! - ZERO) | 0;
      while (digit >>> 0 <= 9) {
        mantissa = (Math.imul(mantissa, 10) + digit) | 0;
        at = (at + 1) | 0;
        digit = (frame[at]! - ZERO) | 0;
      }
      if (at - first + quantityScale > DIGITS_MAX) return -1;
      missing = quantityScale;
      if (digit === POINT_DIGIT) {
        at = (at + 1) | 0;
        while (missing > 0) {
          digit = (frame[at]! - ZERO) | 0;
          if (digit >>> 0 > 9) break;
          mantissa = (Math.imul(mantissa, 10) + digit) | 0;
          at = (at + 1) | 0;
          missing = (missing - 1) | 0;
        }
        if (missing === 0) while (frame[at] === ZERO) at = (at + 1) | 0;
      }
      if (missing > 0) mantissa = Math.imul(mantissa, powers[missing]!);
      if (frame[at] !== QUOTE || frame[at + 1] !== CLOSE) return -1;
      quantities[count] = mantissa;
      count++;

      // The next level, or the end of the list.
      if (frame[at + 2] === CLOSE) {
        this.end = at + 3;
        return count;
      }
      if (frame[at + 2] !== COMMA || frame[at + 3] !== OPEN || frame[at + 4] !== QUOTE) return -1;
      at = (at + 5) | 0;
    }
    return -1;
  }
}
