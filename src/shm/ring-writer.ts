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
}

const TAIL = layout.HEADER_TAIL / 8;
const TAIL_INTENT = layout.HEADER_TAIL_INTENT / 8;
const WORDS_PER_ALIGNMENT = layout.RECORD_ALIGNMENT / 4;

/** Indexes of the positions kept: of the next record, and of the claimed one's end. */
const NEXT = 0;
const CLAIMED_END = 1;

/**
 * The writer's half of the ring protocol: announce how far bytes will be overwritten, write them, then publish. It knows nothing of
 * what is in a record, and never looks at readers.
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
  const capacity = place.ringCapacity;
  const ringOffset = place.ringOffset;
  /** Byte offset of the next record within the ring, and of the claimed one's end. */
  let offset = place.firstPosition % capacity;
  let claimedOffset = offset;
  storeCounter(words, floats, TAIL, positions, NEXT);
  storeCounter(words, floats, TAIL_INTENT, positions, NEXT);

  function announce(bytes: number): void {
    positions[CLAIMED_END] = positions[NEXT]! + bytes;
    storeCounter(words, floats, TAIL_INTENT, positions, CLAIMED_END);
    fence();
  }

  function claimAfterPadding(length: number, remaining: number): number {
    claimedOffset = length;
    announce(remaining + length);
    const word = (ringOffset + offset) >> 2;
    words.fill(0, word, word + WORDS_PER_ALIGNMENT);
    words[word + RECORD_LENGTH_WORD] = remaining;
    words[word + RECORD_TYPE_WORD] = TYPE_PADDING;
    return ringOffset >> 2;
  }

  return {
    claim(length) {
      const remaining = capacity - offset;
      if (length > remaining) return claimAfterPadding(length, remaining);
      claimedOffset = offset + length;
      announce(length);
      return (ringOffset + offset) >> 2;
    },
    publish() {
      positions[NEXT] = positions[CLAIMED_END]!;
      offset = claimedOffset === capacity ? 0 : claimedOffset;
      fence();
      storeCounter(words, floats, TAIL, positions, NEXT);
    },
  };
}
