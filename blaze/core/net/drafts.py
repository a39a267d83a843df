"""Files of a folder while they are written: they get a name when they are complete.

On Linux they have none until then (O_TMPFILE, open(2)), so that whatever kills the process leaves nothing
behind. Where the file system or the kernel has no such files a hidden name stands in.
"""

import errno
import os
from itertools import count
from typing import NamedTuple

from blaze.core.store import atomic

_FLAGS = os.O_RDWR | os.O_CLOEXEC
_HIDDEN = _FLAGS | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_NAMELESS = getattr(os, "O_TMPFILE", 0)
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})
"""What opening a file without a name gives where there are none: the file system, an older kernel."""


class Draft(NamedTuple):
    """A file being written; its `name` is empty where it has none."""

    fd: int
    name: str = ""

    def close(self) -> None:
        """Close it, and remove its hidden name if that is still there."""
        os.close(self.fd)
        if self.name:
            atomic.remove_quietly(self.name)


class Drafts:
    """Makes drafts for a folder that exists; `run` is in the hidden names, and nobody else's.

    Both methods raise `OSError`. They may be called from several threads.
    """

    __slots__ = ("_are_nameless", "_folder", "_numbers", "_run")

    def __init__(self, folder: str, run: str) -> None:
        self._folder = folder
        self._run = run
        self._numbers = count(1)
        self._are_nameless = bool(_NAMELESS) and os.path.isdir("/proc/self/fd")

    def open(self) -> Draft:
        """A new, empty file that may be read and written, with the permissions of the umask."""
        if self._are_nameless:
            try:
                return Draft(os.open(self._folder, _NAMELESS | _FLAGS, 0o666))
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    raise
                self._are_nameless = False
        name = f"{self._folder}/.{self._run}-{next(self._numbers)}.tmp"
        return Draft(os.open(name, _HIDDEN, 0o666), name)

    def publish(self, draft: Draft, path: str) -> None:
        """Give a file its name, in the same file system. Raises `FileExistsError` when that is taken."""
        if draft.name:
            atomic.rename_new(draft.name, path)
        else:
            # The folder's descriptor makes Python call linkat(2), which follows the link to the open file.
            os.link(f"/proc/self/fd/{draft.fd}", path, src_dir_fd=draft.fd)

    def replace(self, draft: Draft, path: str) -> None:
        """Give a file its name, also where that is taken."""
        if draft.name:
            os.replace(draft.name, path)
            return
        hidden = atomic.temporary_name(path)
        self.publish(draft, hidden)
        os.replace(hidden, path)
