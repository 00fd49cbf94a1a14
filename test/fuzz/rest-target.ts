import { binanceUsdm } from '../../src/exchanges/binance-usdm/index.ts';
import { FeedError } from '../../src/model/errors.ts';
import { instruments } from './decoder-target.ts';
import { AGGREGATE_TRADES, EXCHANGE_INFO, KLINES, SNAPSHOT, VENUE_ERROR } from './frames.ts';
import { assertThat, type FuzzTarget } from './target.ts';

/** Bodies of REST answers: each is either understood or refused with a FeedError. */
export function restTarget(): FuzzTarget {
  const [instrument] = instruments();
  const { rest } = binanceUsdm;
  const onScale = (of: typeof instrument, priceScale: number, quantityScale: number): void => {
    of!.priceScale = priceScale;
    of!.quantityScale = quantityScale;
  };
  const requests = [
    rest.instruments(),
    rest.snapshot(instrument!, 1000, onScale),
    rest.candles24h(instrument!, onScale),
    rest.trades(instrument!, 50, 1000, onScale),
  ];
  return {
    name: 'rest',
    samples: [EXCHANGE_INFO, SNAPSHOT, KLINES, AGGREGATE_TRADES, VENUE_ERROR],
    share: 0.05,
    run(input) {
      for (const request of requests) {
        instrument!.priceScale = 2;
        instrument!.quantityScale = 3;
        try {
          request.parse(input);
        } catch (error) {
          if (!(error instanceof FeedError)) throw error;
          assertThat(error.message.length < 600, `a message of ${error.message.length} characters`);
        }
      }
    },
  };
}
