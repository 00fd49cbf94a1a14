/*
 * One writer and several reader processes on one ring: what readers cost the writer (nothing is the promise), and what a spinning
 * reader sees of the latency while others sleep and look.
 *
 *   node dist/bench/shm-one-to-many.js [rounds]
 */
import type { ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { BenchReport } from './report.ts';
import { createBenchRegion, fullBook, pin, SharedClock, samplesOf, spinUntil, startPeer } from './shm-book.ts';

const ROUNDS = Number(process.argv[2] ?? 50_000);
const WARMUP = 50_000;
const PACE_NS = 20_000;
const RECORDS_PER_RUN = 2_000_000;
const RUNS = 3;
const WRITER_CORE = 0;
const READER_CORE = 1;
const SLEEPERS = [0, 1, 4, 16];
const SLEEP_MS = 1;

const clock = new SharedClock();
const name = `market_data_bench_many_${process.pid}`;
/** One for all runs: V8 compiles for it as it does in a service, which has one. */
const region = createBenchRegion(name);

/** Million records a second of the writer's processor time while so many readers are attached; the best of some runs. */
async function writeRate(readers: number, pollMs: number): Promise<number> {
  const children: ChildProcess[] = [];
  for (let count = 0; count < readers; count++) {
    children.push(await startPeer(READER_CORE, 'drain', name, String(pollMs)));
  }
  const book = fullBook();
  const now = clock.nowNs();
  let best = 0;
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    for (let record = 0; record < RECORDS_PER_RUN; record++) {
      book.lastUpdateId++;
      region.writer.writeBook(book, now);
    }
    const { user, system } = process.cpuUsage(start);
    best = Math.max(best, RECORDS_PER_RUN / (user + system));
  }
  for (const child of children) child.kill();
  return best;
}

/** From publish to decoded, of one reader that spins, with so many that sleep and look. */
async function latency(sleepers: number): Promise<Float64Array> {
  const children: ChildProcess[] = [];
  for (let count = 0; count < sleepers; count++) {
    children.push(await startPeer(WRITER_CORE, 'drain', name, String(SLEEP_MS)));
  }
  const listener = await startPeer(READER_CORE, 'listen', name, String(ROUNDS + WARMUP));
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
  for (const child of children) child.kill();
  return result;
}

const report = new BenchReport('shm-one-to-many', [
  'a full book of 20 levels a side; the writer on one core, readers on another (latency: the sleeping readers share the writer’s)',
  `sleeping readers look every ${SLEEP_MS} ms; latency is of one further reader that spins, a book every ${PACE_NS / 1000} µs, clock reading included`,
]);
pin(process.pid, WRITER_CORE);
for (const readers of SLEEPERS) {
  report.add(`records written, ${readers} sleeping readers`, await writeRate(readers, SLEEP_MS), 'M/s');
}
report.add('records written, 1 spinning reader', await writeRate(1, 0), 'M/s');
for (const sleepers of [0, 4]) {
  report.addPercentiles(`book, one way, beside ${sleepers} sleeping readers`, await latency(sleepers), 'ns');
}
region.close();
rmSync(`/dev/shm/${name}`, { force: true });
report.finish();
process.exit(0);
