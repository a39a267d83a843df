"""Verdicts written into a message, which otherwise stays as it is octet for octet (RFC 8601)."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from blaze.core.auth import authres
from blaze.core.auth.authres import AuthenticationResults, MethodResult, Property
from blaze.core.auth.dkim_verify import MAX_SIGNATURES, Result as DKIMResult
from blaze.core.auth.dmarc import Verdict
from blaze.core.auth.dmarc_record import Record
from blaze.core.auth.spf import Identity, Result as SPFResult
from blaze.core.errors import DataError
from blaze.core.mail import window
from blaze.core.mail.header import MAX_FIELDS, Buffer, Field, Header


def spf_result(result: SPFResult | None) -> MethodResult:
    """SPF as Authentication-Results has it; None stands for a check that was not made.

    Only the domain is told: the local-part is not what SPF has checked (RFC 8601 §2.7.2).
    """
    if result is None:
        return MethodResult("spf", "none", reason="the client is not known")
    name = "mailfrom" if result.identity is Identity.MAIL_FROM else "helo"
    return MethodResult("spf", result.status.value, (Property("smtp", name, result.domain),), result.reason)


def dkim_results(results: Iterable[DKIMResult]) -> list[MethodResult]:
    """Each signature's verdict (RFC 8601 §2.7.1), with the first octets of its ``b=`` (RFC 6008); or
    ``none``. Signatures that were too many to be tried are left out.
    """
    found = []
    for result in islice(results, MAX_SIGNATURES):
        signature = result.signature
        octets = b"".join((signature.listed.get(b"b") or b"").split())[:8].decode("ascii", "replace")
        identity = signature.identity if signature.identity != f"@{signature.domain}" else None
        values = {"d": signature.domain, "i": identity, "s": signature.selector, "b": octets}
        properties = tuple(Property("header", name, value) for name, value in values.items() if value)
        found.append(MethodResult("dkim", result.status.value, properties, result.reason or None))
    return found or [MethodResult("dkim", "none")]


def dmarc_result(verdict: Verdict) -> MethodResult:
    """DMARC's verdict and the policy to apply (RFC 9989 §9)."""
    properties = [Property("header", "from", verdict.author_domain)] if verdict.author_domain else []
    if verdict.policy:
        properties.append(Property("policy", "dmarc", verdict.disposition.value))
    comment = _published(verdict.record) if verdict.record else None
    return MethodResult("dmarc", verdict.status.value, tuple(properties), verdict.reason, comment)


def _published(record: Record) -> str:
    """The policies of a record, as in ``p=reject sp=none``."""
    policies = {"p": record.p, "sp": record.sp, "np": record.np, "t": "y" if record.testing else None}
    return " ".join(f"{name}={value}" for name, value in policies.items() if value)


def results(spf: SPFResult | None, dkim: Iterable[DKIMResult], verdict: Verdict) -> tuple[MethodResult, ...]:
    """All verdicts on a message, in the order in which they were reached."""
    return (spf_result(spf), *dkim_results(dkim), dmarc_result(verdict))


def results_field(authserv_id: str, found: Sequence[MethodResult], *, newline: bytes) -> bytes:
    """The Authentication-Results field of the server `authserv_id`, folded, with its final newline."""
    return AuthenticationResults(authserv_id, tuple(found)).to_bytes(newline)


def find_forged(head: Header, authserv_id: str) -> list[Field]:
    """The Authentication-Results fields that claim to come from `authserv_id`, or from nobody (RFC 8601 §5).

    A border server removes them before it adds its own: nobody outside may speak in its name.

    Raises:
        DataError: there are more such fields than a header's reader lists, so that some would stay.
    """
    own = authres.comparable(authserv_id)
    fields = head.get_all(b"authentication-results")
    if len(fields) >= MAX_FIELDS:
        raise DataError(f"the header has {MAX_FIELDS:,} Authentication-Results fields or more")
    return [one for one in fields if authres.comparable(authres.parse(one.raw).authserv_id) in (own, "")]


def iter_stamped(
    buffer: Buffer, head: Header, end: int, *, fields: Sequence[bytes], removed: Sequence[Field] = ()
) -> Iterator[bytes]:
    """The message from ``head.start`` to `end` with `fields` on top and without `removed`, in chunks.

    Every other octet stays. A byte order mark and an mbox From line stay in front; a message without a header
    gets the empty line that ends one.
    """
    start = head.top
    if start > head.start:
        yield buffer[head.start : start]
    yield from fields
    if head.body_start == head.start and fields:
        yield b"\r\n" if fields[-1].endswith(b"\r\n") else b"\n"
    for field in removed:
        yield from window.iter_chunks(buffer, start, field.start)
        start = field.end
    yield from window.iter_chunks(buffer, start, end)


def newline_of(buffer: Buffer, head: Header) -> bytes:
    """The newline of the message's first line; LF when it has none."""
    first = buffer.find(b"\n", head.start, max(head.body_start, head.start + 2))
    return b"\r\n" if first > head.start and buffer[first - 1 : first] == b"\r" else b"\n"
