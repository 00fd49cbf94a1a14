/** One aggregated trade. Mantissas at the symbol's scales. */
export interface AggregateTrade {
  readonly id: number;
  readonly price: number;
  readonly quantity: number;
  readonly firstTradeId: number;
  readonly lastTradeId: number;
  readonly timeMs: number;
  readonly isBuyerMaker: boolean;
}

const FIELDS = 6;

/** The latest trades of a symbol, ids ascending by one; the oldest fall out above the capacity. */
export class TradeHistory {
  readonly #capacity: number;
  #rows = new Float64Array(64 * FIELDS);
  /** Ids of the kept trades: [#firstId, #nextId). */
  #firstId = 0;
  #nextId = 0;

  constructor(capacity = 20_000) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#nextId - this.#firstId;
  }

  /** -1 when there is none. */
  get lastId(): number {
    return this.size === 0 ? -1 : this.#nextId - 1;
  }

  get firstId(): number {
    return this.size === 0 ? -1 : this.#firstId;
  }

  /** A trade whose id does not follow the last one starts the history anew. */
  add(trade: AggregateTrade): void {
    if (trade.id !== this.#nextId) {
      this.#firstId = trade.id;
      this.#nextId = trade.id;
    }
    const slots = this.#rows.length / FIELDS;
    if (this.size === slots && slots < this.#capacity) this.#grow(Math.min(this.#capacity, slots * 2));
    const at = (trade.id % (this.#rows.length / FIELDS)) * FIELDS;
    this.#rows[at] = trade.price;
    this.#rows[at + 1] = trade.quantity;
    this.#rows[at + 2] = trade.firstTradeId;
    this.#rows[at + 3] = trade.lastTradeId;
    this.#rows[at + 4] = trade.timeMs;
    this.#rows[at + 5] = trade.isBuyerMaker ? 1 : 0;
    this.#nextId++;
    if (this.size > this.#rows.length / FIELDS) this.#firstId++;
  }

  /** Undefined when the trade is not kept. */
  get(id: number): AggregateTrade | undefined {
    if (!(id >= this.#firstId && id < this.#nextId)) return undefined;
    const at = (id % (this.#rows.length / FIELDS)) * FIELDS;
    const rows = this.#rows;
    return {
      id,
      price: rows[at]!,
      quantity: rows[at + 1]!,
      firstTradeId: rows[at + 2]!,
      lastTradeId: rows[at + 3]!,
      timeMs: rows[at + 4]!,
      isBuyerMaker: rows[at + 5] === 1,
    };
  }

  rescalePrices(factor: number): void {
    for (let at = 0; at < this.#rows.length; at += FIELDS) this.#rows[at]! *= factor;
  }

  #grow(slots: number): void {
    const kept: AggregateTrade[] = [];
    for (let id = this.#firstId; id < this.#nextId; id++) kept.push(this.get(id)!);
    this.#rows = new Float64Array(slots * FIELDS);
    this.#nextId = this.#firstId;
    for (const trade of kept) this.add(trade);
  }
}
