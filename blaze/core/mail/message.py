"""A message as a tree of parts, found as offsets into its buffer (RFC 2045, 2046).

Nothing is decoded, and no part is looked for, until it is asked for. Every octet between `start` and `end` of
the root belongs to exactly one span of one part, so that the message can be put together again from the tree.

Defects of the structure are `encoded-message` and `encoded-multipart` (RFC 2045 §6.4 forbids it; the one is
kept whole, the other is divided as it stands), `long-boundary`, `missing-boundary`,
`missing-close-delimiter`, `missing-delimiter`, `repeated-boundary` (that of a multipart around it),
`too-deep` and `too-many-parts`.
"""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from blaze.core.mail import charset, header as header_block, mime, transfer, window
from blaze.core.mail.header import Buffer, Defect, Header

MAX_DEPTH = 100
"""Containers inside one another, as Postfix's `mime_nesting_limit`. A deeper one is kept as a leaf."""

MAX_PARTS = 20_000
"""Parts of one message. The last of them keeps the octets up to the close delimiter."""

MAX_BOUNDARY = 998
"""Octets of a boundary that is looked for: one line of RFC 5322 §2.1.1."""

MAX_PROPER_BOUNDARY = 70  # octets, RFC 2046 §5.1.1

MAX_DELIMITER_LINE = 4 * MAX_BOUNDARY
"""Octets of a delimiter line with its transport padding."""

_MESSAGE_TYPES = frozenset({"rfc822", "global", "news"})


class Delimiter(NamedTuple):
    """One delimiter line of a multipart (RFC 2046 §5.1.1), as offsets.

    The two hyphens are at `start`, transport padding goes from `padding` to `end`, the newline from `end` to
    `next`.
    """

    start: int
    padding: int
    end: int
    next: int


class Structure:
    """How the body of one part is divided.

    `boundary` is what the delimiter lines of a multipart hold, None for all else. `delimiters` has the line
    before each of `parts`, `close` the close delimiter line or None where it is missing.
    """

    __slots__ = ("boundary", "close", "defects", "delimiters", "parts")

    def __init__(self) -> None:
        self.boundary: bytes | None = None
        self.parts: list[Part] = []
        self.delimiters: list[Delimiter] = []
        self.close: Delimiter | None = None
        self.defects: list[Defect] = []


class Part:
    """A message, or a part of one: a header, and a body that may hold further parts.

    All offsets are absolute in `buffer`. `start` and `end` enclose the header, the empty line and the body,
    without the newline that belongs to the next delimiter line (RFC 2046 §5.1.1).
    """

    __slots__ = ("_content_type", "_structure", "buffer", "default_type", "end", "header", "start")

    def __init__(self, header: Header, end: int, *, default_type: bytes = b"text/plain") -> None:
        self.buffer = header.buffer
        self.start = header.start
        self.end = end
        self.header = header
        self.default_type = default_type
        self._content_type: mime.ContentType | None = None
        self._structure: Structure | None = None

    def __repr__(self) -> str:
        return f"<{self.content_type.type}/{self.content_type.subtype} {self.start}:{self.end}>"

    @property
    def content_type(self) -> mime.ContentType:
        """The media type; what RFC 2045 §5.2 or a digest implies where the header names none."""
        if self._content_type is None:
            value = self._value(b"content-type")
            self._content_type = mime.parse_content_type(self.default_type if value is None else value)
        return self._content_type

    @property
    def disposition(self) -> mime.ContentDisposition | None:
        """The Content-Disposition, or None where the header has none (RFC 2183)."""
        value = self._value(b"content-disposition")
        return None if value is None else mime.parse_content_disposition(value)

    @property
    def encoding(self) -> str:
        """The Content-Transfer-Encoding in lower case; `7bit` where the header names none (RFC 2045 §6.1)."""
        value = self._value(b"content-transfer-encoding")
        return "7bit" if value is None else mime.parse_content_transfer_encoding(value)

    @property
    def filename(self) -> str | None:
        """The name that the sender gave the content: text, not a safe path (`names.safe_name`)."""
        return mime.filename(self.disposition, self.content_type)

    @property
    def content_id(self) -> str | None:
        """The Content-ID without its angle brackets (RFC 2045 §7)."""
        value = self._value(b"content-id")
        return None if value is None else mime.parse_content_id(value)

    @property
    def languages(self) -> list[str]:
        """The tags of Content-Language, as written (RFC 3282 §2)."""
        value = self._value(b"content-language")
        return [] if value is None else mime.parse_content_language(value)

    def _value(self, name: bytes) -> bytes | None:
        """The unfolded value of a MIME field, as much of it as is worth reading."""
        field = self.header.get(name)
        return field.unfolded_within(2 * mime.MAX_VALUE) if field else None

    @property
    def body(self) -> tuple[int, int]:
        """Where the body lies, as it stands in the buffer."""
        return min(self.header.body_start, self.end), self.end

    @property
    def structure(self) -> Structure:
        """How the body is divided. One pass over the whole message finds it for all parts, once."""
        if self._structure is None:
            _Scan(self).run()
        assert self._structure is not None
        return self._structure

    @property
    def parts(self) -> "list[Part]":
        """The parts of a multipart, or the one message in a message/rfc822; empty for a leaf."""
        return self.structure.parts

    @property
    def preamble(self) -> tuple[int, int]:
        """What stands between a multipart's header and its first delimiter line, newline included."""
        start, end = self.body
        structure = self.structure
        first = structure.delimiters[0] if structure.delimiters else structure.close
        return start, first.start if first else end

    @property
    def epilogue(self) -> tuple[int, int]:
        """What stands after the close delimiter line and its newline."""
        close = self.structure.close
        return min(close.next, self.end) if close else self.end, self.end

    @property
    def defects(self) -> list[Defect]:
        """What is wrong with the header, with its content fields and with the structure of the body.

        Defects that only decoding the body shows are those of `transfer` and `charset`.
        """
        found = [*self.header.defects]
        for name, parsed in (
            (b"content-type", self.content_type),
            (b"content-disposition", self.disposition),
        ):
            if parsed and (field := self.header.get(name)):
                found += [Defect(defect, field.start) for defect in parsed.defects]
        return found + self.structure.defects

    def iter_raw(self) -> Iterator[bytes]:
        """The body as it stands, in chunks."""
        return window.iter_chunks(self.buffer, *self.body)

    def iter_octets(self, defects: list[str] | None = None) -> Iterator[bytes]:
        """The body with its transfer encoding undone, in chunks; memory does not grow with the body.

        Names of faults met on the way are added to `defects`: those of `transfer`.
        """
        return transfer.decode(self.encoding, self.iter_raw(), defects)

    def decoded_text(self, defects: list[str] | None = None) -> charset.Decoded:
        """The body as Unicode, with the charset that gave it; `defects` as in `iter_octets`.

        Newlines are those of the body; octets that cannot be decoded are lone surrogates. The whole of it is
        held in memory.
        """
        start, end = self.body
        octets = transfer.decode_bytes(self.encoding, self.buffer[start:end], defects)
        return charset.decode(octets, self.content_type.params.get("charset"))

    def text(self) -> str:
        """The text of `decoded_text`."""
        return self.decoded_text().text


def parse(buffer: Buffer, start: int = 0, end: int | None = None) -> Part:
    """The message that lies in `start`..`end` of `buffer`, as the root of its part tree.

    Any octets are a message: what is wrong with them is listed as `defects` of its parts. Only the end of the
    header is looked for now. Finding all parts later is linear in the size of the message, whatever it holds.
    """
    if end is None:
        end = len(buffer)
    return Part(header_block.parse(buffer, start, end), end)


def walk(root: Part) -> Iterator[tuple[int, Part]]:
    """Every part from `root` down, in the order of their octets, each with its depth (the root's is 0)."""
    pending = [(0, root)]
    while pending:
        depth, part = pending.pop()
        yield depth, part
        pending.extend((depth + 1, child) for child in reversed(part.parts))


_LEAF = Structure()


class _Scan:
    """One pass over the body of a message, which finds its whole part tree.

    `path` holds the parts that the offset at hand lies in, outermost first. `awaited` holds the boundaries
    that a delimiter line may name, each with the index in `path` of its multipart; an outer boundary ends all
    the parts inside it. Only lines that begin with two hyphens are looked at.
    """

    def __init__(self, root: Part) -> None:
        self.root = root
        self.buffer = root.buffer
        self.end = root.end
        self.find = self.buffer.find if isinstance(self.buffer, bytes) else partial(window.find, self.buffer)
        self.path: list[Part] = []
        self.awaited: dict[bytes, int] = {}
        self.empty_line = (-1, -1)
        self.count = 1

    def run(self) -> None:
        position = self.enter(self.root)
        while self.awaited and (found := self.next_delimiter(position - 1, self.end)):
            level, line = found
            position = line.next
            structure = self.path[level].structure
            assert structure.boundary is not None
            if line.padding - line.start > len(structure.boundary) + 2:
                self.leave(level, line.start)
                structure.close = line
                del self.awaited[structure.boundary]
            elif self.count < MAX_PARTS:
                self.leave(level, line.start)
                part = self.part_at(position, _default_type(self.path[level]))
                structure.delimiters.append(line)
                structure.parts.append(part)
                position = self.enter(part)
            elif self.count == MAX_PARTS:
                self.count += 1
                structure.defects.append(Defect("too-many-parts", line.start))
        self.finish(0, self.end)

    def enter(self, part: Part) -> int:
        """Put `part` on the path, and the messages that begin in it; the offset of the body of the last."""
        while True:
            self.path.append(part)
            part._structure = _LEAF
            body = part.header.body_start
            if not _may_be_container(part):
                return body
            structure = part._structure = Structure()
            major, minor = part.content_type.type, part.content_type.subtype
            if major == "multipart":
                self.await_boundary(part, structure)
            if major != "message" or minor not in _MESSAGE_TYPES:
                return body
            if not transfer.is_identity(part.encoding):
                structure.defects.append(Defect("encoded-message", body))
                return body
            if len(self.path) > MAX_DEPTH:
                structure.defects.append(Defect("too-deep", body))
                return body
            part = self.part_at(body, b"text/plain")
            structure.parts.append(part)

    def await_boundary(self, part: Part, structure: Structure) -> None:
        boundary = (
            part.content_type.params.get("boundary", "").encode("utf-8", "surrogateescape").rstrip(b" \t")
        )
        start = part.start
        if not transfer.is_identity(part.encoding):  # forbidden by RFC 2045 §6.4, and never meant
            structure.defects.append(Defect("encoded-multipart", start))
        if len(boundary) > MAX_PROPER_BOUNDARY:
            structure.defects.append(Defect("long-boundary", start))
        if not boundary:
            structure.defects.append(Defect("missing-boundary", start))
        elif boundary in self.awaited:
            structure.defects.append(Defect("repeated-boundary", start))
        elif len(self.path) > MAX_DEPTH:
            structure.defects.append(Defect("too-deep", start))
        elif len(boundary) <= MAX_BOUNDARY:
            structure.boundary = boundary
            self.awaited[boundary] = len(self.path) - 1

    def part_at(self, start: int, default_type: bytes) -> Part:
        """The part that begins at `start`; its header ends before the next awaited delimiter line."""
        if self.empty_line[0] < start - 1:
            match = header_block.find_empty_line(self.buffer, start - 1, self.end)
            self.empty_line = match.span() if match else (self.end, self.end)
        stop, end = self.empty_line
        if found := self.next_delimiter(start - 1, stop):
            end = self.end_before(found[1].start, start)
        self.count += 1
        return Part(header_block.parse(self.buffer, start, end), self.end, default_type=default_type)

    def next_delimiter(self, start: int, stop: int) -> tuple[int, Delimiter] | None:
        """The next delimiter line after `start`, before `stop`, with its multipart's index in `path`."""
        find = self.find
        while (newline := find(b"\n--", start, stop)) >= 0:
            if found := self.delimiter_at(newline + 1):
                return found
            start = newline + 3
        return None

    def delimiter_at(self, start: int) -> tuple[int, Delimiter] | None:
        limit = min(start + MAX_DELIMITER_LINE, self.end)
        end = self.buffer.find(b"\n", start, limit)
        following = end + 1
        if end < 0:
            if limit < self.end:
                return None
            end = following = limit
        line = self.buffer[start + 2 : end]
        boundary = line.rstrip(b" \t\r")
        level = self.awaited.get(boundary)
        if boundary.endswith(b"--"):
            closed = self.awaited.get(boundary[:-2])
            if closed is not None and (level is None or closed < level):
                level = closed
        if level is None:
            return None
        if following > end and line.endswith(b"\r"):
            end -= 1
        return level, Delimiter(start, start + 2 + len(boundary), end, following)

    def end_before(self, line: int, floor: int) -> int:
        """Where the octets before a delimiter line end: its newline is not theirs, but not before `floor`."""
        end = line - 1
        if self.buffer[end - 1 : end] == b"\r":
            end -= 1
        return max(end, floor)

    def leave(self, level: int, line: int) -> None:
        """End all parts inside the one at `level` of the path, before the delimiter line at `line`."""
        if len(self.path) > level + 1:
            self.finish(level + 1, self.end_before(line, self.path[-1].start))

    def finish(self, level: int, end: int) -> None:
        for part in self.path[level:]:
            part.end = end
            structure = part.structure
            if structure.boundary is not None and structure.close is None:
                del self.awaited[structure.boundary]
                name = "missing-close-delimiter" if structure.delimiters else "missing-delimiter"
                structure.defects.append(Defect(name, end))
        del self.path[level:]


def _may_be_container(part: Part) -> bool:
    """False for most leaves, without the cost of reading the whole Content-Type."""
    field = part.header.get(b"content-type")
    value = field.raw.lower() if field else part.default_type
    return b"multipart" in value or b"message" in value


def _default_type(parent: Part) -> bytes:
    """What a part without Content-Type is (RFC 2046 §5.1.5)."""
    return b"message/rfc822" if parent.content_type.subtype == "digest" else b"text/plain"
