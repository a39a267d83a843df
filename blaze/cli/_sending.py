"""What `send`, `submit` and `sendmail` do: envelopes, deliveries and their report, dry runs and probes."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from blaze.cli._app import App
from blaze.cli._params import DNS
from blaze.cli._transport import NO_NOTIFICATION, Addressed, Notification
from blaze.core.errors import BlazeError, CannotCreateError, DataError, UsageError

if TYPE_CHECKING:
    from blaze.core.mail.message import Part
    from blaze.core.mail.relay import Outgoing
    from blaze.core.net.delivery import Courier, Delivery, DeliveryOptions, Target
    from blaze.core.net.smtp import Envelope, Following
    from blaze.core.net.transcript import Transcript


@contextmanager
def transcript_to(app: App, path: str | None, *, dry: bool) -> "Iterator[Transcript | None]":
    """A transcript that is written to `path` as it happens, or told for -vv; None where none is wanted.

    Raises:
        UsageError: it would share standard output with JSON, or with what a `dry` run shows.
    """
    if path is None and app.out.verbose < 2:
        yield None
        return
    from blaze.core.net.transcript import Transcript

    if path is None:
        yield Transcript(lambda line: app.out.debug(line.rstrip("\n")))
        return
    if path == "-":
        if app.out.json or dry:
            other = "the dry run" if dry else "--json"
            raise UsageError(f"the transcript and {other} cannot share standard output")
        yield Transcript(lambda line: app.out.line(line.rstrip("\n")))
        return
    try:
        file = open(path, "a", encoding="utf-8", errors="surrogateescape", buffering=1)  # noqa: SIM115
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotCreateError(f"cannot write the transcript: {reason}", where=path) from None
    with file:
        yield Transcript(file.write)


_MAX_KNOWN = 100  # errors remembered, each told once: one may stand for many messages


class Job(NamedTuple):
    """One message with its envelope."""

    source: str
    message: "Outgoing"
    envelope: "Envelope"
    message_id: str | None


def iter_jobs(app: App, addressed: Addressed, notification: Notification = NO_NOTIFICATION) -> Iterator[Job]:
    """Every message of MAIL with its envelope; what has none is reported and left out."""
    from blaze.core.mail import message
    from blaze.core.mail.relay import Outgoing
    from blaze.core.net.smtp import Envelope

    for entry in app.messages([addressed.mail]):
        part = message.parse(entry.buffer, entry.start, entry.end)
        try:
            path = addressed.sender if addressed.sender is not None else sender_of(part, entry.name)
            to = addressed.recipients or recipients_of(app, part, entry.name)
            if not to:
                raise DataError(
                    "no recipient", where=entry.name, hint="Name one with -r, or in To, Cc or Bcc."
                )
        except BlazeError as error:
            app.report(error)
            continue
        wanted: dict[str, str | None] = {"REQUIRETLS": None} if notification.require_tls else {}
        envelope = Envelope(
            path, to, notification.notify, notification.ret, notification.envid, options=wanted
        )
        yield Job(entry.name, Outgoing(part), envelope, _message_id(part))


def sender_of(part: "Part", where: str = "-", *, without_domain: bool = False) -> str:
    """The reverse-path that the header implies: Sender, or the first of From.

    Raises:
        DataError: neither names an address; `where` is the message's name.
    """
    for key in (b"sender", b"from"):
        if found := _addresses(part, key, without_domain=without_domain):
            return found[0]
    raise DataError("no sender", where=where, hint="Name one with --sender, or in From.")


def recipients_of(
    app: App, part: "Part", where: str = "-", *, without_domain: bool = False
) -> tuple[str, ...]:
    """The addresses of To, Cc and Bcc, each once; those `without_domain` on demand.

    Domains that differ in case alone are one. What is no address is warned about; `where` is the message's
    name.
    """

    def pass_over(text: str) -> None:
        app.out.warn(f"no address, and left out: {text}: {where}")

    keys = (b"to", b"cc", b"bcc")
    found: dict[str, str] = {}
    for key in keys:
        for one in _addresses(part, key, pass_over, without_domain=without_domain):
            local_part, at, domain = one.rpartition("@")
            found.setdefault(f"{local_part}@{domain.lower()}" if at else one, one)
    return tuple(found.values())


def _addresses(
    part: "Part",
    key: bytes,
    pass_over: Callable[[str], object] = lambda _: None,
    *,
    without_domain: bool = False,
) -> list[str]:
    from blaze.core.mail import address

    found = []
    for field in part.header.get_all(key):
        for mailbox, _ in address.parse_list(field.unfolded).iter_members():
            if mailbox.domain or (without_domain and mailbox.local_part):
                found.append(mailbox.addr_spec)
            else:
                pass_over(mailbox.addr_spec or mailbox.display_name or "<>")
    return found


def _message_id(part: "Part") -> str | None:
    from blaze.core.mail.ids import parse_message_ids

    field = part.header.get(b"message-id")
    identifiers = parse_message_ids(field.unfolded) if field else []
    return identifiers[0] if identifiers else None


def deliver(app: App, schema: str, jobs: Iterator[Job], courier: "Courier") -> None:
    """Deliver every message and report on each recipient; the worst outcome becomes the command's status."""
    from blaze.core.net.delivery import undelivered

    known: deque[BlazeError] = deque(maxlen=_MAX_KNOWN)
    try:
        for job, following in _with_following(jobs):
            try:
                deliveries = courier.deliver(job.envelope, job.message, following)
            except DataError as error:
                deliveries = [undelivered(one, error, "") for one in job.envelope.recipients]
            for delivery in _with_source(deliveries, job.source):
                _report(app, schema, job, delivery, known)
    finally:
        courier.close()


def _with_source(deliveries: "list[Delivery]", source: str) -> "Iterator[Delivery]":
    """The deliveries, with the message's name where it is the message that is not fit."""
    from blaze.core.net.delivery import undelivered

    named: dict[int, DataError] = {}
    for delivery in deliveries:
        error = delivery.error
        if isinstance(error, DataError):
            where = ", ".join(filter(None, (source, error.where)))
            same = named.setdefault(id(error), DataError(error.what, where=where, hint=error.hint))
            yield undelivered(delivery.recipient, same, delivery.server)
        else:
            yield delivery


def _with_following(jobs: Iterator[Job]) -> "Iterator[tuple[Job, Following | None]]":
    """Each job, with what will be sent after it."""
    from blaze.core.net.smtp import Following

    current = next(jobs, None)
    while current is not None:
        coming = next(jobs, None)
        yield current, Following(coming.envelope, coming.message) if coming else None
        current = coming


def _report(app: App, schema: str, job: Job, delivery: "Delivery", known: deque[BlazeError]) -> None:
    error, reply = delivery.error, delivery.reply
    if app.out.json:
        app.out.record(
            schema,
            {
                "source": job.source,
                "message_id": job.message_id,
                "recipient": delivery.recipient,
                "status": delivery.status,
                "stage": delivery.command.lower() if delivery.command else None,
                "code": reply.code or None,
                "enhanced": reply.enhanced,
                "text": reply.text,
                "server": delivery.server or None,
                "tls": delivery.tls,
            },
        )
    if error is None:
        app.out.info(f"sent to {delivery.recipient} by {delivery.server}: {reply}")
    elif app.out.json or error in known:
        app.note(error.status)
    else:
        known.append(error)
        if job.source != "-" and delivery.command in ("MAIL", "RCPT", "DATA"):  # what one message got
            error.where = f"{job.source}, {error.where}"
        app.report(error)


def dry_run(app: App, jobs: Iterator[Job], options: "DeliveryOptions", quit_after: str | None) -> None:
    """Print the client's lines of the dialogue that would be held, up to `quit_after` where that is given.

    Nothing is connected to.
    """
    from blaze.core.net.delivery import end_after, own_name, reaches, refusal
    from blaze.core.net.dryrun import DryChannel
    from blaze.core.net.smtp import Session

    if app.out.json:
        raise UsageError("the dialogue of a dry run is no JSON")
    first = next(jobs, None)
    if first is None:
        return
    login = options.log_in if quit_after is None or reaches(quit_after, "auth") else None
    channel = DryChannel(
        lambda octets: app.out.octets([octets]),
        lmtp=options.lmtp,
        record=options.transcript,
        mechanism=login.mechanism if login else None,
        credentials=login.credentials if login else None,
    )
    session = Session(channel, options.hello or own_name(), lmtp=options.lmtp)
    session.may_change = options.may_change
    session.greet()
    if login:
        session.log_in(login.credentials, login.mechanism, in_clear=True)
    if quit_after:
        for error in end_after(quit_after, session, first.envelope, first.message):
            app.report(error)
        return
    for job in chain([first], jobs):
        try:
            outcomes = session.send_message(job.envelope, job.message)
        except DataError as error:
            app.report(error)
            continue
        for outcome in outcomes:
            if not outcome.reply.positive:
                app.report(refusal(outcome, session.server))
    session.quit()


class Plan(NamedTuple):
    """Where a dialogue may be held, the best server first, and with which envelope."""

    targets: "Sequence[Target]"
    envelope: "Envelope"


def plan_by_mx(job: Job, port: int, dns: DNS) -> Plan:
    """The mail exchangers of a message's first recipient, and the recipients of that domain."""
    from dataclasses import replace

    from blaze.core.net import mx
    from blaze.core.net.relaying import MAX_ATTEMPTS, domain_of, target_of

    resolver = dns.resolver()
    domain = domain_of(job.envelope.recipients[0])
    targets: list[Target] = []
    failure: BlazeError | None = None
    for host in mx.find_route(domain, resolver).hosts[:MAX_ATTEMPTS]:
        try:
            targets.append(target_of(host, port, mx.find_addresses(host, resolver)))
        except BlazeError as error:
            failure = error
    if failure and not targets:
        raise failure
    recipients = [one for one in job.envelope.recipients if domain_of(one) == domain]
    return Plan(targets, replace(job.envelope, recipients=recipients))


def probe(
    app: App, jobs: Iterator[Job], plan_of: Callable[[Job], Plan], options: "DeliveryOptions", stage: str
) -> None:
    """Hold the dialogue for the first message up to `stage`, and end it; nothing is sent."""
    from blaze.core.net.delivery import probe as run

    for job in jobs:
        plan = plan_of(job)
        for target in plan.targets:
            try:
                refusals = run(target, options, plan.envelope, job.message, stage)
            except BlazeError as error:  # what `send` would go on after too
                if target is plan.targets[-1]:
                    raise
                app.out.info(f"{error}; trying the next host")
                continue
            for refusal in refusals:
                app.report(refusal)
            if not refusals:
                app.out.info(f"nothing is wrong up to {stage}: {target}")
            return
