/** The prices of one side that an update touched, each once however often it changed. */
export class ChangeList {
  #prices = new Float64Array(256);
  #count = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(price: number): void {
    if (this.#count === this.#prices.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#prices);
      this.#prices = larger;
    }
    this.#prices[this.#count++] = price;
  }

  /** Ascending, as the venue sends them, without repeats. Valid until the next `add`. */
  sorted(): Float64Array {
    const prices = this.#prices.subarray(0, this.#count).sort();
    let unique = 0;
    for (let index = 0; index < prices.length; index++) {
      if (index === 0 || prices[index] !== prices[index - 1]) prices[unique++] = prices[index]!;
    }
    return prices.subarray(0, unique);
  }

  clear(): void {
    this.#count = 0;
  }
}
