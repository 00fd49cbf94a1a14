/*
 * From publish to read across two processes: a full book of 20 levels a side through the shared-memory ring, beside the bare hand-over
 * of one cache line, and beside the same book over Redis pub/sub; and how many book records one writer writes.
 *
 *   node dist/bench/shm-one-to-one.js [blocks of 1000 rounds]
 */
import { rmSync } from 'node:fs';
import { Redis } from 'ioredis';
import { open } from '../clients/typescript/index.ts';
import { startEmbeddedRedis } from '../src/ops/embedded-redis.ts';
import { BenchReport } from './report.ts';
import {
  BENCH_DEPTH,
  BENCH_RECORD_BYTES,
  clockCostNs,
  createBenchRegion,
  ECHO_BLOCK_ROUNDS,
  fullBook,
  pin,
  SharedClock,
  samplesOf,
  spinUntil,
  startPeer,
} from './shm-book.ts';
import { Bounce } from './shm-bounce.ts';

const BLOCKS = Number(process.argv[2] ?? 200);
/** Compiling shares the pinned cores with the spinning, so it takes a while. */
const WARMUP_BLOCKS = 500;
const PACED_ROUNDS = 200_000;
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

/** Halves of echoes, ns, by block of rounds. */
interface Echoes {
  readonly bare: Float64Array[];
  readonly moved: Float64Array[];
  readonly book: Float64Array[];
}

/**
 * Half of: one process sends, the other answers in kind. So each half has one writing and one reading. What is compared takes turns every
 * few milliseconds, because on a virtual machine the time that a cache line takes between two processors can triple from one minute to the
 * next, most likely as the host moves them.
 */
async function measureEchoes(): Promise<Echoes> {
  const file = `/dev/shm/${name('bounce')}`;
  Bounce.createFile(file);
  const bounce = new Bounce(file, BENCH_RECORD_BYTES);
  const blocks = WARMUP_BLOCKS + BLOCKS;
  const peer = await startPeer(THERE, 'echo', file, name('there'), name('back'), String(blocks));
  const reader = open(name('back'));
  const book = fullBook();
  let handOver = 0;
  const doNothing = () => {};
  const kinds = {
    bare() {
      bounce.send('ping', ++handOver);
      bounce.receive('pong', handOver, doNothing);
    },
    moved() {
      bounce.sendBytes('ping', ++handOver);
      bounce.receiveBytes('pong', handOver, doNothing);
    },
    book() {
      book.lastUpdateId++;
      region.writer.writeBook(book, book.lastUpdateId);
      while (reader.next() === undefined);
    },
  };
  const echoes: Echoes = { bare: [], moved: [], book: [] };
  for (let block = 0; block < blocks; block++) {
    for (const kind of ['bare', 'moved', 'book'] as const) {
      const samples = new Float64Array(ECHO_BLOCK_ROUNDS);
      const echo = kinds[kind];
      for (let round = 0; round < ECHO_BLOCK_ROUNDS; round++) {
        const start = performance.now();
        echo();
        samples[round] = ((performance.now() - start) / 2) * 1e6;
      }
      if (block >= WARMUP_BLOCKS) echoes[kind].push(samples.sort());
    }
  }
  peer.kill();
  bounce.close();
  rmSync(file);
  return echoes;
}

function addEchoes(report: BenchReport, { bare, moved, book }: Echoes): void {
  const all = (blocks: Float64Array[]) => Float64Array.from(blocks.flatMap((block) => [...block]));
  const middles = (blocks: Float64Array[]) => blocks.map((block) => block[block.length >> 1]!);
  report.addPercentiles('bare hand-over', all(bare), 'ns');
  report.addPercentiles('as many bytes moved in and out', all(moved), 'ns');
  report.addPercentiles('book, half an echo', all(book), 'ns', { p50: '≤ 300', p99: '≤ 1000' });
  const handOvers = middles(bare);
  const ratios = middles(book).map((middle, block) => middle / handOvers[block]!);
  report.add('book / bare, p50 of each block, median', middleOf(ratios), '×', '≤ 4');
  for (const { what, from, to } of PLACEMENTS) {
    const chosen = handOvers.map((middle) => middle >= from && middle < to);
    const of = (blocks: Float64Array[]) => middleOf(middles(blocks).filter((_, block) => chosen[block]));
    const share = chosen.filter(Boolean).length / chosen.length;
    report.add(`bare hand-over ${what}: share of blocks`, 100 * share, '%');
    if (share === 0) continue;
    report.add(`bare hand-over ${what}: bare p50`, of(bare), 'ns');
    report.add(`bare hand-over ${what}: bytes moved p50`, of(moved), 'ns');
    report.add(`bare hand-over ${what}: book p50`, of(book), 'ns');
  }
}

/** Of hand-overs, ns: where the two virtual processors were. */
const PLACEMENTS = [
  { what: 'below 200 ns', from: 0, to: 200 },
  { what: '200 ns and more', from: 200, to: Number.POSITIVE_INFINITY },
];

function middleOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** From the clock's reading just before a book is written to the clock's reading once the other process has decoded it. */
async function measureOneWay(): Promise<Float64Array> {
  const listener = await startPeer(THERE, 'listen', name('there'), String(PACED_ROUNDS + PACED_WARMUP));
  const samples = samplesOf(listener);
  const book = fullBook();
  let next = clock.nowNs();
  for (let round = 0; round < PACED_ROUNDS + PACED_WARMUP; round++) {
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
  'writer and reader spin, pinned to a virtual processor each; half a reading of a clock is in each echo, a whole one in one-way and Redis',
  `the three kinds of echo take turns every ${ECHO_BLOCK_ROUNDS} rounds`,
  'Redis: the same book as JSON text made beforehand, ioredis on both sides, one message at a time, its decoding not included',
]);
pin(process.pid, HERE);
report.add('reading the clock of one-way and Redis', clockCostNs(), 'ns');
addEchoes(report, await measureEchoes());
report.addPercentiles(`book, one way, every ${PACE_NS / 1000} µs`, await measureOneWay(), 'ns');
report.addPercentiles('Redis pub/sub, one way', await measureRedis(), 'ns');
await measureWriting(report);
region.close();
for (const region of ['there', 'back', 'write', 'publish']) rmSync(`/dev/shm/${name(region)}`, { force: true });
report.finish();
process.exit(0);
