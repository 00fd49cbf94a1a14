import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { binanceUsdm } from '../../src/exchanges/binance-usdm/index.ts';
import { Pipeline, type PipelineServices } from '../../src/feed/pipeline.ts';
import { ManualClock } from '../../src/model/clock.ts';
import { formatDecimal } from '../../src/model/decimal.ts';
import type { BookUpdate, DepthSnapshot, StatusUpdate, Trade } from '../../src/model/events.ts';
import type { Publisher } from '../../src/publish/publisher.ts';

/**
 * The whole path from bytes to publishers on random diff streams that lose, repeat and reorder frames, with snapshots that come
 * early, late, stale or not at all. Whatever happens: every live book that is published equals the truth at its update id.
 */

const DEPTH = 10;

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The exchange: two maps from price to quantity, and what their top was after each update. Prices in tenths, quantities in thousandths. */
class Truth {
  readonly bids = new Map<number, number>();
  readonly asks = new Map<number, number>();
  readonly topAt = new Map<number, string>();
  updateId = 1000;
  readonly #random: () => number;
  #mid = 5000;

  constructor(random: () => number) {
    this.#random = random;
    for (let level = 1; level <= 60; level += 1) {
      this.bids.set(this.#mid - level, 1 + Math.floor(random() * 1000));
      this.asks.set(this.#mid + level, 1 + Math.floor(random() * 1000));
    }
    this.topAt.set(this.updateId, this.top());
  }

  /** Moves the market and returns the frame that says so. */
  nextFrame(): string {
    const random = this.#random;
    const previous = this.updateId;
    const first = previous + 1 + Math.floor(random() * 5);
    this.updateId = first + Math.floor(random() * 20);
    const bidChanges = new Map<number, number>();
    const askChanges = new Map<number, number>();
    if (random() < 0.3) this.#mid += Math.floor(random() * 7) - 3;
    for (const price of [...this.bids.keys()]) if (price >= this.#mid) bidChanges.set(price, 0);
    for (const price of [...this.asks.keys()]) if (price <= this.#mid) askChanges.set(price, 0);
    for (let change = Math.floor(random() * 6); change >= 0; change -= 1) {
      const distance = 1 + Math.floor(random() * 70);
      const quantity = random() < 0.35 ? 0 : 1 + Math.floor(random() * 1000);
      if (random() < 0.5) bidChanges.set(this.#mid - distance, quantity);
      else askChanges.set(this.#mid + distance, quantity);
    }
    bidChanges.set(this.#mid - 1, 1 + Math.floor(random() * 1000));
    askChanges.set(this.#mid + 1, 1 + Math.floor(random() * 1000));
    apply(this.bids, bidChanges);
    apply(this.asks, askChanges);
    this.topAt.set(this.updateId, this.top());
    const data = `"e":"depthUpdate","E":1700000000000,"T":1700000000000,"s":"BTCUSDT","U":${first},"u":${this.updateId},"pu":${previous}`;
    return `{"stream":"btcusdt@depth@100ms","data":{${data},"b":${levels(bidChanges)},"a":${levels(askChanges)}}}`;
  }

  top(): string {
    const bids = [...this.bids].sort((a, b) => b[0] - a[0]).slice(0, DEPTH);
    const asks = [...this.asks].sort((a, b) => a[0] - b[0]).slice(0, DEPTH);
    return describeTop(bids, asks);
  }

  snapshot(): DepthSnapshot {
    const bids = [...this.bids].sort((a, b) => b[0] - a[0]);
    const asks = [...this.asks].sort((a, b) => a[0] - b[0]);
    return {
      lastUpdateId: this.updateId,
      exchangeTimeMs: 1_700_000_000_000,
      bidPrices: Float64Array.from(bids, ([price]) => price),
      bidQuantities: Float64Array.from(bids, ([, quantity]) => quantity),
      askPrices: Float64Array.from(asks, ([price]) => price),
      askQuantities: Float64Array.from(asks, ([, quantity]) => quantity),
      limit: 1000,
    };
  }
}

function apply(side: Map<number, number>, changes: ReadonlyMap<number, number>): void {
  for (const [price, quantity] of changes) {
    if (quantity === 0) side.delete(price);
    else side.set(price, quantity);
  }
}

function levels(changes: ReadonlyMap<number, number>): string {
  const texts = [...changes].map(
    ([price, quantity]) => `["${(price / 10).toFixed(2)}","${(quantity / 1000).toFixed(3)}"]`,
  );
  return `[${texts.join(',')}]`;
}

function describeTop(
  bids: readonly (readonly [number, number])[],
  asks: readonly (readonly [number, number])[],
): string {
  const text = ([price, quantity]: readonly [number, number]): string =>
    `${formatDecimal(price, 1)}x${formatDecimal(quantity, 3)}`;
  return `${bids.map(text).join(' ')} | ${asks.map(text).join(' ')}`;
}

class Collector implements Publisher {
  readonly name = 'collector';
  readonly books: { updateId: number; top: string }[] = [];
  readonly states: string[] = [];
  isLive = false;
  publishedWhileNotLive = 0;

  onBook(book: BookUpdate): void {
    if (!this.isLive) this.publishedWhileNotLive += 1;
    const bids = Array.from({ length: book.bidCount }, (_, i) => [book.bidPrices[i]!, book.bidQuantities[i]!] as const);
    const asks = Array.from({ length: book.askCount }, (_, i) => [book.askPrices[i]!, book.askQuantities[i]!] as const);
    this.books.push({ updateId: book.lastUpdateId, top: describeTop(bids, asks) });
  }
  onTrade(_trade: Trade): void {}
  onStatus(status: StatusUpdate): void {
    this.isLive = status.state === 'live';
    this.states.push(`${status.state}:${status.reason}`);
  }
  onTick(): void {}

  onEndOfBatch(): void {}
  async close(): Promise<void> {}
}

interface Disturbance {
  readonly drop: number;
  readonly duplicate: number;
  readonly reorder: number;
  readonly snapshotFails: number;
  readonly snapshotStale: number;
  readonly snapshotWaitMax: number;
}

async function simulate(
  seed: number,
  disturbance: Disturbance,
  isOverlapping: boolean,
): Promise<{ collector: Collector; truth: Truth; pipeline: Pipeline }> {
  const random = randomOf(seed);
  const truth = new Truth(random);
  const collector = new Collector();
  const instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
  const due: { step: number; settle: () => void }[] = [];
  let step = 0;
  const past: DepthSnapshot[] = [truth.snapshot()];
  const services: PipelineServices = {
    depthMode: 'diff',
    isDepthOverlapping: () => isOverlapping,
    isTradeOverlapping: () => false,
    fetchTrades: () => Promise.reject(new Error('not part of this test')),
    requestSnapshot: (_instrument, _priority, onStart) =>
      new Promise((resolve, reject) => {
        onStart();
        const settle = (): void => {
          if (random() < disturbance.snapshotFails) reject(new Error('HTTP 500'));
          else
            resolve(
              random() < disturbance.snapshotStale ? past[Math.floor(random() * past.length)]! : truth.snapshot(),
            );
        };
        due.push({ step: step + Math.floor(random() * disturbance.snapshotWaitMax), settle });
      }),
  };
  const clock = new ManualClock(1_700_000_000);
  const options = { depth: DEPTH, lastPriceSource: 'mid' as const, audit: false };
  const pipeline = new Pipeline(binanceUsdm, [instrument], options, clock, [collector], services, () => undefined);
  const deliver = (frame: string): void => pipeline.onFrame(Buffer.from(frame));
  let held: string | undefined;
  for (step = 0; step < 250; step += 1) {
    const isDisturbed = step < 200;
    clock.timeNs += 100e6;
    const frame = truth.nextFrame();
    if (step % 10 === 0) past.push(truth.snapshot());
    if (!isDisturbed || random() >= disturbance.drop) {
      if (isDisturbed && held === undefined && random() < disturbance.reorder) {
        held = frame;
      } else {
        deliver(frame);
        if (isDisturbed && random() < disturbance.duplicate) deliver(frame);
        if (held !== undefined) deliver(held);
        held = undefined;
      }
    }
    for (const request of due.splice(0)) {
      if (request.step <= step) request.settle();
      else due.push(request);
    }
    pipeline.sessions[0]!.check(clock.timeNs);
    await vi.advanceTimersByTimeAsync(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { collector, truth, pipeline };
}

const disturbances: fc.Arbitrary<Disturbance> = fc.record({
  drop: fc.constantFrom(0, 0.01, 0.05, 0.3),
  duplicate: fc.constantFrom(0, 0.05, 0.5),
  reorder: fc.constantFrom(0, 0.01, 0.1),
  snapshotFails: fc.constantFrom(0, 0.2),
  snapshotStale: fc.constantFrom(0, 0.3),
  snapshotWaitMax: fc.constantFrom(1, 5, 30),
});

describe('a session under disturbance', () => {
  // Retries wait; a step of the stream is 100 ms of their time.
  beforeAll(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
  afterAll(() => void vi.useRealTimers());

  test('never publishes a live book that differs from the truth at its update id', async () => {
    let published = 0;
    let resyncs = 0;
    const property = fc.asyncProperty(
      fc.integer(),
      disturbances,
      fc.boolean(),
      async (seed, disturbance, isOverlapping) => {
        const { collector, truth, pipeline } = await simulate(seed, disturbance, isOverlapping);
        for (const book of collector.books) expect(book.top).toBe(truth.topAt.get(book.updateId));
        expect(collector.publishedWhileNotLive).toBe(0);
        const ids = collector.books.map((book) => book.updateId);
        expect(ids).toEqual([...ids].sort((a, b) => a - b));
        published += ids.length;
        resyncs += pipeline.sessions[0]!.resyncs.total;
        pipeline.sessions[0]!.close();
      },
    );
    await fc.assert(property, { numRuns: 40 });
    expect(published).toBeGreaterThan(1000);
    expect(resyncs).toBeGreaterThan(10);
  }, 120_000);

  test('an undisturbed stream goes live once and publishes every update from there on', async () => {
    const calm = { drop: 0, duplicate: 0, reorder: 0, snapshotFails: 0, snapshotStale: 0, snapshotWaitMax: 5 };
    const { collector, pipeline } = await simulate(1, calm, false);
    expect(collector.states).toEqual(['live:snapshot_bridged']);
    expect(collector.books.length).toBeGreaterThan(240);
    expect(pipeline.sessions[0]!.gaps).toBe(0);
    pipeline.sessions[0]!.close();
  });

  test('with a second socket repeating and reordering everything, no gap is declared', async () => {
    const twice = { drop: 0, duplicate: 0.9, reorder: 0.2, snapshotFails: 0, snapshotStale: 0, snapshotWaitMax: 2 };
    const { collector, pipeline } = await simulate(2, twice, true);
    expect(collector.states).toEqual(['live:snapshot_bridged']);
    expect(pipeline.sessions[0]!.gaps).toBe(0);
    pipeline.sessions[0]!.close();
  });
});
