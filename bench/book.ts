/*
 * The order book beside the obvious ones, in the same run: a diff applied, and the top 20 of both sides taken.
 *
 * 1. The BTCUSDT recording: its snapshot and its 6,548 diffs (68 levels on average), about 5,000 levels a side at the end.
 * 2. Synthetic books of 20 to 20,000 levels a side, levels one or two ticks apart, the changed levels spread evenly over all of
 *    them, which is harsher than a market: the cost of a level must not depend on how many there are.
 * 3. Memory of a book by its number of levels.
 *
 * Changes lie in one reused DepthUpdate, as a decoder leaves them; copying them there is measured alone and taken off. Rounds of the
 * contenders alternate, so that a busy machine is unfair to all alike. Excluded: decoding, sequencing, publishing.
 *
 *   node dist/bench/book.js
 */
import { fileURLToPath } from 'node:url';
import { OrderBook } from '../src/book/order-book.ts';
import { type DepthSnapshot, DepthUpdate } from '../src/model/events.ts';
import { missingCapture, readBtcusdt } from '../test/reference/read-captures.ts';
import { type BenchedBook, mapBook, sortedArraysBook } from './book-baselines.ts';
import { BenchReport } from './report.ts';

const DEPTH = 20;
const ROUNDS_TO_WARM_UP = 4;
const ROUNDS = 24;
/** Diffs timed together. */
const STRETCH = 128;
const SYNTHETIC_DIFFS = 4096;
const SYNTHETIC_LEVELS_PER_SIDE = 34;

export interface BookResult {
  readonly name: string;
  /**
   * Per diff, or per top or level where the name says so. `meanNs`: over the better half of the rounds. `quietNs`: the sum of the best time of each
   * stretch of diffs over all rounds, which is what an otherwise idle core takes.
   */
  readonly meanNs: number;
  readonly quietNs: number;
}

/** Diffs in flat arrays, so that walking through them costs the same for every contender. */
class Stream {
  readonly snapshot: DepthSnapshot;
  /** Bid count, ask count, bid count, … */
  readonly counts: number[] = [];
  readonly prices: number[] = [];
  readonly quantities: number[] = [];
  readonly #update = new DepthUpdate();
  #flat: { prices: Float64Array; quantities: Float64Array } | undefined;

  constructor(snapshot: DepthSnapshot) {
    this.snapshot = snapshot;
    this.#update.reserveBids(20_000);
    this.#update.reserveAsks(20_000);
  }

  get diffs(): number {
    return this.counts.length / 2;
  }

  add(levels: readonly (readonly [price: number, quantity: number])[]): void {
    this.counts.push(levels.length);
    for (const [price, quantity] of levels) {
      this.prices.push(price);
      this.quantities.push(quantity);
    }
  }

  /**
   * Goes through the diffs once; returns nanoseconds of each stretch of them. `steps`: only copy the diffs, also apply them, also take
   * the top.
   */
  run(book: BenchedBook, steps: 'copy' | 'apply' | 'top', diffs: number): number[] {
    this.#flat ??= { prices: Float64Array.from(this.prices), quantities: Float64Array.from(this.quantities) };
    const { prices, quantities } = this.#flat;
    const update = this.#update;
    book.reset(this.snapshot);
    let at = 0;
    const stretches: number[] = [];
    let start = performance.now();
    for (let diff = 0; diff < diffs; diff++) {
      if (diff % STRETCH === 0 && diff > 0) {
        const now = performance.now();
        stretches.push((now - start) * 1e6);
        start = now;
      }
      update.bidCount = this.counts[diff * 2]!;
      update.askCount = this.counts[diff * 2 + 1]!;
      for (let level = 0; level < update.bidCount; level++, at++) {
        update.bidPrices[level] = prices[at]!;
        update.bidQuantities[level] = quantities[at]!;
      }
      for (let level = 0; level < update.askCount; level++, at++) {
        update.askPrices[level] = prices[at]!;
        update.askQuantities[level] = quantities[at]!;
      }
      if (steps === 'copy') continue;
      book.apply(update);
      if (steps === 'top') book.top(DEPTH, out);
    }
    stretches.push((performance.now() - start) * 1e6);
    return stretches;
  }
}

const out = {
  bidCount: 0,
  askCount: 0,
  bidPrices: new Float64Array(DEPTH),
  bidQuantities: new Float64Array(DEPTH),
  askPrices: new Float64Array(DEPTH),
  askQuantities: new Float64Array(DEPTH),
};

function capture(): Stream | undefined {
  const missing = missingCapture('btcusdt');
  if (missing !== undefined) {
    console.log(`skipped: ${missing}`);
    return undefined;
  }
  type Texts = readonly (readonly [string, string])[];
  const levels = (texts: Texts): (readonly [number, number])[] =>
    texts.map(([price, quantity]) => [Math.round(Number(price) * 10), Math.round(Number(quantity) * 1000)]);
  const lines = [...readBtcusdt()];
  const answer = JSON.parse(lines.find(({ kind }) => kind === 'snapshot')!.json);
  const stream = new Stream(snapshotOf(answer.lastUpdateId, levels(answer.bids), levels(answer.asks)));
  for (const { json } of lines) {
    if (!json.includes('@depth')) continue;
    const { data } = JSON.parse(json);
    if (data.u < answer.lastUpdateId) continue;
    stream.add(levels(data.b));
    stream.add(levels(data.a));
  }
  return stream;
}

function snapshotOf(
  lastUpdateId: number,
  bids: readonly (readonly [number, number])[],
  asks: readonly (readonly [number, number])[],
): DepthSnapshot {
  const of = (levels: typeof bids, field: 0 | 1) => Float64Array.from(levels, (level) => level[field]);
  return {
    lastUpdateId,
    exchangeTimeMs: 0,
    limit: Math.max(bids.length, 1000),
    bidPrices: of(bids, 0),
    bidQuantities: of(bids, 1),
    askPrices: of(asks, 0),
    askQuantities: of(asks, 1),
  };
}

/** A quarter of the changes toggle a level between gone and there, three quarters change its quantity. Seeded. */
function synthetic(levelsPerSide: number): Stream {
  const middle = 10_000_000;
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const side = (sign: number): [number, number][] => {
    let price = middle;
    return Array.from({ length: levelsPerSide }, () => {
      price += sign * (1 + random(2));
      return [price, 1 + random(1e6)];
    });
  };
  const bids = side(-1);
  const asks = side(1);
  const stream = new Stream(snapshotOf(1, bids, asks));
  for (let diff = 0; diff < SYNTHETIC_DIFFS; diff++) {
    for (const levels of [bids, asks]) {
      const chosen = Array.from({ length: SYNTHETIC_LEVELS_PER_SIDE }, () => random(levels.length)).sort(
        (a, b) => a - b,
      );
      stream.add(
        chosen.map((index) => {
          const level = levels[index]!;
          level[1] = random(8) === 0 && level[1] !== 0 ? 0 : 1 + random(1e6);
          return [level[0], level[1]];
        }),
      );
    }
  }
  return stream;
}

interface Contender {
  readonly name: string;
  readonly stream: Stream;
  readonly book: BenchedBook;
  /** Slow ones go through fewer diffs. */
  readonly diffs: number;
  /** One entry a round. */
  readonly copies: number[][];
  readonly applies: number[][];
  readonly tops: number[][];
}

function contender(name: string, stream: Stream, book: BenchedBook, diffs = stream.diffs): Contender {
  return { name, stream, book, diffs, copies: [], applies: [], tops: [] };
}

function measure(contenders: readonly Contender[]): void {
  for (let round = -ROUNDS_TO_WARM_UP; round < ROUNDS; round++) {
    for (const { stream, book, diffs, copies, applies, tops } of contenders) {
      const copy = stream.run(book, 'copy', diffs);
      const apply = stream.run(book, 'apply', diffs);
      const top = stream.run(book, 'top', diffs);
      if (round < 0) continue;
      copies.push(copy);
      applies.push(apply);
      tops.push(top);
    }
  }
}

function difference(name: string, more: number[][], less: number[][], units: number): BookResult {
  return { name, meanNs: (mean(more) - mean(less)) / units, quietNs: (quiet(more) - quiet(less)) / units };
}

function mean(rounds: number[][]): number {
  const sums = rounds.map((stretches) => stretches.reduce((sum, ns) => sum + ns, 0)).sort((a, b) => a - b);
  const better = sums.slice(0, Math.ceil(sums.length / 2));
  return better.reduce((sum, ns) => sum + ns, 0) / better.length;
}

function quiet(rounds: number[][]): number {
  return rounds[0]!.reduce((sum, _, stretch) => sum + Math.min(...rounds.map((round) => round[stretch]!)), 0);
}

function instrument() {
  return { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
}

export async function run(): Promise<BookResult[]> {
  const results: BookResult[] = [];
  const recorded = capture();
  if (recorded !== undefined) {
    const contenders = [
      contender('tick ladder', recorded, new OrderBook(instrument())),
      contender('sorted arrays', recorded, sortedArraysBook()),
      contender('Map, sorted for each top', recorded, mapBook(), 300),
    ];
    measure(contenders);
    for (const { name, applies, copies, diffs } of contenders) {
      results.push(difference(`apply: ${name}`, applies, copies, diffs));
    }
    for (const { name, tops, applies, diffs } of contenders) {
      results.push(difference(`top ${DEPTH}: ${name}`, tops, applies, diffs));
    }
  }
  const depths = [20, 100, 1000, 5000, 20_000].map((depth) => {
    return contender(`${depth} levels a side`, synthetic(depth), new OrderBook(instrument()));
  });
  measure(depths);
  for (const { name, applies, copies, diffs } of depths) {
    const levels = diffs * 2 * SYNTHETIC_LEVELS_PER_SIDE;
    results.push(difference(`apply one level: ${name}`, applies, copies, levels));
  }
  return results;
}

/** Bytes of one book after its stream. */
export function memory(): { name: string; bytes: number }[] {
  const streams: (readonly [string, Stream])[] = [20, 1000, 5000, 20_000].map((depth) => {
    return [`${depth} levels a side`, synthetic(depth)];
  });
  const recorded = capture();
  if (recorded !== undefined) streams.push(['BTCUSDT recording', recorded]);
  return streams.map(([name, stream]) => {
    const book = new OrderBook(instrument());
    stream.run(book, 'apply', stream.diffs);
    return { name: `memory: ${name}`, bytes: book.byteLength };
  });
}

/** Figures of the quietest stretches; the goals are those of the book's own design. */
async function main(): Promise<void> {
  const report = new BenchReport('book', [
    `diffs of the BTCUSDT recording (68 levels) and of synthetic books (${2 * SYNTHETIC_LEVELS_PER_SIDE} levels); ${ROUNDS} rounds, alternating`,
    'the quietest time of each stretch of diffs; copying the diffs is taken off; decoding, sequencing and publishing are excluded',
  ]);
  const results = await run();
  for (const { name, quietNs } of results) {
    const goal = name.startsWith(`top ${DEPTH}: tick`)
      ? '≤ 500'
      : name === 'apply: tick ladder'
        ? '≤ 2,000'
        : undefined;
    report.add(name, quietNs, 'ns', goal);
  }
  const perLevel = results.filter(({ name }) => name.startsWith('apply one level')).map(({ quietNs }) => quietNs);
  report.add('apply one level: dearest / cheapest depth', Math.max(...perLevel) / Math.min(...perLevel), '×', '≤ 1.5');
  for (const { name, bytes } of memory()) {
    report.add(name, bytes / 1e6, 'MB', name.includes(': 5000') ? '≤ 0.6' : undefined);
  }
  report.finish();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
