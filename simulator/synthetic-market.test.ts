import { afterEach, expect, test } from 'vitest';
import { SimulatedExchange } from './exchange-server.ts';
import { BookFollower, getJson, type Json, TestClient } from './test-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function start(options: Parameters<typeof SimulatedExchange.start>[0]): Promise<SimulatedExchange> {
  const exchange = await SimulatedExchange.start(options);
  open.push(exchange);
  return exchange;
}

test('a book kept from snapshot and diffs equals the truth after every diff', async () => {
  const exchange = await start({ symbols: ['BTCUSDT', 'SYM042USDT'], rate: 300, tradeRate: 200, seed: 11, truth: {} });
  const followers = new Map(['BTCUSDT', 'SYM042USDT'].map((symbol) => [symbol, new BookFollower()]));
  let compared = 0;
  for (const [symbol, follower] of followers) {
    follower.onApplied = (diff) => {
      const truth = exchange.truth(symbol, diff.u)!;
      expect(follower.book.bids(20)).toEqual(truth.bids.map(asNumberTexts));
      expect(follower.book.asks(20)).toEqual(truth.asks.map(asNumberTexts));
      compared++;
    };
  }
  const client = await TestClient.open(
    `${exchange.wsUrl}/public/stream?streams=btcusdt@depth@100ms/sym042usdt@depth@100ms`,
    (message) => followers.get(message.data.s)!.onDiff(message.data),
  );
  open.push(client);
  for (const [symbol, follower] of followers) {
    follower.onSnapshot((await getJson(`${exchange.restUrl}/fapi/v1/depth?symbol=${symbol}&limit=1000`)).body);
  }
  await client.until(() => compared >= 400);
});

function asNumberTexts([price, quantity]: readonly [string, string]): [string, string] {
  return [String(Number(price)), String(Number(quantity))];
}

test('ids jump, each diff names the one before it, and no book is ever crossed or empty', async () => {
  const exchange = await start({ symbols: ['BTCUSDT'], speed: Number.POSITIVE_INFINITY, seed: 5 });
  const client = await TestClient.open(`${exchange.wsUrl}/public/ws/btcusdt@depth20@100ms`);
  const diffs = await TestClient.open(`${exchange.wsUrl}/public/ws/btcusdt@depth`);
  open.push(client, diffs);
  await client.until(() => client.messages.length >= 500);
  await diffs.until(() => diffs.messages.length >= 500);
  for (const partial of client.messages) {
    expect(partial.b).toHaveLength(20);
    expect(partial.a).toHaveLength(20);
    expect(Number(partial.b[0][0])).toBeLessThan(Number(partial.a[0][0]));
  }
  for (let index = 1; index < diffs.messages.length; index++) {
    const [before, diff] = [diffs.messages[index - 1], diffs.messages[index]];
    expect(diff.pu).toBe(before.u);
    expect(diff.U).toBeGreaterThan(before.u);
    expect(diff.u).toBeGreaterThan(diff.U);
  }
  expect(diffs.messages.some((diff, index) => index > 0 && diff.U !== diffs.messages[index - 1].u + 1)).toBe(true);
});

test('the best bid and offer stream agrees with the book at every update id', async () => {
  const exchange = await start({ symbols: ['ETHUSDT'], rate: 200, tradeRate: 100, seed: 3 });
  const follower = new BookFollower();
  let lastTop: Json;
  let pending: (() => void) | undefined;
  let compared = 0;
  follower.onApplied = (diff) => {
    const top = lastTop;
    if (top === undefined || top.u > diff.u) return;
    const [bid, ask] = [follower.book.bids(1)[0], follower.book.asks(1)[0]];
    // Valid only if another one follows: compared when it has.
    pending = () => {
      expect([bid, ask]).toEqual([asNumberTexts([top.b, top.B]), asNumberTexts([top.a, top.A])]);
      compared++;
    };
  };
  const client = await TestClient.open(
    `${exchange.wsUrl}/public/stream?streams=ethusdt@depth@100ms/ethusdt@bookTicker`,
    ({ data }) => {
      if (data.e === 'depthUpdate') return follower.onDiff(data);
      pending?.();
      pending = undefined;
      lastTop = data;
    },
  );
  open.push(client);
  follower.onSnapshot((await getJson(`${exchange.restUrl}/fapi/v1/depth?symbol=ETHUSDT&limit=1000`)).body);
  await client.until(() => compared >= 150);
});

test('the same seed and start time give the same bytes; another seed gives others', async () => {
  const firstFrames = async (seed: number) => {
    const exchange = await start({ symbols: ['BTCUSDT', 'SOLUSDT'], seed, startTimeMs: 1_700_000_000_000, speed: 1 });
    exchange.pause();
    const streams = ['btcusdt@depth', 'solusdt@depth', 'btcusdt@bookTicker'].join('/');
    const client = await TestClient.open(`${exchange.wsUrl}/public/stream?streams=${streams}`);
    const trades = await TestClient.open(`${exchange.wsUrl}/market/stream?streams=btcusdt@aggTrade/solusdt@aggTrade`);
    open.push(client, trades);
    await client.until(() => exchange.market.symbols.size === 2);
    exchange.setSpeed(Number.POSITIVE_INFINITY);
    exchange.resume();
    await client.until(() => client.messages.length >= 300);
    await trades.until(() => trades.messages.length >= 20);
    exchange.pause();
    return JSON.stringify([client.messages.slice(0, 300), trades.messages.slice(0, 20)]);
  };
  const first = await firstFrames(77);
  expect(await firstFrames(77)).toBe(first);
  expect(await firstFrames(78)).not.toBe(first);
});

test('klines and the 24 h ticker agree with each other and with every trade, across minutes', async () => {
  const exchange = await start({
    symbols: ['BTCUSDT'],
    seed: 9,
    rate: 2,
    tradeRate: 4,
    speed: 400,
    startTimeMs: 1_700_000_000_000,
  });
  const client = await TestClient.open(`${exchange.wsUrl}/market/ws/btcusdt@aggTrade`);
  open.push(client);
  await client.until(() => client.messages.length >= 1200);
  exchange.pause();
  const url = `${exchange.restUrl}/fapi/v1`;
  // What was sent before the pause arrives before the answer to a request made after it, on a socket of its own: wait for it.
  const { trades } = exchange.market.symbols.get('BTCUSDT')!;
  await client.until(() => client.messages.at(-1).a === trades.lastId);
  const klines = (await getJson(`${url}/klines?symbol=BTCUSDT&interval=1m&limit=1440`)).body;
  const ticker = (await getJson(`${url}/ticker/24hr?symbol=BTCUSDT`)).body;
  expect(klines).toHaveLength(1440);

  const sum = (values: string[]) => values.reduce((total, text) => total + Math.round(Number(text) * 1000), 0);
  expect(Math.round(Number(ticker.volume) * 1000)).toBe(sum(klines.map((row: Json) => row[5])));
  expect(Number(ticker.highPrice)).toBe(Math.max(...klines.map((row: Json) => Number(row[2]))));
  expect(Number(ticker.lowPrice)).toBe(Math.min(...klines.map((row: Json) => Number(row[3]))));
  expect(ticker.lastPrice).toBe(client.messages.at(-1).p);
  expect(ticker.openTime).toBe(klines[0][0]);

  // Whole minutes that lie within what this client saw.
  const firstMinute = Math.ceil(client.messages[0].T / 60_000) * 60_000;
  const seen = klines.filter((row: Json) => row[0] >= firstMinute && row[0] + 60_000 <= ticker.closeTime);
  expect(seen.length).toBeGreaterThan(2);
  for (const row of seen) {
    const own = client.messages.filter((trade) => trade.T >= row[0] && trade.T <= row[6]);
    const prices = own.map((trade) => Number(trade.p));
    expect(sum([row[5]])).toBe(sum(own.map((trade) => trade.q)));
    expect([row[1], row[4]]).toEqual([own[0].p, own.at(-1).p]);
    expect([Number(row[2]), Number(row[3])]).toEqual([Math.max(...prices), Math.min(...prices)]);
  }
});

test('trades have ids without gaps, and REST gives the same ones from any id', async () => {
  const exchange = await start({ symbols: ['BTCUSDT'], rate: 50, tradeRate: 300, seed: 2 });
  const client = await TestClient.open(`${exchange.wsUrl}/market/ws/btcusdt@aggTrade`);
  open.push(client);
  await client.until(() => client.messages.length >= 100);
  const first = client.messages[10].a;
  const url = `${exchange.restUrl}/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=${first}&limit=50`;
  const { body } = await getJson(url);
  const streamed = client.messages.slice(10, 60).map(({ a, p, q, nq, f, l, T, m }) => ({ a, p, q, nq, f, l, T, m }));
  expect(body).toEqual(streamed);
  client.messages.forEach((trade, index) => {
    if (index === 0) return;
    expect(trade.a).toBe(client.messages[index - 1].a + 1);
    expect(trade.f).toBe(client.messages[index - 1].l + 1);
  });
});
