"""Bringing an index up to date with a source: what is new is read, what is gone is taken out."""

import os
import sqlite3
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from blaze.core.errors import BlazeError
from blaze.core.mail import message
from blaze.core.mail.window import iter_chunks
from blaze.core.query import content, languages, words
from blaze.core.query.content import Content
from blaze.core.query.terms import COLUMNS
from blaze.core.search.database import open_for_writing, read_texts
from blaze.core.store import atomic
from blaze.core.store.source import Entry, forced_kind, iter_entries

BATCH = 1_000
"""Messages that are committed together."""

_BATCH_SECONDS = 5.0
_BATCH_OCTETS = 32 << 20  # of texts
_KNOWN_WORDS = 300_000  # whose stems are remembered to be in the index
_WORDS = ", ".join(f'"{name}"' for name in COLUMNS)
_MARKS = ", ".join("?" * len(COLUMNS))


@dataclass(slots=True)
class Report:
    """What was done: messages put in, taken out, that have moved or changed flags, or are as they were."""

    added: int = 0
    removed: int = 0
    changed: int = 0
    unchanged: int = 0
    faults: list[BlazeError] = field(default_factory=list)


class _Place(NamedTuple):
    """What of a message depends on where it lies, in the order of the table's columns."""

    key: str
    name: str
    path: str
    flags: str


def update(
    source: str, path: str, *, sync: bool = True, progress: Callable[[int], None] | None = None
) -> Report:
    """Bring the index at `path` up to date with `source`, which `store.source` can read.

    Every `BATCH` messages are committed together with their words, so an index that is read or whose writer
    is killed holds whole messages only, and the next run goes on from there. Where a part of the source
    cannot be read, `faults` says so and nothing is taken out. `progress` is called with the number of
    messages done since the last call. Memory does not grow with the number of messages.

    Raises:
        NoInputError: there is no such source.
        TemporaryError, DataError, InputOutputError: as `database.open_for_writing`.
    """
    kind, location = forced_kind(source)
    root = os.path.abspath(location)
    name = f"{kind}:{root}" if kind else root
    try:
        stamp = _stamp(os.stat(root))
    except OSError as error:
        raise atomic.input_error(error, location) from error
    with open_for_writing(path, sync=sync) as connection:
        updater = _Updater(connection, name)
        if stamp and updater.stamp == stamp:
            updater.report.unchanged = updater.count()
            return updater.report
        updater.run(iter_entries([name]), progress or (lambda _: None))
        updater.finish(stamp)
        return updater.report


def _stamp(status: os.stat_result) -> str:
    """What tells that a file has not changed; empty for a folder."""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else ""


class _Updater:
    def __init__(self, connection: sqlite3.Connection, source: str) -> None:
        self.connection = connection
        self.report = Report()
        execute = connection.execute
        execute("INSERT OR IGNORE INTO source (path) VALUES (?)", (source,))
        self.source, self.stamp = execute("SELECT id, stamp FROM source WHERE path = ?", (source,)).fetchone()
        execute("CREATE TEMP TABLE seen (id INTEGER PRIMARY KEY)")
        self.stems = _Stems(connection)
        self.next_id = execute("SELECT coalesce(max(id), 0) + 1 FROM message").fetchone()[0]
        self.texts: list[tuple[int, bytes]] = []
        self.words: list[tuple[object, ...]] = []

    def count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM message WHERE source = ?", (self.source,))
        return int(row.fetchone()[0])

    def run(self, entries: Iterator[Entry | BlazeError], progress: Callable[[int], None]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        done = octets = 0
        started = time.monotonic()
        for entry in entries:
            if isinstance(entry, BlazeError):
                self.report.faults.append(entry)
                continue
            octets += entry.end - entry.start if self.take(entry) else 0
            done += 1
            if done == BATCH or octets > _BATCH_OCTETS or time.monotonic() - started > _BATCH_SECONDS:
                self.commit()
                progress(done)
                self.connection.execute("BEGIN IMMEDIATE")
                done = octets = 0
                started = time.monotonic()
        self.commit()
        progress(done)

    def take(self, entry: Entry) -> bool:
        """Look at one message; True when it had to be read."""
        place = _place(entry)
        digest = _digest(entry)
        execute = self.connection.execute
        known = execute(
            "SELECT id, digest, name, path, flags FROM message WHERE source = ? AND key = ?",
            (self.source, place.key),
        ).fetchone()
        if known and known[1] == digest:
            self.keep(known[0], place, changed=known[2:] != place[1:])
            return False
        if known:
            # Another message has its key now: it waits, under a key that none has, to be found again.
            execute("UPDATE message SET key = ? WHERE id = ?", (f"\0{known[0]}", known[0]))
        moved = execute(
            "SELECT id FROM message WHERE digest = ? AND source = ? AND id NOT IN (SELECT id FROM seen)",
            (digest, self.source),
        ).fetchone()
        if moved and not self.is_in_place(moved[0], entry):
            self.keep(moved[0], place, changed=True)
            return False
        self.add(entry, place, digest)
        return True

    def is_in_place(self, id: int, entry: Entry) -> bool:  # noqa: A002
        """True when the message known by the same octets lies where it lay: this one is a copy of it."""
        key, path = self.connection.execute("SELECT key, path FROM message WHERE id = ?", (id,)).fetchone()
        return not key.startswith("\0") and path != entry.path and os.path.exists(path)

    def keep(self, id: int, place: _Place, *, changed: bool) -> None:  # noqa: A002
        if changed:
            self.connection.execute(
                "UPDATE message SET key = ?, name = ?, path = ?, flags = ? WHERE id = ?", (*place, id)
            )
        self.connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (id,))
        self.report.changed += changed
        self.report.unchanged += not changed

    def add(self, entry: Entry, place: _Place, digest: bytes) -> None:
        found = content.read(message.parse(entry.buffer, entry.start, entry.end))
        id = self.next_id  # noqa: A001
        self.next_id += 1
        columns = list(map(words.split, found.texts))
        self.stems.add(columns, found.language)
        # At once, so that a copy of it finds it; its words follow in the same transaction.
        self.connection.execute(
            "INSERT INTO message (id, source, digest, key, name, path, flags, size, date, sender, subject,"
            " message_id, refs, in_reply_to, has_attachment) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (id, self.source, digest, *place, *_facts(entry, found)),
        )
        self.texts.append((id, zlib.compress("\0".join(found.texts).encode("utf-8"), 1)))
        self.words.append((id, *map(" ".join, columns)))
        self.connection.execute("INSERT INTO seen VALUES (?)", (id,))
        self.report.added += 1

    def commit(self) -> None:
        """Write the words of the messages at hand, and end the transaction."""
        many = self.connection.executemany
        many("INSERT INTO text (id, texts) VALUES (?, ?)", self.texts)
        many(f"INSERT INTO words (rowid, {_WORDS}) VALUES (?, {_MARKS})", self.words)  # noqa: S608
        self.texts.clear()
        self.words.clear()
        self.stems.write()
        self.connection.execute("COMMIT")

    def finish(self, stamp: str) -> None:
        """Take out what is gone, and note that the source was read to its end."""
        if self.report.faults:
            return
        self.connection.execute("BEGIN IMMEDIATE")
        while gone := self.connection.execute(
            "SELECT id FROM message WHERE source = ? AND id NOT IN (SELECT id FROM seen) LIMIT ?",
            (self.source, BATCH),
        ).fetchall():
            for (id,) in gone:  # noqa: A001
                self.remove(id)
        self.connection.execute("UPDATE source SET stamp = ? WHERE id = ?", (stamp, self.source))
        self.connection.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # readers may hold the log; it is emptied another time
            self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def remove(self, id: int) -> None:  # noqa: A002
        execute = self.connection.execute
        texts = read_texts(self.connection, id)
        rows = (" ".join(words.split(text)) for text in texts)
        execute(
            f"INSERT INTO words (words, rowid, {_WORDS}) VALUES ('delete', ?, {_MARKS})",  # noqa: S608
            (id, *rows),
        )
        execute("DELETE FROM text WHERE id = ?", (id,))
        execute("DELETE FROM message WHERE id = ?", (id,))
        self.report.removed += 1


class _Stems:
    """The words whose stem is another word, under their stems, for the messages at hand."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.known: dict[str, set[str]] = {}
        self.size = 0
        self.rows: list[tuple[str, str]] = []
        self.languages: set[str] = set()

    def add(self, columns: list[list[str]], language: str) -> None:
        known = self.known.setdefault(language, set())
        fresh = [word for word in set().union(*columns) - known if not word.isdigit()]
        if not fresh:
            return
        stems = languages.stem(fresh, language)
        self.rows += [(stem, word) for stem, word in zip(stems, fresh, strict=True) if stem != word]
        self.languages.add(language)
        self.size += len(fresh)
        known.update(fresh)
        if self.size > _KNOWN_WORDS:
            self.known.clear()
            self.size = 0

    def write(self) -> None:
        self.connection.executemany("INSERT OR IGNORE INTO stem VALUES (?, ?)", self.rows)
        self.connection.executemany(
            "INSERT OR IGNORE INTO language VALUES (?)", [(name,) for name in self.languages]
        )
        self.rows.clear()
        self.languages.clear()


def _place(entry: Entry) -> _Place:
    """Where a message lies; a path with octets that are no UTF-8 cannot be kept as it is."""
    key = f"{entry.folder}/{entry.id}" if entry.folder else entry.id
    return _Place(*(map(_escaped, (key or entry.path, entry.name, entry.path, entry.flags))))


def _escaped(text: str) -> str:
    return text if text.isascii() else os.fsencode(text).decode("utf-8", "backslashreplace")


def _digest(entry: Entry) -> bytes:
    if isinstance(entry.buffer, bytes) and entry.end - entry.start == len(entry.buffer):
        return blake2b(entry.buffer, digest_size=16).digest()
    digest = blake2b(digest_size=16)
    for chunk in iter_chunks(entry.buffer, entry.start, entry.end):
        digest.update(chunk)
    return digest.digest()


def _facts(entry: Entry, found: Content) -> tuple[object, ...]:
    links = found.links
    date = links.date
    if date is None and (delivered := entry.date_ns) is not None:
        date = delivered // 10**9
    return (
        entry.end - entry.start,
        date,
        links.sender,
        links.subject,
        links.message_id,
        " ".join(links.references),
        " ".join(links.in_reply_to),
        found.has_attachment,
    )
