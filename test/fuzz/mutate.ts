import type { Random } from '../../simulator/random.ts';

/** Bytes that mean something to one of the parsers under test, so that mutations reach past their first checks. */
const TOKENS = [
  ...'{}[]:,"\\-+.eE0123456789 \t\r\n\0',
  'null',
  'true',
  'false',
  '1e308',
  '-0',
  '0.000000000001',
  '9007199254740993',
  '99999999999999999999',
  '""',
  '[]',
  '{}',
  '[[',
  ']]',
  '"u":',
  '"pu":',
  '"U":',
  '"b":[',
  '"a":[',
  '"s":"',
  '"e":"',
  '"stream":"',
  '"data":{',
  '__proto__',
  'constructor',
  '\\u0000',
  '\\ud800',
  '\u{1f600}',
  '\r\n',
  '$-1\r\n',
  ':1\r\n',
  '-ERR x\r\n',
  '+OK\r\n',
  '*2\r\n',
  'BTCUSDT',
  '@depth',
  '@aggTrade',
  '&a',
  '*a',
  '<<',
  '!!js',
  '---',
  ': ',
  '- ',
  '#',
  '|',
  '>',
  '%',
  'GET ',
  'HTTP/1.1',
  'Content-Length: ',
  'Transfer-Encoding: chunked\r\n',
  'Host: a\r\n',
  '/../',
  '%00',
  '?',
].map((text) => Buffer.from(text));

/** A changed copy of one of the samples: bytes overwritten, removed, repeated, cut, or spliced with another sample. */
export function mutated(random: Random, samples: readonly Buffer[], target: Buffer): number {
  let length = copySample(random, samples, target);
  for (let rounds = 1 + random.below(6); rounds > 0; rounds--) length = mutateOnce(random, samples, target, length);
  return length;
}

function copySample(random: Random, samples: readonly Buffer[], target: Buffer): number {
  return samples[random.below(samples.length)]!.copy(target, 0);
}

function mutateOnce(random: Random, samples: readonly Buffer[], target: Buffer, length: number): number {
  const at = random.below(length + 1);
  switch (random.below(8)) {
    case 0:
      if (at < length) target[at] = random.below(256);
      return length;
    case 1:
      if (at < length) target[at]! ^= 1 << random.below(8);
      return length;
    case 2:
      return insert(target, length, at, TOKENS[random.below(TOKENS.length)]!);
    case 3: {
      const token = TOKENS[random.below(TOKENS.length)]!;
      token.copy(target, at);
      return Math.min(target.length, Math.max(length, at + token.length));
    }
    case 4: {
      const end = Math.min(length, at + 1 + random.below(16));
      target.copyWithin(at, end, length);
      return length - (end - at);
    }
    case 5: {
      const end = Math.min(length, at + 1 + random.below(64));
      return insert(target, length, at, Buffer.from(target.subarray(at, end)));
    }
    case 6:
      return at;
    default: {
      const other = samples[random.below(samples.length)]!;
      const from = random.below(other.length + 1);
      return insert(target, at, at, other.subarray(from));
    }
  }
}

function insert(target: Buffer, length: number, at: number, bytes: Buffer): number {
  const room = Math.min(bytes.length, target.length - at);
  target.copyWithin(at + room, at, Math.min(length, target.length - room));
  bytes.copy(target, at, 0, room);
  return Math.min(target.length, length + room);
}
