/** Levels per chunk: small enough that an insertion moves two cache lines or so, large enough that the directory stays short. */
const CHUNK = 32;
/** A chunk that fell below this is joined with a neighbour when the two together are at most half full. */
const SPARSE = CHUNK / 4;

/**
 * The levels beyond a ladder's window, sorted, best (lowest key) first: sorted chunks in one pool of typed arrays under a sorted
 * directory. Every operation costs two short binary searches and the move of at most half a chunk, whatever the number of
 * levels, and walking in order is a plain loop, which is what lets a top N run on from the window into here.
 */
export class FarLevels {
  count = 0;
  #chunkCount = 0;
  /** By position in price order: the slot of the chunk in the pool, and its first key. */
  #slots = new Int32Array(4);
  #firstKeys = new Float64Array(4);
  /** By slot. */
  #counts = new Int32Array(4);
  #keys = new Float64Array(4 * CHUNK);
  #quantities = new Float64Array(4 * CHUNK);
  /** Slots that were given back, and how many were ever handed out. */
  #freeSlots: number[] = [];
  #slotsUsed = 0;

  /** The best key; Infinity when there is none. */
  get firstKey(): number {
    return this.#chunkCount === 0 ? Number.POSITIVE_INFINITY : this.#firstKeys[0]!;
  }

  /** The worst key; -Infinity when there is none. */
  get lastKey(): number {
    if (this.#chunkCount === 0) return Number.NEGATIVE_INFINITY;
    const slot = this.#slots[this.#chunkCount - 1]!;
    return this.#keys[slot * CHUNK + this.#counts[slot]! - 1]!;
  }

  get byteLength(): number {
    return (
      this.#slots.byteLength +
      this.#firstKeys.byteLength +
      this.#counts.byteLength +
      this.#keys.byteLength +
      this.#quantities.byteLength
    );
  }

  clear(): void {
    this.count = 0;
    this.#chunkCount = 0;
    this.#slotsUsed = 0;
    this.#freeSlots.length = 0;
  }

  /** Sets a level, or removes it with quantity 0. Returns the change of the number of levels: 1, 0 or -1. */
  set(key: number, quantity: number): number {
    const position = this.#positionOf(key);
    if (position < 0) {
      if (quantity === 0) return 0;
      this.#insertChunk(0, key);
      return this.#insertLevel(0, 0, key, quantity);
    }
    const slot = this.#slots[position]!;
    const offset = this.#offsetOf(slot, key);
    const at = slot * CHUNK + offset;
    if (offset < this.#counts[slot]! && this.#keys[at] === key) {
      if (quantity === 0) return this.#removeLevel(position, offset);
      this.#quantities[at] = quantity;
      return 0;
    }
    return quantity === 0 ? 0 : this.#insertLevel(position, offset, key, quantity);
  }

  /** Removes the levels with keys below `limit`, best first, and hands each to `take`. Returns how many there were. */
  takeBelow(limit: number, take: (key: number, quantity: number) => void): number {
    const before = this.count;
    let emptied = 0;
    while (emptied < this.#chunkCount && this.#firstKeys[emptied]! < limit) {
      const slot = this.#slots[emptied]!;
      const start = slot * CHUNK;
      const count = this.#counts[slot]!;
      let taken = 0;
      while (taken < count && this.#keys[start + taken]! < limit) {
        take(this.#keys[start + taken]!, this.#quantities[start + taken]!);
        taken++;
      }
      this.count -= taken;
      if (taken < count) {
        this.#keys.copyWithin(start, start + taken, start + count);
        this.#quantities.copyWithin(start, start + taken, start + count);
        this.#counts[slot] = count - taken;
        this.#firstKeys[emptied] = this.#keys[start]!;
        break;
      }
      this.#freeSlots.push(slot);
      emptied++;
    }
    if (emptied > 0) {
      this.#slots.copyWithin(0, emptied, this.#chunkCount);
      this.#firstKeys.copyWithin(0, emptied, this.#chunkCount);
      this.#chunkCount -= emptied;
    }
    return before - this.count;
  }

  /** Removes the worst level and returns its key. There must be one. */
  removeLast(): number {
    const position = this.#chunkCount - 1;
    const slot = this.#slots[position]!;
    const offset = this.#counts[slot]! - 1;
    const key = this.#keys[slot * CHUNK + offset]!;
    this.#removeLevel(position, offset);
    return key;
  }

  /**
   * Copies up to `wanted` levels, best first, behind `start` in the arrays, prices as `sign * key`. Returns how many.
   */
  copy(prices: Float64Array, quantities: Float64Array, start: number, wanted: number, sign: number): number {
    let copied = 0;
    for (let position = 0; position < this.#chunkCount && copied < wanted; position++) {
      const slot = this.#slots[position]!;
      const first = slot * CHUNK;
      const count = Math.min(this.#counts[slot]!, wanted - copied);
      for (let offset = 0; offset < count; offset++) {
        prices[start + copied] = sign * this.#keys[first + offset]!;
        quantities[start + copied] = this.#quantities[first + offset]!;
        copied++;
      }
    }
    return copied;
  }

  /** The position of the chunk that holds or would hold a key; -1 when there are no chunks. */
  #positionOf(key: number): number {
    if (this.#chunkCount === 0) return -1;
    const at = firstNotBelow(this.#firstKeys, 0, this.#chunkCount, key);
    return at < this.#chunkCount && this.#firstKeys[at] === key ? at : Math.max(at - 1, 0);
  }

  /** The offset of the first level in a chunk whose key is not below `key`. */
  #offsetOf(slot: number, key: number): number {
    const start = slot * CHUNK;
    return firstNotBelow(this.#keys, start, this.#counts[slot]!, key) - start;
  }

  #insertLevel(position: number, offset: number, key: number, quantity: number): number {
    if (this.#counts[this.#slots[position]!] === CHUNK) {
      if (offset === CHUNK && position === this.#chunkCount - 1) {
        // Levels that come in order, as those of a snapshot do, fill their chunks.
        position++;
        offset = 0;
        this.#insertChunk(position, key);
      } else {
        this.#split(position);
        if (offset > CHUNK / 2) {
          position++;
          offset -= CHUNK / 2;
        }
      }
    }
    const slot = this.#slots[position]!;
    const start = slot * CHUNK;
    const keys = this.#keys;
    const quantities = this.#quantities;
    for (let at = start + this.#counts[slot]!; at > start + offset; at--) {
      keys[at] = keys[at - 1]!;
      quantities[at] = quantities[at - 1]!;
    }
    keys[start + offset] = key;
    quantities[start + offset] = quantity;
    this.#counts[slot] = this.#counts[slot]! + 1;
    if (offset === 0) this.#firstKeys[position] = key;
    this.count++;
    return 1;
  }

  #removeLevel(position: number, offset: number): number {
    const slot = this.#slots[position]!;
    const start = slot * CHUNK;
    const left = this.#counts[slot]! - 1;
    const keys = this.#keys;
    const quantities = this.#quantities;
    for (let at = start + offset; at < start + left; at++) {
      keys[at] = keys[at + 1]!;
      quantities[at] = quantities[at + 1]!;
    }
    this.#counts[slot] = left;
    this.count--;
    if (left === 0) this.#removeChunk(position);
    else {
      if (offset === 0) this.#firstKeys[position] = keys[start]!;
      if (left < SPARSE && !this.#join(position)) this.#join(position - 1);
    }
    return -1;
  }

  /** Moves the upper half of a full chunk into a new one behind it. */
  #split(position: number): void {
    const half = CHUNK / 2;
    const from = this.#slots[position]! * CHUNK + half;
    this.#insertChunk(position + 1, this.#keys[from]!);
    const to = this.#slots[position + 1]! * CHUNK;
    this.#keys.copyWithin(to, from, from + half);
    this.#quantities.copyWithin(to, from, from + half);
    this.#counts[this.#slots[position]!] = half;
    this.#counts[this.#slots[position + 1]!] = half;
  }

  /** Joins a chunk with the next when both are sparse, so that scattered removals do not leave a chunk per level. */
  #join(position: number): boolean {
    if (position < 0 || position + 1 >= this.#chunkCount) return false;
    const leftSlot = this.#slots[position]!;
    const rightSlot = this.#slots[position + 1]!;
    const leftCount = this.#counts[leftSlot]!;
    const rightCount = this.#counts[rightSlot]!;
    if (leftCount + rightCount > CHUNK / 2) return false;
    const to = leftSlot * CHUNK + leftCount;
    this.#keys.copyWithin(to, rightSlot * CHUNK, rightSlot * CHUNK + rightCount);
    this.#quantities.copyWithin(to, rightSlot * CHUNK, rightSlot * CHUNK + rightCount);
    this.#counts[leftSlot] = leftCount + rightCount;
    this.#removeChunk(position + 1);
    return true;
  }

  #insertChunk(position: number, firstKey: number): void {
    const slot = this.#freeSlots.pop() ?? this.#slotsUsed++;
    if (slot >= this.#counts.length) this.#grow();
    this.#slots.copyWithin(position + 1, position, this.#chunkCount);
    this.#firstKeys.copyWithin(position + 1, position, this.#chunkCount);
    this.#slots[position] = slot;
    this.#firstKeys[position] = firstKey;
    this.#counts[slot] = 0;
    this.#chunkCount++;
  }

  #removeChunk(position: number): void {
    this.#freeSlots.push(this.#slots[position]!);
    this.#slots.copyWithin(position, position + 1, this.#chunkCount);
    this.#firstKeys.copyWithin(position, position + 1, this.#chunkCount);
    this.#chunkCount--;
  }

  /** Half as large again: what is unused here is the largest share of a book's memory. */
  #grow(): void {
    const capacity = this.#counts.length + Math.max(4, this.#counts.length >> 1);
    const copyInto = <A extends Int32Array | Float64Array>(larger: A, array: A): A => {
      larger.set(array);
      return larger;
    };
    this.#slots = copyInto(new Int32Array(capacity), this.#slots);
    this.#counts = copyInto(new Int32Array(capacity), this.#counts);
    this.#firstKeys = copyInto(new Float64Array(capacity), this.#firstKeys);
    this.#keys = copyInto(new Float64Array(capacity * CHUNK), this.#keys);
    this.#quantities = copyInto(new Float64Array(capacity * CHUNK), this.#quantities);
  }
}

/**
 * The first position from `start` on, among `count` (at least one) ascending keys, whose key is not below `key`; `start + count` when all are.
 * Which way a binary search turns cannot be predicted: the step is computed, not branched on.
 */
function firstNotBelow(keys: Float64Array, start: number, count: number, key: number): number {
  let at = start;
  let left = count;
  while (left > 1) {
    const half = left >>> 1;
    at += half & -Number(keys[at + half - 1]! < key);
    left -= half;
  }
  return at + Number(keys[at]! < key);
}
