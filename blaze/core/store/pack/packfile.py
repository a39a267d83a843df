"""A pack that is read: objects by name or by offset, plain or deltas, each checked against its name."""

import os
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

from blaze.core.errors import BlazeError, DataError, NoInputError
from blaze.core.mail.header import Buffer
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic
from blaze.core.store.pack import delta, entry, index, salvage
from blaze.core.store.pack.entry import HEADER_SIZE, TRAILER_SIZE, Inflation
from blaze.core.store.pack.objects import KINDS, Object

MAX_CHAIN = 4095
"""Deltas on top of one another that are followed; Git writes no more."""

_TOO_DEEP = f"more than {MAX_CHAIN} deltas are on top of one another"

_DAMAGED = 0  # stands for the kind of an object whose chain does not end

_MAX_CACHED = 1 << 23  # octets of objects kept for the deltas that follow
_CACHED_OBJECT = 1 << 19


class Located(NamedTuple):
    """An object found at an offset by reading the whole pack, the offset after it, and its base's offset."""

    offset: int
    end: int
    name: bytes
    kind: int
    size: int
    base: int | None
    depth: int


class PackFile:
    """A pack and, where there is a good one, its index.

    Without an index that fits, all objects are found by reading the whole pack once. Objects that are damaged
    never come out; `faults` tells of those that such a reading met.
    """

    def __init__(self, path: str, buffer: Buffer, found_index: index.Index | None = None) -> None:
        if buffer[:4] != entry.MAGIC:
            raise DataError("this is no pack", where=path)
        version = int.from_bytes(buffer[4:8], "big")
        if version != entry.VERSION:
            raise DataError(f"packs of version {version} are not read", where=path)
        self.path = path
        self.buffer = buffer
        self.count = int.from_bytes(buffer[8:HEADER_SIZE], "big")
        self.end = max(len(buffer) - TRAILER_SIZE, HEADER_SIZE)
        self.limit = len(buffer)  # a pack that is cut off has objects where the checksum would be
        self.faults: list[DataError] = []
        self.index = found_index if found_index and found_index.checksum == self.trailer else None
        self._located: dict[bytes, Located] | None = None
        self._kinds: dict[int, int] = {}
        self._depths: dict[int, int] = {}
        self._cache: dict[int, Object] = {}
        self._cached = 0

    def __repr__(self) -> str:
        return f"PackFile({self.path!r}, {self.count} objects)"

    @property
    def trailer(self) -> bytes:
        """The checksum that the pack ends with."""
        return self.buffer[self.end :]

    @property
    def is_intact(self) -> bool:
        """True when the pack is as it was written, by its own checksum. Reads all of it."""
        digest = sha1(usedforsecurity=False)
        for chunk in iter_chunks(self.buffer, 0, self.end):
            digest.update(chunk)
        return digest.digest() == self.trailer

    def __contains__(self, name: bytes) -> bool:
        return self.offset_of(name) is not None

    def offset_of(self, name: bytes) -> int | None:
        """Where the object called `name` is, or None."""
        if self.index is not None:
            return self.index.find(name)
        found = self.located.get(name)
        return found.offset if found else None

    def iter_names(self) -> Iterator[tuple[int, bytes]]:
        """The offset and the name of every object, in the order of the pack."""
        if self.index is not None:
            return self.index.iter_by_offset()
        return iter(sorted((found.offset, found.name) for found in self.located.values()))

    @property
    def located(self) -> dict[bytes, Located]:
        """Every object that can be read, by its name; found by reading the whole pack once."""
        if self._located is None:
            self._locate()
        assert self._located is not None
        return self._located

    def read(self, name: bytes) -> Object:
        """The object called `name`; a large one is held in a file.

        Raises:
            NoInputError: there is none.
            DataError: it is damaged; says so with its name and offset.
        """
        offset = self.offset_of(name)
        if offset is None:
            raise NoInputError(f"there is no object {name.hex()}", where=self.path)
        try:
            found = self.read_at(offset)
            if found.name == name:
                return found
            reason = "its content is not what it was named by"
        except DataError as error:
            reason = error.what
        if self.index is not None and (other := self.located.get(name)):
            return self.read_at(other.offset)  # the index was wrong, the object is not
        raise DataError(f"object {name.hex()} is damaged: {reason}", where=f"{self.path}:{offset}")

    def kind_at(self, offset: int) -> int:
        """The kind of the object at `offset`, by the headers of entries alone. Raises `DataError`."""
        passed: list[int] = []
        kind = _DAMAGED
        try:
            for found in self._chain(offset):
                kind = self._kinds.get(found.offset, found.type if found.base is None else None) or _DAMAGED
                passed.append(found.offset)
                if found.base is None or found.offset in self._kinds:
                    break
        finally:
            if len(passed) > 1:  # so that no chain is followed twice
                self._kinds.update(dict.fromkeys(passed, kind))
        if kind == _DAMAGED:
            raise DataError("the object is made of one that is damaged")
        return kind

    def read_at(self, offset: int) -> Object:
        """The object whose entry is at `offset`. Nothing but its own lengths and checksums is verified.

        Raises:
            DataError: it is damaged, or there is none.
        """
        self.kind_at(offset)
        chain: list[entry.Entry] = []
        kept: Object | None = None
        for found in self._chain(offset):
            kept = self._cache.get(found.offset)
            if kept is not None:
                break
            chain.append(found)
        if kept is None:
            bottom = chain.pop()
            kept = Object(bottom.type, atomic.spool(iter(Inflation(self.buffer, bottom, self.limit))))
            self._keep(bottom.offset, kept)
        for found in reversed(chain):
            instructions = atomic.spool(iter(Inflation(self.buffer, found, self.limit)))
            kept = Object(kept.kind, atomic.spool(delta.apply(kept.content, instructions)))
            self._keep(found.offset, kept)
        return kept

    def _chain(self, offset: int) -> Iterator[entry.Entry]:
        """The entry at `offset`, the one of its base, and so on to one that is no delta."""
        for _ in range(MAX_CHAIN + 1):
            if not HEADER_SIZE <= offset < self.limit:
                raise DataError("the offset lies outside the pack")
            found = entry.parse(self.buffer, offset, self.limit)
            yield found
            if found.base is None:
                return
            if isinstance(found.base, int):
                offset = found.base
                continue
            place = self.offset_of(found.base)
            if place is None:
                raise DataError(f"the base {found.base.hex()} is not in the pack")
            offset = place
        raise DataError(_TOO_DEEP)

    def _keep(self, offset: int, found: Object) -> None:
        is_small = isinstance(found.content, bytes) and len(found.content) <= _CACHED_OBJECT
        if is_small and offset not in self._cache:
            self._cached += len(found.content)
            self._cache[offset] = found
            while self._cached > _MAX_CACHED:
                oldest = next(iter(self._cache))
                self._cached -= len(self._cache.pop(oldest).content)

    def _locate(self) -> None:
        """Find every object by reading the pack from the front, past what is damaged."""
        self._located, self._kinds = {}, {}
        used, self.index = self.index, None  # deltas are resolved by what is found, not by what it says
        offset, met = HEADER_SIZE, 0
        waiting: dict[bytes | int, list[tuple[int, int]]] = {}
        budget = salvage.Budget(len(self.buffer))
        while offset < self.limit and (met < self.count or self.faults):
            try:
                inflation = Inflation(self.buffer, entry.parse(self.buffer, offset, self.limit), self.limit)
                for _ in inflation:
                    pass
            except DataError as error:
                if offset >= self.end:
                    if not self.faults:
                        self._fault(f"the pack ends after {met} of {self.count} objects", offset)
                    break
                self._fault(error.what, offset)
                following = salvage.next_entry(self.buffer, offset + 1, self.limit, budget)
                if following is None:
                    break
                offset = following
                continue
            met += 1
            self._place_with_waiting(offset, inflation.end, waiting)
            offset = inflation.end
        else:
            if met < self.count and not self.faults:
                self._fault(f"the pack ends after {met} of {self.count} objects", offset)
            elif offset != self.end and not self.faults:
                self._fault("the checksum does not follow the last object", offset)
        for offset in sorted(pair[0] for pairs in waiting.values() for pair in pairs):
            self._fault("the base of the delta is damaged or not in the pack", offset)
        self.index = used

    def _place_with_waiting(
        self, offset: int, end: int, waiting: dict[bytes | int, list[tuple[int, int]]]
    ) -> None:
        """Name the object at an offset, and then those that waited for it; or let it wait for its base."""
        assert self._located is not None
        ready = [(offset, end)]
        while ready:
            pair = ready.pop()
            found = entry.parse(self.buffer, pair[0], self.limit)
            base = found.base
            if isinstance(base, bytes) and base in self._located:
                base = self._located[base].offset
            if base is not None and base not in self._depths:
                waiting.setdefault(base, []).append(pair)
            elif placed := self._place(pair[0], pair[1], base):
                ready += waiting.pop(placed.offset, []) + waiting.pop(placed.name, [])

    def _place(self, offset: int, end: int, base: bytes | int | None) -> Located | None:
        """Name the object at an offset, whose base is named already; None when it is damaged."""
        assert self._located is not None
        depth = 0 if not isinstance(base, int) else self._depths[base] + 1
        try:
            if depth > MAX_CHAIN:
                raise DataError(_TOO_DEEP)
            found = self.read_at(offset)
        except DataError as error:
            self._fault(error.what, offset)
            return None
        self._depths[offset] = depth
        at = base if isinstance(base, int) else None
        placed = Located(offset, end, found.name, found.kind, len(found.content), at, depth)
        self._located.setdefault(placed.name, placed)
        return placed

    def _fault(self, reason: str, offset: int) -> None:
        self.faults.append(DataError(reason, where=f"{self.path}:{offset}"))


def open_pack(path: str, buffer: Buffer | None = None) -> PackFile:
    """The pack at `path`, whose octets are `buffer` where they were read already; with the index beside it.

    An index that is missing, unreadable or of another pack is done without.

    Raises:
        NoInputError, InputOutputError: it cannot be read.
        DataError: it is no pack.
    """
    if buffer is None:
        buffer = read_buffer(path)
    return PackFile(path, buffer, open_index(index.path_of(path)))


def open_index(path: str) -> index.Index | None:
    """The index at `path`; None where there is none that can be used."""
    try:
        return index.Index(read_buffer(path))
    except BlazeError:
        return None


def read_buffer(path: str) -> Buffer:
    """The octets of the file at `path`; see `atomic.read_fd`."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return atomic.read_fd(fd)
        finally:
            os.close(fd)
    except OSError as error:
        raise atomic.input_error(error, path) from error


def describe_kind(kind: int) -> str:
    """The word for a kind of object."""
    return KINDS[kind]
