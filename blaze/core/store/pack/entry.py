"""The entries of a pack: a header with type and size, for a delta where its base is, then deflated octets.

The format is Git's, pack version 2 (`gitformat-pack`).
"""

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer, release
from blaze.core.mail.window import WINDOW
from blaze.core.store.pack.objects import KINDS, NAME_SIZE

MAGIC = b"PACK"
VERSION = 2
HEADER_SIZE = 12
"""Octets before the first entry: the magic, the version, the number of objects."""

TRAILER_SIZE = 20
"""Octets of the SHA-1 at the end of a pack."""

OFS_DELTA, REF_DELTA = 6, 7
"""Type numbers of deltas, whose base is named by its distance, or by its object name."""

MAX_VARINT = 10
"""Octets of a size or a distance: 64 bits in groups of 7."""

_CHUNK = 1 << 16


class Entry(NamedTuple):
    """The header of the entry at `offset`: `type` is of `KINDS` or a delta's, `size` what follows inflated.

    `base` is the offset (OFS_DELTA) or the name (REF_DELTA) of a delta's base, else None. The deflated octets
    begin at `data`.
    """

    offset: int
    type: int
    size: int
    base: int | bytes | None
    data: int


def parse(buffer: Buffer, offset: int, end: int) -> Entry:
    """Read the header of the entry at `offset`; entries end before `end`.

    Raises:
        DataError: it is cut off, or of no known type, or its base cannot be there.
    """
    head = buffer[offset : min(offset + 2 * MAX_VARINT + NAME_SIZE, end)]
    if not head:
        raise DataError("the pack ends before the object")
    first = head[0]
    kind = first >> 4 & 7
    size, shift, position = first & 15, 4, 1
    while first & 0x80:
        if position >= min(len(head), MAX_VARINT):
            raise DataError("the object's size is no number")
        first = head[position]
        size |= (first & 0x7F) << shift
        shift += 7
        position += 1
    base: int | bytes | None = None
    if kind == OFS_DELTA:
        distance, position = _distance(head, position)
        base = offset - distance
        if not HEADER_SIZE <= base < offset:
            raise DataError("the base of the delta lies outside the pack")
    elif kind == REF_DELTA:
        base = head[position : position + NAME_SIZE]
        position += NAME_SIZE
        if len(base) < NAME_SIZE:
            raise DataError("the pack ends in the name of the delta's base")
    elif kind not in KINDS:
        raise DataError(f"there is no object of type {kind}")
    return Entry(offset, kind, size, base, offset + position)


def _distance(head: bytes, position: int) -> tuple[int, int]:
    distance = -1
    for index in range(position, min(position + MAX_VARINT, len(head))):
        octet = head[index]
        distance = (distance + 1) << 7 | octet & 0x7F
        if not octet & 0x80:
            return distance, index + 1
    raise DataError("the distance to the delta's base is no number")


def head_octets(kind: int, size: int) -> bytes:
    """The type and the size of an entry."""
    octets = bytearray([kind << 4 | size & 15])
    size >>= 4
    while size:
        octets[-1] |= 0x80
        octets.append(size & 0x7F)
        size >>= 7
    return bytes(octets)


def distance_octets(distance: int) -> bytes:
    """How far before an OFS_DELTA its base begins."""
    octets = [distance & 0x7F]
    while distance := distance >> 7:
        distance -= 1
        octets.append(0x80 | distance & 0x7F)
    return bytes(reversed(octets))


class Inflation:
    """The inflated octets of an entry, in chunks, once; `end` is where its deflated octets ended.

    Iterating raises `DataError` when they are no deflated octets, or not as many as the entry says. Memory is
    bounded by a chunk, whatever the sizes claim.
    """

    __slots__ = ("_buffer", "_entry", "_limit", "end")

    def __init__(self, buffer: Buffer, entry: Entry, limit: int) -> None:
        self._buffer = buffer
        self._entry = entry
        self._limit = limit
        self.end = entry.data

    def __iter__(self) -> Iterator[bytes]:
        inflater = zlib.decompressobj()
        position, limit, left = self._entry.data, self._limit, self._entry.size
        released = position
        step = min(left + 64 + (left >> 8), _CHUNK)
        try:
            while not inflater.eof:
                pending = inflater.unconsumed_tail
                if not pending:
                    pending = self._buffer[position : min(position + step, limit)]
                    if not pending:
                        raise DataError("the pack ends in the object")
                    position += len(pending)
                    step = _CHUNK
                    if position - released >= WINDOW:
                        release(self._buffer, released, position - len(pending))
                        released = position - len(pending)
                chunk = inflater.decompress(pending, min(left + 1, _CHUNK))
                left -= len(chunk)
                if left < 0:
                    raise DataError("the object is larger than it says")
                if chunk:
                    yield chunk
        except zlib.error as error:
            raise DataError("the object does not inflate") from error
        if left:
            raise DataError("the object is smaller than it says")
        self.end = position - len(inflater.unused_data)


def inflate(buffer: Buffer, entry: Entry, limit: int) -> bytes:
    """All inflated octets of a small entry; see `Inflation`."""
    return b"".join(Inflation(buffer, entry, limit))
