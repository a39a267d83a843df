"""What becomes of a signature when anything about the message, the field or the key is changed."""

import base64
import re
from datetime import UTC, datetime

import pytest

from blaze.core.auth import dkim, keys
from blaze.core.auth.dkim import Options, Signable, Status
from blaze.core.auth.keys import KeyType, Record
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = keys.generate(KeyType.RSA, 1024)
ED25519 = keys.generate(KeyType.ED25519)
NAME = "s._domainkey.example.org"
RECORD = Record(KEY.public).to_bytes()
BODY = b"Pay  Bob 100 euros.\r\n\r\nAnn\r\n"
HEADER = (
    b"From: Ann <ann@example.org>\r\nTo: bob@example.com\r\nSubject: Money\r\n"
    b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nX-Unsigned: free\r\n\r\n"
)
MESSAGE = HEADER + BODY
BODY_HASH = base64.b64encode(Signable(MESSAGE).body.digest("simple")).decode()


def field_of(octets: bytes = MESSAGE, canonicalization: str = "relaxed") -> bytes:
    options = Options("example.org", "s", canonicalization, canonicalization, timestamp=1)  # type: ignore[arg-type]
    return dkim.sign(Signable(octets), KEY, options)


def own(tags: str, octets: bytes = MESSAGE, key: keys.PrivateKey = KEY) -> bytes:
    """A message under a field with the `tags` given; its bh= and b= are right where they are left out."""
    listed = dict(tag.strip().partition("=")[::2] for tag in tags.split(";") if tag.strip())
    if "bh" not in listed:
        body = listed.get("c", "simple/simple").partition("/")[2] or "simple"
        length = int(listed["l"]) if listed.get("l", "").isdigit() else None
        digest = Signable(octets).body.digest(body if body == "relaxed" else "simple", length)
        tags += "; bh=" + base64.b64encode(digest).decode()
    field = (
        f"DKIM-Signature: {tags}; b=".encode() if "b" not in listed else f"DKIM-Signature: {tags}".encode()
    )
    if "b" not in listed:
        plain = field if "c" not in listed or "/" in listed["c"] else re.sub(rb"c=[^;]*;", b"", field)
        field += base64.b64encode(dkim.compute(Signable(octets), plain, key))
    return field + b"\r\n" + octets


GOOD = "v=1; a=rsa-sha256; d=example.org; s=s; h=from:subject"


def status(octets: bytes, record: str | bytes | list[bytes] = RECORD, now: datetime = NOW) -> Status:
    (result,) = dkim.verify(Signable(octets), resolver=Zone({NAME: record}), now=now)
    return result.status


def reason(octets: bytes, record: str | bytes = RECORD) -> str:
    (result,) = dkim.verify(Signable(octets), resolver=Zone({NAME: record}), now=NOW)
    return result.reason


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
def test_untouched(canonicalization: str) -> None:
    assert status(field_of(canonicalization=canonicalization) + MESSAGE) is Status.PASS


@pytest.mark.parametrize("canonicalization", ["simple", "relaxed"])
def test_every_octet_of_the_body(canonicalization: str) -> None:
    signed = field_of(canonicalization=canonicalization) + HEADER
    for offset in range(len(BODY)):
        changed = BODY[:offset] + bytes((BODY[offset] ^ 1,)) + BODY[offset + 1 :]
        assert status(signed + changed) is Status.FAIL, offset


def test_every_octet_of_the_signed_fields() -> None:
    field = field_of(canonicalization="simple")
    signed = HEADER[: HEADER.index(b"X-Unsigned")]
    for offset in range(len(signed)):
        if signed[offset] in b"\r\n":
            continue
        changed = signed[:offset] + bytes((signed[offset] ^ 1,)) + signed[offset + 1 :]
        assert status(field + changed + HEADER[len(signed) :] + BODY) is Status.FAIL, offset


def test_every_octet_of_the_signature_field() -> None:
    field = field_of(canonicalization="simple")
    (untouched,) = dkim.verify(Signable(field + MESSAGE), resolver=Zone({NAME: RECORD}), now=NOW)
    signature = untouched.signature.signature
    for offset in range(field.index(b":") + 1, len(field) - 2):
        changed = field[:offset] + bytes((field[offset] ^ 2,)) + field[offset + 1 :]
        (result,) = dkim.verify(Signable(changed + MESSAGE), resolver=Zone({NAME: RECORD}), now=NOW)
        # the last character of base64 has bits that mean nothing
        same = result.signature.signature == signature and offset > field.rindex(b" b=")
        assert (result.status is Status.PASS) == same, changed


CHANGES = {
    "unsigned field changed": ((b"free", b"sold"), Status.PASS),
    "unsigned field removed": ((b"X-Unsigned: free\r\n", b""), Status.PASS),
    "unsigned field added": ((b"X-Unsigned", b"X-Other: y\r\nX-Unsigned"), Status.PASS),
    "field name in other letters": ((b"Subject:", b"SUBJECT :"), Status.PASS),
    "field folded": ((b"Subject: Money", b"Subject:\r\n\tMoney"), Status.PASS),
    "blanks of the body": ((b"Pay  Bob 100", b"Pay\t Bob   100"), Status.PASS),
    "blanks at the ends of lines": ((b"euros.\r\n", b"euros. \t\r\n"), Status.PASS),
    "empty lines at the end": ((b"Ann\r\n", b"Ann\r\n\r\n \r\n"), Status.PASS),
    "last newline lost": ((b"Ann\r\n", b"Ann"), Status.PASS),
    "blank inserted in the body": ((b"Bob", b"B ob"), Status.FAIL),
    "line added to the body": ((b"Ann\r\n", b"Ann\r\n--\r\nlist\r\n"), Status.FAIL),
    "body emptied": ((BODY, b""), Status.FAIL),
    "subject tagged by a list": ((b"Subject: ", b"Subject: [list] "), Status.FAIL),
    "subject emptied": ((b"Money", b""), Status.FAIL),
    "subject removed": ((b"Subject: Money\r\n", b""), Status.FAIL),
    "subject doubled": ((b"Subject: Money\r\n", b"Subject: Money\r\nSubject: Money\r\n"), Status.FAIL),
    "second subject above": ((b"From:", b"Subject: Free\r\nFrom:"), Status.FAIL),
    "second subject below": ((b"X-Unsigned", b"Subject: Free\r\nX-Unsigned"), Status.FAIL),
    "second From above": ((b"From:", b"From: eve@example.net\r\nFrom:"), Status.FAIL),
    "second From below": ((b"X-Unsigned", b"From: eve@example.net\r\nX-Unsigned"), Status.FAIL),
    "Reply-To added": ((b"To:", b"Reply-To: eve@example.net\r\nTo:"), Status.FAIL),
    "Content-Type added": ((b"To:", b"Content-Type: text/html\r\nTo:"), Status.FAIL),
    "signed fields in another order": (
        (b"To: bob@example.com\r\nSubject: Money\r\n", b"Subject: Money\r\nTo: bob@example.com\r\n"),
        Status.PASS,
    ),
    "bare CR in a field": ((b"Money", b"Mon\rey"), Status.FAIL),
    "NUL in the body": ((b"Bob", b"B\x00ob"), Status.FAIL),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=list(CHANGES))
def test_message_changed(change: tuple[bytes, bytes], expected: Status) -> None:
    changed = MESSAGE.replace(*change, 1)
    assert changed != MESSAGE
    assert status(field_of() + changed) is expected


FIELDS = [  # tags, status, words of the reason
    (GOOD, Status.PASS, ""),
    (GOOD + "; t=1; x=2000000000; i=@example.org; q=dns/txt; z=From:x", Status.PASS, ""),
    (GOOD + "; i=ann@news.example.org", Status.PASS, ""),
    (GOOD + "; unknown=tag", Status.PASS, ""),
    ("a=rsa-sha256; d=example.org; s=s; h=from", Status.PERMERROR, "v= is missing"),
    ("v=1; d=example.org; s=s; h=from", Status.PERMERROR, "a= is missing"),
    ("v=1; a=rsa-sha256; s=s; h=from", Status.PERMERROR, "d= is missing"),
    ("v=1; a=rsa-sha256; d=example.org; h=from", Status.PERMERROR, "s= is missing"),
    ("v=1; a=rsa-sha256; d=example.org; s=s", Status.PERMERROR, "h= is missing"),
    ("v=2; a=rsa-sha256; d=example.org; s=s; h=from", Status.PERMERROR, "v= is not 1"),
    ("v=1; a=rsa-sha1; d=example.org; s=s; h=from", Status.PERMERROR, "rsa-sha1"),
    ("v=1; a=dsa-sha256; d=example.org; s=s; h=from", Status.PERMERROR, "dsa-sha256 is unknown"),
    ("v=1; a=ed25519-sha256; d=example.org; s=s; h=from", Status.PERMERROR, "k=rsa"),
    (GOOD.replace("from:", ""), Status.PERMERROR, "From"),
    (GOOD + "; d=example.net", Status.PERMERROR, "d= occurs twice"),
    (GOOD + "; i=@example.net", Status.PERMERROR, "outside"),
    (GOOD + "; i=@notexample.org", Status.PERMERROR, "outside"),
    (GOOD + "; i=@org", Status.PERMERROR, "outside"),
    (GOOD + "; i=ann", Status.NEUTRAL, "i=ann is malformed"),
    (GOOD + "; x=1000000000", Status.PERMERROR, "expired"),
    (GOOD + "; t=1900000000; x=1900000000", Status.PERMERROR, "not later"),
    (GOOD + "; q=http", Status.PERMERROR, "q=http"),
    (GOOD + "; q=http:dns/txt", Status.PASS, ""),
    (GOOD + "; t=yesterday", Status.NEUTRAL, "t=yesterday"),
    (GOOD + "; t=", Status.NEUTRAL, "t= is empty"),
    (GOOD + "; t=1234567890123", Status.NEUTRAL, "malformed"),
    (GOOD + "; l=-1", Status.NEUTRAL, "l=-1"),
    (GOOD + "; l=" + "9" * 77, Status.NEUTRAL, "l="),
    (GOOD + "; l=" + "9" * 76, Status.PERMERROR, "more than"),
    (GOOD + "; bh=!", Status.NEUTRAL, "bh= is not base64"),
    (GOOD + "; bh=", Status.NEUTRAL, "bh= is empty"),
    (GOOD + "; b=!", Status.NEUTRAL, "b= is not base64"),
    (GOOD + "; b=", Status.NEUTRAL, "b= is empty"),
    (GOOD + "; bh=AAAA", Status.FAIL, "bh="),
    (GOOD + "; b=AAAA", Status.FAIL, "b="),
    (GOOD + ";; bh=AAAA; b=AAAA", Status.NEUTRAL, "empty-tag"),
    (GOOD + "; rubbish; bh=AAAA; b=AAAA", Status.NEUTRAL, "not-a-tag"),
    (GOOD.replace("s=s", "s=../s"), Status.NEUTRAL, "s=../s"),
    (GOOD.replace("d=example.org", "d=example..org"), Status.NEUTRAL, "malformed"),
    (GOOD.replace("d=example.org", "d=\u0378.org"), Status.NEUTRAL, "internationalized"),
    (GOOD.replace("d=example.org", "d=EXAMPLE.ORG"), Status.PASS, ""),
    (GOOD.replace("s=s", "s=S"), Status.PASS, ""),
    (GOOD.replace("s=s", "s=" + "s." * 600 + "s"), Status.NEUTRAL, "... is malformed"),
    (GOOD.replace("a=rsa-sha256", "a=" + "x" * 5000), Status.PERMERROR, "... is unknown"),
]


@pytest.mark.parametrize(("tags", "expected", "words"), FIELDS)
def test_signature_field(tags: str, expected: Status, words: str) -> None:
    octets = own(tags)
    (result,) = dkim.verify(Signable(octets), resolver=Zone({NAME: RECORD}), now=NOW)
    assert result.status is expected, result.reason
    assert words in result.reason


@pytest.mark.parametrize(
    ("canonicalization", "expected"),
    [
        ("c=simple", Status.FAIL),
        ("c=relaxed", Status.FAIL),
        ("c=", Status.NEUTRAL),
        ("c=simple/", Status.PERMERROR),
        ("c=nowsp/simple", Status.PERMERROR),
        ("c=relaxed/relaxed/relaxed", Status.PERMERROR),
    ],
)
def test_canonicalization_tag_of_a_field_signed_without_it(canonicalization: str, expected: Status) -> None:
    field = own(GOOD).split(b"\r\n", 1)
    changed = field[0].replace(b"v=1;", f"v=1; {canonicalization};".encode()) + b"\r\n" + field[1]
    assert status(changed) is expected


def test_body_length_covers_all_of_the_body() -> None:
    octets = own(GOOD + f"; l={len(BODY)}")
    (result,) = dkim.verify(Signable(octets), resolver=Zone({NAME: RECORD}), now=NOW)
    assert result.status is Status.PASS
    assert result.notes == ("l= lets anyone add to the body",)


@pytest.mark.parametrize("appendix", [b"x", b"\r\n\r\nVisit http://evil.example/\r\n"])
def test_body_length_with_an_appendix(appendix: bytes) -> None:
    octets = own(GOOD + f"; l={len(BODY)}") + appendix
    assert status(octets) is Status.POLICY
    assert "unsigned" in reason(octets)


def test_body_length_of_a_truncated_body() -> None:
    octets = own(GOOD + f"; l={len(BODY)}").removesuffix(b"Ann\r\n")
    assert status(octets) is Status.FAIL


def test_body_length_zero_signs_nothing_of_the_body() -> None:
    assert status(own(GOOD + "; l=0")) is Status.POLICY


P = RECORD.partition(b"p=")[2].decode()
OTHER = Record(keys.generate(KeyType.RSA, 1024).public).to_bytes()

RECORDS = {
    "another key": (OTHER, Status.FAIL, "b= does not match"),
    "revoked": (b"v=DKIM1; p=", Status.PERMERROR, "revoked"),
    "k=ed25519": (b"v=DKIM1; k=ed25519; p=" + P.encode(), Status.PERMERROR, "rsa key"),
    "Ed25519 key": (Record(ED25519.public, KeyType.ED25519).to_bytes(), Status.PERMERROR, "k=ed25519"),
    "only sha1": (f"v=DKIM1; h=sha1; p={P}", Status.PERMERROR, "sha256"),
    "sha1 and sha256": (f"v=DKIM1; h=sha1:sha256; p={P}", Status.PASS, ""),
    "other service": (f"v=DKIM1; s=tlsrpt; p={P}", Status.PERMERROR, "email"),
    "email service": (f"v=DKIM1; s=tlsrpt : email; p={P}", Status.PASS, ""),
    "wrong version": (f"v=DKIM2; p={P}", Status.PERMERROR, "DKIM1"),
    "no p=": (b"v=DKIM1; k=rsa", Status.PERMERROR, "no p="),
    "rubbish": (b"\xff\x00rubbish", Status.PERMERROR, "malformed"),
    "p= is no key": (b"v=DKIM1; p=AAAA", Status.PERMERROR, "no public key"),
    "key split by blanks": (f"v=DKIM1; p={P[:40]} {P[40:]}", Status.PASS, ""),
    "granularity of RFC 4871, which RFC 6376 has no more": (f"v=DKIM1; g=; p={P}", Status.PASS, ""),
    "testing": (f"v=DKIM1; t=y; p={P}", Status.PASS, ""),
}


@pytest.mark.parametrize(("record", "expected", "words"), RECORDS.values(), ids=list(RECORDS))
def test_key_record(record: str | bytes, expected: Status, words: str) -> None:
    octets = field_of() + MESSAGE
    assert status(octets, record) is expected
    assert words in reason(octets, record)


def test_short_rsa_key_is_refused_by_policy() -> None:
    p = (
        "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMSYQcaabm9P0MzbBMjJ5jTFSe+yMG7rPdDjisMWAh8gnJHvP3Qo7eExJS"
        "ZeRtIltfbMD+x6m+PlUZnV/eWjP70CAwEAAQ=="
    )
    octets = field_of() + MESSAGE
    assert status(octets, f"v=DKIM1; p={p}") is Status.POLICY
    assert "512 bits" in reason(octets, f"v=DKIM1; p={p}")


def test_rsa_key_of_1023_bits_is_refused_by_policy() -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = RSAPublicNumbers(65537, (1 << 1022) + 3).public_key()
    p = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    octets = field_of() + MESSAGE
    assert status(octets, f"v=DKIM1; p={p}") is Status.POLICY
    assert "1023 bits, fewer than 1024" in reason(octets, f"v=DKIM1; p={p}")


SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]


@pytest.mark.parametrize("point", SMALL_ORDER)
def test_no_forgery_fits_an_ed25519_key_of_small_order(point: str) -> None:
    """With R the neutral element and S zero, every eighth message at least fits such a key, or all do."""
    p = base64.b64encode(bytes.fromhex(point)).decode()
    forged = base64.b64encode(bytes([1]) + bytes(63)).decode()
    for t in range(40):
        value = GOOD.replace("a=rsa-sha256", "a=ed25519-sha256") + f"; t={t}"
        octets = f"DKIM-Signature: {value}; bh={BODY_HASH}; b={forged}\r\n".encode() + MESSAGE
        assert status(octets, f"v=DKIM1; k=ed25519; p={p}") is Status.PERMERROR
    assert "small order" in reason(octets, f"v=DKIM1; k=ed25519; p={p}")


def test_an_ed25519_key_that_is_no_point_verifies_nothing() -> None:
    value = GOOD.replace("a=rsa-sha256", "a=ed25519-sha256")
    forged = base64.b64encode(bytes([1]) + bytes(63)).decode()
    octets = f"DKIM-Signature: {value}; bh={BODY_HASH}; b={forged}\r\n".encode() + MESSAGE
    p = base64.b64encode(bytes([2]) + bytes(31)).decode()
    assert status(octets, f"v=DKIM1; k=ed25519; p={p}") is Status.FAIL


def test_strict_record_forbids_an_identity_in_a_subdomain() -> None:
    record = f"v=DKIM1; t=s; p={P}"
    assert status(own(GOOD + "; i=@news.example.org"), record) is Status.PERMERROR
    assert status(own(GOOD + "; i=ann@example.org"), record) is Status.PASS
    assert status(own(GOOD), record) is Status.PASS
