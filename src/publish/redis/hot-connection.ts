/**
 * One socket to one Redis, and the bytes of the hot commands on it.
 *
 * ioredis does what it is best at: it resolves Sentinels, connects, speaks TLS, authenticates, and reconnects. Once it is
 * ready its command queue is empty and stays so, because no command is ever given to it again; what is read goes to the reply
 * counter in place of it, and its socket is written to directly. On close it reconnects as always and the new socket is taken
 * over in turn. What makes this safe in ioredis 6 (lib/redis/event_handler.ts, DataHandler.ts, Redis.ts):
 *
 * - `close` and `error` listeners of the socket are its own and are left in place; `close` with an empty queue only schedules
 *   the next attempt.
 * - It writes to a ready socket only for commands, for a `socketTimeout`, and for re-subscriptions: none are used.
 * - AUTH and, with Sentinel, INFO are awaited before `ready`. SELECT and CLIENT SETNAME are not safe there: their failures and
 *   time-outs are swallowed and their late answers would be taken for ours. Hence no `db` and no `connectionName` are given to
 *   it; SELECT and a first PING are sent here, and the connection counts as ready when that PING has been answered.
 */
import type { Socket } from 'node:net';
import type { Redis } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { Clock } from '../../model/clock.ts';
import { type Text, writeText } from '../ascii.ts';
import { CommandRing, KIND } from './command-ring.ts';
import { writeDirectly } from './direct-write.ts';
import { type ReadListener, takeOverReads } from './hot-connector.ts';
import { ReplyCounter, type ReplyListener } from './reply-counter.ts';
import { plainCommand } from './resp-encoder.ts';
import { WriteBuffer } from './write-buffer.ts';

export interface HotConnectionListener {
  /** Redis answers: nothing of an earlier connection is under way any more. */
  onReady(): void;
  /** The connection is gone, and not by `close`. Commands without an answer have been reported by `onUnanswered`. */
  onClosed(): void;
  /** `kind` as in {@link KIND}, `index` the instrument's. */
  onReply(kind: number, index: number): void;
  onErrorReply(kind: number, index: number, text: string): void;
  /** Whether this command was executed is unknown, and it is not sent again. */
  onUnanswered(kind: number, index: number): void;
  /** Some answers came: there may be room for a backlog. */
  onProgress(): void;
  onConnectionError(error: Error): void;
}

const PING = plainCommand('PING');
/** A user who may not PING, or a proxy that does not know it: it is an answer. LOADING, MASTERDOWN or "max number of clients" are not. */
const MEANS_ALIVE = /^(NOPERM|ERR unknown command)/;
const IDLE_PING_NS = 1e9;

export class HotConnection implements ReplyListener {
  readonly #redis: Redis;
  readonly #clock: Clock;
  readonly #listener: HotConnectionListener;
  readonly #select: Text | undefined;
  readonly #replies = new ReplyCounter(this);
  readonly #commands = new CommandRing();
  readonly #spare: WriteBuffer[] = [];
  readonly #onWritten = (buffer: WriteBuffer): void => this.#reclaim(buffer);
  readonly #onRead: ReadListener = (bytes, length) => this.#consume(bytes, length);
  #active: WriteBuffer;
  #socket: Socket | undefined;
  #isReady = false;
  #isFailed = false;
  /** Redis has said why it will not serve this connection. */
  #isRefused = false;
  #isClosed = false;

  /** Bytes that were accepted and are not answered yet. */
  outstandingBytes = 0;
  /** Since when nothing has been answered although something is due; meaningless while {@link outstandingBytes} is 0. */
  waitingSinceNs = 0;
  /** When the last answer came. */
  answeredAtNs = 0;
  /** Writes to the socket so far, for benches. */
  writes = 0;

  /**
   * @param redis created with `lazyConnect`, `db: 0`, no `connectionName`, no offline queue
   * @param database selected on every new socket
   */
  constructor(redis: Redis, database: number, clock: Clock, listener: HotConnectionListener) {
    this.#redis = redis;
    this.#clock = clock;
    this.#listener = listener;
    this.#select = database === 0 ? undefined : plainCommand('SELECT', String(database));
    this.#active = this.#buffer();
    redis.on('ready', () => this.#takeOver());
    redis.on('error', (error: Error) => this.#onSocketError(error));
  }

  /** Connects, and from then on reconnects by itself. */
  start(): void {
    this.#redis.connect().catch(() => {
      // Reported by the error listener; ioredis tries again.
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** For how long an answer has been due, without any coming; 0 when none is due. */
  silenceNs(nowNs: number): number {
    return this.outstandingBytes === 0 ? 0 : nowNs - this.waitingSinceNs;
  }

  /** Memory with at least half a buffer free, for commands that end in {@link commit}. */
  target(): WriteBuffer {
    if (this.#active.end > LIMITS.redis_write_bytes) this.#write();
    return this.#active;
  }

  /** A command was written to `target()` from its `end` up to here. */
  commit(kind: number, index: number, end: number): void {
    const buffer = this.#active;
    const bytes = end - buffer.end;
    buffer.end = end;
    if (this.outstandingBytes === 0) this.waitingSinceNs = this.#clock.nowNs();
    this.outstandingBytes += bytes;
    this.#commands.push(kind, index, bytes);
  }

  /** Hands everything to the socket, unless it is still busy with an earlier write: then that write's end does it. */
  flush(): void {
    if (this.#active.end > 0 && this.#socket !== undefined && this.#socket.writableLength === 0) this.#write();
  }

  /** To be called a few times a second: asks for a sign of life when nothing else is due, often while Redis is loading. */
  keepAlive(): void {
    // ioredis gives up for good when connecting throws instead of failing.
    if (this.#redis.status === 'end' && !this.#isClosed) this.start();
    const isQuiet = this.outstandingBytes === 0 && this.#socket !== undefined;
    if (!isQuiet || (this.#isReady && this.#clock.nowNs() - this.answeredAtNs < IDLE_PING_NS)) return;
    this.#command(PING, KIND.ping);
    this.flush();
  }

  /** Gives up this socket, discarding what the kernel still holds of it, and connects anew. */
  replace(): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    // A reset where the socket can do it: bytes that the kernel still delivered would be older than what the next connection says.
    if ('encrypted' in socket) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Ends the connection for good. */
  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  // --- replies

  onReply(): void {
    const commands = this.#commands;
    if (commands.count === 0) {
      this.onProtocolError('a reply without a command');
      return;
    }
    const { kind, index } = commands;
    this.#answered();
    if (kind === KIND.ping) this.#becomeReady();
    this.#listener.onReply(kind, index);
  }

  onErrorReply(text: string): void {
    const commands = this.#commands;
    if (commands.count === 0) {
      // Redis says why before it closes, e.g. "ERR max number of clients reached".
      this.onProtocolError(text);
      return;
    }
    const { kind, index } = commands;
    this.#answered();
    if (kind === KIND.ping && MEANS_ALIVE.test(text)) {
      this.#becomeReady();
      return;
    }
    this.#isRefused = !this.#isReady;
    this.#listener.onErrorReply(kind, index, text);
    if (kind === KIND.select || text.startsWith('NOAUTH')) this.#fail();
  }

  onProtocolError(detail: string): void {
    this.#isRefused = true;
    this.#listener.onConnectionError(new Error(`Redis sent what was not expected: ${detail}`));
    this.#fail();
  }

  /** Nothing more is read from this socket. */
  #fail(): void {
    this.#isFailed = true;
    this.replace();
  }

  #answered(): void {
    this.outstandingBytes -= this.#commands.bytes;
    this.#commands.shift();
  }

  #becomeReady(): void {
    if (this.#isReady || this.#isFailed) return;
    this.#isReady = true;
    this.#listener.onReady();
  }

  #consume(bytes: Uint8Array, length: number): void {
    if (this.#isFailed) return;
    this.#replies.consume(bytes, length);
    this.answeredAtNs = this.#clock.nowNs();
    this.waitingSinceNs = this.answeredAtNs;
    this.#listener.onProgress();
  }

  // --- the socket

  #takeOver(): void {
    const socket = this.#redis.stream as Socket;
    if (socket.destroyed || socket === this.#socket) return;
    this.#socket = socket;
    this.#isFailed = false;
    this.#replies.reset();
    this.#active.end = 0;
    takeOverReads(socket, this.#onRead);
    // ioredis listens for the first error only.
    socket.on('error', () => {});
    socket.once('close', () => this.#release());
    if (this.#select !== undefined) this.#command(this.#select, KIND.select);
    this.#command(PING, KIND.ping);
    this.flush();
  }

  /** A reset that follows a refusal says less than the refusal. */
  #onSocketError(error: Error): void {
    if (!this.#isRefused) this.#listener.onConnectionError(error);
  }

  #release(): void {
    this.#socket = undefined;
    this.#isRefused = false;
    this.#isReady = false;
    const commands = this.#commands;
    while (commands.count > 0) {
      const { kind, index } = commands;
      commands.shift();
      this.#listener.onUnanswered(kind, index);
    }
    this.outstandingBytes = 0;
    // Buffers of writes that failed may still be called back; they are not used again.
    this.#spare.length = 0;
    this.#active = this.#buffer();
    if (!this.#isClosed) this.#listener.onClosed();
  }

  #command(command: Text, kind: number): void {
    const target = this.target();
    this.commit(kind, 0, writeText(target.view, target.end, command));
  }

  #write(): void {
    const socket = this.#socket;
    const buffer = this.#active;
    if (socket === undefined) {
      buffer.end = 0;
      return;
    }
    this.writes++;
    const { end } = buffer;
    buffer.end = 0;
    const written = socket.writableLength === 0 ? writeDirectly(socket, buffer.bytes, end) : 0;
    if (written === end) return;
    buffer.pendingWrites++;
    socket.write(buffer.bytes.subarray(written, end), buffer.onWritten);
    // Nothing left in the socket means that the kernel has the bytes: the buffer can be written to again at once.
    if (socket.writableLength > 0) this.#active = this.#spare.pop() ?? this.#buffer();
  }

  #reclaim(buffer: WriteBuffer): void {
    if (buffer !== this.#active && buffer.pendingWrites === 0 && this.#spare.length < 4) this.#spare.push(buffer);
    this.flush();
  }

  #buffer(): WriteBuffer {
    return new WriteBuffer(2 * LIMITS.redis_write_bytes, this.#onWritten);
  }
}
