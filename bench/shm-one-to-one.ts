/*
 * From publish to read across two processes: a full book of 20 levels a side through the shared-memory ring, beside the bare hand-over
 * of one cache line, and beside the same book over Redis pub/sub; and how many book records one writer writes.
 *
 *   node dist/bench/shm-one-to-one.js [rounds]
 */
import { rmSync } from 'node:fs';
import { Redis } from 'ioredis';
import { open } from '../clients/typescript/index.ts';
import { startEmbeddedRedis } from '../src/ops/embedded-redis.ts';
import { bookRecordBytes } from '../src/shm/plan.ts';
import { BenchReport } from './report.ts';
import {
  BENCH_DEPTH,
  clockCostNs,
  createBenchRegion,
  fullBook,
  pin,
  SharedClock,
  samplesOf,
  spinUntil,
  startPeer,
} from './shm-book.ts';
import { measureBounce } from './shm-bounce.ts';

const ROUNDS = Number(process.argv[2] ?? 200_000);
/** Compiling shares the pinned cores with the spinning, so it takes a while. */
const WARMUP = 1_000_000;
const PACED_WARMUP = 100_000;
const REDIS_ROUNDS = 10_000;
const REDIS_WARMUP = 5_000;
const PACE_NS = 10_000;
const HERE = 0;
const THERE = 1;

const clock = new SharedClock();
const name = (what: string) => `market_data_bench_${what}_${process.pid}`;

/** One region for all that this process writes: V8 compiles for it as it does in a service, which has one. */
const region = createBenchRegion(name('there'));

/** Half of: write a book, the other process reads it and writes one, read that. So each half has one writing and one reading. */
async function measureEcho(): Promise<Float64Array> {
  const echo = await startPeer(THERE, 'echo', name('there'), name('back'), String(ROUNDS + WARMUP));
  const reader = open(name('back'));
  const book = fullBook();
  const samples = new Float64Array(ROUNDS);
  for (let round = 0; round < ROUNDS + WARMUP; round++) {
    book.lastUpdateId++;
    const start = clock.nowNs();
    region.writer.writeBook(book, start);
    while (reader.next() === undefined);
    if (round >= WARMUP) samples[round - WARMUP] = (clock.nowNs() - start) / 2;
  }
  echo.kill();
  return samples;
}

/** From the clock's reading just before a book is written to the clock's reading once the other process has decoded it. */
async function measureOneWay(): Promise<Float64Array> {
  const listener = await startPeer(THERE, 'listen', name('there'), String(ROUNDS + PACED_WARMUP));
  const samples = samplesOf(listener);
  const book = fullBook();
  let next = clock.nowNs();
  for (let round = 0; round < ROUNDS + PACED_WARMUP; round++) {
    book.lastUpdateId++;
    next = Math.max(next + PACE_NS, clock.nowNs());
    spinUntil(clock, next);
    region.writer.writeBook(book, clock.nowNs());
  }
  return (await samples).subarray(PACED_WARMUP);
}

async function measureRedis(): Promise<Float64Array> {
  const server = await startEmbeddedRedis();
  const redis = new Redis(server.url);
  try {
    const listener = await startPeer(
      THERE,
      'redis',
      server.url,
      'orderbook:BTCUSDT',
      String(REDIS_ROUNDS + REDIS_WARMUP),
    );
    const samples = samplesOf(listener);
    const text = bookText();
    for (let round = 0; round < REDIS_ROUNDS + REDIS_WARMUP; round++) {
      await redis.publish('orderbook:BTCUSDT', `${text}${clock.nowNs()}}`);
    }
    return (await samples).subarray(REDIS_WARMUP);
  } finally {
    redis.disconnect();
    await server.close();
  }
}

/** The document without its last value, which is the publish time. */
function bookText(): string {
  const book = fullBook();
  const side = (prices: Float64Array, quantities: Float64Array) =>
    Array.from({ length: BENCH_DEPTH }, (_, level) => [prices[level]! / 100, quantities[level]! / 1000]);
  const text = JSON.stringify({
    symbol: 'BTCUSDT',
    last_update_id: book.lastUpdateId,
    bids: side(book.bidPrices, book.bidQuantities),
    asks: side(book.askPrices, book.askQuantities),
  });
  return `${text.slice(0, -1)},"timestamp":`;
}

/** In a process of its own, for the same reason. */
async function measureWriting(report: BenchReport): Promise<void> {
  const writer = await samplesOf(await startPeer(THERE, 'write', name('write')));
  report.add('book records written, ring and latest slot', writer[0]!, 'M/s', '≥ 3');
  report.add('garbage of a record', writer[1]!, 'bytes', '0');
  const publisher = await samplesOf(await startPeer(THERE, 'publish', name('publish')));
  report.add('the same through ShmPublisher, which reads the clock for each', publisher[0]!, 'M/s');
  report.add('garbage of a record, the reading of the clock', publisher[1]!, 'bytes');
}

const report = new BenchReport('shm-one-to-one', [
  `a full book: ${BENCH_DEPTH} levels a side, 768 bytes, written to the ring and the latest slot and decoded whole; ring of 1 MiB`,
  'writer and reader spin, pinned to a core each; half a reading of the clock is in each echo and bounce, a whole one in one-way and Redis',
  'Redis: the same book as JSON text made beforehand, ioredis on both sides, one message at a time, its decoding not included',
]);
pin(process.pid, HERE);
report.add('reading the clock', clockCostNs(), 'ns');
const bounce = await measureBounce(THERE, ROUNDS, WARMUP, 0);
report.addPercentiles('bare hand-over', bounce, 'ns');
const moved = await measureBounce(THERE, ROUNDS, WARMUP, bookRecordBytes(2 * BENCH_DEPTH));
report.addPercentiles('as many bytes moved in and out', moved, 'ns');
const echo = await measureEcho();
report.addPercentiles('book, half an echo', echo, 'ns', { p50: '≤ 300', p99: '≤ 1000' });
const middle = Math.floor(ROUNDS / 2);
report.add('book / bare, p50', echo[middle]! / bounce[middle]!, '×', '≤ 4');
report.add('book / bytes moved, p50', echo[middle]! / moved[middle]!, '×');
report.addPercentiles(`book, one way, every ${PACE_NS / 1000} µs`, await measureOneWay(), 'ns');
report.addPercentiles('Redis pub/sub, one way', await measureRedis(), 'ns');
await measureWriting(report);
region.close();
for (const region of ['there', 'back', 'write', 'publish']) rmSync(`/dev/shm/${name(region)}`, { force: true });
report.finish();
process.exit(0);
