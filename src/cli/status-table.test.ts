import type { WriteStream } from 'node:tty';
import { describe, expect, it } from 'vitest';
import { LabelledCounter } from '../model/counters.ts';
import { LatencyHistogram } from '../model/latency-histogram.ts';
import type { ServiceView, SymbolView } from '../ops/service-view.ts';
import { Screen } from './screen.ts';
import { StatusTable } from './status-table.ts';

function symbolView(symbol: string, changes: Partial<SymbolView> = {}): SymbolView {
  return {
    symbol,
    state: 'syncing',
    reason: 'start',
    lastUpdateId: -1,
    ageMs: Number.NaN,
    bidPrice: '',
    askPrice: '',
    updates: 0,
    trades: 0,
    gaps: 0,
    tradeGaps: new LabelledCounter(),
    tradesLost: 0,
    resyncs: new LabelledCounter(),
    latency: new LatencyHistogram(),
    ...changes,
  };
}

const viewOf = (...symbols: SymbolView[]) => ({ symbols }) as unknown as ServiceView;
const columns = (line: string) =>
  line
    .split(/ {2,}| (?=\S)/)
    .map((cell) => cell.trim())
    .filter(Boolean);

describe('StatusTable', () => {
  it('has one line a symbol, dashes for what is not known', () => {
    const [header, line] = new StatusTable(viewOf(symbolView('BTCUSDT'))).lines();
    expect(header).toMatch(/^symbol +state +bid +ask/);
    expect(columns(line!)).toEqual(['BTCUSDT', 'syncing', '-', '-', '0', '0', '-', '-', '-']);
  });

  it('shows prices and latencies with their unit', () => {
    const latency = new LatencyHistogram();
    latency.recordMany(8_000, 98);
    latency.recordMany(3e6, 2);
    const live = symbolView('BTCUSDT', { state: 'live', bidPrice: '1.5', askPrice: '1.6', lastUpdateId: 7, latency });
    const [, line] = new StatusTable(viewOf(live)).lines();
    expect(line).toMatch(/^BTCUSDT +live +1\.5 +1\.6 +0 +0 +[78]\.\d µs +[23]\.\d ms +7$/);
  });

  it('counts rates from one table to the next', async () => {
    const symbol = symbolView('BTCUSDT', { updates: 1_000 });
    const table = new StatusTable(viewOf(symbol));
    table.lines();
    await new Promise((resolve) => setTimeout(resolve, 20));
    Object.assign(symbol, { updates: 2_000 });
    const [, line] = table.lines();
    const rate = Number(columns(line!)[4]);
    expect(rate).toBeGreaterThan(0);
    expect(rate).toBeLessThanOrEqual(1_000 / 0.019);
  });

  it('sums up what does not fit', () => {
    const lines = new StatusTable(viewOf(symbolView('A'), symbolView('B'), symbolView('C'))).lines(2);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['symbol', 'A', 'B', '…']);
    expect(lines.at(-1)).toBe('… and 1 more');
  });
});

describe('Screen', () => {
  function terminal(size: { rows?: number; columns?: number } = {}) {
    const written: string[] = [];
    const stream = { ...size, write: (text: string) => written.push(text) } as unknown as WriteStream;
    return { screen: new Screen(stream), written };
  }

  it('draws over the block before, and cuts lines to the width', () => {
    const { screen, written } = terminal({ rows: 30, columns: 5 });
    screen.draw(['one', 'two two two']);
    screen.draw(['three']);
    expect(written).toEqual(['one\ntwo t\n', '\x1b[2A\r\x1b[Jthree\n']);
  });

  it('prints lines above the block', () => {
    const { screen, written } = terminal({ rows: 30, columns: 80 });
    screen.draw(['table']);
    screen.print('log line\n');
    expect(written.slice(1)).toEqual(['\x1b[1A\r\x1b[Jlog line\n', 'table\n']);
  });

  it('assumes a usual size where the terminal does not say', () => {
    expect(terminal({ rows: 0, columns: 0 }).screen.rows).toBe(22);
  });
});
