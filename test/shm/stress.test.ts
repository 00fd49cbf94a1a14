import { expect, test } from 'vitest';
import { builtDirectory } from './built.ts';
import { stress } from './stress.ts';

const RECORDS = Number(process.env.SHM_STRESS_RECORDS ?? 300_000);

test('no reader accepts a torn or misplaced record, and every loss is counted exactly', {
  timeout: 3_600_000,
}, async () => {
  const result = await stress({ records: RECORDS, builtDirectory: builtDirectory() });
  expect(result.problems).toEqual([]);
  expect(result.written.records).toBe(RECORDS);
  expect(Object.keys(result.readers).sort()).toEqual(['keen', 'late', 'slots', 'slow', 'stopped']);
});
