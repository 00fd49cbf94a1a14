"""Prints a region as JSON lines: header, latest slots, then the ring's events. The readers of all languages have this
program with the same output, so that they can be compared line by line.

    dump.py [--verify] [--slot-timeout-ms N] [--from POSITION] FILE...   what is there now, of each file
    dump.py [--verify] --follow NAME                                     everything from the first record until the writer closes
    dump.py [--verify] --summary NAME                                    only counts, until the writer closes or 3 s pass without an event

64-bit integers are JSON strings; NaN is null. Exit code 0; 1 when following ended with an error.
"""

import json
import math
import sys
from typing import Any, Dict, List, Optional, Union

from market_data_shm import Book, Lost, Reader, Reopened, ShmError, SlotUnfinished, Status, Trade, WriterChanged, open_region

_STRINGS = {"sequence", "publish_time_ns", "receive_time_ns", "exchange_time_ns", "last_update_id", "trade_id", "trade_time_ns"}


def number(value: float) -> Union[float, str, None]:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def numbers(level: Any) -> Optional[List[Any]]:
    return None if level is None else [number(value) for value in level]


def fields(record: Any, kind: str, *names: str) -> Dict[str, Any]:
    common = ("sequence", "publish_time_ns", "receive_time_ns", "exchange_time_ns", "symbol_index")
    out: Dict[str, Any] = {"type": kind}
    for name in common + names:
        value = getattr(record, name)
        out[name] = str(value) if name in _STRINGS else value
    return out


def book_fields(book: Book) -> Dict[str, Any]:
    scales = ("price_scale", "quantity_scale", "last_price_scale")
    out = fields(book, "book", "state", "reason", "source", *scales, "last_update_id")
    for name in ("last_price", "volume_24h", "high_24h", "low_24h"):
        out[name] = number(getattr(book, name + "_mantissa"))
    out["bids"] = [numbers(level) for level in book.bid_mantissas]
    out["asks"] = [numbers(level) for level in book.ask_mantissas]
    out["last_price_value"] = number(book.last_price)
    out["best_bid"] = numbers(book.best_bid)
    out["best_ask"] = numbers(book.best_ask)
    return out


def trade_fields(trade: Trade) -> Dict[str, Any]:
    names = ("is_buyer_maker", "is_refill", "price_scale", "quantity_scale", "trade_id", "trade_time_ns")
    out = fields(trade, "trade", *names)
    out["price"], out["quantity"] = number(trade.price_mantissa), number(trade.quantity_mantissa)
    out["price_value"], out["quantity_value"] = number(trade.price), number(trade.quantity)
    return out


def header_fields(key: str, reader: Reader) -> Dict[str, Any]:
    as_strings = {"total_bytes", "generation", "start_time_ns"}
    header = {
        name: str(value) if name in as_strings or name.endswith(("_offset", "_position", "_capacity")) else value
        for name, value in reader.header._asdict().items()
    }
    return {key: header, "symbols": list(reader.symbols)}


def event_fields(event: Any, reader: Reader) -> Dict[str, Any]:
    if isinstance(event, Book):
        return book_fields(event)
    if isinstance(event, Trade):
        return trade_fields(event)
    if isinstance(event, Status):
        return fields(event, "status", "state", "reason", "last_update_id")
    if isinstance(event, Lost):
        return {"lost": str(event.bytes)}
    if isinstance(event, WriterChanged):
        return {"writer": event.state}
    assert isinstance(event, Reopened)
    return header_fields("reopened", reader)


def emit(line: Dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def print_slots(reader: Reader) -> None:
    for index in range(reader.header.symbol_count):
        try:
            emit({"slot": index, "record": book_fields(reader.latest(index))})
        except ShmError as error:
            emit({"error": error.code, "at": "latest"})


def print_ring(reader: Reader) -> None:
    try:
        while True:
            event = reader.next()
            if event is None:
                break
            emit(event_fields(event, reader))
    except ShmError as error:
        emit({"error": error.code, "at": "next"})
        return
    emit({"end": str(reader.position), "liveness": reader.writer_state()})


def follow(reader: Reader) -> bool:
    while True:
        try:
            event = reader.wait(60, sleep_s=0.0002)
        except ShmError as error:
            emit({"error": error.code, "at": "wait"})
            return False
        if event is None:
            emit({"error": "nothing for a minute", "at": "wait"})
            return False
        emit(event_fields(event, reader))
        sys.stdout.flush()
        if event == WriterChanged("closed"):
            print_slots(reader)
            return True


class Counts:
    """`unexplained`: records that are missing without a loss before them."""

    def __init__(self) -> None:
        self.records = self.last_sequence = self.lost_records = self.lost_bytes = 0
        self.unexplained = self.disordered = self.slots = self.unfinished = 0

    def count(self, sequence: int, has_lost: bool) -> None:
        gap = sequence - self.last_sequence - 1
        if gap < 0:
            self.disordered += 1
        elif gap > 0 and not has_lost:
            self.unexplained += 1
        else:
            self.lost_records += gap
        self.last_sequence = sequence
        self.records += 1

    def read_slot(self, reader: Reader) -> None:
        try:
            reader.latest(self.slots % reader.header.symbol_count)
            self.slots += 1
        except SlotUnfinished:
            self.unfinished += 1


def summarize(reader: Reader) -> bool:
    """Reads everything, and a slot now and then and after each loss, and counts."""
    counts = Counts()
    has_lost, writer = False, "live"
    try:
        while True:
            event = reader.wait(3, sleep_s=0.0002)
            if isinstance(event, WriterChanged):
                writer = event.state
            if event is None or writer == "closed":
                emit({**vars(counts), "position": reader.position, "writer": writer})
                return True
            if isinstance(event, Lost):
                counts.lost_bytes += event.bytes
                has_lost = True
            elif isinstance(event, (Book, Trade, Status)):
                counts.count(event.sequence, has_lost)
                has_lost = False
            if has_lost or counts.records % 64 == 0:
                counts.read_slot(reader)
    except ShmError as error:
        emit({"error": error.code, "at": "wait"})
        return False


def main() -> int:
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    verify = is_following = is_summary = False
    start: Optional[int] = None
    slot_timeout_s = 0.1
    arguments = iter(sys.argv[1:])
    is_fine = True
    for argument in arguments:
        if argument == "--verify":
            verify = True
        elif argument == "--follow":
            is_following = True
        elif argument == "--summary":
            is_following = is_summary = True
        elif argument == "--from":
            start = int(next(arguments))
        elif argument == "--slot-timeout-ms":
            slot_timeout_s = int(next(arguments)) / 1000
        else:
            try:
                reader = open_region(argument, verify=verify)
            except ShmError as error:
                emit({"error": error.code, "at": "open"})
                is_fine = is_fine and not is_following
                continue
            with reader:
                reader.slot_timeout_s = slot_timeout_s
                if not is_summary:
                    emit(header_fields("header", reader))
                    sys.stdout.flush()
                reader.seek(reader.header.first_position if start is None else start)
                if is_following:
                    is_fine = summarize(reader) if is_summary else follow(reader)
                else:
                    print_slots(reader)
                    print_ring(reader)
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main())
