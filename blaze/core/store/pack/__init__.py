"""Packs: archives of messages in Git's pack format, in which equal and similar parts are stored once.

The bytes are those of the OCaml `blaze`. This module is the door of `source` and `destination` to them.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from blaze.core.errors import BlazeError, NoInputError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.archive import Archive, Message, open_archive
from blaze.core.store.source import Entry, Found

if TYPE_CHECKING:
    from blaze.core.store.pack.destination import PackDestination


class PackEntry(Entry):
    """A message in a pack; its `id` is the name of its mail object in hexadecimal."""

    __slots__ = ("message",)

    def __init__(self, path: str, message: Message, buffer: Buffer) -> None:
        super().__init__(
            f"{path}#{message.id}", buffer, 0, len(buffer), path=message.pack.path, id=message.id
        )
        self.message = message

    @property
    def offset(self) -> int:
        """Where the mail object is in the pack."""
        return self.message.offset

    @property
    def folder(self) -> str:
        """The folder in the manifest."""
        return self.message.record.name.rpartition("/")[0]

    @property
    def flags(self) -> str:
        """The flags in the manifest."""
        return self.message.record.flags

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels in the manifest."""
        return self.message.record.labels

    @property
    def is_new(self) -> bool:
        """True when the manifest says so."""
        return self.message.record.is_new

    @property
    def date_ns(self) -> int | None:
        """The date in the manifest."""
        return self.message.record.date_ns


def iter_entries(path: str, buffer: Buffer | None) -> Iterator[Found]:
    """Every message of the archive at `path`; what is damaged is given as an error in its place."""
    archive = open_archive(path, buffer)
    yield from archive.faults
    for message in archive.iter_messages():
        yield _entry(path, archive, message)
    for pack in archive.packs:
        if pack.index is None:  # else what is damaged was told by name
            yield from pack.faults


def find_entry(path: str, buffer: Buffer | None, id: str) -> Found:  # noqa: A002
    """The message whose name begins with the hexadecimal digits `id`, without reading the others.

    Raises:
        NoInputError: there is none, or there are several.
    """
    archive = open_archive(path, buffer)
    names = archive.find_names(id)
    if len(names) != 1:
        what = "several objects begin so" if names else "there is no such message in it"
        raise NoInputError(what, where=f"{path}#{id}")
    return _entry(path, archive, archive.find_message(names[0]))


def _entry(path: str, archive: Archive, message: Message) -> Found:
    try:
        return PackEntry(path, message, archive.read_message(message.name, message.record.newline))
    except BlazeError as error:
        return error


def make_destination(path: str, *, sync: bool = True) -> "PackDestination":
    """A destination of `convert`; nothing is touched yet."""
    from blaze.core.store.pack.destination import PackDestination

    return PackDestination(path, sync=sync)
