"""A private key against the record that should publish it, and records as zone files."""

import dns.rdata
import dns.zone
import pytest

from blaze.core.auth import keys
from blaze.core.auth.dkim_check import check_published, zone_text
from blaze.core.auth.keys import KeyType, Record
from blaze.core.auth.resolver import Rcode
from blaze.core.errors import DataError
from tests.support.zone import Zone

RSA = keys.generate(KeyType.RSA, 2048)
ED25519 = keys.generate(KeyType.ED25519)
OTHER = keys.generate(KeyType.ED25519)
NAME = "s._domainkey.example.org"
GOOD = Record(ED25519.public, KeyType.ED25519)
OTHERS = Record(OTHER.public, KeyType.ED25519)

CASES = [
    (GOOD.to_bytes(), "pass", ""),
    (OTHERS.to_bytes(), "fail", "another key"),
    (Record(RSA.public).to_bytes(), "permerror", "a key of type rsa, the private key is of type ed25519"),
    (b"v=DKIM1; k=ed25519; p=", "permerror", "revoked"),
    (b"v=DKIM1; k=ed25519", "permerror", "no p="),
    (GOOD.to_bytes() + b"; s=tlsrpt", "permerror", "email"),
    (GOOD.to_bytes() + b"; h=sha1", "permerror", "sha256"),
    (GOOD.to_bytes() + b"; t=s", "pass", ""),
    (Rcode.NXDOMAIN, "permerror", "no key"),
    (Rcode.SERVFAIL, "temperror", "could not answer"),
    ((OTHERS.to_bytes(), GOOD.to_bytes()), "pass", ""),
]


@pytest.mark.parametrize(("answer", "status", "words"), CASES)
def test_check_published(answer: bytes | Rcode | tuple[bytes, ...], status: str, words: str) -> None:
    found = check_published(ED25519, "s", "example.org", resolver=Zone({NAME: answer}))
    assert (found.status.value, found.name) == (status, NAME)
    assert words in found.reason


def test_check_published_notes() -> None:
    records = (OTHERS.to_bytes(), GOOD.to_bytes() + b"; t=y")
    found = check_published(ED25519, "s", "example.org", resolver=Zone({NAME: records}))
    assert [note[:11] for note in found.notes] == ["there are 2", "the record "]


@pytest.mark.parametrize(
    ("bits", "notes"), [(1024, ["the RSA key has 1024 bits, and should have 2048"]), (2048, [])]
)
def test_check_published_notes_a_short_key(bits: int, notes: list[str]) -> None:
    key = keys.generate(KeyType.RSA, bits)
    found = check_published(key, "s", "example.org", resolver=Zone({NAME: Record(key.public).to_bytes()}))
    assert found.status == "pass"
    assert [note.partition(" (RFC")[0] for note in found.notes] == notes


def test_check_published_in_an_internationalized_domain() -> None:
    zone = Zone({"s._domainkey.xn--mnchen-3ya.example": GOOD.to_bytes()})
    assert check_published(ED25519, "s", "münchen.example", resolver=zone).status == "pass"
    with pytest.raises(DataError):
        check_published(ED25519, "s", "\u0378.example", resolver=zone)


@pytest.mark.parametrize("key", [RSA, ED25519, keys.generate(KeyType.RSA, 4096)])
@pytest.mark.parametrize("name", ["s._domainkey.example.org.", "s._domainkey"])
def test_zone_text_is_read_back_by_a_zone_parser(key: keys.PrivateKey, name: str) -> None:
    record = Record(key.public, key.type)
    text = f"$ORIGIN example.org.\n$TTL 60\n@ IN SOA a. b. 1 2 3 4 5\n@ IN NS a.\n{zone_text(name, record)}\n"
    zone = dns.zone.from_text(text, origin="example.org.")
    (rdata,) = zone.find_rdataset("s._domainkey", "TXT")
    assert b"".join(rdata.strings) == record.to_bytes()
    assert all(len(part) <= 255 for part in rdata.strings)
