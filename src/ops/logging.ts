import { write } from 'node:fs';
import pino, { type Logger } from 'pino';
import { maskUrl } from '../config/values.ts';
import type { LogLevel } from '../config.ts';
import { LIMITS } from '../limits.ts';

export type { Logger } from 'pino';

export interface LoggingOptions {
  readonly level: LogLevel;
  /** Lines for people, in place of JSON. */
  readonly isPretty: boolean;
  /** Takes the finished lines; without it they go to standard output. */
  readonly writeLines?: (lines: string) => void;
}

export interface LogOutput {
  readonly logger: Logger;
  /** Resolves when all lines are out, or after the time-out when their reader does not take them. */
  flush(timeoutMs: number): Promise<void>;
  /**
   * The last line before the process ends on an unexpected error. Returns when it is written, within 200 ms, without giving
   * way to the event loop: nothing may be published any more.
   */
  lastWords(error: unknown, message: string): void;
}

/** Where secrets might stand if somebody logs a whole object. URLs and tokens are masked before they get here. */
const SECRET_PATHS = ['redis_url', 'auth_token', 'password', '*.redis_url', '*.auth_token', '*.password'];

function censor(value: unknown, path: string[]): unknown {
  if (value === '') return value;
  return path.at(-1) === 'redis_url' && typeof value === 'string' ? maskUrl(value) : '***';
}

const LAST_WORDS_MS = 200;

/**
 * JSON lines with RFC 3339 times and levels by name; on a terminal, lines for people. JSON is written asynchronously: a reader of
 * the log that stops reading holds up nothing, and lines above the limit are dropped.
 */
export async function openLog({ level, isPretty, writeLines }: LoggingOptions): Promise<LogOutput> {
  const base: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor },
  };
  if (isPretty) {
    const logger = pino(base, await prettyStream(writeLines));
    return { logger, flush: async () => {}, lastWords: (error, message) => logger.fatal({ err: error }, message) };
  }

  const options: pino.LoggerOptions = { ...base, formatters: { level: (label) => ({ level: label }) } };
  if (writeLines !== undefined) {
    const logger = pino(options, { write: writeLines });
    return { logger, flush: async () => {}, lastWords: (error, message) => logger.fatal({ err: error }, message) };
  }

  // Opening `process.stdout` makes a pipe non-blocking: no thread is ever stuck in a write, not even when the process ends.
  const dest = process.stdout.fd;
  const destination = pino.destination({ dest, sync: false, minLength: 1, maxLength: LIMITS.log_queue_bytes_max });
  // The reader of the log has gone (EPIPE): the service lives on.
  destination.on('error', () => {});
  // Behind a plain `write`, "fatal" does not wait until all is written, as pino makes it do otherwise.
  const logger = pino(options, { write: (line) => void destination.write(line) });
  return {
    logger,
    flush: (timeoutMs) => flush(destination, timeoutMs),
    lastWords: (error, message) => pino(options, { write: writeAndWait }).fatal({ err: error }, message),
  };
}

async function prettyStream(writeLines: LoggingOptions['writeLines']): Promise<pino.DestinationStream> {
  // Costs memory, so it is loaded for people only.
  const { default: pretty } = await import('pino-pretty');
  const layout = { translateTime: 'SYS:HH:MM:ss.l', singleLine: true };
  if (writeLines === undefined) return pretty({ ...layout, destination: process.stdout.fd, sync: true });
  const format = pretty.prettyFactory({ ...layout, colorize: true });
  return { write: (line: string) => writeLines(format(line)) };
}

type Destination = ReturnType<typeof pino.destination>;

async function flush(destination: Destination, timeoutMs: number): Promise<void> {
  const isFlushed = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs, false);
    destination.flush(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  // What is left would be written when the process exits, waiting for its reader for ever.
  if (!isFlushed) destination.destroy();
}

/** A thread of the pool writes while this one sleeps. */
function writeAndWait(line: string): void {
  write(process.stdout.fd, line, () => {});
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WORDS_MS);
}
