import { WebSocket } from 'ws';
import type { ConnectionPlan } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import type { Clock } from '../model/clock.ts';

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
  /** The bytes belong to the socket's buffer: valid until the call returns. */
  onFrame(connection: Connection, frame: Uint8Array): void;
  /** Called once, also when the socket never opened. */
  onClosed(connection: Connection, reason: DisconnectReason, detail: string): void;
}

export interface ConnectionOptions {
  readonly clock: Clock;
  readonly compression: boolean;
}

/** One WebSocket, from dialling to its end. It is never reused: whoever owns it opens another. */
export class Connection {
  readonly plan: ConnectionPlan;
  readonly dialledNs: number;
  /** Monotonic time of the opening; NaN before. */
  openedNs = Number.NaN;
  /** Monotonic time of the last frame or ping. */
  lastHeardNs: number;
  frames = 0;
  #bytesUntilTurn: number = LIMITS.read_bytes_per_turn_max;
  readonly #socket: WebSocket;
  readonly #owner: ConnectionOwner;
  #endReason: DisconnectReason | undefined;
  #endDetail = '';
  #closed = false;

  constructor(plan: ConnectionPlan, subscribe: readonly string[], owner: ConnectionOwner, options: ConnectionOptions) {
    this.plan = plan;
    this.#owner = owner;
    this.dialledNs = options.clock.nowNs();
    this.lastHeardNs = this.dialledNs;
    this.#socket = new WebSocket(plan.url, {
      perMessageDeflate: options.compression,
      maxPayload: LIMITS.frame_bytes_max,
      handshakeTimeout: LIMITS.ws_handshake_timeout_ms,
      followRedirects: false,
      // The decoder reads bytes and rejects what it does not know: a second pass over them would be wasted.
      skipUTF8Validation: true,
    });
    this.#listen(subscribe, options.clock);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  /** Asks for an orderly end (code 1000) and takes no more frames; the owner hears of it at once. */
  close(reason: DisconnectReason): void {
    if (this.#closed) return;
    this.#endReason = reason;
    this.#socket.close(1000);
    this.#finish();
  }

  /** Drops the socket without a closing handshake: for one that no longer answers. */
  terminate(reason: DisconnectReason): void {
    if (this.#closed) return;
    this.#endReason = reason;
    this.#socket.terminate();
    this.#finish();
  }

  #listen(subscribe: readonly string[], clock: Clock): void {
    const socket = this.#socket;
    socket.on('open', () => {
      if (this.#closed) return;
      this.openedNs = clock.nowNs();
      this.lastHeardNs = this.openedNs;
      for (const message of subscribe) socket.send(message);
      this.#owner.onOpen(this);
    });
    socket.on('message', (data) => {
      if (this.#closed) return;
      this.frames += 1;
      const frame = data as Buffer;
      this.#owner.onFrame(this, frame);
      this.#bytesUntilTurn -= frame.length;
      if (this.#bytesUntilTurn < 0) this.#letOthersHaveATurn();
    });
    socket.on('ping', () => {
      this.lastHeardNs = clock.nowNs();
    });
    socket.on('unexpected-response', (request, response) => {
      const status = response.statusCode ?? 0;
      this.#endReason = status >= 300 && status < 400 ? 'redirect' : 'handshake_refused';
      this.#endDetail = `HTTP ${status}`;
      request.destroy();
      this.#finish();
    });
    socket.on('error', (error) => {
      this.#endReason ??= reasonOf(error);
      this.#endDetail ||= error.message;
    });
    socket.on('close', (code, text) => {
      if (this.#endReason === undefined) {
        // 1006 is what the library says when the peer vanished without a close frame.
        this.#endReason = code === 1006 ? 'reset' : 'close_frame';
        this.#endDetail = `code ${code} ${text.toString('utf8').slice(0, 120)}`.trim();
      }
      this.#finish();
    });
  }

  #letOthersHaveATurn(): void {
    this.#bytesUntilTurn = LIMITS.read_bytes_per_turn_max;
    this.#socket.pause();
    setImmediate(() => this.#socket.resume());
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.onClosed(this, this.#endReason ?? 'error', this.#endDetail);
  }
}

function reasonOf(error: Error & { code?: string }): DisconnectReason {
  const code = error.code ?? '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'dns_failure';
  if (code === 'ECONNREFUSED') return 'connection_refused';
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return 'reset';
  if (code.startsWith('WS_ERR_')) return 'protocol_error';
  if (code.startsWith('ERR_TLS') || code.startsWith('CERT_') || code.includes('SSL') || code.includes('CERT'))
    return 'tls_failure';
  if (error.message.includes('handshake has timed out')) return 'handshake_timeout';
  return 'error';
}
