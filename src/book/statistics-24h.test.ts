import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Candle, Ticker24h, Trade } from '../model/events.ts';
import { Statistics24h } from './statistics-24h.ts';

const MINUTE = 60_000;
/** 2024-08-08 00:00 UTC. */
const MIDNIGHT = 1_723_075_200_000;

interface PlainTrade {
  readonly timeMs: number;
  readonly price: number;
  readonly quantity: number;
}

function tradeOf({ timeMs, price, quantity }: PlainTrade): Trade {
  const trade = new Trade();
  trade.tradeTimeMs = timeMs;
  trade.price = price;
  trade.quantity = quantity;
  return trade;
}

/** What the exchange's 24 h window says at a time, from all trades there ever were. */
function exact(trades: readonly PlainTrade[], nowMs: number): { volume: number; high: number; low: number } {
  const from = (Math.floor(nowMs / MINUTE) - 1439) * MINUTE;
  const inWindow = trades.filter(({ timeMs }) => timeMs >= from && timeMs <= nowMs);
  const prices = inWindow.map(({ price }) => price);
  return {
    volume: inWindow.reduce((sum, { quantity }) => sum + quantity, 0),
    high: prices.length === 0 ? Number.NaN : Math.max(...prices),
    low: prices.length === 0 ? Number.NaN : Math.min(...prices),
  };
}

/** What the exchange's REST answers at a time: candles of 24 h, those without trades repeating the price before. */
function candlesAt(trades: readonly PlainTrade[], nowMs: number): Candle[] {
  const last = Math.floor(nowMs / MINUTE);
  const byMinute = new Map<number, PlainTrade[]>();
  for (const trade of trades) {
    if (trade.timeMs > nowMs) continue;
    const minute = Math.floor(trade.timeMs / MINUTE);
    byMinute.set(minute, [...(byMinute.get(minute) ?? []), trade]);
  }
  const candles: Candle[] = [];
  let close = 1_000_000;
  for (let minute = last - 1439; minute <= last; minute++) {
    const inMinute = byMinute.get(minute) ?? [];
    const prices = inMinute.map(({ price }) => price);
    candles.push({
      openTimeMs: minute * MINUTE,
      volume: inMinute.reduce((sum, { quantity }) => sum + quantity, 0),
      high: prices.length === 0 ? close : Math.max(...prices),
      low: prices.length === 0 ? close : Math.min(...prices),
    });
    close = prices.at(-1) ?? close;
  }
  return candles;
}

function figures(statistics: Statistics24h): { volume: number; high: number; low: number } {
  return { volume: statistics.volume24h, high: statistics.high24h, low: statistics.low24h };
}

const UNKNOWN = { volume: Number.NaN, high: Number.NaN, low: Number.NaN };

/** A market of some days: bursts, quiet hours, whole minutes and sometimes hours without a trade, a price that wanders. */
function market(random: () => number, days: number): PlainTrade[] {
  const trades: PlainTrade[] = [];
  let timeMs = MIDNIGHT;
  let price = 618_000;
  while (timeMs < MIDNIGHT + days * 1440 * MINUTE) {
    const pause = random() < 0.002 ? 90 * MINUTE : random() < 0.1 ? 5 * MINUTE : 20_000;
    timeMs += Math.floor(random() * pause) + 1;
    price = Math.max(1, price + Math.floor((random() - 0.5) * 200));
    trades.push({ timeMs, price, quantity: 1 + Math.floor(random() ** 4 * 1e6) });
  }
  return trades;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Within a minute some trades arrive in another order than they happened. */
function shuffledWithinMinutes(trades: readonly PlainTrade[], random: () => number): PlainTrade[] {
  const shuffled = [...trades];
  for (let at = 1; at < shuffled.length; at++) {
    const [a, b] = [shuffled[at - 1]!, shuffled[at]!];
    if (random() < 0.2 && Math.floor(a.timeMs / MINUTE) === Math.floor(b.timeMs / MINUTE)) {
      shuffled[at - 1] = b;
      shuffled[at] = a;
    }
  }
  return shuffled;
}

describe('24 h statistics', () => {
  it('are unknown until something is', () => {
    const statistics = new Statistics24h();
    expect(figures(statistics)).toEqual(UNKNOWN);
    expect(statistics.repairDueMs).toBe(Number.POSITIVE_INFINITY);
    statistics.advance(MIDNIGHT);
    statistics.onTrade(tradeOf({ timeMs: MIDNIGHT + 5, price: 10, quantity: 1 }));
    expect(figures(statistics)).toEqual(UNKNOWN);
  });

  it('equal the exchange’s over simulated days, with a start, a loss and a restart on the way', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = generator(seed);
        const trades = market(random, 3);
        const arriving = shuffledWithinMinutes(trades, random);
        let statistics = new Statistics24h();
        let at = Math.floor(arriving.length * 0.4);
        const lossFrom = Math.floor(arriving.length * 0.6);
        const lossTo = lossFrom + 50;
        const restart = Math.floor(arriving.length * 0.8);
        let isSeeded = false;
        let checks = 0;
        for (; at < arriving.length; at++) {
          if (at === restart) {
            statistics = new Statistics24h();
            isSeeded = false;
          }
          const trade = arriving[at]!;
          if (at >= lossFrom && at < lossTo) continue;
          if (at === lossTo) statistics.markIncomplete(arriving[lossFrom - 1]!.timeMs, trade.timeMs);
          statistics.onTrade(tradeOf(trade));
          const nowMs = statistics.latestTimeMs;
          const isRepairDue = nowMs >= statistics.repairDueMs;
          if (!isSeeded || isRepairDue) {
            statistics.seed(candlesAt(trades, nowMs));
            isSeeded = true;
            if (isRepairDue) expect(statistics.isExact).toBe(true);
          }
          expect(statistics.isKnown).toBe(true);
          // What arrived out of order within the minute is compared once it is whole.
          const isWhole =
            arriving[at + 1] !== undefined && arriving[at + 1]!.timeMs >= (Math.floor(nowMs / MINUTE) + 1) * MINUTE;
          if (!statistics.isExact || !isWhole || random() < 0.9) continue;
          expect(figures(statistics)).toEqual(exact(trades, nowMs));
          checks++;
        }
        expect(checks).toBeGreaterThan(50);
      }),
      { numRuns: 8 },
    );
  }, 120_000);

  it('become known from trades alone after a whole day', () => {
    const statistics = new Statistics24h();
    const trades = Array.from({ length: 1500 }, (_, minute) => ({
      timeMs: MIDNIGHT + minute * MINUTE + 30_000,
      price: 1000 + minute,
      quantity: 7,
    }));
    for (const trade of trades) {
      statistics.onTrade(tradeOf(trade));
      const isKnown = trade.timeMs >= MIDNIGHT + 1440 * MINUTE;
      expect(figures(statistics)).toEqual(isKnown ? exact(trades, trade.timeMs) : UNKNOWN);
    }
  });

  it('move on with time alone', () => {
    const statistics = new Statistics24h();
    const trades = [
      { timeMs: MIDNIGHT, price: 50, quantity: 3 },
      { timeMs: MIDNIGHT + 10 * MINUTE, price: 40, quantity: 4 },
    ];
    statistics.seed(candlesAt(trades, MIDNIGHT + 11 * MINUTE));
    for (const minutes of [11, 1439, 1440, 1449, 1450, 2000]) {
      statistics.advance(MIDNIGHT + minutes * MINUTE);
      expect(figures(statistics)).toEqual(exact(trades, MIDNIGHT + minutes * MINUTE));
    }
  });

  it('ask for repair of the minute in which the stream started, and are exact after it', () => {
    const statistics = new Statistics24h();
    const trades = [5, 20, 40, 70, 100, 130].map((second, number) => ({
      timeMs: MIDNIGHT + second * 1000,
      price: 100 + number,
      quantity: 10 + number,
    }));
    // The stream starts after the first trade; the candle has two, one of them received, too.
    statistics.onTrade(tradeOf(trades[1]!));
    statistics.seed(candlesAt(trades, MIDNIGHT + 30_000));
    expect(figures(statistics)).toEqual(exact(trades, MIDNIGHT + 30_000));
    expect(statistics.isExact).toBe(false);
    expect(statistics.repairDueMs).toBe(MIDNIGHT + MINUTE);
    for (const trade of trades.slice(2, 4)) statistics.onTrade(tradeOf(trade));
    statistics.seed(candlesAt(trades, MIDNIGHT + 80_000));
    expect(figures(statistics)).toEqual(exact(trades, MIDNIGHT + 80_000));
    expect(statistics.isExact).toBe(true);
    expect(statistics.repairDueMs).toBe(Number.POSITIVE_INFINITY);
  });

  it('take a minute that was asked about while it ran from trades once they cover it', () => {
    const statistics = new Statistics24h();
    const trades = [0, 61, 62, 90].map((second) => ({ timeMs: MIDNIGHT + second * 1000, price: 100, quantity: 8 }));
    statistics.onTrade(tradeOf(trades[0]!));
    statistics.onTrade(tradeOf(trades[1]!));
    // The answer was given after the third trade, which arrives only now: it must not count twice.
    statistics.seed(candlesAt(trades, MIDNIGHT + 62_000));
    statistics.onTrade(tradeOf(trades[2]!));
    expect(figures(statistics)).toEqual(exact(trades, MIDNIGHT + 62_000));
  });

  it('ask for repair after lost trades, also of minutes still to come', () => {
    const statistics = new Statistics24h();
    const trades = [0, 100, 200, 300, 400].map((second) => ({
      timeMs: MIDNIGHT + second * 1000,
      price: 9,
      quantity: 8,
    }));
    statistics.onTrade(tradeOf(trades[0]!));
    statistics.onTrade(tradeOf(trades[1]!));
    statistics.seed(candlesAt(trades, MIDNIGHT + 100_000));
    expect(statistics.isExact).toBe(true);
    statistics.markIncomplete(MIDNIGHT + 150_000, MIDNIGHT + 310_000);
    expect(statistics.repairDueMs).toBe(MIDNIGHT + 6 * MINUTE);
    statistics.onTrade(tradeOf(trades[4]!));
    expect(statistics.isExact).toBe(false);
    statistics.seed(candlesAt(trades, MIDNIGHT + 400_000));
    expect(figures(statistics)).toEqual(exact(trades, MIDNIGHT + 400_000));
    expect(statistics.isExact).toBe(true);
  });

  it('ignore a late trade that a closed candle has, and one from before the window', () => {
    const statistics = new Statistics24h();
    const trades = [{ timeMs: MIDNIGHT, price: 5, quantity: 2 }];
    statistics.seed(candlesAt(trades, MIDNIGHT + 2 * MINUTE));
    statistics.onTrade(tradeOf(trades[0]!));
    statistics.onTrade(tradeOf({ timeMs: MIDNIGHT - 1440 * MINUTE, price: 99, quantity: 2 }));
    expect(figures(statistics)).toEqual({ volume: 2, high: 5, low: 5 });
  });

  it('know a new instrument’s missing candles to be empty', () => {
    const statistics = new Statistics24h();
    statistics.seed([
      { openTimeMs: MIDNIGHT, volume: 4, high: 12, low: 10 },
      { openTimeMs: MIDNIGHT + 2 * MINUTE, volume: 3, high: 14, low: 11 },
    ]);
    expect(figures(statistics)).toEqual({ volume: 7, high: 14, low: 10 });
  });

  it('do not take an answer from another day, nor an empty one before they know the time', () => {
    const statistics = new Statistics24h();
    statistics.seed([]);
    expect(statistics.isKnown).toBe(false);
    statistics.advance(MIDNIGHT + 3 * 1440 * MINUTE);
    statistics.seed(candlesAt([{ timeMs: MIDNIGHT, price: 5, quantity: 2 }], MIDNIGHT));
    expect(statistics.isKnown).toBe(false);
    statistics.seed([]);
    expect(figures(statistics)).toEqual({ volume: 0, high: Number.NaN, low: Number.NaN });
  });

  it('adopt the exchange’s own figures until candles come', () => {
    const statistics = new Statistics24h();
    const ticker = new Ticker24h();
    Object.assign(ticker, { volume: 500, high: 30, low: 20, lastPrice: 25 });
    statistics.onTicker(ticker);
    statistics.onTrade(tradeOf({ timeMs: MIDNIGHT, price: 31, quantity: 3 }));
    expect(figures(statistics)).toEqual({ volume: 500, high: 30, low: 20 });
    statistics.rescale(1, 2);
    expect(figures(statistics)).toEqual({ volume: 50_000, high: 300, low: 200 });
    statistics.seed([{ openTimeMs: MIDNIGHT, volume: 400, high: 310, low: 310 }]);
    expect(figures(statistics)).toEqual({ volume: 400, high: 310, low: 310 });
    Object.assign(ticker, { volume: 0, high: 0, low: 0 });
    statistics.onTicker(ticker);
    expect(figures(statistics)).toEqual({ volume: 0, high: Number.NaN, low: Number.NaN });
  });

  it('start anew when the exchange’s clock jumps by a day, either way', () => {
    for (const jump of [1440, -1440]) {
      const statistics = new Statistics24h();
      statistics.onTrade(tradeOf({ timeMs: MIDNIGHT, price: 5, quantity: 2 }));
      statistics.seed(candlesAt([], MIDNIGHT));
      expect(statistics.isKnown).toBe(true);
      statistics.advance(MIDNIGHT + jump * MINUTE);
      expect(figures(statistics)).toEqual(UNKNOWN);
      statistics.onTrade(tradeOf({ timeMs: MIDNIGHT + jump * MINUTE, price: 5, quantity: 2 }));
      expect(statistics.repairDueMs).toBe(MIDNIGHT + (jump + 1) * MINUTE);
    }
  });

  it('say nothing rather than an inexact sum, and recover', () => {
    const statistics = new Statistics24h();
    statistics.seed(candlesAt([], MIDNIGHT));
    const half = 2 ** 52;
    for (const minutes of [1, 2, 3]) {
      statistics.onTrade(tradeOf({ timeMs: MIDNIGHT + minutes * MINUTE, price: 5, quantity: half }));
    }
    expect(statistics.volume24h).toBeNaN();
    expect(statistics.high24h).toBe(5);
    statistics.advance(MIDNIGHT + 1442 * MINUTE);
    expect(statistics.volume24h).toBe(half);
  });
});
