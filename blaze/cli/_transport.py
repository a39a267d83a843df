"""The options that the commands which talk to mail servers share, and what follows from them."""

import os
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from blaze.cli._app import App, option
from blaze.cli._envelope import IPAddress
from blaze.cli._params import DNS, DURATION, ENDPOINT, PATH
from blaze.core.errors import BlazeError, NoHostError, UsageError

if TYPE_CHECKING:
    from blaze.core.net.delivery import DeliveryOptions, LogIn, Target
    from blaze.core.net.dial import DialOptions
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

    @option(
        "--tls",
        type=click.Choice(TLS_MODES),
        help="Use TLS never, where it is offered, by STARTTLS, or from the start.",
    )
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
        help="Wait so long to connect and for each reply.  [default: 30s to connect, minutes for replies]",
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
        @click.argument("mail", metavar="[MAIL]", default="-", type=PATH)
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


class EnvelopeId(click.ParamType[str]):
    """What a sender calls a delivery: up to 100 octets in the form that they are sent in."""

    name = "TEXT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text as it is."""
        from blaze.core.smtp.grammar import encode_xtext
        from blaze.core.smtp.parameters import MAX_ENVID

        if not (value.isascii() and value.isprintable()):
            self.fail(f"{value!r} is no printable ASCII", param, ctx)
        if len(encode_xtext(value)) > MAX_ENVID:
            self.fail(f"{value!r} is over {MAX_ENVID} octets", param, ctx)
        return str(value)


def delivery_options(function: Callable[..., Any]) -> Any:
    """Add the further options of `send` and `submit`; those of DSN come as `notification`."""

    @option("--notify", type=Notify(), help="When the server shall report on the delivery (DSN).")
    @option(
        "--ret",
        type=click.Choice(["full", "hdrs"], case_sensitive=False),
        help="What such a report shall hold of the message.",
    )
    @option("--envid", type=EnvelopeId(), help="What such a report shall call this delivery.")
    @option("--require-tls", is_flag=True, help="Ask for TLS on the whole way, or no delivery (RFC 8689).")
    @option("--no-downgrade", is_flag=True, help="Refuse a message rather than re-encode it for the server.")
    @option(
        "--transcript", metavar="FILE", help="Append the dialogue to FILE, secrets masked; -vv shows it too."
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


def make_target(server: str, port: int, dns: DNS, dial: "DialOptions") -> "Target":
    """The server that the user named: `HOST[:PORT]`, or the path of a Unix socket, which holds a slash.

    A proxy looks the name up itself.
    """
    from blaze.core.net.delivery import Target

    if "://" in server:
        hint = "Name it as HOST[:PORT]; 'blaze submit' takes a URL."
        raise UsageError("neither a host nor the path of a socket", where=server, hint=hint)
    if "/" in server:
        if dial.proxy or dial.bind or dial.family:
            raise UsageError("--proxy, --bind, -4 and -6 are not for a Unix socket", where=server)
        if os.path.isfile(server) or os.path.isdir(server):
            raise UsageError("not a socket", where=server, hint=_ONE_MAIL)
        return Target("localhost", 0, path=server)
    from blaze.core.mail.address import to_ascii_domain

    host, named = ENDPOINT.convert(server, None, None)
    if host is None:
        raise UsageError("no host", where=server)
    name = host if ":" in host else to_ascii_domain(host)
    try:
        addresses = () if dial.proxy else dns.resolver().addresses(name)
    except NoHostError as error:
        error.hint = error.hint or (_ONE_MAIL if os.path.exists(server) else None)
        raise
    return Target(name, named or port, addresses)


_ONE_MAIL = "This is the place of the server. To send several messages, name the folder or mbox of them."
