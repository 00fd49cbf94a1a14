import { afterEach, expect, test } from 'vitest';
import { SimulatedExchange } from './exchange-server.ts';
import { RequestWeights } from './request-weights.ts';
import { getJson, type Json } from './test-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function start(options: Parameters<typeof SimulatedExchange.start>[0] = {}): Promise<string> {
  const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT', 'ETHUSDT'], ...options });
  open.push(exchange);
  return `${exchange.restUrl}/fapi/v1`;
}

/** Weights are of a clock minute: a request pair that straddles one is asked again. */
async function weightOf(url: string): Promise<number> {
  for (;;) {
    const used = async (target: string) => Number((await getJson(target)).headers.get('x-mbx-used-weight-1m'));
    const before = await used(url);
    const after = await used(url);
    if (after > before) return after - before;
  }
}

test.each([
  ['depth?symbol=BTCUSDT&limit=5', 2],
  ['depth?symbol=BTCUSDT&limit=50', 2],
  ['depth?symbol=BTCUSDT&limit=100', 5],
  ['depth?symbol=BTCUSDT', 10],
  ['depth?symbol=BTCUSDT&limit=1000', 20],
  ['depth?symbol=NOSUCH&limit=1000', 20],
  ['klines?symbol=BTCUSDT&interval=1m&limit=99', 1],
  ['klines?symbol=BTCUSDT&interval=1m', 5],
  ['klines?symbol=BTCUSDT&interval=1m&limit=1440', 10],
  ['ticker/24hr?symbol=BTCUSDT', 1],
  ['ticker/24hr', 40],
  ['aggTrades?symbol=BTCUSDT', 20],
  ['exchangeInfo', 1],
  ['time', 1],
])('%s costs %i', async (path, weight) => {
  expect(await weightOf(`${await start()}/${path}`)).toBe(weight);
});

test.each([
  ['depth?symbol=NOSUCH&limit=1000', 400, -1121],
  ['depth?limit=1000', 400, -1102],
  ['depth?symbol=BTCUSDT&limit=7', 400, -4021],
  ['klines?symbol=BTCUSDT&interval=7m', 400, -1120],
  ['klines?symbol=BTCUSDT', 400, -1102],
  ['aggTrades?symbol=BTCUSDT&limit=5000', 400, -1130],
  ['aggTrades?symbol=BTCUSDT&fromId=x', 400, -1102],
  ['nothing', 404, -5000],
])('%s is refused with %i and code %i', async (path, status, code) => {
  const answer = await getJson(`${await start()}/${path}`);
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(typeof answer.body.msg).toBe('string');
});

test('depth has as many levels as asked for, best first, at all decimals', async () => {
  const url = await start();
  for (const limit of [5, 10, 20, 50, 100, 500, 1000]) {
    const { body } = await getJson(`${url}/depth?symbol=BTCUSDT&limit=${limit}`);
    expect([body.bids.length, body.asks.length]).toEqual([limit, limit]);
    const [bids, asks] = [body.bids, body.asks].map((side: Json) => side.map(([price]: [string]) => Number(price)));
    expect(bids).toEqual(bids.toSorted((left: number, right: number) => right - left));
    expect(asks).toEqual(asks.toSorted((left: number, right: number) => left - right));
    expect(body.bids[0][0]).toMatch(/^\d+\.\d0$/);
    expect(body.bids[0][1]).toMatch(/^\d+\.\d{3}$/);
  }
});

test('exchangeInfo states tick, step and status', async () => {
  const { body } = await getJson(`${await start({ symbols: ['BTCUSDT', 'SYM003USDT'] })}/exchangeInfo`);
  expect(body.symbols.map((symbol: Json) => [symbol.symbol, symbol.status])).toEqual([
    ['BTCUSDT', 'TRADING'],
    ['SYM003USDT', 'TRADING'],
  ]);
  const filters = body.symbols[0].filters;
  expect(filters.find((filter: Json) => filter.filterType === 'PRICE_FILTER').tickSize).toBe('0.10');
  expect(filters.find((filter: Json) => filter.filterType === 'LOT_SIZE').stepSize).toBe('0.001');
});

test('klines come by time as well as by number', async () => {
  const url = await start();
  const all = (await getJson(`${url}/klines?symbol=BTCUSDT&interval=1m&limit=10`)).body;
  const part = (await getJson(`${url}/klines?symbol=BTCUSDT&interval=1m&startTime=${all[2][0]}&endTime=${all[4][0]}`))
    .body;
  expect(part).toEqual(all.slice(2, 5));
  all.slice(1).forEach((row: Json, index: number) => {
    expect(row[0]).toBe(all[index][0] + 60_000);
    expect(row).toHaveLength(12);
  });
});

test('above the limit: 429 with Retry-After until the minute ends; going on regardless is 418', () => {
  const weights = new RequestWeights(100, 120_000);
  const atMs = 60_000 * 1000 + 20_000;
  expect(weights.take(100, atMs)).toEqual({ status: 200, usedWeight: 100, retryAfterSeconds: 0 });
  expect(weights.take(20, atMs)).toEqual({ status: 429, usedWeight: 120, retryAfterSeconds: 40 });
  for (let request = 0; request < 9; request++) expect(weights.take(1, atMs).status).toBe(429);
  expect(weights.take(1, atMs)).toMatchObject({ status: 418, retryAfterSeconds: 120 });
  expect(weights.take(1, atMs + 60_000).status).toBe(418);
  expect(weights.take(1, atMs + 121_000)).toMatchObject({ status: 200 });
});

test('a new clock minute starts a new budget', () => {
  const weights = new RequestWeights(100);
  expect(weights.take(150, 59_999).status).toBe(429);
  expect(weights.take(1, 60_000)).toEqual({ status: 200, usedWeight: 1, retryAfterSeconds: 0 });
});

test('the wire says 429 and 418 with the header', async () => {
  const url = await start({ weightPerMinuteMax: 1 });
  const statuses: number[] = [];
  while (!statuses.includes(418)) {
    const answer = await getJson(`${url}/depth?symbol=BTCUSDT`);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.body.code).toBe(-1003);
    statuses.push(answer.status);
  }
  expect(statuses[0]).toBe(429);
});
