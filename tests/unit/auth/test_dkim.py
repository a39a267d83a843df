"""DKIM: the RFCs' own messages, and signing and verifying every way the options allow."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import dkim, keys
from blaze.core.auth.canon import Canonicalization
from blaze.core.auth.dkim import Options, Signable, Status
from blaze.core.auth.keys import KeyType, PrivateKey, Record
from blaze.core.auth.resolver import Rcode
from blaze.core.errors import DataError, UsageError
from blaze.core.mail import header
from tests.support.zone import Zone, zone_of

DATA = Path(__file__).parents[2] / "data" / "dkim"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RSA = keys.parse_private((DATA / "rsa2048-pkcs8.pem").read_bytes())
ED25519 = keys.parse_private((DATA / "ed25519.pem").read_bytes())
KEYS = {KeyType.RSA: RSA, KeyType.ED25519: ED25519}
ZONE = {
    "rsa._domainkey.example.org": Record(RSA.public).to_bytes(),
    "ed25519._domainkey.example.org": Record(ED25519.public, KeyType.ED25519).to_bytes(),
}
MESSAGE = b"""Received: from a.example\r
\tby b.example; Thu, 1 Jan 2026 00:00:00 +0000\r
From: Ann <ann@example.org>\r
To: Bob <bob@example.com>\r
Subject: Dinner\r
\tand  more\r
Date: Thu, 1 Jan 2026 00:00:00 +0000\r
List-Unsubscribe: <https://example.org/u>\r
List-Unsubscribe-Post: List-Unsubscribe=One-Click\r
\r
Dear  Bob, \r
\r
bring wine.\r
\r
\r
"""


def verify(octets: bytes, zone: Zone | None = None, now: datetime = NOW) -> list[dkim.Result]:
    return dkim.verify(Signable(octets), resolver=zone or Zone(ZONE), now=now)


def signed(octets: bytes, key: PrivateKey = RSA, **options: object) -> bytes:
    chosen = Options("example.org", key.type.value, **options)  # type: ignore[arg-type]
    return dkim.sign(Signable(octets), key, chosen) + octets


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize(("name", "count"), [("rfc6376.eml", 1), ("rfc8463.eml", 2)])
def test_messages_of_the_rfcs_verify(name: str, count: int, newline: bytes) -> None:
    # RFC 6376 appendix A with errata 3192 and 4926; RFC 8463 appendix A
    octets = (DATA / name).read_bytes().replace(b"\n", newline)
    results = verify(octets, zone_of(DATA / "zone"), datetime(2018, 7, 1, tzinfo=UTC))
    assert [(result.status, result.reason) for result in results] == [(Status.PASS, "")] * count


@pytest.mark.parametrize(("index", "key"), [(0, "rfc8463-ed25519.txt"), (1, "rfc8463-rsa.pem")])
def test_compute_gives_the_signatures_of_rfc_8463(index: int, key: str) -> None:
    octets = (DATA / "rfc8463.eml").read_bytes()
    message = Signable(octets)
    field = message.fields(b"dkim-signature")[index]
    emptied = re.sub(rb"(\n b=)[^;]*\n\Z", rb"\1\n", field.octets)
    assert emptied.endswith(b"\n b=\n")
    unsigned = Signable(octets[octets.index(b"From:") :])
    made = dkim.compute(unsigned, emptied, keys.parse_private((DATA / key).read_bytes()))
    assert made == verify(octets, zone_of(DATA / "zone"), NOW)[index].signature.signature


@pytest.mark.parametrize("key", KEYS.values(), ids=list(KEYS))
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("body", ["simple", "relaxed"])
@pytest.mark.parametrize("head", ["simple", "relaxed"])
def test_signed_messages_verify(
    key: PrivateKey, newline: bytes, head: Canonicalization, body: Canonicalization
) -> None:
    octets = MESSAGE.replace(b"\r\n", newline)
    whole = signed(octets, key, header_canonicalization=head, body_canonicalization=body, timestamp=1)
    field = whole.removesuffix(octets)
    assert whole.endswith(octets)
    assert field.count(b"\n") == field.count(newline)
    assert all(len(line) <= 78 for line in field.splitlines())
    (result,) = verify(whole)
    assert result.status is Status.PASS
    assert result.signature.canonicalization == f"{head}/{body}"
    other = b"\n" if newline == b"\r\n" else b"\r\n"
    assert verify(whole.replace(newline, other))[0].status is Status.PASS


def test_sign_names_the_fields_of_the_usual_set() -> None:
    (result,) = verify(signed(MESSAGE))
    assert ":".join(result.signature.headers) == (
        "from:from:to:to:cc:subject:subject:date:date:message-id:reply-to:mime-version:content-type:"
        "content-transfer-encoding:list-unsubscribe:list-unsubscribe-post"
    )


def test_sign_chosen_names_cover_every_occurrence_and_from() -> None:
    octets = b"X: 1\r\nX: 2\r\n" + MESSAGE
    (result,) = verify(signed(octets, names=["Subject", "x", "Absent"]))
    assert result.status is Status.PASS
    assert result.signature.headers == ("from", "from", "subject", "x", "x", "absent")


@pytest.mark.parametrize(
    ("fields", "names", "times"),
    [
        (1, ["Subject"], 2),
        (1, ["From"], 2),
        (1, ["from", "FROM", "From"], 3),
        (2, ["Subject"], 3),
        (2, ["From"], 3),
    ],
)
def test_sign_names_from_once_more_than_it_occurs(fields: int, names: list[str], times: int) -> None:
    octets = b"From: x@example.org\r\n" * (fields - 1) + MESSAGE
    (result,) = verify(signed(octets, names=names))
    assert result.status is Status.PASS
    assert result.signature.headers.count("from") == times


def test_sign_with_every_option() -> None:
    whole = signed(
        MESSAGE, timestamp=1_700_000_000, expiration=1_800_000_000, identity="a;b=c é@news.example.org"
    )
    (result,) = verify(whole)
    assert result.status is Status.PASS
    assert result.signature.identity == "a;b=c é@news.example.org"
    assert (result.signature.timestamp, result.signature.expiration) == (1_700_000_000, 1_800_000_000)
    assert verify(whole, now=datetime(2030, 1, 1, tzinfo=UTC))[0].status is Status.PERMERROR


def test_two_signatures_of_one_message_share_one_query() -> None:
    whole = signed(signed(MESSAGE), ED25519)
    zone = Zone(ZONE)
    assert [result.status for result in verify(whole, zone)] == [Status.PASS, Status.PASS]
    assert zone.asked == [("ed25519._domainkey.example.org", "rsa._domainkey.example.org")]


def test_sign_in_an_internationalized_domain() -> None:
    message = Signable(MESSAGE)
    field = dkim.sign(message, RSA, Options("münchen.example", "süd"))
    assert b"d=xn--mnchen-3ya.example;" in field
    assert b"s=xn--sd-xka;" in field
    zone = Zone({"xn--sd-xka._domainkey.xn--mnchen-3ya.example": Record(RSA.public).to_bytes()})
    assert verify(field + MESSAGE, zone)[0].status is Status.PASS
    # RFC 8616 §4: the verifier looks U-labels up as A-labels
    unicode_field = field.replace(b"xn--mnchen-3ya", "münchen".encode()).replace(
        b"xn--sd-xka", "süd".encode()
    )
    resigned = resign(unicode_field, MESSAGE, RSA)
    assert verify(resigned, zone)[0].status is Status.PASS


def resign(field: bytes, octets: bytes, key: PrivateKey) -> bytes:
    """The message under a signature field of one's own, its b= made good."""
    import base64

    emptied = re.sub(rb"\bb=[^;\r\n]*(\r?\n[ \t][^;]*)?", b"b=", field.rstrip(b"\r\n")) + b"\r\n"
    signature = base64.b64encode(dkim.compute(Signable(octets), emptied, key))
    return emptied.rstrip(b"\r\n") + signature + b"\r\n" + octets


def test_sign_with_a_long_key_and_a_long_domain_keeps_lines_short_but_whole() -> None:
    key = keys.generate(KeyType.RSA, 4096)
    domain = ".".join(["a" * 60] * 4)
    field = dkim.sign(Signable(MESSAGE), key, Options(domain, "s"))
    assert b"d=" + domain.encode() in field
    assert (
        verify(field + MESSAGE, Zone({f"s._domainkey.{domain}": Record(key.public).to_bytes()}))[0].status
        == "pass"
    )


@pytest.mark.parametrize(
    ("octets", "newline"),
    [
        (b"From: a@example.org\n\nx\r\n", b"\n"),
        (b"From: a@example.org\r\n\r\nx\n", b"\r\n"),
        (b"From: a@b", b"\n"),
    ],
)
def test_sign_takes_the_newline_of_the_first_line(octets: bytes, newline: bytes) -> None:
    field = signed(octets).removesuffix(octets)
    assert field.endswith(newline)
    assert field.count(b"\n") == field.count(newline)
    assert verify(field + octets)[0].status is Status.PASS


@pytest.mark.parametrize("octets", [b"", b"\r\nbody", b"To: a@example.org\r\n\r\n", b"no header at all\r\n"])
def test_sign_refuses_a_message_without_from(octets: bytes) -> None:
    with pytest.raises(DataError, match="From"):
        signed(octets)


@pytest.mark.parametrize(
    "options",
    [
        {"domain": "exa mple.org"},
        {"domain": "example.org; l=0"},
        {"domain": ""},
        {"domain": "a..b"},
        {"selector": "a\r\nX: y"},
        {"names": ["a;b"]},
        {"names": ["a b"]},
        {"names": [""]},
        {"names": ["é"]},
        {"identity": "x@example.net"},
        {"identity": "x@notexample.org"},
        {"identity": "example.org"},
        {"timestamp": -1},
        {"timestamp": 10**12},
        {"timestamp": 10**12 - 1, "expiration": 10**12},
        {"timestamp": 5, "expiration": 5},
    ],
)
def test_sign_refuses_what_does_not_fit(options: dict[str, object]) -> None:
    values = {"domain": "example.org", "selector": "s", **options}
    with pytest.raises(UsageError):
        dkim.sign(Signable(MESSAGE), RSA, Options(**values))  # type: ignore[arg-type]


def test_sign_refuses_a_short_key() -> None:
    key = keys.parse_private((DATA / "rsa512.pem").read_bytes())
    with pytest.raises(DataError, match="512 bits"):
        dkim.sign(Signable(MESSAGE), key, Options("example.org", "s"))


def test_compute_refuses_what_is_no_signature_field() -> None:
    for field in (b"", b"X", b"DKIM-Signature: a", b"DKIM-Signature: a=b", b"DKIM-Signature: b=; c=x"):
        with pytest.raises(DataError):
            dkim.compute(Signable(MESSAGE), field, RSA)


def test_signed_octets_are_selected_from_the_bottom() -> None:
    message = Signable(b"A: 1\nB: 2\na : 3\nDKIM-Signature: x\nA: 4\nDKIM-Signature: y\n\n")
    own = message.fields(b"dkim-signature")[0]
    names = (b"a", b"", b"b", b"a", b"b", b"a", b"a", b"dkim-signature", b"dkim-signature")
    simple = b"A: 4\r\nB: 2\r\na : 3\r\nA: 1\r\nDKIM-Signature: y\r\n"
    assert message.signed_octets(names, "simple", own) == simple
    relaxed = b"a:4\r\nb:2\r\na:3\r\na:1\r\ndkim-signature:y\r\n"
    assert message.signed_octets(names, "relaxed", own) == relaxed
    assert message.signed_octets((b"none",), "relaxed") == b""


def test_sign_refuses_more_fields_than_are_listed() -> None:
    with pytest.raises(DataError, match="header fields"):
        signed(b"X: y\r\n" * header.MAX_FIELDS + MESSAGE)


def test_fields_the_signature_covers_may_be_other_signatures() -> None:
    once = signed(MESSAGE)
    twice = signed(once, ED25519, names=["dkim-signature", "dkim-signature", "dkim-signature"])
    assert [result.status for result in verify(twice)] == [Status.PASS, Status.PASS]


@pytest.mark.parametrize("rcode", [Rcode.SERVFAIL, Rcode.TIMEOUT])
def test_dns_failure_is_a_temperror(rcode: Rcode) -> None:
    (result,) = verify(signed(MESSAGE), Zone({"rsa._domainkey.example.org": rcode}))
    assert result.status is Status.TEMPERROR


@pytest.mark.parametrize(
    ("answer", "words"),
    [(Rcode.NXDOMAIN, "(nxdomain)"), ((), "(no TXT record)"), ((b"v=spf1 -all",), "v= of the key record")],
)
def test_no_key_is_a_permerror(answer: object, words: str) -> None:
    (result,) = verify(signed(MESSAGE), Zone({"rsa._domainkey.example.org": answer}))  # type: ignore[dict-item]
    assert result.status is Status.PERMERROR
    assert "rsa._domainkey.example.org" in result.reason
    assert words in result.reason


def test_one_good_record_among_several_is_enough() -> None:
    records = (
        b"v=spf1 -all",
        Record(keys.generate(KeyType.RSA, 1024).public).to_bytes(),
        Record(RSA.public).to_bytes(),
    )
    zone = Zone({"rsa._domainkey.example.org": records})
    assert verify(signed(MESSAGE), zone)[0].status is Status.PASS


def test_extra_keys_come_before_the_dns() -> None:
    message = Signable(signed(MESSAGE))
    zone = Zone({})
    extra = {"rsa._domainkey.example.org": Record(RSA.public)}
    (result,) = dkim.verify(message, resolver=zone, now=NOW, extra=extra)
    assert result.status is Status.PASS
    assert zone.asked == []


def test_reasons_name_selector_and_domain() -> None:
    (result,) = verify(signed(MESSAGE).replace(b"wine", b"beer"))
    assert result.reason == "bh= does not match the body (s=rsa, d=example.org)"


def test_notes_warn_of_what_a_pass_does_not_say() -> None:
    zone = Zone({"rsa._domainkey.example.org": Record(RSA.public, flags=("y",)).to_bytes()})
    (result,) = verify(signed(MESSAGE, timestamp=4_000_000_000), zone)
    assert result.status is Status.PASS
    assert [note[:15] for note in result.notes] == ["the signature i", "the domain is o"]


def test_message_without_signature_gives_nothing_and_asks_nothing() -> None:
    zone = Zone({})
    assert verify(MESSAGE, zone) == []
    assert zone.asked == []


def test_only_twenty_signatures_are_tried() -> None:
    one = signed(MESSAGE).removesuffix(MESSAGE)
    zone = Zone(ZONE)
    results = verify(one * 1000 + MESSAGE, zone)
    assert [result.status for result in results] == [Status.PASS] * 20 + [Status.POLICY] * 980
    assert "first 20" in results[-1].reason
    assert len(zone.asked) == 1


def test_more_fields_than_can_be_listed_are_not_judged() -> None:
    octets = signed(MESSAGE)
    padding = b"X: y\r\n" * header.MAX_FIELDS
    first, rest = octets.split(b"Received:", 1)
    results = verify(first + padding + b"Received:" + rest)
    assert [result.status for result in results] == [Status.NEUTRAL]


bodies = st.lists(
    st.sampled_from([b"a", b" ", b"\t", b"\n", b"\r\n", b"\x00", b"\xff", b"\r"]), max_size=20
).map(b"".join)


@given(bodies, st.sampled_from(["simple", "relaxed"]), st.sampled_from(list(KeyType)))
def test_whatever_is_signed_verifies(body: bytes, canonicalization: Canonicalization, kind: KeyType) -> None:
    octets = b"From: a@example.org\nSubject: " + body.replace(b"\n", b"\n ") + b"\n\n" + body
    whole = signed(
        octets, KEYS[kind], header_canonicalization=canonicalization, body_canonicalization=canonicalization
    )
    assert whole.endswith(octets)
    assert verify(whole)[0].status is Status.PASS
