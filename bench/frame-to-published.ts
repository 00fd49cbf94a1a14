/*
 * From the bytes of a frame to: ring record written, and the bytes of three Redis commands handed to the socket. The real pipeline with the
 * real publishers and a real redis-server; frames of the BTCUSDT recording come from memory at a given rate, `batch` at a time, as a
 * socket would bring them.
 *
 * Latency is measured from before `onFrame` to three points: the ring record is written; the commands stand encoded and are handed to the
 * socket; the write has returned, which is a system call in which the kernel also does the receiving side's work. Excluded: the
 * exchange's socket. The baseline's ends where `pipeline.exec()` returns.
 *
 *   npm run bench -- frame-to-published [--rate 10000] [--seconds 20] [--batch 1]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { getHeapStatistics } from 'node:v8';
import { Redis } from 'ioredis';
import { setUpYoungGeneration } from '../src/cli/young-generation.ts';
import { startEmbeddedRedis } from '../src/ops/embedded-redis.ts';
import { Straightforward } from './baseline/straightforward.ts';
import { GarbageWatch } from './garbage.ts';
import { RecordedLoop } from './load/recorded-loop.ts';
import { PipelineRig } from './pipeline-rig.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    rate: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    batch: { type: 'string', default: '1' },
  },
});
const rate = Number(flags.rate);
const seconds = Number(flags.seconds);
const batch = Number(flags.batch);

const WARM_UP_FRAMES = 60_000;
/** One level is 23 bytes or so: above this there are more than 150 of them. */
const USUAL_BYTES = 4000;
const BASELINE_RATE = 1_000;
const BASELINE_FRAMES = 5_000;
const ALLOCATION_FRAMES = 40_000;
const ALLOCATION_SAMPLE_FRAMES = 256;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Calls `run` `count` times at a rate, spinning through turns of the event loop in between. */
async function paced(count: number, perSecond: number, run: () => void): Promise<void> {
  const begin = performance.now();
  for (let done = 0; done < count; done++) {
    const dueMs = begin + (done * 1000) / perSecond;
    do await turn();
    while (performance.now() < dueMs);
    run();
  }
  await turn();
}

async function measureLatency(rig: PipelineRig, report: BenchReport): Promise<void> {
  const batches = Math.floor((rate * seconds) / batch);
  const ring = new Float64Array(batches);
  const encoded = new Float64Array(batches);
  const written = new Float64Array(batches);
  const bytes = new Float64Array(batches);
  const garbage = new GarbageWatch();
  let sample = 0;
  rig.onPublished = (times) => {
    ring[sample] = times.ringMs * 1000;
    encoded[sample] = times.encodedMs * 1000;
    written[sample] = times.writtenMs * 1000;
    bytes[sample++] = times.bytes;
  };
  garbage.start();
  await paced(batches, rate / batch, () => rig.feed(batch));
  await new Promise((resolve) => setTimeout(resolve, 20));
  garbage.stop();
  rig.onPublished = undefined;
  if (sample !== batches) throw new Error(`${sample} of ${batches} batches were published`);
  const isGoal = batch === 1 && rate === 10_000;
  const ofUsual = encoded.filter((_, index) => bytes[index]! <= USUAL_BYTES * batch);
  report.addPercentiles('frame to ring record', ring, 'µs');
  report.addPercentiles(
    'frame to Redis bytes handed to the socket',
    encoded,
    'µs',
    isGoal ? { p50: '≤ 10', p99: '≤ 25', 'p99.9': '≤ 1,000' } : {},
  );
  report.add(`share of frames up to ${USUAL_BYTES / 1000} KB`, (100 * ofUsual.length) / batches, '%');
  report.addPercentiles('the same, of these', ofUsual, 'µs');
  report.addPercentiles('frame to write returned', written, 'µs');
  report.add('collections of garbage, minor', garbage.minor, '');
  report.add('collections of garbage, major', garbage.major, '');
  report.add('longest pause', Math.max(0, ...garbage.pausesMs), 'ms');
}

async function measureBaseline(loop: RecordedLoop, redis: Redis, report: BenchReport): Promise<void> {
  const service = new Straightforward(redis, loop.symbols);
  service.onSnapshot('BTCUSDT', JSON.parse(loop.snapshotBody('BTCUSDT', 0)));
  const samplesUs = new Float64Array(BASELINE_FRAMES);
  let position = 0;
  const run = () => {
    const frame = loop.frame(position++);
    const start = performance.now();
    service.onMessage(frame);
    samplesUs[position % BASELINE_FRAMES] = (performance.now() - start) * 1000;
  };
  await paced(2 * BASELINE_FRAMES, BASELINE_RATE, run);
  report.addPercentiles(`baseline at ${BASELINE_RATE} diffs/s`, samplesUs, 'µs');
}

/** Bytes allocated per frame: growth of the heap between two collections, median, less what the measurement's own turns take. */
async function measureAllocation(rig: PipelineRig, frames: number): Promise<number> {
  const growth = async (run: () => void): Promise<number> => {
    const deltas: number[] = [];
    for (let done = 0; done < ALLOCATION_FRAMES; done += ALLOCATION_SAMPLE_FRAMES) {
      const before = getHeapStatistics().used_heap_size;
      for (let count = 0; count < ALLOCATION_SAMPLE_FRAMES; count += frames) {
        await turn();
        run();
      }
      await turn();
      deltas.push((getHeapStatistics().used_heap_size - before) / ALLOCATION_SAMPLE_FRAMES);
    }
    return deltas.filter((delta) => delta >= 0).sort((one, other) => one - other)[Math.floor(deltas.length / 2)]!;
  };
  const own = await growth(() => {});
  return (await growth(() => rig.feed(frames))) - own;
}

async function measureSurvivors(rig: PipelineRig): Promise<number> {
  const used = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis.gc!();
    globalThis.gc!();
    return process.memoryUsage().heapUsed;
  };
  const before = await used();
  await paced(ALLOCATION_FRAMES, 1e6, () => rig.feed(1));
  return ((await used()) - before) / ALLOCATION_FRAMES;
}

// As in the service.
setUpYoungGeneration();
const loop = RecordedLoop.open('btcusdt');
if (loop === undefined) process.exit(0);
const server = await startEmbeddedRedis();
const folder = mkdtempSync(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'market-data-bench-'));
const rig = new PipelineRig(loop, server.url, folder);
const report = new BenchReport('frame-to-published', [
  `${rate} diffs/s for ${seconds} s, ${batch} per batch, one batch a turn of the event loop; top 20 published, 1 MiB ring`,
  'real redis-server on loopback of the same machine without subscribers; three commands a diff, one write a batch',
  'measured from before onFrame, per batch; reading the clock is included',
]);
await rig.goLive();
await paced(WARM_UP_FRAMES / 8, rate, () => rig.feed(8));
await measureLatency(rig, report);
report.add('allocated per diff, batches of 1', await measureAllocation(rig, 1), 'bytes', '< 200');
report.add('allocated per diff, batches of 16', await measureAllocation(rig, 16), 'bytes', '< 200');
report.add('of it still there after a collection', await measureSurvivors(rig), 'bytes', '0');
const redis = new Redis(server.url);
await measureBaseline(loop, redis, report);
redis.disconnect();
await rig.close();
await server.close();
rmSync(folder, { recursive: true });
report.finish();
