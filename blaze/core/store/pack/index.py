"""The index of a pack: its objects' names in order, with checksums and offsets (Git's `.idx`, version 2)."""

import os
import struct
from array import array
from collections.abc import Iterable, Iterator
from hashlib import sha1
from itertools import accumulate
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.names import Names
from blaze.core.store.pack.objects import NAME_SIZE

MAGIC = b"\xfftOc\0\0\0\x02"

_FANOUT = len(MAGIC)
_NAMES = _FANOUT + 256 * 4
_FAR = 1 << 31  # an offset from here on stands in the table of 64-bit offsets
_PART = 1 << 14  # rows written at a time


class Row(NamedTuple):
    """An object in a pack: its name, the CRC-32 of its entry as it lies there, and the entry's offset."""

    name: bytes
    crc: int
    offset: int


def path_of(pack: str) -> str:
    """Where the index of the pack at a path is: beside it, `.idx` in place of its ending."""
    return os.path.splitext(pack)[0] + ".idx"


class Rows:
    """The rows of an index that is being made, by number: 38 to 44 octets of memory for each.

    The name of an object may be there before its entry is written; its offset is 0 until then.
    """

    __slots__ = ("crcs", "names", "offsets")

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.names = Names()
        self.crcs = array("I")
        self.offsets = array("Q")
        for row in rows:
            self.append(row)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: bytes) -> bool:
        return self.names.find(name) is not None

    def __iter__(self) -> Iterator[Row]:
        return map(Row, map(self.names.__getitem__, range(len(self))), self.crcs, self.offsets)

    def append(self, row: Row) -> None:
        """Add a row."""
        self.names.append(row.name)
        self.crcs.append(row.crc)
        self.offsets.append(row.offset)

    def announce(self, name: bytes) -> int:
        """Add the name of an object that will be placed; gives its number."""
        self.crcs.append(0)
        self.offsets.append(0)
        return self.names.append(name)

    def place(self, number: int, crc: int, offset: int) -> None:
        """Say of the object that was announced with this number where it is."""
        self.crcs[number] = crc
        self.offsets[number] = offset

    def find(self, name: bytes) -> Row | None:
        """The row of an object, or None."""
        number = self.names.find(name)
        return None if number is None else Row(name, self.crcs[number], self.offsets[number])

    def offset_of(self, name: bytes) -> int:
        """The offset of an object that is there."""
        number = self.names.find(name)
        assert number is not None
        return self.offsets[number]


def iter_octets(rows: Rows, checksum: bytes) -> Iterator[bytes]:
    """An index as octets, in chunks; `checksum` is the trailer of the pack."""
    digest = sha1(usedforsecurity=False)
    for chunk in _iter_tables(rows, checksum):
        digest.update(chunk)
        yield chunk
    yield digest.digest()


def _iter_tables(rows: Rows, checksum: bytes) -> Iterator[bytes]:
    order = rows.names.in_order()
    parts = [order[start : start + _PART] for start in range(0, len(order), _PART)]
    far: list[int] = []
    yield MAGIC
    yield struct.pack(">256I", *accumulate(rows.names.counts()))
    for part in parts:
        yield b"".join(map(rows.names.__getitem__, part))
    for part in parts:
        yield _packed("I", [rows.crcs[number] for number in part])
    for part in parts:
        offsets = [rows.offsets[number] for number in part]
        for place, offset in enumerate(offsets):
            if offset >= _FAR:
                offsets[place] = _FAR + len(far)
                far.append(offset)
        yield _packed("I", offsets)
    yield _packed("Q", far)
    yield checksum


def _packed(code: str, numbers: list[int]) -> bytes:
    return struct.pack(f">{len(numbers)}{code}", *numbers)


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

    def iter_by_offset(self) -> Iterator[tuple[int, bytes]]:
        """The offset and the name of every object, in the order of offsets. 12 octets of memory for each."""
        offsets = array("Q", (self._offset(place) or 0 for place in range(self.count)))
        width = max(offsets, default=0) // 256 + 1
        buckets = [array("I") for _ in range(256)]
        for place, offset in enumerate(offsets):
            if offset:
                buckets[offset // width].append(place)
        for bucket in buckets:
            for place in sorted(bucket, key=offsets.__getitem__):
                yield offsets[place], self._name(place)

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
