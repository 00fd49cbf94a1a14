import { CandleHistory } from './candle-history.ts';
import { fixedText } from './encode.ts';
import type { ListedSymbol } from './market.ts';
import type { RecordedDiff, RecordedEvent, RecordedLevel, RecordedTrade } from './recording.ts';
import { type BookSide, ReferenceBook } from './reference-book.ts';
import { depthBody } from './rest-responses.ts';
import type { StreamHub } from './stream-hub.ts';
import { SymbolStreams } from './symbol-streams.ts';
import { type AggregateTrade, TradeHistory } from './trade-history.ts';
import type { Truth } from './truth.ts';

type SnapshotEvent = Extract<RecordedEvent, { kind: 'snapshot' }>;

/** One instrument of a recording: the recorded texts go out as they are, and the exchange's book follows them. */
export class RecordedSymbol implements ListedSymbol {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly status = 'TRADING';
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly tickSize: number;
  readonly stepSize: number;
  readonly book = new ReferenceBook();
  readonly candles = new CandleHistory();
  readonly trades = new TradeHistory();
  readonly streams: SymbolStreams;
  snapshotsFetched = 0;
  /** When the last snapshot was handed over in full, on the monotonic clock; for the hold of the playback. */
  snapshotFetchedAtMs = 0;
  /** True once the playback has passed the point where the recorder got its snapshot. */
  hasPassedSnapshot = false;
  #eventTimeMs = 0;
  readonly #snapshot: SnapshotEvent | undefined;
  readonly #truth: Truth | undefined;

  /** @param events those of this symbol. */
  constructor(symbol: string, events: readonly RecordedEvent[], hub: StreamHub, truth: Truth | undefined) {
    this.symbol = symbol;
    this.quoteAsset = /(USDT|USDC|BUSD|BTC)$/.exec(symbol)?.[1] ?? 'USDT';
    this.baseAsset = symbol.slice(0, symbol.length - this.quoteAsset.length);
    this.streams = new SymbolStreams(symbol, hub);
    this.#truth = truth;
    const texts = collectTexts(events);
    [this.priceScale, this.tickSize] = scaleAndStep(texts.prices);
    [this.quantityScale, this.stepSize] = scaleAndStep(texts.quantities);
    this.#snapshot = events.find((event) => event.kind === 'snapshot');
    if (this.#snapshot === undefined) return;
    const { bids, asks, lastUpdateId } = this.#snapshot.snapshot;
    this.#applyLevels(this.book.bids, bids.toReversed());
    this.#applyLevels(this.book.asks, asks.toReversed());
    this.book.lastUpdateId = lastUpdateId;
  }

  /**
   * The recorded snapshot until the playback passes it: a client that subscribed before the playback began can always bridge
   * from it. Afterwards the exchange's own book as of the last diff sent.
   */
  depthText(limit: number): string {
    if (this.#snapshot === undefined || this.hasPassedSnapshot) return depthBody(this, limit, this.#eventTimeMs);
    const { snapshot, data } = this.#snapshot;
    if (limit >= Math.max(snapshot.bids.length, snapshot.asks.length)) return data;
    return JSON.stringify({
      ...JSON.parse(data),
      bids: snapshot.bids.slice(0, limit),
      asks: snapshot.asks.slice(0, limit),
    });
  }

  onSnapshotFetched(): void {
    this.snapshotsFetched++;
    this.snapshotFetchedAtMs = performance.now();
  }

  playDiff(diff: RecordedDiff, data: string): void {
    this.#eventTimeMs = diff.eventTimeMs;
    // Before the recorded snapshot's id nobody knows the book: such diffs are sent, and left out of it.
    const isKnown = diff.finalUpdateId >= this.book.lastUpdateId;
    if (isKnown) {
      this.#applyLevels(this.book.bids, diff.bids);
      this.#applyLevels(this.book.asks, diff.asks);
      this.book.lastUpdateId = diff.finalUpdateId;
      this.#truth?.recordBook(this.book, this);
    }
    this.streams.publishDiff(data);
    if (isKnown) this.streams.publishPartialDepth(this, diff);
    this.streams.publishTickers(this, diff.eventTimeMs);
  }

  /** An aggregated trade goes out as it was recorded; of a raw one an aggregated one is derived, id for id. */
  playTrade(recorded: RecordedTrade, data: string): void {
    if (recorded.source === 'trade') this.streams.rawTrades.publish(data);
    if (!recorded.isTrade) return;
    const trade: AggregateTrade = {
      id: recorded.id,
      price: mantissaOf(recorded.price, this.priceScale),
      quantity: mantissaOf(recorded.quantity, this.quantityScale),
      firstTradeId: recorded.firstTradeId,
      lastTradeId: recorded.lastTradeId,
      timeMs: recorded.timeMs,
      isBuyerMaker: recorded.isBuyerMaker,
    };
    this.trades.add(trade);
    this.candles.addTrade(trade);
    this.#truth?.recordTrade(trade, this);
    if (recorded.source === 'aggTrade') this.streams.aggregateTrades.publish(data);
    else this.streams.publishTrade(this, trade, recorded.eventTimeMs);
  }

  #applyLevels(side: BookSide, levels: readonly RecordedLevel[]): void {
    for (const [price, quantity] of levels) {
      side.set(mantissaOf(price, this.priceScale), mantissaOf(quantity, this.quantityScale));
    }
  }
}

/** "61800.20" at scale 2 is 6180020. The text never has more decimals than the scale, which is drawn from all texts. */
function mantissaOf(text: string, scale: number): number {
  const point = text.indexOf('.');
  const decimals = point < 0 ? 0 : text.length - point - 1;
  const digits = Number(point < 0 ? text : text.slice(0, point) + text.slice(point + 1));
  return decimals === scale ? digits : digits * 10 ** (scale - decimals);
}

function collectTexts(events: readonly RecordedEvent[]): { prices: Set<string>; quantities: Set<string> } {
  const prices = new Set<string>();
  const quantities = new Set<string>();
  const addLevels = (levels: readonly RecordedLevel[]) => {
    for (const [price, quantity] of levels) {
      prices.add(price);
      quantities.add(quantity);
    }
  };
  for (const event of events) {
    if (event.kind === 'trade' && event.trade.isTrade) addLevels([[event.trade.price, event.trade.quantity]]);
    if (event.kind === 'diff') [event.diff.bids, event.diff.asks].forEach(addLevels);
    if (event.kind === 'snapshot') [event.snapshot.bids, event.snapshot.asks].forEach(addLevels);
  }
  return { prices, quantities };
}

/** The decimals of the texts, and the largest power of ten (as a mantissa) that divides every one of them: the tick, the step. */
function scaleAndStep(texts: ReadonlySet<string>): [scale: number, step: number] {
  let scale = 0;
  for (const text of texts) {
    const point = text.indexOf('.');
    if (point >= 0) scale = Math.max(scale, text.length - point - 1);
  }
  let step = 10 ** scale;
  for (const text of texts) {
    const mantissa = mantissaOf(text, scale);
    while (step > 1 && mantissa % step !== 0) step /= 10;
  }
  return [scale, step];
}

/** For messages: "tick 0.10, step 0.001". */
export function stepsText(listed: ListedSymbol): string {
  return `tick ${fixedText(listed.tickSize, listed.priceScale)}, step ${fixedText(listed.stepSize, listed.quantityScale)}`;
}
