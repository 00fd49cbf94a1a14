/*
 * The recording's depth frames decoded and applied to a book, beside tardis-dev, the TypeScript reference of the field: JSON.parse, its
 * normalizeBookChanges, its OrderBook. Both books end equal, level for level.
 *
 * Rounds of the two alternate, each from the snapshot on, so that a busy machine is unfair to both. Frames come from memory, one buffer
 * each. Excluded: sockets and publishing. Ours includes the sequencer's check of the chain; theirs has none.
 *
 *   npm run bench -- decode-and-book
 */
import { OrderBook } from '../src/book/order-book.ts';
import { binanceUsdm } from '../src/exchanges/binance-usdm/index.ts';
import type { MarketSink } from '../src/exchanges/exchange.ts';
import type { DepthUpdate } from '../src/model/events.ts';
import { RecordedLoop } from './load/recorded-loop.ts';
import { requirePeer } from './peers.ts';
import { BenchReport } from './report.ts';

const ROUNDS_TO_WARM_UP = 4;
const ROUNDS = 16;
const GOAL = 5;

/** What is used of tardis-dev 13. */
interface BookChange {
  readonly bids: readonly { price: number; amount: number }[];
}
interface TardisBook {
  update(change: BookChange): void;
  bids(): Iterable<{ price: number; amount: number }>;
  asks(): Iterable<{ price: number; amount: number }>;
}
interface Tardis {
  normalizeBookChanges(
    exchange: string,
    localTimestamp: Date,
  ): { map(message: unknown, localTimestamp: Date): Iterable<BookChange> | undefined };
  OrderBook: new () => TardisBook;
}

class BookSink implements MarketSink {
  readonly book: OrderBook;
  readonly #sequencer = binanceUsdm.createSequencer();

  constructor(book: OrderBook, lastUpdateId: number) {
    this.book = book;
    this.#sequencer.onSnapshot(lastUpdateId);
  }

  onDepth(update: DepthUpdate): void {
    if (this.#sequencer.onDepth(update) !== 'apply') throw new Error(`${update.finalUpdateId} does not follow`);
    this.book.apply(update);
  }

  onPartialDepth = unexpected;
  onTrade = unexpected;
  onTopOfBook = unexpected;
  onTicker24h = unexpected;
  onScale = unexpected;
  onRejected = unexpected;
  onAcknowledged = unexpected;
}

function unexpected(): void {
  throw new Error('a frame was not decoded as a diff');
}

/** Nanoseconds of each frame. Returns the final levels as text. */
type Round = (times: Float64Array) => string;

function ourRound(frames: readonly Buffer[], snapshotBody: Buffer): Round {
  const instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
  const decoder = binanceUsdm.createDecoder([instrument]);
  return (times) => {
    const snapshot = binanceUsdm.rest.snapshot(instrument, 1000, unexpected).parse(snapshotBody);
    const book = new OrderBook(instrument);
    book.reset(snapshot);
    const sink = new BookSink(book, snapshot.lastUpdateId);
    for (let index = 0; index < frames.length; index++) {
      const start = performance.now();
      decoder.decode(frames[index]!, sink);
      times[index] = (performance.now() - start) * 1e6;
    }
    const side = (name: 'bid' | 'ask') => {
      const { prices, quantities } = book.levels(name);
      return [...prices].map((price, level) => `${price / 10}:${quantities[level]! / 1000}`).join();
    };
    return `${side('bid')}|${side('ask')}`;
  };
}

function tardisRound(frames: readonly Buffer[], snapshotBody: Buffer): Round {
  const tardis = requirePeer<Tardis>('tardis-dev');
  const now = new Date();
  return (times) => {
    const mapper = tardis.normalizeBookChanges('binance-futures', now);
    const book = new tardis.OrderBook();
    const apply = (message: unknown) => {
      for (const change of mapper.map(message, now) ?? []) book.update(change);
    };
    apply({ stream: 'btcusdt@depthSnapshot', generated: true, data: JSON.parse(snapshotBody.toString()) });
    for (let index = 0; index < frames.length; index++) {
      const start = performance.now();
      apply(JSON.parse(frames[index]!.toString()));
      times[index] = (performance.now() - start) * 1e6;
    }
    const side = (levels: Iterable<{ price: number; amount: number }>) => {
      return [...levels].map(({ price, amount }) => `${price}:${amount}`).join();
    };
    return `${side(book.bids())}|${side(book.asks())}`;
  };
}

const loop = RecordedLoop.open('btcusdt');
if (loop === undefined) process.exit(0);
const frames = loop.frames.filter(({ isRecorded }) => isRecorded).map(({ bytes }) => Buffer.from(bytes));
const body = Buffer.from(loop.snapshotBody('BTCUSDT', 0));
// The reference wants a first diff whose range holds the snapshot's id; ours takes one that follows it.
const snapshotId = (JSON.parse(body.toString()) as { lastUpdateId: number }).lastUpdateId;
const theirFrames = frames.map((frame, index) => {
  return index === 0 ? Buffer.from(frame.toString().replace(/"U":\d+/, `"U":${snapshotId}`)) : frame;
});
const contenders = [
  { name: 'market-data', round: ourRound(frames, body), times: [] as Float64Array[], end: '' },
  { name: 'tardis-dev', round: tardisRound(theirFrames, body), times: [] as Float64Array[], end: '' },
];
for (let round = -ROUNDS_TO_WARM_UP; round < ROUNDS; round++) {
  for (const contender of contenders) {
    const times = new Float64Array(frames.length);
    contender.end = contender.round(times);
    if (round >= 0) contender.times.push(times);
  }
}
const [ours, theirs] = contenders;
if (ours!.end !== theirs!.end) throw new Error('the two books are not equal');

const report = new BenchReport('decode-and-book', [
  `${frames.length} diffs of the BTCUSDT recording (1.5 KB, 68 levels on average), ${ROUNDS} rounds, alternating; final books are equal`,
  'percentiles over all frames of all rounds; means over the quietest time of each frame; reading the clock (about 40 ns) is included',
]);
const meanOf = (rounds: readonly Float64Array[]): number => {
  let sum = 0;
  for (let index = 0; index < frames.length; index++) sum += Math.min(...rounds.map((times) => times[index]!));
  return sum / frames.length / 1000;
};
for (const { name, times } of contenders) {
  report.add(`${name}, mean`, meanOf(times), 'µs');
  const all = new Float64Array(frames.length * ROUNDS);
  times.forEach((round, index) => {
    all.set(round, index * frames.length);
  });
  report.addPercentiles(
    name,
    all.map((ns) => ns / 1000),
    'µs',
  );
}
report.add('tardis-dev / market-data', meanOf(theirs!.times) / meanOf(ours!.times), '×', `≥ ${GOAL}`);
report.finish();
