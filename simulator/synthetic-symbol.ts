import { CandleHistory } from './candle-history.ts';
import { ChangeList } from './change-list.ts';
import { changedLevelsText, type DepthHead, depthUpdateText } from './encode.ts';
import type { ListedSymbol, SymbolStatus } from './market.ts';
import { OrderFlow } from './order-flow.ts';
import type { Random } from './random.ts';
import { ReferenceBook } from './reference-book.ts';
import { depthBody } from './rest-responses.ts';
import type { StreamHub } from './stream-hub.ts';
import { symbolProfile } from './symbol-profile.ts';
import { SymbolStreams } from './symbol-streams.ts';
import { type AggregateTrade, TradeHistory } from './trade-history.ts';
import type { Truth } from './truth.ts';

/** How busy a symbol is; may change while it runs. */
export interface Activity {
  /** Diffs a second outside bursts. */
  rate: number;
  /** Aggregated trades a second outside bursts. */
  tradeRate: number;
  /** Changed levels in a diff, on average. */
  levels: number;
  /** In a burst everything comes this many times as often; 1 = no bursts. */
  burst: number;
}

/** Bursts last about a second and come about four times a minute. */
const BURST_MEAN_MS = 1000;
const BURST_INTERVAL_MS = 15_000;
/** Ids of an engine that serves many symbols: this far apart at most. */
const UPDATE_ID_JUMP_MAX = 400;
/** After a restart ids begin this far below where they ever began: none is used twice. */
const RESTART_ID_DROP = 100_000_000_000;

export interface SyntheticParts {
  readonly hub: StreamHub;
  readonly truth: Truth | undefined;
  readonly random: Random;
  readonly startMs: number;
  readonly levelsPerSide: number;
  readonly activity: Activity;
  readonly now: () => number;
}

/** One made-up instrument: its book, trades, candles and ids. Everything it does follows from its seed. */
export class SyntheticSymbol implements ListedSymbol {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  priceScale: number;
  readonly quantityScale: number;
  readonly book = new ReferenceBook();
  readonly candles = new CandleHistory();
  readonly trades = new TradeHistory();
  readonly activity: Activity;
  status: SymbolStatus = 'TRADING';
  snapshotsFetched = 0;
  diffCount = 0;
  readonly #random: Random;
  readonly #streams: SymbolStreams;
  readonly #truth: Truth | undefined;
  readonly #now: () => number;
  readonly #steps: { tickSize: number; readonly stepSize: number; readonly typicalQuantity: number };
  readonly #flow: OrderFlow;
  readonly #changedBids = new ChangeList();
  readonly #changedAsks = new ChangeList();
  #updateId: number;
  #lowestUpdateId: number;
  #tradeId: number;
  #rawTradeId: number;
  #firstUpdateId = 0;
  #burstEndsMs = 0;

  constructor(symbol: string, parts: SyntheticParts) {
    const profile = symbolProfile(symbol);
    this.symbol = symbol;
    this.baseAsset = profile.baseAsset;
    this.quoteAsset = profile.quoteAsset;
    this.priceScale = profile.priceScale;
    this.quantityScale = profile.quantityScale;
    this.activity = parts.activity;
    this.#random = parts.random;
    this.#truth = parts.truth;
    this.#now = parts.now;
    this.#streams = new SymbolStreams(symbol, parts.hub);
    const { tickSize, stepSize, typicalQuantity } = profile;
    this.#steps = { tickSize, stepSize, typicalQuantity };
    this.#flow = new OrderFlow(this.book, parts.random, this.#steps, parts.levelsPerSide, (side, price) =>
      (side === this.book.bids ? this.#changedBids : this.#changedAsks).add(price),
    );
    this.#updateId = 90_000_000_000_000 + this.#random.below(2_000_000_000);
    this.#lowestUpdateId = this.#updateId;
    this.#tradeId = 100_000_000 + this.#random.below(100_000_000);
    this.#rawTradeId = 400_000_000 + this.#random.below(100_000_000);
    this.#flow.fill(profile.startPrice);
    this.book.lastUpdateId = this.#updateId;
    this.#truth?.recordBook(this.book, this);
    const pastVolume = typicalQuantity * parts.activity.tradeRate * 20 + stepSize;
    const steps = { tick: tickSize, lot: stepSize };
    this.candles.fillPast(parts.random.fork('past'), parts.startMs, profile.startPrice, steps, pastVolume);
  }

  get tickSize(): number {
    return this.#steps.tickSize;
  }

  get stepSize(): number {
    return this.#steps.stepSize;
  }

  depthText(limit: number): string {
    return depthBody(this, limit, this.#now());
  }

  onSnapshotFetched(): void {
    this.snapshotsFetched++;
  }

  /** How long until the next step, ms; infinite at rate 0. */
  drawIntervalMs(timeMs: number): number {
    const { rate, burst } = this.activity;
    if (rate <= 0) return Number.POSITIVE_INFINITY;
    const meanMs = 1000 / rate;
    if (burst > 1 && timeMs >= this.#burstEndsMs && this.#random.chance(Math.min(0.5, meanMs / BURST_INTERVAL_MS))) {
      this.#burstEndsMs = timeMs + this.#random.exponential(BURST_MEAN_MS);
    }
    return (timeMs < this.#burstEndsMs ? meanMs / burst : meanMs) * (0.8 + 0.4 * this.#random.next());
  }

  /** A stretch of the market's life that ends with one diff. @param timeMs the exchange's clock. */
  step(timeMs: number): void {
    if (this.status !== 'TRADING') return;
    this.#begin();
    const { rate, tradeRate, levels } = this.activity;
    let tradesLeft = this.#random.around(tradeRate / rate);
    const changes = Math.max(1, this.#random.around(levels * (0.5 + this.#random.next())));
    if (this.#random.chance(0.2)) this.#inOneUpdate(timeMs, () => this.#flow.move());
    for (let change = 0; change < changes || tradesLeft > 0; change++) {
      if (tradesLeft > 0 && (change >= changes || this.#random.chance(tradesLeft / (changes - change)))) {
        tradesLeft--;
        this.#trade(timeMs);
      }
      if (change < changes) this.#inOneUpdate(timeMs, () => this.#flow.changeLevel());
    }
    this.#flow.tend();
    this.#emitDiff(timeMs);
    this.#streams.publishKlines(this, timeMs);
    this.#streams.publishTickers(this, timeMs);
  }

  /** A new tick size, as text ("0.01"): finer prices get more decimals, coarser ones lose the levels in between. */
  changeTickSize(tickText: string, timeMs: number): void {
    const match = /^(\d+)(?:\.(\d+))?$/.exec(tickText);
    if (match === null || Number(tickText) <= 0)
      throw new RangeError(`tick size ${tickText} is not a positive decimal`);
    const scale = match[2]?.length ?? 0;
    const factor = 10 ** Math.max(0, scale - this.priceScale);
    this.priceScale = Math.max(scale, this.priceScale);
    this.book.rescalePrices(factor);
    this.trades.rescalePrices(factor);
    this.candles.rescalePrices(factor);
    this.#flow.rescalePrices(factor);
    this.#steps.tickSize = Math.round(Number(tickText) * 10 ** this.priceScale);
    this.#begin();
    this.#inOneUpdate(timeMs, () => {
      this.#flow.removeOffGrid();
      this.#flow.changeLevel();
    });
    this.#emitDiff(timeMs);
  }

  delist(): void {
    this.status = 'SETTLING';
  }

  /** Back with a new book; ids go on, but no diff leads from the old book to this one. */
  relist(): void {
    this.#refill();
    this.#updateId += 1_000_000 + this.#random.below(1_000_000);
    this.book.lastUpdateId = this.#updateId;
    this.status = 'TRADING';
    this.#truth?.recordBook(this.book, this);
    this.#streams.publishTop(this, this.#updateId, this.#now());
  }

  /** The exchange came up anew: another book, ids far below the old ones. Trades keep counting, as the venue's do. */
  restart(): void {
    this.#refill();
    this.#lowestUpdateId -= RESTART_ID_DROP;
    this.#updateId = this.#lowestUpdateId;
    this.book.lastUpdateId = this.#updateId;
    this.#truth?.recordBook(this.book, this);
    this.#streams.publishTop(this, this.#updateId, this.#now());
  }

  #refill(): void {
    const middle = (this.book.bids.bestPrice + this.book.asks.bestPrice) / 2;
    this.#flow.fill(middle);
    this.#changedBids.clear();
    this.#changedAsks.clear();
  }

  #begin(): void {
    this.#changedBids.clear();
    this.#changedAsks.clear();
    this.#firstUpdateId = this.#nextUpdateId();
  }

  #nextUpdateId(): number {
    this.#updateId += 1 + this.#random.below(UPDATE_ID_JUMP_MAX);
    return this.#updateId;
  }

  /** One event of the matching engine: it has an id of its own, and a frame when the best bid or ask has changed. */
  #inOneUpdate(timeMs: number, change: () => void): void {
    const { bids, asks } = this.book;
    if (!this.#streams.isTopWanted) {
      change();
      this.#nextUpdateId();
      return;
    }
    const [bidPrice, bidQuantity] = [bids.bestPrice, bids.bestQuantity];
    const [askPrice, askQuantity] = [asks.bestPrice, asks.bestQuantity];
    change();
    const updateId = this.#nextUpdateId();
    const isSame =
      bids.bestPrice === bidPrice &&
      bids.bestQuantity === bidQuantity &&
      asks.bestPrice === askPrice &&
      asks.bestQuantity === askQuantity;
    if (!isSame) this.#streams.publishTop(this, updateId, timeMs);
  }

  #trade(timeMs: number): void {
    const isBuyerMaker = this.#random.chance(0.5);
    const rawTrades = 1 + this.#random.below(3);
    this.#inOneUpdate(timeMs, () => {
      const { price, quantity } = this.#flow.take(isBuyerMaker);
      const trade: AggregateTrade = {
        id: ++this.#tradeId,
        price,
        quantity,
        firstTradeId: this.#rawTradeId + 1,
        lastTradeId: this.#rawTradeId + rawTrades,
        timeMs,
        isBuyerMaker,
      };
      this.#rawTradeId += rawTrades;
      this.trades.add(trade);
      this.candles.addTrade(trade);
      this.#truth?.recordTrade(trade, this);
      this.#streams.publishTrade(this, trade, timeMs);
    });
  }

  #emitDiff(timeMs: number): void {
    const head: DepthHead = {
      eventTimeMs: timeMs,
      transactionTimeMs: timeMs,
      firstUpdateId: this.#firstUpdateId,
      finalUpdateId: this.#updateId,
      previousFinalUpdateId: this.book.lastUpdateId,
    };
    this.book.lastUpdateId = this.#updateId;
    this.diffCount++;
    this.#truth?.recordBook(this.book, this);
    if (this.#streams.isDiffWanted) {
      const bids = changedLevelsText(this.book.bids, this.#changedBids.sorted(), this);
      const asks = changedLevelsText(this.book.asks, this.#changedAsks.sorted(), this);
      this.#streams.publishDiff(depthUpdateText(this.symbol, head, bids, asks));
    }
    this.#streams.publishPartialDepth(this, head);
  }
}
