//! Records and how they are taken out of memory that another process may be overwriting.

use std::fmt;

use crate::error::Error;
use crate::header::Header;
use crate::layout::{
    CHECKSUM_WORD, FIXED_BYTES, FIXED_WORDS, LEVEL_BYTES, SCALE_MAX, STATUS_BYTES, TYPE_BOOK, TYPE_PADDING,
    TYPE_STATUS, TYPE_TRADE,
};
use crate::mapping::Mapping;

/// One price level: whole numbers (mantissas) at the book's scales.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// At the book's `price_scale`.
    pub price: f64,
    /// At the book's `quantity_scale`.
    pub quantity: f64,
}

/// mantissa / 10^scale: the double nearest to the decimal, equal to what parsing the exchange's text gives.
pub fn value(mantissa: f64, scale: u8) -> f64 {
    const POWERS: [f64; SCALE_MAX as usize + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
    mantissa / POWERS[usize::from(scale.min(SCALE_MAX))]
}

/// State of a symbol's book: [`State::LIVE`] and so on; other codes may come in the future.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct State(pub u8);

impl State {
    /// No book yet; a snapshot is awaited.
    pub const SYNCING: State = State(0);
    /// Built from a snapshot and an unbroken chain of updates.
    pub const LIVE: State = State(1);
    /// Its stream is silent or its connection is down.
    pub const STALE: State = State(2);
    /// The chain broke; a new snapshot is awaited.
    pub const RESYNCING: State = State(3);
}

/// Why a symbol's state changed. Shown by name; codes may be appended in the future.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reason(pub u8);

const STATES: [&str; 4] = ["syncing", "live", "stale", "resyncing"];
const REASONS: [&str; 17] = [
    "start",
    "snapshot_bridged",
    "chain_continued",
    "partial_depth",
    "depth_mode",
    "gap",
    "crossed_book",
    "empty_book",
    "audit_mismatch",
    "horizon",
    "scale_change",
    "buffer_overflow",
    "disconnected",
    "silent_stream",
    "not_trading",
    "update_ids_reset",
    "shutdown",
];

fn write_code(formatter: &mut fmt::Formatter<'_>, names: &[&str], code: u8) -> fmt::Result {
    match names.get(usize::from(code)) {
        Some(name) => formatter.write_str(name),
        None => write!(formatter, "unknown({code})"),
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_code(formatter, &STATES, self.0)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_code(formatter, &REASONS, self.0)
    }
}

/// The whole top of a book after one update. Times are ns since the Unix epoch, 0 when absent.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Book {
    /// Of the record: 1 for the region's first, one more with each. 0 in a slot before the first.
    pub sequence: i64,
    /// When the writer wrote it.
    pub publish_time_ns: i64,
    /// When the frame behind it was read from the exchange's socket.
    pub receive_time_ns: i64,
    /// The exchange's event time.
    pub exchange_time_ns: i64,
    /// Position in the directory.
    pub symbol_index: u32,
    /// Always live in the ring. A slot that is not live has no levels.
    pub state: State,
    /// Why it is in that state.
    pub reason: Reason,
    /// 0: diffs on a snapshot; 1: the exchange's own partial-depth frames.
    pub source: u8,
    /// Decimal places of level prices, `high_24h` and `low_24h`.
    pub price_scale: u8,
    /// Decimal places of level quantities and `volume_24h`.
    pub quantity_scale: u8,
    /// Decimal places of `last_price`.
    pub last_price_scale: u8,
    /// The exchange's update id; -1 when there was none yet.
    pub last_update_id: i64,
    /// Mantissa, NaN while unknown.
    pub last_price: f64,
    /// Mantissa, NaN while unknown.
    pub volume_24h: f64,
    /// Mantissa, NaN while unknown.
    pub high_24h: f64,
    /// Mantissa, NaN while unknown.
    pub low_24h: f64,
    /// Best (highest) first.
    pub bids: Vec<Level>,
    /// Best (lowest) first.
    pub asks: Vec<Level>,
}

impl Book {
    /// The value of a level's price, of `high_24h` or of `low_24h`.
    pub fn price(&self, mantissa: f64) -> f64 {
        value(mantissa, self.price_scale)
    }

    /// The value of a level's quantity or of `volume_24h`.
    pub fn quantity(&self, mantissa: f64) -> f64 {
        value(mantissa, self.quantity_scale)
    }

    /// The value of `last_price`.
    pub fn last_price_value(&self) -> f64 {
        value(self.last_price, self.last_price_scale)
    }

    fn fill(&mut self, raw: &Raw) {
        self.sequence = raw.i64(8);
        self.publish_time_ns = raw.i64(16);
        self.receive_time_ns = raw.i64(24);
        self.exchange_time_ns = raw.i64(32);
        self.symbol_index = raw.u32(40);
        self.state = State(raw.u8(48));
        self.reason = Reason(raw.u8(49));
        self.source = raw.u8(50);
        self.price_scale = raw.u8(52);
        self.quantity_scale = raw.u8(53);
        self.last_price_scale = raw.u8(54);
        self.last_update_id = raw.i64(56);
        self.last_price = raw.f64(72);
        self.volume_24h = raw.f64(80);
        self.high_24h = raw.f64(88);
        self.low_24h = raw.f64(96);
    }
}

/// A trade.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trade {
    /// As in [`Book`].
    pub sequence: i64,
    /// As in [`Book`].
    pub publish_time_ns: i64,
    /// As in [`Book`].
    pub receive_time_ns: i64,
    /// As in [`Book`].
    pub exchange_time_ns: i64,
    /// Position in the directory.
    pub symbol_index: u32,
    /// True: the trade was a sell order hitting a bid.
    pub is_buyer_maker: bool,
    /// True: it came late, to fill a gap.
    pub is_refill: bool,
    /// Decimal places of `price`.
    pub price_scale: u8,
    /// Decimal places of `quantity`.
    pub quantity_scale: u8,
    /// The exchange's.
    pub trade_id: i64,
    /// Mantissa.
    pub price: f64,
    /// Mantissa.
    pub quantity: f64,
    /// The exchange's trade time.
    pub trade_time_ns: i64,
}

impl Trade {
    /// The price as a number.
    pub fn price_value(&self) -> f64 {
        value(self.price, self.price_scale)
    }

    /// The quantity as a number.
    pub fn quantity_value(&self) -> f64 {
        value(self.quantity, self.quantity_scale)
    }

    pub(crate) fn decode(raw: &Raw) -> Trade {
        Trade {
            sequence: raw.i64(8),
            publish_time_ns: raw.i64(16),
            receive_time_ns: raw.i64(24),
            exchange_time_ns: raw.i64(32),
            symbol_index: raw.u32(40),
            is_buyer_maker: raw.u8(48) != 0,
            is_refill: raw.u8(49) != 0,
            price_scale: raw.u8(52),
            quantity_scale: raw.u8(53),
            trade_id: raw.i64(56),
            price: raw.f64(64),
            quantity: raw.f64(72),
            trade_time_ns: raw.i64(80),
        }
    }
}

/// A change of a symbol's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// As in [`Book`].
    pub sequence: i64,
    /// As in [`Book`].
    pub publish_time_ns: i64,
    /// When it happened.
    pub receive_time_ns: i64,
    /// 0.
    pub exchange_time_ns: i64,
    /// Position in the directory.
    pub symbol_index: u32,
    /// The new state.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Of the last applied update; -1 when there was none.
    pub last_update_id: i64,
}

impl Status {
    pub(crate) fn decode(raw: &Raw) -> Status {
        Status {
            sequence: raw.i64(8),
            publish_time_ns: raw.i64(16),
            receive_time_ns: raw.i64(24),
            exchange_time_ns: raw.i64(32),
            symbol_index: raw.u32(40),
            state: State(raw.u8(48)),
            reason: Reason(raw.u8(49)),
            last_update_id: raw.i64(56),
        }
    }
}

/// A record's fixed part, copied while it may change, and what was noticed on the way. Not to be believed before the
/// caller's check that the copy is whole.
pub struct Raw {
    words: [u64; FIXED_WORDS],
    pub length: u32,
    pub record_type: u32,
    impossible: bool,
    checksum_wrong: bool,
}

impl Raw {
    /// Copies the record at `offset`, which reaches at most `room` bytes, its levels into `book`. Whatever the bytes are,
    /// nothing outside of the room is touched and no more than `depth_max` levels a side are taken.
    pub fn copy(mapping: &Mapping, offset: usize, room: u64, header: &Header, verify: bool, book: &mut Book) -> Raw {
        let first = mapping.word(offset);
        let (length, record_type) = (first as u32, (first >> 32) as u32);
        let mut raw = Raw { words: [0; FIXED_WORDS], length, record_type, impossible: false, checksum_wrong: false };
        raw.impossible = length == 0 || length % 64 != 0 || u64::from(length) > room;
        if raw.impossible || record_type == TYPE_PADDING {
            return raw;
        }
        let needed = if record_type == TYPE_BOOK || record_type == TYPE_TRADE { FIXED_BYTES } else { STATUS_BYTES };
        if (length as usize) < needed {
            raw.impossible = true;
            return raw;
        }
        if verify && header.has_checksums() {
            raw.checksum_wrong = checksum_is_wrong(mapping, offset, length as usize);
        }
        mapping.copy_words(offset, &mut raw.words[..needed / 8]);
        if record_type == TYPE_BOOK {
            raw.copy_book(mapping, offset, header.depth_max, book);
        }
        raw
    }

    fn copy_book(&mut self, mapping: &Mapping, offset: usize, depth_max: u32, book: &mut Book) {
        let (bids, asks) = (self.u32(64), self.u32(68));
        let levels_max = (self.length as usize - FIXED_BYTES) / LEVEL_BYTES;
        self.impossible = bids > depth_max || asks > depth_max || bids as usize + asks as usize > levels_max;
        if self.impossible {
            return;
        }
        let bids_offset = offset + FIXED_BYTES;
        copy_levels(mapping, bids_offset, bids as usize, &mut book.bids);
        copy_levels(mapping, bids_offset + bids as usize * LEVEL_BYTES, asks as usize, &mut book.asks);
        book.fill(self);
    }

    /// What a stable record must be.
    pub fn check(&self, header: &Header) -> Result<(), Error> {
        if self.impossible {
            return Err(Error::corrupt("a record's length or counts are impossible"));
        }
        if self.checksum_wrong {
            return Err(Error::corrupt("a record's checksum is wrong"));
        }
        if !(TYPE_BOOK..=TYPE_STATUS).contains(&self.record_type) {
            return Ok(());
        }
        if self.symbol_index() >= header.symbol_count {
            return Err(Error::corrupt("a record's symbol_index is not in the directory"));
        }
        let scales: &[usize] = match self.record_type {
            TYPE_BOOK => &[52, 53, 54],
            TYPE_TRADE => &[52, 53],
            _ => &[],
        };
        if scales.iter().any(|&offset| self.u8(offset) > SCALE_MAX) {
            return Err(Error::corrupt("a record's scale is above 12"));
        }
        Ok(())
    }

    pub fn symbol_index(&self) -> u32 {
        self.u32(40)
    }

    fn i64(&self, offset: usize) -> i64 {
        self.words[offset / 8] as i64
    }

    fn f64(&self, offset: usize) -> f64 {
        f64::from_bits(self.words[offset / 8])
    }

    fn u32(&self, offset: usize) -> u32 {
        (self.words[offset / 8] >> (offset % 8 * 8)) as u32
    }

    fn u8(&self, offset: usize) -> u8 {
        (self.words[offset / 8] >> (offset % 8 * 8)) as u8
    }
}

fn copy_levels(mapping: &Mapping, offset: usize, count: usize, levels: &mut Vec<Level>) {
    levels.clear();
    levels.extend((0..count).map(|i| Level {
        price: f64::from_bits(mapping.word(offset + i * LEVEL_BYTES)),
        quantity: f64::from_bits(mapping.word(offset + i * LEVEL_BYTES + 8)),
    }));
}

/// FNV-1a over the record's 32-bit words, the checksum's own left out.
fn checksum_is_wrong(mapping: &Mapping, offset: usize, length: usize) -> bool {
    let (mut hash, mut stored) = (0x811C_9DC5_u32, 0);
    for index in 0..length / 4 {
        let word = (mapping.word(offset + index / 2 * 8) >> (index % 2 * 32)) as u32;
        if index == CHECKSUM_WORD {
            stored = word;
        } else {
            hash = (hash ^ word).wrapping_mul(0x0100_0193);
        }
    }
    hash != stored
}
