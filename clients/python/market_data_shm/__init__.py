"""Reads the shared-memory region of the market-data service: the whole current top-N book of every symbol at once, then
every book update, trade and status change in order. Layout version 1; the format is docs/SHM_LAYOUT.md.

    from market_data_shm import Book, Lost, open_region

    with open_region("market_data_shm") as reader:
        print(reader.latest("BTCUSDT").best_bid)
        for event in reader.events():
            if isinstance(event, Book):
                print(event.symbol, event.last_update_id, event.best_bid, event.best_ask)
            elif isinstance(event, Lost):
                print("lost", event.bytes, "bytes: latest() has the present")

Linux, 64-bit, little-endian; the standard library only, numpy where it is asked for.
"""

from .errors import (
    Corrupt,
    NotARegion,
    NotFound,
    PermissionRefused,
    ShmError,
    SlotUnfinished,
    Truncated,
    Unavailable,
    UnknownSymbol,
    WrongVersion,
)
from .header import Header
from .reader import Lost, Reader, Reopened, WriterChanged, open_region
from .records import Book, Status, Trade, value

__all__ = [
    "Book",
    "Corrupt",
    "Header",
    "Lost",
    "NotARegion",
    "NotFound",
    "PermissionRefused",
    "Reader",
    "Reopened",
    "ShmError",
    "SlotUnfinished",
    "Status",
    "Trade",
    "Truncated",
    "Unavailable",
    "UnknownSymbol",
    "WriterChanged",
    "WrongVersion",
    "open_region",
    "value",
]
