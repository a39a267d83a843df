"""Checking packs: every object, the index, the manifest, and whether each message can be put together."""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from blaze.core.errors import BlazeError, DataError
from blaze.core.mail.window import iter_chunks
from blaze.core.store.manifest import iter_manifest
from blaze.core.store.pack.archive import Archive, manifest_path
from blaze.core.store.pack.index import Row, Rows, path_of
from blaze.core.store.pack.objects import KINDS, MAIL
from blaze.core.store.pack.packfile import Located, PackFile
from blaze.core.store.pack.skeleton import iter_references


class Verified(NamedTuple):
    """A good object: where its entry is, the octets of that, its CRC-32, and the base if it is a delta."""

    name: bytes
    kind: str
    offset: int
    consumed: int
    size: int
    depth: int
    crc: int
    base: bytes

    def to_json(self) -> dict[str, Any]:
        """The same as values of JSON; names in hexadecimal."""
        values = self._asdict()
        return {**values, "name": self.name.hex(), "base": self.base.hex() or None}


def verify(archive: Archive) -> Iterator[Verified | BlazeError]:
    """Every good object of an archive, in the order of the packs; then, as errors, everything that is wrong.

    All packs are read whole. Never raises for what is in them.
    """
    for pack in archive.packs:
        whole = PackFile(pack.path, pack.buffer)
        yield from _iter_objects(whole)
        yield from whole.faults
        yield from _iter_file_faults(pack, whole)
    for pack in archive.packs:
        yield from _iter_mail_faults(archive, pack)


def index_rows(pack: PackFile) -> Rows:
    """What the index says of the objects of a pack, found by reading all of it."""
    return Rows(Row(found.name, _crc(pack, found), found.offset) for found in pack.located.values())


def _iter_objects(pack: PackFile) -> Iterator[Verified]:
    bases = {found.base for found in pack.located.values()}
    names = {found.offset: found.name for found in pack.located.values() if found.offset in bases}
    for found in sorted(pack.located.values()):
        yield Verified(
            found.name,
            KINDS[found.kind],
            found.offset,
            found.end - found.offset,
            found.size,
            found.depth,
            _crc(pack, found),
            names.get(found.base, b"") if found.base is not None else b"",
        )


def _crc(pack: PackFile, found: Located) -> int:
    crc = 0
    for chunk in iter_chunks(pack.buffer, found.offset, found.end):
        crc = zlib.crc32(chunk, crc)
    return crc


def _iter_file_faults(pack: PackFile, whole: PackFile) -> Iterator[BlazeError]:
    if not whole.is_intact:
        yield DataError("the checksum of the pack is wrong", where=pack.path)
    index = pack.index
    if index is None:
        hint = f"blaze pack index {pack.path}"
        yield DataError("there is no index of this pack", where=path_of(pack.path), hint=hint)
    else:
        rows = index_rows(whole)
        is_complete = all(index.find(name) is not None for name in whole.located)
        if not (index.is_intact and is_complete and all(rows.find(row.name) == row for row in index)):
            hint = f"blaze pack index {pack.path}"
            yield DataError("the index is wrong", where=path_of(pack.path), hint=hint)
    for record in iter_manifest(manifest_path(pack.path)):
        if not _is_there(whole, record.id):
            what = f"the message {record.id} of the manifest is not in the pack"
            hint = "If it was deleted, 'blaze pack gc' takes it out of the manifest too."
            yield DataError(what, where=pack.path, hint=hint)


def _is_there(pack: PackFile, digits: str) -> bool:
    try:
        return bytes.fromhex(digits) in pack.located
    except ValueError:
        return False


def _iter_mail_faults(archive: Archive, pack: PackFile) -> Iterator[BlazeError]:
    """The mails that cannot be put together, by what they lack."""
    for offset, name in pack.iter_names():
        try:
            if pack.kind_at(offset) != MAIL:
                continue
            for blob in iter_references(archive.read_mail(name).root):
                if blob not in archive:
                    what = f"the message {name.hex()} lacks its blob {blob.hex()}"
                    yield DataError(what, where=f"{pack.path}:{offset}")
        except BlazeError as error:
            yield error
