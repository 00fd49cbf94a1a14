import { LIMITS } from '../limits.ts';
import { UsageError } from '../model/errors.ts';
import type { LogOutput } from '../ops/logging.ts';

/** What runs until a signal, or until it cannot go on. */
export interface Running {
  close(reason: string): Promise<void>;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * The terminal sends Ctrl-C to all processes in front, and npm passes its own one on as well: the same signal within this time
 * is not a second wish.
 */
const SIGNAL_ECHO_MS = 300;

/** Of the time for shutting down, kept for getting the last lines of the log out. */
const FLUSH_MS = 500;

/**
 * Starts something and keeps it until SIGINT, SIGTERM or SIGHUP (exit code 0), or until it reports an error through `onFatal`
 * (2 when only the user can change that, else 1). A second signal ends the process at once. So does an unexpected exception:
 * a process that is half alive would serve books that nobody keeps.
 */
export async function runUntilEnded(
  output: LogOutput,
  start: (onFatal: (error: Error) => void) => Promise<Running>,
): Promise<number> {
  let end: (ending: { reason: string; exitCode: number }) => void = () => {};
  const ended = new Promise<{ reason: string; exitCode: number }>((resolve) => {
    end = resolve;
  });

  endOnExceptions(output);
  endOnSecondSignal((signal) => end({ reason: signal, exitCode: 0 }));
  const running = await start((error) => {
    output.logger.fatal(error.message);
    end({ reason: 'cannot go on', exitCode: error instanceof UsageError ? 2 : 1 });
  });

  const { reason, exitCode } = await ended;
  const isClosed = await within(LIMITS.shutdown_ms_max - 2 * FLUSH_MS, running.close(reason));
  if (!isClosed) output.logger.warn('shutting down took too long: what was not handed out by now is lost');
  await output.flush(FLUSH_MS);
  return exitCode;
}

function endOnSecondSignal(onFirst: (signal: string) => void): void {
  let firstAtMs = Number.NaN;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (Number.isNaN(firstAtMs)) {
        firstAtMs = performance.now();
        onFirst(signal);
      } else if (performance.now() - firstAtMs > SIGNAL_ECHO_MS) {
        process.exit(128 + SIGNAL_NUMBERS[signal]);
      }
    });
  }
}

function endOnExceptions(output: LogOutput): void {
  const end = (error: unknown) => {
    try {
      output.lastWords(error, 'unexpected error: the process ends');
    } finally {
      process.exit(1);
    }
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

/** True when it was settled in time. */
async function within(timeoutMs: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  const isDone = await Promise.race([work.then(() => true), timeout]);
  clearTimeout(timer);
  return isDone;
}
