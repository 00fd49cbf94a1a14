import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { LIMITS } from '../../src/limits.ts';
import { SystemClock } from '../../src/model/clock.ts';
import { type BookUpdate, type StatusUpdate, Trade } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import type { MarketState, StateReason } from '../../src/model/market-state.ts';
import { type EmbeddedRedis, findRedisServer, startEmbeddedRedis } from '../../src/ops/embedded-redis.ts';
import { RedisPublisher, type RedisPublisherOptions } from '../../src/publish/redis/redis-publisher.ts';

/** Real Redis servers, a publisher, stock subscribers, and a proxy that fails on demand. */

export const hasRedis = findRedisServer() !== undefined;
export const clock = new SystemClock();
export const btc: Instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 2, quantityScale: 3 };
export const eth: Instrument = { index: 1, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 3 };

const openResources: (() => unknown)[] = [];

/** For `afterEach`: ends everything that a test has started, last first. */
export async function closeAll(): Promise<void> {
  for (const close of openResources.splice(0).reverse()) await close();
}

/** Something more to end with the test. */
export function whenClosing(close: () => unknown): void {
  openResources.push(close);
}

export async function startRedis(options: readonly string[] = [], port?: number): Promise<EmbeddedRedis> {
  const redis = await startEmbeddedRedis({ options, ...(port === undefined ? {} : { port }) });
  openResources.push(() => redis.close());
  return redis;
}

export interface Publishing {
  readonly publisher: RedisPublisher;
  /** Everything that was logged, as text. */
  readonly logs: string[];
}

export function startPublisher(url: string, options: Partial<RedisPublisherOptions> = {}): Publishing {
  const logs: string[] = [];
  const publisher = new RedisPublisher({
    url,
    clock,
    instruments: [btc, eth],
    onLog: (level, message, fields) => logs.push(`${level} ${message} ${JSON.stringify(fields)}`),
    ...options,
  });
  publisher.start();
  const ticking = setInterval(() => publisher.onTick(), LIMITS.check_interval_ms);
  openResources.push(() => {
    clearInterval(ticking);
    return publisher.close();
  });
  return { publisher, logs };
}

export interface Message {
  readonly channel: string;
  readonly text: string;
}

/** A stock client that collects what it is sent. */
export async function subscribe(url: string, pattern = '*'): Promise<Message[]> {
  const subscriber = client(url);
  const messages: Message[] = [];
  subscriber.on('pmessage', (_pattern: string, channel: string, text: string) => messages.push({ channel, text }));
  await subscriber.psubscribe(pattern);
  return messages;
}

export function client(url: string): Redis {
  const redis = new Redis(url, { protocol: 2, replyMapping: 'legacy' });
  redis.on('error', () => {});
  openResources.push(() => redis.disconnect());
  return redis;
}

/** One field of every document on a channel, in the order of arrival. */
export function fieldOf(messages: readonly Message[], channel: string, field: string): unknown[] {
  return messages.filter((message) => message.channel === channel).map(({ text }) => JSON.parse(text)[field]);
}

export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 20_000; waited += 10) {
    if (await condition()) return;
    await pause(10);
  }
  throw new Error(`still not: ${what}`);
}

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export function bookOf(instrument: Instrument, lastUpdateId: number, depth = 1): BookUpdate {
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

export function tradeOf(instrument: Instrument, tradeId: number): Trade {
  const fields = { instrument, tradeId, price: 6_180_020, quantity: 5, tradeTimeMs: 1_759_727_805_212 };
  return Object.assign(new Trade(), fields);
}

export function statusOf(
  instrument: Instrument,
  state: MarketState,
  reason: StateReason,
  lastUpdateId = 1,
): StatusUpdate {
  return { instrument, state, reason, lastUpdateId, timeNs: clock.nowNs() };
}

/** A TCP proxy in front of Redis. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #targetPort: number;
  #isRefusing = false;
  /** How many connections were made so far. */
  connections = 0;
  /** Bytes per 10 ms that are passed on to Redis. */
  bytesPerTick = Number.POSITIVE_INFINITY;

  static async start(targetPort: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    openResources.push(() => proxy.#close());
    return proxy;
  }

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets all connections and refuses new ones. */
  cut(): void {
    this.#isRefusing = true;
    for (const [inner, outer] of this.#pairs) {
      inner.resetAndDestroy();
      outer.destroy();
    }
  }

  mend(): void {
    this.#isRefusing = false;
  }

  /** The present connections stay open and pass nothing on any more, as if a middlebox had forgotten them. */
  forgetConnections(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.removeAllListeners('data').pause();
  }

  #accept(inner: Socket): void {
    if (this.#isRefusing) {
      inner.resetAndDestroy();
      return;
    }
    this.connections++;
    const outer = connect(this.#targetPort, '127.0.0.1');
    const pair = [inner, outer] as const;
    this.#pairs.add(pair);
    inner.on('data', (chunk: Buffer) => this.#pass(chunk, inner, outer));
    outer.on('data', (chunk: Buffer) => inner.write(chunk));
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        inner.destroy();
        outer.destroy();
      });
    }
  }

  #pass(chunk: Buffer, inner: Socket, outer: Socket): void {
    outer.write(chunk);
    if (this.bytesPerTick === Number.POSITIVE_INFINITY) return;
    inner.pause();
    setTimeout(() => inner.resume(), (10 * chunk.length) / this.bytesPerTick);
  }

  #close(): void {
    this.cut();
    this.#server.close();
  }
}
