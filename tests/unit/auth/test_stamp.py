"""Verdicts put into a message: what was forged goes, all else stays."""

from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from blaze.core.auth import authres, dkim, dmarc, keys, spf, stamp
from blaze.core.errors import DataError
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

NOW = datetime(2026, 1, 1, tzinfo=UTC)

FIELD = b"Authentication-Results: mx.test; none\r\n"


def stamped(message: bytes, authserv_id: str = "mx.test") -> bytes:
    head = header.parse(message)
    removed = stamp.find_forged(head, authserv_id)
    return b"".join(stamp.iter_stamped(message, head, len(message), fields=[FIELD], removed=removed))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"From: a@b.org\r\n\r\nbody", FIELD + b"From: a@b.org\r\n\r\nbody"),
        (b"\r\nbody", FIELD + b"\r\nbody"),
        (b"no header here\r\n", FIELD + b"\r\nno header here\r\n"),
        (b"", FIELD + b"\r\n"),
        (b"From ann Mon Jan  1 00:00:00 2026\nA: b\n\nx",
        b"From ann Mon Jan  1 00:00:00 2026\n" + FIELD + b"A: b\n\nx"),
        (b"A: b", FIELD + b"A: b"),
        (b"\xef\xbb\xbfA: b\n\nx", b"\xef\xbb\xbf" + FIELD + b"A: b\n\nx"),
        (b"A: \xff\x00\r mixed\nB: c\r\n\r\n\x00\xff", FIELD + b"A: \xff\x00\r mixed\nB: c\r\n\r\n\x00\xff"),
    ],
)  # fmt: skip
def test_iter_stamped_keeps_every_octet(message: bytes, expected: bytes) -> None:
    assert stamped(message) == expected


@pytest.mark.parametrize(
    ("value", "forged"),
    [
        (b"mx.test; dkim=pass", True),
        (b" MX.Test. 1; dkim=pass", True),
        (b'"mx.test"; dkim=pass', True),
        (b"(c) mx.test (d); dkim=pass", True),
        (b"\r\n mx.test; dkim=pass", True),
        (b"; dkim=pass", True),
        (b"", True),
        (b"dkim=pass header.d=a.test; spf=pass", True),
        (b"other.test; dkim=pass", False),
        (b"sub.mx.test; dkim=pass", False),
        (b"mx.test.org; dkim=pass", False),
        (b"other.test; x=pass reason=\"mx.test\"", False),
    ],
)  # fmt: skip
def test_iter_stamped_takes_out_what_speaks_in_our_name(value: bytes, forged: bool) -> None:
    field = b"authentication-RESULTS:" + value + b"\r\n"
    message = b"A: 1\r\n" + field + b"B: 2\r\n" + field + b"\r\nbody"
    kept = b"" if forged else field
    assert stamped(message) == FIELD + b"A: 1\r\n" + kept + b"B: 2\r\n" + kept + b"\r\nbody"


@pytest.mark.parametrize(
    ("message", "newline"),
    [
        (b"A: b\r\nC: d\n\n", b"\r\n"),
        (b"A: b\nC: d\r\n", b"\n"),
        (b"", b"\n"),
        (b"A: b", b"\n"),
        (b"\r\nx", b"\r\n"),
    ],
)
def test_newline_of(message: bytes, newline: bytes) -> None:
    assert stamp.newline_of(message, header.parse(message)) == newline


@pytest.mark.parametrize("own", ["bücher.example", "xn--bcher-kva.example", "XN--Bcher-KVA.example."])
@pytest.mark.parametrize("theirs", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"])
def test_find_forged_compares_a_labels(own: str, theirs: str) -> None:
    head = header.parse(f"Authentication-Results: {theirs}; dkim=pass\n\n".encode())
    assert len(stamp.find_forged(head, own)) == 1
    assert not stamp.find_forged(head, "bucher.example")


def test_find_forged_refuses_a_header_of_which_it_would_not_see_all() -> None:
    message = b"Authentication-Results: other.test; none\n" * header.MAX_FIELDS + b"\n"
    with pytest.raises(DataError):
        stamp.find_forged(header.parse(message), "mx.test")


def test_results_of_all_methods() -> None:
    key = keys.generate(keys.KeyType.ED25519, 256)
    text = b"txt:" + keys.Record(key.public, key.type).to_bytes()
    texts = {
        "a._domainkey.example.org": text,
        "b._domainkey.example.org": b"servfail",
        "_dmarc.example.org": b"txt:v=DMARC1; p=reject",
        "mail.example.org": b"txt:v=spf1 -all",
    }
    resolver = StaticResolver(texts)
    message = b"From: ann@example.org\r\n\r\nHello\r\n"
    for selector in "ab":
        signable = dkim.Signable(message)
        message = dkim.sign(signable, key, dkim.Options("example.org", selector)) + message
    signable = dkim.Signable(message)
    signatures = dkim.verify(signable, resolver=resolver, now=NOW)
    result = spf.check(ip_address("192.0.2.1"), "", helo="mail.example.org", resolver=resolver, now=NOW)
    found = dmarc.identifiers(result, signatures)
    verdict = dmarc.verify(signable.header, found, resolver=resolver)
    field = stamp.results_field("mx.test", stamp.results(result, signatures, verdict), newline=b"\r\n")
    read = authres.parse(field.partition(b":")[2])
    rows = [
        (one.method, one.result, [f"{kind}.{name}" for kind, name, _ in one.properties])
        for one in read.results
    ]
    assert rows == [
        ("spf", "fail", ["smtp.helo"]),
        ("dkim", "temperror", ["header.d", "header.s", "header.b"]),
        ("dkim", "pass", ["header.d", "header.s", "header.b"]),
        ("dmarc", "pass", ["header.from", "policy.dmarc"]),
    ]
    first = signatures[1].signature.listed.get(b"b")
    assert first is not None
    assert read.results[2].get("header", "b") == first[:8].decode()
    assert read.results[3].get("policy", "dmarc") == "none"
    assert read.defects == ()


def test_results_leave_out_signatures_that_were_not_tried() -> None:
    message = dkim.Signable(b"DKIM-Signature: v=1; d=example.org\r\n" * 1000 + b"From: a@b.org\r\n\r\n")
    signatures = dkim.verify(message, resolver=StaticResolver({}), now=NOW)
    assert len(signatures) == 1000
    assert [one.result for one in stamp.dkim_results(signatures)] == ["permerror"] * 20


def test_results_tell_the_domain_of_the_sender_and_not_the_local_part() -> None:
    resolver = StaticResolver({"example.org": "txt:v=spf1 ip4:192.0.2.1 -all"})
    result = spf.check(ip_address("192.0.2.1"), "Ann@Example.org", resolver=resolver, now=NOW)
    assert stamp.spf_result(result).properties == (("smtp", "mailfrom", "Example.org"),)


def test_results_without_signatures_and_client() -> None:
    verdict = dmarc.Verdict(dmarc.Status.PERMERROR, None, "there is no From field")
    found = stamp.results(None, [], verdict)
    assert [(one.method, one.result, one.properties) for one in found] == [
        ("spf", "none", ()),
        ("dkim", "none", ()),
        ("dmarc", "permerror", ()),
    ]
