import { execFileSync } from 'node:child_process';
import { UsageError } from '../model/errors.ts';
import type { Logger } from './logging.ts';

/**
 * Binds all threads of this process to the given CPUs (sched_setaffinity, through util-linux's `taskset`). Nothing happens for an
 * empty list. @throws UsageError when the system has no such CPU or no `taskset`
 */
export function pinToCpus(cpus: readonly number[], logger: Logger): void {
  if (cpus.length === 0) return;
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cpus.join(','), String(process.pid)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    throw new UsageError(`cpu_affinity: ${(stderr?.toString() || message).trim().split('\n', 1)[0]}`);
  }
  logger.info({ cpus }, 'bound to CPUs');
}
