import type { Exchange } from '../exchange.ts';
import { BinanceUsdmDecoder } from './decode.ts';
import { binanceUsdmRest } from './rest.ts';
import { BinanceUsdmSequencer } from './sequencer.ts';
import { planConnections, STREAMS_PER_CONNECTION_MAX, subscribeMessages } from './streams.ts';

/** Binance USD-M futures. README.md has the field tables and where each was seen. */
export const binanceUsdm: Exchange = {
  name: 'binance-usdm',
  limits: {
    streamsPerConnectionMax: STREAMS_PER_CONNECTION_MAX,
    connectionAgeMaxMs: 24 * 3600 * 1000,
    // Documented for the spot API; assumed here.
    connectionAttemptsMax: { count: 300, perMs: 5 * 60 * 1000 },
    requestWeightMax: { weight: 2400, windowMs: 60 * 1000 },
  },
  connections: planConnections,
  createDecoder: (instruments) => new BinanceUsdmDecoder(instruments),
  createSequencer: () => new BinanceUsdmSequencer(),
  subscribeMessages,
  rest: binanceUsdmRest,
};
