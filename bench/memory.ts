/*
 * Resident memory of the service with the four recorded symbols, after an hour's worth of diffs and of a full market's, played at a fixed
 * speed; whether it stays there; and what each dependency costs by itself.
 *
 * An hour of four symbols at 100 ms is 144,000 diffs. They are played ten times faster than life, so that the run takes minutes.
 *
 *   npm run bench -- memory [--hours 2] [--rate 4000]
 */
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ROOT } from '../test/e2e/processes.ts';
import { Rig } from './load/rig.ts';
import { residentMb } from './process-usage.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({
  options: { hours: { type: 'string', default: '2' }, rate: { type: 'string', default: '4000' } },
});
const rate = Number(flags.rate);
const DIFFS_PER_HOUR = 4 * 10 * 3600;
const QUARTERS = 4 * Number(flags.hours);

/** Resident memory, MB, of a Node process that has imported this and waits. */
function residentAfterImport(name: string | undefined): number {
  const code = `${name === undefined ? '' : `await import(${JSON.stringify(name)});`}
    await new Promise((resolve) => setTimeout(resolve, 300));
    console.log(process.memoryUsage.rss() / 1e6);`;
  const sizes = Array.from({ length: 3 }, () => {
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    return Number(stdout);
  });
  return sizes.sort((one, other) => one - other)[1]!;
}

const report = new BenchReport('memory', [
  `four-symbol recording (8 levels a diff, all four subscribed), ${rate} diffs/s over a real socket; ${DIFFS_PER_HOUR} diffs are an hour`,
  'resident set of the service process, shared memory (1 MiB) included; Node’s own is the first of the dependencies’ figures',
]);

const rig = await Rig.start({ recording: 'four-symbols', service: 'market-data' });
try {
  report.add('started, nothing connected yet', residentMb(rig.servicePid), 'MB');
  await rig.goLive();
  report.add('four symbols live', residentMb(rig.servicePid), 'MB');
  for (let quarter = 1; quarter <= QUARTERS; quarter++) {
    await rig.playAndWait(DIFFS_PER_HOUR / 4, rate);
    const goal = quarter === 4 ? { goal: '≤ 90' } : {};
    report.add(`after ${quarter / 4} h`, residentMb(rig.servicePid), 'MB', goal.goal);
  }
} finally {
  await rig.close();
}

const bare = residentAfterImport(undefined);
report.add('Node by itself', bare, 'MB');
for (const name of ['ws', 'ioredis', 'koffi', 'pino', 'pino-pretty', 'prom-client', 'yaml']) {
  report.add(`${name}, on top`, residentAfterImport(name) - bare, 'MB');
}
report.finish();
