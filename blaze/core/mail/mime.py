"""The MIME header fields: Content-Type, Content-Disposition and the others (RFC 2045, 2046, 2183, 2231).

What real mail writes instead of the grammar is read as it was meant, and named in `defects`:
`comment-unclosed`, `continuation-gap`, `duplicate-parameter`, `encoded-word-in-parameter`,
`invalid-encoding`, `invalid-parameter`, `invalid-type`, `long-value`, `missing-semicolon`,
`missing-subtype`, `missing-type`, `parameter-without-value`, `quoted-string-unclosed`, `too-many-parameters`,
`unquoted-value`.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail import encoded
from blaze.core.mail.parameters import (
    MAX_PARAMETERS,
    MAX_VALUE as MAX_VALUE,
    TOKEN,
    Scanner,
    assemble,
    encode_parameters as encode_parameters,
    is_token,
    remove_comments as remove_comments,
)
from blaze.core.mail.regex import possessive

_MAX_CACHED = 128  # octets of a value that is remembered

# What nearly all fields are: a type and subtype, and plain parameters.
_PLAIN_TYPE = possessive(
    rb"(%s++)/(%s++)((?:[ \t]*+;[ \t]*+[A-Za-z-]++=(?:\"[^\"\\\x80-\xff]*+\"|%s++))*+);?" % ((TOKEN,) * 3)
)
_PLAIN_PARAMETER = re.compile(rb"([A-Za-z-]++)=(?:\"([^\"]*+)\"|([^; \t]++))")


class ContentType(NamedTuple):
    """A media type (RFC 2045 §5): `type`, `subtype` and the names of `params` in lower case, values decoded.

    `params` is shared between equal fields and must not be changed.
    """

    type: str
    subtype: str
    params: Mapping[str, str]
    defects: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The type and subtype alone, such as ``text/plain``."""
        return f"{self.type}/{self.subtype}"

    def to_bytes(self) -> bytes:
        """The value of the field in one line; `encode_parameters` gives the pieces to fold.

        Raises:
            DataError: the type or a parameter's name is not a token.
        """
        return _with_parameters(f"{_token(self.type)}/{_token(self.subtype)}", self.params)


class ContentDisposition(NamedTuple):
    """How a part is meant to be shown (RFC 2183): `type` in lower case, `params` as in `ContentType`."""

    type: str
    params: Mapping[str, str]
    defects: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """The value of the field in one line; errors as in `ContentType.to_bytes`."""
        return _with_parameters(_token(self.type), self.params)


def filename(disposition: ContentDisposition | None, content_type: ContentType | None) -> str | None:
    """The name that a part gives its content: that of Content-Disposition, else `name` of Content-Type.

    It is text from the message, no safe path. An empty name is none.
    """
    name = disposition.params.get("filename") if disposition else None
    if not name and content_type:
        name = content_type.params.get("name")
    return name or None


def parse_content_type(value: bytes) -> ContentType:
    """Read an unfolded Content-Type (RFC 2045 §5.1); never raises, linear in time.

    An empty or unreadable type is ``text/plain``, as RFC 2045 §5.2 has it, with a defect; so is ``text``
    without subtype. ``multipart`` alone is ``multipart/mixed``, any other type alone
    ``application/octet-stream``.
    """
    return _cached_content_type(value) if len(value) <= _MAX_CACHED else _parse_content_type(value)


def _parse_content_type(value: bytes) -> ContentType:
    match = _PLAIN_TYPE.fullmatch(value) if len(value) <= MAX_VALUE else None
    if match and b"=?" not in value:
        params: dict[str, str] = {}
        for name, quoted, plain in _PLAIN_PARAMETER.findall(match[3]):
            key = name.decode("ascii").lower()
            if key in params:
                return _parse_loose_type(value)
            params[key] = (plain or quoted).decode("ascii")
        if len(params) <= MAX_PARAMETERS:
            return ContentType(match[1].decode("ascii").lower(), match[2].decode("ascii").lower(), params)
    return _parse_loose_type(value)


_cached_content_type = lru_cache(maxsize=256)(_parse_content_type)


def _parse_loose_type(value: bytes) -> ContentType:
    defects: dict[str, None] = {}
    scanner = Scanner(value, defects)
    word = scanner.leading_word()
    params = assemble(scanner.parameters(), defects)
    type_, subtype = _media_type(word, params, defects)
    return ContentType(type_, subtype, params, tuple(defects))


def _media_type(word: bytes, params: Mapping[str, str], defects: dict[str, None]) -> tuple[str, str]:
    type_, slash, subtype = word.lower().partition(b"/")
    if re.fullmatch(TOKEN + b"+", type_) and (re.fullmatch(TOKEN + b"+", subtype) or not subtype):
        known = type_.decode("ascii")
        if subtype:
            return known, subtype.decode("ascii")
        if known in ("text", "multipart") or slash:
            defects["missing-subtype"] = None
            if known == "multipart" and "boundary" in params:
                return "multipart", "mixed"
            return (
                ("application", "octet-stream") if known not in ("text", "multipart") else ("text", "plain")
            )
    defects["invalid-type" if word else "missing-type"] = None
    return "text", "plain"


def parse_content_disposition(value: bytes) -> ContentDisposition:
    """Read an unfolded Content-Disposition (RFC 2183); never raises, linear in time.

    Any type but ``inline`` is kept as it is; a missing or unreadable one is ``attachment`` (§2.8) with a
    defect.
    """
    defects: dict[str, None] = {}
    scanner = Scanner(value, defects)
    word = scanner.leading_word()
    params = assemble(scanner.parameters(), defects)
    if not re.fullmatch(TOKEN + b"+", word):
        defects["invalid-type" if word else "missing-type"] = None
        word = b"attachment"
    return ContentDisposition(word.decode("ascii").lower(), params, tuple(defects))


def parse_content_transfer_encoding(value: bytes) -> str:
    """The encoding's name in lower case (RFC 2045 §6.1), comments dropped; ``7bit`` for an empty value.

    A name that is none is given as it stands, so that `transfer.decode` can report it.
    """
    plain = value.strip().lower()
    if plain.isalnum():
        return plain.decode("ascii")
    plain = remove_comments(plain).partition(b";")[0].strip(b" \t\r\n\"'")
    return plain.decode("ascii", "backslashreplace") or "7bit"


def parse_content_id(value: bytes) -> str | None:
    """The identifier of Content-ID without its angle brackets (RFC 2045 §7); None when there is none."""
    text = remove_comments(value)
    start, end = text.find(b"<"), text.rfind(b">")
    if 0 <= start < end:
        text = text[start + 1 : end]
    return b"".join(text.split()).strip(b"<>").decode("utf-8", "surrogateescape") or None


def parse_content_language(value: bytes) -> list[str]:
    """The language tags in order, as written (RFC 3282 §2)."""
    tags = remove_comments(value).replace(b";", b",").split(b",")
    texts = [tag.strip(b' \t\r\n"').decode("utf-8", "surrogateescape") for tag in tags]
    return [text for text in texts if text]


def parse_content_description(value: bytes) -> str:
    """The text of Content-Description, encoded words decoded (RFC 2045 §8)."""
    return encoded.decode(value)


class MIMEVersion(NamedTuple):
    """The version of MIME that a message claims (RFC 2045 §4)."""

    major: int
    minor: int


def parse_mime_version(value: bytes) -> MIMEVersion | None:
    """Read a MIME-Version such as ``1.0 (produced by X)``; None for anything else."""
    digits = re.fullmatch(rb"(\d{1,4})\.(\d{1,4})", b"".join(remove_comments(value).split()))
    return MIMEVersion(int(digits[1]), int(digits[2])) if digits else None


def _token(text: str) -> str:
    if not (text.isascii() and is_token(text.encode("ascii"))):
        raise DataError(f"not a MIME token: {text!r}")
    return text


def _with_parameters(word: str, params: Mapping[str, str]) -> bytes:
    return b"; ".join((word.encode("ascii"), *encode_parameters(params)))
