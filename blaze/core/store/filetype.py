"""What kind of data a file holds: its media type, found by libmagic where that is installed.

The only importer of python-magic. Where libmagic is missing the name's ending decides, by `mimetypes`.
"""

import codecs
import mimetypes
from functools import cache
from typing import Any, NamedTuple

HEAD = 1 << 20
"""Octets from the beginning of a file that are looked at."""

_VAGUE = frozenset({"application/octet-stream", "inode/x-empty", "application/x-empty", "application/zip"})
_UNKNOWN = "application/octet-stream"
_TEXT_APPLICATIONS = frozenset(
    {"application/json", "application/xml", "application/javascript", "application/x-sh", "application/sql"}
)


class FileType(NamedTuple):
    """A media type such as `text/plain`, and the charset of text, where that is known."""

    media_type: str
    charset: str | None = None


def guess(head: bytes, name: str, media_type: str | None = None) -> FileType:
    """The type of a file that begins with `head` and is called `name`; `media_type` where that is known.

    libmagic looks at the octets; where it sees only text, an archive or nothing that it knows, the ending of
    the name refines that. ASCII and UTF-8 are told from other text by looking; text in no charset that can be
    told is `application/octet-stream`. Never raises.
    """
    head = head[:HEAD]
    seen = _by_content(head)
    found = media_type or (_refined(seen.media_type, _by_name(name)) if seen else _by_name(name))
    if not found.startswith("text/"):
        return FileType(found)
    charset = _charset(head) or (seen.charset if seen else None)
    return FileType(found if charset or media_type else _UNKNOWN, charset)


def has_magic() -> bool:
    """True when libmagic is there and works."""
    return _magic() is not None


def _refined(seen: str, named: str) -> str:
    if named == _UNKNOWN or seen == named:
        return _UNKNOWN if seen in _VAGUE and seen != "application/zip" else seen
    if seen in _VAGUE:
        return named
    if seen.startswith("message/") and named.startswith("text/"):  # notes that begin like a header
        return named
    if seen == "text/plain" and (named.startswith("text/") or named in _TEXT_APPLICATIONS):
        return named
    if seen.startswith("text/") and named.startswith("text/"):
        return named
    return seen


def _by_name(name: str) -> str:
    media_type, encoding = mimetypes.guess_type(name, strict=False)
    if encoding:  # `a.tar.gz` is a tar archive inside gzip: the outer kind is what the octets are
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
            encoding, _UNKNOWN
        )
    return media_type or _UNKNOWN


def _by_content(head: bytes) -> FileType | None:
    magic = _magic()
    if magic is None:
        return None
    try:
        found: str = magic.from_buffer(head)
    except Exception as error:
        if type(error).__name__ != "MagicException":
            raise
        return None
    media_type, _, charset = found.partition("; charset=")
    if "/" not in media_type or "(" in media_type:
        return FileType(_UNKNOWN)
    return FileType(media_type, None if charset in ("", "binary", "unknown-8bit") else charset)


def _charset(head: bytes) -> str | None:
    """`us-ascii` or `utf-8` when the octets are that, the last character perhaps cut off; else None."""
    if b"\0" in head:
        return None
    if head.isascii():
        return "us-ascii"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return None
    return "utf-8"


@cache
def _magic() -> Any:
    try:
        import magic

        return magic.Magic(mime=True, mime_encoding=True)
    except (ImportError, OSError, AttributeError):  # no module, no library, or another module of that name
        return None
