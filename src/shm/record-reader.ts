import { SCALE_MAX as DECIMAL_SCALE_MAX } from '../model/decimal.ts';
import { recordChecksum } from './checksum.ts';
import { BookEvent, type RecordEvent, StatusEvent, TradeEvent } from './events.ts';
import * as layout from './layout.ts';
import { bookRecordBytes } from './plan.ts';

/** Offsets of layout.ts in words of 4 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { BOOK_LEVELS, LEVEL_BYTES, STATUS_BYTES, TRADE_BYTES, TYPE_BOOK, TYPE_STATUS, TYPE_TRADE } = layout;
const BOOK_ASK_COUNT_WORD = layout.BOOK_ASK_COUNT / 4;
const BOOK_BID_COUNT_WORD = layout.BOOK_BID_COUNT / 4;
const BOOK_PRICE_SCALE_WORD = layout.BOOK_PRICE_SCALE / 4;
const RECORD_CHECKSUM_WORD = layout.RECORD_CHECKSUM / 4;
const RECORD_SYMBOL_INDEX_WORD = layout.RECORD_SYMBOL_INDEX / 4;
const RECORD_TYPE_WORD = layout.RECORD_TYPE / 4;
const SCALE_MAX = DECIMAL_SCALE_MAX;

/** How much private memory a reader needs at the end of its buffer: for a record of the ring, and for one of a slot. */
export function readerScratchBytes(depthMax: number): number {
  return 2 * bookRecordBytes(2 * depthMax);
}

/**
 * Copies records out of the region into private memory, where events take them apart. Bytes of the region may change meanwhile: the
 * caller decides afterwards whether they had been stable, and a copy that is impossible says so.
 */
export class RecordReader {
  /** Copies the first bytes of a record of the ring: `bytes` of them, or as many as are ever looked at. `word` is its first 4-byte word. */
  readonly copy: (word: number, bytes: number) => void;
  /** So many bytes are copied at most. */
  readonly copyBytesMax: number;
  /** The first 128 bytes of what `copy` copied last. */
  readonly copied: Uint32Array;
  /**
   * What was copied, of a length that lies within the region. Overwritten by the next copy.
   * Undefined when it is impossible, null when it is a record to pass over.
   */
  readonly event: (length: number) => RecordEvent | null | undefined;
  /** The same for a slot's record, with its own place for the copy: its book, or undefined when it is impossible. */
  readonly readLatest: (word: number, length: number) => BookEvent | undefined;
  readonly hasRightChecksum: (word: number, length: number) => boolean;

  /** @param buffer the region, and at its end `readerScratchBytes` of private memory. */
  constructor(buffer: ArrayBuffer, symbols: readonly string[], depthMax: number) {
    this.copyBytesMax = bookRecordBytes(2 * depthMax);
    const copyAt = buffer.byteLength - readerScratchBytes(depthMax);
    const latestAt = copyAt + this.copyBytesMax;
    const book = new BookEvent(symbols, depthMax, buffer, copyAt);
    const trade = new TradeEvent(symbols, buffer, copyAt);
    const status = new StatusEvent(symbols, buffer, copyAt);
    const latest = new BookEvent(symbols, depthMax, buffer, latestAt);
    const words = new Uint32Array(buffer);
    const copyLatest = createCopy(buffer, latestAt, this.copyBytesMax);
    this.copied = book.words;
    this.copy = createCopy(buffer, copyAt, this.copyBytesMax);
    this.event = createEvents(book, trade, status, symbols.length, depthMax);
    this.readLatest = (word, length) => {
      copyLatest(word, length);
      return isBook(latest.words, length, symbols.length, depthMax) ? latest : undefined;
    };
    this.hasRightChecksum = (word, length) =>
      recordChecksum(words, word, length) === words[word + RECORD_CHECKSUM_WORD];
  }
}

/** One move of memory. A later version's record may be longer than what is known of it. */
function createCopy(buffer: ArrayBuffer, byteOffset: number, bytesMax: number): (word: number, bytes: number) => void {
  const floats = new Float64Array(buffer);
  const target = byteOffset / 8;
  return (word, bytes) => {
    const source = word >> 1;
    floats.copyWithin(target, source, source + (Math.min(bytes, bytesMax) >> 3));
  };
}

/** A function with constants around it, rather than a method and fields, for the same reason as in ring-writer.ts. */
function createEvents(
  book: BookEvent,
  trade: TradeEvent,
  status: StatusEvent,
  symbolCount: number,
  depthMax: number,
): RecordReader['event'] {
  const copied = book.words;
  return (length) => {
    switch (copied[RECORD_TYPE_WORD]) {
      case TYPE_BOOK:
        return isBook(copied, length, symbolCount, depthMax) ? book : undefined;
      case TYPE_TRADE:
        return length >= TRADE_BYTES && hasSymbol(copied, symbolCount) && areScales(copied, 2) ? trade : undefined;
      case TYPE_STATUS:
        return length >= STATUS_BYTES && hasSymbol(copied, symbolCount) ? status : undefined;
      default:
        return null;
    }
  };
}

/** From the copy: whatever happens to the region, these counts are those that readers of the event see. */
function isBook(copied: Uint32Array, length: number, symbolCount: number, depthMax: number): boolean {
  const bidCount = copied[BOOK_BID_COUNT_WORD]!;
  const askCount = copied[BOOK_ASK_COUNT_WORD]!;
  if (length < BOOK_LEVELS || bidCount > depthMax || askCount > depthMax) return false;
  if ((bidCount + askCount) * LEVEL_BYTES > length - BOOK_LEVELS) return false;
  return hasSymbol(copied, symbolCount) && areScales(copied, 3);
}

function hasSymbol(copied: Uint32Array, symbolCount: number): boolean {
  return copied[RECORD_SYMBOL_INDEX_WORD]! < symbolCount;
}

/** The scales of prices, of quantities and, in a book, of the last price stand in one word, a byte each. */
function areScales(words: Uint32Array, count: 2 | 3): boolean {
  const scales = words[BOOK_PRICE_SCALE_WORD]!;
  const isLastPriceFine = count === 2 || ((scales >>> 16) & 0xff) <= SCALE_MAX;
  return (scales & 0xff) <= SCALE_MAX && ((scales >>> 8) & 0xff) <= SCALE_MAX && isLastPriceFine;
}
