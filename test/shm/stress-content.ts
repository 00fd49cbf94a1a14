import { type BookUpdate, DepthUpdate, type Trade } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import type { BookEvent, TradeEvent } from '../../src/shm/events.ts';

/**
 * What the stress test writes: every number of a record follows from the record's own id, so that a reader can tell a torn record
 * from its content alone, whatever its checksum says.
 */
export const STRESS_DEPTH = 20;

export function stressInstruments(count: number): Instrument[] {
  return Array.from({ length: count }, (_, index) => ({
    index,
    symbol: `STRESS${index}`,
    priceScale: 2,
    quantityScale: 3,
  }));
}

/** A book that fits {@link isWholeBook}; the object is reused. */
export class StressBook implements BookUpdate {
  readonly #levels = new DepthUpdate();
  readonly source = 'diff';
  readonly lastPriceScale = 2;
  instrument!: Instrument;
  lastUpdateId = 0;
  exchangeTimeMs = 0;
  receiveTimeNs = 0;
  bidCount = 0;
  askCount = 0;
  lastPrice = 0;
  volume24h = 0;
  high24h = 0;
  low24h = 0;
  readonly bidPrices = this.#levels.bidPrices;
  readonly bidQuantities = this.#levels.bidQuantities;
  readonly askPrices = this.#levels.askPrices;
  readonly askQuantities = this.#levels.askQuantities;

  set(instrument: Instrument, id: number): void {
    this.instrument = instrument;
    this.lastUpdateId = id;
    this.exchangeTimeMs = id;
    this.bidCount = bidCountOf(id);
    this.askCount = askCountOf(id);
    this.lastPrice = id;
    this.volume24h = id + 1;
    this.high24h = id + 2;
    this.low24h = id + 3;
    for (let level = 0; level < this.bidCount; level++) {
      this.bidPrices[level] = id - level;
      this.bidQuantities[level] = id * 2 + level;
    }
    for (let level = 0; level < this.askCount; level++) {
      this.askPrices[level] = id + level;
      this.askQuantities[level] = id * 3 + level;
    }
  }
}

export function isWholeBook(book: BookEvent): boolean {
  const id = book.lastUpdateId;
  if (book.bidCount !== bidCountOf(id) || book.askCount !== askCountOf(id)) return false;
  if (book.lastPriceMantissa !== id || book.volume24hMantissa !== id + 1) return false;
  if (book.high24hMantissa !== id + 2 || book.low24hMantissa !== id + 3) return false;
  const levels = book.levels;
  for (let level = 0; level < book.bidCount; level++) {
    if (levels[2 * level] !== id - level || levels[2 * level + 1] !== id * 2 + level) return false;
  }
  for (let level = 0; level < book.askCount; level++) {
    const at = 2 * (book.bidCount + level);
    if (levels[at] !== id + level || levels[at + 1] !== id * 3 + level) return false;
  }
  return true;
}

export function setStressTrade(trade: Trade, instrument: Instrument, id: number): void {
  trade.instrument = instrument;
  trade.tradeId = id;
  trade.price = id * 5;
  trade.quantity = id * 7;
  trade.isBuyerMaker = id % 2 === 1;
}

export function isWholeTrade(trade: TradeEvent): boolean {
  const id = trade.tradeId;
  return trade.priceMantissa === id * 5 && trade.quantityMantissa === id * 7 && trade.isBuyerMaker === (id % 2 === 1);
}

/** Sizes differ from record to record, so that boundaries of records move over the ring from lap to lap. */
function bidCountOf(id: number): number {
  return (id * 7) % (STRESS_DEPTH + 1);
}

function askCountOf(id: number): number {
  return STRESS_DEPTH - (id % 5);
}
