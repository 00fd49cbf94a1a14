import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyCounter } from './reply-counter.ts';

/** Feeds the bytes in pieces, cut at the given places, and notes what is reported. */
function reported(bytes: Uint8Array, cuts: readonly number[] = []): string[] {
  const events: string[] = [];
  const counter = new ReplyCounter({
    onReply: () => events.push('reply'),
    onErrorReply: (text) => events.push(text),
    onProtocolError: () => events.push('protocol error'),
  });
  let from = 0;
  for (const cut of [...cuts].sort((left, right) => left - right)) {
    counter.consume(bytes.subarray(from, cut));
    from = cut;
  }
  counter.consume(bytes.subarray(from));
  return events;
}

describe('replies', () => {
  it('are counted in order, with the text of errors', () => {
    expect(reported(Buffer.from('+OK\r\n:12\r\n-OOM command not allowed\r\n+PONG\r\n:0\r\n'))).toEqual([
      'reply',
      'reply',
      'OOM command not allowed',
      'reply',
      'reply',
    ]);
  });

  it('are the same wherever chunks are cut', () => {
    const line = fc.constantFrom(
      '+OK\r\n',
      ':0\r\n',
      ':123456\r\n',
      '-READONLY You can not\r\n',
      '-ERR x\r\n',
      '+PONG\r\n',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), fc.array(fc.nat(400), { maxLength: 30 }), (lines, cuts) => {
        const bytes = Buffer.from(lines.join(''));
        const expected = lines.map((text) => (text.startsWith('-') ? text.slice(1, -2) : 'reply'));
        expect(
          reported(
            bytes,
            cuts.map((cut) => cut % (bytes.length + 1)),
          ),
        ).toEqual(expected);
      }),
    );
  });

  it('of any other kind are a protocol error, after which nothing is read', () => {
    for (const text of ['$5\r\nhello\r\n+OK\r\n', '*2\r\n', '>3\r\n', 'HTTP/1.1 400\r\n', '\r\n', '\0'])
      expect(reported(Buffer.from(text))).toEqual(['protocol error']);
  });

  it('that are errors of any length are cut to what can be logged', () => {
    expect(reported(Buffer.from(`-ERR ${'x'.repeat(100_000)}\r\n+OK\r\n`))).toEqual([
      `ERR ${'x'.repeat(252)}`,
      'reply',
    ]);
  });

  it('made of any bytes never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const events = reported(bytes);
        expect(events.filter((event) => event === 'protocol error').length).toBeLessThanOrEqual(1);
      }),
    );
  });
});
