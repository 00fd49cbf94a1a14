import { compareBooks, isCrossedOrEmpty } from './book-text.ts';
import type { SymbolTruth, Truth } from './truth.ts';
import type { Violations } from './violations.ts';

/** A range of positions in a symbol's trades that a witness did not see. */
export interface MissingTrades {
  readonly symbol: string;
  readonly fromId: number;
  readonly toId: number;
  readonly count: number;
  /** The witness itself was away between the trade before and the trade after. */
  readonly isWitnessAway: boolean;
}

class SymbolWitness {
  /** As last published; undefined while the witness cannot know. */
  state: string | undefined;
  /** Of the last book that was compared. */
  lastBookOrdinal = -1;
  mayRepeatBook = true;
  lastBookAtMs = Number.NaN;
  lastLiveBookAtMs = Number.NaN;
  firstTradeOrdinal = -1;
  lastTradeOrdinal = -1;
  isTradeGapExcused = false;
  /** Books and trades that arrived before the truth about them did. */
  readonly pendingBooks: { readonly updateId: number; readonly text: string; readonly mayRepeat: boolean }[] = [];
  readonly pendingTrades: { readonly tradeId: number; readonly text: string; readonly isExcused: boolean }[] = [];
}

/**
 * Compares everything that was seen at one place (Redis, shared memory) with what happened on the exchange. Order is judged by the
 * truth's own order, because an exchange that restarts goes back to lower ids.
 */
export class Witness {
  readonly name: string;
  books = 0;
  shorterBooks = 0;
  trades = 0;
  statuses = 0;
  /** Changes to anything but live, by reason. */
  readonly interruptions = new Map<string, number>();
  /** state/reason of every status, per symbol. */
  readonly history = new Map<string, string[]>();
  readonly missing: MissingTrades[] = [];
  readonly #truth: Truth;
  readonly #violations: Violations;
  readonly #symbols = new Map<string, SymbolWitness>();

  constructor(name: string, truth: Truth, violations: Violations) {
    this.name = name;
    this.#truth = truth;
    this.#violations = violations;
  }

  of(symbol: string): SymbolWitness {
    let witness = this.#symbols.get(symbol);
    if (witness === undefined) {
      witness = new SymbolWitness();
      this.#symbols.set(symbol, witness);
    }
    return witness;
  }

  /** The witness lost its own connection: what was said meanwhile it could not hear. */
  onAway(): void {
    for (const witness of this.#symbols.values()) {
      witness.state = undefined;
      witness.mayRepeatBook = true;
      witness.isTradeGapExcused = true;
    }
  }

  onStatus(symbol: string, state: string, reason: string): void {
    const witness = this.of(symbol);
    this.statuses++;
    witness.state = state;
    witness.mayRepeatBook = true;
    const history = this.history.get(symbol) ?? [];
    history.push(`${state}/${reason}`);
    this.history.set(symbol, history);
    if (state !== 'live') this.interruptions.set(reason, (this.interruptions.get(reason) ?? 0) + 1);
  }

  onBook(symbol: string, updateId: number, text: string): void {
    const witness = this.of(symbol);
    const nowMs = performance.now();
    this.books++;
    witness.lastBookAtMs = nowMs;
    if (isCrossedOrEmpty(text)) this.#violate('crossed_book', symbol, `update ${updateId}: ${text.slice(0, 200)}`);
    if (witness.state !== undefined && witness.state !== 'live') {
      this.#violate('book_while_not_live', symbol, `update ${updateId} while ${witness.state}`);
    }
    witness.lastLiveBookAtMs = nowMs;
    const mayRepeat = witness.mayRepeatBook;
    witness.mayRepeatBook = false;
    if (witness.pendingBooks.length > 0 || !this.#truth.of(symbol).books.has(updateId)) {
      witness.pendingBooks.push({ updateId, text, mayRepeat });
    } else this.#compareBook(symbol, witness, updateId, text, mayRepeat);
  }

  onTrade(symbol: string, tradeId: number, text: string): void {
    const witness = this.of(symbol);
    this.trades++;
    const isExcused = witness.isTradeGapExcused;
    witness.isTradeGapExcused = false;
    if (witness.pendingTrades.length > 0 || !this.#truth.of(symbol).trades.has(tradeId)) {
      witness.pendingTrades.push({ tradeId, text, isExcused });
    } else this.#compareTrade(symbol, witness, tradeId, text, isExcused);
  }

  /** More of the truth is known: what waited for it is compared. */
  onTruth(symbol: string): void {
    const witness = this.#symbols.get(symbol);
    if (witness === undefined) return;
    const truth = this.#truth.of(symbol);
    let books = 0;
    for (const { updateId, text, mayRepeat } of witness.pendingBooks) {
      if (!truth.books.has(updateId)) break;
      this.#compareBook(symbol, witness, updateId, text, mayRepeat);
      books++;
    }
    if (books > 0) witness.pendingBooks.splice(0, books);
    let trades = 0;
    for (const { tradeId, text, isExcused } of witness.pendingTrades) {
      if (!truth.trades.has(tradeId)) break;
      this.#compareTrade(symbol, witness, tradeId, text, isExcused);
      trades++;
    }
    if (trades > 0) witness.pendingTrades.splice(0, trades);
  }

  /** All of the truth is known. @returns nothing: what is missing at the end of each symbol's trades is in `missing` now */
  finish(): void {
    for (const [symbol, witness] of this.#symbols) {
      this.onTruth(symbol);
      for (const { updateId } of witness.pendingBooks) this.#violate('unknown_update_id', symbol, `update ${updateId}`);
      for (const { tradeId } of witness.pendingTrades)
        this.#violate('wrong_trade', symbol, `trade ${tradeId} never was`);
      const truth = this.#truth.of(symbol);
      this.#noteMissing(symbol, truth, witness, truth.tradeIds.length, witness.isTradeGapExcused);
    }
  }

  #compareBook(symbol: string, witness: SymbolWitness, updateId: number, text: string, mayRepeat: boolean): void {
    const truth = this.#truth.of(symbol).books.get(updateId)!;
    const verdict = compareBooks(text, truth.text);
    if (verdict === 'shorter') this.shorterBooks++;
    else if (verdict === 'wrong') {
      this.#violate('wrong_book', symbol, `update ${updateId}\n    published ${text}\n    truth     ${truth.text}`);
    }
    const isInOrder = mayRepeat ? truth.ordinal >= witness.lastBookOrdinal : truth.ordinal > witness.lastBookOrdinal;
    if (!isInOrder) {
      this.#violate('book_order', symbol, `update ${updateId} (${truth.ordinal}) after ${witness.lastBookOrdinal}`);
    }
    witness.lastBookOrdinal = truth.ordinal;
  }

  #compareTrade(symbol: string, witness: SymbolWitness, tradeId: number, text: string, isExcused: boolean): void {
    const truth = this.#truth.of(symbol);
    const trade = truth.trades.get(tradeId)!;
    if (trade.text !== text) this.#violate('wrong_trade', symbol, `trade ${tradeId}: ${text}, truth ${trade.text}`);
    if (trade.ordinal === witness.lastTradeOrdinal) this.#violate('doubled_trade', symbol, `trade ${tradeId}`);
    else if (trade.ordinal < witness.lastTradeOrdinal) {
      const after = truth.tradeIds[witness.lastTradeOrdinal];
      this.#violate('trade_order', symbol, `trade ${tradeId} after ${after}`);
    } else {
      if (witness.firstTradeOrdinal === -1) witness.firstTradeOrdinal = trade.ordinal;
      else this.#noteMissing(symbol, truth, witness, trade.ordinal, isExcused);
      witness.lastTradeOrdinal = trade.ordinal;
    }
  }

  #noteMissing(symbol: string, truth: SymbolTruth, witness: SymbolWitness, next: number, isWitnessAway: boolean): void {
    const first = witness.lastTradeOrdinal + 1;
    if (witness.lastTradeOrdinal === -1 || next <= first) return;
    const [fromId, toId] = [truth.tradeIds[first]!, truth.tradeIds[next - 1]!];
    this.missing.push({ symbol, fromId, toId, count: next - first, isWitnessAway });
  }

  #violate(kind: Parameters<Violations['add']>[0], symbol: string, detail: string): void {
    this.#violations.add(kind, `${this.name} ${symbol}: ${detail}`);
  }
}
