/**
 * 64-bit integers in shared memory without BigInt, which would allocate. Indexes count 8-byte words of the mapping.
 */
export const TWO_32 = 4294967296;

const bits = new ArrayBuffer(8);
const bitsWords = new Uint32Array(bits);
const bitsFloat = new Float64Array(bits);

/** One 8-byte load: never halves of two values. Exact for magnitudes up to 2^53. */
export function loadInt64(floats: Float64Array, index: number): number {
  bitsFloat[0] = floats[index]!;
  return (bitsWords[1]! | 0) * TWO_32 + bitsWords[0]!;
}

/**
 * Stores so that one 8-byte load elsewhere never sees halves of two values. Low and high word must not form a NaN pattern:
 * true of all values from 0 to 9.2e18.
 */
export function storeInt64(floats: Float64Array, index: number, low: number, high: number): void {
  bitsWords[0] = low;
  bitsWords[1] = high;
  floats[index] = bitsFloat[0]!;
}

/** Takes two plain loads: for bytes that nobody writes, or that are validated afterwards. */
export function readInt64(words: Uint32Array, wordIndex: number): number {
  return (words[wordIndex + 1]! | 0) * TWO_32 + words[wordIndex]!;
}

/** Takes two plain stores: for bytes that readers validate. Any safe integer, also negative. */
export function writeInt64(words: Uint32Array, wordIndex: number, value: number): void {
  words[wordIndex] = value;
  words[wordIndex + 1] = Math.floor(value / TWO_32);
}

/**
 * A 64-bit counter of one writer. While its high word stays the same, which is all but once in 4 GiB, a single 4-byte store changes
 * it; that is cheaper than putting both words together, and as indivisible.
 */
export class Int64Cell {
  readonly #floats: Float64Array;
  readonly #words: Uint32Array;
  #high: number;

  /** @param byteOffset 8-byte aligned. The cell starts with `value`. */
  constructor(buffer: ArrayBufferLike, byteOffset: number, value: number) {
    this.#floats = new Float64Array(buffer, byteOffset, 1);
    this.#words = new Uint32Array(buffer, byteOffset, 2);
    this.#high = (value / TWO_32) | 0;
    storeInt64(this.#floats, 0, value, this.#high);
  }

  store(value: number): void {
    const high = (value / TWO_32) | 0;
    if (high === this.#high) {
      this.#words[0] = value;
      return;
    }
    this.#high = high;
    storeInt64(this.#floats, 0, value, high);
  }
}
