// Makes a fresh or changed clone ready to run: Node version, dependencies, build, and Redis where the command needs one.
// Uses nothing but Node, says nothing when there is nothing to do. Usage: node scripts/bootstrap.mjs [demo|test|start|…]
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = join(import.meta.dirname, '..');
const LOCK = join(ROOT, '.cache', 'bootstrap.lock');
const LOCK_WAIT_MS_MAX = 10 * 60_000;
const BUILD_STAMP = join(ROOT, 'dist', '.sources.json');
const BUILD_FOLDERS = ['src', 'simulator', 'clients/typescript', 'bench', 'test'];
const BUILD_FILES = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
/** Commands that start a Redis of their own. The demo can also use one that is running, so it goes on without. */
const NEEDS_REDIS = { test: 'must', chaos: 'must', bench: 'may', demo: 'may' };

class BootstrapError extends Error {}

/** What the Node version is short of, or undefined. */
export function nodeProblem(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return undefined;
  return `found Node.js ${version}, allowed: 20.19 or newer (https://nodejs.org)`;
}

/** True when node_modules holds what package-lock.json asks for, by npm's own record of what it installed. */
export function areDependenciesCurrent(root) {
  const wanted = readJson(join(root, 'package-lock.json'));
  const installed = readJson(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted.packages).every(([path, { version, optional, peer }]) => {
    if (path === '' || optional === true || peer === true) return true;
    return installed.packages[path]?.version === version;
  });
}

/** Path, size and time of everything that the build reads, by path. */
export function listSources(root, folders = BUILD_FOLDERS, files = BUILD_FILES) {
  const sources = {};
  const add = (path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false });
    if (stat !== undefined) sources[path] = `${stat.size} ${stat.mtimeMs}`;
  };
  for (const folder of folders) {
    const entries = statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory()
      ? readdirSync(join(root, folder), { recursive: true })
      : [];
    for (const entry of entries) {
      if (entry.endsWith('.ts') && !entry.endsWith('.test.ts') && !entry.includes('node_modules')) {
        add(`${folder}/${entry}`);
      }
    }
  }
  for (const file of files) add(file);
  return sources;
}

/** `current`, `stale`, or `orphaned` when sources were deleted, whose output would stay behind. */
export function buildState(sources, built) {
  if (built === undefined) return 'orphaned';
  if (Object.keys(built).some((path) => sources[path] === undefined)) return 'orphaned';
  return Object.entries(sources).every(([path, state]) => built[path] === state) ? 'current' : 'stale';
}

/** The program on the search path, or undefined. */
export function findProgram(names, environment = process.env) {
  for (const name of names) {
    for (const folder of (environment.PATH ?? '').split(delimiter)) {
      try {
        if (folder !== '') {
          accessSync(join(folder, name), constants.X_OK);
          return join(folder, name);
        }
      } catch {
        // Not in this folder.
      }
    }
  }
  return undefined;
}

/** How a Redis is installed here: the command to show, and the ones to run when this user may. */
export function redisInstallation(environment, platform, userId) {
  if (platform === 'darwin' && findProgram(['brew'], environment)) {
    return { command: 'brew install redis', run: [['brew', 'install', 'redis']] };
  }
  if (findProgram(['apt-get'], environment)) {
    const install = ['apt-get', 'install', '-y', 'redis-server'];
    const command = `sudo ${install.join(' ')}`;
    return { command, run: userId === 0 ? [['apt-get', 'update'], install] : [] };
  }
  return { command: 'the package redis or valkey of your system', run: [] };
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function run(command, options = {}) {
  const { status, error } = spawnSync(command[0], command.slice(1), { cwd: ROOT, stdio: 'inherit', ...options });
  return error === undefined && status === 0;
}

function say(line) {
  process.stderr.write(`bootstrap: ${line}\n`);
}

function installDependencies() {
  if (areDependenciesCurrent(ROOT)) return;
  say('installing dependencies (npm ci)');
  // stdout of a command belongs to the command.
  const stdio = ['ignore', process.stderr, process.stderr];
  if (!run(['npm', 'ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], { stdio })) {
    throw new BootstrapError('npm ci failed: see above');
  }
}

function build() {
  const sources = listSources(ROOT);
  const state = buildState(sources, readJson(BUILD_STAMP));
  if (state === 'current') return;
  say('building');
  if (state === 'orphaned') rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
  rmSync(BUILD_STAMP, { force: true });
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const stdio = ['ignore', process.stderr, process.stderr];
  if (!run([process.execPath, compiler, '-p', 'tsconfig.build.json'], { stdio })) {
    throw new BootstrapError('the build failed: see above');
  }
  writeFileSync(BUILD_STAMP, JSON.stringify(sources));
}

function provideRedis(command) {
  const need = NEEDS_REDIS[command];
  if (need === undefined || findProgram(['redis-server', 'valkey-server'])) return;
  const { command: shown, run: steps } = redisInstallation(process.env, process.platform, process.getuid?.());
  if (steps.length > 0) {
    say(`installing Redis (${shown})`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const step of steps) run(step, { env, stdio: ['ignore', process.stderr, process.stderr] });
    if (findProgram(['redis-server', 'valkey-server'])) return;
  }
  const message = `no redis-server or valkey-server was found; install it with: ${shown}`;
  if (need === 'must') throw new BootstrapError(message);
  say(message);
}

/** Two commands at once on one clone: the second waits, then finds everything done. */
async function withLock(work) {
  const deadline = Date.now() + LOCK_WAIT_MS_MAX;
  mkdirSync(join(ROOT, '.cache'), { recursive: true });
  for (;;) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isAlive(Number(readJson(LOCK)))) rmSync(LOCK, { force: true });
      else if (Date.now() > deadline) throw new BootstrapError(`another bootstrap is running, see ${LOCK}`);
      else await sleep(200);
    }
  }
  try {
    work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function isEverythingCurrent() {
  return areDependenciesCurrent(ROOT) && buildState(listSources(ROOT), readJson(BUILD_STAMP)) === 'current';
}

async function main(command) {
  const problem = nodeProblem(process.versions.node);
  if (problem !== undefined) throw new BootstrapError(problem);
  if (!isEverythingCurrent()) {
    await withLock(() => {
      installDependencies();
      build();
    });
  }
  provideRedis(command);
}

if (process.argv[1] === import.meta.filename) {
  // npm says which of its scripts is running.
  await main(process.argv[2] ?? process.env.npm_lifecycle_event ?? '').catch((error) => {
    if (!(error instanceof BootstrapError)) throw error;
    say(error.message);
    process.exit(2);
  });
}
