import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RegionHeader } from './header.ts';
import { loadInt64, readInt64, writeInt64 } from './int64.ts';
import * as layout from './layout.ts';
import { RecordReader, readerScratchBytes } from './record-reader.ts';
import { RingReader } from './ring-reader.ts';
import { type RingPlace, RingWriter } from './ring-writer.ts';

type Ahead = Pick<RingPlace, 'bytesAhead' | 'announceBytes'>;
/** For tests that count what is overwritten. */
const NOTHING_AHEAD: Ahead = { bytesAhead: 0, announceBytes: 0 };

/** A ring in ordinary memory with status-like records of any length, whose sequence tells them apart. */
class Ring {
  readonly buffer: ArrayBuffer;
  readonly words: Uint32Array;
  readonly floats: Float64Array;
  readonly writer: RingWriter;
  readonly header: RegionHeader;
  readonly firstPosition: number;
  written = 0;

  constructor(ringCapacity: number, firstPosition: number, ahead: Ahead = NOTHING_AHEAD) {
    this.buffer = new ArrayBuffer(layout.HEADER_BYTES + ringCapacity + readerScratchBytes(1));
    this.words = new Uint32Array(this.buffer);
    this.floats = new Float64Array(this.buffer);
    this.firstPosition = firstPosition;
    const place = { ringOffset: layout.HEADER_BYTES, ringCapacity, firstPosition };
    this.writer = new RingWriter(this.buffer, { ...place, ...ahead });
    this.header = { ...place, depthMax: 1, flags: 0 } as RegionHeader;
  }

  write(length: number): void {
    this.fill(this.writer.claim(length), length);
    this.writer.publish();
  }

  fill(word: number, length: number): void {
    this.words.fill(0, word, word + length / 4);
    this.words[word] = length;
    this.words[word + 1] = layout.TYPE_STATUS;
    writeInt64(this.words, word + 2, Float64Array.of(++this.written), 0);
  }

  reader(): RingReader {
    return new RingReader(this.buffer, this.header, new RecordReader(this.buffer, ['A'], 1));
  }

  get tail(): number {
    return loadInt64(this.floats, layout.HEADER_TAIL / 8);
  }
}

const CAPACITY = 64 * 37;
/** 64 to 256 bytes: at most an eighth of the ring. */
const lengths = fc.integer({ min: 1, max: 4 }).map((units) => units * 64);
/** Positions about to wrap their low word, at the start, and near the end of what a double holds. */
const firstPositions = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 40 }).map((units) => 2 ** 32 - units * 64),
  fc.integer({ min: 1, max: 40 }).map((units) => 5 * 2 ** 32 - units * 64),
  fc.constant(2 ** 53 - 2 ** 22),
);
/** Cache lines taken and bytes announced ahead of the records: none to a quarter of the ring each. */
const aheads: fc.Arbitrary<Ahead> = fc.record({
  bytesAhead: fc.integer({ min: 0, max: 9 }).map((units) => units * 64),
  announceBytes: fc.integer({ min: 0, max: 9 }).map((units) => units * 64),
});

describe('the ring', () => {
  test('a reader that keeps up gets every record, in order, and loses nothing', () => {
    fc.assert(
      fc.property(firstPositions, aheads, fc.array(lengths, { maxLength: 300 }), (firstPosition, ahead, records) => {
        const ring = new Ring(CAPACITY, firstPosition, ahead);
        const reader = ring.reader();
        for (const length of records) {
          ring.write(length);
          expect(reader.next()).toMatchObject({ kind: 'status', sequence: ring.written });
          expect(reader.next()).toBeUndefined();
        }
        expect(reader.bytesLost).toBe(0);
        expect(reader.bytesRead).toBe(ring.tail - firstPosition);
      }),
    );
  });

  test('whatever a reader loses is told to the byte: read + lost = written', () => {
    const turns = fc.array(fc.record({ writes: fc.array(lengths, { maxLength: 60 }), reads: fc.nat(40) }));
    fc.assert(
      fc.property(firstPositions, aheads, turns, (firstPosition, ahead, schedule) => {
        const ring = new Ring(CAPACITY, firstPosition, ahead);
        const reader = ring.reader();
        let expected = 1;
        for (const { writes, reads } of schedule) {
          for (const length of writes) ring.write(length);
          for (let read = 0; read < reads; read++) {
            const event = reader.next();
            if (event === undefined) expect(expected).toBe(ring.written + 1);
            else if (event.kind === 'lost') expected = ring.written + 1;
            else expect(event).toMatchObject({ kind: 'status', sequence: expected++ });
          }
          expect(reader.bytesRead + reader.bytesLost).toBe(reader.cursor - firstPosition);
        }
        while (reader.next() !== undefined);
        expect(reader.bytesRead + reader.bytesLost).toBe(ring.tail - firstPosition);
      }),
    );
  });

  test('a reader keeps exactly one ring of room', () => {
    const ring = new Ring(64 * 16, 0);
    const reader = ring.reader();
    for (let count = 0; count < 16; count++) ring.write(64);
    expect(reader.next()).toMatchObject({ kind: 'status', sequence: 1 });
    for (let count = 0; count < 2; count++) ring.write(64);
    expect(reader.next()).toMatchObject({ kind: 'lost', bytes: 64 * 17 });
  });

  test('bytes announced ahead of the records are lost to a reader before they are overwritten', () => {
    const ring = new Ring(64 * 16, 0, { bytesAhead: 64, announceBytes: 64 * 4 });
    ring.write(64);
    const reader = ring.reader();
    reader.seek(0);
    expect(readInt64(ring.words, layout.HEADER_TAIL_INTENT / 4)).toBe(64 * 4);
    for (let count = 1; count < 12; count++) ring.write(64);
    expect(reader.next()).toMatchObject({ kind: 'status', sequence: 1 });
    for (let count = 12; count < 15; count++) ring.write(64);
    expect(readInt64(ring.words, layout.HEADER_TAIL_INTENT / 4)).toBe(64 * 16);
    expect(reader.next()).toMatchObject({ kind: 'status', sequence: 2 });
    ring.write(64);
    expect(readInt64(ring.words, layout.HEADER_TAIL_INTENT / 4)).toBe(64 * 20);
    expect(reader.next()).toMatchObject({ kind: 'lost', bytes: 64 * 14 });
  });

  test('a record that does not fit before the end of the ring comes after padding, which readers pass', () => {
    const ring = new Ring(64 * 16, 64 * 15);
    const reader = ring.reader();
    ring.write(128);
    expect(ring.words[(layout.HEADER_BYTES + 64 * 15) / 4 + 1]).toBe(layout.TYPE_PADDING);
    expect(reader.next()).toMatchObject({ sequence: 1 });
    expect(reader.bytesRead).toBe(64 + 128);
    expect(ring.tail).toBe(64 * 18);
  });

  test('a claimed record is not visible, but what it overwrites is lost already', () => {
    const ring = new Ring(64 * 16, 0);
    for (let count = 0; count < 16; count++) ring.write(64);
    const reader = ring.reader();
    reader.seek(0);
    ring.writer.claim(64);
    expect(ring.tail).toBe(64 * 16);
    expect(reader.next()).toMatchObject({ kind: 'lost', bytes: 64 * 16 });
    expect(reader.next()).toBeUndefined();
    reader.seek(64);
    expect(reader.next()).toMatchObject({ kind: 'status', sequence: 2 });
  });

  test('bytes that change while a reader looks at them are never accepted', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1023), fc.nat())), (changes) => {
        const ring = new Ring(64 * 16, 0);
        for (let count = 0; count < 16; count++) ring.write(64);
        const reader = ring.reader();
        reader.seek(0);
        ring.writer.claim(64);
        for (const [at, value] of changes) ring.words[layout.HEADER_BYTES / 4 + (at % 16)] = value;
        expect(reader.next()).toMatchObject({ kind: 'lost' });
      }),
    );
  });

  test('any garbage in stable bytes ends in an event, an error or nothing; never outside the region, never endless', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1024, maxLength: 1024 }), fc.boolean(), (garbage, isAligned) => {
        const ring = new Ring(64 * 16, 0);
        for (let count = 0; count < 16; count++) ring.write(64);
        const reader = ring.reader();
        reader.seek(0);
        new Uint8Array(ring.buffer).set(garbage, layout.HEADER_BYTES);
        // Lengths that make sense let the reader get further than the first record.
        for (let record = 0; isAligned && record < 16; record++)
          ring.words[(layout.HEADER_BYTES + record * 64) / 4] = 64;
        let steps = 0;
        try {
          while (reader.next() !== undefined) steps++;
        } catch (error) {
          expect(error).toMatchObject({ code: 'CORRUPT' });
        }
        expect(steps).toBeLessThanOrEqual(16);
        expect(reader.cursor).toBeLessThanOrEqual(1024);
      }),
    );
  });

  test('positions in memory are plain 64-bit integers', () => {
    const ring = new Ring(CAPACITY, 2 ** 32 - 64);
    for (let count = 0; count < 3; count++) ring.write(64);
    expect(new DataView(ring.buffer).getBigInt64(layout.HEADER_TAIL, true)).toBe(2n ** 32n + 128n);
    expect(readInt64(ring.words, layout.HEADER_TAIL_INTENT / 4)).toBe(2 ** 32 + 128);
  });
});
