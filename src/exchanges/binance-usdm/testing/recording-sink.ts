import type { DepthUpdate, Ticker24h, TopOfBook, Trade } from '../../../model/events.ts';
import type { Instrument } from '../../../model/instrument.ts';
import type { MarketSink, RejectReason } from '../../exchange.ts';

/** What a sink was told, as plain values: mantissas become exact text, so that scales do not matter. */
export type Told = readonly unknown[];

/** Writes down every call, and widens scales as a feed does. */
export class RecordingSink implements MarketSink {
  #told: Told[] = [];

  /** Instruments at scale 0, dense indexes: everything with decimals widens them first. */
  instruments(symbols: readonly string[], priceScale = 0, quantityScale = 0): Instrument[] {
    return symbols.map((symbol, index) => ({ index, symbol, priceScale, quantityScale }));
  }

  take(): Told[] {
    const told = this.#told;
    this.#told = [];
    return told;
  }

  onDepth(update: DepthUpdate): void {
    this.#told.push(['depth', ...depthValues(update)]);
  }

  onPartialDepth(update: DepthUpdate): void {
    this.#told.push(['partial', ...depthValues(update)]);
  }

  onTrade(trade: Trade): void {
    const { symbol, priceScale, quantityScale } = trade.instrument;
    const { tradeId, isBuyerMaker, tradeTimeMs, exchangeTimeMs, isRefill } = trade;
    this.#told.push([
      'trade',
      symbol,
      tradeId,
      decimalText(trade.price, priceScale),
      decimalText(trade.quantity, quantityScale),
      isBuyerMaker,
      tradeTimeMs,
      exchangeTimeMs,
      isRefill,
    ]);
  }

  onTopOfBook(top: TopOfBook): void {
    const { symbol, priceScale, quantityScale } = top.instrument;
    this.#told.push([
      'top',
      symbol,
      top.updateId,
      decimalText(top.bidPrice, priceScale),
      decimalText(top.bidQuantity, quantityScale),
      decimalText(top.askPrice, priceScale),
      decimalText(top.askQuantity, quantityScale),
      top.exchangeTimeMs,
    ]);
  }

  onTicker24h(ticker: Ticker24h): void {
    const { symbol, priceScale, quantityScale } = ticker.instrument;
    this.#told.push([
      'ticker',
      symbol,
      decimalText(ticker.lastPrice, priceScale),
      decimalText(ticker.high, priceScale),
      decimalText(ticker.low, priceScale),
      decimalText(ticker.volume, quantityScale),
      ticker.exchangeTimeMs,
    ]);
  }

  onScale(instrument: Instrument, priceScale: number, quantityScale: number): void {
    this.#told.push(['scale', instrument.symbol, priceScale, quantityScale]);
    instrument.priceScale = priceScale;
    instrument.quantityScale = quantityScale;
  }

  onRejected(reason: RejectReason, _detail: string): void {
    this.#told.push(['rejected', reason]);
  }

  onAcknowledged(error: string | undefined): void {
    this.#told.push(['acknowledged', error]);
  }
}

function depthValues(update: DepthUpdate): unknown[] {
  const { symbol, priceScale, quantityScale } = update.instrument;
  const side = (prices: Float64Array, quantities: Float64Array, count: number): string[] =>
    Array.from({ length: count }, (_, index) => {
      return `${decimalText(prices[index]!, priceScale)} x ${decimalText(quantities[index]!, quantityScale)}`;
    });
  return [
    symbol,
    update.firstUpdateId,
    update.finalUpdateId,
    update.previousFinalUpdateId,
    update.exchangeTimeMs,
    side(update.bidPrices, update.bidQuantities, update.bidCount),
    side(update.askPrices, update.askQuantities, update.askCount),
  ];
}

/** The shortest text of mantissa / 10^scale. A safe integer's own text is exact. */
export function decimalText(mantissa: number, scale: number): string {
  const digits = String(mantissa).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
