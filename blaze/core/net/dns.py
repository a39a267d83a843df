"""The DNS on the network, behind the `Resolver` protocol of `blaze.core.auth.resolver`.

The stub resolver is dnspython's, with the system's servers or named ones, over UDP (TCP when an answer is
truncated), TCP or TLS. A static tree answers first; what was asked and answered can be recorded as one.
"""

import re
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from blaze.core.auth.resolver import (
    Address,
    Answer,
    Association,
    MailExchanger,
    Question,
    Rcode,
    Record,
    RecordType,
    Resolver,
    is_domain_name,
)
from blaze.core.errors import ConfigurationError, DNSTemporaryError, NoHostError, UsageError
from blaze.core.net.dns_static import Found, Recorder, StaticTree

if TYPE_CHECKING:
    import dns.exception
    import dns.message
    import dns.nameserver
    import dns.resolver

TRY_SECONDS = 2.0  # for one datagram, before it is sent again or to the next server
CACHE_SECONDS = 60.0  # an answer lives as long as its TTL, and at least as long as a verdict takes
MAX_CACHED = 10_000  # answers; the oldest go first
MAX_PARALLEL = 16  # questions on the network at once
EDNS_PAYLOAD = 1232  # octets, what passes without fragments: the value of DNS flag day 2020
HOSTS_FILE = Path("/etc/hosts")


@dataclass(frozen=True, slots=True)
class DNSOptions:
    """How names are looked up: the options that every command that asks the DNS has.

    `nameservers` are texts for `parse_nameserver`; none means the system's. `static` is a folder of static
    answers that are tried first, `record` one to write answers to. With `offline` nothing is asked: a name
    that the tree does not hold does not exist. `timeout` is in seconds, for one question with all its tries.
    """

    nameservers: tuple[str, ...] = ()
    static: Path | None = None
    offline: bool = False
    record: Path | None = None
    timeout: float = 5.0


class Nameserver(NamedTuple):
    """A server to ask: `transport` is ``udp``, ``tcp`` or ``tls``, `address` an IP address."""

    transport: str
    address: str
    port: int


def parse_nameserver(text: str) -> Nameserver:
    """Read ``[udp:|tcp:|tls:]ADDRESS[:PORT]``; an IPv6 address with a port stands in brackets.

    Two slashes may follow the transport, as in a URI.

    The port is 53, and 853 for TLS (RFC 7858 §3.1), where the server must prove its address by a certificate.

    Raises:
        UsageError: the text has another form.

    >>> parse_nameserver("tls:[2001:db8::1]:8853")
    Nameserver(transport='tls', address='2001:db8::1', port=8853)
    """
    match = re.fullmatch(
        r"(?:(udp|tcp|tls):(?://)?)?(?:\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?|([\d.]+)(?::(\d{1,5}))?|([0-9A-Fa-f:.]+))",
        text,
    )
    if match:
        transport, bracketed, port6, ipv4, port4, bare = match.groups()
        port = int(port6 or port4 or (853 if transport == "tls" else 53))
        try:
            address = ip_address(bracketed or ipv4 or bare)
        except ValueError:
            port = 0
        if 0 < port <= 0xFFFF:
            return Nameserver(transport or "udp", str(address), port)
    raise UsageError(
        "not a DNS server",
        where=text,
        hint="Write [udp:|tcp:|tls:]ADDRESS[:PORT], as in 192.0.2.1 or tls:[2001:db8::1]:853.",
    )


def make_resolver(options: DNSOptions) -> "DNSResolver":
    """The resolver that `options` describe, with an empty cache. Asks nothing yet.

    Raises:
        UsageError: a DNS server is not written as `parse_nameserver` wants.
        NoInputError: the static tree is no folder.
        CannotCreateError: the folder to record in cannot be made.
    """
    return DNSResolver(options)


class DNSResolver:
    """A `Resolver` with a static tree, a cache and the network, in this order.

    It may be used from several threads. Failures are cached like other answers, for a minute, so that one
    verdict does not wait twice. `query` raises ConfigurationError when the system names no DNS server,
    InputOutputError when a file of the tree cannot be read, CannotCreateError when an answer cannot be
    recorded.
    """

    def __init__(self, options: DNSOptions) -> None:
        servers = [parse_nameserver(text) for text in options.nameservers]
        self._tree = StaticTree.of_folder(options.static) if options.static else None
        self._recorder = Recorder(options.record) if options.record else None
        self._stub = None if options.offline else _Stub(servers, options.timeout)
        self._cache: dict[Question, tuple[float, Answer]] = {}
        self._lock = threading.Lock()

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        """Answer every question; see `blaze.core.auth.resolver.Resolver.query`."""
        return self._query(questions, None)

    def within(self, seconds: float) -> Resolver:
        """This resolver for one run that may take so long, from now: look-ups past that time out at once."""
        return _Limited(self, time.monotonic() + seconds)

    def addresses(self, host: str) -> tuple[Address, ...]:
        """The addresses of a host that the user named, IPv6 first; an IP address stands for itself.

        The static tree is asked first, then ``/etc/hosts``, then the DNS.

        Raises:
            NoHostError: there is no such host, or it has no address.
            DNSTemporaryError: the DNS could not say.
        """
        try:
            return (ip_address(host.removeprefix("[").removesuffix("]")),)
        except ValueError:
            pass
        listed = () if self._tree and self._tree.read(host) else read_hosts(HOSTS_FILE).get(host.lower(), ())
        if listed:
            return listed
        answers = self.query([Question(host, RecordType.AAAA), Question(host, RecordType.A)])
        found = tuple(address for answer in answers for address in answer.addresses)
        if not found and any(answer.failed for answer in answers):
            raise DNSTemporaryError("the address cannot be looked up now", where="; ".join(map(str, answers)))
        if not found:
            raise NoHostError("no such host", where=host)
        return found

    def _query(self, questions: Sequence[Question], deadline: float | None) -> list[Answer]:
        answers: dict[Question, Answer] = {}
        unknown: dict[Question, Found] = {}
        keys = [Question(name.removesuffix(".").lower(), kind) for name, kind in questions]
        for key in dict.fromkeys(keys):
            known = self._cached(key)
            found = Found(known, key, True) if known else self._find(key)
            if found.answer is None:
                unknown[key] = found
            else:
                answers[key] = found.answer if known else self._keep(found.answer)
        if self._stub and unknown:
            told = self._stub.ask_all([found.question for found in unknown.values()], deadline)
            for (key, found), answer in zip(unknown.items(), told, strict=True):
                authenticated = answer.authenticated and found.authenticated
                answers[key] = self._keep(replace(answer, question=key, authenticated=authenticated))
        return [
            replace(answers[key], question=question) for key, question in zip(keys, questions, strict=True)
        ]

    def _find(self, key: Question) -> Found:
        if not is_domain_name(key.name):
            return Found(Answer(key, Rcode.NXDOMAIN, detail="not a domain name"), key, False)
        found = self._tree.find(key) if self._tree else Found(None, key, True)
        if found.answer is None and self._stub is None:
            return Found(Answer(key, Rcode.NXDOMAIN, detail="offline"), key, False)
        return found

    def _cached(self, key: Question) -> Answer | None:
        with self._lock:
            expires, answer = self._cache.get(key, (0.0, None))
        return answer if time.monotonic() < expires else None

    def _keep(self, answer: Answer) -> Answer:
        with self._lock:
            if answer.detail != OUT_OF_TIME:
                self._cache.pop(answer.question, None)
                lifetime = max(answer.ttl, CACHE_SECONDS)
                self._cache[answer.question] = (time.monotonic() + lifetime, answer)
                if len(self._cache) > MAX_CACHED:
                    del self._cache[next(iter(self._cache))]
            if self._recorder and is_domain_name(answer.question.name):
                self._recorder.record(answer)
        return answer


OUT_OF_TIME = "the time for all look-ups is over"


class _Limited:
    """A resolver whose look-ups end at a point in time."""

    def __init__(self, resolver: DNSResolver, deadline: float) -> None:
        self._resolver = resolver
        self._deadline = deadline

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        return self._resolver._query(questions, self._deadline)


class _Stub:
    """dnspython's stub resolver; its answers and exceptions become `Answer`s here and nowhere else."""

    def __init__(self, servers: Sequence[Nameserver], timeout: float) -> None:
        self._servers = servers
        self._timeout = timeout

    def ask_all(self, questions: Sequence[Question], deadline: float | None) -> list[Answer]:
        """Ask every question, `MAX_PARALLEL` at a time, in threads that do not outlive an interrupted
        process.
        """
        if len(questions) == 1:
            return [self._ask(questions[0], deadline)]
        self._resolver  # noqa: B018 - built once, before threads share it
        answers: dict[int, Answer] = {}
        waiting = iter(list(enumerate(questions)))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    number, question = next(waiting, (-1, None))
                if question is None:
                    return
                answers[number] = self._ask(question, deadline)

        threads = [
            threading.Thread(target=work, daemon=True) for _ in range(min(len(questions), MAX_PARALLEL))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return [answers[number] for number in range(len(questions))]

    def _ask(self, question: Question, deadline: float | None) -> Answer:
        import dns.exception
        import dns.name
        import dns.rdatatype

        remaining = self._timeout if deadline is None else deadline - time.monotonic()
        if remaining <= 0:
            return Answer(question, Rcode.TIMEOUT, detail=OUT_OF_TIME)
        labels = [
            label.encode("utf-8", "surrogateescape") for label in question.name.removesuffix(".").split(".")
        ]
        try:
            reply = self._resolver.resolve(
                dns.name.Name([*labels, b""]),
                dns.rdatatype.from_text(question.type.value),
                raise_on_no_answer=False,
                lifetime=min(self._timeout, remaining),
                search=False,
            )
        except (dns.exception.DNSException, OSError) as error:
            answer = to_failure(question, error, trust=self._trusted)
            if answer.rcode is Rcode.TIMEOUT and remaining < self._timeout:
                return replace(answer, detail=OUT_OF_TIME)
            return answer
        return Answer(
            question,
            records=tuple(_to_record(rdata) for rdata in reply.rrset or ()),
            ttl=reply.chaining_result.minimum_ttl,
            authenticated=self._trusted and _is_authenticated(reply.response),
        )

    @cached_property
    def _resolver(self) -> "dns.resolver.Resolver":
        import dns.flags
        import dns.resolver

        try:
            resolver = dns.resolver.Resolver(configure=not self._servers)
        except (dns.resolver.NoResolverConfiguration, ValueError) as error:
            raise ConfigurationError(
                f"the system names no usable DNS server ({error})",
                where="/etc/resolv.conf",
                hint="Name one with --nameserver ADDRESS, or use --offline.",
            ) from error
        if self._servers:
            resolver.nameservers = [_to_nameserver(server) for server in self._servers]
        resolver.timeout = TRY_SECONDS
        resolver.flags = dns.flags.RD | dns.flags.AD  # AD asks for the bit in the answer, RFC 6840 §5.7
        resolver.use_edns(0, 0, EDNS_PAYLOAD)
        return resolver

    @cached_property
    def _trusted(self) -> bool:
        """True when the AD bit means something: the user chose the servers, or nothing lies on the way to
        them.
        """
        addresses = (str(server) for server in self._resolver.nameservers)
        return bool(self._servers) or all(_is_loopback(address) for address in addresses)


def to_failure(question: Question, error: Exception, *, trust: bool = False) -> Answer:
    """The answer that an exception of dnspython or of the socket stands for; `trust` tells whether to believe
    AD.
    """
    import dns.exception
    import dns.resolver

    if isinstance(error, dns.resolver.NXDOMAIN):
        responses: Iterable[Any] = (error.kwargs.get("responses") or {}).values()
        response = next(iter(responses), None)
        if response is None:
            return Answer(question, Rcode.NXDOMAIN)
        ttl = response.resolve_chaining().minimum_ttl
        return Answer(question, Rcode.NXDOMAIN, ttl=ttl, authenticated=trust and _is_authenticated(response))
    if isinstance(error, dns.exception.Timeout):
        return Answer(question, Rcode.TIMEOUT, detail="no reply in time")
    detail = _to_detail(error) or type(error).__name__
    return Answer(question, Rcode.SERVFAIL, detail=detail)


def _to_detail(error: Exception) -> str:
    """What each server said; dnspython's own sentence tells the question once more."""
    tries = getattr(error, "kwargs", {}).get("errors") or ()
    said = {f"{_to_where(server)}: {reply}": None for server, _, _, reply, _ in tries}
    return "; ".join(said) or str(error)


def _to_where(server: str) -> str:
    """``Do53:192.0.2.1@53`` as people write it."""
    return server.partition(":")[2].replace("@", " port ") or server


def _to_nameserver(server: Nameserver) -> "dns.nameserver.Nameserver":
    import dns.nameserver

    class TCPNameserver(dns.nameserver.Do53Nameserver):
        def is_always_max_size(self) -> bool:
            return True

    transport, address, port = server
    if transport == "tls":
        return dns.nameserver.DoTNameserver(address, port, hostname=address)
    return (TCPNameserver if transport == "tcp" else dns.nameserver.Do53Nameserver)(address, port)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _is_authenticated(response: "dns.message.Message") -> bool:
    import dns.flags

    return bool(response.flags & dns.flags.AD)


def _to_record(rdata: Any) -> Record:
    match RecordType(rdata.rdtype.name.lower()):
        case RecordType.A:
            return IPv4Address(rdata.address)
        case RecordType.AAAA:
            return IPv6Address(rdata.address)
        case RecordType.MX:
            return MailExchanger(rdata.preference, _to_name(rdata.exchange))
        case RecordType.TLSA:
            return Association(rdata.usage, rdata.selector, rdata.mtype, rdata.cert)
        case RecordType.TXT:
            return b"".join(rdata.strings)
        case _:
            return _to_name(rdata.target)


def _to_name(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True))


def read_hosts(path: Path) -> Mapping[str, tuple[Address, ...]]:
    """The addresses of each name in a file of the form of ``/etc/hosts``, names in lower case.

    A file that cannot be read is an empty one; lines that are no entries are passed over.
    """
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    hosts: dict[str, tuple[Address, ...]] = {}
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        try:
            listed = ip_address(address)
        except ValueError:
            continue
        for name in names:
            hosts[name.lower()] = (*hosts.get(name.lower(), ()), listed)
    return hosts
