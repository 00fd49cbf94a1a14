import { afterEach, expect, test } from 'vitest';
import { SimulatedExchange } from './exchange-server.ts';
import type { Fault } from './fault.ts';
import { BookFollower, getJson, type Json, TestClient } from './test-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function start(...faults: Fault[]): Promise<SimulatedExchange> {
  const symbols = ['BTCUSDT', 'ETHUSDT'];
  const exchange = await SimulatedExchange.start({
    symbols,
    rate: 200,
    tradeRate: 200,
    burst: 1,
    seed: 21,
    truth: {},
    faults,
  });
  open.push(exchange);
  return exchange;
}

async function connect(exchange: SimulatedExchange, path: string): Promise<TestClient> {
  const client = await TestClient.open(exchange.wsUrl + path);
  open.push(client);
  return client;
}

const DIFFS = '/public/stream?streams=btcusdt@depth@100ms';
const TRADES = '/market/stream?streams=btcusdt@aggTrade';
const isChained = (diffs: Json[]) => diffs.slice(1).map((diff, index) => diff.pu === diffs[index].u);
const depthUrl = (exchange: SimulatedExchange) => `${exchange.restUrl}/fapi/v1/depth?symbol=BTCUSDT&limit=1000`;

test('drop: some diffs are missing, on the route it was set for', async () => {
  const exchange = await start({ kind: 'drop', route: 'public', probability: 0.1 });
  const [diffs, trades] = [await connect(exchange, DIFFS), await connect(exchange, TRADES)];
  await diffs.until(() => diffs.messages.length >= 200);
  await trades.until(() => trades.messages.length >= 100);
  const links = isChained(diffs.data('btcusdt@depth@100ms'));
  const broken = links.filter((isLinked) => !isLinked).length;
  expect(broken).toBeGreaterThan(4);
  expect(broken).toBeLessThan(60);
  trades.data('btcusdt@aggTrade').forEach((trade, index, all) => {
    if (index > 0) expect(trade.a).toBe(all[index - 1].a + 1);
  });
});

test('duplicate: frames come twice, in their order', async () => {
  const exchange = await start({ kind: 'duplicate', probability: 0.5 });
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length >= 100);
  const ids = client.data('btcusdt@depth@100ms').map((diff) => diff.u);
  expect(new Set(ids).size).toBeLessThan(ids.length - 10);
  expect(ids).toEqual(ids.toSorted((left, right) => left - right));
});

test('reorder: neighbours change places and none is lost', async () => {
  const exchange = await start({ kind: 'reorder', probability: 0.2 });
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length >= 200);
  const ids = client.data('btcusdt@depth@100ms').map((diff) => diff.u);
  const sorted = client.data('btcusdt@depth@100ms').toSorted((left, right) => left.u - right.u);
  expect(ids).not.toEqual(sorted.map((diff) => diff.u));
  // The last ones may still have their neighbour on the way.
  expect(isChained(sorted.slice(0, 190))).not.toContain(false);
});

test('delay holds back one stream in order while the others go on; nothing is lost when it ends', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/stream?streams=btcusdt@depth/ethusdt@depth');
  await client.until(() => client.data('btcusdt@depth').length >= 5);
  const id = exchange.faults.add({ kind: 'delay', stream: 'btcusdt@depth', delayMs: 600 });
  const [bitcoin, ether] = [client.data('btcusdt@depth').length, client.data('ethusdt@depth').length];
  await client.until(() => client.data('ethusdt@depth').length >= ether + 50);
  expect(client.data('btcusdt@depth').length).toBeLessThan(bitcoin + 25);
  exchange.faults.remove(id);
  await client.until(() => client.data('btcusdt@depth').length >= bitcoin + 200);
  expect(isChained(client.data('btcusdt@depth'))).not.toContain(false);
});

test('jitter delays by random times and keeps the order of each stream', async () => {
  const exchange = await start({ kind: 'jitter', delayMs: 30 });
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length >= 150);
  expect(isChained(client.data('btcusdt@depth@100ms'))).not.toContain(false);
});

test.each(['truncate', 'corrupt'] as const)('%s: the frame is text, and never JSON', async (kind) => {
  const exchange = await start({ kind, probability: 0.3 });
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length >= 200);
  const damaged = client.messages.filter((message) => typeof message === 'string');
  expect(damaged.length).toBeGreaterThan(20);
  // The rest of the hits is on frames that this client has not read yet.
  const unread = exchange.connections.framesSent - client.messages.length;
  expect(exchange.faults.hits - damaged.length).toBeLessThanOrEqual(unread);
});

test('garbage: not a WebSocket frame', async () => {
  const exchange = await start();
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length > 0);
  exchange.faults.add({ kind: 'garbage', count: 1 });
  expect((await client.closed).code).toBe(1006);
});

test('stall: one stream says nothing, its neighbours on the same socket go on, and the end of it shows as a gap', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/stream?streams=btcusdt@depth/ethusdt@depth');
  await client.until(() => client.data('btcusdt@depth').length >= 5);
  const id = exchange.faults.add({ kind: 'stall', symbol: 'BTCUSDT' });
  await client.until(() => client.data('ethusdt@depth').length >= 100);
  const before = client.data('btcusdt@depth').length;
  await client.until(() => client.data('ethusdt@depth').length >= 150);
  expect(client.data('btcusdt@depth').length).toBe(before);
  exchange.faults.remove(id);
  await client.until(() => client.data('btcusdt@depth').length > before + 5);
  expect(isChained(client.data('btcusdt@depth')).filter((isLinked) => !isLinked)).toHaveLength(1);
});

test('slow drip: bytes trickle, frames arrive whole, and afterwards everything has arrived', async () => {
  const exchange = await start({ kind: 'slow_drip', bytesPerSecond: 20_000, durationMs: 500 });
  const client = await connect(exchange, DIFFS);
  await client.until(() => exchange.connections.all[0]!.heldBytes > 10_000);
  client.send({ method: 'LIST_SUBSCRIPTIONS', id: 5 });
  await client.until(() => client.messages.length >= 300 && client.messages.some((message) => message.id === 5));
  expect(isChained(client.data('btcusdt@depth@100ms'))).not.toContain(false);
});

test.each([
  [{ kind: 'close', code: 1012, reason: 'service restart' }, 1012],
  [{ kind: 'close', code: 1006 }, 1006],
  [{ kind: 'close', code: 4001, probability: 0.2 }, 4001],
  [{ kind: 'reset' }, 1006],
  [{ kind: 'rotate' }, 1001],
] as const)('%o ends the connections of its route with %i', async (fault, code) => {
  const exchange = await start();
  const [diffs, trades] = [await connect(exchange, DIFFS), await connect(exchange, TRADES)];
  await diffs.until(() => diffs.messages.length > 0);
  exchange.faults.add({ ...fault, route: 'public' });
  expect((await diffs.closed).code).toBe(code);
  const seen = trades.messages.length;
  await trades.until(() => trades.messages.length > seen + 20);
});

test('half open: no data, no pong, and the socket stays', async () => {
  const exchange = await start();
  const [diffs, trades] = [await connect(exchange, DIFFS), await connect(exchange, TRADES)];
  await diffs.until(() => diffs.messages.length > 10);
  exchange.faults.add({ kind: 'half_open', route: 'public' });
  diffs.send({ method: 'LIST_SUBSCRIPTIONS', id: 9 });
  let pongs = 0;
  diffs.webSocket.on('pong', () => pongs++).ping();
  const trade = trades.messages.length;
  await trades.until(() => trades.messages.length > trade + 20);
  const seen = diffs.messages.length;
  await trades.until(() => trades.messages.length > trade + 60);
  expect(diffs.messages.length).toBe(seen);
  expect(diffs.messages.some((message) => message.id === 9)).toBe(false);
  expect(pongs).toBe(0);
  expect(diffs.webSocket.readyState).toBe(1);
});

test('mute: accepted, acknowledged, never any data', async () => {
  const exchange = await start({ kind: 'mute', route: 'public' });
  const [diffs, trades] = [await connect(exchange, '/public/stream'), await connect(exchange, TRADES)];
  diffs.send({ method: 'SUBSCRIBE', params: ['btcusdt@depth'], id: 1 });
  await diffs.until(() => diffs.messages.length === 1);
  await trades.until(() => trades.messages.length >= 50);
  expect(diffs.messages).toEqual([{ result: null, id: 1 }]);
});

test('refuse and redirect answer the handshake; a handshake may also never be answered', async () => {
  const exchange = await start({ kind: 'refuse', route: 'public', status: 403, count: 1 });
  await expect(connect(exchange, DIFFS)).rejects.toThrow('403');
  exchange.faults.add({ kind: 'redirect', route: 'public', location: 'ws://127.0.0.1:1/', count: 1 });
  await expect(connect(exchange, DIFFS)).rejects.toThrow('302');
  const id = exchange.faults.add({ kind: 'handshake_timeout', route: 'public' });
  let isOpen = false;
  const pending = connect(exchange, DIFFS).then(
    () => {
      isOpen = true;
    },
    () => {},
  );
  await connect(exchange, TRADES);
  expect(isOpen).toBe(false);
  exchange.faults.remove(id);
  await connect(exchange, DIFFS);
  await exchange.close();
  await pending;
  expect(isOpen).toBe(false);
});

test('status: 429 with Retry-After, 418, 403, 451 and 500, on the paths it was set for; weight is taken all the same', async () => {
  const exchange = await start();
  for (const status of [429, 418, 403, 451, 500]) {
    const id = exchange.faults.add({ kind: 'status', path: 'depth', status, retryAfterS: 7 });
    const answer = await getJson(depthUrl(exchange));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect((await getJson(`${exchange.restUrl}/fapi/v1/time`)).status).toBe(200);
    exchange.faults.remove(id);
  }
  const used = (await getJson(`${exchange.restUrl}/fapi/v1/time`)).headers.get('x-mbx-used-weight-1m');
  expect(Number(used) % 106).toBe(0);
});

test('snapshots: empty, stale, broken, cut off, oversized, delayed, trickling, reset, unanswered', async () => {
  const exchange = await start();
  const client = await connect(exchange, DIFFS);
  const withFault = async (fault: Fault) => {
    const id = exchange.faults.add({ route: 'rest', path: 'depth', ...fault });
    const seen = client.messages.length;
    await client.until(() => client.messages.length > seen + 20);
    try {
      return await getJson(depthUrl(exchange));
    } finally {
      exchange.faults.remove(id);
    }
  };
  const fresh = (await getJson(depthUrl(exchange))).body;
  expect((await withFault({ kind: 'empty_snapshot' })).body).toMatchObject({ bids: [], asks: [] });
  const stale = (await withFault({ kind: 'stale_snapshot' })).body;
  expect(stale.lastUpdateId).toBeGreaterThanOrEqual(fresh.lastUpdateId);
  expect(stale.lastUpdateId).toBeLessThan(client.messages.at(-10).data.u);
  expect(typeof (await withFault({ kind: 'corrupt' })).body).toBe('string');
  await expect(withFault({ kind: 'truncate' })).rejects.toThrow();
  await expect(withFault({ kind: 'reset' })).rejects.toThrow();
  expect((await withFault({ kind: 'delay', delayMs: 100 })).body.bids).toHaveLength(1000);
  expect((await withFault({ kind: 'slow_drip', bytesPerSecond: 200_000 })).body.asks).toHaveLength(1000);
  exchange.faults.add({ kind: 'oversized', path: 'depth', bytes: 3 << 20, count: 1 });
  expect((await (await fetch(depthUrl(exchange))).text()).length).toBeGreaterThan(3 << 20);
  exchange.faults.add({ kind: 'timeout', path: 'depth', count: 1 });
  await expect(fetch(depthUrl(exchange), { signal: AbortSignal.timeout(300) })).rejects.toThrow('timeout');
  expect((await getJson(depthUrl(exchange))).status).toBe(200);
});

test('clock: a skew ends with the fault, a jump stays', async () => {
  const exchange = await start();
  const serverTime = async () => (await getJson(`${exchange.restUrl}/fapi/v1/time`)).body.serverTime - Date.now();
  const client = await connect(exchange, DIFFS);
  const id = exchange.faults.add({ kind: 'clock_skew', offsetMs: -3_600_000 });
  expect(await serverTime()).toBeLessThan(-3_000_000);
  const seen = client.messages.length;
  await client.until(() => client.messages.length > seen + 5);
  expect(client.messages.at(-1).data.E).toBeLessThan(Date.now() - 3_000_000);
  exchange.faults.remove(id);
  expect(await serverTime()).toBeGreaterThan(-300_000);
  exchange.faults.add({ kind: 'clock_jump', offsetMs: 3_600_000 });
  expect(exchange.faults.list()).toHaveLength(0);
  expect(await serverTime()).toBeGreaterThan(3_000_000);
});

test('restart: connections reset, 503 while down, then lower update ids and a book that can be followed again', async () => {
  const exchange = await start();
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length > 5);
  const before = client.messages.at(-1).data.u;
  exchange.faults.add({ kind: 'restart', durationMs: 300 });
  expect((await client.closed).code).toBe(1006);
  await expect(connect(exchange, DIFFS)).rejects.toThrow('503');
  expect((await getJson(depthUrl(exchange))).status).toBe(503);
  let again: TestClient | undefined;
  while (again === undefined) {
    // Without a pause, a fast machine would spend the 300 connection attempts of five minutes while the exchange is down.
    await new Promise((resolve) => setTimeout(resolve, 20));
    again = await connect(exchange, DIFFS).catch(() => undefined);
  }
  await followTruth(exchange, again);
  expect(again.messages.at(-1).data.u).toBeLessThan(before);
});

async function followTruth(exchange: SimulatedExchange, client: TestClient): Promise<void> {
  const follower = new BookFollower();
  let compared = 0;
  follower.onApplied = (diff) => {
    const truth = exchange.truth('BTCUSDT', diff.u)!;
    const sides = [follower.book.bids(20), follower.book.asks(20)].map((side) =>
      side.map((level) => level.map(Number)),
    );
    expect(sides).toEqual([truth.bids, truth.asks].map((side) => side.map((level) => level.map(Number))));
    compared++;
  };
  let next = client.messages.length;
  await client.until(() => client.messages.length > next);
  follower.onSnapshot((await getJson(depthUrl(exchange))).body);
  await client.until(() => {
    for (; next < client.messages.length; next++) follower.onDiff(client.messages[next].data);
    return compared >= 50;
  });
}

test('id reset: update ids fall while the connection stays', async () => {
  const exchange = await start();
  const client = await connect(exchange, DIFFS);
  await client.until(() => client.messages.length > 5);
  exchange.faults.add({ kind: 'id_reset', symbol: 'BTCUSDT' });
  await client.until(() => client.messages.at(-1).data.u < client.messages[0].data.u);
  await followTruth(exchange, client);
});

test.each(['0.01', '0.001', '10'])(
  'tick size %s: exchangeInfo says so, prices keep to it, the book stays followable',
  async (tickSize) => {
    const exchange = await start();
    const client = await connect(exchange, DIFFS);
    const follower = new BookFollower();
    await client.until(() => client.messages.length > 0);
    follower.onSnapshot((await getJson(depthUrl(exchange))).body);
    const id = exchange.market.symbols.get('BTCUSDT')!.book.lastUpdateId;
    exchange.faults.add({ kind: 'tick_size', symbol: 'BTCUSDT', tickSize });
    const info = (await getJson(`${exchange.restUrl}/fapi/v1/exchangeInfo`)).body;
    const bitcoin = info.symbols.find((symbol: Json) => symbol.symbol === 'BTCUSDT');
    expect(Number(bitcoin.filters[0].tickSize)).toBe(Number(tickSize));
    await client.until(() => client.messages.at(-1).data.u > id && client.messages.length > 100);
    const diffs = client.data('btcusdt@depth@100ms');
    for (const diff of diffs) follower.onDiff(diff);
    const truth = exchange.truth('BTCUSDT', follower.book.lastUpdateId)!;
    expect(follower.book.bids(20)).toEqual(truth.bids.map((level) => level.map((text) => String(Number(text)))));
    const decimals = bitcoin.pricePrecision;
    const added = diffs.filter((diff) => diff.pu > id).flatMap((diff) => [...diff.b, ...diff.a]);
    for (const [price, quantity] of added) {
      expect(price.split('.')[1]).toHaveLength(decimals);
      if (Number(quantity) > 0)
        expect(Math.abs(Math.round(Number(price) / Number(tickSize)) * Number(tickSize) - Number(price))).toBeLessThan(
          1e-9,
        );
    }
  },
);

test('delisted: no data, invalid symbol, SETTLING; relisted: all of it again, with a gap', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/stream?streams=btcusdt@depth/ethusdt@depth');
  await client.until(() => client.data('btcusdt@depth').length > 5);
  exchange.faults.add({ kind: 'delist', symbol: 'BTCUSDT' });
  const ether = client.data('ethusdt@depth').length;
  await client.until(() => client.data('ethusdt@depth').length > ether + 20);
  const before = client.data('btcusdt@depth').length;
  await client.until(() => client.data('ethusdt@depth').length > ether + 60);
  expect(client.data('btcusdt@depth').length).toBe(before);
  expect((await getJson(depthUrl(exchange))).body.code).toBe(-1121);
  const info = (await getJson(`${exchange.restUrl}/fapi/v1/exchangeInfo`)).body;
  expect(info.symbols.map((symbol: Json) => symbol.status)).toEqual(['SETTLING', 'TRADING']);
  exchange.faults.add({ kind: 'relist', symbol: 'BTCUSDT' });
  await client.until(() => client.data('btcusdt@depth').length > before + 5);
  expect(isChained(client.data('btcusdt@depth')).filter((isLinked) => !isLinked)).toHaveLength(1);
});

test('a fault keeps to its time, its count and its period, and the control endpoint sets and removes it', async () => {
  const exchange = await start();
  const client = await connect(exchange, DIFFS);
  const control = async (method: string, path: string, body?: object) => {
    const response = await fetch(`${exchange.controlUrl}/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Json };
  };
  const set = await control('POST', 'faults', [
    { kind: 'drop', count: 3 },
    { kind: 'duplicate', at_ms: 3_600_000 },
  ]);
  expect(set.body.ids).toEqual([1, 2]);
  await client.until(() => client.messages.length > 40);
  expect((await control('GET', 'faults')).body.map((fault: Json) => fault.hits)).toEqual([3, 0]);
  await control('DELETE', 'faults?id=2');
  expect((await control('GET', 'stats')).body.faults).toMatchObject({ hits: 3, set: [{ id: 1 }] });
  expect((await control('DELETE', 'faults?id=2')).status).toBe(400);
  expect((await control('POST', 'faults', { kind: 'dropp' })).body.error).toContain('unknown kind "dropp"');
  await control('DELETE', 'faults');
  expect(exchange.faults.list()).toEqual([]);
  exchange.faults.add({ kind: 'status', status: 500, durationMs: 50, path: 'time' });
  while (exchange.faults.list().length > 0) await client.until(() => true).then(() => new Promise(setImmediate));
  expect((await getJson(`${exchange.restUrl}/fapi/v1/time`)).status).toBe(200);
});

test('faults follow from the seed', async () => {
  const dropped = async (seed: number) => {
    const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT'], seed, startTimeMs: 1_700_000_000_000 });
    open.push(exchange);
    exchange.pause();
    exchange.faults.add({ kind: 'drop', probability: 0.3 });
    const client = await connect(exchange, '/public/ws/btcusdt@depth');
    exchange.setSpeed(Number.POSITIVE_INFINITY);
    exchange.resume();
    await client.until(() => client.messages.length >= 100);
    return client.messages.slice(0, 100).map((diff) => diff.u);
  };
  const first = await dropped(1);
  expect(await dropped(1)).toEqual(first);
  expect(await dropped(2)).not.toEqual(first);
});
