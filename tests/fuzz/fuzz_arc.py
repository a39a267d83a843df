"""Any octets as a message with a chain, and as the fields of a chain."""

from datetime import UTC, datetime

from blaze.core.auth import arc, keys
from blaze.core.auth.arc import ChainStatus
from blaze.core.auth.arc_sign import split_results
from blaze.core.auth.dkim import Signable
from blaze.core.auth.keys import Record
from tests.support.zone import Zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = keys.parse_private(b"nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
ZONE = Zone({"s._domainkey.example.org": Record(KEY.public, KEY.type).to_bytes()})
OPTIONS = arc.Options("example.org", "s")


def fuzz_arc(data: bytes) -> None:
    """Validating never raises, no chain passes that we have not sealed, and a sealed one does."""
    value = data.replace(b"\n", b"\n ")
    fields = b"".join(
        name + b": i=1; a=ed25519-sha256; d=example.org; s=s; cv=none; " + value + b"\r\n"
        for name in (b"ARC-Seal", b"ARC-Message-Signature", b"ARC-Authentication-Results")
    )
    names = b"".join(
        name + b": i=1; a=ed25519-sha256; s=s; cv=none; h=from; bh=AAAA; b=AAAA; d=" + value + b"\r\n"
        for name in (b"ARC-Seal", b"ARC-Message-Signature")
    )
    names += b"ARC-Authentication-Results: i=1; example.org; none\r\nFrom: a@example.org\r\n\r\n"
    for octets in (
        data,
        fields + data,
        names.replace(b"h=from; ", b"", 1),
        b"Authentication-Results: example.org; " + value + b"\r\n\r\n",
    ):
        result = arc.verify(Signable(octets), resolver=ZONE, now=NOW)
        assert result.status is not ChainStatus.PASS
        made = arc.sign(Signable(octets), KEY, OPTIONS, resolver=ZONE, now=NOW).fields
        has_header = bool(len(Signable(octets).header)) and not octets.startswith((b"From ", b">From "))
        if made and result.status is ChainStatus.NONE and has_header:
            sealed = arc.verify(Signable(made + octets), resolver=ZONE, now=NOW)
            assert sealed.status is ChainStatus.PASS, sealed
    split_results(data)
