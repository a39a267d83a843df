"""check_host: what the public suite leaves out: limits to the letter, errors, identities, the trace."""

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from blaze.core.auth import spf
from blaze.core.auth.resolver import Answer, Question, RecordType
from blaze.core.auth.spf import Identity, Status
from blaze.core.net.dns_static import StaticResolver

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def check(
    texts: dict[str, str], *, ip: str = "192.0.2.1", sender: str = "ann@example.org", **more: object
) -> spf.Result:
    return spf.check(ip_address(ip), sender, resolver=StaticResolver(texts), now=NOW, **more)  # type: ignore[arg-type]


def policy(record: str, **others: str) -> dict[str, str]:
    """`record` at example.org; other names have their underscores as dots."""
    return {
        "example.org": f"txt:v=spf1 {record}",
        **{name.replace("_", "."): text for name, text in others.items()},
    }


@pytest.mark.parametrize(
    ("record", "status", "mechanism"),
    [
        ("ip4:192.0.2.0/24 -all", Status.PASS, "ip4:192.0.2.0/24"),
        ("?ip4:192.0.2.0/24 -all", Status.NEUTRAL, "?ip4:192.0.2.0/24"),
        ("~all", Status.SOFTFAIL, "~all"),
        ("-all", Status.FAIL, "-all"),
        ("ip4:198.51.100.0/24", Status.NEUTRAL, "default"),
        ("", Status.NEUTRAL, "default"),
        ("foo", Status.PERMERROR, None),
    ],
)
def test_check_names_the_term_that_decided(record: str, status: Status, mechanism: str | None) -> None:
    result = check(policy(record))
    assert (result.status, result.mechanism) == (status, mechanism)
    assert result.reason


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("nxdomain", Status.NONE),
        ("nodata", Status.NONE),
        ("txt:hello", Status.NONE),
        ("servfail", Status.TEMPERROR),
        ("timeout", Status.TEMPERROR),
        ("txt:v=spf1 -all\ntxt:v=spf1 -all", Status.PERMERROR),
        ("txt:v=spf1 -all\ntxt:v=spf10 all", Status.FAIL),
    ],
)
def test_check_of_what_the_dns_says_about_the_record(answer: str, status: Status) -> None:
    assert check({"example.org": answer}).status is status


def test_check_says_that_there_are_several_records() -> None:
    result = check({"example.org": "txt:v=spf1 -all\ntxt:v=spf1 +all"})
    assert result.reason == "2 SPF records: example.org"


@pytest.mark.parametrize("term", ["a:x.test", "mx:x.test", "exists:x.test", "include:x.test"])
@pytest.mark.parametrize("failure", ["servfail", "timeout"])
def test_check_is_a_temperror_when_a_term_cannot_be_looked_up(term: str, failure: str) -> None:
    result = check(policy(f"{term} +all", x_test=failure))
    assert result.status is Status.TEMPERROR
    assert "x.test" in result.reason
    assert failure in result.reason


def test_check_of_mx_hosts_goes_in_the_order_of_preference() -> None:
    hosts = {"x.test": "mx:b.x.test:20 a.x.test:10", "a.x.test": "a:192.0.2.1"}
    assert check(policy("mx:x.test -all", **hosts, **{"b.x.test": "servfail"})).status is Status.PASS
    assert (
        check(policy("mx:x.test -all", **hosts, **{"b.x.test": "servfail"}), ip="192.0.2.2").status
        is Status.TEMPERROR
    )


@pytest.mark.parametrize("failure", ["servfail", "timeout"])
def test_check_of_ptr_does_not_match_when_it_cannot_be_looked_up(failure: str) -> None:
    result = check(policy("ptr:x.test -all", **{"1.2.0.192.in-addr.arpa": failure}))
    assert (result.status, result.void_lookups) == (Status.FAIL, 0)


def test_check_skips_ptr_names_that_cannot_be_looked_up() -> None:
    names = {
        "1.2.0.192.in-addr.arpa": "ptr:bad.x.test good.x.test",
        "bad.x.test": "servfail",
        "good.x.test": "a:192.0.2.1",
    }
    assert check(policy("ptr:x.test -all", **names)).status is Status.PASS


def test_check_looks_at_ten_ptr_names() -> None:
    names = {f"n{number}.x.test": "a:192.0.2.9" for number in range(10)} | {"last.x.test": "a:192.0.2.1"}
    pointer = {"1.2.0.192.in-addr.arpa": f"ptr:{' '.join(names)}"}
    assert check(policy("ptr:x.test -all", **names, **pointer)).status is Status.FAIL


@pytest.mark.parametrize(("count", "status"), [(10, Status.PASS), (11, Status.PERMERROR)])
def test_check_allows_ten_terms_that_ask(count: int, status: Status) -> None:
    record = "a:x.test " * (count - 1) + "exists:x.test -all"
    result = check(policy(record, x_test="a:203.0.113.1"))
    assert (result.status, result.lookups) == (status, 10)


@pytest.mark.parametrize(("count", "status"), [(2, Status.PASS), (3, Status.PERMERROR)])
@pytest.mark.parametrize("term", ["a:void.test", "mx:void.test", "exists:void.test"])
def test_check_allows_two_void_look_ups(term: str, count: int, status: Status) -> None:
    assert check(policy(f"{term} " * count + "+all")).status is status


def test_check_counts_a_term_once_however_many_of_its_look_ups_are_void() -> None:
    hosts = " ".join(f"h{number}.test:10" for number in range(9))
    result = check(policy("mx:x.test -all", x_test=f"mx:{hosts}"), ip="2001:db8::1")
    assert (result.status, result.lookups, result.void_lookups) == (Status.FAIL, 1, 1)


@pytest.mark.parametrize(("count", "status"), [(10, Status.FAIL), (11, Status.PERMERROR)])
def test_check_allows_ten_mx_hosts(count: int, status: Status) -> None:
    hosts = {f"h{number}.test": "a:203.0.113.1" for number in range(count)}
    exchangers = " ".join(f"{host}:10" for host in hosts)
    assert check(policy("mx:x.test -all", x_test=f"mx:{exchangers}", **hosts)).status is status


def test_check_takes_a_thousand_addresses_behind_each_mx_host() -> None:
    many = {
        f"h{number}.test": "a:" + " ".join(f"198.51.{number}.{low}" for low in range(256))
        for number in range(10)
    }
    texts = policy("mx:x.test -all", x_test=f"mx:{' '.join(f'{host}:10' for host in many)}", **many)
    assert check(texts).status is Status.FAIL
    assert check(texts, ip="198.51.9.255").status is Status.PASS


def test_check_takes_a_thousand_addresses_of_one_name() -> None:
    addresses = " ".join(f"198.51.{number // 256}.{number % 256}" for number in range(1000))
    assert check(policy("a:x.test -all", x_test=f"a:{addresses} 192.0.2.1")).status is Status.PASS


@pytest.mark.parametrize(
    "texts",
    [
        policy("include:example.org"),
        policy("redirect=example.org"),
        policy("include:b.test", b_test="txt:v=spf1 include:c.test", c_test="txt:v=spf1 redirect=b.test"),
        policy("include:%{l}.%{d} include:%{d}", **{"ann.example.org": "txt:v=spf1 include:example.org"}),
    ],
)
def test_check_ends_a_loop(texts: dict[str, str]) -> None:
    result = check(texts)
    assert (result.status, result.lookups) == (Status.PERMERROR, 10)
    assert "look-up 11" in result.reason


@pytest.mark.parametrize(
    "modifier", ["redirect=none.test", "include:none.test", "redirect=%{d1}", "include:a..b.test"]
)
def test_check_needs_a_record_where_a_record_leads(modifier: str) -> None:
    assert check(policy(modifier)).status is Status.PERMERROR


def test_check_without_sender_takes_the_helo() -> None:
    result = check(
        {
            "mail.example.net": "txt:v=spf1 exists:%{l}.%{o}.test -all",
            "postmaster.mail.example.net.test": "a:127.0.0.2",
        },
        sender="",
        helo="mail.example.net",
    )
    assert (result.status, result.identity, result.domain) == (Status.PASS, Identity.HELO, "mail.example.net")


@pytest.mark.parametrize("helo", ["", "localhost", "[192.0.2.1]", "a..b", "x" * 64 + ".org"])
def test_check_of_a_helo_that_is_no_domain_is_none(helo: str) -> None:
    assert check({}, sender="", helo=helo).status is Status.NONE


@pytest.mark.parametrize(
    ("sender", "status"),
    [
        ("ann@müller.example", Status.PASS),
        ("ann@xn--mller-kva.example", Status.PASS),
        ("änn@müller.example", Status.FAIL),
        ('"ann"@müller.example', Status.PASS),
        (r'"a\nn"@müller.example', Status.PASS),
        ("ann@mül..ler.example", Status.NONE),
    ],
)
def test_check_of_an_internationalized_sender(sender: str, status: Status) -> None:
    texts = {
        "xn--mller-kva.example": "txt:v=spf1 exists:%{l}.test -all",
        "ann.test": "a:127.0.0.2",
        "änn.test": "a:127.0.0.2",
    }
    assert check(texts, sender=sender).status is status


def test_check_of_an_ipv4_mapped_address_is_one_of_ipv4() -> None:
    assert check(policy("ip4:192.0.2.1 -all"), ip="::ffff:192.0.2.1").status is Status.PASS
    assert check(policy("ip6:::ffff:192.0.2.1 -all"), ip="::ffff:192.0.2.1").status is Status.FAIL


def test_check_tries_a_record_that_is_not_published() -> None:
    texts = {"inner.test": "txt:v=spf1 ip4:192.0.2.0/24 -all", "example.org": "txt:v=spf1 -all"}
    assert check(texts, record=b"v=spf1 include:inner.test -all").status is Status.PASS
    assert check(texts, record=b"v=spf1 include:example.org ~all").status is Status.SOFTFAIL
    assert check(texts, record=b"rubbish").status is Status.PERMERROR


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("txt:%{i} may not send as %{S}", "192.0.2.1 may not send as ann%40example.org"),
        ("txt:at %{t}, %{r}", "at 1767323045, mx.test"),
        ("txt:%{d} of %{p}", "example.org of unknown"),
        ("txt:bad %{x}", None),
        ("txt:é", None),
        ("txt:one\ntxt:two", None),
        ("nxdomain", None),
        ("servfail", None),
    ],
)
def test_check_explains_a_fail(told: str, expected: str | None) -> None:
    result = check(policy("-all exp=why.test", why_test=told), receiver="mx.test")
    assert (result.status, result.explanation) == (Status.FAIL, expected)


def test_check_explains_nothing_but_a_fail() -> None:
    assert check(policy("~all exp=why.test", why_test="txt:x")).explanation is None


def test_check_traces_every_step() -> None:
    result = check(policy("include:inner.test a:void.test -all", inner_test="txt:v=spf1 ip4:203.0.113.0/24"))
    steps = [(step.depth, step.domain, step.text, step.outcome, step.lookups) for step in result.trace]
    assert steps == [
        (0, "example.org", "v=spf1 include:inner.test a:void.test -all", "record", 0),
        (1, "example.org", "include:inner.test", "followed", 1),
        (2, "inner.test", "v=spf1 ip4:203.0.113.0/24", "record", 1),
        (3, "inner.test", "ip4:203.0.113.0/24", "no match", 1),
        (1, "example.org", "include:inner.test", "neutral: no match", 1),
        (1, "example.org", "a:void.test", "no match", 2),
        (1, "example.org", "-all", "match", 2),
    ]
    assert (result.lookups, result.void_lookups) == (2, 1)


class CountingResolver:
    def __init__(self, texts: dict[str, str]) -> None:
        self.inner = StaticResolver(texts)
        self.asked: list[list[Question]] = []

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked.append(list(questions))
        return self.inner.query(questions)


def test_check_asks_for_the_hosts_of_one_term_together() -> None:
    hosts = {f"h{number}.test": "a:203.0.113.1" for number in range(9)}
    resolver = CountingResolver(
        policy("mx:x.test -all", x_test=f"mx:{' '.join(f'{host}:10' for host in hosts)}", **hosts)
    )
    spf.check(ip_address("192.0.2.1"), "a@example.org", resolver=resolver, now=NOW)
    assert [len(asked) for asked in resolver.asked] == [1, 1, 9]


def test_check_asks_nothing_that_is_not_needed() -> None:
    resolver = CountingResolver(policy("ip4:192.0.2.1 include:x.test -all exp=why.test"))
    spf.check(ip_address("192.0.2.1"), "a@example.org", resolver=resolver, now=NOW)
    assert resolver.asked == [[Question("example.org", RecordType.TXT)]]


@pytest.mark.parametrize("name", ["x.test", "sub.x.test", "X.TEST", "notx.test"])
def test_check_of_ptr_wants_the_name_or_one_below(name: str) -> None:
    names = {"1.2.0.192.in-addr.arpa": f"ptr:{name}", name: "a:192.0.2.1"}
    assert (check(policy("ptr:x.test -all", **names)).status is Status.PASS) is (name != "notx.test")
