//! Prints a region as JSON lines: header, latest slots, then the ring's events. The readers of all languages have this
//! program with the same output, so that they can be compared line by line.
//!
//!     dump [--verify] [--slot-timeout-ms N] [--from POSITION] FILE...   what is there now, of each file
//!     dump [--verify] --follow NAME                                     everything from the first record until the writer closes
//!     dump [--verify] --summary NAME                                    only counts, until the writer closes or 3 s pass without an event
//!
//! 64-bit integers are JSON strings; NaN is null. Exit code 0; 1 when following ended with an error.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use market_data_shm::{Book, Error, ErrorCode, Event, Level, Reader, Status, Trade, Wait, WriterState};

fn text(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            control if (control as u32) < 0x20 => write!(out, "\\u{:04x}", control as u32).expect("a string takes all"),
            other => out.push(other),
        }
    }
    out + "\""
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "null".into()
    } else if value.is_infinite() {
        if value > 0.0 { "\"inf\"" } else { "\"-inf\"" }.into()
    } else {
        format!("{value:e}")
    }
}

fn levels(levels: &[Level]) -> String {
    let pairs: Vec<String> =
        levels.iter().map(|level| format!("[{},{}]", number(level.price), number(level.quantity))).collect();
    format!("[{}]", pairs.join(","))
}

/// Values at the record's scales, as a consumer computes them.
fn top(book: &Book, levels: &[Level]) -> String {
    levels.first().map_or("null".into(), |level| {
        format!("[{},{}]", number(book.price(level.price)), number(book.quantity(level.quantity)))
    })
}

fn common(kind: &str, sequence: i64, publish: i64, receive: i64, exchange: i64, symbol_index: u32) -> String {
    format!(
        "\"type\":\"{kind}\",\"sequence\":\"{sequence}\",\"publish_time_ns\":\"{publish}\",\"receive_time_ns\":\"{receive}\",\
         \"exchange_time_ns\":\"{exchange}\",\"symbol_index\":{symbol_index}"
    )
}

fn source(code: u8) -> String {
    match code {
        0 => "diff".into(),
        1 => "partial".into(),
        _ => format!("unknown({code})"),
    }
}

fn book_json(book: &Book) -> String {
    format!(
        "{{{},\"state\":\"{}\",\"reason\":\"{}\",\"source\":\"{}\",\"price_scale\":{},\"quantity_scale\":{},\"last_price_scale\":{},\
         \"last_update_id\":\"{}\",\"last_price\":{},\"volume_24h\":{},\"high_24h\":{},\"low_24h\":{},\"bids\":{},\"asks\":{},\
         \"last_price_value\":{},\"best_bid\":{},\"best_ask\":{}}}",
        common("book", book.sequence, book.publish_time_ns, book.receive_time_ns, book.exchange_time_ns, book.symbol_index),
        book.state,
        book.reason,
        source(book.source),
        book.price_scale,
        book.quantity_scale,
        book.last_price_scale,
        book.last_update_id,
        number(book.last_price),
        number(book.volume_24h),
        number(book.high_24h),
        number(book.low_24h),
        levels(&book.bids),
        levels(&book.asks),
        number(book.last_price_value()),
        top(book, &book.bids),
        top(book, &book.asks),
    )
}

fn trade_json(trade: &Trade) -> String {
    format!(
        "{{{},\"is_buyer_maker\":{},\"is_refill\":{},\"price_scale\":{},\"quantity_scale\":{},\"trade_id\":\"{}\",\"price\":{},\
         \"quantity\":{},\"trade_time_ns\":\"{}\",\"price_value\":{},\"quantity_value\":{}}}",
        common("trade", trade.sequence, trade.publish_time_ns, trade.receive_time_ns, trade.exchange_time_ns, trade.symbol_index),
        trade.is_buyer_maker,
        trade.is_refill,
        trade.price_scale,
        trade.quantity_scale,
        trade.trade_id,
        number(trade.price),
        number(trade.quantity),
        trade.trade_time_ns,
        number(trade.price_value()),
        number(trade.quantity_value()),
    )
}

fn status_json(status: &Status) -> String {
    format!(
        "{{{},\"state\":\"{}\",\"reason\":\"{}\",\"last_update_id\":\"{}\"}}",
        common(
            "status",
            status.sequence,
            status.publish_time_ns,
            status.receive_time_ns,
            status.exchange_time_ns,
            status.symbol_index
        ),
        status.state,
        status.reason,
        status.last_update_id,
    )
}

fn header_json(key: &str, reader: &Reader) -> String {
    let header = reader.header();
    let symbols: Vec<String> = reader.symbols().iter().map(|symbol| text(symbol)).collect();
    format!(
        "{{\"{key}\":{{\"layout_version\":{},\"flags\":{},\"total_bytes\":\"{}\",\"generation\":\"{}\",\"start_time_ns\":\"{}\",\
         \"writer_pid\":{},\"symbol_count\":{},\"depth_max\":{},\"slot_stride\":{},\"first_position\":\"{}\",\"directory_offset\":\"{}\",\
         \"slots_offset\":\"{}\",\"ring_offset\":\"{}\",\"ring_capacity\":\"{}\"}},\"symbols\":[{}]}}",
        header.layout_version,
        header.flags,
        header.total_bytes,
        header.generation,
        header.start_time_ns,
        header.writer_pid,
        header.symbol_count,
        header.depth_max,
        header.slot_stride,
        header.first_position,
        header.directory_offset,
        header.slots_offset,
        header.ring_offset,
        header.ring_capacity,
        symbols.join(","),
    )
}

fn error_json(error: &Error, at: &str) -> String {
    format!("{{\"error\":\"{}\",\"at\":\"{at}\"}}", error.code())
}

/// `None` for `Reopened`, whose header only the reader knows.
fn event_json(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Book(book) => book_json(book),
        Event::Trade(trade) => trade_json(trade),
        Event::Status(status) => status_json(status),
        Event::Lost(bytes) => format!("{{\"lost\":\"{bytes}\"}}"),
        Event::Writer(state) => format!("{{\"writer\":\"{state}\"}}"),
        _ => return None,
    })
}

fn print_slots(reader: &mut Reader, out: &mut impl io::Write) -> io::Result<()> {
    for index in 0..reader.header().symbol_count {
        match reader.latest_at(index) {
            Ok(book) => writeln!(out, "{{\"slot\":{index},\"record\":{}}}", book_json(book))?,
            Err(error) => writeln!(out, "{}", error_json(&error, "latest"))?,
        }
    }
    Ok(())
}

fn print_ring(reader: &mut Reader, out: &mut impl io::Write) -> io::Result<()> {
    loop {
        match reader.next_event() {
            Ok(Some(event)) => writeln!(out, "{}", event_json(&event).unwrap_or_default())?,
            Ok(None) => {
                return writeln!(
                    out,
                    "{{\"end\":\"{}\",\"liveness\":\"{}\"}}",
                    reader.position(),
                    reader.writer_state()
                )
            }
            Err(error) => return writeln!(out, "{}", error_json(&error, "next")),
        }
    }
}

fn follow(reader: &mut Reader, out: &mut impl io::Write) -> io::Result<bool> {
    loop {
        let (line, is_closed) =
            match reader.wait_event(Wait::Sleep(Duration::from_micros(200)), Some(Duration::from_secs(60))) {
                Ok(Some(event)) => (event_json(&event), event == Event::Writer(WriterState::Closed)),
                Ok(None) => {
                    writeln!(out, "{{\"error\":\"nothing for a minute\",\"at\":\"wait\"}}")?;
                    return Ok(false);
                }
                Err(error) => {
                    writeln!(out, "{}", error_json(&error, "wait"))?;
                    return Ok(false);
                }
            };
        writeln!(out, "{}", line.unwrap_or_else(|| header_json("reopened", reader)))?;
        out.flush()?;
        if is_closed {
            print_slots(reader, out)?;
            return Ok(true);
        }
    }
}

/// `unexplained`: records that are missing without a loss before them.
#[derive(Default)]
struct Counts {
    records: i64,
    last_sequence: i64,
    lost_records: i64,
    lost_bytes: i64,
    unexplained: i64,
    disordered: i64,
    slots: i64,
    unfinished: i64,
    has_lost: bool,
}

impl Counts {
    fn count(&mut self, sequence: i64) {
        if sequence <= self.last_sequence {
            self.disordered += 1;
        } else if sequence != self.last_sequence + 1 && !self.has_lost {
            self.unexplained += 1;
        } else {
            self.lost_records += sequence - self.last_sequence - 1;
        }
        self.last_sequence = sequence;
        self.has_lost = false;
        self.records += 1;
    }

    fn json(&self, position: i64, writer: WriterState) -> String {
        format!(
            "{{\"records\":{},\"last_sequence\":{},\"lost_records\":{},\"lost_bytes\":{},\"unexplained\":{},\"disordered\":{},\
             \"slots\":{},\"unfinished\":{},\"position\":{position},\"writer\":\"{writer}\"}}",
            self.records,
            self.last_sequence,
            self.lost_records,
            self.lost_bytes,
            self.unexplained,
            self.disordered,
            self.slots,
            self.unfinished,
        )
    }
}

/// Reads everything, and a slot now and then and after each loss, and counts.
fn summarize(reader: &mut Reader) -> Result<String, Error> {
    let mut counts = Counts::default();
    let mut writer = WriterState::Live;
    let pause = Wait::Sleep(Duration::from_micros(200));
    while let Some(event) = reader.wait_event(pause, Some(Duration::from_secs(3)))? {
        match event {
            Event::Book(book) => counts.count(book.sequence),
            Event::Trade(trade) => counts.count(trade.sequence),
            Event::Status(status) => counts.count(status.sequence),
            Event::Lost(bytes) => {
                counts.lost_bytes += bytes;
                counts.has_lost = true;
            }
            Event::Writer(WriterState::Closed) => {
                writer = WriterState::Closed;
                break;
            }
            Event::Writer(state) => writer = state,
            Event::Reopened => {}
        }
        if counts.has_lost || counts.records % 64 == 0 {
            let index = (counts.slots % i64::from(reader.header().symbol_count)) as u32;
            match reader.latest_at(index) {
                Ok(_) => counts.slots += 1,
                Err(error) if error.code() == ErrorCode::SlotUnfinished => counts.unfinished += 1,
                Err(error) => return Err(error),
            }
        }
    }
    Ok(counts.json(reader.position(), writer))
}

fn print_summary(reader: &mut Reader, out: &mut impl io::Write) -> io::Result<bool> {
    let line = summarize(reader);
    let is_fine = line.is_ok();
    writeln!(out, "{}", line.unwrap_or_else(|error| error_json(&error, "wait")))?;
    Ok(is_fine)
}

fn run(out: &mut impl io::Write) -> io::Result<bool> {
    let mut is_summary = false;
    let (mut verify, mut is_following, mut from, mut slot_timeout) = (false, false, None, Duration::from_millis(100));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut integer = || arguments.next().and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        match argument.as_str() {
            "--verify" => verify = true,
            "--follow" => is_following = true,
            "--summary" => is_summary = true,
            "--from" => from = Some(integer()),
            "--slot-timeout-ms" => slot_timeout = Duration::from_millis(integer().unsigned_abs()),
            file => match Reader::open(file) {
                Err(error) => {
                    writeln!(out, "{}", error_json(&error, "open"))?;
                    if is_following || is_summary {
                        return Ok(false);
                    }
                }
                Ok(mut reader) => {
                    reader.set_verify_checksums(verify);
                    reader.set_slot_timeout(slot_timeout);
                    let start = from.unwrap_or(reader.header().first_position);
                    reader.seek(start).map_err(io::Error::other)?;
                    if is_summary {
                        return print_summary(&mut reader, out);
                    }
                    writeln!(out, "{}", header_json("header", &reader))?;
                    out.flush()?;
                    if is_following {
                        return follow(&mut reader, out);
                    }
                    print_slots(&mut reader, out)?;
                    print_ring(&mut reader, out)?;
                }
            },
        }
    }
    Ok(true)
}

fn main() -> ExitCode {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match run(&mut out).and_then(|fine| out.flush().map(|()| fine)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
