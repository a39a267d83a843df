"""The DNS as the verdicts see it: questions, answers, and the protocol of whoever answers them.

Nothing here asks the network; `blaze.core.net.dns` does. A resolver never raises for what the DNS says or
fails to say: NXDOMAIN, SERVFAIL and silence are answers, and each verdict decides what they mean to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, Protocol, TypeAlias, TypeVar


class RecordType(StrEnum):
    """The types of record that mail needs."""

    A = "a"
    AAAA = "aaaa"
    CNAME = "cname"
    MX = "mx"
    PTR = "ptr"
    TLSA = "tlsa"
    TXT = "txt"


class Rcode(StrEnum):
    """How a look-up ended: the response codes of RFC 1035 §4.1.1 that mail tells apart, and silence."""

    NOERROR = "noerror"
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"  # and every other code, a broken response, an unreachable server
    TIMEOUT = "timeout"


class Question(NamedTuple):
    """One look-up: an absolute domain name in ASCII, with or without its final dot, and a type."""

    name: str
    type: RecordType


class MailExchanger(NamedTuple):
    """An MX record (RFC 5321 §5.1); `host` is ``.`` in a null MX (RFC 7505)."""

    preference: int
    host: str


class Association(NamedTuple):
    """A TLSA record (RFC 6698 §2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes


Address: TypeAlias = IPv4Address | IPv6Address
Record: TypeAlias = IPv4Address | IPv6Address | bytes | str | MailExchanger | Association
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question brought.

    `records` are IPv4Address (A), IPv6Address (AAAA), str without final dot (CNAME, PTR), MailExchanger (MX),
    Association (TLSA) and bytes (TXT, its strings joined with nothing between them), in the order they came;
    NOERROR without records means that the name exists without this type ("no data"). `ttl` is in seconds, 0
    where it is not known. `authenticated` is the AD bit of a resolver that is trusted for it (RFC 4035
    §3.2.3). `detail` says in words why a look-up failed.
    """

    question: Question
    rcode: Rcode = Rcode.NOERROR
    records: tuple[Record, ...] = ()
    ttl: int = 0
    authenticated: bool = False
    detail: str = ""

    @property
    def failed(self) -> bool:
        """True when the DNS did not say whether there are records: it may say so later."""
        return self.rcode in (Rcode.SERVFAIL, Rcode.TIMEOUT)

    @property
    def void(self) -> bool:
        """True for a definite answer without records (RFC 7208 §4.6.4)."""
        return not self.failed and not self.records

    @property
    def texts(self) -> tuple[bytes, ...]:
        """The TXT records."""
        return self._only(bytes)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The A or AAAA records."""
        return (*self._only(IPv4Address), *self._only(IPv6Address))

    @property
    def names(self) -> tuple[str, ...]:
        """The PTR or CNAME records."""
        return self._only(str)

    @property
    def exchangers(self) -> tuple[MailExchanger, ...]:
        """The MX records, as they came; RFC 5321 §5.1 has them sorted by preference."""
        return self._only(MailExchanger)

    @property
    def associations(self) -> tuple[Association, ...]:
        """The TLSA records."""
        return self._only(Association)

    def _only(self, kind: type[_T]) -> tuple[_T, ...]:
        return tuple([record for record in self.records if isinstance(record, kind)])

    def __str__(self) -> str:
        name, kind = self.question
        outcome = f"{len(self.records)} records" if self.records else self.rcode.value
        if self.rcode is Rcode.NOERROR and not self.records:
            outcome = "no data"
        return f"{name} {kind.upper()}: {outcome}" + (f" ({self.detail})" if self.detail else "")


class Resolver(Protocol):
    """Whoever answers questions."""

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer every question, in order; those that go to the network are sent together.

        Raises nothing for what the DNS says. A name that cannot be one (an empty label, a label over 63
        octets, a name over 255: RFC 1035 §2.3.4) does not exist, and is not asked for.
        """
        ...


def ask(resolver: Resolver, name: str, type: RecordType) -> Answer:  # noqa: A002
    """Put one question; see `Resolver.query`."""
    return resolver.query([Question(name, type)])[0]


def is_domain_name(name: str) -> bool:
    """True when `name`, with or without its final dot, can be asked for (RFC 1035 §2.3.4).

    The root alone is no domain name here: mail never asks for it.
    """
    octets = name.removesuffix(".").encode("utf-8", "surrogateescape")
    return len(octets) <= MAX_NAME and all(0 < len(label) <= MAX_LABEL for label in octets.split(b"."))


MAX_LABEL = 63  # octets, RFC 1035 §2.3.4
MAX_NAME = 253  # octets as text without the final dot: 255 on the wire, RFC 1035 §2.3.4
