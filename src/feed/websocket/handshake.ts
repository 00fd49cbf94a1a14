import { createHash, randomBytes } from 'node:crypto';
import { LIMITS } from '../../limits.ts';
import { WebSocketError } from './websocket-error.ts';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HEAD_END = Buffer.from('\r\n\r\n');

/** What the server agreed to. */
export interface HandshakeAnswer {
  /** Messages may be compressed (permessage-deflate, RFC 7692); undefined: they are not. */
  readonly compression: { readonly isContextKept: boolean } | undefined;
  /** Bytes behind the answer: the first frames. */
  readonly rest: Uint8Array;
}

/** The opening handshake of a client (RFC 6455, section 4.1), without its I/O. */
export class Handshake {
  /** To be sent as it is. */
  readonly request: string;
  readonly #accept: string;
  readonly #isCompressionOffered: boolean;
  #head: Buffer = Buffer.alloc(0);

  constructor(url: URL, offerCompression: boolean) {
    const key = randomBytes(16).toString('base64');
    this.#accept = createHash('sha1')
      .update(key + ACCEPT_SUFFIX)
      .digest('base64');
    this.#isCompressionOffered = offerCompression;
    const lines = [
      `GET ${url.pathname}${url.search} HTTP/1.1`,
      `Host: ${url.host}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
    ];
    if (offerCompression) lines.push('Sec-WebSocket-Extensions: permessage-deflate');
    if (url.username !== '' || url.password !== '') {
      const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
      lines.push(`Authorization: Basic ${Buffer.from(login).toString('base64')}`);
    }
    this.request = `${lines.join('\r\n')}\r\n\r\n`;
  }

  /** Takes bytes of the answer; undefined while it is incomplete. @throws WebSocketError when it is not an upgrade, or not to this key */
  consume(bytes: Uint8Array): HandshakeAnswer | undefined {
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0 && this.#head.length <= LIMITS.ws_handshake_bytes_max) return undefined;
    if (end < 0 || end > LIMITS.ws_handshake_bytes_max) {
      throw new WebSocketError('protocol_error', `the answer has more than ${LIMITS.ws_handshake_bytes_max} bytes`);
    }
    const compression = this.#read(this.#head.toString('latin1', 0, end));
    return { compression, rest: this.#head.subarray(end + HEAD_END.length) };
  }

  #read(head: string): HandshakeAnswer['compression'] {
    const [statusLine = '', ...lines] = head.split('\r\n');
    const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) throw new WebSocketError('protocol_error', 'the answer is not HTTP');
    if (status !== 101) {
      const isRedirect = status >= 300 && status < 400;
      throw new WebSocketError(isRedirect ? 'redirect' : 'handshake_refused', `HTTP ${status}`);
    }
    const headers = readHeaders(lines);
    if (headers.get('upgrade')?.toLowerCase() !== 'websocket') throw wrong('Upgrade');
    if (!hasToken(headers.get('connection'), 'upgrade')) throw wrong('Connection');
    if (headers.get('sec-websocket-accept') !== this.#accept) throw wrong('Sec-WebSocket-Accept');
    if (headers.has('sec-websocket-protocol')) throw wrong('Sec-WebSocket-Protocol');
    const extensions = headers.get('sec-websocket-extensions');
    if (extensions === undefined) return undefined;
    if (!this.#isCompressionOffered) throw wrong('Sec-WebSocket-Extensions');
    return readCompression(extensions);
  }
}

function readHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0 || line.startsWith(' ') || line.startsWith('\t')) {
      throw new WebSocketError('protocol_error', 'the answer has a header that is none');
    }
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const former = headers.get(name);
    headers.set(name, former === undefined ? value : `${former}, ${value}`);
  }
  return headers;
}

function hasToken(value: string | undefined, token: string): boolean {
  return value?.split(',').some((part) => part.trim().toLowerCase() === token) ?? false;
}

/** One `permessage-deflate` with the parameters that a server may choose unasked (RFC 7692, section 7.1). */
function readCompression(extensions: string): { isContextKept: boolean } {
  const [name, ...parameters] = extensions.split(';').map((part) => part.trim().toLowerCase());
  if (name !== 'permessage-deflate') throw wrong('Sec-WebSocket-Extensions');
  let isContextKept = true;
  for (const parameter of parameters) {
    if (parameter === 'server_no_context_takeover') isContextKept = false;
    else if (parameter === 'client_no_context_takeover') continue;
    else if (!/^server_max_window_bits="?([89]|1[0-5])"?$/.test(parameter)) throw wrong('Sec-WebSocket-Extensions');
  }
  return { isContextKept };
}

function wrong(header: string): WebSocketError {
  return new WebSocketError('protocol_error', `the answer's ${header} is not what was asked for`);
}
