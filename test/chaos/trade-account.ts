import type { MetricsPage } from './metrics.ts';
import type { LostTrades } from './service-log.ts';
import type { MissingTrades } from './witness.ts';

/**
 * What is missing where, against what the service said was lost. In shared memory a missing trade must be in a log line "trades lost". On
 * Redis it may also have been dropped on the way there, which the counters of that sink say; and while the subscriber's own
 * connection was broken, nobody can know what was published in vain.
 */
export function unreportedTrades(
  inShm: readonly MissingTrades[],
  onRedis: readonly MissingTrades[],
  reported: readonly LostTrades[],
  metrics: MetricsPage,
): { readonly reported: number; readonly unreported: readonly string[] } {
  const unreported: string[] = [];
  for (const missing of inShm) {
    const count = countUnreported(missing, reported);
    if (count > 0)
      unreported.push(`shm ${missing.symbol} ${missing.fromId}–${missing.toId}: ${count} of ${missing.count}`);
  }
  let onRedisCount = 0;
  for (const missing of onRedis) if (!missing.isWitnessAway) onRedisCount += countUnreported(missing, reported);
  const dropped = metrics.sum('market_data_dropped_total', /reason="trade/);
  if (onRedisCount > dropped) {
    unreported.push(`redis: ${onRedisCount} missing while the subscriber was connected, ${dropped} counted as dropped`);
  }
  return { reported: reported.reduce((sum, { fromId, toId }) => sum + toId - fromId + 1, 0), unreported };
}

/** Trade ids of a symbol have no holes and never fall. */
function countUnreported(missing: MissingTrades, reported: readonly LostTrades[]): number {
  let covered = 0;
  for (const { symbol, fromId, toId } of reported) {
    if (symbol !== missing.symbol) continue;
    covered += Math.max(0, Math.min(toId, missing.toId) - Math.max(fromId, missing.fromId) + 1);
  }
  return missing.count - covered;
}
