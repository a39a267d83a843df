"""What a person says of a part's content, made into leaves (RFC 2045 §5, RFC 2183, RFC 2392)."""

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from blaze.core.errors import DataError
from blaze.core.mail import build, charset as charsets, compose, header, mime
from blaze.core.mail.build import LF, Style
from blaze.core.mail.compose import Leaf, Source
from blaze.core.mail.lexer import is_dot_atom
from blaze.core.mail.scan import scan

_MIME_FIELDS = frozenset({b"content-type", b"content-transfer-encoding", b"mime-version"})
_OCTETS = "application/octet-stream"
_WIDE_CHARSETS = ("utf_16", "utf_32")  # their newlines are no octets of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A media type, its parameters and a transfer encoding; None where it is not said."""

    type: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None

    def text(self, source: Source, *, where: str) -> Leaf:
        """The text of a message: text/plain in UTF-8 unless said otherwise.

        Raises:
            DataError: the text is not in its charset, or `type` is a multipart.
        """
        media_type = self.type or "text/plain"
        if media_type.startswith("multipart/"):
            raise DataError(f"{media_type} has parts, and no text", hint="'blaze make wrap' makes one.")
        params = dict(self.params)
        if not media_type.startswith("text/"):
            is_text = media_type.startswith("message/")
            return Leaf(source, media_type, params, self.encoding or "auto", is_text=is_text)
        check_charset(source, params.setdefault("charset", "utf-8"), where=where)
        is_text = not (charsets.lookup(params["charset"]) or "").startswith(_WIDE_CHARSETS)
        return Leaf(source, media_type, params, self.encoding or "auto", is_text=is_text)

    def html(self, source: Source, *, where: str, alone: bool = False) -> Leaf:
        """The text as HTML; beside a plain text it takes the charset alone from the parameters."""
        params = {key: value for key, value in self.params.items() if alone or key == "charset"}
        return replace(self, type="text/html", params=params).text(source, where=where)


def said_by_fields(fields: Sequence[bytes], content: Content) -> Content:
    """`content` with the Content-Type and Content-Transfer-Encoding that stand among whole fields.

    Raises:
        DataError: a field says again what `content` says, or MIME-Version is not 1.0.
    """
    head = header.parse(b"".join(fields))
    if found := head.get(b"content-type"):
        if content.type or content.params:
            raise DataError("Content-Type is given more than once")
        media = mime.parse_content_type(found.unfolded)
        content = replace(content, type=str(media), params=media.params)
    if found := head.get(b"content-transfer-encoding"):
        if content.encoding:
            raise DataError("Content-Transfer-Encoding is given more than once")
        content = replace(content, encoding=mime.parse_content_transfer_encoding(found.unfolded))
    version = head.get(b"mime-version")
    if version and mime.parse_mime_version(version.unfolded) != (1, 0):
        raise DataError("MIME-Version is not 1.0")
    return content


def without_mime_fields(fields: Sequence[bytes]) -> list[bytes]:
    """The fields but Content-Type, Content-Transfer-Encoding and MIME-Version."""
    return [octets for octets in fields if not build.keys([octets]) & _MIME_FIELDS]


def file(source: Source, content: Content, *, name: str | None, disposition: str | None) -> Leaf:
    """A file as a part that gives back its very octets; `content` says at least its type.

    Text whose lines end in LF alone stays text; any other is taken as octets.
    """
    media_type = content.type or _OCTETS
    is_text = media_type.startswith("message/") or (
        media_type.startswith("text/") and not any(b"\r" in chunk for chunk in source)
    )
    return Leaf(
        source,
        media_type,
        content.params,
        content.encoding or "auto",
        is_text=is_text,
        disposition=disposition,
        filename=name,
    )


def transportable(source: Source, media_type: str) -> str:
    """`media_type`, or `application/octet-stream` for a message that could only be sent as `binary`.

    A message must not be encoded (RFC 2046 §5.2), and hardly any transport takes BINARYMIME.
    """
    if media_type.startswith("message/") and not scan(source).fits_lines(is_text=True):
        return _OCTETS
    return media_type


def with_content_ids(leaves: Sequence[Leaf], domain: str, seed: bytes, style: Style = LF) -> list[Leaf]:
    """Leaves with a Content-ID each, which HTML shows as `cid:NAME@domain` (RFC 2392).

    NAME is the file's, or follows from the seed where that is taken or would not do.
    """
    taken: set[str] = set()
    made = []
    for number, each in enumerate(leaves):
        name = each.filename or ""
        if name in taken or not (name.isascii() and is_dot_atom(name)):
            name = compose.token(seed, b"content-id", b"%d" % number)
        taken.add(name)
        content_id = build.message_ids("Content-ID", [f"{name}@{domain}"], style)
        made.append(replace(each, fields=(*each.fields, content_id)))
    return made


def check_charset(source: Source, label: str, *, where: str) -> None:
    """Refuse text that is labelled UTF-8 or ASCII and is not; other charsets are taken as said.

    Raises:
        DataError: with the offset of the first wrong octet.
    """
    codec = charsets.lookup(label)
    if codec not in ("utf_8", "ascii"):
        return
    decoder = codecs.getincrementaldecoder(codec)()
    fed = begin = 0
    try:
        for chunk in chain(filter(None, source), (b"",)):
            begin = fed - len(decoder.getstate()[0])
            decoder.decode(chunk, final=not chunk)
            fed += len(chunk)
    except UnicodeDecodeError as error:
        place = f"{where}, octet {begin + error.start:,}"
        hint = "Say which charset it is, such as -p charset=iso-8859-1."
        raise DataError(f"the text is not {label}", where=place, hint=hint) from None
