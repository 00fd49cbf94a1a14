import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DecodedEvents } from './decoded-events.ts';
import { FastDecoder } from './fast-decoder.ts';
import { binanceUsdm } from './index.ts';
import { StreamTable } from './stream-table.ts';
import { captureFrames, capturesAbsent } from './testing/captures.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { referenceEvents } from './testing/reference-decoder.ts';

const FILES = ['usdm-btcusdt-20240808.gz', 'usdm-4symbols-20210722.ws.txt', 'usdm-frames-2026.jsonl'];

describe.skipIf(capturesAbsent !== undefined)(`captured frames${capturesAbsent ?? ''}`, () => {
  it.each(FILES)(
    '%s decodes to what JSON.parse finds in it',
    (file) => {
      const frames = captureFrames(file);
      const sink = new RecordingSink();
      const decoder = binanceUsdm.createDecoder(sink.instruments(['BTCUSDT', 'SUSHIUSDT', 'AKROUSDT', 'KEEPUSDT']));
      const reference = new RecordingSink();
      const instruments = reference.instruments(['BTCUSDT', 'SUSHIUSDT', 'AKROUSDT', 'KEEPUSDT']);
      expect(frames.length).toBeGreaterThan(9);
      for (const frame of frames) {
        decoder.decode(frame, sink);
        referenceEvents(frame, instruments, reference);
        const [told, expected] = [sink.take(), reference.take()];
        if (!isDeepStrictEqual(told, expected)) expect(told, frame.toString()).toEqual(expected);
      }
    },
    180_000,
  );

  it('are all taken by the fast decoder, once the scales are known', () => {
    const sink = new RecordingSink();
    const symbols = ['BTCUSDT', 'SUSHIUSDT', 'AKROUSDT', 'KEEPUSDT', 'CTKUSDT'];
    const instruments = symbols.map((symbol, index) => {
      const [priceScale, quantityScale] = symbol === 'BTCUSDT' ? [2, 4] : [5, 0];
      return { index, symbol, priceScale, quantityScale };
    });
    const fast = new FastDecoder(new StreamTable(instruments), new DecodedEvents());
    const frames = FILES.flatMap(captureFrames).filter((frame) =>
      /"stream":"(btc|sushi|akro|keep|ctk)usdt@(depth|aggTrade|bookTicker)/.test(frame.toString('latin1', 0, 60)),
    );
    expect(frames.length).toBeGreaterThan(70_000);
    for (const frame of frames) if (!fast.decode(frame, sink)) expect(frame.toString()).toBe('taken');
  }, 180_000);
});
