/*
 * Twice what the service can take, over real sockets, trades included. First its capacity: frames with the recording's own times, as fast
 * as they are taken, every update published. Then frames that carry the present time as the exchange's: at half of that, at twice, and at
 * half again.
 *
 * Age is looked at every 5 ms from outside. `to shared memory`: from the time that the load process stamped on the frame (whole
 * milliseconds) to the ring record, all sockets included. `to Redis`: from the frame's receipt until a GET of the key brings it.
 *
 *   npm run bench -- overload [--seconds 8] [--capacity N]
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { open, type ShmReader } from '../clients/typescript/index.ts';
import { Rig } from './load/rig.ts';
import { between, residentMb, usageOf } from './process-usage.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, capacity: { type: 'string' } },
});
const seconds = Number(flags.seconds);

const SYMBOL = 'BTCUSDT';
const PROBE_MS = 5;
const CAPACITY_FRAMES = 200_000;
/** How long a phase runs before it is looked at: the detector needs some looks of its own. */
const SETTLE_MS = 1000;

class AgeProbe {
  toShmMs: number[] = [];
  toRedisMs: number[] = [];
  residentMb: number[] = [];
  readonly #reader: ShmReader;
  readonly #redis: Redis;
  readonly #pid: number;
  readonly #timer: NodeJS.Timeout;
  #lastSequence = -1;
  #isAsking = false;

  constructor(rig: Rig) {
    this.#reader = open(rig.shmName);
    this.#redis = new Redis(rig.redis.port, '127.0.0.1');
    this.#pid = rig.servicePid;
    this.#timer = setInterval(() => this.#look(), PROBE_MS);
  }

  reset(): void {
    this.toShmMs = [];
    this.toRedisMs = [];
    this.residentMb = [];
  }

  close(): void {
    clearInterval(this.#timer);
    this.#redis.disconnect();
  }

  #look(): void {
    const book = this.#reader.latest(SYMBOL);
    if (book.sequence !== this.#lastSequence) {
      this.#lastSequence = book.sequence;
      this.toShmMs.push(Number(book.publishTimeNs - book.exchangeTimeNs) / 1e6);
    }
    this.residentMb.push(residentMb(this.#pid));
    if (!this.#isAsking) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const document = await this.#redis.get(`market_data:${SYMBOL}`);
    this.#isAsking = false;
    const { updated_at: updatedAt } = JSON.parse(document!) as { updated_at: string };
    this.toRedisMs.push(Date.now() - Date.parse(updatedAt));
  }
}

async function countsOf(rig: Rig) {
  const metrics = await rig.metrics();
  const sum = (...parts: readonly string[]) => {
    const isMeant = (key: string) => parts.every((part) => key.includes(part));
    return [...metrics].reduce((total, [key, value]) => total + (isMeant(key) ? value : 0), 0);
  };
  const { depthFrames, tradeFrames } = await rig.playback();
  return {
    depthFrames,
    tradeFrames,
    updates: sum('market_data_updates_total'),
    trades: sum('market_data_trades_total'),
    lostTrades: sum('market_data_trades_lost_total') + sum('market_data_dropped_total', 'trade_'),
    conflated: sum('market_data_dropped_total', 'sink="all"'),
    conflatedForRedis: sum('market_data_dropped_total', 'sink="redis"', 'book_conflated'),
    resyncs: sum('market_data_resyncs_total'),
    published: (await rig.published()).set,
  };
}

async function phase(rig: Rig, probe: AgeProbe, name: string, rate: number, report: BenchReport): Promise<void> {
  await rig.play(rate, undefined, true);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  probe.reset();
  const before = await countsOf(rig);
  const usage = usageOf(rig.servicePid);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { cpuPercent, seconds: elapsed } = between(usage, usageOf(rig.servicePid));
  const after = await countsOf(rig);
  const { behindMs } = await rig.playback();
  const perSecond = (name: keyof typeof after) => (after[name] - before[name]) / elapsed;
  report.add(`${name}: offered`, rate, 'frames/s');
  report.add(`${name}: taken`, perSecond('depthFrames') + perSecond('tradeFrames'), 'frames/s');
  report.add(`${name}: what the sender was behind by at the end`, behindMs, 'ms');
  report.add(`${name}: updates applied`, perSecond('updates'), '/s');
  report.add(`${name}: books published to Redis`, perSecond('published'), '/s');
  report.add(`${name}: updates conflated under overload`, perSecond('conflated'), '/s');
  report.add(`${name}: updates conflated because Redis was behind`, perSecond('conflatedForRedis'), '/s');
  report.add(`${name}: trades published`, perSecond('trades'), '/s');
  report.add(`${name}: CPU`, cpuPercent, '% of a core');
  report.addPercentiles(`${name}: age, to shared memory`, Float64Array.from(probe.toShmMs), 'ms', { p99: '< 50' });
  report.addPercentiles(`${name}: age, to Redis`, Float64Array.from(probe.toRedisMs), 'ms', { p99: '< 50' });
  report.add(`${name}: resident, at most`, Math.max(...probe.residentMb), 'MB');
  report.add(`${name}: resident, growth`, probe.residentMb.at(-1)! - probe.residentMb[0]!, 'MB');
}

/** Frames a second of depth and trades that are taken when every update is published. */
async function capacityOf(rig: Rig): Promise<number> {
  await rig.playAndWait(CAPACITY_FRAMES / 2);
  const { set } = await rig.published();
  const { position, depthFrames } = await rig.playback();
  const begin = performance.now();
  await rig.play(0, position + CAPACITY_FRAMES);
  const share = await rig.depthShare();
  const elapsed = await rig.untilPublished('set', set + Math.floor(CAPACITY_FRAMES * share), begin);
  const played = (await rig.playback()).depthFrames - depthFrames;
  return played / share / elapsed;
}

const rig = await Rig.start({ recording: 'btcusdt', withTrades: true, service: 'market-data' });
const report = new BenchReport('overload', [
  `BTCUSDT recording with its trades (3.2 for each diff), ${seconds} s a phase after ${SETTLE_MS / 1000} s to settle`,
  'load process, redis-server, service and the probe on the same machine; no TLS, no compression, no subscribers',
]);
try {
  await rig.goLive();
  const capacity = flags.capacity === undefined ? await capacityOf(rig) : Number(flags.capacity);
  report.add('capacity, every update published', capacity, 'frames/s');
  // From here on the frames' time is the present: the chain of ids goes on, the clock jumps.
  await rig.play(capacity / 4, undefined, true);
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await rig.play(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const first = await countsOf(rig);
  const probe = new AgeProbe(rig);
  await phase(rig, probe, 'half', capacity / 2, report);
  await phase(rig, probe, 'double', capacity * 2, report);
  const stopped = performance.now();
  await rig.play(capacity / 2, undefined, true);
  report.add('recovered: no conflation, age below 10 ms', await recoveryMs(rig, probe, stopped), 'ms');
  await phase(rig, probe, 'half again', capacity / 2, report);
  await rig.play(0, 0);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  probe.close();
  const last = await countsOf(rig);
  const sent = last.tradeFrames - first.tradeFrames;
  report.add('trades sent and not published', sent - (last.trades - first.trades), '', '0');
  report.add('trades lost', last.lostTrades, '', '0');
  report.add(
    'diffs sent and not applied',
    last.depthFrames - first.depthFrames - (last.updates - first.updates),
    '',
    '0',
  );
  report.add('books rebuilt', last.resyncs - first.resyncs, '', '0');
  report.finish();
} finally {
  await rig.close();
}

async function recoveryMs(rig: Rig, probe: AgeProbe, since: number): Promise<number> {
  let conflated = -1;
  for (;;) {
    probe.reset();
    const now = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 60));
    const counts = await countsOf(rig);
    const isFresh = probe.toShmMs.length > 0 && Math.max(...probe.toShmMs) < 10;
    if (isFresh && counts.conflated === conflated) return now - since;
    if (now - since > 30_000) return Number.NaN;
    conflated = counts.conflated;
  }
}
