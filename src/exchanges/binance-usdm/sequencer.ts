import { LIMITS } from '../../limits.ts';
import type { DepthUpdate } from '../../model/events.ts';
import type { SequenceDecision, Sequencer } from '../exchange.ts';

/*
 * The venue's rules ("How to manage a local order book correctly", USD-M futures documentation), L = the snapshot's lastUpdateId:
 *
 *   1. Connect to the diff stream and buffer what arrives.
 *   2. Get a snapshot with limit 1000.
 *   3. Drop every diff with u < L.
 *   4. The first applied diff has U <= L <= u; on live streams it may instead have pu == L.
 *   5. From then on each diff's pu equals the previous diff's u. If not, start again from step 2.
 *   6. Quantities are absolute; 0 removes the level; removing an unknown level is normal. (The book's part.)
 *
 * Ids jump: U == previous u + 1 does not hold on futures and is not tested. Two rules are added here:
 *
 *   7. With overlapping or redundant sockets the same diff arrives twice. One with u <= the last applied u is a repeat: drop it.
 *   8. A venue that restarted with lower ids looks like repeats for ever. But a repeat carries its original event time E, which is
 *      never later than that of the last applied diff: one that is later by more than the clocks of the venue's hosts can differ,
 *      and whose pu lies below the chain too, is news under lower ids: reset. Should E be missing or have gone back as well, an
 *      uninterrupted run of repeats that is longer than any socket lags is taken for the same.
 */

/** Rule 8: what the event times of one diff may differ by between two of the venue's hosts. */
const EVENT_TIME_TOLERANCE_MS = 250;

/** Rule 8 before the first diff is applied: for how long, by event time, the live stream may still lie before the snapshot. */
const SNAPSHOT_LEAD_MS_MAX = 5_000;

/** Rule 8: repeats in a row that mean a restart. 25 s at ten diffs a second. */
const REPEATS_IN_A_ROW_MAX = 256;

/** `waiting`: for a snapshot (steps 1, 2). `bridging`: for the first diff on top of it (3, 4). `chained`: step 5. */
type Phase = 'waiting' | 'bridging' | 'chained';

export class BinanceUsdmSequencer implements Sequencer {
  #phase: Phase = 'waiting';
  #lastUpdateId = -1;
  /** `chained`: event time of the last applied diff. Before: of the newest diff seen when the snapshot came. 0 when unknown. */
  #lastTimeMs = 0;
  /** `bridging`: event time of the first diff that came after the snapshot but lies before it. 0 until there is one. */
  #bridgingSinceMs = 0;
  #repeatsInARow = 0;

  get isChained(): boolean {
    return this.#phase === 'chained';
  }

  get lastUpdateId(): number {
    return this.#lastUpdateId;
  }

  reset(): void {
    this.#phase = 'waiting';
    this.#lastUpdateId = -1;
    this.#lastTimeMs = 0;
    this.#bridgingSinceMs = 0;
    this.#repeatsInARow = 0;
  }

  onSnapshot(lastUpdateId: number): void {
    // Event times seen while waiting stay: rule 8 measures from them. Those of an older chain do not.
    if (this.#phase !== 'waiting') this.#lastTimeMs = 0;
    this.#phase = 'bridging';
    this.#lastUpdateId = lastUpdateId;
    this.#bridgingSinceMs = 0;
    this.#repeatsInARow = 0;
  }

  onDepth(update: DepthUpdate): SequenceDecision {
    switch (this.#phase) {
      case 'waiting':
        // Step 1.
        if (update.exchangeTimeMs > this.#lastTimeMs) this.#lastTimeMs = update.exchangeTimeMs;
        return 'buffer';
      case 'bridging':
        return this.#bridge(update);
      case 'chained':
        return this.#follow(update);
    }
  }

  #bridge(update: DepthUpdate): SequenceDecision {
    const snapshotId = this.#lastUpdateId;
    // Step 3, unless rule 8 says that the snapshot is from before a restart.
    if (update.finalUpdateId < snapshotId) return this.#isSnapshotUnreachable(update) ? 'reset' : 'drop';
    // Step 4. A diff holds all that changed after pu and up to u, so that pu <= L <= u bridges: it comprises U <= L <= u and pu == L.
    const isBridgedByFirstId = update.firstUpdateId <= snapshotId;
    const isBridgedByPreviousId = update.previousFinalUpdateId >= 0 && update.previousFinalUpdateId <= snapshotId;
    if (!isBridgedByFirstId && !isBridgedByPreviousId) return 'gap';
    return this.#apply(update);
  }

  #isSnapshotUnreachable(update: DepthUpdate): boolean {
    if (++this.#repeatsInARow > LIMITS.buffered_diffs_per_symbol_max + REPEATS_IN_A_ROW_MAX) return true;
    if (update.exchangeTimeMs <= this.#lastTimeMs) return false;
    if (this.#bridgingSinceMs === 0) this.#bridgingSinceMs = update.exchangeTimeMs;
    return update.exchangeTimeMs > this.#bridgingSinceMs + SNAPSHOT_LEAD_MS_MAX;
  }

  #follow(update: DepthUpdate): SequenceDecision {
    // Rule 7, or rule 8.
    if (update.finalUpdateId <= this.#lastUpdateId) return this.#isRestart(update) ? 'reset' : 'drop';
    // Step 5.
    if (update.previousFinalUpdateId !== this.#lastUpdateId) return 'gap';
    return this.#apply(update);
  }

  #isRestart(update: DepthUpdate): boolean {
    if (++this.#repeatsInARow > REPEATS_IN_A_ROW_MAX) return true;
    if (update.previousFinalUpdateId >= this.#lastUpdateId || this.#lastTimeMs === 0) return false;
    return update.exchangeTimeMs > this.#lastTimeMs + EVENT_TIME_TOLERANCE_MS;
  }

  #apply(update: DepthUpdate): SequenceDecision {
    this.#phase = 'chained';
    this.#lastUpdateId = update.finalUpdateId;
    this.#lastTimeMs = update.exchangeTimeMs;
    this.#repeatsInARow = 0;
    return 'apply';
  }
}
