import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/model/clock.ts';
import { type BookUpdate, Trade } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import { ShmPublisher } from '../../src/publish/shm.ts';
import { open, type ShmReader } from './index.ts';

const clock = new SystemClock();
let directory: string;
let instruments: Instrument[];
let publisher: ShmPublisher;
let reader: ShmReader;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'market-data-client-'));
  instruments = ['BTCUSDT', 'ETHUSDT'].map((symbol, index) => ({ index, symbol, priceScale: 1, quantityScale: 3 }));
  publisher = new ShmPublisher({ name: 'region', directory, sizeBytes: 1 << 16, depth: 3, instruments, clock });
  reader = open('region', { directory });
});
afterEach(async () => {
  await publisher.close();
  fs.rmSync(directory, { recursive: true });
});

/** Prices are mantissas with one decimal place, quantities with three. */
function book(lastUpdateId: number, changes: Partial<BookUpdate> = {}): BookUpdate {
  return {
    instrument: instruments[0]!,
    lastUpdateId,
    source: 'diff',
    exchangeTimeMs: 1_759_727_805_212,
    receiveTimeNs: clock.nowNs(),
    bidCount: 4,
    askCount: 2,
    bidPrices: Float64Array.of(1_233_935, 1_233_930, 1_233_925, 1_233_920),
    bidQuantities: Float64Array.of(1234, 2456, 1, 2),
    askPrices: Float64Array.of(1_233_940, 1_233_945),
    askQuantities: Float64Array.of(987, 100),
    lastPrice: 12_339_375,
    lastPriceScale: 2,
    volume24h: 5_500,
    high24h: Number.NaN,
    low24h: 1_200_001,
    ...changes,
  };
}

describe('reading from a service', () => {
  test('a book comes as decimals, levels beyond the depth left out', () => {
    publisher.onBook(book(160));
    const event = reader.next();
    if (event?.kind !== 'book') throw new Error('no book');
    expect(event.bids()).toEqual([
      [123393.5, 1.234],
      [123393, 2.456],
      [123392.5, 0.001],
    ]);
    expect(event.asks()).toEqual([
      [123394, 0.987],
      [123394.5, 0.1],
    ]);
    expect([event.bidPrice(3), event.askPrice(2), event.askQuantity(2)]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
    expect([event.lastPrice, event.volume24h, event.high24h, event.low24h]).toEqual([
      123393.75,
      5.5,
      Number.NaN,
      120000.1,
    ]);
    expect(event).toMatchObject({ symbol: 'BTCUSDT', sequence: 1, lastUpdateId: 160, isLive: true, source: 'diff' });
    expect(event.exchangeTimeNs).toBe(1_759_727_805_212_000_000n);
    expect(event.publishTimeNs).toBeGreaterThanOrEqual(event.receiveTimeNs);
    const agoNs = BigInt(Date.now()) * 1_000_000n - event.publishTimeNs;
    expect(agoNs > -1_000_000_000n && agoNs < 60_000_000_000n).toBe(true);
  });

  test('what is returned is overwritten by the next call, a copy is not', () => {
    publisher.onBook(book(160));
    publisher.onBook(book(161, { bidPrices: Float64Array.of(5, 4, 3), bidCount: 3 }));
    const first = reader.next();
    if (first?.kind !== 'book') throw new Error('no book');
    const copy = first.copy();
    expect(reader.next()).toBe(first);
    expect(first.bidPrice(0)).toBe(0.5);
    expect(copy).toMatchObject({ lastUpdateId: 160, sequence: 1 });
    expect(copy.bidPrice(0)).toBe(123393.5);
    expect(copy.publishTimeNs).not.toBe(first.publishTimeNs);
  });

  test('trades', () => {
    const trade = Object.assign(new Trade(), { instrument: instruments[1], tradeId: 2 ** 40, price: 31, quantity: 7 });
    trade.isBuyerMaker = true;
    trade.tradeTimeMs = 1_759_727_805_001;
    publisher.onTrade(trade);
    const event = reader.next();
    expect(event).toMatchObject({ kind: 'trade', symbol: 'ETHUSDT', tradeId: 2 ** 40, price: 3.1, quantity: 0.007 });
    expect(event).toMatchObject({ isBuyerMaker: true, isRefill: false, tradeTimeNs: 1_759_727_805_001_000_000n });
  });

  test('a late reader has the present at once, and nothing of the past', () => {
    publisher.onBook(book(160));
    const late = open('region', { directory });
    expect(late.next()).toBeUndefined();
    expect(late.latest('BTCUSDT')).toMatchObject({ lastUpdateId: 160, isLive: true, bidCount: 3 });
    expect(late.latest('ETHUSDT')).toMatchObject({ lastUpdateId: -1, state: 'syncing', reason: 'start', bidCount: 0 });
  });

  test('a book that is not live any more cannot be read from the latest slot', () => {
    publisher.onBook(book(160));
    const instrument = instruments[0]!;
    publisher.onStatus({ instrument, state: 'resyncing', reason: 'gap', lastUpdateId: 160, timeNs: clock.nowNs() });
    const latest = reader.latest('BTCUSDT');
    expect(latest).toMatchObject({ state: 'resyncing', reason: 'gap', bidCount: 0, askCount: 0, lastPrice: 123393.75 });
    expect(latest.bidPrice(0)).toBeNaN();

    publisher.onStatus({
      instrument,
      state: 'live',
      reason: 'snapshot_bridged',
      lastUpdateId: 170,
      timeNs: clock.nowNs(),
    });
    expect(reader.latest('BTCUSDT').isLive).toBe(false);
    publisher.onBook(book(170));
    expect(reader.latest('BTCUSDT')).toMatchObject({ isLive: true, sequence: 4 });
    const kinds = Array.from({ length: 4 }, () => reader.next()?.kind);
    expect(kinds).toEqual(['book', 'status', 'status', 'book']);
  });

  test('the counters count what was written', () => {
    publisher.onBook(book(160));
    publisher.onTrade(Object.assign(new Trade(), { instrument: instruments[0] }));
    expect(publisher.records).toBe(2);
    expect(publisher.bytes).toBe(256 + 128);
  });

  test('being slow is told as a value', () => {
    for (let id = 0; id < 1000; id++) publisher.onBook(book(id));
    expect(reader.next()).toMatchObject({ kind: 'lost', bytes: publisher.bytes });
    expect(reader.next()).toBeUndefined();
    expect(reader.bytesLost).toBe(publisher.bytes);
    publisher.onBook(book(1000));
    expect(reader.next()).toMatchObject({ kind: 'book', sequence: 1001 });
  });

  test('waiting ends with an event, or when the time is up', () => {
    expect(reader.waitSpin(0)).toBe(false);
    expect(reader.waitSleep(1)).toBe(false);
    publisher.onBook(book(160));
    expect(reader.waitSpin(0)).toBe(true);
    expect(reader.waitSleep(0)).toBe(true);
  });

  test('a symbol that is not published is an error that names those that are', () => {
    expect(() => reader.latest('BTCUSD')).toThrow(expect.objectContaining({ code: 'UNKNOWN_SYMBOL' }));
    expect(() => reader.latest('BTCUSD')).toThrow('BTCUSDT, ETHUSDT');
  });

  test('after the end of the service its last words remain', async () => {
    publisher.onBook(book(160));
    expect(reader.writerState()).toBe('live');
    await publisher.close();
    expect(reader.writerState()).toBe('closed');
    expect(reader.next()).toMatchObject({ kind: 'book' });
    expect(reader.reopenIfReplaced()).toBe(false);
    expect(fs.readdirSync(directory)).toEqual(['region']);
  });
});
