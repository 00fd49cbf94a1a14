import type { Instrument } from '../../model/instrument.ts';
import type { Decoder, MarketSink } from '../exchange.ts';
import { DecodedEvents } from './decoded-events.ts';
import { FastDecoder } from './fast-decoder.ts';
import { primeLevelScanner } from './priming.ts';
import { StreamTable } from './stream-table.ts';
import { TolerantDecoder } from './tolerant-decoder.ts';

/**
 * Bytes of a frame to events. The fast decoder knows how the venue writes its frames today and takes nearly all of them; the
 * tolerant one takes whatever is left, and alone decides what is rejected. On every frame that both take they agree, which
 * decode.property.test.ts checks against JSON.parse.
 */
export class BinanceUsdmDecoder implements Decoder {
  readonly #fast: FastDecoder;
  readonly #tolerant: TolerantDecoder;

  constructor(instruments: readonly Instrument[]) {
    const streams = new StreamTable(instruments);
    const events = new DecodedEvents();
    primeLevelScanner();
    this.#fast = new FastDecoder(streams, events);
    this.#tolerant = new TolerantDecoder(streams, events);
  }

  decode(frame: Uint8Array, sink: MarketSink): void {
    if (!this.#fast.decode(frame, sink)) this.#tolerant.decode(frame, sink);
  }
}
