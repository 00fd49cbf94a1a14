/*
 * From publish to read across two processes: a full book of 20 levels a side through the shared-memory ring, beside the bare hand-over
 * of one cache line, and beside the same book over Redis pub/sub; and how many book records one writer writes.
 *
 *   node dist/bench/shm-one-to-one.js [rounds]
 */
import { rmSync } from 'node:fs';
import { Redis } from 'ioredis';
import { open } from '../clients/typescript/index.ts';
import { SystemClock } from '../src/model/clock.ts';
import { startEmbeddedRedis } from '../src/ops/embedded-redis.ts';
import { ShmPublisher } from '../src/publish/shm.ts';
import { BenchReport } from './report.ts';
import {
  BENCH_DEPTH,
  BENCH_INSTRUMENT,
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
const WARMUP = 20_000;
const REDIS_ROUNDS = 10_000;
const PACE_NS = 10_000;
const WRITE_RECORDS = 3_000_000;
const WRITE_RUNS = 5;
const HERE = 0;
const THERE = 1;

const clock = new SharedClock();
const name = (what: string) => `market_data_bench_${what}_${process.pid}`;

/** Half of: write a book, the other process reads it and writes one, read that. So each half has one writing and one reading. */
async function measureEcho(): Promise<Float64Array> {
  const region = createBenchRegion(name('there'));
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
  region.close();
  echo.kill();
  return samples;
}

/** From the clock's reading just before a book is written to the clock's reading once the other process has decoded it. */
async function measureOneWay(): Promise<Float64Array> {
  const region = createBenchRegion(name('one'));
  const listener = await startPeer(THERE, 'listen', name('one'), String(ROUNDS + WARMUP));
  const samples = samplesOf(listener);
  const book = fullBook();
  let next = clock.nowNs();
  for (let round = 0; round < ROUNDS + WARMUP; round++) {
    book.lastUpdateId++;
    next = Math.max(next + PACE_NS, clock.nowNs());
    spinUntil(clock, next);
    region.writer.writeBook(book, clock.nowNs());
  }
  const result = (await samples).subarray(WARMUP);
  region.close();
  return result;
}

async function measureRedis(): Promise<Float64Array> {
  const server = await startEmbeddedRedis();
  const redis = new Redis(server.url);
  try {
    const listener = await startPeer(THERE, 'redis', server.url, 'orderbook:BTCUSDT', String(REDIS_ROUNDS));
    const samples = samplesOf(listener);
    const text = bookText();
    for (let round = 0; round < REDIS_ROUNDS; round++) {
      await redis.publish('orderbook:BTCUSDT', `${text}${clock.nowNs()}}`);
    }
    return await samples;
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

/** Million records a second of processor time, the best of some runs. */
function writeRate(write: () => void): number {
  let best = 0;
  for (let run = 0; run < WRITE_RUNS; run++) {
    const start = process.cpuUsage();
    for (let record = 0; record < WRITE_RECORDS; record++) write();
    const { user, system } = process.cpuUsage(start);
    best = Math.max(best, WRITE_RECORDS / (user + system));
  }
  return best;
}

/** Bytes of garbage a record leaves. Negative or huge when a collection came in between: the least of some runs. */
function garbageBytes(write: () => void): number {
  const records = 10_000;
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < WRITE_RUNS; run++) {
    const before = process.memoryUsage().heapUsed;
    for (let record = 0; record < records; record++) write();
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) least = Math.min(least, grown / records);
  }
  return least;
}

function measureWriting(report: BenchReport): void {
  const book = fullBook();
  const region = createBenchRegion(name('write'));
  const now = clock.nowNs();
  const write = () => {
    book.lastUpdateId++;
    region.writer.writeBook(book, now);
  };
  report.add('book records written, ring and latest slot', writeRate(write), 'M/s', '≥ 3');
  report.add('garbage of a record', garbageBytes(write), 'bytes', '0');
  region.close();

  const options = { name: name('write'), sizeBytes: 1 << 20, depth: BENCH_DEPTH, instruments: [BENCH_INSTRUMENT] };
  const publisher = new ShmPublisher({ ...options, clock: new SystemClock() });
  const publish = () => {
    book.lastUpdateId++;
    publisher.onBook(book);
  };
  report.add('the same through ShmPublisher, which reads the clock for each', writeRate(publish), 'M/s');
  report.add('garbage of a record, the reading of the clock', garbageBytes(publish), 'bytes');
  void publisher.close();
}

const report = new BenchReport('shm-one-to-one', [
  `a full book: ${BENCH_DEPTH} levels a side, 768 bytes, written to the ring and the latest slot and decoded whole; ring of 1 MiB`,
  'writer and reader spin, pinned to a core each; half a reading of the clock is in each echo and bounce, a whole one in one-way and Redis',
  'Redis: the same book as JSON text made beforehand, ioredis on both sides, one message at a time, its decoding not included',
]);
pin(process.pid, HERE);
report.add('reading the clock', clockCostNs(), 'ns');
const bounce = await measureBounce(THERE, ROUNDS, WARMUP);
report.addPercentiles('bare hand-over', bounce, 'ns');
const echo = await measureEcho();
report.addPercentiles('book, half an echo', echo, 'ns', { p50: '≤ 300', p99: '≤ 1000' });
const middle = Math.floor(ROUNDS / 2);
report.add('book / bare, p50', echo[middle]! / bounce[middle]!, '×', '≤ 4');
report.addPercentiles(`book, one way, every ${PACE_NS / 1000} µs`, await measureOneWay(), 'ns');
report.addPercentiles('Redis pub/sub, one way', await measureRedis(), 'ns');
measureWriting(report);
for (const region of ['there', 'back', 'one', 'write']) rmSync(`/dev/shm/${name(region)}`, { force: true });
report.finish();
process.exit(0);
