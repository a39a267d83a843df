"""The resolver of the commands: servers named by the user, tree before network, cache, exceptions mapped."""

import builtins
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.resolver
import pytest

from blaze.core.auth.resolver import Answer, Question, Rcode, RecordType, ask
from blaze.core.errors import DNSTemporaryError, NoHostError, NoInputError, UsageError
from blaze.core.net import dns as net_dns
from blaze.core.net.dns import DNSOptions, Nameserver, make_resolver, parse_nameserver, read_hosts, to_failure

A, AAAA, MX, TXT = RecordType.A, RecordType.AAAA, RecordType.MX, RecordType.TXT
QUESTION = Question("example.org", A)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", Nameserver("udp", "192.0.2.1", 53)),
        ("udp:192.0.2.1", Nameserver("udp", "192.0.2.1", 53)),
        ("tcp://192.0.2.1", Nameserver("tcp", "192.0.2.1", 53)),
        ("udp://[2001:db8::1]:54", Nameserver("udp", "2001:db8::1", 54)),
        ("tcp:192.0.2.1:5353", Nameserver("tcp", "192.0.2.1", 5353)),
        ("tls:192.0.2.1", Nameserver("tls", "192.0.2.1", 853)),
        ("tls:192.0.2.1:443", Nameserver("tls", "192.0.2.1", 443)),
        ("2001:db8::1", Nameserver("udp", "2001:db8::1", 53)),
        ("tcp:2001:db8::1", Nameserver("tcp", "2001:db8::1", 53)),
        ("[2001:db8::1]:54", Nameserver("udp", "2001:db8::1", 54)),
        ("tls:[2001:DB8::1]", Nameserver("tls", "2001:db8::1", 853)),
        ("::1", Nameserver("udp", "::1", 53)),
    ],
)
def test_parse_nameserver(text: str, expected: Nameserver) -> None:
    assert parse_nameserver(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "dns.example.org", "192.0.2", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:", "https:192.0.2.1",
        "1:2:3", "[::1", "udp:", "udp://", "//192.0.2.1", "udp:/192.0.2.1", "192.0.2.1\n", "\u0663.0.2.1",
    ],
)  # fmt: skip
def test_parse_nameserver_refuses(text: str) -> None:
    with pytest.raises(UsageError):
        parse_nameserver(text)


def exception_classes(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for child in root.__subclasses__():
        yield from exception_classes(child)


def make(kind: type[BaseException]) -> BaseException:
    """An instance without its keywords: what a version of dnspython with other keywords might raise."""
    error = kind.__new__(kind)
    builtins.Exception.__init__(error, "text")
    error.kwargs = {}  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    "kind", [*exception_classes(dns.exception.DNSException), OSError, ConnectionRefusedError]
)
def test_to_failure_maps_every_exception_of_dnspython(kind: type[BaseException]) -> None:
    error = make(kind)
    assert isinstance(error, Exception)
    answer = to_failure(QUESTION, error)
    expected = Rcode.SERVFAIL
    if issubclass(kind, dns.resolver.NXDOMAIN):
        expected = Rcode.NXDOMAIN
    elif issubclass(kind, dns.exception.Timeout):
        expected = Rcode.TIMEOUT
    assert (answer.rcode, answer.records, answer.authenticated) == (expected, (), False)
    assert answer.detail or expected is Rcode.NXDOMAIN


def test_to_failure_tells_what_each_server_said() -> None:
    errors = [
        ("Do53:192.0.2.1@53", False, 53, "SERVFAIL", None),
        ("DoT:::1@853", True, 853, OSError("no route"), None),
    ]
    query = dns.message.make_query("example.org", "A")
    answer = to_failure(QUESTION, dns.resolver.NoNameservers(request=query, errors=errors))  # type: ignore[no-untyped-call]
    assert answer.detail == "192.0.2.1 port 53: SERVFAIL; ::1 port 853: no route"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "example.org.dns").write_text("a:192.0.2.1\nmx:mx.example.org:10\n")
    (tmp_path / "alias.example.dns").write_text("ad\ncname:target.example\n")
    (tmp_path / "broken.example.dns").write_text("servfail\n")
    return tmp_path


def test_query_offline_answers_from_the_tree_alone(tree: Path) -> None:
    resolver = make_resolver(DNSOptions(static=tree, offline=True))
    questions = [
        Question("Example.ORG.", A),
        Question("example.org", TXT),
        Question("other.example", A),
        Question("a..b", A),
    ]
    answers = resolver.query(questions)
    assert [answer.question for answer in answers] == questions
    assert [answer.rcode for answer in answers] == [
        Rcode.NOERROR,
        Rcode.NOERROR,
        Rcode.NXDOMAIN,
        Rcode.NXDOMAIN,
    ]
    assert answers[0].addresses == (IPv4Address("192.0.2.1"),)
    assert make_resolver(DNSOptions(offline=True)).query([]) == []


class FakeStub:
    """Stands where the network is and counts."""

    def __init__(self, **answers: Answer) -> None:
        self.answers = answers
        self.asked: list[list[Question]] = []

    def ask_all(self, questions: Sequence[Question], deadline: float | None) -> list[Answer]:
        self.asked.append(list(questions))
        known = {answer.question: answer for answer in self.answers.values()}
        return [known.get(question, Answer(question)) for question in questions]


def with_stub(options: DNSOptions, stub: FakeStub) -> net_dns.DNSResolver:
    resolver = make_resolver(options)
    resolver._stub = stub  # type: ignore[assignment]
    return resolver


def test_query_asks_the_network_once_and_together_for_what_the_tree_does_not_hold(tree: Path) -> None:
    target = Answer(Question("target.example", A), records=(IPv4Address("192.0.2.9"),), authenticated=True)
    stub = FakeStub(target=target)
    resolver = with_stub(DNSOptions(static=tree), stub)
    for _ in range(2):
        answers = resolver.query(
            [
                Question("alias.example", A),
                Question("example.org", A),
                Question("n.example", TXT),
                Question("N.example.", TXT),
            ]
        )
        assert answers[0] == Answer(Question("alias.example", A), records=target.records, authenticated=True)
        assert answers[3].question == Question("N.example.", TXT)
    assert stub.asked == [[Question("target.example", A), Question("n.example", TXT)]]


@pytest.mark.parametrize(("alias_signed", "target_signed"), [(True, True), (True, False), (False, True)])
def test_query_trusts_an_alias_as_far_as_its_weakest_part(
    tmp_path: Path, alias_signed: bool, target_signed: bool
) -> None:
    (tmp_path / "alias.example.dns").write_text(("ad\n" if alias_signed else "") + "cname:target.example\n")
    target = Answer(
        Question("target.example", A), records=(IPv4Address("192.0.2.9"),), authenticated=target_signed
    )
    answer = ask(with_stub(DNSOptions(static=tmp_path), FakeStub(target=target)), "alias.example", A)
    assert answer.addresses == (IPv4Address("192.0.2.9"),)
    assert answer.authenticated is (alias_signed and target_signed)


def test_query_does_not_keep_what_only_lack_of_time_brought() -> None:
    stub = FakeStub(n=Answer(Question("n.example", A), Rcode.TIMEOUT, detail=net_dns.OUT_OF_TIME))
    resolver = with_stub(DNSOptions(), stub)
    ask(resolver, "n.example", A)
    ask(resolver, "n.example", A)
    assert len(stub.asked) == 2


def test_query_forgets_an_answer_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    stub = FakeStub(long=Answer(Question("long.example", A), ttl=3600))
    resolver = with_stub(DNSOptions(), stub)
    questions = [Question("long.example", A), Question("short.example", A)]
    resolver.query(questions)
    now += net_dns.CACHE_SECONDS + 1
    resolver.query(questions)
    now += 3600
    resolver.query(questions)
    assert [len(asked) for asked in stub.asked] == [2, 1, 2]


def test_query_keeps_a_bounded_number_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_dns, "MAX_CACHED", 10)
    resolver = with_stub(DNSOptions(), FakeStub())
    for number in range(30):
        ask(resolver, f"n{number}.example", A)
    assert len(resolver._cache) == 10


def test_query_records_for_replay(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    record = tmp_path_factory.mktemp("recorded")
    stub = FakeStub(net=Answer(Question("net.example", TXT), records=(b"text",), ttl=60, authenticated=True))
    resolver = with_stub(DNSOptions(static=tree, record=record), stub)
    questions = [
        Question("net.example", TXT), Question("net.example", A), Question("example.org", MX),
        Question("broken.example", A), Question("a..b", A),
    ]  # fmt: skip
    asked = resolver.query(questions)
    replayed = make_resolver(DNSOptions(static=record, offline=True)).query(questions)
    assert [(answer.rcode, answer.records) for answer in replayed] == [
        (answer.rcode, answer.records) for answer in asked
    ]


def test_make_resolver_refuses_a_tree_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoInputError):
        make_resolver(DNSOptions(static=tmp_path / "none"))


def test_addresses_come_from_the_tree_then_hosts_then_the_dns(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = tmp_path_factory.mktemp("etc") / "hosts"
    hosts.write_text(
        "127.0.0.1 localhost\n::1 LocalHost # x\n203.0.113.1 example.org\n# 1.2.3.4 no\nrubbish\n\n"
    )
    monkeypatch.setattr(net_dns, "HOSTS_FILE", hosts)
    stub = FakeStub(net=Answer(Question("net.example", AAAA), records=(IPv6Address("2001:db8::5"),)))
    resolver = with_stub(DNSOptions(static=tree), stub)
    assert resolver.addresses("192.0.2.200") == (IPv4Address("192.0.2.200"),)
    assert resolver.addresses("[::1]") == (IPv6Address("::1"),)
    assert resolver.addresses("example.org") == (IPv4Address("192.0.2.1"),)
    assert resolver.addresses("LOCALHOST") == (IPv4Address("127.0.0.1"), IPv6Address("::1"))
    assert stub.asked == []
    assert IPv6Address("2001:db8::5") in resolver.addresses("net.example")
    with pytest.raises(NoHostError):
        resolver.addresses("other.example")
    with pytest.raises(DNSTemporaryError, match="servfail"):
        resolver.addresses("broken.example")


def test_read_hosts_of_no_file_is_empty(tmp_path: Path) -> None:
    assert read_hosts(tmp_path / "none") == {}
