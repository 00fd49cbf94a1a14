import { type Decimal, parseDecimal, rescale } from '../../model/decimal.ts';
import { FeedError, type Recovery } from '../../model/errors.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { ScaleListener } from '../exchange.ts';
import { printable } from './printable.ts';

/**
 * A body as JSON. An error of the venue, `{"code":-1121,"msg":"Invalid symbol."}`, is thrown with its own words.
 * @throws FeedError with the given recovery.
 */
export function parseBody(body: Uint8Array, what: string, recovery: Recovery): unknown {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'));
  } catch {
    throw new FeedError(recovery, `${what}: not JSON: ${printable(body, 0, body.length)}`);
  }
  if (isRecord(value) && value.code !== undefined && typeof value.msg === 'string') {
    const words = new TextEncoder().encode(`${String(value.code)}: ${value.msg}`);
    throw new FeedError(recovery, `${what}: the exchange says ${printable(words, 0, words.length)}`);
  }
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An id or a time, as number or text; undefined when it is neither, negative or beyond 2^53. */
export function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/**
 * Columns of prices and quantities that become mantissas together: first all are read, then the instrument's scales are widened to
 * the finest of them, then they are converted. So a body that is refused never moves a scale.
 */
export class ExactColumns {
  readonly #instrument: Instrument;
  readonly #what: string;
  readonly #recovery: Recovery;
  readonly #columns: { readonly decimals: readonly Decimal[]; readonly isPrice: boolean }[] = [];
  #priceScale: number;
  #quantityScale: number;

  constructor(instrument: Instrument, what: string, recovery: Recovery) {
    this.#instrument = instrument;
    this.#what = what;
    this.#recovery = recovery;
    this.#priceScale = instrument.priceScale;
    this.#quantityScale = instrument.quantityScale;
  }

  /** @returns reads the column's mantissas, once {@link widen} has been called. */
  prices(texts: readonly unknown[]): () => Float64Array {
    const decimals = texts.map((text) => this.#parse(text));
    this.#priceScale = decimals.reduce((scale, decimal) => Math.max(scale, decimal.scale), this.#priceScale);
    return this.#column(decimals, true);
  }

  quantities(texts: readonly unknown[]): () => Float64Array {
    const decimals = texts.map((text) => this.#parse(text));
    this.#quantityScale = decimals.reduce((scale, decimal) => Math.max(scale, decimal.scale), this.#quantityScale);
    return this.#column(decimals, false);
  }

  widen(onScale: ScaleListener): void {
    const { priceScale, quantityScale } = this.#instrument;
    if (this.#priceScale <= priceScale && this.#quantityScale <= quantityScale) return;
    for (const column of this.#columns) this.#mantissas(column.decimals, column.isPrice);
    onScale(this.#instrument, this.#priceScale, this.#quantityScale);
    // Someone else may have widened them further still.
    this.#priceScale = this.#instrument.priceScale;
    this.#quantityScale = this.#instrument.quantityScale;
  }

  #column(decimals: readonly Decimal[], isPrice: boolean): () => Float64Array {
    this.#columns.push({ decimals, isPrice });
    return () => this.#mantissas(decimals, isPrice);
  }

  #mantissas(decimals: readonly Decimal[], isPrice: boolean): Float64Array {
    const scale = isPrice ? this.#priceScale : this.#quantityScale;
    const mantissas = new Float64Array(decimals.length);
    decimals.forEach((decimal, index) => {
      const mantissa = rescale(decimal.mantissa, decimal.scale, scale);
      if (mantissa === undefined) throw new FeedError(this.#recovery, `${this.#what}: a number is out of range`);
      mantissas[index] = mantissa;
    });
    return mantissas;
  }

  #parse(text: unknown): Decimal {
    const decimal = typeof text === 'string' || typeof text === 'number' ? parseDecimal(String(text)) : undefined;
    if (decimal === undefined || decimal.mantissa < 0) {
      throw new FeedError(this.#recovery, `${this.#what}: a price or quantity is not a decimal number`);
    }
    return decimal;
  }
}
