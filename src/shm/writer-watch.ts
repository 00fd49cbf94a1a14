import { loadInt64 } from './int64.ts';
import * as layout from './layout.ts';

/**
 * - `live`: the heartbeat moves. - `silent`: it has stopped for a second: killed, stopped, or its machine was asleep; it may come back.
 * - `closed`: it ended cleanly. - `replaced`: a new writer has taken the name over.
 */
export type WriterState = 'live' | 'silent' | 'closed' | 'replaced';

/** Watches the writer's heartbeat with the reader's own monotonic clock: docs/SHM_LAYOUT.md section 6. */
export class WriterWatch {
  readonly #floats: Float64Array;
  readonly #words: Uint32Array;
  #lastBeat: number;
  #lastChangeMs: number;

  constructor(buffer: ArrayBuffer) {
    this.#floats = new Float64Array(buffer, 0, layout.HEADER_BYTES / 8);
    this.#words = new Uint32Array(buffer, 0, layout.HEADER_BYTES / 4);
    this.#lastBeat = this.#beat();
    const ageMs = Date.now() - this.#lastBeat / 1e6;
    this.#lastChangeMs = performance.now() - Math.min(Math.max(ageMs, 0), layout.HEARTBEAT_TIMEOUT_MS);
  }

  state(): WriterState {
    const state = this.#words[layout.HEADER_WRITER_STATE / 4];
    if (state === layout.WRITER_CLOSED) return 'closed';
    if (state === layout.WRITER_REPLACED) return 'replaced';
    const beat = this.#beat();
    if (beat !== this.#lastBeat) {
      this.#lastBeat = beat;
      this.#lastChangeMs = performance.now();
    }
    return performance.now() - this.#lastChangeMs < layout.HEARTBEAT_TIMEOUT_MS ? 'live' : 'silent';
  }

  /** Rounded to a quarter of a microsecond, as a double of this size is. */
  #beat(): number {
    return loadInt64(this.#floats, layout.HEADER_HEARTBEAT_TIME_NS / 8);
  }
}
