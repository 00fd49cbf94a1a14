/*
 * From a WebSocket to Redis with real processes on this machine: a load process sends recorded depth frames as fast as they are taken, the
 * service publishes every update (three commands each, and shared memory), a real redis-server receives. The same for a service as it is
 * usually written (bench/baseline/service.ts), in the same run.
 *
 *   npm run bench -- wire-to-redis [--seconds 10] [--profile] [--only btcusdt|small] [--pin] [--node-flags '…']
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Rig, type RigOptions } from './load/rig.ts';
import { between, usageOf } from './process-usage.ts';
import { printProfile } from './profile-summary.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    profile: { type: 'boolean', default: false },
    only: { type: 'string' },
    pin: { type: 'boolean', default: false },
    'node-flags': { type: 'string', default: '' },
  },
});
const seconds = Number(flags.seconds);
const isProfiled = flags.profile;
const extraFlags = flags['node-flags'].split(' ').filter((flag) => flag !== '');

interface Case {
  readonly name: string;
  readonly options: RigOptions;
  /** Updates a second that it takes, roughly: how many to play for the asked time. */
  readonly expectedRate: number;
  readonly goals: { readonly rate?: string; readonly cpu?: string };
}

const CASES: readonly Case[] = [
  {
    name: 'BTCUSDT frames (1.6 KB, 68 levels): market-data',
    options: { recording: 'btcusdt', service: 'market-data' },
    expectedRate: 30_000,
    goals: { rate: '≥ 40,000', cpu: '≤ 20' },
  },
  {
    name: 'BTCUSDT frames (1.6 KB, 68 levels): baseline',
    options: { recording: 'btcusdt', service: 'baseline' },
    expectedRate: 3_000,
    goals: {},
  },
  {
    name: 'small frames (8 levels, four symbols): market-data',
    options: { recording: 'four-symbols', service: 'market-data' },
    expectedRate: 60_000,
    goals: { rate: '≥ 80,000' },
  },
  {
    name: 'small frames (8 levels, four symbols): baseline',
    options: { recording: 'four-symbols', service: 'baseline' },
    expectedRate: 6_000,
    goals: {},
  },
];

async function measure({ name, options, expectedRate, goals }: Case, report: BenchReport): Promise<number> {
  const profiles = mkdtempSync(join(tmpdir(), 'market-data-profile-'));
  const isOurs = options.service === 'market-data';
  const profileFlags = isProfiled && isOurs ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
  const rig = await Rig.start({ ...options, nodeFlags: [...extraFlags, ...profileFlags] });
  if (flags.pin) rig.pin();
  try {
    await rig.goLive();
    await rig.playAndWait(expectedRate * 2);
    const pids = { service: rig.servicePid, redis: rig.redisPid, load: rig.loadPid };
    const publishedBefore = await rig.published();
    const playedBefore = await rig.playback();
    const before = { service: usageOf(pids.service), redis: usageOf(pids.redis), load: usageOf(pids.load) };
    const begin = performance.now();
    await rig.play(0, playedBefore.position + expectedRate * seconds);
    const wallSeconds = await rig.untilPublished(
      'publish',
      publishedBefore.publish + 2 * expectedRate * seconds,
      begin,
    );
    const published = await rig.published();
    const after = { service: usageOf(pids.service), redis: usageOf(pids.redis), load: usageOf(pids.load) };
    const played = await rig.playback();
    const frames = played.depthFrames - playedBefore.depthFrames;
    // Two messages an update; SETs also come from the lease on the instance's name.
    const updates = (published.publish - publishedBefore.publish) / 2;
    const service = between(before.service, after.service);
    report.add(`${name}, rate`, updates / wallSeconds, 'updates/s', goals.rate);
    report.add(`${name}, CPU of the service`, service.cpuUs / updates, 'µs/update', goals.cpu);
    report.add(`${name}, of which in user mode`, service.userShare * 100, '%');
    report.add(`${name}, CPU load of the service`, service.cpuPercent, '% of a core');
    report.add(`${name}, CPU load of redis-server`, between(before.redis, after.redis).cpuPercent, '% of a core');
    report.add(`${name}, CPU load of the load process`, between(before.load, after.load).cpuPercent, '% of a core');
    report.add(`${name}, sent and not published`, frames - updates, 'updates', isOurs ? '0' : undefined);
    if (isOurs) {
      const metrics = await rig.metrics();
      const sum = (prefix: string) => {
        return [...metrics].reduce((total, [key, value]) => total + (key.startsWith(prefix) ? value : 0), 0);
      };
      report.add(`${name}, gaps`, sum('market_data_sequence_gaps'), '', '0');
      report.add(`${name}, conflated because Redis was behind`, sum('market_data_dropped'), 'updates', '0');
      report.add(`${name}, resident`, after.service.residentMb, 'MB');
    }
    return updates / wallSeconds;
  } finally {
    await rig.close();
    if (profileFlags.length > 0) printProfile(profiles, name);
  }
}

const report = new BenchReport('wire-to-redis', [
  `${seconds} s of frames as fast as they are taken, after 2 s to warm up; load process, redis-server and service on the same machine`,
  'no TLS, no compression, no subscribers; depth frames only; CPU is the scheduler’s own count of all threads of the process',
  'the recording is played round after round with ids that go on; its snapshots count as complete books',
  ...(flags.pin ? ['the service alone on CPU 0, everything else on the others'] : []),
  ...(extraFlags.length > 0 ? [`the service with ${extraFlags.join(' ')}`] : []),
  ...(isProfiled ? ['--cpu-prof was on: rates are lower than without'] : []),
]);
const rates = new Map<Case, number>();
for (const one of CASES) {
  if (flags.only === undefined || one.name.toLowerCase().startsWith(flags.only))
    rates.set(one, await measure(one, report));
}
for (const [ours, theirs] of [CASES.slice(0, 2), CASES.slice(2)] as [Case, Case][]) {
  const ratio = (rates.get(ours) ?? Number.NaN) / (rates.get(theirs) ?? Number.NaN);
  if (!Number.isNaN(ratio)) report.add(`${ours.name.split(' (')[0]}: rate, market-data / baseline`, ratio, '×');
}
report.finish();
