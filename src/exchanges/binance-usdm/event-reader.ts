import { LIMITS } from '../../limits.ts';
import type { RejectReason } from '../exchange.ts';
import { DecimalScanner, FINER, MALFORMED, OUT_OF_RANGE } from './decimal-scanner.ts';
import type { DecodedEvents } from './decoded-events.ts';
import { FIELD, type Fields } from './fields.ts';
import {
  BRACKET_CLOSE,
  BRACKET_OPEN,
  COMMA,
  QUOTE,
  skipValue,
  skipWhitespace,
  unescapeString,
} from './json-scanner.ts';
import { printable } from './printable.ts';
import { type EventName, equalBytes } from './stream-table.ts';

const LETTER_T = 0x74;
const LETTER_F = 0x66;
/** A trade's `X` when it is one. "NA" and "INSURANCE_FUND" are not. */
const MARKET = new TextEncoder().encode('MARKET');

/**
 * Fills an event from the fields of its object. Whether that worked is said by `failure`, and whether finer scales are needed by
 * `isFiner`; only an event for which both are clear is whole. Field tables: README.md.
 */
export class EventReader {
  /** The scales to read at. Raised to what the event needs where that is more: then `isFiner` is set. */
  priceScale = 0;
  quantityScale = 0;
  isFiner = false;
  failure: RejectReason | undefined = undefined;
  failureDetail = '';

  readonly #events: DecodedEvents;
  readonly #fields: Fields;
  readonly #decimals = new DecimalScanner();
  #bytes: Uint8Array = new Uint8Array(0);
  #end = 0;
  readonly #text = new Uint8Array(32);

  constructor(events: DecodedEvents, fields: Fields) {
    this.#events = events;
    this.#fields = fields;
  }

  /** @param end of the frame, within which the scanned object lies. */
  read(event: EventName, bytes: Uint8Array, end: number): void {
    this.failure = undefined;
    this.isFiner = false;
    this.#bytes = bytes;
    this.#end = end;
    switch (event) {
      case 'depthUpdate':
        this.#readDepth();
        break;
      case 'aggTrade':
        this.#readTrade(FIELD.a);
        break;
      case 'trade':
        this.#readTrade(FIELD.t);
        break;
      case 'bookTicker':
        this.#readTopOfBook();
        break;
      case '24hrTicker':
        this.#readTicker();
        break;
    }
  }

  #readDepth(): void {
    const depth = this.#events.depth;
    depth.firstUpdateId = this.#integer(FIELD.U, 'U');
    depth.finalUpdateId = this.#integer(FIELD.u, 'u');
    depth.previousFinalUpdateId = this.#optionalInteger(FIELD.pu, -1);
    depth.exchangeTimeMs = this.#optionalInteger(FIELD.E, 0);
    depth.bidCount = 0;
    depth.askCount = 0;
    this.#readLevels(FIELD.b, true);
    this.#readLevels(FIELD.a, false);
    if (depth.firstUpdateId > depth.finalUpdateId) this.#fail('malformed', 'U is larger than u');
  }

  #readTrade(idSlot: number): void {
    const trade = this.#events.trade;
    const type = this.#fields.position(FIELD.X);
    if (type >= 0 && !this.#isMarket(type)) {
      this.#fail('not_a_trade', 'X is not MARKET');
      return;
    }
    trade.tradeId = this.#integer(idSlot, 'the trade id');
    trade.price = this.#price(FIELD.p, 'p');
    trade.quantity = this.#quantity(FIELD.q, 'q');
    trade.tradeTimeMs = this.#integer(FIELD.T, 'T');
    trade.exchangeTimeMs = this.#optionalInteger(FIELD.E, 0);
    trade.isBuyerMaker = this.#boolean(FIELD.m, 'm');
    trade.isRefill = false;
    if (this.isFiner) return;
    if (trade.price === 0 || trade.quantity === 0) this.#fail('not_a_trade', 'price or quantity is 0');
  }

  #readTopOfBook(): void {
    const top = this.#events.top;
    top.updateId = this.#integer(FIELD.u, 'u');
    top.bidPrice = this.#price(FIELD.b, 'b');
    top.bidQuantity = this.#quantity(FIELD.B, 'B');
    top.askPrice = this.#price(FIELD.a, 'a');
    top.askQuantity = this.#quantity(FIELD.A, 'A');
    top.exchangeTimeMs = this.#optionalInteger(FIELD.E, 0);
  }

  #readTicker(): void {
    const ticker = this.#events.ticker;
    ticker.lastPrice = this.#price(FIELD.c, 'c');
    ticker.high = this.#price(FIELD.h, 'h');
    ticker.low = this.#price(FIELD.l, 'l');
    ticker.volume = this.#quantity(FIELD.v, 'v');
    ticker.exchangeTimeMs = this.#optionalInteger(FIELD.E, 0);
  }

  /** One side: a list of [price, quantity, ...]. What follows the quantity is skipped. */
  #readLevels(slot: number, isBids: boolean): void {
    const bytes = this.#bytes;
    let at = this.#fields.position(slot);
    if (at < 0 || bytes[at] !== BRACKET_OPEN) {
      this.#fail('malformed', `no list ${isBids ? 'b' : 'a'}`);
      return;
    }
    at = skipWhitespace(bytes, at + 1, this.#end);
    while (bytes[at] !== BRACKET_CLOSE && this.failure === undefined) {
      at = this.#readLevel(at, isBids);
      if (bytes[at] === COMMA) at = skipWhitespace(bytes, at + 1, this.#end);
    }
  }

  /** @returns the position after the level and the white space that follows it. */
  #readLevel(position: number, isBids: boolean): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const price = skipWhitespace(bytes, position + 1, end);
    const afterPrice = bytes[position] === BRACKET_OPEN ? skipWhitespace(bytes, this.#skip(price), end) : position;
    if (bytes[afterPrice] !== COMMA) {
      this.#fail('malformed', 'a level is not a pair');
      return position;
    }
    const quantity = skipWhitespace(bytes, afterPrice + 1, end);
    this.#addLevel(
      isBids,
      this.#mantissa(price, true, 'a level price'),
      this.#mantissa(quantity, false, 'a level quantity'),
    );
    return skipWhitespace(bytes, this.#skip(position), end);
  }

  #addLevel(isBids: boolean, price: number, quantity: number): void {
    const depth = this.#events.depth;
    if (depth.bidCount + depth.askCount >= LIMITS.levels_per_update_max) {
      this.#fail('malformed', `more than ${LIMITS.levels_per_update_max} levels`);
      return;
    }
    if (isBids) {
      depth.reserveBids(depth.bidCount + 1);
      depth.bidPrices[depth.bidCount] = price;
      depth.bidQuantities[depth.bidCount++] = quantity;
    } else {
      depth.reserveAsks(depth.askCount + 1);
      depth.askPrices[depth.askCount] = price;
      depth.askQuantities[depth.askCount++] = quantity;
    }
  }

  /** The value was found well formed before, so that this cannot fail. */
  #skip(position: number): number {
    return skipValue(this.#bytes, position, this.#end, 0);
  }

  #price(slot: number, name: string): number {
    return this.#mantissa(this.#fields.position(slot), true, name);
  }

  #quantity(slot: number, name: string): number {
    return this.#mantissa(this.#fields.position(slot), false, name);
  }

  #mantissa(position: number, isPrice: boolean, name: string): number {
    if (position < 0) return this.#missing(name);
    const mantissa = this.#decimals.mantissaAt(this.#bytes, position, isPrice ? this.priceScale : this.quantityScale);
    if (mantissa >= 0) return mantissa;
    if (mantissa !== FINER) return this.#refuse(mantissa, position, name);
    this.isFiner = true;
    if (isPrice) this.priceScale = this.#decimals.scale;
    else this.quantityScale = this.#decimals.scale;
    return 0;
  }

  #integer(slot: number, name: string): number {
    const position = this.#fields.position(slot);
    if (position < 0) return this.#missing(name);
    const value = this.#decimals.integerAt(this.#bytes, position);
    return value >= 0 ? value : this.#refuse(value, position, name);
  }

  #optionalInteger(slot: number, absent: number): number {
    return this.#fields.has(slot) ? this.#integer(slot, 'an id or time') : absent;
  }

  #boolean(slot: number, name: string): boolean {
    const first = this.#bytes[this.#fields.position(slot)];
    if (first !== LETTER_T && first !== LETTER_F) this.#missing(name);
    return first === LETTER_T;
  }

  #isMarket(position: number): boolean {
    if (this.#bytes[position] !== QUOTE) return false;
    return equalBytes(MARKET, this.#text, 0, unescapeString(this.#bytes, position, this.#text));
  }

  #missing(name: string): number {
    this.#fail('malformed', `no ${name}`);
    return 0;
  }

  #refuse(code: number, position: number, name: string): number {
    const end = Math.max(this.#skip(position), position);
    const text = printable(this.#bytes, position + (this.#bytes[position] === QUOTE ? 1 : 0), end);
    if (code === OUT_OF_RANGE) this.#fail('out_of_range', `${name} is ${text}`);
    else if (code === MALFORMED) this.#fail('malformed', `${name} is ${text}`);
    return 0;
  }

  /** Only the first failure is told. */
  #fail(reason: RejectReason, detail: string): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    this.failureDetail = detail;
  }
}
