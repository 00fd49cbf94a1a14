import { DepthUpdate, Ticker24h, TopOfBook, Trade } from '../../model/events.ts';

/** The one object of each kind that a decoder fills again and again. */
export class DecodedEvents {
  readonly depth = new DepthUpdate();
  readonly trade = new Trade();
  readonly top = new TopOfBook();
  readonly ticker = new Ticker24h();
}
