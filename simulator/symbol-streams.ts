import {
  aggregateTradeText,
  bookTickerText,
  type DepthHead,
  depthUpdateText,
  klineText,
  markPriceText,
  shortestText,
  topLevelsText,
} from './encode.ts';
import type { ListedSymbol } from './market.ts';
import { miniTickerEventText, tickerEventText } from './rest-responses.ts';
import type { Stream, StreamHub } from './stream-hub.ts';
import type { AggregateTrade } from './trade-history.ts';

/** Partial-depth frames come no more often than this, in the exchange's time. */
const PARTIAL_DEPTH_INTERVAL_MS = 100;
const TICKER_INTERVAL_MS = 1000;
const KLINE_INTERVAL_MS = 250;

/** Every stream of one symbol, and what goes into it. Nothing is encoded that nobody has subscribed to. */
export class SymbolStreams {
  /** The speeds of the diff stream carry the same diffs: a simulator's rate is set, not derived from the name. */
  readonly #diffs: readonly Stream[];
  readonly #partials: readonly { readonly levels: number; readonly stream: Stream }[];
  readonly #tops: readonly Stream[];
  readonly aggregateTrades: Stream;
  /** Undocumented on the venue; only recordings carry it. */
  readonly rawTrades: Stream;
  readonly #kline: Stream;
  readonly #ticker: Stream;
  readonly #miniTicker: Stream;
  readonly #markPrices: readonly Stream[];
  #lastPartialMs = 0;
  #lastTickerMs = 0;
  #lastKlineMs = 0;
  #klineMinute = 0;

  constructor(symbol: string, hub: StreamHub) {
    const name = symbol.toLowerCase();
    const publicStream = (suffix: string) => hub.publish(`${name}@${suffix}`, symbol, 'public');
    const marketStream = (suffix: string) => hub.publish(`${name}@${suffix}`, symbol, 'market');
    this.#diffs = ['depth', 'depth@0ms', 'depth@100ms', 'depth@500ms'].map(publicStream);
    this.#partials = [5, 10, 20].flatMap((levels) =>
      ['', '@100ms', '@500ms'].map((speed) => ({ levels, stream: publicStream(`depth${levels}${speed}`) })),
    );
    this.#tops = [publicStream('bookTicker'), hub.publish('!bookTicker', '', 'public')];
    this.aggregateTrades = marketStream('aggTrade');
    this.rawTrades = marketStream('trade');
    this.#kline = marketStream('kline_1m');
    this.#ticker = marketStream('ticker');
    this.#miniTicker = marketStream('miniTicker');
    this.#markPrices = [marketStream('markPrice'), marketStream('markPrice@1s')];
  }

  get isDiffWanted(): boolean {
    return this.#diffs.some((stream) => stream.isWanted);
  }

  get isTopWanted(): boolean {
    return this.#tops.some((stream) => stream.isWanted);
  }

  publishDiff(data: string): void {
    for (const stream of this.#diffs) stream.publish(data);
  }

  /** Call after each diff, with the head of that diff. */
  publishPartialDepth(listed: ListedSymbol, head: DepthHead): void {
    if (Math.abs(head.eventTimeMs - this.#lastPartialMs) < PARTIAL_DEPTH_INTERVAL_MS) return;
    this.#lastPartialMs = head.eventTimeMs;
    for (const { levels, stream } of this.#partials) {
      if (!stream.isWanted) continue;
      const bids = topLevelsText(listed.book.bids, levels, listed);
      const asks = topLevelsText(listed.book.asks, levels, listed);
      stream.publish(depthUpdateText(listed.symbol, head, bids, asks));
    }
  }

  publishTop(listed: ListedSymbol, updateId: number, timeMs: number): void {
    this.publishTopText(bookTickerText(listed.book.bids, listed.book.asks, updateId, timeMs, listed));
  }

  publishTopText(data: string): void {
    for (const stream of this.#tops) stream.publish(data);
  }

  publishTrade(listed: ListedSymbol, trade: AggregateTrade, eventTimeMs: number): void {
    if (this.aggregateTrades.isWanted) this.aggregateTrades.publish(aggregateTradeText(trade, eventTimeMs, listed));
  }

  publishKlineText(data: string): void {
    this.#kline.publish(data);
  }

  /** Tickers and mark prices, as often as they are due. */
  publishTickers(listed: ListedSymbol, nowMs: number): void {
    if (Math.abs(nowMs - this.#lastTickerMs) < TICKER_INTERVAL_MS) return;
    this.#lastTickerMs = nowMs;
    listed.candles.advanceTo(nowMs);
    if (this.#ticker.isWanted) this.#ticker.publish(tickerEventText(listed, nowMs));
    if (this.#miniTicker.isWanted) this.#miniTicker.publish(miniTickerEventText(listed, nowMs));
    for (const stream of this.#markPrices) {
      if (!stream.isWanted) continue;
      const price = Number(shortestText(listed.candles.lastPrice, listed.priceScale)).toFixed(8);
      stream.publish(markPriceText(price, nowMs, listed.symbol));
    }
  }

  /** The running minute, and once more when it has closed. */
  publishKlines(listed: ListedSymbol, nowMs: number): void {
    if (!this.#kline.isWanted || Math.abs(nowMs - this.#lastKlineMs) < KLINE_INTERVAL_MS) return;
    this.#lastKlineMs = nowMs;
    listed.candles.advanceTo(nowMs);
    const [previous, running] = listed.candles.range(undefined, undefined, 2);
    const current = running ?? previous;
    if (current === undefined) return;
    if (running !== undefined && previous!.openTimeMs === this.#klineMinute) {
      this.#kline.publish(klineText(previous!, nowMs, true, listed));
    }
    this.#klineMinute = current.openTimeMs;
    this.#kline.publish(klineText(current, nowMs, false, listed));
  }
}
