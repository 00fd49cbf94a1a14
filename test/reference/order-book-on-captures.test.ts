import { describe, expect, it } from 'vitest';
import { OrderBook } from '../../src/book/order-book.ts';
import { type DepthSnapshot, DepthUpdate } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import { type PlainDiff, type PlainLevel, PlainOrderBook, type PlainSnapshot } from './plain-order-book.ts';
import { missingCapture, readBtcusdt, readFourSymbolAnswers, readFourSymbolFrames } from './read-captures.ts';

function mantissas(levels: readonly PlainLevel[], field: 0 | 1, scale: number): Float64Array {
  return Float64Array.from(levels, (level) => Math.round(Number(level[field]) * 10 ** scale));
}

function snapshotOf(snapshot: PlainSnapshot, { priceScale, quantityScale }: Instrument): DepthSnapshot {
  return {
    lastUpdateId: snapshot.lastUpdateId,
    exchangeTimeMs: 0,
    limit: 1000,
    bidPrices: mantissas(snapshot.bids, 0, priceScale),
    bidQuantities: mantissas(snapshot.bids, 1, quantityScale),
    askPrices: mantissas(snapshot.asks, 0, priceScale),
    askQuantities: mantissas(snapshot.asks, 1, quantityScale),
  };
}

function updateOf(diff: PlainDiff, { priceScale, quantityScale }: Instrument): DepthUpdate {
  const update = new DepthUpdate();
  update.bidCount = diff.b.length;
  update.askCount = diff.a.length;
  update.bidPrices = mantissas(diff.b, 0, priceScale);
  update.bidQuantities = mantissas(diff.b, 1, quantityScale);
  update.askPrices = mantissas(diff.a, 0, priceScale);
  update.askQuantities = mantissas(diff.a, 1, quantityScale);
  return update;
}

/** Applies a chain of diffs, chosen by the plain book's sequencing, to both books; calls `check` after each. */
function replay(
  instrument: Instrument,
  snapshot: PlainSnapshot,
  diffs: readonly PlainDiff[],
  check: (book: OrderBook, diff: PlainDiff) => void,
): { book: OrderBook; plain: PlainOrderBook } {
  const plain = new PlainOrderBook();
  plain.onSnapshot(snapshot);
  const book = new OrderBook(instrument);
  book.reset(snapshotOf(snapshot, instrument));
  for (const diff of diffs) {
    if (!plain.onDiff(diff)) continue;
    book.apply(updateOf(diff, instrument));
    check(book, diff);
  }
  expect(plain.state).toBe('live');
  return { book, plain };
}

function expectSameLevels(book: OrderBook, plain: PlainOrderBook): void {
  const { priceScale, quantityScale } = book.instrument;
  for (const side of ['bid', 'ask'] as const) {
    const of = side === 'bid' ? plain.bids : plain.asks;
    const expected = of.top(of.size);
    const { prices, quantities } = book.levels(side);
    expect(prices).toEqual(mantissas(expected, 0, priceScale));
    expect(quantities).toEqual(mantissas(expected, 1, quantityScale));
  }
}

function absent(name: Parameters<typeof missingCapture>[0]): string {
  const missing = missingCapture(name);
  return missing === undefined ? '' : ` — SKIPPED, ${missing}`;
}

describe.skipIf(missingCapture('btcusdt') !== undefined)(`the order book on BTCUSDT${absent('btcusdt')}`, () => {
  it("equals the venue's best bid and offer after every diff, and the plain book at the end", () => {
    const instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
    const tops: { u: number; b: string; B: string; a: string; A: string }[] = [];
    const diffs: PlainDiff[] = [];
    let snapshot: PlainSnapshot | undefined;
    for (const { kind, json } of readBtcusdt()) {
      if (kind === 'snapshot') snapshot = JSON.parse(json);
      else if (json.includes('@depth')) diffs.push(JSON.parse(json).data);
      else if (json.includes('@bookTicker')) tops.push(JSON.parse(json).data);
    }
    let at = 0;
    let compared = 0;
    const mismatches: number[] = [];
    const { book, plain } = replay(instrument, snapshot!, diffs, (book, { u }) => {
      while (at + 1 < tops.length && tops[at + 1]!.u <= u) at++;
      if (at + 1 === tops.length) return;
      const { b, B, a, A } = tops[at]!;
      const isEqual =
        book.bestBidPrice / 10 === Number(b) &&
        book.bestBidQuantity / 1000 === Number(B) &&
        book.bestAskPrice / 10 === Number(a) &&
        book.bestAskQuantity / 1000 === Number(A);
      if (!isEqual || book.isCrossed) mismatches.push(u);
      compared++;
    });
    expect(mismatches).toEqual([]);
    expect(compared).toBe(6545);
    expectSameLevels(book, plain);
    expect(book.byteLength).toBeLessThan(600_000);
  }, 60_000);
});

describe.skipIf(missingCapture('fourSymbols') !== undefined)(
  `the order book on four symbols${absent('fourSymbols')}`,
  () => {
    const scales = { SUSHIUSDT: [4, 0], AKROUSDT: [5, 0], KEEPUSDT: [4, 0], CTKUSDT: [5, 0] } as const;
    for (const [symbol, [priceScale, quantityScale]] of Object.entries(scales)) {
      it(`is never crossed on ${symbol}, and equals the plain book at the end`, () => {
        const instrument = { index: 0, symbol, priceScale, quantityScale };
        const frames = [...readFourSymbolFrames()].map(({ json }) => JSON.parse(json).data);
        const diffs = frames.filter((data) => data.e === 'depthUpdate' && data.s === symbol);
        const answer = [...readFourSymbolAnswers()].find(({ url }) => url.includes(`symbol=${symbol}&`))!;
        const { book, plain } = replay(instrument, JSON.parse(answer.json), diffs, (book) => {
          expect(book.isCrossed).toBe(false);
        });
        expect(plain.applied).toBeGreaterThan(10);
        expectSameLevels(book, plain);
      });
    }
  },
);
