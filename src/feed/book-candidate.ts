import { OrderBook } from '../book/order-book.ts';
import type { Sequencer } from '../exchanges/exchange.ts';
import type { DepthSnapshot, DepthUpdate } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';

/**
 * A book in the making: a snapshot, and the diffs that bridge it to the stream. It is built beside the book in use, which goes on
 * undisturbed, and takes its place only once its own chain is proven.
 */
export class BookCandidate {
  readonly book: OrderBook;
  readonly sequencer: Sequencer;
  /** Of the snapshot, then of the latest diff; ms since the Unix epoch. */
  exchangeTimeMs: number;
  #isBroken = false;

  constructor(instrument: Instrument, sequencer: Sequencer, snapshot: DepthSnapshot) {
    this.book = new OrderBook(instrument);
    this.book.reset(snapshot);
    this.sequencer = sequencer;
    this.sequencer.reset();
    this.sequencer.onSnapshot(snapshot.lastUpdateId);
    this.exchangeTimeMs = snapshot.exchangeTimeMs;
  }

  /** Offers one diff; order of arrival. */
  offer(update: DepthUpdate): void {
    if (this.#isBroken) return;
    switch (this.sequencer.onDepth(update)) {
      case 'apply':
        this.book.apply(update);
        this.exchangeTimeMs = update.exchangeTimeMs;
        return;
      case 'drop':
        return;
      case 'buffer':
      case 'gap':
      case 'reset':
        this.#isBroken = true;
        return;
    }
  }

  /** The snapshot and the stream do not meet: another snapshot is needed. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Snapshot and an unbroken chain of at least one diff. */
  get isProven(): boolean {
    return !this.#isBroken && this.sequencer.isChained;
  }
}
