"""SASL as SMTP and POP3 carry it: in base64, each message on a line (RFC 4954 §4, RFC 5034 §4)."""

import base64
import binascii
import re

from blaze.core.errors import DataError

_MECHANISM = re.compile(r"[A-Za-z0-9_-]{1,20}")  # RFC 4422 §3.1


def is_mechanism_name(name: str) -> bool:
    """Whether `name` has the form of a mechanism's name, in any letter case."""
    return _MECHANISM.fullmatch(name) is not None


def auth_line(mechanism: str, initial: bytes | None, limit: int) -> bytes:
    """The AUTH command with its CRLF; an empty initial response is ``=``, None is none.

    Raises:
        DataError: no name of a mechanism, or a line of more than `limit` octets.
    """
    if not is_mechanism_name(mechanism):
        raise DataError("not the name of a SASL mechanism", where=repr(mechanism))
    if initial is None:
        return b"AUTH %b\r\n" % mechanism.encode()
    return _checked(b"AUTH %b %b\r\n" % (mechanism.encode(), to_base64(initial) or b"="), limit)


def response_line(response: bytes | None, limit: int) -> bytes:
    """The answer to a challenge with its CRLF; None gives up the log-in.

    Raises:
        DataError: a line of more than `limit` octets.
    """
    return _checked(b"*\r\n" if response is None else to_base64(response) + b"\r\n", limit)


def _checked(line: bytes, limit: int) -> bytes:
    if len(line) > limit:
        raise DataError(f"response of more than {limit} octets in a log-in")
    return line


def to_base64(octets: bytes) -> bytes:
    """Octets in base64."""
    return base64.b64encode(octets)


def from_base64(text: bytes) -> bytes:
    """Undo `to_base64`; raises DataError when it is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise DataError("not base64", where=repr(text[:80])) from None
