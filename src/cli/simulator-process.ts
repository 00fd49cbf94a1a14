import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from './package.ts';

/** The simulator is a program beside the service, not a part of it: it is known by its path only. */
const PROGRAM = 'dist/simulator/main.js';
const LIFELINE = 'dist/src/cli/lifeline.js';
const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 2_000;

export interface SimulatorStart {
  readonly argv: readonly string[];
  readonly stdout: 'pipe' | 'inherit';
  readonly stderr: 'inherit' | 'ignore';
  /** In a process group of its own, Ctrl-C in the terminal does not reach it. */
  readonly isDetached: boolean;
}

/** It ends when this process ends, also by SIGKILL. */
export function spawnSimulator({ argv, stdout, stderr, isDetached }: SimulatorStart): ChildProcess {
  const root = packageRoot();
  return spawn(process.execPath, ['--import', join(root, LIFELINE), join(root, PROGRAM), ...argv], {
    stdio: ['pipe', stdout, stderr],
    detached: isDetached,
  });
}

/** The first line of the simulator: where it is. */
export interface SimulatorAddress {
  readonly ws_url: string;
  readonly rest_url: string;
  readonly control_url: string;
}

/** @throws Error when it ends before it is ready, or takes too long */
export async function simulatorAddress(child: ChildProcess): Promise<SimulatorAddress> {
  const lines = createInterface({ input: child.stdout! });
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), READY_TIMEOUT_MS);
  try {
    const [first] = await Promise.race([
      once(lines, 'line', { signal: giveUp.signal }),
      once(child, 'exit', { signal: giveUp.signal }),
    ]);
    if (typeof first !== 'string') throw new Error(`the simulator ended with code ${first} before it was ready`);
    return JSON.parse(first) as SimulatorAddress;
  } catch (error) {
    if (giveUp.signal.aborted) throw new Error(`the simulator was not ready within ${READY_TIMEOUT_MS} ms`);
    throw error;
  } finally {
    clearTimeout(timer);
    lines.close();
    child.stdout!.resume();
  }
}

export async function stopSimulator(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}
