import { setTimeout as sleep } from 'node:timers/promises';
import { open, type ShmReader } from '../../clients/typescript/index.ts';
import { parseFlags } from '../config/flags.ts';
import { UsageError } from '../model/errors.ts';
import { ShmError } from '../shm/errors.ts';
import type { BookEvent } from '../shm/events.ts';
import { type Ladder, ladderLines, ladderSummary } from './ladder.ts';
import { Screen } from './screen.ts';

const FRAMES_PER_SECOND = 10;
const DEFAULT_DEPTH = 10;

export function help(): string {
  return `market-data watch: one symbol's order book in the terminal, from shared memory

It is a plain reader of the service's shared memory on this machine: it needs no Redis and costs the service nothing.

  market-data watch SYMBOL --shm[=NAME]   NAME is the service's shm_name, default market_data_shm
  --depth N                               levels a side, default ${DEFAULT_DEPTH}
  --once                                  print the book once and end

Keys: Ctrl-C ends it. Without a terminal one line is printed per change and second.

Examples
  market-data watch BTCUSDT --shm
  market-data watch ETHUSDT --shm=market_data_shm --depth 5 --once
`;
}

export async function execute(argv: readonly string[]): Promise<number> {
  const { symbol, name, depth, isOnce } = parseArguments(argv);
  const view = new ShmView(open(name), symbol, depth);
  if (isOnce) {
    process.stdout.write(`${ladderLines(view.look()).join('\n')}\n`);
    return 0;
  }
  let isEnded = false;
  process.once('SIGINT', () => {
    isEnded = true;
  });
  const screen = process.stdout.isTTY ? new Screen(process.stdout) : undefined;
  while (!isEnded) {
    const ladder = view.look();
    if (screen === undefined) process.stdout.write(`${ladderSummary(ladder)}\n`);
    else screen.draw(ladderLines(ladder));
    await sleep(screen === undefined ? 1000 : 1000 / FRAMES_PER_SECOND);
  }
  return 0;
}

/** Follows the ring for rates and trades, and takes the book itself from the symbol's latest slot. */
class ShmView {
  readonly #reader: ShmReader;
  readonly #symbol: string;
  readonly #depth: number;
  #lastTrade = '';
  #updates = 0;
  #lookedMs = performance.now();
  #lostBytes = 0;

  constructor(reader: ShmReader, symbol: string, depth: number) {
    this.#reader = reader;
    this.#symbol = symbol;
    this.#depth = depth;
    reader.latest(symbol);
  }

  look(): Ladder {
    if (this.#reader.writerState() !== 'live') this.#reopen();
    this.#drain();
    const nowMs = performance.now();
    const updatesPerSecond = (this.#updates * 1000) / Math.max(1, nowMs - this.#lookedMs);
    this.#updates = 0;
    this.#lookedMs = nowMs;
    return {
      book: this.#book(),
      depth: this.#depth,
      updatesPerSecond,
      lastTrade: this.#lastTrade,
      writer: this.#reader.writerState(),
      lostBytes: this.#lostBytes,
      nowMs: Date.now(),
    };
  }

  #drain(): void {
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      if (event.kind === 'lost') this.#lostBytes += event.bytes;
      else if (event.symbol !== this.#symbol) continue;
      else if (event.kind === 'book') this.#updates += 1;
      else if (event.kind === 'trade') {
        this.#lastTrade = `${event.isBuyerMaker ? 'sell' : 'buy'} ${event.quantity} @ ${event.price}`;
      }
    }
  }

  #book(): BookEvent {
    return this.#reader.latest(this.#symbol);
  }

  /** A restarted service has put a new region under the name; until then the last book stays on the screen, marked. */
  #reopen(): void {
    try {
      this.#reader.reopenIfReplaced();
    } catch (error) {
      if (!(error instanceof ShmError)) throw error;
    }
  }
}

function parseArguments(argv: readonly string[]) {
  const { values, positionals } = parseFlags(withShmName(argv), [
    { name: 'shm', isSwitch: false },
    { name: 'depth', isSwitch: false },
    { name: 'once', isSwitch: true },
  ]);
  const [symbol, ...others] = positionals;
  if (symbol === undefined || others.length > 0) throw new UsageError('watch: one symbol is wanted, such as BTCUSDT');
  const name = values.get('shm');
  if (name === undefined) throw new UsageError('watch: --shm says where to read from, see --help');
  const depth = Number(values.get('depth') ?? DEFAULT_DEPTH);
  if (!Number.isInteger(depth) || depth < 1 || depth > 1000) throw new UsageError('--depth: allowed: 1 to 1000');
  return { symbol: symbol.toUpperCase(), name, depth, isOnce: values.get('once') === 'true' };
}

/** `--shm` may stand alone and then means the default name. */
function withShmName(argv: readonly string[]): string[] {
  return argv.map((argument) => (argument === '--shm' ? '--shm=market_data_shm' : argument));
}
