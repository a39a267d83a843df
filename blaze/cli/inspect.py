"""`blaze descr`, `iso`, `map`, `crlf` and `rand`: the structure of messages, and their octets rewritten."""

import base64
import binascii
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from blaze.cli._app import App, command, option
from blaze.cli._params import (
    Destination,
    Number,
    files_argument,
    is_one_of_many,
    message_argument,
    newline_option,
    output_options,
    write_result,
)
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    from blaze.core.mail.message import Part

_BOX = ("┌── ", "├── ", "└── ", "│   ", "    ")
_ASCII = (".-- ", "|-- ", "`-- ", "|   ", "    ")


@command("descr", reports=True)
@option("--text", is_flag=True, help="With --json: give each text part decoded to Unicode.")
@files_argument()
def descr(app: App, text: bool, files: tuple[str, ...]) -> None:
    """Print the MIME tree of messages.

    One part a line: multiparts by their subtype, other parts by their type. With --json every part has its
    octet offsets, its parameters, the size and hash of its decoded body, and what is wrong with it.

    \b
    Examples:
      blaze descr mail.eml
      blaze descr --json mail.eml | jq .root.parts[].filename
      blaze descr --json --text mail.eml | jq -r '.. | .text? // empty'
    """
    from blaze.core.mail import message

    for entry in app.messages(files):
        root = message.parse(entry.buffer, entry.start, entry.end)
        if app.out.json:
            from blaze.core.mail.describe import describe

            app.out.record("blaze.descr/1", {"source": entry.name, "root": describe(root, with_text=text)})
            continue
        if is_one_of_many(entry, files):
            app.out.line(f"{entry.name}:")
        for line in tree_lines(root, _BOX if app.out.utf_8 else _ASCII):
            app.out.line(line)


def tree_lines(root: "Part", marks: tuple[str, str, str, str, str]) -> Iterator[str]:
    """The part tree drawn with `marks`: a line for each part, in document order."""
    top, between, last, beside, below = marks
    pending = [(root, "", top if root.parts else last, beside)]
    while pending:
        part, prefix, branch, continued = pending.pop()
        yield prefix + branch + _label(part)
        prefix += continued
        for index, child in enumerate(reversed(part.parts)):
            pending.append((child, prefix, between if index else last, beside if index else below))


def _label(part: "Part") -> str:
    content_type = part.content_type
    if content_type.type == "multipart":
        return content_type.subtype
    return "message" if part.parts else str(content_type)


@command("iso")
@output_options
@message_argument()
def iso(app: App, destination: Destination, file: str) -> None:
    """Take a message apart and put it together again.

    The octets are the same, for every input: what `blaze` knows of a message loses nothing.

    \b
    Example:
      blaze iso mail.eml | cmp - mail.eml
    """
    from blaze.core.mail import message
    from blaze.core.mail.rebuild import rebuild
    from blaze.core.store import source

    entry = source.read_whole(file)
    write_result(app, destination, rebuild(message.parse(entry.buffer, entry.start, entry.end)))


@command("map")
@option("--diff", is_flag=True, help="Print what re-encoding changes, as a unified diff; exit 1 if anything.")
@option("--seed", metavar="TEXT", default="", help="What a new boundary follows from.")
@newline_option("lf")
@output_options
@message_argument()
def map_(app: App, destination: Destination, diff: bool, seed: str, newline: str, file: str) -> int:
    """Decode a message and encode it again into canonical MIME.

    The meaning is the same: texts, attachments and header fields. Lines are folded, 8-bit octets encoded,
    boundaries and parameters written as the standards want them. What is signed is copied.

    \b
    Examples:
      blaze map broken.eml > mended.eml
      blaze map --diff mail.eml
    """
    from blaze.core.mail import message
    from blaze.core.mail.build import Style
    from blaze.core.mail.canonical import canonical
    from blaze.core.store import source

    entry = source.read_message(file)
    root = message.parse(entry.buffer, entry.start, entry.end)
    chunks = canonical(root, seed=seed.encode(), style=Style(b"\r\n" if newline == "crlf" else b"\n"))
    if not diff:
        write_result(app, destination, chunks)
        return 0
    found = _diff(entry.octets, b"".join(chunks), file)
    write_result(app, destination, found)
    return 1 if found else 0


def _diff(before: bytes, after: bytes, name: str) -> list[bytes]:
    from difflib import diff_bytes, unified_diff

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    label = os.fsencode(name)
    return list(diff_bytes(unified_diff, old, new, label, label + b" (canonical)"))


@command("crlf")
@output_options
@message_argument()
def crlf(app: App, destination: Destination, file: str) -> None:
    """End every line of a message with CRLF, as SMTP has it.

    Lines that end with CRLF already stay, and so does a CR alone.

    \b
    Example:
      blaze crlf -o wire.eml mail.eml
    """
    from blaze.core.mail.compose import iter_with_newline
    from blaze.core.mail.window import iter_chunks
    from blaze.core.store import source

    entry = source.read_whole(file)
    chunks = iter_chunks(entry.buffer, entry.start, entry.end)
    write_result(app, destination, iter_with_newline(chunks, b"\r\n"))


@command("rand")
@option("--seed", metavar="BASE64", required=True, help="What the octets follow from.")
@option("--base64", "form", flag_value="base64", default=True, help="Print in base64.  [default]")
@option("--hex", "form", flag_value="hex", help="Print in hexadecimal.")
@option("--raw", "form", flag_value="raw", help="Print the octets themselves.")
@click.argument("length", metavar="LENGTH", type=Number(0))
def rand(app: App, seed: str, form: str, length: int) -> None:
    """Print octets that look random and follow from a seed.

    There are LENGTH of them. The generator is Fortuna's, seeded once and asked once: the same seed gives the
    same octets.

    \b
    Example:
      blaze rand --seed Zm9vYmFy --hex 32
    """
    from blaze.core.auth.fortuna import Generator

    generator = Generator()
    generator.reseed(_decode_seed(seed))
    if form == "raw":
        app.out.octets(generator.iter_octets(length))
        return
    encode = base64.b64encode if form == "base64" else binascii.hexlify
    for piece in _in_multiples_of_three(generator.iter_octets(length)):
        app.out.text(encode(piece).decode("ascii"))
    app.out.line("")


def _decode_seed(seed: str) -> bytes:
    try:
        return base64.b64decode(seed, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"the seed is not base64: {seed}") from error


def _in_multiples_of_three(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets cut so that the base64 of the pieces is that of the whole."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        whole = len(rest) - len(rest) % 3
        yield rest[:whole]
        rest = rest[whole:]
    yield rest
