"""A buffer read in windows, so that a mapped file of any size costs a window of memory."""

import mmap
from collections.abc import Iterator

from blaze.core.mail.header import Buffer, release

WINDOW = 1 << 20
"""Octets of a mapped file that may be resident at a time."""

CHUNK = 1 << 16
"""Octets handed out at a time."""


def find(buffer: Buffer, octets: bytes, start: int, end: int) -> int:
    """The offset of the first `octets` that lie wholly in `start`..`end`, or -1.

    The pages of a mapped file that were searched in vain are let go. Linear in the distance searched.
    """
    if not isinstance(buffer, mmap.mmap):
        return buffer.find(octets, start, end)
    overlap = len(octets) - 1
    while end - start > overlap:
        stop = min(start + WINDOW + overlap, end)
        if (found := buffer.find(octets, start, stop)) >= 0:
            return found
        if stop == end:
            break
        release(buffer, start, stop - overlap)
        start = stop - overlap
    return -1


def iter_chunks(buffer: Buffer, start: int, end: int) -> Iterator[bytes]:
    """The octets from `start` to `end`, in order, in chunks of at most `CHUNK`.

    The pages of a mapped file are let go behind the reader.
    """
    released = start
    while start < end:
        stop = min(start + CHUNK, end)
        yield buffer[start:stop]
        if stop - released >= WINDOW:
            release(buffer, released, stop)
            released = stop
        start = stop
