import { writeFileSync } from 'node:fs';
import { killAllChildren } from './child.ts';
import { ChaosUsageError, parseChaosCommandLine, USAGE } from './command-line.ts';
import { type RunReport, runSeed } from './run.ts';

/** Runs seed after seed and says what was found. Exit codes: 0 nothing wrong, 1 something was, 2 wrong usage. */
async function main(): Promise<number> {
  const commandLine = parseChaosCommandLine(process.argv.slice(2));
  if (commandLine === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { seeds, outputPath, ...options } = commandLine;
  const reports: RunReport[] = [];
  const failures: { seed: number; error: string }[] = [];
  for (const seed of seeds) {
    try {
      const report = await runSeed({ ...options, seed });
      reports.push(report);
      printReport(report);
    } catch (error) {
      failures.push({ seed, error: (error as Error).message });
      console.error(`FAILED ${(error as Error).message}`);
    }
  }
  const summary = summarize(reports, failures);
  console.log(JSON.stringify(summary, undefined, 2));
  if (outputPath !== undefined) writeFileSync(outputPath, `${JSON.stringify({ summary, reports }, undefined, 1)}\n`);
  return summary.failed_seeds.length === 0 ? 0 : 1;
}

function printReport(report: RunReport): void {
  const { seed, variant, updates, updates_on_redis, trades, trades_on_redis, recovery_ms, recovery_on_redis_ms } =
    report;
  const faults = Object.values(report.faults).reduce((sum, count) => sum + count, 0);
  const interruptions = Object.values(report.interruptions).reduce((sum, count) => sum + count, 0);
  const isGood = report.details.length === 0;
  console.log(
    `seed ${seed} ${variant} ${isGood ? 'ok' : 'VIOLATED'}: ${updates} books (${updates_on_redis} on Redis), ` +
      `${trades} trades (${trades_on_redis} on Redis), ${report.trades_reported_lost} reported lost, ${faults} faults ` +
      `(${report.exchange_fault_hits} strikes), ${interruptions} interruptions, live again after ${recovery_ms} ms ` +
      `(${recovery_on_redis_ms} ms on Redis)`,
  );
  for (const detail of report.details) console.log(`  ${detail}`);
}

function summarize(reports: readonly RunReport[], failures: readonly { seed: number; error: string }[]) {
  const total = (of: (report: RunReport) => number) => reports.reduce((sum, report) => sum + of(report), 0);
  const most = (of: (report: RunReport) => number) => reports.reduce((max, report) => Math.max(max, of(report)), 0);
  const merged = (of: (report: RunReport) => Record<string, number>) => {
    const sums: Record<string, number> = {};
    for (const report of reports) {
      for (const [key, count] of Object.entries(of(report))) sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  };
  return {
    seeds: reports.length + failures.length,
    updates: total(({ updates }) => updates),
    updates_on_redis: total(({ updates_on_redis }) => updates_on_redis),
    trades: total(({ trades }) => trades),
    trades_on_redis: total(({ trades_on_redis }) => trades_on_redis),
    trades_reported_lost: total(({ trades_reported_lost }) => trades_reported_lost),
    faults: merged(({ faults }) => faults),
    exchange_fault_hits: total(({ exchange_fault_hits }) => exchange_fault_hits),
    interruptions: merged(({ interruptions }) => interruptions),
    resyncs: merged(({ resyncs }) => resyncs),
    disconnects: merged(({ disconnects }) => disconnects),
    worst_recovery_ms: most(({ recovery_ms }) => recovery_ms),
    worst_recovery_on_redis_ms: most(({ recovery_on_redis_ms }) => recovery_on_redis_ms),
    worst_start_to_live_ms: most(({ start_to_live_ms }) => start_to_live_ms),
    worst_live_without_update_ms: most(({ live_without_update_ms_max }) => live_without_update_ms_max),
    worst_shutdown_ms: most(({ shutdown_ms }) => shutdown_ms),
    violations: merged(({ violations }) => violations),
    failed_seeds: [
      ...failures.map(({ seed }) => seed),
      ...reports.filter((r) => r.details.length > 0).map((r) => r.seed),
    ],
  };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    killAllChildren();
    process.exit(1);
  });
}
process.once('exit', killAllChildren);

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error instanceof ChaosUsageError ? `chaos: ${error.message}` : error);
    process.exit(error instanceof ChaosUsageError ? 2 : 1);
  },
);
