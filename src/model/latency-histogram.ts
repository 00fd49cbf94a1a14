/** Upper bounds of the Prometheus buckets, ns: 1 µs to 100 ms. */
export const LATENCY_BOUNDS_NS: readonly number[] = [
  1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 2.5e6, 5e6, 1e7, 2.5e7, 5e7, 1e8,
];

/**
 * Log-linear cells: each power of two is cut into 16 equal parts, so that a cell is at most 6.25 % wide and its number comes
 * from the position of the highest bit. Values up to 15 ns have cells of their own; the last cell takes all from 4.29 s on.
 */
const PARTS_BITS = 4;
const PARTS = 1 << PARTS_BITS;
const CELLS = (33 - PARTS_BITS) * PARTS;
const VALUE_MAX = 0xffff_ffff;

function cellOf(ns: number): number {
  if (ns < PARTS) return ns > 0 ? ns | 0 : 0;
  const value = ns >= VALUE_MAX ? VALUE_MAX : ns >>> 0;
  const shift = 31 - PARTS_BITS - Math.clz32(value);
  return (shift << PARTS_BITS) + (value >>> shift);
}

/** The smallest value of a cell, ns. */
function lowerBound(cell: number): number {
  if (cell < 2 * PARTS) return cell;
  const shift = (cell >>> PARTS_BITS) - 1;
  return (cell - (shift << PARTS_BITS)) * 2 ** shift;
}

/** As a typed array, and with the open end, so that no read is out of bounds. */
const BOUNDS = Float64Array.of(...LATENCY_BOUNDS_NS, Number.POSITIVE_INFINITY);

/** Per cell, the Prometheus bucket of its smallest value. Cells are narrower than buckets, so at most one bound lies inside one. */
const BUCKET_OF_CELL = Uint8Array.from({ length: CELLS }, (_, cell) => {
  const bucket = LATENCY_BOUNDS_NS.findIndex((bound) => lowerBound(cell) <= bound);
  return bucket === -1 ? LATENCY_BOUNDS_NS.length : bucket;
});

/**
 * Latencies of one symbol. Recording is two increments and no allocation; sums and percentiles are worked out when somebody
 * asks. Takes 4 KB.
 */
export class LatencyHistogram {
  /** How many were recorded. */
  count = 0;
  sumNs = 0;
  maxNs = 0;
  /** Counts per Prometheus bucket, not cumulative; the last is for what exceeds every bound. */
  readonly buckets = new Float64Array(LATENCY_BOUNDS_NS.length + 1);
  readonly #cells = new Float64Array(CELLS);

  record(ns: number): void {
    this.recordMany(ns, 1);
  }

  /** Records the same latency for `count` updates that were published together. */
  recordMany(ns: number, count: number): void {
    const cell = cellOf(ns);
    let bucket = BUCKET_OF_CELL[cell]!;
    if (ns > BOUNDS[bucket]!) bucket += 1;
    this.buckets[bucket]! += count;
    this.#cells[cell]! += count;
    this.count += count;
    this.sumNs += ns * count;
    if (ns > this.maxNs) this.maxNs = ns;
  }

  /** The latency below which a share (0–1) of all lie, ns, to within 3.2 %; NaN when nothing was recorded. */
  percentileNs(share: number): number {
    if (this.count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(share * this.count));
    let seen = 0;
    for (let cell = 0; cell < CELLS; cell++) {
      seen += this.#cells[cell]!;
      if (seen < rank) continue;
      const middle = cell < PARTS ? cell : (lowerBound(cell) + lowerBound(cell + 1)) / 2;
      return Math.min(middle, this.maxNs);
    }
    return this.maxNs;
  }

  /** Adds all that another one recorded. */
  add(other: LatencyHistogram): void {
    for (let cell = 0; cell < CELLS; cell++) this.#cells[cell]! += other.#cells[cell]!;
    for (let bucket = 0; bucket < this.buckets.length; bucket++) this.buckets[bucket]! += other.buckets[bucket]!;
    this.count += other.count;
    this.sumNs += other.sumNs;
    this.maxNs = Math.max(this.maxNs, other.maxNs);
  }
}
