import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { AbstractConnector, type RedisOptions } from 'ioredis';

const READ_BYTES = 16 << 10;

/** Takes `length` bytes at the start of `bytes`, which are overwritten by the next read. */
export type ReadListener = (bytes: Uint8Array, length: number) => void;

/** Who takes what is read from a socket, in place of its `data` listeners. */
const READ_LISTENERS = new WeakMap<Socket, ReadListener>();

/**
 * ioredis's own connector to one server, except that the socket reads into one buffer (`onread` of node:net and node:tls) in place of going
 * through a stream, which takes a buffer of 64 KB and work at the end of the turn for each read.
 */
export class HotConnector extends AbstractConnector {
  readonly #options: RedisOptions;

  /** @param options ioredis's own: `RedisOptions`, which its type for connectors does not say */
  constructor(options: unknown) {
    const own = options as RedisOptions;
    super(own.disconnectTimeout ?? 0);
    this.#options = own;
  }

  override connect(): Promise<Socket | TLSSocket> {
    this.connecting = true;
    // In the next tick, as ioredis does it: whoever called has set up its listeners by then.
    return new Promise((resolve, reject) => {
      process.nextTick(() => {
        if (!this.connecting) {
          reject(new Error('Connection is closed.'));
          return;
        }
        try {
          this.stream = this.#dial();
        } catch (error) {
          reject(error);
          return;
        }
        this.stream.once('error', (error) => {
          this.firstError = error;
        });
        resolve(this.stream);
      });
    });
  }

  #dial(): Socket | TLSSocket {
    const { host = '', port = 0, tls } = this.#options;
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    const callback = (length: number): boolean => {
      const listener = READ_LISTENERS.get(socket);
      if (listener !== undefined) listener(buffer, length);
      // A copy: ioredis keeps what is incomplete.
      else socket.emit('data', Buffer.from(buffer.subarray(0, length)));
      return true;
    };
    const onread = { buffer, callback };
    // Documented for node:tls too, but missing in its types.
    const secure = { ...tls, host, port, onread };
    const socket: Socket = tls === undefined ? connectPlain({ host, port, onread }) : connectTls(secure);
    return socket;
  }
}

/** From now on `listener` gets what is read from this socket, and nobody else, whoever made it. */
export function takeOverReads(socket: Socket, listener: ReadListener): void {
  socket.removeAllListeners('data');
  READ_LISTENERS.set(socket, listener);
  // For a socket of another connector: one of ours has no more `data` events.
  socket.on('data', (chunk: Uint8Array) => listener(chunk, chunk.length));
}
