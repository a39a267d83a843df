"""SPF, DKIM and DMARC in one go, and at the same time."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from blaze.core.auth import dkim, dmarc, keys, spf
from blaze.core.auth.resolver import Answer, Question, Rcode
from blaze.core.net.authenticate import Envelope, authenticate
from blaze.core.net.dns import DNSOptions, DNSResolver, make_resolver

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = b"From: ann@example.org\r\nSubject: x\r\n\r\nHello\r\n"
CLIENT = Envelope(ip_address("192.0.2.1"), "b@bounce.example.org", "mx.example.org")


@pytest.fixture(scope="module")
def key() -> keys.PrivateKey:
    return keys.generate(keys.KeyType.ED25519, 256)


@pytest.fixture
def resolver(tmp_path: Path, key: keys.PrivateKey) -> DNSResolver:
    texts = {
        "bounce.example.org": b"txt:v=spf1 ip4:192.0.2.0/24 -all",
        "_dmarc.example.org": b"txt:v=DMARC1; p=reject",
        "a._domainkey.example.org": b"txt:" + keys.Record(key.public, key.type).to_bytes(),
        "slow.test": b"timeout",
        "slow.example.org": b"timeout",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.dns").write_bytes(text)
    return make_resolver(DNSOptions(static=tmp_path, offline=True))


def signed(key: keys.PrivateKey) -> bytes:
    message = dkim.Signable(MESSAGE)
    return dkim.sign(message, key, dkim.Options("example.org", "a")) + MESSAGE


@pytest.mark.parametrize(
    ("with_signature", "envelope", "status", "aligned"),
    [
        (False, CLIENT, dmarc.Status.PASS, (False, True)),
        (True, CLIENT, dmarc.Status.PASS, (True, True)),
        (True, None, dmarc.Status.PASS, (True, False)),
        (False, None, dmarc.Status.FAIL, (False, False)),
        (
            False,
            Envelope(ip_address("203.0.113.1"), "b@bounce.example.org"),
            dmarc.Status.FAIL,
            (False, False),
        ),
        (
            False,
            Envelope(ip_address("192.0.2.1"), "", "bounce.example.org"),
            dmarc.Status.PASS,
            (False, True),
        ),
        (
            False,
            Envelope(ip_address("192.0.2.1"), "b@slow.example.org"),
            dmarc.Status.TEMPERROR,
            (False, False),
        ),
        (False, Envelope(ip_address("192.0.2.1"), "b@slow.test"), dmarc.Status.FAIL, (False, False)),
    ],
)
def test_authenticate(
    resolver: DNSResolver,
    key: keys.PrivateKey,
    with_signature: bool,
    envelope: Envelope | None,
    status: dmarc.Status,
    aligned: tuple[bool, bool],
) -> None:
    message = dkim.Signable(signed(key) if with_signature else MESSAGE)
    found = authenticate(message, envelope, resolver=resolver, now=NOW)
    verdict = found.dmarc
    assert (verdict.status, (verdict.dkim_aligned, verdict.spf_aligned)) == (status, aligned)
    assert (found.spf is None) is (envelope is None)
    assert len(found.dkim) == with_signature


class Meeting:
    """Answers nothing until the questions of SPF and of DKIM are both there."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=5)

    def ask_all(self, questions: Sequence[Question], deadline: float | None) -> list[Answer]:
        if not questions[0].name.startswith("_dmarc."):
            self._barrier.wait()
        return [Answer(question, Rcode.NXDOMAIN) for question in questions]


def test_authenticate_asks_for_both_methods_at_the_same_time(key: keys.PrivateKey) -> None:
    resolver = make_resolver(DNSOptions())
    resolver._stub = Meeting()  # type: ignore[assignment]
    found = authenticate(dkim.Signable(signed(key)), CLIENT, resolver=resolver, now=NOW)
    assert found.spf is not None
    assert found.spf.status is spf.Status.NONE
    assert found.dmarc.status is dmarc.Status.NONE


def test_authenticate_lets_spf_take_no_longer_than_told(resolver: DNSResolver) -> None:
    class Silent:
        def ask_all(self, questions: Sequence[Question], deadline: float | None) -> list[Answer]:
            assert deadline is not None or questions[0].name.startswith("_dmarc.")
            return [Answer(question, Rcode.TIMEOUT) for question in questions]

    resolver._stub = Silent()  # type: ignore[assignment]
    envelope = Envelope(ip_address("192.0.2.1"), "a@elsewhere.test")
    found = authenticate(dkim.Signable(MESSAGE), envelope, resolver=resolver, now=NOW, spf_timeout=0.1)
    assert found.spf is not None
    assert found.spf.status is spf.Status.TEMPERROR
