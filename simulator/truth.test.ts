import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { SimulatedExchange } from './exchange-server.ts';
import { TestClient } from './test-client.ts';
import { bookHash } from './truth.ts';

const folder = mkdtempSync(join(tmpdir(), 'simulator-truth-'));
const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const resource of open.splice(0).reverse()) await resource.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the file has a line for every diff and trade, dropped ones included; the hash form hashes the same books', async () => {
  const file = join(folder, 'truth.jsonl');
  const hashes = new Map<number, string>();
  const exchange = await SimulatedExchange.start({
    symbols: ['BTCUSDT'],
    rate: 200,
    tradeRate: 200,
    truth: { file, levels: 5 },
    faults: [{ kind: 'drop', probability: 0.5 }],
  });
  open.push(exchange);
  const client = await TestClient.open(`${exchange.wsUrl}/public/ws/btcusdt@depth`);
  const trades = await TestClient.open(`${exchange.wsUrl}/market/ws/btcusdt@aggTrade`);
  open.push(client, trades);
  await client.until(() => client.messages.length >= 30);
  await trades.until(() => trades.messages.length >= 30);
  for (const { u } of client.messages) hashes.set(u, bookHash(exchange.truthRecord!.canonical('BTCUSDT', u)!));
  await exchange.close();
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const books = lines.filter((line) => line.kind === 'book');
  for (const diff of client.messages) {
    const book = books.find((line) => line.last_update_id === diff.u);
    expect([book.symbol, book.bids.length, book.asks.length]).toEqual(['BTCUSDT', 5, 5]);
    const canonical = [book.bids, book.asks]
      .map((side) => side.map((level: string[]) => level.join(':')).join(','))
      .join('|');
    expect(bookHash(canonical)).toBe(hashes.get(diff.u));
  }
  const ids = lines.filter((line) => line.kind === 'trade').map((line) => line.trade_id);
  ids.slice(1).forEach((id, index) => {
    expect(id).toBe(ids[index] + 1);
  });
  for (const trade of trades.messages) {
    const line = lines.find((candidate) => candidate.trade_id === trade.a);
    expect(line).toMatchObject({ symbol: 'BTCUSDT', time_ms: trade.T, is_buyer_maker: trade.m });
    expect([Number(line.price), Number(line.quantity)]).toEqual([Number(trade.p), Number(trade.q)]);
    expect(line.price).not.toMatch(/\.\d*0$/);
  }
});
