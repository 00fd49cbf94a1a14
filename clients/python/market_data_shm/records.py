"""What a region's records hold. Prices, quantities and statistics are kept as mantissas (whole numbers) with their scales;
`bids`, `price`, `last_price` and so on are values: mantissa / 10^scale, the double nearest to the decimal."""

import struct
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Tuple

from . import layout

if TYPE_CHECKING:
    import numpy

STATES = ("syncing", "live", "stale", "resyncing")
REASONS = (
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
)
SOURCES = ("diff", "partial")

_POWERS = tuple(float(10**scale) for scale in range(layout.SCALE_MAX + 1))
_BOOK = struct.Struct("<8xqqqqI4xBBBxBBBxqIIdddd24x")
_TRADE = struct.Struct("<8xqqqqI4x??2xBB2xqddq40x")
_STATUS = struct.Struct("<8xqqqqI4xBB6xq")

Level = Tuple[float, float]


def value(mantissa: float, scale: int) -> float:
    """mantissa / 10^scale, equal to what parsing the exchange's text gives."""
    return mantissa / _POWERS[scale]


def _name(names: Tuple[str, ...], code: int) -> str:
    return names[code] if code < len(names) else f"unknown({code})"


class Book:
    """The whole top of a book after one update. Times are ns since the Unix epoch, 0 when absent. Owns its bytes."""

    __slots__ = (
        "sequence",
        "publish_time_ns",
        "receive_time_ns",
        "exchange_time_ns",
        "symbol_index",
        "symbol",
        "state",
        "reason",
        "source",
        "price_scale",
        "quantity_scale",
        "last_price_scale",
        "last_update_id",
        "bid_count",
        "ask_count",
        "last_price_mantissa",
        "volume_24h_mantissa",
        "high_24h_mantissa",
        "low_24h_mantissa",
        "_raw",
    )

    sequence: int
    publish_time_ns: int
    receive_time_ns: int
    exchange_time_ns: int
    symbol_index: int
    symbol: str
    state: str
    reason: str
    source: str
    """"diff": built from the diff stream on a snapshot; "partial": the exchange's own partial-depth frames."""
    price_scale: int
    quantity_scale: int
    last_price_scale: int
    last_update_id: int
    """-1 when there was none yet."""
    bid_count: int
    ask_count: int
    last_price_mantissa: float
    """NaN while unknown, as the statistics."""
    volume_24h_mantissa: float
    high_24h_mantissa: float
    low_24h_mantissa: float

    def __init__(self, raw: bytes, symbols: Tuple[str, ...]) -> None:
        (
            self.sequence,
            self.publish_time_ns,
            self.receive_time_ns,
            self.exchange_time_ns,
            self.symbol_index,
            state,
            reason,
            source,
            self.price_scale,
            self.quantity_scale,
            self.last_price_scale,
            self.last_update_id,
            self.bid_count,
            self.ask_count,
            self.last_price_mantissa,
            self.volume_24h_mantissa,
            self.high_24h_mantissa,
            self.low_24h_mantissa,
        ) = _BOOK.unpack_from(raw)
        self.symbol = symbols[self.symbol_index]
        self.state = _name(STATES, state)
        self.reason = _name(REASONS, reason)
        self.source = _name(SOURCES, source)
        self._raw = raw

    @property
    def is_live(self) -> bool:
        """Only a live book has levels; in the ring all are."""
        return self.state == "live"

    @property
    def bid_mantissas(self) -> List[Level]:
        """(price, quantity) as whole numbers, best (highest) first."""
        return self._levels(layout.FIXED_BYTES, self.bid_count)

    @property
    def ask_mantissas(self) -> List[Level]:
        """(price, quantity) as whole numbers, best (lowest) first."""
        return self._levels(layout.FIXED_BYTES + layout.LEVEL_BYTES * self.bid_count, self.ask_count)

    @property
    def bids(self) -> List[Level]:
        """(price, quantity), best (highest) first."""
        return self._values(layout.FIXED_BYTES, self.bid_count)

    @property
    def asks(self) -> List[Level]:
        """(price, quantity), best (lowest) first."""
        return self._values(layout.FIXED_BYTES + layout.LEVEL_BYTES * self.bid_count, self.ask_count)

    @property
    def best_bid(self) -> Optional[Level]:
        """(price, quantity), or None without bids."""
        return self._values(layout.FIXED_BYTES, 1)[0] if self.bid_count else None

    @property
    def best_ask(self) -> Optional[Level]:
        """(price, quantity), or None without asks."""
        first = layout.FIXED_BYTES + layout.LEVEL_BYTES * self.bid_count
        return self._values(first, 1)[0] if self.ask_count else None

    @property
    def last_price(self) -> float:
        """NaN while unknown, as the statistics."""
        return self.last_price_mantissa / _POWERS[self.last_price_scale]

    @property
    def volume_24h(self) -> float:
        return self.volume_24h_mantissa / _POWERS[self.quantity_scale]

    @property
    def high_24h(self) -> float:
        return self.high_24h_mantissa / _POWERS[self.price_scale]

    @property
    def low_24h(self) -> float:
        return self.low_24h_mantissa / _POWERS[self.price_scale]

    def numpy(self) -> "Tuple[numpy.ndarray, numpy.ndarray]":
        """Bids and asks as read-only float64 arrays of shape (levels, 2): price and quantity mantissas, without a copy.

        >>> bids, asks = book.numpy()
        >>> prices = bids[:, 0] / 10**book.price_scale
        """
        import numpy

        levels = numpy.frombuffer(self._raw, "<f8", 2 * (self.bid_count + self.ask_count), layout.FIXED_BYTES).reshape(-1, 2)
        return levels[: self.bid_count], levels[self.bid_count :]

    def _levels(self, offset: int, count: int) -> List[Level]:
        numbers = struct.unpack_from(f"<{2 * count}d", self._raw, offset)
        return list(zip(numbers[::2], numbers[1::2]))

    def _values(self, offset: int, count: int) -> List[Level]:
        price_power, quantity_power = _POWERS[self.price_scale], _POWERS[self.quantity_scale]
        return [(price / price_power, quantity / quantity_power) for price, quantity in self._levels(offset, count)]

    def __repr__(self) -> str:
        return f"Book({self.symbol} {self.state} update {self.last_update_id}, {self.best_bid} | {self.best_ask})"


class Trade(NamedTuple):
    """Times are ns since the Unix epoch, 0 when absent."""

    sequence: int
    publish_time_ns: int
    receive_time_ns: int
    exchange_time_ns: int
    symbol_index: int
    is_buyer_maker: bool
    """True: a sell order hit a bid."""
    is_refill: bool
    """True: it came late, to fill a gap."""
    price_scale: int
    quantity_scale: int
    trade_id: int
    price_mantissa: float
    quantity_mantissa: float
    trade_time_ns: int
    symbol: str

    @property
    def price(self) -> float:
        return self.price_mantissa / _POWERS[self.price_scale]

    @property
    def quantity(self) -> float:
        return self.quantity_mantissa / _POWERS[self.quantity_scale]


class Status(NamedTuple):
    """A symbol's state changed. Times are ns since the Unix epoch, 0 when absent."""

    sequence: int
    publish_time_ns: int
    receive_time_ns: int
    """When it happened."""
    exchange_time_ns: int
    symbol_index: int
    state: str
    reason: str
    last_update_id: int
    """Of the last applied update; -1 when there was none."""
    symbol: str


def decode_trade(raw: bytes, symbols: Tuple[str, ...]) -> Trade:
    fields = _TRADE.unpack_from(raw)
    return Trade._make((*fields, symbols[fields[4]]))


def decode_status(raw: bytes, symbols: Tuple[str, ...]) -> Status:
    *common, symbol_index, state, reason, last_update_id = _STATUS.unpack_from(raw)
    names = _name(STATES, state), _name(REASONS, reason)
    return Status._make((*common, symbol_index, *names, last_update_id, symbols[symbol_index]))


def impossibility(raw: bytes, record_type: int, symbol_count: int, depth_max: int) -> Optional[str]:
    """Why a stable record of a known type cannot be, or None."""
    needed = layout.STATUS_BYTES if record_type == layout.TYPE_STATUS else layout.FIXED_BYTES
    if len(raw) < needed:
        return f"length {len(raw)}"
    if int.from_bytes(raw[40:44], "little") >= symbol_count:
        return "symbol_index"
    if record_type == layout.TYPE_STATUS:
        return None
    if max(raw[52:55] if record_type == layout.TYPE_BOOK else raw[52:54]) > layout.SCALE_MAX:
        return "scale"
    if record_type == layout.TYPE_BOOK:
        bids, asks = struct.unpack_from("<II", raw, 64)
        if max(bids, asks) > depth_max or layout.FIXED_BYTES + layout.LEVEL_BYTES * (bids + asks) > len(raw):
            return "level count"
    return None


def has_right_checksum(raw: bytes) -> bool:
    """FNV-1a over the record's 32-bit words, the checksum's own left out."""
    words = memoryview(raw).cast("I")
    checksum = 0x811C9DC5
    for index, word in enumerate(words):
        if index != layout.CHECKSUM_WORD:
            checksum = ((checksum ^ word) * 0x01000193) & 0xFFFFFFFF
    return checksum == words[layout.CHECKSUM_WORD]
