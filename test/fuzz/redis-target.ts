import type { Random } from '../../simulator/random.ts';
import { ReplyCounter } from '../../src/publish/redis/reply-counter.ts';
import { assertThat, type FuzzTarget } from './target.ts';

const SAMPLES = [
  '+OK\r\n:3\r\n:0\r\n',
  "-OOM command not allowed when used memory > 'maxmemory'.\r\n+PONG\r\n",
  '-MOVED 3999 127.0.0.1:6381\r\n:1\r\n',
  '+OK\r\n$5\r\nhello\r\n',
  '*2\r\n:1\r\n:2\r\n',
].map((text) => Buffer.from(text));

/** Replies of a Redis, or of something that is none, cut into chunks anywhere: counted as a reference counts them. */
export function redisTarget(): FuzzTarget {
  const seen = { replies: 0, errors: 0, protocolErrors: 0, longest: 0 };
  const counter = new ReplyCounter({
    onReply: () => seen.replies++,
    onErrorReply: (text) => {
      seen.errors++;
      seen.longest = Math.max(seen.longest, text.length);
    },
    onProtocolError: () => seen.protocolErrors++,
  });
  return {
    name: 'redis replies',
    samples: SAMPLES,
    share: 0.194,
    run(input, random: Random) {
      Object.assign(seen, { replies: 0, errors: 0, protocolErrors: 0, longest: 0 });
      counter.reset();
      for (let at = 0; at < input.length; ) {
        const end = Math.min(input.length, at + 1 + random.below(24));
        counter.consume(input.subarray(at, end));
        at = end;
      }
      const expected = count(input);
      assertThat(seen.replies === expected.replies, `${seen.replies} replies, not ${expected.replies}`);
      assertThat(seen.errors === expected.errors, `${seen.errors} errors, not ${expected.errors}`);
      assertThat(seen.protocolErrors === expected.protocolErrors, `${seen.protocolErrors} protocol errors`);
      assertThat(seen.longest <= 256, `an error text of ${seen.longest} characters`);
    },
  };
}

/** The obvious way: lines one after the other, the last of which may be incomplete. */
function count(input: Buffer): { replies: number; errors: number; protocolErrors: number } {
  const counts = { replies: 0, errors: 0, protocolErrors: 0 };
  const lines = input.toString('latin1').split('\n');
  const incomplete = lines.pop()!;
  for (const line of lines) {
    if (/^[+:]/.test(line)) counts.replies++;
    else if (line.startsWith('-')) counts.errors++;
    else return { ...counts, protocolErrors: 1 };
  }
  if (incomplete !== '' && !/^[-+:]/.test(incomplete)) counts.protocolErrors = 1;
  return counts;
}
