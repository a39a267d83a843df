"""`blaze sendmail`: the personality that cron, PHP, git send-email and mutt call."""

import getopt
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._account import (
    LogInOptions,
    configured_account,
    find_log_in,
    find_submission,
    sender_of_account,
    submission_options,
    with_account,
)
from blaze.cli._app import App, Command, command
from blaze.cli._params import DNS
from blaze.cli._sending import deliver, recipients_of, sender_of
from blaze.cli._transport import Connection, EnvelopeId, Notify, make_target
from blaze.core.errors import ConfigurationError, DataError, UsageError

if TYPE_CHECKING:
    from blaze.cli._sending import Job
    from blaze.core.mail.message import Part
    from blaze.core.net.delivery import Courier
    from blaze.core.settings.accounts import Account
    from blaze.core.store.source import Entry

_OPTIONS = "A:B:C:F:GL:N:O:R:UV:X:a:b:f:h:imno:p:r:tv"
_IGNORED = frozenset(["-A", "-B", "-C", "-G", "-L", "-O", "-U", "-X", "-h", "-m", "-n", "-p", "-v"])
_DNS = DNS((), None, None, False, 5.0)
_CONNECTION = Connection(None, False, None, None, None, None, None, None, None, None, False)


@dataclass
class Call:
    """What the command line of a sendmail asks for."""

    recipients: list[str] = field(default_factory=list)
    account: str | None = None
    sender: str | None = None
    full_name: str | None = None
    from_header: bool = False
    dots_are_text: bool = False
    speak_smtp: bool = False
    notify: str | None = None
    ret: str | None = None
    envid: str | None = None


def read_call(args: Sequence[str]) -> Call:
    """Read sendmail's options; those that change nothing here are taken and ignored, as msmtp does.

    Raises:
        UsageError: an unknown option, or a mode that only a mail server has.
    """
    try:
        options, recipients = getopt.gnu_getopt(list(args), _OPTIONS)
    except getopt.GetoptError as error:
        raise UsageError(str(error)) from None
    call = Call(recipients)
    for name, value in options:
        _take_option(call, name, value)
    return call


def _take_option(call: Call, name: str, value: str) -> None:
    match name:
        case "-a":
            call.account = value
        case "-f" | "-r":
            call.sender = "" if value == "<>" else value
        case "-F":
            if any(char < " " or char == "\x7f" for char in value):
                raise UsageError(f"-F {value!r} holds a control character")
            call.full_name = value
        case "-t":
            call.from_header = True
        case "-i":
            call.dots_are_text = True
        case "-o":
            call.dots_are_text = call.dots_are_text or value == "i"
        case "-N":
            call.notify = Notify().convert(value, None, click.get_current_context(silent=True))
        case "-R" if value.upper() in ("FULL", "HDRS"):
            call.ret = value.upper()
        case "-R":
            raise UsageError(f"-R {value} is neither full nor hdrs")
        case "-V":
            call.envid = EnvelopeId().convert(value, None, click.get_current_context(silent=True))
        case "-b" if value in ("m", "s"):
            call.speak_smtp = value == "s"
        case "-b":
            raise UsageError(f"-b{value} is a mode of a mail server", hint="Only -bm and -bs are here.")
        case _:
            assert name in _IGNORED, name


class _Sendmail(Command):
    """A command whose options are sendmail's own: click reads none of them but `--help`.

    The common options can still be set by the environment.
    """

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        for option in self.common:
            assert isinstance(option, click.Option)
            option.hidden = True
        self.common = []

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Everything is left to `read_call`."""
        return super().parse_args(ctx, args if args == ["--help"] else ["--", *args])


@command("sendmail", cls=_Sendmail)
@click.argument("args", metavar="[-t -i -f ADDR -F NAME -bs ...] [RCPT]...", nargs=-1, type=click.UNPROCESSED)
def sendmail(app: App, args: tuple[str, ...]) -> None:
    """Submit the message on standard input, as sendmail does.

    It goes through the account of the configuration (`-a NAME`, else the default one). Fields that are
    missing are added: From, Date, Message-ID. Wrong usage ends with 64.

    \b
      -t            take the recipients from To, Cc and Bcc, and those named beside it too
      -i, -oi       do not end at a line that is a dot alone
      -f ADDR       the reverse-path; -r is the same, <> the null one
      -F NAME       the display name of a From that is added
      -N WHEN       ask for notifications: never, or a list of success, failure, delay
      -R full|hdrs  what they shall hold of the message
      -V TEXT       what they shall call this delivery
      -bs           speak SMTP on standard input and output
    Its options for how a server delivers are taken, and change nothing; modes of a server are refused.

    \b
    Examples:
      blaze sendmail -t -i < mail.eml
      blaze sendmail -f ann@example.org bob@example.com < mail.eml
      git -c sendemail.sendmailCmd='blaze sendmail -i' send-email 0001.patch
    """
    try:
        _submit(app, read_call(args))
    except UsageError as error:
        # Only click's own errors of usage end with 64 here, as sendmail's do.
        what = f"{error.what}\n{error.hint or ''}".rstrip()
        raise click.UsageError(what, click.get_current_context()) from None


def _submit(app: App, call: Call) -> None:
    account = configured_account(call.account)
    if account is None:
        from blaze.core.settings import config_path

        hint = 'Write an [account.NAME] table, and choose one of several by default-account = "NAME".'
        raise ConfigurationError("no account to submit through", where=config_path(os.environ), hint=hint)
    courier = _courier(app, account)
    if not call.speak_smtp:
        deliver(app, "blaze.sendmail/1", iter([_read_job(app, call, account)]), courier)
        return
    from blaze.core.net.stdio import serve

    try:
        serve(courier, lambda size: os.read(0, size), lambda octets: os.write(1, octets))
    finally:
        courier.close()


def _courier(app: App, account: "Account") -> "Courier":
    from blaze.core.net.delivery import HostCourier

    who = LogInOptions(account.name, None, None, None, None, None, False, None)
    server = find_submission(None, account, who)
    insecure = account.tls in ("none", "opportunistic")
    connection = with_account(_CONNECTION._replace(insecure=insecure), account)
    options = submission_options(app, connection, server, find_log_in(who, server, account, connection))
    return HostCourier(make_target(server.host, server.port, _DNS, options.dial), options)


def _read_job(app: App, call: Call, account: "Account") -> "Job":
    """The message on standard input, with its envelope.

    Raises:
        UsageError: no recipient is named.
        DataError: an address is none.
    """
    from blaze.cli._sending import Job
    from blaze.core.mail import message
    from blaze.core.mail.relay import Outgoing
    from blaze.core.net.delivery import own_name
    from blaze.core.net.smtp import Envelope
    from blaze.core.settings.accounts import complete_address
    from blaze.core.store.source import read_whole

    entry = read_whole("-")
    end = entry.end if call.dots_are_text else _end_at_dot(entry)
    part = message.parse(entry.buffer, _start_after_from_line(entry), end)
    domain = account.domain or own_name()
    arguments = [name for argument in call.recipients for name in _read_argument(argument)]
    named = [*arguments, *(recipients_of(app, part, without_domain=True) if call.from_header else ())]
    if not named:
        raise UsageError("no recipient", hint="Name one, or take those of the header with -t.")
    recipients = [address for name in named for address in complete_address(name, account, domain)]
    sender = _sender(call, account, part, domain)
    envelope = Envelope(sender, tuple(dict.fromkeys(recipients)), call.notify, call.ret, call.envid)
    return Job("-", Outgoing(part, _missing_fields(part, call, sender, domain)), envelope, None)


def _start_after_from_line(entry: "Entry") -> int:
    """Where the message begins: after the line that begins a message in an mbox, as procmail passes it on."""
    from blaze.core.store.fromline import MAX_FROM_LINE, parse_from_line

    line, newline, _ = entry.buffer[entry.start : entry.start + MAX_FROM_LINE].partition(b"\n")
    return entry.start + len(line) + 1 if newline and parse_from_line(line) else entry.start


def _read_argument(argument: str) -> list[str]:
    from blaze.core.settings.accounts import read_names

    try:
        return read_names(argument)
    except DataError as error:
        raise UsageError(str(error)) from None


def _sender(call: Call, account: "Account", part: "Part", domain: str) -> str:
    """The reverse-path: that of -f, else the account's, else the header's."""
    if call.sender:
        found = _read_argument(call.sender)
        if len(found) != 1:
            raise UsageError(f"not one address: {call.sender!r}")
        sender = found[0]
    elif call.sender is not None:
        sender = ""
    elif (configured := sender_of_account(account)) is not None:
        sender = configured
    else:
        try:
            sender = sender_of(part, without_domain=True)
        except DataError as error:
            error.hint = "Name one with -f, in From, or as from of the account."
            raise
    return f"{sender}@{domain}" if sender and "@" not in sender else sender


def _end_at_dot(entry: "Entry") -> int:
    """Where the message ends: before a line that is a dot alone."""
    from blaze.core.mail import window

    start = entry.start
    while (found := window.find(entry.buffer, b".", start, entry.end)) >= 0:
        before = entry.buffer[max(entry.start, found - 1) : found]
        after = entry.buffer[found + 1 : min(found + 3, entry.end)]
        if before in (b"", b"\n") and (after in (b"", b"\r\n") or after[:1] == b"\n"):
            return found
        start = found + 1
    return entry.end


def _missing_fields(part: "Part", call: Call, sender: str, domain: str) -> bytes:
    """From, Date and Message-ID, where the header has none (RFC 6409 §8)."""
    import secrets
    from datetime import datetime

    from blaze.core.mail import build
    from blaze.core.mail.address import parse_mailbox, to_ascii_domain

    header = part.header
    fields = []
    if header.get(b"from") is None:
        mailbox = parse_mailbox(sender or f"MAILER-DAEMON@{domain}")
        style = build.Style(utf8=not mailbox.local_part.isascii())
        fields.append(build.addresses("From", [mailbox._replace(display_name=call.full_name)], style))
    if header.get(b"date") is None:
        fields.append(build.date_time("Date", datetime.now().astimezone()))
    if header.get(b"message-id") is None:
        fields.append(
            b"Message-ID: <%b@%b>\n" % (secrets.token_hex(16).encode(), to_ascii_domain(domain).encode())
        )
    return b"".join(fields)
