import type { Instrument } from '../../model/instrument.ts';
import type { Decoder, MarketSink } from '../exchange.ts';
import { DecodedEvents } from './decoded-events.ts';
import { StreamTable } from './stream-table.ts';
import { TolerantDecoder } from './tolerant-decoder.ts';

export class BinanceUsdmDecoder implements Decoder {
  readonly #tolerant: TolerantDecoder;

  constructor(instruments: readonly Instrument[]) {
    this.#tolerant = new TolerantDecoder(new StreamTable(instruments), new DecodedEvents());
  }

  decode(frame: Uint8Array, sink: MarketSink): void {
    this.#tolerant.decode(frame, sink);
  }
}
