/**
 * A tolerant, order-independent walk over JSON bytes (RFC 8259): it checks that a value is well formed and says where it ends.
 * Every function takes a position and returns the one after what it read, or -1. Nothing is allocated, nothing throws.
 */

export const NOT_JSON = -1;

/** Arrays and objects nested deeper than this are refused: it bounds the stack. */
export const JSON_DEPTH_MAX = 32;

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const DIGIT_0 = 0x30;
export const DIGIT_9 = 0x39;
export const COLON = 0x3a;
export const BRACKET_OPEN = 0x5b;
export const BACKSLASH = 0x5c;
export const BRACKET_CLOSE = 0x5d;
export const BRACE_OPEN = 0x7b;
export const BRACE_CLOSE = 0x7d;
const LETTER_E = 0x65;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const LETTER_U = 0x75;
const CASE_BIT = 0x20;

export function skipWhitespace(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at++;
  }
  return at;
}

/** From an opening quote to after the closing one. */
export function skipString(bytes: Uint8Array, position: number, end: number): number {
  let at = position + 1;
  while (at < end) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte < 0x20) return NOT_JSON;
    if (byte !== BACKSLASH) {
      at++;
      continue;
    }
    if (at + 1 >= end) return NOT_JSON;
    if (bytes[at + 1] === LETTER_U) {
      if (hexUnit(bytes, at + 2, end) < 0) return NOT_JSON;
      at += 6;
    } else {
      if (simpleEscape(bytes[at + 1]!) < 0) return NOT_JSON;
      at += 2;
    }
  }
  return NOT_JSON;
}

export function skipNumber(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  if (at < end && bytes[at] === MINUS) at++;
  const whole = at;
  at = skipDigits(bytes, at, end);
  if (at === whole || (bytes[whole] === DIGIT_0 && at > whole + 1)) return NOT_JSON;
  if (at < end && bytes[at] === POINT) {
    const fraction = at + 1;
    at = skipDigits(bytes, fraction, end);
    if (at === fraction) return NOT_JSON;
  }
  if (at < end && (bytes[at]! | CASE_BIT) === LETTER_E) {
    at++;
    if (at < end && (bytes[at] === MINUS || bytes[at] === 0x2b)) at++;
    const exponent = at;
    at = skipDigits(bytes, exponent, end);
    if (at === exponent) return NOT_JSON;
  }
  return at;
}

/** Any value, from its first byte. */
export function skipValue(bytes: Uint8Array, position: number, end: number, depth: number): number {
  if (position >= end) return NOT_JSON;
  switch (bytes[position]) {
    case QUOTE:
      return skipString(bytes, position, end);
    case BRACKET_OPEN:
      return skipArray(bytes, position, end, depth);
    case BRACE_OPEN:
      return skipObject(bytes, position, end, depth);
    case LETTER_N:
      return skipWord(bytes, position, end, 'null');
    case LETTER_T:
      return skipWord(bytes, position, end, 'true');
    case LETTER_F:
      return skipWord(bytes, position, end, 'false');
    default:
      return skipNumber(bytes, position, end);
  }
}

function skipArray(bytes: Uint8Array, position: number, end: number, depth: number): number {
  if (depth >= JSON_DEPTH_MAX) return NOT_JSON;
  let at = skipWhitespace(bytes, position + 1, end);
  if (at < end && bytes[at] === BRACKET_CLOSE) return at + 1;
  while (true) {
    at = skipValue(bytes, at, end, depth + 1);
    if (at < 0) return NOT_JSON;
    at = skipWhitespace(bytes, at, end);
    if (at >= end) return NOT_JSON;
    if (bytes[at] === BRACKET_CLOSE) return at + 1;
    if (bytes[at] !== COMMA) return NOT_JSON;
    at = skipWhitespace(bytes, at + 1, end);
  }
}

function skipObject(bytes: Uint8Array, position: number, end: number, depth: number): number {
  if (depth >= JSON_DEPTH_MAX) return NOT_JSON;
  let at = skipWhitespace(bytes, position + 1, end);
  if (at < end && bytes[at] === BRACE_CLOSE) return at + 1;
  while (true) {
    at = skipKey(bytes, at, end);
    if (at < 0) return NOT_JSON;
    at = skipValue(bytes, at, end, depth + 1);
    if (at < 0) return NOT_JSON;
    at = skipWhitespace(bytes, at, end);
    if (at >= end) return NOT_JSON;
    if (bytes[at] === BRACE_CLOSE) return at + 1;
    if (bytes[at] !== COMMA) return NOT_JSON;
    at = skipWhitespace(bytes, at + 1, end);
  }
}

/** A member's name, the colon and the white space around it: ends at the value's first byte. */
export function skipKey(bytes: Uint8Array, position: number, end: number): number {
  if (position >= end || bytes[position] !== QUOTE) return NOT_JSON;
  let at = skipString(bytes, position, end);
  if (at < 0) return NOT_JSON;
  at = skipWhitespace(bytes, at, end);
  if (at >= end || bytes[at] !== COLON) return NOT_JSON;
  return skipWhitespace(bytes, at + 1, end);
}

/**
 * The content of a checked string, unescaped, as UTF-8.
 * @param position of the opening quote of a string that {@link skipString} accepted.
 * @returns the number of bytes written to `target`, or -1 when they do not fit.
 */
export function unescapeString(bytes: Uint8Array, position: number, target: Uint8Array): number {
  let at = position + 1;
  let length = 0;
  while (bytes[at] !== QUOTE) {
    if (length + 4 > target.length) return NOT_JSON;
    if (bytes[at] !== BACKSLASH) {
      target[length++] = bytes[at++]!;
    } else if (bytes[at + 1] !== LETTER_U) {
      target[length++] = simpleEscape(bytes[at + 1]!);
      at += 2;
    } else {
      let codePoint = hexUnit(bytes, at + 2, bytes.length);
      at += 6;
      if (codePoint >= 0xd800 && codePoint < 0xdc00 && bytes[at] === BACKSLASH && bytes[at + 1] === LETTER_U) {
        const low = hexUnit(bytes, at + 2, bytes.length);
        if (low >= 0xdc00 && low < 0xe000) {
          codePoint = 0x10000 + ((codePoint - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
      }
      length = writeUtf8(target, length, codePoint);
    }
  }
  return length;
}

function skipWord(bytes: Uint8Array, position: number, end: number, word: string): number {
  if (position + word.length > end) return NOT_JSON;
  for (let index = 1; index < word.length; index++) {
    if (bytes[position + index] !== word.charCodeAt(index)) return NOT_JSON;
  }
  return position + word.length;
}

function skipDigits(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  while (at < end && bytes[at]! >= DIGIT_0 && bytes[at]! <= DIGIT_9) at++;
  return at;
}

/** The character that a one-letter escape stands for, or -1. */
function simpleEscape(letter: number): number {
  switch (letter) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
      return letter;
    case 0x62:
      return 0x08;
    case LETTER_F:
      return 0x0c;
    case LETTER_N:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case LETTER_T:
      return 0x09;
    default:
      return -1;
  }
}

/** Four hexadecimal digits as a UTF-16 unit, or -1. */
function hexUnit(bytes: Uint8Array, position: number, end: number): number {
  if (position + 4 > end) return -1;
  let unit = 0;
  for (let index = 0; index < 4; index++) {
    const byte = bytes[position + index]!;
    const letter = byte | CASE_BIT;
    if (byte >= DIGIT_0 && byte <= DIGIT_9) unit = unit * 16 + (byte - DIGIT_0);
    else if (letter >= 0x61 && letter <= 0x66) unit = unit * 16 + (letter - 0x61 + 10);
    else return -1;
  }
  return unit;
}

function writeUtf8(target: Uint8Array, position: number, codePoint: number): number {
  let at = position;
  if (codePoint < 0x80) {
    target[at++] = codePoint;
  } else if (codePoint < 0x800) {
    target[at++] = 0xc0 | (codePoint >> 6);
    target[at++] = 0x80 | (codePoint & 0x3f);
  } else if (codePoint < 0x10000) {
    target[at++] = 0xe0 | (codePoint >> 12);
    target[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
    target[at++] = 0x80 | (codePoint & 0x3f);
  } else {
    target[at++] = 0xf0 | (codePoint >> 18);
    target[at++] = 0x80 | ((codePoint >> 12) & 0x3f);
    target[at++] = 0x80 | ((codePoint >> 6) & 0x3f);
    target[at++] = 0x80 | (codePoint & 0x3f);
  }
  return at;
}
