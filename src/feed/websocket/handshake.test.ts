import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { Handshake, type HandshakeAnswer } from './handshake.ts';

const url = new URL('wss://exchange.example:9443/public/stream?streams=a/b');

function keyOf(handshake: Handshake): string {
  return /Sec-WebSocket-Key: (.+)\r\n/.exec(handshake.request)![1]!;
}

function acceptOf(handshake: Handshake): string {
  return createHash('sha1')
    .update(`${keyOf(handshake)}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
}

function answer(
  lines: (handshake: Handshake) => readonly string[],
  offerCompression = true,
): HandshakeAnswer | undefined {
  const handshake = new Handshake(url, offerCompression);
  return handshake.consume(Buffer.from(`${lines(handshake).join('\r\n')}\r\n\r\n`));
}

const UPGRADE = ['HTTP/1.1 101 Switching Protocols', 'upgrade: WebSocket', 'connection: keep-alive, Upgrade'];
const good = (handshake: Handshake): string[] => [...UPGRADE, `SEC-WEBSOCKET-ACCEPT: ${acceptOf(handshake)}`];

describe('opening handshake', () => {
  test('asks as RFC 6455 wants it, with a key of 16 bytes that is never the same', () => {
    const handshake = new Handshake(url, false);
    const { request } = handshake;
    const key = keyOf(handshake);
    expect(request).toBe(
      [
        'GET /public/stream?streams=a/b HTTP/1.1',
        'Host: exchange.example:9443',
        'Upgrade: websocket',
        'Connection: Upgrade',
        `Sec-WebSocket-Key: ${key}`,
        'Sec-WebSocket-Version: 13',
        '',
        '',
      ].join('\r\n'),
    );
    expect(Buffer.from(key, 'base64')).toHaveLength(16);
    expect(new Handshake(url, false).request).not.toBe(request);
    expect(new Handshake(url, true).request).toContain('\r\nSec-WebSocket-Extensions: permessage-deflate\r\n');
  });

  test('user and password of the URL go into a header, and nowhere else', () => {
    const { request } = new Handshake(new URL('wss://us%65r:p%40ss@exchange.example/ws'), false);
    expect(request).toContain(`\r\nAuthorization: Basic ${Buffer.from('user:p@ss').toString('base64')}\r\n`);
    expect(request).toContain('\r\nHost: exchange.example\r\n');
    expect(request).not.toContain('p%40ss');
  });

  test('an answer may come byte by byte; what stands behind it is left over', () => {
    const handshake = new Handshake(url, false);
    const bytes = Buffer.from(`${good(handshake).join('\r\n')}\r\n\r\n\x81\x01x`, 'latin1');
    for (let at = 0; at < bytes.length - 4; at++) expect(handshake.consume(bytes.subarray(at, at + 1))).toBeUndefined();
    const { compression, rest } = handshake.consume(bytes.subarray(bytes.length - 4))!;
    expect(compression).toBeUndefined();
    expect([...rest]).toEqual([0x81, 1, 0x78]);
  });

  test.each([
    ['permessage-deflate', true],
    ['permessage-deflate; server_no_context_takeover; client_no_context_takeover', false],
    ['permessage-deflate; server_max_window_bits=10', true],
  ])('compression as the server chose it: %s', (extensions, isContextKept) => {
    const lines = (handshake: Handshake) => [...good(handshake), `Sec-WebSocket-Extensions: ${extensions}`];
    expect(answer(lines)!.compression).toEqual({ isContextKept });
  });

  test.each<[string, (handshake: Handshake) => readonly string[], object]>([
    [
      'a redirect',
      () => ['HTTP/1.1 302 Found', 'Location: ws://elsewhere/'],
      { fault: 'redirect', message: 'HTTP 302' },
    ],
    ['a refusal', () => ['HTTP/1.1 403 Forbidden'], { fault: 'handshake_refused', message: 'HTTP 403' }],
    ['a refusal of an old proxy', () => ['HTTP/1.0 407 Proxy Authentication Required'], { fault: 'handshake_refused' }],
    ['a page', () => ['HTTP/1.1 200 OK'], { fault: 'handshake_refused', message: 'HTTP 200' }],
    ['no HTTP', () => ['SSH-2.0-OpenSSH'], { fault: 'protocol_error' }],
    [
      'another key',
      () => [...UPGRADE, 'Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
      { fault: 'protocol_error' },
    ],
    ['no key', () => UPGRADE, { fault: 'protocol_error' }],
    [
      'another protocol',
      (h) => [...good(h).filter((line) => !line.startsWith('upgrade')), 'Upgrade: h2c'],
      { fault: 'protocol_error' },
    ],
    ['no Connection', (h) => good(h).filter((line) => !line.startsWith('connection')), { fault: 'protocol_error' }],
    ['two keys', (h) => [...good(h), `Sec-WebSocket-Accept: ${acceptOf(h)}`], { fault: 'protocol_error' }],
    ['a subprotocol', (h) => [...good(h), 'Sec-WebSocket-Protocol: chat'], { fault: 'protocol_error' }],
    ['an unknown extension', (h) => [...good(h), 'Sec-WebSocket-Extensions: x-zip'], { fault: 'protocol_error' }],
    [
      'a parameter not asked for',
      (h) => [...good(h), 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9'],
      { fault: 'protocol_error' },
    ],
    [
      'two extensions',
      (h) => [...good(h), 'Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate'],
      { fault: 'protocol_error' },
    ],
    ['a folded header', (h) => [...good(h), ' folded'], { fault: 'protocol_error' }],
    ['a header without a name', (h) => [...good(h), ': x'], { fault: 'protocol_error' }],
  ])('%s is refused', (_what, lines, expected) => {
    expect(() => answer(lines)).toThrow(expect.objectContaining(expected));
  });

  test('an extension that was not offered is refused', () => {
    const lines = (handshake: Handshake) => [...good(handshake), 'Sec-WebSocket-Extensions: permessage-deflate'];
    expect(() => answer(lines, false)).toThrow(/Sec-WebSocket-Extensions/);
  });

  test('an endless answer is refused', () => {
    const handshake = new Handshake(url, false);
    const endless = (): void => {
      for (let count = 0; count < 20; count++) handshake.consume(Buffer.alloc(1024, 0x61));
    };
    expect(endless).toThrow(/more than 16384 bytes/);
  });
});
