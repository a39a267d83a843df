"""Canonical forms of header fields and bodies, and their hashes (RFC 6376 §3.4).

The hash is always over the CRLF form. A newline is CRLF or LF, mixed too; a CR that no LF follows is data
like any other octet (RFC 6376 §5.3 wants local newlines made CRLF; SMTP lets no bare CR through unharmed).
"""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from blaze.core.mail.header import Buffer
from blaze.core.mail.newline import is_crlf
from blaze.core.mail.window import iter_chunks

if TYPE_CHECKING:
    from hashlib import _Hash

Canonicalization: TypeAlias = Literal["simple", "relaxed"]

SMALL = 1 << 18  # octets of a body that is canonicalized whole
_NEWLINES = b"\r\n" * 4096
_BARE_CR = re.compile(rb"\r(?!\n)")
_WSP_RUN = re.compile(rb"[ \t]+")
_NEWLINE = re.compile(rb"\r?\n")


def simple_field(octets: bytes) -> bytes:
    """A header field in simple form (RFC 6376 §3.4.1): as it stands, newlines as CRLF, one at the end."""
    octets = _with_lf(octets).replace(b"\n", b"\r\n")
    return octets if octets.endswith(b"\r\n") else octets + b"\r\n"


def relaxed_field(name: bytes, value: bytes) -> bytes:
    """A header field in relaxed form (RFC 6376 §3.4.2), without a newline at its end.

    `name` is in lower case without blanks; `value` is what follows the colon, folded or not, with or without
    its last newline.
    """
    if is_plain(value):
        return name + b":" + b" ".join(value.split())
    return name + b":" + _WSP_RUN.sub(b" ", _NEWLINE.sub(b"", value)).strip(b" ")


def is_plain(octets: bytes) -> bool:
    """True when `bytes.split` takes only WSP (RFC 5234) and newlines for white space: no VT, FF, bare CR."""
    if b"\x0b" in octets or b"\x0c" in octets:
        return False
    return is_crlf(octets) or _BARE_CR.search(octets) is None


class BodyCanonicalizer:
    """Turns a body, given in chunks cut anywhere, into canonical octets handed to `write` as they come.

    Memory is that of one chunk, whatever the body holds. `length` is the number of octets written so far.
    """

    __slots__ = ("_cr", "_newlines", "_relaxed", "_space", "_write", "length")

    def __init__(self, canonicalization: Canonicalization, write: Callable[[bytes], object]) -> None:
        self._relaxed = canonicalization == "relaxed"
        self._write = write
        self._newlines = 0  # ends of lines seen, and not written since nothing has followed them
        self._space = False  # a blank before those of the next chunk
        self._cr = False  # a CR that may be half of a CRLF
        self.length = 0

    def update(self, chunk: bytes) -> None:
        """Take the next octets of the body."""
        if self._cr:
            chunk = b"\r" + chunk
        self._cr = chunk.endswith(b"\r")
        if self._cr:
            chunk = chunk[:-1]
        self._take(chunk)

    def finish(self) -> None:
        """Take the end of the body: what it ends with is written now."""
        if self._cr:
            self._take(b"\r")
            self._cr = False
        if self.length or not self._relaxed:
            self._emit(b"\r\n")

    def _take(self, chunk: bytes) -> None:
        text = _with_lf(chunk)
        if self._relaxed:
            text = _single_spaced(b" " + text if self._space else text)
            self._space = text.endswith(b" ")
            text = _without_trailing_blanks(text, b"\n")
        content = text.rstrip(b"\n")
        if content:
            for block in self._pending_newlines():
                self._emit(block)
            self._newlines = 0
            self._emit(content.replace(b"\n", b"\r\n"))
        self._newlines += len(text) - len(content)

    def _pending_newlines(self) -> Iterator[bytes]:
        left = 2 * self._newlines
        while left:
            block = _NEWLINES[:left]
            yield block
            left -= len(block)

    def _emit(self, octets: bytes) -> None:
        self.length += len(octets)
        self._write(octets)


def canonical_body(body: bytes, canonicalization: Canonicalization) -> bytes:
    """A whole body in canonical form (RFC 6376 §3.4.3, §3.4.4); for bodies that are small enough to hold."""
    text = _with_lf(body)
    if canonicalization == "relaxed":
        text = _single_spaced(text).rstrip(b" \n")
        return _without_trailing_blanks(text + b"\n", b"\r\n") if text else b""
    return text.rstrip(b"\n").replace(b"\n", b"\r\n") + b"\r\n"


class BodyHashes:
    """The SHA-256 hashes of one body, each canonicalization computed once and shared by all signatures.

    `limits` (`l=`, RFC 6376 §3.5) are octets of the canonical body; None is all of it.
    """

    __slots__ = ("_buffer", "_digests", "_end", "_lengths", "_start")

    def __init__(self, buffer: Buffer, start: int, end: int) -> None:
        self._buffer = buffer
        self._start = start
        self._end = end
        self._digests: dict[tuple[Canonicalization, int | None], bytes] = {}
        self._lengths: dict[Canonicalization, int] = {}

    def prepare(self, wanted: Collection[tuple[Canonicalization, int | None]]) -> None:
        """Compute every hash in `wanted` that is not known yet, with one pass for each canonicalization."""
        limits: dict[Canonicalization, set[int | None]] = {}
        for canonicalization, limit in wanted:
            if (canonicalization, limit) not in self._digests:
                limits.setdefault(canonicalization, set()).add(limit)
        for canonicalization, missing in limits.items():
            self._compute(canonicalization, missing)

    def digest(self, canonicalization: Canonicalization, limit: int | None = None) -> bytes:
        """The SHA-256 of the canonical body, or of its first `limit` octets."""
        key = canonicalization, limit
        if key not in self._digests:
            self._compute(canonicalization, (limit,))
        return self._digests[key]

    def length(self, canonicalization: Canonicalization) -> int:
        """The number of octets of the canonical body."""
        if canonicalization not in self._lengths:
            self._compute(canonicalization, (None,))
        return self._lengths[canonicalization]

    def _compute(self, canonicalization: Canonicalization, limits: Collection[int | None]) -> None:
        if self._end - self._start <= SMALL:
            canonical = canonical_body(self._buffer[self._start : self._end], canonicalization)
            self._lengths[canonicalization] = len(canonical)
            for limit in limits:
                octets = canonical if limit is None else canonical[:limit]
                self._digests[canonicalization, limit] = hashlib.sha256(octets).digest()
            return
        sinks = {limit: _LimitedHash(limit) for limit in limits}

        def write(octets: bytes) -> None:
            for sink in sinks.values():
                sink.update(octets)

        canonicalizer = BodyCanonicalizer(canonicalization, write)
        for chunk in iter_chunks(self._buffer, self._start, self._end):
            canonicalizer.update(chunk)
        canonicalizer.finish()
        self._lengths[canonicalization] = canonicalizer.length
        for limit, sink in sinks.items():
            self._digests[canonicalization, limit] = sink.digest()


class _LimitedHash:
    """A SHA-256 that takes the first `limit` octets and passes over the rest."""

    __slots__ = ("_hash", "_left")

    def __init__(self, limit: int | None) -> None:
        self._hash: _Hash = hashlib.sha256()
        self._left = limit

    def update(self, octets: bytes) -> None:
        if self._left is not None:
            octets = octets[: self._left]
            self._left -= len(octets)
        self._hash.update(octets)

    def digest(self) -> bytes:
        return self._hash.digest()


def _with_lf(octets: bytes) -> bytes:
    """`octets` with LF for every CRLF; a bare CR stays."""
    if b"\r" not in octets:
        return octets
    text = octets.replace(b"\r", b"")  # far faster than replacing each CRLF, and nearly always right
    return text if text.replace(b"\n", b"\r\n") == octets else octets.replace(b"\r\n", b"\n")


def _single_spaced(text: bytes) -> bytes:
    """Each run of blanks as one space. Linear."""
    first, *rest = text.replace(b"\t", b" ").split(b"  ")  # cheaper than bytes.replace, which searches twice
    if not rest:
        return first
    last = b" " if rest[-1] in (b"", b" ") else b""  # what a run at the end leaves
    words = [word for part in rest if (word := part.lstrip(b" "))]
    return b" ".join([first, *words]) + last


def _without_trailing_blanks(text: bytes, newline: bytes) -> bytes:
    """Lines, which end in LF and hold no TAB, without spaces at their ends; `newline` then ends them."""
    lines = text.split(b"\n")
    if b"\r" in text or b"\x0b" in text or b"\x0c" in text:  # white space to rstrip, but no blanks
        return newline.join([line.rstrip(b" ") for line in lines])
    return newline.join(map(bytes.rstrip, lines))
