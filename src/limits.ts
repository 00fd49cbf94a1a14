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
  /** The server's answer, without the frames behind it. */
  ws_handshake_bytes_max: 16 << 10,
  /** A server that does not end the connection after the closing frames is cut off. */
  ws_close_timeout_ms: 2_000,
  /** Above this, pings are not answered: the server does not read. */
  ws_unsent_bytes_max: 64 << 10,
  /** One read of a socket. */
  ws_read_bytes: 64 << 10,
  /**
   * After this much of one socket, the event loop has a turn before more of it is read: libuv would read 2 MB in one go, and neither the
   * answers of Redis nor the other route's frames would be seen meanwhile.
   */
  read_bytes_per_turn_max: 128 << 10,
  /** Without any frame or ping for this long, the socket is replaced. */
  socket_silence_ms_max: 60_000,
  /** A connection that was open this long counts as healthy: the next failure starts again from the shortest delay. */
  connection_healthy_after_ms: 10_000,

  // --- rotation: the replacement socket is opened before the old one is closed
  /** Both deliver for this long, so that nothing in flight on the old one is lost. */
  rotation_overlap_ms: 1_000,
  /** A successor that has not delivered by then is given up. */
  rotation_timeout_ms: 15_000,
  rotation_retry_ms: 30_000,

  // --- liveness: a stream is silent after five times its second longest gap, within these bounds
  depth_silence_floor_ms: 2_000,
  depth_silence_ceiling_ms: 60_000,
  trade_silence_floor_ms: 15_000,
  trade_silence_ceiling_ms: 600_000,
  /** All streams of a route together: many of them are never silent for long at the same time. */
  route_silence_floor_ms: 3_000,
  route_silence_ceiling_ms: 60_000,
  /** A socket whose every stream is silent is replaced; one with a single silent stream at most this often. */
  silent_stream_replace_interval_ms: 30_000,
  silent_socket_replace_interval_ms: 5_000,
  /** With `audit`, every book is compared with a fresh snapshot once in this time. */
  audit_interval_ms: 300_000,
  /** After a second socket has opened beside one, best bids and offers are not relied on: it may run ahead of what the first has yet to bring. */
  audit_settle_ms: 2_000,

  // --- overlap of sockets: how long an update that is ahead waits for the ones before it
  gap_hold_ms: 500,
  gap_hold_updates_max: 256,

  // --- trades
  /** Trades held back while a gap before them is refilled from REST; above it the gap is given up and reported as lost. */
  held_trades_max: 10_000,
  trade_refill_ms_max: 5_000,
  /**
   * A gap within the calm time of the one before waits before its trades are asked for, doubling from the first delay to the last, with full
   * jitter: one page costs 20 of the minute's 2400 and fills every gap that it covers, so that a stream which loses every fourth trade
   * must not ask for one page a gap.
   */
  trade_refill_calm_ms: 10_000,
  trade_refill_pace_ms: 50,
  trade_refill_pace_ms_max: 1_000,
  /** Trade ids this far below the last one are an exchange that started anew. */
  trade_id_restart_distance: 100_000,
  /** A larger gap is reported as lost without asking. */
  trade_refill_gap_max: 20_000,

  // --- book synchronisation
  /** How long a symbol waits for its first diff before it asks for a snapshot all the same. */
  first_snapshot_delay_ms: 500,
  /** A live book is compared with, and deepened by, a fresh snapshot at most this often. */
  refresh_interval_ms: 1_000,
  /**
   * A symbol that breaks again within the calm time waits before the next snapshot, doubling from the first delay to the last, with full
   * jitter: a stream that corrupts every tenth frame must not spend the minute's request weight in a second.
   */
  resync_calm_ms: 10_000,
  resync_pace_ms: 25,
  resync_pace_ms_max: 1_000,
  /** After a snapshot that could not be had or did not fit. */
  resync_delay_ms: 100,
  resync_delay_ms_max: 1_500,
  /** Diffs kept per symbol while its snapshot is awaited; one more throws the oldest away, which ends in another snapshot. */
  buffered_diffs_per_symbol_max: 2048,
  /** Buffered levels of all symbols together; above it the offending symbol starts its buffer anew. */
  buffered_levels_max: 2_000_000,
  /** Levels of one frame; more are rejected as malformed. */
  levels_per_update_max: 20_000,
  /** Levels kept per side of one book; the worst are dropped above it. */
  levels_per_side_max: 100_000,

  // --- overload: the event loop has no idle time and input grows old
  overload_enter_utilization: 0.95,
  overload_enter_age_ms: 20,
  overload_enter_checks: 3,
  overload_exit_utilization: 0.7,
  overload_exit_age_ms: 5,
  overload_age_window_ms: 2_000,
  overload_pace_max: 1.2,
  /** A check that comes this late means that the process itself stood still. */
  own_pause_ms: 1_000,
  /**
   * How often liveness, rotation and holds are looked at, heartbeats written and connections asked for a sign of life: one timer for all, because
   * each time it wakes an idle process costs more than what is done then.
   */
  check_interval_ms: 100,
  /** While frames come, overload is looked at this often. */
  overload_check_interval_ms: 40,

  // --- REST
  /** Refusals (HTTP 403) in a row before the feed falls back to partial depth; 451 counts in full. */
  rest_refusals_max: 2,
  /** How often a feed in partial-depth mode asks whether REST is allowed again. */
  rest_recheck_ms: 60_000,
  instruments_retry_ms: 1_000,
  instruments_retry_ms_max: 60_000,
  /** Statistics are seeded again this long after the minute that could not be split has ended. */
  statistics_repair_delay_ms: 5_000,
  rest_timeout_ms: 10_000,
  rest_body_bytes_max: 32 << 20,
  rest_parallel_max: 8,

  // --- publishing
  published_depth_max: 1000,
  /**
   * Bytes that Redis has not answered yet, the kernel's buffers included. Above the first, books conflate to the latest per symbol
   * and trades queue; the queue drops its oldest trade above the second. One turn of the event loop can publish 2 MB.
   */
  redis_conflate_above_bytes: 4 << 20,
  redis_queue_bytes_max: 16 << 20,
  redis_market_data_ttl_s: 300,
  /** One write to the socket; a larger batch becomes several. Twice this is a buffer, which has to hold the deepest book. */
  redis_write_bytes: 128 << 10,
  /** Of a backlog, this much is written per turn of the event loop, so that new frames are not kept waiting. */
  redis_drain_bytes: 256 << 10,
  redis_connect_timeout_ms: 5_000,
  /** Longest pause between attempts: what is current is published within a second of Redis coming back. */
  redis_reconnect_delay_ms_max: 500,
  /** After a refused password or user. */
  redis_refused_delay_ms: 2_000,
  /** How often a quiet connection is asked for a sign of life while it is not ready; once it is, a second is waited for. */
  redis_keep_alive_interval_ms: 200,
  /** Without an answer for this long, Redis counts as not connected. */
  redis_unresponsive_after_ms: 2_000,
  /** The instance lease: kept alive this long, refreshed three times as often. */
  redis_lease_ms: 15_000,

  // --- HTTP
  http_header_bytes_max: 8 << 10,
  http_request_timeout_ms: 5_000,
  http_connections_max: 256,
  http_keep_alive_ms: 5_000,

  // --- process
  /** Log lines that their reader does not take; further ones are dropped. */
  log_queue_bytes_max: 1 << 20,
  shutdown_ms_max: 5_000,
} as const;

function assertLimit(holds: boolean, relation: string): void {
  if (!holds) throw new Error(`limits.ts: ${relation} does not hold`);
}

assertLimit(
  LIMITS.redis_conflate_above_bytes < LIMITS.redis_queue_bytes_max,
  'books conflate before trades are dropped',
);
assertLimit(LIMITS.trade_refill_pace_ms_max < LIMITS.trade_refill_ms_max, 'a gap is asked for before it is given up');
assertLimit(LIMITS.levels_per_update_max <= LIMITS.levels_per_side_max, 'one update fits into a book');
assertLimit(LIMITS.rotation_overlap_ms < LIMITS.rotation_timeout_ms, 'a successor has time to overlap');
assertLimit(
  LIMITS.depth_silence_ceiling_ms <= LIMITS.socket_silence_ms_max,
  'a silent stream is noticed before its socket',
);
assertLimit(LIMITS.redis_keep_alive_interval_ms % LIMITS.check_interval_ms === 0, 'a whole number of ticks');
assertLimit(LIMITS.published_depth_max <= LIMITS.levels_per_side_max, 'the published depth fits into a book');
