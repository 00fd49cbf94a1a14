import { LIMITS } from '../../limits.ts';
import type { MarketSink, RejectReason } from '../exchange.ts';
import type { DecodedEvents } from './decoded-events.ts';
import { EventReader } from './event-reader.ts';
import { FIELD, Fields } from './fields.ts';
import { BACKSLASH, BRACE_OPEN, QUOTE, skipString, skipValue, skipWhitespace, unescapeString } from './json-scanner.ts';
import { printable } from './printable.ts';
import { type EventName, equalBytes, hasKnownSuffix, type StreamTable, type SymbolEntry } from './stream-table.ts';

/** Longer stream names and symbols are unknown ones. */
const NAME_BYTES_MAX = 256;

interface Rejection {
  readonly reason: RejectReason;
  readonly detail: string;
}

const EVENT_NAMES: readonly { readonly name: EventName; readonly bytes: Uint8Array }[] = (
  ['depthUpdate', 'aggTrade', 'trade', 'bookTicker', '24hrTicker'] as const
).map((name) => ({ name, bytes: new TextEncoder().encode(name) }));

/**
 * Decodes any frame that means something: fields in any order, missing, doubled or unknown, white space and escapes anywhere,
 * numbers as text or not. First the whole frame is found to be well-formed JSON, then what is needed is read from it, then it is
 * handed on: a frame that breaks off or is corrupted hands on nothing.
 */
export class TolerantDecoder {
  readonly #streams: StreamTable;
  readonly #events: DecodedEvents;
  readonly #fields = new Fields();
  readonly #reader: EventReader;
  readonly #unescaped = new Uint8Array(NAME_BYTES_MAX);
  /** The string that `#readString` read last. */
  #text: Uint8Array = this.#unescaped;
  #textStart = 0;
  #textEnd = 0;

  constructor(streams: StreamTable, events: DecodedEvents) {
    this.#streams = streams;
    this.#events = events;
    this.#reader = new EventReader(events, this.#fields);
  }

  decode(frame: Uint8Array, sink: MarketSink): void {
    const rejection = this.#decodeFrame(frame, sink);
    if (rejection !== undefined) sink.onRejected(rejection.reason, rejection.detail);
  }

  #decodeFrame(frame: Uint8Array, sink: MarketSink): Rejection | undefined {
    const fields = this.#fields;
    const end = frame.length;
    if (end > LIMITS.frame_bytes_max) return reject('malformed', 'the frame is too large');
    const after = fields.scan(frame, skipWhitespace(frame, 0, end), end, 0);
    if (after < 0 || skipWhitespace(frame, after, end) !== end) return reject('malformed', 'not a JSON object');
    if (fields.has(FIELD.data)) return this.#decodeEnvelope(frame, sink);
    if (fields.has(FIELD.stream)) return reject('malformed', 'a stream without data');
    if (fields.has(FIELD.e)) return this.#decodeBare(frame, sink);
    return this.#decodeAnswer(frame, sink);
  }

  /** `{"stream": name, "data": event}`. */
  #decodeEnvelope(frame: Uint8Array, sink: MarketSink): Rejection | undefined {
    const name = this.#fields.position(FIELD.stream);
    const data = this.#fields.position(FIELD.data);
    if (this.#fields.scan(frame, data, frame.length, 1) < 0) return reject('malformed', 'data is not an object');
    if (name < 0) return this.#decodeBare(frame, sink);
    if (!this.#readString(frame, name)) return reject('malformed', 'the stream is not a name');
    const stream = this.#streams.findStream(this.#text, this.#textStart, this.#textEnd);
    if (stream === undefined) {
      const text = printable(this.#text, this.#textStart, this.#textEnd);
      return reject(hasKnownSuffix(text) ? 'unknown_symbol' : 'unknown_stream', text);
    }
    const event = this.#fields.position(FIELD.e);
    if (event >= 0 && this.#eventName(frame, event) !== stream.event) {
      return reject('unknown_event', `not a ${stream.event}`);
    }
    const symbol = this.#fields.position(FIELD.s);
    if (symbol >= 0) {
      const isString = this.#readString(frame, symbol);
      if (!isString || !equalBytes(stream.symbol.symbolBytes, this.#text, this.#textStart, this.#textEnd)) {
        return reject('malformed', `s is not ${stream.symbol.instrument.symbol} on its stream`);
      }
    }
    return this.#decodeEvent(stream.event, stream.isPartialDepth, stream.symbol, frame, sink);
  }

  /** An event without a stream name, as the unrouted `/ws` endpoints send it. Its symbol is in `s`. */
  #decodeBare(frame: Uint8Array, sink: MarketSink): Rejection | undefined {
    const eventPosition = this.#fields.position(FIELD.e);
    const event = eventPosition < 0 ? undefined : this.#eventName(frame, eventPosition);
    if (event === undefined) return reject('unknown_event', 'an event that is not decoded');
    if (event === 'depthUpdate') {
      return reject('unknown_stream', 'depth without a stream name is a diff or a top of book: nothing says which');
    }
    const symbolPosition = this.#fields.position(FIELD.s);
    if (symbolPosition < 0 || !this.#readString(frame, symbolPosition)) {
      return reject('malformed', 'neither a stream nor a symbol');
    }
    const symbol = this.#streams.findSymbol(this.#text, this.#textStart, this.#textEnd);
    if (symbol === undefined) {
      return reject('unknown_symbol', printable(this.#text, this.#textStart, this.#textEnd));
    }
    return this.#decodeEvent(event, false, symbol, frame, sink);
  }

  #decodeEvent(
    event: EventName,
    isPartialDepth: boolean,
    symbol: SymbolEntry,
    frame: Uint8Array,
    sink: MarketSink,
  ): Rejection | undefined {
    const reader = this.#reader;
    const instrument = symbol.instrument;
    reader.priceScale = instrument.priceScale;
    reader.quantityScale = instrument.quantityScale;
    reader.read(event, frame, frame.length);
    if (reader.failure === undefined && reader.isFiner) {
      // Everything is read once more at the finer scales before anyone is told of them: a number that only a corrupted frame can
      // hold must not move a whole symbol to scales at which its real prices are out of range.
      reader.read(event, frame, frame.length);
      if (reader.failure === undefined) {
        sink.onScale(instrument, reader.priceScale, reader.quantityScale);
        reader.priceScale = instrument.priceScale;
        reader.quantityScale = instrument.quantityScale;
        reader.read(event, frame, frame.length);
        if (reader.isFiner) return reject('out_of_range', 'finer than the scales that were set');
      }
    }
    if (reader.failure !== undefined) return reject(reader.failure, reader.failureDetail);
    this.#deliver(event, isPartialDepth, symbol, sink);
    return undefined;
  }

  #deliver(event: EventName, isPartialDepth: boolean, symbol: SymbolEntry, sink: MarketSink): void {
    const { depth, trade, top, ticker } = this.#events;
    const instrument = symbol.instrument;
    switch (event) {
      case 'depthUpdate':
        depth.instrument = instrument;
        if (isPartialDepth) sink.onPartialDepth(depth);
        else sink.onDepth(depth);
        break;
      case 'aggTrade':
      case 'trade':
        trade.instrument = instrument;
        sink.onTrade(trade);
        break;
      case 'bookTicker':
        top.instrument = instrument;
        sink.onTopOfBook(top);
        break;
      case '24hrTicker':
        ticker.instrument = instrument;
        sink.onTicker24h(ticker);
        break;
    }
  }

  #eventName(frame: Uint8Array, position: number): EventName | undefined {
    if (!this.#readString(frame, position)) return undefined;
    for (const { name, bytes } of EVENT_NAMES) {
      if (equalBytes(bytes, this.#text, this.#textStart, this.#textEnd)) return name;
    }
    return undefined;
  }

  /** Finds the content of the string at `position`, unescaped where that is needed. False when it is no string, or a very long one. */
  #readString(frame: Uint8Array, position: number): boolean {
    if (frame[position] !== QUOTE) return false;
    let at = position + 1;
    while (frame[at] !== QUOTE && frame[at] !== BACKSLASH) at++;
    if (frame[at] === QUOTE) {
      this.#text = frame;
      this.#textStart = position + 1;
      this.#textEnd = at;
      return true;
    }
    this.#text = this.#unescaped;
    this.#textStart = 0;
    this.#textEnd = unescapeString(frame, position, this.#unescaped);
    return this.#textEnd >= 0;
  }

  /** `{"result":null,"id":1}`, `{"error":{"code":2,"msg":"..."},"id":1}` or `{"code":2,"msg":"...","id":1}`. */
  #decodeAnswer(frame: Uint8Array, sink: MarketSink): Rejection | undefined {
    const fields = this.#fields;
    const error = fields.position(FIELD.error);
    if (error >= 0 && frame[error] !== BRACE_OPEN) {
      sink.onAcknowledged(this.#describe(frame, error));
    } else if (error >= 0 || fields.has(FIELD.code)) {
      if (error >= 0) fields.scan(frame, error, frame.length, 1);
      const code = this.#describe(frame, fields.position(FIELD.code));
      sink.onAcknowledged(`${code}: ${this.#describe(frame, fields.position(FIELD.msg))}`);
    } else if (fields.has(FIELD.result) || fields.has(FIELD.id)) {
      sink.onAcknowledged(undefined);
    } else {
      return reject('unknown_event', 'neither an event nor an answer');
    }
    return undefined;
  }

  #describe(frame: Uint8Array, position: number): string {
    if (position < 0) return 'unknown';
    if (frame[position] === QUOTE) return printable(frame, position + 1, skipString(frame, position, frame.length) - 1);
    return printable(frame, position, skipValue(frame, position, frame.length, 1));
  }
}

function reject(reason: RejectReason, detail: string): Rejection {
  return { reason, detail };
}
