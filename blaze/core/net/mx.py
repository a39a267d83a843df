"""Which hosts take mail for a domain (RFC 5321 §5.1)."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from blaze.core.auth.resolver import MailExchanger, Question, Rcode, RecordType, Resolver, ask
from blaze.core.errors import DNSTemporaryError, NoHostError, UnavailableError

MAX_HOSTS = 10  # ours; domains with more name the same machines again


@dataclass(frozen=True, slots=True)
class Route:
    """The hosts to try for `domain`, best first. `authenticated` says that the DNS answer was (for DANE).

    `explicit` is False when the domain has no MX and stands for itself.
    """

    domain: str
    hosts: tuple[str, ...]
    authenticated: bool = False
    explicit: bool = True


def find_route(domain: str, resolver: Resolver, rng: random.Random | None = None) -> Route:
    """Look up the mail exchangers of `domain` (in ASCII, or an address literal in brackets).

    Hosts of equal preference are shuffled by `rng`. Without MX records the domain itself is the host.

    Raises:
        NoHostError: there is no such domain.
        UnavailableError: it takes no mail: a null MX (RFC 7505), or MX records without a usable name.
        DNSTemporaryError: the DNS could not say.
    """
    if domain.startswith("["):
        return Route(domain, (domain,), explicit=False)
    answer = ask(resolver, domain, RecordType.MX)
    if answer.failed:
        raise DNSTemporaryError("the mail exchangers cannot be looked up now", where=str(answer))
    if answer.rcode is Rcode.NXDOMAIN:
        raise NoHostError("no such domain", where=domain)
    if not answer.exchangers:
        return Route(domain, (domain,), answer.authenticated, explicit=False)
    hosts = _ordered(answer.exchangers, rng or random.Random())
    if not hosts:
        raise UnavailableError("the domain takes no mail (null MX)", where=domain)
    return Route(domain, hosts[:MAX_HOSTS], answer.authenticated)


def _ordered(exchangers: Sequence[MailExchanger], rng: random.Random) -> tuple[str, ...]:
    shuffled = list(exchangers)
    rng.shuffle(shuffled)
    shuffled.sort(key=lambda exchanger: exchanger.preference)
    names = (exchanger.host.removesuffix(".").lower() for exchanger in shuffled)
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """The addresses of a mail host, and whether every answer with them was authenticated."""

    addresses: tuple[IPv4Address | IPv6Address, ...]
    authenticated: bool = False


def find_addresses(host: str, resolver: Resolver) -> HostAddresses:
    """The addresses of a mail exchanger, IPv6 first; an address literal stands for itself.

    Raises:
        NoHostError: it has none.
        DNSTemporaryError: the DNS could not say.
    """
    if host.startswith("["):
        literal = host.strip("[]")
        try:
            return HostAddresses((ip_address(literal[5:] if literal[:5].lower() == "ipv6:" else literal),))
        except ValueError:
            raise NoHostError("not an address literal", where=host) from None
    answers = resolver.query([Question(host, RecordType.AAAA), Question(host, RecordType.A)])
    addresses = tuple(address for answer in answers for address in answer.addresses)
    if addresses:
        # An answer that failed says nothing: who suppresses one must not take DANE away.
        return HostAddresses(addresses, all(one.authenticated for one in answers if not one.failed))
    if any(answer.failed for answer in answers):
        raise DNSTemporaryError("the address cannot be looked up now", where="; ".join(map(str, answers)))
    raise NoHostError("the mail exchanger has no address", where=host)
