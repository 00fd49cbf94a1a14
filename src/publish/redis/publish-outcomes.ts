import type { Clock } from '../../model/clock.ts';
import { LabelledCounter } from '../../model/counters.ts';
import { COMMAND_KINDS, KIND } from './command-ring.ts';
import { LogLimiter, type LogListener } from './log-limiter.ts';
import { connectionErrorKind, errorKind, errorText } from './redis-error.ts';

/** Why something was not published, or not as it came. */
export type DropReason =
  /** A book was replaced by the symbol's next one while Redis was slow, or while it was away. */
  | 'book_conflated'
  | 'book_disconnected'
  /** A waiting book's market stopped being live: it must not be published any more. */
  | 'book_not_live'
  | 'status_conflated'
  | 'trade_queue_full'
  /** Sent, but the connection was lost before Redis answered: it may have been published or not. It is not sent again. */
  | 'book_unconfirmed'
  | 'trade_unconfirmed'
  | 'status_unconfirmed'
  /** Still waiting when the service ended. */
  | 'trade_shutdown';

const UNCONFIRMED: Readonly<Partial<Record<number, DropReason>>> = {
  [KIND.orderbook]: 'book_unconfirmed',
  [KIND.trades]: 'trade_unconfirmed',
  [KIND.status]: 'status_unconfirmed',
};

/** What is said about an error as long as nothing contradicts it. */
const ERROR_MEMORY_NS = 10e9;

/** What became of what was published: counters for /metrics, the last error for /ready, messages for the log. */
export class PublishOutcomes {
  readonly errors = new LabelledCounter();
  readonly dropped = new LabelledCounter();
  readonly logs: LogLimiter;
  readonly #clock: Clock;
  readonly #confirmed = new Float64Array(COMMAND_KINDS.length);
  #lastError: string | undefined;
  #lastErrorAtNs = 0;

  constructor(clock: Clock, onLog: LogListener) {
    this.#clock = clock;
    this.logs = new LogLimiter(clock, onLog);
  }

  /** Redis answered a command; kinds as in {@link KIND}. */
  confirm(kind: number): void {
    this.#confirmed[kind]!++;
  }

  confirmed(kind: number): number {
    return this.#confirmed[kind]!;
  }

  drop(reason: DropReason): void {
    this.dropped.add(reason);
  }

  /** The connection was lost before the answer. A key or statistics document of a lost book is not counted on its own. */
  lose(kind: number): void {
    const reason = UNCONFIRMED[kind];
    if (reason !== undefined) this.drop(reason);
  }

  /** Redis answered with an error. Returns its kind. */
  refuse(kind: number, symbol: string, text: string): string {
    const error = errorKind(text);
    this.errors.add(error);
    this.#remember(text);
    const command = COMMAND_KINDS[kind]!;
    this.logs.log(`${error} ${command}`, 'error', `Redis refused a command: ${text}`, { command, symbol });
    return error;
  }

  /** Connecting, logging in or the connection itself failed. Returns the error's kind. */
  failConnection(error: Error, where: string): string {
    return this.#failed(connectionErrorKind(error), errorText(error), where);
  }

  /** Redis is there, but does not let us work yet, or at all. Returns the error's kind. */
  refuseConnection(text: string, where: string): string {
    return this.#failed(errorKind(text), text, where);
  }

  forgetError(): void {
    this.#lastError = undefined;
  }

  get lastError(): string | undefined {
    const isRecent = this.#clock.nowNs() - this.#lastErrorAtNs < ERROR_MEMORY_NS;
    return isRecent ? this.#lastError : undefined;
  }

  #failed(kind: string, text: string, where: string): string {
    this.errors.add(kind);
    this.#remember(text);
    this.logs.log(`connection ${kind}`, 'error', `Redis: ${text}`, { redis: where });
    return kind;
  }

  #remember(text: string): void {
    this.#lastError = text;
    this.#lastErrorAtNs = this.#clock.nowNs();
  }
}
