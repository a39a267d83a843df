"""Adding a set to the Authenticated Received Chain (RFC 8617 §5.1)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from blaze.core.auth import authres, tags
from blaze.core.auth.arc_verify import MAX_SETS, ArcSet, ChainStatus, Result, collect, seal_digest, verify
from blaze.core.auth.canon import Canonicalization
from blaze.core.auth.dkim_sign import (
    Lines,
    base64_of,
    check_fields,
    check_key,
    check_name,
    check_time,
    chosen_names,
    names_to_sign,
    newline_of,
    seal,
)
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.keys import PrivateKey, Record
from blaze.core.auth.resolver import Resolver
from blaze.core.errors import DNSTemporaryError, UsageError
from blaze.core.mail import header
from blaze.core.mail.header import Field
from blaze.core.mail.lexer import quote

_TOKEN = re.compile(rb"[!#-'*+.0-9A-Z^_`a-z{|}~-]++")  # RFC 2045 §5.1
_UNSIGNED = frozenset(
    (b"authentication-results", b"arc-authentication-results", b"arc-message-signature", b"arc-seal")
)
_SPECIAL = re.compile(rb'[;"()\\]')


@dataclass(frozen=True, slots=True)
class Options:
    """How a set is to be made.

    `domain` and `selector` name the key of the seal, `domain` and `signature_selector` (or `selector`) that
    of the message signature; `authserv_id` is the server whose Authentication-Results are taken over (the
    domain when it is None); `names` are the fields to sign in place of the usual set; `timestamp` is seconds
    since 1970.
    """

    domain: str
    selector: str
    signature_selector: str | None = None
    authserv_id: str | None = None
    header_canonicalization: Canonicalization = "relaxed"
    body_canonicalization: Canonicalization = "relaxed"
    names: Sequence[str] | None = None
    timestamp: int | None = None


class Sealed(NamedTuple):
    """The three fields of the new set, seal first, to be put in front of the header; and the chain before it.

    `fields` is empty when no set may be added, and `chain.reason` then says why.
    """

    fields: bytes
    chain: Result


def sign(
    message: Signable,
    key: PrivateKey,
    options: Options,
    *,
    resolver: Resolver,
    now: datetime,
    signature_key: PrivateKey | None = None,
    received: Signable | None = None,
    extra: Mapping[str, Record] | None = None,
) -> Sealed:
    """Seal a message: ARC-Seal, ARC-Message-Signature and ARC-Authentication-Results (RFC 8617 §5.1).

    The chain is validated first, and `cv=` says what came of it: as it is on `received`, the message before
    the handler changed it, where that is given. `key` makes the seal, `signature_key` (or `key`) the message
    signature. Nothing is added to a chain whose newest seal says fail, or that has 50 sets.

    Raises:
        DNSTemporaryError: the chain could not be validated now.
        DataError: an RSA key has fewer than 1024 bits (RFC 8301 §3.2), or the message too many fields.
        UsageError: an option does not fit into a field.
    """
    signature_key = signature_key or key
    check_key(key)
    check_key(signature_key)
    check_fields(message)
    result = verify(received or message, resolver=resolver, now=now, extra=extra)
    if result.temporary:
        raise DNSTemporaryError("the chain cannot be validated now", where=result.reason)
    chain = collect(message)
    instance = chain.sets[-1].instance + 1 if chain.sets else 1
    if chain.closed:
        return Sealed(b"", result)
    if instance > MAX_SETS:
        return Sealed(b"", replace(result, reason=f"the chain has {MAX_SETS} sets, the most it may have"))
    newline = newline_of(message)
    new = ArcSet(instance, [_results_field(message, options, instance, newline)])
    signature_tags = _signature_tags(message, signature_key, options, instance)
    signature = _read(
        seal(
            message,
            signature_key,
            lambda b: _tags_field(b"ARC-Message-Signature", signature_tags, b, newline),
        )
    )
    new.signatures.append((signature, tags.parse(signature.raw)))
    before = chain.sets if result.status is ChainStatus.PASS else ()
    seal_field = _seal_field(new, before, key, _seal_tags(options, key, result, instance), newline)
    return Sealed(seal_field + signature.octets + new.results[0].octets, result)


def split_results(value: bytes) -> list[bytes]:
    """The parts of an Authentication-Results value, between the semicolons outside quotes and comments.

    The first holds the authserv-id (RFC 8601 §2.2). White space in them is a single blank. Linear.
    """
    parts, start, depth, quoted, escaped = [], 0, 0, False, -1
    for match in _SPECIAL.finditer(value):
        char, offset = match[0], match.start()
        if offset == escaped:
            continue
        if char == b"\\":
            escaped = offset + 1
        elif char == b'"' and not depth:
            quoted = not quoted
        elif char == b"(" and not quoted:
            depth += 1
        elif char == b")" and not quoted:
            depth = max(depth - 1, 0)
        elif char == b";" and not quoted and not depth:
            parts.append(value[start:offset])
            start = offset + 1
    parts.append(value[start:])
    return [b" ".join(part.split()) for part in parts]


def _results_field(message: Signable, options: Options, instance: int, newline: bytes) -> Field:
    """The server's own results, all in one field (RFC 8617 §4.1.1)."""
    authserv_id = options.authserv_id or options.domain
    own = authres.comparable(authserv_id)
    results = []
    for one in message.fields(b"authentication-results"):
        if authres.comparable(authres.parse(one.raw).authserv_id) == own:
            _, *parts = split_results(one.raw)
            results += [part for part in parts if part and part != b"none"]
    lines = Lines(b"ARC-Authentication-Results", newline, only_after_semicolon=True)
    lines.add_item(b"i=%d" % instance).add_item(_identifier(authserv_id.encode()))
    for result in results or [b"none"]:
        lines.add_item(result)
    return _read(lines.octets())


def _identifier(authserv_id: bytes) -> bytes:
    if _TOKEN.fullmatch(authserv_id):
        return authserv_id
    text = authserv_id.decode()
    if not text or not text.isprintable():
        raise UsageError(f"{text!r} is no authserv-id")
    return quote(text).encode()


def _signature_tags(
    message: Signable, key: PrivateKey, options: Options, instance: int
) -> dict[bytes, bytes]:
    if options.names is None:
        names = names_to_sign(message) + [b"dkim-signature"] * message.count(b"dkim-signature")
    else:
        names = chosen_names(message, options.names)
        if forbidden := _UNSIGNED.intersection(names):
            raise UsageError(f"{min(forbidden).decode()} must not be signed in a chain (RFC 8617 §4.1.2)")
    canonicalization = f"{options.header_canonicalization}/{options.body_canonicalization}"
    values = _common_tags(options, key, options.signature_selector or options.selector, instance)
    values[b"bh"] = base64_of(message.body.digest(options.body_canonicalization))
    values[b"c"] = canonicalization.encode()
    values[b"h"] = b":".join(names)
    return values


def _seal_tags(options: Options, key: PrivateKey, chain: Result, instance: int) -> dict[bytes, bytes]:
    values = _common_tags(options, key, options.selector, instance)
    values[b"cv"] = chain.status.encode()
    return values


def _common_tags(options: Options, key: PrivateKey, selector: str, instance: int) -> dict[bytes, bytes]:
    values = {
        b"a": f"{key.type}-sha256".encode(),
        b"d": check_name(options.domain, "domain").encode(),
        b"i": b"%d" % instance,
        b"s": check_name(selector, "selector").encode(),
    }
    if options.timestamp is not None:
        values[b"t"] = check_time(options.timestamp, "timestamp").encode()
    return values


def _seal_field(
    new: ArcSet, before: Iterable[ArcSet], key: PrivateKey, values: Mapping[bytes, bytes], newline: bytes
) -> bytes:
    """A seal over the sets before and the new one; over the new one alone after a failure (§5.1.2)."""
    draft = _read(_tags_field(b"ARC-Seal", values, base64_of(bytes(key.signature_octets)), newline))
    new.seals.append((draft, tags.parse(draft.raw)))
    signature = base64_of(key.sign(seal_digest(new, before)))
    return _tags_field(b"ARC-Seal", values, signature, newline)


def _tags_field(name: bytes, values: Mapping[bytes, bytes], b: bytes, newline: bytes) -> bytes:
    """A field of tags in alphabetical order, which is the order of the public test suite."""
    lines = Lines(name, newline, only_after_semicolon=True)
    for tag, value in sorted({**values, b"b": b}.items()):
        lines.add_tag(tag, value)
    return lines.octets()


def _read(octets: bytes) -> Field:
    return next(iter(header.parse(octets)))
