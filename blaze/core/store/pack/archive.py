"""An archive that is read: a pack, or a folder of packs, with the messages in it."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from blaze.core.errors import BlazeError, DataError, NoInputError
from blaze.core.mail.header import Buffer
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic
from blaze.core.store.manifest import MANIFEST, Record, iter_manifest, parse as parse_record
from blaze.core.store.pack import skeleton
from blaze.core.store.pack.names import Names
from blaze.core.store.pack.newlines import to_lf
from blaze.core.store.pack.objects import KINDS, MAIL, NAME_SIZE, Name, Object
from blaze.core.store.pack.packfile import PackFile, open_pack, read_buffer
from blaze.core.store.pack.skeleton import Mail

SUFFIX = ".pack"

REPLACES = ".replaces"
"""The ending of the file beside a pack that lists the packs which it takes the place of."""


class Message(NamedTuple):
    """A message of an archive: the name of its mail object, the pack with it, and what is known beside it."""

    name: bytes
    pack: PackFile
    record: Record

    @property
    def id(self) -> str:
        """The name in hexadecimal."""
        return self.name.hex()

    @property
    def offset(self) -> int:
        """Where its mail object is in the pack."""
        return self.pack.offset_of(self.name) or 0


class Archive:
    """One pack, or the packs of a folder in the order of their names.

    `faults` tells of packs that cannot be opened. An object may lie in another pack than the mail it is of.
    """

    def __init__(self, path: str, packs: list[PackFile], faults: list[BlazeError]) -> None:
        self.path = path
        self.packs = packs
        self.faults = faults

    def __contains__(self, name: bytes) -> bool:
        return any(name in pack for pack in self.packs)

    def read(self, name: bytes) -> Object:
        """The object called `name`.

        Raises:
            NoInputError: there is none.
            DataError: it is damaged; says so with its name and offset.
        """
        damage: DataError | None = None
        for pack in self.packs:
            if name in pack:
                try:
                    return pack.read(name)
                except DataError as error:
                    damage = error
        raise damage or NoInputError(f"there is no object {name.hex()}", where=self.path)

    def read_mail(self, name: bytes) -> Mail[Name]:
        """The mail object called `name`. Raises as `read` does."""
        found = self.read(name)
        if found.kind != MAIL:
            raise DataError(f"object {name.hex()} is no mail but a {KINDS[found.kind]}", where=self.path)
        try:
            return skeleton.parse(found.content)
        except DataError as error:
            raise DataError(f"object {name.hex()}: {error.what}", where=self.path) from error

    def iter_octets(self, mail: Mail[Name]) -> Iterator[bytes]:
        """The message as the pack holds it, with CRLF, in chunks. Raises as `read` does."""
        for piece in skeleton.iter_pieces(mail.root):
            if isinstance(piece, Name):
                try:
                    content = self.read(piece).content
                except NoInputError as error:
                    raise DataError(f"the blob {piece.hex()} is missing", where=self.path) from error
                yield from iter_chunks(content, 0, len(content))
            elif piece:
                yield piece

    def read_message(self, name: bytes, newline: str) -> Buffer:
        """The message whose mail object is called `name`: bytes when small, else a mapping.

        With `lf` for `newline` every CRLF becomes LF. Raises as `read` does; what comes out is whole.
        """
        chunks = self.iter_octets(self.read_mail(name))
        return atomic.spool(to_lf(chunks) if newline == "lf" else chunks)

    def iter_messages(self) -> Iterator[Message]:
        """Every message, in the order in which they were put in; those that no manifest lists after them."""
        for pack in self.packs:
            listed = Names()
            for message in _iter_listed(pack):
                listed.append(message.name)
                yield message
            yield from _iter_unlisted(pack, listed)

    def iter_listed(self) -> Iterator[Message]:
        """The messages in the manifests, and all of a pack that has none: the others are not read for it."""
        for pack in self.packs:
            message = None
            for message in _iter_listed(pack):
                yield message
            if message is None:
                yield from _iter_unlisted(pack, Names())

    def is_listed_alone(self, digits: str) -> bool:
        """Whether a manifest has a line about the message of this name, in hexadecimal, and no pack has it.

        A deletion that was interrupted between the two leaves that; `collect.collect_garbage` takes it out.
        """
        name = _name_in(digits)
        return name is not None and name not in self and any(_record_in(pack, name) for pack in self.packs)

    def find_message(self, name: bytes) -> Message:
        """The message whose mail object is called `name`, without reading the others.

        Raises:
            NoInputError: there is none.
        """
        for pack in self.packs:
            if name in pack:
                return Message(name, pack, _record_in(pack, name) or Record(name.hex()))
        raise NoInputError(f"there is no message {name.hex()}", where=self.path)

    def find_names(self, digits: str) -> list[bytes]:
        """The names that begin with these hexadecimal digits, at most two of them; none for other text."""
        try:
            prefix = bytes.fromhex(digits[: len(digits) // 2 * 2])
            half = int(digits[-1], 16) if len(digits) % 2 else None
        except ValueError:
            return []
        if not 4 <= len(digits) <= 2 * NAME_SIZE:
            return []
        found: dict[bytes, None] = {}
        for pack in self.packs:
            if pack.index is not None:
                found.update(dict.fromkeys(pack.index.matches(prefix, half=half)))
            else:
                found.update((name, None) for name in pack.located if name.hex().startswith(digits.lower()))
        return list(found)[:2]


def open_archive(path: str, buffer: Buffer | None = None) -> Archive:
    """The archive at `path`: a pack (or its index), whose octets are `buffer` if read already; or a folder.

    Raises:
        NoInputError, InputOutputError: it cannot be read.
        DataError: it is no pack.
    """
    if buffer is None and os.path.isdir(path):
        return _open_folder(path)
    stem, ending = os.path.splitext(path)
    if buffer is None and ending == ".idx":
        path = stem + SUFFIX
    real = os.path.realpath(path) if os.path.islink(path) else path  # index and manifest are beside the file
    return Archive(path, [open_pack(real, buffer)], [])


def pack_names(folder: str) -> list[str]:
    """The packs in a folder, in order, without those whose place another one takes."""
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise atomic.input_error(error, folder) from error
    packs = [name for name in names if name.endswith(SUFFIX) and not name.startswith(".")]
    replaced = {
        old
        for name in names
        if name.endswith(REPLACES) and name.removesuffix(REPLACES) in packs
        for old in replaced_names(f"{folder}/{name}")
    }
    return [name for name in packs if name not in replaced]


def replaced_names(path: str) -> list[str]:
    """The names of packs in the file at `path` that says what a pack takes the place of."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as lines:
            return lines.read().splitlines()
    except OSError as error:
        raise atomic.input_error(error, path) from error


def manifest_path(pack: str) -> str:
    """Where the manifest of the pack at a path is."""
    return f"{pack}.{MANIFEST}"


def _open_folder(path: str) -> Archive:
    root = path.rstrip("/") or "/"
    packs: list[PackFile] = []
    faults: list[BlazeError] = []
    for name in pack_names(root):
        try:
            packs.append(open_pack(f"{root}/{name}"))
        except BlazeError as error:
            faults.append(error)
    return Archive(path, packs, faults)


def _iter_listed(pack: PackFile) -> Iterator[Message]:
    """The messages of a pack that its manifest lists, in its order."""
    for record in iter_manifest(manifest_path(pack.path)):
        name = _name_in(record.id)
        if name is not None and name in pack:
            yield Message(name, pack, record)


def _iter_unlisted(pack: PackFile, listed: Names) -> Iterator[Message]:
    """The messages of a pack that are not among those listed, in the order of the pack. Reads all of it."""
    for offset, name in pack.iter_names():
        if listed.find(name) is None and _is_mail(pack, offset):
            yield Message(name, pack, Record(name.hex()))


def _is_mail(pack: PackFile, offset: int) -> bool:
    """True for a mail; also for an object that cannot be read, so that reading it says why."""
    try:
        return pack.kind_at(offset) == MAIL
    except DataError:
        return pack.index is not None


def _name_in(digits: str) -> bytes | None:
    try:
        name = bytes.fromhex(digits)
    except ValueError:
        return None
    return name if len(name) == NAME_SIZE else None


def _record_in(pack: PackFile, name: bytes) -> Record | None:
    """The first line of the manifest about an object, found without reading the others as JSON."""
    digits = name.hex()
    try:
        lines = read_buffer(manifest_path(pack.path))
    except NoInputError:
        return None
    position = lines.find(digits.encode("ascii"))
    while position >= 0:
        start = lines.rfind(b"\n", 0, position) + 1
        end = lines.find(b"\n", position)
        record = parse_record(lines[start : end if end >= 0 else len(lines)])
        if record is not None and record.id == digits:
            return record
        position = lines.find(digits.encode("ascii"), position + 1)
    return None
