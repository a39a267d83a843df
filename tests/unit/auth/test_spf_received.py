"""Received-SPF, read and written."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import spf
from blaze.core.auth.spf import Status
from blaze.core.auth.spf_received import MAX_PAIRS, build_field, parse
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "status", "comment", "pairs"),
    [
        (
            (
                b" pass (mybox.example.org: domain of\r\n ann@example.com designates 192.0.2.1)\r\n"
                b"    receiver=mybox.example.org; client-ip=192.0.2.1;\r\n"
                b'    envelope-from="ann@example.com"; helo=foo.example.com;'
            ),
            Status.PASS,
            "mybox.example.org: domain of ann@example.com designates 192.0.2.1",
            {
                "receiver": "mybox.example.org", "client-ip": "192.0.2.1",
                "envelope-from": "ann@example.com", "helo": "foo.example.com",
            },
        ),
        (b"Fail", Status.FAIL, "", {}),
        (b"none client-ip=2001:db8::1 k=x", Status.NONE, "", {"client-ip": "2001:db8::1", "k": "x"}),
        (b"softfail helo = (c) a.b (d) ; K=v", Status.SOFTFAIL, "", {"helo": "a.b", "k": "v"}),
        (b'pass helo=<a@b>; ;; x-y="q\\"r"', Status.PASS, "", {"helo": "<a@b>", "x-y": 'q"r'}),
    ],
)  # fmt: skip
def test_parse(value: bytes, status: Status, comment: str, pairs: dict[str, str]) -> None:
    field = parse(value)
    assert (field.result, field.comment, field.pairs, field.defects) == (status, comment, pairs, ())


@pytest.mark.parametrize(
    ("value", "defect"),
    [
        (b"", "unknown-result"),
        (b"good client-ip=192.0.2.1", "unknown-result"),
        (b"pass word; helo=x", "no-value"),
        (b"pass helo=x; helo=y", "duplicate-key"),
        (b"pass (open", "unclosed-comment"),
        (b'pass helo="open', "unclosed-quote"),
        (b"pass " + b"".join(b"k%d=v;" % number for number in range(MAX_PAIRS + 1)), "too-many-pairs"),
    ],
)
def test_parse_notes_defects(value: bytes, defect: str) -> None:
    assert defect in parse(value).defects


def test_fields_of_a_parsed_value() -> None:
    field = parse(b"pass client-ip=IPv6:2001:db8::1; envelope-from=<ann@example.org>; helo=x.org")
    assert (str(field.client_ip), field.envelope_from, field.helo) == (
        "2001:db8::1",
        "ann@example.org",
        "x.org",
    )
    assert (parse(b"pass").client_ip, parse(b"pass").envelope_from, parse(b"pass").helo) == (None, None, "")
    assert parse(b"pass client-ip=example.org; envelope-from=<>").client_ip is None
    assert parse(b"pass envelope-from=<>").envelope_from == ""


def verdict(record: str, sender: str = "ann@example.org", helo: str = "mail.example.org") -> spf.Result:
    resolver = StaticResolver({"example.org": f"txt:{record}", "mail.example.org": f"txt:{record}"})
    return spf.check(ip_address("192.0.2.1"), sender, helo=helo, resolver=resolver, now=NOW)


def written(result: spf.Result, sender: str, helo: str) -> bytes:
    return build_field(result, ip_address("192.0.2.1"), sender, helo=helo, receiver="mx.test")


def test_build_field() -> None:
    field = written(verdict("v=spf1 ip4:192.0.2.0/24 -all"), "ann@example.org", "mail.example.org")
    assert field == (
        b"Received-SPF: pass (mx.test: 192.0.2.1 matches ip4:192.0.2.0/24 of\r\n"
        b" example.org) client-ip=192.0.2.1; envelope-from=\"ann@example.org\";\r\n"
        b" helo=mail.example.org; identity=mailfrom; mechanism=\"ip4:192.0.2.0/24\";\r\n"
        b" receiver=mx.test\r\n"
    )  # fmt: skip


def test_build_field_of_a_null_sender_and_of_an_error() -> None:
    field = parse(written(verdict("v=spf1 (a)", sender=""), "", "mail.example.org").partition(b":")[2])
    assert field.result is Status.PERMERROR
    assert field.envelope_from is None
    assert field.pairs["identity"] == "helo"
    assert "mechanism" not in field.pairs
    assert "(a)" in field.pairs["problem"]


hostile = st.text(st.sampled_from('ab\r\n\0";()\\ =:\x1b\x85é\udc80')) | st.text(max_size=600)


@given(hostile, hostile, hostile)
def test_build_field_lets_nothing_be_forged(sender: str, helo: str, receiver: str) -> None:
    result = verdict("v=spf1 -all", sender or "x", helo)
    octets = build_field(result, ip_address("192.0.2.1"), sender, helo=helo, receiver=receiver)
    block = header.parse(octets)
    assert [field.name for field in block] == ["Received-SPF"]
    assert block.end == len(octets)
    assert all(len(line) <= 998 for line in octets.split(b"\r\n"))
    field = parse(next(iter(block)).raw)
    assert field.result is result.status
    assert set(field.pairs) <= {
        "client-ip",
        "envelope-from",
        "helo",
        "identity",
        "mechanism",
        "receiver",
        "problem",
    }
    assert str(field.client_ip) == "192.0.2.1"
    assert field.pairs["identity"] == result.identity.value
    assert field.defects == ()


@given(st.binary(max_size=200) | st.text(st.sampled_from('pass=;() "\\a-'), max_size=60).map(str.encode))
def test_parse_never_raises(value: bytes) -> None:
    parse(value)
