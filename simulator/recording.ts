import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** One line of a recording; `timeMs` is the receive time, ms since the Unix epoch. `data` is the venue's text, untouched. */
export type RecordedEvent =
  | {
      readonly kind: 'diff';
      readonly timeMs: number;
      readonly symbol: string;
      readonly data: string;
      readonly diff: RecordedDiff;
    }
  | {
      readonly kind: 'trade';
      readonly timeMs: number;
      readonly symbol: string;
      readonly data: string;
      readonly trade: RecordedTrade;
    }
  | { readonly kind: 'top' | 'kline'; readonly timeMs: number; readonly symbol: string; readonly data: string }
  | {
      readonly kind: 'snapshot';
      readonly timeMs: number;
      readonly symbol: string;
      readonly data: string;
      readonly snapshot: RecordedSnapshot;
    };

export type RecordedLevel = readonly [price: string, quantity: string];

export interface RecordedDiff {
  readonly eventTimeMs: number;
  readonly transactionTimeMs: number;
  readonly firstUpdateId: number;
  readonly finalUpdateId: number;
  readonly previousFinalUpdateId: number;
  readonly bids: readonly RecordedLevel[];
  readonly asks: readonly RecordedLevel[];
}

export interface RecordedTrade {
  /** `aggTrade` as recorded, or `trade`, of which aggregated trades are derived. */
  readonly source: 'aggTrade' | 'trade';
  /** False for what the trade stream carries besides trades (X is not MARKET, or no price). */
  readonly isTrade: boolean;
  readonly id: number;
  readonly firstTradeId: number;
  readonly lastTradeId: number;
  readonly price: string;
  readonly quantity: string;
  readonly eventTimeMs: number;
  readonly timeMs: number;
  readonly isBuyerMaker: boolean;
}

export interface RecordedSnapshot {
  readonly lastUpdateId: number;
  readonly bids: readonly RecordedLevel[];
  readonly asks: readonly RecordedLevel[];
}

/** The wire's fields; only those that are read. */
interface WireData {
  e?: string;
  E: number;
  T: number;
  s: string;
  U: number;
  u: number;
  pu: number;
  b: RecordedLevel[];
  a: RecordedLevel[] & number;
  t: number;
  f: number;
  l: number;
  p: string;
  q: string;
  m: boolean;
  X?: string;
}

/**
 * Reads a recording into memory, in the order of receive times. Two kinds of line are known:
 * `<receive time, ns> <raw JSON>` with snapshots inline, plain or gzip; and `<receive time, s>: <raw JSON>` in NAME.ws.txt after
 * a line with the URL, its snapshots in NAME.http.txt as `<URL> -> <time, s>: <body>`.
 * @throws Error when the file cannot be read or a line is of neither kind.
 */
export function loadRecording(path: string): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  const lines = readLines(path);
  let symbol = '';
  for (const line of lines) {
    const match = /^(\d{19}|\d+(?:\.\d+)?:) /.exec(line);
    // The first line of a .ws.txt file is the URL that was recorded.
    if (match === null && events.length === 0 && line.startsWith('ws')) continue;
    if (match === null) throw new Error(`${path}: not a recorded line: ${line.slice(0, 80)}`);
    const stamp = match[1]!;
    const timeMs = stamp.endsWith(':') ? Number(stamp.slice(0, -1)) * 1000 : Number(BigInt(stamp) / 1000n) / 1000;
    const json = line.slice(match[0].length);
    const event = json.startsWith('{"lastUpdateId"') ? snapshotEvent(timeMs, symbol, json) : streamEvent(timeMs, json);
    if (event === undefined) continue;
    symbol = event.symbol;
    events.push(event);
  }
  const httpPath = path.replace(/\.ws\.txt$/, '.http.txt');
  if (httpPath !== path && existsSync(httpPath)) events.push(...loadSnapshots(httpPath));
  return events.sort((left, right) => left.timeMs - right.timeMs);
}

function readLines(path: string): string[] {
  const bytes = readFileSync(path);
  const isCompressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const text = (isCompressed ? gunzipSync(bytes) : bytes).toString();
  return text.split('\n').filter((line) => line !== '');
}

function loadSnapshots(path: string): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (const line of readLines(path)) {
    const match = /^https?:\S*\/depth\?symbol=([^&\s]+)\S* -> (\d+(?:\.\d+)?): /.exec(line);
    if (match !== null) events.push(snapshotEvent(Number(match[2]) * 1000, match[1]!, line.slice(match[0].length)));
  }
  return events;
}

function snapshotEvent(timeMs: number, symbol: string, data: string): RecordedEvent {
  const body = JSON.parse(data) as RecordedSnapshot;
  return { kind: 'snapshot', timeMs, symbol, data, snapshot: body };
}

/** Undefined for what is not market data (acknowledgements). */
function streamEvent(timeMs: number, json: string): RecordedEvent | undefined {
  const match = /^\{"stream":"([^"@]+)@([^"]+)","data":/.exec(json);
  if (match === null) return undefined;
  const symbol = match[1]!.toUpperCase();
  const data = json.slice(match[0].length, json.lastIndexOf('}'));
  if (match[2] === 'bookTicker') return { kind: 'top', timeMs, symbol, data };
  if (match[2] === 'kline_1m') return { kind: 'kline', timeMs, symbol, data };
  const wire = JSON.parse(data) as WireData;
  if (wire.e === 'depthUpdate' && /^depth(@|$)/.test(match[2]!)) {
    const diff: RecordedDiff = {
      eventTimeMs: wire.E,
      transactionTimeMs: wire.T,
      firstUpdateId: wire.U,
      finalUpdateId: wire.u,
      previousFinalUpdateId: wire.pu,
      bids: wire.b,
      asks: wire.a,
    };
    return { kind: 'diff', timeMs, symbol, data, diff };
  }
  if (wire.e === 'aggTrade' || wire.e === 'trade') return { kind: 'trade', timeMs, symbol, data, trade: tradeOf(wire) };
  return undefined;
}

function tradeOf(wire: WireData): RecordedTrade {
  const isAggregated = wire.e === 'aggTrade';
  return {
    source: isAggregated ? 'aggTrade' : 'trade',
    isTrade: isAggregated || ((wire.X === undefined || wire.X === 'MARKET') && Number(wire.p) > 0),
    id: isAggregated ? wire.a : wire.t,
    firstTradeId: isAggregated ? wire.f : wire.t,
    lastTradeId: isAggregated ? wire.l : wire.t,
    price: wire.p,
    quantity: wire.q,
    eventTimeMs: wire.E,
    timeMs: wire.T,
    isBuyerMaker: wire.m,
  };
}
