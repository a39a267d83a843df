"""`blaze make` and its subcommands `wrap`, `put` and `add-field`: messages crafted."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

import click

from blaze.cli._app import App, DefaultGroup, command, option
from blaze.cli._craft import (
    LINE,
    Header,
    content_options,
    field_option,
    fields_of,
    header_options,
    parameter_option,
    parameters,
    seed_option,
    style_options,
    usage_errors,
)
from blaze.cli._params import PATH, Destination, message_argument, output_options, write_result
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from blaze.core.mail.build import Style
    from blaze.core.mail.compose import Leaf, Span
    from blaze.core.mail.content import Content

_STDIN = "-"


@command("make")
@header_options(date="now", message_id="auto")
@content_options
@option("--text", metavar="FILE", type=PATH, help="The text.")
@option("--html", metavar="FILE", type=PATH, help="The text as HTML.")
@option("--attach", metavar="FILE", type=PATH, multiple=True, help="Attach this file.")
@option("--inline", metavar="FILE", type=PATH, multiple=True, help="Add this file for the HTML to show.")
@output_options
@style_options
@click.argument("body", metavar="[BODY]", required=False, type=PATH)
def _make(
    app: App,
    *,
    header: Header,
    type: str | None,  # noqa: A002
    params: dict[str, str],
    encoding: str | None,
    text: str | None,
    html: str | None,
    attach: tuple[str, ...],
    inline: tuple[str, ...],
    body: str | None,
    destination: Destination,
    style: "Style",
) -> None:
    """Make a message.

    The text is read from the file BODY, from --text or standard input, and from --html; both make a
    multipart/alternative. It is UTF-8 unless -p charset=... says otherwise. The HTML shows an --inline file
    as cid:NAME@DOMAIN: the file's name and the domain of the first From address. A field given with -f
    replaces one made here.

    \b
    Examples:
      echo Hello | blaze make --from ann@example.org --to bob@example.org --subject Hi
      blaze make --text a.txt --html a.html --inline logo.png --attach report.pdf -o mail.eml
      blaze make body.txt | blaze make wrap | blaze make put picture.png | blaze send ...
    """
    if text is not None and body is not None:
        raise UsageError("the text is given twice: --text and BODY")
    plain = body if text is None else text
    if plain is None and html is None:
        plain = _STDIN
    if [plain, html, *attach, *inline].count(_STDIN) > 1:
        raise UsageError("standard input can be read only once")
    from blaze.core.mail import compose, content, heading

    said = content.Content(type=type, params=params, encoding=encoding)
    with usage_errors():
        fields = heading.header_fields(header.heading(), header.stamp(), style)
        said = content.said_by_fields(fields, said)
        fields = content.without_mime_fields(fields)
    if plain is None and said.type:
        raise UsageError("there is no text that --type or a Content-Type could be for")
    shown = _attached(app, inline, "inline")
    draft = compose.Draft(
        text=said.text(_source(plain), where=plain) if plain is not None else None,
        html=said.html(_source(html), where=html, alone=plain is None) if html is not None else None,
        inline=content.with_content_ids(shown, heading.domain(fields), header.seed, style),
        attachments=_attached(app, attach, "attachment"),
    )
    seed = compose.seed_of_message(header.seed, fields)
    write_result(app, destination, compose.message(fields, compose.content(draft, seed, style)))


@command("wrap")
@option("--mixed", "subtype", flag_value="mixed", default=True, help="Of independent parts.  [default]")
@option("--alternative", "subtype", flag_value="alternative", help="Of versions of one text.")
@option("--related", "subtype", flag_value="related", help="Of a text and what it shows.")
@option("--parallel", "subtype", flag_value="parallel", help="Of parts to be shown at once.")
@option("--form-data", "subtype", flag_value="form-data", help="Of the fields of a form.")
@option("--report", "subtype", flag_value="report", help="Of a report; -p report-type=... says which.")
@option("--signed", "subtype", flag_value="signed", help="Of what is signed and its signature.")
@option("--boundary", type=LINE, help="What separates the parts.  [default: made from the seed]")
@seed_option("-s", "--seed")
@field_option("Add this header field to the part.")
@parameter_option("A parameter of the multipart's Content-Type.")
@output_options
@style_options
@message_argument()
def _wrap(
    app: App,
    *,
    subtype: str,
    boundary: str | None,
    seed: bytes,
    field: tuple[str, ...],
    parameter: tuple[str, ...],
    file: str,
    destination: Destination,
    style: "Style",
) -> None:
    """Make a message the first part of a multipart.

    The fields that describe its content go down to that part, all others stay as they are.

    \b
    Example:
      blaze make wrap --alternative plain.eml | blaze make put --type text/html page.html
    """
    from blaze.core.mail import compose, edit

    with usage_errors():
        if boundary is not None:
            compose.check_boundary(boundary)
        wrapping = edit.Wrapping(
            subtype=subtype,
            boundary=boundary,
            seed=seed,
            params=parameters(parameter),
            part_fields=fields_of(field, style),
        )
    write_result(app, destination, edit.wrap(_message(file), wrapping, style))


@command("put")
@content_options
@field_option("Add this header field to the part.")
@option("--name", type=LINE, help="The file name that the part gets.  [default: PART's]")
@output_options
@style_options
@click.argument("part", metavar="PART", type=PATH)
@message_argument()
def _put(
    app: App,
    *,
    type: str | None,  # noqa: A002
    params: dict[str, str],
    encoding: str | None,
    field: tuple[str, ...],
    name: str | None,
    part: str,
    file: str,
    destination: Destination,
    style: "Style",
) -> None:
    """Add a part to a multipart message.

    The type of PART is found by libmagic and the transfer encoding chosen, unless they are given. In a
    multipart/mixed the part is an attachment, in a multipart/related it is inline. The message is passed on
    as it comes; only what is added is read first.

    \b
    Example:
      blaze make body.txt | blaze make wrap | blaze make put picture.png
    """
    if part == _STDIN == file:
        raise UsageError("standard input can be read only once")
    from blaze.core.mail import content, edit

    said = content.Content(type=type, params=params, encoding=encoding)
    with usage_errors():
        fields = fields_of(field, style)
        said = content.said_by_fields(fields, said)
    _say_how_types_are_found(app)
    leaf = _file(part, said, name=name, fields=content.without_mime_fields(fields))
    write_result(app, destination, edit.put(_chunks(file), leaf, style))


@command("add-field")
@header_options(date="none", message_id="none")
@content_options
@output_options
@style_options
@message_argument()
def _add_field(
    app: App,
    *,
    header: Header,
    type: str | None,  # noqa: A002
    params: dict[str, str],
    encoding: str | None,
    file: str,
    destination: Destination,
    style: "Style",
) -> None:
    """Put fields in front of a message.

    Its own fields stay, also where one of the same name is added.

    \b
    Example:
      blaze make add-field -f "X-Checked: yes" --date now mail.eml
    """
    if params and type is None:
        raise UsageError("-p needs --type")
    if encoding == "auto":
        raise UsageError("the encoding of a message cannot be chosen by adding a field")
    from blaze.core.mail import build, edit, heading

    with usage_errors():
        fields = heading.header_fields(header.heading(), header.stamp(), style)
        if type is not None:
            fields.append(build.parameters("Content-Type", type, params, style))
        if encoding is not None:
            fields.append(build.structured("Content-Transfer-Encoding", encoding, style))
    if not fields:
        raise UsageError("no field is given", hint="Give one, such as -f 'Subject: Hello'.")
    write_result(app, destination, edit.add_fields(_chunks(file), fields, style))


make = DefaultGroup("make", default=_make)
make.add_command(_wrap)
make.add_command(_put)
make.add_command(_add_field)


def _source(path: str) -> "Span":
    from blaze.core.mail.compose import Span
    from blaze.core.store import octets

    buffer = octets.read(path)
    return Span(buffer, 0, len(buffer))


def _attached(app: App, paths: Sequence[str], disposition: str) -> "list[Leaf]":
    from blaze.core.mail.content import Content

    if paths:
        _say_how_types_are_found(app)
    return [_file(path, Content(), disposition=disposition) for path in paths]


@cache
def _say_how_types_are_found(app: App) -> None:
    from blaze.core.store import filetype

    if not filetype.has_magic():
        app.out.info("libmagic is not installed: types are guessed from file names")


def _file(
    path: str,
    said: "Content",
    *,
    disposition: str | None = None,
    name: str | None = None,
    fields: Sequence[bytes] = (),
) -> "Leaf":
    """The file at `path` as a part; what is not said of it is found by looking into it."""
    from blaze.core.mail import content
    from blaze.core.store import filetype

    source = _source(path)
    if name is None and path != _STDIN:
        name = PurePath(path).name
    if name and any(character in name for character in "\r\n"):
        raise UsageError("a line break in a file name", where=repr(path))
    found = filetype.guess(source.head(filetype.HEAD), name or "", said.type)
    params = {"charset": found.charset, **said.params} if found.charset else said.params
    media_type = said.type or content.transportable(source, found.media_type)
    known = replace(said, type=media_type, params=params)
    leaf = content.file(source, known, name=name, disposition=disposition)
    return replace(leaf, fields=tuple(fields))


def _message(file: str) -> "Span":
    from blaze.core.mail.compose import Span
    from blaze.core.store import source

    entry = source.read_message(file)
    return Span(entry.buffer, entry.start, entry.end)


def _chunks(file: str) -> Iterable[bytes]:
    """The octets of one message; standard input is handed on as it comes."""
    from blaze.core.store import octets

    return octets.iter_stdin() if file == _STDIN else _message(file)
