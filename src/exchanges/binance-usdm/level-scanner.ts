import type { FrameReader } from './frame-reader.ts';

const POWERS = Float64Array.of(1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8);

/** What came after a level. */
const NEXT_LEVEL = 1;
const LIST_END = 0;
const NOT_PLAIN = -1;

/** How the last price read was written: so many digits before the point, so many zeros behind the decimal places of the scale. */
export class PriceLayout {
  digits = 0;
  zeros = 0;
}

const LAYOUT_DIGITS_MAX = 8;
const LAYOUT_ZEROS_MAX = 4;

/**
 * Reads one side of a depth frame, `[["61800.20","2.507"],…]`, straight to integer mantissas. Most of a frame's time goes here.
 */
export class LevelScanner {
  readonly #reader: FrameReader;

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  /**
   * Reads from the reader's position, which is the list's opening bracket, and leaves it after the closing one.
   * @param layout what prices of this instrument looked like last: only a guess, which is corrected here.
   * @param prices,quantities receive the mantissas; their length is the most levels that are read.
   * @returns the number of levels; -1 when the list is not written as documented, or a number is finer than its scale.
   */
  scan(
    layout: PriceLayout,
    priceScale: number,
    quantityScale: number,
    prices: Float64Array,
    quantities: Float64Array,
  ): number {
    const reader = this.#reader;
    const start = reader.view.getInt32(reader.at, true) & 0xffffff;
    if ((start & 0xffff) === 0x5d5b /* [] */) {
      reader.at += 2;
      return 0;
    }
    if (start !== 0x225b5b /* [[" */) return -1;
    reader.at += 3;
    let count = 0;
    while (count < prices.length) {
      if (layout.digits !== 0) {
        const reached = this.#scanUsual(count, layout, priceScale, quantityScale, prices, quantities);
        if (reached < 0) return ~reached;
        if (reached >= prices.length) return -1;
        count = reached;
      }
      const after = this.#scanOne(count, layout, priceScale, quantityScale, prices, quantities);
      if (after === NOT_PLAIN) return -1;
      count++;
      if (after === LIST_END) return count;
    }
    return -1;
  }

  /** One level, however many digits it has, from its price's first digit. */
  #scanOne(
    index: number,
    layout: PriceLayout,
    priceScale: number,
    quantityScale: number,
    prices: Float64Array,
    quantities: Float64Array,
  ): number {
    const reader = this.#reader;
    const start = reader.at;
    const price = reader.mantissa(priceScale);
    if (price < 0 || (reader.view.getInt32(reader.at, true) & 0xffffff) !== 0x222c22 /* "," */) return NOT_PLAIN;
    this.#learn(layout, start, reader.at, priceScale);
    reader.at += 3;
    const quantity = reader.mantissa(quantityScale);
    if (quantity < 0) return NOT_PLAIN;
    prices[index] = price;
    quantities[index] = quantity;
    const { bytes, view, at } = reader;
    if (view.getInt32(at, true) === 0x5b2c5d22 /* "],[ */ && bytes[at + 4] === 0x22) {
      reader.at = at + 5;
      return NEXT_LEVEL;
    }
    if ((view.getInt32(at, true) & 0xffffff) !== 0x5d5d22 /* "]] */) return NOT_PLAIN;
    reader.at = at + 3;
    return LIST_END;
  }

  /** Notes how the price from `start` to `end` is written; no digits when that is not the usual way. */
  #learn(layout: PriceLayout, start: number, end: number, priceScale: number): void {
    const { bytes } = this.#reader;
    let point = start;
    while (point < end && bytes[point] !== 0x2e /* . */) point++;
    const digits = point - start;
    const zeros = point === end ? -priceScale : end - point - 1 - priceScale;
    const isUsual =
      digits <= LAYOUT_DIGITS_MAX && zeros >= 0 && zeros <= LAYOUT_ZEROS_MAX && (priceScale > 0 || point === end);
    layout.digits = isUsual ? digits : 0;
    layout.zeros = zeros;
  }

  /**
   * Levels whose prices are written as the layout says, with quantities of the usual kind: a few digits before the point, then every decimal
   * place of the scale, then zeros. Stops at the first level of another kind, which need not be a wrong one, and leaves the reader at its price.
   *
   * The length of a price, and of a quantity, is assumed and then checked, not found: so a processor, which goes on with what is most likely, need not wait for one
   * level's digits before it knows where the next level is. That is worth a third of the time.
   *
   * Price and quantity are written out one after the other because a function shared by both took half as long again. Constants are
   * the function's own: V8 reads those of a module, or imported ones, from memory at every use. `| 0` says that nothing
   * overflows. Whatever is rare is left to the caller: code that is never reached still costs registers.
   *
   * @returns how many levels there are now; `~count`, which is negative, when the list has ended.
   */
  #scanUsual(
    start: number,
    layout: PriceLayout,
    priceScale: number,
    quantityScale: number,
    prices: Float64Array,
    quantities: Float64Array,
  ): number {
    const ZEROS = 0x30303030;
    const DIGIT_LIMITS = 0x76767676;
    const NOT_DIGIT = 0x80808080;
    const PAIRS = 0x00ff00ff;
    const PRICE_END = 0x222c22; // ","
    const LEVEL_END = 0x5b2c5d22; // "],[
    const SIDE_END = 0x5d5d22; // "]]
    const POINT = 0x2e;
    const ZERO = 0x30;
    const QUOTE = 0x22;

    const reader = this.#reader;
    const view = reader.view;
    const powers = POWERS;
    const capacity = prices.length;
    if (priceScale > 7 || quantityScale > 3) return start;
    // Up to four digits before the point, or four and up to four more; the point and up to three behind it, or three and up to four more.
    const priceDigits = layout.digits | 0;
    const priceZeros = layout.zeros | 0;
    const firstDigits = Math.min(priceDigits, 4);
    const moreDigits = (priceDigits - firstDigits) | 0;
    const digitShift = (32 - 8 * firstDigits) | 0;
    const moreDigitShift = (32 - 8 * moreDigits) | 0;
    const moreDigitPower = powers[moreDigits]!;
    const firstPlaces = Math.min(priceScale, 3);
    const morePlaces = (priceScale - firstPlaces) | 0;
    const priceShift = (32 - 8 * firstPlaces) | 0;
    const moreShift = (32 - 8 * morePlaces) | 0;
    const pricePower = powers[firstPlaces]!;
    const morePower = powers[morePlaces]!;
    const zeroShift = (32 - 8 * priceZeros) | 0;
    const zeroWord = ZEROS << zeroShift;
    const zerosAt = (priceDigits + 1 + priceScale) | 0;
    const priceLength = priceScale === 0 ? priceDigits : (zerosAt + priceZeros) | 0;
    const quantityShift = (32 - 8 * quantityScale) | 0;
    const quantityPower = powers[quantityScale]!;
    const digitsEnd = quantityScale === 0 ? QUOTE : POINT;
    let quantityDigits = 1;
    let quantityDigitShift = 24;

    let at = reader.at | 0;
    let levelStart = at;
    let count = start | 0;
    while (count < capacity) {
      if ((view.getInt32((at + priceLength) | 0, true) & 0xffffff) !== PRICE_END) break;
      let x = ((view.getInt32(at, true) - ZEROS) | 0) << digitShift;
      let others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
      x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
      let mantissa = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
      if (moreDigits !== 0) {
        x = ((view.getInt32((at + 4) | 0, true) - ZEROS) | 0) << moreDigitShift;
        others |= ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * moreDigitPower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
      }
      if (priceScale !== 0) {
        x = view.getInt32((at + priceDigits) | 0, true);
        if ((x & 0xff) !== POINT) break;
        x = (((x >>> 8) - ZEROS) | 0) << priceShift;
        others |= ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * pricePower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        if (morePlaces !== 0) {
          x = ((view.getInt32((at + priceDigits + 4) | 0, true) - ZEROS) | 0) << moreShift;
          others |= ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
          x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
          mantissa = mantissa * morePower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        }
        if (priceZeros !== 0 && view.getInt32((at + zerosAt) | 0, true) << zeroShift !== zeroWord) break;
      }
      if (others !== 0) break;
      prices[count] = mantissa;
      at = (at + priceLength + 3) | 0;

      // The quantity: as many digits before the point as the one before, else up to eleven, and up to three decimal places.
      let afterDigits = view.getInt32((at + quantityDigits) | 0, true);
      if ((afterDigits & 0xff) === digitsEnd) {
        x = ((view.getInt32(at, true) - ZEROS) | 0) << quantityDigitShift;
        if ((((x + DIGIT_LIMITS) | x) & NOT_DIGIT) !== 0) break;
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
        at = (at + quantityDigits) | 0;
      } else {
        x = (view.getInt32(at, true) - ZEROS) | 0;
        others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
        mantissa = 0;
        let isShort = true;
        if (others === 0) {
          isShort = false;
          x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
          mantissa = (Math.imul(x & 0xff, 100) + (x >>> 16)) | 0;
          at = (at + 4) | 0;
          x = (view.getInt32(at, true) - ZEROS) | 0;
          others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
          if (others === 0) {
            x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
            mantissa = mantissa * 1e4 + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
            at = (at + 4) | 0;
            x = (view.getInt32(at, true) - ZEROS) | 0;
            others = ((x + DIGIT_LIMITS) | x) & NOT_DIGIT;
            if (others === 0) break;
          }
        } else if ((others & 0x80) !== 0) {
          break;
        }
        const digits = ((31 - Math.clz32(others & -others)) >> 3) | 0;
        x = (x << (24 - 8 * digits)) << 8;
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * powers[digits]! + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        at = (at + digits) | 0;
        afterDigits = view.getInt32(at, true);
        if (isShort) {
          quantityDigits = digits;
          quantityDigitShift = (32 - 8 * digits) | 0;
        }
      }
      if (quantityScale !== 0) {
        if ((afterDigits & 0xff) !== POINT) break;
        x = (((afterDigits >>> 8) - ZEROS) | 0) << quantityShift;
        if ((((x + DIGIT_LIMITS) | x) & NOT_DIGIT) !== 0) break;
        x = (Math.imul(x, 10) + (x >>> 8)) & PAIRS;
        mantissa = mantissa * quantityPower + ((Math.imul(x & 0xff, 100) + (x >>> 16)) | 0);
        at = (at + 1 + quantityScale) | 0;
      }
      quantities[count] = mantissa;

      // Zeros behind the decimal places, then the next level or the end of the list.
      x = view.getInt32(at, true);
      if (quantityScale !== 0) {
        while ((x & 0xff) === ZERO) {
          at = (at + 1) | 0;
          x = view.getInt32(at, true);
        }
      }
      if (x === LEVEL_END && view.getInt32((at + 1) | 0, true) >>> 24 === QUOTE) {
        at = (at + 5) | 0;
        levelStart = at;
        count = (count + 1) | 0;
      } else if ((x & 0xffffff) === SIDE_END) {
        reader.at = at + 3;
        return ~(count + 1);
      } else {
        break;
      }
    }
    reader.at = levelStart;
    return count;
  }
}
