"""SPF records: their grammar, term by term (RFC 7208 §4.5, §4.6, §5, §6, §12)."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from blaze.core.auth.spf_macro import MacroError, MacroString, parse_domain_spec, parse_macro_string
from blaze.core.errors import DataError

MAX_REPORTED = 80  # characters of a bad term that an error repeats


class RecordError(DataError):
    """A record breaks the grammar: its result is permerror (RFC 7208 §4.6)."""


class Kind(StrEnum):
    """The mechanisms of RFC 7208 §5."""

    ALL = "all"
    INCLUDE = "include"
    A = "a"
    MX = "mx"
    PTR = "ptr"
    IP4 = "ip4"
    IP6 = "ip6"
    EXISTS = "exists"


ASKING = frozenset(
    {Kind.INCLUDE, Kind.A, Kind.MX, Kind.PTR, Kind.EXISTS}
)  # those that count, RFC 7208 §4.6.4


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism. `text` is as written; `domain` is None where the current domain is meant.

    `prefix4` and `prefix6` are the lengths of ``a`` and ``mx``; `network` is that of ``ip4`` and ``ip6``.
    """

    text: str
    qualifier: str
    kind: Kind
    domain: MacroString | None = None
    prefix4: int = 32
    prefix6: int = 128
    network: IPv4Network | IPv6Network | None = None


@dataclass(frozen=True, slots=True)
class Modifier:
    """``name=value``; `value` is a domain-spec for ``redirect`` and ``exp``."""

    text: str
    name: str
    value: MacroString


@dataclass(frozen=True, slots=True)
class Record:
    """A record taken apart: mechanisms in their order, the two known modifiers, and the unknown ones."""

    text: str
    mechanisms: tuple[Mechanism, ...]
    redirect: Modifier | None = None
    explanation: Modifier | None = None
    unknown: tuple[Modifier, ...] = ()

    @property
    def has_all(self) -> bool:
        """True when an ``all`` makes the redirect unused (RFC 7208 §5.1)."""
        return any(mechanism.kind is Kind.ALL for mechanism in self.mechanisms)


def is_record(text: bytes) -> bool:
    """True for a TXT record that is an SPF record: its version is exactly ``v=spf1`` (RFC 7208 §4.5)."""
    return text[:6].lower() == b"v=spf1" and text[6:7] in (b"", b" ")


def parse(data: bytes) -> Record:
    """Parse one record. Every term is checked, also those after a match (RFC 7208 §4.6).

    Raises:
        RecordError: not ASCII, no version, or a term that is none.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise RecordError("the record is not ASCII", where=f"octet {error.start}") from None
    if not is_record(data):
        raise RecordError("the record does not begin with v=spf1", where=_shorten(text))
    mechanisms: list[Mechanism] = []
    modifiers: list[Modifier] = []
    for term in text[6:].split(" "):
        if term:
            parsed = _parse_term(term)
            (modifiers if isinstance(parsed, Modifier) else mechanisms).append(parsed)  # type: ignore[arg-type]
    redirect = _only([modifier for modifier in modifiers if modifier.name == "redirect"])
    explanation = _only([modifier for modifier in modifiers if modifier.name == "exp"])
    unknown = tuple(modifier for modifier in modifiers if modifier.name not in ("redirect", "exp"))
    return Record(text, tuple(mechanisms), redirect, explanation, unknown)


_TERM = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9._-]*)=(?P<value>.*)"
    r"|(?P<qualifier>[-+?~]?)(?P<mechanism>[A-Za-z][A-Za-z0-9._-]*)(?P<rest>(?:[:/].*)?)",
    re.DOTALL,
)
_NUMBER = r"(0|[1-9][0-9]{0,2})"
_PREFIXES = rf"(?:/{_NUMBER})?(?://{_NUMBER})?"
_TARGET = re.compile(rf"(?::(?P<domain>.*?))?{_PREFIXES}", re.DOTALL)
_NETWORK4 = re.compile(rf":([0-9.]+)(?:/{_NUMBER})?")
_NETWORK6 = re.compile(rf":([0-9A-Fa-f:.]+)(?:/{_NUMBER})?")


def _parse_term(term: str) -> Mechanism | Modifier:
    match = _TERM.fullmatch(term)
    if match is None:
        raise RecordError("neither a mechanism nor a modifier", where=_shorten(term))
    try:
        if match["name"]:
            return _parse_modifier(term, match["name"].lower(), match["value"])
        return _parse_mechanism(term, match["qualifier"] or "+", match["mechanism"].lower(), match["rest"])
    except MacroError as error:
        raise RecordError(error.what, where=_shorten(term), hint=error.hint) from error


def _parse_modifier(term: str, name: str, value: str) -> Modifier:
    known = name in ("redirect", "exp")
    return Modifier(term, name, parse_domain_spec(value) if known else parse_macro_string(value))


def _parse_mechanism(term: str, qualifier: str, name: str, rest: str) -> Mechanism:
    try:
        kind = Kind(name)
    except ValueError:
        raise RecordError("unknown mechanism", where=_shorten(term), hint=_hint(name)) from None
    match kind:
        case Kind.ALL if not rest:
            return Mechanism(term, qualifier, kind)
        case Kind.INCLUDE | Kind.EXISTS if rest.startswith(":"):
            return Mechanism(term, qualifier, kind, parse_domain_spec(rest[1:]))
        case Kind.PTR if not rest or rest.startswith(":"):
            return Mechanism(term, qualifier, kind, parse_domain_spec(rest[1:]) if rest else None)
        case Kind.A | Kind.MX:
            return _parse_target(term, qualifier, kind, rest)
        case Kind.IP4 | Kind.IP6:
            return Mechanism(term, qualifier, kind, network=_parse_network(term, kind, rest))
    raise RecordError(f"{name} is not written so", where=_shorten(term))


def _parse_target(term: str, qualifier: str, kind: Kind, rest: str) -> Mechanism:
    """``a`` and ``mx``: ``[ ":" domain-spec ] [ dual-cidr-length ]`` (RFC 7208 §5.3, §5.4)."""
    match = _TARGET.fullmatch(rest)
    if match is None:
        raise RecordError("no domain and no prefix length", where=_shorten(term))
    prefix4, prefix6 = int(match[2] or 32), int(match[3] or 128)
    if prefix4 > 32 or prefix6 > 128:
        raise RecordError("a prefix length is too large", where=_shorten(term))
    domain = None if match["domain"] is None else parse_domain_spec(match["domain"])
    return Mechanism(term, qualifier, kind, domain, prefix4, prefix6)


def _parse_network(term: str, kind: Kind, rest: str) -> IPv4Network | IPv6Network:
    match = (_NETWORK4 if kind is Kind.IP4 else _NETWORK6).fullmatch(rest)
    if match is None:
        raise RecordError(f"no network of {kind}", where=_shorten(term))
    try:
        address = IPv4Address(match[1]) if kind is Kind.IP4 else IPv6Address(match[1])
        return ip_network((address, int(match[2] or address.max_prefixlen)), strict=False)
    except ValueError as error:
        raise RecordError(f"no network of {kind}", where=_shorten(term)) from error


def _only(modifiers: list[Modifier]) -> Modifier | None:
    if len(modifiers) > 1:
        raise RecordError("a modifier stands twice", where=_shorten(modifiers[1].text))  # RFC 7208 §6
    return modifiers[0] if modifiers else None


def _hint(name: str) -> str | None:
    if name in ("redirect", "exp"):
        return f"Write {name}=, with an equals sign."
    if name in ("ip", "ipv4", "ipv6"):
        return "Write ip4: or ip6:."
    return None


def _shorten(term: str) -> str:
    return term if len(term) <= MAX_REPORTED else term[: MAX_REPORTED - 3] + "..."
