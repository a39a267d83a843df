"""Any octets as a message to verify and to sign, as a signature field, and as a body."""

from datetime import UTC, datetime

from blaze.core.auth import canon, dkim, keys
from blaze.core.auth.dkim import Signable, Status
from blaze.core.auth.dkim_explain import explain
from blaze.core.auth.keys import Record
from blaze.core.errors import BlazeError
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = keys.parse_private(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
ZONE = {"s._domainkey.example.org": Record(KEY.public, KEY.type).to_bytes()}


def fuzz_dkim(data: bytes) -> None:
    """Verifying never raises, nothing passes that we have not signed, and all that we sign passes."""
    _verify(data)
    for field in (b"DKIM-Signature: ", b"DKIM-Signature: v=1; a=ed25519-sha256; d=example.org; s=s; "):
        _verify(field + data.replace(b"\n", b"\n ") + b"\r\nFrom: a@example.org\r\n\r\n" + data)
    _sign(data)
    _sign(b"From: a@example.org\nSubject: " + data)
    _canonicalize(data)


def _verify(octets: bytes) -> None:
    message = Signable(octets)
    results = dkim.verify(message, resolver=Zone(ZONE), now=NOW)
    assert all(result.status is not Status.PASS for result in results)
    explain(message, results)


def _sign(octets: bytes) -> None:
    if b"DKIM-Signature" in octets or octets.startswith((b"From ", b">From ")):
        return
    for canonicalization in ("simple", "relaxed"):
        options = dkim.Options("example.org", "s", canonicalization, canonicalization)  # type: ignore[arg-type]
        try:
            field = dkim.sign(Signable(octets), KEY, options)
        except BlazeError:
            continue
        results = dkim.verify(Signable(field + octets), resolver=Zone(ZONE), now=NOW)
        assert results[0].status is Status.PASS, results[0]


def _canonicalize(octets: bytes) -> None:
    for canonicalization in ("simple", "relaxed"):
        written: list[bytes] = []
        canonicalizer = canon.BodyCanonicalizer(canonicalization, written.append)  # type: ignore[arg-type]
        size = 1 + len(octets) % 7
        for start in range(0, len(octets), size):
            canonicalizer.update(octets[start : start + size])
        canonicalizer.finish()
        assert b"".join(written) == canon.canonical_body(octets, canonicalization)  # type: ignore[arg-type]
