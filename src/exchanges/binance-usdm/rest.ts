import { parseDecimal, SCALE_MAX } from '../../model/decimal.ts';
import { FeedError } from '../../model/errors.ts';
import { type Candle, type DepthSnapshot, Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { ExchangeRest, InstrumentDefinition, RestRequest, ScaleListener } from '../exchange.ts';
import { ExactColumns, isRecord, parseBody, wholeNumber } from './rest-body.ts';
import { readRestStatus } from './rest-status.ts';

/** `limit` and weight of GET /fapi/v1/depth. */
const SNAPSHOT_SIZES = [
  { limit: 5, weight: 2 },
  { limit: 10, weight: 2 },
  { limit: 20, weight: 2 },
  { limit: 50, weight: 2 },
  { limit: 100, weight: 5 },
  { limit: 500, weight: 10 },
  { limit: 1000, weight: 20 },
] as const;

const EXCHANGE_INFO_WEIGHT = 1;
const KLINES_WEIGHT = 10;
const AGGREGATE_TRADES_WEIGHT = 20;
const MINUTES_PER_DAY = 1440;

/** The venue's REST requests. Bodies are read as tolerantly as frames are: numbers as text or not, unknown fields skipped. */
export const binanceUsdmRest: ExchangeRest = {
  snapshotSizes: SNAPSHOT_SIZES,
  status: readRestStatus,

  instruments(): RestRequest<InstrumentDefinition[]> {
    return { path: '/fapi/v1/exchangeInfo', weight: EXCHANGE_INFO_WEIGHT, parse: parseInstruments };
  },

  snapshot(instrument: Instrument, limit: number, onScale: ScaleListener): RestRequest<DepthSnapshot> {
    const size = SNAPSHOT_SIZES.find((candidate) => candidate.limit === limit);
    if (size === undefined) throw new RangeError(`no snapshot of ${limit} levels can be asked for`);
    return {
      path: `/fapi/v1/depth?symbol=${encodeURIComponent(instrument.symbol)}&limit=${limit}`,
      weight: size.weight,
      parse: (body) => parseSnapshot(body, instrument, limit, onScale),
    };
  },

  candles24h(instrument: Instrument, onScale: ScaleListener): RestRequest<Candle[]> {
    return {
      path: `/fapi/v1/klines?symbol=${encodeURIComponent(instrument.symbol)}&interval=1m&limit=${MINUTES_PER_DAY}`,
      weight: KLINES_WEIGHT,
      parse: (body) => parseCandles(body, instrument, onScale),
    };
  },

  trades(instrument: Instrument, fromId: number, limit: number, onScale: ScaleListener): RestRequest<Trade[]> {
    return {
      path: `/fapi/v1/aggTrades?symbol=${encodeURIComponent(instrument.symbol)}&fromId=${fromId}&limit=${limit}`,
      weight: AGGREGATE_TRADES_WEIGHT,
      parse: (body) => parseTrades(body, instrument, fromId, onScale),
    };
  },
};

/** `{"symbols":[{"symbol":"BTCUSDT","status":"TRADING","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.10"},…]}]}` */
function parseInstruments(body: Uint8Array): InstrumentDefinition[] {
  const info = parseBody(body, 'exchangeInfo', 'drop');
  if (!isRecord(info) || !Array.isArray(info.symbols)) throw new FeedError('drop', 'exchangeInfo: no list of symbols');
  const definitions: InstrumentDefinition[] = [];
  for (const entry of info.symbols as unknown[]) {
    if (!isRecord(entry) || typeof entry.symbol !== 'string') continue;
    const status = typeof entry.status === 'string' ? entry.status : 'UNKNOWN';
    definitions.push({
      symbol: entry.symbol,
      priceScale: filterScale(entry, 'PRICE_FILTER', 'tickSize', 'pricePrecision'),
      quantityScale: filterScale(entry, 'LOT_SIZE', 'stepSize', 'quantityPrecision'),
      isTrading: status === 'TRADING',
      status,
    });
  }
  return definitions;
}

/** The decimal places of a filter's step; where the filter is missing, of the symbol's precision. Finer text widens them later. */
function filterScale(entry: Record<string, unknown>, filterType: string, step: string, precision: string): number {
  const filters = Array.isArray(entry.filters) ? (entry.filters as unknown[]) : [];
  for (const filter of filters) {
    if (!isRecord(filter) || filter.filterType !== filterType) continue;
    const decimal = parseDecimal(String(filter[step]));
    if (decimal !== undefined) return decimal.scale;
  }
  const places = entry[precision];
  return typeof places === 'number' && Number.isInteger(places) && places >= 0 ? Math.min(places, SCALE_MAX) : 0;
}

/** `{"lastUpdateId":1,"E":2,"T":3,"bids":[["61800.20","2.909"],…],"asks":[…]}` */
function parseSnapshot(body: Uint8Array, instrument: Instrument, limit: number, onScale: ScaleListener): DepthSnapshot {
  const what = `depth of ${instrument.symbol}`;
  const depth = parseBody(body, what, 'resync');
  const lastUpdateId = isRecord(depth) ? wholeNumber(depth.lastUpdateId) : undefined;
  if (!isRecord(depth) || lastUpdateId === undefined) throw new FeedError('resync', `${what}: no lastUpdateId`);
  const columns = new ExactColumns(instrument, what, 'resync');
  const bids = rows(depth.bids, limit, `${what}: bids`);
  const asks = rows(depth.asks, limit, `${what}: asks`);
  const bidPrices = columns.prices(bids.map((row) => row[0]));
  const bidQuantities = columns.quantities(bids.map((row) => row[1]));
  const askPrices = columns.prices(asks.map((row) => row[0]));
  const askQuantities = columns.quantities(asks.map((row) => row[1]));
  columns.widen(onScale);
  const snapshot: DepthSnapshot = {
    lastUpdateId,
    exchangeTimeMs: wholeNumber(depth.E) ?? 0,
    bidPrices: bidPrices(),
    bidQuantities: bidQuantities(),
    askPrices: askPrices(),
    askQuantities: askQuantities(),
    limit,
  };
  assertBook(snapshot, what);
  return snapshot;
}

function rows(side: unknown, limit: number, what: string): unknown[][] {
  if (!Array.isArray(side) || side.length === 0) throw new FeedError('resync', `${what}: no levels`);
  if (side.length > limit) throw new FeedError('resync', `${what}: ${side.length} levels, ${limit} were asked for`);
  if (!side.every((row) => Array.isArray(row))) throw new FeedError('resync', `${what}: a level is not a pair`);
  return side as unknown[][];
}

/** Best first, each price once, nothing empty, bid below ask. */
function assertBook(snapshot: DepthSnapshot, what: string): void {
  const { bidPrices, askPrices } = snapshot;
  const isSorted =
    bidPrices.every((price, index) => index === 0 || price < bidPrices[index - 1]!) &&
    askPrices.every((price, index) => index === 0 || price > askPrices[index - 1]!);
  if (!isSorted) throw new FeedError('resync', `${what}: the levels are not in order`);
  if (bidPrices[0]! >= askPrices[0]!) throw new FeedError('resync', `${what}: the book is crossed`);
  if (snapshot.bidQuantities.includes(0) || snapshot.askQuantities.includes(0)) {
    throw new FeedError('resync', `${what}: a level is empty`);
  }
}

/** `[[open time, "open", "high", "low", "close", "volume", close time, …], …]` */
function parseCandles(body: Uint8Array, instrument: Instrument, onScale: ScaleListener): Candle[] {
  const what = `klines of ${instrument.symbol}`;
  const list = parseBody(body, what, 'drop');
  if (!Array.isArray(list) || !list.every((row) => Array.isArray(row))) throw new FeedError('drop', `${what}: no list`);
  const candles = list as unknown[][];
  const columns = new ExactColumns(instrument, what, 'drop');
  const highs = columns.prices(candles.map((row) => row[2]));
  const lows = columns.prices(candles.map((row) => row[3]));
  const volumes = columns.quantities(candles.map((row) => row[5]));
  const times = candles.map((row) => wholeNumber(row[0]) ?? Number.NaN);
  if (!times.every((time, index) => (index === 0 ? time >= 0 : time > times[index - 1]!))) {
    throw new FeedError('drop', `${what}: the open times are not in order`);
  }
  columns.widen(onScale);
  const [high, low, volume] = [highs(), lows(), volumes()];
  return times.map((openTimeMs, index) => ({
    openTimeMs,
    high: high[index]!,
    low: low[index]!,
    volume: volume[index]!,
  }));
}

/** `[{"a":1,"p":"61800.30","q":"0.006","f":1,"l":1,"T":2,"m":false},…]` */
function parseTrades(body: Uint8Array, instrument: Instrument, fromId: number, onScale: ScaleListener): Trade[] {
  const what = `aggTrades of ${instrument.symbol}`;
  const list = parseBody(body, what, 'drop');
  if (!Array.isArray(list) || !list.every(isRecord)) throw new FeedError('drop', `${what}: no list`);
  const columns = new ExactColumns(instrument, what, 'drop');
  const prices = columns.prices(list.map((entry) => entry.p));
  const quantities = columns.quantities(list.map((entry) => entry.q));
  const trades = list.map((entry) => {
    const tradeId = wholeNumber(entry.a);
    const tradeTimeMs = wholeNumber(entry.T);
    if (tradeId === undefined || tradeTimeMs === undefined || typeof entry.m !== 'boolean') {
      throw new FeedError('drop', `${what}: a trade without id, time or side`);
    }
    const trade = new Trade();
    trade.instrument = instrument;
    trade.tradeId = tradeId;
    trade.tradeTimeMs = tradeTimeMs;
    trade.isBuyerMaker = entry.m;
    trade.isRefill = true;
    return trade;
  });
  if (!trades.every((trade, index) => trade.tradeId >= (index === 0 ? fromId : trades[index - 1]!.tradeId + 1))) {
    throw new FeedError('drop', `${what}: the ids are not in order`);
  }
  columns.widen(onScale);
  const [price, quantity] = [prices(), quantities()];
  trades.forEach((trade, index) => {
    trade.price = price[index]!;
    trade.quantity = quantity[index]!;
  });
  return trades;
}
