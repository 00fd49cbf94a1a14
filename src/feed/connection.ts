import type { ConnectionPlan } from '../exchanges/exchange.ts';
import type { Clock } from '../model/clock.ts';
import { WebSocketClient, type WebSocketEnd, type WebSocketListener } from './websocket/client.ts';
import { WebSocketError } from './websocket/websocket-error.ts';

/** Why a socket ended, as counted in `websocket_disconnects_total{reason}`. */
export type DisconnectReason =
  | 'close_frame'
  | 'reset'
  | 'handshake_refused'
  | 'redirect'
  | 'handshake_timeout'
  | 'dns_failure'
  | 'connection_refused'
  | 'tls_failure'
  | 'protocol_error'
  | 'silence'
  | 'silent_stream'
  | 'rotated'
  | 'shutdown'
  | 'error';

export interface ConnectionOwner {
  onOpen(connection: Connection): void;
  /** The frames until `onBatchEnd` were read from the socket in one go. */
  onBatchStart(): void;
  /** The bytes belong to the socket's buffer: valid until the call returns. */
  onFrame(connection: Connection, frame: Uint8Array): void;
  onBatchEnd(): void;
  /** Called once, also when the socket never opened. */
  onClosed(connection: Connection, reason: DisconnectReason, detail: string): void;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly compression: boolean;
}

/** One WebSocket, from dialling to its end. It is never reused: whoever owns it opens another. */
export class Connection implements WebSocketListener {
  readonly plan: ConnectionPlan;
  readonly dialledNs: number;
  /** Monotonic time of the opening; NaN before. */
  openedNs = Number.NaN;
  /** Monotonic time of the last frame or ping. */
  lastHeardNs: number;
  frames = 0;
  readonly #socket: WebSocketClient;
  readonly #subscribe: readonly string[];
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  #isClosed = false;

  constructor(plan: ConnectionPlan, subscribe: readonly string[], owner: ConnectionOwner, options: ConnectionOptions) {
    this.plan = plan;
    this.#subscribe = subscribe;
    this.#owner = owner;
    this.#clock = options.clock;
    this.dialledNs = options.clock.nowNs();
    this.lastHeardNs = this.dialledNs;
    this.#socket = new WebSocketClient(plan.url, this, options);
  }

  get isOpen(): boolean {
    return this.#socket.isOpen;
  }

  /** Asks for an orderly end (code 1000) and takes no more frames; the owner hears of it at once. */
  close(reason: DisconnectReason): void {
    if (this.#isClosed) return;
    this.#socket.close(1000);
    this.#finish(reason, '');
  }

  /** Drops the socket without a closing handshake: for one that no longer answers. */
  terminate(reason: DisconnectReason): void {
    if (this.#isClosed) return;
    this.#socket.terminate();
    this.#finish(reason, '');
  }

  // --- from the socket

  onOpen(): void {
    this.openedNs = this.#clock.nowNs();
    this.lastHeardNs = this.openedNs;
    for (const message of this.#subscribe) this.#socket.send(message);
    this.#owner.onOpen(this);
  }

  onReadStart(): void {
    this.#owner.onBatchStart();
  }

  onMessage(message: Uint8Array): void {
    this.frames += 1;
    this.#owner.onFrame(this, message);
  }

  onReadEnd(): void {
    this.#owner.onBatchEnd();
  }

  onPing(): void {
    this.lastHeardNs = this.#clock.nowNs();
  }

  onEnd({ error, code, reason }: WebSocketEnd): void {
    if (error !== undefined) this.#finish(reasonOf(error), error.message);
    else this.#finish(code === 1006 ? 'reset' : 'close_frame', `code ${code} ${reason.slice(0, 120)}`.trim());
  }

  #finish(reason: DisconnectReason, detail: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#owner.onClosed(this, reason, detail);
  }
}

function reasonOf(error: Error & { code?: string }): DisconnectReason {
  if (error instanceof WebSocketError) return error.fault;
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns_failure';
  if (code === 'ECONNREFUSED') return 'connection_refused';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return 'reset';
  if (/^ERR_TLS|CERT|SSL|SIGNATURE|^EPROTO/.test(code)) return 'tls_failure';
  return 'error';
}
