"""DMARC: does a domain that authenticated itself stand behind the author's? (RFC 9989)

`verify` judges a message by the verdicts of SPF and DKIM on it; `judge` does so for one author domain.
Organizational domains are found by the DNS tree walk of RFC 9989 §4.10, or with a public suffix list as RFC
7489 did it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from blaze.core.auth import dmarc_record
from blaze.core.auth.dkim_signature import Status as DKIMStatus
from blaze.core.auth.dkim_verify import Result as DKIMResult
from blaze.core.auth.dmarc_record import Policy, Record
from blaze.core.auth.psl import PublicSuffixes
from blaze.core.auth.resolver import Answer, Question, Rcode, RecordType, Resolver, ask, is_domain_name
from blaze.core.auth.spf import Result as SPFResult, Status as SPFStatus
from blaze.core.errors import DataError
from blaze.core.mail.address import Group, parse_list, to_ascii_domain
from blaze.core.mail.header import Header

MAX_QUERIES = 8  # of one tree walk, RFC 9989 §4.10
_HOST_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")  # A-labels, with the underscore that is met
MAX_AUTHORS = 10  # author domains of one message that are judged, RFC 9989 §11.5


class Status(StrEnum):
    """The results of the method ``dmarc`` of RFC 8601 (RFC 9989 §9)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a result, no secret
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The domains that authenticated themselves, in A-labels and lower case (RFC 9989 §4.3).

    `spf` is the domain of the reverse-path, or the HELO name where that was empty, when SPF passed. `dkim`
    are the ``d=`` of the signatures that passed. `unsettled_spf` and `unsettled_dkim` are those that an error
    left open: they may yet pass.
    """

    spf: str | None = None
    dkim: tuple[str, ...] = ()
    unsettled_spf: str | None = None
    unsettled_dkim: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What DMARC says of one author domain, or of a message.

    `policy` is the published one that covers the author domain, None where there is no record; `disposition`
    what the domain owner wants done with this message: `policy` when it fails, one step lower in test mode,
    ``none`` when it does not fail. `record_domain` is where the record was found. `notes` tell what was
    ignored.
    """

    status: Status
    author_domain: str | None
    reason: str
    policy: Policy | None = None
    disposition: Policy = Policy.NONE
    record_domain: str | None = None
    organizational_domain: str | None = None
    record: Record | None = None
    dkim_aligned: bool = False
    spf_aligned: bool = False
    notes: tuple[str, ...] = ()


def identifiers(spf: SPFResult | None, dkim: Iterable[DKIMResult]) -> Identifiers:
    """The authenticated identifiers in the verdicts of both methods."""
    domains: dict[DKIMStatus, dict[str, None]] = {}
    for result in dkim:
        if result.signature.domain:
            domains.setdefault(result.status, {})[_normal(result.signature.domain)] = None
    by_spf = {spf.status: _normal(spf.domain)} if spf else {}
    return Identifiers(
        spf=by_spf.get(SPFStatus.PASS),
        dkim=tuple(domains.get(DKIMStatus.PASS, ())),
        unsettled_spf=by_spf.get(SPFStatus.TEMPERROR),
        unsettled_dkim=tuple(domains.get(DKIMStatus.TEMPERROR, ())),
    )


def verify(
    header: Header, found: Identifiers, *, resolver: Resolver, suffixes: PublicSuffixes | None = None
) -> Verdict:
    """Judge a message by its From fields (RFC 9989 §5.3).

    No From field, one with a group, without any domain, or with text after an address: permerror. Several
    author domains: each is judged, and the worst verdict counts, the strictest policy first (§11.5). More
    than `MAX_AUTHORS` of them: permerror.
    """
    domains = author_domains(header)
    if isinstance(domains, str):
        return Verdict(Status.PERMERROR, None, domains)
    if len(domains) > MAX_AUTHORS:
        return Verdict(
            Status.PERMERROR, domains[0], f"From names {len(domains)} domains, {MAX_AUTHORS} are judged"
        )
    verdicts = [judge(domain, found, resolver=resolver, suffixes=suffixes) for domain in domains]
    worst = max(verdicts, key=_badness)
    if len(verdicts) > 1:
        note = f"From names {len(verdicts)} domains: " + ", ".join(domains)
        return replace(worst, notes=(*worst.notes, note))
    return worst


def author_domains(header: Header) -> list[str] | str:
    """The domains of all From fields, each once, in A-labels; or what is wrong with them, in words."""
    fields = header.get_all(b"from")
    if not fields:
        return "there is no From field"
    domains: dict[str, None] = {}
    for each in fields:
        listed = parse_list(each.unfolded)
        if any(isinstance(address, Group) for address in listed.addresses):
            return "From holds a group"
        if any(defect.name == "text-after-address" for defect in listed.defects):
            return "text follows an address in From: where its domain ends would be a guess"
        for member in listed.iter_members():
            domain = _normal(member.mailbox.domain)
            if not is_domain_name(domain) or not _HOST_NAME.fullmatch(domain):
                return f"From holds what is no address at a domain: {member.mailbox}"
            domains[domain] = None
    return list(domains) or "From holds no address"


def judge(
    author: str, found: Identifiers, *, resolver: Resolver, suffixes: PublicSuffixes | None = None
) -> Verdict:
    """Judge one author domain, in A-labels and lower case (RFC 9989 §4.10.1, §4.10.2, §5.3).

    The queries of a tree walk are sent together, at most `MAX_QUERIES` of them. A DNS failure that leaves the
    policy or the alignment open is temperror; one that does not matter is passed over. With `suffixes` the
    rules are those of RFC 7489: no walk, no ``np``, ``psd`` and ``t``.
    """
    domains = _Tree(resolver) if suffixes is None else _Listed(resolver, suffixes)
    try:
        source = domains.find_policy(author)
        if source is None:
            notes = tuple(domains.notes)
            return Verdict(Status.NONE, author, f"{author} has no DMARC record", notes=notes)
        return _judge_by(source, author, found, domains)
    except _UnsettledError as error:
        return Verdict(Status.TEMPERROR, author, str(error), notes=tuple(domains.notes))


@dataclass(frozen=True, slots=True)
class _Source:
    """A record and the domain it was found at."""

    domain: str
    record: Record


class _UnsettledError(Exception):
    """A look-up failed without which there is no verdict."""


def _judge_by(source: _Source, author: str, found: Identifiers, domains: "_Tree | _Listed") -> Verdict:
    record = source.record
    settled = Verdict(
        Status.PERMERROR,
        author,
        f"the record of {source.domain} has a malformed policy and asks for no reports",
        record_domain=source.domain,
        record=record,
        notes=(*domains.notes, *record.notes),
    )
    if not record.usable:
        return settled
    settled = replace(settled, organizational_domain=domains.organizational_domain(author, needed=False))
    spf, dkim = _aligned(record, author, found.spf, found.dkim, domains)
    settled = replace(settled, dkim_aligned=bool(dkim), spf_aligned=spf)
    if dkim or spf:
        by = f"DKIM of {dkim[0]}" if dkim else f"SPF of {found.spf}"
        policy = domains.choose_policy(source, author, needed=False)
        return replace(settled, status=Status.PASS, policy=policy, reason=f"{by} is aligned with {author}")
    policy = domains.choose_policy(source, author)
    settled = replace(settled, policy=policy)
    open_spf, open_dkim = _aligned(record, author, found.unsettled_spf, found.unsettled_dkim, domains)
    if open_spf or open_dkim:  # another that is not aligned would not help, whatever it is
        return replace(settled, status=Status.TEMPERROR, reason="SPF or DKIM could not be settled now")
    disposition = domains.lower(policy, record)
    return replace(settled, status=Status.FAIL, disposition=disposition, reason=_explain_fail(author, found))


class _Aligned(NamedTuple):
    spf: bool
    dkim: list[str]


def _aligned(
    record: Record, author: str, spf: str | None, dkim: Iterable[str], domains: "_Tree | _Listed"
) -> _Aligned:
    """Which of these identifiers are aligned with the author domain (RFC 9989 §4.4)."""
    return _Aligned(
        spf is not None and domains.are_aligned(spf, author, strict=record.strict_spf),
        [domain for domain in dkim if domains.are_aligned(domain, author, strict=record.strict_dkim)],
    )


def _explain_fail(author: str, found: Identifiers) -> str:
    passed = [f"DKIM of {domain}" for domain in found.dkim] + ([f"SPF of {found.spf}"] if found.spf else [])
    if not passed:
        return "neither SPF nor DKIM passed"
    return f"{', '.join(passed)} passed, not aligned with {author}"


class _Records:
    """The records of `_dmarc` names, asked for once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._answers: dict[str, Answer] = {}
        self.notes: list[str] = []

    def fetch(self, domains: Sequence[str]) -> None:
        """Ask for the records of all `domains` together."""
        missing = [domain for domain in dict.fromkeys(domains) if domain not in self._answers]
        questions = [Question(f"_dmarc.{domain}", RecordType.TXT) for domain in missing]
        if questions:
            self._answers.update(zip(missing, self._resolver.query(questions), strict=True))

    def record(self, domain: str) -> Record | None:
        """The one valid record of `domain`; several are as good as none (RFC 9989 §4.10)."""
        self.fetch([domain])
        answer = self._answers[domain]
        if answer.failed:
            raise _UnsettledError(str(answer))
        texts = [text for text in answer.texts if dmarc_record.is_record(text)]
        if len(texts) > 1:
            note = f"{domain} has {len(texts)} DMARC records, which count as none"
            if note not in self.notes:
                self.notes.append(note)
        return dmarc_record.parse(texts[0]) if len(texts) == 1 else None


@dataclass(slots=True)
class _Walk:
    """The records met from `start` up to where the walk stops, longest name first."""

    start: str
    sources: list[_Source] = field(default_factory=list)

    @property
    def organizational_domain(self) -> str:
        """RFC 9989 §4.10.2."""
        for source in self.sources:
            if source.record.psd == "n":
                return source.domain
            if source.record.psd == "y" and source.domain != self.start:
                labels = self.start.split(".")
                return ".".join(labels[-source.domain.count(".") - 2 :])
        return self.sources[-1].domain if self.sources else self.start


class _Tree(_Records):
    """Policy and organizational domains by the DNS tree walk (RFC 9989 §4.10)."""

    def __init__(self, resolver: Resolver) -> None:
        super().__init__(resolver)
        self._walks: dict[str, _Walk] = {}

    def find_policy(self, author: str) -> _Source | None:
        """The record of the author domain, its organizational domain or its public suffix domain
        (§4.10.1).
        """
        self.fetch(walk_names(author))
        own = self.record(author)
        if own:
            return _Source(author, own)
        walk = self._walk(author)
        by_domain = {source.domain: source for source in walk.sources}
        organizational = walk.organizational_domain
        suffix = organizational.partition(".")[2]
        if organizational in by_domain:
            return by_domain[organizational]
        return by_domain[suffix] if suffix in by_domain and by_domain[suffix].record.psd == "y" else None

    def organizational_domain(self, domain: str, *, needed: bool = True) -> str | None:
        """The organizational domain (§4.10.2), None when a look-up fails and it is not `needed`."""
        try:
            return self._walk(domain).organizational_domain
        except _UnsettledError:
            if needed:
                raise
            return None

    def are_aligned(self, identifier: str, author: str, *, strict: bool) -> bool:
        """§4.4: the same domain, or (relaxed) the same organizational domain."""
        if identifier == author:
            return True
        if strict:
            return False
        organizational = self.organizational_domain(author)
        if identifier != organizational and not identifier.endswith(f".{organizational}"):
            return False  # an organizational domain is the domain itself or stands above it
        return self.organizational_domain(identifier) == organizational

    def choose_policy(self, source: _Source, author: str, *, needed: bool = True) -> Policy:
        """``p`` for the domain itself, ``np`` for a name that does not exist, else ``sp``; ``p`` in their
        stead. When it is not `needed`, a name that cannot be looked up counts as existing.
        """
        record = source.record
        existing = record.sp or record.p
        if source.domain == author:
            return record.p
        if record.np in (None, existing):
            return existing
        answer = ask(self._resolver, author, RecordType.A)
        if answer.failed and needed:
            raise _UnsettledError(f"np= and sp= differ, and does {author} exist? {answer}")
        return record.np if answer.rcode is Rcode.NXDOMAIN and record.np else existing

    def lower(self, policy: Policy, record: Record) -> Policy:
        """One step below in test mode (§4.7, ``t``)."""
        steps = tuple(Policy)
        return steps[max(steps.index(policy) - 1, 0)] if record.testing else policy

    def _walk(self, start: str) -> _Walk:
        if start not in self._walks:
            names = walk_names(start)
            self.fetch(names)
            walk = _Walk(start)
            for name in names:
                record = self.record(name)
                if record:
                    walk.sources.append(_Source(name, record))
                    if record.psd != "u":
                        break
            self._walks[start] = walk
        return self._walks[start]


def walk_names(domain: str) -> list[str]:
    """The names a tree walk asks about, longest first: the domain, then at most seven labels and fewer
    (§4.10).

    >>> walk_names("a.b.c.d.e.f.g.h.i.j.mail.example.com")[:3]
    ['a.b.c.d.e.f.g.h.i.j.mail.example.com', 'g.h.i.j.mail.example.com', 'h.i.j.mail.example.com']
    """
    labels = domain.split(".")
    shorter = labels[1:] if len(labels) < MAX_QUERIES else labels[-MAX_QUERIES + 1 :]
    return [domain, *(".".join(shorter[start:]) for start in range(len(shorter)))]


class _Listed(_Records):
    """Policy and organizational domains as RFC 7489 has them, with a public suffix list."""

    def __init__(self, resolver: Resolver, suffixes: PublicSuffixes) -> None:
        super().__init__(resolver)
        self._suffixes = suffixes

    def find_policy(self, author: str) -> _Source | None:
        """RFC 7489 §6.6.3."""
        organizational = self._suffixes.organizational_domain(author)
        self.fetch([author, organizational])
        for domain in dict.fromkeys([author, organizational]):
            record = self.record(domain)
            if record:
                return _Source(domain, record)
        return None

    def organizational_domain(self, domain: str, *, needed: bool = True) -> str | None:  # noqa: ARG002
        """RFC 7489 §3.2; nothing is asked."""
        return self._suffixes.organizational_domain(domain)

    def are_aligned(self, identifier: str, author: str, *, strict: bool) -> bool:
        """RFC 7489 §3.1."""
        if strict or identifier == author:
            return identifier == author
        return self.organizational_domain(identifier) == self.organizational_domain(author)

    def choose_policy(self, source: _Source, author: str, *, needed: bool = True) -> Policy:  # noqa: ARG002
        """RFC 7489 §6.3: ``sp`` for a subdomain, where it is given."""
        return source.record.p if source.domain == author else source.record.sp or source.record.p

    def lower(self, policy: Policy, record: Record) -> Policy:  # noqa: ARG002
        """RFC 7489 has no test mode; ``pct`` is not drawn."""
        return policy


_ORDER = (Status.PASS, Status.NONE, Status.PERMERROR, Status.TEMPERROR, Status.FAIL)


def _badness(verdict: Verdict) -> tuple[int, int]:
    """A fail with the strictest policy counts most, a pass least."""
    return _ORDER.index(verdict.status), tuple(Policy).index(verdict.disposition)


def _normal(domain: str) -> str:
    domain = domain.removesuffix(".")
    try:
        return to_ascii_domain(domain).lower()
    except DataError:
        return domain.lower()
