import { MARKET_STATES, type MarketState, STATE_REASONS } from '../model/market-state.ts';
import { recordChecksum } from './checksum.ts';
import type { BookEvent, StatusEvent, TradeEvent } from './events.ts';
import { readInt64 } from './int64.ts';
import * as layout from './layout.ts';

type RecordEvent = BookEvent | TradeEvent | StatusEvent;

/**
 * Takes records apart. Bytes may change while they are read: every method answers whether what it saw is possible, touches
 * nothing outside the record, and the caller decides afterwards whether the bytes had been stable.
 */
export class RecordReader {
  readonly #words: Uint32Array;
  readonly #floats: Float64Array;
  readonly #symbols: readonly string[];
  readonly #depthMax: number;

  constructor(buffer: ArrayBuffer, symbols: readonly string[], depthMax: number) {
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float64Array(buffer);
    this.#symbols = symbols;
    this.#depthMax = depthMax;
  }

  /** @param word the record's first 4-byte word. @param length its length in bytes, which lies within the region. */
  readBook(word: number, length: number, book: BookEvent): boolean {
    const words = this.#words;
    const floats = this.#floats;
    const bidCount = words[word + layout.BOOK_BID_COUNT / 4]!;
    const askCount = words[word + layout.BOOK_ASK_COUNT / 4]!;
    if (length < layout.BOOK_LEVELS || bidCount > this.#depthMax || askCount > this.#depthMax) return false;
    if ((bidCount + askCount) * layout.LEVEL_BYTES > length - layout.BOOK_LEVELS) return false;
    if (!this.#readCommon(word, book)) return false;
    const codes = words[word + layout.BOOK_STATE / 4]!;
    const scales = words[word + layout.BOOK_PRICE_SCALE / 4]!;
    book.state = stateName(codes & 0xff);
    book.reason = reasonName((codes >>> 8) & 0xff);
    book.source = ((codes >>> 16) & 0xff) === layout.SOURCE_PARTIAL ? 'partial' : 'diff';
    book.priceScale = scales & 0xff;
    book.quantityScale = (scales >>> 8) & 0xff;
    book.lastPriceScale = (scales >>> 16) & 0xff;
    book.lastUpdateId = readInt64(words, word + layout.BOOK_LAST_UPDATE_ID / 4);
    book.bidCount = bidCount;
    book.askCount = askCount;
    const float = word >> 1;
    book.lastPriceMantissa = floats[float + layout.BOOK_LAST_PRICE / 8]!;
    book.volume24hMantissa = floats[float + layout.BOOK_VOLUME_24H / 8]!;
    book.high24hMantissa = floats[float + layout.BOOK_HIGH_24H / 8]!;
    book.low24hMantissa = floats[float + layout.BOOK_LOW_24H / 8]!;
    const levels = book.levels;
    const count = 2 * (bidCount + askCount);
    const first = float + layout.BOOK_LEVELS / 8;
    for (let index = 0; index < count; index++) levels[index] = floats[first + index]!;
    return true;
  }

  readTrade(word: number, length: number, trade: TradeEvent): boolean {
    const words = this.#words;
    if (length < layout.TRADE_BYTES || !this.#readCommon(word, trade)) return false;
    const flags = words[word + layout.TRADE_IS_BUYER_MAKER / 4]!;
    const scales = words[word + layout.TRADE_PRICE_SCALE / 4]!;
    trade.isBuyerMaker = (flags & 0xff) !== 0;
    trade.isRefill = (flags & 0xff00) !== 0;
    trade.priceScale = scales & 0xff;
    trade.quantityScale = (scales >>> 8) & 0xff;
    trade.tradeId = readInt64(words, word + layout.TRADE_ID / 4);
    trade.priceMantissa = this.#floats[(word >> 1) + layout.TRADE_PRICE / 8]!;
    trade.quantityMantissa = this.#floats[(word >> 1) + layout.TRADE_QUANTITY / 8]!;
    trade.timeWords[6] = words[word + layout.TRADE_TIME_NS / 4]!;
    trade.timeWords[7] = words[word + layout.TRADE_TIME_NS / 4 + 1]!;
    return true;
  }

  readStatus(word: number, length: number, status: StatusEvent): boolean {
    const words = this.#words;
    if (length < layout.STATUS_BYTES || !this.#readCommon(word, status)) return false;
    const codes = words[word + layout.STATUS_STATE / 4]!;
    status.state = stateName(codes & 0xff);
    status.reason = reasonName((codes >>> 8) & 0xff);
    status.lastUpdateId = readInt64(words, word + layout.STATUS_LAST_UPDATE_ID / 4);
    return true;
  }

  hasRightChecksum(word: number, length: number): boolean {
    return recordChecksum(this.#words, word, length) === this.#words[word + layout.RECORD_CHECKSUM / 4];
  }

  #readCommon(word: number, event: RecordEvent): boolean {
    const words = this.#words;
    const symbolIndex = words[word + layout.RECORD_SYMBOL_INDEX / 4]!;
    if (symbolIndex >= this.#symbols.length) return false;
    event.sequence = readInt64(words, word + layout.RECORD_SEQUENCE / 4);
    event.symbolIndex = symbolIndex;
    event.symbol = this.#symbols[symbolIndex]!;
    const times = event.timeWords;
    const first = word + layout.RECORD_PUBLISH_TIME_NS / 4;
    for (let index = 0; index < 6; index++) times[index] = words[first + index]!;
    return true;
  }
}

function stateName(code: number): MarketState {
  // A later writer's state is none that may be traded on: it reads as stale.
  return code < MARKET_STATES.length ? MARKET_STATES[code]! : 'stale';
}

function reasonName(code: number): string {
  return code < STATE_REASONS.length ? STATE_REASONS[code]! : `unknown(${code})`;
}
