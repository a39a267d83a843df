"""Making DKIM signatures (RFC 6376 §5, RFC 8301, RFC 8463)."""

import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from blaze.core.auth import tags
from blaze.core.auth.canon import Canonicalization, relaxed_field, simple_field
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import FaultError, read_canonicalization, read_names
from blaze.core.auth.dkim_verify import own_octets
from blaze.core.auth.keys import MIN_RSA_BITS, KeyType, PrivateKey
from blaze.core.errors import DataError, UsageError
from blaze.core.mail import header
from blaze.core.mail.address import to_ascii_domain

OVERSIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"mime-version", b"content-type",
    b"content-transfer-encoding",
)  # fmt: skip
"""Fields named once more than they occur, so that none can be added (RFC 6376 §8.15)."""

SIGNED_WHEN_PRESENT = (b"sender", b"in-reply-to", b"references", b"content-id", b"content-disposition")
"""Fields signed as often as they occur, as are all List- fields (RFC 6376 §5.4.1; RFC 8058 §4)."""

PREFERRED_LINE = 78  # characters, RFC 5322 §2.1.1
MAX_LINE = 998  # octets, RFC 5322 §2.1.1
_NAME = b"DKIM-Signature"
_SHORTEST_START = 20  # characters of a folded tag worth putting at the end of a line
_FIELD_NAME = re.compile(rb"[!-9<-~]+")  # RFC 5322 §3.6.8, but for the semicolon, which would end h=
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_UNQUOTED = re.compile(rb"[!-:<>-~]")  # dkim-safe-char, RFC 6376 §2.11


@dataclass(frozen=True, slots=True)
class Options:
    """How a message is to be signed.

    `domain` and `selector` name the key (`d=`, `s=`); `names` are the fields to sign in place of the usual
    set; `timestamp` and `expiration` are seconds since 1970 (`t=`, `x=`); `identity` is `i=`, a mailbox or
    ``@domain``.
    """

    domain: str
    selector: str
    header_canonicalization: Canonicalization = "relaxed"
    body_canonicalization: Canonicalization = "relaxed"
    names: Sequence[str] | None = None
    timestamp: int | None = None
    expiration: int | None = None
    identity: str | None = None


def sign(message: Signable, key: PrivateKey, options: Options) -> bytes:
    """The DKIM-Signature field for a message, in the message's own newlines; it goes where the header begins.

    The body is hashed once for each canonicalization, however many signatures one `Signable` gets. From is
    always signed, and oversigned.

    Raises:
        DataError: the message has no From field (RFC 6376 §5.4), or more fields than can be signed for; the
            RSA key has fewer than 1024 bits (RFC 8301 §3.2).
        UsageError: an option does not fit into the field, or `identity` lies outside `domain`.
    """
    check_key(key)
    check_fields(message)
    if not message.count(b"from"):
        raise DataError("the message has no From field, which every signature must cover")
    names = _names(message, options)
    pairs = _pairs(message, key, options, names)
    lines = Lines(_NAME, newline_of(message))
    for name, value in pairs:
        lines.add_tag(name, value)
    unsigned = lines.begin_base64(b"b")
    if options.header_canonicalization == "relaxed":
        own = relaxed_field(_NAME.lower(), unsigned[len(_NAME) + 1 :])
    else:
        own = simple_field(unsigned)[:-2]
    signed = message.signed_octets(names, options.header_canonicalization)
    return lines.end_base64(base64_of(key.sign(sha256(signed + own).digest())))


def seal(message: Signable, key: PrivateKey, build: Callable[[bytes], bytes]) -> bytes:
    """A signature's field with its `b=` filled in; `build` makes the field from the base64 of `b=`."""
    draft = build(base64_of(bytes(key.signature_octets)))
    return build(base64_of(compute(message, draft, key)))


def compute(message: Signable, field: bytes, key: PrivateKey) -> bytes:
    """The signature that the `b=` of a DKIM-Signature field has to hold (RFC 6376 §3.7).

    `field` is a whole field as it will stand in the message, above its header; what its `b=` holds does not
    matter. `h=`, `c=` and the rest are taken as they are, and `bh=` is not computed.

    Raises:
        DataError: `field` is no such field.
    """
    own = next(iter(header.parse(field)), None)
    if own is None:
        raise DataError("not a header field")
    listed = tags.parse(own.raw)
    if b"b" not in listed:
        raise DataError("the field has no b=")
    try:
        canonicalization, _ = read_canonicalization(listed)
    except FaultError as error:
        raise DataError(error.fault.reason) from None
    signed = message.signed_octets(read_names(listed), canonicalization)
    return key.sign(sha256(signed + own_octets(own, listed, relaxed=canonicalization == "relaxed")).digest())


def names_to_sign(message: Signable) -> list[bytes]:
    """The usual `h=`: what `OVERSIGNED` and `SIGNED_WHEN_PRESENT` say, for the fields the message has."""
    names = []
    for name in OVERSIGNED:
        names += [name] * (message.count(name) + 1)
    lists = (name for name in message.names if name.startswith(b"list-") and _FIELD_NAME.fullmatch(name))
    for name in (*SIGNED_WHEN_PRESENT, *lists):
        names += [name] * message.count(name)
    return names


def chosen_names(message: Signable, chosen: Iterable[str]) -> list[bytes]:
    """An `h=` of the fields `chosen`: each as often as it occurs or is named, so that none goes unsigned.

    Raises:
        UsageError: a name is no field name.
    """
    wanted: dict[bytes, int] = {}
    for text in chosen:
        name = text.lower().encode()
        if not _FIELD_NAME.fullmatch(name):
            raise UsageError(f"{text!r} is no name of a header field that can be signed")
        wanted[name] = wanted.get(name, 0) + 1
    return [name for name, times in wanted.items() for _ in range(max(times, message.count(name)))]


def check_key(key: PrivateKey) -> None:
    """Refuse a key that verifiers must refuse.

    Raises:
        DataError: the RSA key has fewer than 1024 bits (RFC 8301 §3.2).
    """
    if key.type is KeyType.RSA and key.bits < MIN_RSA_BITS:
        hint = "Make a new one with `blaze dkim gen`."
        raise DataError(f"the RSA key has {key.bits} bits, fewer than {MIN_RSA_BITS}", hint=hint)


def check_fields(message: Signable) -> None:
    """Refuse a header whose fields are not all listed, so that selecting them from the bottom would err.

    Raises:
        DataError: there are more than `MAX_FIELDS`.
    """
    if message.truncated:
        raise DataError(f"the message has more than {header.MAX_FIELDS:,} header fields")


def check_name(name: str, what: str) -> str:
    """A domain or selector in the form that `d=` and `s=` hold: A-labels.

    Raises:
        UsageError: it is no such name.
    """
    try:
        ascii_name = to_ascii_domain(name)
    except DataError as error:
        raise UsageError(f"{name!r} is no {what}: {error.what}") from None
    if not _DOMAIN.fullmatch(ascii_name) or ".." in ascii_name:
        raise UsageError(f"{name!r} is no {what}")
    return ascii_name


def check_time(seconds: int, what: str) -> str:
    """The value of `t=` or `x=` (RFC 6376 §3.5); `what` says what it is for.

    Raises:
        UsageError: it has more than twelve digits, or is before 1970.
    """
    if not 0 <= seconds < 10**12:
        raise UsageError(f"the {what} has no place in a signature", where=str(seconds))
    return str(seconds)


def newline_of(message: Signable) -> bytes:
    """The newline of the message's first line; LF when it has none."""
    start = message.header.start
    first = message.buffer.find(b"\n", start, message.header.body_start)
    return b"\r\n" if first > start and message.buffer[first - 1 : first] == b"\r" else b"\n"


class Lines:
    """A field of tags under construction, ``; `` between them.

    Lines are folded at 78 characters: before a tag, in `h=` after a colon, in base64 anywhere. With
    `only_after_semicolon` they are folded inside a tag only where they would else pass 998 octets.
    """

    __slots__ = ("_column", "_limit", "_newline", "_parts")

    def __init__(self, name: bytes, newline: bytes, *, only_after_semicolon: bool = False) -> None:
        self._parts = [name + b":"]
        self._column = len(name) + 1
        self._newline = newline
        self._limit = MAX_LINE if only_after_semicolon else PREFERRED_LINE

    def begin_base64(self, tag: bytes) -> bytes:
        """Add a last tag without its value, and return the field as it is so far."""
        self._begin(_SHORTEST_START)
        self._add(tag + b"=")
        return b"".join(self._parts)

    def end_base64(self, value: bytes) -> bytes:
        """Add the value of that last tag, and return the field with its newline."""
        self._add_folded(value, b"")
        return self.octets()

    def add_tag(self, tag: bytes, value: bytes) -> "Lines":
        """Add a tag, on a new line if this one has no room, and return this object."""
        text = tag + b"=" + value
        begins_anywhere = tag in (b"b", b"h") and self._limit == PREFERRED_LINE
        self._begin(_SHORTEST_START if begins_anywhere else len(text))
        if tag == b"h":
            self._add_folded(text, b":")
        elif tag == b"b":
            self._add_folded(text, b"")
        else:
            self._add(text)
        return self

    def add_item(self, text: bytes) -> "Lines":
        """Add text, on a new line if this one has no room; inside it, lines end at blanks past 998 octets."""
        self._begin(len(text))
        self._add_folded(text, b" ")
        return self

    def _begin(self, width: int) -> None:
        """Part the next item from the one before it."""
        if len(self._parts) > 1:
            self._add(b";")
        if width <= PREFERRED_LINE - 2 - self._column:  # of the blank before and the semicolon behind
            self._add(b" ")
        else:
            self._fold()

    def octets(self) -> bytes:
        """The field with its newline."""
        return b"".join(self._parts) + self._newline

    def _add_folded(self, text: bytes, after: bytes) -> None:
        """Add text; where a line would be too long fold it after `after`, anywhere if that is empty."""
        while self._column + len(text) >= self._limit:
            room = self._limit - 1 - self._column
            end = text.rfind(after, 0, room) + len(after) if after else room
            if end < 1 + len(after):
                if self._column > 1:
                    self._fold()
                    continue
                end = text.find(after) + len(after)  # an item longer than a line stands alone
                if end < len(after) or end == len(text):
                    break
            self._add(text[:end].rstrip(b" "))
            text = text[end:]
            self._fold()
        self._add(text)

    def _add(self, text: bytes) -> None:
        self._parts.append(text)
        self._column += len(text)

    def _fold(self) -> None:
        self._parts.append(self._newline + b" ")
        self._column = 1


def _names(message: Signable, options: Options) -> list[bytes]:
    if options.names is None:
        return names_to_sign(message)
    others = [name for name in options.names if name.lower() != "from"]
    times = max(len(options.names) - len(others), message.count(b"from") + 1)
    return chosen_names(message, (*["from"] * times, *others))


def _pairs(
    message: Signable, key: PrivateKey, options: Options, names: list[bytes]
) -> list[tuple[bytes, bytes]]:
    """Every tag but `b=`."""
    domain, selector = check_name(options.domain, "domain"), check_name(options.selector, "selector")
    canonicalization = f"{options.header_canonicalization}/{options.body_canonicalization}"
    pairs = [
        ("v", "1"),
        ("a", f"{key.type}-sha256"),
        ("c", canonicalization),
        ("d", domain),
        ("s", selector),
    ]
    if options.identity is not None:
        pairs.append(("i", _identity(options.identity, domain)))
    if options.timestamp is not None:
        pairs.append(("t", check_time(options.timestamp, "timestamp")))
    if options.expiration is not None:
        pairs.append(("x", check_time(options.expiration, "expiration")))
        if options.timestamp is not None and options.expiration <= options.timestamp:
            raise UsageError("the expiration is not later than the timestamp", where=pairs[-1][1])
    octets = [(name.encode(), value.encode()) for name, value in pairs]
    octets.append((b"h", b":".join(names)))
    octets.append((b"bh", base64_of(message.body.digest(options.body_canonicalization))))
    return octets


def _identity(identity: str, domain: str) -> str:
    local_part, at, host = identity.rpartition("@")
    host = check_name(host, "domain of an identity")
    if not at or not ("." + host.lower()).endswith("." + domain.lower()):
        raise UsageError(f"the identity {identity!r} is not in the domain {domain}")
    quoted = b"".join(
        octet if _UNQUOTED.fullmatch(octet) else b"=%02X" % octet[0]
        for octet in (bytes((code,)) for code in local_part.encode("utf-8", "surrogateescape"))
    )
    return f"{quoted.decode()}@{host}"


def base64_of(octets: bytes) -> bytes:
    """`octets` in base64, on one line."""
    return binascii.b2a_base64(octets, newline=False)
