import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = join(import.meta.dirname, '..', 'scripts/bootstrap.mjs');

interface Bootstrap {
  nodeProblem(version: string): string | undefined;
  areDependenciesCurrent(root: string): boolean;
  listSources(root: string): Record<string, string>;
  buildState(sources: Record<string, string>, built: Record<string, string> | undefined): string;
  findProgram(names: string[], environment: NodeJS.ProcessEnv): string | undefined;
  redisInstallation(
    environment: NodeJS.ProcessEnv,
    platform: string,
    userId: number,
  ): { command: string; run: string[][] };
}
const bootstrap = (await import(SCRIPT)) as Bootstrap;

/** A small clone in which npm and the compiler are scripts that write down that they ran. */
let root: string;
let log: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'market-data-bootstrap-'));
  log = join(root, 'ran.log');
  write('package-lock.json', JSON.stringify(lockOf({ zod: '1.0.0' })));
  write('src/main.ts', 'export {};');
  write('tsconfig.json', '{}');
  mkdirSync(join(root, 'scripts'));
  cpSync(SCRIPT, join(root, 'scripts/bootstrap.mjs'));
  const install = `mkdir -p ${root}/node_modules && cp ${root}/package-lock.json ${root}/node_modules/.package-lock.json`;
  program('programs/npm', `echo "npm $1" >> ${log}; sleep 0.2; ${install}`);
  program('programs/redis-server', 'exit 0');
  write('node_modules/typescript/bin/tsc', compiler());
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function program(path: string, body: string): void {
  write(path, `#!/bin/sh\n${body}\n`);
  chmodSync(join(root, path), 0o755);
}

function compiler(exitCode = 0): string {
  return `const fs = require('node:fs');
    fs.appendFileSync(${JSON.stringify(log)}, 'tsc\\n');
    fs.mkdirSync('dist', { recursive: true });
    process.exit(${exitCode});`;
}

function lockOf(packages: Record<string, string>) {
  const entries = Object.entries(packages).map(([name, version]) => [`node_modules/${name}`, { version }]);
  return {
    packages: {
      '': {},
      'node_modules/only-elsewhere': { version: '1.0.0', optional: true },
      ...Object.fromEntries(entries),
    },
  };
}

const environment = () => ({ PATH: `${join(root, 'programs')}:/usr/bin:/bin` });

function run(command = '') {
  const args = [join(root, 'scripts/bootstrap.mjs'), ...(command === '' ? [] : [command])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env: environment(), encoding: 'utf8' });
  return { status, stdout, stderr };
}

function ran(): string[] {
  const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
  rmSync(log, { force: true });
  return lines;
}

describe('bootstrap', () => {
  it('installs and builds on a fresh clone, and leaves standard output to the command', () => {
    const { status, stdout, stderr } = run();
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toBe('bootstrap: installing dependencies (npm ci)\nbootstrap: building\n');
    expect(ran()).toEqual(['npm ci', 'tsc']);
  });

  it('does and says nothing when all is current', () => {
    run();
    ran();
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(ran()).toEqual([]);
  });

  it('installs when the lock file asks for another version', () => {
    run();
    ran();
    write('package-lock.json', JSON.stringify(lockOf({ zod: '1.0.1' })));
    run();
    expect(ran()).toEqual(['npm ci', 'tsc']);
  });

  it.each([
    ['changed', () => write('src/main.ts', 'export const changed = 1;')],
    ['touched', () => utimesSync(join(root, 'src/main.ts'), new Date(), new Date(Date.now() + 5_000))],
    ['added', () => write('simulator/other.ts', '')],
    ['configured anew', () => write('tsconfig.json', '{ }')],
  ])('builds when a source was %s', (_name, change) => {
    run();
    ran();
    change();
    run();
    expect(ran()).toEqual(['tsc']);
  });

  it('does not build when only a test changed', () => {
    run();
    ran();
    write('src/main.test.ts', '');
    run();
    expect(ran()).toEqual([]);
  });

  it('throws away what was built from a source that is gone', () => {
    write('src/gone.ts', '');
    run();
    write('dist/src/gone.js', '');
    rmSync(join(root, 'src/gone.ts'));
    run();
    expect(existsSync(join(root, 'dist/src/gone.js'))).toBe(false);
  });

  it('fails when the build does, and tries again the next time', () => {
    write('node_modules/typescript/bin/tsc', compiler(2));
    const { status, stderr } = run();
    expect([status, stderr]).toEqual([2, expect.stringContaining('bootstrap: the build failed: see above')]);
    write('node_modules/typescript/bin/tsc', compiler());
    ran();
    expect(run().status).toBe(0);
    expect(ran()).toEqual(['tsc']);
  });

  it('fails when npm does', () => {
    program('programs/npm', 'exit 1');
    expect(run()).toMatchObject({ status: 2, stderr: expect.stringContaining('npm ci failed') });
  });

  it('runs once when started twice at the same time', async () => {
    const start = () =>
      spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs')], { env: environment(), stdio: 'ignore' });
    const codes = await Promise.all([start(), start()].map(async (child) => (await once(child, 'exit'))[0]));
    expect(codes).toEqual([0, 0]);
    expect(ran()).toEqual(['npm ci', 'tsc']);
  });

  it('takes over the lock of one that was killed', () => {
    const { pid } = spawnSync('/bin/true');
    write('.cache/bootstrap.lock', String(pid));
    expect(run().status).toBe(0);
  });
});

describe('Redis', () => {
  /** Only the programs of the small clone, and node's own folder for none. */
  const without = () => ({ PATH: join(root, 'programs') });

  it('is not looked for by commands that start none', () => {
    run();
    rmSync(join(root, 'programs/redis-server'));
    const { status } = spawnSync(process.execPath, [join(root, 'scripts/bootstrap.mjs'), 'start'], { env: without() });
    expect(status).toBe(0);
  });

  it('that is missing fails the tests, and the demo goes on to look for a running one', () => {
    run();
    rmSync(join(root, 'programs/redis-server'));
    const outcome = (command: string) => {
      const args = [join(root, 'scripts/bootstrap.mjs'), command];
      const { status, stderr } = spawnSync(process.execPath, args, { env: without(), encoding: 'utf8' });
      return [status, stderr];
    };
    const message =
      'bootstrap: no redis-server or valkey-server was found; install it with: the package redis or valkey of your system\n';
    expect(outcome('test')).toEqual([2, message]);
    expect(outcome('demo')).toEqual([0, message]);
  });

  it('is installed by apt-get for root, and the command is shown to others', () => {
    program('programs/apt-get', 'exit 0');
    const install = ['apt-get', 'install', '-y', 'redis-server'];
    expect(bootstrap.redisInstallation(without(), 'linux', 0)).toEqual({
      command: 'sudo apt-get install -y redis-server',
      run: [['apt-get', 'update'], install],
    });
    expect(bootstrap.redisInstallation(without(), 'linux', 1000)).toEqual({
      command: 'sudo apt-get install -y redis-server',
      run: [],
    });
  });

  it('is installed by Homebrew on macOS', () => {
    program('programs/brew', 'exit 0');
    expect(bootstrap.redisInstallation(without(), 'darwin', 501).run).toEqual([['brew', 'install', 'redis']]);
  });

  it('is really there after its installation', () => {
    run();
    rmSync(join(root, 'programs/redis-server'));
    program(
      'programs/apt-get',
      `[ "$1" = update ] || { printf '#!/bin/sh\\n' > ${root}/programs/redis-server; /bin/chmod +x ${root}/programs/redis-server; }`,
    );
    const args = [join(root, 'scripts/bootstrap.mjs'), 'test'];
    const { status, stderr } = spawnSync(process.execPath, args, { env: without(), encoding: 'utf8' });
    const isRoot = process.getuid?.() === 0;
    expect(status).toBe(isRoot ? 0 : 2);
    expect(stderr).toContain(isRoot ? 'installing Redis' : 'sudo apt-get install -y redis-server');
  });
});

describe('the Node version', () => {
  it.each(['20.19.0', '20.20.2', '22.0.0', '26.1.0'])('%s is enough', (version) => {
    expect(bootstrap.nodeProblem(version)).toBeUndefined();
  });

  it.each(['18.20.0', '20.18.3'])('%s is not', (version) => {
    expect(bootstrap.nodeProblem(version)).toBe(
      `found Node.js ${version}, allowed: 20.19 or newer (https://nodejs.org)`,
    );
  });
});
