"""Changes that bodies meet on their way, undone in turn until the hash of a signature fits again.

None of this is a verdict: it tells a person what happened to a message whose signature has failed.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import partial
from hashlib import sha256
from itertools import accumulate, islice, pairwise

from blaze.core.auth.budget import Budget
from blaze.core.auth.canon import Canonicalization, canonical_body
from blaze.core.auth.dkim_signable import Signable
from blaze.core.mail import mime, transfer

MAX_OCTETS = 1 << 20  # of a body in which changes are undone
MAX_ADDED = 40  # lines in the middle, and of encoded text, that may have been added in one place
_MAX_PARTS = 20  # parts of a multipart that are tried alone, and left out
_CANONICALIZING = 8  # what an octet costs that is made canonical, in octets hashed
_WIDTHS = (76, 64, 72)  # characters of a line of base64, as programs write it

_BLANKS_AT_END = re.compile(rb"(?m)(?<![ \t])[ \t]++$")  # looks behind, else a long run were quadratic

_Try = tuple[str, bytes]  # what ends the sentence "The body fits", and a body or its hash


class BodyChanges:
    """The changes that may have been made to one body; all signatures of a message share the work."""

    def __init__(self, message: Signable, budget: Budget) -> None:
        self._message = message
        self._budget = budget
        body = message.buffer[
            message.header.body_start : min(message.end, message.header.body_start + MAX_OCTETS)
        ]
        self._body = body if b"\r\r" in body else body.replace(b"\r\n", b"\n")
        self._words: dict[tuple[Canonicalization, int | None], dict[bytes, str]] = {}
        self._tries: dict[tuple[Canonicalization, int | None], Iterator[_Try]] = {}

    @property
    def too_large(self) -> bool:
        """True when the body is too large for tries."""
        return self._message.end - self._message.header.body_start > MAX_OCTETS

    def find(self, canonicalization: Canonicalization, length: int | None, wanted: bytes) -> str | None:
        """The words for a change without which the body has the SHA-256 `wanted`, None when none is found.

        `length` is that of ``l=``.
        """
        key = canonicalization, length
        if key not in self._tries:
            self._words[key] = {}
            self._tries[key] = self._iter_hashes(canonicalization, length)
        known = self._words[key]
        if wanted in known:
            return known[wanted]
        for words, digest in self._tries[key]:
            known.setdefault(digest, words)
            if digest == wanted:
                return words
        return None

    def _iter_hashes(self, canonicalization: Canonicalization, length: int | None) -> Iterator[_Try]:
        """Every try with its hash, until the budget is spent."""
        yield from self._hashed(_iter_relined(self._body), canonicalization, length)
        if length is None:
            canonical = canonical_body(self._body, canonicalization)
            lines = canonical.splitlines(keepends=True)
            yield from self._iter_added_outside(canonical, lines)
        yield from self._hashed(self._iter_bodies(), canonicalization, length)
        other: Canonicalization = "simple" if canonicalization == "relaxed" else "relaxed"
        words = f"when its canonicalization is {other}, which c= does not say"
        yield from self._hashed([(words, self._body)], other, length)
        if length is None:
            starts = [0, *accumulate(map(len, lines))]
            for added in range(1, min(MAX_ADDED, len(lines) - 1)):
                yield from self._iter_added_inside(memoryview(canonical), starts, added)

    def _hashed(
        self, tries: Iterable[_Try], canonicalization: Canonicalization, length: int | None
    ) -> Iterator[_Try]:
        for words, body in tries:
            if not self._budget.spend(_CANONICALIZING * len(body)):
                return
            yield words, sha256(canonical_body(body, canonicalization)[:length]).digest()

    def _iter_added_outside(self, canonical: bytes, lines: list[bytes]) -> Iterator[_Try]:
        """The canonical body without lines at its end, and at its beginning."""
        count = len(lines)
        running = sha256()
        for number, line in enumerate(lines[:-1], 1):
            running.update(line)
            if line != b"\r\n":  # with an empty line at its end it would not be canonical
                if not self._budget.spend(len(line)):
                    return
                yield f"without its last {_lines(count - number)}: a footer was added", running.digest()
        start = 0
        for number, line in enumerate(lines[: min(MAX_ADDED, count - 1)], 1):
            start += len(line)
            if not self._budget.spend(len(canonical) - start):
                return
            digest = sha256(canonical[start:]).digest()
            yield f"without its first {_lines(number)}: a banner was added", digest

    def _iter_added_inside(self, view: memoryview, starts: list[int], added: int) -> Iterator[_Try]:
        running = sha256()
        for first in range(1, len(starts) - 1 - added):
            running.update(view[starts[first - 1] : starts[first]])
            rest = view[starts[first + added] :]
            if not self._budget.spend(len(rest)):
                return
            whole = running.copy()
            whole.update(rest)
            lines = f"line {first + 1}" if added == 1 else f"lines {first + 1} to {first + added}"
            yield f"without its {lines}, added in the middle", whole.digest()

    def _iter_bodies(self) -> Iterator[_Try]:
        yield from _iter_transcoded(self._body)
        yield from self._iter_encodings()
        yield from self._iter_parts()

    def _iter_encodings(self) -> Iterator[_Try]:
        body = self._body
        fields = self._message.fields(b"content-transfer-encoding")
        encoding = mime.parse_content_transfer_encoding(fields[0].raw) if fields else ""
        text = transfer.decode_bytes(encoding, body) if encoding in ("quoted-printable", "base64") else body
        if text is not body:
            yield f"when its {encoding} is decoded again", text
        lf = text.replace(b"\r\n", b"\n")
        for variant, line_end in ((lf.replace(b"\n", b"\r\n"), b"\r\n"), (lf, b"\n")):
            for width in _WIDTHS:
                yield (
                    f"when it is base64 again, in lines of {width} characters",
                    _base64_lines(variant, width),
                )
                yield from _iter_without_footer(variant, width)
            for words, kept in (("again", line_end), ("again, with its line ends encoded", None)):
                octets = transfer.encode_bytes("quoted-printable", variant, newline=b"\n", line_end=kept)
                yield f"when it is quoted-printable {words}", octets

    def _iter_parts(self) -> Iterator[_Try]:
        """Parts of a multipart alone, as before a list wrapped it; and the multipart without one of them."""
        fields = self._message.fields(b"content-type")
        boundary = mime.parse_content_type(fields[0].raw).params.get("boundary") if fields else None
        if not boundary:
            return
        delimiter = re.compile(
            rb"(?m)^--" + re.escape(boundary.encode("utf-8", "surrogateescape")) + rb"(?:--)?[ \t]*$\n?"
        )
        found = islice(delimiter.finditer(self._body), _MAX_PARTS + 1)
        for number, (before, after) in enumerate(pairwise(found), 1):
            part = self._body[before.end() : after.start()]
            content = part[1:] if part.startswith(b"\n") else part.partition(b"\n\n")[2]
            yield f"when its part {number} stands alone: it was wrapped into a multipart", content
            without = self._body[: before.start()] + self._body[after.start() :]
            yield f"when its part {number} is left out", without


def _iter_relined(body: bytes) -> Iterator[_Try]:
    """Changes to the beginnings and the ends of lines."""
    if body.startswith(b".") or b"\n." in body:
        yield "when the dots that SMTP doubles are made single again", re.sub(rb"(?m)^\.\.", b".", body)
        yield "when lines that begin with a dot get a second one", re.sub(rb"(?m)^\.", b"..", body)
    yield "when lines end without blanks", _BLANKS_AT_END.sub(b"", body)
    yield "when lines of two hyphens get their blank back", re.sub(rb"(?m)^--$", b"-- ", body)
    yield "when the angle brackets before From are taken out", re.sub(rb"(?m)^>(>*From )", rb"\1", body)
    yield "when lines that begin with From get an angle bracket", re.sub(rb"(?m)^(>*From )", rb">\1", body)
    yield "when an empty line stands before it", b"\n" + body
    if b"\r" in body:
        yield "when its bare CRs are taken out", re.sub(rb"\r(?!\n)", b"", body)
        yield "when its bare CRs are ends of lines", re.sub(rb"\r(?!\n)", b"\n", body)
    if b"\n\n" in body:
        yield "when every second line, which is empty, is taken out", body.replace(b"\n\n", b"\n")


def _iter_transcoded(body: bytes) -> Iterator[_Try]:
    if body.isascii():
        return
    for now, before in (("utf-8", "iso-8859-1"), ("utf-8", "windows-1252"), ("iso-8859-1", "utf-8")):
        try:
            yield f"when its text is {before} again, not {now}", body.decode(now).encode(before)
        except UnicodeError:
            continue


def _iter_without_footer(text: bytes, width: int) -> Iterator[_Try]:
    """Text without its last lines, in base64 as it was before a list added to what it decoded."""
    lines = text.splitlines(keepends=True)
    for count in range(1, min(MAX_ADDED, len(lines))):
        kept = b"".join(lines[:-count])
        words = f"when its text without the last {_lines(count)} is base64 again: a footer was added"
        for variant in dict.fromkeys((kept, kept.rstrip(b"\r\n"))):
            yield words, _base64_lines(variant, width)


def _lines(count: int) -> str:
    return "line" if count == 1 else f"{count} lines"


def _base64_lines(octets: bytes, width: int) -> bytes:
    size = width // 4 * 3
    encode = partial(binascii.b2a_base64, newline=True)
    return b"".join(encode(octets[start : start + size]) for start in range(0, len(octets), size))
