import { isIP } from 'node:net';

/** What a configuration value may be. One object per key; see keys.ts. */
export interface ValueKind<T> {
  /** Completes the sentence "allowed: …". */
  readonly allowed: string;
  /** Reads a value as YAML typed it. @throws ValueProblem */
  fromYaml(raw: YamlValue): T;
  /** Reads a value from an environment variable or a flag. @throws ValueProblem */
  fromText(text: string): T;
  /** The value as one would write it in a flag. */
  toText(value: T): string;
}

/** A value of the file. Lists hold scalars only; `source` is the scalar's text as written ("0640", which YAML calls 640). */
export type YamlValue =
  | { readonly type: 'scalar'; readonly value: string | number | bigint | boolean | null; readonly source: string }
  | { readonly type: 'list'; readonly items: readonly YamlValue[] }
  | { readonly type: 'map' };

/** A value that is not allowed: says what was found, in words that are safe to print. */
export class ValueProblem extends Error {
  override readonly name = 'ValueProblem';
}

const FOUND_CHARACTERS_MAX = 80;

export function quote(text: string): string {
  const shown = text.length > FOUND_CHARACTERS_MAX ? `${text.slice(0, FOUND_CHARACTERS_MAX)}…` : text;
  return JSON.stringify(shown);
}

/** What a value of the file is, in words: `the text "x"`, `the number 5`, `a list`. */
export function describeFound(raw: YamlValue): string {
  if (raw.type === 'list') return 'a list';
  if (raw.type === 'map') return 'a map';
  if (raw.value === null) return 'nothing';
  if (typeof raw.value === 'string') return `the text ${quote(raw.value)}`;
  if (typeof raw.value === 'boolean') return `${raw.value}`;
  return `the number ${raw.source.slice(0, FOUND_CHARACTERS_MAX)}`;
}

export function integer(min: number, max: number): ValueKind<number> {
  const check = (value: number, found: string): number => {
    if (!Number.isInteger(value) || value < min || value > max) throw new ValueProblem(found);
    return value;
  };
  return {
    allowed: `a whole number from ${min} to ${max}`,
    fromYaml: (raw) => {
      const isNumber = raw.type === 'scalar' && typeof raw.value === 'number';
      return check(isNumber ? (raw.value as number) : Number.NaN, describeFound(raw));
    },
    fromText: (text) => check(/^-?\d+$/.test(text.trim()) ? Number(text) : Number.NaN, quote(text)),
    toText: String,
  };
}

export function flag(): ValueKind<boolean> {
  return {
    allowed: 'true or false',
    fromYaml: (raw) => {
      if (raw.type === 'scalar' && typeof raw.value === 'boolean') return raw.value;
      throw new ValueProblem(describeFound(raw));
    },
    fromText: (text) => {
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw new ValueProblem(quote(text));
    },
    toText: String,
  };
}

export function oneOf<const T extends string>(...choices: readonly T[]): ValueKind<T> {
  return text(`${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`, (value) => {
    if ((choices as readonly string[]).includes(value)) return value as T;
    throw new ValueProblem(quote(value));
  });
}

/** Text that `parse` reads. `parse` throws ValueProblem with what was found. */
export function text<T>(
  allowed: string,
  parse: (value: string) => T,
  toText: (value: T) => string = String,
): ValueKind<T> {
  return {
    allowed,
    fromYaml: (raw) => {
      if (raw.type === 'scalar' && typeof raw.value === 'string') return parse(raw.value);
      throw new ValueProblem(describeFound(raw));
    },
    fromText: (value) => parse(value.trim()),
    toText,
  };
}

export function matching(allowed: string, pattern: RegExp): ValueKind<string> {
  return text(allowed, (value) => {
    if (pattern.test(value)) return value;
    throw new ValueProblem(quote(value));
  });
}

/** `''` means that the thing is off; an empty value in the file means the same. */
export function optional(kind: ValueKind<string>): ValueKind<string> {
  return {
    allowed: `${kind.allowed}; or empty for none`,
    fromYaml: (raw) => {
      if (raw.type === 'scalar' && (raw.value === null || raw.value === '')) return '';
      return kind.fromYaml(raw);
    },
    fromText: (value) => (value.trim() === '' ? '' : kind.fromText(value)),
    toText: kind.toText,
  };
}

/** Never shows what was found. */
export function secret(kind: ValueKind<string>): ValueKind<string> {
  const hidden = (read: () => string): string => {
    try {
      return read();
    } catch (error) {
      if (error instanceof ValueProblem) throw new ValueProblem('something else (not shown, because it is a secret)');
      throw error;
    }
  };
  return {
    allowed: kind.allowed,
    fromYaml: (raw) => hidden(() => kind.fromYaml(raw)),
    fromText: (value) => hidden(() => kind.fromText(value)),
    toText: (value) => (value === '' ? '' : '***'),
  };
}

export interface ListOptions<T> {
  readonly countMin: number;
  readonly countMax: number;
  /** What to call the items in messages: "symbols". */
  readonly items: string;
  /** Two items with the same identity are refused. */
  identity(item: T): string;
}

export function list<T>(kind: ValueKind<T>, options: ListOptions<T>): ValueKind<readonly T[]> {
  const { countMin, countMax, items: word } = options;
  const check = (values: readonly T[]): readonly T[] => {
    if (values.length < countMin) throw new ValueProblem(`no ${word}`);
    if (values.length > countMax) throw new ValueProblem(`${values.length} ${word}`);
    const seen = new Set<string>();
    for (const value of values) {
      const identity = options.identity(value);
      if (seen.has(identity)) throw new ValueProblem(`${quote(identity)} twice`);
      seen.add(identity);
    }
    return values;
  };
  return {
    allowed: `a list of ${countMin === 0 ? 'at most' : `${countMin} to`} ${countMax} different ${word}, each ${kind.allowed}`,
    fromYaml: (raw) => {
      if (raw.type !== 'list') throw new ValueProblem(describeFound(raw));
      return check(raw.items.map((item) => kind.fromYaml(item)));
    },
    fromText: (value) => check(value.trim() === '' ? [] : value.split(',').map((item) => kind.fromText(item))),
    toText: (values) => values.map((value) => kind.toText(value)).join(','),
  };
}

/** The text of a URL without what may be secret in it: user, password and query. Works on broken URLs too. */
export function maskUrl(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/|)[\s\S]*@/i, '$1***@').replace(/\?[\s\S]*$/, '?***');
}

/** A URL with one of the protocols ("ws:") and a host. `check` may refuse or rewrite it. */
export function url(protocols: readonly string[], check: (parsed: URL, text: string) => string): ValueKind<string> {
  const shown = protocols.map((protocol) => `${protocol}//`).join(' or ');
  return text(
    `a URL that begins with ${shown}`,
    (value) => {
      const parsed = URL.canParse(value) ? new URL(value) : undefined;
      if (parsed === undefined || !protocols.includes(parsed.protocol) || parsed.hostname === '') {
        throw new ValueProblem(quote(maskUrl(value)));
      }
      return check(parsed, value);
    },
    maskUrl,
  );
}

/** Permission bits in octal digits: 0640, "0640" or 0o640. */
export function fileMode(): ValueKind<number> {
  const parse = (value: string): number => {
    const digits = /^0?o?([0-7]{3})$/.exec(value)?.[1];
    const mode = Number.parseInt(digits ?? '', 8);
    if (digits === undefined || (mode & 0o600) !== 0o600) throw new ValueProblem(quote(value));
    return mode;
  };
  return {
    allowed: 'octal permissions from 0600 to 0777 in which the owner reads and writes, such as 0640',
    fromYaml: (raw) => {
      if (raw.type === 'scalar' && raw.value !== null) return parse(raw.source);
      throw new ValueProblem(describeFound(raw));
    },
    fromText: (value) => parse(value.trim()),
    toText: (mode) => `0${mode.toString(8)}`,
  };
}

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** "host:port" or "[address]:port". */
export function hostAndPort(): ValueKind<HostAndPort> {
  return text(
    'host:port',
    (value) => {
      const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+)):(\d{1,5})$/i.exec(value);
      const port = Number(match?.[3]);
      if (match === null || port < 1 || port > 65_535) throw new ValueProblem(quote(value));
      return { host: (match[1] ?? match[2])!, port };
    },
    ({ host, port }) => (isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`),
  );
}
