import { describe, expect, it } from 'vitest';
import { PlainOrderBook, type PlainSnapshot } from './plain-order-book.ts';
import {
  missingCapture,
  readBtcusdt,
  readFourSymbolAnswers,
  readFourSymbolFrames,
  readFrames2026,
} from './read-captures.ts';

/** Prints why a recording's tests are skipped; vitest shows the name of the suite. */
function suiteName(capture: Parameters<typeof missingCapture>[0], subject: string): string {
  const missing = missingCapture(capture);
  return missing === undefined ? subject : `${subject} — SKIPPED, ${missing}`;
}

describe.skipIf(missingCapture('btcusdt') !== undefined)(suiteName('btcusdt', 'the plain book on BTCUSDT'), () => {
  it("equals the venue's own best bid and offer after every diff", () => {
    const book = new PlainOrderBook();
    const tops: { u: number; b: string; B: string; a: string; A: string }[] = [];
    const checks: { u: number; top: ReturnType<PlainOrderBook['top']> }[] = [];
    const lines = [...readBtcusdt()];
    // The snapshot first, so that the diffs that it would find in the buffer are checked one by one, too.
    book.onSnapshot(JSON.parse(lines.find(({ kind }) => kind === 'snapshot')!.json) as PlainSnapshot);
    for (const { kind, json } of lines) {
      if (kind === 'snapshot' || json.includes('@trade')) continue;
      const message = JSON.parse(json);
      if (message.data.e === 'bookTicker') tops.push(message.data);
      else if (message.data.e === 'depthUpdate' && book.onDiff(message.data)) {
        checks.push({ u: message.data.u, top: book.top(1) });
      }
    }
    expect(book.state).toBe('live');
    let at = 0;
    let compared = 0;
    const mismatches: number[] = [];
    for (const { u, top } of checks) {
      while (at + 1 < tops.length && tops[at + 1]!.u <= u) at++;
      if (at + 1 === tops.length) break;
      const { b, B, a, A } = tops[at]!;
      const [bid] = top.bids;
      const [ask] = top.asks;
      const isEqual = bid![0] === Number(b) && bid![1] === Number(B) && ask![0] === Number(a) && ask![1] === Number(A);
      if (!isEqual) mismatches.push(u);
      compared++;
    }
    expect(mismatches).toEqual([]);
    expect(compared).toBe(6545);
  }, 60_000);
});

describe.skipIf(missingCapture('fourSymbols') !== undefined)(
  suiteName('fourSymbols', 'the plain book on four symbols'),
  () => {
    it('bridges each snapshot and stays live', () => {
      const books = new Map<string, PlainOrderBook>();
      for (const { json } of readFourSymbolFrames()) {
        const { data } = JSON.parse(json);
        if (data.e !== 'depthUpdate') continue;
        if (!books.has(data.s)) books.set(data.s, new PlainOrderBook());
        books.get(data.s)!.onDiff(data);
      }
      for (const { url, json } of readFourSymbolAnswers()) {
        const symbol = new URL(url).searchParams.get('symbol')!;
        books.get(symbol)!.onSnapshot(JSON.parse(json));
      }
      expect([...books.keys()].sort()).toEqual(['AKROUSDT', 'CTKUSDT', 'KEEPUSDT', 'SUSHIUSDT']);
      for (const [symbol, book] of books) {
        const [bid] = book.top(1).bids;
        const [ask] = book.top(1).asks;
        expect({ symbol, state: book.state, isCrossed: bid![0] >= ask![0] }).toEqual({
          symbol,
          state: 'live',
          isCrossed: false,
        });
        expect(book.applied).toBeGreaterThan(0);
      }
    });
  },
);

describe.skipIf(missingCapture('frames2026') !== undefined)(suiteName('frames2026', 'frames of 2026'), () => {
  it('are JSON', () => {
    const frames = readFrames2026();
    expect(frames.length).toBeGreaterThan(0);
    for (const frame of frames) expect(JSON.parse(frame)).toBeTypeOf('object');
  });
});
