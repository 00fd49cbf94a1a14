import { ShmError } from './errors.ts';
import type { BookEvent } from './events.ts';
import { fence } from './fence.ts';
import type { RegionHeader } from './header.ts';
import { loadInt64 } from './int64.ts';
import * as layout from './layout.ts';
import type { RecordReader } from './record-reader.ts';

/** The same time after which a heartbeat that does not move means that the writer is silent. */
const GIVE_UP_MS = layout.HEARTBEAT_TIMEOUT_MS;
/** After so many retries in a row the reader sleeps in between: perhaps the writer waits for the very processor that it spins on. */
const SPINS_MAX = 1000;
const SLEEP_MS = 1;

export interface LatestReaderOptions {
  /** Check the record's checksum, in regions that carry them. */
  readonly verify?: boolean;
}

/** A reader's half of the sequence lock around the latest slots: docs/SHM_LAYOUT.md section 5. */
export class LatestReader {
  readonly #floats: Float64Array;
  readonly #words: Uint32Array;
  readonly #header: RegionHeader;
  readonly #records: RecordReader;
  readonly #verify: boolean;
  readonly #sleepCell = new Int32Array(new SharedArrayBuffer(4));

  constructor(buffer: ArrayBuffer, header: RegionHeader, records: RecordReader, options: LatestReaderOptions = {}) {
    this.#floats = new Float64Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#header = header;
    this.#records = records;
    this.#verify = options.verify === true && (header.flags & layout.FLAG_CHECKSUMS) !== 0;
  }

  /**
   * A symbol's present. The object is overwritten by the next call.
   * @throws ShmError SLOT_UNFINISHED when the writer stopped in the middle, CORRUPT when stable bytes make no sense.
   */
  read(symbolIndex: number): BookEvent {
    const slot = this.#header.slotsOffset + symbolIndex * this.#header.slotStride;
    const version = (slot + layout.SLOT_VERSION) >> 3;
    const word = (slot + layout.SLOT_RECORD) >> 2;
    let giveUpAt = 0;
    for (let attempt = 1; ; attempt++) {
      const before = loadInt64(this.#floats, version);
      fence();
      if (before % 2 === 0) {
        const book = this.#decode(word);
        fence();
        if (loadInt64(this.#floats, version) === before) {
          if (book?.symbolIndex === symbolIndex) return book;
          throw new ShmError('CORRUPT', `impossible record in the latest slot of symbol ${symbolIndex}`);
        }
      }
      if (attempt < SPINS_MAX) continue;
      Atomics.wait(this.#sleepCell, 0, 0, SLEEP_MS);
      giveUpAt ||= performance.now() + GIVE_UP_MS;
      if (performance.now() > giveUpAt) {
        throw new ShmError(
          'SLOT_UNFINISHED',
          `the writer stopped in the middle of the latest slot of symbol ${symbolIndex}`,
        );
      }
    }
  }

  #decode(word: number): BookEvent | undefined {
    const length = this.#words[word + layout.RECORD_LENGTH / 4]!;
    if (length < layout.BOOK_LEVELS || length % layout.RECORD_ALIGNMENT !== 0) return undefined;
    if (length > this.#header.slotStride - layout.SLOT_RECORD) return undefined;
    if (this.#words[word + layout.RECORD_TYPE / 4] !== layout.TYPE_BOOK) return undefined;
    if (this.#verify && !this.#records.hasRightChecksum(word, length)) return undefined;
    return this.#records.readLatest(word, length);
  }
}
