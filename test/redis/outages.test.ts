import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedRedis } from '../../src/ops/embedded-redis.ts';
import {
  bookOf,
  btc,
  client,
  closeAll,
  eth,
  FaultyProxy,
  fieldOf,
  hasRedis,
  pause,
  startPublisher,
  startRedis,
  statusOf,
  subscribe,
  tradeOf,
  until,
} from './rig.ts';

afterEach(closeAll);

const LIMITS = { conflateAboveBytes: 64 << 10, queueBytesMax: 256 << 10 };

const TIMEOUT_MS = 30_000;

describe.skipIf(!hasRedis)('while Redis is away, the publisher', { timeout: TIMEOUT_MS }, () => {
  it('waits for one that is absent at the start, and then publishes what is current', async () => {
    const placeholder = await startEmbeddedRedis();
    await placeholder.close();
    const { publisher, logs } = startPublisher(placeholder.url);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    for (let id = 1; id <= 3; id++) {
      publisher.onBook(bookOf(btc, id));
      publisher.onTrade(tradeOf(btc, id));
      publisher.onEndOfBatch();
    }
    await until('the refusal noticed', () => publisher.lastError !== undefined);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('ECONNREFUSED');
    expect(publisher.errors.get('ECONNREFUSED')).toBeGreaterThan(0);
    expect(logs.filter((line) => line.includes('ECONNREFUSED'))).toHaveLength(1);

    await startRedis([], placeholder.port);
    await until('published', () => publisher.publishesByChannel.trades === 3);
    expect(publisher.connected).toBe(true);
    expect(publisher.lastError).toBeUndefined();
    expect(publisher.publishesByChannel).toEqual({ orderbook: 1, market_data: 1, trades: 3, status: 1 });
    expect(publisher.dropped.get('book_disconnected')).toBe(2);
    expect(await client(placeholder.url).exists('market_data:BTCUSDT')).toBe(1);
  });

  it('survives its being killed, and restores the key of a quiet symbol', async () => {
    const redis = await startRedis();
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    publisher.onBook(bookOf(btc, 1));
    publisher.onEndOfBatch();
    await until('confirmed', () => publisher.sets === 1);
    process.kill(redis.pid, 'SIGKILL');
    await until('noticed', () => !publisher.connected);

    await startRedis([], redis.port);
    const reader = client(redis.url);
    await until('the key again', async () => (await reader.exists('market_data:BTCUSDT')) === 1);
    expect(publisher.connected).toBe(true);
  });

  it('keeps trades in order, the latest state and the latest live book, and sends nothing twice', async () => {
    const redis = await startRedis();
    const proxy = await FaultyProxy.start(redis.port);
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(proxy.url);
    await until('connected', () => publisher.connected);
    for (const instrument of [btc, eth]) {
      publisher.onStatus(statusOf(instrument, 'live', 'snapshot_bridged', 1));
      publisher.onBook(bookOf(instrument, 2));
      publisher.onTrade(tradeOf(instrument, 1));
    }
    publisher.onEndOfBatch();
    await until('confirmed', () => publisher.queuedBytes === 0);

    proxy.cut();
    await until('noticed', () => !publisher.connected);
    for (let id = 2; id <= 50; id++) {
      publisher.onTrade(tradeOf(btc, id));
      publisher.onBook(bookOf(btc, id + 1));
      publisher.onBook(bookOf(eth, id + 1));
      publisher.onEndOfBatch();
    }
    // The waiting book of a market that is not live any more must not be published.
    publisher.onStatus(statusOf(eth, 'resyncing', 'gap', 51));
    publisher.onStatus(statusOf(eth, 'stale', 'disconnected', 51));
    expect(messages).toHaveLength(8);

    proxy.mend();
    await until('all published', () => fieldOf(messages, 'trades:BTCUSDT', 'trade_id').length === 50);
    await until('confirmed', () => publisher.queuedBytes === 0);
    await pause(50);
    const ids = Array.from({ length: 50 }, (_, index) => index + 1);
    expect(fieldOf(messages, 'trades:BTCUSDT', 'trade_id')).toEqual(ids);
    expect(fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id')).toEqual([2, 51]);
    expect(fieldOf(messages, 'orderbook:ETHUSDT', 'last_update_id')).toEqual([2]);
    expect(fieldOf(messages, 'status:BTCUSDT', 'state')).toEqual(['live', 'live']);
    expect(fieldOf(messages, 'status:ETHUSDT', 'state')).toEqual(['live', 'stale']);
    const second = messages.slice(8).map(({ channel }) => channel);
    expect(second.indexOf('status:BTCUSDT')).toBeLessThan(second.indexOf('orderbook:BTCUSDT'));
    expect(publisher.dropped.get('book_not_live')).toBe(1);
    expect(publisher.dropped.get('status_conflated')).toBe(1);
    expect(publisher.dropped.get('book_disconnected')).toBe(48 + 48);
    expect(publisher.dropped.get('trade_unconfirmed')).toBe(0);
  });

  it('drops the oldest trades beyond the limit, and counts them', async () => {
    const redis = await startRedis();
    const proxy = await FaultyProxy.start(redis.port);
    const messages = await subscribe(redis.url, 'trades:*');
    const { publisher } = startPublisher(proxy.url, { limits: { conflateAboveBytes: 4096, queueBytesMax: 40 * 1500 } });
    await until('connected', () => publisher.connected);
    proxy.cut();
    await until('noticed', () => !publisher.connected);
    for (let id = 1; id <= 5000; id++) publisher.onTrade(tradeOf(btc, id));
    expect(publisher.dropped.get('trade_queue_full')).toBe(3500);
    expect(publisher.queuedBytes).toBeLessThanOrEqual(40 * 1500);
    proxy.mend();
    await until('all published', () => messages.length === 1500);
    const ids = Array.from({ length: 1500 }, (_, index) => 3501 + index);
    expect(fieldOf(messages, 'trades:BTCUSDT', 'trade_id')).toEqual(ids);
  });
});

describe.skipIf(!hasRedis)('while Redis does not answer, the publisher', { timeout: TIMEOUT_MS }, () => {
  /** Offers books and trades for some time; the trade ids offered so far are 1 to the returned number. */
  async function offer(publisher: ReturnType<typeof startPublisher>['publisher'], rounds: number, from: number) {
    let id = from;
    for (let round = 0; round < rounds; round++) {
      for (let count = 0; count < 20; count++) {
        id++;
        publisher.onBook(bookOf(btc, id, 20));
        publisher.onTrade(tradeOf(btc, id));
      }
      publisher.onEndOfBatch();
      await pause(5);
    }
    return id;
  }

  it('conflates books, keeps trades and stays bounded until a stopped one continues', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(redis.url, { limits: LIMITS });
    await until('connected', () => publisher.connected);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    process.kill(redis.pid, 'SIGSTOP');
    const offered = await offer(publisher, 60, 0);
    expect(publisher.dropped.get('book_conflated')).toBeGreaterThan(0);
    expect(publisher.queuedBytes).toBeLessThan(LIMITS.conflateAboveBytes + LIMITS.queueBytesMax + 8192);
    await until('noticed', () => !publisher.connected);
    expect(publisher.lastError).toMatch(/^no answer for \d+ s$/);

    process.kill(redis.pid, 'SIGCONT');
    await until('answers again', () => publisher.connected && publisher.queuedBytes === 0);
    const ids = Array.from({ length: offered }, (_, index) => index + 1);
    await until('all trades', () => fieldOf(messages, 'trades:BTCUSDT', 'trade_id').length >= offered);
    expect(fieldOf(messages, 'trades:BTCUSDT', 'trade_id')).toEqual(ids);
    const books = fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id') as number[];
    expect(books.at(-1)).toBe(offered);
    expect(books).toEqual([...books].sort((left, right) => left - right));
    expect(books.length + publisher.dropped.get('book_conflated')).toBe(offered);
    expect(publisher.lastError).toBeUndefined();
  });

  it('does the same while clients are paused', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url);
    const admin = client(redis.url);
    const { publisher } = startPublisher(redis.url, { limits: LIMITS });
    await until('connected', () => publisher.connected);
    await admin.call('CLIENT', 'PAUSE', '600', 'ALL');
    const offered = await offer(publisher, 20, 0);
    await until('all trades', () => fieldOf(messages, 'trades:BTCUSDT', 'trade_id').length === offered);
    await until('confirmed', () => publisher.queuedBytes === 0);
    expect(fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id').at(-1)).toBe(offered);
  });

  it('publishes what fits when Redis is slow, the latest of each symbol last', async () => {
    const redis = await startRedis();
    const proxy = await FaultyProxy.start(redis.port);
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(proxy.url, {
      limits: { conflateAboveBytes: 32 << 10, queueBytesMax: 1 << 20 },
    });
    await until('connected', () => publisher.connected);
    proxy.bytesPerTick = 16 << 10;
    const offered = await offer(publisher, 60, 0);
    await until('all trades', () => fieldOf(messages, 'trades:BTCUSDT', 'trade_id').length === offered);
    await until('confirmed', () => publisher.queuedBytes === 0);
    const books = fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id') as number[];
    expect(books.at(-1)).toBe(offered);
    expect(books.length).toBeGreaterThan(1);
    expect(books.length + publisher.dropped.get('book_conflated')).toBe(offered);
    expect(publisher.connected).toBe(true);
  });

  it('replaces its connection when Redis goes on answering others', async () => {
    const redis = await startRedis();
    const proxy = await FaultyProxy.start(redis.port);
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(proxy.url);
    await until('connected', () => publisher.connected);
    await until('control connected', () => proxy.connections === 2);
    proxy.forgetConnections();
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    publisher.onBook(bookOf(btc, 7));
    publisher.onTrade(tradeOf(btc, 1));
    publisher.onEndOfBatch();
    await until('published over another connection', () =>
      messages.some(({ channel }) => channel === 'orderbook:BTCUSDT'),
    );
    expect(fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id')).toEqual([7]);
    expect(publisher.dropped.get('trade_unconfirmed')).toBe(1);
    expect(publisher.dropped.get('book_unconfirmed')).toBe(1);
  });
});
