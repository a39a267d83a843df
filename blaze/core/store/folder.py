"""A folder of .eml files, with a manifest for what files have no place for."""

import os
from collections.abc import Iterator

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError
from blaze.core.mail.header import Buffer
from blaze.core.store import atomic
from blaze.core.store.delivery import Delivery, newline_of
from blaze.core.store.manifest import MANIFEST, Record, append_record, open_for_append, read_manifest
from blaze.core.store.source import Entry, Found, Reading

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


def iter_entries(path: str, reading: Reading | None = None) -> Iterator[Found]:
    """The .eml files in and below a folder: those of the manifest in its order, then the others by name."""
    root = path.rstrip("/") or "/"
    records = {record.id: record for record in read_manifest(f"{root}/{MANIFEST}")}
    errors: list[BlazeError] = []
    files = set(iter_files(root, errors))
    passes_over = reading.passes_over if reading else None
    for file in (*(name for name in records if name in files), *sorted(files - records.keys())):
        if passes_over and passes_over(FolderEntry(root, file, b"", records.get(file))):
            continue
        try:
            buffer = atomic.read_file(f"{root}/{file}")
        except OSError as error:
            yield atomic.input_error(error, f"{root}/{file}")
            continue
        yield FolderEntry(root, file, buffer, records.get(file))
    yield from errors


def iter_files(root: str, errors: list[BlazeError]) -> Iterator[str]:
    """The paths of the .eml files below `root`, relative to it; hidden files and folders are left out.

    `errors` grows by the folders that cannot be listed.
    """
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(f"{root}/{prefix}") as names:
                entries = [entry for entry in names if not entry.name.startswith(".")]
        except OSError as error:
            errors.append(atomic.input_error(error, f"{root}/{prefix}"))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending.append(f"{prefix}{entry.name}/")
            elif entry.name.lower().endswith(SUFFIX):
                yield prefix + entry.name


class Writer:
    """Writes messages as files of their own into the folder at `root`, made if need be, with a manifest.

    A message keeps the name that it had in another folder where that is free and safe, else it gets the next
    number. Each appears complete or not at all; its line in the manifest follows.

    Raises (all methods):
        CannotCreateError: a folder or file cannot be made.
        InputOutputError: a file cannot be written.
    """

    def __init__(self, root: str, *, sync: bool = True) -> None:
        self.root = root.rstrip("/") or "/"
        self._sync = sync
        self._number = 0
        self._manifest = -1

    def __enter__(self) -> "Writer":
        try:
            os.makedirs(self.root, exist_ok=True)
            self._manifest = open_for_append(f"{self.root}/{MANIFEST}")
        except OSError as error:
            raise CannotCreateError(f"cannot make the folder: {error.strerror}", where=self.root) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the manifest."""
        if self._manifest >= 0:
            os.close(self._manifest)
            self._manifest = -1

    def deliver(self, delivery: Delivery) -> str:
        """Write one message; gives its path inside the folder."""
        try:
            file = self._free_name(delivery)
            self._describe(file, delivery)  # first: a line without a file does no harm
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self.root) from error
        with atomic.Replacement(f"{self.root}/{file}", sync=self._sync) as target:
            for chunk in delivery.iter_octets():
                target.write(chunk)
            if delivery.date_ns is not None:
                os.utime(target.fileno(), ns=(delivery.date_ns, delivery.date_ns))
        return file

    def _describe(self, file: str, delivery: Delivery) -> None:
        marks = delivery.marks
        record = Record(
            file,
            newline_of(delivery),
            marks.flags,
            marks.labels,
            delivery.date_ns,
            delivery.name,
            is_new=marks.is_new,
        )
        append_record(self._manifest, record)

    def commit(self) -> None:
        """Make the manifest durable; the messages are already."""
        if self._sync:
            os.fsync(self._manifest)

    def _free_name(self, delivery: Delivery) -> str:
        subfolder = "".join(f"{safe_name(level)}/" for level in delivery.folder.split("/") if level)
        if subfolder:
            os.makedirs(f"{self.root}/{subfolder}", exist_ok=True)
        names = self._names(subfolder, delivery)
        return next(name for name in names if not os.path.lexists(f"{self.root}/{name}"))

    def _names(self, subfolder: str, delivery: Delivery) -> Iterator[str]:
        """Names to try, the one it had first."""
        had = safe_name(delivery.name.rpartition("/")[2])
        if had.lower().endswith(SUFFIX):
            yield subfolder + had
        while True:
            self._number += 1
            yield f"{subfolder}{self._number:06}{SUFFIX}"


def safe_name(name: str) -> str:
    """`name` as one that is safe for a file: no path, not hidden, no controls, at most 200 octets."""
    kept = "".join("_" if letter in "/\\" or not letter.isprintable() else letter for letter in name)
    stem, dot, ending = kept.lstrip(".").rpartition(".")
    stem = (stem if dot else ending) or "_"
    ending = dot + ending if dot else ""
    room = max(200 - len(os.fsencode(ending)), 1)
    return os.fsencode(stem)[:room].decode("utf-8", "ignore") + ending[:100]
