"""A folder of .eml files, with a manifest for what files have no place for."""

# Names are strings here: a `Path` costs more than the file it opens.
# ruff: noqa: PTH

import os
from collections.abc import Iterator

from blaze.core.mail.header import Buffer
from blaze.core.store import atomic
from blaze.core.store.manifest import Record, read_manifest
from blaze.core.store.source import Entry, Found

MANIFEST = "manifest.jsonl"
SUFFIX = ".eml"


class FolderEntry(Entry):
    """A message in a file of its own; its name is the file's path, `id` that inside the folder."""

    __slots__ = ("record",)

    def __init__(self, root: str, file: str, buffer: Buffer, record: Record | None) -> None:
        path = f"{root}/{file}"
        super().__init__(path, buffer, 0, len(buffer), path=path, id=file)
        self.record = record or Record(file)

    @property
    def folder(self) -> str:
        """The subfolder the file is in."""
        return self.id.rpartition("/")[0]

    @property
    def flags(self) -> str:
        """The flags in the manifest."""
        return self.record.flags

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the manifest."""
        return self.record.labels

    @property
    def is_new(self) -> bool:
        """True when the manifest says so."""
        return self.record.is_new

    @property
    def date_ns(self) -> int | None:
        """The date in the manifest, else the file's time."""
        return super().date_ns if self.record.date_ns is None else self.record.date_ns


def iter_entries(path: str) -> Iterator[Found]:
    """The .eml files in and below a folder: those of the manifest in its order, then the others by name."""
    root = path.rstrip("/") or "/"
    records = {record.id: record for record in read_manifest(f"{root}/{MANIFEST}")}
    files = set(iter_files(root))
    for file in (*(name for name in records if name in files), *sorted(files - records.keys())):
        try:
            fd = os.open(f"{root}/{file}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                buffer = atomic.read_fd(fd)
            finally:
                os.close(fd)
        except OSError as error:
            yield atomic.input_error(error, f"{root}/{file}")
            continue
        yield FolderEntry(root, file, buffer, records.get(file))


def iter_files(root: str) -> Iterator[str]:
    """The paths of the .eml files below `root`, relative to it; hidden files and folders are left out."""
    pending = [""]
    while pending:
        prefix = pending.pop()
        with os.scandir(f"{root}/{prefix}") as names:
            for entry in names:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{prefix}{entry.name}/")
                elif entry.name.lower().endswith(SUFFIX):
                    yield prefix + entry.name
