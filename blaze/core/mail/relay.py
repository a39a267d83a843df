"""A message made fit for the wire: hidden recipients taken out, and what a server cannot take re-encoded.

What need not change is copied from the buffer; newlines come out as CRLF. Memory is that of a window.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail import address, build, charset, encoded, mime, transfer, window
from blaze.core.mail.address import Address, Group, Mailbox
from blaze.core.mail.compose import Encoded, Source, Span, iter_with_newline
from blaze.core.mail.header import Field
from blaze.core.mail.message import Part, walk
from blaze.core.mail.newline import is_crlf
from blaze.core.mail.regex import possessive

MAX_LINE = 998  # octets without CRLF, RFC 5322 §2.1.1

_CRLF = build.Style(b"\r\n")

HIDDEN_FIELDS = frozenset({b"bcc", b"resent-bcc"})
"""Fields that never leave the machine (RFC 5322 §3.6.3)."""


class Traits(NamedTuple):
    """What a stretch of a message holds. `size` is in octets with CRLF newlines.

    `canonical` says that every newline is a CRLF already.
    """

    size: int
    canonical: bool
    eight_bit: bool
    bare_return: bool
    long_line: bool


def _survey_whole(octets: bytes) -> Traits:
    """What `survey` says of one piece, faster where it says that nothing is amiss."""
    newlines = octets.count(b"\n")
    if b"\r" not in octets:
        is_long = _has_long_line(octets, b"\n")
        return Traits(len(octets) + newlines, not newlines, not octets.isascii(), False, is_long)
    if not is_crlf(octets):
        return survey((octets,))  # bare or mixed newlines
    return Traits(len(octets), True, not octets.isascii(), False, _has_long_line(octets, b"\r\n"))


def _has_long_line(octets: bytes, newline: bytes) -> bool:
    """Whether a line is over the limit: from one line's end to the last that the limit lets it see."""
    start, reach = 0, MAX_LINE + len(newline)
    while len(octets) - start > MAX_LINE:
        end = octets.rfind(newline, start, start + reach)
        if end < 0:
            return True
        start = end + len(newline)
    return False


def survey(chunks: Iterable[bytes]) -> Traits:
    """Look once at every octet of `chunks`, cut anywhere."""
    size = 0
    canonical = True
    eight_bit = bare_return = long_line = False
    line = 0  # octets of the line that the last chunk left open
    held = b""
    for piece in chunks:
        chunk = held + piece if held else piece
        held = b"\r" if chunk.endswith(b"\r") else b""
        if held:
            chunk = chunk[:-1]
        returns, newlines = chunk.count(b"\r"), chunk.count(b"\n")
        pairs = chunk.count(b"\r\n") if returns else 0
        size += len(chunk) + newlines - pairs
        canonical = canonical and pairs == newlines
        eight_bit = eight_bit or not chunk.isascii()
        bare_return = bare_return or returns != pairs
        if not long_line:
            first, *rest = chunk.split(b"\n")
            longest = max(line + len(first), *map(len, rest)) if rest else line + len(first)
            # A line's CR is counted until a long one is met; then it is looked at closely.
            long_line = longest > MAX_LINE and (
                line + len(first.rstrip(b"\r")) > MAX_LINE
                or any(len(x.rstrip(b"\r")) > MAX_LINE for x in rest)
            )
            line = len(rest[-1]) if rest else line + len(first)
    return Traits(size + len(held), canonical, eight_bit, bare_return or bool(held), long_line)


class _Edit(NamedTuple):
    """Octets `start` to `end` of the buffer become `chunks`."""

    start: int
    end: int
    chunks: Source


class Outgoing:
    """A message on its way to a server, as often as needed.

    `message` is the root of its part tree, `added` are fields (with their newlines) to put in front, which
    become the header of a message that has none. A byte order mark and a From line of mbox, which are no part
    of a message, are left out.
    """

    def __init__(self, message: Part, added: bytes = b"") -> None:
        self.message = message
        self._start = message.header.top
        self._added = [_Edit(self._start, self._start, (added,))] if added else []
        self._hidden = self._added + _hidden_fields(message)
        if added:
            self._hidden += _empty_line(message)
        self._traits: Traits | None = None
        self._whole: bytes | None = None  # a small message without its hidden fields
        if message.end - self._start <= window.CHUNK:
            whole = message.buffer[self._start : message.end]
            self._whole = b"".join(self._spliced(self._hidden)) if self._hidden else whole

    @property
    def traits(self) -> Traits:
        """What the message holds, hidden fields left out. One pass over it, once."""
        if self._traits is None:
            whole = self._whole
            self._traits = survey(self._spliced(self._hidden)) if whole is None else _survey_whole(whole)
        return self._traits

    @property
    def eight_bit(self) -> bool:
        """Whether any octet is beyond ASCII; of a small message this is known without a survey."""
        return self.traits.eight_bit if self._whole is None else not self._whole.isascii()

    @property
    def header_octets(self) -> bytes:
        """The header, without hidden fields, as it stands."""
        return b"".join(self._spliced(self._hidden, self.message.header.body_start))

    @property
    def has_utf8_header(self) -> bool:
        """Whether the header holds UTF-8 beyond ASCII (RFC 6532)."""
        return self.eight_bit and not self.header_octets.isascii() and _is_utf8(self.header_octets)

    @property
    def is_signed(self) -> bool:
        """Whether re-encoding would break a signature."""
        return self.message.header.get(b"dkim-signature") is not None or any(
            part.content_type.subtype == "signed" for _, part in walk(self.message)
        )

    @property
    def must_change(self) -> bool:
        """Whether it cannot go over any wire as it is.

        It has a bare CR, a line over 998 octets, or LFs in octets that are no text.
        """
        return self.traits.bare_return or self.traits.long_line or self.has_binary_newlines

    @property
    def has_binary_newlines(self) -> bool:
        """Whether a part in the encoding ``binary`` that is no text has an LF that would become a CRLF."""
        if self.traits.canonical or not self._may_be_binary():
            return False
        return any(_has_binary_newlines(part) for _, part in walk(self.message) if not part.parts)

    def _may_be_binary(self) -> bool:
        """Whether a look at a small message leaves it open that it names the encoding ``binary``."""
        if self._whole is None:
            return True
        header = self.message.buffer[self.message.start : self.message.header.body_start].lower()
        has_parts = b"multipart" in header or b"message/" in header
        return b"binary" in (self._whole.lower() if has_parts else header)

    def iter_unchanged(self) -> Iterator[bytes]:
        """The message with CRLF newlines, the last line ended; no chunk ends between CR and LF."""
        if self._whole is None:
            return _ended(iter_with_newline(self._spliced(self._hidden), b"\r\n"))
        whole = self._whole if self.traits.canonical else b"".join(iter_with_newline((self._whole,), b"\r\n"))
        return iter((whole if whole.endswith(b"\n") or not whole else whole + b"\r\n",))

    def iter_changed(self, *, seven_bit: bool, ascii_header: bool) -> Iterator[bytes]:
        """The message with bodies re-encoded that hold a bare CR, a long line or (`seven_bit`) 8-bit octets.

        Header fields are written anew for the same reasons, 8-bit ones with `ascii_header` too. Its meaning
        stays: the decoded bodies are the same octets, but for the newlines of text.

        Raises:
            DataError: something cannot be said otherwise.
        """
        edits = [*self._added, *self._edits(seven_bit=seven_bit, ascii_header=ascii_header)]
        chunks = iter_with_newline(self._spliced(edits), b"\r\n")
        return _ended(_checked(chunks, seven_bit=seven_bit))

    def _spliced(self, edits: list[_Edit], end: int | None = None) -> Iterator[bytes]:
        position = self._start
        end = self.message.end if end is None else end
        for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
            yield from window.iter_chunks(self.message.buffer, position, edit.start)
            yield from edit.chunks
            position = edit.end
        yield from window.iter_chunks(self.message.buffer, position, end)

    def _edits(self, *, seven_bit: bool, ascii_header: bool) -> Iterator[_Edit]:
        for _, part in walk(self.message):
            is_root = part is self.message
            new_encoding = None
            if part.parts:
                yield from _bare_structure(part, seven_bit=seven_bit)
                if seven_bit and part.header.get(b"content-transfer-encoding") is not None:
                    new_encoding = "7bit" if part.encoding in ("8bit", "binary") else None
            elif _is_unfit(part, seven_bit=seven_bit):
                new_encoding = _encoding_for(part)
                yield _Edit(*part.body, _recoded(part, new_encoding))
            header_edits = [*_header_edits(part, new_encoding, is_root=is_root, ascii_header=ascii_header)]
            yield from header_edits
            if header_edits or (is_root and self._added):
                yield from _empty_line(part)


def _hidden_fields(message: Part) -> list[_Edit]:
    header = message.header
    is_small = header.body_start - header.start <= window.CHUNK
    if is_small and b"bcc" not in message.buffer[header.start : header.body_start].lower():
        return []  # as in most messages, and one look tells
    return [
        _Edit(field.start, field.end, ()) for key in sorted(HIDDEN_FIELDS) for field in header.get_all(key)
    ]


def _empty_line(part: Part) -> list[_Edit]:
    """What ends the header that a part without one is given."""
    header = part.header
    is_missing = header.start == header.body_start
    return [_Edit(header.start, header.start, (b"\r\n",))] if is_missing else []


def _is_unfit(part: Part, *, seven_bit: bool) -> bool:
    traits = survey(part.iter_raw())
    return (
        traits.bare_return
        or traits.long_line
        or (seven_bit and traits.eight_bit)
        or _has_binary_newlines(part)
    )


def _has_binary_newlines(part: Part) -> bool:
    is_binary = part.encoding == "binary" and part.content_type.type != "text"
    return is_binary and not survey(part.iter_raw()).canonical


def _encoding_for(part: Part) -> str:
    """Quoted-printable for text whose lines are lines, base64 for octets that must all come back."""
    content_type = part.content_type
    codec = charset.lookup(content_type.params.get("charset", "")) or ""
    is_lines = content_type.type == "text" and codec not in charset.WIDE
    return "quoted-printable" if is_lines and transfer.family(part.encoding) != "base64" else "base64"


def _recoded(part: Part, encoding: str) -> Source:
    family = transfer.family(part.encoding)
    if family in ("unknown", "x-uuencode"):  # what stands around uuencoded lines would be lost
        raise DataError(f"a part in the encoding {part.encoding!r} cannot be re-encoded")
    source: Source = Span(part.buffer, *part.body) if family == "identity" else _Decoded(part)
    return Encoded(source, encoding, encoding == "quoted-printable", b"\r\n")


class _Decoded:
    """The decoded body of a part as a source."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __iter__(self) -> Iterator[bytes]:
        return self._part.iter_octets()


def _bare_structure(part: Part, *, seven_bit: bool) -> Iterator[_Edit]:
    """What stands around the parts of a multipart is shown to nobody: unfit, it is left out."""
    if part.structure.boundary is None:
        return
    for start, end in (part.preamble, part.epilogue):
        traits = survey(window.iter_chunks(part.buffer, start, end))
        if traits.bare_return or traits.long_line or (seven_bit and traits.eight_bit):
            yield _Edit(start, end, ())


def _header_edits(
    part: Part, new_encoding: str | None, *, is_root: bool, ascii_header: bool
) -> Iterator[_Edit]:
    header = part.header
    named = new_encoding and b"Content-Transfer-Encoding: %b\r\n" % new_encoding.encode()
    for field in header:
        if is_root and field.key in HIDDEN_FIELDS:
            yield _Edit(field.start, field.end, ())
        elif new_encoding and field.key == b"content-transfer-encoding":
            yield _Edit(field.start, field.end, (named or b"",))
            named = None
        elif changed := _rewritten(field, is_root=is_root, ascii_header=ascii_header):
            yield _Edit(field.start, field.end, (changed,))
    added = [named] if named else []
    if new_encoding and is_root and header.get(b"mime-version") is None:
        added.insert(0, b"MIME-Version: 1.0\r\n")
    if added:
        yield _Edit(header.end, header.end, added)


def _rewritten(field: Field, *, is_root: bool, ascii_header: bool) -> bytes | None:
    octets = field.octets
    traits = survey((octets,))
    if not (traits.bare_return or traits.long_line or (ascii_header and traits.eight_bit)):
        return None
    value = field.unfolded.replace(b"\r", b" ")
    must_stay = ascii_header and is_root and field.key in build.ADDRESS_FIELDS
    if must_stay and (beyond := _address_beyond_ascii(value)):
        raise DataError(f"the field {field.name} has an address that needs SMTPUTF8: {beyond}")
    try:
        return _made_anew(field, value, build.Style(b"\r\n", utf8=not ascii_header))
    except DataError:
        folded = build.structured(field.name, _words_encoded(value), _CRLF)
        if survey((folded,)).long_line:
            raise DataError(f"the field {field.name} has a line over {MAX_LINE} octets") from None
        return folded


def _made_anew(field: Field, value: bytes, style: build.Style) -> bytes:
    """The field as its grammar has it; octets that are no UTF-8 get the label unknown-8bit (RFC 1428).

    Raises:
        DataError: the value is not what the field takes.
    """
    name, key = field.name, field.key
    if key in build.ADDRESS_FIELDS:
        listed = address.parse_list(value)
        if listed.defects or not listed.addresses:
            raise DataError("not a list of addresses", where=name)
        return build.addresses(name, [_sayable(one, style) for one in listed.addresses], style)
    if key in build.PARAMETER_FIELDS:
        return _parameters_made_anew(name, key, value, style)
    text = encoded.decode(value)
    is_free = key not in build.STRUCTURED_FIELDS and key not in build.MESSAGE_ID_FIELDS
    if is_free and not _is_utf8(value):
        return build.unstructured(name, text, style)
    return build.field(name, text, style)


def _parameters_made_anew(name: str, key: bytes, value: bytes, style: build.Style) -> bytes:
    """What the field says to a reader: what none understands of it is left out."""
    if key == b"content-type":
        media = mime.parse_content_type(value)
        return build.parameters(name, str(media), media.params, style)
    disposition = mime.parse_content_disposition(value)
    return build.parameters(name, disposition.type, disposition.params, style)


def _sayable(one: Address, style: build.Style) -> Address:
    """An address that ASCII cannot say becomes the name of an empty group (RFC 6857 §3.2.1)."""
    members = one.mailboxes if isinstance(one, Group) else (one,)
    if all(_is_sayable(member, style) for member in members):
        return one
    listed = ", ".join(member.addr_spec for member in members)
    return Group(f"{one.decoded_name or ''} {listed}".strip(), ())


def _is_sayable(mailbox: Mailbox, style: build.Style) -> bool:
    if mailbox.local_part.isascii() and mailbox.domain.isascii():
        return True
    try:
        mailbox.addr_spec.encode()
        return style.utf8 or (mailbox.local_part.isascii() and bool(address.to_ascii_domain(mailbox.domain)))
    except (UnicodeEncodeError, DataError):
        return False


def _is_utf8(octets: bytes) -> bool:
    try:
        octets.decode()
    except UnicodeDecodeError:
        return False
    return True


def _words_encoded(value: bytes) -> str:
    """The value with its words beyond ASCII as encoded-words wherever they stand: nothing gets lost."""

    def encode(found: re.Match[bytes]) -> bytes:
        words = encoded.encode(found[0].decode("utf-8", "surrogateescape"), context="phrase")
        return b" ".join(words)

    return _words_beyond_ascii().sub(encode, value).decode("ascii")


@cache
def _words_beyond_ascii() -> re.Pattern[bytes]:
    """Words with an octet beyond ASCII, those next to each other together; linear."""
    special = rb"\s()<>\[\]:;@\\,\""
    word = rb"[^%b\x80-\xff]*+[\x80-\xff][^%b]*+" % (special, special)
    return possessive(rb"(?<![^%b])%b(?:[ \t]++%b)*+" % (special, word, word))


def _address_beyond_ascii(value: bytes) -> str | None:
    """The first address of a list in UTF-8 whose local-part no ASCII form stands for (RFC 6532 §3.2)."""
    if not _is_utf8(value):
        return None  # no address of any standard
    mailboxes = address.parse_list(value).mailboxes
    return next((one.addr_spec for one in mailboxes if not one.local_part.isascii()), None)


def _ended(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks, with a CRLF after a last line that has none."""
    last = b"\r\n"
    for chunk in chunks:
        if chunk:
            yield chunk
            last = chunk
    if not last.endswith(b"\n"):
        yield b"\r\n"


def _checked(chunks: Iterator[bytes], *, seven_bit: bool) -> Iterator[bytes]:
    """The chunks, refused where they are still unfit: outside any body and any field."""
    line = 0
    held = b""
    for piece in chunks:
        chunk = held + piece
        held = b"\r" if chunk.endswith(b"\r") else b""
        chunk = chunk.removesuffix(b"\r")
        lines = chunk.split(b"\r\n")
        lengths = [line + len(lines[0]), *map(len, lines[1:])]
        if max(lengths) > MAX_LINE or chunk.count(b"\r") != len(lines) - 1:
            raise DataError("a bare CR or a line over 998 octets cannot be re-encoded")
        if seven_bit and not chunk.isascii():
            raise DataError("8-bit octets outside any field and body cannot be re-encoded")
        line = lengths[-1]
        yield chunk
    if held:
        raise DataError("a bare CR cannot be re-encoded")
