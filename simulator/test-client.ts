import { WebSocket } from 'ws';

/**
 * What the simulator's own tests look at it with: a plain WebSocket client and a plain book, independent of the service's
 * decoder and of the simulator's encoder.
 */

// biome-ignore lint/suspicious/noExplicitAny: frames are looked at field by field
export type Json = any;

export class TestClient {
  readonly webSocket: WebSocket;
  /** Parsed messages in the order of arrival; what is not JSON stays text. */
  readonly messages: Json[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  pings = 0;
  #onMessage: (message: Json) => void = () => {};
  #waiting: (() => void)[] = [];

  static async open(url: string, onMessage?: (message: Json) => void): Promise<TestClient> {
    const client = new TestClient(url, onMessage);
    await new Promise((resolve, reject) => client.webSocket.once('open', resolve).once('error', reject));
    return client;
  }

  private constructor(url: string, onMessage: ((message: Json) => void) | undefined) {
    this.webSocket = new WebSocket(url, { autoPong: true });
    this.#onMessage = onMessage ?? this.#onMessage;
    this.webSocket.on('message', (data) => {
      const text = data.toString();
      let message: Json = text;
      try {
        message = JSON.parse(text);
      } catch {
        // Corrupted on purpose.
      }
      if (onMessage === undefined) this.messages.push(message);
      else this.#onMessage(message);
      this.#wake();
    });
    this.webSocket.on('ping', () => {
      this.pings++;
      this.#wake();
    });
    this.webSocket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      this.webSocket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
    });
  }

  send(message: object): void {
    this.webSocket.send(JSON.stringify(message));
  }

  /** Resolves once the condition holds; looked at after every message and ping. The test's own time limit ends it. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The messages of one stream, unwrapped. */
  data(stream: string): Json[] {
    return this.messages.filter((message) => message.stream === stream).map((message) => message.data);
  }

  close(): void {
    this.webSocket.terminate();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export async function getJson(url: string): Promise<{ status: number; headers: Headers; body: Json }> {
  const response = await fetch(url);
  const text = await response.text();
  let body: Json = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Malformed on purpose.
  }
  return { status: response.status, headers: response.headers, body };
}

/** A book out of two maps, sorted when it is looked at. */
export class PlainBook {
  lastUpdateId = -1;
  readonly #bids = new Map<number, string>();
  readonly #asks = new Map<number, string>();

  load(snapshot: Json): void {
    this.#bids.clear();
    this.#asks.clear();
    this.#apply(snapshot.bids, snapshot.asks);
    this.lastUpdateId = snapshot.lastUpdateId;
  }

  /** @returns false when the diff is older than the book, throws when it does not follow it. */
  apply(diff: Json, isFirst: boolean): boolean {
    if (diff.u < this.lastUpdateId) return false;
    const follows = diff.pu === this.lastUpdateId || (isFirst && diff.U <= this.lastUpdateId);
    if (!follows) throw new Error(`diff ${diff.U}..${diff.u} (pu ${diff.pu}) does not follow ${this.lastUpdateId}`);
    this.#apply(diff.b, diff.a);
    this.lastUpdateId = diff.u;
    return true;
  }

  bids(levels: number): [string, string][] {
    return top(this.#bids, levels, -1);
  }

  asks(levels: number): [string, string][] {
    return top(this.#asks, levels, 1);
  }

  #apply(bids: [string, string][], asks: [string, string][]): void {
    for (const [side, levels] of [
      [this.#bids, bids],
      [this.#asks, asks],
    ] as const) {
      for (const [price, quantity] of levels) {
        if (Number(quantity) === 0) side.delete(Number(price));
        else side.set(Number(price), String(Number(quantity)));
      }
    }
  }
}

function top(side: Map<number, string>, levels: number, direction: number): [string, string][] {
  if (levels === 1) {
    let best = Number.NaN;
    for (const price of side.keys()) if (!((price - best) * direction > 0)) best = price;
    return side.size === 0 ? [] : [[String(best), side.get(best)!]];
  }
  const prices = [...side.keys()].sort((left, right) => (left - right) * direction).slice(0, levels);
  return prices.map((price) => [String(price), side.get(price)!]);
}

/** Subscribes, fetches a snapshot, bridges, and follows the diffs of one symbol, as the venue's rules say. */
export class BookFollower {
  readonly book = new PlainBook();
  appliedCount = 0;
  onApplied: (diff: Json) => void = () => {};
  #hasSnapshot = false;
  readonly #buffer: Json[] = [];

  onDiff(diff: Json): void {
    if (!this.#hasSnapshot) {
      this.#buffer.push(diff);
      return;
    }
    if (!this.book.apply(diff, this.appliedCount === 0)) return;
    this.appliedCount++;
    this.onApplied(diff);
  }

  onSnapshot(snapshot: Json): void {
    this.book.load(snapshot);
    this.#hasSnapshot = true;
    for (const diff of this.#buffer.splice(0)) this.onDiff(diff);
  }
}
