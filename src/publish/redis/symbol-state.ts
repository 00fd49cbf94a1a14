import type { StatusUpdate } from '../../model/events.ts';
import type { Instrument } from '../../model/instrument.ts';
import { BookSlot } from './book-slot.ts';
import { type SymbolCommands, symbolCommands } from './resp-encoder.ts';

/** What is current for one symbol, and what of it Redis has yet to be told. */
export class SymbolState {
  readonly instrument: Instrument;
  readonly commands: SymbolCommands;
  readonly book: BookSlot;
  status: StatusUpdate | undefined;
  /** `book` is the present book of a live market. */
  isLive = false;
  isBookPending = false;
  isStatusPending = false;
  /** Redis refused the key; `book` has been or will be published, but the key is to be written again. */
  isKeyPending = false;
  /** In its lane's list of symbols with something pending. */
  isQueued = false;

  constructor(instrument: Instrument) {
    this.instrument = instrument;
    this.commands = symbolCommands(instrument);
    this.book = new BookSlot(instrument);
  }
}
