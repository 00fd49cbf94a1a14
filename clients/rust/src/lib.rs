//! Reads the shared-memory region of the market-data service: the whole current top-N book of every symbol at once, then
//! every book update, trade and status change in order. Layout version 1; the format is `docs/SHM_LAYOUT.md`.
//!
//! ```no_run
//! use market_data_shm::{Event, Reader, Wait};
//!
//! # fn main() -> Result<(), market_data_shm::Error> {
//! let mut reader = Reader::open("market_data_shm")?;
//! let book = reader.latest("BTCUSDT")?;
//! if let Some(bid) = book.bids.first() {
//!     println!("best bid {}", book.price(bid.price));
//! }
//! while let Some(event) = reader.wait_event(Wait::Spin, None)? {
//!     match event {
//!         Event::Book(book) => println!("update {}", book.last_update_id),
//!         Event::Trade(trade) => println!("trade {} at {}", trade.trade_id, trade.price_value()),
//!         Event::Status(status) => println!("{} because of {}", status.state, status.reason),
//!         Event::Lost(bytes) => println!("lost {bytes} bytes: the latest slots have the present"),
//!         Event::Writer(state) => println!("writer {state}"),
//!         Event::Reopened => println!("writer restarted: resolve symbol indexes anew"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Linux, 64-bit, little-endian; elsewhere `open` returns [`ErrorCode::Unavailable`]. No dependencies.

#![forbid(unsafe_op_in_unsafe_fn)]

mod error;
mod header;
mod layout;
mod mapping;
mod reader;
mod record;
mod writer;

pub use error::{Error, ErrorCode};
pub use header::Header;
pub use reader::{Event, Reader, Wait};
pub use record::{value, Book, Level, Reason, State, Status, Trade};
pub use writer::WriterState;
