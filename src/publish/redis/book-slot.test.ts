import { expect, it } from 'vitest';
import type { BookUpdate } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { BookSlot } from './book-slot.ts';

const instrument: Instrument = { index: 0, symbol: 'A', priceScale: 1, quantityScale: 0 };

const book: BookUpdate = {
  instrument,
  lastUpdateId: 9,
  source: 'partial',
  exchangeTimeMs: 1,
  receiveTimeNs: 2,
  bidCount: 2,
  askCount: 1,
  bidPrices: Float64Array.of(100, 99, 77),
  bidQuantities: Float64Array.of(1, 2, 77),
  askPrices: Float64Array.of(101, 77),
  askQuantities: Float64Array.of(3, 77),
  lastPrice: 1005,
  lastPriceScale: 2,
  volume24h: Number.NaN,
  high24h: 200,
  low24h: 50,
};

it('holds a copy that the next update of the reused book does not change', () => {
  const reused = { ...book, bidPrices: book.bidPrices.slice() };
  const slot = new BookSlot(instrument);
  slot.copy(reused);
  reused.bidPrices[0] = 0;
  expect([...slot.bidPrices.subarray(0, slot.bidCount)]).toEqual([100, 99]);
  expect([...slot.askQuantities.subarray(0, slot.askCount)]).toEqual([3]);
  expect(slot).toMatchObject({ lastUpdateId: 9, source: 'partial', receiveTimeNs: 2, lastPrice: 1005, high24h: 200 });
});

it('moves to scales that have widened since it was copied, once', () => {
  const widening = { ...instrument };
  const slot = new BookSlot(widening);
  slot.copy({ ...book, instrument: widening });
  widening.priceScale = 3;
  widening.quantityScale = 2;
  for (const _ of [1, 2]) slot.followScales();
  expect([...slot.bidPrices]).toEqual([10_000, 9900]);
  expect([...slot.bidQuantities]).toEqual([100, 200]);
  expect([...slot.askPrices]).toEqual([10_100]);
  expect(slot).toMatchObject({
    high24h: 20_000,
    low24h: 5000,
    volume24h: Number.NaN,
    lastPrice: 1005,
    lastPriceScale: 2,
  });
});
