"""Messages with LF in a format that knows CRLF only."""

from collections.abc import Iterator
from typing import NamedTuple

from blaze.core.mail import window
from blaze.core.mail.header import Buffer
from blaze.core.mail.newline import is_crlf
from blaze.core.store import atomic


class Crlf(NamedTuple):
    """A message as a pack holds it, and how its own newlines were.

    `newline` is `lf` where LF became CRLF, `crlf` where every newline is CRLF, and empty where newlines are
    mixed or there is none: those octets are as they were.
    """

    buffer: Buffer
    start: int
    end: int
    newline: str


def to_crlf(buffer: Buffer, start: int, end: int) -> Crlf:
    """The message in `start`..`end` with CRLF in place of LF, if it has no CR; a large one goes to a file."""
    if window.find(buffer, b"\r", start, end) >= 0:
        newline = "crlf" if _is_crlf(buffer, start, end) else ""
        return Crlf(buffer, start, end, newline)
    if window.find(buffer, b"\n", start, end) < 0:
        return Crlf(buffer, start, end, "")
    chunks = window.iter_chunks(buffer, start, end)
    held = atomic.spool(chunk.replace(b"\n", b"\r\n") for chunk in chunks)
    return Crlf(held, 0, len(held), "lf")


def to_lf(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The octets with every CRLF made LF, in chunks."""
    held = b""
    for chunk in chunks:
        joined = held + chunk
        held = b"\r" if joined.endswith(b"\r") else b""
        yield (joined[:-1] if held else joined).replace(b"\r\n", b"\n")
    yield held


def _is_crlf(buffer: Buffer, start: int, end: int) -> bool:
    """True when no CR and no LF stands alone."""
    last = b""
    for chunk in window.iter_chunks(buffer, start, end):
        joined = last + chunk
        last = b"\r" if joined.endswith(b"\r") else b""
        whole = joined[:-1] if last else joined
        if not is_crlf(whole):
            return False
    return not last
