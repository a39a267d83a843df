"""`blaze recv`: the way a message has taken (RFC 5321 §4.4)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, Group, command, option
from blaze.cli._clock import present
from blaze.cli._envelope import WORD, own_name
from blaze.cli._params import (
    Destination,
    files_argument,
    is_one_of_many,
    message_argument,
    newline_option,
    output_options,
)
from blaze.cli._sign import read_signable, write_signed
from blaze.core.errors import BlazeError, UsageError

if TYPE_CHECKING:
    from blaze.core.mail.hops import Hop


@command("extract", reports=True)
@option("-d", "--dot", is_flag=True, help="Print a graph for Graphviz.")
@option(
    "--timeline", is_flag=True, help="Print when each hop was, how long it took, and which clocks are off."
)
@files_argument()
def _extract(app: App, dot: bool, timeline: bool, files: tuple[str, ...]) -> None:
    """Print the hops of messages, oldest first.

    The exit status is 1 when a message has no Received field.

    \b
    Examples:
      blaze recv extract mail.eml
      blaze recv extract --timeline mail.eml
      blaze recv extract -d mail.eml | dot -Tsvg > way.svg
    """
    from blaze.core.mail import header, hops

    if dot and timeline:
        raise UsageError("-d and --timeline are two pictures of the same", hint="Give one of them.")
    for entry in app.messages(files):
        found = hops.trace(header.parse(entry.buffer, entry.start, entry.end))
        if app.out.json:
            app.out.record(
                "blaze.recv.extract/1", {"source": entry.name, "hops": [_row(hop) for hop in found]}
            )
        elif dot:
            for line in _iter_graph(entry.name, found):
                app.out.line(line)
        else:
            many = is_one_of_many(entry, files)
            if timeline and found:
                if many:
                    app.out.line(app.out.style(f"==> {entry.name} <==", "dim"))
                columns = ("hop", "time", "delay", "by", "with", "tls", "note")
                app.out.table(columns, [_timeline_row(number, hop) for number, hop in enumerate(found, 1)])
            for hop in () if timeline else found:
                app.out.line((f"{entry.name}: " if many else "") + _way(hop))
                for means in _means(hop):
                    app.out.line(f"\t{means}")
            if not found and not many:
                app.out.warn(f"{entry.name}: there is no Received field")
        app.note(0 if found else 1)


@command("stamp")
@option(
    "-f", "--from", "source", type=WORD, required=True, metavar="FROM", help="The client's name or address."
)
@option(
    "-h", "--hostname", type=WORD, metavar="HOST", help="The receiving host.  [default: this host's name]"
)
@click.argument("recipient", type=WORD)
@newline_option(None)
@output_options
@message_argument()
def _stamp(
    app: App,
    source: str,
    hostname: str | None,
    recipient: str,
    newline: str | None,
    destination: Destination,
    file: str,
) -> None:
    """Stamp a Received field on a message.

    It is put on top; every octet of the message is kept.

    \b
    Example:
      blaze recv stamp -f mail.example.org -h mx.example.net ann@example.net mail.eml
    """
    from blaze.core.auth import stamp
    from blaze.core.mail import received

    is_address = _is_address(source)
    message = read_signable(file)
    line_end = stamp.newline_of(message.buffer, message.header)
    try:
        value = received.build(
            by=hostname or own_name(),
            date=present(),
            from_=None if is_address else source,
            from_ip=source.strip("[]").removeprefix("IPv6:") if is_address else None,
            for_=recipient,
            newline=line_end,
        )
    except BlazeError as error:
        raise UsageError(error.what, where=error.where, hint=error.hint) from None
    write_signed(app, destination, message, [b"Received: " + value + line_end], newline)


recv = Group("recv", help="Show the way a message has taken, or stamp it.")
for _each in (_extract, _stamp):
    recv.add_command(_each)


def _is_address(text: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(text.strip("[]").removeprefix("IPv6:"))
    except ValueError:
        return False
    return True


def _way(hop: "Hop") -> str:
    told = hop.received
    places = [f"from:{hop.source}"] if hop.source else []
    places += [f"by:{told.by}"] if told.by else []
    places += [f"for:<{told.for_}>"] if told.for_ else []
    return " -> ".join(places) or "(names no server)"


def _means(hop: "Hop") -> list[str]:
    told = hop.received
    return [f"{word} {value}" for word, value in (("with", told.with_), ("via", told.via)) if value]


def _row(hop: "Hop") -> dict[str, Any]:
    told = hop.received
    return {
        "from": told.from_,
        "from_ip": told.from_ip,
        "helo": told.helo,
        "by": told.by,
        "for": told.for_,
        "with": told.with_,
        "via": told.via,
        "id": told.id,
        "tls": {"version": told.tls.version, "cipher": told.tls.cipher} if told.tls else None,
        "date": told.date.to_rfc3339() if told.date else None,
        "delay": hop.delay,
        "defects": [defect.name for defect in told.defects],
    }


def _timeline_row(number: int, hop: "Hop") -> tuple[str, ...]:
    told = hop.received
    notes = []
    if hop.delay is not None and hop.delay < 0:
        notes.append(f"clocks differ by {-hop.delay:.0f} s at least")
    if told.date is None:
        notes.append("no date")
    elif not told.date.zone_known:
        notes.append("the zone is not known")
    encrypted = (told.tls.version or "TLS") if told.tls else ""
    time = told.date.to_rfc3339().replace("T", " ") if told.date else ""
    delay = "" if hop.delay is None else f"{hop.delay:+.0f} s"
    return (str(number), time, delay, told.by or "", told.with_ or "", encrypted, ", ".join(notes))


def _iter_graph(name: str, hops: "list[Hop]") -> Iterator[str]:
    yield f"digraph {_quoted(name)} {{"
    yield "  rankdir=LR;"
    before: str | None = None
    for hop in hops:
        source, target = hop.source or before or "unknown", hop.received.by or "unknown"
        if before is not None and before != source:
            yield f"  {_quoted(before)} -> {_quoted(source)} [style=dashed];"
        label = ", ".join(
            filter(None, (hop.received.with_, None if hop.delay is None else f"{hop.delay:.0f} s"))
        )
        yield f"  {_quoted(source)} -> {_quoted(target)} [label={_quoted(label)}];"
        before = target
    yield "}"


def _quoted(text: str) -> str:
    r"""A string of DOT: a quote gets a backslash, and a backslash would begin an escape such as ``\N``."""
    safe = "".join(character if character >= " " and character != "\x7f" else "?" for character in text)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'
