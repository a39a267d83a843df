"""Why a signature fails, in words: what was hashed, which change would explain it, and what to do (`-v`).

The tries are those changes that mail meets on its way; `damage_body` and `damage_header` list them.
"""

import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from blaze.core.auth import damage_header
from blaze.core.auth.budget import Budget
from blaze.core.auth.damage_body import BodyChanges
from blaze.core.auth.damage_header import SignedHeader
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import Signature, Status
from blaze.core.auth.dkim_verify import Result, header_octets
from blaze.core.auth.keys import KeyType, PublicKey

MAX_BODY_WORK = 1 << 28
"""Octets hashed in tries on one body, for all its signatures: half a second."""

MAX_HEADER_WORK = 1 << 29
"""Octets hashed in tries on one header, for all its signatures: half a second."""

_OCTETS_OF_ED25519 = 1 << 17  # what a signature check costs, in octets hashed
_MAX_NAMES = 1000  # characters of the names that are listed

_CHANGED = "The key is right, so the message was changed after it was signed."
_ADVICE = {
    Status.FAIL: "The message was changed after it was signed, or it was signed with another key.",
    Status.POLICY: "The signature may be sound, but it protects too little to be relied on.",
    Status.NEUTRAL: "The signature cannot be read. Ask the signer to check what wrote the field.",
    Status.TEMPERROR: "Try again later, or give the key with --extra-key.",
}


def explain(message: Signable, results: Sequence[Result]) -> list[list[str]]:
    """What there is to say about each signature of a message, as sentences, most general first.

    Changes are tried on a header up to 64 KiB and a body up to 1 MiB. All signatures share the
    limits on work, so that a message with many of them costs no more than one with a few.
    """
    explainer = _Explainer(message)
    return [explainer.explain(result) for result in results]


def explain_failures(message: Signable, results: Sequence[Result]) -> list[list[str]]:
    """What changed since each signature was made, for signatures whose hashes are wrong; as `explain`."""
    explainer = _Explainer(message)
    return [explainer.explain_failure(result) for result in results]


class _Explainer:
    def __init__(self, message: Signable) -> None:
        self._message = message
        self._bodies = BodyChanges(message, Budget(MAX_BODY_WORK))
        self._budget = Budget(MAX_HEADER_WORK)
        self._advice: str | None = None

    def explain(self, result: Result) -> list[str]:
        """What was found out about a signature, and what to do."""
        self._advice = _CHANGED if result.header_matches else None
        lines = list(_facts(self._message, result))
        if result.status is Status.PASS:
            return [*lines, *result.notes]
        lines += self.explain_failure(result)
        if result.reason.startswith("the signature has expired"):
            lines.append("If the message came in time, give that time with --now.")
        elif result.record is None and result.status is Status.PERMERROR and not result.signature.fault:
            lines.append(f"Ask the signer to publish the key: dig TXT {result.signature.key_name}")
        advice = self._advice or _ADVICE.get(result.status)
        return [*lines, *result.notes, *([advice] if advice else [])]

    def explain_failure(self, result: Result) -> list[str]:
        """What changed in the body and the header, as far as it can be told."""
        lines = []
        if result.body_matches is False:
            lines.append(self._body_change(result.signature))
        if result.header_matches is False:
            lines += self._header_change(result)
        return lines

    def _body_change(self, signature: Signature) -> str:
        if self._bodies.too_large:
            return "The body was changed; it is too large to try what changed it."
        words = self._bodies.find(signature.body_canonicalization, signature.length, signature.body_hash)
        if words is None:
            return "No usual change explains the body: not a footer, a banner, an encoding, a part added."
        return f"The body fits {words}."

    def _header_change(self, result: Result) -> Iterator[str]:
        signature, message = result.signature, self._message
        public = result.record.public if result.record else None
        assert public is not None
        signed = public.signed_digest(signature.signature)
        if public.type is KeyType.RSA and signed is None:
            self._advice = "It was signed with another key, or its b= was damaged."
            yield from _wrong_key(signature, public)
            return
        if signed is not None:
            self._advice = _CHANGED
        if message.header.body_start - message.header.start > damage_header.MAX_OCTETS:
            yield "The header was changed; it is too large to try what changed it."
            return
        header = SignedHeader(message, result.field, signature)
        words = header.find_change(self._fits(signature, public, signed), self._budget)
        if words is not None:
            self._advice = _CHANGED
            yield f"The header fits when {words}."
            return
        yield "No usual change explains the header: not a subject tag, a field added, another layout."
        yield from _lacking(header.lacking)

    def _fits(self, signature: Signature, public: PublicKey, signed: bytes | None) -> Callable[[bytes], bool]:
        """Whether octets are what was signed: by the digest where the signature tells it."""

        def has_digest(octets: bytes) -> bool:
            return sha256(octets).digest() == signed

        def verifies(octets: bytes) -> bool:
            affordable = self._budget.spend(_OCTETS_OF_ED25519)
            return affordable and public.verifies(signature.signature, sha256(octets).digest())

        return verifies if signed is None else has_digest


def _lacking(counts: Mapping[str, int]) -> Iterator[str]:
    """What fields that are named and not there may mean: one more is named so that none can be added."""
    gone = [name for name, count in counts.items() if count > 1]
    if gone:
        names = ", ".join(gone)[:_MAX_NAMES]
        yield f"A field was taken out, it seems: h= names at least two more than there are of these: {names}."
    elif counts:
        names = ", ".join(counts)[:_MAX_NAMES]
        yield f"If a field was taken out, it is one of these, which h= names: {names}."


def _wrong_key(signature: Signature, public: PublicKey) -> Iterator[str]:
    """What to say of a signature that the published RSA key cannot have made."""
    made, octets = (public.bits + 7) // 8, len(signature.signature)
    if octets != made:
        yield f"b= has {octets} octets, and this key makes {made}: it was cut, or another key signed."
    else:
        yield "b= was not made with this key: it was damaged, or another key signed."
    yield f"The signer can compare: blaze dkim check -p KEY -s {signature.selector} -h {signature.domain}"


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
    names = names if len(names) <= _MAX_NAMES else names[:_MAX_NAMES] + "..."
    digest = _base64(sha256(header).digest())
    yield f"header: {len(header)} octets of {names} and the signature itself, SHA-256 {digest}"
    if result.body_hash is not None:
        octets = message.body.length(signature.body_canonicalization)
        limit = f" (l={signature.length})" if signature.length is not None else ""
        said = "" if result.body_matches else f", bh= says {_base64(signature.body_hash)}"
        yield f"body: {octets} octets{limit}, SHA-256 {_base64(result.body_hash)}{said}"


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _base64(octets: bytes) -> str:
    return binascii.b2a_base64(octets, newline=False).decode()
