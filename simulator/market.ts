import type { CandleHistory } from './candle-history.ts';
import type { ReferenceBook } from './reference-book.ts';
import type { TradeHistory } from './trade-history.ts';

/** The venue's word for an instrument that trades, and for one that has been taken off. */
export type SymbolStatus = 'TRADING' | 'SETTLING';

/** What REST needs to know of one symbol, whether it is made up or recorded. */
export interface ListedSymbol {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly status: SymbolStatus;
  readonly snapshotsFetched: number;
  /** Decimals in the venue's texts. */
  readonly priceScale: number;
  readonly quantityScale: number;
  /** The smallest step, mantissas at the scales above. */
  readonly tickSize: number;
  readonly stepSize: number;
  /** The exchange's own book, as of everything that has been sent. */
  readonly book: ReferenceBook;
  readonly candles: CandleHistory;
  readonly trades: TradeHistory;
  /** The body of `GET /fapi/v1/depth` as of now. */
  depthText(limit: number): string;
  /** A snapshot for this symbol has been answered in full. */
  onSnapshotFetched(): void;
}

/** Where the exchange's events come from. */
export interface Market {
  readonly kind: 'synthetic' | 'capture';
  readonly symbols: ReadonlyMap<string, ListedSymbol>;
  /** The exchange's clock, ms since the Unix epoch; not the clock of this machine. */
  nowMs(): number;
  start(): void;
  stop(): void;
}

/** How the market hands frames to the sockets and learns that they are full. */
export interface Outlet {
  /** Everything published since the last flush leaves for the sockets. */
  flush(): void;
  /** False while nobody is connected. */
  readonly hasClients: boolean;
  /** True while a client's socket holds so much that a market which may wait should wait. */
  readonly isCongested: boolean;
  /** Resolves once no socket is congested any more. */
  drained(): Promise<void>;
}
