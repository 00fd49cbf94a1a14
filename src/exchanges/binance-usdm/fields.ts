import {
  BACKSLASH,
  BRACE_CLOSE,
  BRACE_OPEN,
  COMMA,
  NOT_JSON,
  QUOTE,
  skipKey,
  skipValue,
  skipWhitespace,
  unescapeString,
} from './json-scanner.ts';

/** Slots of the names that are longer than one character. A one-character name's slot is its ASCII code. */
export const FIELD = {
  pu: 128,
  stream: 129,
  data: 130,
  result: 131,
  error: 132,
  code: 133,
  msg: 134,
  id: 135,
  b: 0x62,
  B: 0x42,
  a: 0x61,
  A: 0x41,
  c: 0x63,
  e: 0x65,
  E: 0x45,
  h: 0x68,
  l: 0x6c,
  m: 0x6d,
  p: 0x70,
  q: 0x71,
  s: 0x73,
  t: 0x74,
  T: 0x54,
  u: 0x75,
  U: 0x55,
  v: 0x76,
  X: 0x58,
} as const;

const SLOT_COUNT = 136;
const UNKNOWN = -1;
const ASCII_COUNT = 128;
const LETTER_N = 0x6e;
/** Longer names are unknown ones. */
const NAME_BYTES_MAX = 16;

const LONG_NAMES: readonly { readonly bytes: Uint8Array; readonly slot: number }[] = Object.entries(FIELD)
  .filter(([, slot]) => slot >= ASCII_COUNT)
  .map(([name, slot]) => ({ bytes: new TextEncoder().encode(name), slot }));

/** The members of one object, in whatever order they came: where the value of each name that matters starts. */
export class Fields {
  readonly #positions = new Int32Array(SLOT_COUNT);
  /** Room for the longest name plus the slack that unescaping asks for. */
  readonly #name = new Uint8Array(NAME_BYTES_MAX + 4);

  /**
   * Walks over the object at `position`, checking that all of it is well formed. Of a name that is there twice the last one counts,
   * as with JSON.parse; a `null` counts as missing, but for `result`, where it is the good news.
   * @returns the position after the object, or -1.
   */
  scan(bytes: Uint8Array, position: number, end: number, depth: number): number {
    const positions = this.#positions;
    positions.fill(NOT_JSON);
    if (position >= end || bytes[position] !== BRACE_OPEN) return NOT_JSON;
    let at = skipWhitespace(bytes, position + 1, end);
    if (at < end && bytes[at] === BRACE_CLOSE) return at + 1;
    while (true) {
      const name = at;
      const value = skipKey(bytes, at, end);
      if (value < 0) return NOT_JSON;
      at = skipValue(bytes, value, end, depth + 1);
      if (at < 0) return NOT_JSON;
      const slot = this.#slotOf(bytes, name);
      if (slot !== UNKNOWN) positions[slot] = bytes[value] === LETTER_N && slot !== FIELD.result ? NOT_JSON : value;
      at = skipWhitespace(bytes, at, end);
      if (at >= end) return NOT_JSON;
      if (bytes[at] === BRACE_CLOSE) return at + 1;
      if (bytes[at] !== COMMA) return NOT_JSON;
      at = skipWhitespace(bytes, at + 1, end);
    }
  }

  /** Where the value of a field starts, or -1 when the object has none. */
  position(slot: number): number {
    return this.#positions[slot]!;
  }

  has(slot: number): boolean {
    return this.#positions[slot]! >= 0;
  }

  #slotOf(bytes: Uint8Array, quote: number): number {
    const start = quote + 1;
    if (bytes[start] !== BACKSLASH && bytes[start + 1] === QUOTE) return asciiSlot(bytes[start]!);
    let end = start;
    while (bytes[end] !== QUOTE && bytes[end] !== BACKSLASH) end++;
    if (bytes[end] === QUOTE) return longSlot(bytes, start, end - start);
    const length = unescapeString(bytes, quote, this.#name);
    return length === 1 ? asciiSlot(this.#name[0]!) : longSlot(this.#name, 0, length);
  }
}

function asciiSlot(byte: number): number {
  return byte < ASCII_COUNT ? byte : UNKNOWN;
}

function longSlot(bytes: Uint8Array, start: number, length: number): number {
  for (const { bytes: name, slot } of LONG_NAMES) {
    if (name.length !== length) continue;
    let index = 0;
    while (index < length && bytes[start + index] === name[index]) index++;
    if (index === length) return slot;
  }
  return UNKNOWN;
}
