import { afterEach, describe, expect, test } from 'vitest';
import { findCapture } from './capture.ts';
import { SimulatedExchange } from './exchange-server.ts';
import { loadRecording, type RecordedEvent } from './recording.ts';
import { BookFollower, getJson, type Json, TestClient } from './test-client.ts';

const isPresent = (name: string) => {
  try {
    return findCapture(name) !== '';
  } catch {
    return false;
  }
};
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

for (const name of ['btcusdt', '4symbols']) {
  describe.skipIf(!isPresent(name))(`the recording ${name} at full speed`, () => {
    test('a client that bridges misses no diff and no trade, and every best bid and offer agrees', async () => {
      const events = loadRecording(findCapture(name));
      const exchange = await SimulatedExchange.start({ capture: name, speed: Number.POSITIVE_INFINITY, truth: {} });
      open.push(exchange);
      const symbols = [...exchange.market.symbols.keys()];
      const views = new Map(symbols.map((symbol) => [symbol, new SymbolView(symbol, exchange)]));
      const streams = (suffixes: string[]) =>
        symbols.flatMap((symbol) => suffixes.map((suffix) => `${symbol.toLowerCase()}@${suffix}`)).join('/');
      const onMessage = ({ data }: Json) => views.get(data.s)!.on(data);
      const publicUrl = `${exchange.wsUrl}/public/stream?streams=${streams(['depth@100ms', 'bookTicker'])}`;
      const publicClient = await TestClient.open(publicUrl, onMessage);
      const marketUrl = `${exchange.wsUrl}/market/stream?streams=${streams(['aggTrade'])}`;
      const marketClient = await TestClient.open(marketUrl, onMessage);
      open.push(publicClient, marketClient);
      for (const symbol of symbols) {
        const snapshot = await getJson(`${exchange.restUrl}/fapi/v1/depth?symbol=${symbol}&limit=1000`);
        views.get(symbol)!.follower.onSnapshot(snapshot.body);
      }
      await exchange.captureEnded;
      for (const symbol of symbols) {
        const view = views.get(symbol)!;
        const expected = expectations(events, symbol);
        await publicClient.until(() => view.diffs === expected.diffs && view.tops.length === expected.tops);
        await marketClient.until(() => view.trades.length === expected.trades.length);
        expect(view.trades).toEqual(expected.trades);
        expect(view.follower.appliedCount).toBe(expected.diffsFromSnapshot);
        expect(view.comparedWithTruth).toBe(expected.diffsFromSnapshot);
        expect(view.compareWithTops()).toBeGreaterThan(expected.diffsFromSnapshot * 0.8);
      }
    }, 120_000);
  });
}

/** Everything a client learns of one symbol. */
class SymbolView {
  readonly follower = new BookFollower();
  readonly trades: number[][] = [];
  readonly tops: Json[] = [];
  diffs = 0;
  comparedWithTruth = 0;
  readonly #books: { updateId: number; best: number[][] }[] = [];

  constructor(symbol: string, exchange: SimulatedExchange) {
    this.follower.onApplied = (diff) => {
      const best = [this.follower.book.bids(1)[0]!.map(Number), this.follower.book.asks(1)[0]!.map(Number)];
      const truth = exchange.truth(symbol, diff.u)!;
      // Six thousand times: a plain comparison, looked at in full only when it fails.
      const stated = [truth.bids[0]!.map(Number), truth.asks[0]!.map(Number)];
      if (String(best) !== String(stated)) expect(best).toEqual(stated);
      this.comparedWithTruth++;
      this.#books.push({ updateId: diff.u, best });
    };
  }

  on(data: Json): void {
    if (data.e === 'depthUpdate') {
      this.diffs++;
      this.follower.onDiff(data);
    } else if (data.e === 'bookTicker') {
      this.tops.push(data);
    } else if (data.e === 'aggTrade') {
      this.trades.push([data.a, Number(data.p), Number(data.q), data.T]);
    }
  }

  /**
   * The recordings' oracle: after the diff that ends with u, the best levels are those of the last bookTicker that is not newer,
   * as long as another follows. @returns how many books could be compared.
   */
  compareWithTops(): number {
    let compared = 0;
    let next = 0;
    for (const { updateId, best } of this.#books) {
      while (next < this.tops.length && this.tops[next].u <= updateId) next++;
      const top = this.tops[next - 1];
      if (top === undefined || next === this.tops.length) continue;
      const stated = [
        [Number(top.b), Number(top.B)],
        [Number(top.a), Number(top.A)],
      ];
      if (String(best) !== String(stated)) expect(best).toEqual(stated);
      compared++;
    }
    return compared;
  }
}

function expectations(all: RecordedEvent[], symbol: string) {
  const events = all.filter((event) => event.symbol === symbol);
  const diffs = events.filter((event) => event.kind === 'diff');
  const snapshot = events.find((event) => event.kind === 'snapshot')!;
  return {
    diffs: diffs.length,
    diffsFromSnapshot: diffs.filter((event) => event.diff.finalUpdateId >= snapshot.snapshot.lastUpdateId).length,
    tops: events.filter((event) => event.kind === 'top').length,
    trades: events
      .filter((event) => event.kind === 'trade')
      .filter((event) => event.trade.isTrade)
      .map(({ trade }) => [trade.id, Number(trade.price), Number(trade.quantity), trade.timeMs]),
  };
}

describe.skipIf(!isPresent('btcusdt'))('a recording', () => {
  test('waits for its subscribers, holds at its snapshot, and answers later requests from its own book', async () => {
    const exchange = await SimulatedExchange.start({
      capture: 'btcusdt',
      speed: Number.POSITIVE_INFINITY,
      startWhen: 'depth',
    });
    open.push(exchange);
    const stats = () => exchange.stats().capture!;
    expect(stats().awaited_streams).toEqual(['btcusdt@depth@100ms']);
    const diffs: Json[] = [];
    const client = await TestClient.open(`${exchange.wsUrl}/public/ws/btcusdt@depth@100ms`, (diff) => diffs.push(diff));
    open.push(client);
    const depthUrl = `${exchange.restUrl}/fapi/v1/depth?symbol=BTCUSDT&limit=1000`;
    // The diff that ends the recorder's wait for its snapshot has come; nothing beyond it may until one was fetched here.
    await client.until(() => diffs.some((diff) => diff.u >= 5123107856210));
    expect(stats().played).toBe(54);
    const first = (await getJson(depthUrl)).body;
    expect(first.lastUpdateId).toBe(5123107852948);
    await client.until(() => diffs.length > 100);
    exchange.pause();
    const later = (await getJson(depthUrl)).body;
    expect(diffs[0].U).toBeLessThan(first.lastUpdateId);
    expect(later.lastUpdateId).toBe(exchange.market.symbols.get('BTCUSDT')!.book.lastUpdateId);
    expect(later.bids).toHaveLength(1000);
    exchange.resume();
    await exchange.captureEnded;
    expect(client.webSocket.readyState).toBe(1);
  }, 120_000);

  test('states tick and step as its texts show them', async () => {
    const exchange = await SimulatedExchange.start({ capture: 'btcusdt' });
    open.push(exchange);
    const info = (await getJson(`${exchange.restUrl}/fapi/v1/exchangeInfo`)).body;
    const filters = Object.fromEntries(info.symbols[0].filters.map((filter: Json) => [filter.filterType, filter]));
    expect(filters.PRICE_FILTER.tickSize).toBe('0.10');
    expect(filters.LOT_SIZE.stepSize).toBe('0.001');
  });

  test('at full speed it waits for a client that reconnects, and a book begun anew follows it to the same end', async () => {
    const exchange = await SimulatedExchange.start({
      capture: 'btcusdt',
      speed: Number.POSITIVE_INFINITY,
      startWhen: 'depth',
      truth: {},
    });
    open.push(exchange);
    const depthUrl = `${exchange.restUrl}/fapi/v1/depth?symbol=BTCUSDT&limit=1000`;
    const url = `${exchange.wsUrl}/public/ws/btcusdt@depth@100ms`;
    const first = await TestClient.open(url);
    open.push(first);
    await getJson(depthUrl);
    await first.until(() => first.messages.length >= 500);
    first.close();
    await first.closed;
    const follower = new BookFollower();
    const second = await TestClient.open(url, (diff) => follower.onDiff(diff));
    open.push(second);
    follower.onSnapshot((await getJson(depthUrl)).body);
    await exchange.captureEnded;
    const { book } = exchange.market.symbols.get('BTCUSDT')!;
    await second.until(() => follower.book.lastUpdateId === book.lastUpdateId);
    expect(follower.appliedCount).toBeGreaterThan(4000);
    const truth = exchange.truth('BTCUSDT', book.lastUpdateId)!;
    expect(follower.book.bids(20)).toEqual(truth.bids.map((level) => level.map((text) => String(Number(text)))));
    expect(follower.book.asks(20)).toEqual(truth.asks.map((level) => level.map((text) => String(Number(text)))));
  }, 120_000);
});
