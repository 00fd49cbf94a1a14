import type { ShmEvent } from '../../src/shm/events.ts';
import { type OpenRegion, openRegion } from '../../src/shm/open-region.ts';
import { RecordReader } from '../../src/shm/record-reader.ts';
import { RingReader } from '../../src/shm/ring-reader.ts';
import { bookTextOfLevels, shortestDecimal } from './book-text.ts';
import type { Violations } from './violations.ts';
import type { Witness } from './witness.ts';

const POLL_MS = 2;

/** Reads every record of the service's ring from its first on. Redis and its faults are nothing to it: the witness that misses nothing. */
export class ShmWitness {
  readonly #witness: Witness;
  readonly #violations: Violations;
  readonly #region: OpenRegion;
  readonly #ring: RingReader;
  readonly #timer: NodeJS.Timeout;

  /** @throws ShmError while the region is not there yet */
  constructor(path: string, witness: Witness, violations: Violations) {
    this.#witness = witness;
    this.#violations = violations;
    this.#region = openRegion(path);
    const { buffer, header, symbols } = this.#region;
    this.#ring = new RingReader(buffer, header, new RecordReader(buffer, symbols, header.depthMax), { verify: true });
    this.#ring.seek(header.firstPosition);
    this.#timer = setInterval(() => this.drain(), POLL_MS);
  }

  drain(): void {
    for (let event = this.#ring.next(); event !== undefined; event = this.#ring.next()) this.#onEvent(event);
  }

  close(): void {
    clearInterval(this.#timer);
    this.drain();
  }

  #onEvent(event: ShmEvent): void {
    switch (event.kind) {
      case 'book': {
        const { levels, bidCount, askCount, priceScale, quantityScale, lastUpdateId } = event;
        const text = bookTextOfLevels(levels, bidCount, askCount, priceScale, quantityScale);
        this.#witness.onBook(event.symbol, lastUpdateId, text);
        return;
      }
      case 'trade': {
        const price = shortestDecimal(event.priceMantissa, event.priceScale);
        const quantity = shortestDecimal(event.quantityMantissa, event.quantityScale);
        const side = event.isBuyerMaker ? 'maker' : 'taker';
        const text = `${price}:${quantity}:${event.tradeTimeNs / 1_000_000n}:${side}`;
        this.#witness.onTrade(event.symbol, event.tradeId, text);
        return;
      }
      case 'status':
        this.#witness.onStatus(event.symbol, event.state, event.reason);
        return;
      case 'lost':
        // The checker itself was too slow for its ring: the run proves nothing.
        this.#violations.add('witness_overrun', `${event.bytes} bytes of the ring were overwritten unread`);
        this.#witness.onAway();
    }
  }
}
