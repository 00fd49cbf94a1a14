/*
 * The straightforward service as a process.
 *
 *   node dist/bench/baseline/service.js --symbols=A,B --exchange-ws-url=… --exchange-rest-url=… --redis-url=…
 */
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import { type Snapshot, Straightforward } from './straightforward.ts';

const { values } = parseArgs({
  options: {
    symbols: { type: 'string' },
    'exchange-ws-url': { type: 'string' },
    'exchange-rest-url': { type: 'string' },
    'redis-url': { type: 'string' },
  },
});
const symbols = values.symbols!.split(',');
const service = new Straightforward(new Redis(values['redis-url']!), symbols);
const streams = symbols.map((symbol) => `${symbol.toLowerCase()}@depth@100ms`).join('/');
const socket = new WebSocket(`${values['exchange-ws-url']}/public/stream?streams=${streams}`);
socket.on('message', (message: Buffer) => service.onMessage(message));
socket.on('open', async () => {
  for (const symbol of symbols) {
    const answer = await fetch(`${values['exchange-rest-url']}/fapi/v1/depth?symbol=${symbol}&limit=1000`);
    service.onSnapshot(symbol, (await answer.json()) as Snapshot);
  }
  console.log('listening');
});
