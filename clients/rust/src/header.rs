use crate::error::{Error, ErrorCode};
use crate::layout::{COUNT_MAX, DIRECTORY_OFFSET, FLAG_CHECKSUMS, HEADER_BYTES, LAYOUT_VERSION, MAGIC, SIZE_MAX};

/// The constant part of the header. Sizes, offsets and positions are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// 1 in this crate.
    pub layout_version: u32,
    /// Bit 0: records carry checksums.
    pub flags: u32,
    /// Size of the region.
    pub total_bytes: i64,
    /// 1 for a new name, one more with every restart of the writer.
    pub generation: i64,
    /// When the writer created the region, ns since the Unix epoch.
    pub start_time_ns: i64,
    /// In the writer's pid namespace: for people.
    pub writer_pid: u32,
    /// Symbols in the directory.
    pub symbol_count: u32,
    /// Most levels a side that any record or slot holds.
    pub depth_max: u32,
    /// Distance of two slots.
    pub slot_stride: u32,
    /// Position of the region's first record.
    pub first_position: i64,
    /// 512.
    pub directory_offset: i64,
    /// Where the latest slots begin.
    pub slots_offset: i64,
    /// Where the ring begins.
    pub ring_offset: i64,
    /// Size of the ring.
    pub ring_capacity: i64,
}

fn u32_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().expect("four bytes"))
}

fn i64_at(bytes: &[u8; HEADER_BYTES], offset: usize) -> i64 {
    i64::from_le_bytes(bytes[offset..offset + 8].try_into().expect("eight bytes"))
}

/// A size or offset that can be added and multiplied without overflow.
fn aligned_size(value: i64, what: &str) -> Result<u64, Error> {
    match u64::try_from(value) {
        Ok(size) if size <= SIZE_MAX && size % 64 == 0 => Ok(size),
        _ => Err(Error::new(ErrorCode::Corrupt, format!("{what} is {value}"))),
    }
}

fn require(holds: bool, what: &str) -> Result<(), Error> {
    if holds {
        Ok(())
    } else {
        Err(Error::corrupt(what))
    }
}

impl Header {
    /// Steps 2 to 4 of "Checks before use".
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES], file_bytes: u64) -> Result<Header, Error> {
        if bytes[..8] != MAGIC {
            return Err(Error::new(ErrorCode::NotARegion, "not a market-data region: wrong magic"));
        }
        let header = Header::decode(bytes);
        if header.layout_version != LAYOUT_VERSION {
            let message = format!("layout version {}, this crate knows {LAYOUT_VERSION}", header.layout_version);
            return Err(Error::new(ErrorCode::WrongVersion, message));
        }
        if i128::from(header.total_bytes) > i128::from(file_bytes) {
            let message = format!("the header says {} bytes, the file has {file_bytes}", header.total_bytes);
            return Err(Error::new(ErrorCode::Truncated, message));
        }
        header.check()?;
        Ok(header)
    }

    fn decode(bytes: &[u8; HEADER_BYTES]) -> Header {
        Header {
            layout_version: u32_at(bytes, 8),
            flags: u32_at(bytes, 12),
            total_bytes: i64_at(bytes, 16),
            generation: i64_at(bytes, 24),
            start_time_ns: i64_at(bytes, 32),
            writer_pid: u32_at(bytes, 40),
            symbol_count: u32_at(bytes, 44),
            depth_max: u32_at(bytes, 48),
            slot_stride: u32_at(bytes, 52),
            first_position: i64_at(bytes, 56),
            directory_offset: i64_at(bytes, 64),
            slots_offset: i64_at(bytes, 72),
            ring_offset: i64_at(bytes, 80),
            ring_capacity: i64_at(bytes, 88),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let total = u64::try_from(self.total_bytes).unwrap_or(u64::MAX);
        let (symbols, depth, stride) =
            (u64::from(self.symbol_count), u64::from(self.depth_max), u64::from(self.slot_stride));
        require(total <= SIZE_MAX, "total_bytes is out of range")?;
        require(self.directory_offset == DIRECTORY_OFFSET as i64, "directory_offset is not 512")?;
        require((1..=COUNT_MAX).contains(&self.symbol_count), "symbol_count is out of range")?;
        require((1..=COUNT_MAX).contains(&self.depth_max), "depth_max is out of range")?;
        require(stride % 64 == 0 && stride >= 192 + 32 * depth, "slot_stride does not fit depth_max")?;
        let slots = aligned_size(self.slots_offset, "slots_offset")?;
        let ring = aligned_size(self.ring_offset, "ring_offset")?;
        let capacity = aligned_size(self.ring_capacity, "ring_capacity")?;
        aligned_size(self.first_position, "first_position")?;
        require(slots >= DIRECTORY_OFFSET + 32 * symbols, "the slots overlap the directory")?;
        require(ring >= slots + stride * symbols, "the ring overlaps the slots")?;
        require(capacity >= 512, "ring_capacity is below 512")?;
        require(ring + capacity <= total, "the ring ends after total_bytes")
    }

    /// Whether the region's records carry checksums.
    pub fn has_checksums(&self) -> bool {
        self.flags & FLAG_CHECKSUMS != 0
    }
}
