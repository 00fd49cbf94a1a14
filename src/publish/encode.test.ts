import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Clock, ManualClock } from '../model/clock.ts';
import { formatDecimal } from '../model/decimal.ts';
import { type BookUpdate, type StatusUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { DocumentEncoder, type EncodedDocument } from './encode.ts';

/** 2025-10-06T05:16:45Z and the nanoseconds of the contract's example. */
const EXAMPLE_SECONDS = 1_759_727_805;
const EXAMPLE_NANOS = 212_172_749;
const NEW_YEAR_2026_SECONDS = 1_767_225_600;

const btc: Instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 2, quantityScale: 3 };
const eth: Instrument = { index: 1, symbol: 'ETHUSDT', priceScale: 8, quantityScale: 8 };
/** The same symbol with coarse prices: "prices above 1e6" still has to fit 2^53. */
const coarse: Instrument = { index: 1, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 8 };

type Levels = readonly (readonly [price: number, quantity: number])[];

function bookOf(instrument: Instrument, bids: Levels, asks: Levels, rest: Partial<BookUpdate> = {}): BookUpdate {
  return {
    instrument,
    lastUpdateId: 160,
    source: 'diff',
    exchangeTimeMs: 0,
    receiveTimeNs: 0,
    bidCount: bids.length,
    askCount: asks.length,
    bidPrices: Float64Array.from(bids, ([price]) => price),
    bidQuantities: Float64Array.from(bids, ([, quantity]) => quantity),
    askPrices: Float64Array.from(asks, ([price]) => price),
    askQuantities: Float64Array.from(asks, ([, quantity]) => quantity),
    lastPrice: Number.NaN,
    lastPriceScale: instrument.priceScale,
    volume24h: Number.NaN,
    high24h: Number.NaN,
    low24h: Number.NaN,
    ...rest,
  };
}

function tradeOf(instrument: Instrument, fields: Partial<Trade>): Trade {
  return Object.assign(new Trade(), { instrument, ...fields });
}

const exampleClock = (): Clock => new ManualClock(EXAMPLE_SECONDS, EXAMPLE_NANOS);

function orderbookText(encoder: DocumentEncoder, book: BookUpdate): string {
  const encoded = encoder.encodeBook(book);
  return Buffer.from(encoded.bytes).toString('utf8', 0, encoded.orderbookEnd);
}

function marketDataText(encoder: DocumentEncoder, book: BookUpdate): string {
  const encoded = encoder.encodeBook(book);
  return Buffer.from(encoded.bytes).toString('utf8', encoded.orderbookEnd, encoded.marketDataEnd);
}

function documentText(encoded: EncodedDocument): string {
  return Buffer.from(encoded.bytes).toString('utf8', 0, encoded.end);
}

/** The exact documents, by the name of the case. */
function golden(channel: string): Record<string, string> {
  return JSON.parse(readFileSync(new URL(`../../test/golden/${channel}.json`, import.meta.url), 'utf8'));
}

function expectGolden(channel: string, actual: Record<string, string>): void {
  expect(actual).toEqual(golden(channel));
}

describe('exact bytes of', () => {
  test('orderbook', () => {
    const encoder = new DocumentEncoder(exampleClock());
    const yearEnd = new DocumentEncoder(new ManualClock(NEW_YEAR_2026_SECONDS - 1, 999_999_999));
    const wide = {
      bids: [
        [123_456_710, 1],
        [100_000_000, 1_000_000_000],
        [50, 1_234_567_800_000_001],
      ],
      asks: [
        [9_007_199_254_740_991, 9_007_199_254_740_991],
        [123_456_789, 10_000_000],
      ],
    } as const;
    const small = { bids: [[100, 100_000_000]], asks: [[200, 100_000_000]] } as const;
    expectGolden('orderbook', {
      'example of the contract': orderbookText(
        encoder,
        bookOf(
          btc,
          [
            [12_339_350, 1234],
            [12_339_300, 2456],
          ],
          [[12_339_400, 987]],
        ),
      ),
      'smallest sizes, trailing zeros, prices above 1e6': orderbookText(
        yearEnd,
        bookOf(coarse, wide.bids, wide.asks, { lastUpdateId: Number.MAX_SAFE_INTEGER }),
      ),
      'one nanosecond later, at a boundary of second, minute, hour, day, month and year': orderbookText(
        yearEnd,
        bookOf(coarse, small.bids, small.asks, { lastUpdateId: 1, receiveTimeNs: 1 }),
      ),
      'partial depth': orderbookText(
        new DocumentEncoder(new ManualClock(EXAMPLE_SECONDS, 1)),
        bookOf(btc, [[1001, 500]], [[1002, 500]], { lastUpdateId: 7, source: 'partial' }),
      ),
      'empty sides': orderbookText(encoder, bookOf(btc, [], [], { lastUpdateId: 0 })),
    });
  });

  test('market_data', () => {
    const encoder = new DocumentEncoder(exampleClock());
    const nextSecond = new DocumentEncoder(new ManualClock(EXAMPLE_SECONDS + 1));
    expectGolden('market_data', {
      'everything known': marketDataText(
        encoder,
        bookOf(btc, [[12_339_350, 1]], [[12_339_400, 1]], {
          lastPrice: 12_339_350,
          volume24h: 98_765_432,
          high24h: 12_500_000,
          low24h: 11_999_990,
        }),
      ),
      'statistics unknown, mid with one more decimal place': marketDataText(
        nextSecond,
        bookOf(btc, [[12_339_350, 1]], [[12_339_401, 1]], { lastPrice: 123_393_755, lastPriceScale: 3 }),
      ),
      'a volume above 1e9 and a price of 1e-8': marketDataText(
        encoder,
        bookOf({ ...eth, quantityScale: 1 }, [[1, 1]], [[2, 1]], {
          lastPrice: 1,
          volume24h: 123_456_789_015,
          high24h: 10,
          low24h: 1,
        }),
      ),
      'empty sides': marketDataText(encoder, bookOf(btc, [], [], { volume24h: 0 })),
    });
  });

  test('trades', () => {
    const encoder = new DocumentEncoder(exampleClock());
    const timeMs = EXAMPLE_SECONDS * 1000 + 212;
    const text = (instrument: Instrument, fields: Partial<Trade>) =>
      documentText(encoder.encodeTrade(tradeOf(instrument, { tradeTimeMs: timeMs, ...fields })));
    expectGolden('trades', {
      'a sell hitting a bid': text(btc, { tradeId: 5_933_014, price: 12_339_350, quantity: 1, isBuyerMaker: true }),
      'a buy, trailing zeros, on the second': text(btc, {
        tradeId: 5_933_015,
        price: 12_340_000,
        quantity: 10_000,
        tradeTimeMs: EXAMPLE_SECONDS * 1000 + 1000,
      }),
      'the last millisecond of the second before': text(btc, {
        tradeId: 5_933_016,
        price: 1,
        quantity: 1_234_567_890,
        tradeTimeMs: EXAMPLE_SECONDS * 1000 + 999,
      }),
      '1e-8, refilled': text(eth, {
        tradeId: Number.MAX_SAFE_INTEGER,
        price: 123_456_700_000_001,
        quantity: 1,
        isBuyerMaker: true,
        isRefill: true,
      }),
    });
  });

  test('status', () => {
    const text = (nanos: number, fields: Omit<StatusUpdate, 'timeNs'>) =>
      documentText(new DocumentEncoder(new ManualClock(EXAMPLE_SECONDS, nanos)).encodeStatus({ timeNs: 0, ...fields }));
    expectGolden('status', {
      live: text(EXAMPLE_NANOS, { instrument: btc, state: 'live', reason: 'snapshot_bridged', lastUpdateId: 160 }),
      'no update yet': text(1_000_000_000, { instrument: eth, state: 'syncing', reason: 'start', lastUpdateId: -1 }),
      gap: text(1, { instrument: btc, state: 'resyncing', reason: 'gap', lastUpdateId: Number.MAX_SAFE_INTEGER }),
    });
  });
});

describe('a book', () => {
  const mantissa = fc.oneof(fc.maxSafeNat(), fc.nat({ max: 2 ** 31 + 5 }), fc.nat({ max: 2000 }));
  const level = fc.tuple(mantissa, mantissa);
  const scale = fc.integer({ min: 0, max: 12 });
  const levels = fc.array(level, { maxLength: 30 });

  let updates = 0;

  it('has the text that plain formatting gives, for any mantissas and scales', () => {
    const encoder = new DocumentEncoder(exampleClock());
    fc.assert(
      fc.property(levels, levels, scale, scale, fc.maxSafeNat(), (bids, asks, priceScale, quantityScale, id) => {
        const book = bookOf({ index: 0, symbol: 'X', priceScale, quantityScale }, bids, asks, { lastUpdateId: id });
        const side = (side: [number, number][]) =>
          side.map(([p, q]) => `[${formatDecimal(p, priceScale)},${formatDecimal(q, quantityScale)}]`).join(',');
        // A new encoder each time would hide what a reused buffer leaves behind: times that differ by less than a
        // nanosecond make each book a new one instead.
        updates++;
        const text = orderbookText(encoder, { ...book, receiveTimeNs: updates / 1e6 });
        expect(text).toBe(
          `{"symbol":"X","last_update_id":${id},"bids":[${side(bids)}],"asks":[${side(asks)}],` +
            '"timestamp":"2025-10-06T05:16:45.212172749+00:00"}',
        );
        expect(JSON.parse(text).bids).toEqual(
          bids.map(([p, q]) => [Number(formatDecimal(p, priceScale)), Number(formatDecimal(q, quantityScale))]),
        );
      }),
    );
  });

  it('is encoded once for all sinks', () => {
    let timesRead = 0;
    const encoder = new DocumentEncoder(exampleClock());
    const book = bookOf(btc, [[1, 1]], [[2, 1]]);
    const { bidPrices } = book;
    const counting = (lastPrice: number): BookUpdate => ({
      ...book,
      lastPrice,
      get bidPrices() {
        timesRead++;
        return bidPrices;
      },
    });
    encoder.encodeBook(counting(5));
    const once = timesRead;
    expect(once).toBeGreaterThan(0);
    encoder.encodeBook(counting(5));
    expect(timesRead).toBe(once);
    encoder.encodeBook(counting(6));
    expect(timesRead).toBe(2 * once);
  });

  it('of a thousand levels a side does not outgrow the buffer', () => {
    const side = Array.from({ length: 1000 }, () => [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER] as const);
    const fine: Instrument = { index: 3, symbol: 'FINE', priceScale: 12, quantityScale: 12 };
    const parsed = JSON.parse(orderbookText(new DocumentEncoder(exampleClock()), bookOf(fine, side, side)));
    expect(parsed.bids).toHaveLength(1000);
    expect(parsed.asks).toHaveLength(1000);
  });
});

describe('a symbol', () => {
  it('with characters that JSON escapes stays one string', () => {
    const strange: Instrument = { index: 0, symbol: 'A"\\é', priceScale: 0, quantityScale: 0 };
    const text = orderbookText(new DocumentEncoder(exampleClock()), bookOf(strange, [], []));
    expect(JSON.parse(text).symbol).toBe('A"\\é');
  });
});

describe('timestamps', () => {
  it('agree with the system for any time, in any order', () => {
    const encoder = new DocumentEncoder(new ManualClock(0));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (tradeTimeMs) => {
        const text = documentText(encoder.encodeTrade(tradeOf(btc, { tradeTimeMs })));
        const expected = new Date(tradeTimeMs).toISOString().replace('Z', '000000+00:00');
        expect(JSON.parse(text).timestamp).toBe(expected);
      }),
    );
  });
});
