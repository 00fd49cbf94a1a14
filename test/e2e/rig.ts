import { Redis } from 'ioredis';
import pino from 'pino';
import type { SimulatedExchangeOptions } from '../../simulator/exchange-options.ts';
import { SimulatedExchange } from '../../simulator/exchange-server.ts';
import { type Config, loadConfig } from '../../src/config.ts';
import { EXCHANGES } from '../../src/exchanges/registry.ts';
import { type EmbeddedRedis, startEmbeddedRedis } from '../../src/ops/embedded-redis.ts';
import { Service } from '../../src/service.ts';
import { until } from './processes.ts';

export interface BookMessage {
  readonly symbol: string;
  readonly last_update_id: number;
  readonly bids: [number, number][];
  readonly asks: [number, number][];
  readonly source?: string;
}

export interface TradeMessage {
  readonly symbol: string;
  readonly trade_id: number;
  readonly refill?: boolean;
}

export interface StatusMessage {
  readonly symbol: string;
  readonly state: string;
  readonly reason: string;
}

/** Simulated exchange, Redis and the service in one test, with a stock subscriber that holds every book against the exchange's truth. */
export class Rig {
  readonly exchange: SimulatedExchange;
  readonly service: Service;
  readonly redis: EmbeddedRedis;
  readonly books: BookMessage[] = [];
  readonly trades: TradeMessage[] = [];
  readonly statuses: StatusMessage[] = [];
  readonly logLines: Record<string, unknown>[];
  /** Published books that differ from what the exchange had at their update id, described. */
  readonly wrong: string[] = [];
  readonly fatal: Error[];
  readonly #subscriber: Redis;

  static async start(
    exchangeOptions: SimulatedExchangeOptions = {},
    settings: Partial<Record<keyof Config, string>> = {},
  ): Promise<Rig> {
    const exchange = await SimulatedExchange.start({
      symbols: ['BTCUSDT', 'ETHUSDT'],
      rate: 40,
      burst: 1,
      seed: 1,
      connectionAttemptsMax: 100_000,
      ...exchangeOptions,
      truth: {},
    } as SimulatedExchangeOptions);
    const redis = await startEmbeddedRedis();
    const subscriber = new Redis(redis.url);
    const given: Record<string, string> = {
      symbols: (exchangeOptions.symbols ?? ['BTCUSDT', 'ETHUSDT']).join(','),
      'exchange-ws-url': exchange.wsUrl,
      'exchange-rest-url': exchange.restUrl,
      'redis-url': redis.url,
      'health-port': '0',
      'shm-name': '',
      'reconnect-delay-ms': '100',
    };
    for (const [key, value] of Object.entries(settings)) given[key.replaceAll('_', '-')] = value;
    const argv = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
    const { config } = loadConfig({ argv, env: {}, cwd: '/', exchanges: EXCHANGES.map(({ name }) => name) });
    const logLines: Record<string, unknown>[] = [];
    const logger = pino({ base: null }, { write: (line: string) => void logLines.push(JSON.parse(line)) });
    const fatal: Error[] = [];
    await subscriber.psubscribe('orderbook:*', 'trades:*', 'status:*');
    const service = await Service.start({
      config,
      logger,
      version: '0.0.0',
      onFatal: (error) => void fatal.push(error),
    });
    return new Rig({ exchange, redis, service, subscriber, logLines, fatal });
  }

  private constructor(parts: {
    exchange: SimulatedExchange;
    redis: EmbeddedRedis;
    service: Service;
    subscriber: Redis;
    logLines: Record<string, unknown>[];
    fatal: Error[];
  }) {
    this.exchange = parts.exchange;
    this.redis = parts.redis;
    this.service = parts.service;
    this.logLines = parts.logLines;
    this.fatal = parts.fatal;
    this.#subscriber = parts.subscriber;
    parts.subscriber.on('pmessage', (_pattern: string, channel: string, text: string) =>
      this.#onMessage(channel, text),
    );
  }

  get httpUrl(): string {
    return this.service.httpUrl;
  }

  async ready(): Promise<{
    status: number;
    body: {
      ready: boolean;
      redis_connected: boolean;
      exchange_connected: boolean;
      symbols: Record<string, { state: string; reason: string }>;
    };
  }> {
    const answer = await fetch(`${this.httpUrl}/ready`);
    return { status: answer.status, body: (await answer.json()) as never };
  }

  /** Waits until /ready says yes; returns how long that took, ms. */
  async live(msMax = 15_000): Promise<number> {
    const startMs = performance.now();
    await until('ready', async () => ((await this.ready()).status === 200 ? true : undefined), msMax);
    return performance.now() - startMs;
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.httpUrl}/metrics`)).text();
    let sum = 0;
    for (const line of text.split('\n')) {
      if (line.startsWith(name) && !line.startsWith('#')) sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    }
    return sum;
  }

  /** Waits for one more book of a symbol than there is now, and returns it. */
  async nextBook(symbol: string): Promise<BookMessage> {
    const from = this.books.length;
    return until(`a book of ${symbol}`, () => this.books.slice(from).find((book) => book.symbol === symbol));
  }

  statusesOf(symbol: string): string[] {
    return this.statuses.filter((status) => status.symbol === symbol).map(({ state, reason }) => `${state}:${reason}`);
  }

  tradeIdsOf(symbol: string): number[] {
    return this.trades.filter((trade) => trade.symbol === symbol).map((trade) => trade.trade_id);
  }

  async close(): Promise<void> {
    await this.service.close('test ended');
    this.#subscriber.disconnect();
    await this.exchange.close();
    await this.redis.close();
  }

  #onMessage(channel: string, text: string): void {
    const document = JSON.parse(text);
    if (channel.startsWith('trades:')) this.trades.push(document);
    else if (channel.startsWith('status:')) this.statuses.push(document);
    else {
      this.books.push(document);
      this.#check(document);
    }
  }

  #check(book: BookMessage): void {
    if (book.source === 'partial_depth') return;
    const truth = this.exchange.truth(book.symbol, book.last_update_id);
    const expected =
      truth && JSON.stringify([truth.bids, truth.asks].map((side) => side.map((level) => level.map(Number))));
    const found = JSON.stringify([book.bids, book.asks]);
    if (found !== expected)
      this.wrong.push(
        `${book.symbol} ${book.last_update_id}: ${found.slice(0, 200)} instead of ${expected?.slice(0, 200)}`,
      );
  }
}
