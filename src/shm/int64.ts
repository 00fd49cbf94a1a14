/**
 * 64-bit integers in shared memory without BigInt, which would allocate. Indexes count 8-byte or 4-byte words of the mapping, as
 * named.
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
 * Stores a counter that only this process writes, as indivisibly, but cheaper: while the high word stays the same, which is all but
 * once in 4 GiB, a single 4-byte store does it. @param floatIndex of the 8-byte word. @param value 0 to 2^53.
 */
export function storeCounter(words: Uint32Array, floats: Float64Array, floatIndex: number, value: number): void {
  const high = (value / HIGH) | 0;
  if (high === words[2 * floatIndex + 1]) words[2 * floatIndex] = value;
  else storeInt64(floats, floatIndex, value, high);
}

/** Takes two plain loads: for bytes that nobody writes, or that are validated afterwards. */
export function readInt64(words: Uint32Array, wordIndex: number): number {
  return (words[wordIndex + 1]! | 0) * HIGH + words[wordIndex]!;
}

/** Takes two plain stores: for bytes that readers validate. Any safe integer, also negative. */
export function writeInt64(words: Uint32Array, wordIndex: number, value: number): void {
  words[wordIndex] = value;
  words[wordIndex + 1] = Math.floor(value / HIGH);
}
