/** Edits (insert, delete, replace, swap of neighbours) that turn one text into the other: optimal string alignment. */
export function editDistance(left: string, right: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const isSame = left[row - 1] === right[column - 1];
      let distance = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (isSame ? 0 : 1),
      );
      const isSwap =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (isSwap) distance = Math.min(distance, beforePrevious[column - 2]! + 1);
      current.push(distance);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[right.length]!;
}

/** Longer names are not compared: they are not typing mistakes, and the comparison is quadratic. */
const NAME_LENGTH_MAX = 64;

/**
 * The candidates that a mistyped name may have meant, nearest first, at most `count`. Only names within a third of the
 * name's length count (at least two edits), so that nonsense gets no suggestion.
 */
export function nearestNames(name: string, candidates: Iterable<string>, count = 1): string[] {
  if (name.length > NAME_LENGTH_MAX) return [];
  const distanceMax = Math.max(2, Math.floor(name.length / 3));
  const near: { candidate: string; distance: number }[] = [];
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - name.length) > distanceMax) continue;
    const distance = editDistance(name, candidate);
    if (distance <= distanceMax) near.push({ candidate, distance });
  }
  near.sort((a, b) => a.distance - b.distance);
  return near.slice(0, count).map((entry) => entry.candidate);
}
