import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { LIMITS } from '../../limits.ts';
import { WebSocketClient, type WebSocketEnd, type WebSocketListener } from './client.ts';

class Recorder implements WebSocketListener {
  readonly messages: string[] = [];
  readonly ends: WebSocketEnd[] = [];
  opened = 0;
  pings = 0;
  reads = 0;
  isReading = false;

  onOpen(): void {
    this.opened += 1;
  }

  onReadStart(): void {
    this.reads += 1;
    this.isReading = true;
  }

  onMessage(message: Uint8Array): void {
    expect(this.isReading).toBe(true);
    this.messages.push(Buffer.from(message).toString());
  }

  onReadEnd(): void {
    this.isReading = false;
  }

  onPing(): void {
    this.pings += 1;
  }

  onEnd(end: WebSocketEnd): void {
    this.ends.push(end);
  }
}

describe('client of a WebSocket server', () => {
  let server: WebSocketServer;
  let url: string;
  let sockets: WebSocket[];
  let recorder: Recorder;
  let client: WebSocketClient | undefined;

  async function listen(perMessageDeflate: boolean | object = false): Promise<void> {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
    server.on('connection', (socket) => sockets.push(socket));
    await once(server, 'listening');
    url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  async function open(compression = false): Promise<WebSocket> {
    client = new WebSocketClient(url, recorder, { compression });
    await vi.waitFor(() => expect(recorder.opened).toBe(1));
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    return sockets[0]!;
  }

  beforeEach(() => {
    sockets = [];
    recorder = new Recorder();
  });

  afterEach(async () => {
    client?.terminate();
    for (const socket of sockets) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  test('messages of any size go both ways', async () => {
    await listen();
    const socket = await open();
    const echoed: string[] = [];
    socket.on('message', (data) => echoed.push((data as Buffer).toString()));
    const texts = [0, 1, 125, 126, 65_535, 65_536, 1_000_000].map(
      (length) => 'é'.repeat(length / 2) + 'x'.repeat(length % 2),
    );
    for (const text of texts) {
      socket.send(text);
      client!.send(text);
    }
    await vi.waitFor(() => expect(recorder.messages).toHaveLength(texts.length));
    await vi.waitFor(() => expect(echoed).toHaveLength(texts.length));
    expect(recorder.messages).toEqual(texts);
    expect(echoed).toEqual(texts);
  });

  test.each([
    ['the context kept', true],
    ['no context kept', { serverNoContextTakeover: true }],
  ])('compressed messages, %s, come in order, also between plain ones', async (_what, deflate) => {
    await listen(typeof deflate === 'object' ? { ...deflate, threshold: 0 } : { threshold: 0 });
    const socket = await open(true);
    expect(socket.extensions).toBe('permessage-deflate');
    const texts = Array.from({ length: 200 }, (_, index) => `${index} ${'abc'.repeat(index * 20)}`);
    for (const [index, text] of texts.entries()) socket.send(text, { compress: index % 3 !== 0 });
    await vi.waitFor(() => expect(recorder.messages).toHaveLength(texts.length));
    expect(recorder.messages).toEqual(texts);
  });

  test('compression that the server does not want is not used', async () => {
    await listen();
    const socket = await open(true);
    socket.send('plain');
    await vi.waitFor(() => expect(recorder.messages).toEqual(['plain']));
  });

  test('a message that inflates beyond the limit ends the connection with code 1009', async () => {
    await listen({ threshold: 0 });
    const socket = await open(true);
    const closed = once(socket, 'close');
    socket.send(Buffer.alloc(LIMITS.frame_bytes_max + 1));
    expect((await closed)[0]).toBe(1009);
    expect(recorder.ends).toEqual([
      { error: expect.objectContaining({ fault: 'protocol_error' }), code: 1006, reason: '' },
    ]);
    expect(recorder.messages).toEqual([]);
  });

  test('a message of the largest size is taken, a larger one ends the connection with code 1009', async () => {
    await listen();
    const socket = await open();
    const closed = once(socket, 'close');
    socket.send(Buffer.alloc(LIMITS.frame_bytes_max - 10, 0x20));
    socket.send(Buffer.alloc(LIMITS.frame_bytes_max));
    expect((await closed)[0]).toBe(1009);
    expect(recorder.messages.map(({ length }) => length)).toEqual([LIMITS.frame_bytes_max - 10]);
    expect(recorder.ends).toHaveLength(1);
  });

  test('answers pings with what they carry', async () => {
    await listen();
    const socket = await open();
    const pong = once(socket, 'pong');
    socket.ping('1764111111');
    expect(String((await pong)[0])).toBe('1764111111');
    expect(recorder.pings).toBe(1);
  });

  test('the server closes: code and reason are reported once, and it gets its answer', async () => {
    await listen();
    const socket = await open();
    const closed = once(socket, 'close');
    socket.close(1008, 'too many messages');
    expect((await closed)[0]).toBe(1008);
    expect(recorder.ends).toEqual([{ error: undefined, code: 1008, reason: 'too many messages' }]);
    expect(client!.isOpen).toBe(false);
  });

  test('the server vanishes: reported as 1006', async () => {
    await listen();
    (await open()).terminate();
    await vi.waitFor(() => expect(recorder.ends).toHaveLength(1));
    expect(recorder.ends[0]!.code).toBe(1006);
  });

  test('closing: the server sees the code, nothing is handed on or reported any more', async () => {
    await listen();
    const socket = await open();
    const closed = once(socket, 'close');
    socket.send('late');
    client!.close(1000);
    expect(client!.isOpen).toBe(false);
    expect((await closed)[0]).toBe(1000);
    expect(recorder.ends).toEqual([]);
    expect(recorder.messages).toEqual([]);
  });

  test('an exception of the listener is not taken for one of the connection', async () => {
    await listen();
    const socket = await open();
    recorder.onMessage = () => {
      throw new TypeError('a mistake');
    };
    const caught = new Promise<Error>((resolve) => {
      process.prependOnceListener('uncaughtException', resolve);
    });
    const others = process.listeners('uncaughtException').slice(1);
    for (const listener of others) process.off('uncaughtException', listener);
    try {
      socket.send('x');
      expect((await caught).message).toBe('a mistake');
    } finally {
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});

describe('client of a server that misbehaves', () => {
  let server: Server;
  let port: number;
  let sockets: Socket[];
  let recorder: Recorder;
  let client: WebSocketClient | undefined;

  beforeEach(async () => {
    sockets = [];
    recorder = new Recorder();
    server = createServer((socket) => sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });

  afterEach(async () => {
    client?.terminate();
    vi.useRealTimers();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  test('a handshake that is not answered is given up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    client = new WebSocketClient(`ws://127.0.0.1:${port}/`, recorder, { compression: false });
    vi.advanceTimersByTime(LIMITS.ws_handshake_timeout_ms);
    expect(recorder.ends).toEqual([
      { error: expect.objectContaining({ fault: 'handshake_timeout' }), code: 1006, reason: '' },
    ]);
  });

  test('an answer that is no HTTP ends the attempt', async () => {
    client = new WebSocketClient(`ws://127.0.0.1:${port}/`, recorder, { compression: false });
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    sockets[0]!.write('+PONG\r\n\r\n');
    await vi.waitFor(() => expect(recorder.ends).toHaveLength(1));
    expect(recorder.ends[0]!.error).toMatchObject({ fault: 'protocol_error' });
    expect(recorder.opened).toBe(0);
  });

  test('a server without TLS is told apart from one that is not there', async () => {
    client = new WebSocketClient(`wss://127.0.0.1:${port}/`, recorder, { compression: false });
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    sockets[0]!.once('data', () => sockets[0]!.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await vi.waitFor(() => expect(recorder.ends).toHaveLength(1));
    expect((recorder.ends[0]!.error as NodeJS.ErrnoException).code).toMatch(/SSL/);
  });
});
