"""SPF: may this client send mail in the name of this domain? (RFC 7208, RFC 8616 §4)

`check` is the check_host() function of RFC 7208 §4. The records' grammar is in `spf_record`, that of macros
in `spf_macro`; `spf_tree` draws a policy without a message, `spf_received` reads and writes Received-SPF.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv6Address
from typing import NamedTuple

from blaze.core.auth import spf_record
from blaze.core.auth.resolver import (
    Address,
    Answer,
    Question,
    RecordType,
    Resolver,
    ask,
    is_domain_name,
)
from blaze.core.auth.spf_macro import (
    Macro,
    MacroContext,
    MacroError,
    MacroString,
    dotted,
    parse_explain_string,
)
from blaze.core.auth.spf_record import ASKING, Kind, Mechanism, Modifier, Record, RecordError
from blaze.core.errors import DataError
from blaze.core.mail.address import to_ascii_domain
from blaze.core.mail.lexer import unquote

MAX_LOOKUPS = 10  # terms that ask the DNS, RFC 7208 §4.6.4
MAX_VOID_LOOKUPS = 2  # terms whose look-ups bring nothing, RFC 7208 §4.6.4
MAX_NAMES = 10  # MX hosts or PTR names of one term, RFC 7208 §4.6.4


class Status(StrEnum):
    """The results of RFC 7208 §2.6, the words of RFC 8601 §2.7.2."""

    NONE = "none"
    NEUTRAL = "neutral"
    PASS = "pass"  # noqa: S105 - a result, no secret
    FAIL = "fail"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Identity(StrEnum):
    """Whose domain was checked (RFC 7208 §2.3, §2.4)."""

    MAIL_FROM = "mailfrom"
    HELO = "helo"


class Step(NamedTuple):
    """One line of a trace: a record found, or a term tried. `lookups` counts up to and with this step."""

    depth: int
    domain: str
    text: str
    outcome: str
    lookups: int


@dataclass(frozen=True, slots=True)
class Result:
    """A verdict. `domain` is the one checked, in A-labels.

    `mechanism` is the term of the outermost record that decided, as written, ``default`` when none did, and
    None where no record could be evaluated. `explanation` is the domain owner's text for a fail: data from a
    stranger. `lookups` and `void_lookups` count terms. `reason` says in words why the result is what it is.
    """

    status: Status
    domain: str
    identity: Identity
    mechanism: str | None
    explanation: str | None
    lookups: int
    void_lookups: int
    reason: str
    trace: tuple[Step, ...]


def check(
    ip: Address,
    sender: str,
    *,
    resolver: Resolver,
    now: datetime,
    helo: str = "",
    receiver: str = "unknown",
    record: bytes | None = None,
) -> Result:
    """Evaluate the policy of the sender's domain for one client (RFC 7208 §4).

    `sender` is the reverse-path without angle brackets; an empty one stands for ``postmaster@helo`` (§2.4),
    one without local-part for ``postmaster`` (§4.3). An IPv4-mapped address is an IPv4 address (§5). `record`
    is tried in place of the record that the domain publishes. `receiver` and `now` are what ``%{r}`` and
    ``%{t}`` give.

    At most `MAX_LOOKUPS` terms ask the DNS, for at most `MAX_NAMES` hosts each; the third term whose look-ups
    bring nothing is a permerror. A domain that is none, or has one label, has the result none. Nothing is
    raised: a DNS failure is temperror.
    """
    identity = Identity.MAIL_FROM if sender else Identity.HELO
    local_part, _, domain = sender.rpartition("@") if sender else ("", "", helo)
    domain = _to_ascii(domain)
    if local_part.startswith('"') and local_part.endswith('"') and len(local_part) > 1:
        local_part = unquote(local_part[1:-1])
    sender = f"{local_part or 'postmaster'}@{domain}"
    client = ip.ipv4_mapped or ip if isinstance(ip, IPv6Address) else ip
    run = _Run(resolver, client, sender, _to_ascii(helo), receiver, int(now.timestamp()))
    try:
        outcome = run.check_host(domain, 0, record)
    except _StopError as stop:
        outcome = _Outcome(stop.status, None, stop.reason, "", None)
    explanation = run.explain(outcome) if outcome.status is Status.FAIL else None
    return Result(
        outcome.status,
        domain,
        identity,
        outcome.mechanism,
        explanation,
        run.lookups,
        run.void_lookups,
        outcome.reason,
        tuple(run.trace),
    )


def find_record(answer: Answer) -> bytes | None:
    """The SPF record among the TXT records of `answer` (RFC 7208 §4.5), None when there is none.

    Raises:
        RecordError: there are several.
    """
    records = [text for text in answer.texts if spf_record.is_record(text)]
    if len(records) > 1:
        raise RecordError(f"{len(records)} SPF records", where=answer.question.name)
    return records[0] if records else None


def is_checkable(domain: str) -> bool:
    """True for a domain name of two labels or more (RFC 7208 §4.3)."""
    return is_domain_name(domain) and "." in domain.removesuffix(".") and not domain.startswith("[")


def _to_ascii(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return to_ascii_domain(domain)
    except DataError:
        return domain


class _StopError(Exception):
    """Ends a run early: an error anywhere inside is the result of the whole (RFC 7208 §5.2, §6.1)."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class _Outcome(NamedTuple):
    status: Status
    mechanism: str | None
    reason: str
    domain: str  # whose record decided
    explanation: Modifier | None


_QUALIFIERS = {"+": Status.PASS, "-": Status.FAIL, "~": Status.SOFTFAIL, "?": Status.NEUTRAL}


@dataclass(slots=True)
class _Run:
    """One evaluation: what is known of the session, and counters."""

    resolver: Resolver
    ip: Address
    sender: str
    helo: str
    receiver: str
    timestamp: int
    lookups: int = 0
    void_lookups: int = 0
    trace: list[Step] = field(default_factory=list)
    _validated: tuple[str, ...] | None = None
    _pointer_void: bool = False

    def check_host(self, domain: str, depth: int, text: bytes | None = None) -> _Outcome:
        """RFC 7208 §4 from the initial processing on; includes and redirects come back here, at most ten
        deep.
        """
        record = self._find_record(domain, text)
        self._note(depth, domain, record.text, "record")
        for mechanism in record.mechanisms:
            inner = self._match(mechanism, domain, depth + 1)
            if inner:
                status = _QUALIFIERS[mechanism.qualifier]
                return _Outcome(status, mechanism.text, inner, domain, record.explanation)
        if record.redirect:
            return self._redirect(record.redirect, domain, depth)
        return _Outcome(Status.NEUTRAL, "default", f"no term of {domain} matches {self.ip}", domain, None)

    def explain(self, outcome: _Outcome) -> str | None:
        """The explanation of a fail, None when there is none to be had (RFC 7208 §6.2)."""
        if outcome.explanation is None:
            return None
        context = self._context(outcome.domain)
        target = context.expand_domain(outcome.explanation.value)
        texts = ask(self.resolver, target, RecordType.TXT).texts
        if len(texts) != 1 or not texts[0].isascii():
            return None
        try:
            return context.expand(parse_explain_string(texts[0].decode("ascii")))
        except MacroError:
            return None

    def _find_record(self, domain: str, text: bytes | None) -> Record:
        if not is_checkable(domain):
            raise _StopError(Status.NONE, f"{domain or 'an empty name'} is no domain that can have a policy")
        found = text if text is not None else self._published(domain)
        if found is None:
            raise _StopError(Status.NONE, f"{domain} has no SPF record")
        try:
            return spf_record.parse(found)
        except RecordError as error:
            hint = f" ({error.hint})" if error.hint else ""
            raise _StopError(Status.PERMERROR, f"{error} in the record of {domain}{hint}") from error

    def _published(self, domain: str) -> bytes | None:
        try:
            return find_record(self._ask(domain, RecordType.TXT))
        except RecordError as error:
            raise _StopError(Status.PERMERROR, str(error)) from error

    def _redirect(self, redirect: Modifier, domain: str, depth: int) -> _Outcome:
        self._count(redirect.text, domain)
        self._note(depth + 1, domain, redirect.text, "followed")
        target = self._context(domain).expand_domain(redirect.value)
        return self._check_other(target, redirect.text, depth)

    def _check_other(self, target: str, term: str, depth: int) -> _Outcome:
        """The result for another domain, which must have a record (RFC 7208 §5.2, §6.1)."""
        try:
            return self.check_host(target, depth + 1)
        except _StopError as stop:
            if stop.status is not Status.NONE:
                raise
            raise _StopError(Status.PERMERROR, f"{term}: {stop.reason}") from stop

    def _match(self, mechanism: Mechanism, domain: str, depth: int) -> str:
        """Why the mechanism matches, or an empty text."""
        if mechanism.kind in ASKING:
            self._count(mechanism.text, domain)
        if mechanism.kind is Kind.INCLUDE:
            return self._include(mechanism, domain, depth)
        matched = self._match_alone(mechanism, domain)
        self._note(depth, domain, mechanism.text, "match" if matched else "no match")
        return f"{self.ip} matches {mechanism.text} of {domain}" if matched else ""

    def _match_alone(self, mechanism: Mechanism, domain: str) -> bool:
        if mechanism.kind is Kind.ALL:
            return True
        if mechanism.network:
            return self.ip in mechanism.network
        if mechanism.domain and self._never_matches(mechanism.domain):
            return False
        target = domain if mechanism.domain is None else self._context(domain).expand_domain(mechanism.domain)
        match mechanism.kind:
            case Kind.A:
                return self._has_address(mechanism, [target])
            case Kind.MX:
                return self._has_address(mechanism, self._exchangers(mechanism, target))
            case Kind.EXISTS:
                return self._exists(mechanism, target)
            case _:
                return self._is_validated_in(mechanism, target)

    def _include(self, mechanism: Mechanism, domain: str, depth: int) -> str:
        assert mechanism.domain
        if self._never_matches(mechanism.domain):
            self._note(depth, domain, mechanism.text, "no match")
            return ""
        self._note(depth, domain, mechanism.text, "followed")
        target = self._context(domain).expand_domain(mechanism.domain)
        outcome = self._check_other(target, mechanism.text, depth)
        matched = outcome.status is Status.PASS
        self._note(depth, domain, mechanism.text, f"{outcome.status}: {'match' if matched else 'no match'}")
        return outcome.reason if matched else ""

    def _has_address(self, mechanism: Mechanism, hosts: Sequence[str]) -> bool:
        """True when an address of a host lies in the client's network (RFC 7208 §5.3, §5.4)."""
        answers = self.resolver.query(
            [Question(host, self._address_type) for host in hosts if is_domain_name(host)]
        )
        prefix = mechanism.prefix4 if self.ip.version == 4 else mechanism.prefix6
        shift = self.ip.max_prefixlen - prefix
        for answer in answers:
            if answer.failed:
                raise _StopError(Status.TEMPERROR, f"{mechanism.text}: {answer}")
            if any(int(address) >> shift == int(self.ip) >> shift for address in answer.addresses):
                return True
        if answers and all(answer.void for answer in answers):
            self._count_void(mechanism)
        return False

    def _exchangers(self, mechanism: Mechanism, target: str) -> list[str]:
        if not is_domain_name(target):
            return []
        answer = self._ask(target, RecordType.MX)
        if answer.void:
            self._count_void(mechanism)
        exchangers = sorted(answer.exchangers)
        if len(exchangers) > MAX_NAMES:
            reason = f"{mechanism.text}: {target} has {len(exchangers)} MX records, more than {MAX_NAMES}"
            raise _StopError(Status.PERMERROR, reason)
        return [exchanger.host for exchanger in exchangers]

    def _exists(self, mechanism: Mechanism, target: str) -> bool:
        """RFC 7208 §5.7: an A record, also for an IPv6 client."""
        if not is_domain_name(target):
            return False
        answer = self._ask(target, RecordType.A)
        if answer.void:
            self._count_void(mechanism)
        return bool(answer.addresses)

    def _is_validated_in(self, mechanism: Mechanism, target: str) -> bool:
        """RFC 7208 §5.5: a validated name of the client is `target` or lies below it."""
        names = self._validated_names()
        if self._pointer_void:
            self._count_void(mechanism)
        return any(_is_within(name, target) for name in names)

    def _validated_names(self) -> tuple[str, ...]:
        """The client's names that lead back to it, of the first ten (RFC 7208 §5.5, §4.6.4); errors skip
        names.
        """
        if self._validated is None:
            zone = "in-addr" if self.ip.version == 4 else "ip6"
            labels = dotted(self.ip).split(".")
            pointer = ".".join([*reversed(labels), zone, "arpa"])
            told = ask(self.resolver, pointer, RecordType.PTR)
            names = [name for name in told.names[:MAX_NAMES] if is_domain_name(name)]
            answers = self.resolver.query([Question(name, self._address_type) for name in names])
            self._pointer_void = told.void or (bool(answers) and all(answer.void for answer in answers))
            self._validated = tuple(answer.question.name for answer in answers if self.ip in answer.addresses)
        return self._validated

    def _name_for_macro(self, domain: str) -> str:
        """``%{p}``: the domain itself, else a name below it, else any validated name (RFC 7208 §7.3)."""
        names = self._validated_names()
        same = (name for name in names if name.lower() == domain.lower())
        below = (name for name in names if _is_within(name, domain))
        return [*same, *below, *names, "unknown"][0]

    def _never_matches(self, parts: MacroString) -> bool:
        """RFC 8616 §4: a local-part that is not ASCII cannot be part of a name."""
        if self.sender.rpartition("@")[0].isascii():
            return False
        return any(isinstance(part, Macro) and part.letter in "sl" for part in parts)

    def _context(self, domain: str) -> MacroContext:
        return MacroContext(
            self.ip,
            self.sender,
            domain,
            self.helo,
            self.receiver,
            self.timestamp,
            lambda: self._name_for_macro(domain),
        )

    @property
    def _address_type(self) -> RecordType:
        return RecordType.A if self.ip.version == 4 else RecordType.AAAA

    def _ask(self, name: str, kind: RecordType) -> Answer:
        answer = ask(self.resolver, name, kind)
        if answer.failed:
            raise _StopError(Status.TEMPERROR, str(answer))
        return answer

    def _count(self, term: str, domain: str) -> None:
        if self.lookups == MAX_LOOKUPS:
            reason = f"{term} of {domain} is look-up {MAX_LOOKUPS + 1}, and {MAX_LOOKUPS} are allowed"
            raise _StopError(Status.PERMERROR, reason)
        self.lookups += 1

    def _count_void(self, mechanism: Mechanism) -> None:
        self.void_lookups += 1
        if self.void_lookups > MAX_VOID_LOOKUPS:
            reason = (
                f"{mechanism.text} is void look-up {self.void_lookups}, and {MAX_VOID_LOOKUPS} are allowed"
            )
            raise _StopError(Status.PERMERROR, reason)

    def _note(self, depth: int, domain: str, text: str, outcome: str) -> None:
        self.trace.append(Step(depth, domain, text, outcome, self.lookups))


def _is_within(name: str, domain: str) -> bool:
    name, domain = name.lower().removesuffix("."), domain.lower().removesuffix(".")
    return name == domain or name.endswith(f".{domain}")
