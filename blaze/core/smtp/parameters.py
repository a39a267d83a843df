"""What a server checks in the parameters of MAIL and RCPT: are they offered, are their values right?"""

import re
from collections.abc import Callable, Collection, Mapping

from blaze.core.errors import DataError
from blaze.core.smtp.grammar import MAX_SIZE_DIGITS, Reply, decode_xtext

MAX_ENVID = 100  # octets, RFC 3461 §4.4
MAX_ORCPT = 500  # octets, RFC 3461 §4.2

_NOTIFY = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*", re.IGNORECASE)


def _size(value: str | None) -> bool:
    return value is not None and value.isascii() and value.isdigit() and len(value) <= MAX_SIZE_DIGITS


def _flag(value: str | None) -> bool:
    return value is None


def _ret(value: str | None) -> bool:
    return value is not None and value.upper() in ("FULL", "HDRS")


def _body(value: str | None) -> bool:
    return value is not None and value.upper() in ("7BIT", "8BITMIME", "BINARYMIME")


def _envid(value: str | None) -> bool:
    return value is not None and len(value) <= MAX_ENVID and _is_xtext(value)


def _auth(value: str | None) -> bool:
    return value is not None and _is_xtext(value)


def _notify(value: str | None) -> bool:
    return value is not None and _NOTIFY.fullmatch(value) is not None


def _orcpt(value: str | None) -> bool:
    kind, semicolon, address = (value or "").partition(";")
    return bool(kind and semicolon and address) and len(value or "") <= MAX_ORCPT and _is_xtext(address)


def _is_xtext(value: str) -> bool:
    try:
        decode_xtext(value)
    except DataError:
        # utf-8-addr-xtext and utf-8-addr-unitext of RFC 6533 §3 are other codings: taken as they are.
        return not value.isascii() or "\\x{" in value
    return True


_Checks = Mapping[str, "tuple[str, Callable[[str | None], bool]]"]

MAIL_PARAMETERS: _Checks = {
    "SIZE": ("SIZE", _size),
    "BODY": ("8BITMIME", _body),
    "SMTPUTF8": ("SMTPUTF8", _flag),
    "RET": ("DSN", _ret),
    "ENVID": ("DSN", _envid),
    "AUTH": ("AUTH", _auth),
    "REQUIRETLS": ("REQUIRETLS", _flag),
}
"""Parameter of MAIL: the extension it belongs to, and the check of its value."""

RCPT_PARAMETERS: _Checks = {"NOTIFY": ("DSN", _notify), "ORCPT": ("DSN", _orcpt)}
"""The same for RCPT."""


def refuse_parameters(
    parameters: Mapping[str, str | None], checks: _Checks, offered: Collection[str]
) -> Reply | None:
    """The negative reply that the parameters deserve, or None (RFC 5321 §4.1.1.11)."""
    for name, value in parameters.items():
        extension, check = checks.get(name, ("", _flag))
        if extension not in offered:
            return Reply(555, f"Parameter {name} is not offered", "5.5.4")
        if not check(value):
            return Reply(501, f"Bad value of parameter {name}", "5.5.4")
    if (parameters.get("BODY") or "").upper() == "BINARYMIME" and "BINARYMIME" not in offered:
        return Reply(555, "BODY=BINARYMIME is not offered", "5.5.4")
    return None
