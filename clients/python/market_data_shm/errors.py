"""The documented errors: docs/SHM_LAYOUT.md, section 9. Each class has the code that every language uses."""


class ShmError(Exception):
    """Base of all errors of this package; `code` is the documented spelling."""

    code = "UNAVAILABLE"

    def __str__(self) -> str:
        return f"{self.code}: {super().__str__()}"


class NotFound(ShmError):
    """No file under the name: no writer has run yet."""

    code = "NOT_FOUND"


class PermissionRefused(ShmError):
    """The file may not be opened."""

    code = "PERMISSION"


class NotARegion(ShmError):
    """Not a regular file, a symbolic link, shorter than a header, or wrong magic."""

    code = "NOT_A_REGION"


class WrongVersion(ShmError):
    """Another layout version; the message names it."""

    code = "WRONG_VERSION"


class Truncated(ShmError):
    """The file is shorter than its header says."""

    code = "TRUNCATED"


class Corrupt(ShmError):
    """The header contradicts itself, a stable record is impossible, or (when verifying) a checksum is wrong."""

    code = "CORRUPT"


class UnknownSymbol(ShmError):
    """Not in the directory; the message lists some that are."""

    code = "UNKNOWN_SYMBOL"


class SlotUnfinished(ShmError):
    """A slot stayed half-written: its writer was stopped or killed in the middle."""

    code = "SLOT_UNFINISHED"


class Unavailable(ShmError):
    """This platform cannot map the region, or the reader is closed."""

    code = "UNAVAILABLE"
