import { existsSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { killAllChildren } from '../chaos/child.ts';
import { symbolNames } from '../chaos/command-line.ts';
import { type RunOptions, type RunReport, runSeed } from '../chaos/run.ts';

/**
 * A taste of `npm run chaos` with fixed seeds: real processes, seeded faults, every published book and trade compared with the exchange's
 * own. How long recovery takes is measured there, not here, where other tests share the machine.
 */
const COMMON: Omit<RunOptions, 'seed'> = {
  variant: 'faults',
  symbols: symbolNames(4),
  seconds: 6,
  rate: 60,
  tradeRate: 25,
  faultIntervalMs: 400,
  audit: false,
  isVerbose: false,
};

function wrong(report: RunReport): Record<string, number> {
  const { slow_recovery: _, ...rest } = report.violations;
  return rest;
}

afterAll(killAllChildren);

const hasShm = existsSync('/dev/shm');

test.skipIf(!hasShm).each([12, 20])('seed %i: nothing wrong is published, nothing is lost silently', async (seed) => {
  const report = await runSeed({ ...COMMON, seed });
  expect(wrong(report), report.details.join('\n')).toEqual({});
  expect(report.updates).toBeGreaterThan(100);
  expect(report.trades).toBeGreaterThan(100);
  expect(Object.keys(report.faults).length).toBeGreaterThan(0);
});

test.skipIf(!hasShm).each(['rotation', 'redundancy'] as const)(
  '%s: sockets come and go, and nobody notices',
  async (variant) => {
    const report = await runSeed({ ...COMMON, seed: 1, variant });
    expect(wrong(report), report.details.join('\n')).toEqual({});
    expect(report.resyncs).toEqual({});
  },
);

test.skipIf(!hasShm)(
  'the checker compares every book: a truth of five levels makes every book of twenty wrong',
  async () => {
    const report = await runSeed({ ...COMMON, seed: 3, seconds: 2, simulatorFlags: ['--truth-levels', '5'] });
    expect(report.updates).toBeGreaterThan(100);
    expect(report.violations.wrong_book).toBe(report.updates + report.updates_on_redis);
  },
);
