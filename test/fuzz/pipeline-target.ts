import { binanceUsdm } from '../../src/exchanges/binance-usdm/index.ts';
import { Pipeline, type PipelineServices } from '../../src/feed/pipeline.ts';
import { ManualClock } from '../../src/model/clock.ts';
import type { BookUpdate } from '../../src/model/events.ts';
import { DocumentEncoder } from '../../src/publish/encode.ts';
import type { Publisher } from '../../src/publish/publisher.ts';
import { instruments } from './decoder-target.ts';
import { FRAMES, SNAPSHOT } from './frames.ts';
import { assertThat, type FuzzTarget } from './target.ts';

/** A new pipeline now and then, so that damaged state does not hide what a fresh one would do. */
const INPUTS_PER_PIPELINE = 2000;

class CheckingPublisher implements Publisher {
  readonly name = 'fuzz';
  readonly #encoder: DocumentEncoder;

  constructor(encoder: DocumentEncoder) {
    this.#encoder = encoder;
  }

  onBook(book: BookUpdate): void {
    assertThat(book.bidCount > 0 && book.askCount > 0, 'a book with an empty side');
    assertThat(book.bidPrices[0]! < book.askPrices[0]!, 'a crossed book');
    const { bytes, orderbookEnd, marketDataEnd } = this.#encoder.encodeBook(book);
    JSON.parse(Buffer.from(bytes.subarray(0, orderbookEnd)).toString());
    JSON.parse(Buffer.from(bytes.subarray(orderbookEnd, marketDataEnd)).toString());
  }

  onTrade(trade: Parameters<Publisher['onTrade']>[0]): void {
    const { bytes, end } = this.#encoder.encodeTrade(trade);
    JSON.parse(Buffer.from(bytes.subarray(0, end)).toString());
  }

  onStatus(): void {}
  onTick(): void {}

  onEndOfBatch(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The same frames through books, trades and encoders: whatever the exchange sends, what is published is valid and uncrossed. */
export function pipelineTarget(): FuzzTarget {
  const clock = new ManualClock(1_700_000_000);
  let count = 0;
  let pipeline = newPipeline(clock);
  return {
    name: 'pipeline',
    samples: FRAMES,
    share: 0.2,
    async run(input) {
      if (count++ % INPUTS_PER_PIPELINE === 0) {
        for (const session of pipeline.sessions) session.close();
        pipeline = newPipeline(clock);
        pipeline.onFrame(FRAMES[0]!);
        await new Promise(setImmediate);
      }
      clock.timeNs += 1e6;
      pipeline.onFrame(input);
      if (count % 64 === 0) for (const session of pipeline.sessions) session.check(clock.timeNs);
      if (count % 256 === 0) await new Promise(setImmediate);
    },
    finish() {
      for (const session of pipeline.sessions) session.close();
    },
  };
}

function newPipeline(clock: ManualClock): Pipeline {
  const options = { depth: 20, lastPriceSource: 'trade' as const, audit: true };
  const services: PipelineServices = {
    depthMode: 'diff',
    requestSnapshot: (instrument, _priority, onStart) => {
      onStart();
      const onScale = (...scales: Parameters<Pipeline['onScale']>): void => created.onScale(...scales);
      return Promise.resolve().then(() => binanceUsdm.rest.snapshot(instrument, 1000, onScale).parse(SNAPSHOT));
    },
    fetchTrades: () => Promise.reject(new Error('none')),
    isDepthOverlapping: () => false,
    isTradeOverlapping: () => false,
  };
  const encoder = new DocumentEncoder(clock);
  const created = new Pipeline(
    binanceUsdm,
    instruments(),
    options,
    clock,
    [new CheckingPublisher(encoder)],
    services,
    () => {},
  );
  return created;
}
