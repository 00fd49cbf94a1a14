/** What a command was for, so that its answer can be counted and its failure be named. */
export const COMMAND_KINDS = ['orderbook', 'market_data', 'set', 'trades', 'status', 'ping', 'select'] as const;
export type CommandKind = (typeof COMMAND_KINDS)[number];

/** Position in {@link COMMAND_KINDS}: a number on the hot path. */
export const KIND = {
  orderbook: 0,
  market_data: 1,
  set: 2,
  trades: 3,
  status: 4,
  ping: 5,
  select: 6,
} as const satisfies Record<CommandKind, number>;

const KIND_BITS = 3;
const KIND_MASK = (1 << KIND_BITS) - 1;

/** The commands that are not answered yet, in order: kind, symbol and size of each in two words. Grows, is never searched. */
export class CommandRing {
  #labels = new Uint32Array(1024);
  #sizes = new Uint32Array(1024);
  #head = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** @param index the instrument's; @param bytes the size of the command */
  push(kind: number, index: number, bytes: number): void {
    if (this.#count === this.#labels.length) this.#grow();
    const at = (this.#head + this.#count) & (this.#labels.length - 1);
    this.#labels[at] = kind | (index << KIND_BITS);
    this.#sizes[at] = bytes;
    this.#count++;
  }

  /** Of the oldest command. */
  get kind(): number {
    return this.#labels[this.#head]! & KIND_MASK;
  }

  get index(): number {
    return this.#labels[this.#head]! >>> KIND_BITS;
  }

  get bytes(): number {
    return this.#sizes[this.#head]!;
  }

  /** Forgets the oldest command. */
  shift(): void {
    this.#head = (this.#head + 1) & (this.#labels.length - 1);
    this.#count--;
  }

  #grow(): void {
    this.#labels = unrolled(this.#labels, this.#head);
    this.#sizes = unrolled(this.#sizes, this.#head);
    this.#head = 0;
  }
}

/** A full ring, oldest first, in an array of twice the size. */
function unrolled(ring: Uint32Array<ArrayBuffer>, head: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(ring.length * 2);
  larger.set(ring.subarray(head));
  larger.set(ring.subarray(0, head), ring.length - head);
  return larger;
}
