"""Replies and listings of POP3: the grammar of what a server says."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from blaze.core.errors import (
    AuthenticationError,
    BlazeError,
    RemoteProtocolError,
    TemporaryError,
    UnavailableError,
)

MAX_REPLY_LINE = 8192
"""Octets with CRLF. RFC 2449 §4 has 512; challenges of SASL are longer (RFC 5034 §4)."""

MAX_LISTING = (
    1 << 26
)  # octets of a listing that are kept: half a million unique-ids of 70 characters and more
MAX_NUMBER = (1 << 31) - 1  # of a message
_CODE = re.compile(r"\[([A-Za-z0-9_/-]+)\]")
_TIMESTAMP = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+>")
_LOCKED = re.compile(r"\block(?:ed)?\b|\bin use\b|\bbusy\b|\btry again\b|\btemporar", re.IGNORECASE)


class Reply(NamedTuple):
    """The first line of an answer. `code` is its response code in upper case (RFC 2449 §8), or None."""

    positive: bool
    text: str
    code: str | None = None

    def __str__(self) -> str:
        return f"{'+OK' if self.positive else '-ERR'} {self.text}".rstrip()

    @classmethod
    def parse(cls, line: bytes) -> "Reply":
        """Read a line without its CRLF.

        Raises:
            RemoteProtocolError: it begins neither with +OK nor with -ERR.
        """
        status, _, rest = line.partition(b" ")
        if status.upper() not in (b"+OK", b"-ERR"):
            raise RemoteProtocolError("malformed reply", where=repr(line[:80]))
        text = rest.decode("utf-8", "surrogateescape").strip()
        positive = status.upper() == b"+OK"
        match = None if positive else _CODE.match(text)
        return cls(positive, text, match[1].upper() if match else None)

    @property
    def timestamp(self) -> str | None:
        """The timestamp of a greeting, for APOP: a msg-id in ASCII (RFC 1939 §7), or None.

        What does not look like one is not taken: a server in the middle could choose it so that digests
        give the password away.
        """
        match = _TIMESTAMP.search(self.text)
        return match[0] if match else None

    def is_temporary(self) -> bool:
        """Whether it may work later: by its code (RFC 2449 §8.1, RFC 3206), or without one by its words."""
        if self.code is not None:
            return self.code in ("IN-USE", "LOGIN-DELAY", "SYS/TEMP")
        return bool(_LOCKED.search(self.text))

    def to_error(self, what: str, where: str) -> BlazeError:
        """What a refusal of `what` by the server `where` is to the caller."""
        message = f"{what} refused: {self}"
        if self.is_temporary():
            return TemporaryError(message, where=where)
        if what in ("PASS", "USER", "APOP", "AUTH") and self.code != "SYS/PERM":
            return AuthenticationError(message, where=where)
        return UnavailableError(message, where=where)


def parse_sizes(lines: Sequence[bytes]) -> dict[int, int]:
    """The octets of each message, by its number, from the lines of LIST (RFC 1939 §5).

    Raises:
        RemoteProtocolError: a line is no scan listing.
    """
    sizes = {}
    for line in lines:
        number, size = _numbered(line)
        digits = size.split(b" ", 1)[0]
        if not digits.isdigit() or len(digits) > 18:
            raise RemoteProtocolError("not a scan listing", where=repr(line[:80]))
        sizes[number] = int(digits)
    return sizes


def parse_unique_ids(lines: Sequence[bytes]) -> dict[int, str]:
    """The unique-id of each message, by its number, from the lines of UIDL (RFC 1939 §7).

    Any octets but space are taken as an identifier; those that are no UTF-8 become surrogate escapes.

    Raises:
        RemoteProtocolError: a line is no unique-id listing.
    """
    found = {}
    for line in lines:
        number, identifier = _numbered(line)
        identifier = identifier.strip(b" ")
        if identifier:
            found[number] = identifier.decode("utf-8", "surrogateescape")
    return found


def parse_capabilities(lines: Sequence[bytes]) -> dict[str, str]:
    """What a server can do: tags in upper case with their arguments (RFC 2449 §5)."""
    offered: dict[str, str] = {}
    for line in lines:
        tag, _, arguments = line.decode("utf-8", "surrogateescape").strip().partition(" ")
        if tag:
            offered[tag.upper()] = arguments
    return offered


def _numbered(line: bytes) -> tuple[int, bytes]:
    digits, _, rest = line.strip(b" ").partition(b" ")
    if not digits.isdigit() or len(digits) > 10 or not 1 <= int(digits) <= MAX_NUMBER:
        raise RemoteProtocolError("a listing without the number of a message", where=repr(line[:80]))
    return int(digits), rest.strip(b" ")
