"""Locking an mbox as other mail programs do: a dot-lock beside it, and fcntl on it."""

import errno
import fcntl
import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from blaze.core.errors import CannotCreateError, TemporaryError

PATIENCE = 30.0
"""Seconds to wait for another program, as Python's and mutt's order of magnitude."""

_RETRY = 0.1  # seconds


class Lock:
    """An mbox opened for reading and writing, made if need be, that no other program writes meanwhile.

    The `with` block gets its descriptor. Where the folder is not ours to write to, fcntl must do. A dot-lock
    left by a process of this machine that is gone is removed.

    Raises:
        TemporaryError: it is still locked after `patience` seconds.
        CannotCreateError: it cannot be opened.
    """

    def __init__(self, path: str, *, patience: float = PATIENCE) -> None:
        self.path = os.path.realpath(path)
        self._dot_lock = f"{self.path}.lock"
        self._deadline = time.monotonic() + patience
        self._dot_lock_status: os.stat_result | None = None
        self._fd = -1

    def __enter__(self) -> int:
        if os.path.exists(self.path) and not os.path.isfile(self.path):
            raise CannotCreateError("an mbox is a file, not a folder or a device", where=self.path)
        try:
            while not self._take():
                self._release()
                _wait(self._deadline, self.path, f"If no program is using it, remove {self._dot_lock}.")
        except OSError as error:
            self._release()
            raise CannotCreateError(f"cannot open the mbox: {error.strerror}", where=self.path) from error
        except BaseException:
            self._release()
            raise
        return self._fd

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _take(self) -> bool:
        """Take both locks; False when another program has one of them, or has put another file there.

        Others take them the other way round: so who gets one alone must let it go.
        """
        if not self._take_dot_lock():
            return False
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            lock_file(self._fd)
            return os.path.samestat(os.fstat(self._fd), os.stat(self.path))
        except (BlockingIOError, PermissionError, FileNotFoundError):
            return False

    def _take_dot_lock(self) -> bool:
        try:
            fd = os.open(self._dot_lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            _remove_stale(self._dot_lock)
            return False
        except PermissionError:
            return True
        try:
            self._dot_lock_status = os.fstat(fd)
            os.write(fd, _holder())
        finally:
            os.close(fd)
        return True

    def _release(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        ours, self._dot_lock_status = self._dot_lock_status, None
        if ours is not None:
            # Some programs take a lock for forgotten after minutes, and put theirs there.
            with suppress(FileNotFoundError):
                if os.path.samestat(ours, os.stat(self._dot_lock)):
                    os.unlink(self._dot_lock)


@contextmanager
def shared(fd: int, path: str, *, patience: float = PATIENCE) -> Iterator[None]:
    """Inside, no program that asks for a lock writes the mbox at `path`, open for reading as `fd`.

    Others may read it meanwhile. Nothing is locked where the system or the file system has no locks of open
    file descriptions: one of the process would take those away that the process has on the file already.

    Raises:
        TemporaryError: it is still locked after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    is_locked = False
    while not is_locked:
        try:
            _lock_description(fd, fcntl.F_RDLCK)
            is_locked = True
        except BlockingIOError:
            hint = "When nobody is writing it, read it as standard input, for which no lock is needed."
            _wait(deadline, path, hint)
        except OSError:
            break
    try:
        yield
    finally:
        if is_locked:
            _lock_description(fd, fcntl.F_UNLCK)


def lock_file(fd: int) -> None:
    """Lock a file by fcntl, or raise `OSError` at once.

    A lock of the process ends when the process closes any descriptor of the file, such as one that it was
    read through; so it belongs to the open file description where the system knows such locks. The two kinds
    see each other.
    """
    try:
        _lock_description(fd, fcntl.F_WRLCK)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_description(fd: int, kind: int) -> None:
    """Set the lock of an open file description, or raise `OSError` at once: EINVAL if there are none."""
    if not hasattr(fcntl, "F_OFD_SETLK"):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, 0, 0, 0))


def _wait(deadline: float, path: str, hint: str) -> None:
    if time.monotonic() >= deadline:
        raise TemporaryError("another program keeps the mbox locked", where=path, hint=hint)
    time.sleep(_RETRY)


def _holder() -> bytes:
    return f"{os.getpid()} {os.uname().nodename}\n".encode()


def _remove_stale(dot_lock: str) -> None:
    """Remove a dot-lock whose process, on this machine, is gone."""
    try:
        with open(dot_lock, "rb") as lines:
            words = lines.read(256).split()
    except OSError:
        return
    if len(words) != 2 or not words[0].isdigit() or words[1] != os.uname().nodename.encode():
        return
    try:
        os.kill(int(words[0]), 0)
    except ProcessLookupError:
        os.unlink(dot_lock)
    except OSError:
        return
