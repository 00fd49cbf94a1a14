import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Random } from '../../simulator/random.ts';
import { mutated } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

export interface FuzzReport {
  readonly target: string;
  readonly inputs: number;
  readonly seconds: number;
  /** The longest that one input took. */
  readonly worst_ms: number;
  /** Live heap after the run minus after its first tenth. */
  readonly growth_bytes: number;
}

const INPUT_BYTES_MAX = 4096;
/** What the heap may grow by between the first tenth and the end: caches that fill late, not a leak per input. */
const GROWTH_BYTES_MAX = 4 << 20;

/** Tells a watchdog what is being worked on: an input that never ends is found in it. */
export interface Progress {
  /** Called before each input. */
  onInput(input: Uint8Array): void;
}

/** Feeds a target its inputs, all of them from one seed. @throws Error with target, seed, number and bytes of the first input that fails */
export async function fuzz(target: FuzzTarget, seed: number, inputs: number, progress?: Progress): Promise<FuzzReport> {
  const random = new Random(`fuzz/${target.name}/${seed}`);
  const buffer = Buffer.alloc(INPUT_BYTES_MAX);
  const startedMs = performance.now();
  let worstMs = 0;
  let heapBefore = 0;
  for (let count = 0; count < inputs; count++) {
    const length = mutated(random, target.samples, buffer);
    const input = buffer.subarray(0, length);
    progress?.onInput(input);
    const beginMs = performance.now();
    try {
      const pending = target.run(input, random);
      if (pending !== undefined) await pending;
    } catch (error) {
      throw new Error(`${target.name}, seed ${seed}, input ${count} ${JSON.stringify(input.toString('latin1'))}`, {
        cause: error,
      });
    }
    worstMs = Math.max(worstMs, performance.now() - beginMs);
    if (count === Math.floor(inputs / 10)) heapBefore = liveHeapBytes();
  }
  const growth = liveHeapBytes() - heapBefore;
  await target.finish?.();
  if (growth > GROWTH_BYTES_MAX) throw new Error(`${target.name}, seed ${seed}: the heap grew by ${growth} bytes`);
  const seconds = (performance.now() - startedMs) / 1000;
  return { target: target.name, inputs, seconds: round(seconds), worst_ms: round(worstMs), growth_bytes: growth };
}

function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

const round = (value: number): number => Math.round(value * 100) / 100;
