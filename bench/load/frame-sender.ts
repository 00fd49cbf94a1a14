/*
 * Sends recorded depth frames through `ws`, compressed where the client asks for it, as many as its URL says, once it says go.
 *
 *   node dist/bench/load/frame-sender.js btcusdt|four-symbols
 */
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { RecordedLoop, type RecordingName } from './recorded-loop.ts';

const WAITING_BYTES_MAX = 1 << 20;
const RUN = 32;

const loop = RecordedLoop.open(process.argv[2] as RecordingName);
if (loop === undefined) process.exit(1);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: { threshold: 0 } });
server.on('listening', () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
server.on('connection', (client, request) => {
  const count = Number(new URL(request.url!, 'ws://load').searchParams.get('frames'));
  client.once('message', () => void send(client, count));
});

async function send(client: WebSocket, count: number): Promise<void> {
  for (let sent = 0; sent < count && client.readyState === client.OPEN; ) {
    while (client.bufferedAmount > WAITING_BYTES_MAX) await new Promise((resolve) => setImmediate(resolve));
    // Copied, because compression is asynchronous and the loop's own memory is rewritten.
    for (const end = Math.min(count, sent + RUN); sent < end; sent++) client.send(loop!.frame(sent).toString());
    await new Promise((resolve) => setImmediate(resolve));
  }
}
