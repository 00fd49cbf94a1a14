/**
 * An order book as plain as it can be: frames through JSON.parse, levels in a sorted list of decimal texts, the exchange's rules
 * written down once more from its documentation. It shares nothing with `src`, so that a mistake there cannot cancel itself out.
 */

/** [price text, quantity text], as on the wire. */
export type PlainLevel = readonly [price: string, quantity: string];

export interface PlainDiff {
  readonly U: number;
  readonly u: number;
  readonly pu?: number;
  readonly b: readonly PlainLevel[];
  readonly a: readonly PlainLevel[];
}

export interface PlainSnapshot {
  readonly lastUpdateId: number;
  readonly bids: readonly PlainLevel[];
  readonly asks: readonly PlainLevel[];
}

/** Levels of one side, best first. Two texts of one number ("1.50", "1.5") are the same price. */
export class PlainSide {
  readonly #levels: { price: number; text: PlainLevel }[] = [];
  readonly #isBetter: (a: number, b: number) => boolean;

  constructor(side: 'bid' | 'ask') {
    this.#isBetter = side === 'bid' ? (a, b) => a > b : (a, b) => a < b;
  }

  get size(): number {
    return this.#levels.length;
  }

  set(text: PlainLevel): void {
    const price = Number(text[0]);
    let low = 0;
    let high = this.#levels.length;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#isBetter(this.#levels[middle]!.price, price)) low = middle + 1;
      else high = middle;
    }
    const isThere = this.#levels[low]?.price === price;
    if (Number(text[1]) === 0) {
      if (isThere) this.#levels.splice(low, 1);
    } else {
      this.#levels.splice(low, isThere ? 1 : 0, { price, text });
    }
  }

  top(count: number): PlainLevel[] {
    return this.#levels.slice(0, count).map((level) => level.text);
  }
}

/**
 * One symbol's book kept by the exchange's numbered rules ("How to manage a local order book correctly", USD-M futures):
 * buffer diffs, take a snapshot, drop diffs with u < lastUpdateId, bridge with U <= lastUpdateId <= u (or pu == lastUpdateId, as
 * live streams may begin), then require pu == previous u.
 */
export class PlainOrderBook {
  /** `waiting`: no snapshot yet, or none that a diff has bridged. `gap`: pu did not match; needs a new snapshot. */
  state: 'waiting' | 'live' | 'gap' = 'waiting';
  lastUpdateId = -1;
  /** Diffs applied since the last snapshot. */
  applied = 0;
  bids = new PlainSide('bid');
  asks = new PlainSide('ask');
  #buffer: PlainDiff[] = [];
  #hasSnapshot = false;

  /** Takes a snapshot and applies what was buffered before it. */
  onSnapshot(snapshot: PlainSnapshot): void {
    this.bids = new PlainSide('bid');
    this.asks = new PlainSide('ask');
    for (const level of snapshot.bids) this.bids.set(level);
    for (const level of snapshot.asks) this.asks.set(level);
    this.lastUpdateId = snapshot.lastUpdateId;
    this.state = 'waiting';
    this.applied = 0;
    this.#hasSnapshot = true;
    const buffered = this.#buffer;
    this.#buffer = [];
    for (const diff of buffered) this.onDiff(diff);
  }

  /** Takes one diff. Returns true when it was applied. */
  onDiff(diff: PlainDiff): boolean {
    if (!this.#hasSnapshot) {
      this.#buffer.push(diff);
      return false;
    }
    if (this.state === 'gap') return false;
    if (this.state === 'waiting') {
      if (diff.u < this.lastUpdateId) return false;
      const isBridge = diff.U <= this.lastUpdateId && this.lastUpdateId <= diff.u;
      if (!isBridge && diff.pu !== this.lastUpdateId) {
        this.state = 'gap';
        return false;
      }
      this.state = 'live';
    } else {
      if (diff.u <= this.lastUpdateId) return false;
      if (diff.pu !== this.lastUpdateId) {
        this.state = 'gap';
        return false;
      }
    }
    for (const level of diff.b) this.bids.set(level);
    for (const level of diff.a) this.asks.set(level);
    this.lastUpdateId = diff.u;
    this.applied++;
    return true;
  }

  /** The best `count` levels of each side as numbers, in the form of the `orderbook:` channel. */
  top(count: number): { bids: [number, number][]; asks: [number, number][] } {
    const numbers = (levels: PlainLevel[]): [number, number][] => levels.map(([p, q]) => [Number(p), Number(q)]);
    return { bids: numbers(this.bids.top(count)), asks: numbers(this.asks.top(count)) };
  }
}
