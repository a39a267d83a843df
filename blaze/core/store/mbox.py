"""Reading an mbox, of any of its kinds, in one pass and constant memory (RFC 4155).

The kinds differ in how a body line that looks like a separator is kept. mboxo writes `>From `; mboxrd adds
a `>` to every line of `>`s and `From `; mboxcl writes `>From ` and a Content-Length; mboxcl2 only the latter.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple, TypeAlias

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer, find_empty_line, find_first_line, release
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic
from blaze.core.store.flags import Marks, from_header, is_expunged, is_ours, without_status
from blaze.core.store.fromline import MAX_FROM_LINE, FromLine, parse_from_line
from blaze.core.store.manifest import MANIFEST, Overlay, Record
from blaze.core.store.mboxfile import MboxFile
from blaze.core.store.source import Doubt, Entry, Reading

Octets: TypeAlias = Buffer | MboxFile
"""What an mbox is read from."""

KINDS = ("mboxo", "mboxrd", "mboxcl", "mboxcl2")

MAX_HEADER = 1 << 20
"""Octets of a message in which the fields that matter to an mbox are looked for."""

MAX_DOUBTS = 10_000
"""Doubtful places kept per reading."""

_HELD = 1 << 23  # octets up to which a message of an `MboxFile` is held in memory; few have more
_HEADER = 1 << 13  # octets that hold the header of most messages
_WINDOW = 1 << 24  # octets scanned before their pages are let go
_LOOKED_BACK = 1 << 21  # octets before a window that a message across its edge may have touched again


class File(NamedTuple):
    """An mbox that is read: its path, its octets, and the manifest beside it."""

    path: str
    buffer: Octets
    overlay: Overlay


class MboxEntry(Entry):
    """A message in an mbox; quoting is undone, its own octets are otherwise untouched."""

    __slots__ = ("_marks", "_overlay", "span")

    def __init__(
        self, file: File, ordinal: str, span: "Span", buffer: Buffer, *, start: int, end: int
    ) -> None:
        super().__init__(f"{file.path}#{ordinal}", buffer, start, end, path=file.path, id=ordinal)
        self.span = span
        self._overlay = file.overlay
        self._marks: Marks | None = None

    @property
    def offset(self) -> int:
        """Where the message begins in the mbox, after its From line."""
        return self.span.start

    @property
    def header(self) -> bytes:
        """The header block as the mbox has it, at most `MAX_HEADER` octets."""
        header = self.span.header
        if not self.span.quoted and len(header) <= self.end - self.start:
            return header
        return header_octets(self.buffer, self.start, self.end)

    @property
    def marks(self) -> Marks:
        """Flags and labels, from the header (`flags.from_header`) and the manifest."""
        if self._marks is None:
            marks = from_header(self.header)
            if record := self.record:
                marks = marks._replace(labels=tuple(dict.fromkeys((*marks.labels, *record.labels))))
            self._marks = marks
        return self._marks

    @property
    def record(self) -> Record | None:
        """What the manifest beside the mbox says of this message, found by the SHA-256 of its octets."""
        if not self._overlay:
            return None
        from hashlib import sha256

        header = self.header
        octets = sha256(without_status(header))
        for chunk in iter_chunks(self.buffer, self.start + len(header), self.end):
            octets.update(chunk)
        return self._overlay.records.get(octets.hexdigest())

    @property
    def folder(self) -> str:
        """The folder in the manifest."""
        record = self.record
        return record.name.rpartition("/")[0] if record else ""

    @property
    def flags(self) -> str:
        """The flags, from Status, X-Status and their kind."""
        return self.marks.flags

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, from X-Keywords, X-Gmail-Labels and the manifest."""
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
    where it ends, `expunged` that Thunderbird has deleted it. `header` is the header block as it lies there.
    """

    __slots__ = (
        "believes_length",
        "end",
        "expunged",
        "fitted",
        "from_line",
        "header",
        "next",
        "quoted",
        "start",
    )

    def __init__(self, start: int, from_line: FromLine) -> None:
        self.start = start
        self.from_line = from_line
        self.end = -1
        self.next = -1
        self.header = b""
        self.quoted = False
        self.fitted = False
        self.believes_length: bool | None = None
        self.expunged = False


def iter_entries(path: str, buffer: Octets, reading: Reading) -> Iterator[Entry]:
    """The messages of an mbox, named `path#1`, `path#2` and so on; those deleted by Thunderbird are left out.

    Raises:
        DataError: the file does not begin with a From line.
        TemporaryError: it was changed meanwhile, where it is an `MboxFile`; that is closed at the end.
    """
    file = File(path, buffer, Overlay(f"{path}.{MANIFEST}"))
    try:
        for ordinal, span in enumerate(iter_spans(buffer, path, reading), 1):
            if span.expunged:
                reading.omitted += 1
                continue
            yield _entry(file, str(ordinal), span, reading.mbox)
    finally:
        if isinstance(buffer, MboxFile):
            buffer.close()


def iter_spans(buffer: Octets, path: str, reading: Reading) -> Iterator[Span]:
    """Find the messages of an mbox. Linear, one pass; pages of a mapping are let go behind.

    A separator is a From line with a date after an empty line, or one that a Content-Length leads to. What
    looks like one and is not taken, or is taken and followed by no header, goes to `reading.doubts`.

    Raises:
        DataError: the file does not begin with a From line.
    """
    scanner = _Scanner(buffer, path, reading)
    if not scanner.begin_first():
        return
    for position, is_quoted in iter_from_lines(buffer, scanner.span.start - 1):
        if is_quoted:
            scanner.span.quoted = True
        elif from_line := scanner.separator(position):
            yield scanner.finish(position)
            scanner.begin(position, from_line)
    yield scanner.finish(len(buffer))


def header_octets(buffer: Octets, start: int, end: int) -> bytes:
    """The header block of the message at `start`, at most `MAX_HEADER` octets of it."""
    if isinstance(buffer, MboxFile):
        octets = buffer[start : min(start + _HEADER, end)]
        header = header_octets(octets, 0, len(octets))
        if len(header) < len(octets) or start + len(octets) == end:
            return header
        octets = buffer[start : min(start + MAX_HEADER, end)]
        return header_octets(octets, 0, len(octets))
    return buffer[start : _header_end(buffer, start, end)]


def begins_with_header(octets: bytes) -> bool:
    """True when a header field, or a line that mbox programs put before one, or an empty line comes first."""
    return _has_header(octets, 0)


def iter_unquoted(buffer: Buffer, start: int, end: int, *, deep: bool) -> Iterator[bytes]:
    """The octets of a message with the quoting of From lines undone.

    `deep` takes one `>` from any number (mboxrd); else only `>From ` loses it (mboxo).
    """
    done = start
    for position, is_quoted in iter_from_lines(buffer, start - 1, end):
        if is_quoted and (deep or buffer[position : position + 2] == b">F"):
            yield from iter_chunks(buffer, done, position)
            done = position + 1
    yield from iter_chunks(buffer, done, end)


class _Scanner:
    """One pass over an mbox: the message that is being looked at, and how far lengths were right so far."""

    __slots__ = ("buffer", "count", "fitted", "path", "reading", "span")

    def __init__(self, buffer: Octets, path: str, reading: Reading) -> None:
        self.buffer = buffer
        self.path = path
        self.reading = reading
        self.count = 0
        self.fitted = 0
        self.span = Span(0, FromLine(b"", 0))

    def begin_first(self) -> bool:
        """Find the first message; False for a file without anything but newlines."""
        start = 0
        while self.buffer[start : start + 1] in (b"\n", b"\r"):
            start += 1
        if start == len(self.buffer):
            return False
        from_line = parse_from_line(_line(self.buffer, start))
        if from_line is None:
            what = "this is no mbox: it does not begin with a From line that has a date"
            raise DataError(what, where=f"{self.path}: octet {start}")
        self.begin(start, from_line)
        return True

    def begin(self, position: int, from_line: FromLine) -> None:
        """Look at the message whose From line is at `position`."""
        buffer = self.buffer
        span = self.span = Span(_after_line(buffer, position), from_line)
        header = span.header = header_octets(buffer, span.start, len(buffer))
        lower = header.lower()
        if b"x-mozilla-status:" in lower:
            span.expunged = is_expunged(header)
        if b"content-length:" in lower and self.reading.mbox not in ("mboxo", "mboxrd"):
            _, _, field = (b"\n" + lower).partition(b"\ncontent-length:")
            digits = field.partition(b"\n")[0].strip()
            if digits.isdigit() and len(digits) < 19:
                _fit(buffer, span, span.start + len(header), int(digits))
        if not _has_header(buffer, span.start):
            self._note(position, "no header follows this From line")

    def separator(self, position: int) -> FromLine | None:
        """The From line at `position` if the present message ends before it, else None."""
        buffer, span = self.buffer, self.span
        from_line = parse_from_line(_line(buffer, position))
        if position == span.next:
            return from_line
        empty_line = buffer[position - 3 : position].endswith((b"\n\n", b"\n\r\n"))
        if empty_line and from_line and position > span.next:
            return from_line
        is_proper = empty_line and _has_header(buffer, _after_line(buffer, position))
        if position < span.next:
            return from_line if from_line and is_proper and self._distrusts_length(position) else None
        if from_line:
            self._note(position, "no empty line before this From line")
        elif is_proper:
            self._note(position, "no date in this From line")
        return None

    def finish(self, following: int) -> Span:
        """The present message, whose next separator (or the end of the file) is at `following`."""
        buffer, span = self.buffer, self.span
        self.count += 1
        self.fitted += span.fitted
        if span.fitted:
            return span
        span.next = following
        end = following
        if buffer[span.start - 2 : span.start] == b"\r\n" and buffer[end - 4 : end] == b"\r\n\r\n":
            end -= 2
        elif buffer[end - 2 : end] == b"\n\n":
            end -= 1
        span.end = max(end, span.start)
        return span

    def _distrusts_length(self, position: int) -> bool:
        """True when the separator at `position` is to be believed, not the Content-Length reaching over it.

        A length is believed where an option says so, where `flags.to_status` wrote it, or where all messages
        so far, or the one after the first, have theirs: a stranger's field must not swallow other messages.
        """
        span = self.span
        if span.believes_length is None:
            span.believes_length = self._believes_length()
        if span.believes_length:
            self._note(position, "a From line inside the Content-Length")
            return False
        self._note(position, "a Content-Length reaches over this From line")
        span.fitted = False
        span.next = position
        return True

    def _believes_length(self) -> bool:
        if self.reading.mbox or is_ours(self.span.header):
            return True
        if self.count:
            return self.count == self.fitted
        return b"\nContent-Length:" in header_octets(self.buffer, self.span.next, len(self.buffer))

    def _note(self, offset: int, reason: str) -> None:
        if len(self.reading.doubts) < MAX_DOUBTS:
            self.reading.doubts.append(Doubt(self.path, offset, reason))


def _fit(buffer: Octets, span: Span, header_end: int, length: int) -> None:
    """Let the Content-Length decide where the message ends, if a separator or the file's end is there."""
    empty_line = buffer[header_end : header_end + 2]
    end = header_end + (1 if empty_line[:1] == b"\n" else 2) + length
    size = len(buffer)
    if not empty_line.startswith((b"\n", b"\r\n")) or end > size:
        return
    # A length that ends inside a line was right before its lines were quoted.
    for gap in (b"\n", b"\r\n", b"") if buffer[end - 1 : end] == b"\n" else ():
        following = end + len(gap)
        if buffer[end:following] != gap:
            continue
        if following == size or parse_from_line(_line(buffer, following)):
            # An empty line at the end is the mbox's, even when the length counts it.
            counts_empty_line = gap == b"" and buffer[end - 2 : end] == b"\n\n"
            span.end, span.next, span.fitted = end - counts_empty_line, following, True
            return
    if end == size:
        span.end, span.next, span.fitted = end, end, True


def _entry(file: File, ordinal: str, span: Span, kind: str | None) -> MboxEntry:
    start, end = span.start, span.end
    buffer = file.buffer
    unquotes = span.quoted and kind != "mboxcl2" and (kind is not None or not span.fitted)
    if isinstance(buffer, MboxFile):
        begin = start - unquotes  # with the newline before it, which a quoted first line follows
        is_held = end - begin <= _HELD
        buffer = buffer[begin:end] if is_held else atomic.spool(buffer.iter_chunks(begin, end))
        start, end = start - begin, len(buffer)
    if unquotes:
        buffer = atomic.spool(iter_unquoted(buffer, start, end, deep=kind in (None, "mboxrd")))
        start, end = 0, len(buffer)
    elif end - start <= atomic.SMALL:
        buffer, start, end = buffer[start:end], 0, end - start
    return MboxEntry(file, ordinal, span, buffer, start=start, end=end)


def iter_from_lines(buffer: Octets, start: int, end: int | None = None) -> Iterator[tuple[int, bool]]:
    """The offset of every line that is `From ` after any number of `>`, and whether there are any.

    `start` is that of the newline before the first line looked at.
    """
    if isinstance(buffer, MboxFile):
        for window, at, last in buffer.iter_windows(start):
            for position, is_quoted in iter_from_lines(window, 0, last):
                yield at + position, is_quoted
        return
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


def _line(buffer: Octets, position: int) -> bytes:
    return buffer[position : position + MAX_FROM_LINE].partition(b"\n")[0]


def _after_line(buffer: Octets, position: int) -> int:
    newline = buffer.find(b"\n", position)
    return newline + 1 if newline >= 0 else len(buffer)


def _has_header(buffer: Octets, position: int) -> bool:
    """True when a header field, an empty line or nothing begins at `position`."""
    line = _line(buffer, position)
    return not line.strip() or find_first_line(line, 0, len(line)) is not None


def _header_end(buffer: Buffer, start: int, end: int) -> int:
    stop = min(start + MAX_HEADER, end)
    first = buffer[start : start + 2]
    if first[:1] == b"\n" or first == b"\r\n":
        return start
    empty = find_empty_line(buffer, start, stop)
    return empty.start() + 1 if empty else stop


@cache
def _from_lines() -> re.Pattern[bytes]:
    return re.compile(rb"\n>*+From ")
