"""Reading a Maildir: a message a file, its flags in its name; and the folders of Maildir++.

See https://cr.yp.to/proto/maildir.html; Maildir++ is Courier's: a folder `A/B` is the Maildir `.A.B` inside.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import NamedTuple

from blaze.core.errors import NoInputError
from blaze.core.mail.header import Buffer
from blaze.core.store import atomic
from blaze.core.store.flags import normalize
from blaze.core.store.manifest import MANIFEST, Overlay
from blaze.core.store.source import Entry, Found, Reading

INFO_MARKS = (":2,", "!2,", ";2,")
"""What parts a unique name from its flags; not `:` where the file system forbids it."""

_TRIES = 5  # listings for a message that is renamed again and again


class MaildirEntry(Entry):
    """A message of a Maildir; `id` is its unique name, `file` that with the flags."""

    __slots__ = ("_overlay", "_subfolder", "file", "is_in_new")

    def __init__(self, folder: "Folder", file: str, buffer: Buffer, *, is_in_new: bool) -> None:
        place = folder.place
        unique = unique_name(file)
        path = f"{place}/new/{file}" if is_in_new else f"{place}/cur/{file}"
        super().__init__(f"{place}#{unique}", buffer, 0, len(buffer), path=path, id=unique)
        self._subfolder = folder.name
        self._overlay = folder.overlay
        self.file = file
        self.is_in_new = is_in_new

    def is_called(self, id: str) -> bool:  # noqa: A002
        """True for the unique name, and for the file's name with its flags."""
        return id in (self.id, self.file)

    @property
    def place(self) -> str:
        """The Maildir (or Maildir++ folder) the message is in."""
        return self.name[: -len(self.id) - 1]

    @property
    def folder(self) -> str:
        """The Maildir++ folder, levels parted by `/`."""
        return self._subfolder[1:].replace(".", "/")

    @property
    def flags(self) -> str:
        """The flags in the file's name."""
        return normalize(info(self.file))

    @property
    def labels(self) -> tuple[str, ...]:
        """The keywords that small letters in the name stand for by Dovecot's file, then the manifest's."""
        letters = [letter for letter in info(self.file) if "a" <= letter <= "z"]
        keywords = read_keywords(self.place) if letters else {}
        held = [keywords[letter] for letter in letters if letter in keywords]
        return tuple(dict.fromkeys((*held, *self._overlay.labels(self.id))))

    @property
    def is_new(self) -> bool:
        """True while the message is in `new`."""
        return self.is_in_new


class Folder(NamedTuple):
    """A Maildir that is read, or a Maildir++ folder in it: where it is, its name (`.A.B`), its manifest."""

    place: str
    name: str
    overlay: Overlay


def iter_entries(path: str, reading: Reading | None = None) -> Iterator[Found]:
    """The messages of the Maildir at `path`, then those of its Maildir++ folders, each by time of delivery.

    A message that another program renames meanwhile is looked for again; one that it deletes is left out.

    Raises:
        NoInputError: there is no `cur` and no `new`.
    """
    root = path.rstrip("/") or "/"
    subfolders = list_subfolders(root)
    if not subfolders and not is_maildir(root):
        raise NoInputError("this is no Maildir: it has neither cur nor new", where=path)
    for name in ("", *subfolders):
        place = f"{root}/{name}" if name else root
        try:
            yield from _iter_folder(Folder(place, name, Overlay(f"{place}/{MANIFEST}")), reading)
        except OSError as error:
            yield atomic.input_error(error, place)


def list_subfolders(root: str) -> list[str]:
    """The names of the Maildir++ folders in a Maildir (`.Sent`, `.Lists.python`), sorted."""
    with os.scandir(root) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(".")]
    return sorted(name for name in names if os.path.isdir(f"{root}/{name}/cur"))


def is_maildir(place: str) -> bool:
    """True for a folder that holds `cur` or `new`: one of them may be missing until it is needed."""
    return any(os.path.isdir(f"{place}/{name}") for name in ("cur", "new"))


def list_files(place: str, name: str) -> list[str]:
    """The message files in `cur`, `new` or `tmp` of the Maildir `place`, by time of delivery."""
    return sorted(_message_files(place, name), key=delivery_order)


def _message_files(place: str, name: str) -> list[str]:
    try:
        names = os.listdir(f"{place}/{name}")
    except FileNotFoundError:
        return []
    return [file for file in names if not file.startswith(".")]


def delivery_order(file: str) -> tuple[str, int, str]:
    """Sorts file names by their time: the seconds, then the microseconds or the number that follows.

    Neither need be padded: Python writes `.M45P1.`, mutt and procmail `.1234_2.`.
    """
    seconds, found, rest = file.partition(".M")
    if found:
        return seconds, len(rest.partition("P")[0]), rest
    seconds, _, rest = file.partition(".")
    return seconds, 0, _digits().sub(lambda number: number[0].zfill(20), rest)


def unique_name(file: str) -> str:
    """A file's name without its flags."""
    if "2," not in file:  # what every mark ends with; most names in `new` have none
        return file
    for mark in INFO_MARKS:
        unique, found, _ = file.rpartition(mark)
        if found:
            return unique
    return file


def info(file: str) -> str:
    """The letters after the mark in a file's name."""
    for mark in INFO_MARKS:
        _, found, letters = file.rpartition(mark)
        if found:
            return letters
    return ""


def find_file(place: str, unique: str) -> str | None:
    """Where the message called `unique` is now: `cur/NAME` or `new/NAME`, or None."""
    for name in ("cur", "new", "cur"):  # once more: it may have moved from new to cur in between
        for file in list_files(place, name):
            if unique_name(file) == unique:
                return f"{name}/{file}"
    return None


def locate_files(place: str) -> dict[str, str]:
    """Where all messages of a Maildir are now: `new/NAME` or `cur/NAME`, by their unique names.

    `new` is listed first: a message that moves from there to `cur` meanwhile is in one of them.
    """
    return {
        unique_name(file): f"{name}/{file}" for name in ("new", "cur") for file in _message_files(place, name)
    }


def read_keywords(place: str) -> dict[str, str]:
    """The keywords of a Maildir by their letters, `a` to `z`, from Dovecot's file; none without it."""
    try:
        with open(f"{place}/dovecot-keywords", encoding="utf-8", errors="surrogateescape") as lines:
            rows = [line.rstrip("\n").partition(" ") for line in lines]
    except OSError:
        return {}
    return {chr(97 + int(number)): word for number, _, word in rows if number.isdigit() and int(number) < 26}


@cache
def _digits() -> re.Pattern[str]:
    return re.compile(r"[0-9]{1,20}")


def _iter_folder(folder: Folder, reading: Reading | None) -> Iterator[Found]:
    place = folder.place
    files = [
        (delivery_order(file), file, name) for name in ("cur", "new") for file in _message_files(place, name)
    ]
    files.sort()
    passes_over = reading.passes_over if reading else None
    renamed = _Renamed(place)
    for _, file, name in files:
        if passes_over and passes_over(MaildirEntry(folder, file, b"", is_in_new=name == "new")):
            continue
        path = f"{place}/{name}/{file}"
        try:
            try:
                buffer = atomic.read_file(path)
            except FileNotFoundError:
                moved = renamed.find(unique_name(file))
                if moved is None:
                    continue
                name, file, buffer = moved
        except OSError as error:
            yield atomic.input_error(error, path)
            continue
        yield MaildirEntry(folder, file, buffer, is_in_new=name == "new")


class _Renamed:
    """Where the messages of a Maildir are that other programs have renamed since it was listed.

    Many may be renamed or deleted at once. So the folders are not listed anew for each of them, but when the
    last listing is wrong about a message; one that two listings in a row did not have is gone.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._files: dict[str, str] = {}
        self._before: set[str] = set()
        self._listings = 0

    def find(self, unique: str) -> tuple[str, str, Buffer] | None:
        """`new` or `cur`, the file's name there and its octets; None for what is gone. Raises `OSError`."""
        for _ in range(_TRIES):
            path = self._files.get(unique)
            if path is not None:
                name, _, file = path.partition("/")
                with suppress(FileNotFoundError):
                    return name, file, atomic.read_file(f"{self._place}/{path}")
            elif self._listings > 1 and unique not in self._before:
                return None
            self._list()
        return None

    def _list(self) -> None:
        self._before = set(self._files)
        self._listings += 1
        self._files = locate_files(self._place)
