import { LIMITS } from '../limits.ts';
import { LabelledCounter } from '../model/counters.ts';
import { POW10 } from '../model/decimal.ts';
import { Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { Backoff } from './backoff.ts';

export interface TradeHost {
  nowNs(): number;
  /** More than one socket delivers this symbol's trades: what one has not brought may still come from another. */
  isTradeOverlapping(sequence: TradeSequence): boolean;
  /** Trades `fromId`, `fromId + 1` … as far as one answer reaches. Rejects when they cannot be had. */
  fetchTrades(instrument: Instrument, fromId: number): Promise<Trade[]>;
  /** The next trade in order. */
  onTradeInOrder(trade: Trade): void;
  /** Trades `fromId` to `toId`, both included, are lost for good. They happened between the two exchange times. */
  onTradesLost(sequence: TradeSequence, fromId: number, toId: number, fromTimeMs: number, toTimeMs: number): void;
}

/**
 * Hands on each trade once and in order of its id. After a gap, later trades wait while the missing ones are fetched, for a bounded
 * time and number; what cannot be had is reported as lost.
 */
export class TradeSequence {
  readonly instrument: Instrument;
  /** Gaps by outcome: refilled, lost, filled_by_other_socket. */
  readonly gaps = new LabelledCounter();
  trades = 0;
  duplicates = 0;
  refilled = 0;
  lost = 0;
  readonly #host: TradeHost;
  #lastId = -1;
  #lastTimeMs = 0;
  /** Trades after a gap, ascending. */
  #held: Trade[] = [];
  #heldSinceNs = Number.NaN;
  #isFetching = false;
  #fetchAtNs = Number.NaN;
  /** Between the gap and its request, when gaps come thick. */
  readonly #pace = new Backoff(LIMITS.trade_refill_pace_ms, LIMITS.trade_refill_pace_ms_max);
  #lastGapNs = Number.NEGATIVE_INFINITY;
  /** Grows whenever a wait ends, so that an answer to an earlier one is not taken for this one's. */
  #wait = 0;

  constructor(instrument: Instrument, host: TradeHost) {
    this.instrument = instrument;
    this.#host = host;
  }

  get lastId(): number {
    return this.#lastId;
  }

  onTrade(trade: Trade): void {
    const id = trade.tradeId;
    if (this.#held.length > 0) {
      this.#onTradeWhileHolding(trade);
    } else if (id === this.#lastId + 1 || this.#lastId === -1) {
      this.#handOn(trade);
    } else if (id > this.#lastId) {
      this.#startHolding(trade);
    } else if (this.#isRestart(id)) {
      this.#handOn(trade);
    } else {
      this.duplicates += 1;
    }
  }

  /** To be called several times a second. */
  check(nowNs: number): void {
    if (this.#held.length === 0) return;
    const heldMs = (nowNs - this.#heldSinceNs) / 1e6;
    // An answer that is on its way is worth waiting for as long again: this process may have been stopped meanwhile, or REST be limited.
    const patienceMs = LIMITS.trade_refill_ms_max * (this.#isFetching ? 2 : 1);
    if (heldMs > patienceMs) this.#giveUp();
    else if (!this.#isFetching && nowNs > this.#fetchAtNs) void this.#fetch();
  }

  rescale(pricePlaces: number, quantityPlaces: number): void {
    for (const trade of this.#held) {
      trade.price *= POW10[pricePlaces]!;
      trade.quantity *= POW10[quantityPlaces]!;
    }
  }

  /** Hands on what is held, gap or not: the process ends. */
  flush(): void {
    if (this.#held.length > 0) this.#giveUp();
  }

  /** Ids that fall very far back are an exchange that started anew, not a late duplicate. */
  #isRestart(id: number): boolean {
    return this.#lastId - id > LIMITS.trade_id_restart_distance;
  }

  #handOn(trade: Trade): void {
    this.#lastId = trade.tradeId;
    this.#lastTimeMs = trade.tradeTimeMs;
    this.trades += 1;
    this.#host.onTradeInOrder(trade);
  }

  #startHolding(trade: Trade): void {
    this.#held.push(copyOf(trade));
    this.#heldSinceNs = this.#host.nowNs();
    const paceMs = this.#paceMs();
    const waitMs = this.#host.isTradeOverlapping(this) ? Math.max(LIMITS.gap_hold_ms, paceMs) : paceMs;
    this.#fetchAtNs = this.#heldSinceNs + waitMs * 1e6;
    if (trade.tradeId - this.#lastId > LIMITS.trade_refill_gap_max) this.#giveUp();
    else if (waitMs === 0) void this.#fetch();
  }

  #paceMs(): number {
    const isCalm = this.#heldSinceNs - this.#lastGapNs > LIMITS.trade_refill_calm_ms * 1e6;
    this.#lastGapNs = this.#heldSinceNs;
    if (!isCalm) return this.#pace.nextDelayMs();
    this.#pace.reset();
    return 0;
  }

  #onTradeWhileHolding(trade: Trade): void {
    const id = trade.tradeId;
    if (id === this.#lastId + 1) {
      this.#handOn(trade);
      if (this.#release()) this.#endWait('filled_by_other_socket');
      return;
    }
    if (id <= this.#lastId) {
      if (this.#isRestart(id)) {
        this.#giveUp();
        this.#handOn(trade);
      } else {
        this.duplicates += 1;
      }
      return;
    }
    let at = this.#held.length;
    while (at > 0 && this.#held[at - 1]!.tradeId > id) at -= 1;
    if (at > 0 && this.#held[at - 1]!.tradeId === id) {
      this.duplicates += 1;
      return;
    }
    this.#held.splice(at, 0, copyOf(trade));
    if (this.#held.length > LIMITS.held_trades_max) this.#giveUp();
  }

  /** Hands on held trades as far as they continue the sequence; true when none is left. */
  #release(): boolean {
    let count = 0;
    while (count < this.#held.length && this.#held[count]!.tradeId <= this.#lastId + 1) {
      const trade = this.#held[count]!;
      if (trade.tradeId === this.#lastId + 1) this.#handOn(trade);
      count += 1;
    }
    this.#held.splice(0, count);
    return this.#held.length === 0;
  }

  async #fetch(): Promise<void> {
    this.#isFetching = true;
    const wait = this.#wait;
    try {
      while (wait === this.#wait) {
        const trades = await this.#host.fetchTrades(this.instrument, this.#lastId + 1);
        if (wait !== this.#wait) return;
        if (!this.#refill(trades)) break;
      }
    } catch {
      // Refused or unreachable: as with an answer that does not reach far enough yet, `check` asks again until the time is over.
    }
    if (wait !== this.#wait) return;
    this.#isFetching = false;
    this.#fetchAtNs = this.#host.nowNs() + LIMITS.gap_hold_ms * 1e6;
  }

  /** One page fills every gap that it covers, not only the first: each page costs. Returns whether another is worth asking for. */
  #refill(trades: readonly Trade[]): boolean {
    const before = this.#lastId;
    for (const trade of trades) {
      if (trade.tradeId !== this.#lastId + 1) continue;
      trade.isRefill = true;
      trade.receiveTimeNs = this.#host.nowNs();
      this.refilled += 1;
      this.#handOn(trade);
      if (this.#release()) {
        this.#endWait('refilled');
        return false;
      }
    }
    return this.#lastId > before;
  }

  #giveUp(): void {
    while (this.#held.length > 0) {
      const next = this.#held[0]!.tradeId;
      if (next > this.#lastId + 1) {
        this.lost += next - this.#lastId - 1;
        this.#host.onTradesLost(this, this.#lastId + 1, next - 1, this.#lastTimeMs, this.#held[0]!.tradeTimeMs);
        this.#lastId = next - 1;
      }
      this.#release();
    }
    this.#endWait('lost');
  }

  #endWait(outcome: string): void {
    this.#wait += 1;
    this.#isFetching = false;
    this.#heldSinceNs = Number.NaN;
    this.gaps.add(outcome);
  }
}

function copyOf(trade: Trade): Trade {
  return Object.assign(new Trade(), trade);
}
