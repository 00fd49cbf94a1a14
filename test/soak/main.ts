import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { killAllChildren, sleep, until } from '../chaos/child.ts';
import { symbolNames } from '../chaos/command-line.ts';
import { MetricsPage } from '../chaos/metrics.ts';
import { Stage } from '../chaos/stage.ts';
import { misbehave } from './misbehave.ts';

const USAGE = `node dist/test/soak/main.js [--minutes M] [--rate N] [--symbols N] [--output FILE]

The service under a steady load while its Redis stops, dies and fills up, and its consumers do not read. Says what it costs: resident
memory, heap, event-loop delay, CPU. Exit code 1 when memory was not flat or the service was not ready at the end.
--rate: updates a second over all symbols, default 5000
`;

/** What resident memory may differ by between the second quarter and the last, as garbage comes and goes. */
const GROWTH_MAX = 1.15;
const GROWTH_BYTES_MAX = 16 << 20;
const SAMPLE_MS = 2000;

interface Sample {
  readonly second: number;
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
  readonly loop_p99_ms: number;
  readonly loop_max_ms: number;
  readonly cpu_seconds: number;
  readonly updates: number;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      minutes: { type: 'string', default: '10' },
      rate: { type: 'string', default: '5000' },
      symbols: { type: 'string', default: '20' },
      output: { type: 'string' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const symbols = symbolNames(Number(values.symbols));
  const rate = Number(values.rate) / symbols.length;
  const simulatorFlags = ['--burst', '1', '--levels', '10', '--book-levels', '600'];
  const stage = new Stage({ symbols, seed: 1, rate, tradeRate: rate / 5, simulatorFlags });
  const samples: Sample[] = [];
  try {
    await stage.startSimulator();
    await stage.startRedis();
    await stage.startService();
    await until('ready', 60_000, () => stage.isReady());
    const endMs = performance.now() + Number(values.minutes) * 60_000;
    const isOver = () => performance.now() > endMs;
    const consumers = misbehave(stage, isOver);
    await sampleUntil(stage, isOver, samples);
    await Promise.all(consumers);
    const isReady = await until('ready', 10_000, () => stage.isReady()).then(
      () => true,
      () => false,
    );
    const dropped = new MetricsPage((await stage.get('/metrics'))?.text ?? '').all('market_data_dropped_total');
    const report = { ...summarize(samples, isReady), dropped, warnings: stage.log.recent.length };
    console.log(JSON.stringify(report, undefined, 2));
    if (values.output !== undefined) writeFileSync(values.output, JSON.stringify({ report, samples }, undefined, 1));
    return report.is_flat && isReady ? 0 : 1;
  } finally {
    await stage.close();
  }
}

async function sampleUntil(stage: Stage, isOver: () => boolean, samples: Sample[]): Promise<void> {
  const startedMs = performance.now();
  while (!isOver() && stage.service.exit === undefined) {
    await sleep(SAMPLE_MS);
    const text = (await stage.get('/metrics'))?.text;
    if (text === undefined) continue;
    const page = new MetricsPage(text);
    samples.push({
      second: Math.round((performance.now() - startedMs) / 1000),
      rss: page.sum('process_resident_memory_bytes'),
      heap: page.sum('nodejs_heap_size_used_bytes'),
      external: page.sum('nodejs_external_memory_bytes'),
      loop_p99_ms: page.sum('nodejs_eventloop_lag_p99_seconds') * 1000,
      loop_max_ms: page.sum('nodejs_eventloop_lag_max_seconds') * 1000,
      cpu_seconds: page.sum('process_cpu_seconds_total'),
      updates: page.sum('market_data_updates_total'),
    });
  }
  if (stage.service.exit !== undefined) throw new Error(`the service ended: ${stage.log.lastLine}`);
}

function summarize(samples: readonly Sample[], isReady: boolean) {
  const quarter = (index: number) =>
    samples.slice(Math.floor((samples.length * index) / 4), Math.floor((samples.length * (index + 1)) / 4));
  const mb = (bytes: number) => Math.round((bytes / (1 << 20)) * 10) / 10;
  const [first, last] = [samples[0]!, samples.at(-1)!];
  const before = median(quarter(1).map(({ rss }) => rss));
  const after = median(quarter(3).map(({ rss }) => rss));
  const seconds = last.second - first.second;
  return {
    seconds,
    samples: samples.length,
    updates: last.updates - first.updates,
    updates_per_second: Math.round((last.updates - first.updates) / seconds),
    cpu_percent: Math.round(((last.cpu_seconds - first.cpu_seconds) / seconds) * 1000) / 10,
    rss_mb_by_quarter: [0, 1, 2, 3].map((index) => mb(median(quarter(index).map(({ rss }) => rss)))),
    rss_mb_max: mb(Math.max(...samples.map(({ rss }) => rss))),
    heap_mb_by_quarter: [0, 1, 2, 3].map((index) => mb(median(quarter(index).map(({ heap }) => heap)))),
    external_mb_max: mb(Math.max(...samples.map(({ external }) => external))),
    event_loop_p99_ms_median: Math.round(median(samples.map(({ loop_p99_ms }) => loop_p99_ms)) * 10) / 10,
    event_loop_max_ms: Math.round(Math.max(...samples.map(({ loop_max_ms }) => loop_max_ms))),
    is_ready_at_end: isReady,
    is_flat: after <= before * GROWTH_MAX || after - before <= GROWTH_BYTES_MAX,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

process.once('exit', killAllChildren);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error);
    process.exit(1);
  },
);
