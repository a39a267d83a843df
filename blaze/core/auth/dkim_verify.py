"""Checking DKIM signatures (RFC 6376 §6, RFC 8301, RFC 8463, RFC 8616)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from blaze.core.auth import keys
from blaze.core.auth.canon import relaxed_field, simple_field
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import Fault, Signature, Status, ascii_name, parse
from blaze.core.auth.keys import KeyType, Record
from blaze.core.auth.resolver import Answer, Question, Rcode, RecordType, Resolver
from blaze.core.auth.tags import TagList
from blaze.core.errors import DataError
from blaze.core.mail.header import MAX_FIELDS, Field

MAX_SIGNATURES = 20
"""Signatures of one message that are tried: each costs a look-up and a public-key operation (§8.4)."""

MAX_RECORDS = 4
"""TXT records of one name that are tried (RFC 6376 §3.6.2.2 leaves several undefined)."""


class Result(NamedTuple):
    """The verdict on one signature.

    `reason` says why it is not a pass, with the tag, the selector and the domain; `record` is the key record
    it was checked with; `body_matches` and `header_matches` tell which hash was wrong, None where it was not
    computed; `body_hash` is the hash of the body as it is now. `notes` warn of what a pass does not cover.
    """

    status: Status
    reason: str
    signature: Signature
    field: Field
    record: Record | None = None
    body_matches: bool | None = None
    header_matches: bool | None = None
    body_hash: bytes | None = None
    notes: tuple[str, ...] = ()


class Found(NamedTuple):
    """What the look-up of one key name brought: records, or the fault that stands in their place."""

    records: tuple[Record, ...]
    fault: Fault | None = None


def verify(
    message: Signable, *, resolver: Resolver, now: datetime, extra: Mapping[str, Record] | None = None
) -> list[Result]:
    """Check every signature of a message, from the top of its header; an empty list when there is none.

    All key records are asked for together, and the body is hashed once for each canonicalization. `extra`
    holds records by key name (`s._domainkey.d`, in ASCII and lower case) that are taken instead of the
    published ones. Signatures after the first 20 are not tried; their status is `policy`. Linear in the size
    of the message.

    Never raises for what the message or the DNS says: see `Result.status` (RFC 8601 §2.7.1).
    """
    fields = message.fields(b"dkim-signature")
    signatures = [_parse(message, field, index) for index, field in enumerate(fields)]
    found = find_keys(signatures, resolver, extra)
    if len(signatures) > 1:
        message.body.prepare({(one.body_canonicalization, one.length) for one in signatures if not one.fault})
    seconds = now.timestamp()
    results = []
    for field, signature in zip(fields, signatures, strict=True):
        result = check(message, field, signature, found, seconds)
        results.append(result._replace(reason=located(result.reason, signature)) if result.reason else result)
    return results


def note_defects(message: Signable, results: list[Result]) -> list[Result]:
    """The results, with a note on those that pass although readers may not agree where the header ends.

    DKIM is made for valid messages alone, and leaves what to do with others to the verifier (RFC 6376 §3.8,
    §8.14). It is no part of `verify`, since it reads the whole header once more.
    """
    if not any(result.status is Status.PASS for result in results):
        return results
    defect = next((defect for defect in message.header.defects if defect.name == "not-a-field"), None)
    if defect is None:
        return results
    where = defect.offset - message.header.start
    note = f"the header has a line at octet {where} that is no field: what follows may be shown as the body"
    return [
        result._replace(notes=(*result.notes, note)) if result.status is Status.PASS else result
        for result in results
    ]


def find_keys(
    signatures: Iterable[Signature], resolver: Resolver, extra: Mapping[str, Record] | None = None
) -> dict[str, Found]:
    """Look up the keys of all signatures that have no fault yet, in one query; keyed by key name."""
    found: dict[str, Found] = {}
    names: dict[str, None] = {}
    for signature in signatures:
        if signature.fault is None:
            name = signature.key_name
            if extra and name in extra:
                found[name] = Found((extra[name],))
            else:
                names[name] = None
    if names:
        answers = resolver.query([Question(name, RecordType.TXT) for name in names])
        found.update(zip(names, map(_read_answer, answers), strict=True))
    return found


def check(
    message: Signable, field: Field, signature: Signature, found: Mapping[str, Found], now: float
) -> Result:
    """The verdict on one signature with the keys `found` for it; ARC's message signatures too.

    `now` is in seconds since 1970.
    """
    if signature.fault is not None:
        return Result(*signature.fault, signature, field)
    if signature.expiration is not None and signature.expiration < now:
        reason = f"the signature has expired (x={signature.expiration})"
        return Result(Status.PERMERROR, reason, signature, field)
    key = found[signature.key_name]
    if key.fault is not None:
        return Result(*key.fault, signature, field)
    results = [
        Result(*fault, signature, field, record)
        if (fault := record_fault(record, signature))
        else _check_hashes(message, field, signature, record, now)
        for record in key.records
    ]
    return min(results, key=lambda result: _RANK.index(result.status)) if len(results) > 1 else results[0]


def header_digest(message: Signable, field: Field, signature: Signature) -> bytes:
    """The SHA-256 that the signature is made over (RFC 6376 §3.7)."""
    return sha256(header_octets(message, field, signature)).digest()


def header_octets(message: Signable, field: Field, signature: Signature) -> bytes:
    """The canonical header that is signed: the selected fields, then the signature's own with an empty b=."""
    canonicalization = signature.header_canonicalization
    signed = message.signed_octets(signature.names, canonicalization, field)
    return signed + own_octets(field, signature.listed, relaxed=canonicalization == "relaxed")


def own_octets(field: Field, listed: TagList, *, relaxed: bool) -> bytes:
    """A signature's own field in canonical form, with the value of b= deleted and without its newline."""
    b = listed[b"b"]
    value = field.colon + 1
    before, after = field.buffer[value : value + b.start], field.buffer[value + b.end : field.end]
    if relaxed:
        return relaxed_field(field.key, before + after)
    return simple_field(field.buffer[field.start : value] + before + after)[:-2]


def record_fault(record: Record, signature: Signature) -> Fault | None:
    """Why a signature may not be checked with this key, or None (RFC 6376 §6.1.2)."""
    if record.public is None:
        return Fault(Status.PERMERROR, "the key is revoked (p= of the key record is empty)")
    if record.type is not signature.key_type:
        reason = f"the key record has k={record.type}, the signature a={signature.algorithm}"
        return Fault(Status.PERMERROR, reason)
    if record.hashes is not None and "sha256" not in record.hashes:
        return Fault(Status.PERMERROR, "h= of the key record does not allow sha256")
    if "*" not in record.services and "email" not in record.services:
        return Fault(Status.PERMERROR, "s= of the key record does not allow email")
    if record.strict and signature.identity:
        host = signature.identity.rpartition("@")[2]
        if ascii_name(host) != ascii_name(signature.domain or ""):
            reason = f"i={signature.identity} is a subdomain of d=, which t=s of the key record forbids"
            return Fault(Status.PERMERROR, reason)
    if record.type is KeyType.RSA and record.public.bits < keys.MIN_RSA_BITS:
        reason = f"the RSA key has {record.public.bits} bits, fewer than 1024 (RFC 8301 §3.2)"
        return Fault(Status.POLICY, reason)
    return None


def located(reason: str, signature: Signature) -> str:
    """A reason with the selector and the domain of the signature that it is about."""
    selector = f"s={signature.selector}" if signature.selector else ""
    domain = f"d={signature.domain}" if signature.domain else ""
    where = ", ".join(filter(None, (selector, domain)))
    return f"{reason} ({where})" if where else reason


def _parse(message: Signable, field: Field, index: int) -> Signature:
    signature = parse(field.raw)
    fault = None
    if index >= MAX_SIGNATURES:
        fault = Fault(Status.POLICY, f"only the first {MAX_SIGNATURES} signatures are tried")
    elif message.truncated:
        fault = Fault(Status.NEUTRAL, f"the message has more than {MAX_FIELDS:,} header fields")
    return signature._replace(fault=fault) if fault else signature


def _read_answer(answer: Answer) -> Found:
    if answer.failed:
        detail = f" ({answer.detail})" if answer.detail else ""
        return Found(
            (), Fault(Status.TEMPERROR, f"the DNS could not answer for {answer.question.name}{detail}")
        )
    records, reason = [], "there is no key"
    for text in answer.texts[:MAX_RECORDS]:
        try:
            records.append(keys.parse_record(text))
        except DataError as error:
            reason = str(error)
    if records:
        return Found(tuple(records))
    where = answer.question.name
    if not answer.texts:
        what = answer.detail or ("no TXT record" if answer.rcode is Rcode.NOERROR else answer.rcode)
        where += f" ({what})"
    return Found((), Fault(Status.PERMERROR, f"{reason} at {where}"))


def _check_hashes(
    message: Signable, field: Field, signature: Signature, record: Record, now: float
) -> Result:
    public = record.public
    assert public is not None
    body_hash = message.body.digest(signature.body_canonicalization, signature.length)
    body_matches = body_hash == signature.body_hash
    header_matches = public.verifies(signature.signature, header_digest(message, field, signature))
    fault = _hash_fault(body_matches, header_matches) or _length_fault(message, signature)
    return Result(
        *(fault or (Status.PASS, "")),
        signature,
        field,
        record,
        body_matches,
        header_matches,
        body_hash,
        _notes(signature, record, now),
    )


def _hash_fault(body_matches: bool, header_matches: bool) -> Fault | None:
    if body_matches:
        return None if header_matches else Fault(Status.FAIL, "b= does not match the signed header fields")
    also = "" if header_matches else ", nor b= the signed header fields"
    return Fault(Status.FAIL, f"bh= does not match the body{also}")


def _length_fault(message: Signable, signature: Signature) -> Fault | None:
    if signature.length is None:
        return None
    octets = message.body.length(signature.body_canonicalization)
    if signature.length > octets:
        reason = f"l={signature.length} is more than the {octets} octets of the body"
        return Fault(Status.PERMERROR, reason)
    if signature.length < octets:
        unsigned = octets - signature.length
        return Fault(Status.POLICY, f"l={signature.length} leaves {unsigned} octets of the body unsigned")
    return None


def _notes(signature: Signature, record: Record, now: float) -> tuple[str, ...]:
    notes = []
    if signature.length is not None:
        notes.append("l= lets anyone add to the body")
    if signature.timestamp is not None and signature.timestamp > now:
        notes.append(f"the signature is from the future (t={signature.timestamp})")
    if record.testing:
        notes.append("the domain is only testing DKIM (t=y of the key record)")
    return tuple(notes)


_RANK = (Status.PASS, Status.POLICY, Status.FAIL, Status.PERMERROR)
