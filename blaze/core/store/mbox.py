"""Reading an mbox, of any of its kinds, in one pass and constant memory (RFC 4155).

The kinds differ in how a body line that looks like a separator is kept. mboxo writes `>From `; mboxrd adds
a `>` to every line of `>`s and `From `; mboxcl writes `>From ` and a Content-Length; mboxcl2 only the latter.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer, find_empty_line, release
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic
from blaze.core.store.flags import Marks, from_header, is_expunged
from blaze.core.store.source import Doubt, Entry, Reading

KINDS = ("mboxo", "mboxrd", "mboxcl", "mboxcl2")

MAX_HEADER = 1 << 20
"""Octets of a message in which the fields that matter to an mbox are looked for."""

MAX_FROM_LINE = 1024
"""Octets of a From line that are looked at."""

MAX_DOUBTS = 10_000
"""Doubtful places kept per reading."""

_WINDOW = 1 << 24  # octets scanned before their pages are let go
_LOOKED_BACK = 1 << 21  # octets before a window that a message across its edge may have touched again

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7} | {
    "bst": 1,
    "ist": 1,
    "cet": 1,
    "cest": 2,
    "met": 1,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "jst": 9,
}


class FromLine(NamedTuple):
    """The line before a message in an mbox: the sender, and the time of delivery in seconds, UTC."""

    sender: bytes
    date: int


class MboxEntry(Entry):
    """A message in an mbox; quoting is undone, its own octets are otherwise untouched."""

    __slots__ = ("_marks", "span")

    def __init__(
        self, path: str, ordinal: str, span: "Span", buffer: Buffer, *, start: int, end: int
    ) -> None:
        super().__init__(f"{path}#{ordinal}", buffer, start, end, path=path, id=ordinal)
        self.span = span
        self._marks: Marks | None = None

    @property
    def offset(self) -> int:
        """Where the message begins in the mbox, after its From line."""
        return self.span.start

    @property
    def marks(self) -> Marks:
        """Flags and labels, from the header (see `flags.from_header`)."""
        if self._marks is None:
            self._marks = from_header(header_octets(self.buffer, self.start, self.end))
        return self._marks

    @property
    def flags(self) -> str:
        """The flags, from Status, X-Status and their kind."""
        return self.marks.flags

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, from X-Keywords and X-Gmail-Labels."""
        return self.marks.labels

    @property
    def is_new(self) -> bool:
        """True when no field says that a program has seen the message."""
        return self.marks.is_new

    @property
    def sender(self) -> bytes:
        """The envelope's sender, from the From line."""
        return self.span.from_line.sender

    @property
    def date_ns(self) -> int:
        """The time in the From line."""
        return self.span.from_line.date * 1_000_000_000


class Span:
    """Where one message lies in an mbox, as octet offsets; `start` is after its From line.

    `quoted` says that a line in it begins with `>` and `From `, `fitted` that its Content-Length decided
    where it ends, `expunged` that Thunderbird has deleted it.
    """

    __slots__ = ("end", "expunged", "fitted", "from_line", "next", "quoted", "start")

    def __init__(self, start: int, from_line: FromLine) -> None:
        self.start = start
        self.from_line = from_line
        self.end = -1
        self.next = -1
        self.quoted = False
        self.fitted = False
        self.expunged = False


def iter_entries(path: str, buffer: Buffer, reading: Reading) -> Iterator[Entry]:
    """The messages of an mbox, named `path#1`, `path#2` and so on; those deleted by Thunderbird are left out.

    Raises:
        DataError: the file does not begin with a From line.
    """
    for ordinal, span in enumerate(iter_spans(buffer, path, reading), 1):
        if span.expunged:
            reading.omitted += 1
            continue
        yield _entry(path, str(ordinal), buffer, span, reading.mbox)


def iter_spans(buffer: Buffer, path: str, reading: Reading) -> Iterator[Span]:
    """Find the messages of an mbox. Linear, one pass; pages of a mapping are let go behind.

    A separator is a From line with a date after an empty line, or one that a Content-Length leads to. What
    looks like one and is not taken, or is taken and followed by no header, goes to `reading.doubts`.

    Raises:
        DataError: the file does not begin with a From line.
    """
    current = _first(buffer, path, reading)
    if current is None:
        return
    for position, is_quoted in _iter_from_lines(buffer, current.start - 1):
        if is_quoted:
            current.quoted = True
            continue
        from_line = parse_from_line(_line(buffer, position))
        if position != current.next:
            doubt = _doubt(buffer, position, from_line, inside=position < current.next)
            if doubt:
                _note(reading, path, position, doubt)
            if doubt or from_line is None or position < current.next:
                continue
        assert from_line is not None
        _finish(buffer, current, position)
        yield current
        current = _begin(buffer, position, from_line, reading)
        if not _has_header(buffer, current.start):
            _note(reading, path, position, "no header follows this From line")
    _finish(buffer, current, len(buffer))
    yield current


def parse_from_line(line: bytes) -> FromLine | None:
    """Read a From line, without its newline; None when it has no date that makes sense.

    The date is that of `asctime` (RFC 4155), with or without seconds and zone, the zone before the year or
    after it; or that of a Date field. Without a zone it is UTC.
    """
    if not line.startswith(b"From "):
        return None
    asctime, rfc822 = _dates()
    match = asctime.search(line, 4, MAX_FROM_LINE) or rfc822.search(line, 4, MAX_FROM_LINE)
    if match is None:
        return None
    part = {name: value.decode("ascii") for name, value in match.groupdict().items() if value}
    year, second = int(part["year"]), int(part.get("second", "0"))
    if year < 100:
        year += 2000 if year < 50 else 1900
    month = _MONTHS.index(part["month"].lower()) + 1
    try:
        date = datetime(year, month, int(part["day"]), int(part["hour"]), int(part["minute"]), tzinfo=UTC)
    except ValueError:
        return None
    if second > 60:  # 60 is a leap second
        return None
    east = _offset(part.get("zone") or part.get("zone_before_year") or "")
    return FromLine(line[5 : match.start()].strip(), int(date.timestamp()) + second - east)


def header_octets(buffer: Buffer, start: int, end: int) -> bytes:
    """The header block of the message at `start`, at most `MAX_HEADER` octets of it."""
    return buffer[start : _header_end(buffer, start, end)]


def iter_unquoted(buffer: Buffer, start: int, end: int, *, deep: bool) -> Iterator[bytes]:
    """The octets of a message with the quoting of From lines undone.

    `deep` takes one `>` from any number (mboxrd); else only `>From ` loses it (mboxo).
    """
    done = start
    for position, is_quoted in _iter_from_lines(buffer, start - 1, end):
        if is_quoted and (deep or buffer[position : position + 2] == b">F"):
            yield from iter_chunks(buffer, done, position)
            done = position + 1
    yield from iter_chunks(buffer, done, end)


def _first(buffer: Buffer, path: str, reading: Reading) -> Span | None:
    """The first message, or None for a file without anything but newlines."""
    start = 0
    while buffer[start : start + 1] in (b"\n", b"\r"):
        start += 1
    if start == len(buffer):
        return None
    from_line = parse_from_line(_line(buffer, start))
    if from_line is None:
        what = "this is no mbox: it does not begin with a From line that has a date"
        raise DataError(what, where=f"{path}: octet {start}")
    return _begin(buffer, start, from_line, reading)


def _begin(buffer: Buffer, position: int, from_line: FromLine, reading: Reading) -> Span:
    newline = buffer.find(b"\n", position)
    span = Span(newline + 1 if newline >= 0 else len(buffer), from_line)
    header = b"\n" + header_octets(buffer, span.start, len(buffer)).lower()
    if b"\nx-mozilla-status:" in header:
        span.expunged = is_expunged(header)
    if reading.mbox not in ("mboxo", "mboxrd"):
        field = header.find(b"\ncontent-length:")
        if field >= 0:
            digits = header[field + 16 : header.find(b"\n", field + 1)].strip()
            if digits.isdigit() and len(digits) < 19:
                _fit(buffer, span, span.start + len(header) - 1, int(digits))
    return span


def _fit(buffer: Buffer, span: Span, header_end: int, length: int) -> None:
    """Let the Content-Length decide where the message ends, if a separator or the file's end is there."""
    empty_line = buffer[header_end : header_end + 2]
    end = header_end + (1 if empty_line[:1] == b"\n" else 2) + length
    size = len(buffer)
    if not empty_line.startswith((b"\n", b"\r\n")) or end > size:
        return
    gaps = (b"\n", b"\r\n", b"") if buffer[end - 1 : end] == b"\n" else (b"\n\n", b"\n", b"\r\n\r\n")
    for gap in gaps:
        following = end + len(gap)
        if buffer[end:following] != gap:
            continue
        if following == size or parse_from_line(_line(buffer, following)):
            span.end, span.next, span.fitted = end, following, True
            return
    if end == size:
        span.end, span.next, span.fitted = end, end, True


def _finish(buffer: Buffer, span: Span, following: int) -> None:
    """Set where a message ends whose next separator (or the end of the file) is at `following`."""
    if span.fitted:
        return
    span.next = following
    crlf = buffer[span.start - 2 : span.start] == b"\r\n"
    end = following
    if crlf and buffer[end - 4 : end] == b"\r\n\r\n":
        end -= 2
    elif buffer[end - 2 : end] == b"\n\n":
        end -= 1
    span.end = max(end, span.start)


def _doubt(buffer: Buffer, position: int, from_line: FromLine | None, *, inside: bool) -> str | None:
    """Why what stands at `position` may be a separator and is not taken for one, or None."""
    after_empty_line = (
        buffer[position - 2 : position] == b"\n\n" or buffer[position - 3 : position] == b"\n\r\n"
    )
    if inside:
        return "a From line inside the Content-Length" if from_line and after_empty_line else None
    if from_line is not None:
        return None if after_empty_line else "no empty line before this From line"
    if after_empty_line and _has_header(buffer, position + len(_line(buffer, position)) + 1):
        return "no date in this From line"
    return None


def _note(reading: Reading, path: str, offset: int, reason: str) -> None:
    if len(reading.doubts) < MAX_DOUBTS:
        reading.doubts.append(Doubt(path, offset, reason))


def _entry(path: str, ordinal: str, buffer: Buffer, span: Span, kind: str | None) -> MboxEntry:
    start, end = span.start, span.end
    unquotes = span.quoted and kind != "mboxcl2" and (kind is not None or not span.fitted)
    if unquotes:
        buffer = atomic.spool(iter_unquoted(buffer, start, end, deep=kind in (None, "mboxrd")))
        start, end = 0, len(buffer)
    elif end - start <= atomic.SMALL:
        buffer, start, end = buffer[start:end], 0, end - start
    return MboxEntry(path, ordinal, span, buffer, start=start, end=end)


def _iter_from_lines(buffer: Buffer, start: int, end: int | None = None) -> Iterator[tuple[int, bool]]:
    """The offset of every line that is `From ` after any number of `>`, and whether there are any.

    `start` is that of the newline before the first line looked at.
    """
    end = len(buffer) if end is None else end
    pattern = _from_lines()
    while start < end:
        stop = min(start + _WINDOW, end)
        following = stop
        if stop < end:
            following = buffer.rfind(b"\n", start + 1, stop)
            if following < 0:
                following = stop
        for match in pattern.finditer(buffer, start, stop):
            position = match.start()
            if position < following:
                yield position + 1, match.end() - position > 6
        release(buffer, max(start - _LOOKED_BACK, 0), following)
        start = following


def _line(buffer: Buffer, position: int) -> bytes:
    return buffer[position : position + MAX_FROM_LINE].partition(b"\n")[0]


def _has_header(buffer: Buffer, position: int) -> bool:
    """True when a header field, an empty line or nothing begins at `position`."""
    line = _line(buffer, position)
    return not line.strip() or _field_names().match(line) is not None


def _header_end(buffer: Buffer, start: int, end: int) -> int:
    stop = min(start + MAX_HEADER, end)
    first = buffer[start : start + 2]
    if first[:1] == b"\n" or first == b"\r\n":
        return start
    empty = find_empty_line(buffer, start, stop)
    return empty.start() + 1 if empty else stop


def _offset(zone: str) -> int:
    """Seconds east of UTC of `+0200` or of a well-known name; 0 for any other name."""
    if zone[:1] in ("+", "-"):
        seconds = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60
        return -seconds if zone[0] == "-" else seconds
    return _ZONES.get(zone.lower(), 0) * 3600


@cache
def _from_lines() -> re.Pattern[bytes]:
    return re.compile(rb"\n>*+From ")


@cache
def _field_names() -> re.Pattern[bytes]:
    return re.compile(rb">?From |[!-9;-~]+[ \t]*:")


@cache
def _dates() -> tuple[re.Pattern[bytes], ...]:
    """The dates of `asctime`, and those of a Date field, each at the end of a From line."""
    day = rb"(?P<day>[0-9]{1,2})"
    month = rb"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    time = rb"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    zone = rb"[+-][0-9]{4}|[a-z]{1,5}"
    last = rb"(?:[ \t]++(?P<zone>" + zone + rb"))?(?:[ \t]++remote from [^\r\n]*+)?[ \t]*+\r?$"
    weekday = rb"(?i)[ \t](?:mon|tue|wed|thu|fri|sat|sun),?[ \t]++"
    blank = rb"[ \t]++"
    middle = rb"(?:[ \t]++(?P<zone_before_year>" + zone + rb"))?[ \t]++(?P<year>[0-9]{4})"
    return (
        re.compile(weekday + month + blank + day + blank + time + middle + last),
        re.compile(weekday + day + rb"[ \t-]" + month + rb"[ \t-](?P<year>[0-9]{2,4})" + blank + time + last),
    )
