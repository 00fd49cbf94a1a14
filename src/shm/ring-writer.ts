import { fence } from './fence.ts';
import { Int64Cell } from './int64.ts';
import * as layout from './layout.ts';

/** Where the ring lies in a mapped region, in bytes, and the position at which it starts. */
export interface RingPlace {
  readonly ringOffset: number;
  readonly ringCapacity: number;
  readonly firstPosition: number;
}

const NEXT = 0;
const CLAIMED_END = 1;
const WORDS_PER_ALIGNMENT = layout.RECORD_ALIGNMENT / 4;

/**
 * The writer's half of the ring protocol: announce how far bytes will be overwritten, write them, then publish. It knows nothing of
 * what is in a record, and never looks at readers.
 *
 *     const word = ring.claim(length);   // then fill `length` bytes from the 4-byte word `word` on
 *     ring.publish();
 */
export class RingWriter {
  readonly #words: Uint32Array;
  readonly #tail: Int64Cell;
  readonly #tailIntent: Int64Cell;
  readonly #ringOffset: number;
  readonly #capacity: number;
  /** Position of the next record and of the claimed one's end. In a typed array: a double in a field is allocated anew at each change. */
  readonly #positions = new Float64Array(2);
  /** Byte offset of the next record within the ring, and of the claimed one's end. */
  #offset: number;
  #claimedOffset = 0;

  constructor(buffer: ArrayBuffer, place: RingPlace) {
    this.#words = new Uint32Array(buffer);
    this.#ringOffset = place.ringOffset;
    this.#capacity = place.ringCapacity;
    this.#positions.fill(place.firstPosition);
    this.#offset = place.firstPosition % place.ringCapacity;
    this.#tail = new Int64Cell(buffer, layout.HEADER_TAIL, place.firstPosition);
    this.#tailIntent = new Int64Cell(buffer, layout.HEADER_TAIL_INTENT, place.firstPosition);
  }

  /** All bytes published so far, padding included, counted from the ring's first position 0. */
  get position(): number {
    return this.#positions[NEXT]!;
  }

  /** @param length a multiple of 64, at most an eighth of the ring. Returns the index of the record's first 4-byte word in the region. */
  claim(length: number): number {
    const offset = this.#offset;
    const remaining = this.#capacity - offset;
    if (length > remaining) return this.#claimAfterPadding(length, remaining);
    this.#claimedOffset = offset + length;
    this.#announce(length);
    return (this.#ringOffset + offset) >> 2;
  }

  /** Makes the claimed record, and padding in front of it, visible to readers. */
  publish(): void {
    const end = this.#positions[CLAIMED_END]!;
    this.#positions[NEXT] = end;
    this.#offset = this.#claimedOffset === this.#capacity ? 0 : this.#claimedOffset;
    fence();
    this.#tail.store(end);
  }

  #claimAfterPadding(length: number, remaining: number): number {
    this.#claimedOffset = length;
    this.#announce(remaining + length);
    const word = (this.#ringOffset + this.#offset) >> 2;
    this.#words.fill(0, word, word + WORDS_PER_ALIGNMENT);
    this.#words[word + layout.RECORD_LENGTH / 4] = remaining;
    this.#words[word + layout.RECORD_TYPE / 4] = layout.TYPE_PADDING;
    return this.#ringOffset >> 2;
  }

  #announce(bytes: number): void {
    const end = this.#positions[NEXT]! + bytes;
    this.#positions[CLAIMED_END] = end;
    this.#tailIntent.store(end);
    fence();
  }
}
