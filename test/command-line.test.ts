import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  freePort,
  ROOT,
  type Running,
  start,
  startRedis,
  startService,
  startSimulator,
  until,
} from './e2e/processes.ts';

const PROGRAM = join(ROOT, 'bin/market-data.js');

const running: Running[] = [];
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'market-data-command-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.end('SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

function kept<T extends Running>(started: T): T {
  running.push(started);
  return started;
}

/** Runs a command to its end. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status, stdout, stderr };
}

/** Ids of the living processes below one, itself excluded. Linux. */
function descendants(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number);
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** False also for a process that has ended and was not waited for. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('market-data', () => {
  it('without a command says what there is, and that this was wrong usage', () => {
    const { status, stdout, stderr } = run([]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: market-data COMMAND');
  });

  it.each(['--help', '-h', 'help'])('%s lists the commands', (flag) => {
    const { status, stdout } = run([flag]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}run .*\n {2}demo .*\n {2}simulate /m);
  });

  it('--version is the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(run(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('names the nearest command', () => {
    expect(run(['rnu'])).toEqual({
      status: 2,
      stdout: '',
      stderr: 'market-data: rnu: unknown command, did you mean run?\n',
    });
    expect(run(['toString']).stderr).toContain('unknown command');
  });

  it.each(['run', 'demo', 'simulate', 'watch'])('%s --help shows an example', (command) => {
    const { status, stdout } = run([command, '--help']);
    expect(status).toBe(0);
    expect(stdout).toMatch(/Examples?\n\s+(market-data|npm)/);
  });

  it('says what is missing when it was not built', () => {
    const copy = join(folder, 'bin');
    spawnSync('cp', ['-r', join(ROOT, 'bin'), copy]);
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    const { status, stderr } = spawnSync(process.execPath, [join(copy, 'market-data.js'), 'run'], { encoding: 'utf8' });
    expect(status).toBe(2);
    expect(stderr).toContain('not built yet');
  });
});

describe('market-data run', () => {
  it('ends with code 2 and one line when a setting is wrong', () => {
    writeFileSync(join(folder, 'config.yaml'), 'symbols: [BTCUSDT]\nhealth_prot: 1\n');
    const { status, stdout, stderr } = run(['run']);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe(
      `market-data: ${join(folder, 'config.yaml')}:2: health_prot: unknown key, did you mean health_port?\n`,
    );
  });

  it('ends with code 2 when the port is in use, naming it', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const child = kept(start(process.execPath, [PROGRAM, 'run', '--shm-name=', `--health-port=${port}`]));
    expect(await child.exited).toBe(2);
    expect(child.output.join('\n')).toContain(
      `market-data: health_port ${port} on 127.0.0.1 is in use by another program`,
    );
    other.close();
  });

  it('ends with code 2 when a symbol does not exist, naming the nearest', async () => {
    const simulator = kept(await startSimulator(['--symbols', 'BTCUSDT']));
    const args = [`--exchange-ws-url=${simulator.wsUrl}`, `--exchange-rest-url=${simulator.restUrl}`];
    const flags = [...args, '--shm-name=', '--health-port=0', '--symbols=BTCUSD'];
    const child = kept(start(process.execPath, [PROGRAM, 'run', ...flags]));
    expect(await child.exited).toBe(2);
    expect(child.output.join('\n')).toContain('BTCUSDT');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('ends with code 0 on %s', async (signal) => {
    const simulator = kept(await startSimulator(['--symbols', 'BTCUSDT']));
    const redis = kept(await startRedis());
    const service = kept(
      await startService({
        symbols: 'BTCUSDT',
        'exchange-ws-url': simulator.wsUrl,
        'exchange-rest-url': simulator.restUrl,
        'redis-url': redis.url,
      }),
    );
    await until('ready', async () => (await fetch(`${service.healthUrl}/ready`)).ok || undefined);
    const metrics = await (await fetch(`${service.healthUrl}/metrics`)).text();
    const youngBytes = /^nodejs_heap_space_size_total_bytes\{space="new"\} (\d+)$/m.exec(metrics)?.[1];
    expect(Number(youngBytes)).toBeLessThanOrEqual(4 << 20);
    expect(await service.end(signal)).toBe(0);
    const lines = service.output.map((line) => JSON.parse(line));
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped' });
    expect(lines[0]).toMatchObject({ msg: 'starting', pid: service.process.pid });
  });

  it('ends with code 0 also when neither the exchange nor Redis was ever there', async () => {
    const [exchange, redis] = [await freePort(), await freePort()];
    const service = kept(
      await startService({
        'exchange-ws-url': `ws://127.0.0.1:${exchange}`,
        'exchange-rest-url': `http://127.0.0.1:${exchange}`,
        'redis-url': `redis://:hush@127.0.0.1:${redis}`,
      }),
    );
    const ready = await fetch(`${service.healthUrl}/ready`);
    expect([ready.status, ((await ready.json()) as { ready: boolean }).ready]).toEqual([503, false]);
    expect(await service.end()).toBe(0);
    expect(service.output.join('\n')).not.toContain('hush');
  });
});

describe('the lifetime of a process', () => {
  const lifetime = join(ROOT, 'dist/src/cli/lifetime.js');
  const logging = join(ROOT, 'dist/src/ops/logging.js');

  /** Something that runs under the same supervision as the service; `start` is the body of what starts it. */
  function supervised(startBody: string): Running {
    const script = join(folder, 'supervised.mjs');
    writeFileSync(
      script,
      `import { runUntilEnded } from ${JSON.stringify(lifetime)};
       import { openLog } from ${JSON.stringify(logging)};
       const output = await openLog({ level: 'info', isPretty: false });
       const never = new Promise(() => {});
       setInterval(() => {}, 1000);
       process.exit(await runUntilEnded(output, async (onFatal) => { output.logger.info('up'); ${startBody} }));`,
    );
    return kept(start(process.execPath, [script]));
  }

  const isUp = (child: Running) => until('up', () => child.output.find((line) => line.includes('"up"')));

  it.each([
    ['an exception', `setTimeout(() => { throw new Error('boom'); }, 20);`],
    ['a rejected promise', `setTimeout(() => { void Promise.reject(new Error('boom')); }, 20);`],
    ['something thrown that is no error', `setTimeout(() => { throw 'boom'; }, 20);`],
  ])('ends at once on %s, with code 1 and a last line', async (_name, body) => {
    const child = supervised(`${body} return { close: () => never };`);
    expect(await child.exited).toBe(1);
    const last = JSON.parse(child.output.at(-1)!) as unknown;
    expect(last).toMatchObject({ level: 'fatal', msg: 'unexpected error: the process ends' });
    expect(JSON.stringify(last)).toContain('boom');
  });

  it('does not wait for ever when closing hangs, and says so', async () => {
    const child = supervised('return { close: () => never };');
    await isUp(child);
    expect(await child.end('SIGTERM')).toBe(0);
    expect(child.output.join('\n')).toContain('shutting down took too long');
  });

  it('ends at once on a second signal', async () => {
    const child = supervised('return { close: () => { output.logger.info("closing"); return never; } };');
    await isUp(child);
    child.process.kill('SIGINT');
    await until('closing', () => child.output.find((line) => line.includes('closing')));
    // The same signal right after the first one is an echo of it: Ctrl-C reaches a program by way of npm, too.
    child.process.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await child.end('SIGINT')).toBe(130);
    expect(child.output.join('\n')).not.toContain('too long');
  });

  it.each([
    ['UsageError', 2],
    ['Error', 1],
  ])('ends in order when it cannot go on: %s is code %i', async (name, code) => {
    const errors = join(ROOT, 'dist/src/model/errors.js');
    const child = supervised(`
      const { UsageError } = await import(${JSON.stringify(errors)});
      setTimeout(() => onFatal(new ${name}('cannot go on because')), 20);
      return { close: async () => output.logger.info('closed in order') };`);
    expect(await child.exited).toBe(code);
    expect(child.output.join('\n')).toMatch(/cannot go on because[\s\S]*closed in order/);
  });

  it('is not prolonged by a reader of the log that has stopped reading', async () => {
    const script = join(folder, 'unread.mjs');
    writeFileSync(
      script,
      `import { runUntilEnded } from ${JSON.stringify(lifetime)};
       import { openLog } from ${JSON.stringify(logging)};
       const output = await openLog({ level: 'info', isPretty: false });
       for (let line = 0; line < 5000; line++) output.logger.info({ line, filler: 'x'.repeat(500) }, 'many');
       let beats = 0;
       const beat = setInterval(() => { beats += 1; if (beats === 10) process.stderr.write('alive\\n'); }, 10);
       process.exit(await runUntilEnded(output, async () => ({ close: async () => clearInterval(beat) })));`,
    );
    const child: ChildProcess = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      const exited = once(child, 'exit');
      // Standard output is not read: the pipe is full from the start, and yet timers run.
      await once(child.stderr!, 'data');
      child.kill('SIGTERM');
      const [code] = await exited;
      expect(code).toBe(0);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('market-data simulate', () => {
  it('ends with its parent, even when that is killed', async () => {
    const simulator = kept(await startSimulator(['--symbols', 'BTCUSDT']));
    const children = descendants(simulator.process.pid!);
    expect(children).toHaveLength(1);
    await simulator.end('SIGKILL');
    await until('the simulator has ended', () => (children.some(isRunning) ? undefined : true));
  });

  it('hands on wrong usage', () => {
    expect(run(['simulate', '--no-such-flag']).status).toBe(2);
  });
});

describe('market-data demo', () => {
  interface Demo extends Running {
    readonly httpUrl: string;
    readonly redisPort: string;
    readonly children: number[];
  }

  async function startDemo(...flags: string[]): Promise<Demo> {
    const unused = await freePort();
    const args = ['demo', '--shm-name=', '--health-port=0', `--redis-url=redis://127.0.0.1:${unused}`, ...flags];
    const demo = kept(start(process.execPath, [PROGRAM, ...args], { cwd: folder }));
    const match = (pattern: RegExp) => until(String(pattern), () => pattern.exec(demo.output.join('\n'))?.[1], 30_000);
    const redisPort = await match(/redis-cli -p (\d+) SUBSCRIBE/);
    const httpUrl = await match(/^ {2}HTTP +(http:\S+)$/m);
    return { ...demo, httpUrl, redisPort, children: descendants(demo.process.pid!) };
  }

  it('is ready soon, publishes to its own Redis, shows each symbol, and leaves nothing behind on Ctrl-C', async () => {
    const demo = await startDemo('--symbols=BTCUSDT,ETHUSDT');
    const ready = await until('ready', async () => {
      const answer = await fetch(`${demo.httpUrl}/ready`);
      return answer.ok ? ((await answer.json()) as { symbols: object }) : undefined;
    });
    expect(Object.keys(ready.symbols)).toEqual(['BTCUSDT', 'ETHUSDT']);
    const { stdout } = spawnSync('redis-cli', ['-p', demo.redisPort, 'GET', 'market_data:BTCUSDT'], {
      encoding: 'utf8',
    });
    expect(JSON.parse(stdout)).toMatchObject({ symbol: 'BTCUSDT', bid_price: expect.any(Number) });
    await until('a table', () => demo.output.find((line) => /^ETHUSDT +live /.test(line)));

    expect(demo.children.length).toBeGreaterThanOrEqual(2);
    expect(await demo.end('SIGINT')).toBe(0);
    await until('all have ended', () => (demo.children.some(isRunning) ? undefined : true), 2_000);
  });

  it('leaves nothing behind when it is killed', async () => {
    const demo = await startDemo('--symbols=BTCUSDT');
    await demo.end('SIGKILL');
    await until('all have ended', () => (demo.children.some(isRunning) ? undefined : true));
  });

  it('uses the Redis that answers at redis_url', async () => {
    const redis = kept(await startRedis());
    const args = ['demo', '--shm-name=', '--health-port=0', '--symbols=BTCUSDT', `--redis-url=${redis.url}`];
    const demo = kept(start(process.execPath, [PROGRAM, ...args], { cwd: folder }));
    await until('published', () => {
      const { stdout } = spawnSync('redis-cli', ['-p', String(redis.port), 'EXISTS', 'market_data:BTCUSDT'], {
        encoding: 'utf8',
      });
      return stdout.trim() === '1' ? true : undefined;
    });
    expect(demo.output.join('\n')).toContain(`yours, at ${redis.url}`);
    expect(await demo.end('SIGINT')).toBe(0);
  });

  it('ends with code 1 when its exchange dies, in place of going on without data', async () => {
    const demo = await startDemo('--symbols=BTCUSDT');
    const simulator = demo.children.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('simulator/main.js'),
    )!;
    process.kill(simulator, 'SIGKILL');
    expect(await demo.exited).toBe(1);
    await until('all have ended', () => (demo.children.some(isRunning) ? undefined : true));
  });

  it('refuses an exchange on the command line: it brings its own', () => {
    const { status, stderr } = run(['demo', '--exchange-ws-url=wss://h']);
    expect([status, stderr]).toEqual([2, 'market-data: --exchange-ws-url: demo brings its own exchange\n']);
  });
});
