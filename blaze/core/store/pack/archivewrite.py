"""Putting messages into an archive: a new pack, a pack that grows, or one more pack in a folder."""

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from hashlib import sha1
from typing import NamedTuple

from blaze.core.errors import CannotCreateError, DataError, InputOutputError
from blaze.core.mail import ids, message
from blaze.core.mail.header import Buffer
from blaze.core.store import atomic
from blaze.core.store.delivery import Delivery
from blaze.core.store.manifest import MANIFEST, Record
from blaze.core.store.pack import index, packlock, skeleton
from blaze.core.store.pack.archive import (
    REPLACES,
    SUFFIX,
    Archive,
    manifest_path,
    open_archive,
)
from blaze.core.store.pack.dissect import Span, dissect
from blaze.core.store.pack.names import Tally
from blaze.core.store.pack.newlines import Crlf, to_crlf
from blaze.core.store.pack.objects import BLOB, MAIL, STEM, TREE, name_of
from blaze.core.store.pack.packfile import PackFile
from blaze.core.store.pack.skeleton import Leaf, Mail
from blaze.core.store.pack.trees import Threads
from blaze.core.store.pack.writer import PackWriter

FOLDER_SUFFIX = ".d"
"""The ending of a path that is to be a folder of packs."""

TEMPORARY = "blaze-"
"""How the names of files begin that are being made, after the dot."""

_ENDINGS = (SUFFIX, f"{SUFFIX}.{MANIFEST}", REPLACES, ".idx")  # of the files of an archive


class Options(NamedTuple):
    """How an archive is written.

    `force` replaces a pack that is there, `grow` adds to it. `skip_held` leaves out what a folder of packs
    has already, as often as it has it. With `alone` a pack in a folder holds all that its messages need, else
    only what the other packs have not. `stems` and `trees` add objects for searching and threading.
    """

    force: bool = False
    grow: bool = False
    skip_held: bool = False
    alone: bool = False
    stems: bool = False
    trees: bool = False
    sync: bool = True


DEFAULTS = Options()


class Archiver:
    """Puts messages into the archive at `path`; nothing of it is to be seen before `finish`.

    `path` is a pack, or a folder of packs: one that exists, or a name that ends with `/` or `.d`. Without a
    path the pack is named by its checksum, in the current folder.

    A pack that grows or is replaced is locked as long. Several may add to a folder at once, but not while it
    is made anew (`alone`): that would take away objects they count on.

    Raises (all methods):
        CannotCreateError: it exists, is a folder with other things than packs, or cannot be made.
        TemporaryError: another program is changing it.
        DataError: a pack that is to grow is damaged.
        InputOutputError: it cannot be written.
        ConfigurationError: stems are asked for, and there is no stemmer.
    """

    def __init__(self, path: str | None, options: Options = DEFAULTS) -> None:
        self.options = options
        self.is_folder = path is not None and (os.path.isdir(path) or path.endswith(("/", FOLDER_SUFFIX)))
        self.path = path.rstrip("/") or "/" if path is not None and self.is_folder else path
        self.added = 0
        self.skipped = 0
        self._stack = ExitStack()
        self._held = Tally()
        self._threads = Threads()
        self._pack = _Temporary("", -1)
        self._manifest = _Temporary("", -1)
        self._lines: list[bytes] = []
        self._grown: PackFile | None = None
        self._writer: PackWriter | None = None

    def __enter__(self) -> "Archiver":
        with ExitStack() as stack:
            self._open(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go; what was not finished is gone."""
        self._stack.close()

    def add(self, delivery: Delivery) -> bytes:
        """Put one message in; gives the name of its mail object."""
        assert self._writer is not None
        held = _as_crlf(delivery)
        mail = dissect(held.buffer, held.start, held.end)
        writer = self._writer

        def store(span: Span) -> bytes:
            return writer.add(BLOB, held.buffer, span.start, span.end)

        content = skeleton.to_bytes(mail, store)
        if self.options.skip_held:
            name = _mail_name(content)
            if self._held.take(_held_name(name, held.newline)):
                self.skipped += 1
                return name
        name = writer.add(MAIL, content)
        if self.options.stems:
            self._add_stems(name, mail, held.buffer)
        if self.options.trees:
            self._note_thread(name, held.buffer, mail.root.header)
        self.describe(name, _record(name, held.newline, delivery))
        return name

    def copy(self, source: Archive, name: bytes) -> None:
        """Put the mail object of another archive in, with its blobs."""
        assert self._writer is not None
        mail = source.read_mail(name)
        for piece in skeleton.iter_references(mail.root):
            if piece not in self._writer:
                self._writer.add(BLOB, source.read(piece).content)
        self._writer.add(MAIL, source.read(name).content)

    def copy_object(self, source: Archive, name: bytes) -> None:
        """Put a stem or a tree of another archive in."""
        assert self._writer is not None
        found = source.read(name)
        self._writer.add(found.kind, found.content)

    def describe(self, name: bytes, record: Record) -> None:
        """Add a line to the manifest."""
        self.added += 1
        self._lines.append(record._replace(id=name.hex()).to_bytes())
        if len(self._lines) >= 1000:
            self._write_lines()

    def finish(self, replaces: Iterable[str] = ()) -> str | None:
        """Give the pack, its index and its manifest their names; gives the path of the pack.

        In a folder the pack takes the place of those that `replaces` names. None when there was nothing to
        add to a folder.
        """
        assert self._writer is not None
        if self.options.trees:
            for tree in self._threads.iter_trees():
                self._writer.add(TREE, tree.to_bytes())
        replaced = list(replaces)
        if self.is_folder and not self.added and not replaced:
            return None
        self._write_lines()
        checksum = self._writer.finish()
        found = self._make("index")
        for chunk in index.iter_octets(self._writer.rows(), checksum):
            _write(found, chunk)
        path = self._final_path(checksum)
        self._commit(path, found, replaced)
        return path

    def _open(self, stack: ExitStack) -> None:
        self._stack = stack
        is_known: Callable[[bytes], bool] = _is_new
        if self.is_folder:
            archive = self._open_folder()
            is_known = _is_new if self.options.alone else archive.__contains__
        elif self.path is not None and os.path.lexists(self.path) and not self.options.force:
            if not self.options.grow:
                atomic.refuse_existing(self.path)
            packlock.hold(self.path, stack, alone=True)
            self._grown = self._open_grown(self.path)
        elif self.path is not None and os.path.isfile(self.path):
            packlock.hold(self.path, stack, alone=True)
        self._pack = self._make("pack")
        self._manifest = self._make("manifest")
        if self._grown is not None:
            self._take_over(self._grown)
        self._writer = PackWriter(self._pack.fd, self._pack.path, is_known=is_known, begun=self._grown)
        stack.callback(self._writer.close)

    def _open_folder(self) -> Archive:
        assert self.path is not None
        try:
            os.makedirs(self.path, exist_ok=True)
        except OSError as error:
            raise CannotCreateError(f"cannot make the folder: {error.strerror}", where=self.path) from error
        if not self.options.alone:
            _refuse_other_store(self.path)
        packlock.hold(self.path, self._stack, alone=self.options.alone)
        archive = open_archive(self.path)
        if self.options.skip_held:
            for found in archive.iter_listed():
                self._held.add(_held_name(found.name, found.record.newline))
        return archive

    def _open_grown(self, path: str) -> PackFile:
        archive = open_archive(path)
        pack = archive.packs[0]
        is_indexed = pack.index is not None and pack.index.is_intact and pack.index.count == pack.count
        if not pack.is_intact or not (is_indexed or len(pack.located) == pack.count):
            hint = "'blaze pack verify' tells what is; put the messages into a new pack."
            raise DataError("the pack is damaged and is not added to", where=path, hint=hint)
        return pack

    def _take_over(self, pack: PackFile) -> None:
        """Begin with the entries and the manifest of the pack that grows."""
        try:
            with open(pack.path, "rb") as source, open(self._pack.fd, "wb", closefd=False) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            os.ftruncate(self._pack.fd, pack.end)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=self._pack.path) from error
        self._lines += [found.record.to_bytes() for found in Archive(pack.path, [pack], []).iter_messages()]
        self._write_lines()

    def _make(self, word: str) -> "_Temporary":
        folder = self.path if self.is_folder else os.path.dirname(self.path or "")
        path = atomic.temporary_name(os.path.join(folder or "", TEMPORARY + word))
        try:
            fd = atomic.create_new(path)
        except FileExistsError as error:
            raise CannotCreateError("cannot create a temporary file", where=path) from error
        made = _Temporary(path, fd)
        self._stack.callback(made.discard)
        return made

    def _write_lines(self) -> None:
        _write(self._manifest, b"".join(self._lines))
        self._lines = []

    def _final_path(self, checksum: bytes) -> str:
        if self.path is None:
            return f"pack-{checksum.hex()}{SUFFIX}"
        if not self.is_folder:
            return os.path.realpath(self.path)
        numbers = [name.partition("-")[0] for name in os.listdir(self.path) if name.endswith(SUFFIX)]
        last = max((int(number) for number in numbers if number.isdecimal()), default=0)
        return f"{self.path}/{last + 1:06}-{checksum.hex()}{SUFFIX}"

    def _commit(self, path: str, found_index: "_Temporary", replaces: list[str]) -> None:
        """The pack gets its name last: without it nothing else counts.

        Lines of a manifest about messages that its pack has not count for nothing either. So a manifest with
        the lines of both is right for a pack and for the one that takes its place.
        """
        sync = self.options.sync
        is_new = not (self.options.force or self._grown is not None)
        if is_new and os.path.lexists(path) and self.path is None and self._is_made_already(path):
            return
        if is_new:
            atomic.refuse_existing(path)
        replaced = os.path.join(os.path.dirname(path), replaces[0]) if replaces else path
        try:
            self._keep_access(replaced, [self._pack, self._manifest, found_index])
            if replaces:
                listing = self._make("replaces")
                _write(listing, "".join(f"{name}\n" for name in replaces).encode("utf-8", "surrogateescape"))
                listing.rename(path + REPLACES, sync=sync)
            manifest = manifest_path(path)
            is_merged = self.options.force and os.path.exists(manifest)
            first = self._merged(manifest) if is_merged else self._manifest
            self._keep_access(replaced, [first])
            first.rename(manifest, sync=sync)
            found_index.rename(index.path_of(path), sync=sync)
            if sync:
                atomic.sync_folder(os.path.dirname(path))
            self._pack.rename(path, sync=sync, is_new=is_new)
            if is_merged:
                self._manifest.rename(manifest, sync=sync)
            if sync:
                atomic.sync_folder(os.path.dirname(path))
        except FileExistsError as error:
            raise CannotCreateError("the file appeared meanwhile", where=path) from error
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=path) from error

    def _keep_access(self, replaced: str, files: list["_Temporary"]) -> None:
        """Give new files the owner and permissions of the pack whose place they take, if there is one."""
        if os.path.exists(replaced):
            status = os.stat(replaced)
            for file in files:
                atomic.keep_access(file.fd, status)

    def _merged(self, old: str) -> "_Temporary":
        """The manifest at `old`, and what the new one says beside it."""
        with open(old, "rb") as before, open(self._manifest.path, "rb") as after:
            lines = before.read().splitlines(keepends=True)
            known = set(lines)
            lines += [line for line in after if line not in known]
        made = self._make("merged")
        _write(made, b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines))
        return made

    def _is_made_already(self, path: str) -> bool:
        """True when the pack of this name is there with the same manifest: there is nothing to do."""
        try:
            with open(manifest_path(path), "rb") as there, open(self._manifest.path, "rb") as made:
                return there.read() == made.read()
        except FileNotFoundError:
            return False

    def _add_stems(self, name: bytes, mail: Mail[Span], buffer: Buffer) -> None:
        from blaze.core.store.pack import stems

        assert self._writer is not None
        headers = {
            part.body.octets: part.header
            for _, part in skeleton.walk(mail.root)
            if isinstance(part.body, Leaf)
        }
        for text in skeleton.iter_texts(mail.document):
            part = message.parse(buffer, headers[text.octets].start, text.octets.end)
            counts = stems.count(stems.text_of(part), text.language)
            blob = self._writer.add(BLOB, buffer, text.octets.start, text.octets.end)
            self._writer.add(STEM, stems.Stem(name, blob, counts).to_bytes())

    def _note_thread(self, name: bytes, buffer: Buffer, header: Span) -> None:
        root = message.parse(buffer, header.start, header.end)
        found = []
        for key in (b"message-id", b"in-reply-to"):
            field = root.header.get(key)
            found.append(next(iter(ids.parse_message_ids(field.unfolded)), None) if field else None)
        self._threads.add(name, found[0], found[1])


def _refuse_other_store(path: str) -> None:
    """Raise `CannotCreateError` for a folder that holds other things and no pack, and for a Maildir."""
    try:
        names = [name for name in os.listdir(path) if not name.startswith(f".{TEMPORARY}")]
    except OSError as error:
        raise CannotCreateError(f"cannot look into the folder: {error.strerror}", where=path) from error
    is_archive = any(name.endswith(_ENDINGS) for name in names)
    if (names and not is_archive) or {"cur", "new"} <= set(names):
        hint = "Give a new folder, its name ending with / or .d, or a file such as archive.pack."
        raise CannotCreateError("this folder is no archive of packs", where=path, hint=hint)


class _Temporary:
    """A file that is being written under another name."""

    __slots__ = ("fd", "path")

    def __init__(self, path: str, fd: int) -> None:
        self.path = path
        self.fd = fd

    def rename(self, target: str, *, sync: bool, is_new: bool = False) -> None:
        """Give it its name; `FileExistsError` if that must be new and is not."""
        if sync:
            os.fsync(self.fd)
        if is_new:
            atomic.rename_new(self.path, target)
        else:
            os.replace(self.path, target)

    def discard(self) -> None:
        """Close it; remove it if it has not got its name."""
        os.close(self.fd)
        atomic.remove_quietly(self.path)


def _is_new(_: bytes) -> bool:
    return False


def _as_crlf(delivery: Delivery) -> Crlf:
    if not delivery.head:
        return to_crlf(delivery.buffer, delivery.start, delivery.end)
    whole = atomic.spool(delivery.iter_octets())
    return to_crlf(whole, 0, len(whole))


def _mail_name(content: bytes) -> bytes:
    return name_of(MAIL, content, 0, len(content))


def _held_name(name: bytes, newline: str) -> bytes:
    """What stands for a message and its newlines among those held."""
    return sha1(name + newline.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()


def _record(name: bytes, newline: str, delivery: Delivery) -> Record:
    marks = delivery.marks
    called = delivery.name
    if delivery.folder and not called.startswith(f"{delivery.folder}/"):
        called = f"{delivery.folder}/{called.rpartition('/')[2]}"
    return Record(
        name.hex(), newline, marks.flags, marks.labels, delivery.date_ns, called, is_new=marks.is_new
    )


def _write(target: _Temporary, octets: bytes) -> None:
    try:
        atomic.write_all(target.fd, octets)
    except OSError as error:
        raise InputOutputError(f"cannot write: {error.strerror}", where=target.path) from error
