import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { FuzzReport } from './run.ts';
import { TARGETS } from './targets.ts';
import type { FuzzJob } from './worker.ts';

const USAGE = `node dist/test/fuzz/main.js [--inputs N] [--seed N] [--target NAME]

Changed bytes for everything that takes bytes from outside: ${Object.keys(TARGETS).join(', ')}.
--inputs is the sum over all targets, default 1000000. Exit code 1 when one of them crashed, hung or grew; the message has the seed and
the input.
`;

const HANG_MS_MAX = 10_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', short: 'h' },
      inputs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      target: { type: 'string' },
    },
  });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  const names = values.target === undefined ? Object.keys(TARGETS) : [values.target];
  const reports: FuzzReport[] = [];
  let failures = 0;
  for (const target of names) {
    try {
      const report = await runInThread({ target, seed: Number(values.seed), inputs: Number(values.inputs) });
      reports.push(report);
      console.log(JSON.stringify(report));
    } catch (error) {
      failures++;
      console.error(error);
    }
  }
  const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
  console.log(JSON.stringify({ seed: Number(values.seed), inputs, failures }));
  return failures === 0 ? 0 : 1;
}

function runInThread(job: Omit<FuzzJob, 'shared'>): Promise<FuzzReport> {
  const shared = new SharedArrayBuffer(8 + 4096);
  const words = new Int32Array(shared, 0, 2);
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: { ...job, shared } });
    let lastCount = -1;
    const watchdog = setInterval(() => {
      const count = Atomics.load(words, 0);
      if (count === lastCount) {
        const input = Buffer.from(new Uint8Array(shared, 8, Atomics.load(words, 1)).slice());
        reject(
          new Error(
            `${job.target}, seed ${job.seed}, input ${count - 1} hangs: ${JSON.stringify(input.toString('latin1'))}`,
          ),
        );
        void worker.terminate();
      }
      lastCount = count;
    }, HANG_MS_MAX);
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => {
      clearInterval(watchdog);
      reject(new Error(`${job.target}: the thread ended without a report`));
    });
  });
}

process.exitCode = await main();
