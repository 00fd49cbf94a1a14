import type { Random } from './random.ts';
import type { BookSide, ReferenceBook } from './reference-book.ts';

/** Steps in mantissas at the symbol's scales; they change with the tick size. */
export interface FlowSteps {
  tickSize: number;
  readonly stepSize: number;
  readonly typicalQuantity: number;
}

/** Receives every change before it is made known: which side, at which price. */
export type ChangeListener = (side: BookSide, price: number) => void;

/**
 * Made-up orders on one book: levels come, go and change mostly near the top, the price walks, and wanders back when it has
 * gone far. Both sides always keep levels, and the best bid stays below the best ask.
 */
export class OrderFlow {
  readonly #book: ReferenceBook;
  readonly #random: Random;
  readonly #steps: FlowSteps;
  readonly #levelsPerSide: number;
  readonly #onChange: ChangeListener;
  #anchorPrice = 0;

  constructor(book: ReferenceBook, random: Random, steps: FlowSteps, levelsPerSide: number, onChange: ChangeListener) {
    this.#book = book;
    this.#random = random;
    this.#steps = steps;
    this.#levelsPerSide = levelsPerSide;
    this.#onChange = onChange;
  }

  /** A fresh book around a price; reports no changes, since nobody can know the book yet. */
  fill(price: number): void {
    const { tickSize } = this.#steps;
    this.#book.clear();
    this.#anchorPrice = Math.max(Math.round(price / tickSize), 20) * tickSize;
    for (const [side, sign] of [
      [this.#book.bids, -1],
      [this.#book.asks, 1],
    ] as const) {
      const prices: number[] = [];
      let at = sign < 0 ? this.#anchorPrice : this.#anchorPrice + tickSize;
      while (prices.length < this.#levelsPerSide && at >= tickSize) {
        prices.push(at);
        at += sign * tickSize * (1 + Math.floor(this.#random.exponential(0.4 + prices.length / 300)));
      }
      // Worst first: each then lands at the end of the sorted side.
      for (const levelPrice of prices.reverse()) side.set(levelPrice, this.#quantity());
    }
  }

  /** One change of a level somewhere. */
  changeLevel(): void {
    const random = this.#random;
    const isBid = random.chance(0.5);
    const side = isBid ? this.#book.bids : this.#book.asks;
    const { tickSize } = this.#steps;
    const outward = isBid ? -tickSize : tickSize;
    const spread = this.#book.asks.bestPrice - this.#book.bids.bestPrice;
    if (spread > tickSize && random.chance(0.7)) {
      this.#set(side, side.bestPrice - outward, this.#quantity());
      return;
    }
    const reach = random.chance(0.05) ? this.#levelsPerSide : random.chance(0.3) ? 150 : 12;
    const price = side.bestPrice + outward * Math.floor(random.exponential(reach));
    if (price < tickSize) return;
    const isRemoval = side.size > 10 && side.quantityOf(price) > 0 && random.chance(0.45);
    this.#set(side, price, isRemoval ? 0 : this.#quantity());
  }

  /** The price moves by a few ticks: the levels in the way are taken off and the other side follows. */
  move(): void {
    const mid = (this.#book.bids.bestPrice + this.#book.asks.bestPrice) / 2;
    const pull = Math.max(-0.4, Math.min(0.4, ((this.#anchorPrice - mid) / this.#anchorPrice) * 20));
    const isUp = this.#random.chance(0.5 + pull);
    const [giving, following] = isUp ? [this.#book.asks, this.#book.bids] : [this.#book.bids, this.#book.asks];
    const outward = isUp ? this.#steps.tickSize : -this.#steps.tickSize;
    const ticks = 1 + this.#random.below(3);
    for (let tick = 0; tick < ticks && giving.size > 10; tick++) this.#set(giving, giving.bestPrice, 0);
    const target = giving.bestPrice - outward;
    if (target > 0 && following.bestPrice !== target) this.#set(following, target, this.#quantity());
  }

  /** A taker order takes from the best level. @returns what was traded, the book already without it. */
  take(isBuyerMaker: boolean): { price: number; quantity: number } {
    const side = isBuyerMaker ? this.#book.bids : this.#book.asks;
    const price = side.bestPrice;
    const available = side.bestQuantity;
    const { stepSize } = this.#steps;
    const wanted = Math.max(1, Math.round(this.#quantity() / stepSize / 4)) * stepSize;
    if (side.size <= 10) {
      // A thin side is not emptied: as much as is taken has just been added.
      this.#set(side, price, available);
      return { price, quantity: wanted };
    }
    const quantity = Math.min(wanted, available);
    this.#set(side, price, available - quantity);
    return { price, quantity };
  }

  /** Keeps the number of levels about where it began. */
  tend(): void {
    this.#tendSide(this.#book.bids, -this.#steps.tickSize);
    this.#tendSide(this.#book.asks, this.#steps.tickSize);
  }

  /** After the tick size became coarser: levels between the new ticks are gone. */
  removeOffGrid(): void {
    for (const side of [this.#book.bids, this.#book.asks]) {
      const offGrid: number[] = [];
      for (let rank = 0; rank < side.size; rank++) {
        if (side.priceAt(rank) % this.#steps.tickSize !== 0) offGrid.push(side.priceAt(rank));
      }
      const middle = (this.#book.bids.bestPrice + this.#book.asks.bestPrice) / 2;
      for (const price of offGrid) this.#set(side, price, 0);
      if (side.size > 0) continue;
      const below = Math.max(1, Math.floor(middle / this.#steps.tickSize)) * this.#steps.tickSize;
      this.#set(side, side === this.#book.bids ? below : below + this.#steps.tickSize, this.#quantity());
    }
    this.#anchorPrice = Math.round(this.#anchorPrice / this.#steps.tickSize) * this.#steps.tickSize;
  }

  rescalePrices(factor: number): void {
    this.#anchorPrice *= factor;
  }

  #tendSide(side: BookSide, outward: number): void {
    const upper = Math.ceil(this.#levelsPerSide * 1.1);
    const lower = Math.floor(this.#levelsPerSide * 0.9);
    while (side.size > upper) this.#set(side, side.priceAt(side.size - 1), 0);
    // A few at a time: a side that lost many grows back over several updates.
    for (let added = 0; side.size < lower && added < 8; added++) {
      const price = side.priceAt(side.size - 1) + outward * (1 + this.#random.below(3));
      if (price <= 0) return;
      this.#set(side, price, this.#quantity());
    }
  }

  #set(side: BookSide, price: number, quantity: number): void {
    side.set(price, quantity);
    this.#onChange(side, price);
  }

  /** Log-normal, now and then a block many times the usual size; a whole number of steps, at least one. */
  #quantity(): number {
    const { typicalQuantity, stepSize } = this.#steps;
    const block = this.#random.chance(0.01) ? 40 : 1;
    const drawn = typicalQuantity * Math.exp(this.#random.normal() * 1.2) * block;
    return Math.max(1, Math.round(drawn / stepSize)) * stepSize;
  }
}
