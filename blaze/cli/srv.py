"""`blaze srv`, also `smtpd`: a local SMTP server that keeps what it is sent."""

import gc
import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, command, option
from blaze.cli._params import DURATION, ENDPOINT, Number
from blaze.cli._render import VisibleText, visible
from blaze.cli._transport import HELLO, warn_of_readers
from blaze.core.errors import InputOutputError, UsageError

if TYPE_CHECKING:
    from blaze.core.net.arrival import Arrival
    from blaze.core.net.server import Listening
    from blaze.core.net.sink import Sink

PORT = 2525
PATIENCE = 2.0  # seconds that the last events wait for a reader
MAX_WAITING = 1 << 24  # octets of events that wait for a reader; then the server does
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MARKS = {"client": " -> ", "server": "<-  ", "note": "=== "}


class Size(click.ParamType[int]):
    """Octets as `5000`, `10k`, `25M` or `4G` (powers of 1024)."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Octets, never negative."""
        if isinstance(value, int):
            return value
        text = value.lower().removesuffix("b")
        number = text.rstrip("kmgt")
        if not (number.isascii() and number.isdigit()) or text[len(number) :] not in _UNITS:
            self.fail(f"{value!r} is no size such as 5000, 10k, 25M or 4G", param, ctx)
        return int(number) * _UNITS[text[len(number) :]]


class AuthMode(click.ParamType[str]):
    """`none`, `any`, `fail` or `file:FILE`."""

    name = "none|any|fail|file:FILE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The word as it is."""
        if value not in ("none", "any", "fail") and not (value.startswith("file:") and value[5:]):
            self.fail(f"{value!r} is none of none, any, fail and file:FILE", param, ctx)
        return str(value)


@command("srv", reports=True)
@option("-o", "--output", metavar="FILE|DIR/", help="Keep one message in FILE, or each in a file in DIR/.")
@option("--force", is_flag=True, help="Overwrite FILE if it exists.")
@option("--maildir", metavar="DIR", help="Keep messages in a Maildir.")
@option("--mbox", metavar="FILE", help="Keep messages in an mbox.")
@option("--format", "name_format", metavar="F", help="Name files in DIR/ so.  [default: blaze-%s.eml]")
@option("--count", type=Number(1), metavar="N", help="End after so many messages.  [default for FILE: 1]")
@option("-h", "--hostname", type=HELLO, default="localhost", help="The server's name.  [default: localhost]")
@option("--lmtp", is_flag=True, help="Speak LMTP.")
@option("-k", "--key", metavar="FILE", help="The private key (PEM), to offer STARTTLS.")
@option("-c", "--certificate", metavar="FILE", help="The certificate (PEM) with its chain.")
@option("--tls-auto", is_flag=True, help="Offer STARTTLS with a key and certificate made for this run.")
@option("--ca-out", metavar="FILE", help="Write the authority of that certificate to FILE.")
@option("--smtps", is_flag=True, help="Begin with TLS instead of offering STARTTLS.")
@option(
    "--auth",
    type=AuthMode(),
    metavar=AuthMode.name,
    default="none",
    help="Who may log in; FILE has lines user:password.",
)
@option("--max-size", type=Size(), default="4G", help="Octets of a message; 0 is no limit.  [default: 4G]")
@option("--max-messages", type=Number(1), metavar="N", help="Refuse more messages than that.")
@option(
    "--max-connections",
    type=Number(1),
    metavar="N",
    default=400,
    help="Clients at a time.  [default: 400]",
)
@option("--idle-timeout", type=DURATION, default="5min", help="End idle sessions then.  [default: 5min]")
@option("--bare-newline", type=click.Choice(["refuse", "normalize"]), default="refuse",
        help="Refuse messages with bare CR or LF, or make them CRLF.  [default: refuse]")  # fmt: skip
@option("--no-sync", is_flag=True, help="Acknowledge messages before the disk has them.")
@option("--with-data", is_flag=True, help="Print the envelope of each message.")
@option("--port-file", metavar="FILE", help="Write the port to FILE once clients can connect.")
@click.argument("address", metavar="[ADDRESS[:PORT]]", type=ENDPOINT, default="127.0.0.1:2525")
def srv(app: App, *, address: tuple[str | None, int | None], port_file: str | None, **values: Any) -> int:
    """Run a local SMTP server that keeps each message byte for byte.

    It listens on 127.0.0.1:2525; port 0 takes a free one. Beside each file lies its envelope with the
    transcript in a .json; those of a Maildir or mbox lie in PATH.jsonl. Without a destination messages go to
    standard output, or with --json only events do. A message that was acknowledged is on disk.

    It ends with 0 on SIGTERM, with 130 on Ctrl-C, and after the last message of --count.

    \b
    Examples:
      blaze srv -o inbox/
      blaze srv --json --maildir Mail 127.0.0.1:0 --port-file port
      blaze srv --tls-auto --ca-out ca.pem --auth any -o message.eml
    """
    from blaze.core.net.server import serve
    from blaze.core.store.atomic import write_file

    reporter = _Reporter(app, with_data=values["with_data"], prints_messages=_goes_to_stdout(app, values))
    sink = _sink(reporter, values)
    host, port = address
    if host and host.isdigit():
        raise UsageError("a number is no address", where=host, hint=f"Write :{host} for the port.")
    options = _listening(app, host or "127.0.0.1", PORT if port is None else port, values)

    def ready(_: str, chosen: int) -> None:
        if port_file:
            write_file(port_file, [b"%d\n" % chosen], force=True, sync=False)

    trace = reporter.trace if app.out.verbose else None
    # What lives now lives to the end, and sessions leave few cycles: collecting less often saves a tenth.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        interrupted = serve(options, sink, reporter.tell, ready=ready, trace=trace, tick=reporter.tick)
    finally:
        reporter.finish()
    return 130 if interrupted else 0


def _goes_to_stdout(app: App, values: dict[str, Any]) -> bool:
    named = [name for name in ("output", "maildir", "mbox") if values[name] is not None]
    if len(named) > 1:
        raise UsageError(f"--{named[0]} and --{named[1]} are two destinations")
    if values["output"] == "-" and app.out.json:
        raise UsageError("messages and events cannot share standard output")
    return values["output"] == "-" or not (named or app.out.json)


def _sink(reporter: "_Reporter", values: dict[str, Any]) -> "Sink":
    from blaze.core.net import sink

    output, sync = values["output"], not values["no_sync"]
    is_folder = output is not None and (output.endswith("/") or os.path.isdir(output))
    if values["name_format"] is not None and not is_folder:
        raise UsageError("--format names the files of a folder", hint="Name the folder by -o DIR/.")
    if reporter.prints_messages:
        return sink.StreamSink(reporter.write, reporter.head if values["with_data"] else None)
    if is_folder:
        return sink.FolderSink(output, format=values["name_format"] or sink.FORMAT, sync=sync)
    if output is not None:
        values["count"] = values["count"] or 1
        return sink.FileSink(output, force=values["force"], sync=sync)
    if values["maildir"] is not None:
        return sink.MaildirSink(values["maildir"], sync=sync)
    if values["mbox"] is not None:
        return sink.MboxSink(values["mbox"], sync=sync)
    return sink.NoSink()


def _listening(app: App, host: str, port: int, values: dict[str, Any]) -> "Listening":
    from blaze.core.net.server import Listening, is_loopback
    from blaze.core.smtp import ServerOptions

    context, certificate = _tls(app, host, values)
    mechanisms, accounts = _accounts(app, values["auth"])
    smtp = ServerOptions(
        hostname=values["hostname"],
        lmtp=values["lmtp"],
        max_size=values["max_size"] or None,
        starttls=context is not None and not values["smtps"],
        mechanisms=mechanisms,
        require_auth=values["auth"] not in ("none", "any"),
        clear_text_auth=is_loopback(host) or context is None,
        normalize_newlines=values["bare_newline"] == "normalize",
    )
    return Listening(
        host=host,
        port=port,
        smtp=smtp,
        starttls=None if values["smtps"] else context,
        implicit_tls=context if values["smtps"] else None,
        certificate=certificate,
        accounts=accounts,
        max_connections=values["max_connections"],
        max_messages=values["max_messages"],
        idle_timeout=values["idle_timeout"],
        count=values["count"],
        told=_told(app),
    )


def _told(app: App) -> frozenset[str]:
    """The events of which something is printed."""
    from blaze.core.net.server import EVENTS

    if app.out.quiet:
        return frozenset()
    return EVENTS if app.out.json or app.out.verbose else EVENTS - {"connect", "quit"}


def _tls(app: App, host: str, values: dict[str, Any]) -> tuple[Any, bytes | None]:
    """The TLS context and the certificate's DER, where there is to be TLS."""
    from blaze.core.net.certificates import load, make

    key, certificate = values["key"], values["certificate"]
    if values["tls_auto"]:
        if key or certificate:
            raise UsageError("--tls-auto makes the key and the certificate itself")
        name = values["hostname"].strip("[]").removeprefix("IPv6:")
        return make([name, host], values["ca_out"])
    if values["ca_out"]:
        raise UsageError("--ca-out needs --tls-auto")
    if certificate:
        if key:
            warn_of_readers(app, key)
        return load(certificate, key)
    if key or values["smtps"]:
        raise UsageError("TLS needs a certificate", hint="Give -k KEY -c CERT, or --tls-auto.")
    return None, None


def _accounts(app: App, mode: str) -> tuple[tuple[str, ...], Any]:
    from blaze.core.net import accounts

    if mode == "none":
        return (), None
    if mode == "any":
        return accounts.ANYONE_MECHANISMS, accounts.Anyone()
    if mode == "fail":
        return accounts.USER_MECHANISMS, accounts.Users({})
    path = mode.removeprefix("file:")
    users = accounts.read_users(path)
    warn_of_readers(app, path)
    return accounts.USER_MECHANISMS, users


class Outlet:
    """A descriptor written to only when that does not block: a pipe that nobody reads must not stop a server.

    `select.PIPE_BUF` octets fit where poll says that there is room (pipe(7)).
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting = bytearray()
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self.is_terminal = os.isatty(fd)

    def write(self, octets: bytes) -> None:
        """Write octets now, or at the next `write` or `flush` that can."""
        self._waiting += octets
        self.flush()

    def flush(self) -> None:
        """Write what can be written. Raises `BrokenPipeError`."""
        while self._waiting and (len(self._waiting) > MAX_WAITING or self._poll.poll(0)):
            written = os.write(self._fd, self._waiting[: select.PIPE_BUF])
            del self._waiting[:written]

    def finish(self) -> None:
        """Wait a little for a reader, then give up what it did not take."""
        deadline = time.monotonic() + PATIENCE
        while self._waiting and (remaining := deadline - time.monotonic()) > 0:
            self._poll.poll(remaining * 1000)
            self.flush()


class _Reporter:
    """What the user is told: JSON events, or names of messages on standard output and the rest beside it.

    Raises (on creation):
        InputOutputError: standard output is closed, and something is to be printed there.
    """

    def __init__(self, app: App, *, with_data: bool, prints_messages: bool) -> None:
        # The number of a closed descriptor is taken by the next file that is opened, which may hold mail.
        if sys.stdout is None and (prints_messages or not app.out.quiet):
            raise InputOutputError("standard output is closed")
        self.prints_messages = prints_messages
        self._out = app.out
        self._with_data = with_data
        self._results = Outlet(1)
        self._notes = Outlet(2)
        self._text = VisibleText() if self._out.is_terminal else None

    def tell(self, event: dict[str, Any], arrival: "Arrival | None") -> None:
        """Tell an event."""
        if self._out.json:
            if arrival and self._with_data:
                event |= {"hello": arrival.hello.name, "tls": arrival.tls, "user": arrival.identity}
            self._print(json.dumps({"schema": "blaze.srv/1", **event}, ensure_ascii=False) + "\n")
            return
        self._narrate(event)
        if arrival and not self.prints_messages:
            self._print(f"{_envelope(arrival) if self._with_data else ''}{event['path']}\n")

    def _print(self, text: str) -> None:
        if not self._out.quiet:
            shown = visible(text) if self._out.is_terminal else text
            errors = "backslashreplace" if self._out.json else "surrogateescape"
            self._results.write(shown.encode("utf-8", errors))

    def _say(self, text: str) -> None:
        if sys.stderr is not None and not self._out.quiet:
            shown = visible(text) if self._notes.is_terminal else text
            self._notes.write(shown.encode("utf-8", "surrogateescape") + b"\n")

    def tick(self) -> None:
        """Time passes."""
        self._results.flush()
        self._notes.flush()

    def finish(self) -> None:
        """Nothing more is told."""
        self._results.finish()
        self._notes.finish()

    def _narrate(self, event: dict[str, Any]) -> None:
        name, session = event["event"], event["session"]
        if name == "listening":
            self._listening(event)
        elif name == "error":
            self._say(" ".join(filter(None, ("warning:", session, event["what"]))))
        elif not self._out.verbose:
            return
        elif name == "connect":
            self._say(f"{session} connected from {_place(event)}")
        elif name == "mail":
            self._say(f"{session} message of {event['size']} octets taken")
        else:
            self._say(f"{session} ended: {event['reason']}")

    def _listening(self, event: dict[str, Any]) -> None:
        from blaze.core.net.server import is_loopback

        self._say(f"listening on {_place(event)}")
        if not is_loopback(event["host"]):
            self._say("warning: other machines may reach it")

    def trace(self, session: str, who: str, text: str) -> None:
        """Show a line of a dialogue, in the marks of swaks."""
        mark = "<** " if who == "server" and text[:1] in ("4", "5") else _MARKS[who]
        for line in text.split("\n"):
            self._say(f"{session} {mark}{line}")

    def write(self, octets: bytes) -> None:
        """Print octets of a message, on a terminal as text that steers nothing.

        They are not buffered, so that a slow reader holds up nothing but messages.
        """
        from blaze.core.store.atomic import write_all

        write_all(1, self._text.feed(octets) if self._text else octets)

    def head(self, arrival: "Arrival") -> bytes:
        """What is printed before a message."""
        return _envelope(arrival).encode("utf-8", "surrogateescape")


def _place(event: dict[str, Any]) -> str:
    host = event["host"]
    return f"[{host}]:{event['port']}" if ":" in host else f"{host}:{event['port']}"


def _envelope(arrival: "Arrival") -> str:
    recipients = ", ".join(f"<{recipient}>" for recipient in arrival.recipients)
    return (
        f"domain-from: {arrival.hello.name}\n"
        f"from       : <{arrival.transaction.reverse_path}>\n"
        f"recipients : {recipients}\n"
    )
