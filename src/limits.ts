/**
 * Every capacity and time-out of the program, with the unit last in the name. Relations between them are asserted below, at start-up.
 * What happens when one is reached is said beside it: a queue without a policy is a leak.
 */
export const LIMITS = {
  // --- configuration
  symbols_max: 1000,
  config_file_bytes_max: 1 << 20,

  // --- exchange sockets
  /** A larger frame closes the socket (code 1009). A full 1000-level diff is 50 KB. */
  frame_bytes_max: 4 << 20,
  ws_handshake_timeout_ms: 10_000,
  /** Without any frame or ping for this long, the socket is replaced. */
  socket_silence_ms_max: 60_000,
  /** A connection that was open this long counts as healthy: the next failure starts again from the shortest delay. */
  connection_healthy_after_ms: 10_000,

  // --- book synchronisation
  /** Diffs kept per symbol while its snapshot is awaited; one more throws the oldest away, which ends in another snapshot. */
  buffered_diffs_per_symbol_max: 2048,
  /** Buffered levels of all symbols together; above it the offending symbol starts its buffer anew. */
  buffered_levels_max: 2_000_000,
  /** Levels of one frame; more are rejected as malformed. */
  levels_per_update_max: 20_000,
  /** Levels kept per side of one book; the worst are dropped above it. */
  levels_per_side_max: 100_000,

  // --- REST
  rest_timeout_ms: 10_000,
  rest_body_bytes_max: 32 << 20,
  rest_parallel_max: 8,

  // --- publishing
  published_depth_max: 1000,
  /** Bytes waiting for Redis (kernel aside). Above the first, books conflate to the latest per symbol; above the second, trades drop oldest first. */
  redis_conflate_above_bytes: 1 << 20,
  redis_queue_bytes_max: 16 << 20,
  redis_market_data_ttl_s: 300,

  // --- HTTP
  http_header_bytes_max: 8 << 10,
  http_request_timeout_ms: 5_000,
  http_connections_max: 256,

  // --- process
  shutdown_ms_max: 5_000,
} as const;

function assertLimit(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

assertLimit(
  LIMITS.redis_conflate_above_bytes < LIMITS.redis_queue_bytes_max,
  'books conflate before trades are dropped',
);
assertLimit(LIMITS.levels_per_update_max <= LIMITS.levels_per_side_max, 'one update fits into a book');
assertLimit(LIMITS.published_depth_max <= LIMITS.levels_per_side_max, 'the published depth fits into a book');
