"""Where `convert` writes: an mbox, a Maildir, a folder of .eml, a pack; filled so that a run can be resumed.

A destination tells which messages it holds already, by digests of what it would give back.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from typing import Protocol

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError, UsageError
from blaze.core.store import atomic, folder, maildirwrite, mbox, mboxstage, mboxwrite, source
from blaze.core.store.delivery import Delivery, newline_of, of_entry
from blaze.core.store.flags import is_keyword
from blaze.core.store.manifest import MANIFEST, Record, append_record, open_for_append
from blaze.core.store.mboxlock import Lock

_ENDINGS = {".mbox": "mbox", ".mbx": "mbox", ".pack": "pack"}


class Destination(Protocol):
    """A store that is written."""

    def open(self) -> Counter[bytes]:
        """Make it ready; gives the digests of the messages that are there already, and how many of each."""
        ...

    def digest(self, delivery: Delivery) -> bytes:
        """The digest a message will have when it is read back from here."""
        ...

    def deliver(self, delivery: Delivery) -> None:
        """Write one message."""
        ...

    def finish(self, *, has_strangers: bool) -> bool:
        """Complete the store: now it may be said that the messages are there.

        `has_strangers` tells that it held messages which the source has not. False means that it was
        emptied, because an interrupted run had left something else; all must be delivered again.
        """
        ...

    def close(self) -> None:
        """Let go, finished or not; what is needed to take up the work again stays."""
        ...

    def iter_deliveries(self) -> Iterator[Delivery]:
        """The messages as they are read back."""
        ...


def make(kind: str, path: str, *, mbox_kind: str | None = None, sync: bool = True) -> Destination:
    """The destination of a kind (`mbox`, `maildir`, `eml`, `pack`) at a path; nothing is touched yet."""
    if kind == "mbox":
        return MboxDestination(path, mbox_kind, sync=sync)
    if kind == "maildir":
        return MaildirDestination(path, sync=sync)
    if kind == "eml":
        return FolderDestination(path, sync=sync)
    made: Destination = import_module("blaze.core.store.pack").make_destination(path, sync=sync)
    return made


def kind_of(dest: str, *, mbox_kind: str | None = None) -> tuple[str, str]:
    """What `dest` is to become, and its path: by its prefix, by what is there, or by its look.

    `X.mbox` is an mbox, `X.pack` a pack; `X/` or an empty folder a Maildir. With `mbox_kind` anything that is
    nothing else is an mbox.

    Raises:
        UsageError: it could be anything.
    """
    kind, path = source.forced_kind(dest)
    if path == source.STDIN:
        raise UsageError("the destination is a file or a folder, not standard output")
    if kind:
        return kind, path
    if os.path.isdir(path):
        return ("maildir" if not os.listdir(path) else source.kind_of_folder(path)), path
    name = os.path.basename(path)
    ending = os.path.splitext(name)[1].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending], path
    if not name or name == "Maildir":
        return "maildir", path
    if mbox_kind or name == "mbox":
        return "mbox", path
    if os.path.isfile(path):
        with open(path, "rb") as file:
            found = source.kind_of_octets(file.read(1024))
        if found in ("mbox", "pack"):
            return found, path
    hint = "Say it by a prefix: mbox:FILE, maildir:DIR, eml:DIR or pack:FILE."
    raise UsageError("it is not clear what the destination is to be", where=dest, hint=hint)


class _FilesDestination:
    """A folder with a file for each message, whatever else lies there, filled by a writer of its kind."""

    def __init__(self, path: str, name: str, writer: maildirwrite.Writer | folder.Writer) -> None:
        self.path = path
        self._name = name
        self._writer = writer

    def open(self) -> Counter[bytes]:
        """Make the folders; digest what is there."""
        self._writer.__enter__()
        return Counter(map(self.digest, self.iter_deliveries()))

    def digest(self, delivery: Delivery) -> bytes:
        """The SHA-256 of the message."""
        return delivery.digest()

    def deliver(self, delivery: Delivery) -> None:
        """Write one message."""
        self._writer.deliver(delivery)

    def finish(self, *, has_strangers: bool) -> bool:  # noqa: ARG002 - other mail may lie there
        """Make the names, or the manifest, durable."""
        self._writer.commit()
        return True

    def close(self) -> None:
        """Let go of the folders and the manifest."""
        self._writer.close()

    def iter_deliveries(self) -> Iterator[Delivery]:
        """The messages as they are read back."""
        return _iter_deliveries(self._name, None)


class MaildirDestination(_FilesDestination):
    """A Maildir; what lies in it counts as done, whatever its flags are now."""

    def __init__(self, path: str, *, sync: bool = True) -> None:
        super().__init__(path, f"maildir:{path}", maildirwrite.Writer(path, sync=sync))

    def open(self) -> Counter[bytes]:
        """Make the folders, clear away deliveries that failed long ago, digest what is there."""
        held = super().open()
        maildirwrite.remove_stale(self.path, time.time())
        return held


class FolderDestination(_FilesDestination):
    """A folder of .eml with its manifest."""

    def __init__(self, path: str, *, sync: bool = True) -> None:
        super().__init__(path, f"eml:{path}", folder.Writer(path, sync=sync))


class MboxDestination:
    """An mbox, built in a hidden file beside it and renamed when complete.

    What an interrupted run left in that file is taken up. To an mbox that is there already, locked as long,
    the new messages are added from that file (`mboxstage`). `mbox_kind` None writes mboxrd, and looks when it
    reads.
    """

    def __init__(self, path: str, mbox_kind: str | None, *, sync: bool = True) -> None:
        self.path = path
        self.kind = mbox_kind or "mboxrd"
        self._reading_kind = mbox_kind
        self._sync = sync
        folder_path, name = os.path.split(path)
        self._partial = os.path.join(folder_path, f".{name}.blaze-partial")
        self._writer: mboxwrite.Writer | None = None
        self._manifest = -1
        self._box = -1  # the mbox that is there already
        self._is_resumed = False
        self._stack = ExitStack()

    def open(self) -> Counter[bytes]:
        """Lock what is there; digest it."""
        if os.path.lexists(self.path):
            self._box = self._stack.enter_context(Lock(self.path))
            try:
                mboxstage.recover(self._partial, self._box)
            except OSError as error:
                what = f"cannot take up what a run that was killed has left: {error.strerror}"
                raise InputOutputError(what, where=self._partial) from error
            return self._digests(self.path)
        fd = mboxwrite.open_private(self._partial)
        self._stack.callback(os.close, fd)
        self._writer = mboxwrite.Writer(fd, self.kind)
        if os.fstat(fd).st_size == 0:
            return Counter()
        self._is_resumed = True
        self._cut_last(fd)
        return self._digests(self._partial)

    def digest(self, delivery: Delivery) -> bytes:
        """See `mboxwrite.digest_in`."""
        return mboxwrite.digest_in(delivery, self.kind)

    def deliver(self, delivery: Delivery) -> None:
        """Write one message; what the mbox has no place for goes to the manifest beside it."""
        unheld = tuple(label for label in delivery.marks.labels if not is_keyword(label))
        try:
            if unheld or delivery.folder:
                self._describe(delivery, unheld)
            writer = self._writer or self._begin()
            writer.add(delivery)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self.path) from error

    def finish(self, *, has_strangers: bool) -> bool:
        """Give the file its name; or empty it, when an interrupted run of something else had left it."""
        if self._writer is None:
            return True
        try:
            self._writer.flush()
            if self._is_resumed and has_strangers:
                os.ftruncate(self._writer.fd, 0)
                return False
            if self._box >= 0:
                mboxstage.add(self._writer.fd, self._box, self.path, sync=self._sync)
                return True
            if self._sync:
                os.fsync(self._writer.fd)
            atomic.rename_new(self._partial, self.path)
            if self._sync:
                atomic.sync_folder(os.path.dirname(self.path))
        except FileExistsError as error:
            raise CannotCreateError("the file appeared meanwhile", where=self.path) from error
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self.path) from error
        return True

    def close(self) -> None:
        """Let go; the hidden file stays if it holds anything."""
        self._stack.close()
        if self._manifest >= 0:
            os.close(self._manifest)
            self._manifest = -1

    def iter_deliveries(self) -> Iterator[Delivery]:
        """The messages as they are read back."""
        return _iter_deliveries(f"mbox:{self.path}", self._reading_kind)

    def _digests(self, path: str) -> Counter[bytes]:
        if os.path.getsize(path) == 0:
            return Counter()
        return Counter(map(self.digest, _iter_deliveries(f"mbox:{path}", self._reading_kind)))

    def _begin(self) -> mboxwrite.Writer:
        """Begin the hidden file with what the mbox is to get."""
        fd = mboxstage.begin(self._partial, self._box)
        self._stack.callback(atomic.remove_quietly, self._partial)
        self._stack.callback(os.close, fd)
        self._writer = mboxwrite.Writer(fd, self.kind)
        return self._writer

    def _cut_last(self, fd: int) -> None:
        """Cut off the last message of an interrupted run, which may not be whole."""
        last = 0
        buffer = atomic.map_fd(fd)
        try:
            following = 0
            for span in mbox.iter_spans(buffer, self._partial, source.Reading(self._reading_kind)):
                last, following = following, span.next
        except BlazeError:
            last = 0
        finally:
            buffer.close()
        os.ftruncate(fd, last)
        os.lseek(fd, 0, os.SEEK_END)

    def _describe(self, delivery: Delivery, unheld: tuple[str, ...]) -> None:
        if self._manifest < 0:
            self._manifest = open_for_append(f"{self.path}.{MANIFEST}")
        name = f"{delivery.folder}/{delivery.name.rpartition('/')[2]}" if delivery.folder else delivery.name
        record = Record(self.digest(delivery).hex(), newline_of(delivery), labels=unheld, name=name)
        append_record(self._manifest, record)


def _iter_deliveries(name: str, mbox_kind: str | None) -> Iterator[Delivery]:
    """The messages of a store that is being written; an mbox is locked already."""
    for found in source.iter_entries([name], source.Reading(mbox_kind, locks=False)):
        if isinstance(found, BlazeError):
            raise found
        yield of_entry(found)
