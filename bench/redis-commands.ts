/*
 * Three Redis commands per book update (PUBLISH orderbook, PUBLISH market_data, SET market_data EX), as this service writes them and
 * as ioredis's own pipeline does, into a real redis-server, in the same run.
 *
 * A batch is what one turn of the event loop brings: one write to the socket here, one pipeline there. "whole" includes building the
 * documents of a top-20 book: from integers to bytes here; template strings there. "commands" sends documents that were built before.
 * CPU is this process's own, user and system, replies included; Redis's is not in it.
 *
 *   node dist/bench/redis-commands.js [updates]
 */
import { Redis } from 'ioredis';
import { LIMITS } from '../src/limits.ts';
import { SystemClock } from '../src/model/clock.ts';
import { formatDecimal } from '../src/model/decimal.ts';
import type { BookUpdate } from '../src/model/events.ts';
import type { Instrument } from '../src/model/instrument.ts';
import { startEmbeddedRedis } from '../src/ops/embedded-redis.ts';
import { DocumentEncoder } from '../src/publish/encode.ts';
import { RedisPublisher } from '../src/publish/redis/redis-publisher.ts';
import { BenchReport } from './report.ts';

const DEPTH = 20;
const BATCHES = [1, 8, 32];
const BOOKS = 512;
const UNANSWERED_BYTES_MAX = 1 << 20;
const PIPELINES_MAX = 16;

const clock = new SystemClock();
const instrument: Instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 2, quantityScale: 3 };

/** Reused in place, as the real caller does; another price and other sizes each time. */
interface MutableBook extends BookUpdate {
  lastUpdateId: number;
  receiveTimeNs: number;
  lastPrice: number;
}

function makeBooks(): MutableBook[] {
  let random = 1;
  const size = () => {
    random = (random * 48_271) % 2_147_483_647;
    return 1 + Math.floor((random / 2_147_483_647) ** 4 * 30_000);
  };
  return Array.from({ length: BOOKS }, (_, k) => {
    const levels = (at: (level: number) => number) => Float64Array.from({ length: DEPTH }, (_, level) => at(level));
    return {
      instrument,
      lastUpdateId: 5_000_000_000_000 + k,
      source: 'diff',
      exchangeTimeMs: 0,
      receiveTimeNs: 0,
      bidCount: DEPTH,
      askCount: DEPTH,
      bidPrices: levels((level) => 6_180_020 - 10 * ((k % 100) + level)),
      bidQuantities: levels(size),
      askPrices: levels((level) => 6_180_030 + 10 * ((k % 77) + level)),
      askQuantities: levels(size),
      lastPrice: 6_180_020,
      lastPriceScale: 2,
      volume24h: 123_456_789,
      high24h: 6_300_000,
      low24h: 5_900_010,
    };
  });
}

function decimals(scale: number): (mantissa: number) => string {
  return (mantissa) => formatDecimal(mantissa, scale);
}

/** What a straightforward service does with numbers: strings. */
function templateDocuments(book: BookUpdate): [orderbook: string, marketData: string] {
  const side = (prices: Float64Array, quantities: Float64Array) => {
    const levels: string[] = [];
    for (let level = 0; level < DEPTH; level++) levels.push(`[${prices[level]! / 100},${quantities[level]! / 1000}]`);
    return levels.join(',');
  };
  const time = `${new Date().toISOString().slice(0, -1)}000000+00:00`;
  const price = decimals(2);
  return [
    `{"symbol":"BTCUSDT","last_update_id":${book.lastUpdateId},"bids":[${side(book.bidPrices, book.bidQuantities)}],` +
      `"asks":[${side(book.askPrices, book.askQuantities)}],"timestamp":"${time}"}`,
    `{"symbol":"BTCUSDT","last_price":${price(book.lastPrice)},"bid_price":${price(book.bidPrices[0]!)},` +
      `"ask_price":${price(book.askPrices[0]!)},"volume_24h":${book.volume24h / 1000},"high_24h":${price(book.high24h)},` +
      `"low_24h":${price(book.low24h)},"updated_at":"${time}"}`,
  ];
}

interface Cost {
  readonly cpuUs: number;
  readonly perSecond: number;
}

/** Runs it once to warm up and three times for the measurement; the median run by CPU counts. */
async function measure(updates: number, run: (updates: number) => Promise<void>): Promise<Cost> {
  await run(Math.ceil(updates / 4));
  const costs: Cost[] = [];
  for (let round = 0; round < 3; round++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    await run(updates);
    const seconds = (performance.now() - start) / 1000;
    const used = process.cpuUsage(cpu);
    costs.push({ cpuUs: (used.user + used.system) / updates, perSecond: updates / seconds });
  }
  return costs.sort((left, right) => left.cpuUs - right.cpuUs)[1]!;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
/** To wait for Redis without spending CPU on it. */
const pause = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

/** @param isWhole build the documents anew for each update */
function ours(publisher: RedisPublisher, books: MutableBook[], batch: number, isWhole: boolean) {
  return async (updates: number): Promise<void> => {
    for (let update = 0; update < updates; ) {
      for (let count = 0; count < batch; count++, update++) {
        const book = books[isWhole ? update % BOOKS : 0]!;
        if (isWhole) book.receiveTimeNs = clock.nowNs();
        publisher.onBook(book);
      }
      publisher.onEndOfBatch();
      // One batch a turn, as frames come; and no faster than Redis takes them.
      await turn();
      while (publisher.queuedBytes > UNANSWERED_BYTES_MAX) await pause();
    }
    while (publisher.queuedBytes > 0) await pause();
  };
}

function pipelines(redis: Redis, books: MutableBook[], batch: number, isWhole: boolean) {
  const built = templateDocuments(books[0]!);
  return async (updates: number): Promise<void> => {
    let underWay = 0;
    for (let update = 0; update < updates; ) {
      const pipeline = redis.pipeline();
      for (let count = 0; count < batch; count++, update++) {
        const [orderbook, marketData] = isWhole ? templateDocuments(books[update % BOOKS]!) : built;
        pipeline.publish('orderbook:BTCUSDT', orderbook);
        pipeline.publish('market_data:BTCUSDT', marketData);
        pipeline.set('market_data:BTCUSDT', marketData, 'EX', 300);
      }
      underWay++;
      void pipeline.exec(() => underWay--);
      await turn();
      while (underWay > PIPELINES_MAX) await pause();
    }
    while (underWay > 0) await pause();
  };
}

/** Nanoseconds per call, the fastest of many short rounds: what else the machine does is not the encoder's cost. */
function nanosPerCall(books: MutableBook[], call: (book: MutableBook) => number): number {
  let best = Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let round = 0; round < 300; round++) {
    const start = performance.now();
    for (const book of books) sum += call(book);
    best = Math.min(best, ((performance.now() - start) * 1e6) / books.length);
  }
  if (sum === 0) throw new Error('nothing was encoded');
  return best;
}

async function main(updates: number): Promise<void> {
  const server = await startEmbeddedRedis();
  const publisher = new RedisPublisher({ url: server.url, clock, instruments: [instrument], onLog: () => {} });
  publisher.start();
  const ticking = setInterval(() => publisher.onTick(), LIMITS.check_interval_ms);
  const redis = new Redis(server.url, { protocol: 2, replyMapping: 'legacy' });
  while (!publisher.connected) await pause();
  const books = makeBooks();
  const encoder = new DocumentEncoder(clock);
  const report = new BenchReport('redis-commands', [
    `top ${DEPTH} of a book, ${updates} updates a run, redis-server on loopback of the same machine, no subscribers`,
    "CPU of this process, user and system, per update; Redis's own is not in it; median of three runs",
    'one batch a turn of the event loop, one write or pipeline a batch',
  ]);
  report.add(
    'encode: bytes from integers',
    nanosPerCall(books, (book) => encoder.encodeBook(book).marketDataEnd) / 1000,
    'µs',
    '≤ 2',
  );
  report.add(
    'encode: template strings and Buffer.from',
    nanosPerCall(books, (book) => Buffer.from(templateDocuments(book).join('')).length) / 1000,
    'µs',
  );
  for (const batch of BATCHES) {
    for (const isWhole of [false, true]) {
      const what = `${isWhole ? 'whole' : 'commands'}, batch of ${batch}`;
      const mine = await measure(updates, ours(publisher, books, batch, isWhole));
      const theirs = await measure(Math.ceil(updates / 4), pipelines(redis, books, batch, isWhole));
      report.add(`${what}: ours`, mine.cpuUs, 'µs CPU/update');
      report.add(`${what}: ioredis pipeline`, theirs.cpuUs, 'µs CPU/update');
      report.add(`${what}: ratio`, theirs.cpuUs / mine.cpuUs, '×');
      report.add(`${what}: ours, rate`, mine.perSecond, 'updates/s');
      report.add(`${what}: ioredis pipeline, rate`, theirs.perSecond, 'updates/s');
    }
  }
  if (publisher.dropped.total + publisher.errors.total > 0) throw new Error('not everything was published');
  report.finish();
  redis.disconnect();
  clearInterval(ticking);
  await publisher.close();
  await server.close();
}

await main(Number(process.argv[2] ?? 100_000));
