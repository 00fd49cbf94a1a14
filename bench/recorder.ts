/*
 * What it costs to record a latency: the service's own histogram beside prom-client's, which a service usually feeds for every message.
 *
 *   npm run bench -- recorder
 */
import prometheus from 'prom-client';
import { LATENCY_BOUNDS_NS, LatencyHistogram } from '../src/model/latency-histogram.ts';
import { BenchReport } from './report.ts';

const VALUES = 4096;
const CALLS = 2_000_000;
const ROUNDS = 10;

const values = Float64Array.from({ length: VALUES }, (_, index) => 2000 * 1.5 ** ((index * 7919) % 24));

function nanosPerCall(calls: number, record: (value: number) => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) record(values[call % VALUES]!);
    best = Math.min(best, ((performance.now() - start) * 1e6) / calls);
  }
  return best;
}

const own = new LatencyHistogram();
const library = new prometheus.Histogram({
  name: 'latency',
  help: 'latency',
  labelNames: ['symbol'],
  buckets: LATENCY_BOUNDS_NS.map((ns) => ns / 1e9),
  registers: [],
});
let sum = 0;
const report = new BenchReport('recorder', [
  `${CALLS} values from 2 µs to 33 s, the best of ${ROUNDS} rounds; an empty loop over the same values is named first`,
]);
report.add(
  'the loop itself',
  nanosPerCall(CALLS, (value) => {
    sum += value;
  }),
  'ns',
);
report.add(
  'own histogram',
  nanosPerCall(CALLS, (value) => own.record(value)),
  'ns',
);
report.add(
  'prom-client, observe',
  nanosPerCall(CALLS / 10, (value) => library.observe({ symbol: 'BTCUSDT' }, value / 1e9)),
  'ns',
);
report.add(
  'reading the clock twice',
  nanosPerCall(CALLS, () => {
    sum += performance.now() - performance.now();
  }),
  'ns',
);
if (Number.isNaN(sum)) throw new Error('nothing was recorded');
report.finish();
