import type { BookUpdate, StatusUpdate, Trade } from '../model/events.ts';

/**
 * The contract of a sink. Calls are synchronous and must not block or throw; an implementation that cannot keep up conflates
 * books, queues trades up to a limit and counts what it drops. Arguments are reused by the caller: copy what is kept.
 */
export interface Publisher {
  /** Short name for metrics, e.g. "redis" or "shm". */
  readonly name: string;
  /** A live book changed. */
  onBook(book: BookUpdate): void;
  onTrade(trade: Trade): void;
  onStatus(status: StatusUpdate): void;
  /** All frames that had arrived have been handled: do the I/O now, once. */
  onEndOfBatch(): void;
  /** Called every `check_interval_ms` from the start to the end of the service, whatever is published: signs of life, time-outs. */
  onTick(): void;
  /** Hands out everything accepted so far, then releases resources. Resolves also when that failed. */
  close(): Promise<void>;
}
