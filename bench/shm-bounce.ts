import * as fs from 'node:fs';
import { mapFile } from '../src/shm/mapping.ts';

/**
 * One side of a hand-over between two processes, as bare as it can be: a counter on a cache-line pair of its own each way, and, when asked
 * for, bytes that are moved in with it by one side and out by the other, as a record's are. Both sides spin. There is nothing below it
 * for any two processes on this machine.
 */
export class Bounce {
  /** Of 4-byte words. */
  static readonly #counters = { ping: 0, pong: 64 };
  /** Of bytes. */
  static readonly #payloads = { ping: 4096, pong: 8192 };
  static readonly #fileBytes = 3 * 4096;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #payloadBytes: number;
  readonly #fd: number;

  /** @param payloadBytes at most 4096. */
  constructor(file: string, payloadBytes: number) {
    this.#fd = fs.openSync(file, 'r+');
    const buffer = mapFile(this.#fd, Bounce.#fileBytes, 'read-write', payloadBytes);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#payloadBytes = payloadBytes;
  }

  static createFile(file: string): void {
    fs.writeFileSync(file, new Uint8Array(Bounce.#fileBytes));
  }

  send(way: 'ping' | 'pong', round: number): void {
    Atomics.store(this.#words, Bounce.#counters[way], round);
  }

  receive(way: 'ping' | 'pong', round: number, onSpin: () => void): void {
    while (Atomics.load(this.#words, Bounce.#counters[way]) !== round) onSpin();
  }

  sendBytes(way: 'ping' | 'pong', round: number): void {
    const from = this.#bytes.length - this.#payloadBytes;
    this.#bytes.copyWithin(Bounce.#payloads[way], from, from + this.#payloadBytes);
    this.send(way, round);
  }

  receiveBytes(way: 'ping' | 'pong', round: number, onSpin: () => void): void {
    this.receive(way, round, onSpin);
    const from = Bounce.#payloads[way];
    this.#bytes.copyWithin(this.#bytes.length - this.#payloadBytes, from, from + this.#payloadBytes);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}
