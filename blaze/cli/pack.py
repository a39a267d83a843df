"""`blaze pack` and `blaze mbox`: archives of messages in packs."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from blaze.cli._app import App, Group, command, option
from blaze.cli._params import PATH, Destination, newline_option, output_options, write_result
from blaze.core.errors import BlazeError, DataError, NoInputError, UsageError

if TYPE_CHECKING:
    from blaze.core.store.pack.archive import Archive
    from blaze.core.store.pack.archivewrite import Archiver
    from blaze.core.store.pack.collect import Collected
    from blaze.core.store.pack.verify import Verified
    from blaze.core.store.source import Found

_HASH_DIGITS = 40


@click.group("pack", cls=Group)
def pack() -> None:
    """Archive messages in packs: each part once, compressed, byte for byte."""


_stems_option = option(
    "--stems/--no-stems",
    default=None,
    help="Add the stems of texts, for 'blaze okapi'.  [default: add them]",
)
_trees_option = option(
    "--trees/--no-trees", default=True, help="Add which message answers which.  [default: add it]"
)
_no_sync_option = option("--no-sync", is_flag=True, help="Do not wait until the disk has everything.")


@pack.command("make", reports=True)
@output_options
@option("--from-list", metavar="FILE", help="Take the names of messages from FILE, one a line; - is stdin.")
@option("-0", "--null", is_flag=True, help="Names in a list end with NUL instead of a newline.")
@_stems_option
@_trees_option
@_no_sync_option
@click.argument("files", metavar="[FILE]...", nargs=-1, type=PATH)
def make(app: App, *, destination: Destination, files: tuple[str, ...], **chosen: Any) -> None:
    """Put messages into a pack, with its index and a manifest beside it.

    Each FILE is a message, an mbox, a Maildir, a folder of .eml or a pack; without any, their names are read
    from standard input. Without -o the pack is named by its hash in the current folder, and its name printed.
    Where the output is a folder of packs, or ends with / or .d, one more pack is put there with what the
    others have not; a message that is there is not put in again.

    \b
    Examples:
      blaze pack make -o archive.pack inbox.mbox
      find ~/Maildir/cur -type f | blaze pack make -o archive.d
    """
    from blaze.core.store import source
    from blaze.core.store.pack.archivewrite import Archiver, Options

    options = Options(
        force=destination.force,
        skip_held=True,
        stems=_wants_stems(app, chosen["stems"]),
        trees=chosen["trees"],
        sync=not chosen["no_sync"],
    )
    names = [*files]
    if chosen["from_list"] is not None or not files:
        names += _read_list(chosen["from_list"] or source.STDIN, null=chosen["null"])
    with Archiver(destination.path, options) as archiver:
        _add_all(app, archiver, source.iter_entries(names))
        path = _finish(app, archiver)
    _report_made(app, archiver, path)


@command("mbox", reports=True)
@output_options
@_stems_option
@_trees_option
@_no_sync_option
@click.argument("file", metavar="FILE", type=PATH)
def mbox(app: App, *, destination: Destination, file: str, **chosen: Any) -> None:
    """Put the messages of an mbox into a pack.

    Without -o the pack is named by its hash in the current folder, and its name printed.

    \b
    Example:
      blaze mbox archive.mbox -o archive.pack
    """
    from blaze.core.store import source
    from blaze.core.store.pack.archivewrite import Archiver, Options

    options = Options(
        force=destination.force,
        stems=_wants_stems(app, chosen["stems"]),
        trees=chosen["trees"],
        sync=not chosen["no_sync"],
    )
    with Archiver(destination.path, options) as archiver:
        _add_all(app, archiver, source.iter_entries([f"mbox:{file}"]))
        path = _finish(app, archiver)
    _report_made(app, archiver, path)


def _wants_stems(app: App, chosen: bool | None) -> bool:
    """What was chosen; else true where there is a stemmer."""
    if chosen is None and find_spec("Stemmer") is None:
        app.out.warn("no stems are added: the package PyStemmer is not installed")
        return False
    return chosen is not False


def _add_all(app: App, archiver: "Archiver", entries: "Iterator[Found]") -> None:
    from blaze.core.store.delivery import of_entry

    with app.out.progress("archived", None) as advance:
        for found in entries:
            if isinstance(found, BlazeError):
                app.report(found)
                continue
            delivery = of_entry(found)
            archiver.add(delivery if delivery.name else delivery._replace(name=os.path.basename(found.path)))
            advance(found.end - found.start)


def _finish(app: App, archiver: "Archiver") -> str | None:
    """Complete the pack, unless nothing at all could be read; its path."""
    return None if app.status and not (archiver.added or archiver.skipped) else archiver.finish()


def _report_made(app: App, archiver: "Archiver", path: str | None) -> None:
    if app.out.json:
        values = {"pack": path, "messages": archiver.added, "present": archiver.skipped}
        app.out.record(f"blaze.{app.command.replace(' ', '.')}/1", values)
    elif archiver.path is None and path is not None:
        app.out.line(path)


def _read_list(path: str, *, null: bool) -> list[str]:
    from blaze.core.store import octets

    content = octets.read(path)
    names = content[:].split(b"\0" if null else b"\n")
    return [os.fsdecode(name) for name in names if name]


@pack.command("index")
@click.argument("path", metavar="PACK", type=PATH)
def index(app: App, path: str) -> None:
    """Make the index of a pack anew, from the pack alone.

    \b
    Example:
      blaze pack index archive.pack
    """
    from blaze.core.store import atomic
    from blaze.core.store.pack import index as pack_index
    from blaze.core.store.pack.packfile import PackFile, read_buffer
    from blaze.core.store.pack.verify import index_rows

    found = PackFile(path, read_buffer(path))
    rows = index_rows(found)
    for fault in found.faults:
        app.report(fault)
    atomic.write_file(pack_index.path_of(path), pack_index.iter_octets(rows, found.trailer), force=True)


@pack.command("list", reports=True)
@click.argument("path", metavar="PACK", type=PATH)
def list_(app: App, path: str) -> None:
    """List the messages of a pack: where each is in it, and its hash.

    \b
    Example:
      blaze pack list archive.pack
    """
    from blaze.core.store.manifest import format_time

    archive = _open(app, path)
    for found in archive.iter_messages():
        if not app.out.json:
            app.out.line(f"{found.offset:08x} {found.id}")
            continue
        record = found.record
        values = {
            "source": f"{path}#{found.id}",
            "id": found.id,
            "pack": found.pack.path,
            "offset": found.offset,
            "newline": record.newline,
            "flags": record.flags,
            "labels": list(record.labels),
            "date": None if record.date_ns is None else format_time(record.date_ns),
            "name": record.name,
        }
        app.out.record("blaze.pack.list/1", values)
    _report_faults(app, archive)


@pack.command("get")
@output_options
@newline_option(None)
@click.argument("path", metavar="PACK", type=PATH)
@click.argument("identifier", metavar="HASH|OFFSET")
def get(app: App, destination: Destination, newline: str | None, path: str, identifier: str) -> None:
    """Print a message of a pack as it was put in; or another object, as it is stored.

    HASH may be cut short, as long as one object begins so. OFFSET is decimal, or hexadecimal after 0x.

    \b
    Example:
      blaze pack get archive.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
    """
    from blaze.core.mail.window import iter_chunks
    from blaze.core.store.pack.objects import MAIL

    archive = _open(app, path)
    name = _find(archive, identifier)
    content = archive.read(name)
    buffer = content.content
    if content.kind == MAIL:
        found = archive.find_message(name)
        buffer = archive.read_message(name, newline or found.record.newline)
    write_result(app, destination, iter_chunks(buffer, 0, len(buffer)))


@pack.command("descr", reports=True)
@click.argument("path", metavar="PACK", type=PATH)
@click.argument("identifier", metavar="HASH|OFFSET")
def descr(app: App, path: str, identifier: str) -> None:
    """Print what a message of a pack is made of: the blobs of its parts, and its documents.

    \b
    Example:
      blaze pack descr archive.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
    """
    from blaze.core.store.pack.describe import as_json, lines

    archive = _open(app, path)
    name = _find(archive, identifier)
    mail = archive.read_mail(name)
    if app.out.json:
        app.out.record("blaze.pack.descr/1", {"source": f"{path}#{name.hex()}", **as_json(mail)})
        return
    for line in lines(mail, utf_8=app.out.utf_8):
        app.out.line(line)


@pack.command("verify", reports=True)
@click.argument("path", metavar="PACK", type=PATH)
def verify(app: App, path: str) -> None:
    """Check every object of a pack, its index and its messages.

    A line for each object: hash, kind, offset, octets in the pack, for a delta its depth, CRC-32, base. What
    is damaged goes to standard error, by name and offset, and the exit status is 65.

    \b
    Example:
      blaze pack verify archive.pack
    """
    from blaze.core.store.pack.verify import verify as verify_archive

    archive = _open(app, path)
    for verified in verify_archive(archive):
        if isinstance(verified, BlazeError):
            app.report(verified)
        else:
            _print_verified(app, path, verified)


def _print_verified(app: App, path: str, found: "Verified") -> None:
    if app.out.json:
        app.out.record("blaze.pack.verify/1", {"source": path, **found.to_json()})
        return
    line = f"{found.name.hex()} {found.kind} {found.offset:9} {found.consumed:8}"
    if found.base:
        app.out.line(f"{line} {found.depth:2} {found.crc:08x} {found.base.hex()}")
    else:
        app.out.line(f"{line}    {found.crc:08x}")


@pack.command("delete", reports=True)
@_no_sync_option
@click.argument("path", metavar="PACK", type=PATH)
@click.argument("identifiers", metavar="HASH...", nargs=-1, required=True)
def delete(app: App, no_sync: bool, path: str, identifiers: tuple[str, ...]) -> None:
    """Delete messages from a pack, with what no other message needs. The pack is made anew.

    \b
    Example:
      blaze pack delete archive.pack 022e1b5e065be5ab2809e3f4048f45f6a233de35
    """
    from blaze.core.store.pack.archivewrite import Options
    from blaze.core.store.pack.collect import collect_garbage
    from blaze.core.store.pack.objects import MAIL

    archive = _open(app, path)
    # What an interrupted deletion left in a manifest alone goes with the manifest, which is made anew.
    names = [_find(archive, one) for one in identifiers if not archive.is_listed_alone(one)]
    for name in names:
        if archive.read(name).kind != MAIL:
            raise UsageError("only messages can be deleted", where=name.hex())
    done = collect_garbage(path, drop=names, options=Options(sync=not no_sync))
    _report_collected(app, done)


@pack.command("gc", reports=True)
@_no_sync_option
@click.argument("path", metavar="PACK", type=PATH)
def gc(app: App, no_sync: bool, path: str) -> None:
    """Make one pack of all packs of a folder, without what no message needs.

    \b
    Example:
      blaze pack gc archive.d
    """
    from blaze.core.store.pack.archivewrite import Options
    from blaze.core.store.pack.collect import collect_garbage

    done = collect_garbage(path, options=Options(sync=not no_sync))
    _report_collected(app, done)


def _report_collected(app: App, done: "Collected") -> None:
    if app.out.json:
        values = {"pack": done.path, "messages": done.messages, "before": done.before, "after": done.after}
        app.out.record(f"blaze.{app.command.replace(' ', '.')}/1", values)
    else:
        app.out.info(f"{done.path}: {done.messages} messages, {done.after} octets, {done.before} before")


def _open(app: App, path: str) -> "Archive":
    from blaze.core.store.pack.archive import open_archive

    archive = open_archive(path)
    for fault in archive.faults:
        app.report(fault)
    if not archive.packs and not archive.faults:
        raise NoInputError("there is no pack in this folder", where=path)
    return archive


def _report_faults(app: App, archive: "Archive") -> None:
    for pack in archive.packs:
        for fault in pack.faults:
            app.report(fault)


def _find(archive: "Archive", identifier: str) -> bytes:
    """The name of the object that the user means: by its hash, the beginning of it, or its offset."""
    names = archive.find_names(identifier)
    if len(names) == 1:
        return names[0]
    if names:
        raise DataError("several objects begin so", where=identifier, hint="Give more digits of the hash.")
    try:
        offset = int(identifier, 0)
    except ValueError:
        offset = -1
    if offset >= 0 and len(identifier) < _HASH_DIGITS and len(archive.packs) == 1:
        pack = archive.packs[0]
        try:
            return pack.read_at(offset).name
        except DataError as error:
            raise DataError(error.what, where=f"{pack.path}:{offset}") from error
    raise NoInputError("there is no such object", where=f"{archive.path}#{identifier}")
