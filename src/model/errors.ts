/** What a feed does about an error: skip the frame, rebuild one book, replace the socket, or end the process. */
export type Recovery = 'drop' | 'resync' | 'reconnect' | 'fatal';

/** An operating error of a feed that says itself how to recover from it. */
export class FeedError extends Error {
  override readonly name = 'FeedError';
  readonly recovery: Recovery;

  constructor(recovery: Recovery, message: string, options?: ErrorOptions) {
    super(message, options);
    this.recovery = recovery;
  }
}

/** Something the user has to change: printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
