import type { Candle } from './candle-history.ts';
import { fixedText, topLevelsText } from './encode.ts';
import type { ListedSymbol, Market } from './market.ts';
import { WEIGHT_PER_MINUTE_MAX } from './request-weights.ts';
import type { AggregateTrade } from './trade-history.ts';

/** Bodies of the REST answers, in the venue's field order. */

export function errorBody(code: number, message: string): string {
  return JSON.stringify({ code, msg: message });
}

/** @param lastUpdateId final id of the last update in the book. */
export function depthBody(listed: ListedSymbol, limit: number, timeMs: number): string {
  const { book } = listed;
  return (
    `{"lastUpdateId":${book.lastUpdateId},"E":${timeMs},"T":${timeMs},` +
    `"bids":${topLevelsText(book.bids, limit, listed)},"asks":${topLevelsText(book.asks, limit, listed)}}`
  );
}

export function klinesBody(listed: ListedSymbol, candles: readonly Candle[]): string {
  const price = (mantissa: number) => `"${fixedText(mantissa, listed.priceScale)}"`;
  const quantity = (mantissa: number) => `"${fixedText(mantissa, listed.quantityScale)}"`;
  const quote = (mantissa: number) => `"${fixedText(mantissa, listed.priceScale + listed.quantityScale)}"`;
  const rows = candles.map((candle) =>
    [
      candle.openTimeMs,
      price(candle.open),
      price(candle.high),
      price(candle.low),
      price(candle.close),
      quantity(candle.volume),
      candle.openTimeMs + 59_999,
      quote(candle.quoteVolume),
      candle.tradeCount,
      quantity(candle.takerBuyVolume),
      quote(candle.takerBuyQuoteVolume),
      '"0"',
    ].join(','),
  );
  return `[${rows.map((row) => `[${row}]`).join(',')}]`;
}

/** The 24 hours as text: shared by `GET /fapi/v1/ticker/24hr` and the `@ticker` stream. */
function dayTexts(listed: ListedSymbol) {
  const day = listed.candles.day();
  const price = (mantissa: number) => fixedText(mantissa, listed.priceScale);
  const change = day.last - day.open;
  const average = day.volume === 0 ? 0 : day.quoteVolume / day.volume;
  const lastTrade = listed.trades.get(listed.trades.lastId);
  return {
    day,
    change: `${change < 0 ? '-' : ''}${price(Math.abs(change))}`,
    percent: (day.open === 0 ? 0 : (change / day.open) * 100).toFixed(3),
    average: price(Math.round(average)),
    last: price(day.last),
    lastQuantity: fixedText(lastTrade?.quantity ?? 0, listed.quantityScale),
    open: price(day.open),
    high: price(day.high),
    low: price(day.low),
    volume: fixedText(day.volume, listed.quantityScale),
    quoteVolume: fixedText(day.quoteVolume, listed.priceScale + listed.quantityScale),
    lastTradeId: lastTrade?.lastTradeId ?? -1,
    firstTradeId: lastTrade === undefined ? -1 : lastTrade.lastTradeId - day.tradeCount + 1,
  };
}

export function ticker24hBody(listed: ListedSymbol, nowMs: number): string {
  const texts = dayTexts(listed);
  return (
    `{"symbol":"${listed.symbol}","priceChange":"${texts.change}","priceChangePercent":"${texts.percent}",` +
    `"weightedAvgPrice":"${texts.average}","lastPrice":"${texts.last}","lastQty":"${texts.lastQuantity}",` +
    `"openPrice":"${texts.open}","highPrice":"${texts.high}","lowPrice":"${texts.low}","volume":"${texts.volume}",` +
    `"quoteVolume":"${texts.quoteVolume}","openTime":${texts.day.openTimeMs},"closeTime":${nowMs},` +
    `"firstId":${texts.firstTradeId},"lastId":${texts.lastTradeId},"count":${texts.day.tradeCount}}`
  );
}

/** A frame of `<s>@ticker`. */
export function tickerEventText(listed: ListedSymbol, nowMs: number): string {
  const texts = dayTexts(listed);
  return (
    `{"e":"24hrTicker","E":${nowMs},"s":"${listed.symbol}","ps":"${listed.symbol}","p":"${texts.change}","P":"${texts.percent}",` +
    `"w":"${texts.average}","c":"${texts.last}","Q":"${texts.lastQuantity}","o":"${texts.open}","h":"${texts.high}",` +
    `"l":"${texts.low}","v":"${texts.volume}","q":"${texts.quoteVolume}","O":${texts.day.openTimeMs},"C":${nowMs},` +
    `"F":${texts.firstTradeId},"L":${texts.lastTradeId},"n":${texts.day.tradeCount},"st":1}`
  );
}

/** A frame of `<s>@miniTicker`. */
export function miniTickerEventText(listed: ListedSymbol, nowMs: number): string {
  const texts = dayTexts(listed);
  return (
    `{"e":"24hrMiniTicker","E":${nowMs},"s":"${listed.symbol}","ps":"${listed.symbol}","c":"${texts.last}","o":"${texts.open}",` +
    `"h":"${texts.high}","l":"${texts.low}","v":"${texts.volume}","q":"${texts.quoteVolume}","st":1}`
  );
}

export function aggregateTradesBody(listed: ListedSymbol, trades: readonly AggregateTrade[]): string {
  const rows = trades.map((trade) => {
    const quantity = fixedText(trade.quantity, listed.quantityScale);
    return (
      `{"a":${trade.id},"p":"${fixedText(trade.price, listed.priceScale)}","q":"${quantity}","nq":"${quantity}",` +
      `"f":${trade.firstTradeId},"l":${trade.lastTradeId},"T":${trade.timeMs},"m":${trade.isBuyerMaker}}`
    );
  });
  return `[${rows.join(',')}]`;
}

export function exchangeInfoBody(market: Market): string {
  return JSON.stringify({
    timezone: 'UTC',
    serverTime: market.nowMs(),
    futuresType: 'U_MARGINED',
    rateLimits: [
      { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: WEIGHT_PER_MINUTE_MAX },
      { rateLimitType: 'ORDERS', interval: 'MINUTE', intervalNum: 1, limit: 1200 },
    ],
    exchangeFilters: [],
    assets: [{ asset: 'USDT', marginAvailable: true, autoAssetExchange: '-10000' }],
    symbols: [...market.symbols.values()].map(symbolInfo),
  });
}

function symbolInfo(listed: ListedSymbol) {
  const price = (mantissa: number) => fixedText(mantissa, listed.priceScale);
  const quantity = (mantissa: number) => fixedText(mantissa, listed.quantityScale);
  return {
    symbol: listed.symbol,
    pair: listed.symbol,
    contractType: 'PERPETUAL',
    deliveryDate: 4133404800000,
    onboardDate: 1569398400000,
    status: listed.status,
    maintMarginPercent: '2.5000',
    requiredMarginPercent: '5.0000',
    baseAsset: listed.baseAsset,
    quoteAsset: listed.quoteAsset,
    marginAsset: listed.quoteAsset,
    pricePrecision: listed.priceScale,
    quantityPrecision: listed.quantityScale,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: 'COIN',
    underlyingSubType: [],
    triggerProtect: '0.0500',
    liquidationFee: '0.015000',
    marketTakeBound: '0.05',
    maxMoveOrderLimit: 10000,
    filters: [
      {
        filterType: 'PRICE_FILTER',
        minPrice: price(listed.tickSize),
        maxPrice: price(listed.tickSize * 10_000_000),
        tickSize: price(listed.tickSize),
      },
      {
        filterType: 'LOT_SIZE',
        minQty: quantity(listed.stepSize),
        maxQty: quantity(listed.stepSize * 1_000_000),
        stepSize: quantity(listed.stepSize),
      },
      {
        filterType: 'MARKET_LOT_SIZE',
        minQty: quantity(listed.stepSize),
        maxQty: quantity(listed.stepSize * 120_000),
        stepSize: quantity(listed.stepSize),
      },
      { filterType: 'MAX_NUM_ORDERS', limit: 200 },
      { filterType: 'MIN_NOTIONAL', notional: '5' },
      { filterType: 'PERCENT_PRICE', multiplierUp: '1.0500', multiplierDown: '0.9500', multiplierDecimal: '4' },
    ],
    orderTypes: ['LIMIT', 'MARKET', 'STOP', 'STOP_MARKET', 'TAKE_PROFIT', 'TAKE_PROFIT_MARKET', 'TRAILING_STOP_MARKET'],
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX', 'GTD'],
  };
}
