import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const CLIENTS = join(import.meta.dirname, '../../clients');
/** What is built stays out of the source folders. */
const CACHE = join(import.meta.dirname, '../../.cache/clients');
const STEP_MS_MAX = 300_000;
const SHOWN_BYTES_MAX = 4000;

const C_BUILD = join(CACHE, 'c');
const GO_BUILD = join(CACHE, 'go');
const RUST_TARGET = join(CACHE, 'rust');
const CARGO = { cwd: join(CLIENTS, 'rust'), env: { CARGO_TARGET_DIR: RUST_TARGET, CARGO_NET_OFFLINE: 'true' } };
const GO = { cwd: join(CLIENTS, 'go'), env: { GOPROXY: 'off', GOTOOLCHAIN: 'local', GOFLAGS: '-buildvcs=false' } };
const PYTHON = {
  cwd: join(CLIENTS, 'python'),
  env: { PYTHONPATH: join(CLIENTS, 'python'), PYTHONDONTWRITEBYTECODE: '1' },
};

/**
 * @typedef {{ command: string[], cwd?: string, env?: Record<string, string> }} Step
 * @typedef {{ name: string, tools: string[][], build: Step[], tests: Step[], dump: Step, topOfBook: Step }} Language
 * @type {Language[]}
 */
export const LANGUAGES = [
  {
    name: 'c',
    tools: [
      ['cc', '--version'],
      ['make', '--version'],
    ],
    build: [{ command: ['make', `BUILD=${C_BUILD}`, 'all'], cwd: join(CLIENTS, 'c') }],
    tests: [{ command: ['make', `BUILD=${C_BUILD}`, 'test'], cwd: join(CLIENTS, 'c') }],
    dump: { command: [join(C_BUILD, 'dump')] },
    topOfBook: { command: [join(C_BUILD, 'top_of_book')] },
  },
  {
    name: 'rust',
    tools: [['cargo', '--version']],
    build: [{ command: ['cargo', 'build', '--locked', '--quiet', '--examples'], ...CARGO }],
    tests: [{ command: ['cargo', 'test', '--locked', '--quiet'], ...CARGO }],
    dump: { command: [join(RUST_TARGET, 'debug/examples/dump')] },
    topOfBook: { command: [join(RUST_TARGET, 'debug/examples/top_of_book')] },
  },
  {
    name: 'go',
    tools: [['go', 'version']],
    build: [{ command: ['go', 'build', '-o', `${GO_BUILD}/`, './examples/...'], ...GO }],
    tests: [
      { command: ['go', 'vet', './...'], ...GO },
      { command: ['go', 'test', '-count=1', '.'], ...GO },
    ],
    dump: { command: [join(GO_BUILD, 'dump')] },
    topOfBook: { command: [join(GO_BUILD, 'top-of-book')] },
  },
  {
    name: 'python',
    tools: [['python3', '-c', 'import sys; sys.exit(sys.version_info < (3, 9) and "Python 3.9 or later is needed")']],
    build: [],
    tests: [{ command: ['python3', '-m', 'unittest', 'discover', '-s', 'tests'], ...PYTHON }],
    dump: { command: ['python3', 'examples/dump.py'], ...PYTHON },
    topOfBook: { command: ['python3', 'examples/top_of_book.py'], ...PYTHON },
  },
];

/** What of a language's toolchain is not here, or undefined. */
export function missingTool({ tools }) {
  for (const [program, ...args] of tools) {
    const { status, error } = spawnSync(program, args, { stdio: 'ignore' });
    if (error !== undefined) return `${program} is not installed`;
    if (status !== 0) return `${program} ${args.join(' ')} failed`;
  }
  return undefined;
}

/** Options for spawning one of a language's steps. */
export function spawnOptions({ cwd, env }) {
  return { cwd, env: { ...process.env, ...env } };
}

/** Runs a step to its end. @returns {string | undefined} undefined when it succeeded, else what it printed last. */
export function runQuietly(step) {
  const [program, ...args] = step.command;
  const options = { ...spawnOptions(step), timeout: STEP_MS_MAX, encoding: 'utf8', maxBuffer: 1 << 26 };
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, options);
  if (status === 0) return undefined;
  const end = error?.message ?? (signal === null ? `exit code ${status}` : `ended by ${signal}`);
  return `${end}\n${`${stdout}\n${stderr}`.trim().slice(-SHOWN_BYTES_MAX)}`;
}
