import type { Redis } from 'ioredis';

/*
 * What the benches compare with: the same job, written the way it usually is. JSON.parse, one sorted array of levels a side, and a
 * pipeline of ioredis with the same three commands for every update. No checks beyond the chain of ids, no shared memory, no metrics.
 */

type Level = [price: number, quantity: number];
export type Texts = [price: string, quantity: string][];

export interface Snapshot {
  readonly lastUpdateId: number;
  readonly bids: Texts;
  readonly asks: Texts;
}

interface Diff {
  readonly s: string;
  readonly u: number;
  readonly pu: number;
  readonly b: Texts;
  readonly a: Texts;
}

const DEPTH = 20;

class SortedBook {
  readonly #levels: Level[] = [];
  readonly #sign: 1 | -1;

  /** @param sign 1: lowest price first. -1: highest first */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  apply(changes: Texts): void {
    for (const [price, quantity] of changes) this.#set(Number(price), Number(quantity));
  }

  top(): Level[] {
    return this.#levels.slice(0, DEPTH);
  }

  #set(price: number, quantity: number): void {
    const levels = this.#levels;
    let low = 0;
    let high = levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sign * (levels[middle]![0] - price) < 0) low = middle + 1;
      else high = middle;
    }
    const found = levels[low]?.[0] === price;
    if (quantity === 0) {
      if (found) levels.splice(low, 1);
    } else if (found) levels[low]![1] = quantity;
    else levels.splice(low, 0, [price, quantity]);
  }
}

class SymbolBook {
  readonly bids = new SortedBook(-1);
  readonly asks = new SortedBook(1);
  readonly waiting: Diff[] = [];
  isLive = false;
  lastUpdateId = -1;
}

export class Straightforward {
  readonly #redis: Redis;
  readonly #books: Map<string, SymbolBook>;

  constructor(redis: Redis, symbols: readonly string[]) {
    this.#redis = redis;
    this.#books = new Map(symbols.map((symbol) => [symbol, new SymbolBook()]));
  }

  onMessage(message: Buffer): void {
    const { data } = JSON.parse(message.toString()) as { data: Diff };
    const book = this.#books.get(data.s)!;
    if (!book.isLive) book.waiting.push(data);
    else if (data.u > book.lastUpdateId) this.#apply(book, data);
  }

  onSnapshot(symbol: string, snapshot: Snapshot): void {
    const book = this.#books.get(symbol)!;
    book.bids.apply(snapshot.bids);
    book.asks.apply(snapshot.asks);
    book.lastUpdateId = snapshot.lastUpdateId;
    book.isLive = true;
    for (const diff of book.waiting.splice(0)) if (diff.u > book.lastUpdateId) this.#apply(book, diff);
  }

  #apply(book: SymbolBook, diff: Diff): void {
    if (diff.pu > book.lastUpdateId) throw new Error(`gap: ${diff.pu} after ${book.lastUpdateId}`);
    book.bids.apply(diff.b);
    book.asks.apply(diff.a);
    book.lastUpdateId = diff.u;
    this.#publish(diff.s, book);
  }

  #publish(symbol: string, book: SymbolBook): void {
    const bids = book.bids.top();
    const asks = book.asks.top();
    const timestamp = new Date().toISOString();
    const orderbook = JSON.stringify({ symbol, last_update_id: book.lastUpdateId, bids, asks, timestamp });
    const marketData = JSON.stringify({
      symbol,
      last_price: (bids[0]![0] + asks[0]![0]) / 2,
      bid_price: bids[0]![0],
      ask_price: asks[0]![0],
      volume_24h: null,
      high_24h: null,
      low_24h: null,
      updated_at: timestamp,
    });
    const commands = this.#redis.pipeline();
    commands.publish(`orderbook:${symbol}`, orderbook);
    commands.publish(`market_data:${symbol}`, marketData);
    commands.set(`market_data:${symbol}`, marketData, 'EX', 300);
    commands.exec().catch((error: Error) => {
      throw error;
    });
  }
}
