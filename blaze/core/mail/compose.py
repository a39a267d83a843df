"""Messages and multiparts generated as streams of chunks (RFC 2045, 2046).

Bodies come as sources that are read more than once and never held: once to choose an encoding, once for a
boundary that must not occur in them, once to be written. Nothing here draws randomness: boundaries and
identifiers follow from a seed.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain
from typing import TypeAlias

from blaze.core.errors import DataError
from blaze.core.mail import build, transfer, window
from blaze.core.mail.build import LF, Style
from blaze.core.mail.header import Buffer
from blaze.core.mail.scan import choose_encoding, scan

Source: TypeAlias = Iterable[bytes]
"""Octets in chunks. Each `iter()` begins anew, as that of a list does and that of a generator does not."""

MAX_BOUNDARY = 70
"""Characters of a boundary, RFC 2046 §5.1.1."""

_BOUNDARY_CHARACTERS = frozenset(
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'()+_,-./:=? "
)
_BOUNDARY_TRIES = 100
_MAX_PENDING = 1 << 16  # CRs held until it is known what follows
_NEVER_ENCODED = frozenset({"message/rfc822", "message/partial", "message/external-body"})  # RFC 2046 §5.2
_DOMAINS = ("7bit", "8bit", "binary")  # RFC 2045 §6.2, the widest last


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a part without parts is to be.

    `encoding` is a name of RFC 2045 §6 or `auto`. `is_text` means that newlines are line ends, to be written
    as the message writes its own; otherwise every octet of `source` comes back as it was. `disposition` and
    `filename` make the Content-Disposition, `fields` are further fields, whole.
    """

    source: Source
    type: str = "text/plain"
    params: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "auto"
    _: KW_ONLY
    is_text: bool = True
    disposition: str | None = None
    filename: str | None = None
    fields: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The content of a message: one text or two versions of it, what the HTML shows, and what is attached."""

    text: Leaf | None = None
    html: Leaf | None = None
    inline: Sequence[Leaf] = ()
    attachments: Sequence[Leaf] = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """A part ready to be written: its MIME fields, its body as sources one after the other, and the encoding.

    Iterating gives the fields, the empty line and the body, any number of times.
    """

    fields: tuple[bytes, ...]
    body: tuple[Source, ...]
    encoding: str
    style: Style

    def __iter__(self) -> Iterator[bytes]:
        yield b"".join((*self.fields, self.style.newline))
        yield from chain.from_iterable(self.body)


@dataclass(frozen=True, slots=True)
class Span:
    """The octets from `start` to `end` of a buffer as a source; a mapped file costs a window of memory."""

    buffer: Buffer
    start: int
    end: int

    def __iter__(self) -> Iterator[bytes]:
        return window.iter_chunks(self.buffer, self.start, self.end)

    def head(self, size: int) -> bytes:
        """The first octets, at most `size`."""
        return self.buffer[self.start : min(self.start + size, self.end)]


@dataclass(frozen=True, slots=True)
class Lines:
    """A source whose newlines, LF and CRLF, come out as `newline`; a bare CR is data."""

    source: Source
    newline: bytes

    def __iter__(self) -> Iterator[bytes]:
        return iter_with_newline(self.source, self.newline)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A source in a transfer encoding; where it is text, its lines end in `newline` before and after."""

    source: Source
    encoding: str
    is_text: bool
    newline: bytes

    def __iter__(self) -> Iterator[bytes]:
        lines = self.encoding in ("7bit", "8bit") or (self.is_text and self.encoding != "binary")
        source = Lines(self.source, self.newline) if lines else self.source
        line_end = self.newline if self.is_text else None
        return transfer.encode(self.encoding, source, newline=self.newline, line_end=line_end)


def iter_with_newline(chunks: Iterable[bytes], newline: bytes) -> Iterator[bytes]:
    """`chunks` with every LF and CRLF written as `newline`, LF or CRLF. One chunk in memory.

    A bare CR is data and stays. So does one before a CRLF, which stays too: an LF alone would make it a CRLF.
    """
    pending = b""
    for chunk in chunks:
        octets = pending + chunk
        end = len(octets.rstrip(b"\r"))
        if len(octets) - end > _MAX_PENDING:
            end = len(octets)
        pending = octets[end:]
        yield _with_newline(octets[:end], newline)
    if pending:
        yield pending


def _with_newline(octets: bytes, newline: bytes) -> bytes:
    if b"\r" in octets:
        if b"\r\r\n" in octets:
            found = rb"(?<!\r)\r\n" if newline == b"\n" else rb"(?<!\r)\n"
            return re.sub(found, newline, octets)
        octets = octets.replace(b"\r\n", b"\n")
    return octets if newline == b"\n" else octets.replace(b"\n", newline)


def leaf(wanted: Leaf, style: Style = LF, *, enclosed_in: str | None = None) -> Entity:
    """`wanted` as a part.

    Of the encodings `auto` means 7bit where that may be, 8bit where `style.utf8` (which needs 8BITMIME on the
    way, RFC 6531 §3.6) allows it, else the shorter of quoted-printable and base64; a message is never encoded
    by those two (RFC 2046 §5.2). Two passes over the source: one here, one when the part is written.
    With `enclosed_in`, a boundary, an encoding is chosen in which no line is its delimiter.

    Raises:
        DataError: the encoding asked for cannot carry the octets, or `enclosed_in` occurs in them.
    """
    encoding = _encoding(wanted, style)
    part = _encoded(wanted, encoding, style)
    if enclosed_in is None or may_enclose(part, enclosed_in):
        return part
    if wanted.encoding == "auto" and wanted.type not in _NEVER_ENCODED:
        return _encoded(wanted, "base64", style)
    hint = "--encoding base64 hides it."
    if wanted.type in _NEVER_ENCODED:
        hint = "A multipart with another boundary can hold it."
    raise DataError(f"the boundary {enclosed_in!r} occurs in the part", hint=hint)


def _encoding(wanted: Leaf, style: Style) -> str:
    asked, is_message = wanted.encoding, wanted.type in _NEVER_ENCODED
    if is_message and asked in ("quoted-printable", "base64"):
        raise DataError(f"{wanted.type} may not be encoded as {asked}", hint="RFC 2046 §5.2 forbids it.")
    if asked in ("quoted-printable", "base64", "binary"):
        return asked
    counted = scan(wanted.source)
    if asked == "auto" and not is_message:
        return choose_encoding(counted, is_text=wanted.is_text, allow_8bit=style.utf8)
    lines = counted.fits_lines(is_text=True)
    allowed = [name for name, fits in (("7bit", counted.is_ascii), ("8bit", True)) if lines and fits]
    if is_message and asked == "auto":
        return allowed[0] if allowed else "binary"
    if asked not in allowed:
        raise DataError(f"the content is not {asked}", hint="--encoding auto chooses one that can carry it.")
    return asked


def _encoded(wanted: Leaf, encoding: str, style: Style) -> Entity:
    fields = list(wanted.fields)
    keys = build.keys(fields)
    if b"content-disposition" not in keys and wanted.disposition is not None:
        params = {"filename": wanted.filename} if wanted.filename else {}
        fields.insert(0, build.parameters("Content-Disposition", wanted.disposition, params, style))
    fields.insert(0, build.structured("Content-Transfer-Encoding", encoding, style))
    fields.insert(0, build.parameters("Content-Type", wanted.type, wanted.params, style))
    return Entity(
        tuple(fields), (Encoded(wanted.source, encoding, wanted.is_text, style.newline),), encoding, style
    )


def content(draft: Draft, seed: bytes, style: Style = LF) -> Entity:
    """What `draft` is as a part; boundaries follow from `seed`.

    Two texts stand in an alternative, those with what is inline in a related (RFC 2387), and all that with
    the attachments in a mixed.

    Raises:
        DataError: there is no text, or as `leaf`.
    """
    versions = [each for each in (draft.text, draft.html) if each is not None]
    if not versions:
        raise DataError("a message needs a text")
    texts = [leaf(each, style) for each in versions]
    root, kind = texts[0], versions[0].type
    if len(texts) > 1:
        root, kind = _enclose("alternative", texts, seed, style), "multipart/alternative"
    if draft.inline:
        parts = [root, *(leaf(each, style) for each in draft.inline)]
        root = _enclose("related", parts, seed, style, {"type": kind})
    if draft.attachments:
        root = _enclose("mixed", [root, *(leaf(each, style) for each in draft.attachments)], seed, style)
    return root


def _enclose(
    subtype: str, parts: Sequence[Entity], seed: bytes, style: Style, params: Mapping[str, str] | None = None
) -> Entity:
    boundary = choose_boundary(parts, seed, subtype)
    return multipart(subtype, parts, boundary=boundary, params=params, style=style)


def message(fields: Sequence[bytes], content: Entity) -> Iterator[bytes]:
    """A whole message: the given header fields, MIME-Version, and what `content` is."""
    yield b"".join(fields)
    yield build.structured("MIME-Version", "1.0", content.style)
    yield from content


def widest(encodings: Iterable[str]) -> str:
    """The widest of 7bit, 8bit and binary among some encodings, where the others are 7bit on the wire."""
    return max(
        (each if each in _DOMAINS else "7bit" for each in encodings), key=_DOMAINS.index, default="7bit"
    )


def multipart(
    subtype: str,
    parts: Sequence[Entity],
    *,
    boundary: str,
    params: Mapping[str, str] | None = None,
    style: Style = LF,
) -> Entity:
    """A multipart of `parts` (RFC 2046 §5.1), whose encoding is the widest of theirs (RFC 2045 §6.4).

    Raises:
        DataError: `boundary` is no boundary, or is a delimiter inside one of the parts already.
    """
    check_boundary(boundary)
    if not all(may_enclose(part, boundary) for part in parts):
        raise DataError(
            f"the boundary {boundary!r} occurs in a part", hint="Another --boundary, or none, avoids it."
        )
    newline, delimiter = style.newline, b"--" + boundary.encode("ascii")
    body: list[Source] = []
    for part in parts:
        body += [[delimiter + newline, *part.fields, newline], *part.body, [newline]]
    body.append([delimiter + b"--" + newline])
    encoding = widest(part.encoding for part in parts)
    fields = [
        build.parameters(
            "Content-Type", f"multipart/{subtype}", {**(params or {}), "boundary": boundary}, style
        )
    ]
    if encoding != "7bit":
        fields.append(build.structured("Content-Transfer-Encoding", encoding, style))
    return Entity(tuple(fields), tuple(body), encoding, style)


def choose_boundary(parts: Sequence[Entity], seed: bytes, purpose: str) -> str:
    """A boundary that occurs in none of `parts`; the same for the same parts, seed and purpose."""
    for attempt in range(_BOUNDARY_TRIES):
        candidate = token(seed, b"boundary", purpose.encode(), b"%d" % attempt)
        if all(may_enclose(part, candidate) for part in parts):
            return candidate
    raise DataError("no boundary was found that the parts do not hold", hint="Another --seed finds one.")


def seed_of_message(seed: bytes, fields: Iterable[bytes]) -> bytes:
    """A seed for the boundaries of one message, from that of the user and the header fields but Date.

    Two messages made with one seed differ in their boundaries, so that one can be a part of the other.
    """
    kept = (octets for octets in fields if octets[:5].lower() != b"date:")
    return token(seed, b"message", *kept).encode("ascii")


def token(seed: bytes, *purpose: bytes) -> str:
    """26 lower-case letters and digits that follow from the seed and from what they are for."""
    digest = hashlib.sha256()
    for octets in (seed, *purpose):
        digest.update(b"%d:%b" % (len(octets), octets))
    return base64.b32encode(digest.digest())[:26].decode("ascii").lower()


def check_boundary(boundary: str) -> None:
    """Refuse with `DataError` what is no boundary (RFC 2046 §5.1.1)."""
    if (
        not 1 <= len(boundary) <= MAX_BOUNDARY
        or boundary.endswith(" ")
        or not _BOUNDARY_CHARACTERS.issuperset(boundary)
    ):
        raise DataError(f"not a boundary: {boundary!r}", hint="At most 70 letters, digits and '()+_,-./:=?")


def may_enclose(part: Entity, boundary: str) -> bool:
    """True when no line of `part` begins with the delimiter of `boundary`. Reads the whole part once."""
    if part.encoding == "base64":  # its alphabet has no hyphen
        return True
    delimiter = b"\n--" + boundary.encode("utf-8", "surrogateescape")
    tail = b"\n"
    for chunk in chain.from_iterable(part.body):
        octets = tail + chunk
        if delimiter in octets:
            return False
        tail = octets[-len(delimiter) + 1 :]
    return True
