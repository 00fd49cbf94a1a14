import { fence } from './fence.ts';
import { storeCounter } from './int64.ts';
import * as layout from './layout.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { TYPE_PADDING } = layout;
const RECORD_LENGTH_WORD = layout.RECORD_LENGTH / 4;
const RECORD_TYPE_WORD = layout.RECORD_TYPE / 4;

/** Where the ring lies in a mapped region, in bytes, and the position at which it starts. */
export interface RingPlace {
  readonly ringOffset: number;
  readonly ringCapacity: number;
  readonly firstPosition: number;
  /** How far ahead of the last record cache lines are taken for the next ones; a multiple of 64, less than the ring by a record at least. */
  readonly bytesAhead: number;
  /** `tail_intent` moves by so much at a time, or more; a multiple of 64. Readers have that much less than the ring's capacity. */
  readonly announceBytes: number;
}

const TAIL = layout.HEADER_TAIL / 8;
const TAIL_INTENT = layout.HEADER_TAIL_INTENT / 8;
const CACHE_LINE_BYTES = layout.RECORD_ALIGNMENT;
const WORDS_PER_ALIGNMENT = layout.RECORD_ALIGNMENT / 4;

/** Indexes of the positions kept: of the next record, and up to which bytes are announced to be overwritten. */
const NEXT = 0;
const ANNOUNCED = 1;

/**
 * The writer's half of the ring protocol: announce how far bytes will be overwritten, write them, then publish. It knows nothing of
 * what is in a record, and never looks at readers.
 *
 * Once a record is out, the writer takes the next cache lines by writing to each: readers of the lap before have them in their caches,
 * and taking one away is a trip between cores. In the pause between two records nobody waits for it; in front of a record's
 * publication everybody does. And bytes are announced many at a time, so that readers keep the line with `tail_intent` in their caches
 * from one record to the next. bench/shm-one-to-one.ts shows the difference.
 *
 *     const word = ring.claim(length);   // then fill `length` bytes from the 4-byte word `word` on
 *     ring.publish();
 */
export class RingWriter {
  /** @param length a multiple of 64, at most an eighth of the ring. Returns the index of the record's first 4-byte word in the region. */
  readonly claim: (length: number) => number;
  /** Makes the claimed record, and padding in front of it, visible to readers. */
  readonly publish: () => void;
  /** In a typed array, because a double in a field is allocated anew at each change; large enough to live at a fixed address. */
  readonly #positions: Float64Array;

  constructor(buffer: ArrayBuffer, place: RingPlace) {
    this.#positions = new Float64Array(16).fill(place.firstPosition);
    const { claim, publish } = createSteps(buffer, place, this.#positions);
    this.claim = claim;
    this.publish = publish;
  }

  /** Where the next record goes: bytes, padding included. */
  get position(): number {
    return this.#positions[NEXT]!;
  }
}

/**
 * A function with constants around it, rather than a class with fields: V8 then knows the arrays' addresses and lengths, which
 * makes an access several times cheaper.
 */
function createSteps(
  buffer: ArrayBuffer,
  place: RingPlace,
  positions: Float64Array,
): Pick<RingWriter, 'claim' | 'publish'> {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  const { ringCapacity: capacity, ringOffset, bytesAhead, announceBytes } = place;
  /** Byte offset of the next record within the ring. */
  let offset = place.firstPosition % capacity;
  /** Bytes beyond the next record's position: announced, taken, and claimed by a record and the padding in front of it. */
  let announced = 0;
  let taken = 0;
  let claimed = 0;
  storeCounter(words, floats, TAIL, positions, NEXT);
  storeCounter(words, floats, TAIL_INTENT, positions, NEXT);

  function announce(bytes: number): void {
    announced = Math.max(bytes, announceBytes);
    positions[ANNOUNCED] = positions[NEXT]! + announced;
    storeCounter(words, floats, TAIL_INTENT, positions, ANNOUNCED);
    fence();
  }

  function claimAfterPadding(length: number, remaining: number): number {
    claimed = remaining + length;
    if (claimed > announced) announce(claimed);
    const word = (ringOffset + offset) >> 2;
    words.fill(0, word, word + WORDS_PER_ALIGNMENT);
    words[word + RECORD_LENGTH_WORD] = remaining;
    words[word + RECORD_TYPE_WORD] = TYPE_PADDING;
    return ringOffset >> 2;
  }

  /** What is stored does not matter: no reader accepts bytes that are announced. */
  function takeLines(): void {
    if (bytesAhead > announced) announce(bytesAhead);
    let at = offset + taken;
    for (; taken < bytesAhead; taken += CACHE_LINE_BYTES) {
      if (at >= capacity) at -= capacity;
      words[(ringOffset + at) >> 2] = 0;
      at += CACHE_LINE_BYTES;
    }
  }

  return {
    claim(length) {
      const remaining = capacity - offset;
      if (length > remaining) return claimAfterPadding(length, remaining);
      claimed = length;
      if (length > announced) announce(length);
      return (ringOffset + offset) >> 2;
    },
    publish() {
      positions[NEXT] = positions[NEXT]! + claimed;
      announced -= claimed;
      taken = Math.max(0, taken - claimed);
      offset += claimed;
      if (offset >= capacity) offset -= capacity;
      fence();
      storeCounter(words, floats, TAIL, positions, NEXT);
      takeLines();
    },
  };
}
