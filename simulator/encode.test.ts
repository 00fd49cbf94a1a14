import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { fixedText, shortestText } from './encode.ts';
import { SimulatedExchange } from './exchange-server.ts';
import { getJson, type Json, TestClient } from './test-client.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
});

test('decimals carry all places of the symbol; the shortest text is the same number', () => {
  expect(fixedText(6180020, 2)).toBe('61800.20');
  expect(fixedText(5, 3)).toBe('0.005');
  expect(fixedText(0, 3)).toBe('0.000');
  expect(fixedText(17, 0)).toBe('17');
  expect(shortestText(6180020, 2)).toBe('61800.2');
  expect(shortestText(6180000, 2)).toBe('61800');
  expect(shortestText(100, 0)).toBe('100');
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), fc.nat({ max: 8 }), (mantissa, scale) => {
      expect(Number(fixedText(mantissa, scale))).toBe(Number(`${mantissa}e-${scale}`));
      expect(Number(shortestText(mantissa, scale))).toBe(Number(`${mantissa}e-${scale}`));
      expect(shortestText(mantissa, scale)).not.toMatch(/\.\d*0$/);
    }),
  );
});

const GOLDEN = join(process.env.MARKET_DATA_CAPTURES ?? '../shared/captures', 'usdm-frames-2026.jsonl');

/** Field names in their order, and the kind of each value: what a decoder sees, without the values. */
function shape(value: Json): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).map(([key, field]) => [key, shape(field)]);
  return typeof value;
}

describe.skipIf(!existsSync(GOLDEN))('beside frames recorded from the venue', () => {
  const frames: Json[] = existsSync(GOLDEN)
    ? readFileSync(GOLDEN, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [];

  test.each([
    ['/public', 'depth20@100ms'],
    ['/public', 'depth@100ms'],
    ['/public', 'bookTicker'],
    ['/market', 'aggTrade'],
    ['/market', 'markPrice@1s'],
    ['/market', 'kline_1m'],
  ])('%s %s has the same fields in the same order', async (route, suffix) => {
    const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT'], rate: 50, tradeRate: 50 });
    open.push(exchange);
    const stream = `btcusdt@${suffix}`;
    const recorded = frames.find((frame) => frame.stream === stream);
    const client = await TestClient.open(`${exchange.wsUrl}${route}/stream?streams=${stream}`);
    open.push(client);
    // Both sides of a diff have levels, so that their shape shows.
    const isFull = (frame: Json) =>
      frame.data.e !== 'depthUpdate' || (frame.data.b.length > 0 && frame.data.a.length > 0);
    await client.until(() => client.messages.some(isFull));
    const frame = client.messages.find(isFull);
    if (recorded.data.b?.length === 0) recorded.data.b = recorded.data.a;
    expect(shape(frame)).toEqual(shape(recorded));
  });

  test('a snapshot has the same fields in the same order', async () => {
    const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT'] });
    open.push(exchange);
    const { body } = await getJson(`${exchange.restUrl}/fapi/v1/depth?symbol=BTCUSDT&limit=5`);
    expect(shape(body)).toEqual(shape(frames.find((frame) => 'lastUpdateId' in frame)));
  });
});

test('a kline has spaces after the commas within k, as the venue has them', async () => {
  const exchange = await SimulatedExchange.start({ symbols: ['BTCUSDT'], rate: 50, tradeRate: 50 });
  open.push(exchange);
  const client = await TestClient.open(`${exchange.wsUrl}/market/ws/btcusdt@kline_1m`);
  open.push(client);
  let text = '';
  client.webSocket.on('message', (data) => {
    text = data.toString();
  });
  await client.until(() => text !== '');
  expect(text).toMatch(/"k":\{"t":\d+, "T":\d+, "s":"BTCUSDT", "i":"1m", /);
});
