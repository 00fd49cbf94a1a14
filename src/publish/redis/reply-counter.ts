/** What a reply counter reports, in the order in which the commands were sent. */
export interface ReplyListener {
  onReply(): void;
  /** @param text what follows the "-", e.g. "OOM command not allowed when used memory > 'maxmemory'."; at most 256 characters. */
  onErrorReply(text: string): void;
  /** These bytes are no answer to any command that was sent: the connection cannot be used any more. */
  onProtocolError(detail: string): void;
}

const PLUS = 0x2b;
const MINUS = 0x2d;
const COLON = 0x3a;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const ERROR_BYTES_MAX = 256;

/** The line that is being read. `start`: its first byte is still to come. */
type LineState = 'start' | 'reply' | 'error' | 'broken';

/**
 * Counts RESP replies without building them. The commands that are written here (PUBLISH, SET, PING, SELECT) are answered by one line
 * each, "+OK", ":3" or "-ERR …" (RESP protocol, "Simple strings", "Simple errors", "Integers"); anything else is a protocol
 * error. Chunks may be cut anywhere.
 */
export class ReplyCounter {
  readonly #listener: ReplyListener;
  readonly #error: Uint8Array = Buffer.alloc(ERROR_BYTES_MAX);
  #errorLength = 0;
  #state: LineState = 'start';

  constructor(listener: ReplyListener) {
    this.#listener = listener;
  }

  /** For a new connection. */
  reset(): void {
    this.#state = 'start';
    this.#errorLength = 0;
  }

  /** Takes the first `length` bytes. After a protocol error everything is ignored until {@link ReplyCounter.reset}. */
  consume(chunk: Uint8Array, length: number = chunk.length): void {
    let at = 0;
    while (at < length) {
      switch (this.#state) {
        case 'start':
          this.#begin(chunk[at]!);
          at++;
          break;
        case 'reply':
          at = this.#skipLine(chunk, at, length);
          break;
        case 'error':
          at = this.#collectError(chunk, at, length);
          break;
        case 'broken':
          return;
      }
    }
  }

  #begin(type: number): void {
    if (type === PLUS || type === COLON) {
      this.#state = 'reply';
    } else if (type === MINUS) {
      this.#state = 'error';
      this.#errorLength = 0;
    } else {
      this.#state = 'broken';
      this.#listener.onProtocolError(`a reply starts with byte 0x${type.toString(16).padStart(2, '0')}`);
    }
  }

  #skipLine(chunk: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      if (chunk[at++] === LINE_FEED) {
        this.#state = 'start';
        this.#listener.onReply();
        return at;
      }
    }
    return at;
  }

  #collectError(chunk: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const byte = chunk[at++]!;
      if (byte === LINE_FEED) {
        this.#state = 'start';
        this.#listener.onErrorReply(Buffer.from(this.#error.subarray(0, this.#errorLength)).toString('utf8'));
        return at;
      }
      if (byte !== CARRIAGE_RETURN && this.#errorLength < ERROR_BYTES_MAX) this.#error[this.#errorLength++] = byte;
    }
    return at;
  }
}
