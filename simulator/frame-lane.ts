import type { ClientConnection } from './client-connection.ts';
import type { Stream } from './stream-hub.ts';

const TICK_MS = 5;
/** A frame that waits for the next one of its stream goes alone after this long. */
const REORDER_WAIT_MS_MAX = 500;
/** A lane that holds more ends its connection: a fault may cost data, never memory. */
const HELD_BYTES_MAX = 64 << 20;

interface Waiting {
  readonly dueMs: number;
  readonly frame: Buffer;
}

interface StreamQueue {
  /** Sent in order, each not before its time. */
  readonly delayed: Waiting[];
  /** Goes out right behind the next frame of the stream. */
  held: Waiting | undefined;
}

/** How a frame goes through the lane. */
export interface LaneOrder {
  readonly delayMs: number;
  readonly isHeldForNext: boolean;
  /** 0: as fast as the socket takes it. */
  readonly bytesPerSecond: number;
}

/** The way of one connection's frames while some are delayed, held or trickling; gone once it is empty. */
export class FrameLane {
  readonly #connection: ClientConnection;
  readonly #onEmpty: () => void;
  readonly #queues = new Map<Stream, StreamQueue>();
  readonly #timer: NodeJS.Timeout;
  /** What trickles, oldest first; the first one may be partly sent. */
  #drip: Buffer[] = [];
  #bytesPerSecond = 0;
  #dripCredit = 0;
  #lastTickMs = performance.now();

  constructor(connection: ClientConnection, onEmpty: () => void) {
    this.#connection = connection;
    this.#onEmpty = onEmpty;
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  add(stream: Stream, frame: Buffer, order: LaneOrder): void {
    let queue = this.#queues.get(stream);
    if (queue === undefined) {
      queue = { delayed: [], held: undefined };
      this.#queues.set(stream, queue);
    }
    this.#bytesPerSecond = order.bytesPerSecond;
    const nowMs = performance.now();
    if (order.isHeldForNext && queue.held === undefined) {
      queue.held = { dueMs: nowMs + order.delayMs + REORDER_WAIT_MS_MAX, frame };
      this.#connection.heldBytes += frame.length;
      return;
    }
    this.#enqueue(queue, { dueMs: nowMs + order.delayMs, frame }, nowMs);
    if (queue.held !== undefined) {
      const { frame: heldFrame } = queue.held;
      queue.held = undefined;
      this.#connection.heldBytes -= heldFrame.length;
      this.#enqueue(queue, { dueMs: nowMs + order.delayMs, frame: heldFrame }, nowMs);
    }
  }

  #enqueue(queue: StreamQueue, waiting: Waiting, nowMs: number): void {
    if (queue.delayed.length === 0 && waiting.dueMs <= nowMs) {
      this.#emit(waiting.frame);
      return;
    }
    const afterMs = queue.delayed.at(-1)?.dueMs ?? 0;
    queue.delayed.push({ dueMs: Math.max(waiting.dueMs, afterMs), frame: waiting.frame });
    this.#connection.heldBytes += waiting.frame.length;
    if (this.#connection.heldBytes > HELD_BYTES_MAX) this.#connection.webSocket.terminate();
  }

  #emit(frame: Buffer): void {
    if (this.#bytesPerSecond === 0 && this.#drip.length === 0) {
      this.#connection.send(frame);
      return;
    }
    this.#drip.push(frame);
    this.#connection.isDripping = true;
    this.#connection.heldBytes += frame.length;
  }

  #tick(): void {
    if (this.#connection.isOver) {
      this.#end();
      return;
    }
    const nowMs = performance.now();
    for (const [stream, queue] of this.#queues) {
      if (queue.held !== undefined && queue.held.dueMs <= nowMs) {
        const { frame } = queue.held;
        queue.held = undefined;
        this.#connection.heldBytes -= frame.length;
        this.#enqueue(queue, { dueMs: nowMs, frame }, nowMs);
      }
      let due = 0;
      while (due < queue.delayed.length && queue.delayed[due]!.dueMs <= nowMs) due++;
      for (const { frame } of queue.delayed.splice(0, due)) {
        this.#connection.heldBytes -= frame.length;
        this.#emit(frame);
      }
      if (queue.delayed.length === 0 && queue.held === undefined) this.#queues.delete(stream);
    }
    this.#trickle(nowMs);
    this.#connection.flush();
    if (this.#queues.size === 0 && this.#drip.length === 0) this.#end();
  }

  #trickle(nowMs: number): void {
    const credit = this.#dripCredit + ((nowMs - this.#lastTickMs) / 1000) * this.#bytesPerSecond;
    this.#lastTickMs = nowMs;
    // Once nothing trickles any more, what is left goes at once.
    let allowed = this.#bytesPerSecond === 0 ? Number.POSITIVE_INFINITY : Math.floor(credit);
    this.#dripCredit = this.#bytesPerSecond === 0 ? 0 : credit - allowed;
    while (allowed > 0 && this.#drip.length > 0) {
      const frame = this.#drip[0]!;
      const part = frame.subarray(0, Math.min(allowed, frame.length));
      this.#connection.sendPart(part);
      this.#connection.heldBytes -= part.length;
      allowed -= part.length;
      if (part.length === frame.length) this.#drip.shift();
      else this.#drip[0] = frame.subarray(part.length);
    }
    this.#connection.isDripping = this.#drip.length > 0;
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#connection.heldBytes = 0;
    this.#connection.isDripping = false;
    this.#onEmpty();
  }
}
