import { POW10 } from '../model/decimal.ts';
import type { BookUpdate, DepthUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import type { MarketState, StateReason } from '../model/market-state.ts';
import { type DepthLevels, OrderBook } from './order-book.ts';
import { Statistics24h } from './statistics-24h.ts';

export interface MarketOptions {
  /** Published levels per side. */
  readonly depth: number;
  /** `trade`: the last trade's price, the mid until the first. `mid`: always the mid. */
  readonly lastPriceSource: 'trade' | 'mid';
}

/** Snapshots have 1000 levels: when more are published, a refresh whenever one of them is gone would never end. */
const HORIZON_DEPTH_MAX = 600;

/** A book that was live is resynced, never synced for the first time again; all other changes may happen. */
const NEXT_STATES: Readonly<Record<MarketState, readonly MarketState[]>> = {
  syncing: ['live', 'stale', 'resyncing'],
  live: ['stale', 'resyncing'],
  stale: ['live', 'syncing', 'resyncing'],
  resyncing: ['live', 'stale'],
};

/** All that is known of one symbol: its book, its 24 h statistics, its last trade, and whether the book can be relied on. */
export class Market {
  readonly instrument: Instrument;
  readonly depth: number;
  readonly statistics = new Statistics24h();
  /** What is published, filled by `refresh` and `applyPartial`; one object for the market's whole life. */
  readonly update: BookUpdate;
  /** Of the last applied update: -1 before the first. */
  lastUpdateId = -1;
  /** Of the last applied update: ms since the Unix epoch, 0 before the first. */
  exchangeTimeMs = 0;
  /** Of the last applied update: monotonic ns, NaN before the first. */
  receiveTimeNs = Number.NaN;
  lastTradeId = -1;
  /** NaN before the first trade. */
  lastTradePrice = Number.NaN;
  readonly #out: MutableBookUpdate;
  readonly #isMidPreferred: boolean;
  #book: OrderBook;
  /** From the best price to the horizon when the book was adopted; NaN where a side has no horizon. */
  #bidReach = Number.NaN;
  #askReach = Number.NaN;
  #state: MarketState = 'syncing';
  #reason: StateReason = 'start';
  #source: 'diff' | 'partial' = 'diff';

  constructor(instrument: Instrument, options: MarketOptions) {
    this.instrument = instrument;
    this.depth = options.depth;
    this.#isMidPreferred = options.lastPriceSource === 'mid';
    this.#book = new OrderBook(instrument);
    this.#out = new MutableBookUpdate(instrument, options.depth);
    this.update = this.#out;
  }

  /** The book built from snapshot and diffs; empty in partial-depth mode, where `update` has the levels. */
  get book(): OrderBook {
    return this.#book;
  }

  get state(): MarketState {
    return this.#state;
  }

  /** Why the state is what it is. */
  get reason(): StateReason {
    return this.#reason;
  }

  get source(): 'diff' | 'partial' {
    return this.#source;
  }

  /**
   * Time for a new snapshot: the best price has come half the way from where it was at the last one to the end of what is known, or hardly
   * more levels than are published are known for certain.
   */
  get isNearHorizon(): boolean {
    const { bestBidPrice, bidHorizon, bestAskPrice, askHorizon } = this.#book;
    return (
      bestBidPrice - bidHorizon < this.#bidReach / 2 ||
      askHorizon - bestAskPrice < this.#askReach / 2 ||
      this.#book.isNearHorizon(Math.min(this.depth, HORIZON_DEPTH_MAX))
    );
  }

  /** Returns true when the state changed; the reason of an unchanged state stays. @throws Error on a change that cannot be. */
  transition(state: MarketState, reason: StateReason): boolean {
    if (state === this.#state) return false;
    if (!NEXT_STATES[this.#state].includes(state)) {
      throw new Error(`${this.instrument.symbol}: a ${this.#state} market cannot become ${state} (${reason})`);
    }
    this.#state = state;
    this.#reason = reason;
    return true;
  }

  /** Takes a finished book in place of its own. */
  adopt(book: OrderBook): void {
    this.#book = book;
    this.#bidReach = book.bestBidPrice - book.bidHorizon;
    this.#askReach = book.askHorizon - book.bestAskPrice;
    this.#source = 'diff';
  }

  /** Whether another book of the same update id has the same levels, as far as both know them all. */
  agreesWith(other: OrderBook): boolean {
    return agree(this.#book, other, 'bid') && agree(this.#book, other, 'ask');
  }

  onTrade(trade: Trade): void {
    // A refill comes late: what has been traded since is the last price.
    if (!trade.isRefill || trade.tradeId > this.lastTradeId) {
      this.lastTradeId = trade.tradeId;
      this.lastTradePrice = trade.price;
    }
    this.statistics.onTrade(trade);
  }

  /** An update was applied: its id and times are what is published next. */
  onApplied({ finalUpdateId, exchangeTimeMs, receiveTimeNs }: DepthUpdate): void {
    this.lastUpdateId = finalUpdateId;
    this.exchangeTimeMs = exchangeTimeMs;
    this.receiveTimeNs = receiveTimeNs;
  }

  /** Fills `update` from the book, the statistics, the last trade, and the id and times of the last applied update. */
  refresh(): BookUpdate {
    this.#book.top(this.depth, this.#out);
    this.#trimToHorizon();
    this.#complete('diff');
    return this.#out;
  }

  /**
   * Fills `update` from the venue's own top of book, best first, which needs no chain. Returns false, and leaves everything as it is, when a side
   * is empty or the sides cross.
   */
  applyPartial(update: DepthUpdate): boolean {
    if (update.bidCount === 0 || update.askCount === 0 || update.bidPrices[0]! >= update.askPrices[0]!) return false;
    const out = this.#out;
    out.bidCount = Math.min(update.bidCount, this.depth);
    out.askCount = Math.min(update.askCount, this.depth);
    for (let level = 0; level < out.bidCount; level++) {
      out.bidPrices[level] = update.bidPrices[level]!;
      out.bidQuantities[level] = update.bidQuantities[level]!;
    }
    for (let level = 0; level < out.askCount; level++) {
      out.askPrices[level] = update.askPrices[level]!;
      out.askQuantities[level] = update.askQuantities[level]!;
    }
    if (this.#source === 'diff') this.#book.clear();
    this.#source = 'partial';
    this.onApplied(update);
    this.#complete('partial');
    return true;
  }

  /**
   * Moves everything to finer scales and then sets them on the instrument.
   * @throws FeedError (resync) when a level cannot be told exactly there: the book is empty then, and the scales are set all the same.
   */
  rescale(priceScale: number, quantityScale: number): void {
    const { instrument } = this;
    const pricePlaces = priceScale - instrument.priceScale;
    const quantityPlaces = quantityScale - instrument.quantityScale;
    let failure: unknown;
    try {
      this.#book.rescale(priceScale, quantityScale);
    } catch (error) {
      failure = error;
      this.#book.clear();
    }
    this.statistics.rescale(pricePlaces, quantityPlaces);
    this.lastTradePrice *= POW10[pricePlaces]!;
    this.#bidReach *= POW10[pricePlaces]!;
    this.#askReach *= POW10[pricePlaces]!;
    this.#out.rescale(POW10[pricePlaces]!, POW10[quantityPlaces]!);
    instrument.priceScale = priceScale;
    instrument.quantityScale = quantityScale;
    if (failure !== undefined) throw failure;
  }

  /** Beyond the horizon there may be levels that the book does not know: what is published ends there. */
  #trimToHorizon(): void {
    const out = this.#out;
    const { bidHorizon, askHorizon } = this.#book;
    while (out.bidCount > 0 && out.bidPrices[out.bidCount - 1]! < bidHorizon) out.bidCount--;
    while (out.askCount > 0 && out.askPrices[out.askCount - 1]! > askHorizon) out.askCount--;
  }

  #complete(source: 'diff' | 'partial'): void {
    const out = this.#out;
    const { statistics } = this;
    if (this.exchangeTimeMs > statistics.latestTimeMs) statistics.advance(this.exchangeTimeMs);
    out.lastUpdateId = this.lastUpdateId;
    out.source = source;
    out.exchangeTimeMs = this.exchangeTimeMs;
    out.receiveTimeNs = this.receiveTimeNs;
    out.volume24h = statistics.volume24h;
    out.high24h = statistics.high24h;
    out.low24h = statistics.low24h;
    if (this.#isMidPreferred || Number.isNaN(this.lastTradePrice)) this.#setMid();
    else {
      out.lastPrice = this.lastTradePrice;
      out.lastPriceScale = this.instrument.priceScale;
    }
  }

  /** An odd sum of two prices needs one more decimal place to be halved. */
  #setMid(): void {
    const out = this.#out;
    const { priceScale } = this.instrument;
    const sum = out.bidCount > 0 && out.askCount > 0 ? out.bidPrices[0]! + out.askPrices[0]! : Number.NaN;
    const isHalf = sum % 2 === 1 && sum * 5 <= Number.MAX_SAFE_INTEGER;
    out.lastPrice = isHalf ? sum * 5 : Math.floor(sum / 2);
    out.lastPriceScale = isHalf ? priceScale + 1 : priceScale;
  }
}

class MutableBookUpdate implements BookUpdate, DepthLevels {
  readonly instrument: Instrument;
  lastUpdateId = -1;
  source: 'diff' | 'partial' = 'diff';
  exchangeTimeMs = 0;
  receiveTimeNs = 0;
  bidCount = 0;
  askCount = 0;
  readonly bidPrices: Float64Array;
  readonly bidQuantities: Float64Array;
  readonly askPrices: Float64Array;
  readonly askQuantities: Float64Array;
  lastPrice = Number.NaN;
  lastPriceScale = 0;
  volume24h = Number.NaN;
  high24h = Number.NaN;
  low24h = Number.NaN;

  constructor(instrument: Instrument, depth: number) {
    this.instrument = instrument;
    this.bidPrices = new Float64Array(depth);
    this.bidQuantities = new Float64Array(depth);
    this.askPrices = new Float64Array(depth);
    this.askQuantities = new Float64Array(depth);
  }

  /** What was filled may be published once more after the scales have changed. */
  rescale(priceFactor: number, quantityFactor: number): void {
    for (const prices of [this.bidPrices, this.askPrices]) {
      for (let level = 0; level < prices.length; level++) prices[level]! *= priceFactor;
    }
    for (const quantities of [this.bidQuantities, this.askQuantities]) {
      for (let level = 0; level < quantities.length; level++) quantities[level]! *= quantityFactor;
    }
    this.lastPrice *= priceFactor;
    this.lastPriceScale += Math.round(Math.log10(priceFactor));
    this.volume24h *= quantityFactor;
    this.high24h *= priceFactor;
    this.low24h *= priceFactor;
  }
}

/** Compares level by level, best first, up to the nearer of both horizons. */
function agree(one: OrderBook, other: OrderBook, side: 'bid' | 'ask'): boolean {
  const mine = knownLevels(one, other, side);
  const theirs = knownLevels(other, one, side);
  return (
    mine.prices.length === theirs.prices.length &&
    mine.prices.every((price, level) => {
      return price === theirs.prices[level] && mine.quantities[level] === theirs.quantities[level];
    })
  );
}

function knownLevels(book: OrderBook, other: OrderBook, side: 'bid' | 'ask') {
  const { prices, quantities } = book.levels(side);
  const isKnown = (price: number): boolean =>
    side === 'bid'
      ? !(price < book.bidHorizon || price < other.bidHorizon)
      : !(price > book.askHorizon || price > other.askHorizon);
  const end = prices.findIndex((price) => !isKnown(price));
  const count = end === -1 ? prices.length : end;
  return { prices: prices.subarray(0, count), quantities: quantities.subarray(0, count) };
}
