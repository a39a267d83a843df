"""Writing the objects of a pack: each once, as a delta where that saves, deflated by several threads."""

import os
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha1
from typing import NamedTuple

from blaze.core.errors import InputOutputError
from blaze.core.mail.header import Buffer
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic
from blaze.core.store.pack import entry
from blaze.core.store.pack.index import Row, Rows
from blaze.core.store.pack.objects import BLOB, KINDS, MAIL, name_of
from blaze.core.store.pack.packfile import PackFile
from blaze.core.store.pack.similar import MAX_OBJECT, SMALL_WINDOW, WINDOW, Window

LEVEL = 9
"""How hard zlib tries."""

_BATCH = 1 << 18  # octets deflated in one go by a thread
_MAX_WAITING = 16  # batches


class _Pending(NamedTuple):
    """An object that is to be written: its number among the rows, its content, and that as a delta to the
    object called `base`, if there is one.
    """

    number: int
    kind: int
    content: bytes
    base: bytes
    delta: bytes


class _Deflated(NamedTuple):
    number: int
    kind: int
    size: int
    base: bytes
    octets: bytes


class PackWriter:
    """Appends objects to the file of a pack that is being made.

    `fd` is a new file, or one that holds the octets of `begun` without its trailer: then the pack goes on
    where that ends. Objects that `is_known` knows are not written, and none is written twice.

    Raises (all methods):
        InputOutputError: the file cannot be written.
    """

    def __init__(
        self, fd: int, path: str, *, is_known: Callable[[bytes], bool], begun: PackFile | None = None
    ):
        self._fd = fd
        self._path = path
        self._is_known = is_known
        # A delta has the kind of its base.
        self._windows = {kind: Window(WINDOW if kind == BLOB else SMALL_WINDOW) for kind in KINDS}
        self._threads = os.cpu_count() or 1
        self._pool: ThreadPoolExecutor | None = None
        self._batch: list[_Pending] = []
        self._batch_size = 0
        self._waiting: deque[Future[list[_Deflated]]] = deque()
        self._rows = Rows()
        self._offset = entry.HEADER_SIZE
        if begun is None:
            self._write(b"\0" * entry.HEADER_SIZE)
        else:
            self._go_on(begun)

    @property
    def count(self) -> int:
        """The objects in the pack so far."""
        return len(self._rows)

    def __contains__(self, name: bytes) -> bool:
        return name in self._rows or self._is_known(name)

    def add(self, kind: int, buffer: Buffer, start: int = 0, end: int | None = None) -> bytes:
        """Write the object whose content lies in `start`..`end` of `buffer`, unless it is there; its name.

        A mail is written even if it is among the objects known.
        """
        end = len(buffer) if end is None else end
        name = name_of(kind, buffer, start, end)
        if name in self._rows or (kind != MAIL and self._is_known(name)):
            return name
        number = self._rows.announce(name)
        if end - start > MAX_OBJECT:
            self._flush(all_of_it=True)
            self._write_large(number, kind, buffer, start, end)
            return name
        content = buffer[start:end]
        base, octets = self._windows[kind].delta_for(name, content) or (b"", b"")
        self._batch.append(_Pending(number, kind, content, base, octets))
        self._batch_size += len(content)
        if self._batch_size >= _BATCH:
            self._flush(all_of_it=False)
        return name

    def finish(self) -> bytes:
        """Write what is waiting, the count and the checksum; gives the checksum."""
        self._flush(all_of_it=True)
        self.close()
        head = entry.MAGIC + entry.VERSION.to_bytes(4, "big") + len(self._rows).to_bytes(4, "big")
        try:
            os.pwrite(self._fd, head, 0)
            digest = sha1(usedforsecurity=False)
            mapped = atomic.map_fd(self._fd)
            for chunk in iter_chunks(mapped, 0, len(mapped)):
                digest.update(chunk)
            mapped.close()
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self._path) from error
        self._write(digest.digest())
        return digest.digest()

    def rows(self) -> Rows:
        """What the index says of the objects; complete after `finish`."""
        return self._rows

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _go_on(self, begun: PackFile) -> None:
        """Take over the objects of a pack whose octets the file holds already."""
        self._offset = begun.end
        os.lseek(self._fd, self._offset, os.SEEK_SET)
        if begun.index is not None and begun.index.is_intact:
            self._rows = Rows(begun.index)
        else:
            for found in begun.located.values():
                crc = zlib.crc32(begun.buffer[found.offset : found.end])
                self._rows.append(Row(found.name, crc, found.offset))

    def _flush(self, *, all_of_it: bool) -> None:
        """Give the batch to a thread; write what is deflated, in order."""
        if self._batch:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads)
            self._waiting.append(self._pool.submit(_deflate, self._batch))
            self._batch, self._batch_size = [], 0
        while self._waiting and (all_of_it or len(self._waiting) > _MAX_WAITING or self._waiting[0].done()):
            for deflated in self._waiting.popleft().result():
                self._write_entry(deflated)

    def _write_entry(self, deflated: _Deflated) -> None:
        if deflated.base:
            distance = entry.distance_octets(self._offset - self._rows.offset_of(deflated.base))
            head = entry.head_octets(entry.OFS_DELTA, deflated.size) + distance
        else:
            head = entry.head_octets(deflated.kind, deflated.size)
        octets = head + deflated.octets
        self._rows.place(deflated.number, zlib.crc32(octets), self._offset)
        self._write(octets)
        self._offset += len(octets)

    def _write_large(self, number: int, kind: int, buffer: Buffer, start: int, end: int) -> None:
        offset, crc = self._offset, 0
        for octets in _deflate_large(kind, buffer, start, end):
            crc = zlib.crc32(octets, crc)
            self._write(octets)
            self._offset += len(octets)
        self._rows.place(number, crc, offset)

    def _write(self, octets: bytes) -> None:
        try:
            atomic.write_all(self._fd, octets)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self._path) from error


def _deflate(batch: list[_Pending]) -> list[_Deflated]:
    """Deflate each object, whole or as the delta, what is smaller."""
    done = []
    for number, kind, content, base, octets in batch:
        whole = zlib.compress(content, LEVEL) if not base or len(octets) * 4 > len(content) else b""
        if base:
            small = zlib.compress(octets, LEVEL)
            if not whole or len(small) < len(whole):
                done.append(_Deflated(number, kind, len(octets), base, small))
                continue
        done.append(_Deflated(number, kind, len(content), b"", whole))
    return done


def _deflate_large(kind: int, buffer: Buffer, start: int, end: int) -> Iterator[bytes]:
    yield entry.head_octets(kind, end - start)
    deflater = zlib.compressobj(LEVEL)
    for chunk in iter_chunks(buffer, start, end):
        if octets := deflater.compress(chunk):
            yield octets
    yield deflater.flush()
