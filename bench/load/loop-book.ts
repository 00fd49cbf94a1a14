export type Texts = readonly (readonly [price: string, quantity: string])[];

export interface SnapshotTexts {
  readonly lastUpdateId: number;
  readonly bids: Texts;
  readonly asks: Texts;
}

interface Change {
  readonly frame: number;
  readonly finalId: number;
  readonly bids: Texts;
  readonly asks: Texts;
}

/** Levels by price. */
type Side = Map<number, readonly [price: string, quantity: string]>;

/** One symbol of a recording: what its frames change, and the book that they lead to, in the recording's own text. */
export class LoopBook {
  /** Before the first change of a round. */
  readonly #first: { bids: Side; asks: Side };
  /** After the last change so far. */
  #now: { bids: Side; asks: Side };
  readonly #snapshot: SnapshotTexts;
  readonly #changes: Change[] = [];
  #firstId = -1;
  /** Ids of one round, from the id before its first frame to that of its last. */
  idsPerRound = 0;

  constructor(snapshot: SnapshotTexts) {
    this.#snapshot = snapshot;
    this.#first = { bids: new Map(), asks: new Map() };
    this.#now = this.#first;
    set(this.#first, snapshot);
  }

  /** Whether a diff belongs to the round. The first one, which bridges the snapshot by its range of ids, is taken into the beginning. */
  isPartOfRound(diff: { u: number; b: Texts; a: Texts }): boolean {
    if (this.#firstId !== -1) return true;
    if (diff.u < this.#snapshot.lastUpdateId) return false;
    set(this.#first, { bids: diff.b, asks: diff.a });
    this.#firstId = diff.u;
    this.#now = { bids: new Map(this.#first.bids), asks: new Map(this.#first.asks) };
    return false;
  }

  apply(change: Change): void {
    this.#changes.push(change);
    set(this.#now, change);
  }

  /** Diffs that lead from the present book back to the beginning of the round, as far as that was known. */
  wayBack(levelsMax: number): { firstId: number; finalId: number; previousId: number; bids: Texts; asks: Texts }[] {
    const bids = this.#returnOf('bids');
    const asks = this.#returnOf('asks');
    const steps = [
      ...slices(bids.gone, levelsMax).map((levels) => ({ bids: levels, asks: [] as Texts })),
      ...slices(asks.gone, levelsMax).map((levels) => ({ bids: [] as Texts, asks: levels })),
      ...slices(bids.come, levelsMax).map((levels) => ({ bids: levels, asks: [] as Texts })),
      ...slices(asks.come, levelsMax).map((levels) => ({ bids: [] as Texts, asks: levels })),
    ];
    const lastId = this.#changes.at(-1)!.finalId;
    return steps.map((step, index) => {
      const previousId = lastId + 10 * index;
      return { ...step, firstId: previousId + 1, finalId: previousId + 10, previousId };
    });
  }

  /** All frames of the round have been applied. */
  endRound(): void {
    this.idsPerRound = this.#changes.at(-1)!.finalId - this.#firstId;
  }

  /** The book before frame `frame` of a round, best first. */
  at(frame: number, round: number, levelsMax: number): SnapshotTexts {
    const book = { bids: new Map(this.#first.bids), asks: new Map(this.#first.asks) };
    let finalId = this.#firstId;
    for (const change of this.#changes) {
      if (change.frame >= frame) break;
      set(book, change);
      finalId = change.finalId;
    }
    const best = (side: Side, sign: number): Texts =>
      [...side]
        .sort(([one], [other]) => sign * (one - other))
        .slice(0, levelsMax)
        .map(([, level]) => level);
    return {
      lastUpdateId: finalId + round * this.idsPerRound,
      bids: best(book.bids, -1),
      asks: best(book.asks, 1),
    };
  }

  /** The finest steps that occur in the snapshot, as exchangeInfo would have them. */
  steps(): { tickSize: string; stepSize: string } {
    const levels = [...this.#snapshot.bids, ...this.#snapshot.asks];
    return { tickSize: step(levels.map(([price]) => price)), stepSize: step(levels.map(([, quantity]) => quantity)) };
  }

  /** Levels that must go first, so that no book in between is crossed, and levels that come then. */
  #returnOf(name: 'bids' | 'asks'): { gone: Texts; come: Texts } {
    const now = this.#now[name];
    const then = this.#first[name];
    const prices = [...then.keys()];
    const worst = name === 'bids' ? Math.min(...prices) : Math.max(...prices);
    const isKnown = (price: number) => (name === 'bids' ? price >= worst : price <= worst);
    const gone = [...now]
      .filter(([price]) => isKnown(price) && !then.has(price))
      .map(([, [text]]) => [text, '0'] as const);
    const come = [...then].filter(([price, level]) => now.get(price)?.[1] !== level[1]).map(([, level]) => level);
    return { gone, come };
  }
}

function set(book: { bids: Side; asks: Side }, levels: { readonly bids: Texts; readonly asks: Texts }): void {
  for (const name of ['bids', 'asks'] as const) {
    for (const level of levels[name]) {
      if (Number(level[1]) === 0) book[name].delete(Number(level[0]));
      else book[name].set(Number(level[0]), level);
    }
  }
}

function step(texts: readonly string[]): string {
  const places = texts.map((text) => (text.split('.')[1] ?? '').replace(/0+$/, '').length);
  const scale = Math.max(...places);
  return scale === 0 ? '1' : `0.${'0'.repeat(scale - 1)}1`;
}

function slices<T>(list: readonly T[], size: number): (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, index) =>
    list.slice(index * size, (index + 1) * size),
  );
}
