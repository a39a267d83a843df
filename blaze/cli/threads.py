"""`blaze threads`, `rowex` and `okapi`: who answers whom, the index of Message-IDs, and BM25 over packs."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from blaze.cli import _index
from blaze.cli._app import App, Group, command, option
from blaze.cli._params import Number, null_option
from blaze.core.errors import NoInputError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from blaze.core.errors import BlazeError
    from blaze.core.search.threads import Letter, Row, Thread

_BOX = ("├── ", "└── ", "│   ", "    ")
_ASCII = ("|-- ", "`-- ", "|   ", "    ")
_MAX_INDENT = 40  # levels that are drawn; deeper answers stand under one another


@command("threads", reports=True)
@option("--index", "index_path", metavar="PATH", help="The index for QUERY.  [default: $BLAZE_INDEX]")
@option("--in", "source", metavar="SOURCE", help="Use the index of SOURCE for QUERY.")
@option("--why", is_flag=True, help="Tell which field makes each message an answer.")
@option("--by-subject", is_flag=True, help="Join replies that name no message by their subject.")
@click.argument("query", metavar="[SOURCE|QUERY]...", nargs=-1)
def threads(
    app: App,
    index_path: str | None,
    source: str | None,
    *,
    why: bool,
    by_subject: bool,
    query: tuple[str, ...],
) -> None:
    """Print messages as threads, each answer below what it answers.

    SOURCE is anything that holds messages: all its threads are printed. QUERY is one of `blaze search`, with
    an index: the whole threads of what it finds. References tell the parent, else In-Reply-To; a message that
    is named and not there is shown as missing.

    The exit status is 1 when there is no thread.

    \b
    Examples:
      blaze threads ~/Maildir
      blaze threads --why --in ~/Maildir subject:budget
    """
    from blaze.core.search.threads import iter_threads

    faults: list[BlazeError] = []
    if query and source is None and not _says_index() and all(map(_is_source, query)):
        found = iter_threads(_letters(query, faults), by_subject=by_subject)
    elif index_path is None and source is None:
        hint = "Name a store, or an index by --index PATH, BLAZE_INDEX or --in SOURCE."
        raise NoInputError("no such store, and no index is named", where=" ".join(query) or None, hint=hint)
    else:
        found = iter(_found_threads(index_path, source, " ".join(query), by_subject=by_subject))
    _print_all(app, found, why=why)
    for fault in faults:
        app.report(fault)


def _says_index() -> bool:
    """True when the command line itself names an index, so that the arguments are a query."""
    given = click.get_current_context().get_parameter_source("index_path")
    return given is click.core.ParameterSource.COMMANDLINE


def _is_source(name: str) -> bool:
    from blaze.core.store.source import STDIN, forced_kind

    path = forced_kind(name)[1]
    return path == STDIN or os.path.exists(path)


def _letters(sources: Iterable[str], faults: "list[BlazeError]") -> "Iterable[Letter]":
    from blaze.core.search.letters import iter_entry_letters
    from blaze.core.store.source import iter_stored

    return iter_entry_letters(iter_stored(sources), faults)


def _found_threads(
    index_path: str | None, source: str | None, query: str, *, by_subject: bool
) -> "Iterable[Thread]":
    """The threads that have a message which the query finds."""
    from blaze.core.search.letters import iter_indexed_letters
    from blaze.core.search.threads import iter_threads

    with _index.opened(index_path, source) as connection:
        names = {hit.name for hit in _index.made(connection, query, source).iter_hits("oldest")}
        if not names:
            return
        for thread in iter_threads(iter_indexed_letters(connection), by_subject=by_subject):
            if any(row.letter and row.letter.name in names for row in thread):
                yield thread


def _print_all(app: App, threads: "Iterable[Thread]", *, why: bool) -> None:
    """Print threads as they come; that there is none is the answer no."""
    status = 1
    for thread in threads:
        status = 0
        if app.out.json:
            _print_json(app, thread)
        else:
            _print(app, thread, why=why)
    app.note(status)


def _print(app: App, thread: "Thread", *, why: bool) -> None:
    branch, corner, line, blank = _BOX if app.out.utf_8 else _ASCII
    prefixes: list[str] = []
    for row in thread:
        depth = min(row.depth, _MAX_INDENT)
        del prefixes[max(depth - 1, 0) :]
        shown = "".join(prefixes) + (corner if row.is_last else branch) if depth else ""
        if depth:
            prefixes.append(blank if row.is_last else line)
        app.out.line(shown + _text(app, row) + (f"  [{row.why}]" if why and row.why else ""))


def _text(app: App, row: "Row") -> str:
    letter = row.letter
    if letter is None:
        return app.out.style(f"(missing) <{row.message_id}>", "dim")
    parts = (_index.local_time(_when(letter)), letter.sender or "-", letter.subject or "-", letter.name)
    return "  ".join(part for part in parts if part)


def _when(letter: "Letter") -> "datetime | None":
    from blaze.core.search.find import utc

    return None if letter.date is None else utc(letter.date)


def _print_json(app: App, thread: "Thread") -> None:
    rows = []
    for row in thread:
        letter = row.letter
        rows.append(
            {
                "source": letter.name if letter else None,
                "id": row.message_id or None,
                "depth": row.depth,
                "why": row.why or None,
                "date": _when(letter) if letter else None,
                "from": letter.sender if letter else None,
                "subject": letter.subject if letter else None,
            }
        )
    missing = sum(row.letter is None for row in thread)
    schema = f"blaze.{app.command.replace(' ', '.')}/1"  # of threads or of rowex tree
    app.out.record(schema, {"messages": len(thread) - missing, "missing": missing, "thread": rows})


@click.group("rowex", cls=Group)
def rowex() -> None:
    """Keep an index of Message-IDs, and print the forest it holds."""


_file_option = option("-i", "--rowex", "--index", "path", metavar="FILE", help="The index of Message-IDs.")
_pack_option = option(
    "-p",
    "--pack",
    "packs",
    metavar="[NUMBER:]PACK",
    multiple=True,
    help="A pack, as the OCaml tool names it.",
)


@rowex.command("populate", reports=True)
@_file_option
@_pack_option
@option("--no-sync", is_flag=True, help="Do not wait until the disk has everything.")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
def populate(
    app: App, path: str | None, packs: tuple[str, ...], *, no_sync: bool, sources: tuple[str, ...]
) -> None:
    """Put the Message-IDs of stores into an index, made if need be; what they had there is renewed.

    Each SOURCE is an mbox, a Maildir, a folder of .eml files, a pack or a message.

    \b
    Example:
      blaze rowex populate -i ids.rowex archive.pack
    """
    from blaze.core.search.rowex import populate as fill

    places = [*map(_without_number, packs), *sources]
    if not places:
        raise UsageError("no store is named")
    file = _required(path)
    for place in places:
        with app.out.progress("read", None, "messages") as advance:
            count, faults = fill(file, place, sync=not no_sync, progress=advance)
        for fault in faults:
            app.report(fault)
        if app.out.json:
            app.out.record("blaze.rowex.populate/1", {"source": place, "index": file, "messages": count})
        else:
            app.out.line(f"{count} message{'' if count == 1 else 's'}")


@rowex.command("tree", reports=True)
@_file_option
@_pack_option
@option("--why", is_flag=True, help="Tell which field makes each message an answer.")
@click.argument("sources", metavar="[SOURCE]...", nargs=-1)
def tree(app: App, path: str | None, packs: tuple[str, ...], *, why: bool, sources: tuple[str, ...]) -> None:
    """Print the forest of the messages in an index of Message-IDs, or of those of SOURCE.

    \b
    Example:
      blaze rowex tree -i ids.rowex
    """
    from blaze.core.search.rowex import iter_letters
    from blaze.core.search.threads import iter_threads

    places = [*map(_without_number, packs), *sources]
    _print_all(app, iter_threads(iter_letters(_required(path), places)), why=why)


@rowex.command("find", reports=True)
@_file_option
@null_option
@click.argument("ids", metavar="MESSAGE-ID...", nargs=-1, required=True)
def find(app: App, path: str | None, null: bool, *, ids: tuple[str, ...]) -> None:
    """Print the names of the messages that have these Message-IDs.

    The exit status is 1 when there is none.

    \b
    Example:
      blaze rowex find -i ids.rowex '<20240101.1@example.org>'
    """
    from blaze.core.search.rowex import find as look_up

    letters = look_up(_required(path), [name.removeprefix("<").removesuffix(">") for name in ids])
    for letter in letters:
        if app.out.json:
            app.out.record(
                "blaze.rowex.find/1",
                {
                    "source": letter.name,
                    "id": letter.message_id,
                    "references": letter.references,
                    "in_reply_to": letter.in_reply_to,
                },
            )
        else:
            app.out.name(letter.name, null=null)
    app.note(0 if letters else 1)


def _required(path: str | None) -> str:
    if not path:
        raise UsageError("no index is named", hint="Name it by -i FILE or BLAZE_ROWEX.")
    return path


def _without_number(pack: str) -> str:
    number, colon, path = pack.partition(":")
    return path if colon and number.isdigit() else pack


@command("okapi", reports=True)
@option(
    "--k1",
    type=Number(0, kind=float),
    metavar="NUMBER",
    default=1.2,
    help="How soon repetitions count less.  [default: 1.2]",
)
@option(
    "-b",
    "--b",
    type=Number(0, 1, kind=float),
    metavar="NUMBER",
    default=0.75,
    help="How much length counts, from 0 to 1.  [default: 0.75]",
)
@option(
    "-l",
    "--language",
    metavar="LANGUAGE",
    default="english",
    help="The language of QUERY, as Snowball names it.  [default: english]",
)
@click.argument("archive", metavar="PACK|DIR")
@click.argument("query", metavar="QUERY")
def okapi(app: App, k1: float, b: float, language: str, *, archive: str, query: str) -> None:
    """Rank the mails of a pack by BM25 over the stems in it.

    It prints `HASH: SCORE`, the best first, and needs no index: the pack must have stem objects, as `blaze
    pack make` writes them. The exit status is 1 when no mail has any of the words.

    \b
    Example:
      blaze okapi archive.pack 'annual budget'
    """
    from blaze.core.search.okapi import search

    faults: list[BlazeError] = []
    scored = search(archive, query, faults, language=language, k1=k1, b=b)
    for found in scored:
        if app.out.json:
            app.out.record("blaze.okapi/1", {"source": archive, "id": found.id, "score": found.score})
        else:
            app.out.line(f"{found.id}: {found.score:.6f}")
    for fault in faults:
        app.report(fault)
    app.note(0 if scored else 1)
