import type { Market, Outlet } from './market.ts';
import { PlaybackLoop, type PlaybackSource } from './playback-loop.ts';
import { Random } from './random.ts';
import type { StreamHub } from './stream-hub.ts';
import { type Activity, SyntheticSymbol } from './synthetic-symbol.ts';
import type { Truth } from './truth.ts';

export interface SyntheticMarketOptions extends Activity {
  readonly symbols: readonly string[];
  readonly seed: number | string;
  /** Levels a side of each book. */
  readonly bookLevels: number;
  /** Market time at the start, ms since the Unix epoch. */
  readonly startTimeMs: number;
  /** Market seconds a second; Infinity: as fast as the clients take it. */
  readonly speed: number;
}

/** A made-up market: every symbol lives by its own seeded generator, and time orders what they do. */
export class SyntheticMarket implements Market, PlaybackSource {
  readonly kind = 'synthetic';
  readonly symbols: ReadonlyMap<string, SyntheticSymbol>;
  readonly loop: PlaybackLoop;
  readonly isEnded = false;
  positionMs: number;
  /** How far the exchange's clock is off market time, ms. */
  clockOffsetMs = 0;
  readonly #outlet: Outlet;
  readonly #listed: readonly SyntheticSymbol[];
  /** When each symbol steps next, market time. */
  readonly #dueMs: Float64Array;

  constructor(options: SyntheticMarketOptions, hub: StreamHub, outlet: Outlet, truth: Truth | undefined) {
    this.#outlet = outlet;
    const random = new Random(options.seed);
    const { rate, tradeRate, levels, burst } = options;
    this.positionMs = options.startTimeMs;
    this.#listed = options.symbols.map(
      (symbol) =>
        new SyntheticSymbol(symbol, {
          hub,
          truth,
          random: random.fork(symbol),
          startMs: options.startTimeMs,
          levelsPerSide: options.bookLevels,
          activity: { rate, tradeRate, levels, burst },
          now: () => this.nowMs(),
        }),
    );
    this.symbols = new Map(this.#listed.map((listed) => [listed.symbol, listed]));
    // Spread over the first interval: five hundred symbols do not speak in the same millisecond.
    this.#dueMs = Float64Array.from(
      this.#listed,
      (_, index) =>
        options.startTimeMs + ((index + 1) / this.#listed.length) * (rate > 0 ? 1000 / rate : Number.POSITIVE_INFINITY),
    );
    const isUnpaced = options.speed === Number.POSITIVE_INFINITY;
    this.loop = new PlaybackLoop(this, outlet, { speed: options.speed, waitsForClients: isUnpaced });
  }

  /** At full speed market time passes for clients alone: it does not run away while there are none. */
  get isHeld(): boolean {
    return this.loop.speed === Number.POSITIVE_INFINITY && !this.#outlet.hasClients;
  }

  nowMs(): number {
    return Math.floor(this.loop.nowMs + this.clockOffsetMs);
  }

  start(): void {
    this.loop.start();
  }

  stop(): void {
    this.loop.stop();
  }

  /** Changes how busy one symbol is, or all of them. */
  setActivity(change: Partial<Activity>, symbol?: string): void {
    for (let index = 0; index < this.#listed.length; index++) {
      const listed = this.#listed[index]!;
      if (symbol !== undefined && listed.symbol !== symbol) continue;
      Object.assign(listed.activity, change);
      this.#dueMs[index] = this.loop.nowMs + listed.drawIntervalMs(this.loop.nowMs);
    }
  }

  advance(untilMs: number, eventsMax: number): number {
    const due = this.#dueMs;
    let played = 0;
    while (played < eventsMax) {
      let next = 0;
      for (let index = 1; index < due.length; index++) if (due[index]! < due[next]!) next = index;
      const timeMs = due[next]!;
      if (!(timeMs <= untilMs) || timeMs === Number.POSITIVE_INFINITY) break;
      this.positionMs = timeMs;
      const listed = this.#listed[next]!;
      listed.step(Math.floor(timeMs + this.clockOffsetMs));
      due[next] = timeMs + listed.drawIntervalMs(timeMs);
      played++;
    }
    return played;
  }
}
