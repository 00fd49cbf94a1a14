import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { ReaderReport, ReaderTask } from './stress-reader.ts';

/**
 * Real processes on one region: a writer at full speed, and readers that keep up, are slow, are stopped and continued, start late,
 * or read the latest slots. No reader may accept a torn or misplaced record, and what each read and lost must add up to what was
 * written, to the byte.
 *
 *     node dist/test/shm/stress.js --records 20000000
 */
export interface StressOptions {
  readonly records: number;
  readonly sizeBytes?: number;
  readonly symbols?: number;
  /** Where the built files are: processes cannot run TypeScript. */
  readonly builtDirectory: string;
  readonly onProgress?: (line: string) => void;
}

export interface StressResult {
  readonly node: string;
  readonly seconds: number;
  readonly written: { readonly records: number; readonly bytes: number };
  readonly readers: Record<string, ReaderReport>;
  /** Every violation in words; empty when all is well. */
  readonly problems: string[];
}

/** Positions begin just below 2^32, so that their low word wraps during the run. */
const FIRST_POSITION = 2 ** 32 - (64 << 20);
const STOP_MS = 150;
const CONTINUE_MS = 250;
const LATE_MS = 1000;

export async function stress(options: StressOptions): Promise<StressResult> {
  const name = `market_data_stress_${process.pid}`;
  const startedMs = performance.now();
  const writer = fork(join(options.builtDirectory, 'stress-writer.js'));
  try {
    writer.send({
      name,
      records: options.records,
      sizeBytes: options.sizeBytes ?? 1 << 20,
      symbols: options.symbols ?? 4,
      firstPosition: FIRST_POSITION,
    });
    await once(writer, 'message');
    const start = (mode: ReaderTask['mode']) => startReader(options.builtDirectory, { name, mode });
    const running = {
      keen: await start('ring'),
      slow: await start('slow'),
      stopped: await start('ring'),
      slots: await start('latest'),
    };
    const finished = once(writer, 'message');
    writer.send('go');
    const stopping = stopAndContinue(running.stopped.child);
    await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, LATE_MS))]);
    const readers = { ...running, late: await start('ring') };
    const [written] = (await finished) as [StressResult['written']];
    const stops = stopping();
    options.onProgress?.(`writer done: ${written.records} records, ${written.bytes} bytes; ${stops} stops of a reader`);
    const reports: Record<string, ReaderReport> = {};
    const problems: string[] = [];
    for (const [reader, { report }] of Object.entries(readers)) {
      reports[reader] = await report;
      problems.push(...problemsOf(reader, reports[reader], written));
    }
    return {
      node: process.version,
      seconds: (performance.now() - startedMs) / 1000,
      written,
      readers: reports,
      problems,
    };
  } finally {
    writer.kill('SIGKILL');
    rmSync(`/dev/shm/${name}`, { force: true });
  }
}

async function startReader(directory: string, task: ReaderTask) {
  const child = fork(join(directory, 'stress-reader.js'));
  child.send(task);
  await once(child, 'message');
  const report = once(child, 'message').then(([value]) => value as ReaderReport);
  return { child, report };
}

/** Returns a function that ends it and tells how often the process was stopped. */
function stopAndContinue(child: ChildProcess): () => number {
  let stops = 0;
  let timer: NodeJS.Timeout;
  const stop = () => {
    child.kill('SIGSTOP');
    stops++;
    timer = setTimeout(proceed, STOP_MS);
  };
  const proceed = () => {
    child.kill('SIGCONT');
    timer = setTimeout(stop, CONTINUE_MS);
  };
  timer = setTimeout(stop, STOP_MS);
  return () => {
    clearTimeout(timer);
    child.kill('SIGCONT');
    return stops;
  };
}

function problemsOf(reader: string, report: ReaderReport, written: StressResult['written']): string[] {
  const problems: string[] = [];
  const expect = (holds: boolean, what: string) => {
    if (!holds) problems.push(`${reader}: ${what}`);
  };
  expect(report.error === '', report.error);
  expect(report.torn === 0, `${report.torn} torn records`);
  expect(report.disordered === 0, `${report.disordered} records out of order`);
  expect(report.records > 0 || report.startPosition === FIRST_POSITION + written.bytes, 'read nothing');
  if (reader === 'slots') return problems;
  const passed = report.endPosition - report.startPosition;
  expect(report.endPosition === FIRST_POSITION + written.bytes, `ended at ${report.endPosition}`);
  expect(
    report.bytesRead + report.bytesLost === passed,
    `${report.bytesRead} read + ${report.bytesLost} lost ≠ ${passed}`,
  );
  if (report.startPosition === FIRST_POSITION) {
    expect(report.bytesRead + report.bytesLost === written.bytes, 'read + lost is not what was written');
  }
  const span = report.lastSequence === 0 ? 0 : report.lastSequence - report.firstSequence + 1;
  expect(
    report.records + report.recordsLost === span,
    `${report.records} records + ${report.recordsLost} lost ≠ ${span}`,
  );
  return problems;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { records: { type: 'string', default: '20000000' } } });
  const records = Number(values.records);
  const result = await stress({ records, builtDirectory: import.meta.dirname, onProgress: console.log });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = result.problems.length === 0 ? 0 : 1;
}
