/*
 * How long a service is away that is killed with SIGKILL and started again (until every symbol is live, from the start of the process), and
 * how long one that meets an unexpected exception goes on.
 *
 *   npm run bench -- restart [--symbols 8] [--rounds 10]
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRedis, startService, startSimulator, until } from '../test/e2e/processes.ts';
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
const simulator = await startSimulator(['--symbol-count', flags.symbols]);
const settings = {
  symbols: simulator.symbols.join(','),
  'exchange-ws-url': simulator.wsUrl,
  'exchange-rest-url': simulator.restUrl,
  'redis-url': redis.url,
  'shm-name': shmName,
  'shm-size-bytes': 1 << 20,
};

async function startAndWait(nodeFlags: readonly string[] = []) {
  const begin = performance.now();
  const service = await startService(settings, nodeFlags);
  await until('ready', async () => (await fetch(`${service.healthUrl}/ready`)).ok || undefined);
  return { service, seconds: (performance.now() - begin) / 1000 };
}

try {
  const restarts = new Float64Array(rounds);
  let { service } = await startAndWait();
  for (let round = 0; round < rounds; round++) {
    await service.end('SIGKILL');
    const again = await startAndWait();
    service = again.service;
    restarts[round] = again.seconds;
  }
  report.add('live again after SIGKILL, median', restarts.sort()[rounds >> 1]!, 's', '< 3');
  report.add('live again after SIGKILL, longest', restarts[rounds - 1]!, 's', '< 3');
  await service.end('SIGKILL');

  const ends = new Float64Array(rounds);
  for (let round = 0; round < rounds; round++) {
    if (existsSync(trigger)) rmSync(trigger);
    const { service: sabotaged } = await startAndWait(['--import', saboteur]);
    const begin = performance.now();
    writeFileSync(trigger, '');
    const code = await sabotaged.exited;
    ends[round] = (performance.now() - begin) / 1000;
    if (code !== 1) throw new Error(`the service ended with ${code}`);
  }
  report.add('ended after an unexpected exception, median', ends.sort()[rounds >> 1]!, 's', '< 1');
  report.add('ended after an unexpected exception, longest', ends[rounds - 1]!, 's', '< 1');
} finally {
  await simulator.end();
  await redis.end();
  rmSync(folder, { recursive: true });
  rmSync(`/dev/shm/${shmName}`, { force: true });
}
report.finish();
