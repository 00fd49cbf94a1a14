import { describe, expect, it } from 'vitest';
import { FeedError } from '../model/errors.ts';
import { type BookUpdate, DepthUpdate, Trade } from '../model/events.ts';
import { Market } from './market.ts';
import { OrderBook } from './order-book.ts';

type Level = readonly [price: number, quantity: number];

function market(options: { depth?: number; lastPriceSource?: 'trade' | 'mid' } = {}): Market {
  const instrument = { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 };
  return new Market(instrument, { depth: 3, lastPriceSource: 'trade', ...options });
}

function depth(bids: readonly Level[], asks: readonly Level[], finalUpdateId = 7): DepthUpdate {
  const update = new DepthUpdate();
  update.finalUpdateId = finalUpdateId;
  update.exchangeTimeMs = 1_723_075_200_000;
  update.receiveTimeNs = 99;
  for (const [price, quantity] of bids) {
    update.bidPrices[update.bidCount] = price;
    update.bidQuantities[update.bidCount++] = quantity;
  }
  for (const [price, quantity] of asks) {
    update.askPrices[update.askCount] = price;
    update.askQuantities[update.askCount++] = quantity;
  }
  return update;
}

function snapshot(bids: readonly Level[], asks: readonly Level[], limit: number) {
  const update = depth(bids, asks).clone();
  const { bidPrices, bidQuantities, askPrices, askQuantities } = update;
  return { lastUpdateId: 6, exchangeTimeMs: 0, limit, bidPrices, bidQuantities, askPrices, askQuantities };
}

function trade(tradeId: number, price: number, isRefill = false): Trade {
  return Object.assign(new Trade(), { tradeId, price, quantity: 5, tradeTimeMs: 1_723_075_200_000, isRefill });
}

function levels(update: BookUpdate): { bids: Level[]; asks: Level[] } {
  const pairs = (prices: Float64Array, quantities: Float64Array, count: number): Level[] =>
    [...prices.subarray(0, count)].map((price, level) => [price, quantities[level]!]);
  return {
    bids: pairs(update.bidPrices, update.bidQuantities, update.bidCount),
    asks: pairs(update.askPrices, update.askQuantities, update.askCount),
  };
}

describe('a market', () => {
  it('publishes the top of its book with the mid until the first trade', () => {
    const subject = market();
    subject.book.apply(
      depth(
        [
          [100, 1],
          [99, 2],
          [98, 3],
          [97, 4],
        ],
        [
          [101, 5],
          [103, 6],
        ],
      ),
    );
    subject.lastUpdateId = 7;
    subject.exchangeTimeMs = 1_723_075_200_000;
    subject.receiveTimeNs = 99;
    const update = subject.refresh();
    expect(update).toBe(subject.update);
    expect(levels(update)).toEqual({
      bids: [
        [100, 1],
        [99, 2],
        [98, 3],
      ],
      asks: [
        [101, 5],
        [103, 6],
      ],
    });
    expect(update).toMatchObject({
      lastUpdateId: 7,
      source: 'diff',
      exchangeTimeMs: 1_723_075_200_000,
      receiveTimeNs: 99,
      // 10.05: half-way between 10.0 and 10.1.
      lastPrice: 1005,
      lastPriceScale: 2,
      volume24h: Number.NaN,
      high24h: Number.NaN,
      low24h: Number.NaN,
    });
    subject.onTrade(trade(1, 102));
    subject.refresh();
    expect([update.lastPrice, update.lastPriceScale]).toEqual([102, 1]);
  });

  it('publishes the mid for ever where that is asked for, at the price scale when it needs no more', () => {
    const subject = market({ lastPriceSource: 'mid' });
    subject.book.apply(depth([[100, 1]], [[102, 5]]));
    subject.onTrade(trade(1, 102));
    subject.refresh();
    expect([subject.update.lastPrice, subject.update.lastPriceScale]).toEqual([101, 1]);
  });

  it('publishes no level beyond the horizon of its snapshot', () => {
    const subject = market();
    subject.book.reset(
      snapshot(
        [
          [100, 1],
          [98, 2],
        ],
        [
          [101, 5],
          [103, 6],
        ],
        2,
      ),
    );
    subject.book.apply(
      depth(
        [
          [97, 7],
          [99, 3],
        ],
        [[104, 8]],
      ),
    );
    const update = subject.refresh();
    expect(levels(update)).toEqual({
      bids: [
        [100, 1],
        [99, 3],
        [98, 2],
      ],
      asks: [
        [101, 5],
        [103, 6],
      ],
    });
  });

  it('publishes the statistics as they are', () => {
    const subject = market();
    subject.statistics.seed([{ openTimeMs: 1_723_075_200_000, volume: 10, high: 120, low: 90 }]);
    subject.onTrade(trade(1, 121));
    subject.exchangeTimeMs = 1_723_075_200_000;
    expect(subject.refresh()).toMatchObject({ volume24h: 15, high24h: 121, low24h: 90 });
  });

  it('does not take a refilled trade for the last one', () => {
    const subject = market();
    subject.onTrade(trade(5, 102));
    subject.onTrade(trade(4, 50, true));
    expect([subject.lastTradeId, subject.lastTradePrice]).toEqual([5, 102]);
    subject.onTrade(trade(6, 51, true));
    expect([subject.lastTradeId, subject.lastTradePrice]).toEqual([6, 51]);
  });

  it('takes the venue’s own top of book as it is, and refuses one that cannot be', () => {
    const subject = market();
    expect(
      subject.applyPartial(
        depth(
          [
            [100, 1],
            [99, 2],
            [98, 3],
            [97, 4],
          ],
          [[101, 5]],
          12,
        ),
      ),
    ).toBe(true);
    expect(levels(subject.update)).toEqual({
      bids: [
        [100, 1],
        [99, 2],
        [98, 3],
      ],
      asks: [[101, 5]],
    });
    expect(subject.update).toMatchObject({ lastUpdateId: 12, source: 'partial', receiveTimeNs: 99, lastPrice: 1005 });
    expect([subject.source, subject.lastUpdateId]).toEqual(['partial', 12]);
    expect(subject.applyPartial(depth([[102, 1]], [[101, 5]], 13))).toBe(false);
    expect(subject.applyPartial(depth([], [[101, 5]], 14))).toBe(false);
    expect(subject.update.lastUpdateId).toBe(12);
    subject.adopt(new OrderBook(subject.instrument));
    expect(subject.source).toBe('diff');
  });

  it('moves everything to finer scales', () => {
    const subject = market();
    subject.book.apply(depth([[100, 1]], [[101, 5]]));
    subject.statistics.seed([{ openTimeMs: 1_723_075_200_000, volume: 10, high: 120, low: 90 }]);
    subject.refresh();
    expect([subject.update.lastPrice, subject.update.lastPriceScale]).toEqual([1005, 2]);
    subject.rescale(3, 4);
    expect(subject.instrument).toMatchObject({ priceScale: 3, quantityScale: 4 });
    // What had been filled before is right at the new scales, too, and a mid that was finer stays so.
    expect(levels(subject.update)).toEqual({ bids: [[10_000, 10]], asks: [[10_100, 50]] });
    expect([subject.update.lastPrice, subject.update.lastPriceScale]).toEqual([100_500, 4]);
    subject.onTrade(trade(1, 10_050));
    subject.rescale(4, 4);
    expect(levels(subject.refresh())).toEqual({ bids: [[100_000, 10]], asks: [[101_000, 50]] });
    expect(subject.update).toMatchObject({ lastPrice: 100_500, lastPriceScale: 4 });
    expect(subject.update).toMatchObject({ volume24h: 105, high24h: 120_000, low24h: 90_000 });
  });

  it('empties a book that cannot be told exactly at new scales, sets them, and asks for a resync', () => {
    const subject = market();
    subject.book.apply(depth([[100, 1]], [[2 ** 52, 5]]));
    expect(() => subject.rescale(2, 3)).toThrow(FeedError);
    expect(subject.instrument.priceScale).toBe(2);
    expect(subject.book.isEmpty).toBe(true);
  });

  it('changes its state with a reason, and tells whether it changed', () => {
    const subject = market();
    expect([subject.state, subject.reason]).toEqual(['syncing', 'start']);
    expect(subject.transition('live', 'snapshot_bridged')).toBe(true);
    expect(subject.transition('live', 'partial_depth')).toBe(false);
    expect([subject.state, subject.reason]).toEqual(['live', 'snapshot_bridged']);
    expect(subject.transition('resyncing', 'gap')).toBe(true);
    expect(() => subject.transition('syncing', 'start')).toThrow('BTCUSDT: a resyncing market cannot become syncing');
  });

  it('agrees with another book as far as both know their levels', () => {
    const subject = market();
    const one = new OrderBook(subject.instrument);
    one.reset(
      snapshot(
        [
          [100, 1],
          [99, 2],
          [95, 3],
        ],
        [
          [101, 5],
          [103, 6],
        ],
        3,
      ),
    );
    subject.adopt(one);
    const other = (bids: readonly Level[], asks: readonly Level[], limit: number): OrderBook => {
      const book = new OrderBook(subject.instrument);
      book.reset(snapshot(bids, asks, limit));
      return book;
    };
    // The other does not know what is below 99; its asks end there, and so do ours.
    expect(
      subject.agreesWith(
        other(
          [
            [100, 1],
            [99, 2],
          ],
          [
            [101, 5],
            [103, 6],
          ],
          2,
        ),
      ),
    ).toBe(true);
    expect(
      subject.agreesWith(
        other(
          [
            [100, 1],
            [99, 2],
            [95, 3],
            [90, 8],
          ],
          [
            [101, 5],
            [103, 6],
          ],
          1000,
        ),
      ),
    ).toBe(true);
    expect(
      subject.agreesWith(
        other(
          [
            [100, 1],
            [99, 2],
            [94, 3],
          ],
          [
            [101, 5],
            [103, 6],
          ],
          1000,
        ),
      ),
    ).toBe(false);
    expect(
      subject.agreesWith(
        other(
          [
            [100, 1],
            [99, 3],
          ],
          [
            [101, 5],
            [103, 6],
          ],
          2,
        ),
      ),
    ).toBe(false);
    expect(
      subject.agreesWith(
        other(
          [
            [100, 1],
            [99, 2],
          ],
          [
            [101, 5],
            [103, 6],
            [104, 1],
          ],
          1000,
        ),
      ),
    ).toBe(false);
  });
});
