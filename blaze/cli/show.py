"""`blaze show` and `blaze extract`: a message for a person, and its parts as files."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from blaze.cli._app import App, command, option
from blaze.cli._params import PATH, Number, files_argument, is_one_of_many, null_option
from blaze.core.errors import UsageError
from blaze.core.mail import message
from blaze.core.mail.message import Part

if TYPE_CHECKING:
    from blaze.core.store.attachments import Folder
    from blaze.core.store.source import Entry

_SHOWN = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"date", b"subject")


@command("show", reports=True)
@files_argument()
def show(app: App, files: tuple[str, ...]) -> None:
    """Show messages as a person reads them.

    The main header fields decoded, the best text part (HTML is turned into text), and a list of the parts;
    their numbers are those of `blaze extract --part`.

    \b
    Examples:
      blaze show mail.eml
      blaze show ~/Maildir | less
      blaze show inbox.mbox#3
    """
    first = True
    for entry in app.messages(files):
        root = message.parse(entry.buffer, entry.start, entry.end)
        if app.out.json:
            app.out.record("blaze.show/1", {"source": entry.name, **_record(root)})
            continue
        if not first:
            app.out.line("")
        if is_one_of_many(entry, files):
            app.out.line(app.out.style(f"==> {entry.name} <==", "dim"))
        first = False
        _show(app, root)


def _show(app: App, root: Part) -> None:
    for name, lines in _header_lines(root):
        label = app.out.style(f"{name}:", "bold")
        for line in lines:
            app.out.line(f"{label} {line}")
            label = " " * (len(name) + 1)
    app.out.line("")
    last = ""
    for text in _iter_best_text(root, app.out.width if app.out.is_terminal else 78):
        app.out.text(text)
        last = text[-1:] or last
    if last not in ("", "\n"):
        app.out.line("")
    parts = list(_numbered_parts(root))
    if len(parts) > 1 or parts[0][1].content_type.type != "text":
        app.out.line("")
        for number, part in parts:
            app.out.line(app.out.style(_part_line(number, part), "dim"))


def _header_lines(root: Part) -> Iterator[tuple[str, list[str]]]:
    from blaze.core.mail.display import canonical_name, field_lines

    for field in root.header:
        if field.key in _SHOWN:
            yield canonical_name(field.name), field_lines(field, decode=True)


def _iter_best_text(root: Part, width: int) -> Iterator[str]:
    from blaze.core.mail.text import best_text_part, iter_readable_text

    if part := best_text_part(root):
        yield from iter_readable_text(part, width=width)


def _numbered_parts(root: Part) -> Iterator[tuple[int, Part]]:
    """Every part with its number: from 1, the message itself, in document order."""
    return ((number, part) for number, (_, part) in enumerate(message.walk(root), 1))


def _part_line(number: int, part: Part) -> str:
    name = f" {part.filename}" if part.filename else ""
    if part.parts:
        return f"[{number}] {part.content_type}{name}"
    size = _size(part)
    return f"[{number}] {part.content_type}{name} {size:,} octet{'' if size == 1 else 's'}"


def _size(part: Part) -> int:
    return sum(map(len, part.iter_octets()))


def _record(root: Part) -> dict[str, Any]:
    headers = [{"name": name, "value": "\n".join(lines)} for name, lines in _header_lines(root)]
    parts = [
        {
            "number": number,
            "type": str(part.content_type),
            "filename": part.filename,
            "size": _size(part),
        }
        for number, part in _numbered_parts(root)
    ]
    text = list(_iter_best_text(root, 0))
    return {"headers": headers, "text": "".join(text) if text else None, "parts": parts}


@command("extract", reports=True)
@option(
    "-C",
    "--directory",
    metavar="DIR",
    default=".",
    type=PATH,
    help="Write the files into DIR, which is made if need be.  [default: .]",
)
@option(
    "--part",
    type=Number(1),
    metavar="N",
    help="The part of this number, as `blaze show` lists it.",
)
@option("--all", "everything", is_flag=True, help="Every part that holds no other parts.")
@option("--name", "pattern", metavar="GLOB", help="The parts whose file name matches, letter case aside.")
@null_option
@files_argument()
def extract(
    app: App,
    directory: str,
    part: int | None,
    everything: bool,
    pattern: str | None,
    null: bool,
    files: tuple[str, ...],
) -> None:
    """Write parts of messages to files.

    Without a choice these are the parts that have a file name. The names are made safe: a file is never
    written outside DIR, nor over one that exists. With many messages each has a folder of its own in DIR. The
    files written are printed. The exit status is 1 when a message has no such part.

    \b
    Examples:
      blaze extract -C attachments mail.eml
      blaze extract --name '*.pdf' ~/Maildir
      blaze extract --part 2 mail.eml
    """
    from blaze.core.store.attachments import Folder

    if sum((part is not None, everything, pattern is not None)) > 1:
        raise UsageError("--part, --all and --name exclude one another")
    base = Folder(directory)
    for entry in app.messages(files):
        chosen = _chosen(entry, part, everything, pattern)
        if is_one_of_many(entry, files):
            with base.subfolder(entry.name) as folder:
                count = _extract(app, folder, chosen, entry.name, null)
        else:
            count = _extract(app, base, chosen, entry.name, null)
        if not count:
            app.note(1)


def _chosen(
    entry: "Entry", wanted: int | None, everything: bool, pattern: str | None
) -> Iterator[tuple[int, Part]]:
    root = message.parse(entry.buffer, entry.start, entry.end)
    for number, part in _numbered_parts(root):
        if wanted is not None:
            if number == wanted:
                yield number, part
        elif everything:
            if not part.parts:
                yield number, part
        elif (name := part.filename) and fnmatchcase(name.casefold(), (pattern or "*").casefold()):
            yield number, part


def _extract(app: App, folder: "Folder", chosen: Iterator[tuple[int, Part]], source: str, null: bool) -> int:
    count = 0
    for number, part in chosen:
        count += 1
        chunks = part.iter_raw() if part.parts else part.iter_octets()
        path = folder.write(part.filename or "", chunks, fallback=f"part-{number}{_extension(part)}")
        if app.out.json:
            row = {"source": source, "part": number, "type": str(part.content_type), "path": path}
            app.out.record("blaze.extract/1", row)
        else:
            app.out.name(path, null=null)
    return count


def _extension(part: Part) -> str:
    """A file name extension for a type, with its full stop; `.bin` for one that is not known."""
    import mimetypes

    content_type = part.content_type
    if content_type.type == "message":
        return ".eml"
    return mimetypes.guess_extension(str(content_type)) or (".txt" if content_type.type == "text" else ".bin")
