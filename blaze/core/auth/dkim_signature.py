"""The DKIM-Signature field and its kin in ARC: what it says, and what is wrong with it (RFC 6376 §3.5)."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from blaze.core.auth import tags
from blaze.core.auth.canon import Canonicalization
from blaze.core.auth.keys import KeyType
from blaze.core.errors import DataError
from blaze.core.mail.address import to_ascii_domain

# Labels as RFC 6376 §3.5 has them, with the underscore that domains in use have; RFC 8616 adds UTF-8.
_LABEL = rb"[A-Za-z0-9_\x80-\xff](?:[A-Za-z0-9_\x80-\xff-]*[A-Za-z0-9_\x80-\xff])?"
_DOMAIN = re.compile(rb"(?:" + _LABEL + rb"\.)*" + _LABEL)
_TIME = re.compile(rb"[0-9]{1,12}")  # RFC 6376 §3.5
MAX_NAME = 1000  # octets of d= and s=: four times what the DNS holds, for U-labels that are longer
_SHOWN = 60  # octets of a value that a reason repeats
_LENGTH = re.compile(rb"[0-9]{1,76}")  # RFC 6376 §3.5
_QUOTED = re.compile(rb"=([0-9A-F]{2})")
_CANONICALIZATIONS: dict[bytes, tuple[Canonicalization, Canonicalization]] = {
    b"simple": ("simple", "simple"),
    b"relaxed": ("relaxed", "simple"),
    b"simple/simple": ("simple", "simple"),
    b"simple/relaxed": ("simple", "relaxed"),
    b"relaxed/simple": ("relaxed", "simple"),
    b"relaxed/relaxed": ("relaxed", "relaxed"),
}
_ALGORITHMS = {b"rsa-sha256": KeyType.RSA, b"ed25519-sha256": KeyType.ED25519}  # RFC 8301 §3.1, RFC 8463 §3
_REQUIRED = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")


class Status(StrEnum):
    """The results of checking a signature (RFC 8601 §2.7.1)."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Fault(NamedTuple):
    """What keeps a signature from being good, before or after its hashes are looked at."""

    status: Status
    reason: str


class FaultError(Exception):
    """Carries a fault out of the depths of a reader; it never leaves this package."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(status, reason)


class Signature(NamedTuple):
    """The tags of a signature as values.

    `domain`, `selector` and `identity` are text as written, `domain` and `selector` without upper case, None
    where they are missing or unreadable; `names` are the fields of `h=` in lower case, in their order;
    `length` is in octets, `timestamp` and `expiration` in seconds since 1970. `fault` says why the signature
    cannot be good whatever the message and the key are; the values after the fault may then be missing.
    """

    listed: tags.TagList
    domain: str | None
    selector: str | None
    identity: str | None
    algorithm: str | None
    key_type: KeyType = KeyType.RSA
    header_canonicalization: Canonicalization = "simple"
    body_canonicalization: Canonicalization = "simple"
    names: tuple[bytes, ...] = ()
    length: int | None = None
    timestamp: int | None = None
    expiration: int | None = None
    signature: bytes = b""
    body_hash: bytes = b""
    fault: Fault | None = None

    @property
    def key_name(self) -> str:
        """Where the key is published (RFC 6376 §3.6.2.1), with A-labels."""
        return key_name(self.selector or "", self.domain or "")

    @property
    def canonicalization(self) -> str:
        """Both canonicalizations, as `c=` has them."""
        return f"{self.header_canonicalization}/{self.body_canonicalization}"

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of `h=` as text."""
        return tuple(name.decode("utf-8", "replace") for name in self.names if name)

    @property
    def copied(self) -> dict[bytes, bytes]:
        """The copies of header fields in `z=` by lower-case name, for diagnosis only (RFC 6376 §3.5)."""
        value = tags.without_white_space(self.listed.get(b"z") or b"")
        copies = (item.partition(b":") for item in value.split(b"|"))
        return {name.lower(): unquote(text) for name, colon, text in copies if colon}


_NEWLINE = b"\r\n"  # of a folded value, and no part of it
_USUAL_NAMES = 1000  # octets of an h= that is worth remembering


@lru_cache(maxsize=1024)
def key_name(selector: str, domain: str) -> str:
    """The name a key is published under (RFC 6376 §3.6.2.1), with A-labels (RFC 8616 §5).

    Raises:
        DataError: the domain or the selector is no name that IDNA allows.
    """
    return to_ascii_domain(f"{selector}._domainkey.{domain}")


def unquote(value: bytes) -> bytes:
    """Undo DKIM's quoted-printable (RFC 6376 §2.11)."""
    return _QUOTED.sub(lambda match: bytes((int(match[1], 16),)), tags.without_white_space(value))


def parse(raw: bytes) -> Signature:
    """Read the value of a DKIM-Signature field. Never raises: see `Signature.fault`. Linear."""
    listed = tags.scan(raw)
    identity = listed.get(b"i")
    text = unquote(identity).decode("utf-8", "replace") if identity else None
    try:
        require(listed, _REQUIRED)
        if listed.get(b"v") != b"1":
            raise FaultError(Status.PERMERROR, "v= is not 1")
        signature = read(listed, text)
        _check_dkim(signature, listed)
        return signature
    except FaultError as error:
        return broken(listed, error.fault, text)


def broken(listed: tags.TagList, fault: Fault, identity: str | None = None) -> Signature:
    """A signature of which only the names are of use, for a report."""
    domain, selector = _text(listed, b"d"), _text(listed, b"s")
    if identity is None and domain:
        identity = f"@{domain}"
    return Signature(listed, domain, selector, identity, _text(listed, b"a"), fault=fault)


def require(listed: tags.TagList, names: tuple[bytes, ...]) -> None:
    """Refuse a list that is malformed, or has a tag twice, or has not every tag in `names`.

    Raises:
        FaultError: neutral for what is no tag list, permerror for the rest (RFC 6376 §6.1.1).
    """
    if listed.defects:
        name, offset = listed.defects[0]
        raise FaultError(Status.NEUTRAL, f"the field is no tag list ({name} at octet {offset} of its value)")
    if listed.duplicates:
        raise FaultError(Status.PERMERROR, f"tag {listed.duplicates[0].decode()}= occurs twice")
    missing = listed.first_missing(names)
    if missing is not None:
        raise FaultError(Status.PERMERROR, f"tag {missing.decode()}= is missing")


def read(listed: tags.TagList, identity: str | None) -> Signature:
    """The values of a list that `require` has let through; ARC's message signatures share them.

    Raises:
        FaultError: a value does not fit its grammar (neutral) or asks for something unknown (permerror).
    """
    domain, selector = read_name(listed, b"d"), read_name(listed, b"s")
    header, body = read_canonicalization(listed)
    timestamp, expiration = read_number(listed, b"t"), read_number(listed, b"x")
    if timestamp is not None and expiration is not None and expiration <= timestamp:
        raise FaultError(Status.PERMERROR, "x= is not later than t=")
    return Signature(
        listed,
        domain,
        selector,
        identity or f"@{domain}",
        _text(listed, b"a"),
        read_algorithm(listed),
        header,
        body,
        read_names(listed),
        read_number(listed, b"l", _LENGTH),
        timestamp,
        expiration,
        read_base64(listed, b"b"),
        read_base64(listed, b"bh"),
    )


def read_algorithm(listed: tags.TagList) -> KeyType:
    """The kind of key that `a=` asks for."""
    algorithm = listed.get(b"a") or b""
    try:
        return _ALGORITHMS[algorithm]
    except KeyError:
        if algorithm == b"rsa-sha1":
            reason = "a=rsa-sha1 must not be used any more (RFC 8301 §3.1)"
            raise FaultError(Status.PERMERROR, reason) from None
        raise _unknown(b"a", algorithm) from None


def read_canonicalization(listed: tags.TagList) -> tuple[Canonicalization, Canonicalization]:
    """How `c=` has the header and the body made canonical."""
    value = listed.get(b"c")
    try:
        return _CANONICALIZATIONS[b"simple" if value is None else value]
    except KeyError:
        raise _unknown(b"c", value or b"") from None


def read_names(listed: tags.TagList) -> tuple[bytes, ...]:
    """The fields that `h=` names, in lower case."""
    value = listed.get(b"h") or b""
    return _names(value) if len(value) < _USUAL_NAMES else _names.__wrapped__(value)


@lru_cache(maxsize=256)
def _names(value: bytes) -> tuple[bytes, ...]:
    """The names in a value of `h=`: a signer has the same ones in most of its messages."""
    return tuple(tags.split_colons(value.lower()))


def read_name(listed: tags.TagList, name: bytes) -> str:
    """A tag that holds a domain or a selector: labels with dots, in lower case."""
    value = listed.get(name) or b""
    text = _labels(value) if len(value) <= MAX_NAME else None
    if text is None:
        raise _malformed(name, value)
    return text


@lru_cache(maxsize=1024)
def _labels(value: bytes) -> str | None:
    try:
        return value.decode("utf-8").lower() if _DOMAIN.fullmatch(value) else None
    except UnicodeDecodeError:
        return None


def read_number(listed: tags.TagList, name: bytes, form: re.Pattern[bytes] = _TIME) -> int | None:
    """A tag that holds a number, or None when it is not there."""
    value = listed.get(name)
    if value is None:
        return None
    if not form.fullmatch(value):
        raise _malformed(name, value)
    return int(value)


def read_base64(listed: tags.TagList, name: bytes) -> bytes:
    """A tag that holds base64, which may not be empty."""
    try:
        octets = tags.decode_base64(listed.get(name) or b"")
    except DataError:
        raise FaultError(Status.NEUTRAL, f"{name.decode()}= is not base64") from None
    if not octets:
        raise FaultError(Status.NEUTRAL, f"{name.decode()}= is empty")
    return octets


def ascii_name(name: str) -> str:
    """A domain for comparison: A-labels in lower case; a name that IDNA does not allow stays as it is."""
    try:
        return to_ascii_domain(name).lower()
    except DataError:
        return name


def _check_dkim(signature: Signature, listed: tags.TagList) -> None:
    if b"from" not in signature.names:
        raise FaultError(Status.PERMERROR, "h= does not name From")
    queries = listed.get(b"q")
    if queries is not None and not {b"dns/txt", b"dns"} & set(tags.split_colons(queries)):
        raise _unknown(b"q", queries)
    if b"i" in listed:
        _, at, host = (signature.identity or "").rpartition("@")
        if not at:
            raise _malformed(b"i", listed.get(b"i") or b"")
        domain = ascii_name(signature.domain or "")
        if not ("." + ascii_name(host)).endswith("." + domain):
            raise FaultError(Status.PERMERROR, f"i={signature.identity} is outside d={signature.domain}")
    try:
        _ = signature.key_name
    except DataError:
        raise FaultError(Status.NEUTRAL, "d= or s= is no internationalized domain name") from None


def _text(listed: tags.TagList, name: bytes) -> str | None:
    value = listed.get(name)
    return value.translate(None, _NEWLINE).decode("utf-8", "replace").lower() if value else None


def _unknown(name: bytes, value: bytes) -> FaultError:
    if not value:
        return FaultError(Status.NEUTRAL, f"{name.decode()}= is empty")
    return FaultError(Status.PERMERROR, f"{name.decode()}={_shown(value)} is unknown")


def _malformed(name: bytes, value: bytes) -> FaultError:
    word = _shown(value)
    return FaultError(
        Status.NEUTRAL, f"{name.decode()}={word} is malformed" if word else f"{name.decode()}= is empty"
    )


def _shown(value: bytes) -> str:
    text = value[:_SHOWN].translate(None, _NEWLINE).decode("utf-8", "replace")
    return text + "..." if len(value) > _SHOWN else text
