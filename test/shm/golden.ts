import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '../../src/model/clock.ts';
import { type BookUpdate, Trade } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import type { MarketState, StateReason } from '../../src/model/market-state.ts';
import { recordChecksum } from '../../src/shm/checksum.ts';
import * as layout from '../../src/shm/layout.ts';
import { Region } from '../../src/shm/region.ts';

/**
 * The golden region of layout version 1 and what readers must find in it. The expectations are made from what is written, field by
 * field, never by reading the region back. docs/SHM_LAYOUT.md section 11 describes the JSON.
 */
export interface Golden {
  readonly bytes: Uint8Array;
  readonly description: Record<string, unknown>;
}

type Json = Record<string, unknown>;
type Levels = [price: number, quantity: number][];

const START_SECONDS = 1_759_727_805;
const START_NANOS = 212_172_749;
/** The low word of the positions wraps within the golden records. */
const FIRST_POSITION = 2 ** 32 - 5120;
const DEPTH_MAX = 5;
const TOTAL_BYTES = 8192;
const PID = 4242;

class GoldenRegion {
  readonly clock = new ManualClock(START_SECONDS, START_NANOS);
  readonly instruments: Instrument[] = [
    { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 },
    { index: 1, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 8 },
    { index: 2, symbol: '币安人生USDT', priceScale: 7, quantityScale: 0 },
  ];
  readonly region: Region;
  readonly slots: Json[];
  /** Every record with its position, in order. */
  readonly records: { position: number; event: Json | undefined }[] = [];
  readonly #directory = fs.mkdtempSync(join(tmpdir(), 'market-data-golden-'));
  #sequence = 0;

  constructor() {
    this.region = Region.create({
      name: 'golden',
      directory: this.#directory,
      sizeBytes: TOTAL_BYTES,
      depthMax: DEPTH_MAX,
      instruments: this.instruments,
      clock: this.clock,
      checksums: true,
      firstPosition: FIRST_POSITION,
    });
    this.slots = this.instruments.map((instrument) => ({
      ...this.#common('book', instrument, 0, 0),
      sequence: '0',
      publish_time_ns: '0',
      receive_time_ns: '0',
      state: 'syncing',
      reason: 'start',
      source: 'diff',
      price_scale: instrument.priceScale,
      quantity_scale: instrument.quantityScale,
      last_price_scale: instrument.priceScale,
      last_update_id: '-1',
      last_price: null,
      volume_24h: null,
      high_24h: null,
      low_24h: null,
      bids: [],
      asks: [],
    }));
  }

  book(index: number, fields: Partial<BookUpdate> & { lastUpdateId: number }, bids: Levels, asks: Levels): void {
    const instrument = this.instruments[index]!;
    const book: BookUpdate = {
      instrument,
      source: 'diff',
      exchangeTimeMs: 0,
      receiveTimeNs: this.clock.timeNs - 1500,
      bidCount: bids.length,
      askCount: asks.length,
      ...split(bids, asks),
      lastPrice: Number.NaN,
      lastPriceScale: instrument.priceScale,
      volume24h: Number.NaN,
      high24h: Number.NaN,
      low24h: Number.NaN,
      ...fields,
    };
    const event = {
      ...this.#common('book', instrument, book.receiveTimeNs, book.exchangeTimeMs),
      state: 'live',
      reason: book.source === 'diff' ? 'snapshot_bridged' : 'partial_depth',
      source: book.source,
      price_scale: instrument.priceScale,
      quantity_scale: instrument.quantityScale,
      last_price_scale: book.lastPriceScale,
      last_update_id: String(book.lastUpdateId),
      last_price: nullable(book.lastPrice),
      volume_24h: nullable(book.volume24h),
      high_24h: nullable(book.high24h),
      low_24h: nullable(book.low24h),
      bids: bids.slice(0, DEPTH_MAX),
      asks: asks.slice(0, DEPTH_MAX),
    };
    this.slots[index] = event;
    this.#write(event, () => this.region.writer.writeBook(book, this.clock.timeNs));
  }

  trade(index: number, fields: Partial<Trade>): void {
    const trade = Object.assign(new Trade(), { instrument: this.instruments[index], ...fields });
    trade.receiveTimeNs = this.clock.timeNs - 900;
    const event = {
      ...this.#common('trade', trade.instrument, trade.receiveTimeNs, trade.exchangeTimeMs),
      is_buyer_maker: trade.isBuyerMaker,
      is_refill: trade.isRefill,
      price_scale: trade.instrument.priceScale,
      quantity_scale: trade.instrument.quantityScale,
      trade_id: String(trade.tradeId),
      price: trade.price,
      quantity: trade.quantity,
      trade_time_ns: String(BigInt(trade.tradeTimeMs) * 1_000_000n),
    };
    this.#write(event, () => this.region.writer.writeTrade(trade, this.clock.timeNs));
  }

  status(index: number, state: MarketState, reason: StateReason, lastUpdateId: number): void {
    const instrument = this.instruments[index]!;
    const timeNs = this.clock.timeNs - 100;
    const event: Json = {
      ...this.#common('status', instrument, timeNs, 0),
      state,
      reason,
      last_update_id: String(lastUpdateId),
    };
    if (state !== 'live') {
      const { source, price_scale, quantity_scale, last_price_scale, last_price, volume_24h, high_24h, low_24h } =
        this.slots[index]!;
      const kept = { source, price_scale, quantity_scale, last_price_scale, last_price, volume_24h, high_24h, low_24h };
      this.slots[index] = { ...event, ...kept, type: 'book', bids: [], asks: [] };
    }
    this.#write(event, () =>
      this.region.writer.writeStatus({ instrument, state, reason, lastUpdateId, timeNs }, this.clock.timeNs),
    );
  }

  /** A record of a type that this version does not know: readers skip it. */
  unknownRecord(): void {
    const at = this.region.writer.ring.position;
    this.trade(0, { tradeId: 1, price: 1, quantity: 1, tradeTimeMs: 1 });
    const words = new Uint32Array(this.region.buffer);
    const word = (this.region.plan.ringOffset + (at % this.region.plan.ringCapacity)) / 4;
    words[word + layout.RECORD_TYPE / 4] = 77;
    words[word + layout.RECORD_CHECKSUM / 4] = recordChecksum(words, word, layout.TRADE_BYTES);
    this.records.at(-1)!.event = undefined;
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.region.buffer).slice(0, TOTAL_BYTES);
    this.region.close();
    fs.rmSync(this.#directory, { recursive: true });
    new DataView(bytes.buffer).setUint32(layout.HEADER_WRITER_PID, PID, true);
    return bytes;
  }

  #write(event: Json, write: () => void): void {
    this.#sequence++;
    const before = this.region.writer.ring.position;
    write();
    this.records.push({ position: before, event });
    this.clock.timeNs += 123_456_789;
  }

  #common(type: string, instrument: Instrument, receiveTimeNs: number, exchangeTimeMs: number): Json {
    return {
      type,
      sequence: String(this.#sequence + 1),
      publish_time_ns: wallText(this.clock.timeNs),
      receive_time_ns: wallText(receiveTimeNs),
      exchange_time_ns: String(BigInt(exchangeTimeMs) * 1_000_000n),
      symbol_index: instrument.index,
      symbol: instrument.symbol,
    };
  }
}

function wallText(timeNs: number): string {
  return String(BigInt(START_SECONDS) * 1_000_000_000n + BigInt(START_NANOS) + BigInt(timeNs));
}

function nullable(mantissa: number): number | null {
  return Number.isNaN(mantissa) ? null : mantissa;
}

function split(bids: Levels, asks: Levels) {
  return {
    bidPrices: Float64Array.from(bids, ([price]) => price),
    bidQuantities: Float64Array.from(bids, ([, quantity]) => quantity),
    askPrices: Float64Array.from(asks, ([price]) => price),
    askQuantities: Float64Array.from(asks, ([, quantity]) => quantity),
  };
}

function ladder(best: number, step: number, count: number, quantity: number): Levels {
  return Array.from({ length: count }, (_, level) => [best + step * level, quantity + 7 * level]);
}

/** Writes everything; the ring wraps twice. */
function fill(golden: GoldenRegion): void {
  for (const index of [0, 1, 2]) golden.status(index, 'syncing', 'start', -1);
  golden.status(0, 'live', 'snapshot_bridged', 160);
  golden.book(0, { lastUpdateId: 160 }, ladder(1_233_935, -5, 2, 1234), ladder(1_233_940, 5, 1, 987));
  for (let turn = 0; turn < 11; turn++) {
    golden.book(
      0,
      {
        lastUpdateId: 161 + 3 * turn,
        exchangeTimeMs: START_SECONDS * 1000 + 250 * turn,
        lastPrice: 12_339_375 + turn,
        lastPriceScale: 2,
        volume24h: 98_765_432_109 + turn,
        high24h: 1_260_000,
        low24h: 1_190_001,
      },
      ladder(1_233_935 + turn, -1, 5, 1000 + turn),
      ladder(1_233_940 + turn, 1, 1 + (turn % 5), 2000),
    );
    golden.trade(0, {
      tradeId: 3_000_000_000 + turn,
      price: 1_233_940 + turn,
      quantity: 1 + turn,
      isBuyerMaker: turn % 2 === 0,
      tradeTimeMs: START_SECONDS * 1000 + 250 * turn - 3,
      exchangeTimeMs: START_SECONDS * 1000 + 250 * turn - 1,
    });
  }
  golden.unknownRecord();
  golden.status(1, 'live', 'partial_depth', -1);
  golden.book(
    1,
    { lastUpdateId: 7_999_999_999_999, source: 'partial', exchangeTimeMs: 1_759_727_999_999 },
    ladder(441_234, -1, 3, 1),
    ladder(441_236, 1, 5, 2 ** 53 - 100),
  );
  golden.trade(1, { tradeId: 0, price: 441_235, quantity: 2 ** 53, tradeTimeMs: 0, isRefill: true });
  golden.instruments[0]!.priceScale = 2;
  golden.book(
    0,
    { lastUpdateId: 2 ** 53 - 1, lastPrice: 0, volume24h: 0, high24h: -5, low24h: -(2 ** 53), exchangeTimeMs: 1 },
    ladder(12_339_501, -1, 6, 1),
    [],
  );
  golden.status(0, 'stale', 'silent_stream', 2 ** 53 - 1);
  golden.status(0, 'live', 'silent_stream', 2 ** 53 - 1);
  golden.book(
    0,
    { lastUpdateId: 200, lastPrice: 12_339_505, volume24h: 5, high24h: 12_600_000, low24h: 11_900_010 },
    ladder(12_339_501, -1, 5, 1),
    ladder(12_339_503, 1, 5, 3),
  );
  golden.status(1, 'resyncing', 'gap', 7_999_999_999_999);
}

export function buildGolden(): Golden {
  const golden = new GoldenRegion();
  fill(golden);
  const { plan, writer } = golden.region;
  const tail = writer.ring.position;
  const bytes = golden.finish();
  const intent = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(layout.HEADER_TAIL_INTENT, true));
  const oldest = golden.records.find(({ position }) => position >= intent - plan.ringCapacity)!.position;
  const gone = golden.records.findLast(({ position }) => position < oldest)!.position;
  const eventsFrom = (start: number) =>
    golden.records.filter(({ position, event }) => position >= start && event !== undefined).map(({ event }) => event);
  const lostFrom = (start: number) => [{ type: 'lost', bytes: String(tail - start) }];
  const last = golden.records.at(-1)!.position;
  const description = {
    layout_version: layout.LAYOUT_VERSION,
    header: {
      layout_version: layout.LAYOUT_VERSION,
      flags: layout.FLAG_CHECKSUMS,
      total_bytes: String(TOTAL_BYTES),
      generation: '1',
      start_time_ns: wallText(0),
      writer_pid: PID,
      symbol_count: 3,
      depth_max: DEPTH_MAX,
      slot_stride: plan.slotStride,
      first_position: String(FIRST_POSITION),
      directory_offset: String(layout.HEADER_BYTES),
      slots_offset: String(plan.slotsOffset),
      ring_offset: String(plan.ringOffset),
      ring_capacity: String(plan.ringCapacity),
      writer_state: layout.WRITER_RUNNING,
      heartbeat_time_ns: wallText(0),
      tail_intent: String(intent),
      tail: String(tail),
    },
    liveness: 'silent',
    symbols: golden.instruments.map(({ symbol }) => symbol),
    slots: golden.slots,
    reads: [
      { start_position: String(oldest), events: eventsFrom(oldest) },
      { start_position: String(last), events: eventsFrom(last) },
      { start_position: String(tail), events: [] },
      { start_position: String(gone), events: lostFrom(gone) },
      { start_position: String(FIRST_POSITION), events: lostFrom(FIRST_POSITION) },
    ],
    variants: [
      {
        name: 'the writer was killed while it wrote a record',
        patches: [int64Patch(layout.HEADER_TAIL_INTENT, intent + 320)],
        reads: [
          { start_position: String(oldest), events: lostFrom(oldest) },
          { start_position: String(last), events: eventsFrom(last) },
        ],
      },
      { name: 'closed', patches: [uint32Patch(layout.HEADER_WRITER_STATE, 2)], liveness: 'closed' },
      { name: 'replaced', patches: [uint32Patch(layout.HEADER_WRITER_STATE, 3)], liveness: 'replaced' },
    ],
    corruptions: corruptions(bytes, golden, oldest, tail),
  };
  return { bytes, description };
}

function corruptions(bytes: Uint8Array, golden: GoldenRegion, oldest: number, tail: number): Json[] {
  const { plan } = golden.region;
  const slot = plan.slotsOffset;
  const record = plan.ringOffset + (oldest % plan.ringCapacity);
  const book = golden.records.find(({ position, event }) => position >= oldest && event?.type === 'book')!.position;
  const bookRecord = plan.ringOffset + (book % plan.ringCapacity);
  const atOpen = (name: string, error: string, ...patches: Json[]) => ({ name, patches, at: 'open', error });
  const corruptAtOpen = (field: string, ...patches: Json[]) => atOpen(`impossible ${field}`, 'CORRUPT', ...patches);
  const atLatest = (name: string, error: string, patch: Json, verify = false) => ({
    name,
    patches: [patch],
    at: 'latest',
    symbol: 'BTCUSDT',
    verify,
    error,
  });
  const atNext = (name: string, patch: Json, start = oldest, verify = false) => ({
    name,
    patches: [patch],
    at: 'next',
    start_position: String(start),
    verify,
    error: 'CORRUPT',
  });
  return [
    { name: 'empty file', truncate_to: 0, at: 'open', error: 'NOT_A_REGION' },
    { name: 'half a header', truncate_to: 256, at: 'open', error: 'NOT_A_REGION' },
    { name: 'end cut off', truncate_to: TOTAL_BYTES - 64, at: 'open', error: 'TRUNCATED' },
    atOpen('total_bytes larger than the file', 'TRUNCATED', int64Patch(layout.HEADER_TOTAL_BYTES, TOTAL_BYTES + 64)),
    atOpen('wrong magic', 'NOT_A_REGION', { offset: 0, hex: '4d4b544453484d31' }),
    atOpen('layout version 2', 'WRONG_VERSION', uint32Patch(layout.HEADER_LAYOUT_VERSION, 2)),
    atOpen('layout version 0', 'WRONG_VERSION', uint32Patch(layout.HEADER_LAYOUT_VERSION, 0)),
    corruptAtOpen('directory_offset', int64Patch(layout.HEADER_DIRECTORY_OFFSET, 1024)),
    corruptAtOpen('symbol_count 0', uint32Patch(layout.HEADER_SYMBOL_COUNT, 0)),
    corruptAtOpen('symbol_count', uint32Patch(layout.HEADER_SYMBOL_COUNT, 0xffffffff)),
    corruptAtOpen('depth_max 0', uint32Patch(layout.HEADER_DEPTH_MAX, 0)),
    corruptAtOpen('depth_max', uint32Patch(layout.HEADER_DEPTH_MAX, 0xffffffff)),
    corruptAtOpen('slot_stride, too small', uint32Patch(layout.HEADER_SLOT_STRIDE, 192)),
    corruptAtOpen('slot_stride, unaligned', uint32Patch(layout.HEADER_SLOT_STRIDE, plan.slotStride + 8)),
    corruptAtOpen('slots_offset', int64Patch(layout.HEADER_SLOTS_OFFSET, 64)),
    corruptAtOpen('ring_offset, negative', int64Patch(layout.HEADER_RING_OFFSET, -64)),
    corruptAtOpen('ring_offset, within the slots', int64Patch(layout.HEADER_RING_OFFSET, plan.slotsOffset)),
    corruptAtOpen('ring_capacity 0', int64Patch(layout.HEADER_RING_CAPACITY, 0)),
    corruptAtOpen('ring_capacity, unaligned', int64Patch(layout.HEADER_RING_CAPACITY, plan.ringCapacity - 8)),
    corruptAtOpen('ring_capacity, beyond the end', int64Patch(layout.HEADER_RING_CAPACITY, plan.ringCapacity + 64)),
    corruptAtOpen('ring_capacity, overflowing', { offset: layout.HEADER_RING_CAPACITY, hex: 'c0ffffffffffff7f' }),
    corruptAtOpen('first_position', int64Patch(layout.HEADER_FIRST_POSITION, 8)),
    atLatest('slot half written', 'SLOT_UNFINISHED', int64Patch(slot, 9_999)),
    atLatest('slot with length 0', 'CORRUPT', uint32Patch(slot + 64, 0)),
    atLatest('slot longer than its stride', 'CORRUPT', uint32Patch(slot + 64, plan.slotStride)),
    atLatest('slot with too many bids', 'CORRUPT', uint32Patch(slot + 64 + layout.BOOK_BID_COUNT, DEPTH_MAX + 1)),
    atLatest('slot with a wrong price', 'CORRUPT', flip(bytes, slot + 64 + layout.BOOK_LEVELS), true),
    atNext('record of length 0', uint32Patch(record, 0)),
    atNext('record with an unaligned length', uint32Patch(record, 100)),
    atNext('record longer than the ring', uint32Patch(record, 1 << 20)),
    atNext('symbol_index beyond the directory', uint32Patch(record + layout.RECORD_SYMBOL_INDEX, 3)),
    atNext('too many asks', uint32Patch(bookRecord + layout.BOOK_ASK_COUNT, 0xffffffff), book),
    atNext('a wrong price', flip(bytes, bookRecord + layout.BOOK_LEVELS), book, true),
    atNext('tail, unaligned', int64Patch(layout.HEADER_TAIL, tail - 8)),
    atNext('tail behind the cursor', int64Patch(layout.HEADER_TAIL, oldest - 64)),
  ];
}

function int64Patch(offset: number, value: number): Json {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigInt64(0, BigInt(value), true);
  return { offset, hex: Buffer.from(bytes.buffer).toString('hex') };
}

function uint32Patch(offset: number, value: number): Json {
  const bytes = new DataView(new ArrayBuffer(4));
  bytes.setUint32(0, value, true);
  return { offset, hex: Buffer.from(bytes.buffer).toString('hex') };
}

function flip(bytes: Uint8Array, offset: number): Json {
  return { offset, hex: Buffer.from([bytes[offset]! ^ 1]).toString('hex') };
}
