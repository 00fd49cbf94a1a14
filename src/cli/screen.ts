import type { WriteStream } from 'node:tty';

const ERASE_BELOW = '\x1b[J';
/** Lines of the terminal that are never used by the table. */
const SPARE_ROWS = 2;

/** A block of lines at the bottom of a terminal that is drawn anew in place; other lines scroll away above it. */
export class Screen {
  readonly #terminal: WriteStream;
  #block: readonly string[] = [];

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  /** How many lines a block may have. A terminal that does not know its size says 0. */
  get rows(): number {
    return Math.max(1, (this.#terminal.rows || 24) - SPARE_ROWS);
  }

  draw(block: readonly string[]): void {
    const width = this.#terminal.columns || 80;
    this.#terminal.write(`${this.#home()}${block.map((line) => `${line.slice(0, width)}\n`).join('')}`);
    this.#block = block;
  }

  /** Lines that end with a line break. */
  print(lines: string): void {
    this.#terminal.write(`${this.#home()}${lines}`);
    const block = this.#block;
    this.#block = [];
    this.draw(block);
  }

  #home(): string {
    return this.#block.length === 0 ? '' : `\x1b[${this.#block.length}A\r${ERASE_BELOW}`;
  }
}
