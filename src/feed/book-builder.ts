import type { Sequencer } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import type { DepthSnapshot, DepthUpdate } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { Backoff } from './backoff.ts';
import { BookCandidate } from './book-candidate.ts';
import { DepthBuffer } from './depth-buffer.ts';
import { PRIORITY, type Priority } from './rest-client.ts';

/** What a builder needs of the session around it. */
export interface BookBuilderHost {
  readonly instrument: Instrument;
  nowNs(): number;
  createSequencer(): Sequencer;
  /** Asks for a snapshot; `onStart` is called when the request leaves, which may be at once or after a wait for the budget. */
  requestSnapshot(priority: Priority, onStart: () => void): Promise<DepthSnapshot>;
  /** How urgent the next attempt is. */
  retryPriority(): Priority;
  /** A book whose chain is proven. @param latest the diff that proved it; undefined when it had been buffered */
  onBookProven(candidate: BookCandidate, latest: DepthUpdate | undefined): void;
}

/**
 * The making of one symbol's book: asks for a snapshot, buffers diffs from the moment the request leaves, bridges the two, and tries
 * again, with backoff, until that holds. It never touches the book in use.
 */
export class BookBuilder {
  readonly #host: BookBuilderHost;
  readonly #buffer = new DepthBuffer(LIMITS.buffered_diffs_per_symbol_max);
  readonly #backoff = new Backoff(LIMITS.resync_delay_ms, LIMITS.resync_delay_ms_max);
  readonly #pace = new Backoff(LIMITS.resync_pace_ms, LIMITS.resync_pace_ms_max);
  /** When a book was wanted last, other than to refresh one that is live. */
  #wantedAtNs = Number.NEGATIVE_INFINITY;
  #candidate: BookCandidate | undefined;
  #isWanted = false;
  #isBuffering = false;
  /** Number of the request whose answer counts: an answer to an older one is ignored. */
  #request = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(host: BookBuilderHost) {
    this.#host = host;
  }

  /** A book is being made: diffs are to be offered. */
  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Starts making a book, unless one is being made: at once, or a little later when the last one broke just now. */
  want(priority: Priority): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    const delayMs = priority === PRIORITY.refresh ? 0 : this.#paceMs();
    if (delayMs === 0) this.#ask(priority);
    else this.#askAfter(delayMs);
  }

  /** As `want`, but gives the first diff some time to come first. */
  wantSoon(priority: Priority): void {
    if (this.#isWanted) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.want(priority), LIMITS.first_snapshot_delay_ms);
  }

  /** What was asked for no longer counts, whether it has been answered or not. */
  forget(): void {
    clearTimeout(this.#retry);
    this.#request += 1;
    this.#isWanted = false;
    this.#isBuffering = false;
    this.#candidate = undefined;
    this.#buffer.clear();
  }

  /** The connection is good again: the next failure waits shortly. */
  resetBackoff(): void {
    this.#backoff.reset();
  }

  /** A diff while a snapshot is on its way or waits for its bridge. */
  offer(update: DepthUpdate): void {
    if (this.#candidate !== undefined) {
      this.#candidate.offer(update);
      this.#judge(update);
    } else if (this.#isBuffering && !this.#buffer.push(update)) {
      // The answer takes longer than the buffer reaches: what it would bridge to is lost anyway.
      this.#buffer.clear();
      this.#buffer.push(update);
    }
  }

  /** Moves everything kept to finer scales; the instrument still has the old ones. @throws FeedError (resync) */
  rescale(priceScale: number, quantityScale: number): void {
    const { instrument } = this.#host;
    this.#buffer.rescale(priceScale - instrument.priceScale, quantityScale - instrument.quantityScale);
    this.#candidate?.book.rescale(priceScale, quantityScale);
  }

  #ask(priority: Priority): void {
    clearTimeout(this.#retry);
    this.#buffer.clear();
    this.#request += 1;
    const request = this.#request;
    const onStart = (): void => {
      if (request === this.#request) this.#isBuffering = true;
    };
    this.#host.requestSnapshot(priority, onStart).then(
      (snapshot) => {
        if (request === this.#request) this.#onSnapshot(snapshot);
      },
      () => {
        if (request === this.#request) this.#onFailure();
      },
    );
  }

  #onSnapshot(snapshot: DepthSnapshot): void {
    this.#isBuffering = false;
    const candidate = new BookCandidate(this.#host.instrument, this.#host.createSequencer(), snapshot);
    for (const update of this.#buffer.updates) candidate.offer(update);
    this.#buffer.clear();
    this.#candidate = candidate;
    this.#judge(undefined);
  }

  #onFailure(): void {
    this.#isBuffering = false;
    this.#buffer.clear();
    this.#askLater();
  }

  #askLater(): void {
    this.#askAfter(this.#backoff.nextDelayMs());
  }

  #askAfter(delayMs: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ask(this.#host.retryPriority()), delayMs);
  }

  #paceMs(): number {
    const nowNs = this.#host.nowNs();
    const isCalm = nowNs - this.#wantedAtNs > LIMITS.resync_calm_ms * 1e6;
    this.#wantedAtNs = nowNs;
    if (!isCalm) return this.#pace.nextDelayMs();
    this.#pace.reset();
    return 0;
  }

  #judge(latest: DepthUpdate | undefined): void {
    const candidate = this.#candidate!;
    if (candidate.isBroken) {
      this.#candidate = undefined;
      this.#askLater();
    } else if (candidate.isProven) {
      this.forget();
      this.#backoff.reset();
      this.#host.onBookProven(candidate, latest);
    }
  }
}
