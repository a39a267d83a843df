"""The index of Message-IDs: which messages have one, and what they answer. One file, many readers at once."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator

from blaze.core.errors import BlazeError
from blaze.core.search.database import Layout, open_for_reading, open_for_writing
from blaze.core.search.places import Stored, restored, source_name, source_names, stored
from blaze.core.search.threads import Letter, of_row

ROWEX = Layout(
    0x626C7A72,
    1,
    """
CREATE TABLE letter (
  message_id TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, refs TEXT NOT NULL,
  in_reply_to TEXT NOT NULL, date INTEGER, sender TEXT NOT NULL, subject TEXT NOT NULL,
  PRIMARY KEY (message_id, name)
) WITHOUT ROWID;
CREATE INDEX letter_source ON letter (source);
""",
    "blaze rowex populate",
)
"""The layout of the file; "blzr"."""

_COLUMNS = "name, message_id, refs, in_reply_to, date, sender, subject"
_STEP = 1_000


def populate(
    path: str, source: str, *, sync: bool = True, progress: Callable[[int], None] | None = None
) -> tuple[int, list[BlazeError]]:
    """Put the Message-IDs of a source into the index at `path`, made if need be; those it had before go.

    It is one transaction: readers have the old state until it is done, and a kill leaves that. Gives the
    number of messages and what could not be read; where something could not, what is known of it stays.

    Raises:
        NoInputError: there is no such source.
        TemporaryError, DataError, InputOutputError: as `database.open_for_writing`.
    """
    from blaze.core.search.letters import iter_entry_letters
    from blaze.core.store import atomic
    from blaze.core.store.source import forced_kind, iter_stored

    location = forced_kind(source)[1]
    try:
        os.stat(location)
    except OSError as error:
        raise atomic.input_error(error, location) from error
    name = source_name(source)
    faults: list[BlazeError] = []
    with open_for_writing(path, ROWEX, sync=sync) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TEMP TABLE fresh AS SELECT * FROM letter WHERE 0")
        count = 0
        for count, letter in enumerate(iter_entry_letters(iter_stored([restored(name)]), faults), 1):
            _insert(connection, letter, name)
            if progress and count % _STEP == 0:
                progress(_STEP)
        if not faults:
            connection.execute("DELETE FROM letter WHERE source = ?", (name,))
        connection.execute("INSERT OR REPLACE INTO letter SELECT * FROM fresh ORDER BY message_id, name")
        connection.execute("COMMIT")
    return count, faults


def find(path: str, message_ids: Iterable[str]) -> list[Letter]:
    """The messages that have these Message-IDs (without angle brackets), in the order asked for.

    Raises:
        NoInputError, DataError: as `database.open_for_reading`.
    """
    statement = f"SELECT {_COLUMNS} FROM letter WHERE message_id = ?"  # noqa: S608
    with open_for_reading(path, ROWEX) as connection:
        rows = (row for message_id in message_ids for row in connection.execute(statement, (message_id,)))
        return [of_row(restored(name), *row) for name, *row in rows]


def iter_letters(path: str, sources: Iterable[str] = ()) -> Iterator[Letter]:
    """Every message in the index, or those of `sources`, by their Message-IDs. Raises as `find` does."""
    places = [name for source in sources for name in source_names(source)]
    where = f" WHERE source IN ({', '.join('?' * len(places))})" if places else ""
    with open_for_reading(path, ROWEX) as connection:
        statement = f"SELECT {_COLUMNS} FROM letter{where} ORDER BY message_id, name"  # noqa: S608
        for name, *row in connection.execute(statement, places):
            yield of_row(restored(name), *row)


def _insert(connection: sqlite3.Connection, letter: Letter, source: Stored) -> None:
    connection.execute(
        "INSERT INTO fresh VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            letter.message_id,
            stored(letter.name),
            source,
            " ".join(letter.references),
            " ".join(letter.in_reply_to),
            letter.date,
            letter.sender,
            letter.subject,
        ),
    )
