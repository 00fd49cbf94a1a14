import { binanceUsdm } from '../../src/exchanges/binance-usdm/index.ts';
import type { MarketSink } from '../../src/exchanges/exchange.ts';
import { SCALE_MAX } from '../../src/model/decimal.ts';
import type { DepthUpdate } from '../../src/model/events.ts';
import type { Instrument } from '../../src/model/instrument.ts';
import { FRAMES } from './frames.ts';
import { assertThat, type FuzzTarget } from './target.ts';

export function instruments(): Instrument[] {
  return ['BTCUSDT', 'ETHUSDT'].map((symbol, index) => ({ index, symbol, priceScale: 2, quantityScale: 3 }));
}

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;

/** Every number that leaves the decoder is one that the rest of the program may rely on. */
class CheckingSink implements MarketSink {
  events = 0;

  onDepth(update: DepthUpdate): void {
    this.#checkDepth(update);
  }

  onPartialDepth(update: DepthUpdate): void {
    this.#checkDepth(update);
  }

  onTrade(trade: Parameters<MarketSink['onTrade']>[0]): void {
    this.events++;
    for (const value of [trade.tradeId, trade.price, trade.quantity, trade.tradeTimeMs])
      assertThat(isCount(value), `trade has ${value}`);
    assertThat(trade.price > 0 && trade.quantity > 0, 'a trade without price or quantity');
  }

  onTopOfBook(top: Parameters<MarketSink['onTopOfBook']>[0]): void {
    this.events++;
    for (const value of [top.updateId, top.bidPrice, top.bidQuantity, top.askPrice, top.askQuantity])
      assertThat(isCount(value), `top has ${value}`);
  }

  onTicker24h(ticker: Parameters<MarketSink['onTicker24h']>[0]): void {
    this.events++;
    for (const value of [ticker.high, ticker.low, ticker.volume]) assertThat(isCount(value), `ticker has ${value}`);
  }

  onScale(instrument: Instrument, priceScale: number, quantityScale: number): void {
    assertThat(priceScale >= instrument.priceScale && priceScale <= SCALE_MAX, `price scale ${priceScale}`);
    assertThat(
      quantityScale >= instrument.quantityScale && quantityScale <= SCALE_MAX,
      `quantity scale ${quantityScale}`,
    );
    instrument.priceScale = priceScale;
    instrument.quantityScale = quantityScale;
  }

  onRejected(_reason: string, detail: string): void {
    assertThat(detail.length <= 400, `a detail of ${detail.length} characters`);
    for (let at = 0; at < detail.length; at++)
      assertThat(detail.charCodeAt(at) >= 0x20, 'a control character in a detail');
  }

  onAcknowledged(): void {
    this.events++;
  }

  #checkDepth(update: DepthUpdate): void {
    this.events++;
    assertThat(
      isCount(update.finalUpdateId) && isCount(update.firstUpdateId),
      `ids ${update.firstUpdateId} ${update.finalUpdateId}`,
    );
    assertThat(
      update.bidCount <= update.bidPrices.length && update.askCount <= update.askQuantities.length,
      'counts beyond the arrays',
    );
    for (let level = 0; level < update.bidCount; level++)
      assertThat(isCount(update.bidPrices[level]!) && isCount(update.bidQuantities[level]!), 'a bid');
    for (let level = 0; level < update.askCount; level++)
      assertThat(isCount(update.askPrices[level]!) && isCount(update.askQuantities[level]!), 'an ask');
  }
}

/** Frames from the exchange's sockets. */
export function decoderTarget(): FuzzTarget {
  const all = instruments();
  const decoder = binanceUsdm.createDecoder(all);
  const sink = new CheckingSink();
  return {
    name: 'decoder',
    samples: FRAMES,
    share: 0.5,
    run(input) {
      for (const instrument of all) {
        instrument.priceScale = 2;
        instrument.quantityScale = 3;
      }
      decoder.decode(input, sink);
    },
    finish() {
      const before = sink.events;
      decoder.decode(FRAMES[0]!, sink);
      assertThat(sink.events === before + 1, 'the decoder no longer decodes a valid frame');
    },
  };
}
