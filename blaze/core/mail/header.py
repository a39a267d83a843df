"""The header block of a message or of a part, as octet offsets into a buffer (RFC 5322 §2.2, §4.5)."""

import mmap
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple, TypeAlias

from blaze.core.mail.regex import possessive

Buffer: TypeAlias = bytes | mmap.mmap

MAX_FIELDS = 10_000
"""Fields kept per header; what follows them is still part of the header, but is not listed."""

_MAX_LOWER = 1 << 16  # octets of a header of which a copy in lower case is kept
_NEIGHBOURS = 1 << 21  # octets: the largest page that a kernel maps of a file at once
_WINDOW = 1 << 20  # octets of a mapped file looked at before its pages are let go

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # which Windows programs, and Exchange, put before a header
_EMPTY_LINE = re.compile(rb"\n\r?\n")
_FIELD_NAME = re.compile(rb"[!-9;-~]++[ \t]*+:")
# One field with its continuation lines; without group 1, the name and the colon, the line is no field.
_FIELD = possessive(rb"([!-9;-~]++[ \t]*+:)?+[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+")


class Defect(NamedTuple):
    """A fault that was met and survived: a short machine name, and the octet offset in the buffer."""

    name: str
    offset: int


class Field:
    """One header field, as offsets: nothing is unfolded or decoded until asked.

    `start` is the offset of the name, `colon` that of the colon, `end` lies after the field's last newline.
    """

    __slots__ = ("buffer", "colon", "end", "start")

    def __init__(self, buffer: Buffer, start: int, colon: int, end: int) -> None:
        self.buffer = buffer
        self.start = start
        self.colon = colon
        self.end = end

    def __repr__(self) -> str:
        return f"Field({self.octets!r})"

    @property
    def name(self) -> str:
        """The field's name as written, without the blanks that obsolete syntax allows before the colon."""
        return self.buffer[self.start : self.colon].rstrip(b" \t").decode("ascii")

    @property
    def key(self) -> bytes:
        """The name in lower case, by which fields are looked up."""
        return self.buffer[self.start : self.colon].rstrip(b" \t").lower()

    @property
    def octets(self) -> bytes:
        """The whole field with its newline, byte for byte."""
        return self.buffer[self.start : self.end]

    @property
    def raw(self) -> bytes:
        """What stands between the colon and the field's last newline; inner newlines are kept."""
        value = self.buffer[self.colon + 1 : self.end]
        if value.endswith(b"\r\n"):
            return value[:-2]
        return value[:-1] if value.endswith(b"\n") else value

    @property
    def unfolded(self) -> bytes:
        """The value without newlines (RFC 5322 §2.2.3) and without white space at either end."""
        return _unfolded(self.buffer[self.colon + 1 : self.end])

    def unfolded_within(self, limit: int) -> bytes:
        """`unfolded`, of no more than the first `limit` octets of the value."""
        return _unfolded(self.buffer[self.colon + 1 : min(self.end, self.colon + 1 + limit)])


def _unfolded(value: bytes) -> bytes:
    value = value.strip(b" \t\r\n")
    return value.replace(b"\r\n", b"").replace(b"\n", b"") if b"\n" in value else value


class Header:
    """The fields of one header block, in order.

    `start` is where the block begins, `end` where its last field ends (before the empty line), `body_start`
    where the body begins (after the empty line, or `end` where there is none). `first` is where its first
    line begins: at `start`, or after a byte order mark. Fields are found when first asked for.
    """

    __slots__ = ("_defects", "_lower", "_spans", "body_start", "buffer", "end", "first", "start")

    def __init__(
        self, buffer: Buffer, start: int, end: int, body_start: int, *, first: int | None = None
    ) -> None:
        self.buffer = buffer
        self.start = start
        self.first = start if first is None else first
        self.end = end
        self.body_start = body_start
        self._spans: list[tuple[int, int, int]] | None = None
        self._lower: bytes | None = None
        self._defects: tuple[Defect, ...] = ()

    def __iter__(self) -> Iterator[Field]:
        buffer = self.buffer
        for start, colon, end in self.spans:
            yield Field(buffer, start, colon, end)

    def __len__(self) -> int:
        return len(self.spans)

    @property
    def spans(self) -> list[tuple[int, int, int]]:
        """The offsets `(start, colon, end)` of every field; at most `MAX_FIELDS`."""
        if self._spans is None:
            self._find_fields()
        assert self._spans is not None
        return self._spans

    @property
    def defects(self) -> tuple[Defect, ...]:
        """Lines that are no field: `mbox-from-line`, `not-a-field`; and `no-header`, `byte-order-mark`,
        `too-many-fields`, `header-without-end` (it stops at the end of the input, not at an empty line)."""
        if self._spans is None:
            self._find_fields()
        return self._defects

    @property
    def top(self) -> int:
        """Where further fields can be put: in front, but after a From line of mbox."""
        is_field = self.first == self.end or _FIELD_NAME.match(self.buffer, self.first, self.end)
        if is_field or _line_defect(self.buffer, self.first) != "mbox-from-line":
            return self.first
        return self.buffer.find(b"\n", self.first, self.end) + 1 or self.end

    def get(self, name: bytes) -> Field | None:
        """The first field called `name`, in any letter case, or None."""
        if self.end - self.start > _MAX_LOWER:
            match = next(self._iter_matches(name), None)
        else:
            match = self._search(_named(name), b"\n" + name.lower())
        return Field(self.buffer, match.start(), match.end(1), match.end()) if match else None

    def _search(self, pattern: re.Pattern[bytes], line: bytes) -> re.Match[bytes] | None:
        """What `pattern.search` finds, ten times as fast, since most fields asked for are not there."""
        lower = self._lower or self._lowered()
        at = lower.find(line)
        while at >= 0:
            if match := pattern.match(self.buffer, self.first + at, self.end):
                return match
            at = lower.find(line, at + 1)
        return None

    def _find_all(self, pattern: re.Pattern[bytes], line: bytes) -> list[Field]:
        """Every field that `pattern` matches, as `_search` finds the first."""
        buffer, lower = self.buffer, self._lower or self._lowered()
        fields = []
        at = lower.find(line)
        while at >= 0:
            if match := pattern.match(buffer, self.first + at, self.end):
                fields.append(Field(buffer, match.start(), match.end(1), match.end()))
            at = lower.find(line, at + 1)
        return fields

    def _lowered(self) -> bytes:
        self._lower = b"\n" + self.buffer[self.first : self.end].lower()
        return self._lower

    def get_all(self, name: bytes) -> list[Field]:
        """Every field called `name`, in any letter case, in order; at most `MAX_FIELDS`."""
        if self.end - self.start <= _MAX_LOWER:
            return self._find_all(_named(name), b"\n" + name.lower())[:MAX_FIELDS]
        matches = islice(self._iter_matches(name), MAX_FIELDS)
        return [Field(self.buffer, m.start(), m.end(1), m.end()) for m in matches]

    def _iter_matches(self, name: bytes) -> Iterator[re.Match[bytes]]:
        """The fields called `name`, looked for in windows, whose pages are let go behind."""
        pattern, line = _named(name), b"\n" + name.lower()
        start, before = self.first, b"\n"
        while start < self.end:
            stop = min(start + _WINDOW, self.end)
            text = before + self.buffer[start:stop].lower()
            at = text.find(line)
            while at >= 0:
                if match := pattern.match(self.buffer, start - len(before) + at + 1, self.end):
                    yield match
                at = text.find(line, at + 1)
            if stop == self.end:
                return
            release(self.buffer, start, stop)
            start, before = stop - len(name), b""  # the name may lie across the seam

    def _find_fields(self) -> None:
        matches = _FIELD.finditer(self.buffer, self.first, self.end)
        rows = [(m.start(), m.end(1) - 1, m.end()) for m in islice(matches, MAX_FIELDS + 1)]
        if rows and rows[-1][0] == rows[-1][2]:  # the empty match at the end of the block
            rows.pop()
        defects = []
        if len(rows) > MAX_FIELDS:
            defects.append(Defect("too-many-fields", rows.pop()[0]))
        if self.start == self.end < len(self.buffer) and self.body_start == self.start:
            defects.append(Defect("no-header", self.start))
        if self.first > self.start:
            defects.append(Defect("byte-order-mark", self.start))
        for start, colon, _ in rows:
            if colon < 0:
                defects.append(Defect(_line_defect(self.buffer, start), start))
        if self.body_start == self.end > self.start:
            defects.append(Defect("header-without-end", self.end))
        self._spans = [row for row in rows if row[1] >= 0]
        self._defects = tuple(defects)


def parse(buffer: Buffer, start: int = 0, end: int | None = None) -> Header:
    """Find the header block that begins at offset `start` of `buffer` and lies before `end`.

    Newlines are LF or CRLF, mixed too; a bare CR is data. The block ends at the first empty line. A line in
    it that is no field is a defect and is passed over, and so is a byte order mark before the first field;
    but when the very first line is none (and no mbox From line either) there is no header and all of it is
    body. Never raises. Linear in the header's size; the body is not looked at.
    """
    if end is None:
        end = len(buffer)
    if buffer[start : min(start + 1, end)] == b"\n":
        return Header(buffer, start, start, start + 1)
    if buffer[start : min(start + 2, end)] == b"\r\n":
        return Header(buffer, start, start, start + 2)
    first = find_first_line(buffer, start, end)
    if first is None:
        return Header(buffer, start, start, start)
    empty = find_empty_line(buffer, start, end)
    if empty is None:
        return Header(buffer, start, end, end, first=first)
    return Header(buffer, start, empty.start() + 1, empty.end(), first=first)


def find_first_line(buffer: Buffer, start: int, end: int) -> int | None:
    """Where a header's first line begins, a field or a From line of mbox: at `start`, or after a byte order
    mark there; None where no header begins.
    """
    if _FIELD_NAME.match(buffer, start, end) or _line_defect(buffer, start) == "mbox-from-line":
        return start
    first = start + len(_BYTE_ORDER_MARK)
    is_marked = buffer[start:first] == _BYTE_ORDER_MARK and _FIELD_NAME.match(buffer, first, end)
    return first if is_marked else None


def release(buffer: Buffer, start: int, end: int) -> None:
    """Let the pages of a mapped file between two offsets go, so that scanning it costs no memory."""
    if isinstance(buffer, mmap.mmap):
        # Reading a page maps its neighbours too, those released before as well.
        first = max(start - _NEIGHBOURS, 0) // mmap.PAGESIZE * mmap.PAGESIZE
        last = end // mmap.PAGESIZE * mmap.PAGESIZE
        if last > first:
            buffer.madvise(mmap.MADV_DONTNEED, first, last - first)


def find_empty_line(buffer: Buffer, start: int, end: int) -> re.Match[bytes] | None:
    """The first newline in `start`..`end` that a newline follows, both of them matched, or None.

    The pages of a mapped file that were searched in vain are let go.
    """
    if not isinstance(buffer, mmap.mmap):
        return _EMPTY_LINE.search(buffer, start, end)
    while start < end:
        stop = min(start + _WINDOW, end)
        if match := _EMPTY_LINE.search(buffer, start, stop):
            return match
        if stop == end:
            break
        release(buffer, start, stop)
        start = stop - 2  # the empty line may lie across the seam
    return None


def _line_defect(buffer: Buffer, start: int) -> str:
    line = buffer[start : start + 6]
    return "mbox-from-line" if line.startswith((b"From ", b">From ")) else "not-a-field"


@lru_cache(maxsize=256)
def _named(name: bytes) -> re.Pattern[bytes]:
    return possessive(rb"(?i)(" + re.escape(name) + rb"[ \t]*+):[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+")
