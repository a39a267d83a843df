"""Why a signature fails, in words: what was hashed, which change would explain it, and what to do (`-v`).

The tries are those changes that mail meets on its way: text added by a list, a tag in the subject, a field
added, dot-stuffing left in, a transfer encoding changed.
"""

import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice

from blaze.core.auth.canon import canonical_body
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import Signature, Status
from blaze.core.auth.dkim_verify import Result, header_octets
from blaze.core.mail import transfer
from blaze.core.mail.header import Field

MAX_OCTETS = 1 << 20  # of a header or a body that changes are tried on
MAX_TRIES = 50  # headers with one thing changed
MAX_BANNER = 40  # lines that may have been put in front of a body
_SUBJECT_TAG = re.compile(rb"\[[^\[\]\r\n]{1,64}\][ \t]*")

_ADVICE = {
    Status.FAIL: "The message was changed after it was signed, or it was signed with another key.",
    Status.POLICY: "The signature may be sound, but it protects too little to be relied on.",
    Status.NEUTRAL: "The signature cannot be read. Ask the signer to check what wrote the field.",
    Status.TEMPERROR: "Try again later, or give the key with --extra-key.",
}


def explain(message: Signable, result: Result) -> list[str]:
    """What there is to say about one signature, as sentences, most general first.

    Changes are tried on headers and bodies up to 1 MiB; the cost is at most some 50 hashes of the body and 50
    signature checks.
    """
    signature = result.signature
    lines = list(_facts(message, result))
    if result.status is Status.PASS:
        return [*lines, *result.notes]
    if result.body_matches is False:
        lines.append(_body_change(message, result))
    if result.header_matches is False:
        lines += _header_change(message, result)
    if result.record is None and result.status is Status.PERMERROR and signature.fault is None:
        lines.append(f"Ask the signer to publish the key: dig TXT {signature.key_name}")
    advice = _ADVICE.get(result.status)
    return [*lines, *result.notes, *([advice] if advice else [])]


def _facts(message: Signable, result: Result) -> Iterator[str]:
    signature = result.signature
    if signature.fault is not None:
        return
    times = ""
    if signature.timestamp is not None:
        times += f", signed {_time(signature.timestamp)}"
    if signature.expiration is not None:
        times += f", good until {_time(signature.expiration)}"
    bits = f", {result.record.public.bits} bits" if result.record and result.record.public else ""
    yield f"a={signature.algorithm}, c={signature.canonicalization}, key {signature.key_name}{bits}{times}"
    header = header_octets(message, result.field, signature)
    names = ":".join(signature.headers)
    digest = _base64(sha256(header).digest())
    yield f"header: {len(header)} octets of {names} and the signature itself, SHA-256 {digest}"
    if result.body_hash is not None:
        octets = message.body.length(signature.body_canonicalization)
        limit = f" (l={signature.length})" if signature.length is not None else ""
        said = "" if result.body_matches else f", bh= says {_base64(signature.body_hash)}"
        yield f"body: {octets} octets{limit}, SHA-256 {_base64(result.body_hash)}{said}"


def _body_change(message: Signable, result: Result) -> str:
    signature = result.signature
    start, end = message.header.body_start, message.end
    if end - start > MAX_OCTETS:
        return "The body was changed; it is too large to try what changed it."
    body = message.buffer[start:end]
    for words, octets in _other_bodies(message, body):
        if _fits(octets, signature):
            return f"The body fits when {words}."
    return (
        _added_lines(body, signature)
        or "No usual change explains the body: not a footer, banner or encoding."
    )


def _other_bodies(message: Signable, body: bytes) -> Iterator[tuple[str, bytes]]:
    lf = body.replace(b"\r\n", b"\n")
    if lf.startswith(b".") or b"\n." in lf:
        yield "the dots that SMTP doubles are made single again", re.sub(rb"(?m)^\.\.", b".", lf)
        yield "lines that begin with a dot get a second one", re.sub(rb"(?m)^\.", b"..", lf)
    encodings = message.fields(b"content-transfer-encoding")
    encoding = encodings[0].unfolded.lower().decode("ascii", "replace") if encodings else ""
    if encoding in ("quoted-printable", "base64"):
        yield f"its {encoding} is decoded again", transfer.decode_bytes(encoding, body)


def _added_lines(body: bytes, signature: Signature) -> str | None:
    """Whether lines were added at the end (one pass) or in front (a pass for each of the first lines)."""
    lines = canonical_body(body, signature.body_canonicalization).splitlines(keepends=True)
    running = sha256()
    for number, line in enumerate(lines, 1):
        running.update(line)
        if line != b"\r\n" and signature.length is None and running.digest() == signature.body_hash:
            return f"The body fits without its last {len(lines) - number} lines: a footer was added."
    for number in range(1, min(MAX_BANNER, len(lines))):
        if _is_signed(b"".join(lines[number:]), signature):  # what is left is canonical still
            return f"The body fits without its first {number} lines: a banner was added."
    return None


def _fits(body: bytes, signature: Signature) -> bool:
    return _is_signed(canonical_body(body, signature.body_canonicalization), signature)


def _is_signed(canonical: bytes, signature: Signature) -> bool:
    return sha256(canonical[: signature.length]).digest() == signature.body_hash


def _header_change(message: Signable, result: Result) -> Iterator[str]:
    signature = result.signature
    public = result.record.public if result.record else None
    assert public is not None
    yield from _copies_that_differ(message, signature)
    if message.header.body_start - message.header.start > MAX_OCTETS:
        yield "The header was changed; it is too large to try what changed it."
        return
    for words, header in islice(_other_headers(message, signature), MAX_TRIES):
        other = Signable(header)
        own = next(field for field in other.fields(b"dkim-signature") if field.raw == result.field.raw)
        digest = sha256(header_octets(other, own, signature)).digest()
        if public.verifies(signature.signature, digest):
            yield f"The header fits when {words}."
            return
    yield "No usual change explains the header: not a subject tag, nor a field added."


def _other_headers(message: Signable, signature: Signature) -> Iterator[tuple[str, bytes]]:
    for field in message.fields(b"subject"):
        if match := _SUBJECT_TAG.search(field.raw):
            tag = match[0].decode("utf-8", "replace").strip()
            untagged = field.raw[: match.start()] + field.raw[match.end() :]
            octets = field.octets.replace(field.raw, untagged, 1)
            yield f"the tag {tag} is taken out of the subject", _with(message, field, octets)
    for name in dict.fromkeys(signature.names):
        for field in message.fields(name):
            if name != b"dkim-signature":
                shown = field.name
                yield f"the field {shown} at octet {field.start} is taken out", _with(message, field, b"")


def _with(message: Signable, field: Field, octets: bytes) -> bytes:
    buffer = message.buffer
    return buffer[message.header.start : field.start] + octets + buffer[field.end : message.header.body_start]


def _copies_that_differ(message: Signable, signature: Signature) -> Iterator[str]:
    for name, copy in signature.copied.items():
        now = [b"".join(field.raw.split()) for field in message.fields(name)]
        if b"".join(copy.split()) not in now:
            word = name.decode("utf-8", "replace").title()
            yield f"{word} is not as z= copied it: {copy.decode('utf-8', 'replace').strip()}"


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()
