import { type FrameReader, Literal } from './frame-reader.ts';
import { PriceLayout } from './level-scanner.ts';
import type { StreamEntry, StreamTable } from './stream-table.ts';

/** Before the stream's name. */
const FRAME_START = '{"stream":"';
const NAME_AT = FRAME_START.length;

/** What the venue writes from the name to the first value, for the events that the fast decoder knows. */
const NAME_ENDS: Readonly<Record<string, string>> = {
  depthUpdate: '","data":{"e":"depthUpdate","E":',
  aggTrade: '","data":{"e":"aggTrade","E":',
  bookTicker: '","data":{"e":"bookTicker","u":',
};

/** How a stream's frames begin: one comparison says that the frame is plain so far, whose it is, and what it holds. */
export interface KnownPrefix {
  readonly stream: StreamEntry;
  readonly hash: number;
  /** `{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":` */
  readonly prefix: Literal;
  /** `,"s":"BTCUSDT",` */
  readonly symbol: Literal;
  /** What its prices looked like last, a side each: a guess that makes the next frame cheaper to read. */
  readonly bidLayout: PriceLayout;
  readonly askLayout: PriceLayout;
}

/** Open addressing by a hash of the name's bytes: power-of-two capacity at most half full, linear probing. */
export class PrefixTable {
  readonly #mask: number;
  readonly #slots: (KnownPrefix | undefined)[];

  constructor(streams: StreamTable) {
    const known = streams.entries.filter((stream) => NAME_ENDS[stream.event] !== undefined);
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(known.length * 2, 16)));
    this.#mask = capacity - 1;
    this.#slots = new Array<KnownPrefix | undefined>(capacity).fill(undefined);
    for (const stream of known) this.#add(stream);
  }

  /** Finds the stream by the frame's first bytes and moves past them; undefined when they are not as the venue writes them. */
  find(reader: FrameReader): KnownPrefix | undefined {
    const hash = hashName(reader.view, reader.length);
    let slot = hash & this.#mask;
    while (true) {
      const known = this.#slots[slot];
      if (known === undefined) return undefined;
      if (known.hash === hash && reader.skip(known.prefix)) return known;
      slot = (slot + 1) & this.#mask;
    }
  }

  #add(stream: StreamEntry): void {
    const prefix = FRAME_START + stream.name + NAME_ENDS[stream.event];
    const bytes = new TextEncoder().encode(`${prefix}\0\0\0\0`);
    const hash = hashName(new DataView(bytes.buffer), bytes.length - 4);
    let slot = hash & this.#mask;
    while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask;
    const symbol = new Literal(`,"s":"${stream.symbol.instrument.symbol}",`);
    const layouts = { bidLayout: new PriceLayout(), askLayout: new PriceLayout() };
    this.#slots[slot] = { stream, hash, prefix: new Literal(prefix), symbol, ...layouts };
  }
}

/** Mixes the name up to its closing quote, four bytes at a time. `(y - 1…) & ~y & 0x80…` has a bit for each byte of y that is 0. */
function hashName(view: DataView, end: number): number {
  let hash = 0;
  for (let at = NAME_AT; at < end; at += 4) {
    const word = view.getInt32(at, true);
    const y = word ^ 0x22222222;
    const quotes = (y - 0x01010101) & ~y & 0x80808080;
    if (quotes !== 0) {
      const count = (31 - Math.clz32(quotes & -quotes)) >> 3;
      hash = Math.imul(hash ^ ((word << (24 - 8 * count)) << 8), 0x9e3779b1);
      break;
    }
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash ^ (hash >>> 16);
}
