import fc from 'fast-check';

/** One member of an object as JSON text. */
export interface Member {
  readonly name: string;
  readonly value: string;
}

/** A frame before it is written: its stream and the members of its event, in the documented order. */
export interface Draft {
  readonly stream: string;
  readonly members: readonly Member[];
}

export const SYMBOLS = ['BTCUSDT', 'ETHUSDT', '1000PEPEUSDT', 'BTCUSDT_260925', '币安人生USDT'];

const symbol = fc.constantFrom(...SYMBOLS);
const id = fc.oneof(fc.nat(), fc.integer({ min: 0, max: 9_007_199_254_740_991 }));
const time = fc.integer({ min: 1_500_000_000_000, max: 2_000_000_000_000 });

/** Decimal text as the venue writes it: a fixed number of places, trailing zeros kept. */
function decimal(places: number, wholeMax: number): fc.Arbitrary<string> {
  return fc
    .tuple(fc.integer({ min: 0, max: wholeMax }), fc.integer({ min: 0, max: 10 ** places - 1 }))
    .map(([whole, fraction]) => (places === 0 ? `${whole}` : `${whole}.${String(fraction).padStart(places, '0')}`));
}

const price = fc.oneof(
  decimal(2, 99_999),
  decimal(1, 999_999),
  decimal(7, 9),
  decimal(5, 99_999),
  decimal(0, 99_999_999),
);
const quantity = fc.oneof(decimal(3, 999), decimal(0, 999_999_999_999), decimal(3, 99_999_999_999), decimal(8, 12));
const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => text.map((value) => `"${value}"`);
const side = fc
  .array(fc.tuple(quoted(price), quoted(quantity)), { maxLength: 12 })
  .map((levels) => `[${levels.map(([p, q]) => `[${p},${q}]`).join(',')}]`);

function draft(
  streamSuffix: fc.Arbitrary<string>,
  members: (symbol: string) => fc.Arbitrary<readonly (Member | undefined)[]>,
): fc.Arbitrary<Draft> {
  return fc.tuple(symbol, streamSuffix).chain(([name, suffix]) =>
    members(name).map((list) => ({
      stream: name.toLowerCase() + suffix,
      members: list.filter((member) => member !== undefined),
    })),
  );
}

function member(name: string, value: fc.Arbitrary<string | number | boolean>): fc.Arbitrary<Member> {
  return value.map((text) => ({ name, value: String(text) }));
}

function sometimes(value: fc.Arbitrary<Member>): fc.Arbitrary<Member | undefined> {
  return fc.option(value, { nil: undefined });
}

const text = (value: string): fc.Arbitrary<string> => fc.constant(`"${value}"`);

const depthDraft = draft(fc.constantFrom('@depth', '@depth@100ms', '@depth5@100ms', '@depth20'), (name) =>
  fc.tuple(
    member('e', text('depthUpdate')),
    member('E', time),
    member('T', time),
    member('s', text(name)),
    sometimes(member('ps', text(name))),
    member('U', fc.nat()),
    member('u', fc.integer({ min: 2 ** 31, max: 9_007_199_254_740_991 })),
    member('pu', id),
    member('b', side),
    member('a', side),
    sometimes(member('st', fc.constantFrom(1, 2))),
  ),
);

const aggTradeDraft = draft(fc.constant('@aggTrade'), (name) =>
  fc.tuple(
    member('e', text('aggTrade')),
    member('E', time),
    member('a', id),
    member('s', text(name)),
    member('p', quoted(price)),
    member('q', quoted(quantity)),
    sometimes(member('nq', quoted(quantity))),
    member('f', id),
    member('l', id),
    member('T', time),
    member('m', fc.boolean()),
    sometimes(member('st', fc.constant(1))),
  ),
);

const tradeDraft = draft(fc.constant('@trade'), (name) =>
  fc.tuple(
    member('e', text('trade')),
    member('E', time),
    member('T', time),
    member('s', text(name)),
    member('t', id),
    member('p', quoted(price)),
    member('q', quoted(quantity)),
    member('X', fc.constantFrom('"MARKET"', '"MARKET"', '"NA"', '"INSURANCE_FUND"')),
    member('m', fc.boolean()),
  ),
);

const topDraft = draft(fc.constant('@bookTicker'), (name) =>
  fc.tuple(
    member('e', text('bookTicker')),
    member('u', id),
    member('s', text(name)),
    sometimes(member('ps', text(name))),
    member('b', quoted(price)),
    member('B', quoted(quantity)),
    member('a', quoted(price)),
    member('A', quoted(quantity)),
    member('T', time),
    member('E', time),
    sometimes(member('st', fc.constant(1))),
  ),
);

const tickerDraft = draft(fc.constant('@ticker'), (name) =>
  fc.tuple(
    member('e', text('24hrTicker')),
    member('E', time),
    member('s', text(name)),
    member('P', quoted(decimal(2, 99))),
    member('c', quoted(price)),
    member('h', quoted(price)),
    member('l', quoted(price)),
    member('v', quoted(quantity)),
    member('n', fc.nat()),
  ),
);

/** Events as the venue sends them today. */
export const drafts = fc.oneof({ weight: 3, arbitrary: depthDraft }, aggTradeDraft, tradeDraft, topDraft, tickerDraft);
/** Those that the fast decoder knows. */
export const commonDrafts = fc.oneof(depthDraft, aggTradeDraft, topDraft);

/** Written byte for byte as the venue does. */
export function writePlain({ stream, members }: Draft): Buffer {
  return Buffer.from(
    `{"stream":"${stream}","data":{${members.map(({ name, value }) => `"${name}":${value}`).join(',')}}}`,
  );
}

/**
 * Written as any JSON library might: members in any order, some twice, unknown ones between, white space, escapes, numbers as text
 * or not, null for what is missing. What it means stays as JSON.parse has it.
 * @param seed of all choices.
 */
export function writeLoose({ stream, members }: Draft, seed: number): Buffer {
  const style = new LooseStyle(seed);
  const event = style.object(members.map(({ name, value }) => ({ name, value: style.value(value) })));
  return Buffer.from(
    style.object([
      { name: 'stream', value: style.string(stream) },
      { name: 'data', value: event },
    ]),
  );
}

const UNKNOWN_MEMBERS: readonly Member[] = [
  { name: 'zz', value: '[1,{"b":[["1","2"]],"e":null},"]}"]' },
  { name: 'future', value: '{"s":"NOTTHIS","u":1,"deep":[[[[{}]]]]}' },
  { name: 'w', value: '"\\\\\\"{[\\u0000"' },
  { name: '', value: '-1.5E+3' },
  { name: 'streams', value: 'true' },
];

class LooseStyle {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  object(members: readonly Member[]): string {
    const list = members.flatMap((entry) => {
      if (this.#chance(0.02)) return [];
      if (this.#chance(0.03)) return [{ name: entry.name, value: 'null' }];
      return this.#chance(0.05) ? [{ name: entry.name, value: this.#pick(members).value }, entry] : [entry];
    });
    if (this.#chance(0.5)) list.push(this.#pick(UNKNOWN_MEMBERS));
    if (this.#chance(0.7)) this.#shuffle(list);
    const parts = list.map(({ name, value }) => `${this.string(name)}${this.#space()}:${this.#space()}${value}`);
    return `{${this.#space()}${parts.join(`${this.#space()},${this.#space()}`)}${this.#space()}}`;
  }

  string(content: string): string {
    if (this.#chance(0.7)) return `"${content}"`;
    const escaped = Array.from({ length: content.length }, (_, index) => {
      const unit = content.charCodeAt(index);
      return this.#chance(0.3) ? `\\u${unit.toString(16).padStart(4, '0')}` : content[index]!;
    });
    return `"${escaped.join('')}"`;
  }

  /** A value's JSON text, rewritten. */
  value(json: string): string {
    if (json.startsWith('[')) return this.#levels(JSON.parse(json) as string[][]);
    if (json.startsWith('"')) return this.#text(json.slice(1, -1));
    return /^\d+$/.test(json) && this.#chance(0.2) ? `"${json}"` : json;
  }

  #levels(levels: readonly (readonly string[])[]): string {
    const space = (): string => this.#space();
    const texts = levels.map(([price, quantity]) => {
      const more = this.#chance(0.1) ? `${space()},${space()}[]` : '';
      return `[${space()}${this.#text(price!)}${space()},${space()}${this.#text(quantity!)}${more}${space()}]`;
    });
    return `[${space()}${texts.join(`${space()},${space()}`)}${space()}]`;
  }

  #text(content: string): string {
    const isNumber = /^\d+(\.\d+)?$/.test(content);
    if (isNumber && content.length <= 15 && this.#chance(0.1)) return String(Number(content));
    if (isNumber && this.#chance(0.05)) return `"${content}e0"`;
    return this.string(content);
  }

  #space(): string {
    return this.#chance(0.85) ? '' : this.#pick([' ', '\n', '\t', '\r\n  ']);
  }

  #shuffle(list: unknown[]): void {
    for (let last = list.length - 1; last > 0; last--) {
      const other = Math.floor(this.#random() * (last + 1));
      [list[last], list[other]] = [list[other], list[last]];
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** mulberry32. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
