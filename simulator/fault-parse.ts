import { type Fault, type FaultKind, type FaultPlace, PLACES } from './fault.ts';

/** What is wrong with a fault, and what would be right. */
export class FaultError extends Error {}

const NUMBERS = new Set([
  'probability',
  'atMs',
  'durationMs',
  'everyMs',
  'count',
  'code',
  'status',
  'retryAfterS',
  'delayMs',
  'bytesPerSecond',
  'bytes',
  'offsetMs',
  'ageMs',
]);
const TEXTS = new Set(['kind', 'route', 'symbol', 'stream', 'path', 'reason', 'location', 'tickSize']);
const ROUTES = ['public', 'market', 'legacy', 'rest'];
const NEEDS_SYMBOL: ReadonlySet<string> = new Set<FaultKind>(['tick_size', 'delist', 'relist']);
const NEEDS: Partial<Record<FaultKind, keyof Fault>> = {
  delay: 'delayMs',
  jitter: 'delayMs',
  slow_drip: 'bytesPerSecond',
  status: 'status',
  clock_skew: 'offsetMs',
  clock_jump: 'offsetMs',
  tick_size: 'tickSize',
};

/** `kind=drop,route=public,probability=0.01` @throws FaultError */
export function parseFaultText(text: string): Fault {
  const fields: Record<string, unknown> = Object.create(null);
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals < 1) throw new FaultError(`fault "${text}": "${part}" is not name=value`);
    fields[part.slice(0, equals).trim()] = part.slice(equals + 1).trim();
  }
  return parseFault(fields);
}

/** One fault, or a list of them, as JSON. @throws FaultError */
export function parseFaultsJson(text: string): Fault[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new FaultError(`faults are not JSON: ${(error as Error).message}`);
  }
  return (Array.isArray(value) ? value : [value]).map(parseFault);
}

/** Checks one fault. Field names may be written `at_ms` or `atMs`, numbers as text. @throws FaultError */
export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new FaultError('a fault is an object');
  const fault: Record<string, unknown> = {};
  for (const [given, raw] of Object.entries(value)) {
    const name = given.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (NUMBERS.has(name)) fault[name] = numberOf(given, raw);
    else if (TEXTS.has(name)) fault[name] = String(raw);
    else
      throw new FaultError(
        `fault: unknown field "${given}"; known: ${[...TEXTS, ...NUMBERS].map(snakeCase).join(', ')}`,
      );
  }
  check(fault as unknown as Fault);
  return fault as unknown as Fault;
}

/** `atMs` is "at_ms" wherever people write or read it. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function check(fault: Fault): void {
  if (!Object.hasOwn(PLACES, fault.kind ?? '')) {
    throw new FaultError(`fault: unknown kind "${fault.kind}"; known: ${Object.keys(PLACES).join(', ')}`);
  }
  if (fault.route !== undefined && !ROUTES.includes(fault.route)) {
    throw new FaultError(`fault ${fault.kind}: unknown route "${fault.route}"; known: ${ROUTES.join(', ')}`);
  }
  const places: readonly FaultPlace[] = PLACES[fault.kind];
  if (fault.route === 'rest' && !places.includes('rest'))
    throw new FaultError(`fault ${fault.kind} does not strike on rest`);
  if (fault.route !== undefined && fault.route !== 'rest' && (places[0] === 'rest' || places[0] === 'exchange')) {
    throw new FaultError(`fault ${fault.kind} does not strike on a route`);
  }
  const needed = NEEDS[fault.kind];
  if (needed !== undefined && fault[needed] === undefined) {
    throw new FaultError(`fault ${fault.kind} needs ${snakeCase(needed)}`);
  }
  if (NEEDS_SYMBOL.has(fault.kind) && fault.symbol === undefined)
    throw new FaultError(`fault ${fault.kind} needs symbol`);
  if (fault.everyMs !== undefined && fault.everyMs < 1) throw new FaultError('fault: every_ms must be 1 or more');
  if (fault.probability !== undefined && fault.probability > 1) throw new FaultError('fault: probability is 0 to 1');
  if (fault.code !== undefined && !isCloseCode(fault.code)) {
    throw new FaultError(`fault ${fault.kind}: code ${fault.code} is not a close code (1000–1015, 3000–4999)`);
  }
  if (fault.tickSize !== undefined && !(Number(fault.tickSize) > 0 && /^\d+(\.\d+)?$/.test(fault.tickSize))) {
    throw new FaultError(`fault tick_size: "${fault.tickSize}" is not a positive decimal`);
  }
}

/** 1005, 1006 and 1015 stand for an end without a close frame. */
function isCloseCode(code: number): boolean {
  return (code >= 1000 && code <= 1015 && code !== 1004) || (code >= 3000 && code <= 4999);
}

function numberOf(name: string, value: unknown): number {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  const isSigned = name === 'offset_ms' || name === 'offsetMs';
  if (typeof number !== 'number' || !Number.isFinite(number) || (number < 0 && !isSigned)) {
    throw new FaultError(
      `fault: ${name} must be a number${isSigned ? '' : ', 0 or more'}, not ${JSON.stringify(value)}`,
    );
  }
  return number;
}
