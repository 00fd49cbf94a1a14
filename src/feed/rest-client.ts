import type { ExchangeRest, RestRequest } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import { LabelledCounter } from '../model/counters.ts';
import { HttpGetter } from './http-get.ts';
import type { RequestBudget } from './request-budget.ts';

/** Lower goes first. */
export const PRIORITY = { instruments: 0, resync: 1, trades: 2, snapshot: 3, refresh: 4, candles: 5 } as const;
export type Priority = (typeof PRIORITY)[keyof typeof PRIORITY];

/**
 * Share of the budget that a request leaves for more urgent ones, by priority: a book that is not live must not wait for candles, nor for
 * trades, which take 20 a page.
 */
const RESERVE: readonly number[] = [0, 0, 0.3, 0.1, 0.4, 0.4];

/** The venue refuses REST from here. */
export class RestRefusedError extends Error {
  override readonly name = 'RestRefusedError';
  /** 451 is a matter of law and will not change by asking again; 403 may be a firewall's passing mood. */
  readonly isFinal: boolean;

  constructor(message: string, statusCode = 451) {
    super(message);
    this.isFinal = statusCode === 451;
  }
}

export interface RequestOptions {
  /** Called when the request actually leaves: from then on diffs are worth buffering for its answer. */
  readonly onStart?: () => void;
  /** Among equals of a priority, lower goes first, then who was asked first; 0 when left out. */
  readonly rank?: number;
}

interface Waiting {
  readonly request: RestRequest<unknown>;
  readonly priority: Priority;
  readonly rank: number;
  readonly order: number;
  readonly onStart: (() => void) | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Sends the venue's REST requests: in order of urgency, within the weight budget, a few at a time. */
export class RestClient {
  readonly budget: RequestBudget;
  /** Answers by outcome: ok, limited, refused, failed, malformed, unreachable. */
  readonly outcomes = new LabelledCounter();
  readonly #baseUrl: string;
  readonly #rest: ExchangeRest;
  readonly #http = new HttpGetter();
  #waiting: Waiting[] = [];
  #running = 0;
  #order = 0;
  #wakeUp: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(baseUrl: string, rest: ExchangeRest, budget: RequestBudget) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#rest = rest;
    this.budget = budget;
  }

  /** @throws RestRefusedError, FeedError (a body that is not what was asked for), Error (network, status, closed) */
  request<T>(request: RestRequest<T>, priority: Priority, { onStart, rank = 0 }: RequestOptions = {}): Promise<T> {
    if (this.#closed) return Promise.reject(new Error('REST client is closed'));
    return new Promise<T>((resolve, reject) => {
      this.#order += 1;
      const entry: Waiting = {
        request,
        priority,
        rank,
        order: this.#order,
        onStart,
        resolve: resolve as (value: unknown) => void,
        reject,
      };
      this.#enqueue(entry);
      this.#pump();
    });
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#wakeUp);
    for (const entry of this.#waiting) entry.reject(new Error('REST client is closed'));
    this.#waiting = [];
    this.#http.close();
  }

  #enqueue(entry: Waiting): void {
    const at = this.#waiting.findIndex((other) => isBefore(entry, other));
    if (at === -1) this.#waiting.push(entry);
    else this.#waiting.splice(at, 0, entry);
  }

  #pump(): void {
    clearTimeout(this.#wakeUp);
    while (!this.#closed && this.#waiting.length > 0 && this.#running < LIMITS.rest_parallel_max) {
      const { index, waitMs } = this.#nextAffordable();
      if (waitMs > 0) {
        this.#wakeUp = setTimeout(() => this.#pump(), Math.min(waitMs + 5, 60_000));
        return;
      }
      const [entry] = this.#waiting.splice(index, 1);
      void this.#send(entry!);
    }
  }

  /** The most urgent request that may go now, or how long to wait: one that must leave a reserve holds up none that need not. */
  #nextAffordable(): { index: number; waitMs: number } {
    let waitMs = Number.POSITIVE_INFINITY;
    let lastPriority = -1;
    for (const [index, { request, priority }] of this.#waiting.entries()) {
      // Of equals none overtakes another.
      if (priority === lastPriority) continue;
      lastPriority = priority;
      const entryWaitMs = this.budget.take(request.weight, RESERVE[priority]!, Date.now());
      if (entryWaitMs === 0) return { index, waitMs: 0 };
      waitMs = Math.min(waitMs, entryWaitMs);
    }
    return { index: -1, waitMs };
  }

  async #send(entry: Waiting): Promise<void> {
    this.#running += 1;
    entry.onStart?.();
    try {
      const answer = await this.#http.get(this.#baseUrl + entry.request.path, {
        timeoutMs: LIMITS.rest_timeout_ms,
        bodyBytesMax: LIMITS.rest_body_bytes_max,
      });
      const status = this.#rest.status(answer.statusCode, answer.headers);
      const nowMs = Date.now();
      this.budget.report(status.usedWeight, nowMs);
      this.outcomes.add(status.outcome);
      if (status.outcome === 'ok') {
        this.#deliver(entry, answer.body);
      } else if (status.outcome === 'limited') {
        // Asked again, not failed: the wait is the budget's business, and whoever waits keeps its place.
        this.budget.block(status.retryAfterMs, nowMs);
        this.#enqueue(entry);
      } else if (status.outcome === 'refused') {
        entry.reject(new RestRefusedError(`HTTP ${answer.statusCode} for ${pathOf(entry.request)}`, answer.statusCode));
      } else {
        entry.reject(new Error(`HTTP ${answer.statusCode} for ${pathOf(entry.request)}`));
      }
    } catch (error) {
      this.outcomes.add('unreachable');
      entry.reject(new Error(`${pathOf(entry.request)}: ${(error as Error).message}`, { cause: error }));
    } finally {
      this.#running -= 1;
      this.#pump();
    }
  }

  #deliver(entry: Waiting, body: Uint8Array): void {
    try {
      entry.resolve(entry.request.parse(body));
    } catch (error) {
      this.outcomes.add('malformed');
      entry.reject(error as Error);
    }
  }
}

function isBefore(one: Waiting, other: Waiting): boolean {
  if (one.priority !== other.priority) return one.priority < other.priority;
  return one.rank === other.rank ? one.order < other.order : one.rank < other.rank;
}

function pathOf(request: RestRequest<unknown>): string {
  return request.path.split('?', 1)[0]!;
}
