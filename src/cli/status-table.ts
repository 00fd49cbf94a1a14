import type { ServiceView, SymbolView } from '../ops/service-view.ts';

const COLUMNS = ['symbol', 'state', 'bid', 'ask', 'updates/s', 'trades/s', 'p50', 'p99', 'last update id'] as const;
const WIDTHS = [14, 10, 12, 12, 10, 9, 9, 9, 18] as const;
/** Columns of text are aligned left, of numbers right. */
const TEXT_COLUMNS = 2;

/** What had been counted when the table was last made. */
interface Counts {
  updates: number;
  trades: number;
}

/** One line per symbol, with rates since the line before. */
export class StatusTable {
  readonly #view: ServiceView;
  readonly #before = new Map<string, Counts>();
  #beforeMs = performance.now();

  constructor(view: ServiceView) {
    this.#view = view;
  }

  /** @param rowsMax symbols shown; the others are summed up in a line of their own */
  lines(rowsMax = Number.POSITIVE_INFINITY): string[] {
    const nowMs = performance.now();
    const seconds = Math.max(nowMs - this.#beforeMs, 1) / 1000;
    this.#beforeMs = nowMs;
    const rows = this.#view.symbols.map((symbol) => row(symbol, this.#ratesOf(symbol, seconds)));
    const hidden = rows.length - rowsMax;
    const shown = [COLUMNS, ...rows.slice(0, rowsMax)].map(align);
    return hidden > 0 ? [...shown, `… and ${hidden} more`] : shown;
  }

  #ratesOf({ symbol, updates, trades }: SymbolView, seconds: number): Counts {
    const before = this.#before.get(symbol) ?? { updates: 0, trades: 0 };
    this.#before.set(symbol, { updates, trades });
    return { updates: (updates - before.updates) / seconds, trades: (trades - before.trades) / seconds };
  }
}

function row(view: SymbolView, rates: Counts): string[] {
  const { symbol, state, bidPrice, askPrice, latency, lastUpdateId } = view;
  return [
    symbol,
    state,
    bidPrice || '-',
    askPrice || '-',
    rates.updates.toFixed(0),
    rates.trades.toFixed(0),
    formatNs(latency.percentileNs(0.5)),
    formatNs(latency.percentileNs(0.99)),
    lastUpdateId < 0 ? '-' : String(lastUpdateId),
  ];
}

function align(cells: readonly string[]): string {
  return cells
    .map((cell, column) => (column < TEXT_COLUMNS ? cell.padEnd(WIDTHS[column]!) : cell.padStart(WIDTHS[column]!)))
    .join(' ')
    .trimEnd();
}

function formatNs(ns: number): string {
  if (Number.isNaN(ns)) return '-';
  if (ns < 1e6) return `${(ns / 1e3).toFixed(1)} µs`;
  return `${(ns / 1e6).toFixed(1)} ms`;
}
