import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { type MessageListener, MessageReader } from './message-reader.ts';

// A failure prints its seed and path; MARKET_DATA_SEED repeats it.
const SEED = process.env.MARKET_DATA_SEED;
const PARAMETERS = { numRuns: 300, ...(SEED === undefined ? {} : { seed: Number(SEED) }) };

type Seen = string;

/** Exported by the package, not by its types. */
const { Sender } = ws as unknown as { Sender: { frame(data: Buffer, options: object): Buffer[] } };

class Recorder implements MessageListener {
  readonly seen: Seen[] = [];

  onMessage(message: Uint8Array): void {
    this.seen.push(`message ${Buffer.from(message).toString('hex')}`);
  }

  onCompressedMessage(message: Uint8Array): void {
    this.seen.push(`compressed ${Buffer.from(message).toString('hex')}`);
  }

  onPing(payload: Uint8Array): void {
    this.seen.push(`ping ${Buffer.from(payload).toString('hex')}`);
  }

  onClose(code: number, reason: string): void {
    this.seen.push(`close ${code} ${reason}`);
  }
}

interface FrameOptions {
  readonly opcode: number;
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  readonly mask?: boolean;
}

/** Written by the library that servers are most often built with, not by our own encoder. */
function frame(data: Uint8Array, { opcode, fin = true, rsv1 = false, mask = false }: FrameOptions): Buffer {
  const options = { fin, rsv1, opcode, mask, readOnly: true, generateMask: undefined, maskBuffer: Buffer.alloc(4) };
  return Buffer.concat(Sender.frame(Buffer.from(data), options));
}

/** Every read overwrites the same memory, as a socket's buffer does. */
function deliver(reader: MessageReader, bytes: Uint8Array, cuts: readonly number[]): void {
  const memory = new Uint8Array(bytes.length + 16);
  const places = [...new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  let at = 0;
  for (const place of places) {
    memory.fill(0xee);
    memory.set(bytes.subarray(at, place));
    reader.consume(memory, place - at);
    at = place;
  }
}

function read(bytes: Uint8Array, cuts: readonly number[] = [], isCompressionAgreed = false, max?: number): Seen[] {
  const recorder = new Recorder();
  const reader = new MessageReader(recorder, isCompressionAgreed, max);
  deliver(reader, bytes, cuts);
  return recorder.seen;
}

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ minLength: 120, maxLength: 130 }),
  fc.integer({ min: 65_530, max: 65_545 }).map((length) => new Uint8Array(length).fill(length & 0xff)),
);
const control = fc.uint8Array({ maxLength: 125 });
const part = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('message' as const),
      pieces: fc.array(payload, { minLength: 1, maxLength: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('message' as const),
      pieces: fc.array(payload, { minLength: 2, maxLength: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('ping' as const),
      pieces: fc.array(control, { minLength: 1, maxLength: 1 }),
    }),
  },
);

describe('messages from bytes', () => {
  test('any messages, whole or fragmented, with pings between fragments, cut anywhere, come out as they were sent', () => {
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 40 }),
        control,
        (parts, cuts, ping) => {
          const bytes: Buffer[] = [];
          const expected: Seen[] = [];
          for (const { kind, pieces } of parts) {
            if (kind === 'ping') {
              bytes.push(frame(pieces[0]!, { opcode: 9 }));
              expected.push(`ping ${Buffer.from(pieces[0]!).toString('hex')}`);
              continue;
            }
            pieces.forEach((piece, index) => {
              bytes.push(frame(piece, { opcode: index === 0 ? 1 : 0, fin: index === pieces.length - 1 }));
              if (index === pieces.length - 1) return;
              bytes.push(frame(ping, { opcode: 9 }));
              expected.push(`ping ${Buffer.from(ping).toString('hex')}`);
            });
            expected.push(`message ${Buffer.concat(pieces).toString('hex')}`);
          }
          expect(read(Buffer.concat(bytes), cuts)).toEqual(expected);
        },
      ),
      PARAMETERS,
    );
  });

  test('whatever bytes come, it hands on or refuses, and reads nothing behind a closing frame', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
        const outcome = (places: readonly number[]): unknown => {
          const recorder = new Recorder();
          try {
            deliver(new MessageReader(recorder, true), bytes, places);
          } catch (error) {
            recorder.seen.push((error as Error).name);
          }
          return recorder.seen;
        };
        // Where the bytes are cut makes no difference to what is seen.
        expect(outcome(cuts)).toEqual(outcome([]));
      }),
      PARAMETERS,
    );
  });

  test('a closing frame is the last', () => {
    const close = frame(Buffer.concat([Uint8Array.of(0x03, 0xf0), Buffer.from('too many')]), { opcode: 8 });
    const after = frame(Buffer.from('x'), { opcode: 1 });
    expect(read(Buffer.concat([close, after]))).toEqual(['close 1008 too many']);
    expect(read(frame(new Uint8Array(0), { opcode: 8 }))).toEqual(['close 1005 ']);
  });

  test('pauses behind a compressed message, and goes on with what has come meanwhile', () => {
    const recorder = new Recorder();
    const reader = new MessageReader(recorder, true);
    const bytes = Buffer.concat([
      frame(Buffer.from('a'), { opcode: 1, rsv1: true }),
      frame(Buffer.from('b'), { opcode: 1 }),
      frame(Buffer.from('c'), { opcode: 1, rsv1: true }),
      frame(Buffer.from('d'), { opcode: 1 }),
    ]);
    deliver(reader, bytes.subarray(0, 5), []);
    expect(recorder.seen).toEqual(['compressed 61']);
    deliver(reader, bytes.subarray(5), [1, 2]);
    expect(recorder.seen).toHaveLength(1);
    reader.resume();
    expect(recorder.seen).toEqual(['compressed 61', 'message 62', 'compressed 63']);
    expect(reader.isPaused).toBe(true);
    reader.resume();
    expect(recorder.seen.at(-1)).toBe('message 64');
  });

  const one = Buffer.from('1');
  test.each<[string, Buffer, number]>([
    ['a masked frame', frame(one, { opcode: 1, mask: true }), 1002],
    ['a masked frame of 200 bytes', frame(Buffer.alloc(200), { opcode: 1, mask: true }), 1002],
    ['a reserved bit', Buffer.from([0xa1, 0x01, 0x31]), 1002],
    ['a compressed frame that was not agreed to', frame(one, { opcode: 1, rsv1: true }), 1002],
    ['an unknown data type', frame(one, { opcode: 3 }), 1002],
    ['an unknown control type', frame(one, { opcode: 11 }), 1002],
    ['a continuation of nothing', frame(one, { opcode: 0 }), 1002],
    [
      'a message inside another',
      Buffer.concat([frame(one, { opcode: 1, fin: false }), frame(one, { opcode: 1 })]),
      1002,
    ],
    ['a fragmented ping', frame(one, { opcode: 9, fin: false }), 1002],
    ['a ping of 126 bytes', frame(Buffer.alloc(126), { opcode: 9 }), 1002],
    ['half a closing code', frame(one, { opcode: 8 }), 1002],
    ['a frame above the limit', Buffer.from([0x81, 0x7e, 0x03, 0xe9]), 1009],
    ['a frame of 2^63 - 1 bytes', Buffer.from([0x81, 0x7f, 0x7f, 255, 255, 255, 255, 255, 255, 255]), 1009],
    [
      'fragments above the limit together',
      Buffer.concat([
        frame(Buffer.alloc(600), { opcode: 1, fin: false }),
        frame(Buffer.alloc(600), { opcode: 0, fin: false }),
      ]),
      1009,
    ],
  ])('%s is refused', (_what, bytes, closeCode) => {
    for (const cuts of [[], [1], [1, 2, 3, 4, 5, 6, 7]]) {
      expect(() => read(bytes, cuts, false, 1000)).toThrow(expect.objectContaining({ closeCode }));
    }
  });
});
