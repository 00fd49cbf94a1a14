interface SnapshotSize {
  readonly limit: number;
  readonly weight: number;
}

/**
 * What one round of snapshots may take of the weight that is left. A connection that keeps failing asks for round after round: each
 * takes less than the one before, so that there is a next one in the same minute, instead of the deepest ones until nothing is left.
 */
const SHARE_PER_ROUND = 0.05;
/** Below half of the budget something keeps failing: depth can wait for a better minute, being live cannot. */
const SHARE_PER_ROUND_SCARCE = 0.02;

/**
 * The largest snapshot that all waiting symbols can have out of that share, but never one that is too small for the published depth:
 * many symbols go live soon on small snapshots and are deepened later, a few get the deepest at once.
 */
export function chooseSnapshotLimit(
  sizes: readonly SnapshotSize[],
  depth: number,
  waiting: number,
  remainingWeight: number,
  weightMax: number,
): number {
  const share = remainingWeight > weightMax / 2 ? SHARE_PER_ROUND : SHARE_PER_ROUND_SCARCE;
  const useful = sizes.filter((size) => size.limit >= depth * 1.5);
  const candidates = useful.length > 0 ? useful : sizes.slice(-1);
  const affordable = candidates.filter((size) => size.weight * waiting <= remainingWeight * share);
  return (affordable.at(-1) ?? candidates[0]!).limit;
}
