import { hash } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { shortestText, type TextScales } from './encode.ts';
import type { BookSide, ReferenceBook } from './reference-book.ts';
import type { AggregateTrade } from './trade-history.ts';

/** What really happened, before any fault: for checkers that compare what a service published with it. */
export interface TruthOptions {
  /** Levels a side. Default 20. */
  readonly levels?: number;
  /** `hash`: {@link bookHash} in place of the levels, for runs of millions of updates. Default `levels`. */
  readonly form?: 'levels' | 'hash';
  /** Books kept in memory per symbol for {@link Truth.book}; the oldest fall out. Default 20,000; 0 keeps none. */
  readonly keep?: number;
  /** JSON lines are appended to this file. */
  readonly file?: string;
  readonly onBook?: (symbol: string, updateId: number, canonical: string) => void;
  readonly onTrade?: (trade: TruthTrade) => void;
}

/** The top of a book after the update with this id: shortest decimal texts, best first. */
export interface TruthBook {
  readonly symbol: string;
  readonly updateId: number;
  readonly bids: readonly (readonly [price: string, quantity: string])[];
  readonly asks: readonly (readonly [price: string, quantity: string])[];
}

export interface TruthTrade {
  readonly symbol: string;
  readonly tradeId: number;
  readonly price: string;
  readonly quantity: string;
  readonly timeMs: number;
  readonly isBuyerMaker: boolean;
}

const FILE_CHUNK_CHARACTERS = 64 * 1024;

/**
 * `61800.2:2.909,61800.1:0.696|61800.3:1.104`: bids best first, a bar, asks best first; shortest decimal texts. Equal books
 * have equal texts, whatever the zeros on the wire.
 */
export function canonicalBook(book: ReferenceBook, levels: number, scales: TextScales): string {
  return `${canonicalSide(book.bids, levels, scales)}|${canonicalSide(book.asks, levels, scales)}`;
}

/** First 16 hex digits of the SHA-1 of {@link canonicalBook}. */
export function bookHash(canonical: string): string {
  return hash('sha1', canonical, 'hex').slice(0, 16);
}

export class Truth {
  bookCount = 0;
  tradeCount = 0;
  readonly #levels: number;
  readonly #isHashed: boolean;
  readonly #keep: number;
  readonly #options: TruthOptions;
  readonly #books = new Map<string, Map<number, string>>();
  #file = -1;
  #chunk = '';

  constructor(options: TruthOptions) {
    this.#options = options;
    this.#levels = options.levels ?? 20;
    this.#isHashed = options.form === 'hash';
    this.#keep = options.keep ?? 20_000;
    if (options.file !== undefined) this.#file = openSync(options.file, 'w');
  }

  recordBook(book: ReferenceBook, scales: TextScales): void {
    this.bookCount++;
    const { symbol } = scales;
    const updateId = book.lastUpdateId;
    const canonical = canonicalBook(book, this.#levels, scales);
    const stated = this.#isHashed ? bookHash(canonical) : canonical;
    if (this.#keep > 0) this.#keepBook(symbol, updateId, stated);
    this.#options.onBook?.(symbol, updateId, stated);
    if (this.#file < 0) return;
    const content = this.#isHashed ? `"hash":"${stated}"` : levelsJson(canonical);
    this.#write(`{"kind":"book","symbol":"${symbol}","last_update_id":${updateId},${content}}\n`);
  }

  recordTrade(trade: AggregateTrade, scales: TextScales): void {
    this.tradeCount++;
    if (this.#file < 0 && this.#options.onTrade === undefined) return;
    const { symbol } = scales;
    const price = shortestText(trade.price, scales.priceScale);
    const quantity = shortestText(trade.quantity, scales.quantityScale);
    const { id: tradeId, timeMs, isBuyerMaker } = trade;
    this.#options.onTrade?.({ symbol, tradeId, price, quantity, timeMs, isBuyerMaker });
    this.#write(
      `{"kind":"trade","symbol":"${symbol}","trade_id":${tradeId},"price":"${price}","quantity":"${quantity}",` +
        `"time_ms":${timeMs},"is_buyer_maker":${isBuyerMaker}}\n`,
    );
  }

  /** Undefined when the id is not of this symbol, or no longer kept. Needs the form `levels`. */
  book(symbol: string, updateId: number): TruthBook | undefined {
    const canonical = this.canonical(symbol, updateId);
    if (canonical === undefined || this.#isHashed) return undefined;
    const [bids, asks] = canonical.split('|').map(parseSide);
    return { symbol, updateId, bids: bids!, asks: asks! };
  }

  /** The canonical text, or its hash in the form `hash`. */
  canonical(symbol: string, updateId: number): string | undefined {
    return this.#books.get(symbol)?.get(updateId);
  }

  flush(): void {
    if (this.#file >= 0 && this.#chunk !== '') writeSync(this.#file, this.#chunk);
    this.#chunk = '';
  }

  close(): void {
    this.flush();
    if (this.#file >= 0) closeSync(this.#file);
    this.#file = -1;
  }

  #keepBook(symbol: string, updateId: number, stated: string): void {
    let books = this.#books.get(symbol);
    if (books === undefined) {
      books = new Map();
      this.#books.set(symbol, books);
    }
    books.set(updateId, stated);
    if (books.size > this.#keep) books.delete(books.keys().next().value!);
  }

  #write(line: string): void {
    if (this.#file < 0) return;
    this.#chunk += line;
    if (this.#chunk.length >= FILE_CHUNK_CHARACTERS) this.flush();
  }
}

function canonicalSide(side: BookSide, levels: number, scales: TextScales): string {
  const count = Math.min(levels, side.size);
  let text = '';
  for (let rank = 0; rank < count; rank++) {
    if (rank > 0) text += ',';
    text += `${shortestText(side.priceAt(rank), scales.priceScale)}:${shortestText(side.quantityAt(rank), scales.quantityScale)}`;
  }
  return text;
}

function parseSide(text: string): [string, string][] {
  if (text === '') return [];
  return text.split(',').map((level) => level.split(':') as [string, string]);
}

function levelsJson(canonical: string): string {
  const [bids, asks] = canonical.split('|').map((side) => JSON.stringify(parseSide(side)));
  return `"bids":${bids},"asks":${asks}`;
}
