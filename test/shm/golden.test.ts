import * as fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildGolden } from './golden.ts';
import { describeEvent, openForTest } from './golden-reading.ts';

const BYTES = new URL('../../clients/golden/v1.bin', import.meta.url);
const JSON_FILE = new URL('../../clients/golden/v1.json', import.meta.url);

interface Patch {
  readonly offset: number;
  readonly hex: string;
}
interface Read {
  readonly start_position: string;
  readonly events: unknown[];
}

describe('golden bytes of layout version 1', () => {
  const built = buildGolden();
  if (process.env.UPDATE_GOLDEN === '1') {
    fs.writeFileSync(BYTES, built.bytes);
    fs.writeFileSync(JSON_FILE, `${JSON.stringify(built.description, null, 1)}\n`);
  }
  const bytes = new Uint8Array(fs.readFileSync(BYTES));
  const golden = JSON.parse(fs.readFileSync(JSON_FILE, 'utf8'));
  let reading: ReturnType<typeof openForTest>;
  beforeEach(() => {
    reading = openForTest();
  });
  afterEach(() => reading.dispose());

  test('the writer still writes the same bytes', () => {
    expect(Buffer.from(built.bytes).equals(Buffer.from(bytes))).toBe(true);
    expect(JSON.parse(JSON.stringify(built.description))).toEqual(golden);
  });

  test('the golden ring wraps, with padding, and the low word of its positions with it', () => {
    const { first_position, tail, ring_capacity } = golden.header;
    expect(Number(tail) - Number(first_position)).toBeGreaterThan(Number(ring_capacity));
    expect(Number(first_position)).toBeLessThan(2 ** 32);
    expect(Number(tail)).toBeGreaterThan(2 ** 32);
    const types = new Set(golden.reads[0].events.map((event: { type: string }) => event.type));
    expect([...types].sort()).toEqual(['book', 'status', 'trade']);
  });

  test('padding and an unknown type lie between the events that are read', () => {
    const types: number[] = [];
    const view = new DataView(bytes.buffer);
    const { ring_offset, ring_capacity, tail } = golden.header;
    for (let position = Number(golden.reads[0].start_position); position < Number(tail); ) {
      const at = Number(ring_offset) + (position % Number(ring_capacity));
      types.push(view.getUint32(at + 4, true));
      position += view.getUint32(at, true);
    }
    expect(types).toContain(1);
    expect(types).toContain(77);
    expect(types.length - 2).toBe(golden.reads[0].events.length);
  });

  test('symbols, slots and liveness', () => {
    const reader = reading.open(bytes);
    expect(reader.symbols).toEqual(golden.symbols);
    expect(golden.symbols.map((symbol: string) => describeEvent(reader.latest(symbol)))).toEqual(golden.slots);
    expect(reader.writerState()).toBe(golden.liveness);
  });

  test.each<Read>(golden.reads)('events from position $start_position', (read) => {
    expect(reading.read(bytes, read.start_position)).toEqual(read.events);
  });

  test.each<{ name: string; patches: Patch[]; reads?: Read[]; liveness?: string }>(golden.variants)(
    '$name',
    (variant) => {
      const changed = patched(bytes, variant.patches);
      for (const read of variant.reads ?? []) {
        expect(reading.read(changed, read.start_position)).toEqual(read.events);
      }
      if (variant.liveness !== undefined) expect(reading.open(changed).writerState()).toBe(variant.liveness);
    },
  );

  test.each<{
    name: string;
    patches?: Patch[];
    truncate_to?: number;
    at: string;
    symbol?: string;
    verify?: boolean;
    start_position?: string;
    error: string;
  }>(golden.corruptions)('$name: $error', (corruption) => {
    const changed = patched(bytes, corruption.patches ?? []).slice(0, corruption.truncate_to);
    const verify = corruption.verify === true;
    expect(() => {
      const reader = reading.open(changed, { verify });
      if (corruption.at === 'latest') reader.latest(corruption.symbol!);
      if (corruption.at === 'next') reading.read(changed, corruption.start_position!, { verify });
      if (corruption.at === 'open') reader.next();
    }).toThrow(expect.objectContaining({ name: 'ShmError', code: corruption.error }));
    if (verify) expect(() => reading.open(changed).latest('BTCUSDT')).not.toThrow();
  });
});

function patched(bytes: Uint8Array, patches: readonly Patch[]): Uint8Array {
  const changed = bytes.slice();
  for (const { offset, hex } of patches) changed.set(Buffer.from(hex, 'hex'), offset);
  return changed;
}
