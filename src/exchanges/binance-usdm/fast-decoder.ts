import { LIMITS } from '../../limits.ts';
import type { MarketSink } from '../exchange.ts';
import type { DecodedEvents } from './decoded-events.ts';
import { FrameReader, Literal } from './frame-reader.ts';
import { LevelScanner } from './level-scanner.ts';
import { type KnownPrefix, PrefixTable } from './prefix-table.ts';
import type { StreamTable } from './stream-table.ts';

/** `["1","2"],`: no level is shorter, which bounds how many a frame can hold. */
const LEVEL_BYTES_MIN = 10;

/** What stands between the values of a frame as the venue writes it today, 2026 fields (`ps`, `nq`, `st`) included or not. */
const TRANSACTION_TIME = new Literal(',"T":');
const EVENT_TIME = new Literal(',"E":');
const PAIR = new Literal('"ps":"');
const FIRST_ID = new Literal('"U":');
const FINAL_ID = new Literal(',"u":');
const PREVIOUS_ID = new Literal(',"pu":');
const BIDS = new Literal(',"b":');
const ASKS = new Literal(',"a":');
const TRADE_ID = new Literal(',"a":');
const PRICE = new Literal('"p":"');
const QUANTITY = new Literal('","q":"');
const QUANTITY_WITHOUT_RPI = new Literal('","nq":"');
const FIRST_TRADE = new Literal('","f":');
const LAST_TRADE = new Literal(',"l":');
const BUYER_IS_MAKER = new Literal(',"m":true');
const SELLER_IS_MAKER = new Literal(',"m":false');
const BID_PRICE = new Literal('"b":"');
const BID_QUANTITY = new Literal('","B":"');
const ASK_PRICE = new Literal('","a":"');
const ASK_QUANTITY = new Literal('","A":"');
const TOP_TIME = new Literal('","T":');
const SYMBOL_TYPE = new Literal(',"st":');

/**
 * Decodes frames that are written byte for byte as the venue writes them: fields in the documented order, no white space, no
 * escapes. It knows that order but nothing relies on it: of any other frame it says `false` and has told the sink nothing, and the
 * tolerant decoder takes it from the start. It rejects nothing itself.
 *
 * Positions are not checked against the frame's end one by one: zeros stand behind it, which match nothing, and a frame counts
 * as decoded only when the last thing read ends where it ends.
 */
export class FastDecoder {
  readonly #streams: PrefixTable;
  readonly #events: DecodedEvents;
  readonly #reader = new FrameReader();
  readonly #levels = new LevelScanner(this.#reader);

  constructor(streams: StreamTable, events: DecodedEvents) {
    this.#streams = new PrefixTable(streams);
    this.#events = events;
  }

  /** @returns true when the frame was decoded and handed on. */
  decode(frame: Uint8Array, sink: MarketSink): boolean {
    if (!this.#reader.load(frame)) return false;
    const known = this.#streams.find(this.#reader);
    if (known === undefined) return false;
    switch (known.stream.event) {
      case 'depthUpdate':
        return this.#decodeDepth(known, sink);
      case 'aggTrade':
        return this.#decodeTrade(known, sink);
      case 'bookTicker':
        return this.#decodeTop(known, sink);
      default:
        return false;
    }
  }

  /** From the event time on: `1,"T":2,"s":"BTCUSDT","U":3,"u":4,"pu":5,"b":[…],"a":[…]}}`. */
  #decodeDepth(known: KnownPrefix, sink: MarketSink): boolean {
    const reader = this.#reader;
    const depth = this.#events.depth;
    const { value } = reader;
    if (!reader.integer()) return false;
    depth.exchangeTimeMs = value[0]!;
    if (!reader.skip(TRANSACTION_TIME) || !reader.integer() || !this.#skipSymbol(known)) return false;
    if (!reader.skip(FIRST_ID) || !reader.integer()) return false;
    depth.firstUpdateId = value[0]!;
    if (!reader.skip(FINAL_ID) || !reader.integer()) return false;
    depth.finalUpdateId = value[0]!;
    if (depth.finalUpdateId < depth.firstUpdateId || !reader.skip(PREVIOUS_ID) || !reader.integer()) return false;
    depth.previousFinalUpdateId = value[0]!;
    if (!this.#decodeLevels(known) || !this.#isEnd()) return false;
    depth.instrument = known.stream.symbol.instrument;
    if (known.stream.isPartialDepth) sink.onPartialDepth(depth);
    else sink.onDepth(depth);
    return true;
  }

  #decodeLevels(known: KnownPrefix): boolean {
    const reader = this.#reader;
    const depth = this.#events.depth;
    const { priceScale, quantityScale } = known.stream.symbol.instrument;
    const levelsMax = Math.min((reader.length / LEVEL_BYTES_MIN) | 0, LIMITS.levels_per_update_max);
    depth.reserveBids(levelsMax);
    depth.reserveAsks(levelsMax);
    if (!reader.skip(BIDS)) return false;
    depth.bidCount = this.#levels.scan(
      known.bidLayout,
      priceScale,
      quantityScale,
      depth.bidPrices,
      depth.bidQuantities,
    );
    if (depth.bidCount < 0 || !reader.skip(ASKS)) return false;
    depth.askCount = this.#levels.scan(
      known.askLayout,
      priceScale,
      quantityScale,
      depth.askPrices,
      depth.askQuantities,
    );
    return depth.askCount >= 0 && depth.bidCount + depth.askCount <= LIMITS.levels_per_update_max;
  }

  /** From the event time on: `1,"a":2,"s":"BTCUSDT","p":"3.0","q":"4.0","f":5,"l":6,"T":7,"m":true}}`. */
  #decodeTrade(known: KnownPrefix, sink: MarketSink): boolean {
    const reader = this.#reader;
    const trade = this.#events.trade;
    const instrument = known.stream.symbol.instrument;
    const { value } = reader;
    if (!reader.integer()) return false;
    trade.exchangeTimeMs = value[0]!;
    if (!reader.skip(TRADE_ID) || !reader.integer()) return false;
    trade.tradeId = value[0]!;
    if (!this.#skipSymbol(known) || !reader.skip(PRICE)) return false;
    trade.price = reader.mantissa(instrument.priceScale);
    if (trade.price <= 0 || !reader.skip(QUANTITY)) return false;
    trade.quantity = reader.mantissa(instrument.quantityScale);
    if (trade.quantity <= 0) return false;
    if (reader.skip(QUANTITY_WITHOUT_RPI) && !reader.skipToQuote()) return false;
    if (!reader.skip(FIRST_TRADE) || !reader.integer() || !reader.skip(LAST_TRADE) || !reader.integer()) return false;
    if (!reader.skip(TRANSACTION_TIME) || !reader.integer()) return false;
    trade.tradeTimeMs = value[0]!;
    trade.isBuyerMaker = reader.skip(BUYER_IS_MAKER);
    if ((!trade.isBuyerMaker && !reader.skip(SELLER_IS_MAKER)) || !this.#isEnd()) return false;
    trade.isRefill = false;
    trade.instrument = instrument;
    sink.onTrade(trade);
    return true;
  }

  /** From the update id on: `1,"s":"BTCUSDT","b":"2.0","B":"3.0","a":"4.0","A":"5.0","T":6,"E":7}}`. */
  #decodeTop(known: KnownPrefix, sink: MarketSink): boolean {
    const reader = this.#reader;
    const top = this.#events.top;
    const instrument = known.stream.symbol.instrument;
    const { value } = reader;
    if (!reader.integer()) return false;
    top.updateId = value[0]!;
    if (!this.#skipSymbol(known) || !reader.skip(BID_PRICE)) return false;
    top.bidPrice = reader.mantissa(instrument.priceScale);
    if (top.bidPrice < 0 || !reader.skip(BID_QUANTITY)) return false;
    top.bidQuantity = reader.mantissa(instrument.quantityScale);
    if (top.bidQuantity < 0 || !reader.skip(ASK_PRICE)) return false;
    top.askPrice = reader.mantissa(instrument.priceScale);
    if (top.askPrice < 0 || !reader.skip(ASK_QUANTITY)) return false;
    top.askQuantity = reader.mantissa(instrument.quantityScale);
    if (top.askQuantity < 0 || !reader.skip(TOP_TIME) || !reader.integer()) return false;
    if (!reader.skip(EVENT_TIME) || !reader.integer()) return false;
    top.exchangeTimeMs = value[0]!;
    if (!this.#isEnd()) return false;
    top.instrument = instrument;
    sink.onTopOfBook(top);
    return true;
  }

  /** `,"s":"BTCUSDT",`, followed by the pair, `"ps":"BTCUSDT",`, or not. False when the symbol is not the stream's. */
  #skipSymbol(known: KnownPrefix): boolean {
    const reader = this.#reader;
    if (!reader.skip(known.symbol)) return false;
    if (!reader.skip(PAIR)) return true;
    if (!reader.skipToQuote() || reader.bytes[reader.at + 1] !== 0x2c /* , */) return false;
    reader.at += 2;
    return true;
  }

  /** `}}` as the frame's last bytes, with `,"st":1` before it or not. */
  #isEnd(): boolean {
    const reader = this.#reader;
    if (reader.skip(SYMBOL_TYPE) && !reader.integer()) return false;
    const { bytes, at } = reader;
    return bytes[at] === 0x7d /* } */ && bytes[at + 1] === 0x7d && at + 2 === reader.length;
  }
}
