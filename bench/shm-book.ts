import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../src/model/clock.ts';
import type { BookUpdate } from '../src/model/events.ts';
import type { Instrument } from '../src/model/instrument.ts';
import { bookRecordBytes } from '../src/shm/plan.ts';
import { Region } from '../src/shm/region.ts';

/** What the shared-memory benches have in common: a full book, a clock that all processes share, peers pinned to a core. */
export const BENCH_DEPTH = 20;
export const BENCH_RECORD_BYTES = bookRecordBytes(2 * BENCH_DEPTH);
/** So many echoes of one kind follow one another before the next kind's turn: some milliseconds, in which a machine stays as it is. */
export const ECHO_BLOCK_ROUNDS = 1000;
export const BENCH_INSTRUMENT: Instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 2, quantityScale: 3 };

export interface BenchBook extends BookUpdate {
  lastUpdateId: number;
  receiveTimeNs: number;
}

/** Twenty levels a side, every statistic known: the largest record there is at this depth (768 bytes). */
export function fullBook(): BenchBook {
  const levels = (first: number, step: number) =>
    Float64Array.from({ length: BENCH_DEPTH }, (_, level) => first + step * level);
  return {
    instrument: BENCH_INSTRUMENT,
    lastUpdateId: 5_000_000_000_000,
    source: 'diff',
    exchangeTimeMs: 1_759_727_805_212,
    receiveTimeNs: 0,
    bidCount: BENCH_DEPTH,
    askCount: BENCH_DEPTH,
    bidPrices: levels(6_180_020, -10),
    bidQuantities: levels(1234, 7),
    askPrices: levels(6_180_030, 10),
    askQuantities: levels(987, 13),
    lastPrice: 6_180_020,
    lastPriceScale: 2,
    volume24h: 123_456_789,
    high24h: 6_300_000,
    low24h: 6_100_000,
  };
}

/** CLOCK_MONOTONIC, the same in every process of the machine, also where the record format says wall time. */
export class SharedClock implements Clock {
  nowNs(): number {
    return Number(process.hrtime.bigint());
  }

  wallSeconds(timeNs: number): number {
    return Math.floor(timeNs / 1e9);
  }

  wallNanos(timeNs: number): number {
    return timeNs % 1e9;
  }
}

/** What reading the clock costs: every latency between two readings holds one of it. Nanoseconds, the least of many. */
export function clockCostNs(): number {
  const clock = new SharedClock();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 100; round++) {
    const start = clock.nowNs();
    for (let count = 0; count < 1000; count++) clock.nowNs();
    least = Math.min(least, (clock.nowNs() - start) / 1001);
  }
  return least;
}

export function createBenchRegion(name: string, sizeBytes = 1 << 20): Region {
  return Region.create({
    name,
    sizeBytes,
    depthMax: BENCH_DEPTH,
    instruments: [BENCH_INSTRUMENT],
    clock: new SharedClock(),
  });
}

/** Pins a process to one core, where `taskset` is there. */
export function pin(pid: number, core: number): void {
  try {
    execFileSync('taskset', ['-acp', String(core % cpus().length), String(pid)], { stdio: 'ignore' });
  } catch {
    // Unpinned it runs as well, only less evenly.
  }
}

/** Starts bench/shm-peer.js in a role; resolves once it is ready. */
export async function startPeer(core: number, ...args: string[]): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'shm-peer.js'), args, { serialization: 'advanced' });
  pin(child.pid!, core);
  await once(child, 'message');
  return child;
}

/** The peer's samples, once it has them. */
export async function samplesOf(child: ChildProcess): Promise<Float64Array> {
  const [samples] = (await once(child, 'message')) as [Float64Array];
  return samples;
}

/** Does nothing until a time of the shared clock, without giving up the core. */
export function spinUntil(clock: Clock, timeNs: number): void {
  while (clock.nowNs() < timeNs);
}
