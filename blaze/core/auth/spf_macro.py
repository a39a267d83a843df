"""Macro strings of SPF: their grammar and expansion (RFC 7208 §7).

A macro string is parsed once into literals and macros; expansion is a function of what is known of the
message. Nothing here asks the DNS: the validated name that ``%{p}`` needs is asked from the caller.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from blaze.core.auth.resolver import MAX_NAME, Address
from blaze.core.errors import DataError

EXPLANATION_LETTERS = frozenset("crt")  # allowed in explanations only, RFC 7208 §7.2


class MacroError(DataError):
    """A macro string breaks the grammar of RFC 7208 §7.1: the record's result is permerror."""


class Macro(NamedTuple):
    """``%{letter digits r delimiters}``; `letter` is lower-case, `kept` 0 keeps every part."""

    letter: str
    escape: bool  # the letter was a capital: the expansion is percent-encoded, §7.3
    kept: int
    reverse: bool
    delimiters: str


MacroString: TypeAlias = tuple[str | Macro, ...]

_TOKEN = re.compile(
    r"%\{(?P<letter>[slodiphcrtvSLODIPHCRTV])(?P<digits>[0-9]*)(?P<reverse>[rR]?)(?P<delimiters>[-.+,/_=]*)\}"
    r"|%(?P<escape>[%_-])"
    r"|(?P<literal>[\x21-\x24\x26-\x7e ]+)"
)
_ESCAPES = {"%": "%", "_": " ", "-": "%20"}
MAX_EXPANSION = 4096
"""Characters of an explanation: a record has room for thousands of macros, each of them a long address."""

MAX_COUNT = 128  # parts a macro can keep: more labels than a name has; larger numbers mean all


def parse_macro_string(text: str) -> MacroString:
    """Parse ``macro-string`` (RFC 7208 §7.1).

    Raises:
        MacroError: a ``%`` begins no macro, or a character is not visible ASCII.
    """
    if " " in text:
        raise MacroError("a space stands in a macro string", where=text)
    return _parse(text)


def parse_explain_string(text: str) -> MacroString:
    """Parse ``explain-string`` (RFC 7208 §6.2): a macro string with spaces. Raises MacroError."""
    return _parse(text)


def parse_domain_spec(text: str) -> MacroString:
    """Parse ``domain-spec`` (RFC 7208 §7.1): a macro string without the letters c, r and t that ends in a
    macro or in a top label, which has a letter or a hyphen in it.

    Raises:
        MacroError: the text is something else.
    """
    parts = parse_macro_string(text)
    for part in parts:
        if isinstance(part, Macro) and part.letter in EXPLANATION_LETTERS:
            raise MacroError(f"%{{{part.letter}}} is for explanations only", where=text)
    end = parts[-1] if parts else ""
    if isinstance(end, str) and end not in _ESCAPES.values() and not _ends_in_top_label(end):
        raise MacroError("no domain name", where=text or "empty", hint=_address_hint(text))
    return parts


def _ends_in_top_label(literal: str) -> bool:
    """True for ``"." toplabel [ "." ]`` at the end: letters, digits, hyphens inside, and not only digits."""
    _, dot, label = literal.removesuffix(".").rpartition(".")
    letters = label.replace("-", "")
    return bool(dot) and letters.isalnum() and label[0] != "-" != label[-1] and not label.isdigit()


def _address_hint(text: str) -> str | None:
    return "An IP address needs ip4: or ip6:." if re.fullmatch(r"[0-9.]+", text) else None


def _parse(text: str) -> MacroString:
    parts: list[str | Macro] = []
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise MacroError(f"{text[position : position + 3]!r} is no macro and no literal", where=text)
        position = token.end()
        if token["letter"]:
            parts.append(_to_macro(token, text))
        else:
            parts.append(_ESCAPES[token["escape"]] if token["escape"] else token["literal"])
    return tuple(parts)


def _to_macro(token: re.Match[str], text: str) -> Macro:
    digits = token["digits"].lstrip("0")
    if token["digits"] and not digits:
        raise MacroError("a macro keeps 0 parts", where=text)  # RFC 7208 §7.3: the value must be nonzero
    count = min(int(digits[:4] or 0), MAX_COUNT)
    letter = token["letter"]
    return Macro(letter.lower(), letter.isupper(), count, bool(token["reverse"]), token["delimiters"] or ".")


@dataclass(frozen=True, slots=True)
class MacroContext:
    """What the letters stand for. `sender` always has a local-part; `domain` is the one whose record is
    evaluated; `timestamp` is in seconds since 1970; `validated_name` gives ``%{p}`` and may ask the DNS.
    """

    ip: Address
    sender: str
    domain: str
    helo: str
    receiver: str
    timestamp: int
    validated_name: Callable[[], str]

    def expand(self, parts: MacroString) -> str:
        """The text that a macro string stands for (RFC 7208 §7.3), cut at `MAX_EXPANSION`."""
        text = "".join(_until(MAX_EXPANSION, map(self._expand_part, parts)))
        return text[:MAX_EXPANSION]

    def expand_domain(self, parts: MacroString) -> str:
        """A name to ask for: no final dot, and at most 253 octets by leaving labels out on the left
        (§7.3).
        """
        ending = _until(MAX_NAME + 1, map(self._expand_part, reversed(parts)))  # what is left of it goes
        name = "".join(reversed(list(ending))).removesuffix(".")
        excess = len(name) - MAX_NAME
        return name[name.find(".", excess - 1) + 1 :] if excess > 0 else name

    def _expand_part(self, part: str | Macro) -> str:
        return part if isinstance(part, str) else self._expand_macro(part)

    def _expand_macro(self, macro: Macro) -> str:
        pieces = re.split(f"[{re.escape(macro.delimiters)}]", self._value(macro.letter))
        if macro.reverse:
            pieces.reverse()
        value = ".".join(pieces[-macro.kept :])
        return _percent_encoded(value) if macro.escape else value

    def _value(self, letter: str) -> str:
        local_part, _, sender_domain = self.sender.rpartition("@")
        match letter:
            case "s":
                return self.sender
            case "l":
                return local_part
            case "o":
                return sender_domain
            case "d":
                return self.domain
            case "i":
                return dotted(self.ip)
            case "p":
                return self.validated_name()
            case "v":
                return "in-addr" if self.ip.version == 4 else "ip6"
            case "h":
                return self.helo
            case "c":
                return str(self.ip)
            case "r":
                return self.receiver
            case _:
                return str(self.timestamp)


def _until(length: int, texts: Iterable[str]) -> Iterator[str]:
    """The first of `texts`, up to the one with which they are longer than `length`."""
    total = 0
    for text in texts:
        yield text
        total += len(text)
        if total > length:
            return


def _percent_encoded(text: str) -> str:
    """Octets outside the unreserved set as ``%XX`` (RFC 7208 §7.3, RFC 3986 §2.3)."""
    octets = text.encode("utf-8", "surrogateescape")
    return re.sub(rb"[^A-Za-z0-9._~-]", lambda match: b"%%%02X" % match[0][0], octets).decode("ascii")


def dotted(ip: Address) -> str:
    """``%{i}``: a dotted quad, or the 32 nibbles of an IPv6 address with dots between them (RFC 7208
    §7.3).
    """
    return str(ip) if ip.version == 4 else ".".join(f"{int(ip):032X}")
