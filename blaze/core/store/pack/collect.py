"""Making an archive anew, with only what its messages need."""

import os
from collections.abc import Iterable
from typing import NamedTuple

from blaze.core.errors import NoInputError
from blaze.core.store import atomic
from blaze.core.store.pack import index, stems, trees
from blaze.core.store.pack.archive import (
    REPLACES,
    Archive,
    manifest_path,
    open_archive,
    pack_names,
    replaced_names,
)
from blaze.core.store.pack.archivewrite import DEFAULTS, TEMPORARY, Archiver, Options
from blaze.core.store.pack.objects import STEM, TREE
from blaze.core.store.pack.packfile import PackFile


def collect_garbage(path: str, *, drop: Iterable[bytes] = (), options: Options = DEFAULTS) -> "Collected":
    """Make one pack of all that the messages of an archive need, and leave out the rest.

    Messages whose mail object is named in `drop` are left out too. Stems and trees of messages that stay are
    kept. Nothing is lost when it is interrupted; run again it completes the work.

    Raises:
        DataError: something that is needed is damaged; the archive stays as it was.
        TemporaryError: another program is changing it.
        NoInputError, CannotCreateError, InputOutputError: it cannot be read or written.
    """
    target = path if os.path.isdir(path) else open_archive(path).packs[0].path
    dropped = set(drop)
    with Archiver(target, options._replace(force=True, alone=True)) as new:
        archive = open_archive(path)  # now that it is locked
        if archive.faults:
            raise archive.faults[0]
        if not archive.packs:
            raise NoInputError("there is no pack in this folder", where=path)
        before = _files_size(archive)
        kept = set()
        for found in archive.iter_messages():
            if found.name not in dropped:
                kept.add(found.name)
                new.copy(archive, found.name)
                new.describe(found.name, found.record)
        for pack in archive.packs:
            _copy_extras(archive, pack, kept, new)
        old = [os.path.basename(pack.path) for pack in archive.packs] if new.is_folder else []
        made = new.finish(replaces=old)
        if os.path.isdir(path):
            clean(path)
    after = _files_size(open_archive(path))
    return Collected(made, new.added, before, after)


class Collected(NamedTuple):
    """The pack that was made, the messages in it, and the octets of packs and indexes before and after."""

    path: str | None
    messages: int
    before: int
    after: int


def _copy_extras(archive: Archive, pack: PackFile, kept: set[bytes], new: Archiver) -> None:
    """Put in the stems and the trees of messages that stay."""
    for offset, name in pack.iter_names():
        kind = pack.kind_at(offset)
        if kind not in (STEM, TREE):
            continue
        content = pack.read(name).content
        mail = stems.parse(content).mail if kind == STEM else trees.parse(content).mail
        if mail in kept:
            new.copy_object(archive, name)


def clean(folder: str) -> None:
    """Remove the packs of a folder whose place another one has taken, and what killed runs left half-made.

    Nobody else may be writing to the folder.
    """
    root = folder.rstrip("/") or "/"
    current = set(pack_names(root))
    for name in sorted(os.listdir(root)):
        if not name.endswith(REPLACES):
            continue
        if name.removesuffix(REPLACES) in current:
            for old in replaced_names(f"{root}/{name}"):
                path = os.path.join(root, os.path.basename(old))
                if old not in current:
                    for file in (path, index.path_of(path), manifest_path(path)):
                        atomic.remove_quietly(file)
        atomic.remove_quietly(f"{root}/{name}")
    for name in os.listdir(root):
        if name.startswith(f".{TEMPORARY}") and name.endswith(".tmp"):
            atomic.remove_quietly(f"{root}/{name}")
    atomic.sync_folder(root)


def _files_size(archive: Archive) -> int:
    size = 0
    for pack in archive.packs:
        size += len(pack.buffer)
        try:
            size += os.path.getsize(index.path_of(pack.path))
        except OSError:
            continue
    return size
