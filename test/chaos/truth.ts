import { execFileSync } from 'node:child_process';
import { createReadStream, type ReadStream } from 'node:fs';
import { bookTextOfJson } from './book-text.ts';

export interface TruthBook {
  /** Position among the symbol's books: update ids may fall when the exchange restarts, this never does. */
  readonly ordinal: number;
  readonly text: string;
}

export interface TruthTrade {
  readonly ordinal: number;
  /** price:quantity:time in ms:maker side */
  readonly text: string;
}

/** Books kept per symbol: at least a minute of them at the rates that are run. */
const BOOKS_KEPT = 24_000;

/** What happened to one symbol on the exchange, in order. */
export class SymbolTruth {
  readonly books = new Map<number, TruthBook>();
  readonly trades = new Map<number, TruthTrade>();
  bookCount = 0;
  /** Ids by ordinal. */
  readonly tradeIds: number[] = [];
  lastBookAtMs = 0;
  lastBookId = -1;
}

/**
 * Reads what the simulator says has happened, as it happens, from a named pipe: one JSON document a line, before any fault was
 * applied to it.
 */
export class Truth {
  readonly path: string;
  readonly symbols = new Map<string, SymbolTruth>();
  /** Called after each book of a symbol. */
  onBook: (symbol: string, updateId: number) => void = () => {};
  /** Update ids that came twice with different books: nothing can be compared with them. */
  ambiguous = 0;
  readonly #stream: ReadStream;
  readonly ended: Promise<void>;
  #rest = '';

  constructor(path: string) {
    this.path = path;
    execFileSync('mkfifo', [path]);
    this.#stream = createReadStream(path, { encoding: 'utf8', highWaterMark: 256 << 10 });
    this.#stream.on('data', (chunk) => this.#consume(chunk as string));
    this.ended = new Promise((resolve, reject) => {
      this.#stream.once('end', resolve);
      this.#stream.once('error', reject);
    });
  }

  of(symbol: string): SymbolTruth {
    let truth = this.symbols.get(symbol);
    if (truth === undefined) {
      truth = new SymbolTruth();
      this.symbols.set(symbol, truth);
    }
    return truth;
  }

  #consume(chunk: string): void {
    const text = this.#rest + chunk;
    let at = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
      this.#line(text.slice(at, end));
      at = end + 1;
    }
    this.#rest = text.slice(at);
  }

  #line(line: string): void {
    const symbol = stringField(line, '"symbol":"');
    const truth = this.of(symbol);
    if (line.startsWith('{"kind":"trade"')) {
      const trade = JSON.parse(line);
      const side = trade.is_buyer_maker ? 'maker' : 'taker';
      const text = `${trade.price}:${trade.quantity}:${trade.time_ms}:${side}`;
      truth.trades.set(trade.trade_id, { ordinal: truth.tradeIds.length, text });
      truth.tradeIds.push(trade.trade_id);
      return;
    }
    const at = line.indexOf('"last_update_id":') + 17;
    const updateId = Number(line.slice(at, line.indexOf(',', at)));
    const text = bookTextOfJson(line)!;
    const before = truth.books.get(updateId);
    if (before !== undefined && before.text !== text) this.ambiguous++;
    truth.books.set(updateId, { ordinal: truth.bookCount++, text });
    truth.lastBookAtMs = performance.now();
    truth.lastBookId = updateId;
    if (truth.books.size > BOOKS_KEPT) truth.books.delete(truth.books.keys().next().value!);
    this.onBook(symbol, updateId);
  }
}

function stringField(line: string, name: string): string {
  const from = line.indexOf(name) + name.length;
  return line.slice(from, line.indexOf('"', from));
}
