"""Delivering into a Maildir, and moving and flagging what lies in it (https://cr.yp.to/proto/maildir.html)."""

import os
import time
from contextlib import suppress
from itertools import count

from blaze.core.errors import CannotCreateError, DataError, InputOutputError, NoInputError
from blaze.core.store import atomic, maildir
from blaze.core.store.delivery import Delivery
from blaze.core.store.flags import is_keyword, normalize
from blaze.core.store.manifest import MANIFEST, Record, append_record, open_for_append

MAX_KEYWORDS = 26
"""Keywords a Maildir can have: a small letter each, as Dovecot does."""

STALE = 36 * 3600
"""Seconds after which a file in `tmp` is of a delivery that failed."""

_PARTS = ("tmp", "new", "cur")
_TMP = "tmp"


class Writer:
    """Delivers messages into the Maildir at `root` and its Maildir++ folders, made if need be.

    Each message is written to `tmp` and renamed when it is complete: into `new` when it is new and has no
    flags, else into `cur`. Names are unique and sort in the order of delivery. With `sync` a message is on
    disk before it gets its final name, and that name is when `commit` has returned.

    Raises (all methods):
        CannotCreateError: a folder or file cannot be made.
        InputOutputError: a file cannot be written.
    """

    def __init__(self, root: str, *, sync: bool = True) -> None:
        self.root = root.rstrip("/") or "/"
        self._sync = sync
        self._numbers = count()
        self._places: dict[str, _Place] = {}
        now = time.time_ns()
        self._moment = f"{now // 1_000_000_000}.M{now // 1000 % 1_000_000:06}P{os.getpid()}"
        self._host = host_part(os.uname().nodename)

    def __enter__(self) -> "Writer":
        self._place("")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the folders."""
        for place in self._places.values():
            place.close()
        self._places.clear()

    def deliver(self, delivery: Delivery) -> str:
        """Write one message; gives its unique name. Labels that no keyword can be for go to a manifest."""
        place = self._place(subfolder_name(delivery.folder))
        unique = f"{self._moment}Q{next(self._numbers):08}.{self._host}"
        marks = delivery.marks
        letters, unheld = place.keyword_letters(marks.labels)
        try:
            self._write_temporary(place, unique, delivery)
            if unheld:
                place.describe(Record(unique, labels=unheld))
            if marks.is_new and not marks.flags and not letters:
                os.rename(unique, unique, src_dir_fd=place.tmp, dst_dir_fd=place.new)
            else:
                file = f"{unique}{place.mark}{marks.flags}{letters}"
                os.rename(unique, file, src_dir_fd=place.tmp, dst_dir_fd=place.cur)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=place.path) from error
        return unique

    def commit(self) -> None:
        """Make the names of all messages delivered so far durable."""
        if self._sync:
            for place in self._places.values():
                for fd in (place.new, place.cur):
                    os.fsync(fd)

    def _write_temporary(self, place: "_Place", unique: str, delivery: Delivery) -> None:
        fd = os.open(unique, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=place.tmp)
        try:
            for chunk in delivery.iter_octets():
                atomic.write_all(fd, chunk)
            if delivery.date_ns is not None:
                os.utime(fd, ns=(delivery.date_ns, delivery.date_ns))
            if self._sync:
                os.fsync(fd)
        except BaseException:
            os.unlink(unique, dir_fd=place.tmp)
            raise
        finally:
            os.close(fd)

    def _place(self, subfolder: str) -> "_Place":
        if subfolder not in self._places:
            path = f"{self.root}/{subfolder}" if subfolder else self.root
            self._places[subfolder] = _Place(path, is_subfolder=bool(subfolder))
        return self._places[subfolder]


class _Place:
    """One Maildir that is written to: its folders open, the mark its names take, its keywords."""

    def __init__(self, path: str, *, is_subfolder: bool) -> None:
        self.path = path
        make(path, is_subfolder=is_subfolder)
        self.tmp, self.new, self.cur = (_open_folder(f"{path}/{part}") for part in _PARTS)
        self.mark = _info_mark(self.tmp)
        self._letters: dict[str, str] | None = None
        self._manifest = -1

    def keyword_letters(self, labels: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """The letters of the labels that can be keywords, taken into use as need be; and the other labels."""
        if not labels:
            return "", ()
        if self._letters is None:
            self._letters = {word: letter for letter, word in maildir.read_keywords(self.path).items()}
        known = self._letters
        before = len(known)
        for label in labels:
            if label not in known and is_keyword(label) and len(known) < MAX_KEYWORDS:
                known[label] = next(chr(n) for n in range(97, 123) if chr(n) not in known.values())
        if len(known) > before:
            rows = sorted((ord(letter) - 97, word) for word, letter in known.items())
            lines = "".join(f"{number} {word}\n" for number, word in rows)
            octets = lines.encode("utf-8", "surrogateescape")
            atomic.write_file(f"{self.path}/dovecot-keywords", [octets], force=True)
        letters = "".join(sorted({known[label] for label in labels if label in known}))
        return letters, tuple(label for label in labels if label not in known)

    def describe(self, record: Record) -> None:
        """Add a line to the manifest. Raises `OSError`."""
        if self._manifest < 0:
            self._manifest = open_for_append(f"{self.path}/{MANIFEST}")
        append_record(self._manifest, record)

    def close(self) -> None:
        if self._manifest >= 0:
            os.close(self._manifest)
        for fd in (self.tmp, self.new, self.cur):
            os.close(fd)


def make(path: str, *, is_subfolder: bool = False) -> None:
    """Make a Maildir with its three folders, where they are missing, mode 0700.

    Raises:
        CannotCreateError: it cannot be made.
    """
    try:
        for part in _PARTS:
            os.makedirs(f"{path}/{part}", mode=0o700, exist_ok=True)
        if is_subfolder:  # Maildir++ wants this empty file
            os.close(os.open(f"{path}/maildirfolder", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise CannotCreateError(f"cannot make the Maildir: {error.strerror}", where=path) from error


def move(place: str, unique: str, flags: str, *, keep: bool = True) -> str:
    """Move a message to `cur` and give it flags; gives its new path inside the Maildir.

    `flags` are letters; with `keep` those that it has stay, other programs' too. A message of the name may be
    in `new` or `cur`; another program that moves it meanwhile does no harm.

    Raises:
        NoInputError: there is no message of that name.
        InputOutputError: it cannot be renamed.
    """
    for _ in range(10):
        found = maildir.find_file(place, unique)
        if found is None:
            break
        letters = maildir.info(found) if keep else ""
        kept = {letter for letter in letters if letter.isascii() and letter.isalpha()}
        wanted = "".join(sorted({*kept, *normalize(flags)}))
        name = f"{unique}{_used_mark(place, found)}{wanted}" if wanted else unique
        try:
            os.rename(f"{place}/{found}", f"{place}/cur/{name}")
            return f"cur/{name}"
        except FileNotFoundError:
            continue
        except OSError as error:
            raise InputOutputError(f"cannot rename: {error.strerror}", where=f"{place}/{found}") from error
    raise NoInputError("there is no such message", where=f"{place}#{unique}")


def remove_stale(place: str, now: float) -> int:
    """Remove the files in `tmp` that no delivery has touched for 36 hours; gives how many.

    What cannot be removed (a folder, a file of somebody else) stays: it is in nobody's way.
    """
    removed = 0
    for file in maildir.list_files(place, "tmp"):
        path = f"{place}/{_TMP}/{file}"
        with suppress(OSError):
            if now - os.lstat(path).st_mtime > STALE:
                os.unlink(path)
                removed += 1
    return removed


def subfolder_name(folder: str) -> str:
    """The name of the Maildir++ folder for a folder `A/B`: `.A.B`; empty for the Maildir itself.

    A level without a name is left out, as a file system does.

    Raises:
        DataError: it is too long for one file name, or holds a NUL.
    """
    name = "".join(f".{level.replace('.', '_')}" for level in folder.split("/") if level)
    if "\0" in name or len(os.fsencode(name)) > atomic.MAX_NAME:
        raise DataError("this cannot be the name of a folder", where=repr(folder))
    return name


def host_part(host: str) -> str:
    """A host's name as unique names hold it."""
    return host.replace("/", r"\057").replace(":", r"\072").replace(",", r"\054") or "localhost"


def _used_mark(place: str, found: str) -> str:
    for mark in maildir.INFO_MARKS:
        if mark in found:
            return mark
    fd = _open_folder(f"{place}/{_TMP}")
    try:
        return _info_mark(fd)
    finally:
        os.close(fd)


def _info_mark(tmp: int) -> str:
    """`:2,` unless the file system takes no colon in a name: then `!2,`."""
    probe = f".blaze-{os.getpid()}-{os.urandom(4).hex()}:2,"
    try:
        os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=tmp))
    except OSError:
        return maildir.INFO_MARKS[1]
    os.unlink(probe, dir_fd=tmp)
    return maildir.INFO_MARKS[0]


def _open_folder(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise CannotCreateError(f"cannot open the folder: {error.strerror}", where=path) from error
