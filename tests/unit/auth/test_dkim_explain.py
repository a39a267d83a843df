"""Explanations of failures: each usual change is found, and none is claimed where there is none."""

import base64
from datetime import UTC, datetime

import pytest

from blaze.core.auth import dkim, keys
from blaze.core.auth.dkim import Options, Signable
from blaze.core.auth.dkim_explain import explain
from blaze.core.auth.keys import KeyType, Record
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = keys.generate(KeyType.ED25519)
ZONE = {"s._domainkey.example.org": Record(KEY.public, KeyType.ED25519).to_bytes()}
MESSAGE = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.com\r\nSubject: Dinner\r\n"
    b"Content-Transfer-Encoding: 7bit\r\n\r\nHi,\r\n\r\n.dots\r\nsee you =\r\n\r\nAnn\r\n"
)


def explained(octets: bytes, zone: Zone | None = None) -> str:
    message = Signable(octets)
    results = dkim.verify(message, resolver=zone or Zone(ZONE), now=NOW)
    return "\n".join(explain(message, results[-1]))


def signed(octets: bytes = MESSAGE, canonicalization: str = "relaxed") -> bytes:
    options = Options("example.org", "s", "relaxed", canonicalization, timestamp=1_700_000_000)  # type: ignore[arg-type]
    return dkim.sign(Signable(octets), KEY, options) + octets


CHANGES = [
    (b"Ann\r\n", b"Ann\r\n-- \r\nlist\r\nfoot\r\n", "without its last 3 lines: a footer"),
    (b"\r\n\r\nHi", b"\r\n\r\n[EXTERNAL]\r\n\r\nHi", "without its first 2 lines: a banner"),
    (b".dots", b"..dots", "dots that SMTP doubles are made single"),
    (b"Subject: Dinner", b"Subject: [ann-list] Dinner", "the tag [ann-list] is taken out"),
    (b"Subject: Dinner", b"Subject: Re: [x] Dinner", "No usual change explains the header"),
    (b"To: bob", b"Reply-To: list@example.net\r\nTo: bob", "the field Reply-To at octet"),
    (b"Hi,", b"Ho,", "No usual change explains the body"),
    (b"Ann\r\n", b"", "No usual change explains the body"),
]


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
@pytest.mark.parametrize(("before", "after", "words"), CHANGES)
def test_explain_finds_the_change(before: bytes, after: bytes, words: str, canonicalization: str) -> None:
    octets = signed(canonicalization=canonicalization)
    assert octets.count(before) == 1
    assert words in explained(octets.replace(before, after))


def test_explain_finds_a_transfer_encoding_added_on_the_way() -> None:
    octets = signed(MESSAGE.replace(b"Content-Transfer-Encoding: 7bit\r\n", b""))
    field, body = octets.split(b"\r\n\r\n", 1)
    encoded = base64.encodebytes(body).replace(b"\n", b"\r\n")
    text = explained(field + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded)
    assert "The body fits when its base64 is decoded again." in text
    assert "the field Content-Transfer-Encoding" in text


def test_explain_a_pass_says_what_was_hashed() -> None:
    text = explained(signed())
    assert "a=ed25519-sha256, c=relaxed/relaxed, key s._domainkey.example.org, 256 bits" in text
    assert "signed 2023-11-14 22:13:20Z" in text
    assert "body: 32 octets, SHA-256 " in text
    assert "fits" not in text


def test_explain_copied_fields_that_differ() -> None:
    octets = signed()
    emptied = b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; h=from:subject;\r\n"
    emptied += b" z=From:Ann=20<ann@example.org>|Subject:Dinner; bh="
    emptied += base64.b64encode(Signable(MESSAGE).body.digest("simple")) + b"; b="
    field = emptied + base64.b64encode(dkim.compute(Signable(MESSAGE), emptied, KEY)) + b"\r\n"
    assert "Subject is not as z= copied it: Dinner" in explained(field + MESSAGE.replace(b"Dinner", b"Lunch"))
    assert "z=" not in explained(field + MESSAGE)
    assert octets


def test_explain_a_missing_key_and_a_dns_failure() -> None:
    assert "dig TXT s._domainkey.example.org" in explained(signed(), Zone({}))
    from blaze.core.auth.resolver import Rcode

    assert "Try again later" in explained(signed(), Zone({"s._domainkey.example.org": Rcode.TIMEOUT}))


@pytest.mark.parametrize("field", [b"x", b"v=1; a=rsa-sha1; d=example.org; s=s; h=from; bh=AAAA; b=AAAA"])
def test_explain_a_field_that_is_broken(field: bytes) -> None:
    assert explained(b"DKIM-Signature: " + field + b"\r\n" + MESSAGE) is not None


def test_explain_does_not_try_changes_on_a_large_body() -> None:
    octets = signed(MESSAGE + b"x" * 70 * 20_000)
    assert "too large to try" in explained(octets + b"\r\nmore\r\n")
