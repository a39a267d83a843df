"""`blaze hdr` and `blaze addr`: header fields and addresses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from blaze.cli._app import App, command, option
from blaze.cli._params import Number, files_argument
from blaze.core.mail import header
from blaze.core.mail.display import canonical_name, field_lines, is_long, iter_value, mailbox_text, text_of

if TYPE_CHECKING:
    from blaze.core.mail.address import Mailbox
    from blaze.core.store.source import Entry

_ADDRESSES = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")
_PARAMETERIZED = [b"content-type", b"content-disposition"]


class Names(click.ParamType[list[bytes]]):
    """Field names joined by colons, as `Subject:From`."""

    name = "NAME[:NAME]..."

    def convert(
        self, value: str | list[bytes], param: click.Parameter | None, ctx: click.Context | None
    ) -> list[bytes]:
        """The names in lower case."""
        if isinstance(value, list):
            return value
        names = [name.strip() for name in value.split(":")]
        for name in names:
            if not name or not all("!" <= character <= "~" for character in name):
                self.fail(f"{name!r} is no field name", param, ctx)
        return [name.lower().encode() for name in names]


NAMES = Names()


@command("hdr", reports=True)
@option(
    "-h",
    "--header",
    type=NAMES,
    help="Print only these fields; each name stands for one occurrence (-h A:A).",
)
@option("-p", "--param", metavar="PARAM", help="Print this parameter alone, as charset or filename.")
@option("-d", "--decode", is_flag=True, help="Decode encoded words (RFC 2047) to UTF-8.")
@option("-H", "--with-filename", is_flag=True, help="Begin every line with the file's name and a tab.")
@files_argument()
def hdr(
    app: App,
    header: list[bytes] | None,
    param: str | None,
    decode: bool,
    with_filename: bool,
    files: tuple[str, ...],
) -> None:
    """Print the header fields of messages.

    Each FILE may be a message, an mbox, a Maildir, a folder of .eml files or a pack; without one the
    message is read from standard input. Dates are printed as `2017-03-30 15:00:00 +02:00`, addresses one to a
    line. --param looks into Content-Type and Content-Disposition, unless --header names others. The exit
    status is 1 when a message has none of the fields.

    \b
    Examples:
      blaze hdr -d -h subject:from mail.eml
      blaze hdr -h content-type -p charset mail.eml
      blaze hdr -H -h subject ~/Maildir
    """
    for entry in app.messages(files):
        fields = _chosen_fields(entry, header or (_PARAMETERIZED if param else None))
        if app.out.json:
            found = _print_json(app, entry, fields)
        else:
            name = ">" if entry.name == "-" else entry.name
            prefix = f"{name}\t" if with_filename else ""
            found = _print_param(app, fields, param, prefix) if param else _print(app, fields, decode, prefix)
        if not found:
            app.note(1)


def _chosen_fields(entry: "Entry", names: list[bytes] | None) -> Iterator[header.Field]:
    block = header.parse(entry.buffer, entry.start, entry.end)
    if names is None:
        yield from block
    elif len(names) == 1:
        if field := block.get(names[0]):
            yield field
    else:
        wanted = list(names)
        for field in block:
            if field.key in wanted:
                wanted.remove(field.key)
                yield field


def _print(app: App, fields: Iterator[header.Field], decode: bool, prefix: str) -> int:
    count = 0
    for field in fields:
        count += 1
        name = canonical_name(field.name)
        if is_long(field):
            _print_long(app, f"{prefix}{name}: ", field)
            continue
        first, *more = field_lines(field, decode=decode)
        app.out.line(f"{prefix}{name}: {first}" if first else f"{prefix}{name}:")
        for line in more:
            app.out.line(f"{prefix}{' ' * (len(name) + 2)}{line}")
    return count


def _print_long(app: App, label: str, field: header.Field) -> None:
    app.out.text(label)
    for piece in iter_value(field):
        app.out.text(piece)
    app.out.line("")


def _print_param(app: App, fields: Iterator[header.Field], param: str, prefix: str) -> int:
    from blaze.core.mail import mime

    count = 0
    for field in fields:
        value = mime.parse_content_type(field.unfolded_within(2 * mime.MAX_VALUE)).params.get(param.lower())
        if value is not None:
            app.out.line(prefix + value)
            count += 1
    return count


def _print_json(app: App, entry: "Entry", fields: Iterator[header.Field]) -> int:
    from blaze.core.mail import date
    from blaze.core.mail.display import DATE_FIELDS

    rows = []
    for field in fields:
        row = {
            "name": canonical_name(field.name),
            "raw": field.raw.decode("utf-8", "surrogateescape"),
            "value": text_of(field, decode=True),
        }
        if field.key in DATE_FIELDS and (parsed := date.parse(field.unfolded)):
            row["date"] = parsed.to_rfc3339()
        rows.append(row)
    app.out.record("blaze.hdr/1", {"source": entry.name, "headers": rows})
    return len(rows)


@command("addr", reports=True)
@option("-f", "--field", "--fields", type=NAMES, help="Look into these fields too.")
@option("-d", "--decode", is_flag=True, help="Decode encoded words (RFC 2047) to UTF-8.")
@option("--without-name", is_flag=True, help="Print the addresses without the names.")
@option(
    "-m",
    "--margin",
    type=Number(1),
    metavar="WIDTH",
    default=80,
    help="Fold after the name at this width.  [default: 80]",
)
@files_argument()
def addr(
    app: App,
    field: list[bytes] | None,
    decode: bool,
    without_name: bool,
    margin: int,
    files: tuple[str, ...],
) -> None:
    """Print the addresses in the header of messages.

    They are those of From, Sender, Reply-To, To, Cc and Bcc, one a line, in the order of the header; the
    members of groups too. The exit status is 1 when a message has none.

    \b
    Examples:
      blaze addr -d mail.eml
      blaze addr --without-name ~/Maildir | sort -u
      blaze addr -f delivered-to:x-original-to mail.eml
    """
    wanted = frozenset(_ADDRESSES) | frozenset(field or ())
    for entry in app.messages(files):
        count = 0
        for found, mailbox, group in _mailboxes(entry, wanted):
            count += 1
            if app.out.json:
                _print_address_json(app, entry, found, mailbox, group)
            else:
                app.out.text(_address_lines(mailbox, decode, without_name, margin))
        if not count:
            app.note(1)


def _mailboxes(
    entry: "Entry", wanted: frozenset[bytes]
) -> "Iterator[tuple[header.Field, Mailbox, str | None]]":
    from blaze.core.mail import address

    for field in header.parse(entry.buffer, entry.start, entry.end):
        if field.key in wanted:
            for mailbox, group in address.parse_list(field.unfolded).iter_members():
                if mailbox.local_part:
                    yield field, mailbox, group


def _address_lines(mailbox: "Mailbox", decode: bool, without_name: bool, margin: int) -> str:
    if without_name:
        return f"{mailbox.addr_spec}\n"
    line = mailbox_text(mailbox, decode=decode)
    address = f" <{mailbox.addr_spec}>"
    if len(line) <= margin or not line.endswith(address):
        return f"{line}\n"
    return f"{line.removesuffix(address)}\n{address}\n"


def _print_address_json(
    app: App, entry: "Entry", field: header.Field, mailbox: "Mailbox", group: str | None
) -> None:
    app.out.record(
        "blaze.addr/1",
        {
            "source": entry.name,
            "field": canonical_name(field.name),
            "name": mailbox.decoded_name,
            "address": mailbox.addr_spec,
            "group": group,
        },
    )
