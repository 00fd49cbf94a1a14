import type { Random } from '../../simulator/random.ts';
import { type MessageListener, MessageReader } from '../../src/feed/websocket/message-reader.ts';
import { WebSocketError } from '../../src/feed/websocket/websocket-error.ts';
import { assertThat, type FuzzTarget } from './target.ts';

const MESSAGE_BYTES_MAX = 1000;

const SAMPLES = [
  [0x81, 0x02, 0x7b, 0x7d, 0x89, 0x00, 0x82, 0x01, 0x00],
  [0x01, 0x01, 0x61, 0x89, 0x02, 0x62, 0x63, 0x80, 0x01, 0x64],
  [0x81, 0x7e, 0x00, 0x80, ...new Array<number>(128).fill(0x20), 0x8a, 0x00],
  [0x81, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x31, 0x32, 0x88, 0x02, 0x03, 0xe8],
  [0xc1, 0x03, 0x01, 0x02, 0x03, 0x81, 0x01, 0x31],
].map((bytes) => Buffer.from(bytes));

class Recorder implements MessageListener {
  seen = '';
  longest = 0;

  onMessage(message: Uint8Array): void {
    this.#add('m', message);
  }

  onCompressedMessage(message: Uint8Array): void {
    this.#add('c', message);
  }

  onPing(payload: Uint8Array): void {
    assertThat(payload.length <= 125, `a ping of ${payload.length} bytes`);
    this.#add('p', payload);
  }

  onClose(code: number, reason: string): void {
    this.seen += `x${code}${reason}`;
  }

  #add(kind: string, bytes: Uint8Array): void {
    this.longest = Math.max(this.longest, bytes.length);
    this.seen += kind + Buffer.from(bytes).toString('latin1');
  }
}

/** Frames of a server, or of something that is none: where reads are cut makes no difference to what is seen. */
export function websocketTarget(): FuzzTarget {
  return {
    name: 'websocket frames',
    samples: SAMPLES,
    share: 0.05,
    run(input, random: Random) {
      const whole = read(input, () => input.length);
      const cut = read(input, () => 1 + random.below(24));
      assertThat(whole === cut, `${JSON.stringify(cut)} in pieces, ${JSON.stringify(whole)} whole`);
    },
  };
}

function read(input: Buffer, nextLength: () => number): string {
  const recorder = new Recorder();
  const reader = new MessageReader(recorder, true, MESSAGE_BYTES_MAX);
  try {
    for (let at = 0; at < input.length; ) {
      const end = Math.min(input.length, at + nextLength());
      reader.consume(input.subarray(at, end), end - at);
      while (reader.isPaused) reader.resume();
      at = end;
    }
  } catch (error) {
    if (!(error instanceof WebSocketError)) throw error;
    recorder.seen += '!';
  }
  assertThat(recorder.longest <= MESSAGE_BYTES_MAX, `a message of ${recorder.longest} bytes`);
  return recorder.seen;
}
