export interface LostTrades {
  readonly symbol: string;
  readonly fromId: number;
  readonly toId: number;
}

/** What the service says about itself, line by line. */
export class ServiceLog {
  httpUrl = '';
  lines = 0;
  lastLine = '';
  readonly lostTrades: LostTrades[] = [];
  /** state/reason of every change of a book's state, per symbol. */
  readonly states = new Map<string, string[]>();
  /** Lines by message. */
  readonly messages = new Map<string, number>();
  /** Lines that are no JSON, and warnings or worse, the latest last. */
  readonly recent: string[] = [];
  onEntry: (entry: Readonly<Record<string, unknown>>) => void = () => {};

  onLine(line: string): void {
    this.lines++;
    this.lastLine = line;
    let entry: Record<string, unknown>;
    try {
      entry = JSON.parse(line);
    } catch {
      this.#keep(line);
      return;
    }
    const message = String(entry.msg);
    this.messages.set(message, (this.messages.get(message) ?? 0) + 1);
    if (entry.level !== 'info' && entry.level !== 'debug') this.#keep(line);
    if (message === 'HTTP listening') this.httpUrl = String(entry.url);
    else if (message === 'trades lost') {
      const { symbol, from_id, to_id } = entry;
      this.lostTrades.push({ symbol: String(symbol), fromId: Number(from_id), toId: Number(to_id) });
    } else if (message === 'book state changed') {
      const states = this.states.get(String(entry.symbol)) ?? [];
      states.push(`${entry.state}/${entry.reason}`);
      this.states.set(String(entry.symbol), states);
    }
    this.onEntry(entry);
  }

  #keep(line: string): void {
    this.recent.push(line);
    if (this.recent.length > 200) this.recent.shift();
  }
}
