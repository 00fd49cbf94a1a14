import { ShmError } from './errors.ts';
import { LostEvent, type RecordEvent, type ShmEvent } from './events.ts';
import { fence, processorFence } from './fence.ts';
import type { RegionHeader } from './header.ts';
import { loadInt64, loadInt64Into } from './int64.ts';
import * as layout from './layout.ts';
import type { RecordReader } from './record-reader.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { FLAG_CHECKSUMS, RECORD_ALIGNMENT, TYPE_PADDING } = layout;
const RECORD_LENGTH_WORD = layout.RECORD_LENGTH / 4;
const RECORD_TYPE_WORD = layout.RECORD_TYPE / 4;

const TAIL = layout.HEADER_TAIL / 8;
const TAIL_INTENT = layout.HEADER_TAIL_INTENT / 8;

export interface RingReaderOptions {
  /** Check every record's checksum, in regions that carry them. */
  readonly verify?: boolean;
}

/** Indexes of the numbers that a reader keeps. `KNOWN_TAIL`: so far records are known to be complete; the tail is loaded anew when the cursor arrives there. */
const CURSOR = 0;
const KNOWN_TAIL = 1;
const BYTES_READ = 2;
const BYTES_LOST = 3;
const INTENT = 4;

/**
 * A reader's half of the ring protocol. It copies in place and validates afterwards. Falling behind is a value, not an error.
 */
export class RingReader {
  /**
   * The next event, or undefined when there is nothing new. The object is overwritten by the next call.
   * @throws ShmError CORRUPT when stable bytes make no sense; the reader stays where it is.
   */
  readonly next: () => ShmEvent | undefined;
  /** Goes on at a position, which must be where a record starts: one that `cursor` or `tail` returned. */
  readonly seek: (position: number) => void;
  readonly #floats: Float64Array;
  /** In a typed array, because a double in a field is allocated anew at each change; large enough to live at a fixed address. */
  readonly #positions = new Float64Array(16);

  constructor(buffer: ArrayBuffer, header: RegionHeader, records: RecordReader, options: RingReaderOptions = {}) {
    this.#floats = new Float64Array(buffer);
    const verify = options.verify === true && (header.flags & FLAG_CHECKSUMS) !== 0;
    const { next, seek } = createSteps(buffer, header, records, verify, this.#positions);
    this.next = next;
    this.seek = seek;
    this.seek(this.tail());
  }

  get cursor(): number {
    return this.#positions[CURSOR]!;
  }

  /** Bytes of records and padding that were read, and bytes that were lost: together, all that the cursor has passed. */
  get bytesRead(): number {
    return this.#positions[BYTES_READ]!;
  }

  get bytesLost(): number {
    return this.#positions[BYTES_LOST]!;
  }

  /** The position up to which records are complete now. */
  tail(): number {
    const tail = loadInt64(this.#floats, TAIL);
    fence();
    return tail;
  }

  /** True when `next` would return something. */
  hasNext(): boolean {
    const cursor = this.#positions[CURSOR];
    return cursor !== this.#positions[KNOWN_TAIL] || cursor !== this.tail();
  }
}

/**
 * The numbers in `next` are the steps of docs/SHM_LAYOUT.md section 5. A function with constants around it, rather than methods
 * and fields, for the same reason as in ring-writer.ts.
 */
function createSteps(
  buffer: ArrayBuffer,
  header: RegionHeader,
  records: RecordReader,
  verify: boolean,
  positions: Float64Array,
): Pick<RingReader, 'next' | 'seek'> {
  const floats = new Float64Array(buffer);
  const words = new Uint32Array(buffer);
  const capacity = header.ringCapacity;
  const ringOffset = header.ringOffset;
  const { copy, copyBytesMax, copied, event: eventOf, hasRightChecksum } = records;
  const lost = new LostEvent();
  let offset = 0;

  function next(): ShmEvent | undefined {
    for (;;) {
      // 1
      const cursor = positions[CURSOR]!;
      if (cursor === positions[KNOWN_TAIL] && !loadTail()) return undefined;
      const available = positions[KNOWN_TAIL]! - cursor;
      if (available > capacity) return lose(cursor);
      // 2
      const word = (ringOffset + offset) >> 2;
      const reach = Math.min(available, capacity - offset);
      // Who keeps up copies before it looks: the processor then waits for all cache lines at once, not for the one with the length first.
      copy(word, reach <= copyBytesMax ? reach : lengthAt(word));
      // 3
      const length = copied[RECORD_LENGTH_WORD]!;
      const isPossible = length !== 0 && length % RECORD_ALIGNMENT === 0 && length <= reach;
      const event = isPossible ? decode(word, length) : undefined;
      // 4 Behind a copy, which is a call of a built-in function.
      processorFence();
      loadInt64Into(floats, TAIL_INTENT, positions, INTENT);
      if (positions[INTENT]! - cursor > capacity) return lose(cursor);
      // 5
      if (event === undefined) throw corrupt(`record of type ${copied[RECORD_TYPE_WORD]} and length ${length}`);
      positions[BYTES_READ] = positions[BYTES_READ]! + length;
      positions[CURSOR] = cursor + length;
      offset += length;
      if (offset === capacity) offset = 0;
      if (event !== null) return event;
    }
  }

  /** As much as is worth copying: of bytes that may change meanwhile. */
  function lengthAt(word: number): number {
    fence();
    return Math.max(RECORD_ALIGNMENT, words[word + RECORD_LENGTH_WORD]!);
  }

  /** Undefined when the record is impossible, null when it is one to skip. */
  function decode(word: number, length: number): RecordEvent | null | undefined {
    if (verify && copied[RECORD_TYPE_WORD] !== TYPE_PADDING) {
      const isRight = hasRightChecksum(word, length);
      fence();
      if (!isRight) return undefined;
    }
    return eventOf(length);
  }

  /** False when there is nothing new. */
  function loadTail(): boolean {
    loadInt64Into(floats, TAIL, positions, KNOWN_TAIL);
    const tail = positions[KNOWN_TAIL]!;
    const cursor = positions[CURSOR]!;
    if (tail === cursor) {
      // A caller that spins must load it again.
      fence();
      return false;
    }
    processorFence();
    if (tail > cursor && tail % RECORD_ALIGNMENT === 0) return true;
    positions[KNOWN_TAIL] = cursor;
    throw corrupt(`tail ${tail}`);
  }

  /** 6 */
  function lose(cursor: number): LostEvent {
    const tail = loadInt64(floats, TAIL);
    fence();
    lost.bytes = tail - cursor;
    positions[BYTES_LOST] = positions[BYTES_LOST]! + lost.bytes;
    seek(tail);
    return lost;
  }

  function seek(position: number): void {
    positions[CURSOR] = position;
    positions[KNOWN_TAIL] = position;
    offset = position % capacity;
  }

  function corrupt(what: string): ShmError {
    return new ShmError('CORRUPT', `impossible ${what} at position ${positions[CURSOR]}`);
  }

  return { next, seek };
}
