import { recordChecksum } from './checksum.ts';
import { type BookEvent, EVENT_WORDS, type StatusEvent, type TradeEvent } from './events.ts';
import * as layout from './layout.ts';

/**
 * Copies records out of the region. Bytes may change meanwhile: every method answers whether what it saw is possible, touches
 * nothing outside the record, and the caller decides afterwards whether the bytes had been stable.
 */
export class RecordReader {
  /** Names by symbol index. */
  readonly symbols: readonly string[];
  readonly #words: Uint32Array;
  readonly #floats: Float64Array;
  readonly #depthMax: number;

  constructor(buffer: ArrayBuffer, symbols: readonly string[], depthMax: number) {
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float64Array(buffer);
    this.symbols = symbols;
    this.#depthMax = depthMax;
  }

  /** @param word the record's first 4-byte word. @param length its length in bytes, which lies within the region. */
  readBook(word: number, length: number, book: BookEvent): boolean {
    if (length < layout.BOOK_LEVELS || !this.#copyWords(word, EVENT_WORDS, book.words)) return false;
    // From the copy: whatever happens to the region, these counts are those that readers of the event see.
    const bidCount = book.words[layout.BOOK_BID_COUNT / 4]!;
    const askCount = book.words[layout.BOOK_ASK_COUNT / 4]!;
    if (bidCount > this.#depthMax || askCount > this.#depthMax) return false;
    const count = 2 * (bidCount + askCount);
    if (count * 8 > length - layout.BOOK_LEVELS) return false;
    copyFloats(this.#floats, (word >> 1) + layout.BOOK_LEVELS / 8, book.levels, count);
    return true;
  }

  readTrade(word: number, length: number, trade: TradeEvent): boolean {
    return length >= layout.TRADE_BYTES && this.#copyWords(word, EVENT_WORDS, trade.words);
  }

  readStatus(word: number, length: number, status: StatusEvent): boolean {
    return length >= layout.STATUS_BYTES && this.#copyWords(word, layout.STATUS_BYTES / 4, status.words);
  }

  hasRightChecksum(word: number, length: number): boolean {
    return recordChecksum(this.#words, word, length) === this.#words[word + layout.RECORD_CHECKSUM / 4];
  }

  /** As words, since an integer's bits moved as a double could be taken for one of many NaNs. @param count a multiple of 4. */
  #copyWords(word: number, count: number, target: Uint32Array): boolean {
    const source = this.#words;
    for (let index = 0; index < count; index = (index + 4) | 0) {
      const from = (word + index) | 0;
      target[index] = source[from]!;
      target[(index + 1) | 0] = source[(from + 1) | 0]!;
      target[(index + 2) | 0] = source[(from + 2) | 0]!;
      target[(index + 3) | 0] = source[(from + 3) | 0]!;
    }
    return target[layout.RECORD_SYMBOL_INDEX / 4]! < this.symbols.length;
  }
}

/** Four a turn: the engine then checks the arrays once a turn rather than once an element. @param count even */
function copyFloats(source: Float64Array, start: number, target: Float64Array, count: number): void {
  let index = 0;
  for (const whole = count & ~3; index < whole; index = (index + 4) | 0) {
    const from = (start + index) | 0;
    target[index] = source[from]!;
    target[(index + 1) | 0] = source[(from + 1) | 0]!;
    target[(index + 2) | 0] = source[(from + 2) | 0]!;
    target[(index + 3) | 0] = source[(from + 3) | 0]!;
  }
  for (; index < count; index++) target[index] = source[start + index]!;
}
