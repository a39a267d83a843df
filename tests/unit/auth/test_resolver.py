"""Answers of the DNS as values."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from blaze.core.auth.resolver import (
    Answer,
    Association,
    MailExchanger,
    Question,
    Rcode,
    RecordType,
    ask,
    is_domain_name,
)
from blaze.core.net.dns_static import StaticResolver

QUESTION = Question("example.org", RecordType.TXT)


def test_answer_sorts_records_by_kind() -> None:
    records = (
        IPv6Address("2001:db8::1"),
        IPv4Address("192.0.2.1"),
        b"text",
        "name.example",
        MailExchanger(10, "mx.example"),
        Association(3, 1, 1, b"\x00"),
    )
    answer = Answer(QUESTION, records=records)
    assert answer.addresses == (IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"))
    assert answer.texts == (b"text",)
    assert answer.names == ("name.example",)
    assert answer.exchangers == (MailExchanger(10, "mx.example"),)
    assert answer.associations == (Association(3, 1, 1, b"\x00"),)


@pytest.mark.parametrize(
    ("answer", "failed", "void", "text"),
    [
        (Answer(QUESTION, records=(b"x",)), False, False, "example.org TXT: 1 records"),
        (Answer(QUESTION), False, True, "example.org TXT: no data"),
        (Answer(QUESTION, Rcode.NXDOMAIN), False, True, "example.org TXT: nxdomain"),
        (
            Answer(QUESTION, Rcode.SERVFAIL, detail="no route"),
            True,
            False,
            "example.org TXT: servfail (no route)",
        ),
        (Answer(QUESTION, Rcode.TIMEOUT), True, False, "example.org TXT: timeout"),
    ],
)
def test_answer_tells_failed_from_void(answer: Answer, failed: bool, void: bool, text: str) -> None:
    assert (answer.failed, answer.void, str(answer)) == (failed, void, text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.org", True),
        ("example.org.", True),
        ("_dmarc.example.org", True),
        ("com", True),
        ("", False),
        (".", False),
        ("a..b", False),
        (".a", False),
        ("a..", False),
        ("a" * 63 + ".org", True),
        ("a" * 64 + ".org", False),
        (".".join(["a" * 49] * 5) + ".abc", True),
        (".".join(["a" * 49] * 5) + ".abcd", False),
        ("\udcff.example", True),
    ],
)
def test_is_domain_name(name: str, expected: bool) -> None:
    assert is_domain_name(name) is expected


def test_ask_puts_one_question() -> None:
    answer = ask(StaticResolver({"example.org": "a:192.0.2.7"}), "example.org", RecordType.A)
    assert answer.addresses == (IPv4Address("192.0.2.7"),)
