import { textFrame } from './websocket-frame.ts';

/** Which group of streams a socket delivers. `legacy`, the unrouted URL, delivers the public group alone. */
export type Route = 'public' | 'market' | 'legacy';
export type StreamGroup = 'public' | 'market';

/** Where a stream's frames go. */
export interface Subscriber {
  /** True: frames are wrapped as {"stream":…,"data":…}. */
  readonly isCombined: boolean;
  deliver(stream: Stream, frame: Buffer): void;
}

/** One stream by its exact, lower-case name. */
export class Stream {
  readonly name: string;
  /** Empty for streams of all symbols. */
  readonly symbol: string;
  readonly group: StreamGroup;
  subscribers: readonly Subscriber[] = [];
  framesPublished = 0;

  constructor(name: string, symbol: string, group: StreamGroup) {
    this.name = name;
    this.symbol = symbol;
    this.group = group;
  }

  /** Ask before encoding anything for nobody. */
  get isWanted(): boolean {
    return this.subscribers.length > 0;
  }

  publish(data: string): void {
    if (this.subscribers.length === 0) return;
    this.framesPublished++;
    let raw: Buffer | undefined;
    let combined: Buffer | undefined;
    for (const subscriber of this.subscribers) {
      if (subscriber.isCombined) {
        combined ??= textFrame(`{"stream":"${this.name}","data":${data}}`);
        subscriber.deliver(this, combined);
      } else {
        raw ??= textFrame(data);
        subscriber.deliver(this, raw);
      }
    }
  }
}

/** Every stream that this exchange publishes. Subscribing to any other name is acknowledged and delivers nothing. */
export class StreamHub {
  readonly #streams = new Map<string, Stream>();
  #onSubscribed: ((stream: Stream) => void) | undefined;

  onSubscribed(listener: (stream: Stream) => void): void {
    this.#onSubscribed = listener;
  }

  /** The stream that carries one symbol's data, created at its first mention by the market. */
  publish(name: string, symbol: string, group: StreamGroup): Stream {
    let stream = this.#streams.get(name);
    if (stream === undefined) {
      stream = new Stream(name, symbol, group);
      this.#streams.set(name, stream);
    }
    return stream;
  }

  streams(): IterableIterator<Stream> {
    return this.#streams.values();
  }

  add(name: string, route: Route, subscriber: Subscriber): void {
    const stream = this.#streams.get(name);
    if (stream === undefined || stream.group !== groupOf(route) || stream.subscribers.includes(subscriber)) return;
    stream.subscribers = [...stream.subscribers, subscriber];
    this.#onSubscribed?.(stream);
  }

  remove(name: string, subscriber: Subscriber): void {
    const stream = this.#streams.get(name);
    if (stream === undefined) return;
    stream.subscribers = stream.subscribers.filter((other) => other !== subscriber);
  }
}

function groupOf(route: Route): StreamGroup {
  return route === 'market' ? 'market' : 'public';
}
