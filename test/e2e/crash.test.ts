import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { killAllChildren, until } from '../chaos/child.ts';
import { canMountPrivately, Stage, type StageOptions } from '../chaos/stage.ts';

/** What becomes of the process, and of the one that follows it, when the worst happens. */
const WAIT_MS = 30_000;
const directory = mkdtempSync(join(tmpdir(), 'market-data-crash-'));
let stages: Stage[] = [];

afterAll(() => {
  killAllChildren();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(async () => {
  for (const stage of stages) await stage.close();
  stages = [];
});

async function start(options: Partial<StageOptions> = {}): Promise<Stage> {
  const stage = new Stage({ symbols: ['BTCUSDT', 'ETHUSDT'], seed: 1, rate: 20, tradeRate: 5, ...options });
  stages.push(stage);
  await stage.startSimulator();
  await stage.startRedis();
  await stage.startService();
  return stage;
}

const isReady = (stage: Stage) => until('ready', WAIT_MS, () => stage.isReady());

/** A module that does harm inside the service's own process once a file appears. */
function saboteur(name: string, harm: string): { env: Record<string, string>; strike: () => void } {
  const trigger = join(directory, `${name}.trigger`);
  const module = join(directory, `${name}.mjs`);
  const source = `import { existsSync } from 'node:fs';
const timer = setInterval(() => { if (existsSync(${JSON.stringify(trigger)})) { clearInterval(timer); ${harm} } }, 20).unref();`;
  writeFileSync(module, source);
  return { env: { NODE_OPTIONS: `--import ${module}` }, strike: () => writeFileSync(trigger, '') };
}

describe('an unexpected exception ends the process with a last line that says so', () => {
  test.each([
    ['thrown in a timer', 'throw new TypeError("nobody expected this");'],
    ['a rejected promise', 'Promise.reject(new TypeError("nobody expected this"));'],
    ['thrown by something that is no error', 'throw { toString() { throw new Error("nobody expected this") } };'],
  ])('%s', async (name, harm) => {
    const { env, strike } = saboteur(name.replaceAll(' ', '-'), harm);
    const stage = await start({ env });
    await isReady(stage);
    strike();
    await until('the end', WAIT_MS, () => stage.service.exit !== undefined);
    expect(stage.service.exit).toEqual({ code: 1, signal: null });
    const last = JSON.parse(stage.log.lastLine);
    expect(last).toMatchObject({ level: 'fatal', msg: 'unexpected error: the process ends' });
    if (name !== 'thrown by something that is no error') expect(JSON.stringify(last)).toContain('nobody expected this');
  });
});

test('after kill -9 a new process takes over the shared memory and is live again', async () => {
  const stage = await start();
  await isReady(stage);
  const firstPid = stage.service.pid;
  await stage.service.end('SIGKILL', 1000);
  await stage.startService();
  await isReady(stage);
  expect(stage.service.pid).not.toBe(firstPid);
  const exit = await stage.service.end('SIGTERM', WAIT_MS);
  expect(exit).toMatchObject({ code: 0, isForced: false });
  // A predecessor that was killed is not taken for a second service.
  expect([...stage.log.messages.keys()].filter((message) => message.includes('another'))).toEqual([]);
});

test('two services under one shm_name: the second names the first and ends', async () => {
  const first = await start();
  await isReady(first);
  const second = new Stage({
    symbols: ['BTCUSDT'],
    seed: 1,
    rate: 20,
    tradeRate: 5,
    config: { shm_name: first.shmName },
  });
  stages.push(second);
  await second.startSimulator();
  await second.startRedis();
  await second.startService();
  await until('the end', WAIT_MS, () => second.service.exit !== undefined);
  expect(second.service.exit?.code).toBe(2);
  expect(`${second.errorLines.join('\n')}\n${second.log.lastLine}`).toContain(String(first.service.pid));
  expect(await first.isReady()).toBe(true);
});

test('two services on one Redis: the second reports the first', async () => {
  const first = await start();
  await isReady(first);
  const redisUrl = `redis://127.0.0.1:${first.redisPort}`;
  const second = new Stage({ symbols: ['BTCUSDT'], seed: 1, rate: 20, tradeRate: 5, config: { redis_url: redisUrl } });
  stages.push(second);
  const reports: string[] = [];
  second.log.onEntry = (entry) => {
    if (JSON.stringify(entry).includes(`"pid":${first.service.pid}`)) reports.push(JSON.stringify(entry));
  };
  await second.startSimulator();
  await second.startRedis();
  await second.startService();
  await until('the report', WAIT_MS, () => reports.length > 0);
  expect(reports[0]).toMatch(/"level":"(warn|error)"/);
});

const mountTest = test.skipIf(!existsSync('/dev/shm') || !canMountPrivately());

mountTest('a full /dev/shm: a clear message and exit code 2, no SIGBUS', async () => {
  const stage = new Stage({
    symbols: ['BTCUSDT'],
    seed: 1,
    rate: 20,
    tradeRate: 5,
    config: { shm_size_bytes: 16 << 20 },
    // A /dev/shm of its own, seen by this process alone.
    servicePrefix: [
      'unshare',
      '-m',
      'sh',
      '-c',
      'mount -t tmpfs -o size=4m tmpfs /dev/shm && exec "$0" "$@"',
      process.execPath,
    ],
  });
  stages.push(stage);
  await stage.startSimulator();
  await stage.startRedis();
  await stage.startService();
  await until('the end', WAIT_MS, () => stage.service.exit !== undefined);
  expect(stage.service.exit).toEqual({ code: 2, signal: null });
  expect(`${stage.errorLines.join('\n')}\n${stage.log.lastLine}`).toMatch(/space|full/i);
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain('size=4096k');
});
