import fc from 'fast-check';
import { expect, it } from 'vitest';
import { COPY_SURPLUS_BYTES, copyText, textOf, writeText } from './ascii.ts';

const text = fc.string({ unit: 'binary', maxLength: 100 });

it('texts and copies are the bytes of UTF-8, at any place', () => {
  fc.assert(
    fc.property(text, text, fc.nat(50), (first, second, offset) => {
      const target = Buffer.alloc(2048, 0xff);
      const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
      const bytes = Buffer.from(first + second);
      let at = writeText(view, offset, textOf(first));
      at = writeText(view, at, textOf(second));
      expect(target.subarray(offset, at)).toEqual(bytes);
      const copy = Buffer.alloc(1024 + COPY_SURPLUS_BYTES, 0xff);
      const copyView = new DataView(copy.buffer, copy.byteOffset, copy.byteLength);
      const end = copyText(copyView, 3, view, offset, at);
      expect(copy.subarray(3, end)).toEqual(bytes);
    }),
  );
});
