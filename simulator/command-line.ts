import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseSpeed } from './control.ts';
import type { SimulatedExchangeOptions } from './exchange-options.ts';
import type { Fault } from './fault.ts';
import { parseFaultsJson, parseFaultText } from './fault-parse.ts';
import { defaultSymbols } from './symbol-profile.ts';

export const USAGE = `market-data simulate: an exchange (Binance USD-M futures, 2026 wire) on this machine, for tests and demos

The first line on standard output says where it is, once it is ready:
  {"event":"ready","ws_url":"ws://127.0.0.1:PORT","rest_url":"http://127.0.0.1:PORT","control_url":…}
Append /public/stream, /market/stream, /ws/<stream> and so on to ws_url, /fapi/v1/… to rest_url.

Where
  --host HOST             default 127.0.0.1
  --port N                WebSocket, REST and control; default 0: a free one
Synthetic market
  --symbols A,B           default BTCUSDT,ETHUSDT
  --symbol-count N        N symbols with made-up names
  --rate N                diffs a second and symbol, default 10
  --trade-rate N          trades a second and symbol, default 5
  --levels N              changed levels in a diff, default 20
  --burst N               in bursts everything comes N times as often, default 3; 1 = none
  --book-levels N         levels a side of each book, default 1200
  --seed N                default 1
  --start-time MS         market time at the start, ms since the Unix epoch; with a seed, every byte repeats
  --speed N|max           market seconds a second, default 1; max: as fast as clients take it
Recording
  --capture NAME|FILE     btcusdt, 4symbols (looked up in MARKET_DATA_CAPTURES or ../shared/captures), or a file
  --symbols A,B           only these of it
  --speed N|max           default 1
  --start-when WHEN       subscribed: all diffs and trades have a subscriber (default); depth: all diffs have; now
Truth, before any fault
  --truth FILE            JSON lines: every book after every diff, every trade
  --truth-levels N        levels a side, default 20
  --truth-hash            16 hex digits in place of the levels
Faults (README.md of the simulator lists them)
  --fault TEXT            for example 'kind=drop,route=public,probability=0.01'; may be repeated
  --faults FILE           a JSON list of them
The exchange's limits
  --ping-interval-ms N    default 180000
  --pong-timeout-ms N     default 600000
  --connection-age-ms N   default 86400000 (24 h)
  --connection-attempts N within 5 min, default 300
  --weight-limit N        REST weight a minute, default 2400
  --ban-ms N              how long 418 lasts, default 120000
  --deflate               offer permessage-deflate
  --quiet                 nothing on standard error

Examples
  market-data simulate --port 9443 --symbols BTCUSDT,SOLUSDT --rate 50
  market-data simulate --symbol-count 500 --seed 7
  market-data simulate --capture btcusdt --speed max
  market-data simulate --fault kind=close,route=market,code=1006,at_ms=5000,every_ms=10000
`;

/** Wrong usage: exit code 2. */
export class CommandLineError extends Error {}

/** Longer timers fire at once. */
const TIMER_MS_MAX = 2_147_483_647;

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  quiet: { type: 'boolean' },
  host: { type: 'string' },
  port: { type: 'string' },
  symbols: { type: 'string' },
  'symbol-count': { type: 'string' },
  rate: { type: 'string' },
  'trade-rate': { type: 'string' },
  levels: { type: 'string' },
  burst: { type: 'string' },
  'book-levels': { type: 'string' },
  seed: { type: 'string' },
  'start-time': { type: 'string' },
  speed: { type: 'string' },
  capture: { type: 'string' },
  'start-when': { type: 'string' },
  truth: { type: 'string' },
  'truth-levels': { type: 'string' },
  'truth-hash': { type: 'boolean' },
  fault: { type: 'string', multiple: true },
  faults: { type: 'string' },
  'ping-interval-ms': { type: 'string' },
  'pong-timeout-ms': { type: 'string' },
  'connection-age-ms': { type: 'string' },
  'weight-limit': { type: 'string' },
  'connection-attempts': { type: 'string' },
  'ban-ms': { type: 'string' },
  deflate: { type: 'boolean' },
} as const;

type Flags = ReturnType<typeof parseFlags>;
type TextFlag = Exclude<
  { [Name in keyof Flags]: Flags[Name] extends string | undefined ? Name : never }[keyof Flags],
  undefined
>;

function parseFlags(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false }).values;
}

export interface CommandLine {
  readonly isHelp: boolean;
  readonly isQuiet: boolean;
  readonly options: SimulatedExchangeOptions;
}

/** @throws CommandLineError for anything that is not in {@link USAGE}. */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  let flags: Flags;
  try {
    flags = parseFlags(argv);
  } catch (error) {
    throw new CommandLineError((error as Error).message);
  }
  return {
    isHelp: flags.help === true,
    isQuiet: flags.quiet === true,
    options: flags.help === true ? {} : optionsOf(flags),
  };
}

function optionsOf(flags: Flags): SimulatedExchangeOptions {
  const symbols = symbolsOf(flags);
  const startWhen = oneOf(flags, 'start-when', ['subscribed', 'depth', 'now'] as const);
  // Flags that were not given leave their keys out: the defaults stand in one place.
  return given({
    host: flags.host,
    port: number(flags, 'port', 0, 65_535),
    symbols,
    rate: number(flags, 'rate', 0),
    tradeRate: number(flags, 'trade-rate', 0),
    levels: number(flags, 'levels', 1),
    burst: number(flags, 'burst', 1),
    bookLevels: number(flags, 'book-levels', 20, 100_000),
    seed: flags.seed,
    startTimeMs: number(flags, 'start-time', 0),
    speed: flags.speed === undefined ? undefined : speedOf(flags.speed),
    capture: flags.capture,
    startWhen,
    truth:
      flags.truth === undefined
        ? undefined
        : given({
            file: flags.truth,
            keep: 0,
            levels: number(flags, 'truth-levels', 1),
            form: flags['truth-hash'] === true ? ('hash' as const) : undefined,
          }),
    faults: faultsOf(flags),
    pingIntervalMs: number(flags, 'ping-interval-ms', 1, TIMER_MS_MAX),
    pongTimeoutMs: number(flags, 'pong-timeout-ms', 1, TIMER_MS_MAX),
    connectionAgeMaxMs: number(flags, 'connection-age-ms', 1, TIMER_MS_MAX),
    connectionAttemptsMax: number(flags, 'connection-attempts', 1),
    banMs: number(flags, 'ban-ms', 0),
    weightPerMinuteMax: number(flags, 'weight-limit', 1),
    deflate: flags.deflate,
  });
}

type Given<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** The fields that have a value. */
function given<T extends object>(fields: T): Partial<Given<T>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<Given<T>>;
}

function symbolsOf(flags: Flags): string[] | undefined {
  const count = number(flags, 'symbol-count', 1, 10_000);
  if (count !== undefined) return defaultSymbols(count);
  if (flags.symbols === undefined) return undefined;
  const symbols = flags.symbols.split(',').map((symbol) => symbol.trim().toUpperCase());
  const wrong = symbols.find((symbol) => !/^[\p{L}\p{N}_]{2,40}$/u.test(symbol));
  if (wrong !== undefined) throw new CommandLineError(`--symbols: "${wrong}" is not a symbol`);
  return [...new Set(symbols)];
}

function faultsOf(flags: Flags): Fault[] {
  try {
    const fromFile = flags.faults === undefined ? [] : parseFaultsJson(readFileSync(flags.faults, 'utf8'));
    return [...fromFile, ...(flags.fault ?? []).map(parseFaultText)];
  } catch (error) {
    throw new CommandLineError((error as Error).message);
  }
}

function number(flags: Flags, name: TextFlag, min: number, max = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max)) {
    const range = max === Number.MAX_SAFE_INTEGER ? `${min} or more` : `${min} to ${max}`;
    throw new CommandLineError(`--${name}: "${text}" is not a number, ${range}`);
  }
  return value;
}

function speedOf(text: string): number {
  try {
    return parseSpeed(text);
  } catch (error) {
    throw new CommandLineError(`--speed: ${(error as Error).message}`);
  }
}

function oneOf<T extends string>(flags: Flags, name: TextFlag, allowed: readonly T[]): T | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const found = allowed.find((value) => value === text);
  if (found === undefined) throw new CommandLineError(`--${name}: "${text}" is none of ${allowed.join(', ')}`);
  return found;
}
