"""Files that appear complete or not at all, and inputs held in a buffer of constant cost."""

import errno
import mmap
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from types import TracebackType

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError, NoInputError
from blaze.core.mail.header import Buffer

SMALL = 1 << 20
"""Octets up to which a file is read into memory; a larger one is mapped."""

MAX_NAME = 255
"""Octets of a file name (NAME_MAX on the file systems in use)."""

_CHUNK = 1 << 20
_FIRST = 1 << 16  # octets of the first read; most messages are smaller
_TEMPORARY_FLAGS = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Replacement:
    """A file being written beside its final name, which it gets when the `with` block ends well.

    `path` must not exist unless `force` is given; a device or a pipe is written to directly. The file gets
    the owner and the permissions of the file it replaces (see `keep_access`), else those of the umask, or
    0600 when `private`. With `sync` the octets and the folder are on disk when the block has ended. After an
    exception nothing is left behind.

    Raises:
        CannotCreateError: the file exists, or cannot be made.
        InputOutputError: it could not be written (no space left, and so on).
    """

    def __init__(self, path: str, *, force: bool = False, private: bool = False, sync: bool = True) -> None:
        self.path = path
        self._force = force
        self._private = private
        self._sync = sync
        self._target = path
        self._temporary: str | None = None
        self._fd = -1

    def __enter__(self) -> "Replacement":
        mode = 0o600 if self._private else 0o666
        try:
            status = _status(self.path)
            if status is not None and stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if status is not None and not stat.S_ISREG(status.st_mode):
                self._fd = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
                self._sync = False
                return self
            if not self._force:
                refuse_existing(self.path)
            self._target = os.path.realpath(self.path)
            self._temporary = temporary_name(self._target)
            self._fd = os.open(self._temporary, _TEMPORARY_FLAGS, mode)
            if status is not None and not self._private:
                keep_access(self._fd, status)
        except OSError as error:
            self._discard()
            raise _cannot_create(error, self.path) from error
        return self

    def fileno(self) -> int:
        """The descriptor of the file being written."""
        return self._fd

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`; gives its length."""
        try:
            return write_all(self._fd, data)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self.path) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._commit()
        except FileExistsError as exists:
            self._discard()
            raise _exists(self.path) from exists
        except OSError as failure:
            self._discard()
            raise InputOutputError(f"cannot write: {failure.strerror}", where=self.path) from failure

    def _commit(self) -> None:
        if self._sync:
            os.fsync(self._fd)
        os.close(self._fd)
        self._fd = -1
        if self._temporary is None:
            return
        if self._force:
            os.replace(self._temporary, self._target)
        else:
            rename_new(self._temporary, self._target)
        self._temporary = None
        if self._sync:
            sync_folder(os.path.dirname(self._target))

    def _discard(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._temporary is not None:
            remove_quietly(self._temporary)
            self._temporary = None


def write_file(
    path: str, chunks: Iterable[bytes], *, force: bool = False, private: bool = False, sync: bool = True
) -> None:
    """Write `chunks` to `path` so that it is there complete or not at all; see `Replacement`."""
    with Replacement(path, force=force, private=private, sync=sync) as file:
        for chunk in chunks:
            file.write(chunk)


def refuse_existing(path: str) -> None:
    """Raise `CannotCreateError` when there is anything at `path`, a dangling symbolic link too."""
    if os.path.lexists(path):
        raise _exists(path)


def create_new(name: str, *, folder: int | None = None, mode: int = 0o666) -> int:
    """Create a file that was not there, never through a symbolic link, and return its descriptor.

    `name` is relative to the open directory `folder` where that is given. Raises `FileExistsError` for a name
    that is taken, so that the caller can try another, and `CannotCreateError` for any other reason.
    """
    try:
        return os.open(name, _TEMPORARY_FLAGS, mode, dir_fd=folder)
    except FileExistsError:
        raise
    except OSError as error:
        raise _cannot_create(error, name) from error


def rename_new(source: str, target: str) -> None:
    """Rename `source` to `target` unless that exists: then `FileExistsError`.

    A link and an unlink make it atomic; where the file system has no links, a test comes before the rename.
    """
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError:
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        os.rename(source, target)
    else:
        os.unlink(source)


def keep_access(fd: int, status: os.stat_result) -> None:
    """Give a new file the permissions of the file whose place it takes; its owner and group where we may.

    So root can replace a file of somebody who goes on using it. Raises `OSError`.
    """
    mine = os.fstat(fd)
    if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
        try:
            os.fchown(fd, status.st_uid, status.st_gid)
        except OSError:
            with suppress(OSError):
                os.fchown(fd, -1, status.st_gid)
    os.fchmod(fd, status.st_mode & 0o777)


def temporary_name(path: str) -> str:
    """A name beside `path` that nobody else has, hidden, at most `MAX_NAME` octets."""
    folder, name = os.path.split(path)
    ending = f".{os.getpid()}-{os.urandom(6).hex()}.tmp"
    kept = os.fsencode(name)[: MAX_NAME - 1 - len(ending)]
    return os.path.join(folder, f".{os.fsdecode(kept)}{ending}")


def sync_folder(path: str) -> None:
    """Make the names in a folder durable; the empty path is the current folder."""
    fd = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes | memoryview) -> int:
    """Write the whole of `data` to a descriptor; gives its length. Raises `OSError`."""
    total = len(data)
    written = os.write(fd, data)
    if written < total:
        rest = memoryview(data)[written:]
        while rest:
            rest = rest[os.write(fd, rest) :]
    return total


def remove_quietly(path: str) -> None:
    """Remove a file of ours; one that is gone already is as well."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def read_fd(fd: int, head: bytes = b"") -> Buffer:
    """All that a descriptor gives, `head` being what was read already: bytes when small, else a mapping.

    A regular file that is large is mapped as it lies, read-only. Anything else that is large (a pipe, a
    terminal, a socket) goes to a temporary file without a name, mode 0600, in TMPDIR, and that is mapped. The
    descriptor stays open.

    Raises:
        OSError: reading failed.
        InputOutputError: there is no room in TMPDIR.
    """
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size > SMALL and os.lseek(fd, 0, os.SEEK_CUR) == len(head):
        return map_fd(fd)
    return spool(_rest_of(fd, head))


def read_file(path: str) -> Buffer:
    """The octets of a regular file, as `read_fd` gives them: for a folder that anybody may have filled.

    An empty pipe or a device there, or a link to one, is no message: it would be an empty one, or never end.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        head = os.read(fd, _FIRST)
        if 0 < len(head) < _FIRST:  # most are so, and nothing else needs to be known of them
            return head
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "not a file", path)
        return read_fd(fd, head) if head else head
    finally:
        os.close(fd)


def spool(chunks: Iterable[bytes]) -> Buffer:
    """Hold what an iterator gives: as bytes when small, else mapped from a temporary file.

    Raises:
        InputOutputError: there is no room in TMPDIR.
    """
    kept: list[bytes] = []
    size = 0
    source = iter(chunks)
    for chunk in source:
        kept.append(chunk)
        size += len(chunk)
        if size > SMALL:
            return _spool_to_disk(chain(kept, source))
    return b"".join(kept)


def _spool_to_disk(chunks: Iterable[bytes]) -> mmap.mmap:
    try:
        fd = _nameless_file()
    except OSError as error:
        raise _cannot_spool(error) from error
    try:
        for chunk in chunks:
            _spool_chunk(fd, chunk)
        return map_fd(fd)
    finally:
        os.close(fd)


def _spool_chunk(fd: int, chunk: bytes) -> None:
    try:
        write_all(fd, chunk)
    except OSError as error:
        raise _cannot_spool(error) from error


def _cannot_spool(error: OSError) -> InputOutputError:
    return InputOutputError(f"cannot write a temporary file: {_reason(error)}", where=temporary_folder())


def map_fd(fd: int) -> mmap.mmap:
    """A read-only mapping of a whole file that is not empty; it outlives the descriptor."""
    mapping = mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
    mapping.madvise(mmap.MADV_SEQUENTIAL)
    return mapping


def temporary_folder() -> str:
    """TMPDIR, or /tmp."""
    return os.environ.get("TMPDIR") or "/tmp"  # noqa: S108


def input_error(error: OSError, where: str) -> BlazeError:
    """What not being able to open or read `where` is to the user: no input, or a failed read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError | PermissionError):
        return NoInputError(_reason(error), where=where)
    return InputOutputError(f"cannot read: {_reason(error)}", where=where)


def _nameless_file() -> int:
    folder = temporary_folder()
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:  # some file systems (NFS, older overlays) have no nameless files
            return _unlinked_file(folder)
    return _unlinked_file(folder)


def _unlinked_file(folder: str) -> int:
    path = temporary_name(os.path.join(folder, "blaze"))
    fd = os.open(path, _TEMPORARY_FLAGS, 0o600)
    os.unlink(path)
    return fd


def _rest_of(fd: int, head: bytes) -> Iterable[bytes]:
    if head:
        yield head
    while chunk := os.read(fd, _CHUNK):
        yield chunk


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _exists(path: str) -> CannotCreateError:
    return CannotCreateError("the file exists", where=path, hint="Give --force to replace it.")


def _cannot_create(error: OSError, path: str) -> CannotCreateError:
    return CannotCreateError(f"cannot create the file: {_reason(error)}", where=path)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
