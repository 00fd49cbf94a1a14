//! Offsets of layout version 1, no logic. docs/SHM_LAYOUT.md is the specification.

pub const MAGIC: [u8; 8] = *b"MKTDSHM\0";
pub const LAYOUT_VERSION: u32 = 1;

pub const HEADER_BYTES: usize = 512;
pub const FLAG_CHECKSUMS: u32 = 1;
pub const WRITER_STATE: usize = 128;
pub const HEARTBEAT_TIME_NS: usize = 136;
pub const TAIL_INTENT: usize = 256;
pub const TAIL: usize = 384;

pub const DIRECTORY_OFFSET: u64 = 512;
pub const SYMBOL_BYTES: usize = 32;
pub const COUNT_MAX: u32 = 100_000;
/// Sizes and offsets above it are refused before they are added or multiplied.
pub const SIZE_MAX: u64 = 1 << 53;

pub const SLOT_RECORD: usize = 64;

pub const TYPE_PADDING: u32 = 1;
pub const TYPE_BOOK: u32 = 2;
pub const TYPE_TRADE: u32 = 3;
pub const TYPE_STATUS: u32 = 4;

/// Fixed part of a book, and a whole trade.
pub const FIXED_BYTES: usize = 128;
pub const FIXED_WORDS: usize = FIXED_BYTES / 8;
pub const STATUS_BYTES: usize = 64;
pub const LEVEL_BYTES: usize = 16;
/// The checksum's place among a record's 32-bit words.
pub const CHECKSUM_WORD: usize = 11;

pub const SCALE_MAX: u8 = 12;
