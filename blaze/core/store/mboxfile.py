"""An mbox that other programs may write or cut while it is read."""

import os
from collections.abc import Iterator

from blaze.core.errors import TemporaryError
from blaze.core.store import atomic, mboxlock

WINDOW = 1 << 22
"""Octets that are read in one go, while the file is locked."""

_NEAR = 1 << 16  # octets read at once where only a few are asked for
_MARK = 256  # octets at the end of the file, and of a window: where messages that move show, flags seldom


class MboxFile:
    """The octets that a large mbox has when it is opened, read a window at a time and not mapped.

    Of a mapping whose file another program cuts off, the system gives no octets but ends the process. Here
    each window is read while no program writes that asks for locks (unless `locks` is false, for those who
    have it locked themselves, or have been told not to), and then it is looked whether the file has still all
    its octets and has the same at its end and before the window: what is added to it meanwhile is left
    out, anything else is an error.

    Slices have a start and an end. All methods raise `TemporaryError` when the file has changed or is kept
    locked, and `OSError`.
    """

    __slots__ = (
        "_end",
        "_file",
        "_locks",
        "_near",
        "_near_at",
        "_path",
        "_seam",
        "_size",
        "_window",
        "_window_at",
    )

    def __init__(self, fd: int, path: str, *, locks: bool) -> None:
        self._file = os.fdopen(os.dup(fd), "rb", buffering=0)  # which closes itself if nobody else does
        self._path = path
        self._locks = locks
        self._size = 0
        self._window = self._near = self._seam = self._end = b""
        self._window_at = self._near_at = 0
        if locks:
            with mboxlock.shared(fd, path):
                self._begin()
        else:
            self._begin()

    def _begin(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        self._end = self._pread(max(size - _MARK, 0), size)
        self._size = size

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, span: slice) -> bytes:
        window, at = self._window, self._window_at
        start, end = span.start, span.stop
        if start >= at and end - at <= len(window):
            return window[start - at : end - at]
        start, end = max(start, 0), min(end, self._size)
        if end - start > _NEAR:
            return self._read(start, end)
        if start < self._near_at or end - self._near_at > len(self._near):
            self._near = self._read(start, max(min(start + _NEAR, self._size), start))
            self._near_at = start
        return self._near[start - self._near_at : end - self._near_at]

    def iter_windows(self, start: int) -> Iterator[tuple[bytes, int, int]]:
        """The octets from `start` in windows: the octets of each, where it begins, and up to where it counts.

        Each but the first begins with the newline at which the one before ends, if that has any. What is in
        the latest one is had at once.
        """
        while start < self._size:
            window = self._read(start, min(start + WINDOW, self._size))
            self._window, self._window_at, self._seam = window, start, window[-_MARK:]
            end = len(window)
            if start + end < self._size and (newline := window.rfind(b"\n", 1)) > 0:
                end = newline
            yield window, start, end
            start += end

    def iter_chunks(self, start: int, end: int) -> Iterator[bytes]:
        """The octets from `start` to `end`, in order."""
        while start < end:
            stop = min(start + atomic.SMALL, end)
            yield self[start:stop]
            start = stop

    def find(self, octets: bytes, start: int) -> int:
        """Where the first of `octets`, a single one, lies from `start` on; -1 where there is none."""
        while chunk := self[start : start + _NEAR]:
            if (found := chunk.find(octets)) >= 0:
                return start + found
            start += len(chunk)
        return -1

    def _read(self, start: int, end: int) -> bytes:
        if not self._locks:
            return self._read_same(start, end)
        with mboxlock.shared(self._file.fileno(), self._path):
            return self._read_same(start, end)

    def _read_same(self, start: int, end: int) -> bytes:
        octets = self._pread(start, end)
        seam, seam_end = self._seam, self._window_at + len(self._window)
        if (
            len(octets) < end - start
            or self._pread(self._size - len(self._end), self._size) != self._end
            or (seam and self._pread(seam_end - len(seam), seam_end) != seam)
        ):
            what = "the mbox was changed while it was read"
            raise TemporaryError(what, where=f"{self._path}: octet {start}", hint="Run it again.")
        return octets

    def _pread(self, start: int, end: int) -> bytes:
        """The octets there; fewer where the file has no more."""
        octets = os.pread(self._file.fileno(), end - start, start)
        while octets and len(octets) < end - start:  # the system gives at most 2 GiB at once
            more = os.pread(self._file.fileno(), end - start - len(octets), start + len(octets))
            if not more:
                break
            octets += more
        return octets
