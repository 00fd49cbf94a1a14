import { Random } from '../../simulator/random.ts';
import { symbolProfile } from '../../simulator/symbol-profile.ts';

/** One thing that goes wrong, at a time and for a while. */
export interface PlannedFault {
  readonly atMs: number;
  readonly durationMs: number;
  /** As it is counted in the report, e.g. "exchange drop" or "redis kill". */
  readonly name: string;
  readonly target: 'exchange' | 'redis' | 'service' | 'subscriber';
  /** For the exchange: what its control endpoint is given, in one go. */
  readonly faults?: readonly ExchangeFault[];
}

type ExchangeFault = Readonly<Record<string, unknown>>;

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly target: PlannedFault['target'];
  readonly durationMs: readonly [least: number, most: number];
  /** How long its effect may outlast it: a socket that was opened onto silence is silent until it is replaced. */
  readonly lingerMs?: number;
  readonly fault?: (random: Random, symbols: readonly string[]) => ExchangeFault | readonly ExchangeFault[];
}

const CLOSE_CODES = [1000, 1001, 1006, 1008, 1011, 1012, 1013, 3000, 4001];

const oneOf = <T>(random: Random, values: readonly T[]): T => values[random.below(values.length)]!;
const between = (random: Random, [least, most]: readonly [number, number]): number =>
  Math.round(least + random.next() * (most - least));

/** A stream of one symbol, or a whole route, or everything. */
function scope(random: Random, symbols: readonly string[]): Record<string, unknown> {
  const where = random.below(10);
  if (where < 6) return { symbol: oneOf(random, symbols), route: random.chance(0.5) ? 'public' : 'market' };
  if (where < 8) return { symbol: oneOf(random, symbols) };
  return { route: random.chance(0.5) ? 'public' : 'market' };
}

function onFrames(kind: string, probability: readonly [number, number], more: (random: Random) => object = () => ({})) {
  return (random: Random, symbols: readonly string[]) => ({
    kind,
    ...scope(random, symbols),
    probability: probability[0] + random.next() * (probability[1] - probability[0]),
    ...more(random),
  });
}

function onRest(kind: string, more: (random: Random) => object = () => ({})) {
  return (random: Random) => ({ kind, route: 'rest', path: 'depth', probability: 0.6, ...more(random) });
}

function onSymbol(kind: string, more: (random: Random) => object = () => ({})) {
  return (random: Random, symbols: readonly string[]) => ({ kind, symbol: oneOf(random, symbols), ...more(random) });
}

const route = (random: Random) => ({ route: random.chance(0.6) ? 'public' : 'market' });
/** What meets new connections meets nobody unless an old one ends. */
const onReconnect = (random: Random, fault: ExchangeFault) => [fault, { kind: 'reset', ...route(random) }];

/** A tenth, twice or five times of what the symbol has at first. */
function newTickSize(random: Random, symbols: readonly string[]): ExchangeFault {
  const symbol = oneOf(random, symbols);
  const { tickSize, priceScale } = symbolProfile(symbol);
  const tenths = tickSize * oneOf(random, [1, 20, 50]);
  return { kind: 'tick_size', symbol, tick_size: (tenths / 10 ** (priceScale + 1)).toFixed(priceScale + 1) };
}

const delayMs = (most: number) => (random: Random) => ({ delay_ms: 20 + random.below(most) });

const KINDS: readonly Kind[] = [
  // Frames.
  { name: 'drop', weight: 8, target: 'exchange', durationMs: [100, 1500], fault: onFrames('drop', [0.005, 0.5]) },
  {
    name: 'duplicate',
    weight: 4,
    target: 'exchange',
    durationMs: [200, 2000],
    fault: onFrames('duplicate', [0.05, 1]),
  },
  { name: 'reorder', weight: 4, target: 'exchange', durationMs: [100, 1000], fault: onFrames('reorder', [0.02, 0.5]) },
  {
    name: 'delay',
    weight: 4,
    target: 'exchange',
    durationMs: [200, 2000],
    fault: onFrames('delay', [1, 1], delayMs(1500)),
  },
  {
    name: 'jitter',
    weight: 4,
    target: 'exchange',
    durationMs: [200, 2000],
    fault: onFrames('jitter', [1, 1], delayMs(800)),
  },
  {
    name: 'truncate',
    weight: 4,
    target: 'exchange',
    durationMs: [100, 1000],
    fault: onFrames('truncate', [0.01, 0.3]),
  },
  { name: 'corrupt', weight: 4, target: 'exchange', durationMs: [100, 1000], fault: onFrames('corrupt', [0.01, 0.3]) },
  {
    name: 'garbage',
    weight: 2,
    target: 'exchange',
    durationMs: [50, 100],
    fault: onFrames('garbage', [0.01, 0.05], () => ({ count: 1 })),
  },
  { name: 'stall', weight: 3, target: 'exchange', durationMs: [300, 5000], fault: onFrames('stall', [1, 1]) },
  {
    name: 'slow_drip',
    weight: 2,
    target: 'exchange',
    durationMs: [300, 1500],
    fault: (random) => ({ kind: 'slow_drip', ...route(random), bytes_per_second: 20_000 + random.below(200_000) }),
  },
  // Connections.
  {
    name: 'close',
    weight: 5,
    target: 'exchange',
    durationMs: [1, 1],
    fault: (random) => ({ kind: 'close', ...route(random), code: oneOf(random, CLOSE_CODES) }),
  },
  {
    name: 'reset',
    weight: 4,
    target: 'exchange',
    durationMs: [1, 1],
    fault: (random) => ({ kind: 'reset', ...route(random) }),
  },
  {
    name: 'half_open',
    weight: 2,
    target: 'exchange',
    durationMs: [1, 1],
    lingerMs: 20_000,
    fault: (random) => ({ kind: 'half_open', ...route(random) }),
  },
  {
    name: 'rotate',
    weight: 1,
    target: 'exchange',
    durationMs: [1, 1],
    fault: (random) => ({ kind: 'rotate', ...route(random), age_ms: 3000 }),
  },
  {
    name: 'refuse',
    weight: 2,
    target: 'exchange',
    durationMs: [300, 1500],
    fault: (random) => onReconnect(random, { kind: 'refuse', status: oneOf(random, [403, 429, 500, 502, 503]) }),
  },
  {
    name: 'redirect',
    weight: 1,
    target: 'exchange',
    durationMs: [300, 1000],
    fault: (random) => onReconnect(random, { kind: 'redirect', location: 'http://127.0.0.1:1/' }),
  },
  {
    name: 'handshake_timeout',
    weight: 1,
    target: 'exchange',
    durationMs: [200, 600],
    lingerMs: 11_000,
    fault: (random) => onReconnect(random, { kind: 'handshake_timeout' }),
  },
  {
    name: 'mute',
    weight: 1,
    target: 'exchange',
    durationMs: [300, 1000],
    lingerMs: 20_000,
    fault: (random) => onReconnect(random, { kind: 'mute' }),
  },
  // REST.
  {
    name: 'rest 429',
    weight: 2,
    target: 'exchange',
    durationMs: [200, 800],
    lingerMs: 1200,
    fault: onRest('status', () => ({ status: 429, retry_after_s: 1 })),
  },
  {
    name: 'rest 418',
    weight: 1,
    target: 'exchange',
    durationMs: [200, 500],
    lingerMs: 2200,
    fault: onRest('status', () => ({ status: 418, retry_after_s: 2 })),
  },
  {
    name: 'rest 500',
    weight: 2,
    target: 'exchange',
    durationMs: [200, 1500],
    fault: onRest('status', () => ({ status: 500 })),
  },
  {
    name: 'rest 403',
    weight: 0.3,
    target: 'exchange',
    durationMs: [100, 300],
    fault: onRest('status', () => ({ status: 403, probability: 0.3 })),
  },
  {
    name: 'rest 451',
    weight: 0.2,
    target: 'exchange',
    durationMs: [100, 300],
    fault: onRest('status', () => ({ status: 451, count: 1 })),
  },
  {
    name: 'rest timeout',
    weight: 1,
    target: 'exchange',
    durationMs: [200, 800],
    lingerMs: 11_000,
    fault: onRest('timeout'),
  },
  { name: 'rest reset', weight: 2, target: 'exchange', durationMs: [200, 1500], fault: onRest('reset') },
  {
    name: 'rest delay',
    weight: 3,
    target: 'exchange',
    durationMs: [500, 3000],
    lingerMs: 1500,
    fault: onRest('delay', delayMs(1500)),
  },
  { name: 'rest truncate', weight: 2, target: 'exchange', durationMs: [200, 1500], fault: onRest('truncate') },
  { name: 'rest corrupt', weight: 2, target: 'exchange', durationMs: [200, 1500], fault: onRest('corrupt') },
  {
    name: 'stale_snapshot',
    weight: 3,
    target: 'exchange',
    durationMs: [500, 2000],
    fault: () => ({ kind: 'stale_snapshot' }),
  },
  {
    name: 'empty_snapshot',
    weight: 2,
    target: 'exchange',
    durationMs: [300, 1500],
    fault: () => ({ kind: 'empty_snapshot' }),
  },
  {
    name: 'oversized',
    weight: 1,
    target: 'exchange',
    durationMs: [200, 800],
    lingerMs: 1000,
    fault: () => ({ kind: 'oversized', path: 'depth', count: 2 }),
  },
  // The exchange itself.
  {
    name: 'clock_skew',
    weight: 1,
    target: 'exchange',
    durationMs: [500, 4000],
    fault: (random) => ({ kind: 'clock_skew', offset_ms: random.below(20_000) - 10_000 }),
  },
  {
    name: 'clock_jump',
    weight: 1,
    target: 'exchange',
    durationMs: [1, 1],
    fault: (random) => ({ kind: 'clock_jump', offset_ms: random.below(4000) - 2000 }),
  },
  // A snapshot from before a restart is given up after 5 s of diffs that lie below it.
  {
    name: 'restart',
    weight: 0.7,
    target: 'exchange',
    durationMs: [300, 1200],
    lingerMs: 5500,
    fault: () => ({ kind: 'restart' }),
  },
  {
    name: 'id_reset',
    weight: 0.7,
    target: 'exchange',
    durationMs: [1, 1],
    lingerMs: 5500,
    fault: () => ({ kind: 'id_reset' }),
  },
  { name: 'tick_size', weight: 1, target: 'exchange', durationMs: [1, 1], fault: newTickSize },
  { name: 'delist', weight: 1, target: 'exchange', durationMs: [500, 2500], fault: onSymbol('delist') },
  // Redis, the service, its consumers.
  { name: 'kill', weight: 3, target: 'redis', durationMs: [50, 2500] },
  { name: 'stop', weight: 3, target: 'redis', durationMs: [200, 4000] },
  { name: 'latency', weight: 3, target: 'redis', durationMs: [200, 1500] },
  { name: 'out of memory', weight: 2, target: 'redis', durationMs: [300, 2500] },
  { name: 'stop', weight: 3, target: 'service', durationMs: [50, 3000] },
  { name: 'does not read', weight: 2, target: 'subscriber', durationMs: [500, 5000] },
];

export interface ScheduleOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly symbols: readonly string[];
  /** Mean time from one fault to the next. */
  readonly intervalMs: number;
  /** Only kinds whose "target name" matches. */
  readonly only?: RegExp;
}

/** The faults of one run, from its seed alone, in the order of their times. All of them are over at `durationMs`. */
export function planFaults(options: ScheduleOptions): PlannedFault[] {
  const { durationMs, symbols, intervalMs, only = /(?:)/ } = options;
  const random = new Random(`chaos/${options.seed}`);
  const kinds = KINDS.filter(({ target, name }) => only.test(`${target} ${name}`));
  const weights = kinds.reduce((sum, { weight }) => sum + weight, 0);
  const planned: PlannedFault[] = [];
  for (let atMs = random.exponential(intervalMs); atMs < durationMs; atMs += random.exponential(intervalMs)) {
    const kind = drawKind(kinds, random.next() * weights);
    const lastsMs = between(random, kind.durationMs);
    const faults = [kind.fault?.(random, symbols) ?? []].flat() as ExchangeFault[];
    if (atMs + lastsMs + (kind.lingerMs ?? 0) > durationMs) continue;
    const name = `${kind.target} ${kind.name}`;
    planned.push({
      atMs: Math.round(atMs),
      durationMs: lastsMs,
      name,
      target: kind.target,
      ...(faults.length === 0 ? {} : { faults: faults.map((fault) => timed(fault, lastsMs)) }),
    });
  }
  return planned;
}

function drawKind(kinds: readonly Kind[], draw: number): Kind {
  let below = 0;
  for (const kind of kinds) {
    below += kind.weight;
    if (draw < below) return kind;
  }
  return kinds.at(-1)!;
}

const MOMENTARY = ['close', 'reset', 'half_open', 'rotate', 'id_reset', 'tick_size', 'clock_jump', 'garbage'];

function timed(fault: ExchangeFault, durationMs: number): ExchangeFault {
  const isMomentary = MOMENTARY.includes(String(fault.kind)) && fault.route !== 'rest';
  return isMomentary ? fault : { ...fault, duration_ms: durationMs };
}
