"""ARC: what the public suite does not ask."""

from datetime import UTC, datetime

import pytest

from blaze.core.auth import arc, dkim, keys
from blaze.core.auth.arc import ChainStatus
from blaze.core.auth.arc_sign import split_results
from blaze.core.auth.dkim import Signable, Status
from blaze.core.auth.dkim_explain import explain_failures
from blaze.core.auth.keys import KeyType, Record
from blaze.core.auth.resolver import Rcode
from blaze.core.errors import DataError, DNSTemporaryError, UsageError
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RSA = keys.generate(KeyType.RSA, 1024)
ED25519 = keys.generate(KeyType.ED25519)
ZONE = {
    "s._domainkey.a.example": Record(RSA.public).to_bytes(),
    "s._domainkey.b.example": Record(ED25519.public, KeyType.ED25519).to_bytes(),
    "m._domainkey.b.example": Record(RSA.public).to_bytes(),
}
MESSAGE = (
    b'Authentication-Results: a.example; spf=pass (sender; is "fine") smtp.mfrom=x@d.example;\r\n'
    b' dkim=pass reason="a;b"\r\n'
    b"From: Ann <ann@example.org>\r\nSubject: Dinner\r\n\r\nBring wine.\r\n"
)


def verify(octets: bytes, zone: Zone | None = None) -> arc.Result:
    return arc.verify(Signable(octets), resolver=zone or Zone(ZONE), now=NOW)


def seal(octets: bytes, domain: str = "a.example", **options: object) -> bytes:
    key = RSA if domain == "a.example" else ED25519
    chosen = arc.Options(domain, "s", **options)  # type: ignore[arg-type]
    return arc.sign(Signable(octets), key, chosen, resolver=Zone(ZONE), now=NOW).fields + octets


def chain(length: int, octets: bytes = MESSAGE) -> bytes:
    for number in range(length):
        octets = seal(octets, "ab"[number % 2] + ".example", timestamp=number)
    return octets


def test_chain_of_two_domains_and_two_kinds_of_key() -> None:
    result = verify(chain(3))
    assert (result.status, result.oldest_pass) == (ChainStatus.PASS, 0)
    assert [(one.instance, one.domain, one.selector, one.cv) for one in result.sets] == [
        (1, "a.example", "s", "none"),
        (2, "b.example", "s", "pass"),
        (3, "a.example", "s", "pass"),
    ]
    assert {one.seal for one in result.sets} == {one.signature for one in result.sets} == {(Status.PASS, "")}


def test_all_keys_are_asked_for_together() -> None:
    zone = Zone(ZONE)
    verify(chain(3), zone)
    assert zone.asked == [("s._domainkey.a.example", "s._domainkey.b.example")]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_sign_keeps_the_newlines_and_every_octet(newline: bytes) -> None:
    octets = MESSAGE.replace(b"\r\n", newline)
    sealed = chain(2, octets)
    assert sealed.endswith(octets)
    assert sealed.count(b"\n") == sealed.count(newline)
    assert verify(sealed).status is ChainStatus.PASS


def test_sign_folds_only_after_semicolons() -> None:
    fields = seal(MESSAGE).removesuffix(MESSAGE)
    assert all(b";\r\n" in line[-3:] or not more for line, more in folded_lines(fields))
    results = fields[fields.index(b"ARC-Authentication-Results") :]
    assert results == (
        b"ARC-Authentication-Results: i=1; a.example;\r\n"
        b' spf=pass (sender; is "fine") smtp.mfrom=x@d.example; dkim=pass reason="a;b"\r\n'
    )


def folded_lines(fields: bytes) -> list[tuple[bytes, bool]]:
    lines = fields.splitlines(keepends=True)
    following = [*lines[1:], b""]
    return [(line, after.startswith(b" ")) for line, after in zip(lines, following, strict=True)]


def test_sign_with_two_keys() -> None:
    options = arc.Options("b.example", "s", signature_selector="m")
    made = arc.sign(
        Signable(MESSAGE), ED25519, options, resolver=Zone(ZONE), now=NOW, signature_key=RSA
    ).fields
    assert verify(made + MESSAGE).status is ChainStatus.PASS
    assert b"ARC-Seal: a=ed25519-sha256;" in made
    assert b"ARC-Message-Signature: a=rsa-sha256;" in made


def test_sign_takes_only_the_results_of_its_own_server() -> None:
    octets = (
        b"Authentication-Results: other.example; spf=fail\r\n"
        b'Authentication-Results: "A.example" 1; none\r\n'
        b"Authentication-Results: (c) a.example. (d) 1; dmarc=pass (p=none)\r\n"
        b"Authentication-Results: iprev=pass; auth=pass\r\n"
        b"Authentication-Results:\r\n"
        b"Authentication-Results: A.EXAMPLE; arc=none;\r\n" + MESSAGE
    )
    fields = seal(octets).removesuffix(octets).replace(b"\r\n", b"")
    results = fields[fields.index(b"ARC-Authentication-Results") :]
    assert b"other" not in results
    assert b"spf=fail" not in results
    assert b"iprev" not in results
    assert b"auth=pass" not in results
    assert b"; dmarc=pass (p=none); arc=none; spf=pass" in results


def test_sign_without_results_says_none() -> None:
    octets = MESSAGE[MESSAGE.index(b"From:") :]
    assert b"ARC-Authentication-Results: i=1; mx.example; none\r\n" in seal(octets, authserv_id="mx.example")
    assert b'i=1; "my server"; none\r\n' in seal(octets, authserv_id="my server")


def test_broken_older_message_signature_only_moves_oldest_pass() -> None:
    first = chain(1)
    edited = first.replace(b"Subject: Dinner", b"Subject: [list] Dinner")
    options = arc.Options("b.example", "s")
    assert b"cv=fail" in arc.sign(Signable(edited), ED25519, options, resolver=Zone(ZONE), now=NOW).fields
    second = arc.sign(
        Signable(edited), ED25519, options, resolver=Zone(ZONE), now=NOW, received=Signable(first)
    ).fields
    result = verify(second + edited)
    assert (result.status, result.oldest_pass) == (ChainStatus.PASS, 2)
    assert [one.signature.status for one in result.sets if one.signature] == [Status.FAIL, Status.PASS]
    details = [one.details for one in result.sets if one.details]
    assert explain_failures(Signable(second + edited), details) == [
        ["The header fits when the tag [list] is taken out of the subject."],
        [],
    ]


@pytest.mark.parametrize("field", [b"ARC-Seal", b"ARC-Message-Signature"])
@pytest.mark.parametrize("tag", [b"d=a\xe2\x80\xaeb.example", "d=\u0378.example".encode()])
def test_name_that_idna_does_not_allow_fails_the_chain(field: bytes, tag: bytes) -> None:
    message = chain(1)
    start = message.index(field + b":")
    changed = message[:start] + message[start:].replace(b"d=a.example", tag, 1)
    assert changed != message
    result = verify(changed)
    assert result.status is ChainStatus.FAIL
    assert "no internationalized domain name" in result.reason


def test_broken_newest_message_signature_fails() -> None:
    result = verify(chain(2).replace(b"wine", b"beer"))
    assert result.status is ChainStatus.FAIL
    assert result.oldest_pass is None
    assert result.reason.startswith("ARC-Message-Signature i=2: bh= does not match")


@pytest.mark.parametrize("instance", [1, 2, 3])
def test_broken_seal_of_any_instance_fails(instance: int) -> None:
    octets = chain(3)
    tag = f"t={instance - 1}\r\n".encode()
    at = [part for part in octets.split(b"ARC-") if part.startswith(b"Seal:") and tag in part]
    assert len(at) == 1
    result = verify(octets.replace(at[0], at[0].replace(tag, b"t=9\r\n")))
    assert result.status is ChainStatus.FAIL
    seal_of = {one.instance: one.seal.status for one in result.sets if one.seal}
    assert seal_of == {number: Status.PASS if number < instance else Status.FAIL for number in (1, 2, 3)}


@pytest.mark.parametrize("instance", [1, 2])
def test_gap_in_the_chain_fails(instance: int) -> None:
    sets = chain(3).removesuffix(MESSAGE).split(b"ARC-Seal:")[1:]
    del sets[3 - instance]
    result = verify(b"".join(b"ARC-Seal:" + one for one in sets) + MESSAGE)
    assert (result.status, result.reason) == (ChainStatus.FAIL, f"the set i={instance} is missing")


def test_doubled_set_fails() -> None:
    octets = chain(1)
    result = verify(octets.removesuffix(MESSAGE) + octets)
    assert result.status is ChainStatus.FAIL
    assert "has 2" in result.reason
    assert [one.seal for one in result.sets] == [None]


def test_fifty_sets_pass_and_no_more_are_added() -> None:
    octets = chain(50)
    assert verify(octets).status is ChainStatus.PASS
    sealed = arc.sign(Signable(octets), RSA, arc.Options("a.example", "s"), resolver=Zone(ZONE), now=NOW)
    assert sealed.fields == b""
    assert "50 sets" in sealed.chain.reason


def test_fifty_one_sets_fail() -> None:
    octets = chain(50)
    more = octets.removesuffix(MESSAGE).split(b"ARC-Seal:")[1].replace(b"i=50", b"i=51")
    result = verify(b"ARC-Seal:" + more + octets)
    assert result.status is ChainStatus.FAIL
    assert "from 1 to 50" in result.reason


def test_failed_chain_is_sealed_once_and_then_closed() -> None:
    broken = chain(2).replace(b"wine", b"beer")
    failed = seal(broken)
    assert b"cv=fail" in failed
    result = verify(failed)
    assert result.status is ChainStatus.FAIL
    assert result.reason == "the newest seal (i=3) says that the chain has failed"
    assert seal(failed) == failed


def test_dns_failure_is_marked_and_nothing_is_sealed() -> None:
    octets = chain(1)
    zone = Zone({"s._domainkey.a.example": Rcode.SERVFAIL})
    result = verify(octets, zone)
    assert (result.status, result.temporary) == (ChainStatus.FAIL, True)
    with pytest.raises(DNSTemporaryError):
        arc.sign(Signable(octets), RSA, arc.Options("a.example", "s"), resolver=zone, now=NOW)


def test_dns_failure_beside_a_broken_signature_is_not_temporary() -> None:
    octets = chain(2).replace(b"wine", b"beer")
    result = verify(octets, Zone({**ZONE, "s._domainkey.a.example": Rcode.SERVFAIL}))
    assert (result.status, result.temporary) == (ChainStatus.FAIL, False)


def test_dkim_and_arc_share_the_body_hash() -> None:
    message = Signable(dkim.sign(Signable(MESSAGE), RSA, dkim.Options("a.example", "s")) + MESSAGE)
    sealed = arc.sign(message, RSA, arc.Options("a.example", "s"), resolver=Zone(ZONE), now=NOW)
    assert b":dkim-signature" in sealed.fields
    whole = Signable(sealed.fields + bytes(message.buffer))
    assert dkim.verify(whole, resolver=Zone(ZONE), now=NOW)[0].status is Status.PASS
    assert arc.verify(whole, resolver=Zone(ZONE), now=NOW).status is ChainStatus.PASS


@pytest.mark.parametrize(
    "options",
    [
        {"domain": "a b"},
        {"selector": ""},
        {"authserv_id": "a\r\nX: y"},
        {"names": ["ARC-Seal"]},
        {"names": ["authentication-results"]},
        {"names": ["a;b"]},
        {"timestamp": 10**12},
        {"timestamp": -1},
    ],
)
def test_sign_refuses_what_does_not_fit(options: dict[str, object]) -> None:
    values = {"domain": "a.example", "selector": "s", **options}
    with pytest.raises(UsageError):
        arc.sign(Signable(MESSAGE), RSA, arc.Options(**values), resolver=Zone(ZONE), now=NOW)  # type: ignore[arg-type]


def test_sign_refuses_a_short_key() -> None:
    from pathlib import Path

    key = keys.parse_private((Path(__file__).parents[2] / "data" / "dkim" / "rsa512.pem").read_bytes())
    for pair in ((key, None), (RSA, key)):
        with pytest.raises(DataError, match="512 bits"):
            arc.sign(
                Signable(MESSAGE),
                pair[0],
                arc.Options("a.example", "s"),
                resolver=Zone(ZONE),
                now=NOW,
                signature_key=pair[1],
            )


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (b"", [b""]),
        (b" a ; b ", [b"a", b"b"]),
        (b'a; x="b;c"; (d;e) f', [b"a", b'x="b;c"', b"(d;e) f"]),
        (b"a; (b (c;) d;) e; f", [b"a", b"(b (c;) d;) e", b"f"]),
        (b'a; "b\\";c"; d', [b"a", b'"b\\";c"', b"d"]),
        (b"a; (b\\); c); d", [b"a", b"(b\\); c)", b"d"]),
        (b'a; "b; c', [b"a", b'"b; c']),
        (b"a); b;\r\n\tc", [b"a)", b"b", b"c"]),
    ],
)
def test_split_results(value: bytes, parts: list[bytes]) -> None:
    assert split_results(value) == parts
