import { binanceUsdm } from './binance-usdm/index.ts';
import type { Exchange } from './exchange.ts';

/** One line a venue, and its import. */
export const EXCHANGES: readonly Exchange[] = [binanceUsdm];
