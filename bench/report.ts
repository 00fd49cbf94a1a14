import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** One measured number. `goal` is the budget it is held against, in words ("≤ 25"). */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: string;
}

/** What a bench ends with: a table for people, and a JSON file for `npm run bench -- compare A B`. */
export interface BenchResult {
  readonly bench: string;
  readonly startedAt: string;
  readonly command: string;
  readonly machine: Readonly<Record<string, string | number>>;
  /** What was measured under, and what is not in the numbers. */
  readonly conditions: readonly string[];
  readonly figures: readonly Figure[];
}

/** Collects a bench's figures; the order of `add` is the order of the table. */
export class BenchReport {
  readonly #bench: string;
  readonly #conditions: readonly string[];
  readonly #figures: Figure[] = [];
  readonly #startedAt = new Date().toISOString();

  constructor(bench: string, conditions: readonly string[]) {
    this.#bench = bench;
    this.#conditions = conditions;
  }

  add(name: string, value: number, unit: string, goal?: string): void {
    this.#figures.push({ name, value, unit, ...(goal === undefined ? {} : { goal }) });
  }

  /** Adds p50, p99, p99.9 and the maximum of samples; goals by percentile ("p99": "≤ 25"). Sorts the samples. */
  addPercentiles(
    name: string,
    samples: Float64Array,
    unit: string,
    goals: Readonly<Record<string, string>> = {},
  ): void {
    samples.sort();
    const at = (share: number): number => samples[Math.min(samples.length - 1, Math.floor(share * samples.length))]!;
    for (const [label, share] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['p99.9', 0.999],
      ['max', 1],
    ] as const) {
      this.add(`${name} ${label}`, at(share), unit, goals[label]);
    }
  }

  /** Prints the table, and writes the JSON file named by BENCH_RESULT_FILE. */
  finish(): BenchResult {
    const result: BenchResult = {
      bench: this.#bench,
      startedAt: this.#startedAt,
      command: `npm run bench -- ${[this.#bench, ...process.argv.slice(2)].join(' ')}`,
      machine: describeMachine(),
      conditions: this.#conditions,
      figures: this.#figures,
    };
    console.log(formatResult(result));
    const file = process.env.BENCH_RESULT_FILE;
    if (file !== undefined) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
    }
    return result;
  }
}

function describeMachine(): Record<string, string | number> {
  const [cpu] = cpus();
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

function formatResult(result: BenchResult): string {
  const rows = result.figures.map(({ name, value, unit, goal }) => [
    name,
    `${formatNumber(value)} ${unit}`,
    goal ?? '',
  ]);
  const lines = [
    `${result.bench}: ${Object.values(result.machine).join(', ')}`,
    ...result.conditions.map((line) => `  ${line}`),
  ];
  return [...lines, ...formatTable([['figure', 'measured', 'goal'], ...rows])].join('\n');
}

export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}

/** Four significant digits, without an exponent. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}
