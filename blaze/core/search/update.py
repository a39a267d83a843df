"""Bringing an index up to date with a source: what is new is read, what is gone is taken out."""

import os
import sqlite3
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from blaze.core.errors import BlazeError, InputOutputError
from blaze.core.mail.window import iter_chunks
from blaze.core.query import words
from blaze.core.query.terms import COLUMNS
from blaze.core.search.database import open_for_writing, read_texts
from blaze.core.search.documents import Document, DocumentReader
from blaze.core.search.places import Stored, restored, source_name, stored
from blaze.core.search.workers import SLOT, Workers
from blaze.core.store import atomic
from blaze.core.store.source import Entry, Reading, forced_kind, iter_stored

BATCH = 2_000
"""Messages that are committed together."""

_BATCH_SECONDS = 5.0
_BATCH_OCTETS = 32 << 20  # of messages
_SHARE = 64  # messages that are read together
_FEW = 2 * _SHARE  # messages that are not worth a process
_SETTLED_NS = 2 * 10**9  # a file that has not changed for so long has a time of its own when it does
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

    key: Stored
    name: Stored
    path: Stored
    flags: str


class _Fresh(NamedTuple):
    """A message that is being read."""

    id: int
    digest: bytes
    place: _Place
    stamp: str
    entry: Entry


def update(
    source: str,
    path: str,
    *,
    sync: bool = True,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Report:
    """Bring the index at `path` up to date with `source`, which `store.source` can read.

    Every `BATCH` messages are committed together with their words, so an index that is read or whose writer
    is killed holds whole messages only, and the next run goes on from there. A file of a Maildir or a folder
    whose name, size and times are known is not opened. Where a part of the source cannot be read, `faults`
    says so and nothing is taken out. With `jobs` over 1 so many processes read messages, unless there are
    few; the index is the same. `progress` is called with the number of messages done since the last call.
    Memory does not grow with the number of messages.

    Raises:
        NoInputError: there is no such source.
        InputOutputError: also when a process that reads messages was ended by others.
        TemporaryError, DataError, InputOutputError: as `database.open_for_writing`.
    """
    location = forced_kind(source)[1]
    name = source_name(source)
    try:
        stamp = _stamp(os.stat(location))
    except OSError as error:
        raise atomic.input_error(error, location) from error
    with open_for_writing(path, sync=sync) as connection, _Documents(jobs) as documents:
        updater = _Updater(connection, name, documents, progress or (lambda _: None))
        if stamp and updater.stamp == stamp:
            updater.report.unchanged = updater.count()
            return updater.report
        updater.run(iter_stored([restored(name)], Reading(passes_over=updater.knows)))
        updater.finish(stamp)
        return updater.report


def _stamp(status: os.stat_result) -> str:
    """What tells that a file has not changed; empty for a folder."""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns}" if stat.S_ISREG(status.st_mode) else ""


class _Documents:
    """Fresh messages, and their documents in the same order: read here, or in `jobs` processes when many."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._reader = DocumentReader()
        self._workers: Workers | None = None
        self._gathered: list[_Fresh] = []
        self._octets = 0
        self._given: deque[list[_Fresh]] = deque()
        self._number_read = 0

    def __enter__(self) -> "_Documents":
        return self

    def __exit__(self, *_: object) -> None:
        if self._workers is not None:
            self._workers.end()

    def put(self, fresh: _Fresh) -> Iterator[tuple[_Fresh, Document]]:
        """Take one more message to read; gives what has been read meanwhile, often nothing."""
        size = fresh.entry.end - fresh.entry.start
        if len(self._gathered) == _SHARE or self._octets + size > SLOT:
            yield from self._share()
        self._gathered.append(fresh)
        self._octets += size

    def rest(self) -> Iterator[tuple[_Fresh, Document]]:
        """All that was not given yet."""
        yield from self._share()
        while self._given:
            yield from self._take()

    def _share(self) -> Iterator[tuple[_Fresh, Document]]:
        """Have the messages read that were gathered."""
        gathered, self._gathered = self._gathered, []
        octets, self._octets = self._octets, 0
        self._number_read += len(gathered)
        if self._workers is None and self._jobs > 1 and self._number_read > _FEW:
            try:
                self._workers = Workers(self._jobs)
            except InputOutputError:
                self._jobs = 1  # the system has no more processes for us
        if self._workers is None or octets > SLOT:  # a large one alone: it stays where it is mapped
            while self._given:
                yield from self._take()
            for fresh in gathered:
                entry = fresh.entry
                yield fresh, self._reader.read(entry.buffer, entry.start, entry.end)
            return
        if self._workers.are_busy:
            yield from self._take()
        self._workers.give(fresh.entry.octets for fresh in gathered)
        self._given.append(gathered)

    def _take(self) -> Iterator[tuple[_Fresh, Document]]:
        assert self._workers is not None
        yield from zip(self._given.popleft(), self._workers.take(), strict=True)


class _Updater:
    def __init__(
        self,
        connection: sqlite3.Connection,
        source: Stored,
        documents: _Documents,
        progress: Callable[[int], None],
    ) -> None:
        self.connection = connection
        self.documents = documents
        self.progress = progress
        self.report = Report()
        execute = connection.execute
        execute("INSERT OR IGNORE INTO source (path) VALUES (?)", (source,))
        self.source, self.stamp = execute("SELECT id, stamp FROM source WHERE path = ?", (source,)).fetchone()
        # The messages of earlier runs, whose numbers are below `first`, that are still there.
        execute("CREATE TEMP TABLE seen (id INTEGER PRIMARY KEY)")
        self.first = execute("SELECT coalesce(max(id), 0) + 1 FROM message").fetchone()[0]
        self.next_id = self.first
        self.is_empty = not self.count()
        self.looked_at = ("", "")  # the path of a file and its stamp, before it was opened
        self.languages: set[str] = set()
        self.unwritten: set[Stored] = set()  # keys of messages that are being read
        self.done = self.octets = 0
        self.started = time.monotonic()

    def count(self) -> int:
        row = self.connection.execute("SELECT count(*) FROM message WHERE source = ?", (self.source,))
        return int(row.fetchone()[0])

    def run(self, entries: Iterable[Entry | BlazeError]) -> None:
        self.connection.execute("BEGIN IMMEDIATE")
        for entry in entries:
            if isinstance(entry, BlazeError):
                self.report.faults.append(entry)
            else:
                self.take(entry)
                self.commit_many()
        self.write(self.documents.rest())
        self.commit()

    def knows(self, entry: Entry) -> bool:
        """True for a file that has not changed since it was read; then it is done."""
        try:
            status = os.stat(entry.path)
        except OSError:
            return False
        stamp = _stamp(status) if time.time_ns() - status.st_mtime_ns > _SETTLED_NS else ""
        self.looked_at = (entry.path, stamp)
        if self.is_empty or not stamp:
            return False
        place = _place(entry)
        known = self.known(place.key)
        if known is None or known[1] != stamp:
            return False
        self.keep(known[0], place, stamp, changed=known[3:] != place[1:])
        self.commit_many()
        return True

    def known(self, key: Stored) -> tuple[int, str, bytes, Stored, Stored, str] | None:
        """What the index has under a key: id, stamp, digest, and the place without the key."""
        row: tuple[int, str, bytes, Stored, Stored, str] | None = self.connection.execute(
            "SELECT id, stamp, digest, name, path, flags FROM message WHERE source = ? AND key = ?",
            (self.source, key),
        ).fetchone()
        return row

    def take(self, entry: Entry) -> None:
        """Look at one message, and have it read if the index does not have it."""
        place = _place(entry)
        digest = _digest(entry)
        path, stamp = self.looked_at
        stamp = stamp if path == entry.path else ""
        if place.key in self.unwritten:
            self.write(self.documents.rest())
        known = self.known(place.key)
        if known and known[2] == digest:
            self.keep(known[0], place, stamp, changed=known[3:] != place[1:])
            return
        execute = self.connection.execute
        if known:
            # Another message has its key now: it waits, under a key that none has, to be found again.
            execute("UPDATE message SET key = ? WHERE id = ?", (f"\0{known[0]}", known[0]))
        moved = None if self.is_empty else self.moved(digest)
        if moved and not self.is_in_place(moved, entry):
            self.keep(moved, place, stamp, changed=True)
            return
        self.unwritten.add(place.key)
        fresh = _Fresh(self.next_id, digest, place, stamp, entry)
        self.next_id += 1
        self.write(self.documents.put(fresh))

    def moved(self, digest: bytes) -> int | None:
        """A message with these octets that was known before and is not found so far."""
        row = self.connection.execute(
            "SELECT id FROM message WHERE digest = ? AND source = ? AND id < ?"
            " AND id NOT IN (SELECT id FROM seen)",
            (digest, self.source, self.first),
        ).fetchone()
        return row[0] if row else None

    def is_in_place(self, id: int, entry: Entry) -> bool:  # noqa: A002
        """True when the message known by the same octets lies where it lay: this one is a copy of it."""
        key, path = self.connection.execute("SELECT key, path FROM message WHERE id = ?", (id,)).fetchone()
        place = restored(path)
        return not restored(key).startswith("\0") and place != entry.path and os.path.exists(place)

    def keep(self, id: int, place: _Place, stamp: str, *, changed: bool) -> None:  # noqa: A002
        execute = self.connection.execute
        if changed:
            values = (*place, stamp, id)
            execute(
                "UPDATE message SET key = ?, name = ?, path = ?, flags = ?, stamp = ? WHERE id = ?", values
            )
        elif stamp:
            execute("UPDATE message SET stamp = ? WHERE id = ? AND stamp != ?", (stamp, id, stamp))
        execute("INSERT OR IGNORE INTO seen VALUES (?)", (id,))
        self.report.changed += changed
        self.report.unchanged += not changed
        self.done += 1

    def write(self, read: Iterable[tuple[_Fresh, Document]]) -> None:
        """Put messages that were read into the open transaction, each with its words."""
        execute = self.connection.execute
        for fresh, found in read:
            date = found.date
            if date is None and (delivered := fresh.entry.date_ns) is not None:
                date = delivered // 10**9
            execute(
                "INSERT INTO message (id, source, digest, stamp, key, name, path, flags, size, date, sender,"
                " subject, message_id, refs, in_reply_to, has_attachment)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    fresh.id,
                    self.source,
                    fresh.digest,
                    fresh.stamp,
                    *fresh.place,
                    found.size,
                    date,
                    *found[2:8],
                ),
            )
            execute("INSERT INTO text (id, texts) VALUES (?, ?)", (fresh.id, found.texts))
            execute(
                f"INSERT INTO words (rowid, {_WORDS}) VALUES (?, {_MARKS})",  # noqa: S608
                (fresh.id, *found.columns),
            )
            if found.stems:
                self.connection.executemany("INSERT OR IGNORE INTO stem VALUES (?, ?)", found.stems)
            if found.language not in self.languages:
                execute("INSERT OR IGNORE INTO language VALUES (?)", (found.language,))
                self.languages.add(found.language)
            self.unwritten.discard(fresh.place.key)
            self.report.added += 1
            self.done += 1
            self.octets += found.size

    def commit_many(self) -> None:
        """Commit when there is enough to commit."""
        if (
            self.done >= BATCH
            or self.octets > _BATCH_OCTETS
            or time.monotonic() - self.started > _BATCH_SECONDS
        ):
            self.commit()
            self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.connection.execute("COMMIT")
        self.progress(self.done)
        self.done = self.octets = 0
        self.started = time.monotonic()

    def finish(self, stamp: str) -> None:
        """Take out what is gone, and note that the source was read to its end."""
        if self.report.faults:
            return
        self.connection.execute("BEGIN IMMEDIATE")
        while gone := self.connection.execute(
            "SELECT id FROM message WHERE source = ? AND id < ? AND id NOT IN (SELECT id FROM seen) LIMIT ?",
            (self.source, self.first, BATCH),
        ).fetchall():
            for (id,) in gone:  # noqa: A001
                self.remove(id)
        self.connection.execute("UPDATE source SET stamp = ? WHERE id = ?", (stamp, self.source))
        self.connection.execute("COMMIT")
        with suppress(sqlite3.OperationalError):  # readers may hold the log; it is emptied another time
            self.connection.execute("PRAGMA busy_timeout = 0")
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


def _place(entry: Entry) -> _Place:
    """Where a message lies."""
    key = f"{entry.folder}/{entry.id}" if entry.folder else entry.id
    return _Place(stored(key or entry.path), stored(entry.name), stored(entry.path), entry.flags)


def _digest(entry: Entry) -> bytes:
    if isinstance(entry.buffer, bytes) and entry.end - entry.start == len(entry.buffer):
        return blake2b(entry.buffer, digest_size=16).digest()
    digest = blake2b(digest_size=16)
    for chunk in iter_chunks(entry.buffer, entry.start, entry.end):
        digest.update(chunk)
    return digest.digest()
