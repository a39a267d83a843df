"""Changes to a message that is there already: wrapped, given another part, given more fields.

Only what must change is written anew; all other octets are copied. Newlines become those of the style, except
in a message whose transfer encoding is `binary`, which keeps its own.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from blaze.core.errors import DataError
from blaze.core.mail import build, compose, header, mime, transfer
from blaze.core.mail.build import Style
from blaze.core.mail.compose import Entity, Leaf, Lines, Span
from blaze.core.mail.header import Field, Header

MAX_STREAMED_HEADER = 16 << 20
"""Octets of a header that is looked into while its message streams by."""

MAX_PADDING = 1000
"""Octets of transport padding after a close delimiter that is recognised (RFC 2046 §5.1.1)."""

_EMPTY_LINE = re.compile(rb"\n\r?\n")
_PADDED_LINE_END = re.compile(rb"[ \t]*+\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrapping:
    """The multipart that goes around a message.

    Without a `boundary` one is made from `seed`. `part_fields` are whole fields for the part that the message
    becomes; they replace its own of the same name.
    """

    subtype: str = "mixed"
    boundary: str | None = None
    seed: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    part_fields: tuple[bytes, ...] = ()


def wrap(message: Span, wrapping: Wrapping, style: Style) -> Iterator[bytes]:
    """`message` as the first part of a multipart; its Content-* fields go down to that part.

    Content-Length, which would be wrong, is dropped. A body that holds 8-bit octets under no encoding or
    `7bit` is labelled `8bit`, and so is the multipart (RFC 2045 §6.4).

    Raises:
        DataError: the boundary is none, or occurs in the body; or the header has over 10,000 fields.
    """
    head = header.parse(message.buffer, message.start, message.end)
    if any(defect.name == "too-many-fields" for defect in head.defects):
        raise DataError(f"the header has more than {header.MAX_FIELDS:,} fields")
    style = _style_of(head, style)
    moved = [each for each in _whole_fields(head) if each.key.startswith(b"content-")]
    part = _as_part(head, Span(message.buffer, head.body_start, message.end), moved, wrapping, style)
    boundary = wrapping.boundary
    if boundary is None:
        seed = compose.seed_of_message(wrapping.seed, (each.octets for each in head))
        boundary = compose.choose_boundary([part], seed, wrapping.subtype)
    params = dict(wrapping.params)
    if wrapping.subtype == "related":
        params.setdefault("type", str(_content_type(head)))  # RFC 2387 §3.1
    whole = compose.multipart(wrapping.subtype, [part], boundary=boundary, params=params, style=style)
    fields = [_without(head, moved, style)]
    if head.get(b"mime-version") is None:
        fields.append(build.structured("MIME-Version", "1.0", style))
    yield b"".join(fields)
    yield from whole


def put(chunks: Iterable[bytes], leaf: Leaf, style: Style) -> Iterator[bytes]:
    """The multipart message in `chunks` with one more part at its end; `chunks` is read once, as it comes.

    The part's encoding is chosen so that the message's boundary does not occur in it. A missing close
    delimiter is added. Where the part is 8-bit, so becomes the message's Content-Transfer-Encoding, and where
    that is base64 or quoted-printable, which no multipart can be (RFC 2045 §6.4).

    Raises:
        DataError: the message is no multipart, has no boundary, or its boundary occurs in the part and the
            encoding was fixed. Before the first octet is given.
    """
    streamed = _take_header(chunks)
    octets = streamed.octets
    head = header.parse(octets)
    media = _content_type(head)
    if media.type != "multipart":
        raise DataError(f"the message is {media}, not a multipart", hint="'blaze make wrap' makes it one.")
    boundary = media.params.get("boundary")
    if not boundary:
        raise DataError("the message is a multipart without a boundary")
    style = _style_of(head, style)
    leaf = replace(leaf, fields=_restyled(leaf.fields, style))
    part = compose.leaf(_placed(leaf, media.subtype, style), style, enclosed_in=boundary)
    yield from _converted([_widened(head, part, style)], head, style)
    delimiter = b"--" + boundary.encode("utf-8", "surrogateescape")
    body = _converted(chain([octets[head.body_start :]], streamed.rest), head, style)
    inserted = chain([delimiter + style.newline], part, [style.newline])
    changed = _insert_before_close(chain([b"\n"], body), delimiter, inserted, style)
    yield next(changed)[1:]
    yield from changed


def add_fields(chunks: Iterable[bytes], fields: Sequence[bytes], style: Style) -> Iterator[bytes]:
    """`fields` and then the message in `chunks`, which is read once, as it comes.

    A byte order mark and a From line of mbox stay in front. A message without a header gets the empty line
    after one.
    """
    streamed = _take_header(chunks)
    octets = streamed.octets
    head = header.parse(octets)
    style = _style_of(head, style)
    start = head.top
    yield from _converted([octets[:start]], head, style)
    yield b"".join(_restyled(fields, style))
    if head.body_start == head.start:
        yield style.newline
    yield from _converted(chain([octets[start:]], streamed.rest), head, style)


_DISPOSITIONS = {"alternative": None, "related": "inline", "report": None, "signed": None, "encrypted": None}


def _placed(leaf: Leaf, subtype: str, style: Style) -> Leaf:
    """`leaf` with the disposition that it has in such a multipart, where it has none of its own."""
    if leaf.disposition is not None:
        return leaf
    if subtype != "form-data":
        return replace(leaf, disposition=_DISPOSITIONS.get(subtype, "attachment"))
    if b"content-disposition" in build.keys(leaf.fields):
        return leaf
    names = {"name": leaf.filename, "filename": leaf.filename}  # RFC 7578 §4.2
    params = {key: name for key, name in names.items() if name}
    return replace(
        leaf, fields=(build.parameters("Content-Disposition", "form-data", params, style), *leaf.fields)
    )


def _as_part(head: Header, body: Span, moved: list[Field], wrapping: Wrapping, style: Style) -> Entity:
    replaced = build.keys(wrapping.part_fields) | {b"content-length"}
    kept = [each for each in moved if each.key not in replaced]
    added = _restyled(wrapping.part_fields, style)
    encoding = _encoding(head)
    if encoding == "7bit" and not all(chunk.isascii() for chunk in body):
        encoding = "8bit"
        kept = [each for each in kept if each.key != b"content-transfer-encoding"]
        added = (build.structured("Content-Transfer-Encoding", "8bit", style), *added)
    fields = [_whole_line(_converted([each.octets], head, style), style) for each in kept]
    source = body if encoding == "binary" else Lines(body, style.newline)
    return Entity((*fields, *added), (source,), compose.widest([encoding]), style)


def _restyled(fields: Iterable[bytes], style: Style) -> tuple[bytes, ...]:
    return tuple(b"".join(compose.iter_with_newline([each], style.newline)) for each in fields)


def _whole_fields(head: Header) -> list[Field]:
    """The fields, each with the lines after it that are no fields: most often its own, folded wrongly."""
    fields = list(head)
    ends = [*(each.start for each in fields[1:]), head.end]
    return [Field(head.buffer, each.start, each.colon, end) for each, end in zip(fields, ends, strict=False)]


def _without(head: Header, removed: Sequence[Field], style: Style) -> bytes:
    """The header block without some of its fields and without the empty line."""
    kept = []
    position = head.first
    for each in removed:
        kept.append(head.buffer[position : each.start])
        position = each.end
    kept.append(head.buffer[position : head.end])
    return _whole_line(_converted(kept, head, style), style)


def _widened(head: Header, part: Entity, style: Style) -> bytes:
    """The header block with its empty line, its Content-Transfer-Encoding made wide enough for `part`.

    One that encodes, which a multipart must not have (RFC 2045 §6.4) and most readers pass over, is replaced.
    """
    encoding = _encoding(head)
    is_legal = transfer.is_identity(encoding)
    wide = compose.widest([encoding if is_legal else "8bit", part.encoding])
    if is_legal and wide == compose.widest([encoding]):
        block = head.buffer[head.first : head.end]
        return _whole_line([block], style) + style.newline
    old = [each for each in _whole_fields(head) if each.key == b"content-transfer-encoding"]
    block = _without(head, old, style) + build.structured("Content-Transfer-Encoding", wide, style)
    return block + style.newline


def _whole_line(chunks: Iterable[bytes], style: Style) -> bytes:
    octets = b"".join(chunks).rstrip(b"\r")  # with a newline after it a last CR would be part of that
    return octets if not octets or octets.endswith(b"\n") else octets + style.newline


def _content_type(head: Header) -> mime.ContentType:
    found = head.get(b"content-type")
    return mime.parse_content_type(found.unfolded if found else b"text/plain")


def _encoding(head: Header) -> str:
    found = head.get(b"content-transfer-encoding")
    return mime.parse_content_transfer_encoding(found.unfolded) if found else "7bit"


def _style_of(head: Header, style: Style) -> Style:
    """The style of what is written anew: in a binary message the newline is the header's own."""
    if _encoding(head) != "binary":
        return style
    crlf = b"\r\n" in head.buffer[head.start : head.body_start]
    return style._replace(newline=b"\r\n" if crlf else b"\n")


def _converted(chunks: Iterable[bytes], head: Header, style: Style) -> Iterator[bytes]:
    if _encoding(head) == "binary":
        return iter(chunks)
    return compose.iter_with_newline(chunks, style.newline)


@dataclass(slots=True)
class _Streamed:
    """The beginning of a stream, with the whole header if that is not too long, and what follows."""

    octets: bytes
    rest: Iterator[bytes]


def _take_header(chunks: Iterable[bytes]) -> _Streamed:
    source = iter(chunks)
    octets = bytearray()
    for chunk in source:
        seen = max(len(octets) - 2, 0)
        octets += chunk
        if octets[:2] == b"\r\n" or octets[:1] == b"\n" or _EMPTY_LINE.search(octets, seen):
            break
        if len(octets) > MAX_STREAMED_HEADER:
            break
    return _Streamed(bytes(octets), source)


def _insert_before_close(
    body: Iterable[bytes], delimiter: bytes, inserted: Iterable[bytes], style: Style
) -> Iterator[bytes]:
    """Copy a multipart's body and put `inserted` before its close delimiter, or at the end where it has none.

    `body` begins with a newline. No chunk is empty but the last ones.
    """
    needle = b"\n" + delimiter + b"--"
    octets = b""
    chunks = iter(body)
    for chunk in chunks:
        octets += chunk
        close = _find_close(octets, needle)
        if close >= 0 and _PADDED_LINE_END.match(octets, close + len(needle)):
            break
        copied = close if close >= 0 else len(octets) - len(needle) + 1
        if copied > 0:
            yield octets[:copied]
            octets = octets[copied:]
    else:
        close = _find_close(octets, needle)
    if close < 0:
        yield octets if octets.endswith(b"\n") else octets + style.newline
        yield from inserted
        yield delimiter + b"--" + style.newline
        return
    yield octets[: close + 1]
    yield from inserted
    yield octets[close + 1 :]
    yield from chunks


def _find_close(octets: bytes, needle: bytes) -> int:
    """The offset of the newline before a close delimiter whose line ends, or may end, as it must; or -1."""
    close = octets.find(needle)
    while close >= 0:
        end = close + len(needle)
        padding = octets[end : end + MAX_PADDING + 1]
        if _PADDED_LINE_END.match(padding) or (len(padding) <= MAX_PADDING and not padding.strip(b" \t\r")):
            return close
        close = octets.find(needle, close + 1)
    return -1
