import type { Market } from '../book/market.ts';
import type { ExchangeRest, ScaleListener } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import { Backoff } from './backoff.ts';
import { PRIORITY, type RestClient } from './rest-client.ts';

/** Seeds one market's 24 h statistics from the venue's candles, and again when a minute needs repair. */
export class StatisticsSeeder {
  readonly #market: Market;
  readonly #rest: ExchangeRest;
  readonly #client: RestClient;
  readonly #onScale: ScaleListener;
  readonly #backoff = new Backoff(1_000, 60_000);
  #isSeeded = false;
  #isAsking = false;
  #askAgainMs = 0;
  failures = 0;

  constructor(market: Market, rest: ExchangeRest, client: RestClient, onScale: ScaleListener) {
    this.#market = market;
    this.#rest = rest;
    this.#client = client;
    this.#onScale = onScale;
  }

  /** To be called now and then; asks when something is due. @param nowMs wall time */
  check(nowMs: number): void {
    if (this.#isAsking || nowMs < this.#askAgainMs) return;
    const { statistics } = this.#market;
    const isRepairDue = statistics.latestTimeMs > statistics.repairDueMs + LIMITS.statistics_repair_delay_ms;
    if (!this.#isSeeded || isRepairDue) void this.#seed();
  }

  async #seed(): Promise<void> {
    this.#isAsking = true;
    try {
      const request = this.#rest.candles24h(this.#market.instrument, this.#onScale);
      const candles = await this.#client.request(request, PRIORITY.candles);
      this.#market.statistics.seed(candles);
      this.#isSeeded = true;
      this.#backoff.reset();
      this.#askAgainMs = Date.now() + LIMITS.statistics_repair_delay_ms;
    } catch {
      this.failures += 1;
      this.#askAgainMs = Date.now() + this.#backoff.nextDelayMs();
    } finally {
      this.#isAsking = false;
    }
  }
}
