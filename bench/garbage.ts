import { constants, PerformanceObserver } from 'node:perf_hooks';

/** Watches this process's collections of garbage. Pauses are what the collector reports, ms. */
export class GarbageWatch {
  readonly pausesMs: number[] = [];
  minor = 0;
  major = 0;
  readonly #observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
      if (kind === constants.NODE_PERFORMANCE_GC_MINOR) this.minor += 1;
      else this.major += 1;
      this.pausesMs.push(entry.duration);
    }
  });

  start(): void {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  stop(): void {
    this.#observer.disconnect();
  }
}
