"""`blaze convert` and `blaze mdir`: stores turned into one another, and a Maildir in a script's hands."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from blaze.cli._app import App, Group, command, option
from blaze.cli._params import Destination, null_option, output_options, write_result
from blaze.core.errors import NoInputError, UsageError

if TYPE_CHECKING:
    from blaze.core.store.convert import Report

_SHOWN = 20  # doubtful places told without -v

_FLAGS = {"seen": "S", "replied": "R", "flagged": "F", "trashed": "T", "passed": "P", "draft": "D"}


@command("convert", reports=True)
@option(
    "--mbox",
    "mbox_kind",
    type=click.Choice(["mboxo", "mboxrd", "mboxcl", "mboxcl2"]),
    help="The kind of mbox to write, or to read when DEST is none.  [default: write mboxrd, read by looking]",
)
@option("--verify", is_flag=True, help="Read back what was written and compare.")
@option(
    "--dedupe",
    type=click.Choice(["none", "raw", "message-id+body"]),
    default="none",
    help="Copy a message once: all its octets, or its Message-ID and body, the same.  [default: none]",
)
@option("--no-sync", is_flag=True, help="Do not wait until the disk has everything.")
@click.argument("source", metavar="SOURCE")
@click.argument("dest", metavar="DEST")
def convert(
    app: App,
    mbox_kind: str | None,
    verify: bool,
    dedupe: str,
    no_sync: bool,
    *,
    source: str,
    dest: str,
) -> None:
    """Copy all messages of one store into another.

    SOURCE is an mbox (compressed too), a Maildir with its folders, a folder of .eml files, a pack, a message
    or `-`. DEST is `mbox:FILE`, `maildir:DIR`, `eml:DIR` or `pack:FILE`; or FILE.mbox, FILE.pack, DIR/, or a
    store that exists. Octets, flags, labels, dates and order are kept.

    Run again, it copies what is missing. A bad message is copied as it is and reported at the end; the exit
    status is then 1. What cannot be read is left out and reported; the exit status says why.

    \b
    Examples:
      blaze convert archive.mbox.gz maildir:Mail
      blaze convert --verify ~/Maildir eml:backup
      blaze convert --mbox mboxcl2 ~/Maildir inbox.mbox
    """
    from blaze.core.store import convert as conversion

    options = conversion.Options(mbox_kind, dedupe, verify, sync=not no_sync)
    with app.out.progress("converted", conversion.total_size(source)) as advance:
        report = conversion.convert(source, dest, options, progress=advance)
    if app.out.json:
        _print_json(app, source, dest, report)
    else:
        _print(app, report)
    for exit_code in (1, *report.exit_codes) if report.problems else ():
        app.note(exit_code)


def _print(app: App, report: "Report") -> None:
    for problem in report.problems:
        place = problem.path if problem.offset is None else f"{problem.path}:{problem.offset}"
        app.out.warn(f"{place}: {problem.reason}")
    shown = len(report.doubts) if app.out.verbose else _SHOWN
    for doubt in report.doubts[:shown]:
        app.out.warn(f"{doubt.path}:{doubt.offset}: {doubt.reason}")
    if len(report.doubts) > shown:
        app.out.warn(f"{len(report.doubts) - shown} more doubtful places; -v tells them all")
    if report.ambiguous_lines:
        lines = _count(report.ambiguous_lines, "line")
        app.out.warn(f"{lines} with '>From ' will read back without the '>' from this kind of mbox")
    parts = [f"{_count(report.copied, 'message')} copied"]
    if report.present:
        parts.append(f"{report.present} there already")
    if report.duplicates:
        parts.append(f"{_count(report.duplicates, 'duplicate')} left out")
    if report.omitted:
        parts.append(f"{report.omitted} deleted left out")
    app.out.line(", ".join(parts))


def _print_json(app: App, source: str, dest: str, report: "Report") -> None:
    app.out.record(
        "blaze.convert/1",
        {
            "source": source,
            "destination": dest,
            "copied": report.copied,
            "present": report.present,
            "duplicates": report.duplicates,
            "deleted": report.omitted,
            "ambiguous_lines": report.ambiguous_lines,
            "problems": [problem._asdict() for problem in report.problems],
            "doubts": [doubt._asdict() for doubt in report.doubts],
        },
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


@click.group("mdir", cls=Group)
def mdir() -> None:
    """List, read and flag the messages of a Maildir."""


_maildir_option = option(
    "-D",
    "--maildir",
    metavar="DIR",
    help="The Maildir, or a Maildir++ folder in one.  [default: $BLAZE_MDIR]",
)
_hostname_option = option(
    "-h",
    "--hostname",
    metavar="HOST",
    help="The host that delivered the message; another one is remarked on.  [default: this host]",
)
_new_option = option("-n", "--new", "is_new", is_flag=True, help="The message is in new, not in cur.")


@mdir.command("new", reports=True)
@_maildir_option
@_hostname_option
@null_option
def new(app: App, maildir: str | None, hostname: str | None, null: bool) -> None:
    """Print the names of the new messages, oldest first.

    The exit status is 1 when there are none.

    \b
    Example:
      blaze mdir new -D ~/Maildir
    """
    from blaze.core.store.maildir import list_files, unique_name

    place = _place(maildir)
    names = list_files(place, "new")
    for name in names:
        if hostname:
            _check_host(name, hostname, tell=app.out.info)
        if app.out.json:
            app.out.record("blaze.mdir.new/1", {"source": f"{place}#{unique_name(name)}", "name": name})
        else:
            app.out.name(name, null=null)
    if not names:
        app.note(1)


@mdir.command("get")
@_maildir_option
@_hostname_option
@_new_option
@output_options
@click.argument("message", metavar="MESSAGE")
def get(
    app: App,
    maildir: str | None,
    hostname: str | None,
    is_new: bool,
    *,
    destination: Destination,
    message: str,
) -> None:
    """Print a message, named as `blaze mdir new` names it, with its flags or without.

    \b
    Example:
      blaze mdir get -D ~/Maildir --new "$(blaze mdir new -D ~/Maildir | tail -n 1)"
    """
    from blaze.core.mail.window import iter_chunks
    from blaze.core.store.source import read_message

    place = _place(maildir)
    _check_host(message, hostname, tell=app.out.warn if hostname else app.out.info)
    entry = read_message(f"eml:{place}/{_find(place, message, is_new=is_new)}")
    write_result(app, destination, iter_chunks(entry.buffer, entry.start, entry.end))


@mdir.command("commit")
@_maildir_option
@_hostname_option
@_new_option
@option("--seen", is_flag=True, help="It has been read.")
@option("--replied", is_flag=True, help="It has been answered.")
@option("--flagged", is_flag=True, help="It is marked as important.")
@option("--trashed", is_flag=True, help="It is to be deleted.")
@option("--passed", is_flag=True, help="It has been forwarded.")
@option("--draft", is_flag=True, help="It is a draft.")
@click.argument("message", metavar="MESSAGE")
def commit(
    app: App, maildir: str | None, hostname: str | None, is_new: bool, *, message: str, **flags: bool
) -> None:
    """Move a message from new to cur, and add flags to it.

    One that is in cur already gets the flags alone. Flags it has stay.

    \b
    Example:
      blaze mdir commit -D ~/Maildir --seen --new "$(blaze mdir new -D ~/Maildir | tail -n 1)"
    """
    from blaze.core.store.maildir import unique_name
    from blaze.core.store.maildirwrite import move

    place = _place(maildir)
    _check_host(message, hostname, tell=app.out.warn if hostname else app.out.info)
    _find(place, message, is_new=is_new)
    letters = "".join(_FLAGS[name] for name, is_set in flags.items() if is_set)
    app.out.info(f"{place}/{move(place, unique_name(message), letters)}")


def _place(maildir: str | None) -> str:
    place = (maildir or os.environ.get("BLAZE_MDIR") or "").rstrip("/")
    if not place:
        raise UsageError("no Maildir is named", hint="Name it by -D DIR or in BLAZE_MDIR.")
    from blaze.core.store.maildir import is_maildir

    if not os.path.isdir(place):
        raise NoInputError("no such Maildir", where=place)
    if not is_maildir(place) and os.access(place, os.X_OK):  # without access, reading tells what is wrong
        raise NoInputError("this is no Maildir: it has neither cur nor new", where=place)
    return place


def _find(place: str, message: str, *, is_new: bool) -> str:
    """The message's path inside the Maildir; with `is_new` it must be in `new`."""
    from blaze.core.store.maildir import find_file, unique_name

    found = find_file(place, unique_name(message))
    if found is None or (is_new and not found.startswith("new/")):
        where = f"{place}/{'new' if is_new else 'cur'}"
        raise NoInputError(f"there is no message {message}", where=where)
    return found


def _check_host(message: str, hostname: str | None, *, tell: Callable[[str], None]) -> None:
    """Say that another host than the one named, or this one, delivered the message."""
    from blaze.core.store.maildir import unique_name
    from blaze.core.store.maildirwrite import host_part

    host = unique_name(message).partition(",")[0].split(".", 2)[-1]
    if host != host_part(hostname or os.uname().nodename):
        tell(f"{message} was delivered by the host {host}")
