import type { LabelledCounter } from '../model/counters.ts';
import type { LatencyHistogram } from '../model/latency-histogram.ts';
import type { MarketState, StateReason } from '../model/market-state.ts';

/** What /ready, /metrics and the status table read, when they are asked. Counters only ever grow. */
export interface ServiceView {
  readonly redisConnected: boolean;
  /** What Redis refuses or why it cannot be reached, while that lasts; it may be connected all the same. Empty: nothing. */
  readonly redisError: string;
  /** Every route of the exchange has an open socket. */
  readonly exchangeConnected: boolean;
  readonly symbols: readonly SymbolView[];
  readonly routes: readonly RouteView[];
  readonly sinks: readonly SinkView[];
  /** Frames that were not used, by reason. */
  readonly rejected: LabelledCounter;
  /** By channel without its symbol: "orderbook", "market_data", "trades", "status". */
  readonly redisPublishes: ReadonlyMap<string, number>;
  readonly redisErrors: number;
  /** Wall clock minus the exchange's time of the newest event, seconds; NaN before the first. Includes the clocks' difference. */
  readonly exchangeLagSeconds: number;
  /** Answers to REST requests, by outcome. */
  readonly restOutcomes: LabelledCounter;
  /** Request weight used in the exchange's current window. */
  readonly restUsedWeight: number;
}

export interface SymbolView {
  readonly symbol: string;
  readonly state: MarketState;
  /** Why it came into this state. */
  readonly reason: StateReason;
  /** -1 when nothing was applied yet. */
  readonly lastUpdateId: number;
  /** Since the last applied update, ms; NaN when there was none. */
  readonly ageMs: number;
  /** Best prices of a live book as decimal text; empty otherwise. */
  readonly bidPrice: string;
  readonly askPrice: string;
  readonly updates: number;
  readonly trades: number;
  /** Breaks in the chain of update ids. */
  readonly gaps: number;
  /** Breaks in the chain of trade ids, by what became of them. */
  readonly tradeGaps: LabelledCounter;
  /** Trades that neither the stream nor REST gave. */
  readonly tradesLost: number;
  readonly resyncs: LabelledCounter;
  /** From frame received to published. */
  readonly latency: LatencyHistogram;
}

export interface RouteView {
  readonly route: string;
  readonly isConnected: boolean;
  readonly disconnects: LabelledCounter;
}

export interface SinkView {
  /** As in {@link Publisher.name}. */
  readonly name: string;
  readonly dropped: LabelledCounter;
}
