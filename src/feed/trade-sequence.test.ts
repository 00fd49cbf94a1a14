import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { Trade } from '../model/events.ts';
import { type TradeHost, TradeSequence } from './trade-sequence.ts';

const INSTRUMENT = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };

function trade(tradeId: number): Trade {
  return Object.assign(new Trade(), { instrument: INSTRUMENT, tradeId, price: tradeId * 10, quantity: 1 });
}

/** A host with a store of trades that REST can give, and a record of what came out. */
class RecordingHost implements TradeHost {
  timeNs = 0;
  isOverlapping = false;
  stored = new Set<number>();
  isRefused = false;
  fetches = 0;
  pageTrades = 10;
  readonly handedOn: number[] = [];
  readonly refilled: number[] = [];
  readonly lost: [number, number][] = [];

  nowNs(): number {
    return this.timeNs;
  }
  isTradeOverlapping(): boolean {
    return this.isOverlapping;
  }
  async fetchTrades(_instrument: unknown, fromId: number): Promise<Trade[]> {
    this.fetches += 1;
    if (this.isRefused) throw new Error('refused');
    return [...this.stored]
      .filter((id) => id >= fromId)
      .sort((a, b) => a - b)
      .slice(0, this.pageTrades)
      .map(trade);
  }
  onTradeInOrder(event: Trade): void {
    this.handedOn.push(event.tradeId);
    if (event.isRefill) this.refilled.push(event.tradeId);
  }
  onTradesLost(_sequence: TradeSequence, fromId: number, toId: number): void {
    this.lost.push([fromId, toId]);
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

describe('trade sequence', () => {
  test('hands on each trade once', () => {
    const host = new RecordingHost();
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 6, 6, 5, 7]) sequence.onTrade(trade(id));
    expect(host.handedOn).toEqual([5, 6, 7]);
    expect(sequence.duplicates).toBe(2);
  });

  // Chaos seed 20: a stream that lost every third trade spent the minute's request weight on a page for each of them.
  test('one page fills several gaps', async () => {
    const host = new RecordingHost();
    for (let id = 1; id <= 40; id += 1) host.stored.add(id);
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 7, 9, 10, 13]) sequence.onTrade(trade(id));
    await settle();
    expect(host.handedOn).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13]);
    expect(host.refilled).toEqual([6, 8, 11, 12]);
    expect(host.fetches).toBe(1);
  });

  // Chaos seed 218: eight streams that lost every fourth trade for a second spent 70 % of the minute's request weight on a page a gap.
  test('gaps that come thick share pages, and none waits for longer than a second and a bit', async () => {
    const host = new RecordingHost();
    const sequence = new TradeSequence(INSTRUMENT, host);
    const SECONDS = 20;
    host.pageTrades = 1000;
    let longestWait = 0;
    for (let id = 1; id <= SECONDS * 60; id += 1) {
      host.timeNs = (id / 60) * 1e9;
      host.stored.add(id);
      if (id % 4 !== 0) sequence.onTrade(trade(id));
      sequence.check(host.timeNs);
      await settle();
      longestWait = Math.max(longestWait, id - host.handedOn.length);
    }
    sequence.onTrade(trade(SECONDS * 60 + 1));
    host.timeNs += 2e9;
    sequence.check(host.timeNs);
    await settle();
    expect(host.handedOn).toEqual(Array.from({ length: SECONDS * 60 + 1 }, (_, index) => index + 1));
    expect(host.lost).toEqual([]);
    // One page a gap would be 300.
    expect(host.fetches).toBeLessThan(100);
    expect(longestWait / 60).toBeLessThan(1.5);
  });

  test('refills a gap from REST, page by page, before what came after it', async () => {
    const host = new RecordingHost();
    for (let id = 1; id <= 40; id += 1) host.stored.add(id);
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 31, 32]) sequence.onTrade(trade(id));
    expect(host.handedOn).toEqual([5]);
    await settle();
    expect(host.handedOn).toEqual(Array.from({ length: 28 }, (_, index) => index + 5));
    expect(host.refilled).toHaveLength(25);
    expect(host.lost).toEqual([]);
    expect(sequence.gaps.get('refilled')).toBe(1);
  });

  test('reports what REST does not have as lost, and goes on', async () => {
    const host = new RecordingHost();
    host.stored.add(6);
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 9, 10]) sequence.onTrade(trade(id));
    await settle();
    expect(host.handedOn).toEqual([5, 6]);
    sequence.check((LIMITS.trade_refill_ms_max + 1) * 1e6);
    expect(host.handedOn).toEqual([5, 6, 9, 10]);
    expect(host.lost).toEqual([[7, 8]]);
    expect(sequence.lost).toBe(2);
  });

  test('gives up when REST is refused, after the hold', async () => {
    const host = new RecordingHost();
    host.isRefused = true;
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 9]) sequence.onTrade(trade(id));
    await settle();
    expect(host.handedOn).toEqual([5]);
    sequence.check((LIMITS.trade_refill_ms_max + 1) * 1e6);
    expect(host.handedOn).toEqual([5, 9]);
    expect(host.lost).toEqual([[6, 8]]);
  });

  test('asks again when REST does not have the trades yet', async () => {
    const host = new RecordingHost();
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 8]) sequence.onTrade(trade(id));
    await settle();
    expect(host.handedOn).toEqual([5]);
    host.stored.add(6).add(7);
    sequence.check((LIMITS.gap_hold_ms + 1) * 1e6);
    await settle();
    expect(host.handedOn).toEqual([5, 6, 7, 8]);
  });

  test('waits for another socket before it asks REST', async () => {
    const host = new RecordingHost();
    host.isOverlapping = true;
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5, 8, 7, 6]) sequence.onTrade(trade(id));
    await settle();
    expect(host.handedOn).toEqual([5, 6, 7, 8]);
    expect(sequence.gaps.get('filled_by_other_socket')).toBe(1);
  });

  test('takes ids that fall very far back for an exchange that started anew', () => {
    const host = new RecordingHost();
    const sequence = new TradeSequence(INSTRUMENT, host);
    sequence.onTrade(trade(5_000_000));
    sequence.onTrade(trade(1));
    sequence.onTrade(trade(2));
    expect(host.handedOn).toEqual([5_000_000, 1, 2]);
  });

  test('an exchange that starts anew while a gap is held', () => {
    const host = new RecordingHost();
    host.isRefused = true;
    const sequence = new TradeSequence(INSTRUMENT, host);
    for (const id of [5_000_000, 5_000_002, 1, 2]) sequence.onTrade(trade(id));
    expect(host.handedOn).toEqual([5_000_000, 5_000_002, 1, 2]);
    expect(host.lost).toEqual([[5_000_001, 5_000_001]]);
  });

  test('never hands on a trade twice or out of order, and accounts for every id, whatever arrives', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 120 }),
      fc.uniqueArray(fc.integer({ min: 1, max: 60 })),
      fc.boolean(),
      async (arrivals, stored, isOverlapping) => {
        const host = new RecordingHost();
        host.isOverlapping = isOverlapping;
        for (const id of stored) host.stored.add(id);
        const sequence = new TradeSequence(INSTRUMENT, host);
        for (const id of arrivals) {
          sequence.onTrade(trade(id));
          if (id % 3 === 0) await settle();
        }
        await settle();
        sequence.flush();
        const accounted = [...host.handedOn];
        for (const [from, to] of host.lost) for (let id = from; id <= to; id += 1) accounted.push(id);
        accounted.sort((a, b) => a - b);
        const first = arrivals[0]!;
        expect(accounted).toEqual(Array.from({ length: accounted.length }, (_, index) => first + index));
        expect(host.handedOn).toEqual([...host.handedOn].sort((a, b) => a - b));
        expect(Math.max(...host.handedOn)).toBe(Math.max(...arrivals.filter((id) => id >= first)));
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });
});
