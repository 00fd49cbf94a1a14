/**
 * Shared-memory layout, version 1: the byte map and its offsets, no logic. docs/SHM_LAYOUT.md is the specification.
 * Everything is little-endian. Offsets are bytes; constants that end in `_WORD` of other files are derived from them.
 *
 *   file      0 ┌──────────────────────────────┐
 *               │ header, 512 bytes            │
 *           512 ├──────────────────────────────┤ directory_offset
 *               │ directory, 32 bytes a symbol │
 *               ├──────────────────────────────┤ slots_offset
 *               │ latest slots, slot_stride    │
 *               │ bytes a symbol               │
 *               ├──────────────────────────────┤ ring_offset
 *               │ ring, ring_capacity bytes    │
 *               └──────────────────────────────┘ <= total_bytes
 *
 *   header      0                   8                  16                  24                  32
 *             0 │ magic "MKTDSHM\0" │ version │ flags  │ total_bytes       │ generation        │
 *            32 │ start_time_ns     │ pid     │ symbols│ depth   │ stride  │ first_position    │
 *            64 │ directory_offset  │ slots_offset     │ ring_offset       │ ring_capacity     │
 *            96 │ zero                                                                         │
 *           128 │ state   │ zero    │ heartbeat_ns     │ zero …                                │
 *           256 │ tail_intent       │ zero …                                                   │
 *           384 │ tail              │ zero …                                                   │
 *
 *   slot      0 │ version (odd while it is written) │ zero …
 *            64 │ a book record
 *
 *   record    0 │ length  │ type    │ sequence         │ publish_time_ns   │ receive_time_ns   │
 *            32 │ exchange_time_ns  │ symbol  │ check  │ 8 bytes by type   │ id                │
 *
 *   book     48 │ state, reason, source, 0, price scale, quantity scale, last price scale, 0
 *            56 │ last_update_id
 *            64 │ bids    │ asks    │ last_price       │ volume_24h        │ high_24h          │
 *            96 │ low_24h           │ zero                                                     │
 *           128 │ bids × (price, quantity), then asks × (price, quantity)
 *
 *   trade    48 │ buyer is maker, refill, 0, 0, price scale, quantity scale, 0, 0
 *            56 │ trade_id
 *            64 │ price             │ quantity         │ trade_time_ns     │ zero …
 *
 *   status   48 │ state, reason, 0, 0, 0, 0, 0, 0
 *            56 │ last_update_id
 */

/** "MKTDSHM\0" as two little-endian 32-bit words. */
export const MAGIC_LOW = 0x44544b4d;
export const MAGIC_HIGH = 0x004d4853;
export const LAYOUT_VERSION = 1;

// --- header
export const HEADER_BYTES = 512;
export const HEADER_MAGIC = 0;
export const HEADER_LAYOUT_VERSION = 8;
export const HEADER_FLAGS = 12;
export const HEADER_TOTAL_BYTES = 16;
export const HEADER_GENERATION = 24;
export const HEADER_START_TIME_NS = 32;
export const HEADER_WRITER_PID = 40;
export const HEADER_SYMBOL_COUNT = 44;
export const HEADER_DEPTH_MAX = 48;
export const HEADER_SLOT_STRIDE = 52;
export const HEADER_FIRST_POSITION = 56;
export const HEADER_DIRECTORY_OFFSET = 64;
export const HEADER_SLOTS_OFFSET = 72;
export const HEADER_RING_OFFSET = 80;
export const HEADER_RING_CAPACITY = 88;
export const HEADER_WRITER_STATE = 128;
export const HEADER_HEARTBEAT_TIME_NS = 136;
/** The two positions are 128 bytes apart: processors fetch cache lines in pairs. */
export const HEADER_TAIL_INTENT = 256;
export const HEADER_TAIL = 384;

/** Bit of HEADER_FLAGS: every record carries a checksum. */
export const FLAG_CHECKSUMS = 1;

export const WRITER_RUNNING = 1;
export const WRITER_CLOSED = 2;
export const WRITER_REPLACED = 3;

/** The writer renews its heartbeat this often; silence of HEARTBEAT_TIMEOUT_MS means that it is dead or stopped. */
export const HEARTBEAT_INTERVAL_MS = 100;
export const HEARTBEAT_TIMEOUT_MS = 1000;

// --- directory
export const DIRECTORY_ENTRY_BYTES = 32;
/** At least one NUL byte ends a name. */
export const SYMBOL_BYTES_MAX = 31;

// --- latest slots
export const SLOT_VERSION = 0;
export const SLOT_RECORD = 64;

// --- records
export const RECORD_ALIGNMENT = 64;
export const RECORD_LENGTH = 0;
export const RECORD_TYPE = 4;
export const RECORD_SEQUENCE = 8;
export const RECORD_PUBLISH_TIME_NS = 16;
export const RECORD_RECEIVE_TIME_NS = 24;
export const RECORD_EXCHANGE_TIME_NS = 32;
export const RECORD_SYMBOL_INDEX = 40;
export const RECORD_CHECKSUM = 44;

export const TYPE_PADDING = 1;
export const TYPE_BOOK = 2;
export const TYPE_TRADE = 3;
export const TYPE_STATUS = 4;

export const BOOK_STATE = 48;
export const BOOK_REASON = 49;
export const BOOK_SOURCE = 50;
export const BOOK_PRICE_SCALE = 52;
export const BOOK_QUANTITY_SCALE = 53;
export const BOOK_LAST_PRICE_SCALE = 54;
export const BOOK_LAST_UPDATE_ID = 56;
export const BOOK_BID_COUNT = 64;
export const BOOK_ASK_COUNT = 68;
export const BOOK_LAST_PRICE = 72;
export const BOOK_VOLUME_24H = 80;
export const BOOK_HIGH_24H = 88;
export const BOOK_LOW_24H = 96;
export const BOOK_LEVELS = 128;
/** Price and quantity, a float64 each. */
export const LEVEL_BYTES = 16;

export const SOURCE_DIFF = 0;
export const SOURCE_PARTIAL = 1;

export const TRADE_IS_BUYER_MAKER = 48;
export const TRADE_IS_REFILL = 49;
export const TRADE_PRICE_SCALE = 52;
export const TRADE_QUANTITY_SCALE = 53;
export const TRADE_ID = 56;
export const TRADE_PRICE = 64;
export const TRADE_QUANTITY = 72;
export const TRADE_TIME_NS = 80;
export const TRADE_BYTES = 128;

export const STATUS_STATE = 48;
export const STATUS_REASON = 49;
export const STATUS_LAST_UPDATE_ID = 56;
export const STATUS_BYTES = 64;

/** A ring holds at least this many records of the largest size. */
export const RING_RECORDS_MIN = 8;

// --- checksum: FNV-1a over the record's 32-bit words, the checksum's own left out
export const CHECKSUM_BASIS = 0x811c9dc5;
export const CHECKSUM_PRIME = 0x01000193;
