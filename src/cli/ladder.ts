import { formatDecimal } from '../model/decimal.ts';
import type { BookEvent } from '../shm/events.ts';

/** What `watch` draws. */
export interface Ladder {
  readonly book: BookEvent;
  /** Levels a side. */
  readonly depth: number;
  readonly updatesPerSecond: number;
  /** "buy 0.002 @ 61800.3", or empty. */
  readonly lastTrade: string;
  readonly writer: string;
  readonly lostBytes: number;
  readonly nowMs: number;
}

const BAR_WIDTH = 24;
const NUMBER_WIDTH = 14;

/** Asks from worst to best, the spread, bids from best to worst; always the same number of lines. */
export function ladderLines(ladder: Ladder): string[] {
  const { book, depth } = ladder;
  const largest = largestQuantity(ladder);
  const lines = [headline(ladder), ''];
  for (let level = depth - 1; level >= 0; level -= 1) lines.push(levelLine(book, 'ask', level, largest));
  lines.push(spreadLine(book));
  for (let level = 0; level < depth; level += 1) lines.push(levelLine(book, 'bid', level, largest));
  lines.push('', footline(ladder));
  return lines;
}

/** The same in one line, for logs and pipes. */
export function ladderSummary(ladder: Ladder): string {
  const { book } = ladder;
  return `${headline(ladder)}  ${spreadLine(book).trim()}`;
}

function headline({ book, updatesPerSecond, writer, nowMs }: Ladder): string {
  const ageMs = nowMs - Number(book.publishTimeNs / 1_000_000n);
  const state = writer === 'live' ? book.state : `${book.state}, writer ${writer}`;
  const source = book.source === 'partial' ? ' (partial depth)' : '';
  return `${book.symbol}  ${state}${source}  id ${book.lastUpdateId}  age ${Math.max(0, ageMs)} ms  ${updatesPerSecond.toFixed(0)} updates/s`;
}

function footline({ book, lastTrade, lostBytes }: Ladder): string {
  const known = (mantissa: number, scale: number): string =>
    Number.isNaN(mantissa) ? '-' : formatDecimal(mantissa, scale);
  const day = `24 h  volume ${known(book.volume24hMantissa, book.quantityScale)}  high ${known(book.high24hMantissa, book.priceScale)}  low ${known(book.low24hMantissa, book.priceScale)}`;
  return `last ${lastTrade || '-'}   ${day}${lostBytes > 0 ? `   lost ${lostBytes} bytes` : ''}`;
}

function spreadLine(book: BookEvent): string {
  if (book.bidCount === 0 || book.askCount === 0)
    return `  no ${book.state === 'live' ? 'levels' : 'live book'}: ${book.reason}`;
  const bid = book.levels[0]!;
  const ask = book.levels[2 * book.bidCount]!;
  const mid = formatDecimal((bid + ask) * 5, book.priceScale + 1);
  return `  bid ${formatDecimal(bid, book.priceScale)}  ask ${formatDecimal(ask, book.priceScale)}  mid ${mid}  spread ${formatDecimal(ask - bid, book.priceScale)}`;
}

function levelLine(book: BookEvent, side: 'bid' | 'ask', level: number, largest: number): string {
  const count = side === 'bid' ? book.bidCount : book.askCount;
  if (level >= count) return '';
  const at = 2 * (side === 'bid' ? level : book.bidCount + level);
  const price = formatDecimal(book.levels[at]!, book.priceScale).padStart(NUMBER_WIDTH);
  const quantity = book.levels[at + 1]!;
  const bar = '#'.repeat(Math.max(1, Math.round((quantity / largest) * BAR_WIDTH)));
  return `${side} ${price} ${formatDecimal(quantity, book.quantityScale).padStart(NUMBER_WIDTH)}  ${bar}`;
}

function largestQuantity({ book, depth }: Ladder): number {
  let largest = 0;
  for (let level = 0; level < Math.min(depth, book.bidCount); level += 1)
    largest = Math.max(largest, book.levels[2 * level + 1]!);
  for (let level = 0; level < Math.min(depth, book.askCount); level += 1) {
    largest = Math.max(largest, book.levels[2 * (book.bidCount + level) + 1]!);
  }
  return largest;
}
