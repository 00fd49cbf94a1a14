import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { LIMITS } from '../limits.ts';
import { SystemClock } from '../model/clock.ts';
import { LabelledCounter } from '../model/counters.ts';
import { AttemptBudget } from './backoff.ts';
import { Route, type RouteOwner } from './route.ts';

/** A server whose sockets the tests hold in their hands. */
class Exchange {
  readonly sockets: WebSocket[] = [];
  readonly http: Server = createServer();
  readonly ws = new WebSocketServer({ noServer: true });
  answer: 'accept' | 'redirect' | 'refuse' = 'accept';

  async listen(): Promise<string> {
    this.http.on('upgrade', (request, socket, head) => {
      if (this.answer === 'redirect') socket.end('HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n');
      else if (this.answer === 'refuse') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
      else this.ws.handleUpgrade(request, socket, head, (client) => this.sockets.push(client));
    });
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}/stream`;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

describe('route', () => {
  let exchange: Exchange;
  let url: string;
  let route: Route | undefined;
  const clock = new SystemClock();
  const frames: string[] = [];
  const seen: string[] = [];
  const events: string[] = [];
  const owner: RouteOwner = {
    onBatchStart: () => undefined,
    onBatchEnd: () => undefined,
    onFrame: (_connection, frame) => frames.push(Buffer.from(frame).toString()),
    onRouteUp: () => seen.push('up'),
    onRouteDown: () => seen.push('down'),
    onConnectionEvent: (_route, event, detail) => events.push(`${event} ${JSON.stringify(detail)}`),
  };

  function start(options: { url?: string; redundancy?: number; rotateAfterMs?: number } = {}): Route {
    const plan = { route: 'public', url: options.url ?? url, streams: [] };
    route = new Route(plan, owner, new LabelledCounter(), {
      clock,
      compression: false,
      reconnectDelayMs: 10,
      reconnectDelayMaxMs: 50,
      redundancy: options.redundancy ?? 1,
      rotateAfterMs: options.rotateAfterMs ?? 1e9,
      attempts: new AttemptBudget({ count: 1000, perMs: 60_000 }),
      subscribeMessages: () => [],
    });
    route.start();
    return route;
  }

  beforeEach(async () => {
    frames.length = 0;
    seen.length = 0;
    events.length = 0;
    exchange = new Exchange();
    url = await exchange.listen();
  });

  afterEach(async () => {
    route?.stop('shutdown');
    await exchange.close();
  });

  test('hands on frames as bytes', async () => {
    start();
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(1));
    exchange.sockets[0]!.send('{"a":1}');
    await vi.waitFor(() => expect(frames).toEqual(['{"a":1}']));
    expect(seen).toEqual(['up']);
  });

  test('logs in with the user and password of the URL, and does not log them', async () => {
    const logins: (string | undefined)[] = [];
    exchange.http.on('upgrade', ({ headers }) => logins.push(headers.authorization));
    start({ url: url.replace('ws://', 'ws://us%65r:sec%40ret@') });
    await vi.waitFor(() => expect(events.some((event) => event.startsWith('open'))).toBe(true));
    expect(logins).toEqual([`Basic ${Buffer.from('user:sec@ret').toString('base64')}`]);
    expect(events.join()).not.toMatch(/sec|us%65r/);
  });

  test('a flood is read in portions, and the event loop has a turn between two of them', async () => {
    start();
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(1));
    const frame = 'x'.repeat(4096);
    const portions: number[] = [];
    let counted = 0;
    const countTurn = (): void => {
      portions.push(frames.length - counted);
      counted = frames.length;
      turn = setImmediate(countTurn);
    };
    let turn = setImmediate(countTurn);
    for (let count = 0; count < 500; count++) exchange.sockets[0]!.send(frame);
    await vi.waitFor(() => expect(frames).toHaveLength(500), 5000);
    clearImmediate(turn);
    // What was read from the socket already is handed on all the same: two reads of 64 KiB at most.
    expect(Math.max(...portions) * frame.length).toBeLessThanOrEqual(LIMITS.read_bytes_per_turn_max + 2 * 65_536);
  });

  test.each([
    ['close_frame', (socket: WebSocket) => socket.close(1008, 'too many messages')],
    ['reset', (socket: WebSocket) => socket.terminate()],
    [
      'protocol_error',
      (socket: WebSocket) =>
        (socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(
          Buffer.from([0xff, 0xff, 0xff]),
        ),
    ],
  ])('reconnects after %s, with the reason counted', async (reason, end) => {
    const started = start();
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(1));
    end(exchange.sockets[0]!);
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(2));
    await vi.waitFor(() => expect(seen).toEqual(['up', 'down', 'up']));
    expect([...started.disconnects.counts]).toEqual([[reason, 1]]);
  });

  test.each([
    ['redirect', 'redirect'],
    ['refuse', 'handshake_refused'],
  ] as const)('a handshake answered with %s is tried again', async (answer, reason) => {
    exchange.answer = answer;
    const started = start();
    await vi.waitFor(() => expect(started.disconnects.get(reason)).toBeGreaterThanOrEqual(2));
    exchange.answer = 'accept';
    await vi.waitFor(() => expect(started.isUp).toBe(true));
    expect(seen).toEqual(['up']);
  });

  test('a name that does not resolve and a port where nobody listens are told apart', async () => {
    const unresolved = start({ url: 'ws://exchange.invalid/' });
    await vi.waitFor(() => expect(unresolved.disconnects.get('dns_failure')).toBeGreaterThan(0), 5000);
    unresolved.stop('shutdown');
    const closed = new Exchange();
    const closedUrl = await closed.listen();
    await closed.close();
    const refused = start({ url: closedUrl });
    await vi.waitFor(() => expect(refused.disconnects.get('connection_refused')).toBeGreaterThan(0));
  });

  test('rotates without a gap: the successor delivers before the old socket is closed', async () => {
    const started = start({ rotateAfterMs: 1 });
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(1));
    await vi.waitFor(() => expect(started.isUp).toBe(true));
    const ticking = setInterval(() => {
      for (const socket of exchange.sockets.slice(0, 2)) socket.send('tick');
      started.check(clock.nowNs());
    }, 20);
    let closeCode = 0;
    exchange.sockets[0]!.on('close', (code) => {
      closeCode = code;
    });
    await vi.waitFor(() => expect(started.disconnects.get('rotated')).toBeGreaterThan(0), 5000);
    clearInterval(ticking);
    expect(seen).toEqual(['up']);
    expect(started.isUp).toBe(true);
    await vi.waitFor(() => expect(closeCode).toBe(1000));
  });

  test('with redundancy two sockets run, and one may end without the route going down', async () => {
    const started = start({ redundancy: 2 });
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(2));
    await vi.waitFor(() => expect(started.isOverlapping).toBe(true));
    exchange.sockets[0]!.terminate();
    await vi.waitFor(() => expect(exchange.sockets).toHaveLength(3));
    await vi.waitFor(() => expect(started.isOverlapping).toBe(true));
    expect(seen).toEqual(['up']);
  });

  test('stops with code 1000 and does not come back', async () => {
    const started = start();
    await vi.waitFor(() => expect(started.isUp).toBe(true));
    const closed = new Promise<number>((resolve) => exchange.sockets[0]!.on('close', resolve));
    started.stop('shutdown');
    expect(await closed).toBe(1000);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(exchange.sockets).toHaveLength(1);
    expect(started.disconnects.get('shutdown')).toBe(1);
  });
});
