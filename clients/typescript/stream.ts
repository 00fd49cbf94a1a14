import { setTimeout as sleep } from 'node:timers/promises';
import type { ShmEvent } from '../../src/shm/events.ts';
import type { WriterState } from '../../src/shm/writer-watch.ts';
import type { ShmReader } from './reader.ts';

/** The writer's state changed; `reopened` when the reader is now attached to a new writer's region. */
export interface WriterEvent {
  readonly kind: 'writer';
  readonly state: WriterState | 'reopened';
}

export type StreamEvent = ShmEvent | WriterEvent;

export interface StreamOptions {
  /** Pause between looks while there is nothing new; 1 ms when left out. */
  readonly pollMs?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
}

const WRITER_LOOK_MS = 100;
/** So many events are handed out before timers and sockets of this process get a turn. */
const EVENTS_PER_TURN = 1024;

/**
 * All events of a reader, for as long as the process wants them: sleeps while there is none, tells when the writer falls silent or
 * closes, and follows a restarted one. Objects are overwritten by the next event.
 *
 *     for await (const event of stream(open())) …
 */
export async function* stream(reader: ShmReader, options: StreamOptions = {}): AsyncGenerator<StreamEvent, void, void> {
  const { pollMs = 1, signal } = options;
  let writerState: WriterState = 'live';
  let lookAtMs = 0;
  let count = 0;
  while (!signal?.aborted) {
    for (let event = reader.next(); event !== undefined; event = reader.next()) {
      yield event;
      if (signal?.aborted) return;
      if (++count % EVENTS_PER_TURN === 0) await sleep(0);
    }
    if (performance.now() >= lookAtMs) {
      lookAtMs = performance.now() + WRITER_LOOK_MS;
      const state = reader.writerState();
      if (state !== 'live' && reader.reopenIfReplaced()) {
        writerState = 'live';
        yield { kind: 'writer', state: 'reopened' };
        continue;
      }
      if (state !== writerState) {
        writerState = state;
        yield { kind: 'writer', state };
      }
    }
    await sleep(pollMs);
  }
}
