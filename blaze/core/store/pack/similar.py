"""Which object a new one can be made of: the last one seen with many of the same lines."""

import zlib
from collections import Counter, deque

from blaze.core.store.pack import delta

WINDOW = 1 << 24
"""Octets of objects that are remembered; twice as many may be held."""

SMALL_WINDOW = 1 << 22
"""The same for objects that are small and seldom alike, all but blobs."""

MAX_OBJECT = 1 << 21
"""Octets of an object that is made of another one, or that another is made of."""

MAX_DEPTH = 12
"""Deltas on top of one another: what reading an object may cost."""

MIN_OBJECT = 64
"""Octets below which a delta saves nothing."""

_MIN_LINE = 16  # octets of a line that tells objects apart
_MAX_LINES = 4096  # of an object, looked up
_FEW = 32  # lines of which all are remembered; of more, every other one is
_MAX_EXPANDED = 64  # objects whose lines are kept with their offsets


class _Remembered:
    __slots__ = ("base", "depth", "name")

    def __init__(self, name: bytes, content: bytes, depth: int) -> None:
        self.name = name
        self.base = delta.Base(content)
        self.depth = depth


class Window:
    """The objects seen last, by the checksums of their lines.

    They are remembered in two generations of `limit` octets, so that the oldest go at once and memory is
    bounded: at the most some five times the limit.
    """

    def __init__(self, limit: int = WINDOW) -> None:
        self._limit = limit
        self._new: dict[int, _Remembered] = {}
        self._old: dict[int, _Remembered] = {}
        self._size = 0
        self._expanded: deque[delta.Base] = deque()

    def delta_for(self, name: bytes, content: bytes) -> tuple[bytes, bytes] | None:
        """The name of an object and the delta that makes `content` of it; None when none is worth it.

        The object is remembered for those that follow.
        """
        if not MIN_OBJECT <= len(content) <= MAX_OBJECT:
            return None
        lines = [line for _, line in delta.iter_lines(content) if len(line) >= _MIN_LINE][:_MAX_LINES]
        checksums = [zlib.crc32(line) for line in lines]
        found = self._best(lines, checksums)
        depth = 0
        made: tuple[bytes, bytes] | None = None
        if found is not None:
            octets = self._delta(found.base, content)
            if len(octets) < len(content) * 3 // 4:
                made = found.name, octets
                depth = found.depth + 1
        self._remember(_Remembered(name, content, depth), checksums)
        return made

    def _best(self, lines: list[bytes], checksums: list[int]) -> _Remembered | None:
        """The object that shares most octets of lines."""
        votes: Counter[_Remembered] = Counter()
        new, old = self._new.get, self._old.get
        for line, checksum in zip(lines, checksums, strict=True):
            found = new(checksum) or old(checksum)
            if found is not None and found.depth < MAX_DEPTH:
                votes[found] += len(line)
        return max(votes, key=votes.__getitem__) if votes else None

    def _delta(self, base: delta.Base, content: bytes) -> bytes:
        octets = delta.make(base, content)
        self._expanded.append(base)
        if len(self._expanded) > _MAX_EXPANDED:
            oldest = self._expanded.popleft()
            if oldest not in self._expanded:
                oldest.forget_lines()
        return octets

    def _remember(self, seen: _Remembered, checksums: list[int]) -> None:
        if len(checksums) > _FEW:
            checksums = [checksum for checksum in checksums if not checksum & 1]
        for checksum in checksums:
            self._new[checksum] = seen
        self._size += len(seen.base.content) + 100
        if self._size > self._limit:
            self._old, self._new, self._size = self._new, {}, 0
