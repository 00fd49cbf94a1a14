import { binanceUsdm } from './binance-usdm/index.ts';
import type { Exchange } from './exchange.ts';

/** One line a venue. */
export const EXCHANGES: readonly Exchange[] = [binanceUsdm];

/** The venue that a configuration without `exchange` means. */
export const DEFAULT_EXCHANGE = binanceUsdm.name;
