"""The options of the commands that make messages, and the values they give."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import option
from blaze.cli._clock import present, source_date_epoch
from blaze.cli._params import newline_option
from blaze.core.errors import DataError, UsageError

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from blaze.core.mail.build import Style
    from blaze.core.mail.heading import Heading, Stamp

ENCODINGS = ("auto", "7bit", "8bit", "binary", "quoted-printable", "base64")


class Line(click.ParamType[str]):
    """Text that may stand in a header field: UTF-8 without CR, LF and NUL."""

    name = "TEXT"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text unchanged."""
        if any(character in value for character in "\r\n\0"):
            self.fail("a line break or NUL in a value", param, ctx)
        if any("\ud800" <= character <= "\udfff" for character in value):
            self.fail("a value that is not UTF-8", param, ctx)
        return value

    def split_envvar_value(self, rv: str) -> list[str]:
        """A variable of the environment holds one value, blanks and all."""
        return [rv]


class Parameter(Line):
    """A MIME parameter as `KEY=VALUE`."""

    name = "KEY=VALUE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text unchanged, once it is known to have both."""
        text = super().convert(value, param, ctx)
        key, equals, _ = text.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not KEY=VALUE", param, ctx)
        return text


class MediaType(Line):
    """A media type as `TYPE/SUBTYPE` (RFC 2045 §5.1), no multipart."""

    name = "TYPE/SUBTYPE"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The type in lower case."""
        from blaze.core.mail import mime

        parsed = mime.parse_content_type(value.encode("utf-8", "surrogateescape"))
        if parsed.defects or parsed.params:
            self.fail(f"{value!r} is no media type such as text/plain", param, ctx)
        if parsed.type == "multipart":
            self.fail("a multipart is made by 'blaze make wrap'", param, ctx)
        return str(parsed)


class When(click.ParamType[str]):
    """`now`, `none`, or a time as RFC 3339 writes it."""

    name = "now|none|RFC3339"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, `now` and `none` in lower case."""
        from datetime import datetime

        if value.lower() in ("now", "none"):
            return value.lower()
        try:
            datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not now, none or a time such as 2026-01-31T12:00:00Z", param, ctx)
        return value


class Zone(click.ParamType["tzinfo"]):
    """A time zone as `+0200`, `-05:30`, `UTC` or a name such as `Europe/Paris`; `-0000` is none known."""

    name = "ZONE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "tzinfo":
        """The zone."""
        from datetime import datetime, timedelta, timezone, tzinfo
        from zoneinfo import ZoneInfo

        if isinstance(value, tzinfo):
            return value
        try:
            if value in _UNKNOWN_OFFSETS:
                return timezone(timedelta(), value)
            if value[:1] in ("+", "-"):
                zone = datetime.strptime(value, "%z").tzinfo
                assert zone is not None
                return zone
            return ZoneInfo({"GMT": "UTC", "Z": "UTC"}.get(value.upper(), value))
        except (ValueError, KeyError, OSError):  # ZoneInfoNotFoundError is a KeyError
            self.fail(f"{value!r} is no zone such as +0200 or Europe/Paris", param, ctx)


LINE = Line()
PARAMETER = Parameter()
MEDIA_TYPE = MediaType()
WHEN = When()
ZONE = Zone()

_UNKNOWN_OFFSETS = ("-0000", "-00:00")  # RFC 5322 §3.3, RFC 3339 §4.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The options for header fields; `date` and `message_id` are `none` where nothing is to be filled in."""

    values: dict[str, Any]
    date: str
    message_id: str
    zone: "tzinfo | None"
    seed: bytes

    def heading(self) -> "Heading":
        """What was said of the header."""
        from blaze.core.mail.heading import Heading

        date = None if self.date in ("now", "none") else _moment(self.date, self.zone)
        message_id = None if self.message_id in ("auto", "none") else self.message_id
        return Heading(date=date, message_id=message_id, **self.values)

    def stamp(self) -> "Stamp":
        """What is to be filled in."""
        from blaze.core.mail.heading import Stamp

        return Stamp(
            now=_now(self.zone) if self.date == "now" else None,
            seed=self.seed if self.message_id == "auto" else None,
        )


def header_options(*, date: str, message_id: str) -> Callable[[Any], Any]:
    """Add the options for header fields; the function gets them as `header`, a `Header`.

    `date` and `message_id` count where the options are not given.
    """
    options = (
        option("--from", type=LINE, multiple=True, metavar="ADDRESSES", help="Who wrote it."),
        option("--to", type=LINE, multiple=True, metavar="ADDRESSES", help="The recipients."),
        option("--cc", type=LINE, multiple=True, metavar="ADDRESSES", help="Who gets a copy."),
        option("--bcc", type=LINE, multiple=True, metavar="ADDRESSES", help="Who gets a copy unseen."),
        option("--reply-to", type=LINE, multiple=True, metavar="ADDRESSES", help="Where answers go."),
        option("--subject", type=LINE, metavar="TEXT", help="What it is about."),
        option("--in-reply-to", type=LINE, multiple=True, metavar="ID", help="The message it answers."),
        option("--references", type=LINE, multiple=True, metavar="ID", help="The messages before it."),
        field_option("Add this header field."),
        option(
            "--date",
            type=WHEN,
            default=date,
            metavar="now|none|RFC3339",
            help=f"The date.  [default: {date}]",
        ),
        option("--zone", type=ZONE, help="The zone of a date without one.  [default: the system's]"),
        _message_id_option(message_id),
        seed_option("--seed"),
    )

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def wrapper(*args: Any, **options: Any) -> Any:
            names = ("to", "cc", "bcc", "reply_to", "subject", "in_reply_to", "references")
            values = {"from_": options.pop("from"), "fields": options.pop("field")}
            values |= {name: options.pop(name) for name in names}
            header = Header(
                values=values,
                date=options.pop("date"),
                message_id=options.pop("message_id"),
                zone=options.pop("zone"),
                seed=options.pop("seed"),
            )
            return function(*args, header=header, **options)

        return _all_of(options)(wrapper)

    return decorate


def _message_id_option(default: str) -> Callable[[Any], Any]:
    text = f"The Message-ID.  [default: {default}]"
    return option("--message-id", type=LINE, default=default, metavar="auto|none|ID", help=text)


def content_options(function: Callable[..., Any]) -> Any:
    """Add `--type`, `-p` and `--encoding`; the function gets `type`, `params` (a dict) and `encoding`."""

    @wraps(function)
    def wrapper(*args: Any, parameter: tuple[str, ...], **options: Any) -> Any:
        return function(*args, params=parameters(parameter), **options)

    return _all_of(
        (
            option("--type", type=MEDIA_TYPE, help="The media type."),
            parameter_option("A parameter of the Content-Type, such as charset=iso-8859-1."),
            option("--encoding", type=click.Choice(ENCODINGS), help="The transfer encoding."),
        )
    )(wrapper)


def parameter_option(text: str) -> Callable[[Any], Any]:
    """Add `-p KEY=VALUE`; the function gets `parameter`, a tuple of texts."""
    return option("-p", "--parameter", type=PARAMETER, multiple=True, help=text)


def field_option(text: str) -> Callable[[Any], Any]:
    """Add `-f "Name: value"`; the function gets `field`, a tuple of texts."""
    return option("-f", "--field", type=LINE, multiple=True, metavar='"NAME: VALUE"', help=text)


def seed_option(*names: str) -> Callable[[Any], Any]:
    """Add `--seed TEXT`; the function gets `seed`, octets: from it, else SOURCE_DATE_EPOCH, else random."""
    return option(
        *names,
        metavar="TEXT",
        callback=lambda _context, _option, value: _seed(value),
        help="Make the same identifiers and boundaries each time.",
    )


def style_options(function: Callable[..., Any]) -> Any:
    """Add `--newline` and `--utf8`; the function gets them as `style`, a `Style`."""

    @wraps(function)
    def wrapper(*args: Any, newline: str, utf8: bool, **options: Any) -> Any:
        from blaze.core.mail.build import Style

        return function(*args, style=Style(b"\r\n" if newline == "crlf" else b"\n", utf8), **options)

    text = "Write UTF-8 in the header instead of encoded words (RFC 6532)."
    return newline_option("lf")(option("--utf8", is_flag=True, help=text)(wrapper))


@contextmanager
def usage_errors() -> Iterator[None]:
    """Inside, data that is wrong is an option that is wrong: exit status 2, not 65."""
    try:
        yield
    except DataError as error:
        raise UsageError(error.what, where=error.where, hint=error.hint) from error


def parameters(texts: tuple[str, ...]) -> dict[str, str]:
    """The parameters that `-p` gives, their names in lower case."""
    return {key.lower(): value for key, _, value in (text.partition("=") for text in texts)}


def fields_of(texts: tuple[str, ...], style: "Style") -> tuple[bytes, ...]:
    """The header fields that `-f` gives, whole."""
    from blaze.core.mail import build

    with usage_errors():
        return tuple(build.parse_field(text, style) for text in texts)


def _all_of(options: tuple[Callable[[Any], Any], ...]) -> Callable[[Any], Any]:
    """One decorator for several options, which the help lists in this order."""

    def decorate(function: Any) -> Any:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


def _seed(text: str | None) -> bytes:
    if text is not None:
        return text.encode("utf-8", "surrogateescape")
    epoch = source_date_epoch()
    if epoch is not None:
        return b"SOURCE_DATE_EPOCH=%d" % epoch
    import secrets

    return secrets.token_bytes(16)


def _moment(text: str, zone: "tzinfo | None") -> "datetime":
    """The time that RFC 3339 text means; without a zone of its own it is in `zone`, or the system's."""
    from datetime import datetime

    moment = datetime.fromisoformat(text)
    if moment.tzinfo and text.endswith(_UNKNOWN_OFFSETS):
        return moment.replace(tzinfo=None)
    return moment if moment.tzinfo else _placed(moment.replace(tzinfo=zone)) if zone else moment.astimezone()


def _now(zone: "tzinfo | None") -> "datetime":
    moment = present()
    return _placed(moment.astimezone(zone)) if zone else moment


def _placed(moment: "datetime") -> "datetime":
    """`moment`, naive where its zone is not known: then it is written so."""
    return moment.replace(tzinfo=None) if moment.tzname() in _UNKNOWN_OFFSETS else moment
