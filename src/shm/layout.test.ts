import { describe, expect, test } from 'vitest';
import * as layout from './layout.ts';
import { bookRecordBytes, planRegion } from './plan.ts';

const EIGHT_BYTE_FIELDS = [
  layout.HEADER_TOTAL_BYTES,
  layout.HEADER_GENERATION,
  layout.HEADER_START_TIME_NS,
  layout.HEADER_FIRST_POSITION,
  layout.HEADER_DIRECTORY_OFFSET,
  layout.HEADER_SLOTS_OFFSET,
  layout.HEADER_RING_OFFSET,
  layout.HEADER_RING_CAPACITY,
  layout.HEADER_HEARTBEAT_TIME_NS,
  layout.HEADER_TAIL_INTENT,
  layout.HEADER_TAIL,
  layout.RECORD_SEQUENCE,
  layout.RECORD_PUBLISH_TIME_NS,
  layout.RECORD_RECEIVE_TIME_NS,
  layout.RECORD_EXCHANGE_TIME_NS,
  layout.BOOK_LAST_UPDATE_ID,
  layout.BOOK_LAST_PRICE,
  layout.BOOK_VOLUME_24H,
  layout.BOOK_HIGH_24H,
  layout.BOOK_LOW_24H,
  layout.BOOK_LEVELS,
  layout.TRADE_ID,
  layout.TRADE_PRICE,
  layout.TRADE_QUANTITY,
  layout.TRADE_TIME_NS,
  layout.STATUS_LAST_UPDATE_ID,
];

describe('layout version 1', () => {
  test('the magic number spells MKTDSHM', () => {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, layout.MAGIC_LOW, true);
    view.setUint32(4, layout.MAGIC_HIGH, true);
    expect(new TextDecoder().decode(view.buffer)).toBe('MKTDSHM\0');
  });

  test('eight-byte fields are eight-byte aligned', () => {
    for (const offset of EIGHT_BYTE_FIELDS) expect(offset % 8).toBe(0);
  });

  test('what the writer changes lies on cache-line pairs of its own', () => {
    const changing = [layout.HEADER_WRITER_STATE, layout.HEADER_TAIL_INTENT, layout.HEADER_TAIL];
    expect(changing.map((offset) => offset % 128)).toEqual([0, 0, 0]);
    expect(new Set(changing.map((offset) => offset / 128)).size).toBe(3);
    expect(layout.HEADER_RING_CAPACITY + 8).toBeLessThanOrEqual(layout.HEADER_WRITER_STATE);
  });

  test('sizes of header and records are multiples of the alignment', () => {
    for (const bytes of [layout.HEADER_BYTES, layout.BOOK_LEVELS, layout.TRADE_BYTES, layout.STATUS_BYTES]) {
      expect(bytes % layout.RECORD_ALIGNMENT).toBe(0);
    }
    expect(layout.SLOT_RECORD % layout.RECORD_ALIGNMENT).toBe(0);
  });

  test.each([
    [0, 128],
    [1, 192],
    [4, 192],
    [5, 256],
    [40, 768],
    [2000, 32128],
  ])('a book of %i levels takes %i bytes', (levels, bytes) => {
    expect(bookRecordBytes(levels)).toBe(bytes);
  });
});

describe('dividing a region', () => {
  test('four symbols with twenty levels fit the default of 1 MiB', () => {
    expect(planRegion(4, 20, 1 << 20)).toEqual({
      totalBytes: 1_048_576,
      slotStride: 832,
      slotsOffset: 640,
      ringOffset: 3968,
      ringCapacity: 1_044_608,
      bytesAhead: 768,
      announceBytes: 16_384,
    });
  });

  test('the ring takes what is left, in whole cache lines', () => {
    const plan = planRegion(3, 7, 100_001);
    expect(plan.totalBytes).toBe(99_968);
    expect(plan.ringOffset + plan.ringCapacity).toBe(plan.totalBytes);
    for (const bytes of Object.values(plan)) expect(bytes % 64).toBe(0);
  });

  test('a size that is too small is refused with the least that would do', () => {
    expect(() => planRegion(1000, 1000, 1 << 20)).toThrow(/too small for 1000 symbols.*at least (\d+) are needed/);
    const least = Number(/at least (\d+)/.exec(messageOf(() => planRegion(4, 1000, 1 << 16)))![1]);
    expect(planRegion(4, 1000, least).totalBytes).toBe(least);
    expect(() => planRegion(4, 1000, least - 1)).toThrow('too small');
  });

  test('more than 1 GiB and fractions are refused', () => {
    expect(() => planRegion(4, 20, 2 ** 31)).toThrow('1 GiB');
    expect(() => planRegion(4, 20, 1e6 + 0.5)).toThrow('1 GiB');
  });
});

function messageOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
