import { expect, test } from 'vitest';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

/** A taste of each target on every run; `node dist/test/fuzz/main.js --inputs 10000000` is the meal. */
const INPUTS: Readonly<Record<string, number>> = {
  decoder: 60_000,
  pipeline: 30_000,
  rest: 8_000,
  config: 1_500,
  redis: 30_000,
  http: 400,
  websocket: 30_000,
};
const SEED = Number(process.env.FUZZ_SEED ?? 1);

test.each(Object.keys(TARGETS))('%s: no input crashes it, and nothing invalid comes out', async (name) => {
  const report = await fuzz(await TARGETS[name]!(), SEED, INPUTS[name]!);
  expect(report.inputs).toBe(INPUTS[name]);
});
