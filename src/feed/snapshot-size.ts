interface SnapshotSize {
  readonly limit: number;
  readonly weight: number;
}

/**
 * The largest snapshot that all waiting symbols can have out of what is left of the budget, but never one that is too small for the
 * published depth: many symbols go live soon on small snapshots and are deepened later, a few get the deepest at once.
 */
export function chooseSnapshotLimit(
  sizes: readonly SnapshotSize[],
  depth: number,
  waiting: number,
  remainingWeight: number,
): number {
  const useful = sizes.filter((size) => size.limit >= depth * 1.5);
  const candidates = useful.length > 0 ? useful : sizes.slice(-1);
  const affordable = candidates.filter((size) => size.weight * waiting <= remainingWeight * 0.8);
  return (affordable.at(-1) ?? candidates[0]!).limit;
}
