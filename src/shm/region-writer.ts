import type { Clock } from '../model/clock.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { MARKET_STATES, STATE_REASONS } from '../model/market-state.ts';
import { recordChecksum } from './checksum.ts';
import { EpochNanos } from './epoch-nanos.ts';
import { writeInt64 } from './int64.ts';
import { createLatestWriter, type SlotPlace } from './latest-writer.ts';
import * as layout from './layout.ts';
import { bookRecordBytes } from './plan.ts';
import { type RingPlace, RingWriter } from './ring-writer.ts';
import { createWallTimeWriter } from './wall-time.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const { BOOK_LEVELS, STATUS_BYTES, TRADE_BYTES, TYPE_BOOK, TYPE_STATUS, TYPE_TRADE } = layout;
const BOOK_ASK_COUNT_WORD = layout.BOOK_ASK_COUNT / 4;
const BOOK_BID_COUNT_WORD = layout.BOOK_BID_COUNT / 4;
const BOOK_LAST_PRICE_WORD = layout.BOOK_LAST_PRICE / 4;
const BOOK_LAST_UPDATE_ID_WORD = layout.BOOK_LAST_UPDATE_ID / 4;
const BOOK_LOW_24H_WORD = layout.BOOK_LOW_24H / 4;
const BOOK_PRICE_SCALE_WORD = layout.BOOK_PRICE_SCALE / 4;
const BOOK_STATE_WORD = layout.BOOK_STATE / 4;
const RECORD_CHECKSUM_WORD = layout.RECORD_CHECKSUM / 4;
const RECORD_EXCHANGE_TIME_NS_WORD = layout.RECORD_EXCHANGE_TIME_NS / 4;
const RECORD_LENGTH_WORD = layout.RECORD_LENGTH / 4;
const RECORD_PUBLISH_TIME_NS_WORD = layout.RECORD_PUBLISH_TIME_NS / 4;
const RECORD_RECEIVE_TIME_NS_WORD = layout.RECORD_RECEIVE_TIME_NS / 4;
const RECORD_SEQUENCE_WORD = layout.RECORD_SEQUENCE / 4;
const RECORD_SYMBOL_INDEX_WORD = layout.RECORD_SYMBOL_INDEX / 4;
const RECORD_TYPE_WORD = layout.RECORD_TYPE / 4;
const STATUS_LAST_UPDATE_ID_WORD = layout.STATUS_LAST_UPDATE_ID / 4;
const STATUS_STATE_WORD = layout.STATUS_STATE / 4;
const TRADE_ID_WORD = layout.TRADE_ID / 4;
const TRADE_IS_BUYER_MAKER_WORD = layout.TRADE_IS_BUYER_MAKER / 4;
const TRADE_PRICE_SCALE_WORD = layout.TRADE_PRICE_SCALE / 4;
const TRADE_TIME_NS_WORD = layout.TRADE_TIME_NS / 4;
const BOOK_HIGH_24H_FLOAT = layout.BOOK_HIGH_24H / 8;
const BOOK_LAST_PRICE_FLOAT = layout.BOOK_LAST_PRICE / 8;
const BOOK_LEVELS_FLOAT = layout.BOOK_LEVELS / 8;
const BOOK_LOW_24H_FLOAT = layout.BOOK_LOW_24H / 8;
const BOOK_VOLUME_24H_FLOAT = layout.BOOK_VOLUME_24H / 8;
const TRADE_BYTES_FLOAT = layout.TRADE_BYTES / 8;
const TRADE_PRICE_FLOAT = layout.TRADE_PRICE / 8;
const TRADE_QUANTITY_FLOAT = layout.TRADE_QUANTITY / 8;
const TRADE_TIME_NS_FLOAT = layout.TRADE_TIME_NS / 8;

export interface WriterPlace extends RingPlace, SlotPlace {
  readonly depthMax: number;
  readonly hasChecksums: boolean;
}

/** Indexes of a record's large numbers on their way: two times of the clock, two of the exchange, and its id. */
const PUBLISH = 0;
const RECEIVE = 1;
const EXCHANGE_MS = 2;
const TRADE_MS = 3;
const ID = 4;

const STATE_CODES = new Map(MARKET_STATES.map((state, code) => [state, code]));
const REASON_CODES = new Map(STATE_REASONS.map((reason, code) => [reason, code]));
const LIVE = STATE_CODES.get('live')!;
const DIFF_BOOK = LIVE | (REASON_CODES.get('snapshot_bridged')! << 8) | (layout.SOURCE_DIFF << 16);
const PARTIAL_BOOK = LIVE | (REASON_CODES.get('partial_depth')! << 8) | (layout.SOURCE_PARTIAL << 16);

/**
 * Writes books, trades and status changes into a mapped region, and each symbol's present into its latest slot. Never waits and
 * allocates nothing per record. Times (those in events, and `publishTimeNs`, which is now when left out) are on the clock that the
 * writer was made with.
 */
export class RegionWriter {
  /** Levels beyond the region's depth are left out. */
  readonly writeBook: (book: BookUpdate, publishTimeNs?: number) => void;
  readonly writeTrade: (trade: Trade, publishTimeNs?: number) => void;
  readonly writeStatus: (status: StatusUpdate, publishTimeNs?: number) => void;
  readonly ring: RingWriter;
  /** In a typed array, because a double in a field is allocated anew at each change; large enough to live at a fixed address. */
  readonly #sequence = new Float64Array(16);

  /** Takes over a region whose bytes are zero but for its header and directory, and fills the slots. */
  constructor(buffer: ArrayBuffer, place: WriterPlace, instruments: readonly Instrument[], clock: Clock) {
    this.ring = new RingWriter(buffer, place);
    const writes = createWrites(buffer, place, this.ring, this.#sequence, clock);
    this.writeBook = writes.writeBook;
    this.writeTrade = writes.writeTrade;
    this.writeStatus = writes.writeStatus;
    for (const instrument of instruments) writes.writeEmptySlot(instrument);
  }

  /** Records written so far, padding not counted. */
  get records(): number {
    return this.#sequence[0]!;
  }
}

/** A function with constants around it, rather than methods and fields, for the same reason as in ring-writer.ts. */
function createWrites(buffer: ArrayBuffer, place: WriterPlace, ring: RingWriter, sequence: Float64Array, clock: Clock) {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  const { depthMax, hasChecksums } = place;
  const { copyFrom, begin, end } = createLatestWriter(buffer, place);
  const { claim, publish } = ring;
  /** Large numbers of a record on their way, in a typed array: V8 allocates a double that is passed to a function. */
  const numbers = new Float64Array(16);
  const writePublishTime = createWallTimeWriter(clock);
  const writeReceiveTime = createWallTimeWriter(clock);
  const exchangeTime = new EpochNanos();
  const tradeTime = new EpochNanos();

  /** The first 48 bytes of a record. */
  function writeCommon(word: number, length: number, type: number, symbolIndex: number): void {
    sequence[0] = sequence[0]! + 1;
    words[word + RECORD_LENGTH_WORD] = length;
    words[word + RECORD_TYPE_WORD] = type;
    writeInt64(words, word + RECORD_SEQUENCE_WORD, sequence, 0);
    words[word + RECORD_SYMBOL_INDEX_WORD] = symbolIndex;
    words[word + RECORD_CHECKSUM_WORD] = 0;
  }

  function writeTimes(word: number): void {
    writePublishTime(words, word + RECORD_PUBLISH_TIME_NS_WORD, numbers, PUBLISH);
    writeReceiveTime(words, word + RECORD_RECEIVE_TIME_NS_WORD, numbers, RECEIVE);
    exchangeTime.writeMilliseconds(words, word + RECORD_EXCHANGE_TIME_NS_WORD, numbers, EXCHANGE_MS);
  }

  function finish(word: number, length: number): void {
    if (hasChecksums) words[word + RECORD_CHECKSUM_WORD] = recordChecksum(words, word, length);
    publish();
  }

  /**
   * Writes price and quantity of each level; returns the index behind the last. Four levels a turn: the engine then checks the
   * arrays once a turn rather than once an element, which makes it a third faster. `| 0` spares it checks for overflow.
   */
  function writeLevels(start: number, prices: Float64Array, quantities: Float64Array, count: number): number {
    let next = start;
    let level = 0;
    for (const whole = count & ~3; level < whole; level = (level + 4) | 0) {
      floats[next] = prices[level]!;
      floats[(next + 1) | 0] = quantities[level]!;
      floats[(next + 2) | 0] = prices[(level + 1) | 0]!;
      floats[(next + 3) | 0] = quantities[(level + 1) | 0]!;
      floats[(next + 4) | 0] = prices[(level + 2) | 0]!;
      floats[(next + 5) | 0] = quantities[(level + 2) | 0]!;
      floats[(next + 6) | 0] = prices[(level + 3) | 0]!;
      floats[(next + 7) | 0] = quantities[(level + 3) | 0]!;
      next = (next + 8) | 0;
    }
    for (; level < count; level++) {
      floats[next] = prices[level]!;
      floats[next + 1] = quantities[level]!;
      next += 2;
    }
    return next;
  }

  function writeEmptySlot(instrument: Instrument): void {
    const { index, priceScale, quantityScale } = instrument;
    const slot = begin(index);
    words[slot + RECORD_LENGTH_WORD] = BOOK_LEVELS;
    words[slot + RECORD_TYPE_WORD] = TYPE_BOOK;
    words[slot + RECORD_SYMBOL_INDEX_WORD] = index;
    words[slot + BOOK_PRICE_SCALE_WORD] = priceScale | (quantityScale << 8) | (priceScale << 16);
    numbers[ID] = -1;
    writeInt64(words, slot + BOOK_LAST_UPDATE_ID_WORD, numbers, ID);
    floats.fill(Number.NaN, (slot + BOOK_LAST_PRICE_WORD) >> 1, (slot + BOOK_LOW_24H_WORD + 2) >> 1);
    if (hasChecksums) words[slot + RECORD_CHECKSUM_WORD] = recordChecksum(words, slot, BOOK_LEVELS);
    end(index);
  }

  /** The slot of a book that is no longer live: no levels, so that nobody reads a wrong book by mistake; statistics stay. */
  function emptySlot(symbolIndex: number, status: number): void {
    const slot = begin(symbolIndex);
    words[slot + RECORD_LENGTH_WORD] = BOOK_LEVELS;
    copyWords(slot, status, RECORD_SEQUENCE_WORD, RECORD_SYMBOL_INDEX_WORD);
    const source = words[slot + BOOK_STATE_WORD]! & 0xff0000;
    words[slot + BOOK_STATE_WORD] = source | words[status + STATUS_STATE_WORD]!;
    copyWords(slot, status, BOOK_LAST_UPDATE_ID_WORD, BOOK_BID_COUNT_WORD);
    words[slot + BOOK_BID_COUNT_WORD] = 0;
    words[slot + BOOK_ASK_COUNT_WORD] = 0;
    if (hasChecksums) words[slot + RECORD_CHECKSUM_WORD] = recordChecksum(words, slot, BOOK_LEVELS);
    end(symbolIndex);
  }

  function copyWords(to: number, from: number, start: number, end: number): void {
    for (let word = start; word < end; word++) words[to + word] = words[from + word]!;
  }

  return {
    writeEmptySlot,

    writeBook(book: BookUpdate, publishTimeNs?: number): void {
      const { instrument } = book;
      const bidCount = Math.min(book.bidCount, depthMax);
      const askCount = Math.min(book.askCount, depthMax);
      const length = bookRecordBytes(bidCount + askCount);
      const word = claim(length);
      writeCommon(word, length, TYPE_BOOK, instrument.index);
      numbers[PUBLISH] = publishTimeNs ?? clock.nowNs();
      numbers[RECEIVE] = book.receiveTimeNs;
      numbers[EXCHANGE_MS] = book.exchangeTimeMs;
      writeTimes(word);
      words[word + BOOK_STATE_WORD] = book.source === 'partial' ? PARTIAL_BOOK : DIFF_BOOK;
      words[word + BOOK_PRICE_SCALE_WORD] =
        instrument.priceScale | (instrument.quantityScale << 8) | (book.lastPriceScale << 16);
      numbers[ID] = book.lastUpdateId;
      writeInt64(words, word + BOOK_LAST_UPDATE_ID_WORD, numbers, ID);
      words[word + BOOK_BID_COUNT_WORD] = bidCount;
      words[word + BOOK_ASK_COUNT_WORD] = askCount;
      const float = word >> 1;
      floats[float + BOOK_LAST_PRICE_FLOAT] = book.lastPrice;
      floats[float + BOOK_VOLUME_24H_FLOAT] = book.volume24h;
      floats[float + BOOK_HIGH_24H_FLOAT] = book.high24h;
      floats[float + BOOK_LOW_24H_FLOAT] = book.low24h;
      for (let index = BOOK_LOW_24H_FLOAT + 1; index < BOOK_LEVELS_FLOAT; index++) floats[float + index] = 0;
      let next = writeLevels(float + BOOK_LEVELS_FLOAT, book.bidPrices, book.bidQuantities, bidCount);
      next = writeLevels(next, book.askPrices, book.askQuantities, askCount);
      for (const stop = float + (length >> 3); next < stop; next++) floats[next] = 0;
      finish(word, length);
      copyFrom(instrument.index, word, length);
    },

    writeTrade(trade: Trade, publishTimeNs?: number): void {
      const { instrument } = trade;
      const word = claim(TRADE_BYTES);
      writeCommon(word, TRADE_BYTES, TYPE_TRADE, instrument.index);
      numbers[PUBLISH] = publishTimeNs ?? clock.nowNs();
      numbers[RECEIVE] = trade.receiveTimeNs;
      numbers[EXCHANGE_MS] = trade.exchangeTimeMs;
      writeTimes(word);
      words[word + TRADE_IS_BUYER_MAKER_WORD] = (trade.isBuyerMaker ? 1 : 0) | (trade.isRefill ? 256 : 0);
      words[word + TRADE_PRICE_SCALE_WORD] = instrument.priceScale | (instrument.quantityScale << 8);
      numbers[ID] = trade.tradeId;
      writeInt64(words, word + TRADE_ID_WORD, numbers, ID);
      const float = word >> 1;
      floats[float + TRADE_PRICE_FLOAT] = trade.price;
      floats[float + TRADE_QUANTITY_FLOAT] = trade.quantity;
      numbers[TRADE_MS] = trade.tradeTimeMs;
      tradeTime.writeMilliseconds(words, word + TRADE_TIME_NS_WORD, numbers, TRADE_MS);
      for (let index = TRADE_TIME_NS_FLOAT + 1; index < TRADE_BYTES_FLOAT; index++) floats[float + index] = 0;
      finish(word, TRADE_BYTES);
    },

    writeStatus(status: StatusUpdate, publishTimeNs?: number): void {
      const { index } = status.instrument;
      const word = claim(STATUS_BYTES);
      writeCommon(word, STATUS_BYTES, TYPE_STATUS, index);
      numbers[PUBLISH] = publishTimeNs ?? clock.nowNs();
      numbers[RECEIVE] = status.timeNs;
      numbers[EXCHANGE_MS] = 0;
      writeTimes(word);
      const state = STATE_CODES.get(status.state)!;
      words[word + STATUS_STATE_WORD] = state | (REASON_CODES.get(status.reason)! << 8);
      words[word + STATUS_STATE_WORD + 1] = 0;
      numbers[ID] = status.lastUpdateId;
      writeInt64(words, word + STATUS_LAST_UPDATE_ID_WORD, numbers, ID);
      finish(word, STATUS_BYTES);
      if (state !== LIVE) emptySlot(index, word);
    },
  };
}
