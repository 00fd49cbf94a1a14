import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../limits.ts';
import type { DepthUpdate } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { BinanceUsdmDecoder } from './decode.ts';
import { DecodedEvents } from './decoded-events.ts';
import { FastDecoder } from './fast-decoder.ts';
import { StreamTable } from './stream-table.ts';
import { fixtureFrame, fixtureFrameNames } from './testing/fixtures.ts';
import { RecordingSink, type Told } from './testing/recording-sink.ts';
import { referenceEvents } from './testing/reference-decoder.ts';

function instruments(): Instrument[] {
  return [
    { index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 },
    { index: 1, symbol: 'ETHUSDT', priceScale: 2, quantityScale: 3 },
  ];
}

function decoded(frame: Uint8Array): Told[] {
  const sink = new RecordingSink();
  new BinanceUsdmDecoder(instruments()).decode(frame, sink);
  return sink.take();
}

const DIFF = [
  'depth',
  'BTCUSDT',
  1001,
  1010,
  990,
  1790000000100,
  ['50000.1 x 1.5', '49999.9 x 0'],
  ['50000.2 x 0.003'],
];

describe('a depth frame', () => {
  it.each(['diff', 'diff, reordered', 'diff, loose'])('written as "%s" is the same diff', (name) => {
    expect(decoded(fixtureFrame(name))).toEqual([DIFF]);
  });

  it('may have the fields that came in 2026', () => {
    expect(decoded(fixtureFrame('diff 2026'))).toEqual([
      ['depth', 'BTCUSDT', 1015, 1015, 1010, 1790000000200, [], ['50000.2 x 12.345']],
    ]);
  });

  it('is a top of book when its stream name says so, and only then', () => {
    expect(decoded(fixtureFrame('partial'))[0]?.slice(0, 3)).toEqual(['partial', 'BTCUSDT', 1001]);
    expect(decoded(fixtureFrame('depth, bare'))).toEqual([['rejected', 'unknown_stream']]);
  });

  it('that is finer than the instrument widens its scale first, once', () => {
    const frame = fixtureFrame('diff, finer quantity');
    const sink = new RecordingSink();
    const decoder = new BinanceUsdmDecoder(instruments());
    const update = ['depth', 'BTCUSDT', 1020, 1030, 1015, 1790000000300, ['50000.1 x 1.50005'], []];
    decoder.decode(frame, sink);
    expect(sink.take()).toEqual([['scale', 'BTCUSDT', 1, 5], update]);
    decoder.decode(frame, sink);
    expect(sink.take()).toEqual([update]);
  });

  it('is rejected as out of range when the receiver does not widen', () => {
    class StubbornSink extends RecordingSink {
      override onScale(): void {}
    }
    const sink = new StubbornSink();
    new BinanceUsdmDecoder(instruments()).decode(fixtureFrame('diff, finer quantity'), sink);
    expect(sink.take()).toEqual([['rejected', 'out_of_range']]);
  });

  it('never widens a scale to where its own prices are out of range', () => {
    const text = fixtureFrame('diff').toString().replace('"49999.90"', '"0.000000000001"');
    expect(decoded(Buffer.from(text))).toEqual([['rejected', 'out_of_range']]);
  });

  it.each([
    ['diff, one level malformed', 'malformed'],
    ['diff, side missing', 'malformed'],
    ['diff, id beyond 2^53', 'out_of_range'],
    ['diff, another symbol within', 'malformed'],
    ['wrong event', 'unknown_event'],
  ])('%s: rejected whole', (name, reason) => {
    expect(decoded(fixtureFrame(name))).toEqual([['rejected', reason]]);
  });

  it('holds as many levels as the limit says, and no more', () => {
    const levels = (count: number): Buffer => {
      const side = Array.from({ length: count }, (_, index) => `["${index + 1}.0","1.000"]`).join(',');
      return Buffer.from(
        fixtureFrame('diff')
          .toString()
          .replace(/"b":\[.*\],"a":\[.*\]\}\}/, `"b":[${side}],"a":[]}}`),
      );
    };
    const [told] = decoded(levels(LIMITS.levels_per_update_max));
    expect((told![6] as string[]).at(-1)).toBe(`${LIMITS.levels_per_update_max} x 1`);
    expect(decoded(levels(LIMITS.levels_per_update_max + 1))).toEqual([['rejected', 'malformed']]);
  });

  it('reuses one update for all frames', () => {
    const seen: DepthUpdate[] = [];
    class KeepingSink extends RecordingSink {
      override onDepth(update: DepthUpdate): void {
        seen.push(update);
      }
    }
    const decoder = new BinanceUsdmDecoder(instruments());
    for (const name of ['diff', 'diff, loose', 'diff 2026']) decoder.decode(fixtureFrame(name), new KeepingSink());
    expect(new Set(seen).size).toBe(1);
  });
});

describe('a trade', () => {
  const trade = (isBuyerMaker: boolean): Told => [
    'trade',
    'ETHUSDT',
    77,
    '2500.5',
    '0.125',
    isBuyerMaker,
    1790000000390,
    1790000000400,
    false,
  ];

  it('is an aggregate trade with its own id, time and side', () => {
    expect(decoded(fixtureFrame('aggregate trade'))).toEqual([trade(true)]);
    expect(decoded(fixtureFrame('aggregate trade 2026'))).toEqual([trade(false)]);
  });

  it('may come from the trade stream, or without an envelope', () => {
    expect(decoded(fixtureFrame('trade'))[0]?.slice(0, 4)).toEqual(['trade', 'BTCUSDT', 500, '50000.1']);
    expect(decoded(fixtureFrame('trade, bare'))[0]?.slice(0, 4)).toEqual(['trade', 'BTCUSDT', 504, '50000.1']);
  });

  it.each(['trade, not available', 'trade, insurance fund', 'trade, price 0'])('%s: is none', (name) => {
    expect(decoded(fixtureFrame(name))).toEqual([['rejected', 'not_a_trade']]);
  });

  it('without a side is rejected', () => {
    expect(decoded(fixtureFrame('aggregate trade, side missing'))).toEqual([['rejected', 'malformed']]);
  });
});

describe('the other events', () => {
  it.each(['best bid and offer', 'best bid and offer 2026'])('%s', (name) => {
    expect(decoded(fixtureFrame(name))).toEqual([
      ['top', 'BTCUSDT', 1010, '50000.1', '1.5', '50000.2', '0.003', 1790000000091],
    ]);
  });

  it('24 h ticker', () => {
    expect(decoded(fixtureFrame('24 h ticker'))).toEqual([
      ['ticker', 'BTCUSDT', '50000.1', '51000', '49000.5', '123456.789', 1790000000500],
    ]);
  });

  it.each([
    ['kline', 'unknown_stream'],
    ['unknown symbol', 'unknown_symbol'],
    ['something else', 'unknown_event'],
  ])('%s: %s', (name, reason) => {
    expect(decoded(fixtureFrame(name))).toEqual([['rejected', reason]]);
  });
});

describe('an answer to a subscription', () => {
  it.each(['acknowledged', 'subscriptions'])('%s', (name) => {
    expect(decoded(fixtureFrame(name))).toEqual([['acknowledged', undefined]]);
  });

  it('with an error says code and message, fit to be logged', () => {
    expect(decoded(fixtureFrame('refused'))).toEqual([['acknowledged', '2: Invalid request: unknown variant\\n']]);
    expect(decoded(fixtureFrame('refused, flat'))).toEqual([['acknowledged', '-1003: Too many requests.']]);
  });
});

describe('every fixture', () => {
  const answers = ['refused', 'refused, flat'];

  it.each(fixtureFrameNames.filter((name) => !answers.includes(name)))('%s: as JSON.parse has it', (name) => {
    const reference = new RecordingSink();
    referenceEvents(fixtureFrame(name), instruments(), reference);
    expect(decoded(fixtureFrame(name))).toEqual(reference.take());
  });

  it.each([
    'diff',
    'diff 2026',
    'partial',
    'aggregate trade',
    'aggregate trade 2026',
    'best bid and offer',
    'best bid and offer 2026',
  ])('%s: taken by the fast decoder', (name) => {
    const sink = new RecordingSink();
    const fast = new FastDecoder(new StreamTable(instruments()), new DecodedEvents());
    expect(fast.decode(fixtureFrame(name), sink)).toBe(true);
    expect(sink.take()).toEqual(decoded(fixtureFrame(name)));
  });

  it.each(['diff, loose', 'diff, one level malformed', 'trade', 'acknowledged'])('%s: left by it', (name) => {
    const sink = new RecordingSink();
    const fast = new FastDecoder(new StreamTable(instruments()), new DecodedEvents());
    expect(fast.decode(fixtureFrame(name), sink)).toBe(false);
    expect(sink.take()).toEqual([]);
  });
});
