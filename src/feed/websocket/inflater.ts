import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { LIMITS } from '../../limits.ts';
import { WebSocketError } from './websocket-error.ts';

/** What a sender cuts off each message (RFC 7692, section 7.2.1). */
const TAIL = Uint8Array.of(0x00, 0x00, 0xff, 0xff);

/** Inflates the messages of one connection, one at a time. */
export class Inflater {
  readonly #isContextKept: boolean;
  readonly #bytesMax: number;
  #stream: InflateRaw | undefined;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #onDone: ((error: Error | undefined, message: Uint8Array) => void) | undefined;

  constructor(isContextKept: boolean, bytesMax: number = LIMITS.frame_bytes_max) {
    this.#isContextKept = isContextKept;
    this.#bytesMax = bytesMax;
  }

  /** @param done called once, later, unless {@link close} comes before */
  inflate(compressed: Uint8Array, done: (error: Error | undefined, message: Uint8Array) => void): void {
    this.#onDone = done;
    this.#stream ??= this.#open();
    const stream = this.#stream;
    // Copied: the stream reads it in another thread.
    stream.write(Buffer.concat([compressed, TAIL]));
    stream.flush(() => {
      if (this.#stream === stream) this.#finish();
    });
  }

  close(): void {
    this.#onDone = undefined;
    this.#stream?.close();
    this.#stream = undefined;
  }

  #open(): InflateRaw {
    const stream = createInflateRaw();
    stream.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length;
      if (this.#bytes > this.#bytesMax) {
        this.#fail(
          new WebSocketError('protocol_error', `a message inflates to more than ${this.#bytesMax} bytes`, 1009),
        );
      } else {
        this.#chunks.push(chunk);
      }
    });
    stream.on('error', (error) => this.#fail(new WebSocketError('protocol_error', error.message)));
    // A message may end its stream (RFC 7692, section 7.2.3.5): the next one starts another.
    stream.on('end', () => {
      if (this.#stream !== stream) return;
      this.#stream = undefined;
      this.#finish();
    });
    return stream;
  }

  #finish(): void {
    const done = this.#onDone;
    if (done === undefined) return;
    this.#onDone = undefined;
    const message = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#bytes = 0;
    if (!this.#isContextKept) this.#stream?.reset();
    done(undefined, message);
  }

  #fail(error: Error): void {
    const done = this.#onDone;
    this.close();
    this.#chunks = [];
    done?.(error, new Uint8Array(0));
  }
}
