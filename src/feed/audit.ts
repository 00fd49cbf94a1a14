import type { Market } from '../book/market.ts';
import { POW10 } from '../model/decimal.ts';
import type { TopOfBook } from '../model/events.ts';

/** Tops and checks remembered; the stream of best bids and offers runs ahead of the diffs by up to their interval. */
const REMEMBERED = 4096;
const FIELDS = 5;

/**
 * Compares a book with the venue's own best bid and offer. After the diff with final id `u`, the top must equal that of the last
 * statement whose id is not above `u`; which one is the last is known as soon as one with a higher id has come.
 */
export class BookAudit {
  checks = 0;
  mismatches = 0;
  /** Rings of (update id, bid price, bid quantity, ask price, ask quantity). */
  readonly #tops = new Ring();
  readonly #pending = new Ring();

  /** Returns false when a comparison failed. */
  onTopOfBook(top: TopOfBook): boolean {
    if (this.#tops.count > 0 && top.updateId <= this.#tops.lastId) {
      if (this.#tops.lastId - top.updateId > 1_000_000) this.reset();
      else return true;
    }
    this.#tops.push(top.updateId, top.bidPrice, top.bidQuantity, top.askPrice, top.askQuantity);
    return this.#compare();
  }

  /** The book was brought to a new update id. Returns false when a comparison failed. */
  onBook(market: Market): boolean {
    const { book } = market;
    this.#pending.push(
      market.lastUpdateId,
      book.bestBidPrice,
      book.bestBidQuantity,
      book.bestAskPrice,
      book.bestAskQuantity,
    );
    return this.#compare();
  }

  reset(): void {
    this.#tops.clear();
    this.#pending.clear();
  }

  rescale(pricePlaces: number, quantityPlaces: number): void {
    this.#tops.rescale(pricePlaces, quantityPlaces);
    this.#pending.rescale(pricePlaces, quantityPlaces);
  }

  #compare(): boolean {
    const tops = this.#tops;
    const pending = this.#pending;
    while (pending.count > 0 && tops.count > 0 && tops.lastId > pending.firstId) {
      // Statements that a later one, still not above the check's id, has replaced.
      while (tops.count > 1 && tops.secondId <= pending.firstId) tops.shift();
      if (tops.firstId <= pending.firstId) {
        this.checks += 1;
        if (!tops.firstEquals(pending)) {
          this.mismatches += 1;
          return false;
        }
      }
      pending.shift();
    }
    return true;
  }
}

class Ring {
  readonly #values = new Float64Array(REMEMBERED * FIELDS);
  #start = 0;
  count = 0;

  get firstId(): number {
    return this.#values[this.#at(0)]!;
  }

  get secondId(): number {
    return this.#values[this.#at(1)]!;
  }

  get lastId(): number {
    return this.#values[this.#at(this.count - 1)]!;
  }

  /** The oldest entry makes room when the ring is full. */
  push(id: number, bidPrice: number, bidQuantity: number, askPrice: number, askQuantity: number): void {
    if (this.count === REMEMBERED) this.shift();
    const at = this.#at(this.count);
    const values = this.#values;
    values[at] = id;
    values[at + 1] = bidPrice;
    values[at + 2] = bidQuantity;
    values[at + 3] = askPrice;
    values[at + 4] = askQuantity;
    this.count += 1;
  }

  shift(): void {
    this.#start = (this.#start + 1) % REMEMBERED;
    this.count -= 1;
  }

  clear(): void {
    this.count = 0;
  }

  firstEquals(other: Ring): boolean {
    const mine = this.#at(0);
    const theirs = other.#at(0);
    for (let field = 1; field < FIELDS; field += 1) {
      if (this.#values[mine + field] !== other.#values[theirs + field]) return false;
    }
    return true;
  }

  rescale(pricePlaces: number, quantityPlaces: number): void {
    const price = POW10[pricePlaces]!;
    const quantity = POW10[quantityPlaces]!;
    for (let entry = 0; entry < this.count; entry += 1) {
      const at = this.#at(entry);
      this.#values[at + 1]! *= price;
      this.#values[at + 2]! *= quantity;
      this.#values[at + 3]! *= price;
      this.#values[at + 4]! *= quantity;
    }
  }

  #at(index: number): number {
    return ((this.#start + index) % REMEMBERED) * FIELDS;
  }
}
