import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

const CHUNK_BYTES = 64 << 10;
const FRAME_BYTES_MAX = 128 << 10;
/** A socket with more than this waiting takes nothing more for now. */
const WAITING_BYTES_MAX = 256 << 10;

const TEXT_FINAL = 0x81;

/** A client's socket, written to in large pieces. `ws` does the handshake; frames are put together here, without a mask as from any server. */
export class LoadSocket {
  readonly #socket: Socket;
  #chunk = Buffer.allocUnsafe(CHUNK_BYTES + FRAME_BYTES_MAX);
  #end = 0;

  constructor(client: WebSocket) {
    this.#socket = (client as unknown as { _socket: Socket })._socket;
    this.#socket.setNoDelay(true);
    client.on('error', () => {});
  }

  get isFull(): boolean {
    return this.#socket.writableLength > WAITING_BYTES_MAX;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed;
  }

  /** Calls back once when the socket takes more. */
  whenDrained(call: () => void): void {
    this.#socket.once('drain', call);
  }

  /** @param write copies the payload of `length` bytes */
  send(length: number, write: (target: Buffer, at: number) => void): void {
    const chunk = this.#chunk;
    chunk[this.#end++] = TEXT_FINAL;
    if (length < 126) chunk[this.#end++] = length;
    else if (length < 65_536) {
      chunk[this.#end++] = 126;
      this.#end = chunk.writeUInt16BE(length, this.#end);
    } else {
      chunk[this.#end++] = 127;
      this.#end = chunk.writeUInt32BE(0, this.#end);
      this.#end = chunk.writeUInt32BE(length, this.#end);
    }
    write(chunk, this.#end);
    this.#end += length;
    if (this.#end >= CHUNK_BYTES) this.flush();
  }

  flush(): void {
    if (this.#end === 0) return;
    this.#socket.write(this.#chunk.subarray(0, this.#end));
    this.#end = 0;
    // What the kernel did not take at once stays in the chunk's memory: go on in another.
    if (this.#socket.writableLength > 0) this.#chunk = Buffer.allocUnsafe(CHUNK_BYTES + FRAME_BYTES_MAX);
  }
}
