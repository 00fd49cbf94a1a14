import { parentPort, workerData } from 'node:worker_threads';
import { fuzz } from './run.ts';
import { TARGETS } from './targets.ts';

/** One target in a thread of its own, so that the main thread sees when an input never ends. */
export interface FuzzJob {
  readonly target: string;
  readonly seed: number;
  readonly inputs: number;
  /** Word 0: inputs so far; word 1: length of the present one; its bytes from 8 on. */
  readonly shared: SharedArrayBuffer;
}

const { target: name, seed, inputs, shared } = workerData as FuzzJob;
const words = new Int32Array(shared, 0, 2);
const bytes = new Uint8Array(shared, 8);
const target = await TARGETS[name]!();
const report = await fuzz(target, seed, Math.max(1, Math.round(inputs * target.share)), {
  onInput(input) {
    bytes.set(input);
    Atomics.store(words, 1, input.length);
    Atomics.add(words, 0, 1);
  },
});
parentPort!.postMessage(report);
