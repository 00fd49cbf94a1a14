import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Instrument } from '../../model/instrument.ts';
import { BinanceUsdmDecoder } from './decode.ts';
import { DecodedEvents } from './decoded-events.ts';
import { FastDecoder } from './fast-decoder.ts';
import { StreamTable } from './stream-table.ts';
import { commonDrafts, drafts, SYMBOLS, writeLoose, writePlain } from './testing/frame-generator.ts';
import { RecordingSink, type Told } from './testing/recording-sink.ts';
import { referenceEvents } from './testing/reference-decoder.ts';
import { TolerantDecoder } from './tolerant-decoder.ts';

// A failure prints its seed and path; MARKET_DATA_SEED repeats it. MARKET_DATA_RUNS=20 runs twenty times as many.
const SEED = process.env.MARKET_DATA_SEED;
const FACTOR = Number(process.env.MARKET_DATA_RUNS ?? 1);
const TIMEOUT_MS = 120_000 * FACTOR;
const parameters = (numRuns: number): fc.Parameters<unknown> =>
  SEED === undefined ? { numRuns: numRuns * FACTOR } : { numRuns: numRuns * FACTOR, seed: Number(SEED) };

const scales = fc.tuple(fc.integer({ min: 0, max: 8 }), fc.integer({ min: 0, max: 8 }));
type Scales = readonly [number, number];

/** One decoder of a kind for all cases: nothing may stay behind from one frame to the next. */
class Subject {
  readonly #sink = new RecordingSink();
  readonly #instruments = this.#sink.instruments(SYMBOLS);
  readonly #decode: (frame: Buffer, sink: RecordingSink) => void;

  constructor(create: (instruments: readonly Instrument[]) => (frame: Buffer, sink: RecordingSink) => void) {
    this.#decode = create(this.#instruments);
  }

  told(frame: Uint8Array, [priceScale, quantityScale]: Scales): Told[] {
    for (const instrument of this.#instruments) Object.assign(instrument, { priceScale, quantityScale });
    this.#decode(Buffer.from(frame), this.#sink);
    return this.#sink.take();
  }
}

const whole = new Subject((instruments) => {
  const decoder = new BinanceUsdmDecoder(instruments);
  return (frame, sink) => decoder.decode(frame, sink);
});
const tolerant = new Subject((instruments) => {
  const decoder = new TolerantDecoder(new StreamTable(instruments), new DecodedEvents());
  return (frame, sink) => decoder.decode(frame, sink);
});
const reference = new Subject((instruments) => (frame, sink) => referenceEvents(frame, instruments, sink));

const decoded = (frame: Uint8Array, start: Scales): Told[] => whole.told(frame, start);
const tolerantlyDecoded = (frame: Uint8Array, start: Scales): Told[] => tolerant.told(frame, start);
const expected = (frame: Uint8Array, start: Scales): Told[] => reference.told(frame, start);

/** With several faults in one frame, which of them is named is nobody's contract. */
function withoutReasons(told: readonly Told[]): Told[] {
  return told.map((call) => (call[0] === 'rejected' ? ['rejected'] : call));
}

describe('decoding equals what JSON.parse finds', () => {
  it(
    'in frames as the venue writes them',
    () => {
      fc.assert(
        fc.property(drafts, scales, (draft, start) => {
          const frame = writePlain(draft);
          const told = decoded(frame, start);
          expect(withoutReasons(told)).toEqual(withoutReasons(expected(frame, start)));
          expect(tolerantlyDecoded(frame, start)).toEqual(told);
        }),
        parameters(600),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'in frames as any JSON library may write them',
    () => {
      fc.assert(
        fc.property(drafts, scales, fc.integer(), (draft, start, seed) => {
          const frame = writeLoose(draft, seed);
          expect(withoutReasons(decoded(frame, start)), frame.toString()).toEqual(
            withoutReasons(expected(frame, start)),
          );
        }),
        parameters(1200),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'in frames that are cut off anywhere: nothing is handed on',
    () => {
      fc.assert(
        fc.property(drafts, scales, fc.integer(), fc.nat(), fc.boolean(), (draft, start, seed, cut, isPlain) => {
          const whole = isPlain ? writePlain(draft) : writeLoose(draft, seed);
          const frame = whole.subarray(0, cut % whole.length);
          expect(withoutReasons(decoded(frame, start)), frame.toString()).toEqual([['rejected']]);
        }),
        parameters(1200),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'in frames with one wrong byte',
    () => {
      fc.assert(
        fc.property(drafts, scales, fc.nat(), fc.integer({ min: 0, max: 255 }), (draft, start, at, byte) => {
          const frame = writePlain(draft);
          frame[at % frame.length] = byte;
          expect(withoutReasons(decoded(frame, start)), frame.toString()).toEqual(
            withoutReasons(expected(frame, start)),
          );
        }),
        parameters(1800),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'in two frames that follow each other: nothing of the first stays behind',
    () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(drafts, fc.integer(), fc.boolean()), { maxLength: 6 }), (list) => {
          const sink = new RecordingSink();
          const reference = new RecordingSink();
          const decoder = new BinanceUsdmDecoder(sink.instruments(SYMBOLS));
          const instruments = reference.instruments(SYMBOLS);
          for (const [draft, seed, isPlain] of list) {
            const frame = isPlain ? writePlain(draft) : writeLoose(draft, seed);
            decoder.decode(frame, sink);
            referenceEvents(frame, instruments, reference);
          }
          expect(withoutReasons(sink.take())).toEqual(withoutReasons(reference.take()));
        }),
        parameters(300),
      );
    },
    TIMEOUT_MS,
  );
});

describe('decoding anything at all', () => {
  it(
    'neither throws nor hands on events',
    () => {
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.json().map((text) => Buffer.from(text)),
        fc
          .array(fc.constantFrom(...'{}[]":,0.19eE-\\unstrbaUTpqm \n'), { maxLength: 200 })
          .map((l) => Buffer.from(l.join(''))),
      );
      fc.assert(
        fc.property(bytes, (frame) => {
          const kinds = decoded(frame, [2, 3]).map((call) => call[0]);
          expect(kinds.length).toBe(1);
          expect(['rejected', 'acknowledged']).toContain(kinds[0]);
        }),
        parameters(1500),
      );
    },
    TIMEOUT_MS,
  );

  it('bounds nesting', () => {
    const deep = Buffer.from(`{"a":${'['.repeat(1_000_000)}`);
    expect(decoded(deep, [2, 3])).toEqual([['rejected', 'malformed']]);
  });
});

describe('the fast decoder', () => {
  it(
    'hands on exactly the event that the frame holds, or leaves the frame alone',
    () => {
      fc.assert(
        fc.property(commonDrafts, fc.integer(), fc.boolean(), (draft, seed, isPlain) => {
          const frame = isPlain ? writePlain(draft) : writeLoose(draft, seed);
          const sink = new RecordingSink();
          const fast = new FastDecoder(new StreamTable(sink.instruments(SYMBOLS, 2, 3)), new DecodedEvents());
          const wasTaken = fast.decode(frame, sink);
          expect(sink.take()).toEqual(wasTaken ? expected(frame, [2, 3]) : []);
        }),
        parameters(300),
      );
    },
    TIMEOUT_MS,
  );
});
