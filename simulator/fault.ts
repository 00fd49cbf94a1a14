/** What a fault does. Where it can strike is in {@link PLACES}; what it needs is in {@link Fault}. */
export type FaultKind = keyof typeof PLACES;

/** `frame`: data frames on their way to a client; `connection`: open sockets; `handshake`: new ones; `rest`: requests. */
export type FaultPlace = 'frame' | 'connection' | 'handshake' | 'rest' | 'exchange';

/** Every kind and where it strikes. A kind that has `rest` beside another place strikes there when its route is `rest`. */
export const PLACES = {
  // Frames of a stream.
  drop: ['frame'],
  duplicate: ['frame'],
  /** A frame and the next one of its stream change places. */
  reorder: ['frame'],
  /** `delay_ms` later; frames of one stream keep their order. */
  delay: ['frame', 'rest'],
  /** As `delay`, by a random time up to `delay_ms`. */
  jitter: ['frame', 'rest'],
  /** Cut off at a random byte: never valid JSON. On REST the connection breaks in mid-body. */
  truncate: ['frame', 'rest'],
  /** A character outside of every string is overwritten: never valid JSON. */
  corrupt: ['frame', 'rest'],
  /** Random bytes anywhere: may be undetectable, so not for runs that compare with the truth. */
  corrupt_bytes: ['frame'],
  /** Bytes that are no WebSocket frame: a protocol error for the client. */
  garbage: ['frame'],
  /** A stream says nothing while the others go on. */
  stall: ['frame'],
  /** `bytes_per_second` trickle through. */
  slow_drip: ['frame', 'rest'],

  // Whole connections: at a time, or with a probability at each frame.
  /** Close frame with `code` and `reason`. */
  close: ['connection'],
  /** RST. */
  reset: ['connection', 'rest'],
  /** No data, no pong, no FIN, for good. */
  half_open: ['connection'],
  /** Closes connections older than `age_ms`, as the venue does after 24 h. */
  rotate: ['connection'],
  // New connections.
  /** Handshake answered with `status` (default 503). */
  refuse: ['handshake'],
  /** Handshake answered with 302 to `location`. */
  redirect: ['handshake'],
  /** Handshake never answered. */
  handshake_timeout: ['handshake'],
  /** Accepted and acknowledged, and never any data. */
  mute: ['handshake'],

  // Requests; `path` narrows them ("depth").
  /** Answered with `status` (429, 418, 403, 451, 500 …) and `retry_after_s`. */
  status: ['rest'],
  /** Never answered. */
  timeout: ['rest'],
  /** Snapshots as they were when the fault was set. */
  stale_snapshot: ['rest'],
  /** Snapshots without levels. */
  empty_snapshot: ['rest'],
  /** `bytes` (default 64 MiB) of white space behind the answer. */
  oversized: ['rest'],

  // The exchange itself.
  /** Its clock is off by `offset_ms` while the fault lasts. */
  clock_skew: ['exchange'],
  /** Its clock jumps by `offset_ms` and stays so. */
  clock_jump: ['exchange'],
  /** Down for `duration_ms` (default 500), then up with new books and lower update ids. A recording only pauses. */
  restart: ['exchange'],
  /** Update ids fall and books change while the connections stay. */
  id_reset: ['exchange'],
  /** A new `tick_size` for `symbol`. */
  tick_size: ['exchange'],
  /** `symbol` stops trading, for `duration_ms` or until `relist`. */
  delist: ['exchange'],
  relist: ['exchange'],
} as const satisfies Record<string, readonly FaultPlace[]>;

export type FaultRoute = 'public' | 'market' | 'legacy' | 'rest';

export interface Fault {
  readonly kind: FaultKind;
  /** Default: every WebSocket route, or REST for what strikes only there. */
  readonly route?: FaultRoute;
  /** Upper case. Default: all. */
  readonly symbol?: string;
  /** Exact stream name, or what follows the `@` ("aggTrade", "depth@100ms"). Default: all. */
  readonly stream?: string;
  /** Part of a request's path ("depth", "klines"). Default: all. */
  readonly path?: string;
  /** At each frame, handshake or request. Default 1. */
  readonly probability?: number;
  /** Begins so long after it was set. Default 0. */
  readonly atMs?: number;
  /** Lasts so long. Default: until removed. */
  readonly durationMs?: number;
  /** Comes again every so often. */
  readonly everyMs?: number;
  /** Strikes so many times at most. */
  readonly count?: number;

  readonly code?: number;
  readonly reason?: string;
  readonly status?: number;
  readonly retryAfterS?: number;
  readonly location?: string;
  readonly delayMs?: number;
  readonly bytesPerSecond?: number;
  readonly bytes?: number;
  readonly offsetMs?: number;
  readonly ageMs?: number;
  readonly tickSize?: string;
}

/** Where a given fault strikes. */
export function placeOf(fault: Fault): FaultPlace {
  const places: readonly FaultPlace[] = PLACES[fault.kind];
  if (fault.route === 'rest') return 'rest';
  // With a probability, a connection is struck at one of its frames instead of at a set time.
  if (places[0] === 'connection' && fault.probability !== undefined) return 'frame';
  return places[0]!;
}
