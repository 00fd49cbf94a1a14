import {
  missingCapture,
  readBtcusdt,
  readFourSymbolAnswers,
  readFourSymbolFrames,
} from '../../test/reference/read-captures.ts';
import { DigitField, writeDigits } from './digit-field.ts';
import { LoopBook, type SnapshotTexts, type Texts } from './loop-book.ts';

/*
 * A recording without an end. Its depth frames are played round after round; ids and times are rewritten in place, so that the chain of
 * every symbol goes on. A round ends with a few made-up diffs that bring the book back to where the round began: first what has to go,
 * then what has to come, so that no book in between is crossed.
 */

export type RecordingName = 'btcusdt' | 'four-symbols';

/** Levels of a made-up diff: about as many as BTCUSDT's recorded ones have. */
const LEVELS_PER_RETURN_FRAME = 64;
/** One short of the 1000 that can be asked for: the book then counts as complete. Played at speed it would leave any horizon at once. */
const SNAPSHOT_LEVELS = 999;

export interface LoopFrame {
  readonly route: 'public' | 'market';
  readonly symbol: string;
  /** One combined-stream frame. Of all digits, only those of `fields` change from round to round. */
  readonly bytes: Buffer;
  readonly fields: readonly DigitField[];
  /** Of the recording's own frames; those that lead back to its beginning are not. */
  readonly isRecorded: boolean;
  /** After the round's beginning, of the exchange's event time. */
  readonly timeMs: number;
}

interface DiffFrame {
  readonly data: { readonly s: string; readonly E: number; readonly u: number; readonly b: Texts; readonly a: Texts };
}

export class RecordedLoop {
  readonly frames: readonly LoopFrame[];
  readonly symbols: readonly string[];
  /** One round of exchange time. */
  readonly roundMs: number;
  readonly #beginMs: number;
  readonly #books: ReadonlyMap<string, LoopBook>;

  /** Says why and returns undefined where the recording is not present. */
  static open(name: RecordingName, withTrades = false): RecordedLoop | undefined {
    const missing = missingCapture(name === 'btcusdt' ? 'btcusdt' : 'fourSymbols');
    if (missing !== undefined) {
      console.log(`skipped: ${missing}`);
      return undefined;
    }
    const { lines, snapshots } = name === 'btcusdt' ? readBtcusdtRecording() : readFourSymbolRecording();
    return new RecordedLoop(lines, snapshots, withTrades);
  }

  private constructor(lines: readonly string[], snapshots: ReadonlyMap<string, SnapshotTexts>, withTrades: boolean) {
    this.symbols = [...snapshots.keys()];
    this.#books = new Map([...snapshots].map(([symbol, snapshot]) => [symbol, new LoopBook(snapshot)]));
    const trades = new Map<string, number>();
    const frames: LoopFrame[] = [];
    let beginMs = Number.NaN;
    let lastMs = 0;
    for (const json of lines) {
      if (json.includes('@depth')) {
        const { data } = JSON.parse(json) as DiffFrame;
        const book = this.#books.get(data.s)!;
        if (!book.isPartOfRound(data)) continue;
        if (Number.isNaN(beginMs)) beginMs = data.E;
        lastMs = data.E;
        book.apply({ frame: frames.length, finalId: data.u, bids: data.b, asks: data.a });
        frames.push(depthFrame(data.s, json, data.E - beginMs, true));
      } else if (withTrades && !Number.isNaN(beginMs) && json.includes('@trade"')) {
        const trade = tradeFrame(json, trades, beginMs);
        if (trade !== undefined) frames.push(trade);
      }
    }
    for (const [symbol, book] of this.#books) {
      for (const step of book.wayBack(LEVELS_PER_RETURN_FRAME)) {
        book.apply({ ...step, frame: frames.length });
        frames.push(depthFrame(symbol, returnText(symbol, lastMs, step), lastMs - beginMs, false));
      }
      book.endRound();
    }
    this.frames = frames;
    this.#beginMs = beginMs;
    this.roundMs = lastMs - beginMs + 1;
    for (const { symbol, fields } of frames) {
      for (const field of fields) {
        if (field.kind === 'update_id') field.perRound = this.#books.get(symbol)!.idsPerRound;
        else if (field.kind === 'trade_id') field.perRound = trades.get(symbol)!;
        else field.perRound = this.roundMs;
      }
    }
  }

  get depthFrames(): number {
    return this.frames.reduce((count, { route }) => count + (route === 'public' ? 1 : 0), 0);
  }

  /** Copies frame `position` (counted over all rounds) to `target`. @param exchangeTimeMs instead of the recording's own time */
  write(position: number, target: Buffer, at: number, exchangeTimeMs?: number): number {
    const frame = this.frames[position % this.frames.length]!;
    const round = Math.floor(position / this.frames.length);
    target.set(frame.bytes, at);
    for (const field of frame.fields) {
      const value =
        field.kind === 'time' && exchangeTimeMs !== undefined ? exchangeTimeMs : field.value + round * field.perRound;
      writeDigits(target, at + field.at, value, field.width);
    }
    return at + frame.bytes.length;
  }

  /** Frame `position` in the loop's own memory, for a caller who is done with it before asking for it a round later. */
  frame(position: number): Buffer {
    const { bytes, fields } = this.frames[position % this.frames.length]!;
    const round = Math.floor(position / this.frames.length);
    for (const field of fields) writeDigits(bytes, field.at, field.value + round * field.perRound, field.width);
    return bytes;
  }

  /** The body of `GET /fapi/v1/depth` after the frames before `position`. */
  snapshotBody(symbol: string, position: number): string {
    const round = Math.floor(position / this.frames.length);
    const book = this.#books.get(symbol)!;
    const { lastUpdateId, bids, asks } = book.at(position % this.frames.length, round, SNAPSHOT_LEVELS);
    const timeMs = this.#beginMs;
    return JSON.stringify({ lastUpdateId, E: timeMs, T: timeMs, bids, asks });
  }

  /** The finest steps of a symbol's prices and quantities. */
  steps(symbol: string): { tickSize: string; stepSize: string } {
    return this.#books.get(symbol)!.steps();
  }
}

function readBtcusdtRecording() {
  const lines: string[] = [];
  const snapshots = new Map<string, SnapshotTexts>();
  for (const { kind, json } of readBtcusdt()) {
    if (kind === 'snapshot') snapshots.set('BTCUSDT', JSON.parse(json));
    else lines.push(json);
  }
  return { lines, snapshots };
}

function readFourSymbolRecording() {
  const snapshots = new Map<string, SnapshotTexts>();
  for (const { url, json } of readFourSymbolAnswers()) {
    const symbol = new URL(url).searchParams.get('symbol');
    if (url.includes('/depth') && symbol !== null) snapshots.set(symbol, JSON.parse(json));
  }
  return { lines: [...readFourSymbolFrames()].map(({ json }) => json), snapshots };
}

function depthFrame(symbol: string, json: string, timeMs: number, isRecorded: boolean): LoopFrame {
  // The stream's name as it is subscribed to today.
  const text = json.replace('@depth@0ms', '@depth@100ms');
  const fields = [
    ...(['U', 'u', 'pu'] as const).map((name) => DigitField.find(text, name, 'update_id')),
    ...(['E', 'T'] as const).map((name) => DigitField.find(text, name, 'time')),
  ];
  return { route: 'public', symbol, bytes: Buffer.from(text), fields, isRecorded, timeMs };
}

function returnText(symbol: string, timeMs: number, step: ReturnType<LoopBook['wayBack']>[number]): string {
  const ids = `"s":"${symbol}","U":${step.firstId},"u":${step.finalId},"pu":${step.previousId}`;
  const head = `{"stream":"${symbol.toLowerCase()}@depth@100ms","data":{"e":"depthUpdate","E":${timeMs},"T":${timeMs}`;
  return `${head},${ids},"b":${JSON.stringify(step.bids)},"a":${JSON.stringify(step.asks)}}}`;
}

/** One aggTrade of each trade, ids consecutive over all rounds. Undefined for what is no trade. */
function tradeFrame(json: string, counts: Map<string, number>, beginMs: number): LoopFrame | undefined {
  const { data } = JSON.parse(json);
  if (data.X !== undefined && data.X !== 'MARKET') return undefined;
  const symbol: string = data.s;
  const count = counts.get(symbol) ?? 0;
  counts.set(symbol, count + 1);
  const id = 5_000_000_000 + count;
  const text =
    `{"stream":"${symbol.toLowerCase()}@aggTrade","data":{"e":"aggTrade","E":${data.E},"a":${id},"s":"${symbol}",` +
    `"p":"${data.p}","q":"${data.q}","f":${id},"l":${id},"T":${data.T},"m":${data.m}}}`;
  const fields = [
    ...(['a', 'f', 'l'] as const).map((name) => DigitField.find(text, name, 'trade_id')),
    ...(['E', 'T'] as const).map((name) => DigitField.find(text, name, 'time')),
  ];
  return { route: 'market', symbol, bytes: Buffer.from(text), fields, isRecorded: true, timeMs: data.E - beginMs };
}
