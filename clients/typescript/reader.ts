import { join } from 'node:path';
import { ShmError } from '../../src/shm/errors.ts';
import type { BookEvent, ShmEvent } from '../../src/shm/events.ts';
import type { RegionHeader } from '../../src/shm/header.ts';
import { LatestReader } from '../../src/shm/latest-reader.ts';
import { isReplaced, type OpenRegion, openRegion } from '../../src/shm/open-region.ts';
import { RecordReader } from '../../src/shm/record-reader.ts';
import { RingReader } from '../../src/shm/ring-reader.ts';
import { type WriterState, WriterWatch } from '../../src/shm/writer-watch.ts';

export interface OpenOptions {
  /** Where the region's file is; /dev/shm when left out. */
  readonly directory?: string;
  /** Check every record's checksum where the writer adds them (it does not in service). */
  readonly verify?: boolean;
}

const DIRECTORY = '/dev/shm';
const SLEEP_POLL_MS = 0.1;
/** The clock is looked at once in so many spins. */
const SPINS_PER_LOOK = 64;
const SYMBOLS_SHOWN_MAX = 8;

/**
 * Opens the region of a running (or past) service; events start with what is written from now on.
 * @param name the service's `shm_name`.
 * @throws ShmError with a stable `code`; docs/SHM_LAYOUT.md section 9.
 */
export function open(name = 'market_data_shm', options: OpenOptions = {}): ShmReader {
  return new ShmReader(join(options.directory ?? DIRECTORY, name), options);
}

/** A reader of one region. Not for sharing between threads: each opens its own. Unmapped once it is no longer referred to. */
export class ShmReader {
  readonly path: string;
  readonly #options: OpenOptions;
  readonly #sleepCell = new Int32Array(new SharedArrayBuffer(4));
  #region!: OpenRegion;
  #ring!: RingReader;
  #latest!: LatestReader;
  #watch!: WriterWatch;
  #indexes!: Map<string, number>;

  /** Use {@link open}. */
  constructor(path: string, options: OpenOptions) {
    this.path = path;
    this.#options = options;
    this.#attach(openRegion(path));
  }

  get header(): RegionHeader {
    return this.#region.header;
  }

  /** By symbol index. */
  get symbols(): readonly string[] {
    return this.#region.symbols;
  }

  /** Bytes of events read, and bytes lost, since this region was opened. Their sum is how far the reader has come. */
  get bytesRead(): number {
    return this.#ring.bytesRead;
  }

  get bytesLost(): number {
    return this.#ring.bytesLost;
  }

  /**
   * A symbol's present: book, statistics and state. The object is overwritten by the next call: `copy()` what is kept.
   * @throws ShmError UNKNOWN_SYMBOL, SLOT_UNFINISHED or CORRUPT
   */
  latest(symbol: string): BookEvent {
    const index = this.#indexes.get(symbol);
    if (index === undefined) throw this.#unknownSymbol(symbol);
    return this.#latest.read(index);
  }

  /**
   * The next event, or undefined when there is nothing new. `{kind: 'lost', bytes}` when this reader was too slow: read
   * `latest` again then. Objects are overwritten by the next call.
   * @throws ShmError CORRUPT
   */
  next(): ShmEvent | undefined {
    return this.#ring.next();
  }

  /** Position of the next event: a count of bytes. */
  get cursor(): number {
    return this.#ring.cursor;
  }

  /** Goes on at a position that `cursor` returned earlier for the same region. */
  seek(position: number): void {
    this.#ring.seek(position);
  }

  /**
   * Waits without giving up the processor until there is a next event: the lowest latency, at the price of a core.
   * @returns false when the time was up. @param timeoutMs 0: look once.
   */
  waitSpin(timeoutMs: number): boolean {
    let spins = 0;
    let endMs = 0;
    while (!this.#ring.hasNext()) {
      if (++spins % SPINS_PER_LOOK !== 0) continue;
      const now = performance.now();
      endMs ||= now + timeoutMs;
      if (now >= endMs) return false;
    }
    return true;
  }

  /**
   * Waits by sleeping between looks (0.1 ms unless told otherwise) until there is a next event. Blocks this thread; see
   * `stream` for a loop that does not.
   * @returns false when the time was up.
   */
  waitSleep(timeoutMs: number, pollMs = SLEEP_POLL_MS): boolean {
    const endMs = performance.now() + timeoutMs;
    while (!this.#ring.hasNext()) {
      if (performance.now() >= endMs) return false;
      Atomics.wait(this.#sleepCell, 0, 0, pollMs);
    }
    return true;
  }

  /** Whether the writer lives. Cheap, but needs no more than ten looks a second. */
  writerState(): WriterState {
    return this.#watch.state();
  }

  /**
   * Attaches to the region that a new writer has put under the name, if one has: look again at `symbols` and `latest` then.
   * Events of the old region that were not read yet are left behind.
   * @returns true when there was a new one. @throws ShmError when it cannot be read.
   */
  reopenIfReplaced(): boolean {
    if (!isReplaced(this.#region)) return false;
    this.#attach(openRegion(this.path));
    // From its first record on: what the new writer wrote before it was noticed is read, or counted as lost.
    this.#ring.seek(this.header.firstPosition);
    return true;
  }

  #attach(region: OpenRegion): void {
    const { buffer, header, symbols } = region;
    const records = new RecordReader(buffer, symbols, header.depthMax);
    const options = { verify: this.#options.verify === true };
    this.#region = region;
    this.#ring = new RingReader(buffer, header, records, options);
    this.#latest = new LatestReader(buffer, header, records, options);
    this.#watch = new WriterWatch(buffer);
    this.#indexes = new Map(symbols.map((symbol, index) => [symbol, index]));
  }

  #unknownSymbol(symbol: string): ShmError {
    const shown = this.symbols.slice(0, SYMBOLS_SHOWN_MAX).join(', ');
    const more = this.symbols.length > SYMBOLS_SHOWN_MAX ? ` and ${this.symbols.length - SYMBOLS_SHOWN_MAX} more` : '';
    return new ShmError('UNKNOWN_SYMBOL', `${symbol} is not published in ${this.path}: it has ${shown}${more}`);
  }
}
