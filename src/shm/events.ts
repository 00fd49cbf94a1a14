import { MARKET_STATES, type MarketState, STATE_REASONS } from '../model/market-state.ts';
import { readInt64 } from './int64.ts';
import * as layout from './layout.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const {
  BOOK_LAST_PRICE_SCALE,
  BOOK_PRICE_SCALE,
  BOOK_QUANTITY_SCALE,
  BOOK_REASON,
  BOOK_SOURCE,
  BOOK_STATE,
  RECORD_EXCHANGE_TIME_NS,
  RECORD_PUBLISH_TIME_NS,
  RECORD_RECEIVE_TIME_NS,
  SOURCE_PARTIAL,
  STATUS_REASON,
  STATUS_STATE,
  TRADE_IS_BUYER_MAKER,
  TRADE_IS_REFILL,
  TRADE_PRICE_SCALE,
  TRADE_QUANTITY_SCALE,
  TRADE_TIME_NS,
} = layout;
const BOOK_ASK_COUNT_WORD = layout.BOOK_ASK_COUNT / 4;
const BOOK_BID_COUNT_WORD = layout.BOOK_BID_COUNT / 4;
const BOOK_LAST_UPDATE_ID_WORD = layout.BOOK_LAST_UPDATE_ID / 4;
const RECORD_SEQUENCE_WORD = layout.RECORD_SEQUENCE / 4;
const RECORD_SYMBOL_INDEX_WORD = layout.RECORD_SYMBOL_INDEX / 4;
const STATUS_LAST_UPDATE_ID_WORD = layout.STATUS_LAST_UPDATE_ID / 4;
const TRADE_ID_WORD = layout.TRADE_ID / 4;
const BOOK_HIGH_24H_FLOAT = layout.BOOK_HIGH_24H / 8;
const BOOK_LAST_PRICE_FLOAT = layout.BOOK_LAST_PRICE / 8;
const BOOK_LOW_24H_FLOAT = layout.BOOK_LOW_24H / 8;
const BOOK_VOLUME_24H_FLOAT = layout.BOOK_VOLUME_24H / 8;
const TRADE_PRICE_FLOAT = layout.TRADE_PRICE / 8;
const TRADE_QUANTITY_FLOAT = layout.TRADE_QUANTITY / 8;

/** Of every record this much is copied as it is: all but the levels of a book. */
const EVENT_WORDS = layout.BOOK_LEVELS / 4;

/**
 * What a reader hands out: its own copy of a record, taken apart as far as it is asked for. Each reader has room for one record, which
 * the next one overwrites, whatever its kind: keep `book.copy()` instead. Numbers named `…Mantissa` are whole numbers at the scale
 * beside them; the others are plain decimals.
 */
abstract class CopiedRecord {
  /** The record's first 128 bytes: layout.ts says what is where. */
  readonly words: Uint32Array;
  protected readonly floats: Float64Array;
  protected readonly symbols: readonly string[];

  /** @param byteOffset of the record's copy within `buffer`. */
  constructor(symbols: readonly string[], buffer: ArrayBuffer, byteOffset: number) {
    this.symbols = symbols;
    this.words = new Uint32Array(buffer, byteOffset, EVENT_WORDS);
    this.floats = new Float64Array(buffer, byteOffset, EVENT_WORDS / 2);
  }

  /** 1 for the region's first record; a gap tells how many records were lost. */
  get sequence(): number {
    return readInt64(this.words, RECORD_SEQUENCE_WORD);
  }

  get symbolIndex(): number {
    return this.words[RECORD_SYMBOL_INDEX_WORD]!;
  }

  get symbol(): string {
    return this.symbols[this.symbolIndex]!;
  }

  /** When the writer wrote the record: nanoseconds since the Unix epoch. */
  get publishTimeNs(): bigint {
    return this.time(RECORD_PUBLISH_TIME_NS);
  }

  /** When the frame behind it was read from the exchange's socket: nanoseconds since the Unix epoch. */
  get receiveTimeNs(): bigint {
    return this.time(RECORD_RECEIVE_TIME_NS);
  }

  /** The exchange's event time: nanoseconds since the Unix epoch, 0 when it sent none. */
  get exchangeTimeNs(): bigint {
    return this.time(RECORD_EXCHANGE_TIME_NS);
  }

  protected time(offset: number): bigint {
    return (BigInt(this.words[offset / 4 + 1]!) << 32n) | BigInt(this.words[offset / 4]!);
  }

  protected byte(offset: number): number {
    return (this.words[offset >> 2]! >>> ((offset & 3) * 8)) & 0xff;
  }
}

/** The whole top of a book. Best levels have index 0. */
export class BookEvent extends CopiedRecord {
  readonly kind = 'book';
  /** Price and quantity mantissas in turn: all bids, then all asks. Valid up to 2 × (bidCount + askCount). */
  readonly levels: Float64Array;

  constructor(symbols: readonly string[], depthMax: number, buffer: ArrayBuffer, byteOffset: number) {
    super(symbols, buffer, byteOffset);
    this.levels = new Float64Array(buffer, byteOffset + layout.BOOK_LEVELS, 4 * depthMax);
  }

  /** Always live in the ring. In a latest slot, anything but live comes without levels. */
  get state(): MarketState {
    return stateName(this.byte(BOOK_STATE));
  }

  get reason(): string {
    return reasonName(this.byte(BOOK_REASON));
  }

  get source(): 'diff' | 'partial' {
    return this.byte(BOOK_SOURCE) === SOURCE_PARTIAL ? 'partial' : 'diff';
  }

  /** The exchange's id of the last update in this book; -1 when there was none yet. */
  get lastUpdateId(): number {
    return readInt64(this.words, BOOK_LAST_UPDATE_ID_WORD);
  }

  get priceScale(): number {
    return this.byte(BOOK_PRICE_SCALE);
  }

  get quantityScale(): number {
    return this.byte(BOOK_QUANTITY_SCALE);
  }

  get lastPriceScale(): number {
    return this.byte(BOOK_LAST_PRICE_SCALE);
  }

  get bidCount(): number {
    return this.words[BOOK_BID_COUNT_WORD]!;
  }

  get askCount(): number {
    return this.words[BOOK_ASK_COUNT_WORD]!;
  }

  /** NaN while unknown, as all statistics. */
  get lastPriceMantissa(): number {
    return this.floats[BOOK_LAST_PRICE_FLOAT]!;
  }

  get volume24hMantissa(): number {
    return this.floats[BOOK_VOLUME_24H_FLOAT]!;
  }

  get high24hMantissa(): number {
    return this.floats[BOOK_HIGH_24H_FLOAT]!;
  }

  get low24hMantissa(): number {
    return this.floats[BOOK_LOW_24H_FLOAT]!;
  }

  get isLive(): boolean {
    return this.state === 'live';
  }

  /** NaN beyond `bidCount`. */
  bidPrice(level: number): number {
    return level < this.bidCount ? this.levels[2 * level]! / 10 ** this.priceScale : Number.NaN;
  }

  bidQuantity(level: number): number {
    return level < this.bidCount ? this.levels[2 * level + 1]! / 10 ** this.quantityScale : Number.NaN;
  }

  /** NaN beyond `askCount`. */
  askPrice(level: number): number {
    return level < this.askCount ? this.levels[2 * (this.bidCount + level)]! / 10 ** this.priceScale : Number.NaN;
  }

  askQuantity(level: number): number {
    return level < this.askCount
      ? this.levels[2 * (this.bidCount + level) + 1]! / 10 ** this.quantityScale
      : Number.NaN;
  }

  /** Last trade or mid; NaN while unknown. */
  get lastPrice(): number {
    return this.lastPriceMantissa / 10 ** this.lastPriceScale;
  }

  get volume24h(): number {
    return this.volume24hMantissa / 10 ** this.quantityScale;
  }

  get high24h(): number {
    return this.high24hMantissa / 10 ** this.priceScale;
  }

  get low24h(): number {
    return this.low24hMantissa / 10 ** this.priceScale;
  }

  /** [price, quantity] of each bid, best first. Allocates. */
  bids(): [price: number, quantity: number][] {
    return Array.from({ length: this.bidCount }, (_, level) => [this.bidPrice(level), this.bidQuantity(level)]);
  }

  asks(): [price: number, quantity: number][] {
    return Array.from({ length: this.askCount }, (_, level) => [this.askPrice(level), this.askQuantity(level)]);
  }

  /** A book of its own that later records do not change. */
  copy(): BookEvent {
    const buffer = new ArrayBuffer(layout.BOOK_LEVELS + this.levels.byteLength);
    const copy = new BookEvent(this.symbols, this.levels.length / 4, buffer, 0);
    copy.words.set(this.words);
    copy.levels.set(this.levels);
    return copy;
  }
}

export class TradeEvent extends CopiedRecord {
  readonly kind = 'trade';

  get tradeId(): number {
    return readInt64(this.words, TRADE_ID_WORD);
  }

  /** True: the trade was a sell order hitting a bid. */
  get isBuyerMaker(): boolean {
    return this.byte(TRADE_IS_BUYER_MAKER) !== 0;
  }

  /** True when it came late, to fill a gap. */
  get isRefill(): boolean {
    return this.byte(TRADE_IS_REFILL) !== 0;
  }

  get priceScale(): number {
    return this.byte(TRADE_PRICE_SCALE);
  }

  get quantityScale(): number {
    return this.byte(TRADE_QUANTITY_SCALE);
  }

  get priceMantissa(): number {
    return this.floats[TRADE_PRICE_FLOAT]!;
  }

  get quantityMantissa(): number {
    return this.floats[TRADE_QUANTITY_FLOAT]!;
  }

  get price(): number {
    return this.priceMantissa / 10 ** this.priceScale;
  }

  get quantity(): number {
    return this.quantityMantissa / 10 ** this.quantityScale;
  }

  /** The exchange's trade time: nanoseconds since the Unix epoch. */
  get tradeTimeNs(): bigint {
    return this.time(TRADE_TIME_NS);
  }
}

/** A book's state changed. */
export class StatusEvent extends CopiedRecord {
  readonly kind = 'status';

  get state(): MarketState {
    return stateName(this.byte(STATUS_STATE));
  }

  get reason(): string {
    return reasonName(this.byte(STATUS_REASON));
  }

  /** Of the last applied update; -1 when there was none. */
  get lastUpdateId(): number {
    return readInt64(this.words, STATUS_LAST_UPDATE_ID_WORD);
  }
}

/** The reader fell a whole ring behind and goes on at the newest position. A value, not an error. */
export class LostEvent {
  readonly kind = 'lost';
  bytes = 0;
}

/** What is taken out of a record. */
export type RecordEvent = BookEvent | TradeEvent | StatusEvent;

export type ShmEvent = RecordEvent | LostEvent;

function stateName(code: number): MarketState {
  // A later writer's state is none that may be traded on: it reads as stale.
  return code < MARKET_STATES.length ? MARKET_STATES[code]! : 'stale';
}

function reasonName(code: number): string {
  return code < STATE_REASONS.length ? STATE_REASONS[code]! : `unknown(${code})`;
}
