import { SCALE_MAX } from '../model/decimal.ts';
import { recordChecksum } from './checksum.ts';
import { type BookEvent, EVENT_WORDS, type StatusEvent, type TradeEvent } from './events.ts';
import * as layout from './layout.ts';

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

/** A function with constants around it, rather than methods and fields, for the same reason as `createRingWriter`. */
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
    return target[layout.RECORD_SYMBOL_INDEX / 4]! < symbolCount;
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
      if (length < layout.BOOK_LEVELS || !copyWords(word, EVENT_WORDS, book.words)) return false;
      // From the copy: whatever happens to the region, these counts are those that readers of the event see.
      const bidCount = book.words[layout.BOOK_BID_COUNT / 4]!;
      const askCount = book.words[layout.BOOK_ASK_COUNT / 4]!;
      if (bidCount > depthMax || askCount > depthMax || !areScales(book.words, 3)) return false;
      const count = 2 * (bidCount + askCount);
      if (count * 8 > length - layout.BOOK_LEVELS) return false;
      copyFloats((word >> 1) + layout.BOOK_LEVELS / 8, book.levels, count);
      return true;
    },
    readTrade: (word, length, trade) =>
      length >= layout.TRADE_BYTES && copyWords(word, EVENT_WORDS, trade.words) && areScales(trade.words, 2),
    readStatus: (word, length, status) =>
      length >= layout.STATUS_BYTES && copyWords(word, layout.STATUS_BYTES / 4, status.words),
    hasRightChecksum: (word, length) =>
      recordChecksum(words, word, length) === words[word + layout.RECORD_CHECKSUM / 4],
  };
}

/** The scales of prices, of quantities and, in a book, of the last price stand in one word, a byte each. */
function areScales(words: Uint32Array, count: 2 | 3): boolean {
  const scales = words[layout.BOOK_PRICE_SCALE / 4]!;
  const isLastPriceFine = count === 2 || ((scales >>> 16) & 0xff) <= SCALE_MAX;
  return (scales & 0xff) <= SCALE_MAX && ((scales >>> 8) & 0xff) <= SCALE_MAX && isLastPriceFine;
}
