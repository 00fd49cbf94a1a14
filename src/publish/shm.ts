import { LIMITS } from '../limits.ts';
import type { Clock } from '../model/clock.ts';
import type { BookUpdate, StatusUpdate, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import { HEARTBEAT_INTERVAL_MS } from '../shm/layout.ts';
import { Region } from '../shm/region.ts';
import type { RegionWriter } from '../shm/region-writer.ts';
import type { Publisher } from './publisher.ts';

if (LIMITS.check_interval_ms > HEARTBEAT_INTERVAL_MS)
  throw new Error('limits.ts: ticks are too rare for the heartbeat');

export interface ShmPublisherOptions {
  /** The file's name below /dev/shm. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Levels a side; further ones of a book are left out. */
  readonly depth: number;
  /** In the order of their indexes. */
  readonly instruments: readonly Instrument[];
  readonly clock: Clock;
  /** Permission bits of the file; 0o640 when left out. */
  readonly mode?: number;
  /** Instead of /dev/shm. */
  readonly directory?: string;
}

/**
 * Publishes into shared memory: every record is visible to readers before the call returns, and nothing is allocated per record.
 * The region is there, with every symbol syncing, once the constructor has returned.
 */
export class ShmPublisher implements Publisher {
  readonly name = 'shm';
  readonly #region: Region;
  readonly #writer: RegionWriter;

  /**
   * @throws UsageError when the name or the size cannot be used, or another service writes under this name.
   * @throws ShmError UNAVAILABLE: see `mappingUnavailable` in src/shm/mapping.ts to ask beforehand.
   */
  constructor(options: ShmPublisherOptions) {
    this.#region = Region.create({ ...options, depthMax: options.depth });
    this.#writer = this.#region.writer;
  }

  /** The file's path, for messages. */
  get path(): string {
    return this.#region.path;
  }

  /** Records written since the start. */
  get records(): number {
    return this.#writer.records;
  }

  /** Bytes written to the ring since the start, padding included. */
  get bytes(): number {
    return this.#writer.ring.position;
  }

  onBook(book: BookUpdate): void {
    this.#writer.writeBook(book);
  }

  onTrade(trade: Trade): void {
    this.#writer.writeTrade(trade);
  }

  onStatus(status: StatusUpdate): void {
    this.#writer.writeStatus(status);
  }

  /** Nothing is held back, so there is nothing to do. */
  onEndOfBatch(): void {}

  /** Tells readers that the writer lives. */
  onTick(): void {
    this.#region.beat();
  }

  close(): Promise<void> {
    this.#region.close();
    return Promise.resolve();
  }
}
