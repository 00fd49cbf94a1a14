import { ShmError } from './errors.ts';
import { BookEvent, LostEvent, type ShmEvent, StatusEvent, TradeEvent } from './events.ts';
import { fence } from './fence.ts';
import type { RegionHeader } from './header.ts';
import { loadInt64 } from './int64.ts';
import * as layout from './layout.ts';
import type { RecordReader } from './record-reader.ts';

const TAIL = layout.HEADER_TAIL / 8;
const TAIL_INTENT = layout.HEADER_TAIL_INTENT / 8;

export interface RingReaderOptions {
  /** Check every record's checksum, in regions that carry them. */
  readonly verify?: boolean;
}

/**
 * A reader's half of the ring protocol; the numbers in `next` are the steps of docs/SHM_LAYOUT.md section 5. It decodes in place and
 * validates afterwards, so that nothing is copied twice. Falling behind is a value, not an error.
 */
export class RingReader {
  /** Bytes of records and padding that were read, and bytes that were lost: together, all that the cursor has passed. */
  bytesRead = 0;
  bytesLost = 0;
  readonly #floats: Float64Array;
  readonly #words: Uint32Array;
  readonly #records: RecordReader;
  readonly #ringOffset: number;
  readonly #capacity: number;
  readonly #verify: boolean;
  readonly #book: BookEvent;
  readonly #trade: TradeEvent;
  readonly #status: StatusEvent;
  readonly #lost = new LostEvent();
  #cursor = 0;
  #offset = 0;
  /** As far as records are known to be complete; the tail is only loaded anew when the cursor arrives there. */
  #knownTail = 0;

  constructor(buffer: ArrayBuffer, header: RegionHeader, records: RecordReader, options: RingReaderOptions = {}) {
    this.#floats = new Float64Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#records = records;
    this.#ringOffset = header.ringOffset;
    this.#capacity = header.ringCapacity;
    this.#verify = options.verify === true && (header.flags & layout.FLAG_CHECKSUMS) !== 0;
    this.#book = new BookEvent(records.symbols, header.depthMax);
    this.#trade = new TradeEvent(records.symbols);
    this.#status = new StatusEvent(records.symbols);
    this.seek(this.tail());
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** The position up to which records are complete now. */
  tail(): number {
    const tail = loadInt64(this.#floats, TAIL);
    fence();
    return tail;
  }

  /** Goes on at a position, which must be where a record starts: one that `cursor` or `tail` returned. */
  seek(position: number): void {
    this.#cursor = position;
    this.#knownTail = position;
    this.#offset = position % this.#capacity;
  }

  /** True when `next` would return something. */
  hasNext(): boolean {
    return this.#cursor !== this.#knownTail || this.#cursor !== loadInt64(this.#floats, TAIL);
  }

  /**
   * The next event, or undefined when there is nothing new. The object is overwritten by the next call.
   * @throws ShmError CORRUPT when stable bytes make no sense; the reader stays where it is.
   */
  next(): ShmEvent | undefined {
    for (;;) {
      // 1
      if (this.#cursor === this.#knownTail && !this.#loadTail()) return undefined;
      const available = this.#knownTail - this.#cursor;
      if (available > this.#capacity) return this.#lose();
      // 2
      const word = (this.#ringOffset + this.#offset) >> 2;
      const length = this.#words[word + layout.RECORD_LENGTH / 4]!;
      const type = this.#words[word + layout.RECORD_TYPE / 4]!;
      // 3
      const isPossible =
        length !== 0 &&
        length % layout.RECORD_ALIGNMENT === 0 &&
        length <= this.#capacity - this.#offset &&
        length <= available;
      const event = isPossible ? this.#decode(word, length, type) : undefined;
      // 4
      fence();
      const intent = loadInt64(this.#floats, TAIL_INTENT);
      if (intent - this.#cursor > this.#capacity) return this.#lose();
      // 5
      if (!isPossible || event === undefined) throw this.#corrupt(`record of type ${type} and length ${length}`);
      this.#advance(length);
      if (event !== null) return event;
    }
  }

  /** Undefined when the record is impossible, null when it is one to skip. */
  #decode(word: number, length: number, type: number): ShmEvent | null | undefined {
    if (type === layout.TYPE_PADDING) return null;
    if (this.#verify && !this.#records.hasRightChecksum(word, length)) return undefined;
    switch (type) {
      case layout.TYPE_BOOK:
        return this.#records.readBook(word, length, this.#book) ? this.#book : undefined;
      case layout.TYPE_TRADE:
        return this.#records.readTrade(word, length, this.#trade) ? this.#trade : undefined;
      case layout.TYPE_STATUS:
        return this.#records.readStatus(word, length, this.#status) ? this.#status : undefined;
      default:
        return null;
    }
  }

  /** False when there is nothing new. */
  #loadTail(): boolean {
    const tail = this.tail();
    if (tail === this.#cursor) return false;
    if (tail < this.#cursor || tail % layout.RECORD_ALIGNMENT !== 0) throw this.#corrupt(`tail ${tail}`);
    this.#knownTail = tail;
    return true;
  }

  #advance(length: number): void {
    this.bytesRead += length;
    this.#cursor += length;
    this.#offset += length;
    if (this.#offset === this.#capacity) this.#offset = 0;
  }

  /** 6 */
  #lose(): LostEvent {
    const tail = this.tail();
    this.#lost.bytes = tail - this.#cursor;
    this.bytesLost += this.#lost.bytes;
    this.seek(tail);
    return this.#lost;
  }

  #corrupt(what: string): ShmError {
    return new ShmError('CORRUPT', `impossible ${what} at position ${this.#cursor}`);
  }
}
