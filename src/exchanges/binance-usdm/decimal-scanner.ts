import { POW10, SCALE_MAX } from '../../model/decimal.ts';
import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACKET_CLOSE,
  COMMA,
  DIGIT_0,
  DIGIT_9,
  MINUS,
  POINT,
  QUOTE,
  unescapeString,
} from './json-scanner.ts';

/** Answers of {@link DecimalScanner.mantissaAt} in place of a mantissa, which is never negative. */
export const MALFORMED = -1;
export const OUT_OF_RANGE = -2;
export const FINER = -3;

/** Beyond this an exponent is as good as infinite. */
const EXPONENT_MAX = 9999;
const TEXT_BYTES_MAX = 128;
const LETTER_E = 0x65;
const CASE_BIT = 0x20;
const PLUS = 0x2b;

/**
 * Reads decimal numbers from JSON bytes exactly, whether they stand as text or as a number, with or without an exponent:
 * "61800.20", 61800.2 and "618002E-1" are the same. The form kept is the shortest: no trailing zeros in the mantissa.
 */
export class DecimalScanner {
  /** The scale that the number read last needs; 0 or less for an integer. */
  scale = 0;

  readonly #unescaped = new Uint8Array(TEXT_BYTES_MAX);
  #mantissa = 0;

  /**
   * The number whose JSON value starts at `position` as an integer at `scale` decimal places.
   * @param bytes holds a well-formed value at `position`.
   * @returns the mantissa, or MALFORMED; OUT_OF_RANGE (negative, beyond 2^53, or finer than is supported); FINER (see `this.scale`).
   */
  mantissaAt(bytes: Uint8Array, position: number, scale: number): number {
    const failure = this.#read(bytes, position);
    if (failure !== 0) return failure;
    if (this.scale > scale) return this.scale > SCALE_MAX ? OUT_OF_RANGE : FINER;
    const zeros = scale - this.scale;
    if (this.#mantissa === 0 || zeros === 0) return this.#mantissa;
    if (zeros >= POW10.length) return OUT_OF_RANGE;
    const mantissa = this.#mantissa * POW10[zeros]!;
    return Number.isSafeInteger(mantissa) ? mantissa : OUT_OF_RANGE;
  }

  /** An identifier or a time: a whole number from 0 to 2^53 - 1, else MALFORMED or OUT_OF_RANGE. */
  integerAt(bytes: Uint8Array, position: number): number {
    const value = this.mantissaAt(bytes, position, 0);
    return value === FINER ? MALFORMED : value;
  }

  #read(bytes: Uint8Array, position: number): number {
    if (bytes[position] !== QUOTE) return this.#readText(bytes, position, numberEnd(bytes, position));
    let end = position + 1;
    while (bytes[end] !== QUOTE) {
      if (bytes[end] === BACKSLASH) {
        const length = unescapeString(bytes, position, this.#unescaped);
        return length < 0 ? MALFORMED : this.#readText(this.#unescaped, 0, length);
      }
      end++;
    }
    return this.#readText(bytes, position + 1, end);
  }

  #readText(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    const isNegative = at < end && bytes[at] === MINUS;
    if (isNegative) at++;
    const whole = at;
    let mantissa = 0;
    let zeros = 0;
    let fractionDigits = 0;
    let point = -1;
    let isTooLarge = false;
    for (; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === POINT && point < 0 && at > whole) {
        point = at;
        continue;
      }
      if (byte < DIGIT_0 || byte > DIGIT_9) break;
      if (point >= 0) fractionDigits++;
      // Zeros count only once a digit follows them: "100.00" is 1 with two zeros before the point and two after it.
      if (byte === DIGIT_0) {
        zeros++;
      } else if (mantissa === 0) {
        mantissa = byte - DIGIT_0;
        zeros = 0;
      } else {
        mantissa = zeros < 16 ? mantissa * POW10[zeros + 1]! + (byte - DIGIT_0) : Number.POSITIVE_INFINITY;
        zeros = 0;
        if (mantissa > Number.MAX_SAFE_INTEGER) isTooLarge = true;
      }
    }
    if (at === whole) return MALFORMED;
    let exponent = 0;
    if (at < end) {
      if ((bytes[at]! | CASE_BIT) !== LETTER_E) return MALFORMED;
      exponent = exponentAt(bytes, at + 1, end);
      if (Number.isNaN(exponent)) return MALFORMED;
    }
    if (isTooLarge || (isNegative && mantissa !== 0)) return OUT_OF_RANGE;
    this.#mantissa = mantissa;
    this.scale = mantissa === 0 ? 0 : fractionDigits - zeros - exponent;
    return 0;
  }
}

/** Where a bare number ends: at what may follow a value. Anything else within is then found not to be a number. */
function numberEnd(bytes: Uint8Array, position: number): number {
  let at = position;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === COMMA || byte === BRACE_CLOSE || byte === BRACKET_CLOSE || byte <= 0x20) break;
    at++;
  }
  return at;
}

/** A signed exponent; NaN when it is none. */
function exponentAt(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const isNegative = at < end && bytes[at] === MINUS;
  if (isNegative || (at < end && bytes[at] === PLUS)) at++;
  if (at >= end) return Number.NaN;
  let exponent = 0;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    if (byte < DIGIT_0 || byte > DIGIT_9) return Number.NaN;
    if (exponent <= EXPONENT_MAX) exponent = exponent * 10 + (byte - DIGIT_0);
  }
  return isNegative ? -exponent : exponent;
}
