"""What threads are made from, read from a source or from an index."""

import sqlite3
from collections.abc import Iterable, Iterator

from blaze.core.errors import BlazeError
from blaze.core.mail import header
from blaze.core.query import content
from blaze.core.search.places import restored
from blaze.core.search.threads import Letter, of_row
from blaze.core.store.source import Entry


def of_entry(entry: Entry) -> Letter:
    """The letter that a message is; only its header is read."""
    links = content.read_links(header.parse(entry.buffer, entry.start, entry.end))
    return Letter(entry.name, *links)


def iter_entry_letters(entries: Iterable[Entry | BlazeError], faults: list[BlazeError]) -> Iterator[Letter]:
    """The letters of a source's messages; what cannot be read is added to `faults`."""
    for entry in entries:
        if isinstance(entry, BlazeError):
            faults.append(entry)
        else:
            yield of_entry(entry)


def iter_indexed_letters(connection: sqlite3.Connection) -> Iterator[Letter]:
    """The letters of all messages in an index of words."""
    rows = connection.execute(
        "SELECT name, message_id, refs, in_reply_to, date, sender, subject FROM message ORDER BY id"
    )
    return (of_row(restored(name), *row) for name, *row in rows)
