"""Where a server puts messages: a file, a folder, a Maildir, an mbox, a stream, or nowhere.

`store` takes several messages at once, so that one flush of a folder serves them all. When it returns, a
message it gives a path for is on disk (with `sync`), its envelope beside it.
"""

import errno
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError, UsageError
from blaze.core.net.arrival import Arrival, Body, Nowhere
from blaze.core.net.drafts import Draft, Drafts
from blaze.core.store import atomic, maildirwrite, mboxwrite, source
from blaze.core.store.delivery import Delivery
from blaze.core.store.flags import NEW
from blaze.core.store.folder import SUFFIX
from blaze.core.store.manifest import open_for_append

FORMAT = "blaze-%s.eml"
"""How files in a folder are called unless the user says otherwise."""

Outcome = str | BlazeError | None
"""The name of a stored message (None: it was not to be kept), or why it is not stored."""


class Sink(Protocol):
    """A destination. `is_quick` says that storing a message of few octets waits for nothing."""

    @property
    def is_quick(self) -> bool:
        """Whether `store` may be called where nothing may wait."""

    def open(self) -> Body:
        """A body for the next message."""

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Store messages; one that fails leaves the others alone."""

    def close(self) -> None:
        """No more messages come."""


class FolderSink:
    """Files in a folder, made if need be, each with its envelope in a `.json` beside it.

    `format` has one ``%s``, which becomes unique and sorts in the order of arrival.

    Raises (on creation):
        UsageError: the format has not just one ``%s``, or is no file name.
        CannotCreateError: the folder cannot be made.
    """

    def __init__(self, folder: str, *, format: str = FORMAT, sync: bool = True) -> None:  # noqa: A002
        if format.count("%s") != 1 or format.count("%") != 1 or "/" in format or "\0" in format:
            raise UsageError(
                "not a format for file names",
                where=repr(format),
                hint="It holds one %s, as blaze-%s.eml does.",
            )
        self.folder = folder.rstrip("/") or "/"
        self.is_quick = not sync
        self._sync = sync
        self._run = time.strftime("%Y%m%dT%H%M%SZ-", time.gmtime()) + secrets.token_hex(3)
        before, self._ending = format.split("%s")
        self._beginning = f"{self.folder}/{before}{self._run}-"
        self._stored = 0
        try:
            _make_folder(self.folder, sync=sync)
        except OSError as error:
            raise _cannot_create(error, self.folder) from error
        self._drafts = Drafts(self.folder, self._run)

    def open(self) -> Body:
        """A body that goes to a file of the folder when it is large."""
        return Body(self._drafts.open)

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Write and name each, then flush the folder."""
        outcomes = [self._store(arrival) for arrival in arrivals]
        if self._sync:
            try:
                atomic.sync_folder(self.folder)
            except OSError as error:
                return [_cannot_write(error, self.folder)] * len(arrivals)
        return outcomes

    def _store(self, arrival: Arrival) -> Outcome:
        self._stored += 1
        target = self._target(self._stored)
        drafts: list[Draft] = []
        body = arrival.body
        try:
            drafts.append(self._written(body.octets()) if body.file is None else body.file)
            body.file = None
            drafts.append(self._written(arrival.envelope_line(target)))
            if self._sync:
                for draft in drafts:
                    os.fsync(draft.fd)
            message, envelope = drafts
            self._name(message, envelope, target)
        except OSError as error:
            return _cannot_write(error, target)
        finally:
            for draft in drafts:
                draft.close()
        return target

    def _written(self, octets: bytes) -> Draft:
        draft = self._drafts.open()
        try:
            atomic.write_all(draft.fd, octets)
        except OSError:
            draft.close()
            raise
        return draft

    def _name(self, message: Draft, envelope: Draft, target: str) -> None:
        """Give the files their names, the envelope first: who sees a message finds its envelope."""
        beside = envelope_path(target)
        self._publish(envelope, beside)
        try:
            self._publish(message, target)
        except OSError:
            os.unlink(beside)
            raise

    def _target(self, number: int) -> str:
        return f"{self._beginning}{number:06}{self._ending}"

    def _publish(self, draft: Draft, target: str) -> None:
        self._drafts.publish(draft, target)

    def close(self) -> None:
        """Nothing is left open."""


class FileSink(FolderSink):
    """One file, with its envelope in a `.json` beside it; further messages get `-2`, `-3` in the name.

    Raises (on creation):
        CannotCreateError: there is no such folder; or the file, or the one beside it, exists and `force` is
            not given.
    """

    def __init__(self, path: str, *, force: bool = False, sync: bool = True) -> None:
        folder = os.path.dirname(path) or "."
        if not os.path.isdir(folder):
            raise _cannot_create(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), path)
        super().__init__(folder, sync=sync)
        self._path = path
        self._force = force
        if not force:
            atomic.refuse_existing(path)
            atomic.refuse_existing(envelope_path(path))

    def _target(self, number: int) -> str:
        if number == 1:
            return self._path
        stem, suffix = os.path.splitext(self._path)
        return f"{stem}-{number}{suffix}"

    def _publish(self, draft: Draft, target: str) -> None:
        if self._force:
            self._drafts.replace(draft, target)
        else:
            self._drafts.publish(draft, target)


class MaildirSink:
    """A Maildir, made if need be, the envelopes in `<path>.jsonl`."""

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self._writer = maildirwrite.Writer(path, sync=sync).__enter__()
        self._envelopes = _Envelopes(self._writer.root, sync=sync)
        if sync:
            atomic.sync_folder(self._writer.root)
        self.is_quick = not sync

    def open(self) -> Body:
        """A body that goes to a temporary file when it is large."""
        return Body(_temporary)

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Deliver into `new`."""
        outcomes = [self._store(arrival) for arrival in arrivals]
        try:
            self._writer.commit()
            self._envelopes.commit()
        except OSError as error:
            return [_cannot_write(error, self._writer.root)] * len(arrivals)
        return outcomes

    def _store(self, arrival: Arrival) -> Outcome:
        path = ""
        try:
            path = f"{self._writer.root}/new/{self._writer.deliver(_delivery(arrival))}"
            with self._envelopes.added(arrival.envelope_line(path)):
                return path
        except BlazeError as error:
            return error
        except OSError as error:
            if path:
                atomic.remove_quietly(path)
            return _cannot_write(error, self._envelopes.path)
        finally:
            arrival.body.discard()

    def close(self) -> None:
        """Close the folders."""
        self._writer.close()
        self._envelopes.close()


class MboxSink:
    """An mbox (mboxrd), made if need be and locked for each write, the envelopes in `<path>.jsonl`.

    Each message is named `<path>#<ordinal>`, as long as no other program writes to the mbox meanwhile.
    """

    is_quick = False  # another program may hold the lock

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self._path = path
        self._sync = sync
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise _cannot_create(error, path) from error
        self._ordinal = _count_messages(path)
        self._envelopes = _Envelopes(path, sync=sync)

    def open(self) -> Body:
        """A body that goes to a temporary file when it is large."""
        return Body(_temporary)

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Append."""
        paths = [f"{self._path}#{self._ordinal + number}" for number, _ in enumerate(arrivals, 1)]
        lines = [arrival.envelope_line(path) for arrival, path in zip(arrivals, paths, strict=True)]
        try:
            with self._envelopes.added(b"".join(lines)):
                mboxwrite.append(self._path, [_delivery(arrival) for arrival in arrivals], sync=self._sync)
            self._ordinal += len(arrivals)
            self._envelopes.commit()
        except BlazeError as error:
            return [error] * len(arrivals)
        except OSError as error:
            return [_cannot_write(error, self._path)] * len(arrivals)
        finally:
            for arrival in arrivals:
                arrival.body.discard()
        return [*paths]

    def close(self) -> None:
        """Close the file of envelopes."""
        self._envelopes.close()


class StreamSink:
    """Each message handed to `write` in chunks, after what `head` says of it; nothing else is kept."""

    is_quick = False  # a pipe may be full

    def __init__(
        self, write: Callable[[bytes], object], head: Callable[[Arrival], bytes] | None = None
    ) -> None:
        self._write = write
        self._head = head

    def open(self) -> Body:
        """A body that goes to a temporary file when it is large."""
        return Body(_temporary)

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Write the messages one after another. Raises `BrokenPipeError` when nobody reads them."""
        outcomes: list[Outcome] = []
        for arrival in arrivals:
            try:
                if self._head:
                    self._write(self._head(arrival))
                for chunk in _delivery(arrival).iter_octets():
                    self._write(chunk)
                outcomes.append(None)
            except BrokenPipeError:
                raise
            except OSError as error:
                outcomes.append(_cannot_write(error, "-"))
            finally:
                arrival.body.discard()
        return outcomes

    def close(self) -> None:
        """The stream is the caller's."""


class NoSink:
    """Messages are counted and dropped."""

    is_quick = True

    def open(self) -> Body:
        """A body that keeps nothing."""
        return Nowhere()

    def store(self, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Nothing to do."""
        return [None] * len(arrivals)

    def close(self) -> None:
        """Nothing to do."""


class _Envelopes:
    """The file of envelopes beside a store, a JSON line each. Methods raise `OSError`.

    With `sync` the names of both the file and the store are durable once this is made.
    """

    def __init__(self, store: str, *, sync: bool) -> None:
        self.path = f"{store}.jsonl"
        self._sync = sync
        try:
            self._fd = open_for_append(self.path)
            if sync:
                atomic.sync_folder(os.path.dirname(self.path))
        except OSError as error:
            raise _cannot_create(error, self.path) from error

    @contextmanager
    def added(self, lines: bytes) -> Iterator[None]:
        """Append lines; they are taken back when that or the block fails, so that none stays cut short."""
        start = os.fstat(self._fd).st_size
        try:
            atomic.write_all(self._fd, lines)
            yield
        except (BlazeError, OSError):
            with suppress(OSError):
                if os.fstat(self._fd).st_size <= start + len(lines):  # another program may append too
                    os.ftruncate(self._fd, start)
            raise

    def commit(self) -> None:
        """Make all that was added durable."""
        if self._sync:
            os.fsync(self._fd)

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


def _make_folder(path: str, *, sync: bool) -> None:
    """Make a folder and those above it; with `sync` their names are durable."""
    missing = []
    while not os.path.isdir(path) and path not in ("", "/"):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        os.makedirs(folder, exist_ok=True)
        if sync:
            atomic.sync_folder(os.path.dirname(folder))


def envelope_path(path: str) -> str:
    """Where the envelope of the message in the file at `path` lies."""
    return path.removesuffix(SUFFIX) + ".json"


def _delivery(arrival: Arrival) -> Delivery:
    sender = arrival.transaction.reverse_path.encode("utf-8", "surrogateescape")
    buffer = arrival.body.buffer()
    return Delivery(buffer, 0, len(buffer), marks=NEW, date_ns=int(arrival.time * 1e9), sender=sender)


def _temporary() -> Draft:
    with tempfile.TemporaryFile(buffering=0) as file:
        return Draft(os.dup(file.fileno()))


def _count_messages(path: str) -> int:
    if os.path.getsize(path) == 0:
        return 0
    count = 0
    for found in source.iter_entries([f"mbox:{path}"]):
        if isinstance(found, BlazeError):
            raise found
        count += 1
    return count


def _cannot_create(error: OSError, where: str) -> CannotCreateError:
    return CannotCreateError(f"cannot create it: {(error.strerror or str(error)).lower()}", where=where)


def _cannot_write(error: OSError, where: str) -> InputOutputError:
    return InputOutputError(f"cannot write: {(error.strerror or str(error)).lower()}", where=where)
