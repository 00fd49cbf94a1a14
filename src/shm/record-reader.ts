import { SCALE_MAX as DECIMAL_SCALE_MAX } from '../model/decimal.ts';
import { recordChecksum } from './checksum.ts';
import type { BookEvent, StatusEvent, TradeEvent } from './events.ts';
import * as layout from './layout.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { BOOK_LEVELS, STATUS_BYTES, TRADE_BYTES } = layout;
const BOOK_ASK_COUNT_WORD = layout.BOOK_ASK_COUNT / 4;
const BOOK_BID_COUNT_WORD = layout.BOOK_BID_COUNT / 4;
const BOOK_PRICE_SCALE_WORD = layout.BOOK_PRICE_SCALE / 4;
const RECORD_CHECKSUM_WORD = layout.RECORD_CHECKSUM / 4;
const RECORD_SYMBOL_INDEX_WORD = layout.RECORD_SYMBOL_INDEX / 4;
const STATUS_BYTES_WORD = layout.STATUS_BYTES / 4;
const EVENT_WORDS = layout.BOOK_LEVELS / 4;
const SCALE_MAX = DECIMAL_SCALE_MAX;
const BOOK_LEVELS_FLOAT = layout.BOOK_LEVELS / 8;

/**
 * Copies records out of the region. Bytes may change meanwhile: every method answers whether what it saw is possible, touches
 * nothing outside the record, and the caller decides afterwards whether the bytes had been stable.
 *
 * `word` is the record's first 4-byte word, `length` its length in bytes, which lies within the region.
 */
export class RecordReader {
  /** Names by symbol index. */
  readonly symbols: readonly string[];
  readonly readBook: (word: number, length: number, book: BookEvent) => boolean;
  readonly readTrade: (word: number, length: number, trade: TradeEvent) => boolean;
  readonly readStatus: (word: number, length: number, status: StatusEvent) => boolean;
  readonly hasRightChecksum: (word: number, length: number) => boolean;

  constructor(buffer: ArrayBuffer, symbols: readonly string[], depthMax: number) {
    const copies = createCopies(buffer, symbols.length, depthMax);
    this.symbols = symbols;
    this.readBook = copies.readBook;
    this.readTrade = copies.readTrade;
    this.readStatus = copies.readStatus;
    this.hasRightChecksum = copies.hasRightChecksum;
  }
}

/** A function with constants around it, rather than methods and fields, for the same reason as in ring-writer.ts. */
function createCopies(buffer: ArrayBuffer, symbolCount: number, depthMax: number): Omit<RecordReader, 'symbols'> {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);

  /** As words, since an integer's bits moved as a double could be taken for one of many NaNs. @param count a multiple of 4. */
  function copyWords(word: number, count: number, target: Uint32Array): boolean {
    for (let index = 0; index < count; index = (index + 4) | 0) {
      const from = (word + index) | 0;
      target[index] = words[from]!;
      target[(index + 1) | 0] = words[(from + 1) | 0]!;
      target[(index + 2) | 0] = words[(from + 2) | 0]!;
      target[(index + 3) | 0] = words[(from + 3) | 0]!;
    }
    return target[RECORD_SYMBOL_INDEX_WORD]! < symbolCount;
  }

  /** Four a turn: the engine then checks the arrays once a turn rather than once an element. @param count even */
  function copyFloats(start: number, target: Float64Array, count: number): void {
    let index = 0;
    for (const whole = count & ~3; index < whole; index = (index + 4) | 0) {
      const from = (start + index) | 0;
      target[index] = floats[from]!;
      target[(index + 1) | 0] = floats[(from + 1) | 0]!;
      target[(index + 2) | 0] = floats[(from + 2) | 0]!;
      target[(index + 3) | 0] = floats[(from + 3) | 0]!;
    }
    for (; index < count; index++) target[index] = floats[start + index]!;
  }

  return {
    readBook(word, length, book) {
      if (length < BOOK_LEVELS || !copyWords(word, EVENT_WORDS, book.words)) return false;
      // From the copy: whatever happens to the region, these counts are those that readers of the event see.
      const bidCount = book.words[BOOK_BID_COUNT_WORD]!;
      const askCount = book.words[BOOK_ASK_COUNT_WORD]!;
      if (bidCount > depthMax || askCount > depthMax || !areScales(book.words, 3)) return false;
      const count = 2 * (bidCount + askCount);
      if (count * 8 > length - BOOK_LEVELS) return false;
      copyFloats((word >> 1) + BOOK_LEVELS_FLOAT, book.levels, count);
      return true;
    },
    readTrade: (word, length, trade) =>
      length >= TRADE_BYTES && copyWords(word, EVENT_WORDS, trade.words) && areScales(trade.words, 2),
    readStatus: (word, length, status) => length >= STATUS_BYTES && copyWords(word, STATUS_BYTES_WORD, status.words),
    hasRightChecksum: (word, length) => recordChecksum(words, word, length) === words[word + RECORD_CHECKSUM_WORD],
  };
}

/** The scales of prices, of quantities and, in a book, of the last price stand in one word, a byte each. */
function areScales(words: Uint32Array, count: 2 | 3): boolean {
  const scales = words[BOOK_PRICE_SCALE_WORD]!;
  const isLastPriceFine = count === 2 || ((scales >>> 16) & 0xff) <= SCALE_MAX;
  return (scales & 0xff) <= SCALE_MAX && ((scales >>> 8) & 0xff) <= SCALE_MAX && isLastPriceFine;
}
