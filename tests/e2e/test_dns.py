"""The resolver against a DNS server on loopback, over UDP, TCP and TLS."""

import itertools
import ssl
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest
import trustme

from blaze.core.auth.resolver import (
    Answer,
    Association,
    MailExchanger,
    Question,
    Rcode,
    Record,
    RecordType,
    ask,
)
from blaze.core.errors import ConfigurationError
from blaze.core.net import dns as net_dns
from blaze.core.net.dns import DNSOptions, make_resolver
from tests.support.dns_server import DNSServer, dns_server, zone_handler

pytestmark = pytest.mark.e2e

A, AAAA, CNAME, MX, PTR, TLSA, TXT = RecordType
ZONE = {
    "host.example": [
        ("A", "192.0.2.1"), ("A", "192.0.2.2"), ("AAAA", "2001:db8::1"), ("TXT", r'"one" " and \"two\"\255"'),
    ],
    "example.org": [("MX", "10 mail.example.org."), ("MX", "20 mx2.example.org.")],
    "null.example": [("MX", "0 .")],
    "1.2.0.192.in-addr.arpa": [("PTR", "host.example.")],
    "alias.example": [("CNAME", "host.example.")],
    "dangling.example": [("CNAME", "nowhere.example.")],
    "loop.example": [("CNAME", "loop.example.")],
    "_25._tcp.mail.example.org": [("TLSA", "3 1 1 " + "00ff" * 16)],
    "big.example": [("TRUNCATE", ""), ("TXT", " ".join(['"' + "x" * 250 + '"'] * 40))],
    "broken.example": [("SERVFAIL", "")],
    "silent.example": [("TIMEOUT", "")],
}  # fmt: skip


def options(server: DNSServer, **more: object) -> DNSOptions:
    return DNSOptions(nameservers=(server.nameserver,), timeout=1.0, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("host.example", A, (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2"))),
        ("HOST.example.", AAAA, (IPv6Address("2001:db8::1"),)),
        ("host.example", TXT, (b'one and "two"\xff',)),
        ("example.org", MX, (MailExchanger(10, "mail.example.org"), MailExchanger(20, "mx2.example.org"))),
        ("null.example", MX, (MailExchanger(0, "."),)),
        ("1.2.0.192.in-addr.arpa", PTR, ("host.example",)),
        ("alias.example", CNAME, ("host.example",)),
        ("alias.example", AAAA, (IPv6Address("2001:db8::1"),)),
        ("_25._tcp.mail.example.org", TLSA, (Association(3, 1, 1, b"\x00\xff" * 16),)),
        ("big.example", TXT, (b"x" * 10_000,)),
    ],
)
def test_query_reads_every_type(name: str, kind: RecordType, records: tuple[Record, ...]) -> None:
    with dns_server(ZONE) as server:
        answer = ask(make_resolver(options(server)), name, kind)
    assert sorted(answer.records) == sorted(records)
    assert answer == Answer(Question(name, kind), records=answer.records, ttl=300)


@pytest.mark.parametrize(
    ("name", "rcode", "detail"),
    [
        ("host.example", Rcode.NOERROR, ""),
        ("absent.example", Rcode.NXDOMAIN, ""),
        ("dangling.example", Rcode.NXDOMAIN, ""),
        ("loop.example", Rcode.SERVFAIL, "The CNAME chain is too long."),
        ("broken.example", Rcode.SERVFAIL, "SERVFAIL"),
        ("silent.example", Rcode.TIMEOUT, "no reply in time"),
        ("a..b", Rcode.NXDOMAIN, "not a domain name"),
    ],
)
def test_query_keeps_how_a_look_up_ended(name: str, rcode: Rcode, detail: str) -> None:
    with dns_server(ZONE) as server:
        answer = ask(make_resolver(options(server)), name, MX)
    assert (answer.rcode, answer.records) == (rcode, ())
    assert answer.detail.endswith(detail)


def test_query_falls_back_to_tcp_and_uses_it_alone_when_told() -> None:
    with dns_server(ZONE) as server:
        ask(make_resolver(options(server)), "big.example", TXT)
        assert [transport for *_, transport in server.asked] == ["udp", "tcp"]
        server.asked.clear()
        tcp = DNSOptions(nameservers=(f"tcp:{server.nameserver}",), timeout=1.0)
        assert ask(make_resolver(tcp), "host.example", A).addresses
        assert [transport for *_, transport in server.asked] == ["tcp"]


def make_context(ca: trustme.CA, *identities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(*identities).configure_cert(context)
    return context


@pytest.mark.parametrize(
    ("identity", "known", "rcode"),
    [
        ("127.0.0.1", True, Rcode.NOERROR),
        ("192.0.2.1", True, Rcode.SERVFAIL),
        ("127.0.0.1", False, Rcode.SERVFAIL),
    ],
)
def test_query_over_tls_wants_the_address_in_a_known_certificate(
    identity: str, known: bool, rcode: Rcode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = trustme.CA()
    (ca if known else trustme.CA()).cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with dns_server(ZONE, tls=make_context(ca, identity)) as server:
        answer = ask(make_resolver(options(server)), "host.example", A)
        assert answer.rcode is rcode
        assert bool(answer.addresses) is (rcode is Rcode.NOERROR)
        assert {transport for *_, transport in server.asked} <= {"tls"}


def test_query_goes_on_to_the_next_server() -> None:
    with (
        dns_server({"n.example": [("SERVFAIL", "")]}) as first,
        dns_server({"n.example": [("A", "192.0.2.9")]}) as second,
    ):
        resolver = make_resolver(DNSOptions(nameservers=(first.nameserver, second.nameserver), timeout=2.0))
        assert ask(resolver, "n.example", A).addresses == (IPv4Address("192.0.2.9"),)


def test_query_of_a_port_where_nobody_listens_fails() -> None:
    with dns_server(ZONE) as server:
        port = server.port
    answer = ask(
        make_resolver(DNSOptions(nameservers=(f"tcp:127.0.0.1:{port}",), timeout=0.5)), "n.example", A
    )
    assert answer.failed


def test_query_sends_questions_together() -> None:
    answer = zone_handler(ZONE)

    def slow(query: dns.message.Message, transport: str) -> dns.message.Message | None:
        time.sleep(0.2)
        return answer(query, transport)

    server = DNSServer(slow)
    try:
        resolver = make_resolver(options(server))
        start = time.monotonic()
        answers = resolver.query([Question(f"n{number}.example", A) for number in range(20)])
        assert time.monotonic() - start < 3  # 4 s one after another
        assert {told.rcode for told in answers} == {Rcode.NXDOMAIN}
        assert len(server.asked) == 20
    finally:
        server.close()


def test_query_within_a_time_ends_with_it() -> None:
    with dns_server(ZONE) as server:
        resolver = make_resolver(DNSOptions(nameservers=(server.nameserver,), timeout=5.0))
        limited = resolver.within(0.4)
        start = time.monotonic()
        assert ask(limited, "silent.example", A).detail == net_dns.OUT_OF_TIME
        assert ask(limited, "host.example", A).rcode is Rcode.TIMEOUT
        assert time.monotonic() - start < 3
        assert ask(resolver, "host.example", A).addresses


@pytest.mark.parametrize("lie", ["id", "question", "garbage"])
def test_query_believes_no_other_answer(lie: str) -> None:
    def forge(query: dns.message.Message, transport: str) -> dns.message.Message | None:
        response = dns.message.make_response(query)
        name = query.question[0].name
        if lie == "id":
            response.id ^= 1
        elif lie == "question":
            response.question = [dns.rrset.from_text("other.example.", 0, "IN", "A")]
        response.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "203.0.113.66"))
        if lie == "garbage":
            response.to_wire = lambda *_args, **_more: b"\x00" * 40  # type: ignore[method-assign]
        return response

    server = DNSServer(forge)
    try:
        assert ask(make_resolver(options(server)), "host.example", A).failed
    finally:
        server.close()


def system_says(server: DNSServer, address: str) -> Callable[[object], None]:
    """What dnspython reads from the system: `address` as the server, which listens at `server`'s."""

    def read(stub: object, _path: object = None) -> None:
        stub.nameservers = ["127.0.0.1"]  # type: ignore[attr-defined]
        stub.port = server.port  # type: ignore[attr-defined]
        if address != "127.0.0.1":
            stub.nameservers.append(address)  # type: ignore[attr-defined]

    return read


@pytest.mark.parametrize(
    ("named", "loopback", "signed"), [c for c in itertools.product([True, False], repeat=3) if c[0] <= c[1]]
)
def test_query_trusts_ad_of_a_named_or_loopback_server_only(
    named: bool, loopback: bool, signed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dns_server(ZONE, authenticated=signed) as server:
        address = "127.0.0.1" if loopback else "192.0.2.53"
        monkeypatch.setattr("dns.resolver.Resolver.read_resolv_conf", system_says(server, address))
        resolver = make_resolver(DNSOptions(nameservers=(server.nameserver,) if named else (), timeout=1.0))
        for name in ("host.example", "absent.example"):
            assert ask(resolver, name, A).authenticated is (signed and (named or loopback))


@pytest.mark.parametrize("text", ["", "search example.org\n", "nameserver not-an-address\n"])
def test_query_without_any_server_is_a_configuration_error(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "resolv.conf").write_text(text)
    read = dns.resolver.Resolver.read_resolv_conf
    monkeypatch.setattr(
        "dns.resolver.Resolver.read_resolv_conf", lambda stub, _: read(stub, str(tmp_path / "resolv.conf"))
    )
    resolver = make_resolver(DNSOptions())
    with pytest.raises(ConfigurationError, match="no usable DNS server"):
        ask(resolver, "example.org", A)
    with pytest.raises(ConfigurationError):
        resolver.query([Question("example.org", A), Question("example.org", MX)])


def test_recorded_answers_are_replayed_offline(tmp_path: Path) -> None:
    questions = [Question(name, kind) for name in (*ZONE, "absent.example") for kind in (A, TXT, MX)]
    with dns_server(ZONE, authenticated=True) as server:
        asked = make_resolver(options(server, record=tmp_path)).query(questions)
    replayed = make_resolver(DNSOptions(static=tmp_path, offline=True)).query(questions)
    assert [(told.rcode, told.records) for told in replayed] == [(told.rcode, told.records) for told in asked]
    assert Rcode.NXDOMAIN in {told.rcode for told in replayed}
