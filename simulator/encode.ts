import type { Candle } from './candle-history.ts';
import type { BookSide } from './reference-book.ts';
import type { AggregateTrade } from './trade-history.ts';

/**
 * The exchange's wire text, in the field order of 2026. Written from the field tables, independent of any decoder.
 * Prices and quantities are integer mantissas; the wire shows them with all decimals of the symbol, trailing zeros included.
 */
export interface TextScales {
  readonly symbol: string;
  readonly priceScale: number;
  readonly quantityScale: number;
}

/** (618002, 2) is "6180.02", (5, 3) is "0.005". */
export function fixedText(mantissa: number, scale: number): string {
  const digits = String(mantissa);
  if (scale === 0) return digits;
  if (digits.length > scale) return `${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  return `0.${digits.padStart(scale, '0')}`;
}

/** As `fixedText`, without trailing zeros: the one canonical text of a value. */
export function shortestText(mantissa: number, scale: number): string {
  const text = fixedText(mantissa, scale);
  if (scale === 0) return text;
  let end = text.length;
  while (text.charCodeAt(end - 1) === 48) end--;
  if (text.charCodeAt(end - 1) === 46) end--;
  return text.slice(0, end);
}

/** `[["64336.00","73.3346"],…]` of the best `limit` levels, best first. */
export function topLevelsText(side: BookSide, limit: number, scales: TextScales): string {
  const count = Math.min(limit, side.size);
  let text = '[';
  for (let rank = 0; rank < count; rank++) {
    if (rank > 0) text += ',';
    text += `["${fixedText(side.priceAt(rank), scales.priceScale)}","${fixedText(side.quantityAt(rank), scales.quantityScale)}"]`;
  }
  return `${text}]`;
}

/** The levels at the given prices as they are in the book now; a level that is gone has quantity 0. */
export function changedLevelsText(side: BookSide, prices: Float64Array, scales: TextScales): string {
  let text = '[';
  for (let index = 0; index < prices.length; index++) {
    if (index > 0) text += ',';
    const price = prices[index]!;
    text += `["${fixedText(price, scales.priceScale)}","${fixedText(side.quantityOf(price), scales.quantityScale)}"]`;
  }
  return `${text}]`;
}

export interface DepthHead {
  readonly eventTimeMs: number;
  readonly transactionTimeMs: number;
  readonly firstUpdateId: number;
  readonly finalUpdateId: number;
  readonly previousFinalUpdateId: number;
}

export function depthUpdateText(symbol: string, head: DepthHead, bids: string, asks: string): string {
  return (
    `{"e":"depthUpdate","E":${head.eventTimeMs},"T":${head.transactionTimeMs},"s":"${symbol}","ps":"${symbol}",` +
    `"U":${head.firstUpdateId},"u":${head.finalUpdateId},"pu":${head.previousFinalUpdateId},"b":${bids},"a":${asks},"st":1}`
  );
}

export function aggregateTradeText(trade: AggregateTrade, eventTimeMs: number, scales: TextScales): string {
  const quantity = fixedText(trade.quantity, scales.quantityScale);
  return (
    `{"e":"aggTrade","E":${eventTimeMs},"a":${trade.id},"s":"${scales.symbol}","p":"${fixedText(trade.price, scales.priceScale)}",` +
    `"q":"${quantity}","nq":"${quantity}","f":${trade.firstTradeId},"l":${trade.lastTradeId},"T":${trade.timeMs},"m":${trade.isBuyerMaker},"st":1}`
  );
}

export function bookTickerText(
  bids: BookSide,
  asks: BookSide,
  updateId: number,
  timeMs: number,
  scales: TextScales,
): string {
  const { symbol, priceScale, quantityScale } = scales;
  return (
    `{"e":"bookTicker","u":${updateId},"s":"${symbol}","ps":"${symbol}",` +
    `"b":"${fixedText(bids.bestPrice, priceScale)}","B":"${fixedText(bids.bestQuantity, quantityScale)}",` +
    `"a":"${fixedText(asks.bestPrice, priceScale)}","A":"${fixedText(asks.bestQuantity, quantityScale)}","T":${timeMs},"E":${timeMs},"st":1}`
  );
}

/** The venue puts a space after each comma inside `k`; no decoder may depend on spacing. */
export function klineText(candle: Candle, eventTimeMs: number, isClosed: boolean, scales: TextScales): string {
  const price = (mantissa: number) => fixedText(mantissa, scales.priceScale);
  const quantity = (mantissa: number) => fixedText(mantissa, scales.quantityScale);
  const quote = (mantissa: number) => fixedText(mantissa, scales.priceScale + scales.quantityScale);
  const lastTradeId = candle.firstTradeId < 0 ? -1 : candle.firstTradeId + candle.tradeCount - 1;
  const fields = [
    `"t":${candle.openTimeMs}`,
    `"T":${candle.openTimeMs + 59_999}`,
    `"s":"${scales.symbol}"`,
    '"i":"1m"',
    `"f":${candle.firstTradeId}`,
    `"L":${lastTradeId}`,
    `"o":"${price(candle.open)}"`,
    `"c":"${price(candle.close)}"`,
    `"h":"${price(candle.high)}"`,
    `"l":"${price(candle.low)}"`,
    `"v":"${quantity(candle.volume)}"`,
    `"n":${candle.tradeCount}`,
    `"x":${isClosed}`,
    `"q":"${quote(candle.quoteVolume)}"`,
    `"V":"${quantity(candle.takerBuyVolume)}"`,
    `"Q":"${quote(candle.takerBuyQuoteVolume)}"`,
    '"B":"0"',
  ];
  return `{"e":"kline","E":${eventTimeMs},"s":"${scales.symbol}","k":{${fields.join(', ')}}}`;
}

export function markPriceText(price: string, eventTimeMs: number, symbol: string): string {
  const nextFundingMs = (Math.floor(eventTimeMs / 28_800_000) + 1) * 28_800_000;
  return (
    `{"e":"markPriceUpdate","E":${eventTimeMs},"s":"${symbol}","p":"${price}","ap":"${price}","P":"${price}","i":"${price}",` +
    `"r":"0.00010000","T":${nextFundingMs},"st":1}`
  );
}
