"""The reader: the present book of a symbol, and the events of the ring."""

import os
import time
from typing import Iterator, NamedTuple, Optional, Tuple, Union

from . import layout
from .errors import Corrupt, NotFound, SlotUnfinished, Unavailable, UnknownSymbol
from .header import Header
from .records import Book, Status, Trade, decode_status, decode_trade, has_right_checksum, impossibility
from .region import Region

HEARTBEAT_TIMEOUT_NS = 1_000_000_000
CHECK_INTERVAL_S = 0.1
SLOT_TIMEOUT_S = 0.1
SLEEP_S = 0.0005
_SPINS_BETWEEN_CLOCK_READS = 200
_KNOWN_TYPES = (layout.TYPE_BOOK, layout.TYPE_TRADE, layout.TYPE_STATUS)


class Lost(NamedTuple):
    """So many bytes were overwritten before they were read. `Reader.latest` has the present."""

    bytes: int


class WriterChanged(NamedTuple):
    """The writer's life changed: "live", "silent" (killed or stopped), "closed" or "replaced"."""

    state: str


class Reopened(NamedTuple):
    """A restarted writer's region is attached: resolve symbol indexes anew."""

    generation: int


Event = Union[Book, Trade, Status, Lost, WriterChanged, Reopened]


def open_region(name_or_path: Union[str, "os.PathLike[str]"] = "market_data_shm", *, verify: bool = False) -> "Reader":
    """Attaches to `/dev/shm/<name>`, or to a path when it has a slash. `verify`: check each record's checksum where the region has them.

    Raises NotFound, PermissionRefused, NotARegion, WrongVersion, Truncated, Corrupt or Unavailable.
    """
    path = os.fspath(name_or_path)
    if not path:
        raise NotFound("the name is empty")
    return Reader(path if "/" in path else f"/dev/shm/{path}", verify=verify)


class Reader:
    """Reads one region; use `open_region`. It never writes to the region and takes no lock on it. For one thread at a time.

    A reader starts at what comes next. `seek(header.first_position)` reads everything that is still in the ring.
    """

    def __init__(self, path: str, *, verify: bool = False) -> None:
        self.path = path
        self.verify = verify
        self.slot_timeout_s = SLOT_TIMEOUT_S
        """How long `latest` retries a half-written slot."""
        self._region: Optional[Region] = None
        self._attach(Region(path))

    def _attach(self, region: Region) -> None:
        old, self._region = self._region, region
        self._symbol_indexes = {symbol: index for index, symbol in reversed(list(enumerate(region.symbols)))}
        self._checks = self.verify and bool(region.header.flags & layout.FLAG_CHECKSUMS)
        self._cursor = region.load(layout.TAIL)
        self._last_beat: Optional[int] = None
        self._last_change_ns = 0
        self._reported = "live"
        self._next_check_s = 0.0
        if old is not None:
            old.close()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Unmaps the region. May be called twice. Calls after it raise Unavailable."""
        if self._region is not None:
            self._region.close()
            self._region = None

    def _open(self) -> Region:
        if self._region is None:
            raise Unavailable("the reader is closed")
        return self._region

    @property
    def header(self) -> Header:
        """The constant part of the header."""
        return self._open().header

    @property
    def symbols(self) -> Tuple[str, ...]:
        """In the order of their indexes."""
        return self._open().symbols

    def symbol_index(self, symbol: str) -> int:
        """Raises UnknownSymbol."""
        index = self._symbol_indexes.get(symbol)
        if index is None:
            raise UnknownSymbol(f"no symbol {symbol!r}; there are {', '.join(self.symbols[:4])}")
        return index

    # --- the latest slots

    def latest(self, symbol: Union[str, int]) -> Book:
        """The present book of a symbol, by name or index. Look at its `state`: only a live one has levels.

        Raises UnknownSymbol, SlotUnfinished or Corrupt.
        """
        region = self._open()
        header = region.header
        index = self.symbol_index(symbol) if isinstance(symbol, str) else symbol
        if not 0 <= index < header.symbol_count:
            raise UnknownSymbol(f"index {index} is not in the directory")
        slot = header.slots_offset + index * header.slot_stride
        deadline = time.monotonic() + self.slot_timeout_s
        while True:
            before = region.load(slot)
            region.fence()
            if before % 2 == 0:
                length = region.load4(slot + layout.SLOT_RECORD)
                is_possible = length % 64 == 0 and 0 < length <= header.slot_stride - layout.SLOT_RECORD
                raw = region.copy(slot + layout.SLOT_RECORD, length) if is_possible else b""
                region.fence()
                if region.load(slot) == before:
                    break
            if time.monotonic() >= deadline:
                raise SlotUnfinished(f"the writer stopped in the middle of the slot of {region.symbols[index]}")
        if not is_possible:
            raise Corrupt(f"the slot of {region.symbols[index]} has length {length}")
        if int.from_bytes(raw[4:8], "little") != layout.TYPE_BOOK:
            raise Corrupt(f"the slot of {region.symbols[index]} does not hold a book")
        self._check(raw, layout.TYPE_BOOK, region)
        book = Book(raw, region.symbols)
        if book.symbol_index != index:
            raise Corrupt(f"the slot of {region.symbols[index]} holds the book of {book.symbol}")
        return book

    def _check(self, raw: bytes, record_type: int, region: Region) -> None:
        problem = None
        if record_type in _KNOWN_TYPES:
            problem = impossibility(raw, record_type, region.header.symbol_count, region.header.depth_max)
        if problem is not None:
            raise Corrupt(f"a record of type {record_type} has an impossible {problem}")
        if self._checks and not has_right_checksum(raw):
            raise Corrupt("a record's checksum is wrong")

    # --- the ring

    def next(self) -> Union[Book, Trade, Status, Lost, None]:
        """The next event of the ring, None when there is nothing new; never waits.

        Raises Corrupt; the reader then stays where it is, and `seek` moves on.
        """
        region = self._open()
        capacity = region.header.ring_capacity
        while True:
            cursor, tail = self._cursor, region.load(layout.TAIL)
            if cursor == tail:
                return None
            region.fence()
            if cursor > tail or tail % 64:
                raise Corrupt(f"the ring's tail is {tail}")
            if tail - cursor > capacity:
                return self._take_loss(region)
            offset = cursor % capacity
            start = region.header.ring_offset + offset
            length, record_type = region.load4(start), region.load4(start + 4)
            is_possible = length % 64 == 0 and 0 < length <= min(capacity - offset, tail - cursor)
            raw = region.copy(start, length) if is_possible and record_type != layout.TYPE_PADDING else b""
            region.fence()
            if region.load(layout.TAIL_INTENT) - cursor > capacity:
                return self._take_loss(region)
            if not is_possible:
                raise Corrupt(f"a record of length {length} at position {cursor}")
            if record_type != layout.TYPE_PADDING:
                self._check(raw, record_type, region)
            self._cursor = cursor + length
            if record_type == layout.TYPE_BOOK:
                return Book(raw, region.symbols)
            if record_type == layout.TYPE_TRADE:
                return decode_trade(raw, region.symbols)
            if record_type == layout.TYPE_STATUS:
                return decode_status(raw, region.symbols)

    def _take_loss(self, region: Region) -> Lost:
        tail = region.load(layout.TAIL)
        region.fence()
        if tail < self._cursor or tail % 64:
            raise Corrupt(f"the ring's tail is {tail}")
        lost = Lost(tail - self._cursor)
        self._cursor = tail
        return lost

    def wait(self, timeout_s: Optional[float] = None, *, sleep_s: float = SLEEP_S) -> Optional[Event]:
        """The next event, waiting for at most `timeout_s` (None: without end), after which it is None.

        Polls every `sleep_s`; 0 spins: the lowest latency, one core. Also reports changes of the writer's life, and attaches to a
        restarted writer's region, whose records it then reads from the first.

        Raises Corrupt, and the errors of `open_region` when a new region cannot be attached: the reader then stays with the
        old one and tries again at the next call.
        """
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            event: Optional[Event] = self.next()
            if event is not None:
                return event
            now = time.monotonic()
            if now >= self._next_check_s:
                event = self._check_writer()
                if event is not None:
                    return event
            if deadline is not None and now >= deadline:
                return None
            if sleep_s > 0:
                time.sleep(sleep_s if deadline is None else min(sleep_s, deadline - now))
            else:
                self._spin()

    def _spin(self) -> None:
        region = self._open()
        cursor = self._cursor
        for _ in range(_SPINS_BETWEEN_CLOCK_READS):
            if region.load(layout.TAIL) != cursor:
                return

    def events(self, *, sleep_s: float = SLEEP_S) -> Iterator[Event]:
        """`wait` without end, as an iterator."""
        while True:
            event = self.wait(None, sleep_s=sleep_s)
            if event is not None:
                yield event

    @property
    def tail(self) -> int:
        """Up to where the writer has written, a position: a byte count that only grows."""
        return self._open().load(layout.TAIL)

    @property
    def position(self) -> int:
        """Where this reader stands."""
        return self._cursor

    def seek(self, position: int) -> None:
        """Moves to a position: `tail` to go on with what comes next, `header.first_position` to read everything that is still
        there (what was overwritten is reported as lost). Raises Corrupt when it is negative or not a multiple of 64."""
        if position < 0 or position % 64:
            raise Corrupt("a position is a multiple of 64")
        self._cursor = position

    # --- the writer's life

    def writer_state(self) -> str:
        """ "live", "silent" (no heartbeat for a second), "closed" or "replaced". `wait` looks every 100 ms when nothing comes."""
        region = self._open()
        state = region.load4(layout.WRITER_STATE)
        region.fence()
        if state == layout.WRITER_CLOSED:
            return "closed"
        if state == layout.WRITER_REPLACED:
            return "replaced"
        beat = region.load(layout.HEARTBEAT_TIME_NS)
        now = time.monotonic_ns()
        if self._last_beat is None:
            self._last_change_ns = now - max(0, min(time.time_ns() - beat, HEARTBEAT_TIMEOUT_NS))
        elif beat != self._last_beat:
            self._last_change_ns = now
        self._last_beat = beat
        return "live" if now - self._last_change_ns < HEARTBEAT_TIMEOUT_NS else "silent"

    def reopen(self) -> bool:
        """Attaches to the file that now stands under the name, if it is another one, and tells whether it did. A missing file is
        not an error. Raises the errors of `open_region`; the reader then stays with the old region."""
        old = self._open()
        try:
            status = os.lstat(self.path)
            if (status.st_dev, status.st_ino) == old.identity:
                return False
            region = Region(self.path)
        except (OSError, NotFound):  # not there, or gone since the look at it
            return False
        self._attach(region)
        self._cursor = region.header.first_position
        return True

    def _check_writer(self) -> Optional[Event]:
        state = self.writer_state()
        if state != "live":
            event = self.next()  # what was written before the state changed comes first
            if event is not None:
                return event
        if state != self._reported:
            self._reported = state
            return WriterChanged(state)
        self._next_check_s = time.monotonic() + CHECK_INTERVAL_S
        if state != "live" and self.reopen():
            return Reopened(self.header.generation)
        return None
