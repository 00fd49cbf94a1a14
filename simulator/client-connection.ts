import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Route, Stream, StreamHub, Subscriber } from './stream-hub.ts';
import { type ClientRequest, errorText, parseClientRequest, resultText } from './subscription-messages.ts';
import { framePayload } from './websocket-frame.ts';
import { STREAMS_PER_CONNECTION_MAX, type WebSocketTarget } from './websocket-routes.ts';

/** Messages (JSON, ping, pong) a client may send within a second before it is closed with 1008. The venue documents 10 and bears about 15. */
const MESSAGES_PER_SECOND_MAX = 15;
const ANSWER_RETRY_MS = 50;

export interface ConnectionOptions {
  readonly pingIntervalMs: number;
  readonly pongTimeoutMs: number;
  readonly connectionAgeMaxMs: number;
}

/** What stands between a stream and a socket; the faults do. */
export interface FrameFilter {
  /** False while nothing is to be done to any frame, so that the usual case costs nothing. */
  readonly isActive: boolean;
  deliver(connection: ClientConnection, stream: Stream, frame: Buffer): void;
}

/** One client: its subscriptions, its limits, its pings, and its frames on their way out. */
export class ClientConnection implements Subscriber {
  readonly id: number;
  readonly route: Route;
  readonly webSocket: WebSocket;
  readonly socket: Duplex;
  readonly openedAtMs = Date.now();
  /** Nothing more is sent nor read, yet the socket stays open. */
  isFrozen = false;
  /** Everything is acknowledged and nothing sent. */
  isMuted = false;
  /** A frame is partly sent: nothing else may go between its parts. */
  isDripping = false;
  /** Bytes that faults hold back; they count as buffered. */
  heldBytes = 0;
  framesSent = 0;
  bytesSent = 0;
  readonly #hub: StreamHub;
  readonly #options: ConnectionOptions;
  readonly #filter: FrameFilter;
  readonly #onDirty: (connection: ClientConnection) => void;
  readonly #subscriptions = new Set<string>();
  readonly #timers: NodeJS.Timeout[] = [];
  #isCombined: boolean;
  #lastPongMs = Date.now();
  #secondStartedMs = 0;
  #messagesInSecond = 0;
  #isCorked = false;

  constructor(
    id: number,
    target: WebSocketTarget,
    webSocket: WebSocket,
    socket: Duplex,
    parts: {
      readonly hub: StreamHub;
      readonly options: ConnectionOptions;
      readonly filter: FrameFilter;
      readonly onDirty: (connection: ClientConnection) => void;
    },
  ) {
    this.id = id;
    this.route = target.route;
    this.webSocket = webSocket;
    this.socket = socket;
    this.#isCombined = target.isCombined;
    this.#hub = parts.hub;
    this.#options = parts.options;
    this.#filter = parts.filter;
    this.#onDirty = parts.onDirty;
    webSocket.on('message', (data, isBinary) => this.#onMessage(data, isBinary));
    webSocket.on('ping', () => this.#countMessage());
    webSocket.on('pong', () => this.#onPong());
    webSocket.on('close', () => this.#dispose());
    webSocket.on('error', () => webSocket.terminate());
    this.#startTimers();
    this.#subscribe(target.streams, null, false);
  }

  get isCombined(): boolean {
    return this.#isCombined;
  }

  get subscriptions(): readonly string[] {
    return [...this.#subscriptions];
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.heldBytes + this.socket.writableLength + (this.#usesDeflate ? this.webSocket.bufferedAmount : 0);
  }

  get #usesDeflate(): boolean {
    return this.webSocket.extensions !== '';
  }

  get isOver(): boolean {
    return this.isFrozen || this.webSocket.readyState >= 2;
  }

  /** A frame of a stream this client subscribed to, on its way through the faults. */
  deliver(stream: Stream, frame: Buffer): void {
    if (this.#filter.isActive) this.#filter.deliver(this, stream, frame);
    else this.send(frame);
  }

  /** Puts a frame into the socket; it leaves with the batch, at {@link flush}. */
  send(frame: Buffer): void {
    if (this.isMuted || this.isFrozen || this.webSocket.readyState !== 1) return;
    this.framesSent++;
    this.bytesSent += frame.length;
    if (this.#usesDeflate) {
      this.webSocket.send(framePayload(frame), { binary: false });
      return;
    }
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.socket.cork();
      this.#onDirty(this);
    }
    this.socket.write(frame);
  }

  /** Puts a part of a frame into the socket, at once. */
  sendPart(part: Buffer): void {
    if (this.isMuted || this.isOver) return;
    this.flush();
    this.bytesSent += part.length;
    this.socket.write(part);
  }

  flush(): void {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.socket.uncork();
  }

  /** Ends the connection with a close frame. 1005, 1006 and 1015 cannot be sent: the socket is then simply ended. */
  close(code: number, reason: string): void {
    this.flush();
    if (code === 1005 || code === 1006 || code === 1015) this.webSocket.terminate();
    else this.webSocket.close(code, reason);
  }

  /** Stops sending and reading for good while the socket stays open: no data, no pong, no FIN. */
  freeze(): void {
    if (this.isOver) return;
    this.flush();
    this.#dispose();
    this.isFrozen = true;
    this.webSocket.pause();
    // Long after any client has given up; only the file descriptor is left to free.
    this.#timers.push(setTimeout(() => this.webSocket.terminate(), this.#options.pongTimeoutMs).unref());
  }

  /** Ends the connection with RST. */
  reset(): void {
    if (this.socket instanceof Socket) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  #startTimers(): void {
    const { pingIntervalMs, pongTimeoutMs, connectionAgeMaxMs } = this.#options;
    const ping = setInterval(() => {
      if (Date.now() - this.#lastPongMs > pongTimeoutMs) this.webSocket.terminate();
      else if (this.webSocket.readyState === 1 && !this.isDripping) this.webSocket.ping(String(Date.now()));
    }, pingIntervalMs);
    const age = setTimeout(() => this.close(1001, 'connection age'), connectionAgeMaxMs);
    for (const timer of [ping, age]) this.#timers.push(timer.unref());
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #dispose(): void {
    this.#stopTimers();
    for (const name of this.#subscriptions) this.#hub.remove(name, this);
    this.#subscriptions.clear();
  }

  #onPong(): void {
    this.#lastPongMs = Date.now();
    this.#countMessage();
  }

  /** @returns false when the client has been closed for sending too much. */
  #countMessage(): boolean {
    const nowMs = Date.now();
    if (nowMs - this.#secondStartedMs >= 1000) {
      this.#secondStartedMs = nowMs;
      this.#messagesInSecond = 0;
    }
    this.#messagesInSecond++;
    if (this.#messagesInSecond <= MESSAGES_PER_SECOND_MAX) return true;
    this.close(1008, 'Too many requests');
    return false;
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    if (!this.#countMessage()) return;
    if (isBinary) {
      this.close(1003, 'text messages only');
      return;
    }
    const request = parseClientRequest(data.toString());
    if (request.kind === 'subscribe') this.#subscribe(request.streams, request.id, true);
    else this.#answer(this.#answerTo(request));
  }

  #answerTo(request: Exclude<ClientRequest, { kind: 'subscribe' }>): string {
    switch (request.kind) {
      case 'unsubscribe':
        for (const name of request.streams) {
          this.#subscriptions.delete(name);
          this.#hub.remove(name, this);
        }
        return resultText(request.id, null);
      case 'list':
        return resultText(request.id, this.subscriptions);
      case 'set_combined':
        this.#isCombined = request.value;
        return resultText(request.id, null);
      case 'get_combined':
        return resultText(request.id, this.#isCombined);
      case 'invalid':
        return errorText(request.id, request.code, request.message);
    }
  }

  /** Every name is taken and acknowledged, whether there is such a stream or not: so does the venue. */
  #subscribe(names: readonly string[], id: unknown, isAcknowledged: boolean): void {
    const wanted = new Set([...this.#subscriptions, ...names]);
    if (wanted.size > STREAMS_PER_CONNECTION_MAX) {
      this.#answer(
        errorText(id, 2, `Invalid request: more than ${STREAMS_PER_CONNECTION_MAX} streams on one connection`),
      );
      this.close(1008, 'too many streams');
      return;
    }
    if (isAcknowledged) this.#answer(resultText(id, null));
    for (const name of names) {
      this.#subscriptions.add(name);
      this.#hub.add(name, this.route, this);
    }
  }

  #answer(text: string): void {
    if (this.isFrozen || this.webSocket.readyState !== 1) return;
    if (this.isDripping) {
      setTimeout(() => this.#answer(text), ANSWER_RETRY_MS).unref();
      return;
    }
    this.flush();
    this.webSocket.send(text);
  }
}
