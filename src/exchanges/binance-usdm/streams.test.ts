import { describe, expect, it } from 'vitest';
import { UsageError } from '../../model/errors.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { StreamOptions } from '../exchange.ts';
import { planConnections, subscribeMessages } from './streams.ts';

function instruments(...symbols: string[]): Instrument[] {
  return symbols.map((symbol, index) => ({ index, symbol, priceScale: 2, quantityScale: 3 }));
}

function many(count: number): Instrument[] {
  return instruments(...Array.from({ length: count }, (_, index) => `COIN${String(index).padStart(4, '0')}USDT`));
}

const DIFF: StreamOptions = { wsUrl: 'wss://fstream.binance.com', depthMode: 'diff', depth: 20, audit: false };

describe('the sockets of a few symbols', () => {
  it('are one for depth and one for trades, all named in the URL, in lower case', () => {
    const plans = planConnections(instruments('BTCUSDT', 'ETHUSDT'), DIFF);
    expect(plans.map(({ route, url }) => [route, url])).toEqual([
      ['public', 'wss://fstream.binance.com/public/stream?streams=btcusdt@depth@100ms/ethusdt@depth@100ms'],
      ['market', 'wss://fstream.binance.com/market/stream?streams=btcusdt@aggTrade/ethusdt@aggTrade'],
    ]);
    expect(plans[0]!.streams.map(({ name, kind, instrument }) => [name, kind, instrument.symbol])).toEqual([
      ['btcusdt@depth@100ms', 'depth', 'BTCUSDT'],
      ['ethusdt@depth@100ms', 'depth', 'ETHUSDT'],
    ]);
    expect(plans.flatMap(subscribeMessages)).toEqual([]);
  });

  it('carry the best bid and offer too when books are audited', () => {
    const [publicPlan] = planConnections(instruments('BTCUSDT'), { ...DIFF, audit: true });
    expect(publicPlan!.streams.map(({ name, kind }) => [name, kind])).toEqual([
      ['btcusdt@depth@100ms', 'depth'],
      ['btcusdt@bookTicker', 'top'],
    ]);
  });

  it.each([
    [1, 'btcusdt@depth5@100ms'],
    [5, 'btcusdt@depth5@100ms'],
    [6, 'btcusdt@depth10@100ms'],
    [20, 'btcusdt@depth20@100ms'],
    [1000, 'btcusdt@depth20@100ms'],
  ])('without REST carry the smallest top of book that covers %i levels, and the ticker', (depth, name) => {
    const plans = planConnections(instruments('BTCUSDT'), { ...DIFF, depthMode: 'partial', depth, audit: true });
    expect(plans.map((plan) => plan.streams.map((stream) => stream.name))).toEqual([
      [name],
      ['btcusdt@aggTrade', 'btcusdt@ticker'],
    ]);
  });

  it('percent-encode a symbol that is not ASCII', () => {
    const [plan] = planConnections(instruments('币安人生USDT'), DIFF);
    expect(plan!.url).toContain('?streams=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@depth@100ms');
    expect(plan!.streams[0]!.name).toBe('币安人生usdt@depth@100ms');
  });
});

describe('the sockets of many symbols', () => {
  it('hold at most 1024 streams each and share them evenly, depth and trades in turn', () => {
    const plans = planConnections(many(1500), DIFF);
    expect(plans.map(({ route, streams }) => [route, streams.length])).toEqual([
      ['public', 750],
      ['market', 750],
      ['public-2', 750],
      ['market-2', 750],
    ]);
    const names = plans.flatMap((plan) => plan.streams.map((stream) => stream.name));
    expect(new Set(names).size).toBe(3000);
  });

  it('keep all streams of a symbol on one socket', () => {
    const plans = planConnections(many(513), { ...DIFF, audit: true }).filter(({ route }) =>
      route.startsWith('public'),
    );
    expect(plans.map(({ streams }) => streams.length)).toEqual([514, 512]);
  });

  it('subscribe by message where the URL would be too long, each stream once and within ten messages', () => {
    const [plan] = planConnections(many(1024), DIFF);
    expect(plan!.url).toBe('wss://fstream.binance.com/public/stream');
    const messages = subscribeMessages(plan!).map((text) => JSON.parse(text));
    expect(messages.length).toBeLessThan(10);
    expect(messages.map(({ method, id }) => [method, id])).toEqual(
      messages.map((_, index) => ['SUBSCRIBE', index + 1]),
    );
    expect(messages.flatMap(({ params }) => params)).toEqual(plan!.streams.map(({ name }) => name));
  });

  it('of no symbols are none', () => {
    expect(planConnections([], DIFF)).toEqual([]);
  });
});

describe('the base URL', () => {
  it.each([
    ['wss://fstream.binance.com/', 'wss://fstream.binance.com/public/stream?'],
    ['wss://fstream.binance.com/stream', 'wss://fstream.binance.com/public/stream?'],
    ['wss://fstream.binance.com/stream/', 'wss://fstream.binance.com/public/stream?'],
    ['ws://127.0.0.1:9001/exchange', 'ws://127.0.0.1:9001/exchange/public/stream?'],
    ['ws://user:secret@proxy.local:80/', 'ws://user:secret@proxy.local/public/stream?'],
  ])('%s is accepted', (wsUrl, start) => {
    expect(planConnections(instruments('BTCUSDT'), { ...DIFF, wsUrl })[0]!.url.startsWith(start)).toBe(true);
  });

  it.each(['', 'fstream.binance.com', 'https://fstream.binance.com', 'wss://host/?streams=x', 'wss://host/#x'])(
    '"%s" is refused',
    (wsUrl) => {
      expect(() => planConnections(instruments('BTCUSDT'), { ...DIFF, wsUrl })).toThrow(UsageError);
    },
  );
});
