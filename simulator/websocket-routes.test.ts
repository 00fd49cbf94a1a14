import { afterEach, expect, test } from 'vitest';
import { SimulatedExchange } from './exchange-server.ts';
import { type Json, TestClient } from './test-client.ts';
import { parseWebSocketUrl } from './websocket-routes.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

async function start(options: Parameters<typeof SimulatedExchange.start>[0] = {}): Promise<SimulatedExchange> {
  const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT'], rate: 100, tradeRate: 100, ...options });
  open.push(exchange);
  return exchange;
}

async function connect(exchange: SimulatedExchange, path: string): Promise<TestClient> {
  const client = await TestClient.open(exchange.wsUrl + path);
  open.push(client);
  return client;
}

test.each([
  ['/public/stream?streams=a@b/c@d', 'public', true, ['a@b', 'c@d']],
  ['/market/ws/btcusdt@aggTrade', 'market', false, ['btcusdt@aggTrade']],
  ['/ws/a@b/c@d', 'legacy', false, ['a@b', 'c@d']],
  ['/ws', 'legacy', false, []],
  ['/public/ws/', 'public', false, []],
  ['/stream', 'legacy', true, []],
  ['/stream?streams=btcusdt%40depth', 'legacy', true, ['btcusdt@depth']],
])('%s is route %s', (url, route, isCombined, streams) => {
  expect(parseWebSocketUrl(url)).toEqual({ route, isCombined, streams });
});

test.each(['/', '/private/ws', '/public', '/stream/a', '/publicws/a', '/public/stream/a'])(
  '%s is not a route',
  async (url) => {
    expect(parseWebSocketUrl(url)).toBeUndefined();
    await expect(connect(await start(), url)).rejects.toThrow('404');
  },
);

const BOTH = 'btcusdt@depth@100ms/btcusdt@aggTrade';

test.each([
  ['/public', ['depthUpdate']],
  ['/market', ['aggTrade']],
  // Trades are silently missing: the trap of the old URL.
  ['', ['depthUpdate']],
])('route "%s" delivers %j alone, whatever was subscribed', async (route, kinds) => {
  const exchange = await start();
  const client = await connect(exchange, `${route}/stream?streams=${BOTH}`);
  const both = await connect(exchange, '/market/ws/btcusdt@aggTrade');
  await client.until(() => client.messages.length >= 30);
  await both.until(() => both.messages.length >= 20);
  expect([...new Set(client.messages.map((message) => message.data.e))]).toEqual(kinds);
});

test('subscriptions by message are acknowledged, listed and ended, and streams that do not exist are acknowledged too', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/stream');
  const answer = async (message: { id: number } & Record<string, unknown>): Promise<Json> => {
    client.send(message);
    await client.until(() => client.messages.some((received) => received.id === message.id));
    return client.messages.find((received) => received.id === message.id);
  };
  const params = ['btcusdt@depth', 'nosuch@depth', 'BTCUSDT@bookTicker', 'btcusdt@aggTrade'];
  expect(await answer({ method: 'SUBSCRIBE', params, id: 1 })).toEqual({ result: null, id: 1 });
  expect(await answer({ method: 'LIST_SUBSCRIPTIONS', id: 2 })).toEqual({ result: params, id: 2 });
  await client.until(() => client.data('btcusdt@depth').length > 20);
  expect(new Set(client.messages.map((message) => message.stream))).toEqual(new Set([undefined, 'btcusdt@depth']));
  expect(await answer({ method: 'UNSUBSCRIBE', params: ['btcusdt@depth'], id: 3 })).toEqual({ result: null, id: 3 });
  const seen = client.data('btcusdt@depth').length;
  const other = await connect(exchange, '/public/ws/btcusdt@depth');
  await other.until(() => other.messages.length > 10);
  expect(client.data('btcusdt@depth').length).toBe(seen);
  expect(await answer({ method: 'NONSENSE', id: 4 })).toMatchObject({ error: { code: 2 }, id: 4 });
  expect(await answer({ method: 'SUBSCRIBE', params: 'x', id: 5 })).toMatchObject({ error: { code: 2 }, id: 5 });
});

test('frames are bare on /ws and wrapped on /stream, and a property changes that', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/ws/btcusdt@depth');
  await client.until(() => client.messages.length > 0);
  expect(client.messages[0].e).toBe('depthUpdate');
  client.send({ method: 'SET_PROPERTY', params: ['combined', true], id: 1 });
  await client.until(() => client.messages.at(-1).stream === 'btcusdt@depth');
});

test('1024 streams on a connection; one more is an error and close code 1008', async () => {
  const exchange = await start();
  const names = Array.from({ length: 1024 }, (_, index) => `sym${index}@depth`);
  const client = await connect(exchange, '/public/stream');
  client.send({ method: 'SUBSCRIBE', params: names, id: 1 });
  client.send({ method: 'SUBSCRIBE', params: ['one@more'], id: 2 });
  expect((await client.closed).code).toBe(1008);
  expect(client.messages[0]).toEqual({ result: null, id: 1 });
  expect(client.messages[1]).toMatchObject({ error: { code: 2 }, id: 2 });
});

test('ten messages at once are taken, many more are close code 1008', async () => {
  const exchange = await start();
  const client = await connect(exchange, '/public/ws');
  for (let id = 0; id < 10; id++) client.send({ method: 'LIST_SUBSCRIPTIONS', id });
  await client.until(() => client.messages.length === 10);
  for (let id = 10; id < 60; id++) client.send({ method: 'LIST_SUBSCRIPTIONS', id });
  expect((await client.closed).code).toBe(1008);
});

test('the server pings; a client that does not pong is dropped, one that does is kept', async () => {
  const exchange = await start({ pingIntervalMs: 30, pongTimeoutMs: 200 });
  const kept = await connect(exchange, '/public/ws/btcusdt@depth');
  const silent = await connect(exchange, '/public/ws/btcusdt@depth');
  silent.webSocket.pong = () => {};
  expect((await silent.closed).code).toBe(1006);
  const pings = kept.pings;
  await kept.until(() => kept.pings > pings + 2);
  expect(kept.webSocket.readyState).toBe(1);
});

test('a connection is closed at its greatest age', async () => {
  const exchange = await start({ connectionAgeMaxMs: 150 });
  const client = await connect(exchange, '/public/ws/btcusdt@depth');
  expect((await client.closed).code).toBe(1001);
});

test('a client that does not read is dropped once its socket holds too much, and no other notices', async () => {
  const exchange = await start({ rate: 1000, levels: 200, clientBufferBytesMax: 1 << 18 });
  const slow = await connect(exchange, '/public/ws/btcusdt@depth');
  slow.webSocket.pause();
  const reader = await connect(exchange, '/public/ws/btcusdt@depth');
  await reader.until(() => exchange.connections.droppedSlowCount === 1);
  const diffs = reader.messages;
  diffs.slice(1).forEach((diff, index) => {
    expect(diff.pu).toBe(diffs[index].u);
  });
});

test('permessage-deflate, where both sides want it, carries the same frames', async () => {
  const exchange = await start({ deflate: true });
  const client = await connect(exchange, '/public/ws/btcusdt@depth');
  expect(client.webSocket.extensions).toBe('permessage-deflate');
  await client.until(() => client.messages.length >= 20);
  client.messages.slice(1).forEach((diff, index) => {
    expect(diff.pu).toBe(client.messages[index].u);
  });
});

test('more connection attempts than allowed in five minutes are answered with 429', async () => {
  const exchange = await start({ connectionAttemptsMax: 2 });
  await connect(exchange, '/public/ws');
  await connect(exchange, '/public/ws');
  await expect(connect(exchange, '/public/ws')).rejects.toThrow('429');
});
