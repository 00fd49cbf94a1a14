import { parseArgs } from 'node:util';
import type { RunOptions, Variant } from './run.ts';

export const USAGE = `npm run chaos -- [flags]: the service, Redis and an exchange as real processes, and everything that can go wrong

Every book and trade that is published is compared with what happened on the exchange. Exit code 1 when anything was wrong; the seed
that is printed repeats the same faults at the same times.

  --seed N           first seed, default 1
  --seeds N          how many seeds, one after the other, default 1
  --minutes M        for all seeds together; default half a minute a seed
  --seconds S        instead: how long faults are injected for each seed
  --variant NAME     faults (default); rotation: sockets are replaced every 2.5 s; redundancy: two sockets a route, one dies at a time
  --symbols N        default 8
  --rate N           updates a second and symbol, default 300
  --trade-rate N     trades a second and symbol, default 60
  --interval-ms N    mean time between faults, default 700
  --only REGEXP      only faults whose name matches, e.g. "redis" or "exchange (drop|close)"
  --audit            with audit: true in the service
  --verbose          every fault as it happens
  --output FILE      all reports as JSON
  --log FILE         all that the service logs

Example
  npm run chaos -- --seed 7 --minutes 1 --verbose
`;

export class ChaosUsageError extends Error {}

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  seed: { type: 'string', default: '1' },
  seeds: { type: 'string', default: '1' },
  minutes: { type: 'string' },
  seconds: { type: 'string' },
  variant: { type: 'string', default: 'faults' },
  symbols: { type: 'string', default: '8' },
  rate: { type: 'string', default: '300' },
  'trade-rate': { type: 'string', default: '60' },
  'interval-ms': { type: 'string', default: '700' },
  only: { type: 'string' },
  audit: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  output: { type: 'string' },
  log: { type: 'string' },
} as const;

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT', 'XRPUSDT', 'DOGEUSDT'];

export interface ChaosCommandLine extends Omit<RunOptions, 'seed'> {
  readonly seeds: readonly number[];
  readonly outputPath?: string;
}

/** @returns undefined when help is asked for. @throws ChaosUsageError */
export function parseChaosCommandLine(argv: readonly string[]): ChaosCommandLine | undefined {
  const values = valuesOf(argv);
  if (values.help === true) return undefined;
  const number = (name: string, text: string | undefined): number => {
    const value = Number(text);
    if (!(value > 0)) throw new ChaosUsageError(`--${name}: "${text}" is not a number above 0`);
    return value;
  };
  const first = number('seed', values.seed);
  const seeds = Array.from({ length: number('seeds', values.seeds) }, (_, index) => first + index);
  const variants: readonly Variant[] = ['faults', 'rotation', 'redundancy'];
  const variant = variants.find((name) => name === values.variant);
  if (variant === undefined)
    throw new ChaosUsageError(`--variant: ${values.variant} is none of ${variants.join(', ')}`);
  return {
    seeds,
    variant,
    seconds:
      values.seconds !== undefined
        ? number('seconds', values.seconds)
        : values.minutes !== undefined
          ? (number('minutes', values.minutes) * 60) / seeds.length
          : 30,
    symbols: symbolNames(number('symbols', values.symbols)),
    rate: number('rate', values.rate),
    tradeRate: number('trade-rate', values['trade-rate']),
    faultIntervalMs: number('interval-ms', values['interval-ms']),
    ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
    audit: values.audit === true,
    isVerbose: values.verbose === true,
    ...(values.log === undefined ? {} : { logPath: values.log }),
    ...(values.output === undefined ? {} : { outputPath: values.output }),
  };
}

function valuesOf(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: FLAGS, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ChaosUsageError((error as Error).message);
  }
}

export function symbolNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => SYMBOLS[index] ?? `SYM${index + 1}USDT`);
}
