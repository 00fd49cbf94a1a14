import { POW10 } from '../../model/decimal.ts';
import { Trade } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';

/** Numbers per trade: what it is (packed), id, price, quantity, time. */
const STRIDE = 5;
export const QUEUED_TRADE_BYTES = STRIDE * 8;
const FIRST_CAPACITY = 1024;

/**
 * Trades that wait for Redis, oldest first, as numbers in one ring: 40 bytes each instead of a document of 150. Grows up to
 * its limit; beyond it, the oldest is dropped.
 */
export class TradeQueue {
  readonly #instruments: readonly Instrument[];
  readonly #capacityMax: number;
  readonly #trade = new Trade();
  #ring = new Float64Array(0);
  #capacity = 0;
  #head = 0;
  #count = 0;

  /** @param bytesMax the ring's size at most */
  constructor(instruments: readonly Instrument[], bytesMax: number) {
    this.#instruments = instruments;
    this.#capacityMax = Math.max(1, Math.floor(bytesMax / QUEUED_TRADE_BYTES));
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#count * QUEUED_TRADE_BYTES;
  }

  /** Returns false when the oldest trade had to go for it. */
  push(trade: Trade): boolean {
    if (this.#count === this.#capacity && this.#capacity < this.#capacityMax) this.#grow();
    const isFull = this.#count === this.#capacity;
    if (isFull) this.shift();
    const at = this.#offset(this.#count);
    const ring = this.#ring;
    ring[at] = packed(trade);
    ring[at + 1] = trade.tradeId;
    ring[at + 2] = trade.price;
    ring[at + 3] = trade.quantity;
    ring[at + 4] = trade.tradeTimeMs;
    this.#count++;
    return !isFull;
  }

  /** The oldest trade, in an object that the next call overwrites; mantissas at the instrument's present scales. */
  peek(): Trade {
    const at = this.#head * STRIDE;
    const ring = this.#ring;
    const trade = this.#trade;
    const bits = ring[at]!;
    const instrument = this.#instruments[bits >>> 10]!;
    trade.instrument = instrument;
    trade.isBuyerMaker = (bits & 1) !== 0;
    trade.isRefill = (bits & 2) !== 0;
    trade.tradeId = ring[at + 1]!;
    trade.price = ring[at + 2]! * POW10[instrument.priceScale - ((bits >>> 2) & 15)]!;
    trade.quantity = ring[at + 3]! * POW10[instrument.quantityScale - ((bits >>> 6) & 15)]!;
    trade.tradeTimeMs = ring[at + 4]!;
    return trade;
  }

  /** Forgets the oldest trade. An empty queue gives its memory back once it was large. */
  shift(): void {
    this.#head = (this.#head + 1) % this.#capacity;
    this.#count--;
    if (this.#count === 0 && this.#capacity > FIRST_CAPACITY) {
      this.#ring = new Float64Array(0);
      this.#capacity = 0;
      this.#head = 0;
    }
  }

  #offset(position: number): number {
    return ((this.#head + position) % this.#capacity) * STRIDE;
  }

  #grow(): void {
    const capacity = Math.min(this.#capacityMax, Math.max(FIRST_CAPACITY, this.#capacity * 2));
    const ring = new Float64Array(capacity * STRIDE);
    const tail = this.#ring.subarray(this.#head * STRIDE);
    ring.set(tail);
    ring.set(this.#ring.subarray(0, this.#head * STRIDE), tail.length);
    this.#ring = ring;
    this.#capacity = capacity;
    this.#head = 0;
  }
}

/** Bits: maker 1, refill 1, price scale 4, quantity scale 4, instrument index 22. */
function packed(trade: Trade): number {
  const { index, priceScale, quantityScale } = trade.instrument;
  return (
    (trade.isBuyerMaker ? 1 : 0) | (trade.isRefill ? 2 : 0) | (priceScale << 2) | (quantityScale << 6) | (index << 10)
  );
}
