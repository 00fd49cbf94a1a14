import { POW10 } from '../model/decimal.ts';
import type { Candle, Ticker24h, Trade } from '../model/events.ts';

const MINUTE_MS = 60_000;
/** The window, as the exchange's own 24 h ticker has it: 1440 minutes, the running one included. */
const WINDOW = 1440;

/** What a minute's figures are worth. `partial`: trades may be missing, a candle has to repair it. */
const PARTIAL = 0;
const FROM_TRADES = 1;
const FROM_CANDLE = 2;

/**
 * Rolling 24 h volume, high and low of one instrument, in one-minute buckets keyed by the exchange's time, so that a replay of an
 * old recording gives what it gave then. The window is the running minute and the 1439 before it; it moves with trades and with
 * `advance`. Figures are mantissas at the instrument's scales, sums of integers, and NaN until the whole window is accounted for.
 *
 * Where a minute's figures come from:
 * 1. A minute that began after the first trade was received is covered by the trade stream: its trades are the truth, unless
 *    `markIncomplete` says that some were lost.
 * 2. Any other minute is taken from its closed candle (`seed`). A candle is known to be closed when a later one comes with it.
 * 3. The minute in which the stream started, and the running candle, cannot be split exactly: the larger of what both say stands
 *    in for it until a later answer has the closed candle. `repairDueMs` says when to ask.
 * 4. `onTicker` replaces all of it by the exchange's own figures, for places where candles cannot be had; a later seed ends that.
 */
export class Statistics24h {
  /** The latest exchange time seen, ms since the Unix epoch; 0 before the first. */
  latestTimeMs = 0;
  readonly #volumes = new Float64Array(WINDOW);
  /** -Infinity and Infinity in a minute without trades. */
  readonly #highs = new Float64Array(WINDOW).fill(Number.NEGATIVE_INFINITY);
  readonly #lows = new Float64Array(WINDOW).fill(Number.POSITIVE_INFINITY);
  readonly #origins = new Uint8Array(WINDOW);
  /** The running minute, in minutes since the Unix epoch; -1 before anything is known. */
  #minute = -1;
  #isSeeded = false;
  #hasTrades = false;
  /** The last minute that is partial; may lie ahead of the running one. -1 when there is none. */
  #partialThrough = -1;
  /** NaN when the sum is not a safe integer. */
  #volume = 0;
  #high = Number.NEGATIVE_INFINITY;
  #low = Number.POSITIVE_INFINITY;
  /** The minute of an extreme has left the window or was replaced: look for it again when asked. */
  #areExtremesStale = false;
  #ticker: { volume: number; high: number; low: number } | undefined;

  get volume24h(): number {
    if (this.#ticker !== undefined) return this.#ticker.volume;
    return this.isKnown ? this.#volume : Number.NaN;
  }

  /** NaN also when there was no trade in 24 h, as the low. */
  get high24h(): number {
    if (this.#ticker !== undefined) return this.#ticker.high;
    if (this.#areExtremesStale) this.#findExtremes();
    return this.isKnown && Number.isFinite(this.#high) ? this.#high : Number.NaN;
  }

  get low24h(): number {
    if (this.#ticker !== undefined) return this.#ticker.low;
    if (this.#areExtremesStale) this.#findExtremes();
    return this.isKnown && Number.isFinite(this.#low) ? this.#low : Number.NaN;
  }

  /** Every minute of the window has figures, if only stand-ins for the partial ones. */
  get isKnown(): boolean {
    return this.#ticker !== undefined || this.#isSeeded || (this.#hasTrades && !this.#hasPartial);
  }

  /** The figures are known and no minute is partial. */
  get isExact(): boolean {
    return this.isKnown && this.#hasTrades && !this.#hasPartial;
  }

  /**
   * The exchange time from which on a `seed` makes every minute exact, ms since the Unix epoch; Infinity when none is needed. Before
   * the first trade none is: what the stream covers is not known yet.
   */
  get repairDueMs(): number {
    return this.#hasTrades && this.#hasPartial ? (this.#partialThrough + 1) * MINUTE_MS : Number.POSITIVE_INFINITY;
  }

  get #hasPartial(): boolean {
    return this.#partialThrough > this.#minute - WINDOW;
  }

  /** Moves the window to an exchange time. A time a whole window away is another clock: everything starts anew. */
  advance(exchangeTimeMs: number): void {
    const minute = Math.floor(exchangeTimeMs / MINUTE_MS);
    if (minute <= this.#minute) {
      if (minute > this.#minute - WINDOW) {
        if (exchangeTimeMs > this.latestTimeMs) this.latestTimeMs = exchangeTimeMs;
        return;
      }
      this.clear();
    } else if (minute >= this.#minute + WINDOW && this.#minute !== -1) {
      this.clear();
    }
    this.latestTimeMs = exchangeTimeMs;
    this.#rollTo(minute);
  }

  /** Counts a trade in the minute in which it happened; too late for the window, or for a closed candle, it changes nothing. */
  onTrade(trade: Trade): void {
    const minute = Math.floor(trade.tradeTimeMs / MINUTE_MS);
    if (minute > this.#minute) this.advance(trade.tradeTimeMs);
    else if (trade.tradeTimeMs > this.latestTimeMs) this.latestTimeMs = trade.tradeTimeMs;
    if (minute <= this.#minute - WINDOW) return;
    if (!this.#hasTrades) this.#onFirstTrade();
    const slot = minute % WINDOW;
    if (this.#origins[slot] === FROM_CANDLE) return;
    this.#volumes[slot]! += trade.quantity;
    this.#volume = exactSum(this.#volume, trade.quantity);
    if (trade.price > this.#highs[slot]!) {
      this.#highs[slot] = trade.price;
      if (trade.price > this.#high) this.#high = trade.price;
    }
    if (trade.price < this.#lows[slot]!) {
      this.#lows[slot] = trade.price;
      if (trade.price < this.#low) this.#low = trade.price;
    }
  }

  /**
   * Takes the venue's candles, oldest first, the running one last: for the last 24 h, or for as long as the instrument exists. Minutes
   * that the trade stream covers are kept.
   */
  seed(candles: readonly Candle[]): void {
    const running = candles.length === 0 ? this.#minute : Math.floor(candles.at(-1)!.openTimeMs / MINUTE_MS);
    // Nothing known yet to be empty, or an answer from another day.
    if (running === -1 || running <= this.#minute - WINDOW) return;
    if (running > this.#minute) this.advance(running * MINUTE_MS);
    const first = this.#minute - WINDOW + 1;
    let next = 0;
    for (let minute = first; minute <= Math.min(running, this.#minute); minute++) {
      while (next < candles.length && candles[next]!.openTimeMs < minute * MINUTE_MS) next++;
      const candle = candles[next]?.openTimeMs === minute * MINUTE_MS ? candles[next] : undefined;
      const slot = minute % WINDOW;
      if (this.#origins[slot] === FROM_TRADES) continue;
      if (minute < running) this.#takeClosed(slot, candle);
      else if (candle !== undefined) this.#takeRunning(slot, candle);
    }
    this.#ticker = undefined;
    this.#isSeeded = true;
    this.#recompute();
  }

  /** Trades between two exchange times, both included, were lost: their minutes need repair. */
  markIncomplete(fromMs: number, toMs: number): void {
    const from = Math.max(Math.floor(fromMs / MINUTE_MS), this.#minute - WINDOW + 1, 0);
    const to = Math.floor(toMs / MINUTE_MS);
    for (let minute = from; minute <= Math.min(to, this.#minute); minute++) {
      const slot = minute % WINDOW;
      // A closed candle has the lost trades in it.
      if (this.#origins[slot] === FROM_CANDLE) continue;
      this.#origins[slot] = PARTIAL;
      this.#partialThrough = Math.max(this.#partialThrough, minute);
    }
    if (to > this.#minute) this.#partialThrough = Math.max(this.#partialThrough, to);
  }

  /** Adopts the exchange's own figures. A high and low of 0 mean that there was no trade. */
  onTicker(ticker: Ticker24h): void {
    this.#ticker = {
      volume: ticker.volume,
      high: ticker.high > 0 ? ticker.high : Number.NaN,
      low: ticker.low > 0 ? ticker.low : Number.NaN,
    };
  }

  /** Moves everything to scales finer by so many decimal places. What cannot be told exactly there becomes unknown. */
  rescale(pricePlaces: number, quantityPlaces: number): void {
    const priceFactor = POW10[pricePlaces]!;
    const quantityFactor = POW10[quantityPlaces]!;
    for (let slot = 0; slot < WINDOW; slot++) {
      this.#volumes[slot]! *= quantityFactor;
      this.#highs[slot]! *= priceFactor;
      this.#lows[slot]! *= priceFactor;
    }
    this.#recompute();
    if (this.#high > Number.MAX_SAFE_INTEGER) this.clear();
    if (this.#ticker !== undefined) {
      this.#ticker.volume = exactOrNaN(this.#ticker.volume * quantityFactor);
      this.#ticker.high = exactOrNaN(this.#ticker.high * priceFactor);
      this.#ticker.low = exactOrNaN(this.#ticker.low * priceFactor);
    }
  }

  /** Forgets all minutes and all trades. */
  clear(): void {
    this.#volumes.fill(0);
    this.#highs.fill(Number.NEGATIVE_INFINITY);
    this.#lows.fill(Number.POSITIVE_INFINITY);
    this.#origins.fill(PARTIAL);
    this.#minute = -1;
    this.latestTimeMs = 0;
    this.#isSeeded = false;
    this.#hasTrades = false;
    this.#partialThrough = -1;
    this.#ticker = undefined;
    this.#recompute();
  }

  /** Empties the minutes that begin, which pushes out those of a day before. */
  #rollTo(minute: number): void {
    const from = this.#minute === -1 ? minute : this.#minute + 1;
    const isVolumeUnknown = Number.isNaN(this.#volume);
    for (let at = from; at <= minute; at++) {
      const slot = at % WINDOW;
      this.#volume -= this.#volumes[slot]!;
      if (this.#highs[slot] === this.#high || this.#lows[slot] === this.#low) this.#areExtremesStale = true;
      this.#emptySlot(slot);
      this.#origins[slot] = this.#hasTrades && at > this.#partialThrough ? FROM_TRADES : PARTIAL;
    }
    this.#minute = minute;
    if (!this.#hasTrades) this.#partialThrough = Math.max(this.#partialThrough, minute);
    if (isVolumeUnknown) this.#volume = this.#sumOfVolumes();
  }

  /** Everything up to here happened before the stream started, and so may have some of the running minute. */
  #onFirstTrade(): void {
    this.#hasTrades = true;
    for (let minute = this.#minute; minute > this.#minute - WINDOW; minute--) {
      if (this.#origins[minute % WINDOW] === PARTIAL) {
        this.#partialThrough = Math.max(this.#partialThrough, minute);
        return;
      }
    }
  }

  #takeClosed(slot: number, candle: Candle | undefined): void {
    this.#emptySlot(slot);
    this.#origins[slot] = FROM_CANDLE;
    // A candle without trades repeats the price before it, which is no high or low of this minute.
    if (candle === undefined || candle.volume === 0) return;
    this.#volumes[slot] = candle.volume;
    this.#highs[slot] = candle.high;
    this.#lows[slot] = candle.low;
  }

  #takeRunning(slot: number, candle: Candle): void {
    if (candle.volume === 0) return;
    this.#volumes[slot] = Math.max(this.#volumes[slot]!, candle.volume);
    this.#highs[slot] = Math.max(this.#highs[slot]!, candle.high);
    this.#lows[slot] = Math.min(this.#lows[slot]!, candle.low);
  }

  #emptySlot(slot: number): void {
    this.#volumes[slot] = 0;
    this.#highs[slot] = Number.NEGATIVE_INFINITY;
    this.#lows[slot] = Number.POSITIVE_INFINITY;
  }

  #recompute(): void {
    this.#volume = this.#sumOfVolumes();
    this.#findExtremes();
    if (this.#minute === -1) return;
    const isAhead = this.#partialThrough > this.#minute;
    if (isAhead) return;
    this.#partialThrough = -1;
    for (let minute = this.#minute; minute > this.#minute - WINDOW; minute--) {
      if (minute >= 0 && this.#origins[minute % WINDOW] === PARTIAL) {
        this.#partialThrough = minute;
        return;
      }
    }
  }

  #sumOfVolumes(): number {
    let sum = 0;
    for (let slot = 0; slot < WINDOW; slot++) sum = exactSum(sum, this.#volumes[slot]!);
    return sum;
  }

  #findExtremes(): void {
    this.#areExtremesStale = false;
    this.#high = Number.NEGATIVE_INFINITY;
    this.#low = Number.POSITIVE_INFINITY;
    for (let slot = 0; slot < WINDOW; slot++) {
      if (this.#highs[slot]! > this.#high) this.#high = this.#highs[slot]!;
      if (this.#lows[slot]! < this.#low) this.#low = this.#lows[slot]!;
    }
  }
}

/** NaN once a sum of integers is no longer exact. */
function exactSum(sum: number, addend: number): number {
  return exactOrNaN(sum + addend);
}

function exactOrNaN(value: number): number {
  return Number.isSafeInteger(value) ? value : Number.NaN;
}
