import type { Random } from './random.ts';
import type { AggregateTrade } from './trade-history.ts';

export const MINUTE_MS = 60_000;
/** What `klines` can give at most; a day and an hour. */
const CANDLES_MAX = 1500;
const DAY_MINUTES = 1440;
const FIELDS = 11;

/** One minute. Mantissas at the symbol's scales; quote volumes at the sum of both scales. */
export interface Candle {
  readonly openTimeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  readonly quoteVolume: number;
  readonly tradeCount: number;
  readonly takerBuyVolume: number;
  readonly takerBuyQuoteVolume: number;
  /** -1 when nothing was traded. */
  readonly firstTradeId: number;
}

/** The rolling 24 hours: the running minute and the 1439 before it, minutes without trades left out of high and low. */
export interface DayStatistics {
  readonly openTimeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly last: number;
  readonly volume: number;
  readonly quoteVolume: number;
  readonly tradeCount: number;
}

/** One-minute candles of a symbol, kept from its trades: what klines and the 24 h ticker are answered from. */
export class CandleHistory {
  /** Ring by minute number; the first field tells which minute a row is of. */
  readonly #rows = new Float64Array(CANDLES_MAX * FIELDS);
  #firstMinute = 0;
  #lastMinute = -1;

  get lastPrice(): number {
    return this.#lastMinute < 0 ? 0 : this.#rows[this.#at(this.#lastMinute) + 4]!;
  }

  addTrade(trade: AggregateTrade): void {
    const minute = Math.floor(trade.timeMs / MINUTE_MS);
    if (this.#lastMinute < 0) this.#start(minute, trade.price);
    this.advanceTo(trade.timeMs);
    // A clock that jumped back by more than is kept has no row: such trades belong to no candle.
    if (minute < this.#firstMinute) return;
    const rows = this.#rows;
    const at = this.#at(minute);
    if (rows[at + 7] === 0) {
      rows.fill(trade.price, at + 1, at + 5);
      rows[at + 10] = trade.firstTradeId;
    }
    rows[at + 2] = Math.max(rows[at + 2]!, trade.price);
    rows[at + 3] = Math.min(rows[at + 3]!, trade.price);
    rows[at + 4] = trade.price;
    const quote = trade.price * trade.quantity;
    rows[at + 5]! += trade.quantity;
    rows[at + 6]! += quote;
    rows[at + 7]! += trade.lastTradeId - trade.firstTradeId + 1;
    if (!trade.isBuyerMaker) {
      rows[at + 8]! += trade.quantity;
      rows[at + 9]! += quote;
    }
  }

  /** Adds the minutes that have begun since, flat at the last price, as the venue does. */
  advanceTo(timeMs: number): void {
    const minute = Math.floor(timeMs / MINUTE_MS);
    if (this.#lastMinute < 0 || minute <= this.#lastMinute) return;
    const price = this.lastPrice;
    if (minute - this.#lastMinute > CANDLES_MAX) this.#start(minute - CANDLES_MAX + 1, price);
    while (this.#lastMinute < minute) this.#open(this.#lastMinute + 1, price);
  }

  /**
   * A day of made-up candles that ends with `price` at `nowMs`: the walk is drawn backwards from there.
   * @param step tick and lot: prices and volumes are multiples of them, in mantissas.
   * @param meanVolume of a minute, mantissa.
   */
  fillPast(
    random: Random,
    nowMs: number,
    price: number,
    step: { tick: number; lot: number },
    meanVolume: number,
  ): void {
    const nowMinute = Math.floor(nowMs / MINUTE_MS);
    this.#start(nowMinute - DAY_MINUTES - 40, price);
    const minutes = DAY_MINUTES + 40;
    const closes: number[] = [price];
    for (let back = 1; back <= minutes; back++) {
      const previous = closes[back - 1]!;
      const moved = previous * (1 + random.normal() * 0.0006);
      closes.push(Math.max(step.tick * 10, Math.round(moved / step.tick) * step.tick));
    }
    let tradeId = 1_000_000;
    for (let index = 0; index <= minutes; index++) {
      const close = closes[minutes - index]!;
      const open = index === 0 ? close : closes[minutes - index + 1]!;
      if (index > 0) this.#open(nowMinute - minutes + index, open);
      tradeId += this.#invent(random, nowMinute - minutes + index, open, close, step, meanVolume, tradeId);
    }
  }

  /** Candles whose minute lies in [fromMs, toMs], the latest `limit` of them (the earliest when only `fromMs` is given), oldest first. */
  range(fromMs: number | undefined, toMs: number | undefined, limit: number): Candle[] {
    if (this.#lastMinute < 0) return [];
    let first = Math.max(this.#firstMinute, Math.ceil((fromMs ?? 0) / MINUTE_MS));
    let last = Math.min(this.#lastMinute, Math.floor((toMs ?? Number.MAX_SAFE_INTEGER) / MINUTE_MS));
    if (fromMs === undefined) first = Math.max(first, last - limit + 1);
    else last = Math.min(last, first + limit - 1);
    const candles: Candle[] = [];
    for (let minute = first; minute <= last; minute++) candles.push(this.#candle(minute));
    return candles;
  }

  day(): DayStatistics {
    const candles = this.range(undefined, undefined, DAY_MINUTES);
    const traded = candles.filter((candle) => candle.tradeCount > 0);
    const sum = (of: (candle: Candle) => number) => traded.reduce((total, candle) => total + of(candle), 0);
    return {
      openTimeMs: candles[0]?.openTimeMs ?? 0,
      open: candles[0]?.open ?? 0,
      high: traded.reduce((high, candle) => Math.max(high, candle.high), traded[0]?.high ?? 0),
      low: traded.reduce((low, candle) => Math.min(low, candle.low), traded[0]?.low ?? 0),
      last: this.lastPrice,
      volume: sum((candle) => candle.volume),
      quoteVolume: sum((candle) => candle.quoteVolume),
      tradeCount: sum((candle) => candle.tradeCount),
    };
  }

  rescalePrices(factor: number): void {
    for (let at = 0; at < this.#rows.length; at += FIELDS) {
      for (const field of [1, 2, 3, 4, 6, 9]) this.#rows[at + field]! *= factor;
    }
  }

  #invent(
    random: Random,
    minute: number,
    open: number,
    close: number,
    step: { tick: number; lot: number },
    meanVolume: number,
    firstTradeId: number,
  ): number {
    const rows = this.#rows;
    const at = this.#at(minute);
    const wick = (price: number) => Math.round((price * Math.abs(random.normal()) * 0.0003) / step.tick) * step.tick;
    const volume = Math.max(1, Math.round(random.exponential(meanVolume) / step.lot)) * step.lot;
    const tradeCount = 1 + random.below(800);
    rows[at + 1] = open;
    rows[at + 2] = Math.max(open, close) + wick(open);
    rows[at + 3] = Math.max(step.tick, Math.min(open, close) - wick(open));
    rows[at + 4] = close;
    rows[at + 5] = volume;
    rows[at + 6] = volume * close;
    rows[at + 7] = tradeCount;
    rows[at + 8] = Math.floor((volume * random.next()) / step.lot) * step.lot;
    rows[at + 9] = rows[at + 8]! * close;
    rows[at + 10] = firstTradeId;
    return tradeCount;
  }

  #start(minute: number, price: number): void {
    this.#rows.fill(0);
    this.#firstMinute = minute;
    this.#lastMinute = minute - 1;
    this.#open(minute, price);
  }

  #open(minute: number, price: number): void {
    const at = this.#at(minute);
    this.#rows.fill(0, at, at + FIELDS);
    this.#rows[at] = minute * MINUTE_MS;
    this.#rows.fill(price, at + 1, at + 5);
    this.#rows[at + 10] = -1;
    this.#lastMinute = minute;
    this.#firstMinute = Math.max(this.#firstMinute, minute - CANDLES_MAX + 1);
  }

  #at(minute: number): number {
    return (minute % CANDLES_MAX) * FIELDS;
  }

  #candle(minute: number): Candle {
    const at = this.#at(minute);
    const rows = this.#rows;
    return {
      openTimeMs: rows[at]!,
      open: rows[at + 1]!,
      high: rows[at + 2]!,
      low: rows[at + 3]!,
      close: rows[at + 4]!,
      volume: rows[at + 5]!,
      quoteVolume: rows[at + 6]!,
      tradeCount: rows[at + 7]!,
      takerBuyVolume: rows[at + 8]!,
      takerBuyQuoteVolume: rows[at + 9]!,
      firstTradeId: rows[at + 10]!,
    };
  }
}
