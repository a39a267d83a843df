"""The file of an index: a SQLite database in write-ahead mode, one writer and many readers at once."""

import errno
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from blaze.core.errors import (
    BlazeError,
    CannotCreateError,
    ConfigurationError,
    DataError,
    InputOutputError,
    NoInputError,
    TemporaryError,
)

SUFFIX = ".blaze-index"

# `words` keeps no text of its own: its rows are made from `text` again when they are to be deleted. Its
# columns are `terms.COLUMNS`, which are not imported to start a look-up of Message-IDs.
_INDEX_SCHEMA = """
CREATE TABLE source (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, stamp TEXT NOT NULL DEFAULT '');
CREATE TABLE message (
  id INTEGER PRIMARY KEY, source INTEGER NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL,
  stamp TEXT NOT NULL, name TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, date INTEGER,
  flags TEXT NOT NULL, sender TEXT NOT NULL, subject TEXT NOT NULL, message_id TEXT NOT NULL,
  refs TEXT NOT NULL, in_reply_to TEXT NOT NULL, has_attachment INTEGER NOT NULL
);
CREATE UNIQUE INDEX message_key ON message (source, key);
CREATE INDEX message_digest ON message (digest);
CREATE INDEX message_id ON message (message_id);
CREATE INDEX message_date ON message (date);
CREATE TABLE text (id INTEGER PRIMARY KEY, texts TEXT NOT NULL);
CREATE VIRTUAL TABLE words USING fts5(
  "from", "to", "cc", "bcc", "subject", "body", "quoted", "attachment", "list", content='', tokenize='ascii'
);
INSERT INTO words (words, rank) VALUES ('automerge', 8);
CREATE TABLE stem (stem TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (stem, word)) WITHOUT ROWID;
CREATE TABLE language (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Layout(NamedTuple):
    """A kind of database: the number that tells its files from others, its version, and its tables.

    `command` is what makes one.
    """

    application_id: int
    version: int
    schema: str
    command: str


INDEX = Layout(0x626C7A69, 3, _INDEX_SCHEMA, "blaze index SOURCE")
"""The index of words; "blzi"."""


def default_path(source: str) -> str:
    """Where the index of a source is unless another place is named: in its folder, or beside its file."""
    path = source.rstrip("/") or "/"
    return f"{path}/{SUFFIX}" if os.path.isdir(path) else path + SUFFIX


@contextmanager
def open_for_reading(path: str, layout: Layout = INDEX) -> Iterator[sqlite3.Connection]:
    """The index at `path`, as it was when it was opened, whatever a writer does meanwhile.

    Raises:
        NoInputError: there is no index.
        DataError: the file is no index, or is damaged.
    """
    if not os.path.isfile(path):
        raise NoInputError("there is no index", where=path, hint=f"Make one with '{layout.command}'.")
    with faults_of(path):
        connection = _connect_reader(path)
        try:
            _read_schema(connection, path)
            if not _is_ours(connection, path, layout):
                hint = f"Run '{layout.command}' again."
                raise NoInputError("the index is not finished", where=path, hint=hint)
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()


@contextmanager
def open_for_writing(path: str, layout: Layout = INDEX, *, sync: bool = True) -> Iterator[sqlite3.Connection]:
    """The index at `path`, made if need be; no other writer has it until this one is done.

    With `sync` what was committed outlives a loss of power; it outlives a kill in any case.

    Raises:
        TemporaryError: another process writes it.
        DataError: the file is no index, or is damaged.
        CannotCreateError, InputOutputError: it cannot be made or written.
    """
    with _only_writer(path), faults_of(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            _read_schema(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if sync else 'OFF'}")
            connection.execute("PRAGMA cache_size = -32768")
            if not _is_ours(connection, path, layout):
                connection.executescript(
                    f"BEGIN; {layout.schema} PRAGMA application_id = {layout.application_id};"
                    f" PRAGMA user_version = {layout.version}; COMMIT;"
                )
            yield connection
        finally:
            connection.close()


@contextmanager
def faults_of(path: str) -> Iterator[None]:
    """What goes wrong in SQLite, as the errors of the core."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path) from error


def read_texts(connection: sqlite3.Connection, id: int) -> list[str]:  # noqa: A002
    """The texts of a message in the index, as `terms.COLUMNS` names them."""
    row = connection.execute("SELECT texts FROM text WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise InputOutputError(f"the index has lost the text of message {id}")
    texts: list[str] = row[0].split("\0")
    return texts


def _translated(error: sqlite3.Error, path: str) -> BlazeError:
    text = str(error)
    if "no such module" in text:
        return ConfigurationError("this Python's SQLite has no full-text search (FTS5)", where=path)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        hint = "Name another file, or delete it and make the index again."
        return DataError("this is no index", where=path, hint=hint)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TemporaryError("another process has the index", where=path)
    if code == sqlite3.SQLITE_CORRUPT or not code:
        return _damaged(path, text)
    return InputOutputError(text, where=path)


def _damaged(path: str, how: str) -> DataError:
    return DataError(f"the index is damaged ({how})", where=path, hint="Delete it and make it again.")


def _read_schema(connection: sqlite3.Connection, path: str) -> None:
    """Let SQLite read the schema. Where that is damaged, its complaint may hold octets that are no UTF-8."""
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1")
    except UnicodeDecodeError as error:
        raise _damaged(path, "malformed database schema") from error


def _connect_reader(path: str) -> sqlite3.Connection:
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    uri = f"file:{name}?mode=ro"
    if not os.access(os.path.dirname(path) or ".", os.W_OK) and not os.path.exists(f"{path}-wal"):
        uri += "&immutable=1"  # nobody writes it, and we could not take part in the locking
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=10)


def _is_ours(connection: sqlite3.Connection, path: str, layout: Layout) -> bool:
    """False for an empty database; a DataError for one of another program or version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (application, version) == (layout.application_id, layout.version):
        return True
    if application or version or connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        hint = f"Name another file, or delete this one and run '{layout.command}' again."
        raise DataError("this is no index of this version of blaze", where=path, hint=hint)
    return False


@contextmanager
def _only_writer(path: str) -> Iterator[None]:
    try:
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        fd = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotCreateError(f"cannot write the index: {reason}", where=path) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise TemporaryError("another process is at work on the index", where=path) from None
    finally:
        os.close(fd)
