"""Mapping a region's file, and loads from memory that another process may be writing."""

import errno
import mmap
import os
import platform
import stat
import sys
import threading
from typing import Tuple

from . import layout
from .errors import NotARegion, NotFound, PermissionRefused, ShmError, Unavailable
from .header import Header, parse_header

_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_ERRORS = {
    errno.ENOENT: NotFound,
    errno.ENOTDIR: NotFound,
    errno.ENAMETOOLONG: NotFound,
    errno.EACCES: PermissionRefused,
    errno.EPERM: PermissionRefused,
    errno.ELOOP: NotARegion,
    errno.ENXIO: NotARegion,
}
_NEEDS_FENCE = platform.machine().lower() not in ("x86_64", "amd64")


class Region:
    """A checked, read-only mapping of a file.

    Ordering: an 8-byte load is one element of a `memoryview` of 8-byte integers, which CPython copies with a single machine load. x86-64
    does not reorder loads with loads. Elsewhere (arm64) `fence` takes and releases an uncontended lock, which orders them.
    """

    def __init__(self, path: str) -> None:
        if sys.maxsize < 1 << 32 or sys.byteorder != "little" or not hasattr(mmap, "MAP_SHARED"):
            raise Unavailable("needs a 64-bit little-endian system with mmap")
        try:
            descriptor = os.open(path, _FLAGS)
        except OSError as error:
            raise _documented(error, path) from error
        except ValueError as error:  # a NUL in the name
            raise NotFound(f"{path!r}: {error}") from error
        try:
            self.header, self.identity, self._map = _map(descriptor, path)
        finally:
            os.close(descriptor)
        self._bytes = memoryview(self._map)
        whole = len(self._bytes) // 8 * 8
        self._words = self._bytes[:whole].cast("q")
        self._halves = self._bytes[:whole].cast("I")
        self._lock = threading.Lock()
        self._lock.acquire()
        self.symbols = tuple(self._symbol(index) for index in range(self.header.symbol_count))

    def load(self, offset: int) -> int:
        """One aligned 8-byte load, signed."""
        return self._words[offset >> 3]

    def load4(self, offset: int) -> int:
        """One aligned 4-byte load, unsigned."""
        return self._halves[offset >> 2]

    def copy(self, offset: int, length: int) -> bytes:
        """May be torn: believe it only after a check that follows a fence."""
        return bytes(self._bytes[offset : offset + length])

    def fence(self) -> None:
        """Loads before it are done before loads after it."""
        if _NEEDS_FENCE:
            self._lock.release()
            self._lock.acquire()

    def close(self) -> None:
        self._words.release()
        self._halves.release()
        self._bytes.release()
        self._map.close()

    def _symbol(self, index: int) -> str:
        start = layout.DIRECTORY_OFFSET + index * layout.SYMBOL_BYTES
        name = self.copy(start, layout.SYMBOL_BYTES).split(b"\0", 1)[0]
        return name.decode("utf-8", "replace")


def _documented(error: OSError, path: str) -> ShmError:
    return _ERRORS.get(error.errno or 0, Unavailable)(f"{path}: {error.strerror}")


def _map(descriptor: int, path: str) -> Tuple[Header, Tuple[int, int], mmap.mmap]:
    """The checks of docs/SHM_LAYOUT.md section 2, in their order, then the mapping."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise NotARegion(f"{path} is not a regular file")
    header = parse_header(os.pread(descriptor, layout.HEADER_BYTES, 0), status.st_size, path)
    try:
        mapped = mmap.mmap(descriptor, header.total_bytes, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{path}: {error}") from error
    return header, (status.st_dev, status.st_ino), mapped
