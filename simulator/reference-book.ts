/**
 * The exchange's own book: deliberately plain, sorted arrays with the best level last, so that the frequent changes near the
 * top move little. Prices and quantities are integer mantissas at the symbol's scales.
 */
export class ReferenceBook {
  readonly bids = new BookSide(1);
  readonly asks = new BookSide(-1);
  /** Final id of the last update that is in the book. */
  lastUpdateId = 0;

  /** Moves every price to a scale that is `factor` times as fine. */
  rescalePrices(factor: number): void {
    this.bids.rescalePrices(factor);
    this.asks.rescalePrices(factor);
  }

  clear(): void {
    this.bids.clear();
    this.asks.clear();
  }
}

/** One side. Rank 0 is the best level. */
export class BookSide {
  /** price × sign, ascending: the best is last on both sides. */
  #keys = new Float64Array(256);
  #quantities = new Float64Array(256);
  #size = 0;
  readonly #sign: 1 | -1;

  /** @param sign 1 for bids (higher is better), -1 for asks. */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  get size(): number {
    return this.#size;
  }

  /** NaN when the side is empty. */
  get bestPrice(): number {
    return this.priceAt(0);
  }

  /** NaN when the side is empty. */
  get bestQuantity(): number {
    return this.quantityAt(0);
  }

  priceAt(rank: number): number {
    return rank < this.#size ? this.#keys[this.#size - 1 - rank]! * this.#sign : Number.NaN;
  }

  quantityAt(rank: number): number {
    return rank < this.#size ? this.#quantities[this.#size - 1 - rank]! : Number.NaN;
  }

  /** 0 when there is no such level. */
  quantityOf(price: number): number {
    const key = price * this.#sign;
    const index = this.#lowerBound(key);
    return index < this.#size && this.#keys[index] === key ? this.#quantities[index]! : 0;
  }

  /** Sets the absolute quantity at a price; 0 removes the level, whether it was there or not. */
  set(price: number, quantity: number): void {
    const key = price * this.#sign;
    const index = this.#lowerBound(key);
    const isKnown = index < this.#size && this.#keys[index] === key;
    if (quantity !== 0 && isKnown) {
      this.#quantities[index] = quantity;
    } else if (quantity !== 0) {
      if (this.#size === this.#keys.length) this.#grow();
      this.#keys.copyWithin(index + 1, index, this.#size);
      this.#quantities.copyWithin(index + 1, index, this.#size);
      this.#keys[index] = key;
      this.#quantities[index] = quantity;
      this.#size++;
    } else if (isKnown) {
      this.#keys.copyWithin(index, index + 1, this.#size);
      this.#quantities.copyWithin(index, index + 1, this.#size);
      this.#size--;
    }
  }

  rescalePrices(factor: number): void {
    for (let index = 0; index < this.#size; index++) this.#keys[index]! *= factor;
  }

  clear(): void {
    this.#size = 0;
  }

  #lowerBound(key: number): number {
    let low = 0;
    let high = this.#size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    const quantities = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    quantities.set(this.#quantities);
    this.#keys = keys;
    this.#quantities = quantities;
  }
}
