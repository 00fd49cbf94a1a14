import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Outlet } from './market.ts';

/** Between two looks at the clock, ms. */
const TICK_MS = 4;
/** Events in one go, so that sockets and requests get their turn. */
const BATCH_EVENTS_MAX = 256;
/** A loop that fell behind by more (stopped process, overload) does not catch up: market time slips instead. */
const BACKLOG_MS_MAX = 2000;

/** Something that plays events in the order of market time. */
export interface PlaybackSource {
  /** Plays what is due until `untilMs`, at most `eventsMax` events. @returns how many it played. */
  advance(untilMs: number, eventsMax: number): number;
  /** Market time of the last event played, ms. */
  readonly positionMs: number;
  /** True while nothing may be played yet. */
  readonly isHeld: boolean;
  readonly isEnded: boolean;
}

export interface PlaybackOptions {
  /** Market seconds a second; Infinity plays as fast as the clients take it. */
  readonly speed: number;
  /** True: a full socket holds the market up. False: a client that cannot keep up is its own problem. */
  readonly waitsForClients: boolean;
}

/** Drives a source in real, scaled or full speed. */
export class PlaybackLoop {
  isPaused = false;
  speed: number;
  readonly #source: PlaybackSource;
  readonly #outlet: Outlet;
  readonly #waitsForClients: boolean;
  #targetMs: number;
  #isRunning = false;

  constructor(source: PlaybackSource, outlet: Outlet, options: PlaybackOptions) {
    this.#source = source;
    this.#outlet = outlet;
    this.speed = options.speed;
    this.#waitsForClients = options.waitsForClients;
    this.#targetMs = source.positionMs;
  }

  /** Market time now, ms: between events it goes on. */
  get nowMs(): number {
    return this.speed === Number.POSITIVE_INFINITY ? this.#source.positionMs : this.#targetMs;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#run();
  }

  stop(): void {
    this.#isRunning = false;
  }

  async #run(): Promise<void> {
    let lastMs = performance.now();
    while (this.#isRunning && !this.#source.isEnded) {
      const isIdle = this.isPaused || this.#source.isHeld;
      if (!isIdle && this.#waitsForClients && this.#outlet.isCongested) {
        await this.#outlet.drained();
        lastMs = performance.now();
        continue;
      }
      const nowMs = performance.now();
      const playedCount = isIdle ? 0 : this.#advance(nowMs - lastMs);
      lastMs = nowMs;
      if (playedCount > 0) this.#outlet.flush();
      if (playedCount >= BATCH_EVENTS_MAX) await nextTurn();
      else await sleep(TICK_MS);
    }
  }

  #advance(elapsedMs: number): number {
    if (this.speed === Number.POSITIVE_INFINITY) {
      return this.#source.advance(Number.POSITIVE_INFINITY, BATCH_EVENTS_MAX);
    }
    const latestMs = this.#source.positionMs + BACKLOG_MS_MAX * this.speed;
    this.#targetMs += elapsedMs * this.speed;
    const playedCount = this.#source.advance(this.#targetMs, BATCH_EVENTS_MAX);
    if (playedCount >= BATCH_EVENTS_MAX)
      this.#targetMs = Math.min(this.#targetMs, Math.max(latestMs, this.#source.positionMs));
    return playedCount;
  }
}
