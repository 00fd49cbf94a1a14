import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { LIMITS } from '../../limits.ts';
import { closeFrame, pongFrame, textFrame } from './client-frames.ts';
import { Handshake } from './handshake.ts';
import { Inflater } from './inflater.ts';
import { type MessageListener, MessageReader } from './message-reader.ts';
import { WebSocketError } from './websocket-error.ts';

export interface WebSocketListener {
  onOpen(): void;
  /** Something was read: messages may come, before `onReadEnd`. */
  onReadStart(): void;
  /** Text and binary messages alike. The bytes are valid until the call returns. */
  onMessage(message: Uint8Array): void;
  onReadEnd(): void;
  onPing(): void;
  /** Called once, whatever the cause, unless {@link WebSocketClient.close} or {@link WebSocketClient.terminate} was called before. */
  onEnd(end: WebSocketEnd): void;
}

export interface WebSocketEnd {
  /** What failed; undefined when the server closed in order, or vanished. */
  readonly error: Error | undefined;
  /** Of the server's closing frame: 1005 when it has none, 1006 when there was no closing frame. */
  readonly code: number;
  readonly reason: string;
}

export interface WebSocketClientOptions {
  readonly compression: boolean;
}

/** `failed`: the server broke the protocol; it has been told so, and nothing more is read. */
type Phase = 'connecting' | 'open' | 'closing' | 'failed' | 'ended';

/**
 * The client's end of a WebSocket (RFC 6455) on sockets of node:net and node:tls that read into one buffer of ours, again and again
 * (`onread`). The `ws` package, which serves the simulator here, goes through two of Node's streams for each read and allocates
 * 64 KB for it; docs/PERFORMANCE.md has what that costs.
 */
export class WebSocketClient implements MessageListener {
  readonly #listener: WebSocketListener;
  readonly #handshake: Handshake;
  readonly #socket: Socket;
  readonly #readBuffer = new Uint8Array(LIMITS.ws_read_bytes);
  #deadline: NodeJS.Timeout;
  #reader: MessageReader | undefined;
  #inflater: Inflater | undefined;
  #phase: Phase = 'connecting';
  #bytesUntilTurn: number = LIMITS.read_bytes_per_turn_max;
  #error: Error | undefined;

  /** Dials at once. @param url ws: or wss: */
  constructor(url: string, listener: WebSocketListener, options: WebSocketClientOptions) {
    this.#listener = listener;
    const parsed = new URL(url);
    this.#handshake = new Handshake(parsed, options.compression);
    this.#socket = this.#dial(parsed);
    this.#socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket.on('close', () => this.#end());
    this.#deadline = setTimeout(() => {
      this.#fail(new WebSocketError('handshake_timeout', `not open after ${LIMITS.ws_handshake_timeout_ms} ms`));
    }, LIMITS.ws_handshake_timeout_ms);
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** Of the connection, the handshake included. */
  get bytesRead(): number {
    return this.#socket.bytesRead;
  }

  /** A text message. Nothing is sent unless the connection is open. */
  send(text: string): void {
    if (this.#phase === 'open') this.#socket.write(textFrame(text));
  }

  /** The closing handshake, and the end after a while if the server does not answer it. Nothing more is reported. */
  close(code: number): void {
    if (this.#phase === 'open') this.#startClosing(code, 'closing');
    else if (this.#phase === 'connecting') this.terminate();
  }

  /** The end at once. Nothing more is reported. */
  terminate(): void {
    this.#phase = 'ended';
    this.#release();
  }

  // --- messages

  onMessage(message: Uint8Array): void {
    if (this.#phase === 'open') this.#listener.onMessage(message);
  }

  onCompressedMessage(message: Uint8Array): void {
    this.#inflater?.inflate(message, (error, inflated) => this.#onInflated(error, inflated));
  }

  onPing(payload: Uint8Array): void {
    // A server that pings without reading the answers does not fill the memory with them.
    const hasRoom = this.#socket.writableLength <= LIMITS.ws_unsent_bytes_max;
    if (this.#phase !== 'open') return;
    if (hasRoom) this.#socket.write(pongFrame(payload));
    this.#listener.onPing();
  }

  onClose(code: number, reason: string): void {
    if (this.#phase === 'closing') {
      this.terminate();
      return;
    }
    // The server ends the connection once it has the answer.
    this.#startClosing(code === 1005 ? 1000 : code, 'closing');
    this.#listener.onEnd({ error: undefined, code, reason });
  }

  // --- the socket

  #dial(url: URL): Socket {
    const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
    const isSecure = url.protocol === 'wss:';
    const port = url.port === '' ? (isSecure ? 443 : 80) : Number(url.port);
    const onread = { buffer: this.#readBuffer, callback: (bytes: number): boolean => this.#onRead(bytes) };
    const onConnect = (): void => this.#onConnect();
    if (!isSecure) return connectPlain({ host, port, onread, noDelay: true }, onConnect);
    const servername = isIP(host) === 0 ? host : '';
    // Documented for node:tls too ("onread"), but missing in its types.
    const options = { host, port, servername, onread, ALPNProtocols: ['http/1.1'] };
    return connectTls(options, onConnect).setNoDelay(true);
  }

  #onConnect(): void {
    if (this.#phase === 'connecting') this.#socket.write(this.#handshake.request);
  }

  /** False: nothing more is read before the socket is resumed. */
  #onRead(bytes: number): boolean {
    if (this.#phase === 'connecting') this.#onHandshakeBytes(bytes);
    else if (this.#phase === 'open' || this.#phase === 'closing') this.#consume(this.#readBuffer, bytes);
    if (this.#reader?.isPaused) return false;
    this.#bytesUntilTurn -= bytes;
    if (this.#bytesUntilTurn >= 0) return true;
    this.#bytesUntilTurn = LIMITS.read_bytes_per_turn_max;
    setImmediate(() => this.#readOn());
    return false;
  }

  #onHandshakeBytes(bytes: number): void {
    try {
      const answer = this.#handshake.consume(this.#readBuffer.subarray(0, bytes));
      if (answer === undefined) return;
      const { compression, rest } = answer;
      if (compression !== undefined) this.#inflater = new Inflater(compression.isContextKept);
      this.#reader = new MessageReader(this, compression !== undefined);
      clearTimeout(this.#deadline);
      this.#phase = 'open';
      this.#listener.onOpen();
      if (rest.length > 0) this.#consume(rest, rest.length);
    } catch (error) {
      this.#fail(error);
    }
  }

  #consume(bytes: Uint8Array, end: number): void {
    this.#listener.onReadStart();
    try {
      this.#reader!.consume(bytes, end);
    } catch (error) {
      this.#fail(error);
    }
    this.#listener.onReadEnd();
  }

  #onInflated(error: Error | undefined, message: Uint8Array): void {
    if (this.#phase !== 'open' && this.#phase !== 'closing') return;
    this.#listener.onReadStart();
    try {
      if (error !== undefined) throw error;
      this.onMessage(message);
      this.#reader!.resume();
    } catch (failure) {
      this.#fail(failure);
    }
    this.#listener.onReadEnd();
    if (!this.#reader!.isPaused) this.#readOn();
  }

  #readOn(): void {
    if (!this.#socket.destroyed) this.#socket.resume();
  }

  // --- the end

  #startClosing(code: number, phase: Phase): void {
    this.#phase = phase;
    this.#socket.write(closeFrame(code));
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#socket.destroy(), LIMITS.ws_close_timeout_ms);
  }

  #fail(error: unknown): void {
    // What a listener has thrown is no failure of the connection.
    if (!(error instanceof WebSocketError)) throw error;
    const isReported = this.#phase === 'connecting' || this.#phase === 'open';
    if (this.#phase === 'open') {
      this.#startClosing(error.closeCode, 'failed');
      this.#socket.destroySoon();
    } else {
      this.terminate();
    }
    if (isReported) this.#listener.onEnd({ error, code: 1006, reason: '' });
  }

  #end(): void {
    const isReported = this.#phase === 'connecting' || this.#phase === 'open';
    this.#phase = 'ended';
    this.#release();
    if (isReported) this.#listener.onEnd({ error: this.#error, code: 1006, reason: '' });
  }

  #release(): void {
    clearTimeout(this.#deadline);
    this.#inflater?.close();
    this.#socket.destroy();
  }
}
