import { createDeflateRaw, deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Inflater } from './inflater.ts';

function inflate(inflater: Inflater, compressed: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    inflater.inflate(compressed, (error, message) => {
      if (error === undefined) resolve(Buffer.from(message).toString());
      else reject(error);
    });
  });
}

/** As a sender does it: flushed, without the four bytes that are always the same. */
async function deflated(stream: ReturnType<typeof createDeflateRaw>, text: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const collect = (chunk: Buffer): unknown => chunks.push(chunk);
  stream.on('data', collect);
  stream.write(text);
  await new Promise<void>((resolve) => stream.flush(2, resolve));
  stream.off('data', collect);
  return Buffer.concat(chunks).subarray(0, -4);
}

describe('inflating messages', () => {
  test('with the context of the messages before', async () => {
    const inflater = new Inflater(true);
    const stream = createDeflateRaw();
    for (const text of ['abcabcabc', 'abcabcabc', '', 'xyz']) {
      expect(await inflate(inflater, await deflated(stream, text))).toBe(text);
    }
    inflater.close();
    stream.close();
  });

  test('a message that ends its stream is whole, and so is the one after it', async () => {
    const inflater = new Inflater(true);
    for (const text of ['first', 'second', 'third']) {
      expect(await inflate(inflater, Buffer.concat([deflateRawSync(text), Buffer.alloc(1)]))).toBe(text);
      await new Promise((resolve) => setImmediate(resolve));
    }
    inflater.close();
  });

  test.each([
    ['what is not compressed', Buffer.from([0xff, 0xff, 0xff]), { fault: 'protocol_error', closeCode: 1002 }],
    ['what inflates beyond the limit', deflateRawSync(Buffer.alloc(2000)), { closeCode: 1009 }],
  ])('%s is refused, once', async (_what, bytes, expected) => {
    const inflater = new Inflater(true, 1000);
    await expect(inflate(inflater, bytes)).rejects.toMatchObject(expected);
    inflater.close();
  });
});
