import { LIMITS } from '../../limits.ts';
import { CONTROL_BYTES_MAX, OPCODE } from './opcodes.ts';
import { WebSocketError } from './websocket-error.ts';

/** Payloads are valid until the call returns. */
export interface MessageListener {
  onMessage(message: Uint8Array): void;
  /** Not yet inflated; the reader has paused itself: see {@link MessageReader.resume}. */
  onCompressedMessage(message: Uint8Array): void;
  onPing(payload: Uint8Array): void;
  /** The last that is reported. `code` is 1005 when the frame had none. */
  onClose(code: number, reason: string): void;
}

const FINAL = 0x80;
const COMPRESSED = 0x40;
const RESERVED = 0x30;
const CONTROL = 0x08;
const MASKED = 0x80;
const HEADER_BYTES_MAX = 10;
/** Buffers that were needed for more than this are not kept. */
const KEPT_BYTES_MAX = 64 << 10;

/**
 * Bytes of a server to messages (RFC 6455, section 5). Reads may be cut anywhere: a frame that lies whole in one read, as nearly all do,
 * is handed on from where it lies; one that is cut is put together first. Text is not checked for UTF-8: whoever decodes it reads bytes.
 */
export class MessageReader {
  readonly #listener: MessageListener;
  readonly #isCompressionAgreed: boolean;
  readonly #messageBytesMax: number;
  /** The beginning of a frame whose end has not come yet. */
  #carry = new Uint8Array(HEADER_BYTES_MAX);
  #carried = 0;
  /** The beginning of a message whose last fragment has not come yet. */
  #fragments = new Uint8Array(0);
  #fragmentBytes = 0;
  #isFragmented = false;
  #isCompressed = false;
  /** What came while paused. */
  #waiting: Uint8Array[] = [];
  #isPaused = false;
  #isClosed = false;

  constructor(
    listener: MessageListener,
    isCompressionAgreed: boolean,
    messageBytesMax: number = LIMITS.frame_bytes_max,
  ) {
    this.#listener = listener;
    this.#isCompressionAgreed = isCompressionAgreed;
    this.#messageBytesMax = messageBytesMax;
  }

  /** A compressed message has been handed on, and nothing is read before {@link resume}. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /**
   * Reads `bytes` up to `end`; they may be overwritten afterwards.
   * @throws WebSocketError when they are not what a server may send; the connection cannot be used any more
   */
  consume(bytes: Uint8Array, end: number): void {
    if (this.#isPaused) {
      this.#waiting.push(bytes.slice(0, end));
      return;
    }
    let at = this.#carried === 0 ? 0 : this.#complete(bytes, end);
    while (at < end && !this.#isClosed) {
      if (this.#isPaused) {
        this.#waiting.push(bytes.slice(at, end));
        return;
      }
      const size = this.#frameSize(bytes, at, end);
      if (size === 0 || at + size > end) {
        this.#keep(bytes, at, end, size);
        return;
      }
      this.#onFrame(bytes, at, size);
      at += size;
    }
  }

  /** The compressed message has been dealt with. @throws WebSocketError as {@link consume} does */
  resume(): void {
    this.#isPaused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const bytes of waiting) this.consume(bytes, bytes.length);
  }

  /** Header and payload of the frame at `at`; 0 while not enough of the header is there to tell. */
  #frameSize(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < 2) return 0;
    const length = bytes[at + 1]!;
    let size = length + 2;
    if (length >= 126) {
      if (length >= MASKED) throw new WebSocketError('protocol_error', 'a masked frame');
      const headerBytes = length === 126 ? 4 : HEADER_BYTES_MAX;
      if (end - at < headerBytes) return 0;
      let payloadBytes = 0;
      for (let index = 2; index < headerBytes; index++) payloadBytes = payloadBytes * 256 + bytes[at + index]!;
      size = headerBytes + payloadBytes;
    }
    if (size > this.#messageBytesMax) {
      throw new WebSocketError('protocol_error', `a frame of ${size} bytes, more than ${this.#messageBytesMax}`, 1009);
    }
    return size;
  }

  #keep(bytes: Uint8Array, at: number, end: number, frameBytes: number): void {
    this.#carry = withRoom(this.#carry, 0, Math.max(frameBytes, end - at));
    this.#carry.set(bytes.subarray(at, end), 0);
    this.#carried = end - at;
  }

  /** Adds to the cut frame what it lacks and hands it on once it is whole. Returns how many bytes it took. */
  #complete(bytes: Uint8Array, end: number): number {
    let taken = 0;
    let size = this.#frameSize(this.#carry, 0, this.#carried);
    while (size === 0) {
      if (taken === end) return taken;
      this.#carry[this.#carried++] = bytes[taken++]!;
      size = this.#frameSize(this.#carry, 0, this.#carried);
    }
    this.#carry = withRoom(this.#carry, this.#carried, size);
    const part = Math.min(size - this.#carried, end - taken);
    this.#carry.set(bytes.subarray(taken, taken + part), this.#carried);
    this.#carried += part;
    if (this.#carried === size) {
      this.#carried = 0;
      this.#onFrame(this.#carry, 0, size);
      // One frame of several megabytes is no reason to keep as many for good.
      if (this.#carry.length > KEPT_BYTES_MAX) this.#carry = new Uint8Array(HEADER_BYTES_MAX);
    }
    return taken + part;
  }

  #onFrame(bytes: Uint8Array, at: number, size: number): void {
    const first = bytes[at]!;
    const length = bytes[at + 1]!;
    const headerBytes = length < 126 ? 2 : length === 126 ? 4 : HEADER_BYTES_MAX;
    const payload = new Uint8Array(bytes.buffer, bytes.byteOffset + at + headerBytes, size - headerBytes);
    const isPlainMessage = first === (FINAL | OPCODE.text) || first === (FINAL | OPCODE.binary);
    if (isPlainMessage && !this.#isFragmented) this.#listener.onMessage(payload);
    else this.#onUnusualFrame(first, payload);
  }

  #onUnusualFrame(first: number, payload: Uint8Array): void {
    const opcode = first & 0x0f;
    const isFinal = (first & FINAL) !== 0;
    const isCompressed = (first & COMPRESSED) !== 0;
    if ((first & RESERVED) !== 0) throw new WebSocketError('protocol_error', 'a reserved bit is set');
    if ((opcode & CONTROL) !== 0) {
      if (!isFinal || isCompressed || payload.length > CONTROL_BYTES_MAX) {
        throw new WebSocketError('protocol_error', 'a control frame that is fragmented, compressed or too long');
      }
      this.#onControl(opcode, payload);
      return;
    }
    const isContinuation = opcode === OPCODE.continuation;
    if (opcode > OPCODE.binary) throw new WebSocketError('protocol_error', `a frame of unknown type ${opcode}`);
    if (isContinuation !== this.#isFragmented) {
      throw new WebSocketError('protocol_error', 'fragments of a message are not in order');
    }
    if (isCompressed && (isContinuation || !this.#isCompressionAgreed)) {
      throw new WebSocketError('protocol_error', 'a frame is compressed that may not be');
    }
    if (!isContinuation) this.#isCompressed = isCompressed;
    this.#onFragment(payload, isFinal);
  }

  #onFragment(payload: Uint8Array, isFinal: boolean): void {
    const before = this.#fragmentBytes;
    const total = before + payload.length;
    if (total > this.#messageBytesMax) {
      throw new WebSocketError('protocol_error', `a message of more than ${this.#messageBytesMax} bytes`, 1009);
    }
    this.#isFragmented = !isFinal;
    let message = payload;
    if (before > 0 || !isFinal) {
      this.#fragments = withRoom(this.#fragments, before, total);
      this.#fragments.set(payload, before);
      message = this.#fragments.subarray(0, total);
    }
    this.#fragmentBytes = isFinal ? 0 : total;
    if (!isFinal) return;
    if (this.#isCompressed) {
      this.#isPaused = true;
      this.#listener.onCompressedMessage(message);
    } else {
      this.#listener.onMessage(message);
    }
    if (this.#fragments.length > KEPT_BYTES_MAX) this.#fragments = new Uint8Array(0);
  }

  #onControl(opcode: number, payload: Uint8Array): void {
    if (opcode === OPCODE.ping) {
      this.#listener.onPing(payload);
    } else if (opcode === OPCODE.close) {
      if (payload.length === 1) throw new WebSocketError('protocol_error', 'a closing frame with half a code');
      this.#isClosed = true;
      const code = payload.length === 0 ? 1005 : payload[0]! * 256 + payload[1]!;
      this.#listener.onClose(code, Buffer.from(payload.subarray(2)).toString('utf8'));
    } else if (opcode !== OPCODE.pong) {
      throw new WebSocketError('protocol_error', `a frame of unknown type ${opcode}`);
    }
  }
}

/** A buffer of at least `size` bytes that begins with the first `used` of this one: itself, or at least twice as large. */
function withRoom(buffer: Uint8Array<ArrayBuffer>, used: number, size: number): Uint8Array<ArrayBuffer> {
  if (size <= buffer.length) return buffer;
  const larger = new Uint8Array(Math.max(size, 2 * buffer.length));
  larger.set(buffer.subarray(0, used));
  return larger;
}
