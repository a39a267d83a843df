"""A message decoded and written anew as RFC 5322 and RFC 2045 want it, its meaning unchanged.

Texts, attachments, addresses and the words of header fields stay; folding, encoded-words, transfer encodings,
parameters and delimiter lines are made again. What a signature covers, and what cannot be understood, is
copied.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache

from blaze.core.errors import DataError
from blaze.core.mail import address, build, charset, compose, date, encoded, mime, transfer
from blaze.core.mail.build import LF, MAX_LINE, Style
from blaze.core.mail.compose import Entity, Leaf, Lines, Span, widest
from blaze.core.mail.header import Field
from blaze.core.mail.message import Part, walk
from blaze.core.mail.scan import scan

MAX_FIELD = 1 << 20
"""Octets of a field that is made anew; a longer one is copied."""

_MADE_FROM_THE_BODY = frozenset(
    {b"mime-version", b"content-type", b"content-transfer-encoding", b"content-length"}
)
_NOT_TO_BE_ALTERED = frozenset({"signed", "encrypted"})  # RFC 1847 §2.1, §2.2


def canonical(root: Part, *, seed: bytes = b"", style: Style = LF) -> Iterator[bytes]:
    """The octets of a message that means the same as `root`, in chunks.

    Boundaries are kept where they are good, and otherwise follow from `seed`; preambles, epilogues and lines
    that are no fields are left out. Never raises, whatever the message. Bodies are read in chunks, several
    times: to choose an encoding and a boundary, and to be written.
    """
    messages = {id(root)}
    parts = []
    for _, part in walk(root):
        parts.append(part)
        if part.content_type.type == "message":
            messages.update(id(child) for child in part.parts)
    entities: dict[int, Entity] = {}
    for part in reversed(parts):
        children = [entities.pop(id(child)) for child in part.parts]
        entities[id(part)] = _entity(part, children, seed, style, is_message=id(part) in messages)
    yield from entities[id(root)]


@dataclass(frozen=True, slots=True)
class _Decoded:
    """The decoded body of a part, any number of times."""

    part: Part

    def __iter__(self) -> Iterator[bytes]:
        return self.part.iter_octets()


def _entity(part: Part, children: list[Entity], seed: bytes, style: Style, *, is_message: bool) -> Entity:
    content = None
    with suppress(DataError):  # a type or parameter that cannot be written is copied with its part
        content = _content(part, children, seed, style)
    if content is None:
        return _copy(part, style)
    fields = [_field(field, style) for field in part.header if field.key not in _MADE_FROM_THE_BODY]
    if is_message:
        fields.append(build.structured("MIME-Version", "1.0", style))
    return replace(content, fields=(*fields, *content.fields))


def _content(part: Part, children: list[Entity], seed: bytes, style: Style) -> Entity | None:
    """The MIME fields and the body of `part` made anew; None where they are to be copied."""
    content_type = part.content_type
    if content_type.type == "multipart":
        if not children or content_type.subtype in _NOT_TO_BE_ALTERED:
            return None
        return _multipart(part, children, seed, style)
    if children:
        return _message(part, children[0], style)
    if transfer.family(part.encoding) in ("unknown", "x-uuencode"):  # whose lines may have others around
        return None
    if content_type.type == "message" and any(d.name == "encoded-message" for d in part.structure.defects):
        return None
    codec = charset.lookup(content_type.params.get("charset", "")) or ""
    is_text = content_type.type in ("text", "message") and codec not in charset.WIDE
    return compose.leaf(Leaf(_Decoded(part), str(content_type), content_type.params, is_text=is_text), style)


def _multipart(part: Part, children: list[Entity], seed: bytes, style: Style) -> Entity:
    content_type = part.content_type
    params = dict(content_type.params)
    boundary = params.pop("boundary")
    with suppress(DataError):
        return compose.multipart(
            content_type.subtype, children, boundary=boundary, params=params, style=style
        )
    boundary = compose.choose_boundary(children, seed, f"{part.start} {content_type.subtype}")
    return compose.multipart(content_type.subtype, children, boundary=boundary, params=params, style=style)


def _message(part: Part, child: Entity, style: Style) -> Entity:
    """A message/rfc822 is never encoded (RFC 2046 §5.2.1): it is labelled with what its message needs."""
    content_type = part.content_type
    fields = [build.parameters("Content-Type", str(content_type), content_type.params, style)]
    encoding = widest([child.encoding])
    if encoding != "7bit":
        fields.append(build.structured("Content-Transfer-Encoding", encoding, style))
    return Entity(tuple(fields), (child,), encoding, style)


def _copy(part: Part, style: Style) -> Entity:
    start, end = part.body
    body = Lines(Span(part.buffer, start, end), style.newline)
    counted = scan(body)
    encoding = "binary" if not counted.fits_lines(is_text=True) else "7bit" if counted.is_ascii else "8bit"
    return Entity(tuple(_as_written(field, style) for field in part.header), (body,), encoding, style)


def _field(field: Field, style: Style) -> bytes:
    if field.end - field.start > MAX_FIELD:
        return _as_written(field, style)
    with suppress(DataError):
        if octets := _field_made_anew(field, style):
            return octets
    return _field_copied(field, style)


def _field_made_anew(field: Field, style: Style) -> bytes | None:
    """The field from what it says; None where it says nothing that is better written otherwise."""
    key, value = field.key, field.unfolded
    if key in build.ADDRESS_FIELDS:
        listed = address.parse_list(value)
        if listed.defects or not listed.addresses:
            return None
        return build.addresses(field.name, listed.addresses, style)
    if key in (b"date", b"resent-date"):
        parsed = date.parse(value)
        if parsed is None or parsed.defects or not parsed.zone_known:
            return None
        return build.date_time(field.name, parsed.datetime, style)
    if key == b"content-disposition":
        disposition = mime.parse_content_disposition(value)
        return build.parameters(field.name, disposition.type, disposition.params, style)
    if key in build.STRUCTURED_FIELDS or key in build.MESSAGE_ID_FIELDS:
        return None
    text = encoded.decode(value)
    if text.isascii() or "=?" in text or _lone_surrogate().search(text):
        return None
    return build.unstructured(field.name, text, style)


def _field_copied(field: Field, style: Style) -> bytes:
    octets = _as_written(field, style)
    if octets.isascii() and not _needs_folding().search(octets):
        return octets
    text = _controls().sub(" ", field.unfolded.decode("utf-8", "surrogateescape"))
    with suppress(DataError):
        write = build.structured if text.isascii() else build.unstructured
        return write(field.name, text, style)
    return octets


def _as_written(field: Field, style: Style) -> bytes:
    lines = field.octets.replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"
    return lines if style.newline == b"\n" else lines.replace(b"\n", style.newline)


@cache
def _lone_surrogate() -> re.Pattern[str]:
    return re.compile("[\ud800-\udfff]")


@cache
def _needs_folding() -> re.Pattern[bytes]:
    """A line over 998 octets, one of blanks alone, and control characters."""
    return re.compile(rb"[^\n]{%d}|\n[ \t]*\r?\n|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)" % (MAX_LINE + 2))


@cache
def _controls() -> re.Pattern[str]:
    return re.compile("[\0-\x08\x0a-\x1f\x7f]")
