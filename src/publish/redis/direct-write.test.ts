import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeDirectly } from './direct-write.ts';

let server: Server;
let socket: Socket;
let peer: Socket;
let received: Buffer[];

beforeEach(async () => {
  received = [];
  server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connected = once(server, 'connection') as Promise<[Socket]>;
  socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  [peer] = await connected;
  peer.on('data', (chunk: Buffer) => received.push(chunk));
  peer.pause();
  socket.on('error', () => {});
  await vi.waitFor(() => expect(socket.connecting).toBe(false));
});

afterEach(async () => {
  socket.destroy();
  peer.destroy();
  await new Promise((resolve) => server.close(resolve));
});

test('what the kernel does not take goes through the stream, in order', async () => {
  const sent: Buffer[] = [];
  const size = 100_000;
  let written = size;
  for (let count = 0; written === size; count++) {
    const bytes = Buffer.alloc(size + 10, count);
    sent.push(bytes.subarray(0, size));
    written = writeDirectly(socket, bytes, size);
  }
  expect(written).toBeLessThan(size);
  socket.write(sent.at(-1)!.subarray(written));
  peer.resume();
  await vi.waitFor(() => expect(received.reduce((sum, { length }) => sum + length, 0)).toBe(sent.length * size));
  expect(Buffer.concat(received).equals(Buffer.concat(sent))).toBe(true);
});

test('takes nothing when the socket is gone', () => {
  socket.destroy();
  expect(writeDirectly(socket, Buffer.from('x'), 1)).toBe(0);
  expect(writeDirectly(new Socket(), Buffer.from('x'), 1)).toBe(0);
});

test('never writes below TLS', async () => {
  const secure = new TLSSocket(socket);
  secure.on('error', () => {});
  expect(writeDirectly(secure, Buffer.from('plain text'), 10)).toBe(0);
  secure.destroy();
  peer.resume();
  await once(peer, 'close');
  expect(Buffer.concat(received).includes('plain text')).toBe(false);
});
