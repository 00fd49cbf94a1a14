"""The constant part of a region's header, and the checks before a file is mapped."""

import struct
from typing import NamedTuple, Optional

from . import layout
from .errors import Corrupt, NotARegion, Truncated, WrongVersion

_FIELDS = struct.Struct("<8sIIqqqIIIIqqqqq")


class Header(NamedTuple):
    """Sizes, offsets and positions are bytes; times are ns since the Unix epoch."""

    layout_version: int
    flags: int
    """Bit 0: records carry checksums."""
    total_bytes: int
    generation: int
    """1 for a new name, one more with every restart of the writer."""
    start_time_ns: int
    writer_pid: int
    symbol_count: int
    depth_max: int
    """Most levels a side."""
    slot_stride: int
    first_position: int
    """Position of the region's first record."""
    directory_offset: int
    slots_offset: int
    ring_offset: int
    ring_capacity: int


def parse_header(first_bytes: bytes, file_bytes: int, path: str) -> Header:
    """Steps 2 to 4 of "Checks before use". Python's integers cannot overflow."""
    if len(first_bytes) < layout.HEADER_BYTES:
        raise NotARegion(f"{path} is shorter than a header")
    magic, *fields = _FIELDS.unpack_from(first_bytes)
    if magic != layout.MAGIC:
        raise NotARegion(f"{path} is not a market-data region: wrong magic")
    header = Header(*fields)
    if header.layout_version != layout.LAYOUT_VERSION:
        raise WrongVersion(f"{path} has layout version {header.layout_version}, this package knows {layout.LAYOUT_VERSION}")
    if header.total_bytes > file_bytes:
        raise Truncated(f"the header of {path} says {header.total_bytes} bytes, the file has {file_bytes}")
    contradiction = _contradiction(header)
    if contradiction is not None:
        raise Corrupt(f"{path}: {contradiction} is impossible")
    return header


def _contradiction(h: Header) -> Optional[str]:
    if not 0 <= h.total_bytes <= layout.SIZE_MAX:
        return "total_bytes"
    if h.directory_offset != layout.DIRECTORY_OFFSET:
        return "directory_offset"
    if not 1 <= h.symbol_count <= layout.COUNT_MAX:
        return "symbol_count"
    if not 1 <= h.depth_max <= layout.COUNT_MAX:
        return "depth_max"
    if h.slot_stride % 64 or h.slot_stride < 192 + 32 * h.depth_max:
        return "slot_stride"
    if not _is_aligned(h.slots_offset) or h.slots_offset < layout.DIRECTORY_OFFSET + layout.SYMBOL_BYTES * h.symbol_count:
        return "slots_offset"
    if not _is_aligned(h.ring_offset) or h.ring_offset < h.slots_offset + h.slot_stride * h.symbol_count:
        return "ring_offset"
    if not _is_aligned(h.ring_capacity) or h.ring_capacity < 512 or h.ring_offset + h.ring_capacity > h.total_bytes:
        return "ring_capacity"
    if not _is_aligned(h.first_position):
        return "first_position"
    return None


def _is_aligned(size: int) -> bool:
    return 0 <= size <= layout.SIZE_MAX and size % 64 == 0
