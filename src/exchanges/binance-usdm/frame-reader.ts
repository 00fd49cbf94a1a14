/** Larger frames are left to the tolerant decoder. A diff of 1000 levels a side has 50 KB. */
const FRAME_BYTES_MAX = 128 << 10;
/** Zeros behind the frame: every loop stops there, and no word is read beyond. */
const PADDING_BYTES = 64;
/** Whole numbers of so many digits are exact whatever the digits. */
const DIGITS_MAX = 15;

/** What stands between two values: compared four bytes at a time, the last four overlapping. At least four bytes long. */
export class Literal {
  readonly length: number;
  readonly words: Int32Array;
  readonly lastWord: number;

  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    const view = new DataView(bytes.buffer);
    this.length = bytes.length;
    this.words = Int32Array.from({ length: (bytes.length - 1) >> 2 }, (_, index) => view.getInt32(index * 4, true));
    this.lastWord = view.getInt32(bytes.length - 4, true);
  }
}

/**
 * A frame copied to where it can be read four bytes at a time, and a position in it. Copying costs less than it gains: words need no
 * alignment through a DataView, that view is made once, and nothing read from it depends on who allocated the frame.
 *
 * Four characters are digits when each byte, less "0", is 9 or less: then adding 0x76 leaves its top bit clear, as it was. So
 * `(x + 0x76767676 | x) & 0x80808080`, where x is the word less 0x30303030, has a bit for each byte that is no digit, and is exact
 * up to the lowest of them, since nothing carries or borrows before it. Shifting x up until its last digit is on top puts zeros in
 * front, and two multiplications make a number of it: pairs of digits first, then pairs of pairs.
 */
export class FrameReader {
  readonly bytes = new Uint8Array(FRAME_BYTES_MAX + PADDING_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  /** Powers of ten: a field, since V8 reads imported constants in three steps and checks each. */
  readonly #powers = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);
  /** Its first element is the number that {@link integer} has read: V8 allocates one above 2^31 that a function hands back. */
  readonly value = new Float64Array(16);
  length = 0;
  at = 0;

  /** False when the frame is too large to be read here. */
  load(frame: Uint8Array): boolean {
    const length = frame.length;
    if (length > FRAME_BYTES_MAX) return false;
    this.bytes.set(frame);
    this.view.setFloat64(length, 0);
    this.view.setFloat64(length + 8, 0);
    this.length = length;
    this.at = 0;
    return true;
  }

  /** Moves past `expected` when that is what stands there, else stays. */
  skip(expected: Literal): boolean {
    const view = this.view;
    const words = expected.words;
    const start = this.at;
    for (let index = 0; index < words.length; index++) {
      if (view.getInt32(start + index * 4, true) !== words[index]) return false;
    }
    const end = start + expected.length;
    if (view.getInt32(end - 4, true) !== expected.lastWord) return false;
    this.at = end;
    return true;
  }

  /** Moves to the next quote. False when an escape or a control character comes before it: then the text is not plain. */
  skipToQuote(): boolean {
    const bytes = this.bytes;
    let at = this.at;
    let byte = bytes[at]!;
    while (byte >= 0x20 && byte !== 0x22 /* " */ && byte !== 0x5c /* \ */) byte = bytes[++at]!;
    this.at = at;
    return byte === 0x22;
  }

  /** Reads a whole number of at most 15 digits without leading zeros into {@link value}; false when something else stands there. */
  integer(): boolean {
    const start = this.at;
    this.#digits(start);
    const digits = this.at - start;
    return digits > 0 && digits <= DIGITS_MAX && (digits === 1 || this.bytes[start] !== 0x30) /* 0 */;
  }

  /** Decimal text as a mantissa at `scale`, up to the closing quote; -1 when it is finer, too long for here, or not plain digits. */
  mantissa(scale: number): number {
    const bytes = this.bytes;
    const start = this.at;
    this.#digits(start);
    const whole = this.value[0]!;
    const wholeDigits = this.at - start;
    if (wholeDigits === 0 || wholeDigits + scale > DIGITS_MAX) return -1;
    if (bytes[this.at] === 0x22 /* " */) return whole * this.#powers[scale]!;
    if (bytes[this.at] !== 0x2e /* . */) return -1;
    const fractionStart = this.at + 1;
    this.#digits(fractionStart);
    const fraction = this.value[0]!;
    let places = this.at - fractionStart;
    if (bytes[this.at] !== 0x22 || places > DIGITS_MAX) return -1;
    let shortened = fraction;
    for (; places > scale; places--) {
      if (bytes[fractionStart + places - 1] !== 0x30 /* 0 */) return -1;
      shortened /= 10;
    }
    return whole * this.#powers[scale]! + shortened * this.#powers[scale - places]!;
  }

  /** Reads the digits from `start` on into {@link value}, exact up to 15 of them; `at` moves behind the last. */
  #digits(start: number): void {
    const view = this.view;
    const powers = this.#powers;
    const end = this.length;
    let at = start;
    let value = 0;
    while (at < end) {
      let x = (view.getInt32(at, true) - 0x30303030) | 0;
      const others = ((x + 0x76767676) | x) & 0x80808080;
      if (others === 0) {
        const pairs = (Math.imul(x, 10) + (x >>> 8)) & 0x00ff00ff;
        value = value * 1e4 + ((Math.imul(pairs & 0xff, 100) + (pairs >>> 16)) | 0);
        at += 4;
        continue;
      }
      const count = (31 - Math.clz32(others & -others)) >> 3;
      x = (x << (24 - 8 * count)) << 8;
      const pairs = (Math.imul(x, 10) + (x >>> 8)) & 0x00ff00ff;
      value = value * powers[count]! + ((Math.imul(pairs & 0xff, 100) + (pairs >>> 16)) | 0);
      at += count;
      break;
    }
    this.at = at;
    this.value[0] = value;
  }
}
