import type { Candle, DepthSnapshot, DepthUpdate, Ticker24h, TopOfBook, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';

/**
 * The contract that a venue fulfils. A venue describes: which sockets to open, what bytes mean, how updates chain, which
 * REST requests exist and what they cost. It does no I/O, holds no timers and knows nothing of books or publishing.
 * docs/ADD_NEW_EXCHANGE.md walks through it.
 */
export interface Exchange {
  /** Folder name below src/exchanges, e.g. "binance-usdm". */
  readonly name: string;
  readonly limits: ExchangeLimits;

  /**
   * The sockets that carry these instruments, in the order in which they should be opened.
   * @throws UsageError when the base URL cannot be used.
   */
  connections(instruments: readonly Instrument[], options: StreamOptions): ConnectionPlan[];
  /** A decoder for frames of one connection plan, or of all of them: streams are looked up by name. */
  createDecoder(instruments: readonly Instrument[]): Decoder;
  createSequencer(): Sequencer;
  /** Text to send after the socket has opened, for venues that subscribe by message. Empty where the URL says it all. */
  subscribeMessages(plan: ConnectionPlan): string[];

  readonly rest: ExchangeRest;
}

export interface ExchangeLimits {
  readonly streamsPerConnectionMax: number;
  /** The venue closes a connection at this age. */
  readonly connectionAgeMaxMs: number;
  readonly connectionAttemptsMax: { readonly count: number; readonly perMs: number };
  /** REST budget, per window that starts at multiples of `windowMs` since the Unix epoch. */
  readonly requestWeightMax: { readonly weight: number; readonly windowMs: number };
}

/** `diff`: the diff stream and snapshots. `partial`: the venue's top-N frames, where REST is refused. */
export type DepthMode = 'diff' | 'partial';

export interface StreamOptions {
  readonly wsUrl: string;
  readonly depthMode: DepthMode;
  /** Published levels per side; partial mode picks the smallest stream that covers it. */
  readonly depth: number;
  /** Also subscribe to the venue's best bid and offer, to audit books with it. */
  readonly audit: boolean;
}

export interface ConnectionPlan {
  /** Short name for logs and metrics, e.g. "public" or "public-2". */
  readonly route: string;
  readonly url: string;
  readonly streams: readonly StreamSpec[];
}

export type StreamKind = 'depth' | 'trade' | 'top' | 'ticker';

export interface StreamSpec {
  readonly name: string;
  readonly kind: StreamKind;
  readonly instrument: Instrument;
}

/** Sans-I/O: bytes in, events out, no state between frames. The same decoder serves live, replay, fuzzing and benches. */
export interface Decoder {
  /** Decodes one frame and calls the sink zero or more times. Never throws on any input. */
  decode(frame: Uint8Array, sink: MarketSink): void;
}

/** Event objects are reused by the decoder: copy what is kept. */
export interface MarketSink {
  onDepth(update: DepthUpdate): void;
  /** The whole top of the book, from a partial-depth stream. Its levels are best first. */
  onPartialDepth(update: DepthUpdate): void;
  onTrade(trade: Trade): void;
  onTopOfBook(top: TopOfBook): void;
  onTicker24h(ticker: Ticker24h): void;
  /**
   * Text finer than the instrument's scales arrived. The receiver moves everything it keeps to the new scales and sets them
   * on the instrument before it returns; the decoder then decodes the frame anew.
   */
  onScale(instrument: Instrument, priceScale: number, quantityScale: number): void;
  /** A frame or an event in it was not used. `detail` is short and safe to log. */
  onRejected(reason: RejectReason, detail: string): void;
  /** The venue answered a subscription (`error` undefined) or refused it. Says nothing about whether data will come. */
  onAcknowledged(error: string | undefined): void;
}

export const REJECT_REASONS = [
  'malformed',
  'unknown_stream',
  'unknown_symbol',
  'out_of_range',
  'not_a_trade',
  'unknown_event',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

/** What to do with a diff. `buffer`: keep a copy until the snapshot is there. `gap`: the chain is broken. `reset`: ids went back, the venue restarted. */
export type SequenceDecision = 'apply' | 'drop' | 'buffer' | 'gap' | 'reset';

/** The venue's book rules as a state machine for one symbol. */
export interface Sequencer {
  /** Forgets everything: the next snapshot starts a new chain. */
  reset(): void;
  /** A snapshot was loaded; from now on diffs are judged against it. Buffered ones are offered again in order. */
  onSnapshot(lastUpdateId: number): void;
  /** Judges a diff, and counts it as applied when the answer is `apply`. */
  onDepth(update: DepthUpdate): SequenceDecision;
  /** True once a diff has been applied on top of the snapshot without a gap. */
  readonly isChained: boolean;
  /** The final id of the last applied diff, or the snapshot's; -1 before. */
  readonly lastUpdateId: number;
}

/** A GET request, and how to read its answer. `parse` throws FeedError on any body that is not what was asked for. */
export interface RestRequest<T> {
  /** Path and query, appended to the REST base URL. */
  readonly path: string;
  readonly weight: number;
  parse(body: Uint8Array): T;
}

export interface InstrumentDefinition {
  readonly symbol: string;
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly isTrading: boolean;
  /** The venue's own word for the status, for messages. */
  readonly status: string;
}

export interface RestStatus {
  /** `refused`: this place may not use REST at all. `limited`: wait `retryAfterMs`. */
  readonly outcome: 'ok' | 'limited' | 'refused' | 'failed';
  readonly retryAfterMs: number;
  /** What the venue says is used of the current window; -1 when it does not say. */
  readonly usedWeight: number;
}

export interface ExchangeRest {
  /** Snapshot sizes that can be asked for, ascending, with what they cost. */
  readonly snapshotSizes: readonly { readonly limit: number; readonly weight: number }[];
  instruments(): RestRequest<InstrumentDefinition[]>;
  /** @param limit one of `snapshotSizes`. Finer text widens the scales first: `onScale` as in {@link MarketSink}. */
  snapshot(instrument: Instrument, limit: number, onScale: ScaleListener): RestRequest<DepthSnapshot>;
  /** The last 24 h in one-minute candles, oldest first, the running one included. */
  candles24h(instrument: Instrument, onScale: ScaleListener): RestRequest<Candle[]>;
  /** Trades from an id on, ascending, at most `limit` (1–1000). */
  trades(instrument: Instrument, fromId: number, limit: number, onScale: ScaleListener): RestRequest<Trade[]>;
  /** Reads status code and headers (lower-case names) of any answer. */
  status(statusCode: number, headers: Readonly<Record<string, string | string[] | undefined>>): RestStatus;
}

export type ScaleListener = (instrument: Instrument, priceScale: number, quantityScale: number) => void;
