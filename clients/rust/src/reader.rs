use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{fence, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorCode};
use crate::header::Header;
use crate::layout::{
    HEADER_BYTES, HEARTBEAT_TIME_NS, SLOT_RECORD, SYMBOL_BYTES, TAIL, TAIL_INTENT, TYPE_BOOK, TYPE_STATUS, TYPE_TRADE,
    WRITER_STATE,
};
use crate::mapping::Mapping;
use crate::record::{Book, Raw, Status, Trade};
use crate::writer::{Liveness, WriterState};

const O_NONBLOCK: i32 = 0o4000;
#[cfg(any(target_arch = "aarch64", target_arch = "arm"))]
const O_NOFOLLOW: i32 = 0o100_000;
#[cfg(not(any(target_arch = "aarch64", target_arch = "arm")))]
const O_NOFOLLOW: i32 = 0o400_000;
const ELOOP: i32 = 40;
const ENXIO: i32 = 6;
const ENOTDIR: i32 = 20;
const ENAMETOOLONG: i32 = 36;

/// How often an idle reader looks at the writer's life and, when it is not live, at the name.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
const SLOT_TIMEOUT: Duration = Duration::from_millis(100);
const SPINS_BETWEEN_CLOCK_READS: u32 = 1000;

/// How [`Reader::wait_event`] waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Lowest latency; takes a core.
    Spin,
    /// Sleeps this long between polls; 100 µs to 1 ms suits most.
    Sleep(Duration),
}

/// What a reader gives.
#[derive(Debug, PartialEq)]
pub enum Event<'a> {
    /// A book after one update; clone it to keep it beyond the next call.
    Book(&'a Book),
    /// A trade.
    Trade(Trade),
    /// A symbol's state changed.
    Status(Status),
    /// So many bytes were overwritten before they were read. The latest slots have the present.
    Lost(i64),
    /// The writer's life changed. From [`Reader::wait_event`] only.
    Writer(WriterState),
    /// A restarted writer's region is attached: resolve symbol indexes anew. From [`Reader::wait_event`] only.
    Reopened,
}

/// What a step through the ring gave; a book is in `Reader::ring_book`.
enum Step {
    Nothing,
    Book,
    Trade(Trade),
    Status(Status),
    Lost(i64),
    Writer(WriterState),
    Reopened,
}

/// What belongs to one mapped file and goes when another is attached.
struct Region {
    mapping: Mapping,
    header: Header,
    symbols: Vec<String>,
    device: u64,
    inode: u64,
    cursor: i64,
    liveness: Liveness,
    reported: WriterState,
}

/// A reader of one region. It never writes to the region and takes no lock; use one in each thread that reads.
pub struct Reader {
    path: PathBuf,
    region: Region,
    ring_book: Book,
    slot_book: Book,
    verify_checksums: bool,
    slot_timeout: Duration,
    next_check: Instant,
}

impl Reader {
    /// Attaches to `/dev/shm/<name>`, or to a path when it has a slash. The reader stands at the ring's end:
    /// [`Reader::next_event`] gives what comes next.
    ///
    /// # Errors
    /// `NotFound`, `Permission`, `NotARegion`, `WrongVersion`, `Truncated`, `Corrupt`, `Unavailable`.
    pub fn open(name_or_path: impl AsRef<Path>) -> Result<Reader, Error> {
        let given = name_or_path.as_ref();
        let is_name = !given.as_os_str().as_encoded_bytes().contains(&b'/');
        let path = if is_name { Path::new("/dev/shm").join(given) } else { given.to_path_buf() };
        if given.as_os_str().is_empty() {
            return Err(Error::new(ErrorCode::NotFound, "the name is empty"));
        }
        let region = Region::attach(&path)?;
        Ok(Reader {
            path,
            region,
            ring_book: Book::default(),
            slot_book: Book::default(),
            verify_checksums: false,
            slot_timeout: SLOT_TIMEOUT,
            next_check: Instant::now(),
        })
    }

    /// Checks each record's checksum where the region has them. Off at first.
    pub fn set_verify_checksums(&mut self, verify: bool) {
        self.verify_checksums = verify;
    }

    /// How long [`Reader::latest`] retries a half-written slot, at most an hour; 100 ms at first.
    pub fn set_slot_timeout(&mut self, timeout: Duration) {
        self.slot_timeout = timeout.min(Duration::from_secs(3600));
    }

    /// The constant part of the header of the attached region.
    pub fn header(&self) -> &Header {
        &self.region.header
    }

    /// The symbols in the order of their indexes.
    pub fn symbols(&self) -> &[String] {
        &self.region.symbols
    }

    /// Index of a symbol, for comparing with `symbol_index`.
    ///
    /// # Errors
    /// `UnknownSymbol`.
    pub fn symbol_index(&self, symbol: &str) -> Result<u32, Error> {
        match self.region.symbols.iter().position(|name| name == symbol) {
            Some(index) => Ok(index as u32),
            None => {
                let some: Vec<&str> = self.region.symbols.iter().take(4).map(String::as_str).collect();
                Err(Error::new(
                    ErrorCode::UnknownSymbol,
                    format!("no symbol {symbol:?}; there are {}", some.join(", ")),
                ))
            }
        }
    }

    /// The present book of a symbol. Look at its `state`: only a live one has levels.
    ///
    /// # Errors
    /// `UnknownSymbol`, `SlotUnfinished`, `Corrupt`.
    pub fn latest(&mut self, symbol: &str) -> Result<&Book, Error> {
        let index = self.symbol_index(symbol)?;
        self.latest_at(index)
    }

    /// As [`Reader::latest`], by index.
    ///
    /// # Errors
    /// `UnknownSymbol`, `SlotUnfinished`, `Corrupt`.
    pub fn latest_at(&mut self, symbol_index: u32) -> Result<&Book, Error> {
        let (region, verify) = (&self.region, self.verify_checksums);
        let header = &region.header;
        if symbol_index >= header.symbol_count {
            return Err(Error::new(ErrorCode::UnknownSymbol, format!("index {symbol_index} is not in the directory")));
        }
        let slot = header.slots_offset as usize + symbol_index as usize * header.slot_stride as usize;
        let room = u64::from(header.slot_stride) - SLOT_RECORD as u64;
        let mut retries = Retries::new(self.slot_timeout);
        let raw = loop {
            let before = region.load(slot);
            fence(Ordering::Acquire);
            if before % 2 == 0 {
                let raw = Raw::copy(&region.mapping, slot + SLOT_RECORD, room, header, verify, &mut self.slot_book);
                fence(Ordering::Acquire);
                if region.load(slot) == before {
                    break raw;
                }
            }
            retries.pause()?;
        };
        raw.check(header)?;
        if raw.record_type != TYPE_BOOK || raw.symbol_index() != symbol_index {
            return Err(Error::corrupt("a slot does not hold its symbol's book"));
        }
        Ok(&self.slot_book)
    }

    /// The next event of the ring, `None` when there is nothing new; never waits. After `Corrupt` the reader stays where it
    /// is: [`Reader::seek`] moves on.
    ///
    /// # Errors
    /// `Corrupt`.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, Error> {
        let step = self.step()?;
        Ok(self.event(step))
    }

    /// The next event, waiting for at most `timeout` (`None`: without end), after which it gives `None`. Also reports changes
    /// of the writer's life, and attaches to a restarted writer's region, whose records it then reads from the first.
    ///
    /// # Errors
    /// `Corrupt`, and those of [`Reader::open`] when a new region cannot be attached: the reader then stays with the old one
    /// and tries again at the next call.
    pub fn wait_event(&mut self, wait: Wait, timeout: Option<Duration>) -> Result<Option<Event<'_>>, Error> {
        let step = self.wait_step(wait, timeout.and_then(|timeout| Instant::now().checked_add(timeout)))?;
        Ok(self.event(step))
    }

    /// Whether the writer lives; a few loads. `wait_event` looks every 100 ms when nothing comes.
    pub fn writer_state(&mut self) -> WriterState {
        let state = self.region.mapping.word(WRITER_STATE) as u32;
        let beat = self.region.load(HEARTBEAT_TIME_NS);
        self.region.liveness.judge(state, beat)
    }

    /// Attaches to the file that now stands under the name, if it is another one, and tells whether it did. A missing file
    /// is not an error.
    ///
    /// # Errors
    /// Those of [`Reader::open`]; the reader then stays with the old region.
    pub fn reopen(&mut self) -> Result<bool, Error> {
        match fs::symlink_metadata(&self.path) {
            Ok(file) if (file.dev(), file.ino()) != (self.region.device, self.region.inode) => {}
            _ => return Ok(false),
        }
        let mut region = match Region::attach(&self.path) {
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(false), // gone since the look at it
            attached => attached?,
        };
        region.cursor = region.header.first_position;
        self.region = region;
        Ok(true)
    }

    /// Up to where the writer has written, a position: a byte count that only grows.
    pub fn tail(&self) -> i64 {
        self.region.load(TAIL)
    }

    /// Where this reader stands.
    pub fn position(&self) -> i64 {
        self.region.cursor
    }

    /// Moves to a position: `tail()` to go on with what comes next, `header().first_position` to read everything that is
    /// still there (what was overwritten is reported as lost).
    ///
    /// # Errors
    /// `Corrupt` when it is negative or not a multiple of 64.
    pub fn seek(&mut self, position: i64) -> Result<(), Error> {
        if position < 0 || position % 64 != 0 {
            return Err(Error::corrupt("a position is a multiple of 64"));
        }
        self.region.cursor = position;
        Ok(())
    }

    fn event(&self, step: Step) -> Option<Event<'_>> {
        Some(match step {
            Step::Nothing => return None,
            Step::Book => Event::Book(&self.ring_book),
            Step::Trade(trade) => Event::Trade(trade),
            Step::Status(status) => Event::Status(status),
            Step::Lost(bytes) => Event::Lost(bytes),
            Step::Writer(state) => Event::Writer(state),
            Step::Reopened => Event::Reopened,
        })
    }

    fn step(&mut self) -> Result<Step, Error> {
        let (region, verify) = (&mut self.region, self.verify_checksums);
        let capacity = region.header.ring_capacity;
        loop {
            let (cursor, tail) = (region.cursor, region.load(TAIL));
            fence(Ordering::Acquire);
            if cursor == tail {
                return Ok(Step::Nothing);
            }
            if cursor > tail || tail % 64 != 0 {
                return Err(Error::corrupt("the ring's tail is impossible"));
            }
            if tail - cursor > capacity {
                return region.take_loss();
            }
            let offset = cursor % capacity;
            let room = (tail - cursor).min(capacity - offset) as u64;
            let start = (region.header.ring_offset + offset) as usize;
            let raw = Raw::copy(&region.mapping, start, room, &region.header, verify, &mut self.ring_book);
            fence(Ordering::Acquire);
            let intent = region.load(TAIL_INTENT);
            if intent > cursor && intent - cursor > capacity {
                return region.take_loss();
            }
            raw.check(&region.header)?;
            region.cursor = cursor + i64::from(raw.length);
            match raw.record_type {
                TYPE_BOOK => return Ok(Step::Book),
                TYPE_TRADE => return Ok(Step::Trade(Trade::decode(&raw))),
                TYPE_STATUS => return Ok(Step::Status(Status::decode(&raw))),
                _ => {} // padding, or a type from the future
            }
        }
    }

    fn wait_step(&mut self, wait: Wait, deadline: Option<Instant>) -> Result<Step, Error> {
        loop {
            match self.step()? {
                Step::Nothing => {}
                step => return Ok(step),
            }
            let now = Instant::now();
            if now >= self.next_check {
                match self.check_writer()? {
                    Step::Nothing => {}
                    step => return Ok(step),
                }
            }
            let left = deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(now));
            if left.is_zero() {
                return Ok(Step::Nothing);
            }
            match wait {
                Wait::Sleep(pause) => std::thread::sleep(pause.min(left)),
                Wait::Spin => self.spin(),
            }
        }
    }

    fn spin(&self) {
        for _ in 0..SPINS_BETWEEN_CLOCK_READS {
            if self.tail() != self.region.cursor {
                break;
            }
            std::hint::spin_loop();
        }
    }

    /// Looks at the writer once; gives a step when there is something to say.
    fn check_writer(&mut self) -> Result<Step, Error> {
        let state = self.writer_state();
        if state != WriterState::Live {
            // What was written before the state changed comes first.
            fence(Ordering::Acquire);
            match self.step()? {
                Step::Nothing => {}
                step => return Ok(step),
            }
        }
        if state != self.region.reported {
            self.region.reported = state;
            return Ok(Step::Writer(state));
        }
        self.next_check = Instant::now() + CHECK_INTERVAL;
        if state != WriterState::Live && self.reopen()? {
            return Ok(Step::Reopened);
        }
        Ok(Step::Nothing)
    }
}

/// Bounds the retries of a slot that is being written: a pause each, the clock now and then.
struct Retries {
    timeout: Duration,
    attempts: u32,
    deadline: Option<Instant>,
}

impl Retries {
    fn new(timeout: Duration) -> Retries {
        Retries { timeout, attempts: 0, deadline: None }
    }

    fn pause(&mut self) -> Result<(), Error> {
        self.attempts = self.attempts.wrapping_add(1);
        if self.attempts % 64 != 0 {
            std::hint::spin_loop();
            return Ok(());
        }
        let now = Instant::now();
        if now >= *self.deadline.get_or_insert(now + self.timeout) {
            return Err(Error::new(ErrorCode::SlotUnfinished, "the writer stopped in the middle of a slot"));
        }
        std::thread::yield_now();
        Ok(())
    }
}

impl Region {
    /// The checks of docs/SHM_LAYOUT.md section 2, in their order, then the mapping.
    fn attach(path: &Path) -> Result<Region, Error> {
        if !cfg!(all(target_os = "linux", target_pointer_width = "64", target_endian = "little")) {
            return Err(Error::new(ErrorCode::Unavailable, "needs 64-bit little-endian Linux"));
        }
        let file = open_file(path)?;
        let metadata = file.metadata().map_err(|error| os_error(ErrorCode::NotARegion, path, &error))?;
        if !metadata.is_file() {
            return Err(Error::new(ErrorCode::NotARegion, format!("{} is not a regular file", path.display())));
        }
        let mut bytes = [0; HEADER_BYTES];
        if file.read_exact_at(&mut bytes, 0).is_err() {
            return Err(Error::new(ErrorCode::NotARegion, format!("{} is shorter than a header", path.display())));
        }
        let header = Header::parse(&bytes, metadata.len())
            .map_err(|error| Error::new(error.code(), format!("{} ({})", error.message(), path.display())))?;
        let mapping = Mapping::new(&file, header.total_bytes as usize)
            .map_err(|error| os_error(ErrorCode::Unavailable, path, &error))?;
        let symbols = read_directory(&mapping, &header);
        let cursor = mapping.word(TAIL) as i64;
        Ok(Region {
            mapping,
            symbols,
            header,
            device: metadata.dev(),
            inode: metadata.ino(),
            cursor,
            liveness: Liveness::default(),
            reported: WriterState::Live,
        })
    }

    fn load(&self, offset: usize) -> i64 {
        self.mapping.word(offset) as i64
    }

    fn take_loss(&mut self) -> Result<Step, Error> {
        let tail = self.load(TAIL);
        fence(Ordering::Acquire);
        if tail < self.cursor || tail % 64 != 0 {
            return Err(Error::corrupt("the ring's tail is impossible"));
        }
        let lost = tail - self.cursor;
        self.cursor = tail;
        Ok(Step::Lost(lost))
    }
}

fn os_error(code: ErrorCode, path: &Path, error: &io::Error) -> Error {
    Error::new(code, format!("{}: {error}", path.display()))
}

fn open_file(path: &Path) -> Result<File, Error> {
    OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(path).map_err(|error| {
        let code = match (error.kind(), error.raw_os_error()) {
            (io::ErrorKind::NotFound, _) | (_, Some(ENOTDIR | ENAMETOOLONG)) => ErrorCode::NotFound,
            (io::ErrorKind::PermissionDenied, _) => ErrorCode::Permission,
            (_, Some(ELOOP | ENXIO)) => ErrorCode::NotARegion,
            _ => ErrorCode::Unavailable,
        };
        os_error(code, path, &error)
    })
}

fn read_directory(mapping: &Mapping, header: &Header) -> Vec<String> {
    let mut words = [0; SYMBOL_BYTES / 8];
    (0..header.symbol_count as usize)
        .map(|index| {
            mapping.copy_words(header.directory_offset as usize + index * SYMBOL_BYTES, &mut words);
            let bytes: Vec<u8> =
                words.iter().flat_map(|word| word.to_le_bytes()).take_while(|&byte| byte != 0).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        })
        .collect()
}
