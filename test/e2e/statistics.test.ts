import { afterEach, describe, expect, test } from 'vitest';
import { parseDecimal, rescale } from '../../src/model/decimal.ts';
import { until } from './processes.ts';
import { Rig } from './rig.ts';

const MINUTE_MS = 60_000;

interface Ticker {
  /** The exchange's time, ms. */
  readonly closeTime: number;
  readonly volume: string;
  readonly highPrice: string;
  readonly lowPrice: string;
}

/** 24 h statistics against the exchange's own ticker, while simulated hours pass and the service restarts. */
describe('24 h statistics', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  function mantissa(text: string, scale: number): number {
    const decimal = parseDecimal(text)!;
    return rescale(decimal.mantissa, decimal.scale, scale)!;
  }

  async function askTicker(): Promise<Ticker> {
    const { symbol } = rig.service.feed.pipeline.sessions[0]!.market.instrument;
    const answer = await fetch(`${rig.exchange.restUrl}/fapi/v1/ticker/24hr?symbol=${symbol}`);
    return (await answer.json()) as Ticker;
  }

  /**
   * Stops the market within a minute in which something has happened: the service learns of a new minute with its first event, and until then
   * its window is a minute behind the exchange's. One stop in twenty falls there.
   */
  async function pauseWithinMinute(): Promise<void> {
    const { statistics } = rig.service.feed.pipeline.sessions[0]!.market;
    await until('a stop within a minute', async () => {
      rig.exchange.pause();
      const { closeTime } = await askTicker();
      // What was sent before the stop arrives.
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (Math.floor(closeTime / MINUTE_MS) === Math.floor(statistics.latestTimeMs / MINUTE_MS)) return true;
      rig.exchange.resume();
      return undefined;
    });
  }

  /** Stops the market, and compares once everything that was traded has arrived and the minute of the start has been repaired. */
  async function compare(): Promise<void> {
    const { market } = rig.service.feed.pipeline.sessions[0]!;
    await until('repair', () => (market.statistics.isExact ? true : undefined), 30_000);
    await pauseWithinMinute();
    const { priceScale, quantityScale } = market.instrument;
    await until('agreement with the ticker', async () => {
      const ticker = await askTicker();
      const { volume24h, high24h, low24h } = market.statistics;
      const found = [volume24h, high24h, low24h];
      const expected = [
        mantissa(ticker.volume, quantityScale),
        mantissa(ticker.highPrice, priceScale),
        mantissa(ticker.lowPrice, priceScale),
      ];
      expect(found).toEqual(expected);
      return true;
    });
    rig.exchange.resume();
  }

  test('equal the ticker after seeding, and again after hours of trading have rolled through the window', async () => {
    // 900 market seconds a second; the clock of the market starts where a minute does not.
    const startTimeMs = Date.UTC(2026, 0, 1, 11, 59, 31, 250);
    rig = await Rig.start({ symbols: ['BTCUSDT'], speed: 900, rate: 0.2, tradeRate: 0.5, startTimeMs, burst: 1 });
    const { statistics } = rig.service.feed.pipeline.sessions[0]!.market;
    await until('seed', () => (statistics.isKnown ? true : undefined));
    await compare();
    const afterSeedMs = statistics.latestTimeMs;
    await until('two hours', () => (statistics.latestTimeMs > afterSeedMs + 2 * 3_600_000 ? true : undefined), 60_000);
    await compare();
    expect(await rig.metric('market_data_trades_lost_total')).toBe(0);
  }, 120_000);
});
