"""Fetched messages on their way to disk in two steps, so that a crash at any moment can be made good.

`stage` writes a message under a hidden name, `secure` makes that durable, `land` gives the final names.
Between the last two the caller notes the tickets in a `ledger`; `complete` finishes what a run that was
killed had begun.
"""

import mmap
import os
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib import import_module
from itertools import count
from typing import Protocol

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError, UsageError
from blaze.core.mail.names import numbered, safe_name
from blaze.core.store import atomic, maildir, maildirwrite, mboxwrite
from blaze.core.store.delivery import Delivery
from blaze.core.store.ledger import Ticket
from blaze.core.store.mboxlock import Lock

FORMAT = "blaze-%s.eml"
"""How files are called unless the user says otherwise."""

_SEPARATORS = str.maketrans("/\\", "__")
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Landing(Protocol):
    """A destination. `is_gradual` says that messages can land before all have come."""

    @property
    def is_gradual(self) -> bool:
        """Whether `land` may be called again and again."""

    def stage(self, uid: str, delivery: Delivery) -> Ticket:
        """Write a message under a hidden name."""

    def secure(self) -> None:
        """Make sure that all that was staged stays, whatever happens."""

    def land(self, tickets: Sequence[Ticket]) -> list[str]:
        """Give messages their final names, durably; gives where each is."""

    def close(self) -> None:
        """Let go."""


class FileLanding:
    """Files of their own, called by `format`, whose one ``%s`` becomes the unique-id, made safe.

    A name that is taken gets a number. Folders in `format` must be there.

    Raises (on creation):
        UsageError: the format has not just one ``%s``, in its last part.
    """

    is_gradual = True

    def __init__(self, format: str = FORMAT, *, sync: bool = True) -> None:  # noqa: A002
        self._folder, name = os.path.split(format)
        before, mark, after = name.partition("%s")
        if not mark or "%" in before + after + self._folder or "\0" in format:
            hint = "It holds one %s, in the name of the file, as blaze-%s.eml does."
            raise UsageError("not a format for file names", where=repr(format), hint=hint)
        self._before, self._after = before, after
        self._sync = sync
        self._taken: set[str] = set()

    def stage(self, uid: str, delivery: Delivery) -> Ticket:
        """Write a hidden file beside the final one."""
        target = self._free_target(uid)
        staged = _write_hidden(os.path.abspath(target), delivery.iter_octets(), mode=0o666, sync=self._sync)
        self._taken.add(target)
        return Ticket("file", os.path.abspath(target), staged)

    def secure(self) -> None:
        """Flush the folder."""
        if self._sync:
            atomic.sync_folder(self._folder)

    def land(self, tickets: Sequence[Ticket]) -> list[str]:
        """Rename all, flush the folder."""
        self._taken.clear()
        paths = [os.path.join(self._folder, os.path.basename(_land_file(ticket))) for ticket in tickets]
        self.secure()
        return paths

    def close(self) -> None:
        """Nothing is left open."""

    def _free_target(self, uid: str) -> str:
        name = safe_name(f"{self._before}{uid.translate(_SEPARATORS)}{self._after}", fallback="message.eml")
        target = os.path.join(self._folder, name)
        for number in count(2):
            if target not in self._taken and not os.path.lexists(target):
                break
            target = os.path.join(self._folder, numbered(name, number))
        return target


class MaildirLanding:
    """A Maildir, made if need be: `tmp`, then `new`."""

    is_gradual = True

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self._path = path.rstrip("/") or "/"
        self._place = os.path.abspath(self._path)
        self._tmp = os.path.join(self._place, "tmp")
        self._sync = sync
        self._numbers = count()
        now = time.time_ns()
        self._moment = f"{now // 1_000_000_000}.M{now // 1000 % 1_000_000:06}P{os.getpid()}"
        self._host = maildirwrite.host_part(os.uname().nodename)
        maildirwrite.make(self._path)

    def stage(self, uid: str, delivery: Delivery) -> Ticket:  # noqa: ARG002 - names there are ours
        """Write into `tmp`."""
        unique = f"{self._moment}Q{next(self._numbers):08}.{self._host}"
        staged = f"{self._tmp}/{unique}"
        _write(staged, delivery.iter_octets(), mode=0o600, sync=self._sync)
        return Ticket("maildir", f"{self._place}/new/{unique}", staged)

    def secure(self) -> None:
        """Flush `tmp`."""
        if self._sync:
            atomic.sync_folder(self._tmp)

    def land(self, tickets: Sequence[Ticket]) -> list[str]:
        """Rename into `new`, and flush that."""
        for ticket in tickets:
            os.rename(ticket.staged, ticket.target)
        if self._sync:
            atomic.sync_folder(f"{self._place}/new")
        return [f"{self._path}/new/{os.path.basename(ticket.target)}" for ticket in tickets]

    def close(self) -> None:
        """Nothing is left open."""


class MboxLanding:
    """An mbox (mboxrd), made if need be, locked while it is added to.

    What it is to get is written beside it first; or in the folder `staging`, where that of the mbox is not
    ours to write to, as the one that has a file for each user.
    """

    is_gradual = True

    def __init__(self, path: str, *, staging: str | None = None, sync: bool = True) -> None:
        self._path = path
        self._target = os.path.abspath(path)
        self._staging = os.path.dirname(self._target)
        if staging is not None and not os.access(self._staging, os.W_OK):
            self._staging = os.path.abspath(staging)
        self._sync = sync

    def stage(self, uid: str, delivery: Delivery) -> Ticket:  # noqa: ARG002 - messages there have no names
        """Write the octets that the mbox is to get into a hidden file."""
        name = os.path.join(self._staging, os.path.basename(self._target))
        octets = mboxwrite.iter_message(delivery)
        return Ticket("mbox", self._target, _write_hidden(name, octets, mode=0o600, sync=self._sync))

    def secure(self) -> None:
        """Flush the folder."""
        if self._sync:
            atomic.sync_folder(self._staging)

    def land(self, tickets: Sequence[Ticket]) -> list[str]:
        """Append all, flush the mbox, and only then remove what was staged."""
        with Lock(self._target) as fd, mboxwrite.appending(fd, self._path, sync=self._sync):
            for ticket in tickets:
                _append_file(fd, ticket.staged)
        for ticket in tickets:
            os.unlink(ticket.staged)
        self.secure()
        return [self._path] * len(tickets)

    def close(self) -> None:
        """Nothing is left open."""


class PackLanding:
    """A pack, which gets its name when all messages are in it."""

    is_gradual = False

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self._path = path
        self._destination = import_module("blaze.core.store.pack").make_destination(path, sync=sync)
        self._destination.open()

    def stage(self, uid: str, delivery: Delivery) -> Ticket:
        """Put the message in; the ticket has its digest, to know it again."""
        self._destination.deliver(delivery._replace(name=uid))
        return Ticket("pack", os.path.abspath(self._path), self._destination.digest(delivery).hex())

    def secure(self) -> None:
        """Nothing stays of a pack that is not complete."""

    def land(self, tickets: Sequence[Ticket]) -> list[str]:
        """Complete the pack."""
        self._destination.finish(has_strangers=False)
        return [self._path] * len(tickets)

    def close(self) -> None:
        """Let go of the pack."""
        self._destination.close()


def complete(ticket: Ticket) -> bool:
    """Finish what a run that was killed had begun; False when the message has to be fetched again.

    Raises:
        InputOutputError, CannotCreateError, TemporaryError: it cannot be done now; the ticket stays good.
    """
    finishers: dict[str, Callable[[Ticket], bool]] = {
        "file": _complete_file,
        "maildir": _complete_maildir,
        "mbox": _complete_mbox,
        "pack": _complete_pack,
    }
    finisher = finishers.get(ticket.kind)
    try:
        return finisher is not None and finisher(ticket)
    except OSError as error:
        raise InputOutputError(f"cannot complete it: {error.strerror}", where=ticket.target) from error


def _complete_file(ticket: Ticket) -> bool:
    if not os.path.lexists(ticket.staged):
        return os.path.lexists(ticket.target)
    atomic.sync_folder(os.path.dirname(_land_file(ticket)))
    return True


def _land_file(ticket: Ticket) -> str:
    """Give a staged file its name, or another one when that was taken meanwhile; gives the path."""
    target, name = ticket.target, os.path.basename(ticket.target)
    for number in count(2):
        try:
            atomic.rename_new(ticket.staged, target)
        except FileExistsError:
            if os.path.samefile(ticket.staged, target):  # killed between the link and the unlink
                os.unlink(ticket.staged)
                break
            target = os.path.join(os.path.dirname(ticket.target), numbered(name, number))
        else:
            break
    return target


def _complete_maildir(ticket: Ticket) -> bool:
    place, unique = os.path.dirname(os.path.dirname(ticket.target)), os.path.basename(ticket.target)
    if os.path.lexists(ticket.staged):
        os.rename(ticket.staged, ticket.target)
        atomic.sync_folder(f"{place}/new")
        return True
    return os.path.isdir(f"{place}/cur") and maildir.find_file(place, unique) is not None


def _complete_mbox(ticket: Ticket) -> bool:
    if not os.path.lexists(ticket.staged):  # it goes when the mbox has it
        return True
    with Lock(ticket.target) as fd:
        if _holds(fd, ticket.staged):
            os.fsync(fd)
        else:
            with mboxwrite.appending(fd, ticket.target):
                _append_file(fd, ticket.staged)
    os.unlink(ticket.staged)
    return True


def _holds(fd: int, staged: str) -> bool:
    """Whether the mbox has the octets of the file; a first part of them at its end is cut off."""
    size = os.fstat(fd).st_size
    if size == 0:
        return False
    with open(staged, "rb") as file, mmap.mmap(fd, size, access=mmap.ACCESS_READ) as box:
        message = file.read()
        if box.rfind(message) >= 0:
            return True
        at = box.find(message[:1], max(size - len(message) + 1, 0))
        while at >= 0:
            if (at == 0 or box[at - 1] == 10) and message.startswith(box[at:size]):
                break
            at = box.find(message[:1], at + 1)
    if at >= 0:
        os.ftruncate(fd, at)
    return False


def _complete_pack(ticket: Ticket) -> bool:
    if not os.path.lexists(ticket.target):
        return False
    status = os.stat(ticket.target)
    stamp = (status.st_ino, status.st_size, status.st_mtime_ns)
    return bytes.fromhex(ticket.staged) in _digests_in_pack(ticket.target, stamp)


@lru_cache(maxsize=1)
def _digests_in_pack(path: str, stamp: tuple[int, ...]) -> frozenset[bytes]:  # noqa: ARG001 - for the cache
    """The digests of all messages in a pack; read once for the many that a run had put into it."""
    destination = import_module("blaze.core.store.pack").make_destination(path)
    return frozenset(map(destination.digest, destination.iter_deliveries()))


def _write_hidden(target: str, chunks: Iterable[bytes], *, mode: int, sync: bool) -> str:
    path = atomic.temporary_name(target)
    _write(path, chunks, mode=mode, sync=sync)
    return path


def _write(path: str, chunks: Iterable[bytes], *, mode: int, sync: bool) -> None:
    """Write a new file, or none."""
    try:
        fd = os.open(path, _FLAGS, mode)
    except OSError as error:
        raise CannotCreateError(f"cannot create the file: {error.strerror}", where=path) from error
    try:
        for chunk in chunks:
            atomic.write_all(fd, chunk)
        if sync:
            os.fsync(fd)
    except OSError as error:
        os.unlink(path)
        raise InputOutputError(f"cannot write: {error.strerror}", where=path) from error
    except BlazeError:
        os.unlink(path)
        raise
    finally:
        os.close(fd)


def _append_file(fd: int, path: str) -> None:
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(1 << 20):
            atomic.write_all(fd, chunk)
