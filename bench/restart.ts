/*
 * How long a service is away that is killed with SIGKILL and started again (until every symbol is live, from the start of the process), and
 * how long one that meets an unexpected exception goes on.
 *
 *   npm run bench -- restart [--symbols 8] [--rounds 10]
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type RunningService, startRedis, startService, startSimulator, until } from '../test/e2e/processes.ts';
import { BenchReport } from './report.ts';

const { values: flags } = parseArgs({
  options: { symbols: { type: 'string', default: '8' }, rounds: { type: 'string', default: '10' } },
});
const rounds = Number(flags.rounds);

const report = new BenchReport('restart', [
  `simulated exchange with ${flags.symbols} symbols at 10 diffs and 5 trades a second each, real redis-server, shared memory on, same machine`,
  'live: /ready says 200, which it does when every symbol is live and Redis connected; asked every 20 ms',
  'ended: from the moment at which the exception is thrown to the exit of the process',
]);

const folder = mkdtempSync(join(tmpdir(), 'market-data-restart-'));
const shmName = `bench-restart-${process.pid}`;
const trigger = join(folder, 'trigger');
const saboteur = join(folder, 'saboteur.mjs');
writeFileSync(
  saboteur,
  `import { existsSync } from 'node:fs';
setInterval(() => { if (existsSync(${JSON.stringify(trigger)})) throw new Error('nobody expected this'); }, 1).unref();`,
);

const redis = await startRedis();

/** An exchange of its own for each round: twenty starts within a minute are more than one allows (request weight). */
async function withExchange<T>(run: (start: StartAndWait) => Promise<T>): Promise<T> {
  const simulator = await startSimulator(['--symbol-count', flags.symbols]);
  const settings = {
    symbols: simulator.symbols.join(','),
    'exchange-ws-url': simulator.wsUrl,
    'exchange-rest-url': simulator.restUrl,
    'redis-url': redis.url,
    'shm-name': shmName,
    'shm-size-bytes': 1 << 20,
  };
  try {
    return await run(async (nodeFlags = []) => {
      const begin = performance.now();
      const service = await startService(settings, nodeFlags);
      await until('ready', async () => (await fetch(`${service.healthUrl}/ready`)).ok || undefined);
      return { service, seconds: (performance.now() - begin) / 1000 };
    });
  } finally {
    await simulator.end();
  }
}

type StartAndWait = (nodeFlags?: readonly string[]) => Promise<{ service: RunningService; seconds: number }>;

/** Seconds until the service is live again after it was killed. */
async function restart(start: StartAndWait): Promise<number> {
  const { service } = await start();
  await service.end('SIGKILL');
  const again = await start();
  await again.service.end('SIGKILL');
  return again.seconds;
}

/** Seconds until the service has ended after an unexpected exception. */
async function endAfterException(start: StartAndWait): Promise<number> {
  rmSync(trigger, { force: true });
  const { service } = await start(['--import', saboteur]);
  const begin = performance.now();
  writeFileSync(trigger, '');
  const code = await service.exited;
  const seconds = (performance.now() - begin) / 1000;
  if (code !== 1) throw new Error(`the service ended with ${code}`);
  return seconds;
}

try {
  const restarts = new Float64Array(rounds);
  const ends = new Float64Array(rounds);
  for (let round = 0; round < rounds; round++) {
    restarts[round] = await withExchange(restart);
    ends[round] = await withExchange(endAfterException);
  }
  report.add('live again after SIGKILL, median', restarts.sort()[rounds >> 1]!, 's', '< 3');
  report.add('live again after SIGKILL, longest', restarts[rounds - 1]!, 's', '< 3');
  report.add('ended after an unexpected exception, median', ends.sort()[rounds >> 1]!, 's', '< 1');
  report.add('ended after an unexpected exception, longest', ends[rounds - 1]!, 's', '< 1');
} finally {
  await redis.end();
  rmSync(folder, { recursive: true });
  rmSync(`/dev/shm/${shmName}`, { force: true });
}
report.finish();
