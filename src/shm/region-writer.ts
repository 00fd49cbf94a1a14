import type { Clock } from '../model/clock.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { MARKET_STATES, STATE_REASONS } from '../model/market-state.ts';
import { recordChecksum } from './checksum.ts';
import { EpochNanos } from './epoch-nanos.ts';
import { writeInt64 } from './int64.ts';
import { LatestWriter, type SlotPlace } from './latest-writer.ts';
import * as layout from './layout.ts';
import { bookRecordBytes } from './plan.ts';
import { type RingPlace, RingWriter } from './ring-writer.ts';
import { WallTime } from './wall-time.ts';

export interface WriterPlace extends RingPlace, SlotPlace {
  readonly depthMax: number;
  readonly hasChecksums: boolean;
}

const STATE_CODES = new Map(MARKET_STATES.map((state, code) => [state, code]));
const REASON_CODES = new Map(STATE_REASONS.map((reason, code) => [reason, code]));
const LIVE = STATE_CODES.get('live')!;
const DIFF_BOOK = LIVE | (REASON_CODES.get('snapshot_bridged')! << 8) | (layout.SOURCE_DIFF << 16);
const PARTIAL_BOOK = LIVE | (REASON_CODES.get('partial_depth')! << 8) | (layout.SOURCE_PARTIAL << 16);

/**
 * Writes books, trades and status changes into a mapped region, and each symbol's present into its latest slot. Never waits and
 * allocates nothing per record. Callers pass `publishTimeNs` and receive times on `clock`; offsets are those of layout.ts.
 */
export class RegionWriter {
  readonly ring: RingWriter;
  readonly latest: LatestWriter;
  readonly #words: Uint32Array;
  readonly #floats: Float64Array;
  readonly #depthMax: number;
  readonly #hasChecksums: boolean;
  /** In a typed array, because a double in a field is allocated anew at each change. */
  readonly #sequence = new Float64Array(1);
  readonly #publishTime: WallTime;
  readonly #receiveTime: WallTime;
  readonly #exchangeTime = new EpochNanos();
  readonly #tradeTime = new EpochNanos();

  /** Takes over a region whose bytes are zero but for its header and directory, and fills the slots. */
  constructor(buffer: ArrayBuffer, place: WriterPlace, instruments: readonly Instrument[], clock: Clock) {
    this.#words = new Uint32Array(buffer);
    this.#floats = new Float64Array(buffer);
    this.#publishTime = new WallTime(clock);
    this.#receiveTime = new WallTime(clock);
    this.#depthMax = place.depthMax;
    this.#hasChecksums = place.hasChecksums;
    this.latest = new LatestWriter(buffer, place);
    this.ring = new RingWriter(buffer, place);
    for (const instrument of instruments) this.#writeEmptySlot(instrument);
  }

  /** Records written so far, padding not counted. */
  get records(): number {
    return this.#sequence[0]!;
  }

  /** Levels beyond the region's depth are left out. */
  writeBook(book: BookUpdate, publishTimeNs: number): void {
    const words = this.#words;
    const floats = this.#floats;
    const bidCount = Math.min(book.bidCount, this.#depthMax);
    const askCount = Math.min(book.askCount, this.#depthMax);
    const length = bookRecordBytes(bidCount + askCount);
    const word = this.ring.claim(length);
    this.#writeCommon(word, length, layout.TYPE_BOOK, book.instrument.index);
    this.#writeTimes(word, publishTimeNs, book.receiveTimeNs, book.exchangeTimeMs);
    words[word + layout.BOOK_STATE / 4] = book.source === 'partial' ? PARTIAL_BOOK : DIFF_BOOK;
    words[word + layout.BOOK_PRICE_SCALE / 4] =
      book.instrument.priceScale | (book.instrument.quantityScale << 8) | (book.lastPriceScale << 16);
    writeInt64(words, word + layout.BOOK_LAST_UPDATE_ID / 4, book.lastUpdateId);
    words[word + layout.BOOK_BID_COUNT / 4] = bidCount;
    words[word + layout.BOOK_ASK_COUNT / 4] = askCount;
    const float = word >> 1;
    floats[float + layout.BOOK_LAST_PRICE / 8] = book.lastPrice;
    floats[float + layout.BOOK_VOLUME_24H / 8] = book.volume24h;
    floats[float + layout.BOOK_HIGH_24H / 8] = book.high24h;
    floats[float + layout.BOOK_LOW_24H / 8] = book.low24h;
    floats[float + 13] = 0;
    floats[float + 14] = 0;
    floats[float + 15] = 0;
    let next = writeLevels(floats, float + layout.BOOK_LEVELS / 8, book.bidPrices, book.bidQuantities, bidCount);
    next = writeLevels(floats, next, book.askPrices, book.askQuantities, askCount);
    const end = float + (length >> 3);
    while (next < end) floats[next++] = 0;
    this.#finish(word, length);
    this.latest.copyFrom(book.instrument.index, word, length);
  }

  writeTrade(trade: Trade, publishTimeNs: number): void {
    const words = this.#words;
    const word = this.ring.claim(layout.TRADE_BYTES);
    this.#writeCommon(word, layout.TRADE_BYTES, layout.TYPE_TRADE, trade.instrument.index);
    this.#writeTimes(word, publishTimeNs, trade.receiveTimeNs, trade.exchangeTimeMs);
    words[word + layout.TRADE_IS_BUYER_MAKER / 4] = (trade.isBuyerMaker ? 1 : 0) | (trade.isRefill ? 256 : 0);
    words[word + layout.TRADE_PRICE_SCALE / 4] = trade.instrument.priceScale | (trade.instrument.quantityScale << 8);
    writeInt64(words, word + layout.TRADE_ID / 4, trade.tradeId);
    const float = word >> 1;
    this.#floats[float + layout.TRADE_PRICE / 8] = trade.price;
    this.#floats[float + layout.TRADE_QUANTITY / 8] = trade.quantity;
    this.#tradeTime.writeMilliseconds(words, word + layout.TRADE_TIME_NS / 4, trade.tradeTimeMs);
    for (let index = 11; index < 16; index++) this.#floats[float + index] = 0;
    this.#finish(word, layout.TRADE_BYTES);
  }

  writeStatus(status: StatusUpdate, publishTimeNs: number): void {
    const words = this.#words;
    const word = this.ring.claim(layout.STATUS_BYTES);
    const stateAndReason = STATE_CODES.get(status.state)! | (REASON_CODES.get(status.reason)! << 8);
    this.#writeCommon(word, layout.STATUS_BYTES, layout.TYPE_STATUS, status.instrument.index);
    this.#writeTimes(word, publishTimeNs, status.timeNs, 0);
    words[word + layout.STATUS_STATE / 4] = stateAndReason;
    words[word + layout.STATUS_STATE / 4 + 1] = 0;
    writeInt64(words, word + layout.STATUS_LAST_UPDATE_ID / 4, status.lastUpdateId);
    this.#finish(word, layout.STATUS_BYTES);
    if (status.state !== 'live') this.#emptySlot(status.instrument.index, word);
  }

  /** The slot of a book that is no longer live: no levels, so that nobody reads a wrong book by mistake; statistics stay. */
  #emptySlot(symbolIndex: number, statusWord: number): void {
    const words = this.#words;
    const slot = this.latest.begin(symbolIndex);
    words[slot + layout.RECORD_LENGTH / 4] = layout.BOOK_LEVELS;
    words.copyWithin(
      slot + layout.RECORD_SEQUENCE / 4,
      statusWord + layout.RECORD_SEQUENCE / 4,
      statusWord + layout.RECORD_SYMBOL_INDEX / 4,
    );
    words[slot + layout.BOOK_STATE / 4] =
      (words[slot + layout.BOOK_STATE / 4]! & 0xff0000) | words[statusWord + layout.STATUS_STATE / 4]!;
    words[slot + layout.BOOK_LAST_UPDATE_ID / 4] = words[statusWord + layout.STATUS_LAST_UPDATE_ID / 4]!;
    words[slot + layout.BOOK_LAST_UPDATE_ID / 4 + 1] = words[statusWord + layout.STATUS_LAST_UPDATE_ID / 4 + 1]!;
    words[slot + layout.BOOK_BID_COUNT / 4] = 0;
    words[slot + layout.BOOK_ASK_COUNT / 4] = 0;
    words[slot + layout.RECORD_CHECKSUM / 4] = this.#checksum(slot, layout.BOOK_LEVELS);
    this.latest.end(symbolIndex);
  }

  #writeEmptySlot(instrument: Instrument): void {
    const slot = this.latest.begin(instrument.index);
    this.#words[slot + layout.RECORD_LENGTH / 4] = layout.BOOK_LEVELS;
    this.#words[slot + layout.RECORD_TYPE / 4] = layout.TYPE_BOOK;
    this.#words[slot + layout.RECORD_SYMBOL_INDEX / 4] = instrument.index;
    this.#words[slot + layout.BOOK_PRICE_SCALE / 4] =
      instrument.priceScale | (instrument.quantityScale << 8) | (instrument.priceScale << 16);
    writeInt64(this.#words, slot + layout.BOOK_LAST_UPDATE_ID / 4, -1);
    this.#floats.fill(Number.NaN, (slot >> 1) + layout.BOOK_LAST_PRICE / 8, (slot >> 1) + layout.BOOK_LOW_24H / 8 + 1);
    this.#words[slot + layout.RECORD_CHECKSUM / 4] = this.#checksum(slot, layout.BOOK_LEVELS);
    this.latest.end(instrument.index);
  }

  #writeCommon(word: number, length: number, type: number, symbolIndex: number): void {
    const words = this.#words;
    const sequence = this.#sequence[0]! + 1;
    this.#sequence[0] = sequence;
    words[word + layout.RECORD_LENGTH / 4] = length;
    words[word + layout.RECORD_TYPE / 4] = type;
    writeInt64(words, word + layout.RECORD_SEQUENCE / 4, sequence);
    words[word + layout.RECORD_SYMBOL_INDEX / 4] = symbolIndex;
    words[word + layout.RECORD_CHECKSUM / 4] = 0;
  }

  #writeTimes(word: number, publishTimeNs: number, receiveTimeNs: number, exchangeTimeMs: number): void {
    const words = this.#words;
    this.#publishTime.write(words, word + layout.RECORD_PUBLISH_TIME_NS / 4, publishTimeNs);
    this.#receiveTime.write(words, word + layout.RECORD_RECEIVE_TIME_NS / 4, receiveTimeNs);
    this.#exchangeTime.writeMilliseconds(words, word + layout.RECORD_EXCHANGE_TIME_NS / 4, exchangeTimeMs);
  }

  #finish(word: number, length: number): void {
    if (this.#hasChecksums) this.#words[word + layout.RECORD_CHECKSUM / 4] = recordChecksum(this.#words, word, length);
    this.ring.publish();
  }

  #checksum(word: number, length: number): number {
    return this.#hasChecksums ? recordChecksum(this.#words, word, length) : 0;
  }
}

/**
 * Writes price and quantity of each level; returns the index behind the last. Four levels a turn: the engine then checks the
 * arrays once a turn rather than once an element, which makes it a third faster.
 */
function writeLevels(
  target: Float64Array,
  start: number,
  prices: Float64Array,
  quantities: Float64Array,
  count: number,
): number {
  let next = start;
  let level = 0;
  for (const whole = count & ~3; level < whole; level = (level + 4) | 0) {
    target[next] = prices[level]!;
    target[(next + 1) | 0] = quantities[level]!;
    target[(next + 2) | 0] = prices[(level + 1) | 0]!;
    target[(next + 3) | 0] = quantities[(level + 1) | 0]!;
    target[(next + 4) | 0] = prices[(level + 2) | 0]!;
    target[(next + 5) | 0] = quantities[(level + 2) | 0]!;
    target[(next + 6) | 0] = prices[(level + 3) | 0]!;
    target[(next + 7) | 0] = quantities[(level + 3) | 0]!;
    next = (next + 8) | 0;
  }
  for (; level < count; level++) {
    target[next] = prices[level]!;
    target[next + 1] = quantities[level]!;
    next += 2;
  }
  return next;
}
