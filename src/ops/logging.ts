import pino, { type Logger } from 'pino';
import type { LogLevel } from '../config.ts';
import { LIMITS } from '../limits.ts';

export type { Logger } from 'pino';

export interface LoggingOptions {
  readonly level: LogLevel;
  /** Human-readable lines instead of JSON. */
  readonly isPretty: boolean;
  /** 1 or 2. */
  readonly fileDescriptor?: number;
}

/** Where secrets might stand if somebody logs a whole object. URLs and tokens are masked before they get here. */
const SECRET_PATHS = [
  'redis_url',
  'auth_token',
  'password',
  '*.redis_url',
  '*.auth_token',
  '*.password',
  '*.authorization',
];

/**
 * JSON lines with RFC 3339 times and levels by name. Writing is asynchronous: a reader of the log that stops reading holds up
 * nothing, and lines above the limit are dropped. {@link flushLog} before the process ends.
 */
export async function createLogger(options: LoggingOptions): Promise<Logger> {
  const { level, isPretty, fileDescriptor = 1 } = options;
  const pinoOptions: pino.LoggerOptions = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: SECRET_PATHS, censor: '***' },
  };
  if (isPretty) {
    // Costs memory, so it is loaded for people only.
    const { default: pretty } = await import('pino-pretty');
    const stream = pretty({ destination: fileDescriptor, sync: true, translateTime: 'SYS:HH:MM:ss.l' });
    return pino(pinoOptions, stream);
  }
  const destination = pino.destination({ dest: fileDescriptor, sync: false, maxLength: LIMITS.log_queue_bytes_max });
  return pino({ ...pinoOptions, formatters: { level: (label) => ({ level: label }) } }, destination);
}

/** Resolves when all lines are out, or after the time-out when their reader does not take them. */
export async function flushLog(logger: Logger, timeoutMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeoutMs);
    logger.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
