"""Lines and dots: the two framings that SMTP and POP3 share, as incremental readers and writers.

`LineBuffer` cuts received octets into CRLF lines, `DotReader` finds the end of a dot-terminated body and
takes the stuffing out, `DotWriter` puts it in. None of them looks at an octet twice, and none holds more than
one line (`LineBuffer`) or four octets (`DotReader`).
"""

import re
from collections.abc import Iterable, Iterator

from blaze.core.errors import DataError, RemoteProtocolError
from blaze.core.mail.newline import is_crlf

CRLF = b"\r\n"
_STUFFED = b"\r\n."
_FIRST_STUFFED = re.compile(rb"\r\n\.")  # found in half the time of `find`
_TERMINATOR = b"\r\n.\r\n"
_DOT_LINE = re.compile(rb"\n\.")  # twice as fast as `in` where newlines abound


class LineTooLong(RemoteProtocolError):  # noqa: N818 - reads as the event it is
    """The peer sent a line over the limit; the rest of that line is dropped when reading goes on."""


class BareNewline(RemoteProtocolError):  # noqa: N818
    """The peer ended a line with LF alone, or put a CR inside it (RFC 5321 §2.3.8)."""


class LineBuffer:
    """Received octets, taken out as CRLF lines or by count.

    Cost is linear in the octets received however they are cut: the part already searched for a newline is not
    searched again. What comes when nothing waits, as most octets do, is kept as it is and not copied.
    """

    __slots__ = ("_data", "_searched", "_skipping", "_start")

    def __init__(self) -> None:
        self._data: bytes | bytearray = b""
        self._start = 0  # what is before was taken
        self._searched = 0
        self._skipping = False

    def __len__(self) -> int:
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Append what the peer sent."""
        waiting = self._data
        if not waiting:
            self._data = data
            return
        if not isinstance(waiting, bytearray):
            self._data = waiting = bytearray(waiting)
        del waiting[: self._start]
        self._searched -= self._start
        self._start = 0
        waiting += data

    def next_line(self, limit: int) -> bytes | None:
        """Take the next line, without its CRLF; None when it is not complete yet.

        `limit` counts the octets of a line with its CRLF.

        Raises:
            LineTooLong: the line is longer; what follows it can still be read.
            BareNewline: it ended in LF alone or holds a CR (RFC 5321 §2.3.8); the line is consumed.
        """
        data, start = self._data, self._start
        if not data:
            return None
        end = data.find(b"\n", self._searched)
        if end < 0 or self._skipping:
            return self._next_part(end, limit)
        if end + 1 == len(data):
            self._data = b""
            self._start = self._searched = 0
        else:
            self._start = self._searched = end + 1
        if end - start >= limit:
            raise LineTooLong(f"line of more than {limit} octets")
        if end == start or data.find(b"\r", start, end) != end - 1:
            raise BareNewline("line with a bare CR or LF")
        return bytes(data[start : end - 1])

    def _next_part(self, end: int, limit: int) -> bytes | None:
        """Go on with a line of which only a part is there, or that is too long and ends at `end`."""
        if self._skipping:
            self.take(end + 1 - self._start if end >= 0 else len(self))
            self._skipping = end < 0
            return self.next_line(limit)
        self._searched = len(self._data)
        if len(self) < limit:
            return None
        self.clear()
        self._skipping = True
        raise LineTooLong(f"line of more than {limit} octets")

    def startswith(self, octets: bytes) -> bool:
        """Whether what waits begins with `octets`."""
        return self._data.startswith(octets, self._start)

    def take(self, count: int) -> bytes:
        """Take up to `count` octets, whatever they are."""
        end = self._start + count
        taken = bytes(self._data[self._start : end])
        if end >= len(self._data):
            self._data = b""
            end = 0
        self._start = self._searched = end
        return taken

    def clear(self) -> bytes:
        """Take everything."""
        return self.take(len(self._data))


class DotReader:
    """Reads a body that ends at CRLF.CRLF, incrementally (RFC 5321 §4.5.2, RFC 1939 §3).

    `feed` gives the octets without the stuffing and without the final dot line. Only CRLF.CRLF ends a body: a
    dot between bare newlines is part of it, and `bare_newline` then says so (the smuggling attacks). With
    `normalize` every bare CR or LF becomes CRLF in what is given out.
    """

    __slots__ = ("_held", "_normalize", "_skip", "bare_newline", "done", "rest")

    def __init__(self, *, normalize: bool = False) -> None:
        self._held = CRLF  # the body begins at the beginning of a line
        self._skip = len(CRLF)
        self._normalize = normalize
        self.bare_newline = False
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        """Take `data`, and give the part of the body that is certain by now.

        When the end is found `done` becomes True and `rest` holds what came after it. An empty result means
        that more is needed, or that the body is empty.
        """
        if self.done:
            self.rest += data
            return b""
        if self._held:
            data = self._held + data
        stuffed = _FIRST_STUFFED.search(data)
        dot = stuffed.start() if stuffed else -1
        end = data.find(_TERMINATOR, dot) if stuffed else -1
        if end >= 0:
            self.done = True
            self.rest = data[end + len(_TERMINATOR) :]
            self._held = b""
            return self._unstuff(data[: end + len(CRLF)], is_stuffed=dot < end)
        cut = len(data) - _terminator_begun(data)
        self._held = data[cut:]
        return self._unstuff(data[:cut], is_stuffed=dot >= 0) if cut else b""

    def _unstuff(self, data: bytes, *, is_stuffed: bool) -> bytes:
        self.bare_newline = self.bare_newline or not is_crlf(data)
        if is_stuffed:
            data = data.replace(_STUFFED, CRLF)
        if self._skip:
            data = data[self._skip :]
            self._skip = 0
        if self._normalize and self.bare_newline:
            return data.replace(CRLF, b"\n").replace(b"\r", b"\n").replace(b"\n", CRLF)
        return data


def _terminator_begun(data: bytes) -> int:
    """How many of the last octets of `data` may be the beginning of the terminator."""
    if data.endswith(b"\r\n.\r"):
        return 4
    if data.endswith(b"\r\n."):
        return 3
    if data.endswith(CRLF):
        return 2
    return 1 if data.endswith(b"\r") else 0


class CRLFWriter:
    """Turns LF and CRLF, mixed or not, into CRLF, incrementally.

    Raises:
        DataError: from `feed` or `finish`, when the text has a CR that no LF follows; `where` is its
            octet offset.
    """

    __slots__ = ("_held", "_offset")

    def __init__(self) -> None:
        self._held = b""
        self._offset = 0

    def feed(self, data: bytes) -> bytes:
        """Take the next octets and give them with CRLF newlines; a final CR waits for what follows it."""
        if self._held:
            data = self._held + data
            self._held = b""
        if data.endswith(b"\r"):
            self._held = b"\r"
            data = data[:-1]
        if not is_crlf(data):
            pairs = data.count(CRLF)
            if data.count(b"\r") != pairs:
                raise DataError("bare CR", where=f"octet {self._offset + _bare_return(data)}")
            self._offset += len(data)
            return (data.replace(CRLF, b"\n") if pairs else data).replace(b"\n", CRLF)
        self._offset += len(data)
        return data

    def finish(self) -> None:
        """Nothing more comes."""
        if self._held:
            raise DataError("bare CR", where=f"octet {self._offset}")


def _bare_return(data: bytes) -> int:
    at = data.find(b"\r")
    while data[at + 1 : at + 2] == b"\n":
        at = data.find(b"\r", at + 2)
    return at


class DotWriter:
    """Stuffs dots into a body of CRLF lines and ends it, incrementally (RFC 5321 §4.5.2).

    What `feed` is given must hold no bare CR or LF and never end between CR and LF: `CRLFWriter` gives just
    that.
    """

    __slots__ = ("_line_start",)

    def __init__(self) -> None:
        self._line_start = True

    def feed(self, data: bytes) -> bytes:
        """Take the next octets of the body and give them as they go on the wire."""
        if not data:
            return data
        stuffed = data.replace(b"\r\n.", b"\r\n..") if _DOT_LINE.search(data) else data
        if self._line_start and data.startswith(b"."):
            stuffed = b"." + stuffed
        self._line_start = data.endswith(CRLF)
        return stuffed

    def finish(self) -> bytes:
        """The dot line; with a CRLF before it when the last line had none."""
        return b".\r\n" if self._line_start else b"\r\n.\r\n"


def iter_crlf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks with every newline as CRLF; raises DataError at a bare CR (`CRLFWriter`)."""
    writer = CRLFWriter()
    for chunk in chunks:
        if line := writer.feed(chunk):
            yield line
    writer.finish()


def iter_dot_stuffed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A body as it goes after DATA: CRLF newlines, stuffed dots, the final dot line.

    Raises:
        DataError: the body has a bare CR; nothing of its chunk was given out.
    """
    writer = DotWriter()
    for chunk in iter_crlf(chunks):
        yield writer.feed(chunk)
    yield writer.finish()
