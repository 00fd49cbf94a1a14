/*
 * 500 symbols at 10 diffs and 2 trades a second each, from the simulated exchange with its limits (2400 request weight a minute), into a
 * real redis-server. Then the same with 4 symbols, which is what an idle service costs.
 *
 *   npm run bench -- many-symbols [--symbols 500] [--rate 10] [--seconds 20]
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type RunningService,
  type RunningSimulator,
  start,
  startRedis,
  startService,
  startSimulator,
  until,
} from '../test/e2e/processes.ts';
import { between, residentMb, usageOf } from './process-usage.ts';
import { BenchReport } from './report.ts';
import { latencyPercentile, readMetrics } from './service-metrics.ts';

const { values: flags } = parseArgs({
  options: {
    symbols: { type: 'string', default: '500' },
    rate: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '20' },
  },
});
const seconds = Number(flags.seconds);
const WARM_UP_RATE = 500;
/** After a load the engine gives memory back, in several collections that begin 8 s later. */
const SETTLE_MS = 30_000;

interface Ready {
  readonly symbols: Record<string, { state: string }>;
}

/** Seconds from the start until so many of the first symbols are live. */
async function watchStart(service: RunningService, symbols: readonly string[], begin: number) {
  const liveAfter = new Map<string, number>();
  let weight = 0;
  await until(
    'every symbol live',
    async () => {
      const ready = (await (await fetch(`${service.healthUrl}/ready`)).json()) as Ready;
      for (const symbol of symbols) {
        if (ready.symbols[symbol]?.state === 'live' && !liveAfter.has(symbol)) {
          liveAfter.set(symbol, (performance.now() - begin) / 1000);
        }
      }
      weight = Math.max(weight, (await readMetrics(service.healthUrl)).get('market_data_rest_used_weight') ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      return liveAfter.size === symbols.length || undefined;
    },
    180_000,
  );
  const times = symbols.map((symbol) => liveAfter.get(symbol)!);
  // Of all pairs of symbols, those where the one that was asked for first was not live later.
  let inOrder = 0;
  for (let index = 1; index < times.length; index++) if (times[index]! >= times[index - 1]! - 0.25) inOrder += 1;
  return { times, weight, inOrderShare: inOrder / Math.max(1, times.length - 1) };
}

/** At ten updates a second the engine would take minutes until it has compiled what is used: show it more for a while. */
async function warmUp(controlUrl: string): Promise<void> {
  const setRate = (rate: number) => fetch(`${controlUrl}/rate`, { method: 'POST', body: JSON.stringify({ rate }) });
  await setRate(WARM_UP_RATE);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  await setRate(Number(flags.rate));
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}

/** Per cent of a core that receiving alone takes, once its code is compiled too. */
async function idleFloor({ symbols, wsUrl, controlUrl }: RunningSimulator): Promise<number> {
  const streams = (what: string) => symbols.map((symbol) => `${symbol.toLowerCase()}@${what}`).join('/');
  const urls = [
    `${wsUrl}/public/stream?streams=${streams('depth@100ms')}`,
    `${wsUrl}/market/stream?streams=${streams('aggTrade')}`,
  ];
  const receiver = start(process.execPath, ['dist/bench/baseline/receiver.js', ...urls]);
  try {
    await until('receiver', () => receiver.output.find((line) => line === 'open'));
    await warmUp(controlUrl);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const before = usageOf(receiver.process.pid!);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    return between(before, usageOf(receiver.process.pid!)).cpuPercent;
  } finally {
    await receiver.end('SIGKILL');
  }
}

async function measure(count: number, report: BenchReport): Promise<void> {
  const redis = await startRedis();
  const simulator = await startSimulator(['--symbol-count', String(count), '--rate', flags.rate, '--trade-rate', '2']);
  const begin = performance.now();
  const service = await startService({
    symbols: simulator.symbols.join(','),
    'exchange-ws-url': simulator.wsUrl,
    'exchange-rest-url': simulator.restUrl,
    'redis-url': redis.url,
    'shm-name': `bench-${process.pid}`,
    'shm-size-bytes': count > 100 ? 8 << 20 : 1 << 20,
  });
  try {
    const { times, weight, inOrderShare } = await watchStart(service, simulator.symbols, begin);
    const isMany = count > 100;
    const name = `${count} symbols`;
    report.add(`${name}: all live after`, Math.max(...times), 's', isMany ? '< 60' : undefined);
    report.add(`${name}: first ten live after`, Math.max(...times.slice(0, 10)), 's');
    report.add(`${name}: neighbours that went live in the order asked for`, inOrderShare * 100, '%');
    report.add(`${name}: request weight used in a minute, at most`, weight, '', '≤ 2,400');
    if (!isMany) await warmUp(simulator.controlUrl);
    await new Promise((resolve) => setTimeout(resolve, 5000));
    const pid = service.process.pid!;
    const metricsBefore = await readMetrics(service.healthUrl);
    const before = usageOf(pid);
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    const after = usageOf(pid);
    const metricsAfter = await readMetrics(service.healthUrl);
    const updates = (metrics: Map<string, number>) => {
      return [...metrics].reduce(
        (sum, [key, value]) => sum + (key.startsWith('market_data_updates_total') ? value : 0),
        0,
      );
    };
    const { cpuPercent, cpuUs } = between(before, after);
    const applied = updates(metricsAfter) - updates(metricsBefore);
    report.add(`${name}: updates`, applied / seconds, '/s');
    report.add(`${name}: CPU`, cpuPercent, '% of a core', isMany ? undefined : '≤ 1');
    report.add(`${name}: CPU an update`, cpuUs / applied, 'µs');
    for (const [label, share] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['p99.9', 0.999],
    ] as const) {
      const latency = latencyPercentile(metricsBefore, metricsAfter, share);
      report.add(`${name}: frame received to published, ${label}, at most`, latency, 'µs');
    }
    report.add(`${name}: resident`, residentMb(pid), 'MB', isMany ? undefined : '≤ 90');
    if (!isMany) report.add(`${name}: CPU of a process that ignores the same frames`, await idleFloor(simulator), '%');
  } finally {
    await service.end();
    await simulator.end();
    await redis.end();
    rmSync(`/dev/shm/bench-${process.pid}`, { force: true });
  }
}

const report = new BenchReport('many-symbols', [
  `simulated exchange with bursts, ${flags.rate} diffs and 2 trades a second and symbol, 20 levels a diff; ${seconds} s measured`,
  'real redis-server without subscribers, all on the same machine; shared memory on; latency by the service’s own histogram',
  'before the few symbols are measured, they get 500 diffs a second each for 10 s, so that the code is compiled, and 30 s of rest',
  'start-up is counted from the start of the process; the venue’s limits (weight, streams) are enforced by the simulator',
]);
await measure(Number(flags.symbols), report);
await measure(4, report);
report.finish();
