/** Prometheus text as values by name and labels. */
export class MetricsPage {
  readonly #samples: { readonly name: string; readonly labels: string; readonly value: number }[] = [];

  constructor(text: string) {
    for (const line of text.split('\n')) {
      const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)/.exec(line);
      if (match !== null) this.#samples.push({ name: match[1]!, labels: match[2] ?? '', value: Number(match[3]) });
    }
  }

  /** The sum of all samples with this name whose labels match. */
  sum(name: string, labels = /(?:)/): number {
    let sum = 0;
    for (const sample of this.#samples) if (sample.name === name && labels.test(sample.labels)) sum += sample.value;
    return sum;
  }

  /** Value by labels of one metric. */
  all(name: string): Record<string, number> {
    return Object.fromEntries(this.#samples.filter((sample) => sample.name === name).map((s) => [s.labels, s.value]));
  }
}
