/**
 * 64-bit integers in shared memory without BigInt, which would allocate. Indexes count 8-byte or 4-byte words of the mapping, as
 * named. Values come and go in typed arrays, because V8 allocates a double that is passed to a function which it does not inline.
 */
export const TWO_32 = 4294967296;
/** An exported constant is fetched at each use; this one is part of the code. */
const HIGH = 4294967296;

/** Too large to live in V8's own heap, and so at an address that optimized code may take for granted. */
const bits = new ArrayBuffer(128);
const bitsWords = new Uint32Array(bits);
const bitsFloat = new Float64Array(bits);

/** One 8-byte load: never halves of two values. Exact for magnitudes up to 2^53. */
export function loadInt64(floats: Float64Array, index: number): number {
  bitsFloat[0] = floats[index]!;
  return (bitsWords[1]! | 0) * HIGH + bitsWords[0]!;
}

/** The same into `target[targetIndex]`. */
export function loadInt64Into(floats: Float64Array, index: number, target: Float64Array, targetIndex: number): void {
  bitsFloat[0] = floats[index]!;
  target[targetIndex] = (bitsWords[1]! | 0) * HIGH + bitsWords[0]!;
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

/**
 * Stores the counter `values[index]`, 0 to 2^53, which only this process writes: as indivisibly, but cheaper. While the high word
 * stays the same, which is all but once in 4 GiB, a single 4-byte store does it. @param floatIndex of the 8-byte word.
 */
export function storeCounter(
  words: Uint32Array,
  floats: Float64Array,
  floatIndex: number,
  values: Float64Array,
  index: number,
): void {
  const value = values[index]!;
  const high = (value / HIGH) | 0;
  if (high === words[2 * floatIndex + 1]) words[2 * floatIndex] = value;
  else storeInt64(floats, floatIndex, value, high);
}

/** Takes two plain loads: for bytes that nobody writes, or that are validated afterwards. */
export function readInt64(words: Uint32Array, wordIndex: number): number {
  return (words[wordIndex + 1]! | 0) * HIGH + words[wordIndex]!;
}

/** Writes `values[index]`, any safe integer, with two plain stores: for bytes that readers validate. */
export function writeInt64(words: Uint32Array, wordIndex: number, values: Float64Array, index: number): void {
  const value = values[index]!;
  words[wordIndex] = value;
  words[wordIndex + 1] = Math.floor(value / HIGH);
}
