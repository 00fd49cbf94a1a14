import * as fs from 'node:fs';
import { mapFile } from '../src/shm/mapping.ts';
import { SharedClock, startPeer } from './shm-book.ts';

/**
 * One side of a hand-over between two processes, as bare as it can be: a counter on a cache-line pair of its own each way, and, when asked
 * for, bytes that are moved in with it by one side and out by the other, as a record's are. Both sides spin.
 */
export class Bounce {
  static readonly fileBytes = 3 * 4096;
  /** Of 4-byte words. */
  static readonly #counters = { ping: 0, pong: 64 };
  /** Of bytes. */
  static readonly #payloads = { ping: 4096, pong: 8192 };
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #payloadBytes: number;
  readonly #fd: number;

  constructor(file: string, payloadBytes: number) {
    this.#fd = fs.openSync(file, 'r+');
    const buffer = mapFile(this.#fd, Bounce.fileBytes, 'read-write', payloadBytes);
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#payloadBytes = payloadBytes;
  }

  send(way: 'ping' | 'pong', round: number): void {
    const bytes = this.#payloadBytes;
    if (bytes > 0) this.#bytes.copyWithin(Bounce.#payloads[way], Bounce.fileBytes, Bounce.fileBytes + bytes);
    Atomics.store(this.#words, Bounce.#counters[way], round);
  }

  receive(way: 'ping' | 'pong', round: number, onSpin: () => void): void {
    while (Atomics.load(this.#words, Bounce.#counters[way]) !== round) onSpin();
    const start = Bounce.#payloads[way];
    if (this.#payloadBytes > 0) this.#bytes.copyWithin(Bounce.fileBytes, start, start + this.#payloadBytes);
  }

  close(): void {
    fs.closeSync(this.#fd);
  }
}

/**
 * The bare hand-over: how long one store of one process takes to be seen by another that spins on it, or one store and `payloadBytes` bytes.
 * Half a round trip each, ns, with half a reading of the clock in it. There is nothing below it for any two processes on this machine.
 */
export async function measureBounce(
  core: number,
  rounds: number,
  warmup: number,
  payloadBytes: number,
): Promise<Float64Array> {
  const file = `/dev/shm/market_data_bounce_${process.pid}`;
  fs.writeFileSync(file, new Uint8Array(Bounce.fileBytes));
  const bounce = new Bounce(file, payloadBytes);
  try {
    await startPeer(core, 'bounce', file, String(payloadBytes), String(rounds + warmup));
    const clock = new SharedClock();
    const samples = new Float64Array(rounds);
    for (let round = 1; round <= rounds + warmup; round++) {
      const start = clock.nowNs();
      bounce.send('ping', round);
      bounce.receive('pong', round, () => {});
      if (round > warmup) samples[round - warmup - 1] = (clock.nowNs() - start) / 2;
    }
    return samples;
  } finally {
    bounce.close();
    fs.rmSync(file);
  }
}
