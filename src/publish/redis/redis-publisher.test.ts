/** Against real redis-server processes: what is published, and what happens when Redis misbehaves. */
import { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../model/clock.ts';
import { type BookUpdate, Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { MarketState, StateReason } from '../../model/market-state.ts';
import { type EmbeddedRedis, findRedisServer, startEmbeddedRedis } from '../../ops/embedded-redis.ts';
import type { LaneLimits } from './lane.ts';
import { RedisPublisher } from './redis-publisher.ts';

const hasRedis = findRedisServer() !== undefined;
const clock = new SystemClock();
const btc: Instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 2, quantityScale: 3 };
const eth: Instrument = { index: 1, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 3 };
const instruments = [btc, eth];

const openResources: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of openResources.splice(0).reverse()) await close();
});

async function startRedis(options: readonly string[] = [], port?: number): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ options, ...(port === undefined ? {} : { port }) });
  openResources.push(() => redis.close());
  return redis;
}

interface Publishing {
  readonly publisher: RedisPublisher;
  readonly logs: string[];
}

function startPublisher(url: string, limits?: LaneLimits): Publishing {
  const logs: string[] = [];
  const publisher = new RedisPublisher({
    url,
    clock,
    instruments,
    onLog: (level, message, fields) => logs.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...(limits === undefined ? {} : { limits }),
  });
  publisher.start();
  openResources.push(() => publisher.close());
  return { publisher, logs };
}

/** A stock client that collects what it is sent. */
async function subscribe(url: string, pattern = '*'): Promise<{ channel: string; text: string }[]> {
  const client = new Redis(url, { protocol: 2 });
  openResources.push(() => client.disconnect());
  const messages: { channel: string; text: string }[] = [];
  client.on('pmessage', (_pattern, channel: string, text: string) => messages.push({ channel, text }));
  client.on('error', () => {});
  await client.psubscribe(pattern);
  return messages;
}

function client(url: string): Redis {
  const redis = new Redis(url, { protocol: 2 });
  redis.on('error', () => {});
  openResources.push(() => redis.disconnect());
  return redis;
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; waited < 15_000; waited += 10) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`still waiting: ${what}`);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function bookOf(instrument: Instrument, lastUpdateId: number, depth = 1): BookUpdate {
  const levels = (first: number, step: number) =>
    Float64Array.from({ length: depth }, (_, level) => first + level * step);
  return {
    instrument,
    lastUpdateId,
    source: 'diff',
    exchangeTimeMs: 0,
    receiveTimeNs: clock.nowNs(),
    bidCount: depth,
    askCount: depth,
    bidPrices: levels(6_180_020, -10),
    bidQuantities: levels(1, 1),
    askPrices: levels(6_180_030, 10),
    askQuantities: levels(1500, 1),
    lastPrice: 6_180_025,
    lastPriceScale: 2,
    volume24h: Number.NaN,
    high24h: 6_300_000,
    low24h: 5_900_010,
  };
}

function tradeOf(instrument: Instrument, tradeId: number): Trade {
  return Object.assign(new Trade(), {
    instrument,
    tradeId,
    price: 6_180_020,
    quantity: 5,
    tradeTimeMs: 1_759_727_805_212,
  });
}

function statusOf(instrument: Instrument, state: MarketState, reason: StateReason, lastUpdateId = 1) {
  return { instrument, state, reason, lastUpdateId, timeNs: clock.nowNs() };
}

const idsOn = (messages: { channel: string; text: string }[], channel: string, field: string): number[] =>
  messages.filter((message) => message.channel === channel).map(({ text }) => JSON.parse(text)[field]);

describe.skipIf(!hasRedis)('RedisPublisher', () => {
  it('publishes the exact documents on all channels and writes the key with its expiry', async () => {
    const redis = await startRedis();
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(redis.url);
    await until(() => publisher.connected, 'connected');
    const book = bookOf(btc, 160);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged', 159));
    publisher.onBook(book);
    publisher.onTrade(tradeOf(btc, 77));
    publisher.onEndOfBatch();
    await until(() => messages.length === 4, 'four messages');
    expect(messages.map(({ channel }) => channel)).toEqual([
      'status:BTCUSDT',
      'orderbook:BTCUSDT',
      'market_data:BTCUSDT',
      'trades:BTCUSDT',
    ]);
    const seconds = clock.wallSeconds(book.receiveTimeNs);
    const time = `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(clock.wallNanos(book.receiveTimeNs)).padStart(9, '0')}+00:00`;
    const marketData = `{"symbol":"BTCUSDT","last_price":61800.25,"bid_price":61800.2,"ask_price":61800.3,"volume_24h":null,"high_24h":63000,"low_24h":59000.1,"updated_at":"${time}"}`;
    expect(messages[1]!.text).toBe(
      `{"symbol":"BTCUSDT","last_update_id":160,"bids":[[61800.2,0.001]],"asks":[[61800.3,1.5]],"timestamp":"${time}"}`,
    );
    expect(messages[2]!.text).toBe(marketData);
    expect(messages[3]!.text).toBe(
      '{"symbol":"BTCUSDT","trade_id":77,"price":61800.2,"quantity":0.005,"is_buyer_maker":false,"timestamp":"2025-10-06T05:16:45.212000000+00:00"}',
    );
    const reader = client(redis.url);
    expect(await reader.get('market_data:BTCUSDT')).toBe(marketData);
    const ttl = await reader.ttl('market_data:BTCUSDT');
    expect(ttl).toBeGreaterThan(290);
    expect(ttl).toBeLessThanOrEqual(300);
    await until(() => publisher.queuedBytes === 0, 'everything confirmed');
    expect(publisher.publishesByChannel).toEqual({ orderbook: 1, market_data: 1, trades: 1, status: 1 });
    expect(publisher.sets).toBe(1);
    expect(publisher.dropped.total).toBe(0);
    expect(publisher.errors.total).toBe(0);
  });
});
