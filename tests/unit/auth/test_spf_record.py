"""The grammar of SPF records."""

import time
from contextlib import suppress
from ipaddress import ip_network

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth.spf_record import Kind, RecordError, is_record, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"v=spf1", True),
        (b"v=spf1 ", True),
        (b"V=SPF1 -all", True),
        (b"v=spf10", False),
        (b"v=spf1\t-all", False),
        (b" v=spf1", False),
        (b"spf2.0/pra", False),
        (b"", False),
    ],
)
def test_is_record(text: bytes, expected: bool) -> None:
    assert is_record(text) is expected


def test_parse_takes_a_record_apart() -> None:
    record = parse(
        b"v=spf1  a mx:%{d}.example/24//64 -ip4:192.0.2.77/24 ?ip6:2001:db8::/32 ~exists:%{i}.x.org"
        b"  x-y=%{t} exp=e.org redirect=r.org "
    )
    terms = [
        (mechanism.qualifier, mechanism.kind, mechanism.prefix4, mechanism.prefix6)
        for mechanism in record.mechanisms
    ]
    assert terms == [
        ("+", Kind.A, 32, 128), ("+", Kind.MX, 24, 64), ("-", Kind.IP4, 32, 128), ("?", Kind.IP6, 32, 128),
        ("~", Kind.EXISTS, 32, 128),
    ]  # fmt: skip
    assert record.mechanisms[2].network == ip_network("192.0.2.0/24")
    assert record.redirect is not None
    assert record.redirect.text == "redirect=r.org"
    assert record.explanation is not None
    assert [modifier.name for modifier in record.unknown] == ["x-y"]
    assert not record.has_all


@pytest.mark.parametrize(
    "term",
    [
        "a", "A", "+a", "a:example.org", "a/0", "a/32", "a//0", "a//128", "a/24//64", "a:e.org/24//64",
        "a:a/b.org", "mx", "mx:x.org/8",
        "ptr", "ptr:x.org", "all", "-ALL", "ip4:0.0.0.0/0", "ip4:192.0.2.1", "ip6:::", "ip6:::/0",
        "ip6:::ffff:192.0.2.1/128",
        "include:x.org", "exists:%{i}", "redirect=x.org", "exp=x.org", "foo=", "foo.bar-baz_1=%{d}/x:y",
        "REDIRECT=%{d}",
    ],
)  # fmt: skip
def test_parse_takes(term: str) -> None:
    parse(f"v=spf1 {term}".encode())


@pytest.mark.parametrize(
    "term",
    [
        "a:", "a/", "a/33", "a/032", "a/24/64", "a//129", "a/24//", "a///24", "a:x.org/", "a:x.org//",
        "a:museum", "a:1.2.3.4", "a:x.123",
        "mx:", "ptr:", "ptr/24", "all:x", "all/8", "all.", "ip4", "ip4:", "ip4:192.0.2", "ip4:192.0.2.1/33",
        "ip4:192.0.2.1/",
        "ip4:192.0.2.01", "ip4:192.0.2.1//8", "ip4:::1", "ip6", "ip6:192.0.2.1", "ip6:::1/129",
        "ip6:::1%eth0", "ip6:::1//64", "include", "include:",
        "include:org", "include:x.org/24", "exists", "exists:", "exists:x.org/24", "redirect=", "exp=",
        "redirect:x.org", "exp:x", "redirect=-all",
        "redirect=x.org redirect=x.org", "exp=x.org exp=y.org", "foo", "1x=y", "=x", "-", "+", "++a",
        "-exp=x.org", "foo=%x", "foo=\xe9", "a\tb", "a\r", "a\0",
        "a:x.org\n", "ip4:192.0.2.1\n", "all\n",
    ],
)  # fmt: skip
def test_parse_refuses(term: str) -> None:
    with pytest.raises(RecordError):
        parse(f"v=spf1 {term}".encode("latin-1"))


def test_parse_says_what_and_where() -> None:
    with pytest.raises(RecordError, match=r"unknown mechanism: ipv4:192\.0\.2\.1") as caught:
        parse(b"v=spf1 ipv4:192.0.2.1 -all")
    assert caught.value.hint == "Write ip4: or ip6:."
    with pytest.raises(RecordError, match=r"octet 9"):
        parse(b"v=spf1 -a\xffll")
    with pytest.raises(RecordError) as long:
        parse(b"v=spf1 a:" + b"x" * 10_000)
    assert len(str(long.value)) < 200


@pytest.mark.parametrize(
    "term",
    [
        "a:" + "a" * 60_000 + "_",
        "a:" + ".a" * 30_000 + "_",
        "a" * 65_000,
        "a:" + "/1" * 30_000 + "x",
        "%{" * 30_000,
        "a=" + "%{d}" * 15_000,
    ],
)
def test_parse_is_linear(term: str) -> None:
    start = time.process_time()
    with suppress(RecordError):
        parse(f"v=spf1 {term}".encode())
    assert time.process_time() - start < 1


@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from("aimx:/.24%{d}=- +~?redirctp"), max_size=40).map(str.encode)
)
def test_parse_raises_nothing_else(data: bytes) -> None:
    try:
        record = parse(b"v=spf1 " + data)
    except RecordError:
        return
    assert record.text.encode() == b"v=spf1 " + data
