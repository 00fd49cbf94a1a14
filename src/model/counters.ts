/** Counts per label value ("gap" → 3). For events that are rare; hot counts are plain fields of their owner. Read by /metrics when it is asked. */
export class LabelledCounter {
  readonly counts = new Map<string, number>();

  add(label: string, count = 1): void {
    this.counts.set(label, (this.counts.get(label) ?? 0) + count);
  }

  get(label: string): number {
    return this.counts.get(label) ?? 0;
  }

  get total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }
}
