//! Follows the best bid and ask of one symbol.
//!
//!     cargo run --release --example top_of_book -- [--spin] SYMBOL [NAME]

use std::process::ExitCode;
use std::time::Duration;

use market_data_shm::{Book, Error, Event, Reader, Wait};

fn print_top(symbol: &str, book: &Book) {
    let (Some(bid), Some(ask)) = (book.bids.first(), book.asks.first()) else {
        println!("{symbol} {} ({})", book.state, book.reason);
        return;
    };
    let (p, q) = (usize::from(book.price_scale), usize::from(book.quantity_scale));
    println!(
        "{symbol} {:.p$} x {:.q$} | {:.p$} x {:.q$}  update {}",
        book.price(bid.price),
        book.quantity(bid.quantity),
        book.price(ask.price),
        book.quantity(ask.quantity),
        book.last_update_id,
    );
}

/// The present from the slot; what the ring has of this symbol up to the returned sequence is then older.
fn print_present(reader: &mut Reader, symbol: &str) -> Result<(u32, i64), Error> {
    let book = reader.latest(symbol)?;
    print_top(symbol, book);
    Ok((book.symbol_index, book.sequence))
}

fn follow(name: &str, symbol: &str, wait: Wait) -> Result<(), Error> {
    let mut reader = Reader::open(name)?;
    let (mut index, mut sequence) = print_present(&mut reader, symbol)?;
    while let Some(event) = reader.wait_event(wait, None)? {
        match event {
            Event::Book(book) if book.symbol_index == index && book.sequence > sequence => print_top(symbol, book),
            Event::Status(status) if status.symbol_index == index && status.sequence > sequence => {
                println!("{symbol} {} ({})", status.state, status.reason);
            }
            Event::Lost(bytes) => {
                eprintln!("lost {bytes} bytes");
                (index, sequence) = print_present(&mut reader, symbol)?;
            }
            Event::Writer(state) => eprintln!("writer {state}"),
            Event::Reopened => {
                eprintln!("writer restarted, generation {}", reader.header().generation);
                (index, sequence) = print_present(&mut reader, symbol)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut wait = Wait::Sleep(Duration::from_micros(500));
    if arguments.first().is_some_and(|first| first == "--spin") {
        wait = Wait::Spin;
        arguments.remove(0);
    }
    let Some(symbol) = arguments.first() else {
        eprintln!("usage: top_of_book [--spin] SYMBOL [NAME]\nexample: top_of_book BTCUSDT market_data_shm");
        return ExitCode::from(2);
    };
    match follow(arguments.get(1).map_or("market_data_shm", String::as_str), symbol, wait) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
