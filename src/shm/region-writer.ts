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
import { createRingWriter, type RingPlace, type RingWriter } from './ring-writer.ts';
import { createWallTimeWriter } from './wall-time.ts';

export interface WriterPlace extends RingPlace, SlotPlace {
  readonly depthMax: number;
  readonly hasChecksums: boolean;
}

/**
 * Writes books, trades and status changes into a mapped region, and each symbol's present into its latest slot. Never waits and
 * allocates nothing per record. Times (`publishTimeNs` and those in events) are on the clock that the writer was made with.
 */
export interface RegionWriter {
  /** Levels beyond the region's depth are left out. */
  writeBook(book: BookUpdate, publishTimeNs: number): void;
  writeTrade(trade: Trade, publishTimeNs: number): void;
  writeStatus(status: StatusUpdate, publishTimeNs: number): void;
  /** Records written so far, padding not counted. */
  readonly records: number;
  readonly ring: RingWriter;
}

const STATE_CODES = new Map(MARKET_STATES.map((state, code) => [state, code]));
const REASON_CODES = new Map(STATE_REASONS.map((reason, code) => [reason, code]));
const LIVE = STATE_CODES.get('live')!;
const DIFF_BOOK = LIVE | (REASON_CODES.get('snapshot_bridged')! << 8) | (layout.SOURCE_DIFF << 16);
const PARTIAL_BOOK = LIVE | (REASON_CODES.get('partial_depth')! << 8) | (layout.SOURCE_PARTIAL << 16);

/**
 * Takes over a region whose bytes are zero but for its header and directory, and fills the slots. A function with constants around
 * it for the same reason as `createRingWriter`.
 */
export function createRegionWriter(
  buffer: ArrayBuffer,
  place: WriterPlace,
  instruments: readonly Instrument[],
  clock: Clock,
): RegionWriter {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  const { depthMax, hasChecksums } = place;
  const latest = createLatestWriter(buffer, place);
  const ring = createRingWriter(buffer, place);
  const writePublishTime = createWallTimeWriter(clock);
  const writeReceiveTime = createWallTimeWriter(clock);
  const exchangeTime = new EpochNanos();
  const tradeTime = new EpochNanos();
  /** In a typed array, because a variable beyond 2^31 is allocated anew at each change. */
  const sequence = new Float64Array(16);
  for (const instrument of instruments) writeEmptySlot(instrument);

  /** The first 48 bytes of a record. */
  function writeCommon(word: number, length: number, type: number, symbolIndex: number): void {
    sequence[0] = sequence[0]! + 1;
    words[word + layout.RECORD_LENGTH / 4] = length;
    words[word + layout.RECORD_TYPE / 4] = type;
    writeInt64(words, word + layout.RECORD_SEQUENCE / 4, sequence[0]);
    words[word + layout.RECORD_SYMBOL_INDEX / 4] = symbolIndex;
    words[word + layout.RECORD_CHECKSUM / 4] = 0;
  }

  function writeTimes(word: number, publishTimeNs: number, receiveTimeNs: number, exchangeTimeMs: number): void {
    writePublishTime(words, word + layout.RECORD_PUBLISH_TIME_NS / 4, publishTimeNs);
    writeReceiveTime(words, word + layout.RECORD_RECEIVE_TIME_NS / 4, receiveTimeNs);
    exchangeTime.writeMilliseconds(words, word + layout.RECORD_EXCHANGE_TIME_NS / 4, exchangeTimeMs);
  }

  function finish(word: number, length: number): void {
    if (hasChecksums) words[word + layout.RECORD_CHECKSUM / 4] = recordChecksum(words, word, length);
    ring.publish();
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
    const slot = latest.begin(index);
    words[slot + layout.RECORD_LENGTH / 4] = layout.BOOK_LEVELS;
    words[slot + layout.RECORD_TYPE / 4] = layout.TYPE_BOOK;
    words[slot + layout.RECORD_SYMBOL_INDEX / 4] = index;
    words[slot + layout.BOOK_PRICE_SCALE / 4] = priceScale | (quantityScale << 8) | (priceScale << 16);
    writeInt64(words, slot + layout.BOOK_LAST_UPDATE_ID / 4, -1);
    floats.fill(Number.NaN, (slot + layout.BOOK_LAST_PRICE / 4) >> 1, (slot + layout.BOOK_LOW_24H / 4 + 2) >> 1);
    if (hasChecksums) words[slot + layout.RECORD_CHECKSUM / 4] = recordChecksum(words, slot, layout.BOOK_LEVELS);
    latest.end(index);
  }

  /** The slot of a book that is no longer live: no levels, so that nobody reads a wrong book by mistake; statistics stay. */
  function emptySlot(symbolIndex: number, status: number): void {
    const slot = latest.begin(symbolIndex);
    words[slot + layout.RECORD_LENGTH / 4] = layout.BOOK_LEVELS;
    copyWords(slot, status, layout.RECORD_SEQUENCE / 4, layout.RECORD_SYMBOL_INDEX / 4);
    const source = words[slot + layout.BOOK_STATE / 4]! & 0xff0000;
    words[slot + layout.BOOK_STATE / 4] = source | words[status + layout.STATUS_STATE / 4]!;
    copyWords(slot, status, layout.BOOK_LAST_UPDATE_ID / 4, layout.BOOK_BID_COUNT / 4);
    words[slot + layout.BOOK_BID_COUNT / 4] = 0;
    words[slot + layout.BOOK_ASK_COUNT / 4] = 0;
    if (hasChecksums) words[slot + layout.RECORD_CHECKSUM / 4] = recordChecksum(words, slot, layout.BOOK_LEVELS);
    latest.end(symbolIndex);
  }

  function copyWords(to: number, from: number, start: number, end: number): void {
    for (let word = start; word < end; word++) words[to + word] = words[from + word]!;
  }

  return {
    ring,
    get records() {
      return sequence[0]!;
    },

    writeBook(book, publishTimeNs) {
      const { instrument } = book;
      const bidCount = Math.min(book.bidCount, depthMax);
      const askCount = Math.min(book.askCount, depthMax);
      const length = bookRecordBytes(bidCount + askCount);
      const word = ring.claim(length);
      writeCommon(word, length, layout.TYPE_BOOK, instrument.index);
      writeTimes(word, publishTimeNs, book.receiveTimeNs, book.exchangeTimeMs);
      words[word + layout.BOOK_STATE / 4] = book.source === 'partial' ? PARTIAL_BOOK : DIFF_BOOK;
      words[word + layout.BOOK_PRICE_SCALE / 4] =
        instrument.priceScale | (instrument.quantityScale << 8) | (book.lastPriceScale << 16);
      writeInt64(words, word + layout.BOOK_LAST_UPDATE_ID / 4, book.lastUpdateId);
      words[word + layout.BOOK_BID_COUNT / 4] = bidCount;
      words[word + layout.BOOK_ASK_COUNT / 4] = askCount;
      const float = word >> 1;
      floats[float + layout.BOOK_LAST_PRICE / 8] = book.lastPrice;
      floats[float + layout.BOOK_VOLUME_24H / 8] = book.volume24h;
      floats[float + layout.BOOK_HIGH_24H / 8] = book.high24h;
      floats[float + layout.BOOK_LOW_24H / 8] = book.low24h;
      for (let index = layout.BOOK_LOW_24H / 8 + 1; index < layout.BOOK_LEVELS / 8; index++) floats[float + index] = 0;
      let next = writeLevels(float + layout.BOOK_LEVELS / 8, book.bidPrices, book.bidQuantities, bidCount);
      next = writeLevels(next, book.askPrices, book.askQuantities, askCount);
      for (const end = float + (length >> 3); next < end; next++) floats[next] = 0;
      finish(word, length);
      latest.copyFrom(instrument.index, word, length);
    },

    writeTrade(trade, publishTimeNs) {
      const { instrument } = trade;
      const word = ring.claim(layout.TRADE_BYTES);
      writeCommon(word, layout.TRADE_BYTES, layout.TYPE_TRADE, instrument.index);
      writeTimes(word, publishTimeNs, trade.receiveTimeNs, trade.exchangeTimeMs);
      words[word + layout.TRADE_IS_BUYER_MAKER / 4] = (trade.isBuyerMaker ? 1 : 0) | (trade.isRefill ? 256 : 0);
      words[word + layout.TRADE_PRICE_SCALE / 4] = instrument.priceScale | (instrument.quantityScale << 8);
      writeInt64(words, word + layout.TRADE_ID / 4, trade.tradeId);
      const float = word >> 1;
      floats[float + layout.TRADE_PRICE / 8] = trade.price;
      floats[float + layout.TRADE_QUANTITY / 8] = trade.quantity;
      tradeTime.writeMilliseconds(words, word + layout.TRADE_TIME_NS / 4, trade.tradeTimeMs);
      for (let index = layout.TRADE_TIME_NS / 8 + 1; index < layout.TRADE_BYTES / 8; index++) floats[float + index] = 0;
      finish(word, layout.TRADE_BYTES);
    },

    writeStatus(status, publishTimeNs) {
      const { index } = status.instrument;
      const word = ring.claim(layout.STATUS_BYTES);
      writeCommon(word, layout.STATUS_BYTES, layout.TYPE_STATUS, index);
      writeTimes(word, publishTimeNs, status.timeNs, 0);
      const state = STATE_CODES.get(status.state)!;
      words[word + layout.STATUS_STATE / 4] = state | (REASON_CODES.get(status.reason)! << 8);
      words[word + layout.STATUS_STATE / 4 + 1] = 0;
      writeInt64(words, word + layout.STATUS_LAST_UPDATE_ID / 4, status.lastUpdateId);
      finish(word, layout.STATUS_BYTES);
      if (state !== LIVE) emptySlot(index, word);
    },
  };
}
