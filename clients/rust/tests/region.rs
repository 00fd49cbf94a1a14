//! The reader on the golden region and on damaged copies of it. Whatever the bytes are, each call must come back with data
//! or a documented error. Values are compared with the golden JSON, and a live writer is read, by scripts/test-clients.mjs.
//!
//! `MARKET_DATA_SEED` and `MARKET_DATA_ROUNDS` repeat or extend the random part.

use std::fs;
use std::os::unix::fs::{symlink, FileExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use market_data_shm::{Error, ErrorCode, Event, Reader, Wait};

/// Where the golden ring's oldest whole record stands: `start_position` of the first of its JSON's `reads`.
const GOLDEN_START: i64 = 4_294_962_624;

struct Scratch {
    directory: PathBuf,
    region: PathBuf,
}

impl Scratch {
    fn new() -> Scratch {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("market-data-rust-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = Path::new("/dev/shm").join(name);
        fs::create_dir(&directory).expect("a scratch directory in /dev/shm");
        Scratch { region: directory.join("region"), directory }
    }

    fn with(bytes: &[u8]) -> Scratch {
        let scratch = Scratch::new();
        fs::write(&scratch.region, bytes).expect("a scratch file");
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn golden() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/v1.bin");
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn code_of_opening(bytes: &[u8]) -> Option<ErrorCode> {
    let scratch = Scratch::with(bytes);
    Reader::open(&scratch.region).err().map(|error| error.code())
}

fn code_with_field(offset: usize, value: &[u8]) -> Option<ErrorCode> {
    let mut bytes = golden();
    bytes[offset..offset + value.len()].copy_from_slice(value);
    code_of_opening(&bytes)
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn is_documented_while_reading(error: &Error) -> bool {
    matches!(error.code(), ErrorCode::Corrupt | ErrorCode::SlotUnfinished)
}

/// Reads everything that a reader can.
fn read_everything(reader: &mut Reader, events_max: usize) {
    for index in 0..reader.header().symbol_count.min(64) {
        match reader.latest_at(index) {
            Ok(book) => assert!(book.bids.len().max(book.asks.len()) <= reader.header().depth_max as usize),
            Err(error) => assert!(is_documented_while_reading(&error), "{error}"),
        }
    }
    reader.seek(GOLDEN_START).expect("aligned");
    for _ in 0..events_max {
        match reader.next_event() {
            Ok(Some(Event::Lost(bytes))) => assert!(bytes >= 0),
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Corrupt);
                break;
            }
        }
    }
    reader.writer_state();
}

#[test]
fn golden_region_reads_without_an_error() {
    let scratch = Scratch::with(&golden());
    let mut reader = Reader::open(&scratch.region).expect("the golden region opens");
    reader.set_verify_checksums(true);
    assert!(reader.next_event().expect("no error").is_none(), "a fresh reader stands at the end");
    for (index, symbol) in reader.symbols().to_vec().iter().enumerate() {
        assert_eq!(reader.symbol_index(symbol).expect("a listed symbol"), index as u32);
        match reader.latest(symbol) {
            Ok(book) => assert_eq!(book.symbol_index, index as u32),
            Err(error) => assert_eq!(error.code(), ErrorCode::SlotUnfinished),
        }
    }
    reader.seek(GOLDEN_START).expect("aligned");
    let mut sequences = Vec::new();
    while let Some(event) = reader.next_event().expect("every event of the golden ring is good") {
        sequences.push(match event {
            Event::Book(book) => book.sequence,
            Event::Trade(trade) => trade.sequence,
            Event::Status(status) => status.sequence,
            other => panic!("unexpected {other:?}"),
        });
    }
    let expected: Vec<i64> = (6..=36).filter(|&sequence| sequence != 28).collect(); // 28 is of an unknown type
    assert_eq!(sequences, expected);
    assert_eq!(reader.position(), reader.tail());
    reader.seek(reader.header().first_position).expect("aligned");
    let lost = reader.tail() - reader.position();
    assert_eq!(reader.next_event().expect("no error"), Some(Event::Lost(lost)), "the first record is long gone");
}

#[test]
fn wrong_arguments_are_documented_errors() {
    let scratch = Scratch::with(&golden());
    let mut reader = Reader::open(&scratch.region).expect("opens");
    assert_eq!(reader.symbol_index("NO_SUCH").unwrap_err().code(), ErrorCode::UnknownSymbol);
    assert_eq!(reader.latest_at(u32::MAX).unwrap_err().code(), ErrorCode::UnknownSymbol);
    assert_eq!(reader.seek(7).unwrap_err().code(), ErrorCode::Corrupt);
    assert_eq!(reader.seek(-64).unwrap_err().code(), ErrorCode::Corrupt);
}

#[test]
fn files_that_are_no_regions_are_refused() {
    let bytes = golden();
    let scratch = Scratch::with(&bytes);
    let code = |path: &Path| Reader::open(path).err().map(|error| error.code());
    assert_eq!(code(&scratch.directory.join("missing")), Some(ErrorCode::NotFound));
    assert_eq!(code(Path::new("")), Some(ErrorCode::NotFound));
    assert_eq!(code(&scratch.directory), Some(ErrorCode::NotARegion));
    let link = scratch.directory.join("link");
    symlink(&scratch.region, &link).expect("a link");
    assert_eq!(code(&link), Some(ErrorCode::NotARegion));
    assert_eq!(code_of_opening(b""), Some(ErrorCode::NotARegion));
    assert_eq!(code_of_opening(&bytes[..511]), Some(ErrorCode::NotARegion));
    assert_eq!(code_of_opening(&bytes[..512]), Some(ErrorCode::Truncated));
    assert_eq!(code_of_opening(&bytes[..bytes.len() - 1]), Some(ErrorCode::Truncated));
}

#[test]
fn impossible_headers_are_refused() {
    assert_eq!(code_with_field(0, b"!"), Some(ErrorCode::NotARegion));
    assert_eq!(code_with_field(8, &2_u32.to_le_bytes()), Some(ErrorCode::WrongVersion));
    assert_eq!(code_with_field(16, &(1_i64 << 60).to_le_bytes()), Some(ErrorCode::Truncated));
    assert_eq!(code_with_field(16, &(-1_i64).to_le_bytes()), Some(ErrorCode::Corrupt));
    for (offset, value) in [(44, 0), (44, u32::MAX), (48, 0), (48, u32::MAX), (52, 0), (52, u32::MAX)] {
        assert_eq!(code_with_field(offset, &value.to_le_bytes()), Some(ErrorCode::Corrupt), "u32 {value} at {offset}");
    }
    for offset in [56, 64, 72, 80, 88] {
        for value in [1, -64, i64::MIN, i64::MAX - 63, 1 << 53] {
            if offset == 56 && value == 1 << 53 {
                continue; // a first position may be as large as that
            }
            assert_eq!(
                code_with_field(offset, &value.to_le_bytes()),
                Some(ErrorCode::Corrupt),
                "i64 {value} at {offset}"
            );
        }
    }
}

#[test]
fn random_damage_gives_data_or_documented_errors() {
    let seed = environment("MARKET_DATA_SEED", u64::from(std::process::id()));
    println!("seed {seed}");
    let (mut random, clean) = (Random(seed), golden());
    let scratch = Scratch::new();
    let mut opened = 0;
    for round in 0..environment("MARKET_DATA_ROUNDS", 5000) {
        let mut bytes = clean.clone();
        if random.below(20) == 0 {
            bytes[128..].fill_with(|| random.next() as u8);
        }
        for _ in 0..1 + random.below(8) {
            damage(&mut bytes, &mut random);
        }
        if random.below(20) == 0 {
            bytes.truncate(random.below(clean.len()));
        }
        fs::write(&scratch.region, &bytes).expect("a scratch file");
        if let Ok(mut reader) = Reader::open(&scratch.region) {
            opened += 1;
            reader.set_slot_timeout(Duration::ZERO);
            reader.set_verify_checksums(round % 2 == 0);
            read_everything(&mut reader, 100_000);
        }
    }
    assert!(opened > 0, "some damaged regions still open (seed {seed})");
}

fn damage(bytes: &mut [u8], random: &mut Random) {
    const VALUES: [u64; 10] = [0, 1, 64, 128, 512, u32::MAX as u64, 1 << 53, i64::MAX as u64, 1 << 63, u64::MAX];
    let limit = if random.below(3) == 0 { 504 } else { bytes.len() - 8 };
    let mut offset = random.below(limit);
    if random.below(2) == 0 {
        offset &= !7;
    }
    let value = if random.below(2) == 0 { random.next() } else { VALUES[random.below(VALUES.len())] };
    let width = 1 << random.below(4);
    bytes[offset..offset + width].copy_from_slice(&value.to_le_bytes()[..width]);
}

/// Ends the scribbler however the test ends.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn reading_goes_on_while_another_scribbles_over_the_region() {
    let bytes = golden();
    let scratch = Scratch::with(&bytes);
    let mut reader = Reader::open(&scratch.region).expect("opens");
    reader.set_slot_timeout(Duration::from_micros(100));
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _done = SetOnDrop(&is_done);
        scope.spawn(|| {
            let file = fs::OpenOptions::new().write(true).open(&scratch.region).expect("writable");
            let mut random = Random(1);
            while !is_done.load(Ordering::Relaxed) {
                let value = if random.below(4) == 0 { random.below(8) as u64 * 64 } else { random.next() };
                let offset = 128 + random.below(bytes.len() - 136) / 8 * 8;
                file.write_all_at(&value.to_le_bytes(), offset as u64).expect("written");
            }
        });
        let deadline = Instant::now() + Duration::from_millis(500);
        while Instant::now() < deadline {
            read_everything(&mut reader, 1000);
        }
    });
}

#[test]
fn a_region_that_replaces_another_is_attached() {
    let bytes = golden();
    let scratch = Scratch::with(&bytes);
    let mut reader = Reader::open(&scratch.region).expect("opens");
    assert!(!reader.reopen().expect("nothing changed"));

    let mut successor = bytes.clone();
    successor[24..32].copy_from_slice(&77_i64.to_le_bytes());
    fs::write(scratch.directory.join("new"), &successor).expect("written");
    fs::rename(scratch.directory.join("new"), &scratch.region).expect("renamed");
    // The golden writer's heartbeat stands still, so the first thing to hear is that it is silent or closed.
    let mut has_reopened = false;
    for _ in 0..10 {
        match reader.wait_event(Wait::Sleep(Duration::from_millis(1)), Some(Duration::from_secs(5))).expect("no error")
        {
            Some(Event::Reopened) => {
                has_reopened = true;
                break;
            }
            Some(Event::Writer(_)) => {}
            other => panic!("unexpected {other:?}"),
        }
    }
    assert!(has_reopened);
    assert_eq!(reader.header().generation, 77);
    assert_eq!(reader.position(), reader.header().first_position);

    fs::write(scratch.directory.join("garbage"), b"not a region").expect("written");
    fs::rename(scratch.directory.join("garbage"), &scratch.region).expect("renamed");
    assert_eq!(reader.reopen().unwrap_err().code(), ErrorCode::NotARegion);
    assert_eq!(reader.header().generation, 77, "the old region stays attached");
    fs::remove_file(&scratch.region).expect("removed");
    assert!(!reader.reopen().expect("a missing file is no error"));
}
