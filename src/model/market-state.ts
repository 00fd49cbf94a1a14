/**
 * - `syncing`: no book yet; a snapshot is awaited.
 * - `live`: built from a snapshot and an unbroken chain of updates. Only live books are published.
 * - `stale`: the chain may be intact, but its stream is silent or its connection is down.
 * - `resyncing`: the chain broke (gap, fault, audit); a new snapshot is awaited.
 *
 * The position in the list is the code in shared memory (docs/SHM_LAYOUT.md): new ones only ever come at the end.
 */
export const MARKET_STATES = ['syncing', 'live', 'stale', 'resyncing'] as const;
export type MarketState = (typeof MARKET_STATES)[number];

/** Why a market's state changed, as published on `status:` and counted in metrics. Positions are codes, as above. */
export const STATE_REASONS = [
  'start',
  'snapshot_bridged',
  'chain_continued',
  'partial_depth',
  'depth_mode',
  'gap',
  'crossed_book',
  'empty_book',
  'audit_mismatch',
  'horizon',
  'scale_change',
  'buffer_overflow',
  'disconnected',
  'silent_stream',
  'not_trading',
  'update_ids_reset',
  'shutdown',
] as const;
export type StateReason = (typeof STATE_REASONS)[number];
