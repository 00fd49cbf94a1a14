/**
 * One tradable symbol and the scales at which its prices and quantities are kept as integers.
 *
 * Scales start from the venue's tick and step size and only ever widen, when finer text arrives: see `MarketSink.onScale`.
 */
export interface Instrument {
  /** Position in the process's symbol list, 0-based, dense: arrays are indexed by it. */
  readonly index: number;
  /** The venue's name, upper case: "BTCUSDT". */
  readonly symbol: string;
  /** Decimal places of a price mantissa: price = mantissa / 10^priceScale. */
  priceScale: number;
  /** Decimal places of a quantity mantissa. */
  quantityScale: number;
}
