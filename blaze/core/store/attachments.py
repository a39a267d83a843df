"""Parts of messages written as files, under names that a message chose and cannot abuse."""

import os
from collections.abc import Iterable

from blaze.core.errors import CannotCreateError, InputOutputError
from blaze.core.mail.names import numbered, safe_name
from blaze.core.store.atomic import create_new, write_all

MAX_NUMBER = 10_000
"""How many files of one name are told apart by a number."""


class Folder:
    """A folder that attachments are written into, and nothing of theirs outside it.

    It is made, with its parents, when the first file is written. No file is overwritten, and no symbolic link
    below `path` is followed.
    """

    def __init__(self, path: str, parent: "Folder | None" = None) -> None:
        self.path = path
        self._parent = parent
        self._fd = -1

    def subfolder(self, name: str) -> "Folder":
        """A new folder in this one, named after `name`; made when it is first written to."""
        return Folder(safe_name(name, fallback="message"), self)

    def write(self, name: str, chunks: Iterable[bytes], *, fallback: str) -> str:
        """Write `chunks` to a new file called `name`, made safe, and return its path.

        `fallback` is the name where nothing of `name` is safe. A name that is taken gets a number.

        Raises:
            CannotCreateError: the folder or the file cannot be made.
            InputOutputError: writing failed; no half file is left.
        """
        folder = self._open()
        safe = safe_name(name, fallback=fallback)
        for number in range(1, MAX_NUMBER):
            candidate = safe if number == 1 else numbered(safe, number)
            try:
                fd = create_new(candidate, folder=folder)
            except FileExistsError:
                continue
            self._fill(fd, candidate, chunks)
            return candidate if self.path == "." else os.path.join(self.path, candidate)
        raise CannotCreateError("too many files of this name", where=os.path.join(self.path, safe))

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _fill(self, fd: int, name: str, chunks: Iterable[bytes]) -> None:
        done = False
        try:
            for chunk in chunks:
                write_all(fd, chunk)
            done = True
        except OSError as error:
            path = os.path.join(self.path, name)
            raise InputOutputError(f"cannot write: {(error.strerror or '').lower()}", where=path) from error
        finally:
            os.close(fd)
            if not done:
                os.unlink(name, dir_fd=self._fd)

    def _open(self) -> int:
        if self._fd < 0:
            try:
                self._fd = self._make()
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise CannotCreateError(f"cannot make the folder: {reason}", where=self.path) from error
        return self._fd

    def _make(self) -> int:
        if self._parent is None:
            os.makedirs(self.path, exist_ok=True)
            return os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        parent = self._parent._open()
        name = self._make_new(parent)
        self.path = os.path.join(self._parent.path, name)
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)

    def _make_new(self, parent: int) -> str:
        for number in range(1, MAX_NUMBER):
            name = self.path if number == 1 else numbered(self.path, number)
            try:
                os.mkdir(name, dir_fd=parent)
            except FileExistsError:
                continue
            return name
        raise CannotCreateError("too many folders of this name", where=self.path)
