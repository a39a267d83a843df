"""Everything that can be known of who wrote a message: SPF, DKIM and DMARC in one go, look-ups in
parallel.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from blaze.core.auth.resolver import Address

if TYPE_CHECKING:
    from blaze.core.auth import dkim, dmarc, spf
    from blaze.core.auth.psl import PublicSuffixes
    from blaze.core.net.dns import DNSResolver

SPF_SECONDS = 20.0  # for all look-ups of one SPF check, RFC 7208 §4.6.4


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the SMTP session told: the client's address, the reverse-path without angle brackets, the HELO
    name.
    """

    ip: Address
    sender: str
    helo: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """The three verdicts; `spf` is None where there was no envelope."""

    spf: "spf.Result | None"
    dkim: "list[dkim.Result]"
    dmarc: "dmarc.Verdict"


def authenticate(
    message: "dkim.Signable",
    envelope: Envelope | None,
    *,
    resolver: "DNSResolver",
    now: datetime,
    suffixes: "PublicSuffixes | None" = None,
    spf_timeout: float = SPF_SECONDS,
) -> Authentication:
    """Check SPF and DKIM at the same time, then DMARC (RFC 9989 §5.3).

    `suffixes` is for the rules of RFC 7489; `spf_timeout` is in seconds. Linear in the size of the message.
    """
    from concurrent.futures import ThreadPoolExecutor

    from blaze.core.auth import dkim, dmarc

    with ThreadPoolExecutor(1) as beside:
        spf_future = beside.submit(_check_spf, envelope, resolver, now, spf_timeout)
        signatures = dkim.verify(message, resolver=resolver, now=now)
        spf_result = spf_future.result()
    found = dmarc.identifiers(spf_result, signatures)
    verdict = dmarc.verify(message.header, found, resolver=resolver, suffixes=suffixes)
    return Authentication(spf_result, signatures, verdict)


def _check_spf(
    envelope: Envelope | None, resolver: "DNSResolver", now: datetime, timeout: float
) -> "spf.Result | None":
    if envelope is None:
        return None
    from blaze.core.auth import spf

    limited = resolver.within(timeout)
    return spf.check(envelope.ip, envelope.sender, helo=envelope.helo, resolver=limited, now=now)
