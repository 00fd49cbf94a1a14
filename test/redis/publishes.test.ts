import { afterEach, describe, expect, it } from 'vitest';
import {
  bookOf,
  btc,
  client,
  clock,
  closeAll,
  eth,
  fieldOf,
  hasRedis,
  startPublisher,
  startRedis,
  statusOf,
  subscribe,
  tradeOf,
  until,
} from './rig.ts';

afterEach(closeAll);

describe.skipIf(!hasRedis)('the Redis publisher', () => {
  it('publishes the exact documents on all channels and writes the key with its expiry', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    const book = bookOf(btc, 160);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged', 159));
    publisher.onBook(book);
    publisher.onTrade(tradeOf(btc, 77));
    publisher.onEndOfBatch();
    await until('four messages', () => messages.length === 4);
    expect(messages.map(({ channel }) => channel)).toEqual([
      'status:BTCUSDT',
      'orderbook:BTCUSDT',
      'market_data:BTCUSDT',
      'trades:BTCUSDT',
    ]);
    const second = new Date(clock.wallSeconds(book.receiveTimeNs) * 1000).toISOString().slice(0, 19);
    const time = `${second}.${String(clock.wallNanos(book.receiveTimeNs)).padStart(9, '0')}+00:00`;
    const marketData =
      '{"symbol":"BTCUSDT","last_price":61800.25,"bid_price":61800.2,"ask_price":61800.3,"volume_24h":null,' +
      `"high_24h":63000,"low_24h":59000.1,"updated_at":"${time}"}`;
    expect(messages[1]!.text).toBe(
      `{"symbol":"BTCUSDT","last_update_id":160,"bids":[[61800.2,0.001]],"asks":[[61800.3,1.5]],"timestamp":"${time}"}`,
    );
    expect(messages[2]!.text).toBe(marketData);
    expect(messages[3]!.text).toBe(
      '{"symbol":"BTCUSDT","trade_id":77,"price":61800.2,"quantity":0.005,"is_buyer_maker":false,' +
        '"timestamp":"2025-10-06T05:16:45.212000000+00:00"}',
    );
    const reader = client(redis.url);
    expect(await reader.get('market_data:BTCUSDT')).toBe(marketData);
    const ttl = await reader.ttl('market_data:BTCUSDT');
    expect(ttl).toBeGreaterThan(200);
    expect(ttl).toBeLessThanOrEqual(300);
    await until('everything confirmed', () => publisher.queuedBytes === 0);
    expect(publisher.publishesByChannel).toEqual({ orderbook: 1, market_data: 1, trades: 1, status: 1 });
    expect(publisher.sets).toBe(1);
    expect([...publisher.dropped.counts, ...publisher.errors.counts]).toEqual([]);
  });

  it('keeps every book and trade of large batches, in order', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url, '*:ETHUSDT');
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    const ids = Array.from({ length: 3000 }, (_, index) => index + 1);
    for (const id of ids) {
      publisher.onBook(bookOf(eth, id, 20));
      publisher.onTrade(tradeOf(eth, id));
      if (id % 700 === 0) {
        publisher.onEndOfBatch();
        await until('taken by Redis', () => publisher.queuedBytes < 1 << 20);
      }
    }
    publisher.onEndOfBatch();
    await until('all messages', () => messages.length === 3 * ids.length);
    expect(fieldOf(messages, 'orderbook:ETHUSDT', 'last_update_id')).toEqual(ids);
    expect(fieldOf(messages, 'trades:ETHUSDT', 'trade_id')).toEqual(ids);
  });

  it('publishes a book of a thousand levels a side', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url, 'orderbook:*');
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    for (let id = 1; id <= 20; id++) publisher.onBook(bookOf(btc, id, 1000));
    publisher.onEndOfBatch();
    await until('all books', () => messages.length === 20);
    for (const { text } of messages) expect(JSON.parse(text).asks).toHaveLength(1000);
  });

  it('uses the database of the URL, and user and password', async () => {
    const redis = await startRedis(['--user', 'feed', 'on', '>s3cr:t/', '~*', '&*', '+@all']);
    const url = `redis://feed:${encodeURIComponent('s3cr:t/')}@127.0.0.1:${redis.port}/5`;
    const { publisher } = startPublisher(url);
    await until('connected', () => publisher.connected);
    publisher.onBook(bookOf(btc, 1));
    publisher.onEndOfBatch();
    const reader = client(url);
    await until('the key', async () => (await reader.exists('market_data:BTCUSDT')) === 1);
    await reader.select(0);
    expect(await reader.exists('market_data:BTCUSDT')).toBe(0);
  });

  it('hands out what was accepted when it is closed, and leaves no connection behind', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url, 'trades:*');
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    for (let id = 1; id <= 5000; id++) publisher.onTrade(tradeOf(btc, id));
    await publisher.close();
    await until('all trades', () => messages.length === 5000);
    const reader = client(redis.url);
    // The subscriber and the reader itself remain.
    await until('both connections gone', async () => {
      const clients = String(await reader.client('LIST'));
      return clients.trim().split('\n').length === 2;
    });
  });
});
