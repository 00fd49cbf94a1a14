import * as fs from 'node:fs';
import { mapFile } from '../src/shm/mapping.ts';
import { SharedClock, startPeer } from './shm-book.ts';

/** Two counters, each on a cache-line pair of its own; indexes of 4-byte words. */
export const BOUNCE_BYTES = 4096;
export const BOUNCE_PING = 0;
export const BOUNCE_PONG = 64;

/**
 * The bare hand-over: how long one store of one process takes to be seen by another that spins on it. Half a round trip each, ns,
 * with half a reading of the clock in it. There is nothing below it for any two processes on this machine.
 */
export async function measureBounce(core: number, rounds: number, warmup: number): Promise<Float64Array> {
  const file = `/dev/shm/market_data_bounce_${process.pid}`;
  fs.writeFileSync(file, new Uint8Array(BOUNCE_BYTES));
  const fd = fs.openSync(file, 'r+');
  try {
    const words = new Int32Array(mapFile(fd, BOUNCE_BYTES, 'read-write'));
    await startPeer(core, 'bounce', file, String(rounds + warmup));
    const clock = new SharedClock();
    const samples = new Float64Array(rounds);
    for (let round = 1; round <= rounds + warmup; round++) {
      const start = clock.nowNs();
      Atomics.store(words, BOUNCE_PING, round);
      while (Atomics.load(words, BOUNCE_PONG) !== round);
      if (round > warmup) samples[round - warmup - 1] = (clock.nowNs() - start) / 2;
    }
    return samples;
  } finally {
    fs.closeSync(fd);
    fs.rmSync(file);
  }
}
