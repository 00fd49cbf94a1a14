import type { InstrumentDefinition } from '../exchanges/exchange.ts';
import { UsageError } from '../model/errors.ts';
import type { Instrument } from '../model/instrument.ts';
import { nearestNames } from '../model/nearest.ts';

/** What is known of the symbols once the venue has listed its own. */
export interface ListedSymbols {
  /** Symbols that are listed but do not trade, with the venue's word for it. */
  readonly notTrading: ReadonlyMap<string, string>;
}

/** Instruments in the order of the configuration, before the venue has been asked: the first price text sets their scales. */
export function createInstruments(symbols: readonly string[]): Instrument[] {
  return symbols.map((symbol, index) => ({ index, symbol, priceScale: 0, quantityScale: 0 }));
}

/** Checks the symbols against the venue's list and says which scales each starts from. @throws UsageError on an unknown symbol */
export function matchInstruments(
  instruments: readonly Instrument[],
  definitions: readonly InstrumentDefinition[],
  applyScale: (instrument: Instrument, priceScale: number, quantityScale: number) => void,
): ListedSymbols {
  const bySymbol = new Map(definitions.map((definition) => [definition.symbol, definition]));
  const unknown = instruments.filter((instrument) => !bySymbol.has(instrument.symbol));
  if (unknown.length > 0)
    throw new UsageError(unknown.map((instrument) => describeUnknown(instrument, bySymbol)).join('; '));
  const notTrading = new Map<string, string>();
  for (const instrument of instruments) {
    const definition = bySymbol.get(instrument.symbol)!;
    const priceScale = Math.max(instrument.priceScale, definition.priceScale);
    const quantityScale = Math.max(instrument.quantityScale, definition.quantityScale);
    if (priceScale > instrument.priceScale || quantityScale > instrument.quantityScale) {
      applyScale(instrument, priceScale, quantityScale);
    }
    if (!definition.isTrading) notTrading.set(instrument.symbol, definition.status);
  }
  return { notTrading };
}

function describeUnknown(instrument: Instrument, listed: ReadonlyMap<string, unknown>): string {
  const nearest = nearestNames(instrument.symbol, listed.keys(), 3);
  const hint = nearest.length > 0 ? `; nearest: ${nearest.join(', ')}` : '';
  return `symbols: the exchange does not list ${instrument.symbol}${hint}`;
}
