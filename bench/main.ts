import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchResult, formatNumber, formatTable } from './report.ts';

/*
 * npm run bench -- NAME [flags]     one bench; the result goes to bench/results/NAME-<time>.json
 * npm run bench -- list             all of them
 * npm run bench -- compare A B      two result files side by side
 */

const ROOT = resolve(import.meta.dirname, '../..');
const RESULTS = join(ROOT, 'bench/results');

/** Benches by topology, and what each is about. */
const BENCHES: Readonly<Record<string, string>> = {
  decode: 'bytes of depth frames to integer levels, beside JSON.parse',
  'decode-and-book': 'depth frames decoded and applied to a book, beside the reference of the field',
  book: 'cost per level from 20 to 20,000 levels a side, top of book, memory, beside sorted arrays',
  'frame-to-published': "a frame's bytes to ring record written and Redis bytes handed to the socket",
  'redis-commands': "our bytes beside the Redis library's own pipeline",
  'wire-to-redis':
    'a load process over a real WebSocket, the service, a real redis-server, beside a straightforward service',
  overload: 'twice what the service can take',
  'many-symbols': '500 symbols: start-up, CPU, memory; idle cost with four',
  restart: 'killed and started again until live; the end after an unexpected exception',
  memory: "an hour's worth of recorded traffic; the cost of each dependency",
  websocket: 'receiving frames, with and without permessage-deflate',
  recorder: 'recording a latency, beside the metrics library',
  'shm-one-to-one': 'publish to read across two processes, beside a bare cache-line ping-pong and Redis pub/sub',
  'shm-one-to-many': 'one writer, several readers',
};

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === 'list' || name === '--help') {
    for (const line of formatTable(Object.entries(BENCHES))) console.log(line);
    return name === undefined ? 2 : 0;
  }
  if (name === 'compare') return compare(rest);
  if (!Object.hasOwn(BENCHES, name)) {
    console.error(`no bench is called ${name}; there are: ${Object.keys(BENCHES).join(', ')}`);
    return 2;
  }
  const file = join(RESULTS, `${name}-${new Date().toISOString().replace(/[:.]/g, '-')}.json`);
  const code = await run(name, rest, file);
  if (existsSync(file)) console.log(`result: ${file}`);
  return code;
}

/** Benches that measure allocation or collection of garbage need V8's own switches. */
function run(name: string, args: readonly string[], file: string): Promise<number> {
  const script = join(ROOT, 'dist/bench', `${name}.js`);
  const child = spawn(process.execPath, ['--expose-gc', script, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, BENCH_RESULT_FILE: file },
  });
  return new Promise((done) => child.on('exit', (code) => done(code ?? 1)));
}

function compare(files: readonly string[]): number {
  if (files.length !== 2) {
    console.error('compare takes two result files, or two names of results in bench/results');
    return 2;
  }
  const [before, after] = files.map(readResult);
  const rows = before!.figures.map(({ name, value, unit }) => {
    const other = after!.figures.find((figure) => figure.name === name);
    const ratio = other === undefined ? '' : `${formatNumber(other.value / value)}×`;
    return [name, formatNumber(value), other === undefined ? '–' : formatNumber(other.value), unit, ratio];
  });
  for (const line of formatTable([['figure', before!.startedAt, after!.startedAt, 'unit', 'B/A'], ...rows]))
    console.log(line);
  return 0;
}

function readResult(name: string): BenchResult {
  const path = existsSync(name) ? name : join(RESULTS, name);
  if (existsSync(path)) return JSON.parse(readFileSync(path, 'utf8')) as BenchResult;
  const known = existsSync(RESULTS) ? readdirSync(RESULTS) : [];
  throw new Error(`no result at ${name}; there are: ${known.join(', ') || 'none yet'}`);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
