import { FarLevels } from './far-levels.ts';
import { LADDER_SIZE_MAX, LADDER_SIZE_MIN, Ladder } from './ladder.ts';

/** A window this large serves any book; a larger one has to be paid for by the number of levels, see `#sizeMax`. */
const SIZE_MAX_BY_DEFAULT = 16_384;
/** Ticks per level up to which a window may grow beyond that. */
const TICKS_PER_LEVEL_MAX = 4;
/** A window starts this many times as wide as the levels that it is built from, and never reaches for spans beyond the second. */
const SIZE_PER_SPAN = 4;
const SPAN_MAX = 16 * SIZE_MAX_BY_DEFAULT;
/** Changed levels between two looks at the window's size, and the share of them that a window twice as large must catch. */
const CHANGES_PER_REVIEW = 8192;
const NEAR_MISSES_PER_REVIEW = CHANGES_PER_REVIEW / 64;

/**
 * One side of a book. A level's key is its price, negated for bids, so that the lowest key is the best on either side and both run
 * through the same code.
 *
 * The window (`Ladder`) always holds the best levels: every level in `FarLevels` is worse than the window's last tick. It moves
 * when the best level leaves it towards better, or has wandered past its middle towards worse.
 */
export class BookSide {
  /** 1 for asks, -1 for bids: price = sign * key. */
  readonly sign: 1 | -1;
  /** Levels in all, and those of them not beyond the horizon. */
  count = 0;
  knownCount = 0;
  /** Keys above it were not in the snapshot: what is missing there is unknown. Infinity when the snapshot had the whole side. */
  horizonKey = Number.POSITIVE_INFINITY;
  #ladder = new Ladder(LADDER_SIZE_MIN);
  readonly #far = new FarLevels();
  readonly #levelsMax: number;
  /** Since the last review of the window's size. */
  #changes = 0;
  #nearMisses = 0;

  constructor(sign: 1 | -1, levelsMax: number) {
    this.sign = sign;
    this.#levelsMax = levelsMax;
  }

  get bestPrice(): number {
    const ladder = this.#ladder;
    return ladder.count === 0 ? Number.NaN : this.sign * (ladder.base + ladder.best);
  }

  get bestQuantity(): number {
    const ladder = this.#ladder;
    return ladder.count === 0 ? Number.NaN : ladder.quantities[ladder.best]!;
  }

  /** The worst price of the snapshot; NaN when there is no horizon. */
  get horizon(): number {
    return this.horizonKey === Number.POSITIVE_INFINITY ? Number.NaN : this.sign * this.horizonKey;
  }

  get windowSize(): number {
    return this.#ladder.size;
  }

  get byteLength(): number {
    return this.#ladder.byteLength + this.#far.byteLength;
  }

  clear(): void {
    this.#ladder.clear();
    this.#far.clear();
    this.count = 0;
    this.knownCount = 0;
    this.horizonKey = Number.POSITIVE_INFINITY;
  }

  /** Replaces all levels. @param isComplete there are no others: no horizon */
  reset(prices: Float64Array, quantities: Float64Array, isComplete: boolean): void {
    this.clear();
    let best = Number.POSITIVE_INFINITY;
    let worst = Number.NEGATIVE_INFINITY;
    for (let level = 0; level < prices.length; level++) {
      const key = this.sign * prices[level]!;
      if (key < best) best = key;
      if (key > worst) worst = key;
    }
    if (prices.length === 0) return;
    this.#fitWindow(worst - best, prices.length);
    this.#ladder.base = this.#baseFor(best);
    if (!isComplete) this.horizonKey = worst;
    this.apply(prices, quantities, prices.length);
  }

  /** Sets levels; quantity 0 removes. Nearly all are in the window, where the hot loop is: see {@link Ladder.setRun}. */
  apply(prices: Float64Array, quantities: Float64Array, count: number): void {
    const { sign, horizonKey } = this;
    const ladder = this.#ladder;
    let at = 0;
    while (true) {
      at = ladder.setRun(prices, quantities, at, count, sign, horizonKey);
      this.count += ladder.added;
      this.knownCount += ladder.known;
      if (at === count) break;
      const change = this.#setOutside(sign * prices[at]!, quantities[at]!);
      this.count += change;
      if (sign * prices[at]! <= horizonKey) this.knownCount += change;
      at++;
    }
    this.#settle(count);
  }

  /** A level that is not in the window. */
  #setOutside(key: number, quantity: number): number {
    const ladder = this.#ladder;
    const index = key - ladder.base;
    if (index >= 0) {
      if (index < 2 * ladder.size) this.#nearMisses++;
      return this.#far.set(key, quantity);
    }
    if (quantity === 0) return 0;
    this.#recentre(key);
    return ladder.set(key - ladder.base, quantity);
  }

  /** Copies up to `wanted` levels, best first. Returns how many. */
  top(wanted: number, prices: Float64Array, quantities: Float64Array): number {
    const near = this.#ladder.copy(prices, quantities, wanted, this.sign);
    if (near === wanted || this.#far.count === 0) return near;
    return near + this.#far.copy(prices, quantities, near, wanted - near, this.sign);
  }

  /** True when multiplied prices and quantities all stay exact. */
  canRescale(priceFactor: number, quantityFactor: number): boolean {
    const { prices, quantities } = this.#all();
    const isSafe = (factor: number) => (mantissa: number) => Number.isSafeInteger(mantissa * factor);
    return prices.every(isSafe(priceFactor)) && quantities.every(isSafe(quantityFactor));
  }

  /** Multiplies every price and quantity; the horizon moves along. */
  rescale(priceFactor: number, quantityFactor: number): void {
    const { prices, quantities } = this.#all();
    const horizonKey = this.horizonKey;
    this.reset(
      prices.map((price) => price * priceFactor),
      quantities.map((quantity) => quantity * quantityFactor),
      true,
    );
    if (horizonKey !== Number.POSITIVE_INFINITY) this.#setHorizon(horizonKey * priceFactor);
  }

  #all(): { prices: Float64Array; quantities: Float64Array } {
    const prices = new Float64Array(this.count);
    const quantities = new Float64Array(this.count);
    this.top(this.count, prices, quantities);
    return { prices, quantities };
  }

  #setHorizon(key: number): void {
    this.horizonKey = key;
    this.knownCount = 0;
    for (const price of this.#all().prices) if (this.sign * price <= key) this.knownCount++;
  }

  /** After each update: brings the window to the best levels, keeps the limit, and now and then reviews the window's size. */
  #settle(changes: number): void {
    const ladder = this.#ladder;
    if (ladder.count === 0) {
      if (this.#far.count > 0) this.#recentre(this.#far.firstKey);
    } else if (ladder.best > ladder.size >>> 1) {
      this.#recentre(ladder.base + ladder.best);
    }
    if (this.count > this.#levelsMax) this.#dropWorst();
    this.#changes += changes;
    if (this.#changes >= CHANGES_PER_REVIEW) {
      const isTooSmall = this.#nearMisses > NEAR_MISSES_PER_REVIEW;
      this.#changes = 0;
      this.#nearMisses = 0;
      if (isTooSmall && ladder.size < this.#sizeMax(this.count)) this.#resize(ladder.size * 2);
    }
  }

  /** Drops the worst levels above the limit: from there on the side is unknown, which is what a horizon says. */
  #dropWorst(): void {
    let isKnownDropped = false;
    while (this.count > this.#levelsMax) {
      let key: number;
      if (this.#far.count > 0) {
        key = this.#far.removeLast();
      } else {
        const index = this.#ladder.last();
        key = this.#ladder.base + index;
        this.#ladder.set(index, 0);
      }
      this.count--;
      if (key <= this.horizonKey) {
        this.knownCount--;
        isKnownDropped = true;
      }
    }
    if (!isKnownDropped) return;
    this.horizonKey = this.#far.count > 0 ? this.#far.lastKey : this.#ladder.base + this.#ladder.last();
  }

  /** The window starts an eighth of its size before the best level, so that small improvements stay inside. */
  #baseFor(bestKey: number): number {
    return Math.max(bestKey - this.#ladder.size / 8, -Number.MAX_SAFE_INTEGER);
  }

  /** Moves the window so that it begins a little before `bestKey`, which no level is better than. */
  #recentre(bestKey: number): void {
    const ladder = this.#ladder;
    const base = this.#baseFor(bestKey);
    // Whole words of the bitmap are moved, so the base is rounded towards better.
    const ticks = Math.floor((base - ladder.base) / 32) * 32;
    const isOverlapping = Math.abs(ticks) < ladder.size && ladder.base + ticks >= -Number.MAX_SAFE_INTEGER;
    if (isOverlapping) {
      if (ticks < 0) this.#evictFrom(ladder.size + ticks);
      ladder.shift(ticks);
    } else {
      this.#evictFrom(0);
      ladder.clear();
      ladder.base = base;
    }
    this.#fill();
  }

  /** Moves the window's levels from an index on to the far levels. */
  #evictFrom(index: number): void {
    const ladder = this.#ladder;
    for (let at = ladder.nextFrom(index); at < ladder.size; at = ladder.nextFrom(at + 1)) {
      this.#far.set(ladder.base + at, ladder.quantities[at]!);
      ladder.set(at, 0);
    }
  }

  /** Moves the far levels that the window now covers into it. */
  #fill(): void {
    const ladder = this.#ladder;
    if (this.#far.firstKey >= ladder.base + ladder.size) return;
    this.#far.takeBelow(ladder.base + ladder.size, (key, quantity) => ladder.set(key - ladder.base, quantity));
  }

  #resize(size: number): void {
    const old = this.#ladder;
    const ladder = new Ladder(size);
    ladder.base = old.base;
    for (let at = old.best; at < old.size; at = old.nextFrom(at + 1)) ladder.set(at, old.quantities[at]!);
    this.#ladder = ladder;
    this.#fill();
  }

  /** Gives an empty side a window for levels that span so many ticks, unless the one it has will do. */
  #fitWindow(span: number, count: number): void {
    const wanted = span > SPAN_MAX ? LADDER_SIZE_MIN : Math.min(powerOfTwo(span * SIZE_PER_SPAN), this.#sizeMax(count));
    const size = this.#ladder.size;
    if (size < wanted || size > Math.max(wanted * 4, SIZE_MAX_BY_DEFAULT)) this.#ladder = new Ladder(wanted);
  }

  #sizeMax(count: number): number {
    return Math.min(LADDER_SIZE_MAX, Math.max(SIZE_MAX_BY_DEFAULT, powerOfTwo(count * TICKS_PER_LEVEL_MAX) / 2));
  }
}

/** The smallest power of two that is not below a number, and not below the smallest window. */
function powerOfTwo(atLeast: number): number {
  let power = LADDER_SIZE_MIN;
  while (power < atLeast && power < LADDER_SIZE_MAX * 2) power *= 2;
  return power;
}
