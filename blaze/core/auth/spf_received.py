"""The Received-SPF field: a result written into a message, and read from one (RFC 7208 §9.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address

from blaze.core.auth.authres import to_comment, to_safe
from blaze.core.auth.resolver import Address
from blaze.core.auth.spf import Identity, Result, Status
from blaze.core.mail import build
from blaze.core.mail.build import Style
from blaze.core.mail.lexer import Lexer, is_dot_atom, quote, text_of, unfold

MAX_PAIRS = 100  # pairs of a field read


@dataclass(frozen=True, slots=True)
class ReceivedSPF:
    """A field as it stands: `result` is None when its word is none of RFC 7208 §2.6, `pairs` have lower-case
    keys.
    """

    result: Status | None
    comment: str = ""
    pairs: Mapping[str, str] = field(default_factory=dict)
    defects: tuple[str, ...] = ()

    @property
    def client_ip(self) -> Address | None:
        """The client's address, None when the field has none that is one."""
        try:
            return ip_address(self.pairs.get("client-ip", "").removeprefix("IPv6:"))
        except ValueError:
            return None

    @property
    def envelope_from(self) -> str | None:
        """The reverse-path without angle brackets; empty for the null one, None when the field has none."""
        value = self.pairs.get("envelope-from")
        return None if value is None else value.removeprefix("<").removesuffix(">")

    @property
    def helo(self) -> str:
        """The HELO name, empty when the field has none."""
        return self.pairs.get("helo", "")


def parse(value: bytes) -> ReceivedSPF:
    """Read a field's value. Never raises: what breaks the grammar is a defect, and the rest is read.

    Values are taken as they are met in mail: quoted, or any text up to a semicolon or white space. Defects:
    ``unknown-result``, ``no-value`` (a word without ``=``), ``duplicate-key`` (the first counts),
    ``too-many-pairs``, and those of the lexer.
    """
    lexer = Lexer(unfold(text_of(value)))
    lexer.skip_cfws()
    word = (lexer.atom() or "").lower()
    result = Status(word) if word in Status.__members__.values() else None
    defects = {} if result else {"unknown-result": None}
    lexer.skip_cfws()
    comment = lexer.comments[0] if lexer.comments else ""
    pairs: dict[str, str] = {}
    while lexer.position < len(lexer.text):
        if len(pairs) == MAX_PAIRS:
            defects["too-many-pairs"] = None
            break
        _read_pair(lexer, pairs, defects)
    return ReceivedSPF(result, comment, pairs, (*defects, *lexer.defects))


_KEY = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
_VALUE = re.compile(r"[^; \t\r\n(]+")
_JUNK = re.compile(r"[^; \t\r\n(]*[; \t\r\n]*")


def _read_pair(lexer: Lexer, pairs: dict[str, str], defects: dict[str, None]) -> None:
    key = _KEY.match(lexer.text, lexer.position)
    if key:
        lexer.position = key.end()
        lexer.skip_cfws()
    if not key or lexer.peek() != "=":
        start = lexer.position
        junk = _JUNK.match(lexer.text, start)
        assert junk
        lexer.position = junk.end()
        if junk[0].strip("; \t") or key:
            defects["no-value"] = None
        if lexer.position == start and not lexer.skip_cfws():
            lexer.position += 1
        return
    lexer.position += 1
    lexer.skip_cfws()
    text = lexer.quoted_string()
    if text is None:
        value = _VALUE.match(lexer.text, lexer.position)
        text = value[0] if value else ""
        lexer.position = value.end() if value else lexer.position
    name = key[0].lower()
    if name in pairs:
        defects["duplicate-key"] = None
    pairs.setdefault(name, text)
    lexer.skip_cfws()
    while lexer.peek() == ";":
        lexer.position += 1
        lexer.skip_cfws()


def build_field(
    result: Result, ip: Address, sender: str, *, helo: str, receiver: str, newline: bytes = b"\r\n"
) -> bytes:
    """The whole field for a result, folded, with its final newline.

    Texts that come from the message or the DNS can add nothing but themselves: values are quoted, controls
    become ``?``, long ones are cut.
    """
    pairs = {"client-ip": str(ip)}
    if result.identity is Identity.MAIL_FROM:
        pairs["envelope-from"] = sender
    pairs |= {
        "helo": helo,
        "identity": result.identity.value,
        "mechanism": result.mechanism or "",
        "receiver": receiver,
    }
    if result.status in (Status.PERMERROR, Status.TEMPERROR):
        pairs["problem"] = result.reason
    written = "; ".join(f"{key}={_value(text)}" for key, text in pairs.items() if text)
    text = f"{result.status} ({to_comment(f'{receiver}: {result.reason}')}) {written}"
    return build.structured("Received-SPF", text, Style(newline, utf8=not text.isascii()))


def _value(text: str) -> str:
    text = to_safe(text)
    return text if is_dot_atom(text) else quote(text)
