import { describe, expect, it } from 'vitest';
import { FeedError } from '../../model/errors.ts';
import type { Instrument } from '../../model/instrument.ts';
import { binanceUsdmRest as rest } from './rest.ts';
import { fixtureBody } from './testing/fixtures.ts';

function bitcoin(): Instrument {
  return { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
}

function widen(instrument: Instrument, priceScale: number, quantityScale: number): void {
  instrument.priceScale = priceScale;
  instrument.quantityScale = quantityScale;
}

function never(): never {
  throw new Error('no scale was to change');
}

function body(value: unknown): Uint8Array {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

describe('exchangeInfo', () => {
  it('gives scales from tick and step size, and the status in the venue’s own word', () => {
    const request = rest.instruments();
    expect([request.path, request.weight]).toEqual(['/fapi/v1/exchangeInfo', 1]);
    expect(request.parse(fixtureBody('exchange-info.json'))).toEqual([
      { symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3, isTrading: true, status: 'TRADING' },
      { symbol: '1000PEPEUSDT', priceScale: 7, quantityScale: 0, isTrading: true, status: 'TRADING' },
      { symbol: 'OLDUSDT', priceScale: 4, quantityScale: 1, isTrading: false, status: 'SETTLING' },
    ]);
  });

  it.each(['', 'null', '[]', '{"symbols":{}}', '<html>'])('%s is refused', (text) => {
    expect(() => rest.instruments().parse(body(text))).toThrow(FeedError);
  });
});

describe('a snapshot', () => {
  it('costs what the venue says', () => {
    expect(rest.snapshotSizes.map(({ limit, weight }) => [limit, weight])).toEqual([
      [5, 2],
      [10, 2],
      [20, 2],
      [50, 2],
      [100, 5],
      [500, 10],
      [1000, 20],
    ]);
    const request = rest.snapshot(bitcoin(), 1000, never);
    expect([request.path, request.weight]).toEqual(['/fapi/v1/depth?symbol=BTCUSDT&limit=1000', 20]);
    expect(() => rest.snapshot(bitcoin(), 7, never)).toThrow(RangeError);
  });

  it('is a book at the instrument’s scales, widened first where its text is finer', () => {
    const instrument = bitcoin();
    const snapshot = rest.snapshot(instrument, 1000, widen).parse(fixtureBody('depth.json'));
    expect([instrument.priceScale, instrument.quantityScale]).toEqual([1, 8]);
    expect(snapshot).toEqual({
      lastUpdateId: 1005,
      exchangeTimeMs: 1790000000095,
      bidPrices: Float64Array.of(500001, 499999),
      bidQuantities: Float64Array.of(1_00000000, 2_50000000),
      askPrices: Float64Array.of(500002, 500010),
      askQuantities: Float64Array.of(50000000, 10_00000001),
      limit: 1000,
    });
  });

  const book = { lastUpdateId: 7, bids: [['2', '1']], asks: [['3', '1']] };

  it('may hold numbers in place of text', () => {
    const snapshot = rest
      .snapshot(bitcoin(), 5, never)
      .parse(body({ ...book, lastUpdateId: '7', bids: [[2.5, 0.001]] }));
    expect([snapshot.lastUpdateId, snapshot.bidPrices[0], snapshot.bidQuantities[0]]).toEqual([7, 25, 1]);
  });

  it.each([
    ['an error of the venue', { code: -1121, msg: 'Invalid symbol.' }],
    ['no id', { ...book, lastUpdateId: undefined }],
    ['an id beyond 2^53', '{"lastUpdateId":9007199254740993,"bids":[["2","1"]],"asks":[["3","1"]]}'],
    ['an empty side', { ...book, bids: [] }],
    ['a side that is no list', { ...book, asks: {} }],
    ['a level that is no pair', { ...book, bids: ['21'] }],
    ['a malformed price', { ...book, bids: [['2x', '1']] }],
    ['a negative quantity', { ...book, bids: [['2', '-1']] }],
    ['an empty level', { ...book, bids: [['2', '0.000']] }],
    ['a price out of range', { ...book, asks: [['9007199254740993', '1']] }],
    [
      'levels out of order',
      {
        ...book,
        bids: [
          ['1', '1'],
          ['2', '1'],
        ],
      },
    ],
    [
      'a price twice',
      {
        ...book,
        asks: [
          ['3', '1'],
          ['3.0', '1'],
        ],
      },
    ],
    ['a crossed book', { ...book, bids: [['3', '1']] }],
    [
      'more levels than were asked for',
      { ...book, bids: ['9', '8', '7', '6', '5', '4'].map((p) => [p, '1']), asks: [['10', '1']] },
    ],
    ['half a body', '{"lastUpdateId":7,"bids":[["2"'],
    ['no body', ''],
  ])('with %s is refused, and moves no scale', (_, value) => {
    expect(() => rest.snapshot(bitcoin(), 5, never).parse(body(value))).toThrow(FeedError);
  });

  it('that is refused says so in the venue’s words, and what to do', () => {
    const parse = (): unknown =>
      rest.snapshot(bitcoin(), 5, never).parse(body({ code: -1121, msg: 'Invalid symbol.' }));
    expect(parse).toThrow('depth of BTCUSDT: the exchange says -1121: Invalid symbol.');
    try {
      parse();
    } catch (error) {
      expect((error as FeedError).recovery).toBe('resync');
    }
  });
});

describe('klines', () => {
  it('are a day of minutes, oldest first', () => {
    const request = rest.candles24h(bitcoin(), never);
    expect([request.path, request.weight]).toEqual(['/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=1440', 10]);
    expect(request.parse(fixtureBody('klines.json'))).toEqual([
      { openTimeMs: 1789999920000, high: 500200, low: 500000, volume: 12500 },
      { openTimeMs: 1789999980000, high: 500025, low: 499901, volume: 1 },
    ]);
    expect(request.parse(body([]))).toEqual([]);
  });

  it.each([
    [
      'out of order',
      [
        [2, '1', '1', '1', '1', '1'],
        [1, '1', '1', '1', '1', '1'],
      ],
    ],
    ['without a time', [[null, '1', '1', '1', '1', '1']]],
    ['too short', [[1, '1']]],
    ['no list', { candles: [] }],
  ])('that are %s are refused', (_, value) => {
    expect(() => rest.candles24h(bitcoin(), never).parse(body(value))).toThrow(FeedError);
  });
});

describe('aggregate trades', () => {
  const instrument = (): Instrument => ({ index: 0, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 3 });

  it('are the trades from an id on, marked as refilled', () => {
    const request = rest.trades(instrument(), 77, 1000, never);
    expect([request.path, request.weight]).toEqual(['/fapi/v1/aggTrades?symbol=ETHUSDT&fromId=77&limit=1000', 20]);
    const trades = request.parse(fixtureBody('agg-trades.json'));
    expect(trades.map((trade) => [trade.tradeId, trade.price, trade.quantity, trade.isBuyerMaker])).toEqual([
      [77, 250050, 125, true],
      [78, 250055, 1000, false],
    ]);
    expect(trades.every((trade) => trade.isRefill && trade.instrument.symbol === 'ETHUSDT')).toBe(true);
    expect(trades[0]!.tradeTimeMs).toBe(1790000000390);
  });

  it.each([
    ['before the id that was asked for', [{ a: 76, p: '1', q: '1', T: 1, m: true }]],
    [
      'out of order',
      [
        { a: 78, p: '1', q: '1', T: 1, m: true },
        { a: 77, p: '1', q: '1', T: 1, m: true },
      ],
    ],
    ['without a side', [{ a: 77, p: '1', q: '1', T: 1 }]],
    ['without a price', [{ a: 77, q: '1', T: 1, m: true }]],
  ])('%s are refused', (_, value) => {
    expect(() => rest.trades(instrument(), 77, 10, never).parse(body(value))).toThrow(FeedError);
  });
});

describe('a status code', () => {
  it.each([
    [200, {}, 'ok', 0],
    [429, { 'retry-after': '17' }, 'limited', 17_000],
    [429, {}, 'limited', 60_000],
    [418, { 'retry-after': '600' }, 'limited', 600_000],
    [418, {}, 'limited', 120_000],
    [418, { 'retry-after': '99999999' }, 'limited', 3 * 24 * 3600 * 1000],
    [403, {}, 'refused', 0],
    [451, {}, 'refused', 0],
    [400, {}, 'failed', 0],
    [500, {}, 'failed', 0],
    [503, { 'retry-after': '2' }, 'failed', 2000],
    [302, {}, 'failed', 0],
  ])('%i with %o: %s, %i ms', (statusCode, headers, outcome, retryAfterMs) => {
    expect(rest.status(statusCode, headers)).toEqual({ outcome, retryAfterMs, usedWeight: -1 });
  });

  it('comes with the weight that is used of the minute', () => {
    expect(rest.status(200, { 'x-mbx-used-weight-1m': '1234' }).usedWeight).toBe(1234);
    expect(rest.status(200, { 'x-mbx-used-weight-1m': ['40', '41'] }).usedWeight).toBe(40);
    expect(rest.status(200, { 'x-mbx-used-weight-1m': 'many' }).usedWeight).toBe(-1);
  });

  it('may say when to come back as a date; nonsense counts as nothing said', () => {
    const soon = new Date(Date.now() + 30_000).toUTCString();
    const { retryAfterMs } = rest.status(429, { 'retry-after': soon });
    expect(retryAfterMs).toBeGreaterThan(20_000);
    expect(retryAfterMs).toBeLessThanOrEqual(30_000);
    expect(rest.status(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }).retryAfterMs).toBe(0);
    expect(rest.status(429, { 'retry-after': 'soon' }).retryAfterMs).toBe(60_000);
  });
});
