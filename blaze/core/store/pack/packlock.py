"""Keeping two programs from changing an archive at once: flock on the pack, or on the folder of packs."""

import fcntl
import os
from contextlib import ExitStack

from blaze.core.errors import CannotCreateError, TemporaryError


def hold(path: str, stack: ExitStack, *, alone: bool) -> None:
    """Lock the pack or the folder of packs at `path`, which exists, until `stack` is closed.

    Several may hold it at once, if none wants to be `alone`. Nobody waits: the other one may take hours.

    Raises:
        TemporaryError: another program is changing it.
        CannotCreateError: it cannot be opened.
    """
    kind = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    while True:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise CannotCreateError(f"cannot open it: {error.strerror}", where=path) from error
        stack.callback(os.close, fd)
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(fd), os.stat(path)):
                return  # else another file got the name before the lock was ours
        except BlockingIOError as error:
            raise TemporaryError("another program is changing the archive", where=path) from error
        except FileNotFoundError:
            continue
        except OSError as error:
            raise CannotCreateError(f"cannot lock it: {error.strerror}", where=path) from error
