import { LIMITS } from '../../limits.ts';
import { POW10 } from '../../model/decimal.ts';
import type { MarketSink } from '../exchange.ts';
import type { DecodedEvents } from './decoded-events.ts';
import { LevelScanner } from './level-scanner.ts';
import type { StreamEntry, StreamTable } from './stream-table.ts';

/** `["1","2"],`: no level is shorter, which bounds how many a frame can hold. */
const LEVEL_BYTES_MIN = 10;

/** Integers of so many digits are exact whatever the digits. */
const INTEGER_DIGITS_MAX = 15;
const WORD_DIGITS_MAX = 9;

function literal(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What stands between the values of a frame as the venue writes it today, 2026 fields (`ps`, `nq`, `st`) included or not. */
const FRAME_START = literal('{"stream":"');
const DEPTH_START = literal('","data":{"e":"depthUpdate","E":');
const TRADE_START = literal('","data":{"e":"aggTrade","E":');
const TOP_START = literal('","data":{"e":"bookTicker","u":');
const TRANSACTION_TIME = literal(',"T":');
const EVENT_TIME = literal(',"E":');
const SYMBOL = literal(',"s":"');
const PAIR = literal('"ps":"');
const FIRST_ID = literal('"U":');
const FINAL_ID = literal(',"u":');
const PREVIOUS_ID = literal(',"pu":');
const BIDS = literal(',"b":');
const ASKS = literal(',"a":');
const TRADE_ID = literal(',"a":');
const PRICE = literal('"p":"');
const QUANTITY = literal('","q":"');
const QUANTITY_WITHOUT_RPI = literal(',"nq":"');
const FIRST_TRADE = literal(',"f":');
const LAST_TRADE = literal(',"l":');
const IS_BUYER_MAKER = literal(',"m":');
const TRUE = literal('true');
const FALSE = literal('false');
const BID_PRICE = literal('"b":"');
const BID_QUANTITY = literal('","B":"');
const ASK_PRICE = literal('","a":"');
const ASK_QUANTITY = literal('","A":"');
const TOP_TIME = literal('","T":');
const SYMBOL_TYPE = literal(',"st":');
const FRAME_END = literal('}}');

/**
 * Decodes frames that are written byte for byte as the venue writes them: fields in the documented order, no white space, no
 * escapes. It knows that order but nothing relies on it: of any other frame it says `false` and has told the sink nothing, and the
 * tolerant decoder takes it from the start. It rejects nothing itself.
 *
 * Positions are not checked against the frame's end one by one. The last byte is found to be `}` first, and every read moves only
 * past bytes that it has found to be something else, up to the frame's own end.
 *
 * Characters are written as numbers: V8 reads imported constants, and those of a module, from memory at every use.
 */
export class FastDecoder {
  readonly #streams: StreamTable;
  readonly #events: DecodedEvents;
  readonly #levels = new LevelScanner();
  /** Where the last successful read ended. */
  #at = 0;
  #wordValue = 0;

  constructor(streams: StreamTable, events: DecodedEvents) {
    this.#streams = streams;
    this.#events = events;
  }

  /** @returns true when the frame was decoded and handed on. */
  decode(frame: Uint8Array, sink: MarketSink): boolean {
    const length = frame.length;
    if (length > LIMITS.frame_bytes_max || frame[length - 1] !== 0x7d /* } */) return false;
    this.#at = 0;
    if (!this.#skip(frame, FRAME_START)) return false;
    const start = this.#at;
    if (!this.#skipToQuote(frame)) return false;
    const stream = this.#streams.findStream(frame, start, this.#at);
    if (stream === undefined) return false;
    switch (stream.event) {
      case 'depthUpdate':
        return this.#decodeDepth(frame, stream, sink);
      case 'aggTrade':
        return this.#decodeTrade(frame, stream, sink);
      case 'bookTicker':
        return this.#decodeTop(frame, stream, sink);
      default:
        return false;
    }
  }

  #decodeDepth(frame: Uint8Array, stream: StreamEntry, sink: MarketSink): boolean {
    const depth = this.#events.depth;
    if (!this.#skip(frame, DEPTH_START)) return false;
    depth.exchangeTimeMs = this.#integer(frame);
    if (depth.exchangeTimeMs < 0 || !this.#skipInteger(frame, TRANSACTION_TIME)) return false;
    if (!this.#skipSymbol(frame, stream) || !this.#skip(frame, FIRST_ID)) return false;
    depth.firstUpdateId = this.#integer(frame);
    if (depth.firstUpdateId < 0 || !this.#skip(frame, FINAL_ID)) return false;
    depth.finalUpdateId = this.#integer(frame);
    if (depth.finalUpdateId < depth.firstUpdateId || !this.#skip(frame, PREVIOUS_ID)) return false;
    depth.previousFinalUpdateId = this.#integer(frame);
    if (depth.previousFinalUpdateId < 0 || !this.#decodeLevels(frame, stream)) return false;
    if (!this.#isEnd(frame)) return false;
    depth.instrument = stream.symbol.instrument;
    if (stream.isPartialDepth) sink.onPartialDepth(depth);
    else sink.onDepth(depth);
    return true;
  }

  #decodeLevels(frame: Uint8Array, stream: StreamEntry): boolean {
    const depth = this.#events.depth;
    const { priceScale, quantityScale } = stream.symbol.instrument;
    const levels = this.#levels;
    const levelsMax = Math.min((frame.length / LEVEL_BYTES_MIN) | 0, LIMITS.levels_per_update_max);
    depth.reserveBids(levelsMax);
    depth.reserveAsks(levelsMax);
    if (!this.#skip(frame, BIDS)) return false;
    const { bidPrices, bidQuantities, askPrices, askQuantities } = depth;
    depth.bidCount = levels.scan(frame, this.#at, priceScale, quantityScale, bidPrices, bidQuantities);
    if (depth.bidCount < 0) return false;
    this.#at = levels.end;
    if (!this.#skip(frame, ASKS)) return false;
    depth.askCount = levels.scan(frame, this.#at, priceScale, quantityScale, askPrices, askQuantities);
    if (depth.askCount < 0) return false;
    this.#at = levels.end;
    return depth.bidCount + depth.askCount <= LIMITS.levels_per_update_max;
  }

  #decodeTrade(frame: Uint8Array, stream: StreamEntry, sink: MarketSink): boolean {
    const trade = this.#events.trade;
    const instrument = stream.symbol.instrument;
    if (!this.#skip(frame, TRADE_START)) return false;
    trade.exchangeTimeMs = this.#integer(frame);
    if (trade.exchangeTimeMs < 0 || !this.#skip(frame, TRADE_ID)) return false;
    trade.tradeId = this.#integer(frame);
    if (trade.tradeId < 0 || !this.#skipSymbol(frame, stream) || !this.#skip(frame, PRICE)) return false;
    trade.price = this.#mantissa(frame, instrument.priceScale);
    if (trade.price <= 0 || !this.#skip(frame, QUANTITY)) return false;
    trade.quantity = this.#mantissa(frame, instrument.quantityScale);
    if (trade.quantity <= 0 || frame[this.#at++] !== 0x22 /* " */) return false;
    if (this.#skip(frame, QUANTITY_WITHOUT_RPI) && (!this.#skipToQuote(frame) || frame[this.#at++] !== 0x22) /* " */)
      return false;
    if (!this.#skipInteger(frame, FIRST_TRADE) || !this.#skipInteger(frame, LAST_TRADE)) return false;
    if (!this.#skip(frame, TRANSACTION_TIME)) return false;
    trade.tradeTimeMs = this.#integer(frame);
    if (trade.tradeTimeMs < 0 || !this.#skip(frame, IS_BUYER_MAKER)) return false;
    trade.isBuyerMaker = frame[this.#at] === 0x74 /* t */;
    if (!this.#skip(frame, trade.isBuyerMaker ? TRUE : FALSE) || !this.#isEnd(frame)) return false;
    trade.isRefill = false;
    trade.instrument = instrument;
    sink.onTrade(trade);
    return true;
  }

  #decodeTop(frame: Uint8Array, stream: StreamEntry, sink: MarketSink): boolean {
    const top = this.#events.top;
    const instrument = stream.symbol.instrument;
    if (!this.#skip(frame, TOP_START)) return false;
    top.updateId = this.#integer(frame);
    if (top.updateId < 0 || !this.#skipSymbol(frame, stream) || !this.#skip(frame, BID_PRICE)) return false;
    top.bidPrice = this.#mantissa(frame, instrument.priceScale);
    if (top.bidPrice < 0 || !this.#skip(frame, BID_QUANTITY)) return false;
    top.bidQuantity = this.#mantissa(frame, instrument.quantityScale);
    if (top.bidQuantity < 0 || !this.#skip(frame, ASK_PRICE)) return false;
    top.askPrice = this.#mantissa(frame, instrument.priceScale);
    if (top.askPrice < 0 || !this.#skip(frame, ASK_QUANTITY)) return false;
    top.askQuantity = this.#mantissa(frame, instrument.quantityScale);
    if (top.askQuantity < 0 || !this.#skipInteger(frame, TOP_TIME) || !this.#skip(frame, EVENT_TIME)) return false;
    top.exchangeTimeMs = this.#integer(frame);
    if (top.exchangeTimeMs < 0 || !this.#isEnd(frame)) return false;
    top.instrument = instrument;
    sink.onTopOfBook(top);
    return true;
  }

  /** `,"s":"BTCUSDT",`, followed by the pair, `"ps":"BTCUSDT",`, or not. False when the symbol is not the stream's. */
  #skipSymbol(frame: Uint8Array, stream: StreamEntry): boolean {
    if (!this.#skip(frame, SYMBOL) || !this.#skip(frame, stream.symbol.symbolBytes)) return false;
    if (frame[this.#at] !== 0x22 /* " */ || frame[this.#at + 1] !== 0x2c /* , */) return false;
    this.#at += 2;
    if (!this.#skip(frame, PAIR)) return true;
    if (!this.#skipToQuote(frame) || frame[this.#at + 1] !== 0x2c /* , */) return false;
    this.#at += 2;
    return true;
  }

  /** `}}` as the frame's last bytes, with `,"st":1` before it or not. */
  #isEnd(frame: Uint8Array): boolean {
    if (frame[this.#at] === 0x2c /* , */ && !this.#skipInteger(frame, SYMBOL_TYPE)) return false;
    return this.#skip(frame, FRAME_END) && this.#at === frame.length;
  }

  /** Moves past `expected` when that is what stands there, else stays. */
  #skip(frame: Uint8Array, expected: Uint8Array): boolean {
    const start = this.#at;
    for (let index = 0; index < expected.length; index++) {
      if (frame[start + index] !== expected[index]) return false;
    }
    this.#at = start + expected.length;
    return true;
  }

  /** Moves to the next quote. False when there is an escape or a control character before it: then the text is not plain. */
  #skipToQuote(frame: Uint8Array): boolean {
    let at = this.#at;
    let byte = frame[at]!;
    while (byte >= 0x20 && byte !== 0x22 /* " */ && byte !== 0x5c /* \ */) byte = frame[++at]!;
    this.#at = at;
    return byte === 0x22;
  }

  #skipInteger(frame: Uint8Array, name: Uint8Array): boolean {
    return this.#skip(frame, name) && this.#integer(frame) >= 0;
  }

  /** A whole number of at most 15 digits, without leading zeros; -1 when something else stands there. */
  #integer(frame: Uint8Array): number {
    const start = this.#at;
    const middle = this.#word(frame, start, WORD_DIGITS_MAX);
    const high = this.#wordValue;
    const digits = middle - start;
    if (digits === 0 || (frame[start] === 0x30 /* 0 */ && digits > 1)) return -1;
    if (digits < WORD_DIGITS_MAX) {
      this.#at = middle;
      return high;
    }
    const end = this.#word(frame, middle, WORD_DIGITS_MAX);
    if (end - start > INTEGER_DIGITS_MAX) return -1;
    this.#at = end;
    return high * POW10[end - middle]! + this.#wordValue;
  }

  /** Decimal text as a mantissa at `scale`; ends at the closing quote. -1 when it is finer, or not plain digits. */
  #mantissa(frame: Uint8Array, scale: number): number {
    const start = this.#at;
    let at = this.#word(frame, start, WORD_DIGITS_MAX);
    const whole = this.#wordValue;
    if (at === start || at - start + scale > INTEGER_DIGITS_MAX || scale > WORD_DIGITS_MAX) return -1;
    let fraction = 0;
    let missing = scale;
    if (frame[at] === 0x2e /* . */) {
      const point = at;
      at = this.#word(frame, point + 1, scale);
      fraction = this.#wordValue;
      missing = scale - (at - point - 1);
      if (missing === 0) while (frame[at] === 0x30) at++;
    }
    if (frame[at] !== 0x22 /* " */) return -1;
    this.#at = at;
    return whole * POW10[scale]! + fraction * POW10[missing]!;
  }

  /** The digits from `start` on, at most `digitsMax` (up to nine), as `#wordValue`. @returns where they end. */
  #word(frame: Uint8Array, start: number, digitsMax: number): number {
    const limit = start + digitsMax;
    let at = start;
    let value = 0;
    while (at < limit) {
      const digit = (frame[at]! - 0x30) | 0;
      if (digit >>> 0 > 9) break;
      value = (Math.imul(value, 10) + digit) | 0;
      at++;
    }
    this.#wordValue = value;
    return at;
  }
}
