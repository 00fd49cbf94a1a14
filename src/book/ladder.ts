/** Ticks per word of the bitmap, and words per word of its summary. */
const WORD = 32;
const FIRST_BIT = 0x80000000;
const AFTER_FIRST_BIT = 0x7fffffff;

/** The smallest and the largest window, in ticks: powers of two, multiples of WORD * WORD. */
export const LADDER_SIZE_MIN = 1024;
export const LADDER_SIZE_MAX = 65_536;

/**
 * A dense window of `size` consecutive ticks of one side: a quantity per tick, a bit per tick that says whether there is a level,
 * and a bit per bitmap word that says whether it has any. Index 0 is the best tick; the tick of a level is its key minus `base`.
 *
 * Bits count from the top of a word, so that `Math.clz32` (one instruction) of a word is the best level in it.
 */
export class Ladder {
  readonly size: number;
  /** The key at index 0. */
  base = 0;
  /** Occupied ticks. */
  count = 0;
  /** The first occupied index; `size` when there is none. */
  best: number;
  /** Of the last {@link Ladder.setRun}: the change of the number of levels, and of those that are known. */
  added = 0;
  known = 0;
  /** By index; only those with their bit set mean anything. */
  readonly quantities: Float64Array;
  readonly #words: Int32Array;
  readonly #summary: Int32Array;

  constructor(size: number) {
    this.size = size;
    this.best = size;
    this.quantities = new Float64Array(size);
    this.#words = new Int32Array(size / WORD);
    this.#summary = new Int32Array(size / WORD / WORD);
  }

  get byteLength(): number {
    return this.quantities.byteLength + this.#words.byteLength + this.#summary.byteLength;
  }

  clear(): void {
    this.#words.fill(0);
    this.#summary.fill(0);
    this.count = 0;
    this.best = this.size;
  }

  /**
   * Sets the quantity at an index within the window, 0 empties it. Returns the change of the number of levels: 1, 0 or -1.
   *
   * Whether a change adds, replaces or removes a level cannot be predicted, so it is computed instead of branched on; the two
   * branches that are left are rarely taken.
   */
  set(index: number, quantity: number): number {
    const word = index >>> 5;
    const shift = ~index & 31;
    const before = this.#words[word]!;
    const isSet = Number(quantity !== 0);
    const wasSet = (before >>> shift) & 1;
    const after = before ^ ((isSet ^ wasSet) << shift);
    this.quantities[index] = quantity;
    this.#words[word] = after;
    if ((before & after) === 0) this.#markWord(word, after);
    if (index <= this.best) this.#moveBest(index, isSet);
    this.count += isSet - wasSet;
    return isSet - wasSet;
  }

  /**
   * Sets levels of a list from `from` on, as long as they lie in the window. Returns where it stopped; `added` and `known` tell what changed.
   * The same as {@link Ladder.set} for each, written out: the engine reads fields anew after every store into an array.
   * @param sign,knownKey a level's key is `sign * price`; changes of keys up to `knownKey` count as known
   */
  setRun(
    prices: Float64Array,
    quantities: Float64Array,
    from: number,
    end: number,
    sign: number,
    knownKey: number,
  ): number {
    const words = this.#words;
    const mine = this.quantities;
    const size = this.size;
    const base = this.base;
    const knownIndex = Math.min(Math.max(knownKey - base, -1), size) | 0;
    let best = this.best;
    let added = 0;
    let known = 0;
    let at = from | 0;
    for (; at < end; at = (at + 1) | 0) {
      const offset = sign * prices[at]! - base;
      if (!(offset >= 0 && offset < size)) break;
      const index = offset | 0;
      const quantity = quantities[at]!;
      const word = index >>> 5;
      const shift = ~index & 31;
      const before = words[word]!;
      const isSet = Number(quantity !== 0);
      const change = (isSet - ((before >>> shift) & 1)) | 0;
      const after = before ^ ((change & 1) << shift);
      mine[index] = quantity;
      words[word] = after;
      if ((before & after) === 0) this.#markWord(word, after);
      if (index <= best) {
        if (isSet === 1) best = index;
        else if (index === best) best = this.nextFrom(index);
      }
      added = (added + change) | 0;
      known = (known + (change & -Number(index <= knownIndex))) | 0;
    }
    this.best = best;
    this.count += added;
    this.added = added;
    this.known = known;
    return at;
  }

  /** The first occupied index at or behind one; `size` when there is none. */
  nextFrom(index: number): number {
    if (index >= this.size) return this.size;
    let word = index >>> 5;
    const bits = this.#words[word]! & (-1 >>> (index & 31));
    if (bits !== 0) return (word << 5) + Math.clz32(bits);
    word++;
    let group = word >>> 5;
    if (group >= this.#summary.length) return this.size;
    let words = this.#summary[group]! & (-1 >>> (word & 31));
    while (words === 0) {
      if (++group === this.#summary.length) return this.size;
      words = this.#summary[group]!;
    }
    word = (group << 5) + Math.clz32(words);
    return (word << 5) + Math.clz32(this.#words[word]!);
  }

  /** The last occupied index; -1 when there is none. */
  last(): number {
    for (let word = this.#words.length - 1; word >= 0; word--) {
      const bits = this.#words[word]!;
      if (bits !== 0) return (word << 5) + Math.clz32(bits & -bits);
    }
    return -1;
  }

  /**
   * Moves the window by a multiple of 32 ticks, towards worse when positive. The ticks that leave it must be empty already.
   */
  shift(ticks: number): void {
    const words = ticks / WORD;
    if (ticks > 0) {
      this.quantities.copyWithin(0, ticks);
      this.#words.copyWithin(0, words);
      this.#words.fill(0, this.#words.length - words);
    } else {
      this.quantities.copyWithin(-ticks, 0);
      this.#words.copyWithin(-words, 0);
      this.#words.fill(0, 0, -words);
    }
    for (let group = 0; group < this.#summary.length; group++) {
      let bits = 0;
      for (let word = 0; word < WORD; word++) {
        if (this.#words[group * WORD + word] !== 0) bits |= FIRST_BIT >>> word;
      }
      this.#summary[group] = bits;
    }
    this.base += ticks;
    this.best = this.nextFrom(0);
  }

  /** Copies up to `wanted` levels, best first, prices as `sign * key`. Returns how many. */
  copy(prices: Float64Array, quantities: Float64Array, wanted: number, sign: number): number {
    const count = Math.min(wanted, this.count);
    if (count === 0) return 0;
    const words = this.#words;
    const mine = this.quantities;
    const base = this.base;
    let word = this.best >>> 5;
    let bits = words[word]!;
    for (let copied = 0; ; ) {
      while (bits !== 0) {
        const bit = Math.clz32(bits);
        const index = (word << 5) + bit;
        prices[copied] = sign * (base + index);
        quantities[copied] = mine[index]!;
        if (++copied === count) return count;
        bits &= AFTER_FIRST_BIT >>> bit;
      }
      word++;
      if (words[word] === 0) word = this.nextFrom(word << 5) >>> 5;
      bits = words[word]!;
    }
  }

  #markWord(word: number, bits: number): void {
    const bit = FIRST_BIT >>> (word & 31);
    if (bits === 0) this.#summary[word >>> 5]! &= ~bit;
    else this.#summary[word >>> 5]! |= bit;
  }

  #moveBest(index: number, isSet: number): void {
    if (isSet === 1) this.best = index;
    else if (index === this.best) this.best = this.nextFrom(index);
  }
}
