import type { Clock } from '../../model/clock.ts';

export type LogLevel = 'info' | 'warn' | 'error';

/** Where messages go; fields never hold secrets. */
export type LogListener = (level: LogLevel, message: string, fields: Readonly<Record<string, unknown>>) => void;

const INTERVAL_NS = 10e9;

/** Passes on one message per kind and ten seconds, with the number of those that it kept back. */
export class LogLimiter {
  readonly #clock: Clock;
  readonly #onLog: LogListener;
  readonly #kinds = new Map<string, { nextNs: number; suppressed: number }>();

  constructor(clock: Clock, onLog: LogListener) {
    this.#clock = clock;
    this.#onLog = onLog;
  }

  /** @param kind from a small set of names */
  log(kind: string, level: LogLevel, message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    const now = this.#clock.nowNs();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now < known.nextNs) {
      known.suppressed++;
      return;
    }
    const suppressed = known?.suppressed ?? 0;
    this.#kinds.set(kind, { nextNs: now + INTERVAL_NS, suppressed: 0 });
    this.#onLog(level, message, suppressed === 0 ? fields : { ...fields, suppressed });
  }
}
