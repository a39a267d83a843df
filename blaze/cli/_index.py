"""An index of words, as the commands that search in it are told of it."""

from contextlib import suppress
from typing import TYPE_CHECKING

from blaze.core.errors import NoInputError

if TYPE_CHECKING:
    import sqlite3
    from contextlib import AbstractContextManager
    from datetime import datetime

    from blaze.core.search.find import Search


def opened(index_path: str | None, source: str | None) -> "AbstractContextManager[sqlite3.Connection]":
    """The index at a path, or else that of a source; the one must be given or the other."""
    from blaze.core.search.database import default_path, open_for_reading

    if index_path is not None:
        return open_for_reading(index_path)
    if source is None:
        raise NoInputError(
            "no index is named", hint="Name it by --index PATH or BLAZE_INDEX, or its source by --in SOURCE."
        )
    from blaze.core.store.source import forced_kind

    return open_for_reading(default_path(forced_kind(source)[1]))


def made(connection: "sqlite3.Connection", query: str, source: str | None) -> "Search":
    """A query of the command line made ready; relative dates are those of now."""
    from datetime import datetime

    from blaze.core.query import parse
    from blaze.core.search.find import Search

    node = parse(query, now=datetime.now())  # noqa: DTZ005 - dates of queries are local
    return Search(connection, node, source=source)


def local_time(moment: "datetime | None") -> str:
    """A moment as `2026-01-31 12:00` in local time; empty for None."""
    if moment is None:
        return ""
    with suppress(OverflowError):  # the first or the last day of the calendar
        moment = moment.astimezone()
    return moment.replace(tzinfo=None).isoformat(" ", "minutes")
