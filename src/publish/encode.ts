import type { Clock } from '../model/clock.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { MARKET_STATES, STATE_REASONS } from '../model/market-state.ts';
import { COPY_SURPLUS_BYTES, type Text, textOf, writeText } from './ascii.ts';
import { DECIMAL_BYTES_MAX, writeDecimal, writeInteger, writeLevels } from './digits.ts';
import { TimestampWriter } from './timestamp.ts';

/**
 * The JSON documents of the four channels, byte for byte: field order and texts are a contract with every consumer.
 * Mantissas become bytes without a string, an object or an allocation in between. A document is encoded once, whoever asks
 * first, and every sink copies the same bytes.
 */

/** The two documents of one book update, in one reused buffer: valid until the encoder's next `encodeBook`. */
export interface EncodedBook {
  readonly bytes: Uint8Array;
  /** Over the same memory, which goes on for at least {@link COPY_SURPLUS_BYTES} behind the documents. */
  readonly view: DataView;
  /** `orderbook:` is [0, orderbookEnd). */
  readonly orderbookEnd: number;
  /** `market_data:` is [orderbookEnd, marketDataEnd). */
  readonly marketDataEnd: number;
}

/** One document in a reused buffer: [0, end), valid until the encoder's next document of that kind. */
export interface EncodedDocument {
  readonly bytes: Uint8Array;
  /** As in {@link EncodedBook}. */
  readonly view: DataView;
  readonly end: number;
}

/** Two numbers, brackets and commas. */
const LEVEL_BYTES_MAX = 2 * DECIMAL_BYTES_MAX + 4;
/** Everything of a document but its levels: texts, six decimals, an id, a time. The symbol's length comes on top. */
const FRAME_BYTES_MAX = 512;
/** A trade or status document, with a symbol of any plausible length. */
const DOCUMENT_BYTES_MAX = 2048;

const BIDS = textOf(',"bids":[');
const ASKS = textOf('],"asks":[');
const BOOK_TIMESTAMP = textOf('],"timestamp":"');
const SOURCE_PARTIAL = textOf('","source":"partial_depth"}');
const END_OF_STRING = textOf('"}');
const LAST_PRICE = textOf('","last_price":');
const BID_PRICE = textOf(',"bid_price":');
const ASK_PRICE = textOf(',"ask_price":');
const VOLUME = textOf(',"volume_24h":');
const HIGH = textOf(',"high_24h":');
const LOW = textOf(',"low_24h":');
const UPDATED_AT = textOf(',"updated_at":"');
const TRADE_ID = textOf('","trade_id":');
const PRICE = textOf(',"price":');
const QUANTITY = textOf(',"quantity":');
const BUYER_MAKER_TRUE = textOf(',"is_buyer_maker":true,"timestamp":"');
const BUYER_MAKER_FALSE = textOf(',"is_buyer_maker":false,"timestamp":"');
const REFILL = textOf('","refill":true}');
const STATE = textOf('","state":"');
const REASON = textOf('","reason":"');
const STATUS_LAST_UPDATE_ID = textOf('","last_update_id":');
const TIMESTAMP = textOf(',"timestamp":"');
const NULL = textOf('null');

/** Indexes of a book's numbers on their way: V8 allocates a double that is passed to a function, unless it fits 32 bits. */
const UPDATE_ID = 0;
const LAST = 1;
const BID = 2;
const ASK = 3;
const VOLUME_24H = 4;
const HIGH_24H = 5;
const LOW_24H = 6;

const STATES = textsByName(MARKET_STATES);
const REASONS = textsByName(STATE_REASONS);

/** `{"symbol":"BTCUSDT` and the same with what follows in an orderbook document. */
interface SymbolTexts {
  readonly head: Text;
  readonly orderbookHead: Text;
}

export class DocumentEncoder {
  readonly #clock: Clock;
  readonly #symbols: SymbolTexts[] = [];
  readonly #receiveTime = new TimestampWriter();
  readonly #tradeTime = new TimestampWriter();
  readonly #book = new EncodedBookBuffer();
  readonly #trade = new EncodedDocumentBuffer();
  readonly #status = new EncodedDocumentBuffer();
  /** Large enough to live at a fixed address. */
  readonly #numbers = new Float64Array(16);
  /** Receive time of the latest book, and the same as wall time. */
  #bookTimeNs = Number.NaN;
  #bookSeconds = 0;
  #bookNanos = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Both documents of a book update. Asked again for the same update, it answers without encoding again. */
  encodeBook(book: BookUpdate): EncodedBook {
    const encoded = this.#book;
    if (encoded.holds(book)) return encoded;
    encoded.hold(book);
    encoded.reserve(
      COPY_SURPLUS_BYTES +
        2 * (FRAME_BYTES_MAX + this.#textsOf(book.instrument).orderbookHead.length) +
        levelBytesMax(book),
    );
    if (book.receiveTimeNs !== this.#bookTimeNs) this.#readWallTime(book);
    encoded.orderbookEnd = this.#writeOrderbook(encoded.view, 0, book);
    encoded.marketDataEnd = this.#writeMarketData(encoded.view, encoded.orderbookEnd, book);
    return encoded;
  }

  encodeTrade(trade: Trade): EncodedDocument {
    const encoded = this.#trade;
    const target = encoded.view;
    const { priceScale, quantityScale } = trade.instrument;
    let at = writeText(target, 0, this.#textsOf(trade.instrument).head);
    at = writeText(target, at, TRADE_ID);
    at = writeInteger(target, at, trade.tradeId);
    at = writeText(target, at, PRICE);
    at = writeDecimal(target, at, trade.price, priceScale);
    at = writeText(target, at, QUANTITY);
    at = writeDecimal(target, at, trade.quantity, quantityScale);
    at = writeText(target, at, trade.isBuyerMaker ? BUYER_MAKER_TRUE : BUYER_MAKER_FALSE);
    at = this.#tradeTime.writeMs(target, at, trade.tradeTimeMs);
    encoded.end = writeText(target, at, trade.isRefill ? REFILL : END_OF_STRING);
    return encoded;
  }

  encodeStatus(status: StatusUpdate): EncodedDocument {
    const encoded = this.#status;
    const target = encoded.view;
    let at = writeText(target, 0, this.#textsOf(status.instrument).head);
    at = writeText(target, at, STATE);
    at = writeText(target, at, STATES[status.state]);
    at = writeText(target, at, REASON);
    at = writeText(target, at, REASONS[status.reason]);
    at = writeText(target, at, STATUS_LAST_UPDATE_ID);
    // No update was applied yet: null, as every unknown number.
    at = status.lastUpdateId < 0 ? writeText(target, at, NULL) : writeInteger(target, at, status.lastUpdateId);
    at = writeText(target, at, TIMESTAMP);
    const seconds = this.#clock.wallSeconds(status.timeNs);
    at = this.#receiveTime.write(target, at, seconds, this.#clock.wallNanos(status.timeNs));
    encoded.end = writeText(target, at, END_OF_STRING);
    return encoded;
  }

  /** All updates of one batch of frames were received at the same time. */
  #readWallTime({ receiveTimeNs }: BookUpdate): void {
    this.#bookTimeNs = receiveTimeNs;
    this.#bookSeconds = this.#clock.wallSeconds(receiveTimeNs);
    this.#bookNanos = this.#clock.wallNanos(receiveTimeNs);
  }

  #writeOrderbook(target: DataView, start: number, book: BookUpdate): number {
    const { priceScale, quantityScale } = book.instrument;
    let at = writeText(target, start, this.#textsOf(book.instrument).orderbookHead);
    this.#numbers[UPDATE_ID] = book.lastUpdateId;
    at = writeNumber(target, at, this.#numbers, UPDATE_ID, 0);
    at = writeText(target, at, BIDS);
    at = writeLevels(target, at, book.bidPrices, book.bidQuantities, book.bidCount, priceScale, quantityScale);
    at = writeText(target, at, ASKS);
    at = writeLevels(target, at, book.askPrices, book.askQuantities, book.askCount, priceScale, quantityScale);
    at = writeText(target, at, BOOK_TIMESTAMP);
    at = this.#receiveTime.write(target, at, this.#bookSeconds, this.#bookNanos);
    return writeText(target, at, book.source === 'partial' ? SOURCE_PARTIAL : END_OF_STRING);
  }

  #writeMarketData(target: DataView, start: number, book: BookUpdate): number {
    const { priceScale, quantityScale } = book.instrument;
    const numbers = this.#numbers;
    numbers[LAST] = book.lastPrice;
    numbers[BID] = book.bidCount > 0 ? book.bidPrices[0]! : Number.NaN;
    numbers[ASK] = book.askCount > 0 ? book.askPrices[0]! : Number.NaN;
    numbers[VOLUME_24H] = book.volume24h;
    numbers[HIGH_24H] = book.high24h;
    numbers[LOW_24H] = book.low24h;
    let at = writeText(target, start, this.#textsOf(book.instrument).head);
    at = writeText(target, at, LAST_PRICE);
    at = writeNumber(target, at, numbers, LAST, book.lastPriceScale);
    at = writeText(target, at, BID_PRICE);
    at = writeNumber(target, at, numbers, BID, priceScale);
    at = writeText(target, at, ASK_PRICE);
    at = writeNumber(target, at, numbers, ASK, priceScale);
    at = writeText(target, at, VOLUME);
    at = writeNumber(target, at, numbers, VOLUME_24H, quantityScale);
    at = writeText(target, at, HIGH);
    at = writeNumber(target, at, numbers, HIGH_24H, priceScale);
    at = writeText(target, at, LOW);
    at = writeNumber(target, at, numbers, LOW_24H, priceScale);
    at = writeText(target, at, UPDATED_AT);
    at = this.#receiveTime.write(target, at, this.#bookSeconds, this.#bookNanos);
    return writeText(target, at, END_OF_STRING);
  }

  #textsOf(instrument: Instrument): SymbolTexts {
    const known = this.#symbols[instrument.index];
    if (known !== undefined) return known;
    // Quoted as JSON: a venue's symbol may hold any character.
    const head = `{"symbol":${JSON.stringify(instrument.symbol).slice(0, -1)}`;
    const texts = { head: textOf(head), orderbookHead: textOf(`${head}","last_update_id":`) };
    this.#symbols[instrument.index] = texts;
    return texts;
  }
}

/** Bytes that the levels of an orderbook document can take at most. */
function levelBytesMax(book: BookUpdate): number {
  return (book.bidCount + book.askCount) * LEVEL_BYTES_MAX;
}

/** The number `numbers[index]`, or null while it is unknown (NaN). */
function writeNumber(target: DataView, at: number, numbers: Float64Array, index: number, scale: number): number {
  const mantissa = numbers[index]!;
  return Number.isNaN(mantissa) ? writeText(target, at, NULL) : writeDecimal(target, at, mantissa, scale);
}

function textsByName<Name extends string>(names: readonly Name[]): Record<Name, Text> {
  return Object.fromEntries(names.map((name) => [name, textOf(name)])) as Record<Name, Text>;
}

class EncodedBookBuffer implements EncodedBook {
  bytes: Uint8Array = Buffer.allocUnsafeSlow(4096);
  view: DataView = viewOf(this.bytes);
  orderbookEnd = 0;
  marketDataEnd = 0;
  #index = -1;
  #lastUpdateId = -1;
  #receiveTimeNs = Number.NaN;
  #lastPrice = Number.NaN;
  #volume24h = Number.NaN;

  /** The same update: one symbol never has two that agree in all of this. NaN statistics count as different, which only costs time. */
  holds(book: BookUpdate): boolean {
    return (
      book.receiveTimeNs === this.#receiveTimeNs &&
      book.lastUpdateId === this.#lastUpdateId &&
      book.instrument.index === this.#index &&
      book.lastPrice === this.#lastPrice &&
      Object.is(book.volume24h, this.#volume24h)
    );
  }

  hold(book: BookUpdate): void {
    this.#index = book.instrument.index;
    this.#lastUpdateId = book.lastUpdateId;
    this.#receiveTimeNs = book.receiveTimeNs;
    this.#lastPrice = book.lastPrice;
    this.#volume24h = book.volume24h;
  }

  reserve(bytesMax: number): void {
    if (bytesMax <= this.bytes.length) return;
    this.bytes = Buffer.allocUnsafeSlow(Math.max(bytesMax, 2 * this.bytes.length));
    this.view = viewOf(this.bytes);
  }
}

class EncodedDocumentBuffer implements EncodedDocument {
  readonly bytes: Uint8Array = Buffer.allocUnsafeSlow(DOCUMENT_BYTES_MAX);
  readonly view: DataView = viewOf(this.bytes);
  end = 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
