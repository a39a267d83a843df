"""`blaze index`, `search`: an index of messages, and queries in it."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from blaze.cli import _index
from blaze.cli._app import App, command, option
from blaze.cli._params import Number, null_option
from blaze.core.errors import UsageError

if TYPE_CHECKING:
    import sqlite3

    from blaze.core.search.find import Hit, Search
    from blaze.core.search.snippet import Snippet

_MAX_JOBS = 8  # processes that one writer keeps busy
_ORDERS = ("relevance", "newest", "oldest")

_index_option = option(
    "--index",
    "index_path",
    metavar="PATH",
    help="The index.  [default: $BLAZE_INDEX, else beside SOURCE]",
)


@command("index", reports=True)
@_index_option
@option("--no-sync", is_flag=True, help="Do not wait until the disk has everything.")
@option(
    "-j",
    "--jobs",
    type=Number(0),
    default=0,
    metavar="N",
    help="Read many messages in N processes; 0 takes one for each processor, up to 8.  [default: 0]",
)
@click.argument("source", metavar="SOURCE")
def index(app: App, index_path: str | None, *, no_sync: bool, jobs: int, source: str) -> None:
    """Make a search index of a store, or bring it up to date.

    SOURCE is an mbox, a Maildir with its folders, a folder of .eml files, a pack or a message. Its index is
    `.blaze-index` in its folder, or FILE.blaze-index, unless `--index` names another; an index can serve
    several sources. Run again, it reads what is new and takes out what is gone; interrupted, it goes on where
    it was. Searches work meanwhile.

    The exit status is 66 when a part of SOURCE cannot be read; the rest is indexed then.

    \b
    Examples:
      blaze index ~/Maildir
      blaze index --index ~/.cache/mail.blaze-index archive.mbox
    """
    from blaze.core.search.database import default_path
    from blaze.core.search.update import update
    from blaze.core.store.source import STDIN, forced_kind

    place = forced_kind(source)[1]
    if place == STDIN:
        raise UsageError("standard input cannot be indexed: nothing would be found again")
    path = index_path or default_path(place)
    with app.out.progress("indexed", None, "messages") as advance:
        report = update(source, path, sync=not no_sync, jobs=jobs or _processors(), progress=advance)
    for fault in report.faults:
        app.report(fault)
    counts = {name: getattr(report, name) for name in ("added", "removed", "changed", "unchanged")}
    if app.out.json:
        app.out.record("blaze.index/1", {"source": source, "index": path, **counts})
        return
    app.out.line(", ".join(f"{count} {name}" for name, count in counts.items() if count) or "no messages")


def _processors() -> int:
    """The processors that this process may use, up to what one writer keeps busy."""
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return min(len(usable), _MAX_JOBS)


@command("search", reports=True)
@_index_option
@option("--in", "source", metavar="SOURCE", help="Search the messages of SOURCE alone.")
@option(
    "--format",
    "form",
    type=click.Choice(["lines", "files", "json", "ids", "table"]),
    default="lines",
    help="Print a line a message, names of files, JSON, Message-IDs, or a table.  [default: lines]",
)
@option(
    "--sort",
    "order",
    type=click.Choice(_ORDERS),
    default="relevance",
    help="The best, the newest or the oldest first.  [default: relevance]",
)
@option("--limit", type=Number(1), metavar="N", help="Print at most N messages.")
@option("--offset", type=Number(0), metavar="N", default=0, help="Leave out the first N messages.")
@option("--count", is_flag=True, help="Print only how many messages there are.")
@option("--snippets", is_flag=True, help="Print where the words stand under each line.")
@null_option
@click.argument("query", metavar="QUERY", nargs=-1)
def search(
    app: App,
    index_path: str | None,
    source: str | None,
    *,
    query: tuple[str, ...],
    **values: Any,
) -> None:
    """Find messages in an index.

    QUERY is words, all of which must be there, in any form of theirs; "phrases" word for word; and prefix*.
    `from:` `to:` `cc:` `bcc:` `subject:` `body:` `attachment:` and `list:` look into one field. Further:
    `mid:ID`, `date:2024-01..2024-06` (both ends belong to it, local time; also `today`, `2w..`),
    `after:2024-01` (with it) and `before:2024-07` (without it), `larger:1M`, `smaller:10k`, `has:attachment`,
    `is:flagged` (seen, unread, replied, draft, trashed, passed). They are joined by `and`, `or`, `not` (or
    `-`, or `!`) and parentheses.

    The exit status is 1 when nothing is found, 66 when there is no index.

    \b
    Examples:
      blaze search --in ~/Maildir 'from:ada (budget or invoice) date:2026-01..'
      blaze search --format files -0 is:unread has:attachment | xargs -0 blaze hdr -h subject
      blaze search --sort newest --limit 10 --snippets '"annual report"'
    """
    options = _Options(**values)
    with _index.opened(index_path, source) as connection:
        found = _index.made(connection, " ".join(query), source)
        if options.count:
            number = found.count()
            if app.out.json:
                app.out.record("blaze.search.count/1", {"count": number})
            else:
                app.out.line(str(number))
            app.note(0 if number else 1)
            return
        if not _print(app, connection, found, options):
            app.note(1)


class _Options:
    """How hits are printed."""

    def __init__(
        self,
        *,
        form: str,
        order: Any,
        limit: int | None,
        offset: int,
        count: bool,
        snippets: bool,
        null: bool,
    ) -> None:
        self.form = form
        self.order = order
        self.limit = -1 if limit is None else limit
        self.offset = offset
        self.count = count
        self.snippets = snippets
        self.null = null


def _print(app: App, connection: "sqlite3.Connection", found: "Search", options: _Options) -> int:
    hits = found.iter_hits(options.order, limit=options.limit, offset=options.offset)
    if options.form == "table" and not app.out.json:
        rows = [_cells(hit) for hit in hits]
        if rows:
            app.out.table(("date", "from", "subject", "name"), rows)
        return len(rows)
    locate = cache(_locate)  # a Maildir is listed once, however many of its files have other names now
    count = 0
    for hit in hits:
        count += 1
        if app.out.json or options.form == "json":
            _print_json(app, hit, _snippet(connection, hit, found))
        elif options.form == "files":
            app.out.name(_file_of(hit, locate), null=options.null)
        elif options.form == "ids":
            if hit.message_id:
                app.out.name(hit.message_id, null=options.null)
        else:
            app.out.line("\t".join(_cells(hit)))
            if options.snippets:
                app.out.line(f"    {_marked(app, _snippet(connection, hit, found))}")
    return count


def _print_json(app: App, hit: "Hit", snippet: "Snippet") -> None:
    app.out.record(
        "blaze.search/1",
        {
            "source": hit.name,
            "id": hit.message_id or None,
            "date": hit.when,
            "from": hit.sender,
            "subject": hit.subject,
            "score": round(hit.score, 4),
            "snippet": snippet.text,
        },
    )


def _cells(hit: "Hit") -> list[str]:
    return [_index.local_time(hit.when) or "-", hit.sender or "-", hit.subject or "-", hit.name]


def _file_of(hit: "Hit", locate: Callable[[str], dict[str, str]]) -> str:
    """The file that is the message where there is one, else the message's name in its store."""
    if hit.path == hit.name or "#" not in hit.name:
        return hit.name
    place, _, unique = hit.name.rpartition("#")
    if not os.path.isdir(f"{place}/cur"):
        return hit.name
    if os.path.exists(hit.path):
        return hit.path
    moved = locate(place).get(unique)  # its flags have changed since
    return f"{place}/{moved}" if moved else hit.name


def _locate(place: str) -> dict[str, str]:
    from blaze.core.store.maildir import locate_files

    return locate_files(place)


def _snippet(connection: "sqlite3.Connection", hit: "Hit", found: "Search") -> "Snippet":
    from blaze.core.query.terms import COLUMNS
    from blaze.core.search import snippet
    from blaze.core.search.database import read_texts

    texts = dict(zip(COLUMNS, read_texts(connection, hit.id), strict=True))
    return snippet.make((texts["body"], texts["quoted"]), found.forms)


def _marked(app: App, snippet: "Snippet") -> str:
    """The snippet with the words that were looked for in bold, where there are colours."""
    return "".join(_pieces(app, snippet))


def _pieces(app: App, snippet: "Snippet") -> Iterator[str]:
    end = 0
    for start, stop in snippet.marks:
        yield snippet.text[end:start]
        yield app.out.style(snippet.text[start:stop], "bold")
        end = stop
    yield snippet.text[end:]
