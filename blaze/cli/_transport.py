"""What the commands that talk to mail servers share: options, envelopes, the report of deliveries."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from blaze.cli._app import App, option
from blaze.cli._envelope import IPAddress
from blaze.cli._params import DNS, DURATION, ENDPOINT
from blaze.core.errors import BlazeError, CannotCreateError, DataError, UsageError

if TYPE_CHECKING:
    from blaze.core.mail.message import Part
    from blaze.core.mail.relay import Outgoing
    from blaze.core.net.delivery import Courier, Delivery, DeliveryOptions, LogIn, Target
    from blaze.core.net.smtp import Envelope, Following
    from blaze.core.net.transcript import Transcript

DIAL_TIMEOUT = 30.0  # seconds
TLS_MODES = ("none", "opportunistic", "starttls", "implicit")


class EnvelopeAddress(click.ParamType[str]):
    """An address of the envelope, `local-part@domain`."""

    name = "ADDRESS"

    def __init__(self, *, may_be_null: bool = False) -> None:
        self._may_be_null = may_be_null

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address without angle brackets; empty for the null reverse-path."""
        from blaze.core.mail.address import parse_mailbox

        if self._may_be_null and value in ("", "<>"):
            return ""
        try:
            return parse_mailbox(value).addr_spec
        except BlazeError as error:
            self.fail(error.what, param, ctx)


class HelloName(click.ParamType[str]):
    """The name that a client says in EHLO: a domain, or an address in brackets."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name in ASCII."""
        from blaze.core.mail.address import to_ascii_domain
        from blaze.core.smtp.grammar import check_domain

        try:
            name: str = value if value.startswith("[") else to_ascii_domain(value)
            check_domain(name)
        except BlazeError as error:
            self.fail(error.what, param, ctx)
        return name


class Pin(click.ParamType[str]):
    """The hash of a certificate, `sha256:HEX`."""

    name = "sha256:HEX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The pin as it is."""
        from blaze.core.net.tls import read_pin

        try:
            read_pin(value)
        except BlazeError as error:
            self.fail(f"{value!r} is {error.what} such as sha256: and 64 hexadecimal digits", param, ctx)
        return str(value)


RECIPIENT = EnvelopeAddress()
SENDER = EnvelopeAddress(may_be_null=True)
HELLO = HelloName()
PIN = Pin()


class Connection(NamedTuple):
    """The connection options of a command, as given."""

    tls: str | None
    tls_verify: bool
    cafile: str | None
    pin: str | None
    tls_cert: str | None
    tls_key: str | None
    timeout: float | None
    family: int | None
    bind: str | None
    proxy: str | None
    insecure: bool


def connection_options(function: Callable[..., Any]) -> Any:
    """Add the connection options; the function gets them as `connection`, a `Connection`."""

    @option("--tls", type=click.Choice(TLS_MODES), help="When to use TLS.")
    @option("--tls-verify", is_flag=True, help="Insist on TLS and on a certificate that holds.")
    @option("--cafile", metavar="FILE", help="Trust the authorities in FILE (PEM) instead of the system's.")
    @option(
        "--pin",
        type=PIN,
        metavar=PIN.name,
        help="Accept the certificate whose DER has this hash, and no other.",
    )
    @option("--tls-cert", metavar="FILE", help="Show the server this certificate (PEM).")
    @option("--tls-key", metavar="FILE", help="The key of that certificate (PEM).")
    @option(
        "--timeout",
        type=DURATION,
        help="Wait so long to connect and for each reply.  [default: 30s, then RFC 5321's]",
    )
    @option("-4", "ipv4", is_flag=True, help="Use IPv4 only.")
    @option("-6", "ipv6", is_flag=True, help="Use IPv6 only.")
    @option("--bind", type=IPAddress(), metavar="ADDRESS", help="Connect from this local address.")
    @option("--proxy", metavar="URL", help="Connect through socks5://[USER:PASSWORD@]HOST[:PORT].")
    @option("--insecure", is_flag=True, help="Let a password go in clear, or a certificate go unverified.")
    @wraps(function)
    def wrapper(*args: Any, ipv4: bool, ipv6: bool, **values: Any) -> Any:
        if ipv4 and ipv6:
            raise UsageError("-4 and -6 exclude each other")
        values["family"] = 4 if ipv4 else 6 if ipv6 else None
        taken = {name: values.pop(name) for name in Connection._fields}
        taken["bind"] = taken["bind"] and str(taken["bind"])
        connection = Connection(**taken)
        _refuse_contradictions(connection)
        return function(*args, connection=connection, **values)

    return wrapper


def _refuse_contradictions(connection: Connection) -> None:
    """Raises UsageError for options of which one would have to be ignored."""
    bound_family = 6 if connection.bind and ":" in connection.bind else 4
    asks = "--tls-verify" if connection.tls_verify else "--pin" if connection.pin else None
    if asks and connection.tls == "none":
        raise UsageError(f"{asks} and --tls none exclude each other")
    if asks and connection.insecure:
        raise UsageError(f"{asks} and --insecure exclude each other")
    if connection.tls_key and not connection.tls_cert:
        raise UsageError("--tls-key needs --tls-cert")
    if connection.tls_cert and connection.tls == "none":
        raise UsageError("--tls-cert and --tls none exclude each other")
    if connection.bind and connection.family not in (None, bound_family):
        raise UsageError(f"-{connection.family} and --bind {connection.bind} exclude each other")
    if connection.proxy and (connection.bind or connection.family):
        raise UsageError("--bind, -4 and -6 are not for a connection that the --proxy makes")


class Notification(NamedTuple):
    """What to ask of the servers: delivery status notifications (RFC 3461), and TLS on the whole way."""

    notify: str | None
    ret: str | None
    envid: str | None
    require_tls: bool = False
    """Ask that TLS is used on the whole way (RFC 8689)."""


NO_NOTIFICATION = Notification(None, None, None)


class Addressed(NamedTuple):
    """What to send, from whom and to whom: as given. Empty `recipients` are those of the header."""

    mail: str
    sender: str | None
    recipients: tuple[str, ...]


def envelope_options(*, sender: str, server: str) -> Callable[[Any], Any]:
    """Add MAIL, the `server`, RCPT... and `-s -r -h`; the function gets `addressed`, `server`, `hostname`.

    `sender` says what the reverse-path is by default.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        @option(
            "-s",
            "--sender",
            type=SENDER,
            help=f"The reverse-path; <> is the null one.  [default: {sender}]",
        )
        @option(
            "-r",
            "--recipient",
            type=RECIPIENT,
            multiple=True,
            help="A recipient; may be repeated.  [default: those of To, Cc, Bcc]",
        )
        @option(
            "-h",
            "--hostname",
            "--helo",
            type=HELLO,
            help="The name to say in EHLO.  [default: the machine's]",
        )
        @click.argument("mail", metavar="[MAIL]", default="-", type=click.Path())
        @click.argument("server", metavar=f"[{server}]", required=False)
        @click.argument("recipients", metavar="[RCPT]...", nargs=-1, type=RECIPIENT)
        @wraps(function)
        def wrapper(
            *args: Any,
            mail: str,
            sender: str | None,
            recipients: tuple[str, ...],
            recipient: tuple[str, ...],
            **values: Any,
        ) -> Any:
            return function(*args, addressed=Addressed(mail, sender, recipients + recipient), **values)

        return wrapper

    return decorate


class Notify(click.ParamType[str]):
    """`never`, or a list of `success`, `failure` and `delay` joined by commas."""

    name = "WHEN[,WHEN]..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The list in upper case."""
        words = value.upper().split(",")
        if words != ["NEVER"] and not {*words} <= {"SUCCESS", "FAILURE", "DELAY"}:
            self.fail(f"{value!r} is neither never nor a list of success, failure, delay", param, ctx)
        return ",".join(words)


def delivery_options(function: Callable[..., Any]) -> Any:
    """Add the further options of `send` and `submit`; those of DSN come as `notification`."""

    @option("--notify", type=Notify(), help="When the server shall report on the delivery (DSN).")
    @option(
        "--ret",
        type=click.Choice(["full", "hdrs"], case_sensitive=False),
        help="What such a report shall hold of the message.",
    )
    @option("--envid", metavar="TEXT", help="What such a report shall call this delivery.")
    @option("--require-tls", is_flag=True, help="Ask for TLS on the whole way, or no delivery (RFC 8689).")
    @option("--no-downgrade", is_flag=True, help="Refuse a message rather than re-encode it for the server.")
    @option(
        "--transcript", metavar="FILE", help="Write the dialogue to FILE, secrets masked; -vv shows it too."
    )
    @option(
        "--quit-after",
        type=click.Choice(["connect", "helo", "tls", "auth", "mail", "rcpt"]),
        help="End the dialogue after this stage; nothing is sent.",
    )
    @wraps(function)
    def wrapper(
        *args: Any,
        notify: str | None,
        ret: str | None,
        envid: str | None,
        require_tls: bool,
        **values: Any,
    ) -> Any:
        notification = Notification(notify, ret.upper() if ret else None, envid, require_tls)
        return function(*args, notification=notification, **values)

    return wrapper


def refuse_less_than_required(connection: Connection, notification: Notification) -> None:
    """Raises UsageError when TLS is required on the whole way, but not on the way to the first server."""
    less = "--tls none" if connection.tls == "none" else "--insecure" if connection.insecure else None
    if notification.require_tls and less:
        raise UsageError(f"--require-tls and {less} exclude each other")


@contextmanager
def transcript_to(app: App, path: str | None) -> "Iterator[Transcript | None]":
    """A transcript that is written to `path` as it happens, or told for -vv; None where none is wanted."""
    if path is None and app.out.verbose < 2:
        yield None
        return
    from blaze.core.net.transcript import Transcript

    if path is None:
        yield Transcript(lambda line: app.out.debug(line.rstrip("\n")))
        return
    if path == "-":
        if app.out.json:
            raise UsageError("the transcript and --json cannot share standard output")
        yield Transcript(lambda line: app.out.line(line.rstrip("\n")))
        return
    try:
        file = open(path, "a", encoding="utf-8", errors="surrogateescape", buffering=1)  # noqa: SIM115
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotCreateError(f"cannot write the transcript: {reason}", where=path) from None
    with file:
        yield Transcript(file.write)


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
            path = addressed.sender if addressed.sender is not None else sender_of(part)
            to = addressed.recipients or recipients_of(part)
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


def sender_of(part: "Part") -> str:
    """The reverse-path that the header implies: Sender, or the first of From."""
    for key in (b"sender", b"from"):
        if found := _addresses(part, key):
            return found[0]
    raise DataError("no sender", hint="Name one with --sender, or in From.")


def recipients_of(part: "Part", *, without_domain: bool = False) -> tuple[str, ...]:
    """The addresses of To, Cc and Bcc, each once; those `without_domain` on demand."""
    keys = (b"to", b"cc", b"bcc")
    found = (address for key in keys for address in _addresses(part, key, without_domain=without_domain))
    return tuple(dict.fromkeys(found))


def _addresses(part: "Part", key: bytes, *, without_domain: bool = False) -> list[str]:
    from blaze.core.mail import address

    return [
        mailbox.addr_spec if mailbox.domain else mailbox.local_part
        for field in part.header.get_all(key)
        for mailbox in address.parse_list(field.unfolded).mailboxes
        if mailbox.domain or without_domain
    ]


def _message_id(part: "Part") -> str | None:
    from blaze.core.mail.ids import parse_message_ids

    field = part.header.get(b"message-id")
    identifiers = parse_message_ids(field.unfolded) if field else []
    return identifiers[0] if identifiers else None


def deliver(app: App, schema: str, jobs: Iterator[Job], courier: "Courier") -> None:
    """Deliver every message and report on each recipient; the worst outcome becomes the command's status."""
    known: set[int] = set()
    try:
        for job, following in _with_following(jobs):
            try:
                deliveries = courier.deliver(job.envelope, job.message, following)
            except DataError as error:
                app.report(error)
                continue
            for delivery in deliveries:
                _report(app, schema, job, delivery, known)
    finally:
        courier.close()


def _with_following(jobs: Iterator[Job]) -> "Iterator[tuple[Job, Following | None]]":
    """Each job, with what will be sent after it."""
    from blaze.core.net.smtp import Following

    current = next(jobs, None)
    while current is not None:
        coming = next(jobs, None)
        yield current, Following(coming.envelope, coming.message) if coming else None
        current = coming


def _report(app: App, schema: str, job: Job, delivery: "Delivery", known: set[int]) -> None:
    error, reply = delivery.error, delivery.reply
    if app.out.json:
        app.out.record(
            schema,
            {
                "source": job.source,
                "message_id": job.message_id,
                "recipient": delivery.recipient,
                "status": delivery.status,
                "code": reply.code or None,
                "enhanced": reply.enhanced,
                "text": reply.text,
                "server": delivery.server,
                "tls": delivery.tls,
            },
        )
    if error is None:
        app.out.info(f"sent to {delivery.recipient} by {delivery.server}: {reply}")
    elif app.out.json or id(error) in known:
        app.note(error.status)
    else:
        known.add(id(error))
        app.report(error)


def dry_run(app: App, jobs: Iterator[Job], options: "DeliveryOptions") -> None:
    """Print the client's lines of the dialogue that would be held; nothing is connected to."""
    from blaze.core.net.delivery import own_name, refusal
    from blaze.core.net.dryrun import DryChannel
    from blaze.core.net.smtp import Session

    first = next(jobs, None)
    if first is None:
        return
    login = options.log_in
    channel = DryChannel(
        app.out.octets,
        lmtp=options.lmtp,
        mechanism=login.mechanism if login else None,
        credentials=login.credentials if login else None,
    )
    session = Session(channel, options.hello or own_name(), lmtp=options.lmtp)
    session.may_change = options.may_change
    session.greet()
    if login:
        session.log_in(login.credentials, login.mechanism, in_clear=True)
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


def make_options(
    app: App,
    connection: Connection,
    *,
    hello: str | None,
    insist: bool,
    tls: str = "opportunistic",
    record: "Transcript | None" = None,
    lmtp: bool = False,
    may_change: bool = True,
    log_in: "LogIn | None" = None,
) -> "DeliveryOptions":
    """How to talk to servers, from the options given; `tls` is used where `--tls` is not."""
    from blaze.core.net.delivery import DeliveryOptions
    from blaze.core.net.dial import DialOptions
    from blaze.core.net.smtp import Timeouts
    from blaze.core.net.tls import TLSOptions

    timeout = connection.timeout
    if connection.tls_key:
        warn_of_readers(app, connection.tls_key)
    return DeliveryOptions(
        hello=hello,
        tls=connection.tls or tls,
        insist=insist,
        tls_options=TLSOptions(
            not connection.insecure,
            connection.cafile,
            connection.pin,
            connection.tls_cert,
            connection.tls_key,
        ),
        dial=DialOptions(
            DIAL_TIMEOUT if timeout is None else timeout, connection.family, connection.bind, connection.proxy
        ),
        timeouts=Timeouts() if timeout is None else Timeouts.all(timeout),
        lmtp=lmtp,
        log_in=log_in,
        may_change=may_change,
        transcript=record,
        warn=app.out.warn,
        inform=app.out.info,
    )


def warn_of_readers(app: App, path: str) -> None:
    """Say that others can read a file of secrets, if they can."""
    from blaze.core.net.accounts import is_readable_by_others

    if is_readable_by_others(path):
        app.out.warn(f"{path} can be read by others; chmod 600 keeps it secret")


def make_target(server: str, port: int, dns: DNS, *, proxy: bool = False) -> "Target":
    """The server that the user named: `HOST[:PORT]`, or the path of a Unix socket, which holds a slash.

    A `proxy` looks the name up itself.
    """
    from blaze.core.net.delivery import Target

    if "/" in server:
        if proxy:
            raise UsageError("no --proxy leads to a Unix socket", where=server)
        return Target("localhost", 0, path=server)
    from blaze.core.mail.address import to_ascii_domain

    host, named = ENDPOINT.convert(server, None, None)
    if host is None:
        raise UsageError("no host", where=server)
    name = host if ":" in host else to_ascii_domain(host)
    addresses = () if proxy else dns.resolver().addresses(name)
    return Target(name, named or port, addresses)


def first_target(job: Job, port: int, dns: DNS) -> "Target":
    """The best mail exchanger of a message's first recipient."""
    from blaze.core.net import mx
    from blaze.core.net.delivery import Target

    resolver = dns.resolver()
    domain = job.envelope.recipients[0].rpartition("@")[2]
    host = mx.find_route(domain, resolver).hosts[0]
    return Target(host, port, mx.find_addresses(host, resolver).addresses)


def probe(
    app: App,
    jobs: Iterator[Job],
    target_of: "Callable[[Job], Target]",
    options: "DeliveryOptions",
    stage: str,
) -> None:
    """Hold the dialogue for the first message up to `stage`, and end it; nothing is sent."""
    from blaze.core.net.delivery import probe as run

    for job in jobs:
        target = target_of(job)
        refusals = run(target, options, job.envelope, stage)
        for refusal in refusals:
            app.report(refusal)
        if not refusals:
            app.out.info(f"nothing is wrong up to {stage}: {target}")
        return
