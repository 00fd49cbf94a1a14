import { LIMITS } from '../../../limits.ts';
import { DepthUpdate, Ticker24h, TopOfBook, Trade } from '../../../model/events.ts';
import type { Instrument } from '../../../model/instrument.ts';
import type { MarketSink, RejectReason } from '../../exchange.ts';

/*
 * The decoder as one would write it first: JSON.parse, strings and big integers. Tests compare the real one with it.
 */

class Rejected extends Error {
  readonly reason: RejectReason;

  constructor(reason: RejectReason) {
    super(reason);
    this.reason = reason;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const EVENTS_BY_SUFFIX: Readonly<Record<string, string>> = {
  aggTrade: 'aggTrade',
  trade: 'trade',
  bookTicker: 'bookTicker',
  ticker: '24hrTicker',
};

/** Tells `sink` what a frame says. @param symbols the instruments that are known. */
export function referenceEvents(frame: Buffer, symbols: readonly Instrument[], sink: MarketSink): void {
  try {
    decodeFrame(parse(frame), symbols, sink);
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    sink.onRejected(error.reason, '');
  }
}

function parse(frame: Buffer): Fields {
  try {
    return record(withoutNulls(JSON.parse(frame.toString())));
  } catch {
    throw new Rejected('malformed');
  }
}

/** `null` counts as missing, at the two levels where fields are looked for, except for an answer's `result`. */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, field]) => field !== null || name === 'result')
      .map(([name, field]) => [name, name === 'data' && isRecord(field) ? withoutNulls(field) : field]),
  );
}

function decodeFrame(frame: Fields, symbols: readonly Instrument[], sink: MarketSink): void {
  if ('data' in frame) {
    const data = record(frame.data);
    if ('stream' in frame) decodeStream(text(frame.stream), data, symbols, sink);
    else decodeBare(data, symbols, sink);
  } else if ('stream' in frame) {
    throw new Rejected('malformed');
  } else if ('e' in frame) {
    decodeBare(frame, symbols, sink);
  } else if ('error' in frame || 'code' in frame) {
    const error = isRecord(frame.error) ? frame.error : frame;
    sink.onAcknowledged(
      'error' in frame && !isRecord(frame.error) ? String(frame.error) : `${error.code}: ${error.msg}`,
    );
  } else if ('result' in frame || 'id' in frame) {
    sink.onAcknowledged(undefined);
  } else {
    throw new Rejected('unknown_event');
  }
}

function decodeStream(name: string, data: Fields, symbols: readonly Instrument[], sink: MarketSink): void {
  const match = /^([^@]+)@(?:(depth)(5|10|20)?(?:@(?:0|100|250|500)ms)?|(aggTrade|trade|bookTicker|ticker))$/.exec(
    name,
  );
  if (match === null) throw new Rejected('unknown_stream');
  const instrument = symbols.find((candidate) => candidate.symbol.toLowerCase() === match[1]);
  if (instrument === undefined) throw new Rejected('unknown_symbol');
  const event = match[2] === undefined ? EVENTS_BY_SUFFIX[match[4]!]! : 'depthUpdate';
  if ('e' in data && data.e !== event) throw new Rejected('unknown_event');
  if ('s' in data && data.s !== instrument.symbol) throw new Rejected('malformed');
  decodeEvent(event, match[3] !== undefined, data, instrument, sink);
}

function decodeBare(data: Fields, symbols: readonly Instrument[], sink: MarketSink): void {
  if (data.e === 'depthUpdate') throw new Rejected('unknown_stream');
  if (!Object.values(EVENTS_BY_SUFFIX).includes(String(data.e))) throw new Rejected('unknown_event');
  const symbol = text(data.s);
  const instrument = symbols.find((candidate) => candidate.symbol === symbol);
  if (instrument === undefined) throw new Rejected('unknown_symbol');
  decodeEvent(String(data.e), false, data, instrument, sink);
}

function decodeEvent(event: string, isPartial: boolean, data: Fields, instrument: Instrument, sink: MarketSink): void {
  const values = new Values(instrument);
  switch (event) {
    case 'depthUpdate': {
      const depth = depthOf(data, values);
      values.widen(sink);
      depth.instrument = instrument;
      values.fill();
      if (isPartial) sink.onPartialDepth(depth);
      else sink.onDepth(depth);
      return;
    }
    case 'bookTicker': {
      const top = new TopOfBook();
      top.instrument = instrument;
      top.updateId = whole(data.u);
      top.exchangeTimeMs = optionalWhole(data.E, 0);
      values.add(data.b, true, (mantissa) => {
        top.bidPrice = mantissa;
      });
      values.add(data.B, false, (mantissa) => {
        top.bidQuantity = mantissa;
      });
      values.add(data.a, true, (mantissa) => {
        top.askPrice = mantissa;
      });
      values.add(data.A, false, (mantissa) => {
        top.askQuantity = mantissa;
      });
      values.widen(sink);
      values.fill();
      sink.onTopOfBook(top);
      return;
    }
    case '24hrTicker': {
      const ticker = new Ticker24h();
      ticker.instrument = instrument;
      ticker.exchangeTimeMs = optionalWhole(data.E, 0);
      values.add(data.c, true, (mantissa) => {
        ticker.lastPrice = mantissa;
      });
      values.add(data.h, true, (mantissa) => {
        ticker.high = mantissa;
      });
      values.add(data.l, true, (mantissa) => {
        ticker.low = mantissa;
      });
      values.add(data.v, false, (mantissa) => {
        ticker.volume = mantissa;
      });
      values.widen(sink);
      values.fill();
      sink.onTicker24h(ticker);
      return;
    }
    default:
      decodeTrade(event === 'trade' ? 't' : 'a', data, values, instrument, sink);
  }
}

function decodeTrade(id: string, data: Fields, values: Values, instrument: Instrument, sink: MarketSink): void {
  if ('X' in data && data.X !== 'MARKET') throw new Rejected('not_a_trade');
  const trade = new Trade();
  trade.instrument = instrument;
  trade.tradeId = whole(data[id]);
  trade.tradeTimeMs = whole(data.T);
  trade.exchangeTimeMs = optionalWhole(data.E, 0);
  if (typeof data.m !== 'boolean') throw new Rejected('malformed');
  trade.isBuyerMaker = data.m;
  values.add(data.p, true, (mantissa) => {
    trade.price = mantissa;
  });
  values.add(data.q, false, (mantissa) => {
    trade.quantity = mantissa;
  });
  if (Number(data.p) === 0 || Number(data.q) === 0) throw new Rejected('not_a_trade');
  values.widen(sink);
  values.fill();
  sink.onTrade(trade);
}

function depthOf(data: Fields, values: Values): DepthUpdate {
  const depth = new DepthUpdate();
  depth.firstUpdateId = whole(data.U);
  depth.finalUpdateId = whole(data.u);
  depth.previousFinalUpdateId = optionalWhole(data.pu, -1);
  depth.exchangeTimeMs = optionalWhole(data.E, 0);
  const [bids, asks] = [levels(data.b), levels(data.a)];
  if (depth.firstUpdateId > depth.finalUpdateId) throw new Rejected('malformed');
  if (bids.length + asks.length > LIMITS.levels_per_update_max) throw new Rejected('malformed');
  depth.reserveBids(bids.length);
  depth.reserveAsks(asks.length);
  depth.bidCount = bids.length;
  depth.askCount = asks.length;
  bids.forEach((level, index) => {
    values.add(level[0], true, (mantissa) => {
      depth.bidPrices[index] = mantissa;
    });
    values.add(level[1], false, (mantissa) => {
      depth.bidQuantities[index] = mantissa;
    });
  });
  asks.forEach((level, index) => {
    values.add(level[0], true, (mantissa) => {
      depth.askPrices[index] = mantissa;
    });
    values.add(level[1], false, (mantissa) => {
      depth.askQuantities[index] = mantissa;
    });
  });
  return depth;
}

function levels(side: unknown): unknown[][] {
  if (!Array.isArray(side)) throw new Rejected('malformed');
  for (const level of side) if (!Array.isArray(level) || level.length < 2) throw new Rejected('malformed');
  return side as unknown[][];
}

/** Numbers of one event, with where each goes once the scales are wide enough for all of them. */
class Values {
  readonly #instrument: Instrument;
  readonly #values: { value: Exact; isPrice: boolean; put: (mantissa: number) => void }[] = [];

  constructor(instrument: Instrument) {
    this.#instrument = instrument;
  }

  add(value: unknown, isPrice: boolean, put: (mantissa: number) => void): void {
    this.#values.push({ value: exact(value), isPrice, put });
  }

  widen(sink: MarketSink): void {
    const { priceScale, quantityScale } = this.#instrument;
    const scaleOf = (isPrice: boolean, least: number): number =>
      Math.max(least, ...this.#values.filter((entry) => entry.isPrice === isPrice).map((entry) => entry.value.scale));
    const [price, quantity] = [scaleOf(true, priceScale), scaleOf(false, quantityScale)];
    for (const { value, isPrice } of this.#values) mantissaOf(value, isPrice ? price : quantity);
    if (price > priceScale || quantity > quantityScale) sink.onScale(this.#instrument, price, quantity);
  }

  fill(): void {
    for (const { value, isPrice, put } of this.#values) {
      put(mantissaOf(value, isPrice ? this.#instrument.priceScale : this.#instrument.quantityScale));
    }
  }
}

interface Exact {
  readonly mantissa: bigint;
  readonly scale: number;
}

/** Texts repeat: a day's prices are few. */
const EXACT_MAX = 100_000;
const exactByText = new Map<string, Exact>();

function exact(value: unknown): Exact {
  if (typeof value !== 'string') return readExact(value);
  let known = exactByText.get(value);
  if (known === undefined) {
    if (exactByText.size >= EXACT_MAX) exactByText.clear();
    known = readExact(value);
    exactByText.set(value, known);
  }
  return known;
}

/** A decimal number without trailing zeros; scale at least 0. */
function readExact(value: unknown): Exact {
  if (typeof value !== 'string' && typeof value !== 'number') throw new Rejected('malformed');
  const match = /^(-?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(String(value));
  if (match === null) throw new Rejected('malformed');
  const fraction = match[3] ?? '';
  let mantissa = BigInt(match[2]! + fraction);
  if (mantissa === 0n) return { mantissa, scale: 0 };
  if (match[1] === '-') throw new Rejected('out_of_range');
  let scale = fraction.length - Number(match[4] ?? 0);
  if (Math.abs(scale) > 400) throw new Rejected('out_of_range');
  while (scale > 0 && mantissa % 10n === 0n) {
    mantissa /= 10n;
    scale--;
  }
  if (scale < 0) mantissa *= 10n ** BigInt(-scale);
  if (scale > 12 || mantissa > BigInt(Number.MAX_SAFE_INTEGER)) throw new Rejected('out_of_range');
  return { mantissa, scale: Math.max(scale, 0) };
}

function mantissaOf(value: Exact, scale: number): number {
  const mantissa = value.mantissa * 10n ** BigInt(scale - value.scale);
  if (mantissa > BigInt(Number.MAX_SAFE_INTEGER)) throw new Rejected('out_of_range');
  return Number(mantissa);
}

function whole(value: unknown): number {
  const { mantissa, scale } = exact(value);
  if (scale !== 0) throw new Rejected('malformed');
  return Number(mantissa);
}

function optionalWhole(value: unknown, absent: number): number {
  return value === undefined ? absent : whole(value);
}

function record(value: unknown): Fields {
  if (!isRecord(value)) throw new Rejected('malformed');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new Rejected('malformed');
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
