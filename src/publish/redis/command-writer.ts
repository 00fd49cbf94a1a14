import type { BookUpdate, StatusUpdate, Trade } from '../../model/events.ts';
import type { DocumentEncoder } from '../encode.ts';
import { KIND } from './command-ring.ts';
import type { HotConnection } from './hot-connection.ts';
import { writePublish, writeSet } from './resp-encoder.ts';
import type { SymbolState } from './symbol-state.ts';

/** Turns updates into the commands of a connection: which documents go to which channel or key. */
export class CommandWriter {
  readonly #connection: HotConnection;
  readonly #encoder: DocumentEncoder;
  readonly #symbols: readonly SymbolState[];

  /** @param symbols by instrument index */
  constructor(connection: HotConnection, encoder: DocumentEncoder, symbols: readonly SymbolState[]) {
    this.#connection = connection;
    this.#encoder = encoder;
    this.#symbols = symbols;
  }

  writeBook({ instrument, commands }: SymbolState, book: BookUpdate): void {
    const { view, orderbookEnd, marketDataEnd } = this.#encoder.encodeBook(book);
    const connection = this.#connection;
    const target = connection.target();
    let end = writePublish(target.view, target.end, commands.publishOrderbook, view, 0, orderbookEnd);
    connection.commit(KIND.orderbook, instrument.index, end);
    end = writePublish(target.view, end, commands.publishMarketData, view, orderbookEnd, marketDataEnd);
    connection.commit(KIND.market_data, instrument.index, end);
    end = writeSet(target.view, end, commands.setMarketData, view, orderbookEnd, marketDataEnd);
    connection.commit(KIND.set, instrument.index, end);
  }

  /** The key alone. */
  writeKey({ instrument, commands }: SymbolState, book: BookUpdate): void {
    const { view, orderbookEnd, marketDataEnd } = this.#encoder.encodeBook(book);
    const target = this.#connection.target();
    const end = writeSet(target.view, target.end, commands.setMarketData, view, orderbookEnd, marketDataEnd);
    this.#connection.commit(KIND.set, instrument.index, end);
  }

  writeTrade(trade: Trade): void {
    const { index } = trade.instrument;
    const document = this.#encoder.encodeTrade(trade);
    const target = this.#connection.target();
    const command = this.#symbols[index]!.commands.publishTrade;
    this.#connection.commit(
      KIND.trades,
      index,
      writePublish(target.view, target.end, command, document.view, 0, document.end),
    );
  }

  writeStatus(status: StatusUpdate): void {
    const { index } = status.instrument;
    const document = this.#encoder.encodeStatus(status);
    const target = this.#connection.target();
    const command = this.#symbols[index]!.commands.publishStatus;
    this.#connection.commit(
      KIND.status,
      index,
      writePublish(target.view, target.end, command, document.view, 0, document.end),
    );
  }
}
