"""Messages gathered in a file beside an mbox, and then added to its end in one go.

The mbox itself grows and is not replaced: another program may have it open and wait for the lock, and what it
then writes must come into the file that has the name.
"""

import os

from blaze.core.errors import CannotCreateError
from blaze.core.store import atomic, mboxwrite

_HEAD = b"blaze: to be added to an mbox of %020d octets\n"
_LENGTH = len(_HEAD % 0)
_CHUNK = 1 << 20


def begin(path: str, box: int) -> int:
    """Make the file at `path` for messages that the mbox open as `box` is to get; gives its descriptor.

    Raises:
        CannotCreateError: it cannot be made.
    """
    try:
        fd = atomic.create_new(path, mode=0o600)
    except FileExistsError as error:
        raise CannotCreateError("another process is writing it", where=path) from error
    atomic.write_all(fd, _HEAD % os.fstat(box).st_size)
    return fd


def add(fd: int, box: int, path: str, *, sync: bool) -> None:
    """Add what was gathered in `fd` to the mbox open and locked as `box`, which lies at `path`.

    With `sync` it is on disk before the mbox is touched, so that `recover` finds it.

    Raises:
        InputOutputError: the mbox cannot be written; it is as it was.
        OSError: what was gathered cannot be read or made durable.
    """
    if sync:
        os.fsync(fd)
        atomic.sync_folder(os.path.dirname(path))
    os.lseek(fd, _LENGTH, os.SEEK_SET)
    with mboxwrite.appending(box, path, sync=sync):
        while chunk := os.read(fd, _CHUNK):
            atomic.write_all(box, chunk)


def recover(path: str, box: int) -> None:
    """Remove the file at `path` of a run that was killed, and what that run had begun to add to the mbox.

    That is cut off only where the mbox, open and locked as `box`, ends within it. Raises `OSError`.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        size = _size_before(fd)
        if size is not None and _ends_within(fd, box, size):
            os.ftruncate(box, size)
    finally:
        os.close(fd)
    os.unlink(path)


def _size_before(fd: int) -> int | None:
    """The octets that the mbox had; None for a file that is not ours, or was not begun by `begin`."""
    head = os.read(fd, _LENGTH)
    digits = head[-28:-8]
    if os.fstat(fd).st_uid != os.geteuid() or not digits.isdigit() or head != _HEAD % int(digits):
        return None
    return int(digits)


def _ends_within(fd: int, box: int, size: int) -> bool:
    """True when the mbox ends, after its first `size` octets, with a part of what was gathered, not all."""
    end = os.fstat(box).st_size
    missing = mboxwrite.missing_end(box, size)
    added = end - size - len(missing)
    gathered = os.fstat(fd).st_size - _LENGTH
    if end <= size or added >= gathered:
        return False
    if added <= 0:
        return os.pread(box, end - size, size) == missing[: end - size]
    for offset in range(0, added, _CHUNK):
        length = min(_CHUNK, added - offset)
        if os.pread(box, length, size + len(missing) + offset) != os.pread(fd, length, _LENGTH + offset):
            return False
    return True
