import { SCALE_MAX as DECIMAL_SCALE_MAX } from '../model/decimal.ts';
import { recordChecksum } from './checksum.ts';
import { BookEvent, StatusEvent, TradeEvent } from './events.ts';
import * as layout from './layout.ts';
import { bookRecordBytes } from './plan.ts';

/** Offsets of layout.ts in words of 4 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { BOOK_LEVELS, LEVEL_BYTES, STATUS_BYTES, TRADE_BYTES } = layout;
const BOOK_ASK_COUNT_WORD = layout.BOOK_ASK_COUNT / 4;
const BOOK_BID_COUNT_WORD = layout.BOOK_BID_COUNT / 4;
const BOOK_PRICE_SCALE_WORD = layout.BOOK_PRICE_SCALE / 4;
const RECORD_CHECKSUM_WORD = layout.RECORD_CHECKSUM / 4;
const RECORD_SYMBOL_INDEX_WORD = layout.RECORD_SYMBOL_INDEX / 4;
const SCALE_MAX = DECIMAL_SCALE_MAX;

/** How much private memory a reader needs at the end of its buffer: a book of the ring, one of a slot, a trade and a status. */
export function readerScratchBytes(depthMax: number): number {
  return 2 * bookRecordBytes(2 * depthMax) + 2 * layout.BOOK_LEVELS;
}

/**
 * Copies records out of the region into private memory, where events take them apart. Bytes may change meanwhile: every method
 * answers whether what it saw is possible, touches nothing outside the record, and the caller decides afterwards whether the bytes
 * had been stable.
 *
 * `word` is the record's first 4-byte word, `length` its length in bytes, which lies within the region.
 */
export class RecordReader {
  /** What the methods fill; overwritten by each call. `latest` is the book of a slot, `book` that of the ring. */
  readonly book: BookEvent;
  readonly latest: BookEvent;
  readonly trade: TradeEvent;
  readonly status: StatusEvent;
  readonly readBook: (word: number, length: number) => boolean;
  readonly readLatest: (word: number, length: number) => boolean;
  readonly readTrade: (word: number, length: number) => boolean;
  readonly readStatus: (word: number, length: number) => boolean;
  readonly hasRightChecksum: (word: number, length: number) => boolean;

  /** @param buffer the region, and at its end `readerScratchBytes` of private memory. */
  constructor(buffer: ArrayBuffer, symbols: readonly string[], depthMax: number) {
    const bookBytes = bookRecordBytes(2 * depthMax);
    const bookAt = buffer.byteLength - readerScratchBytes(depthMax);
    const latestAt = bookAt + bookBytes;
    const tradeAt = latestAt + bookBytes;
    const statusAt = tradeAt + BOOK_LEVELS;
    this.book = new BookEvent(symbols, depthMax, buffer, bookAt);
    this.latest = new BookEvent(symbols, depthMax, buffer, latestAt);
    this.trade = new TradeEvent(symbols, buffer, tradeAt);
    this.status = new StatusEvent(symbols, buffer, statusAt);
    const { copyBook, copyTrade, copyStatus, hasRightChecksum } = createCopies(buffer, symbols.length, depthMax);
    this.readBook = copyBook(this.book, bookAt / 8);
    this.readLatest = copyBook(this.latest, latestAt / 8);
    this.readTrade = copyTrade(this.trade, tradeAt / 8);
    this.readStatus = copyStatus(this.status, statusAt / 8);
    this.hasRightChecksum = hasRightChecksum;
  }
}

/** Functions with constants around them, rather than methods and fields, for the same reason as in ring-writer.ts. */
function createCopies(buffer: ArrayBuffer, symbolCount: number, depthMax: number) {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  const bookBytesMax = bookRecordBytes(2 * depthMax);

  /** One move of memory. A later version's record may be longer than what is known of it. */
  function copy(target: number, word: number, length: number, bytesMax: number): void {
    const source = word >> 1;
    floats.copyWithin(target, source, source + (Math.min(length, bytesMax) >> 3));
  }

  const hasSymbol = (copied: Uint32Array) => copied[RECORD_SYMBOL_INDEX_WORD]! < symbolCount;

  return {
    copyBook: (book: BookEvent, target: number) => {
      const copied = book.words;
      return (word: number, length: number): boolean => {
        if (length < BOOK_LEVELS) return false;
        copy(target, word, length, bookBytesMax);
        // From the copy: whatever happens to the region, these counts are those that readers of the event see.
        const bidCount = copied[BOOK_BID_COUNT_WORD]!;
        const askCount = copied[BOOK_ASK_COUNT_WORD]!;
        if (bidCount > depthMax || askCount > depthMax) return false;
        if ((bidCount + askCount) * LEVEL_BYTES > length - BOOK_LEVELS) return false;
        return hasSymbol(copied) && areScales(copied, 3);
      };
    },
    copyTrade: (trade: TradeEvent, target: number) => (word: number, length: number) => {
      if (length < TRADE_BYTES) return false;
      copy(target, word, length, TRADE_BYTES);
      return hasSymbol(trade.words) && areScales(trade.words, 2);
    },
    copyStatus: (status: StatusEvent, target: number) => (word: number, length: number) => {
      if (length < STATUS_BYTES) return false;
      copy(target, word, length, STATUS_BYTES);
      return hasSymbol(status.words);
    },
    hasRightChecksum: (word: number, length: number) =>
      recordChecksum(words, word, length) === words[word + RECORD_CHECKSUM_WORD],
  };
}

/** The scales of prices, of quantities and, in a book, of the last price stand in one word, a byte each. */
function areScales(words: Uint32Array, count: 2 | 3): boolean {
  const scales = words[BOOK_PRICE_SCALE_WORD]!;
  const isLastPriceFine = count === 2 || ((scales >>> 16) & 0xff) <= SCALE_MAX;
  return (scales & 0xff) <= SCALE_MAX && ((scales >>> 8) & 0xff) <= SCALE_MAX && isLastPriceFine;
}
