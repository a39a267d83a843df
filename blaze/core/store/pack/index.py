"""The index of a pack: its objects' names in order, with checksums and offsets (Git's `.idx`, version 2)."""

import os
import struct
from collections.abc import Iterable, Iterator
from hashlib import sha1
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.objects import NAME_SIZE

MAGIC = b"\xfftOc\0\0\0\x02"

_FANOUT = len(MAGIC)
_NAMES = _FANOUT + 256 * 4
_FAR = 1 << 31  # an offset from here on stands in the table of 64-bit offsets


class Row(NamedTuple):
    """An object in a pack: its name, the CRC-32 of its entry as it lies there, and the entry's offset."""

    name: bytes
    crc: int
    offset: int


def path_of(pack: str) -> str:
    """Where the index of the pack at a path is: beside it, `.idx` in place of its ending."""
    return os.path.splitext(pack)[0] + ".idx"


def iter_octets(rows: Iterable[Row], checksum: bytes) -> Iterator[bytes]:
    """An index as octets, in chunks; `checksum` is the trailer of the pack."""
    ordered = sorted(rows, key=itemgetter(0))
    counts = [0] * 256
    for row in ordered:
        counts[row.name[0]] += 1
    far = [row.offset for row in ordered if row.offset >= _FAR]
    places = iter(range(_FAR, _FAR + len(far)))
    offsets = (row.offset if row.offset < _FAR else next(places) for row in ordered)
    digest = sha1(usedforsecurity=False)
    for chunk in (
        MAGIC,
        struct.pack(">256I", *accumulate(counts)),
        b"".join(row.name for row in ordered),
        struct.pack(f">{len(ordered)}I", *(row.crc for row in ordered)),
        struct.pack(f">{len(ordered)}I", *offsets),
        struct.pack(f">{len(far)}Q", *far),
        checksum,
    ):
        digest.update(chunk)
        yield chunk
    yield digest.digest()


class Index:
    """An index that is read where it lies; nothing in it is trusted further than its own bounds."""

    __slots__ = ("_buffer", "count")

    def __init__(self, buffer: Buffer) -> None:
        if buffer[:_FANOUT] != MAGIC or len(buffer) < _NAMES + 2 * NAME_SIZE:
            raise DataError("this is no pack index of version 2")
        self._buffer = buffer
        self.count = self._number(_NAMES - 4)
        if len(buffer) < self._far + 2 * NAME_SIZE:
            raise DataError("the index is cut off")

    @property
    def checksum(self) -> bytes:
        """The trailer of the pack that this is the index of."""
        return self._buffer[-2 * NAME_SIZE : -NAME_SIZE]

    @property
    def is_intact(self) -> bool:
        """True when the index is as it was written, by its own checksum. Reads all of it."""
        digest = sha1(self._buffer[:-NAME_SIZE], usedforsecurity=False).digest()
        return digest == self._buffer[-NAME_SIZE:]

    def find(self, name: bytes) -> int | None:
        """The offset of the object called `name`, or None; it may be wrong in a damaged index."""
        place = self._place(name)
        if place < self.count and self._name(place) == name:
            return self._offset(place)
        return None

    def matches(self, prefix: bytes, *, half: int | None = None, limit: int = 2) -> list[bytes]:
        """At most `limit` of the names that begin with `prefix`, and then with the four bits `half`."""
        least = prefix + (b"" if half is None else bytes([half << 4]))
        found: list[bytes] = []
        for place in range(self._place(least.ljust(NAME_SIZE, b"\0")), self.count):
            name = self._name(place)
            if not name.startswith(prefix) or (half is not None and name[len(prefix)] >> 4 != half):
                break
            found.append(name)
            if len(found) == limit:
                break
        return found

    def __iter__(self) -> Iterator[Row]:
        crcs = _NAMES + NAME_SIZE * self.count
        for place in range(self.count):
            offset = self._offset(place)
            if offset is not None:
                yield Row(self._name(place), self._number(crcs + 4 * place), offset)

    def _place(self, name: bytes) -> int:
        """Where `name` is or would be, among the names of its first octet."""
        first = name[0]
        low = self._number(_FANOUT + 4 * (first - 1)) if first else 0
        high = min(self._number(_FANOUT + 4 * first), self.count)
        while low < high:
            middle = (low + high) // 2
            if self._name(middle) < name:
                low = middle + 1
            else:
                high = middle
        return low

    def _name(self, place: int) -> bytes:
        start = _NAMES + NAME_SIZE * place
        return self._buffer[start : start + NAME_SIZE]

    def _offset(self, place: int) -> int | None:
        offset = self._number(_NAMES + (NAME_SIZE + 4) * self.count + 4 * place)
        if offset < _FAR:
            return offset
        start = self._far + 8 * (offset - _FAR)
        if start + 8 > len(self._buffer) - 2 * NAME_SIZE:
            return None
        return int.from_bytes(self._buffer[start : start + 8], "big")

    @property
    def _far(self) -> int:
        return _NAMES + (NAME_SIZE + 8) * self.count

    def _number(self, start: int) -> int:
        return int.from_bytes(self._buffer[start : start + 4], "big")
