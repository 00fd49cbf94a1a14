import type { FrameReader } from './frame-reader.ts';

const POWERS = Float64Array.of(1, 10, 100, 1000, 10_000);

/**
 * Reads one side of a depth frame, `[["61800.20","2.507"],…]`, straight to integer mantissas.
 *
 * This is where most of a frame's time goes. Numbers of up to seven digits before the point and up to
 * four decimal places, all of them given, are read four digits at a time right here, the rest by {@link FrameReader.mantissa}.
 * Price and quantity are written out one after the other because a function shared by both took half as long again. Constants
 * are the function's own: V8 reads those of a module, or imported ones, from memory at every use. `| 0` says that nothing overflows.
 */
export class LevelScanner {
  readonly #reader: FrameReader;

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  /**
   * Reads from the reader's position, which is the list's opening bracket, and leaves it after the closing one.
   * @param prices,quantities receive the mantissas; their length is the most levels that are read.
   * @returns the number of levels; -1 when the list is not written as documented, or needs care.
   */
  scan(priceScale: number, quantityScale: number, prices: Float64Array, quantities: Float64Array): number {
    const ZEROS = 0x30303030;
    const DIGIT_LIMITS = 0x76767676;
    const NOT_DIGIT = 0x80808080;
    const PAIRS = 0x00ff00ff;
    const PRICE_END = 0x222c22; // ","
    const LEVEL_END = 0x5b2c5d22; // "],[
    const LIST_END = 0x5d5d22; // "]]
    const POINT = 0x2e;
    const ZERO = 0x30;
    const QUOTE = 0x22;

    const reader = this.#reader;
    const bytes = reader.bytes;
    const view = reader.view;
    const powers = POWERS;
    const isPriceShort = priceScale > 0 && priceScale <= 4;
    const isQuantityShort = quantityScale > 0 && quantityScale <= 4;
    const priceShift = (32 - 8 * priceScale) | 0;
    const quantityShift = (32 - 8 * quantityScale) | 0;
    const pricePower = isPriceShort ? powers[priceScale]! : 1;
    const quantityPower = isQuantityShort ? powers[quantityScale]! : 1;
    const capacity = prices.length;

    let at = reader.at | 0;
    if ((view.getInt32(at, true) & 0xffff) === 0x5d5b /* [] */) {
      reader.at = at + 2;
      return 0;
    }
    if ((view.getInt32(at, true) & 0xffffff) !== 0x225b5b /* [[" */) return -1;
    at = (at + 3) | 0;
    for (let count = 0; count < capacity; ) {
      // The price: up to four digits, or four and up to three more.
      let first = at;
      let x = (view.getInt32(at, true) - ZEROS) | 0;
      let others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
      let whole = 0;
      let isRead = isPriceShort;
      if (others === 0) {
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        whole = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
        at = (at + 4) | 0;
        x = (view.getInt32(at, true) - ZEROS) | 0;
        others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
        if (others === 0) isRead = false;
      } else if ((others & 0x80) !== 0) {
        return -1;
      }
      let digits = ((31 - Math.clz32(others & -others)) >> 3) | 0;
      x = (x << (24 - 8 * digits)) << 8;
      x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
      x = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
      let mantissa = whole * powers[digits]! + x;
      at = (at + digits) | 0;
      // As many decimal places as the scale has.
      x = ((view.getInt32((at + 1) | 0, true) - ZEROS) | 0) << priceShift;
      if (isRead && bytes[at] === POINT && (((x + DIGIT_LIMITS) | x) & NOT_DIGIT) === 0) {
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * pricePower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        at = (at + 1 + priceScale) | 0;
        if (bytes[at] === ZERO) {
          at = (at + 1) | 0;
          while (bytes[at] === ZERO) at = (at + 1) | 0;
        }
      } else {
        reader.at = first;
        mantissa = reader.mantissa(priceScale);
        if (mantissa < 0) return -1;
        at = reader.at | 0;
      }
      if ((view.getInt32(at, true) & 0xffffff) !== PRICE_END) return -1;
      prices[count] = mantissa;
      at = (at + 3) | 0;

      // The quantity, likewise.
      first = at;
      x = (view.getInt32(at, true) - ZEROS) | 0;
      others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
      whole = 0;
      isRead = isQuantityShort;
      if (others === 0) {
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        whole = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
        at = (at + 4) | 0;
        x = (view.getInt32(at, true) - ZEROS) | 0;
        others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
        if (others === 0) isRead = false;
      } else if ((others & 0x80) !== 0) {
        return -1;
      }
      digits = ((31 - Math.clz32(others & -others)) >> 3) | 0;
      x = (x << (24 - 8 * digits)) << 8;
      x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
      x = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
      mantissa = whole * powers[digits]! + x;
      at = (at + digits) | 0;
      x = ((view.getInt32((at + 1) | 0, true) - ZEROS) | 0) << quantityShift;
      if (isRead && bytes[at] === POINT && (((x + DIGIT_LIMITS) | x) & NOT_DIGIT) === 0) {
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * quantityPower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        at = (at + 1 + quantityScale) | 0;
        if (bytes[at] === ZERO) {
          at = (at + 1) | 0;
          while (bytes[at] === ZERO) at = (at + 1) | 0;
        }
      } else {
        reader.at = first;
        mantissa = reader.mantissa(quantityScale);
        if (mantissa < 0) return -1;
        at = reader.at | 0;
      }
      quantities[count] = mantissa;
      count++;

      // The next level, or the end of the list.
      x = view.getInt32(at, true);
      if (x === LEVEL_END) {
        if (bytes[at + 4] !== QUOTE) return -1;
        at = (at + 5) | 0;
      } else if ((x & 0xffffff) === LIST_END) {
        reader.at = at + 3;
        return count;
      } else {
        return -1;
      }
    }
    return -1;
  }
}
