/**
 * Exact decimals: an integer mantissa and a scale (the number of decimal places), value = mantissa / 10^scale.
 *
 * Mantissas are plain numbers and therefore exact up to 2^53; everything that could leave that range is refused
 * here rather than rounded.
 */

/** The finest scale that is accepted anywhere: 1e-12 of a unit. */
export const SCALE_MAX = 12;

/** Powers of ten that are exact as doubles, index = exponent. */
export const POW10: readonly number[] = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));

export interface Decimal {
  readonly mantissa: number;
  readonly scale: number;
}

const DECIMAL_TEXT = /^(-?)(\d+)(?:\.(\d*))?$/;

/** Parses plain decimal text ("61800.20") to its shortest exact form (618002, scale 1). Returns undefined when it is not one. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL_TEXT.exec(text);
  if (match === null) return undefined;
  const fraction = (match[3] ?? '').replace(/0+$/, '');
  const magnitude = Number(match[2] + fraction);
  if (fraction.length > SCALE_MAX || !Number.isSafeInteger(magnitude)) return undefined;
  return { mantissa: match[1] === '-' && magnitude !== 0 ? -magnitude : magnitude, scale: fraction.length };
}

/** The mantissa at a given scale, or undefined when the text is finer than that scale, malformed or not exact. */
export function parseMantissa(text: string, scale: number): number | undefined {
  const decimal = parseDecimal(text);
  if (decimal === undefined || decimal.scale > scale) return undefined;
  return rescale(decimal.mantissa, decimal.scale, scale);
}

/** Moves a mantissa to a finer scale, exactly; undefined when the result is not a safe integer. */
export function rescale(mantissa: number, from: number, to: number): number | undefined {
  const moved = mantissa * POW10[to - from]!;
  return Number.isSafeInteger(moved) ? moved : undefined;
}

/** The shortest decimal text, without trailing zeros: (123393000, 3) is "123393". */
export function formatDecimal(mantissa: number, scale: number): string {
  const sign = mantissa < 0 ? '-' : '';
  const digits = String(Math.abs(mantissa)).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}
