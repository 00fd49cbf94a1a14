import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { type PlainDiff, PlainOrderBook, type PlainSnapshot } from '../reference/plain-order-book.ts';
import {
  missingCapture,
  readBtcusdt,
  readFourSymbolAnswers,
  readFourSymbolFrames,
} from '../reference/read-captures.ts';
import { type Running, startRedis, startService, startSimulator, until } from './processes.ts';

/**
 * The main job on real input: the service, started as a user starts it, listens to an exchange that serves a recording, and a
 * stock Redis client collects what it publishes. Every published book is held against the exchange's own best bid and offer, and
 * against a plain reference book.
 */

interface BookDocument {
  readonly symbol: string;
  readonly last_update_id: number;
  readonly bids: [number, number][];
  readonly asks: [number, number][];
}

interface Recorded {
  readonly diffs: Map<string, PlainDiff[]>;
  readonly snapshots: Map<string, PlainSnapshot>;
  /** Best bid and offer by symbol, in order of update id. */
  readonly tops: Map<string, { u: number; top: string }[]>;
  readonly tradeIds: Map<string, number[]>;
}

function recorded(): Recorded {
  return { diffs: new Map(), snapshots: new Map(), tops: new Map(), tradeIds: new Map() };
}

function push<T>(map: Map<string, T[]>, symbol: string, value: T): void {
  const list = map.get(symbol);
  if (list === undefined) map.set(symbol, [value]);
  else list.push(value);
}

function addFrame(to: Recorded, json: string): void {
  const { stream, data } = JSON.parse(json);
  if (stream.includes('@depth')) push(to.diffs, data.s, data);
  else if (stream.endsWith('@bookTicker')) {
    push(to.tops, data.s, { u: data.u, top: [data.b, data.B, data.a, data.A].map(Number).join(' ') });
  } else if (stream.endsWith('@aggTrade')) push(to.tradeIds, data.s, data.a);
  else if (stream.endsWith('@trade') && data.X === 'MARKET') push(to.tradeIds, data.s, data.t);
}

function readBtcusdtRecording(): Recorded {
  const all = recorded();
  for (const { kind, json } of readBtcusdt()) {
    if (kind === 'snapshot') all.snapshots.set('BTCUSDT', JSON.parse(json));
    else addFrame(all, json);
  }
  return all;
}

function readFourSymbolRecording(): Recorded {
  const all = recorded();
  for (const { json } of readFourSymbolFrames()) addFrame(all, json);
  for (const { url, json } of readFourSymbolAnswers()) {
    const symbol = new URL(url).searchParams.get('symbol');
    if (url.includes('/depth') && symbol !== null) all.snapshots.set(symbol, JSON.parse(json));
  }
  return all;
}

interface Published {
  readonly books: Map<string, BookDocument[]>;
  readonly tradeIds: Map<string, number[]>;
  readonly statuses: string[];
}

async function collect(subscriber: Redis): Promise<Published> {
  const published: Published = { books: new Map(), tradeIds: new Map(), statuses: [] };
  subscriber.on('pmessage', (_pattern: string, channel: string, message: string) => {
    const document = JSON.parse(message);
    expect(channel.endsWith(`:${document.symbol}`)).toBe(true);
    if (channel.startsWith('orderbook:')) push(published.books, document.symbol, document);
    else if (channel.startsWith('trades:')) push(published.tradeIds, document.symbol, document.trade_id);
    else if (channel.startsWith('status:')) published.statuses.push(`${document.symbol} ${document.state}`);
  });
  await subscriber.psubscribe('orderbook:*', 'trades:*', 'status:*');
  return published;
}

/** Compares each book with the last statement of the exchange at or before its update id, where another one follows. */
function checkOracle(
  books: readonly BookDocument[],
  tops: readonly { u: number; top: string }[],
): { checks: number; mismatches: number } {
  let checks = 0;
  let mismatches = 0;
  let next = 0;
  for (const book of books) {
    while (next < tops.length && tops[next]!.u <= book.last_update_id) next += 1;
    if (next === 0 || next === tops.length) continue;
    checks += 1;
    if ([...book.bids[0]!, ...book.asks[0]!].join(' ') !== tops[next - 1]!.top) mismatches += 1;
  }
  return { checks, mismatches };
}

describe.each([
  { name: 'btcusdt', capture: 'btcusdt', needs: 'btcusdt', read: readBtcusdtRecording, speed: 12, checksMin: 6500 },
  {
    name: 'four symbols',
    capture: '4symbols',
    needs: 'fourSymbols',
    read: readFourSymbolRecording,
    speed: 10,
    checksMin: 300,
  },
] as const)('the recording of $name through the whole service', ({ capture, needs, read, speed, checksMin }) => {
  const running: Running[] = [];
  const clients: Redis[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    for (const process of running.splice(0).reverse()) await process.end();
  });

  test('publishes every book right, every update and every trade once', async ({ skip }) => {
    const missing = missingCapture(needs);
    if (missing !== undefined) return skip(missing);
    const truth = read();
    const symbols = [...truth.diffs.keys()];
    const redis = await startRedis(['--client-output-buffer-limit', 'pubsub', '0', '0', '0']);
    running.push(redis);
    const subscriber = new Redis(redis.port, '127.0.0.1');
    clients.push(subscriber);
    const published = await collect(subscriber);
    const simulator = await startSimulator(['--capture', capture, '--speed', String(speed)]);
    running.push(simulator);
    const service = await startService({
      symbols: symbols.join(','),
      'exchange-ws-url': simulator.wsUrl,
      'exchange-rest-url': simulator.restUrl,
      'redis-url': redis.url,
      audit: 'true',
    });
    running.push(service);
    await until('end of the recording', () => simulator.output.find((line) => line.includes('capture_end')), 90_000);
    // From here on the streams are silent, and the service says so.
    const linesUntilEnd = service.output.length;
    const lastIds = new Map(symbols.map((symbol) => [symbol, truth.diffs.get(symbol)!.at(-1)!.u]));
    await until('the last books', () => {
      return (
        symbols.every((symbol) => published.books.get(symbol)?.at(-1)?.last_update_id === lastIds.get(symbol)) ||
        undefined
      );
    });
    const ready = await fetch(`${service.healthUrl}/ready`);
    const metrics = await (await fetch(`${service.healthUrl}/metrics`)).text();
    expect(await service.end()).toBe(0);

    const unexpected = service.output.slice(0, linesUntilEnd).filter((line) => /"level":"(warn|error)"/.test(line));
    expect(unexpected, 'nothing to warn of').toEqual([]);
    let checks = 0;
    for (const symbol of symbols) {
      const books = published.books.get(symbol)!;
      const updateIds = truth.diffs.get(symbol)!.map((diff) => diff.u);
      const from = updateIds.indexOf(books[0]!.last_update_id);
      expect(from, `${symbol}: first published book belongs to a recorded update`).toBeGreaterThanOrEqual(0);
      expect(
        books.map((book) => book.last_update_id),
        `${symbol}: no update is missed or repeated`,
      ).toEqual(updateIds.slice(from));
      expect(
        books.filter((book) => book.bids[0]![0] >= book.asks[0]![0]),
        `${symbol}: crossed`,
      ).toEqual([]);
      const oracle = checkOracle(books, truth.tops.get(symbol)!);
      expect(oracle.mismatches, `${symbol}: against the exchange's own best bid and offer`).toBe(0);
      checks += oracle.checks;

      const reference = new PlainOrderBook();
      reference.onSnapshot(truth.snapshots.get(symbol)!);
      for (const diff of truth.diffs.get(symbol)!) reference.onDiff(diff);
      const last = books.at(-1)!;
      expect({ bids: last.bids, asks: last.asks }, `${symbol}: final book`).toEqual(reference.top(20));

      expect(published.tradeIds.get(symbol) ?? [], `${symbol}: every trade once`).toEqual(
        truth.tradeIds.get(symbol) ?? [],
      );
    }
    expect(checks).toBeGreaterThanOrEqual(checksMin);
    expect(metrics, 'nothing dropped').not.toMatch(/market_data_dropped_total\S* [1-9]/);
    expect(ready.status).toBe(200);
    expect(metrics).not.toMatch(/market_data_sequence_gaps_total\S* [1-9]/);
    const live = published.statuses.filter((status) => status.endsWith(' live'));
    expect(live.sort()).toEqual(symbols.map((symbol) => `${symbol} live`).sort());
  }, 180_000);
});
