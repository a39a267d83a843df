"""Validating the Authenticated Received Chain (RFC 8617 §5.2)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

from blaze.core.auth import tags
from blaze.core.auth.canon import relaxed_field
from blaze.core.auth.dkim_signable import Signable
from blaze.core.auth.dkim_signature import (
    Fault,
    FaultError,
    Signature,
    Status,
    broken,
    read,
    read_algorithm,
    read_base64,
    read_name,
    read_number,
    require,
)
from blaze.core.auth.dkim_verify import (
    Found,
    Result as DKIMResult,
    check,
    find_keys,
    located,
    own_octets,
    record_fault,
)
from blaze.core.auth.keys import Record
from blaze.core.auth.resolver import Resolver
from blaze.core.auth.tags import TagList
from blaze.core.errors import DataError
from blaze.core.mail.header import MAX_FIELDS, Field

MAX_SETS = 50  # RFC 8617 §5.2, step 1

_AAR = b"arc-authentication-results"
_AMS = b"arc-message-signature"
_SEAL = b"arc-seal"
_NAMES = {_AAR: "ARC-Authentication-Results", _AMS: "ARC-Message-Signature", _SEAL: "ARC-Seal"}
_AAR_INSTANCE = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]+)[ \t\r\n]*;")
_INSTANCE = re.compile(rb"[0-9]{1,2}")
_PASS = Fault(Status.PASS, "")


class ChainStatus(StrEnum):
    """The state of a chain (RFC 8617 §4.4)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class SetResult:
    """What became of one ARC set.

    `domain`, `selector` and `cv` are those of its seal; `seal` and `signature` are the verdicts on its
    ARC-Seal and its ARC-Message-Signature, None where the chain is so broken that they were not checked.
    `details` are those of the latter, for `dkim_explain`.
    """

    instance: int
    domain: str | None
    selector: str | None
    cv: str | None
    seal: Fault | None = None
    signature: Fault | None = None
    details: DKIMResult | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on a chain.

    `oldest_pass` is the lowest instance from which on every ARC-Message-Signature verifies, 0 when all do
    (RFC 8617 §5.2, step 5), None when the chain does not pass. `temporary` tells that the DNS failed and
    the verdict may be another later.
    """

    status: ChainStatus
    reason: str = ""
    oldest_pass: int | None = None
    sets: tuple[SetResult, ...] = ()
    temporary: bool = False


@dataclass(slots=True)
class ArcSet:
    """The fields that carry one instance number; in a sound chain each list has one item."""

    instance: int
    results: list[Field] = field(default_factory=list)
    signatures: list[tuple[Field, TagList]] = field(default_factory=list)
    seals: list[tuple[Field, TagList]] = field(default_factory=list)

    @property
    def cv(self) -> str | None:
        """What the seal says of the chain before it."""
        value = self.seals[0][1].get(b"cv") if self.seals else None
        return None if value is None else value.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Chain:
    """The sets of a message by instance, lowest first, and what is wrong with their structure."""

    sets: tuple[ArcSet, ...]
    fault: str | None = None

    @property
    def closed(self) -> bool:
        """True when the newest seal says that the chain has failed: nothing is to be added (§5.1)."""
        return bool(self.sets) and self.sets[-1].cv == "fail"


def verify(
    message: Signable, *, resolver: Resolver, now: datetime, extra: Mapping[str, Record] | None = None
) -> Result:
    """Validate a message's chain (RFC 8617 §5.2).

    All keys are asked for together; bodies are hashed once, with DKIM's if it shares the `Signable`. `extra`
    holds key records by name that are taken instead of the published ones. Linear in the size of the message.

    Never raises for what the message or the DNS says.
    """
    chain = collect(message)
    if not chain.sets:
        return Result(ChainStatus.FAIL, chain.fault) if chain.fault else Result(ChainStatus.NONE)
    if chain.closed:
        reason = f"the newest seal (i={chain.sets[-1].instance}) says that the chain has failed"
    else:
        reason = chain.fault or ""
    if reason:
        return Result(ChainStatus.FAIL, reason, sets=tuple(_set_result(one) for one in chain.sets))
    return _check_sets(message, chain.sets, resolver, now.timestamp(), extra)


def collect(message: Signable) -> Chain:
    """Gather the ARC fields of a message into sets and check their structure (§5.2, steps 1 to 3)."""
    sets: dict[int, ArcSet] = {}
    fault = None
    if message.truncated:
        fault = f"the message has more than {MAX_FIELDS:,} header fields"
    for name in _NAMES:
        for one in message.fields(name):
            listed = None if name == _AAR else tags.scan(one.raw)
            instance = _instance(one, listed)
            if instance is None:
                fault = fault or f"{_NAMES[name]} has no instance (i=) from 1 to {MAX_SETS}"
                continue
            arc_set = sets.setdefault(instance, ArcSet(instance))
            if listed is None:
                arc_set.results.append(one)
            else:
                (arc_set.signatures if name == _AMS else arc_set.seals).append((one, listed))
    ordered = tuple(sets[instance] for instance in sorted(sets))
    return Chain(ordered, fault or _structure_fault(ordered))


def seal_digest(arc_set: ArcSet, before: Iterable[ArcSet]) -> bytes:
    """The SHA-256 that a set's seal is made over: the sets before it and its own fields (§5.1.1)."""
    own, listed = arc_set.seals[0]
    octets = [_canonical(one) for one in before]
    octets += [_relaxed(arc_set.results[0]), _relaxed(arc_set.signatures[0][0])]
    return sha256(b"".join(octets) + own_octets(own, listed, relaxed=True)).digest()


def _instance(one: Field, listed: TagList | None) -> int | None:
    if listed is None:
        match = _AAR_INSTANCE.match(one.raw)
        value = match[1] if match else None
    else:
        value = listed.get(b"i")
    if value is None or not _INSTANCE.fullmatch(value) or not 1 <= int(value) <= MAX_SETS:
        return None
    return int(value)


def _structure_fault(sets: Sequence[ArcSet]) -> str | None:
    """RFC 8617 §5.2, step 3."""
    for position, arc_set in enumerate(sets, 1):
        instance = arc_set.instance
        if instance != position:
            return f"the set i={position} is missing"
        counts = (len(arc_set.results), len(arc_set.signatures), len(arc_set.seals))
        for name, count in zip(_NAMES.values(), counts, strict=True):
            if count != 1:
                return f"the set i={instance} has {count or 'no'} {name}"
        expected = "none" if instance == 1 else "pass"
        if arc_set.cv != expected:
            return f"cv={arc_set.cv} of the seal i={instance} is not {expected}"
    return None


def _set_result(arc_set: ArcSet, seal: Fault | None = None, verdict: DKIMResult | None = None) -> SetResult:
    read_seal = _read_seal(arc_set.seals[0][1]) if arc_set.seals else None
    return SetResult(
        arc_set.instance,
        read_seal.domain if read_seal else None,
        read_seal.selector if read_seal else None,
        arc_set.cv,
        seal,
        _fault(verdict) if verdict else None,
        verdict,
    )


def _read_signature(listed: TagList) -> Signature:
    """The values of an ARC-Message-Signature (RFC 8617 §4.1.2); its `i=` and `v=` are not DKIM's."""
    try:
        require(listed, (b"a", b"b", b"bh", b"d", b"h", b"i", b"s"))
        signature = read(listed, None)
        _check_key_name(signature)
        if _SEAL in signature.names:
            raise FaultError(Status.PERMERROR, "h= names ARC-Seal")
    except FaultError as error:
        return broken(listed, error.fault)
    return signature


def _read_seal(listed: TagList) -> Signature:
    """The values of an ARC-Seal (RFC 8617 §4.1.3)."""
    try:
        require(listed, (b"a", b"b", b"cv", b"d", b"i", b"s"))
        if b"h" in listed:
            raise FaultError(Status.PERMERROR, "h= is not allowed in a seal")
        seal = Signature(
            listed,
            read_name(listed, b"d"),
            read_name(listed, b"s"),
            None,
            (listed.get(b"a") or b"").decode("ascii", "replace"),
            read_algorithm(listed),
            timestamp=read_number(listed, b"t"),
            signature=read_base64(listed, b"b"),
        )
        _check_key_name(seal)
    except FaultError as error:
        return broken(listed, error.fault)
    return seal


def _check_key_name(signature: Signature) -> None:
    try:
        _ = signature.key_name
    except DataError:
        raise FaultError(Status.NEUTRAL, "d= or s= is no internationalized domain name") from None


def _check_sets(
    message: Signable,
    sets: Sequence[ArcSet],
    resolver: Resolver,
    now: float,
    extra: Mapping[str, Record] | None,
) -> Result:
    """RFC 8617 §5.2, steps 4 to 7, for sets whose structure is sound."""
    signatures = [_read_signature(one.signatures[0][1]) for one in sets]
    seals = [_read_seal(one.seals[0][1]) for one in sets]
    found = find_keys((*signatures, *seals), resolver, extra)
    message.body.prepare({(one.body_canonicalization, one.length) for one in signatures if not one.fault})
    seal_faults = _check_seals(sets, seals, found)
    verdicts = []
    for arc_set, signature in zip(sets, signatures, strict=True):
        verdicts.append(_check_signature(message, arc_set, signature, found, now))
    results = tuple(map(_set_result, sets, seal_faults, verdicts))
    reason, temporary = _why_not(results)
    if reason:
        return Result(ChainStatus.FAIL, reason, None, results, temporary)
    broken_sets = [one.instance for one in results if one.signature != _PASS]
    return Result(ChainStatus.PASS, "", max(broken_sets, default=-1) + 1, results)


def _check_signature(
    message: Signable, arc_set: ArcSet, signature: Signature, found: Mapping[str, Found], now: float
) -> DKIMResult:
    own, listed = arc_set.signatures[0]
    verdict = check(message, own, signature, found, now)
    if verdict.status is Status.FAIL and b"c" not in listed:
        # Without c= it is simple/simple (RFC 6376 §3.5); the drafts of ARC had relaxed/relaxed, and some
        # sealers still do.
        relaxed = signature._replace(header_canonicalization="relaxed", body_canonicalization="relaxed")
        again = check(message, own, relaxed, found, now)
        verdict = again if again.status is Status.PASS else verdict
    return verdict


def _fault(verdict: DKIMResult) -> Fault:
    return Fault(verdict.status, located(verdict.reason, verdict.signature)) if verdict.reason else _PASS


def _why_not(results: Sequence[SetResult]) -> tuple[str, bool]:
    """Why checked sets make no chain that passes (else empty), and whether only the DNS is to blame."""
    newest = results[-1]
    verdicts = [("ARC-Message-Signature", newest.instance, newest.signature)]
    verdicts += [("ARC-Seal", one.instance, one.seal) for one in reversed(results)]
    bad = [(name, instance, fault) for name, instance, fault in verdicts if fault and fault != _PASS]
    for name, instance, fault in bad:
        temporary = all(one.status is Status.TEMPERROR for _, _, one in bad)
        return f"{name} i={instance}: {fault.reason}", temporary
    return "", False


def _check_seals(
    sets: Sequence[ArcSet], seals: Sequence[Signature], found: Mapping[str, Found]
) -> list[Fault]:
    verdicts = []
    before = sha256()
    for arc_set, seal in zip(sets, seals, strict=True):
        own, listed = arc_set.seals[0]
        covered = before.copy()
        covered.update(_relaxed(arc_set.results[0]) + _relaxed(arc_set.signatures[0][0]))
        before = covered.copy()
        before.update(_relaxed(own))
        verdict = seal.fault
        if verdict is None:
            covered.update(own_octets(own, listed, relaxed=True))
            verdict = _check_seal(seal, covered.digest(), found[seal.key_name])
        verdicts.append(Fault(verdict.status, located(verdict.reason, seal)) if verdict.reason else verdict)
    return verdicts


def _check_seal(seal: Signature, digest: bytes, found: Found) -> Fault:
    verdict = found.fault or Fault(Status.FAIL, "")
    for record in found.records:
        if fault := record_fault(record, seal):
            verdict = fault
        elif record.public and record.public.verifies(seal.signature, digest):
            return _PASS
        else:
            verdict = Fault(Status.FAIL, "b= does not match the chain")
    return verdict


def _canonical(arc_set: ArcSet) -> bytes:
    fields = (arc_set.results[0], arc_set.signatures[0][0], arc_set.seals[0][0])
    return b"".join(map(_relaxed, fields))


def _relaxed(one: Field) -> bytes:
    return relaxed_field(one.key, one.raw) + b"\r\n"
