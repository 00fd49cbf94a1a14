import type { Instrument } from '../../model/instrument.ts';

/** The event names (`e`) that are decoded. */
export type EventName = 'depthUpdate' | 'aggTrade' | 'trade' | 'bookTicker' | '24hrTicker';

/** One symbol with the bytes that name it on the wire. */
export interface SymbolEntry {
  readonly instrument: Instrument;
  /** As in event fields: upper case, UTF-8. */
  readonly symbolBytes: Uint8Array;
}

/** What a stream name says: "btcusdt@depth@100ms". Only the name tells a partial-depth frame from a diff. */
export interface StreamEntry {
  readonly name: string;
  readonly symbol: SymbolEntry;
  readonly event: EventName;
  readonly isPartialDepth: boolean;
}

const DEPTH_INTERVALS = ['', '@0ms', '@100ms', '@250ms', '@500ms'];

/** The part of a stream name after the symbol, for every stream that this venue decodes. */
const SUFFIXES: readonly { text: string; event: EventName; isPartialDepth: boolean }[] = [
  ...DEPTH_INTERVALS.map((interval) => ({
    text: `@depth${interval}`,
    event: 'depthUpdate' as const,
    isPartialDepth: false,
  })),
  ...[5, 10, 20].flatMap((levels) =>
    DEPTH_INTERVALS.map((interval) => ({
      text: `@depth${levels}${interval}`,
      event: 'depthUpdate' as const,
      isPartialDepth: true,
    })),
  ),
  { text: '@aggTrade', event: 'aggTrade', isPartialDepth: false },
  { text: '@trade', event: 'trade', isPartialDepth: false },
  { text: '@bookTicker', event: 'bookTicker', isPartialDepth: false },
  { text: '@ticker', event: '24hrTicker', isPartialDepth: false },
];

/** Open addressing over byte strings: power-of-two capacity at most half full, linear probing, entries compared byte by byte. */
class ByteStringTable<Entry> {
  readonly #mask: number;
  readonly #entries: (Entry | undefined)[];
  readonly #keys: (Uint8Array | undefined)[];

  constructor(count: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(count * 2, 16)));
    this.#mask = capacity - 1;
    this.#entries = new Array<Entry | undefined>(capacity).fill(undefined);
    this.#keys = new Array<Uint8Array | undefined>(capacity).fill(undefined);
  }

  set(key: Uint8Array, entry: Entry): void {
    let slot = hashBytes(key, 0, key.length) & this.#mask;
    while (this.#keys[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#keys[slot] = key;
    this.#entries[slot] = entry;
  }

  find(bytes: Uint8Array, start: number, end: number): Entry | undefined {
    let slot = hashBytes(bytes, start, end) & this.#mask;
    while (true) {
      const key = this.#keys[slot];
      if (key === undefined) return undefined;
      if (equalBytes(key, bytes, start, end)) return this.#entries[slot];
      slot = (slot + 1) & this.#mask;
    }
  }
}

/** All streams and symbols of a decoder, found by the bytes of their names. Built once, never changed. */
export class StreamTable {
  readonly entries: StreamEntry[] = [];
  readonly #streams: ByteStringTable<StreamEntry>;
  readonly #symbols: ByteStringTable<SymbolEntry>;

  constructor(instruments: readonly Instrument[]) {
    this.#streams = new ByteStringTable(instruments.length * SUFFIXES.length);
    this.#symbols = new ByteStringTable(instruments.length);
    const encoder = new TextEncoder();
    for (const instrument of instruments) {
      const symbol: SymbolEntry = { instrument, symbolBytes: encoder.encode(instrument.symbol) };
      this.#symbols.set(symbol.symbolBytes, symbol);
      for (const { text, event, isPartialDepth } of SUFFIXES) {
        const entry: StreamEntry = { name: instrument.symbol.toLowerCase() + text, symbol, event, isPartialDepth };
        this.#streams.set(encoder.encode(entry.name), entry);
        this.entries.push(entry);
      }
    }
  }

  findStream(bytes: Uint8Array, start: number, end: number): StreamEntry | undefined {
    return this.#streams.find(bytes, start, end);
  }

  findSymbol(bytes: Uint8Array, start: number, end: number): SymbolEntry | undefined {
    return this.#symbols.find(bytes, start, end);
  }
}

/** True when the name is that of a stream which would be decoded if its symbol were known. */
export function hasKnownSuffix(streamName: string): boolean {
  const at = streamName.indexOf('@');
  return at > 0 && SUFFIXES.some((suffix) => suffix.text === streamName.slice(at));
}

export function equalBytes(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let index = 0; index < key.length; index++) {
    if (key[index] !== bytes[start + index]) return false;
  }
  return true;
}

/** FNV-1a with a final mix, since only the low bits are used. */
function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
