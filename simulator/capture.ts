import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Market, Outlet } from './market.ts';
import { PlaybackLoop, type PlaybackSource } from './playback-loop.ts';
import { RecordedSymbol } from './recorded-symbol.ts';
import { loadRecording, type RecordedEvent } from './recording.ts';
import type { StreamHub } from './stream-hub.ts';
import type { Truth } from './truth.ts';

/** The playback of a symbol waits at its recorded snapshot for somebody to fetch one, this long at most. */
const SNAPSHOT_WAIT_MS_MAX = 10_000;
/** After a snapshot was handed over, so long until the diffs go on: the client has it before thousands of diffs are upon it. */
const SNAPSHOT_GRACE_MS = 50;

const NAMED_CAPTURES: Readonly<Record<string, string>> = {
  btcusdt: 'usdm-btcusdt-20240808.gz',
  '4symbols': 'usdm-4symbols-20210722.ws.txt',
};

/** What must have subscribers before the playback begins: the diffs and trades of every symbol, the diffs alone, or nothing. */
export type CaptureStart = 'subscribed' | 'depth' | 'now';

export interface CaptureMarketOptions {
  /** A file, or a name out of `btcusdt` and `4symbols`, looked up in the captures folder. */
  readonly capture: string;
  /** Only these symbols of it; empty for all. */
  readonly symbols: readonly string[];
  readonly speed: number;
  readonly startWhen: CaptureStart;
}

/** @throws Error with the places looked at when there is no such file. */
export function findCapture(capture: string, folder = process.env.MARKET_DATA_CAPTURES): string {
  const named = NAMED_CAPTURES[capture.toLowerCase()];
  const folders = folder === undefined ? ['../shared/captures', 'captures'] : [folder];
  const places = named === undefined ? [capture] : folders.map((place) => join(place, named));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) {
    throw new Error(
      `no recording at ${places.join(' or ')}; set MARKET_DATA_CAPTURES to the folder of the recordings, or give a file`,
    );
  }
  return found;
}

/** Serves a recording: every frame once, in its order, none dropped however slow the clients are. */
export class CaptureMarket implements Market, PlaybackSource {
  readonly kind = 'capture';
  readonly symbols: ReadonlyMap<string, RecordedSymbol>;
  readonly loop: PlaybackLoop;
  positionMs: number;
  clockOffsetMs = 0;
  readonly #events: readonly RecordedEvent[];
  readonly #startWhen: CaptureStart;
  readonly #onEnd: () => void;
  #next = 0;
  #hasBegun = false;
  #holdStartedMs = 0;
  #lastEventTimeMs: number;

  constructor(
    options: CaptureMarketOptions,
    hub: StreamHub,
    outlet: Outlet,
    truth: Truth | undefined,
    onEnd: () => void,
  ) {
    const wanted = new Set(options.symbols);
    this.#events = loadRecording(findCapture(options.capture)).filter(
      (event) => wanted.size === 0 || wanted.has(event.symbol),
    );
    if (this.#events.length === 0) throw new Error(`nothing in ${options.capture} for ${options.symbols.join(', ')}`);
    const names = [...new Set(this.#events.map((event) => event.symbol))];
    this.symbols = new Map(
      names.map((symbol) => {
        const events = this.#events.filter((event) => event.symbol === symbol);
        return [symbol, new RecordedSymbol(symbol, events, hub, truth)];
      }),
    );
    this.#startWhen = options.startWhen;
    this.#onEnd = onEnd;
    this.positionMs = this.#events[0]!.timeMs;
    this.#lastEventTimeMs = Math.floor(this.positionMs);
    this.loop = new PlaybackLoop(this, outlet, { speed: options.speed, waitsForClients: true });
  }

  get eventCount(): number {
    return this.#events.length;
  }

  get eventsPlayed(): number {
    return this.#next;
  }

  get isEnded(): boolean {
    return this.#next === this.#events.length;
  }

  /**
   * Streams that the playback waits for. Once it has begun it waits at full speed alone, where a client that reconnects
   * would otherwise find the recording over.
   */
  get awaitedStreams(): string[] {
    if (this.#startWhen === 'now' || this.isEnded) return [];
    if (this.#hasBegun && Number.isFinite(this.loop.speed)) return [];
    const awaited: string[] = [];
    for (const { symbol, streams } of this.symbols.values()) {
      const name = symbol.toLowerCase();
      if (!streams.isDiffWanted) awaited.push(`${name}@depth@100ms`);
      if (this.#startWhen === 'subscribed' && !streams.aggregateTrades.isWanted) awaited.push(`${name}@aggTrade`);
    }
    return awaited;
  }

  get isHeld(): boolean {
    if (this.awaitedStreams.length > 0) return true;
    this.#hasBegun = true;
    const event = this.#events[this.#next];
    return event?.kind === 'snapshot' && this.#isAwaitingSnapshot(this.symbols.get(event.symbol)!);
  }

  /** The recording's clock: the venue's time of the last event that carried one. */
  nowMs(): number {
    return Math.floor(this.#lastEventTimeMs + this.clockOffsetMs);
  }

  start(): void {
    this.loop.start();
  }

  stop(): void {
    this.loop.stop();
  }

  advance(untilMs: number, eventsMax: number): number {
    let played = 0;
    while (played < eventsMax && this.#next < this.#events.length && !this.isHeld) {
      const event = this.#events[this.#next]!;
      if (event.timeMs > untilMs) break;
      this.positionMs = event.timeMs;
      this.#next++;
      this.#play(event);
      played++;
    }
    if (played > 0 && this.isEnded) this.#onEnd();
    return played;
  }

  #play(event: RecordedEvent): void {
    const listed = this.symbols.get(event.symbol)!;
    switch (event.kind) {
      case 'diff':
        this.#lastEventTimeMs = event.diff.eventTimeMs;
        listed.playDiff(event.diff, event.data);
        break;
      case 'trade':
        this.#lastEventTimeMs = event.trade.eventTimeMs;
        listed.playTrade(event.trade, event.data);
        break;
      case 'top':
        listed.streams.publishTopText(event.data);
        break;
      case 'kline':
        listed.streams.publishKlineText(event.data);
        break;
      case 'snapshot':
        listed.hasPassedSnapshot = true;
        this.#holdStartedMs = 0;
    }
  }

  #isAwaitingSnapshot(listed: RecordedSymbol): boolean {
    if (this.#startWhen === 'now' && !listed.streams.isDiffWanted) return false;
    const nowMs = performance.now();
    if (listed.snapshotsFetched > 0) return nowMs - listed.snapshotFetchedAtMs < SNAPSHOT_GRACE_MS;
    if (this.#holdStartedMs === 0) this.#holdStartedMs = nowMs;
    return nowMs - this.#holdStartedMs < SNAPSHOT_WAIT_MS_MAX;
  }
}
