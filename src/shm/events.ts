import type { MarketState } from '../model/market-state.ts';

/**
 * What a reader hands out. Each reader owns one object of each kind and overwrites it with the next record: copy what is kept
 * (`book.copy()`). Numbers named `…Mantissa` are whole numbers at the scale beside them; the others are plain decimals.
 */
abstract class RecordEvent {
  /** 1 for the region's first record; a gap tells how many records were lost. */
  sequence = 0;
  symbolIndex = 0;
  symbol = '';
  /** Words of the i64 times, low and high, in the order publish, receive, exchange, trade. */
  readonly timeWords = new Uint32Array(8);

  /** When the writer wrote the record: nanoseconds since the Unix epoch. */
  get publishTimeNs(): bigint {
    return this.#time(0);
  }

  /** When the frame behind it was read from the exchange's socket: nanoseconds since the Unix epoch. */
  get receiveTimeNs(): bigint {
    return this.#time(2);
  }

  /** The exchange's event time: nanoseconds since the Unix epoch, 0 when it sent none. */
  get exchangeTimeNs(): bigint {
    return this.#time(4);
  }

  protected get tradeTime(): bigint {
    return this.#time(6);
  }

  #time(word: number): bigint {
    return (BigInt(this.timeWords[word + 1]!) << 32n) | BigInt(this.timeWords[word]!);
  }
}

/** The whole top of a book. Best levels have index 0. */
export class BookEvent extends RecordEvent {
  readonly kind = 'book';
  /** Always live in the ring. In a latest slot, anything but live comes without levels. */
  state: MarketState = 'syncing';
  reason = '';
  source: 'diff' | 'partial' = 'diff';
  /** The exchange's id of the last update in this book; -1 when there was none yet. */
  lastUpdateId = -1;
  priceScale = 0;
  quantityScale = 0;
  lastPriceScale = 0;
  bidCount = 0;
  askCount = 0;
  /** NaN while unknown. */
  lastPriceMantissa = Number.NaN;
  volume24hMantissa = Number.NaN;
  high24hMantissa = Number.NaN;
  low24hMantissa = Number.NaN;
  /** Price and quantity mantissas in turn: all bids, then all asks. Valid up to 2 × (bidCount + askCount). */
  readonly levels: Float64Array;

  constructor(depthMax: number) {
    super();
    this.levels = new Float64Array(4 * depthMax);
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
    const { levels, timeWords, ...fields } = this;
    const copy = Object.assign(new BookEvent(this.levels.length / 4), fields);
    copy.levels.set(levels);
    copy.timeWords.set(timeWords);
    return copy;
  }
}

export class TradeEvent extends RecordEvent {
  readonly kind = 'trade';
  tradeId = 0;
  /** True: the trade was a sell order hitting a bid. */
  isBuyerMaker = false;
  /** True when it came late, to fill a gap. */
  isRefill = false;
  priceScale = 0;
  quantityScale = 0;
  priceMantissa = 0;
  quantityMantissa = 0;

  get price(): number {
    return this.priceMantissa / 10 ** this.priceScale;
  }

  get quantity(): number {
    return this.quantityMantissa / 10 ** this.quantityScale;
  }

  /** The exchange's trade time: nanoseconds since the Unix epoch. */
  get tradeTimeNs(): bigint {
    return this.tradeTime;
  }
}

/** A book's state changed. */
export class StatusEvent extends RecordEvent {
  readonly kind = 'status';
  state: MarketState = 'syncing';
  reason = '';
  /** Of the last applied update; -1 when there was none. */
  lastUpdateId = -1;
}

/** The reader fell a whole ring behind and goes on at the newest position. A value, not an error. */
export class LostEvent {
  readonly kind = 'lost';
  bytes = 0;
}

export type ShmEvent = BookEvent | TradeEvent | StatusEvent | LostEvent;
