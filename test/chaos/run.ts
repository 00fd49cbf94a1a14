import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { sleep, until } from './child.ts';
import { Injector } from './inject.ts';
import { MetricsPage } from './metrics.ts';
import { RedisWitness } from './redis-witness.ts';
import { type PlannedFault, planFaults } from './schedule.ts';
import { ShmWitness } from './shm-witness.ts';
import { Stage } from './stage.ts';
import { unreportedTrades } from './trade-account.ts';
import { Truth } from './truth.ts';
import { Violations } from './violations.ts';
import { Witness } from './witness.ts';

/** `faults`: everything goes wrong. `rotation`, `redundancy`: sockets are replaced, or die one at a time, and nobody may notice. */
export type Variant = 'faults' | 'rotation' | 'redundancy';

export interface RunOptions {
  readonly seed: number;
  readonly variant: Variant;
  readonly symbols: readonly string[];
  /** How long faults are injected. */
  readonly seconds: number;
  readonly rate: number;
  readonly tradeRate: number;
  readonly faultIntervalMs: number;
  readonly only?: RegExp;
  /** Further flags of the simulator. */
  readonly simulatorFlags?: readonly string[];
  readonly audit: boolean;
  readonly isVerbose: boolean;
  /** All that the service logs is appended to this file. */
  readonly logPath?: string;
}

export interface RunReport {
  readonly seed: number;
  readonly variant: Variant;
  readonly seconds: number;
  /** Books seen in shared memory: every one that was published. Each was compared, as was each one seen on Redis. */
  readonly updates: number;
  readonly updates_on_redis: number;
  readonly trades: number;
  readonly trades_on_redis: number;
  readonly exchange_updates: number;
  readonly exchange_trades: number;
  readonly books_shorter_than_depth: number;
  readonly faults: Record<string, number>;
  readonly exchange_fault_hits: number;
  readonly interruptions: Record<string, number>;
  readonly trades_reported_lost: number;
  readonly redis_disconnects_of_subscriber: number;
  readonly dropped: Record<string, number>;
  readonly resyncs: Record<string, number>;
  /** Sockets to the exchange that ended, by reason. */
  readonly disconnects: Record<string, number>;
  /** By outcome. */
  readonly rest_requests: Record<string, number>;
  readonly rest_used_weight: number;
  readonly recovery_ms: number;
  readonly recovery_on_redis_ms: number;
  readonly start_to_live_ms: number;
  /** Longest time that a book said to be live was not updated although the exchange went on and the service ran. */
  readonly live_without_update_ms_max: number;
  readonly shutdown_ms: number;
  readonly violations: Record<string, number>;
  readonly details: readonly string[];
}

const RECOVERY_MS_MAX = 2000;
/** Silence is noticed after five times the longest gap of the stream, 2 s at least. */
const LIVE_WHILE_SILENT_MS_MAX = 15_000;

const VARIANT_CONFIG: Readonly<Record<Variant, Readonly<Record<string, unknown>>>> = {
  faults: {},
  rotation: { rotate_after_ms: 2500 },
  redundancy: { redundancy: 2, rotate_after_ms: 6000 },
};

/** One seed: starts everything, breaks it, heals it, compares, ends everything. */
export async function runSeed(options: RunOptions): Promise<RunReport> {
  const { seed, symbols, variant } = options;
  const violations = new Violations();
  const stage = new Stage({
    symbols,
    seed,
    rate: options.rate,
    tradeRate: options.tradeRate,
    truthFile: 'truth',
    simulatorFlags: ['--burst', '2', '--levels', '10', ...(options.simulatorFlags ?? [])],
    config: { ...VARIANT_CONFIG[variant], audit: options.audit },
  });
  const truth = new Truth(join(stage.directory, 'truth'));
  const { logPath } = options;
  if (logPath !== undefined) stage.log.onEntry = (entry) => appendFileSync(logPath, `${JSON.stringify(entry)}\n`);
  const onShm = new Witness('shm', truth, violations);
  const onRedis = new Witness('redis', truth, violations);
  truth.onBook = (symbol) => {
    onShm.onTruth(symbol);
    onRedis.onTruth(symbol);
  };
  let shmWitness: ShmWitness | undefined;
  let redisWitness: RedisWitness | undefined;
  let watch: NodeJS.Timeout | undefined;
  const isLive = () => symbols.every((symbol) => onShm.of(symbol).state === 'live');
  try {
    await stage.startSimulator();
    await stage.startRedis();
    redisWitness = new RedisWitness(stage.redisPort, onRedis);
    await redisWitness.subscribe();
    await stage.startService();
    await until('the service is up', 15_000, () => stage.log.httpUrl !== '' || stage.service.exit !== undefined);
    shmWitness = new ShmWitness(stage.shmPath, onShm, violations);
    await until('all books are live', 20_000, isLive);
    const startToLiveMs = performance.now() - stage.serviceStartedAtMs;

    const silence = watchSilence(symbols, truth, onShm, stage, violations);
    watch = silence.timer;
    const injector = new Injector(stage);
    const planned = plan(options);
    await Promise.all([
      injector.play(planned, ({ name, atMs, faults }) => {
        if (options.isVerbose) console.error(`  ${(atMs / 1000).toFixed(1)} s ${name} ${JSON.stringify(faults ?? '')}`);
      }),
      sleep(options.seconds * 1000),
    ]);
    const stats = (await stage.control('GET', 'stats')) as { faults?: { hits?: number } };
    await stage.control('DELETE', 'faults');

    const recovery = await measureRecovery(symbols, onShm, onRedis, violations);
    await sleep(1500);
    await until('ready', 5000, () => stage.isReady()).catch(async () => {
      violations.add('not_ready', (await stage.get('/ready'))?.text ?? 'no answer');
    });
    await stage.control('POST', 'pause');
    const isTradedOut = () =>
      symbols.every((symbol) => {
        const truthOf = truth.of(symbol);
        return onShm.of(symbol).lastTradeOrdinal >= truthOf.tradeIds.length - 1;
      });
    await sleep(300);
    await until('all trades are published', 8000, isTradedOut).catch(() => {});
    clearInterval(watch);
    await checkKeys(stage, symbols, violations);
    const metrics = new MetricsPage((await stage.get('/metrics'))?.text ?? '');
    if (stage.service.exit !== undefined) {
      violations.add('service_ended', `${JSON.stringify(stage.service.exit)} ${stage.log.lastLine}`);
    }

    const stoppedAtMs = performance.now();
    const exit = await stage.service.end('SIGTERM', 6000);
    const shutdownMs = performance.now() - stoppedAtMs;
    if (exit.code !== 0) violations.add('unclean_exit', `${JSON.stringify(exit)}: ${stage.errorLines.join('\n')}`);
    await stage.simulator.end('SIGTERM', 5000);
    await truth.ended;
    shmWitness.close();
    await sleep(100);
    onShm.finish();
    onRedis.finish();
    checkHistory(symbols, onShm, stage, violations);
    const resyncs = sumByReason(metrics.all('market_data_resyncs_total'));
    const disconnects = sumByReason(metrics.all('websocket_disconnects_total'));
    if (variant !== 'faults') checkUnnoticed(onShm, resyncs, stage, violations);
    if (variant === 'rotation' && disconnects.rotated === undefined) {
      violations.add('resync_in_rotation', 'no socket was rotated');
    }
    const lost = unreportedTrades(onShm.missing, onRedis.missing, stage.log.lostTrades, metrics);
    for (const detail of lost.unreported) violations.add('lost_trade_unreported', detail);

    return {
      seed,
      variant,
      seconds: options.seconds,
      updates: onShm.books,
      updates_on_redis: onRedis.books,
      trades: onShm.trades,
      trades_on_redis: onRedis.trades,
      exchange_updates: sum(symbols, (symbol) => truth.of(symbol).bookCount),
      exchange_trades: sum(symbols, (symbol) => truth.of(symbol).tradeIds.length),
      books_shorter_than_depth: onShm.shorterBooks,
      faults: Object.fromEntries(injector.counts),
      exchange_fault_hits: Number(stats.faults?.hits ?? 0),
      interruptions: Object.fromEntries(onShm.interruptions),
      trades_reported_lost: lost.reported,
      redis_disconnects_of_subscriber: redisWitness.disconnects,
      dropped: metrics.all('market_data_dropped_total'),
      resyncs,
      disconnects,
      rest_requests: metrics.all('market_data_rest_requests_total'),
      rest_used_weight: metrics.sum('market_data_rest_used_weight'),
      recovery_ms: Math.round(recovery.shmMs),
      recovery_on_redis_ms: Math.round(recovery.redisMs),
      start_to_live_ms: Math.round(startToLiveMs),
      live_without_update_ms_max: Math.round(silence.worstMs()),
      shutdown_ms: Math.round(shutdownMs),
      violations: Object.fromEntries(violations.counts),
      details: violations.details,
    };
  } catch (error) {
    const recent = stage.log.recent.slice(-15).join('\n');
    throw new Error(`seed ${seed}: ${(error as Error).message}\n${recent}\n${stage.errorLines.slice(-15).join('\n')}`, {
      cause: error,
    });
  } finally {
    clearInterval(watch);
    redisWitness?.close();
    shmWitness?.close();
    await stage.close();
  }
}

function plan(options: RunOptions): readonly PlannedFault[] {
  const { seed, variant, symbols, seconds, faultIntervalMs, only } = options;
  const durationMs = seconds * 1000;
  if (variant === 'rotation') return [];
  if (variant === 'faults') {
    return planFaults({
      seed,
      durationMs,
      symbols,
      intervalMs: faultIntervalMs,
      ...(only === undefined ? {} : { only }),
    });
  }
  // One socket at a time dies: whichever delivers next.
  return Array.from({ length: Math.floor(durationMs / 2500) }, (_, index) => {
    const route = (seed + index) % 2 === 0 ? 'public' : 'market';
    const kind = (seed + index) % 3 === 0 ? 'close' : 'reset';
    const faults = [{ kind, route, probability: 0.05, count: 1 }];
    return {
      atMs: 1000 + index * 2500,
      durationMs: 1,
      name: `exchange ${kind} one of two`,
      target: 'exchange' as const,
      faults,
    };
  });
}

/** From now, when no fault is left, until every symbol is live and has published a book. */
async function measureRecovery(
  symbols: readonly string[],
  onShm: Witness,
  onRedis: Witness,
  violations: Violations,
): Promise<{ shmMs: number; redisMs: number }> {
  const healedMs = performance.now();
  const worst = { shmMs: 0, redisMs: 0 };
  const isBack = (witness: Witness, symbol: string): boolean => {
    const { state, lastBookAtMs } = witness.of(symbol);
    return (state === undefined || state === 'live') && lastBookAtMs >= healedMs;
  };
  const waitFor = async (witness: Witness, key: 'shmMs' | 'redisMs'): Promise<void> => {
    await until(`live again on ${witness.name}`, 30_000, () =>
      symbols.every((symbol) => isBack(witness, symbol)),
    ).catch((error: Error) => {
      const missing = symbols.filter((symbol) => !isBack(witness, symbol));
      const states = missing.map((symbol) => `${symbol} ${witness.of(symbol).state}`).join(', ');
      violations.add('slow_recovery', `${error.message}: ${states}`);
    });
    worst[key] = performance.now() - healedMs;
    if (worst[key] > RECOVERY_MS_MAX) violations.add('slow_recovery', `${witness.name}: ${Math.round(worst[key])} ms`);
  };
  await Promise.all([waitFor(onShm, 'shmMs'), waitFor(onRedis, 'redisMs')]);
  return worst;
}

/** Live books of a market that moves, in a service that runs, are updated. */
function watchSilence(
  symbols: readonly string[],
  truth: Truth,
  onShm: Witness,
  stage: Stage,
  violations: Violations,
): { timer: NodeJS.Timeout; worstMs: () => number } {
  let worstMs = 0;
  const timer = setInterval(() => {
    if (stage.service.isStopped) return;
    const nowMs = performance.now();
    for (const symbol of symbols) {
      const { state, lastBookAtMs } = onShm.of(symbol);
      const silentMs = truth.of(symbol).lastBookAtMs - Math.max(lastBookAtMs, stage.service.continuedAtMs);
      if (state !== 'live' || !(silentMs > worstMs) || nowMs - stage.service.continuedAtMs < 1000) continue;
      worstMs = silentMs;
      if (silentMs > LIVE_WHILE_SILENT_MS_MAX)
        violations.add('live_while_silent', `${symbol}: ${Math.round(silentMs)} ms`);
    }
  }, 100);
  return { timer, worstMs: () => worstMs };
}

/** The key holds what was published last. */
async function checkKeys(stage: Stage, symbols: readonly string[], violations: Violations): Promise<void> {
  const redis = new Redis({ port: stage.redisPort, host: '127.0.0.1' });
  for (const symbol of symbols) {
    const key = `market_data:${symbol}`;
    const [document, ttl] = [await redis.get(key), await redis.ttl(key)];
    if (document === null || ttl < 200 || JSON.parse(document).symbol !== symbol) {
      violations.add('stale_key', `${key}: TTL ${ttl}, ${document}`);
    }
  }
  redis.disconnect();
}

/** Every change of state that is in the log was published. */
function checkHistory(symbols: readonly string[], onShm: Witness, stage: Stage, violations: Violations): void {
  for (const symbol of symbols) {
    const logged = (stage.log.states.get(symbol) ?? []).join(' ');
    const published = (onShm.history.get(symbol) ?? []).join(' ');
    if (logged !== published) {
      violations.add('status_not_published', `${symbol}\n    log       ${logged}\n    published ${published}`);
    }
  }
}

/** Sockets were replaced, and nobody may have noticed. */
function checkUnnoticed(onShm: Witness, resyncs: Record<string, number>, stage: Stage, violations: Violations): void {
  for (const [reason, count] of Object.entries(resyncs)) violations.add('resync_in_rotation', `${count} for ${reason}`);
  for (const [reason, count] of onShm.interruptions) {
    if (reason !== 'shutdown' && reason !== 'silent_stream')
      violations.add('resync_in_rotation', `${count} × ${reason}`);
  }
  for (const { symbol, fromId, toId } of stage.log.lostTrades) {
    violations.add('lost_trade_unreported', `${symbol} ${fromId}–${toId}: reported, but nothing may be lost here`);
  }
}

function sumByReason(samples: Record<string, number>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [labels, value] of Object.entries(samples)) {
    const reason = /reason="([^"]*)"/.exec(labels)?.[1] ?? '';
    if (value > 0) sums[reason] = (sums[reason] ?? 0) + value;
  }
  return sums;
}

function sum(symbols: readonly string[], of: (symbol: string) => number): number {
  return symbols.reduce((total, symbol) => total + of(symbol), 0);
}
