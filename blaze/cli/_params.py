"""Parameter types and the bundles of options that several commands share."""

import os
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from blaze.cli._app import App, option
from blaze.core.errors import BlazeError

if TYPE_CHECKING:
    from datetime import datetime

    from blaze.cli._render import Output
    from blaze.core.mail.address import Mailbox
    from blaze.core.net.dns import DNSResolver
    from blaze.core.store.source import Entry

_SECONDS = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """A span of time as `500ms`, `20s`, `2min`, `1h`, or a plain number of seconds; gives seconds."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds, never negative."""
        if isinstance(value, int | float):
            return float(value)
        number = value.rstrip("abcdefghijklmnopqrstuvwxyz")
        try:
            seconds = float(number) * _SECONDS[value[len(number) :].strip() or "s"]
        except (KeyError, ValueError):
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            self.fail(f"{value!r} is no duration such as 500ms, 20s, 2min or 1h", param, ctx)
        return seconds


class Address(click.ParamType["Mailbox"]):
    """A mailbox as `Name <local@domain>` or `local@domain` (RFC 5322 §3.4)."""

    name = "ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Mailbox":
        """The mailbox; anything else is wrong usage."""
        from blaze.core.mail.address import Mailbox, parse_mailbox

        if isinstance(value, Mailbox):
            return value
        try:
            return parse_mailbox(value)
        except BlazeError as error:
            self.fail(error.what, param, ctx)


class Domain(click.ParamType[str]):
    """A domain name; Unicode names become their ASCII form (RFC 5890)."""

    name = "DOMAIN"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name in lower case and ASCII, without a final dot."""
        from blaze.core.mail.address import to_ascii_domain

        try:
            name: str = to_ascii_domain(value.rstrip(".")).lower()
            return name
        except BlazeError as error:
            self.fail(error.what, param, ctx)


class Time(click.ParamType["datetime"]):
    """A moment as RFC 3339 writes it; without a zone it is UTC."""

    name = "RFC3339"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "datetime":
        """An aware datetime."""
        from datetime import UTC, datetime

        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-01-31T12:00:00Z", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Endpoint(click.ParamType[tuple[str | None, int | None]]):
    """`HOST`, `HOST:PORT`, `[IPV6]:PORT` or `:PORT`; gives `(host or None, port or None)`."""

    name = "HOST[:PORT]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | None, int | None]:
        """The host without brackets and the port."""
        if isinstance(value, tuple):
            return value
        host, colon, port = value, "", ""
        if value.startswith("["):
            host, bracket, rest = value[1:].partition("]")
            colon, port = rest[:1], rest[1:]
            if not bracket or (rest and colon != ":"):
                self.fail(f"{value!r} is no address such as [::1]:25", param, ctx)
        elif value.count(":") == 1:
            host, colon, port = value.partition(":")
        if colon and not (port.isascii() and port.isdigit() and int(port) < 65536):
            self.fail(f"{value!r} does not end with a port number", param, ctx)
        return host or None, int(port) if port else None


class Number(click.ParamType[Any]):
    """A number from `low` on, to `high` where there is a limit; a whole one unless it is `float`."""

    name = "NUMBER"

    def __init__(self, low: int, high: int | None = None, *, kind: "type[int] | type[float]" = int) -> None:
        self._low = low
        self._high = float("inf") if high is None else high
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, of the kind that is wanted."""
        try:
            number = self._kind(value)
        except ValueError:
            number = self._low - 1
        if not self._low <= number <= self._high:
            noun = "whole number" if self._kind is int else "number"
            last = "on" if self._high == float("inf") else f"to {self._high}"
            self.fail(f"{value!r} is no {noun} from {self._low} {last}", param, ctx)
        return number


DURATION = Duration()
MAILBOX = Address()
DOMAIN = Domain()
TIME = Time()
ENDPOINT = Endpoint()
PATH = click.Path(readable=False)
"""A FILE. What is wrong with it is found by reading it, so that the others are read all the same."""


def files_argument() -> Callable[[Any], Any]:
    """Add the argument FILE..., messages and stores to read (none means standard input), and `-j`."""

    def decorate(function: Callable[..., Any]) -> Any:
        @click.argument("files", metavar="[FILE]...", nargs=-1, type=PATH)
        @option(
            "-j",
            "--jobs",
            type=Number(0),
            default=1,
            metavar="N",
            help="Share the messages among N processes; 0 takes as many as there are processors.",
        )
        @wraps(function)
        def wrapper(app: App, *, jobs: int, **values: Any) -> Any:
            app.jobs = jobs or os.cpu_count() or 1
            return function(app, **values)

        return wrapper

    return decorate


null_option = option("-0", "--null", is_flag=True, help="End names with NUL instead of a newline.")
"""Add `-0`, for commands that print names; the function gets it as `null`."""


def is_one_of_many(entry: "Entry", files: tuple[str, ...]) -> bool:
    """True when results must say which message of `files` they are about."""
    return len(files) > 1 or (bool(entry.id) and entry.name not in files)


def message_argument() -> Callable[[Any], Any]:
    """The argument FILE: one message to read; `-` or none means standard input."""
    return click.argument("file", metavar="[FILE]", default="-", type=PATH)


class Destination(NamedTuple):
    """Where a command writes its result: a file, or standard output where `path` is None."""

    path: str | None
    force: bool


def output_options(function: Callable[..., Any]) -> Any:
    """Add `-o FILE` and `--force`; the function gets them as `destination`."""

    @option("-o", "--output", metavar="FILE", help="Write to FILE, complete or not at all.")
    @option("--force", is_flag=True, help="Overwrite FILE if it exists.")
    @wraps(function)
    def wrapper(*args: Any, output: str | None, force: bool, **values: Any) -> Any:
        path = None if output in (None, "-") else output
        return function(*args, destination=Destination(path, force), **values)

    return wrapper


def write_result(
    app: App, destination: Destination, chunks: Iterable[bytes], *, total: int | None = None
) -> None:
    """Write the octets of a result where `destination` says, with progress; `total` is their number."""
    with app.out.progress("written", total) as advance:

        def counted() -> Iterator[bytes]:
            for chunk in chunks:
                advance(len(chunk))
                yield chunk

        if destination.path is None:
            app.out.octets(counted())
            return
        from blaze.core.store.atomic import write_file

        write_file(destination.path, counted(), force=destination.force)


def newline_option(default: str | None) -> Callable[[Any], Any]:
    """Add `--newline lf|crlf`; None as default keeps the input's own newlines."""
    said = f"[default: {default}]" if default else "[default: as in the input]"
    return option(
        "--newline",
        type=click.Choice(["lf", "crlf"]),
        default=default,
        help=f"End lines with LF or CRLF.  {said}",
    )


class DNS(NamedTuple):
    """The DNS options of a command; `resolver` makes what answers its questions."""

    nameservers: tuple[str, ...]
    static: str | None
    record: str | None
    offline: bool
    timeout: float

    def resolver(self) -> "DNSResolver":
        """A resolver by these options."""
        from pathlib import Path

        from blaze.core.net.dns import DNSOptions, make_resolver

        return make_resolver(
            DNSOptions(
                nameservers=self.nameservers,
                static=Path(self.static) if self.static else None,
                record=Path(self.record) if self.record else None,
                offline=self.offline,
                timeout=self.timeout,
            )
        )


def dns_options(function: Callable[..., Any]) -> Any:
    """Add the DNS options; the function gets them as `dns`, a `DNS`."""

    @option(
        "-n",
        "--nameserver",
        multiple=True,
        metavar="[udp:|tcp:|tls:]ADDRESS[:PORT]",
        help="Ask this server instead of the system's; may be repeated.",
    )
    @option("--dns-static", metavar="DIR", help="Take answers from the files in DIR first.")
    @option("--dns-record", metavar="DIR", help="Write what was asked and answered into DIR.")
    @option("--offline", is_flag=True, help="Ask nothing; what DIR does not hold does not exist.")
    @option(
        "--dns-timeout",
        type=DURATION,
        default="5s",
        metavar="SECONDS",
        help="Wait so long for an answer.  [default: 5s]",
    )
    @wraps(function)
    def wrapper(
        *args: Any,
        nameserver: tuple[str, ...],
        dns_static: str | None,
        dns_record: str | None,
        offline: bool,
        dns_timeout: float,
        **values: Any,
    ) -> Any:
        _say_warnings(args[0].out)
        dns = DNS(nameserver, dns_static, dns_record, offline, dns_timeout)
        return function(*args, dns=dns, **values)

    return wrapper


def _say_warnings(out: "Output") -> None:
    """Have `out` say what the library logs as a warning."""
    import logging

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            out.warn(record.getMessage())

    logging.getLogger("blaze").handlers = [Handler(logging.WARNING)]


def now_option(function: Callable[..., Any]) -> Any:
    """Add `--now RFC3339`; the function gets `now`, the present time where it is not given."""

    @option("--now", type=TIME, help="Judge as if it were this time.")
    @wraps(function)
    def wrapper(*args: Any, now: "datetime | None", **values: Any) -> Any:
        from datetime import UTC, datetime

        return function(*args, now=now or datetime.now(UTC), **values)

    return wrapper
