"""Open whatever holds messages: a message, an mbox, a Maildir, a folder of .eml, a pack, standard input.

What a file is, is found by looking; `mbox:`, `maildir:`, `pack:` and `eml:` before its path force a reading.
A store named `PATH` has messages named `PATH#ID`, and that name opens the one message again.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from importlib import import_module
from typing import NamedTuple, TypeAlias

from blaze.core.errors import BlazeError, DataError, NoInputError
from blaze.core.mail.header import Buffer

PREFIXES = ("mbox:", "maildir:", "pack:", "eml:")
"""What forces a reading when it stands before a path."""

STDIN = "-"

_CHUNK = 1 << 16  # octets of the first read; most messages are smaller
_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_NEWLINES = b"\r\n"
_LOOKED_INTO = frozenset(b"F\n\rPB\x1f\xfd\x28")  # first octets of what may be no message


class Entry:
    """A message where it lies: the octets from `start` to `end` of `buffer`.

    `name` is what the user calls it (`PATH`, or `PATH#ID` inside a store), `path` the file it was read from
    (`-` for standard input), `id` its name inside the store, or empty. What the store knows about it beside
    its octets is found when asked for.
    """

    __slots__ = ("buffer", "end", "id", "name", "path", "start")

    def __init__(
        self,
        name: str,
        buffer: Buffer,
        start: int,
        end: int,
        *,
        path: str = "",
        id: str = "",  # noqa: A002
    ) -> None:
        self.name = name
        self.buffer = buffer
        self.start = start
        self.end = end
        self.path = path or name
        self.id = id

    def is_called(self, id: str) -> bool:  # noqa: A002
        """True when `id` names this message inside its store."""
        return bool(self.id) and id == self.id

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r}, {self.end - self.start} octets)"

    @property
    def octets(self) -> bytes:
        """The whole message; a large one should be read through `buffer` instead."""
        return self.buffer[self.start : self.end]

    @property
    def offset(self) -> int:
        """Where the message begins in the file at `path`."""
        return self.start

    @property
    def folder(self) -> str:
        """The folder inside the store, levels parted by `/`; empty for the store itself."""
        return ""

    @property
    def flags(self) -> str:
        """The flags as letters of a Maildir name, sorted: Draft, Flagged, Passed, Replied, Seen, Trashed."""
        return ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Keywords and labels, in the order in which the store has them."""
        return ()

    @property
    def is_new(self) -> bool:
        """True when no program has shown the message to a person: `new/` of a Maildir, no `O` in an mbox."""
        return False

    @property
    def date_ns(self) -> int | None:
        """When it was delivered, in nanoseconds since 1970 UTC: the file's time, the From line; or None."""
        try:
            return os.stat(self.path).st_mtime_ns
        except OSError:
            return None


Found: TypeAlias = Entry | BlazeError
"""A message, or the reason why one (or a whole FILE) cannot be read."""


class Doubt(NamedTuple):
    """A place in an mbox where it is not certain whether a message ends: its path, octet offset, and why."""

    path: str
    offset: int
    reason: str


class Reading:
    """How stores are read, and what was noticed on the way.

    `mbox` is the kind an mbox is taken for (`mboxo`, `mboxrd`, `mboxcl`, `mboxcl2`); None looks. It is opened
    while no other program writes it, unless `locks` is false: for those who have it locked themselves.
    Standard input is read once, whatever asks for it. `doubts` grows by the doubtful places, `omitted` counts
    the messages left out because a program had deleted them. `passes_over` is asked about each file of a
    Maildir or a folder before it is opened, given as an entry without octets; those it is true for are left
    out.
    """

    __slots__ = ("_stdin", "doubts", "locks", "mbox", "omitted", "passes_over")

    def __init__(
        self,
        mbox: str | None = None,
        *,
        locks: bool = True,
        passes_over: Callable[[Entry], bool] | None = None,
    ) -> None:
        self.mbox = mbox
        self.locks = locks
        self.passes_over = passes_over
        self.doubts: list[Doubt] = []
        self.omitted = 0
        self._stdin: Buffer | None = None

    def stdin(self) -> Buffer:
        """All octets of standard input."""
        if self._stdin is None:
            self._stdin = _read_stdin()
        return self._stdin


def iter_entries(files: Iterable[str], reading: Reading | None = None) -> Iterator[Found]:
    """Every message in `files`, in order, lazily.

    Each of `files` is a path, `-`, a path with one of `PREFIXES`, or `PATH#ID`; a path that exists is taken
    before that last reading. A Maildir's messages come by the time in their names, those of its Maildir++
    folders after its own; an mbox's in its order; a folder's by name, or by its manifest.

    What cannot be read is given as an error in its place, and the rest follows; so is an mbox that another
    program keeps locked, or changes otherwise than by adding to it (`TemporaryError`). A small message is
    held as bytes, one over 1 MiB is mapped. Of a large mbox a message is never mapped where it lies (see
    `mboxfile`): a very large one is from a copy.
    """
    reading = reading or Reading()
    for file in files:
        try:
            yield from _open(file, reading)
        except BlazeError as error:
            yield error
        except OSError as error:
            yield _input_error(error, os.fsdecode(error.filename or file))


def iter_stored(files: Iterable[str], reading: Reading | None = None) -> Iterator[Found]:
    """`iter_entries`, for those to whom each of `files` is a store: one without octets holds no messages.

    An mbox is such a file when all its messages are gone. After `eml:` it is a message, if an empty one.
    """
    reading = reading or Reading()
    for file in files:
        may_be_empty = forced_kind(file)[0] == "eml"
        for found in iter_entries([file], reading):
            if may_be_empty or type(found) is not Entry or found.start < found.end:
                yield found


def read_message(file: str, *, with_from_line: bool = False) -> Entry:
    """The one message that `file` names, as `iter_entries` understands it.

    `with_from_line` is for what is to be written again: a message that comes as an mbox of one, as mail
    servers and procmail pass it to a filter, is given as it stands, from its From line to the end; but not
    where From lines in it are quoted, since the message is another then.

    Raises:
        NoInputError: there is no such file, or it holds no message.
        DataError: it holds several.
    """
    reading = Reading()
    found = _open(file, reading)
    first = next(found, None)
    if first is None:
        raise NoInputError("there is no message in it", where=file)
    if isinstance(first, BlazeError):
        raise first
    if next(found, None) is not None:
        raise DataError(
            "there are several messages in it", where=file, hint=f"Name one, such as {first.name}"
        )
    if with_from_line and first.name != file and (file == STDIN or os.path.isfile(file)):
        buffer = reading.stdin() if file == STDIN else read_whole(file).buffer
        if buffer[:5] == b"From " and buffer.find(b">From ") < 0:
            return Entry(file, buffer, 0, len(buffer))
    return first


def read_whole(file: str) -> Entry:
    """All octets of a file, or of standard input, as one message, whatever they look like.

    What is no file is read as `read_message` does: one message of a store by its name.

    Raises:
        NoInputError: there is no such file or message.
        InputOutputError: reading failed.
    """
    if file == STDIN:
        buffer = _read_stdin()
    elif not os.path.exists(file) or os.path.isdir(file):
        return read_message(file)
    else:
        try:
            fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            try:
                buffer = _read_rest(fd, b"")
            finally:
                os.close(fd)
        except OSError as error:
            raise _input_error(error, file) from error
    return Entry(file, buffer, 0, len(buffer))


def forced_kind(file: str) -> tuple[str, str]:
    """Split `KIND:PATH` into kind and path; the kind is empty where none is forced."""
    if file.startswith(PREFIXES):
        kind, _, path = file.partition(":")
        return kind, path
    return "", file


def reads_stdin(file: str) -> bool:
    """True when a FILE is standard input, or a message in it."""
    path = forced_kind(file)[1]
    return path == STDIN or (path.startswith(f"{STDIN}#") and not os.path.lexists(path))


def kind_of_folder(path: str) -> str:
    """What the folder at `path` is: `maildir`, `pack` or `eml`.

    Raises:
        DataError: it is none of these.
    """
    if os.path.isdir(f"{path}/cur") and os.path.isdir(f"{path}/new"):
        return "maildir"
    names = os.listdir(path)
    endings = {os.path.splitext(name)[1].lower() for name in names}
    if ".pack" in endings:
        return "pack"
    if ".eml" in endings or "manifest.jsonl" in names:
        return "eml"
    if any(name.startswith(".") and os.path.isdir(f"{path}/{name}/cur") for name in names):
        return "maildir"
    raise DataError("this folder is no Maildir and holds neither .eml files nor packs", where=path)


def kind_of_octets(buffer: Buffer) -> str:
    """What the octets of a file are: `pack`, `mbox`, `message`, or the name of a compression.

    Empty lines before the first From line of an mbox are passed over, as mutt does: some programs write them.
    """
    head = buffer[:1024]
    for magic, compression in _COMPRESSIONS.items():
        if head.startswith(magic):
            return compression
    if head.startswith(b"PACK"):
        return "pack"
    first = head.lstrip(_NEWLINES)
    if first.startswith(b"From "):
        from blaze.core.store.fromline import parse_from_line

        return "mbox" if parse_from_line(first.partition(b"\n")[0]) else "message"
    return "message"


def _open(file: str, reading: Reading) -> Iterator[Found]:
    kind, path = forced_kind(file)
    if path == STDIN:
        return _iter_octets(kind, STDIN, reading.stdin(), reading)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        if "#" in path and isinstance(error, FileNotFoundError | NotADirectoryError):
            return _select(kind, path, reading)
        raise _input_error(error, path) from error
    try:
        data: Buffer = os.read(fd, _CHUNK)
        may_be_mbox = kind == "mbox" or b"From ".startswith(data[:].lstrip(_NEWLINES)[:5])
        if may_be_mbox and _is_file(fd):
            return _open_mbox(kind, path, fd, reading)
        if more := os.read(fd, _CHUNK):
            data = _read_rest(fd, data[:] + more)
    except IsADirectoryError:
        return _iter_folder(kind, path, reading)
    except OSError as error:
        raise _input_error(error, path) from error
    finally:
        os.close(fd)
    if not kind and data and data[0] not in _LOOKED_INTO:
        return iter((Entry(path, data, 0, len(data)),))
    return _iter_octets(kind, path, data, reading)


def _iter_octets(kind: str, path: str, buffer: Buffer, reading: Reading) -> Iterator[Found]:
    looked = kind_of_octets(buffer)
    if looked in _COMPRESSIONS.values():
        return _iter_compressed(kind, path, buffer, reading)
    kind = kind or looked
    if kind == "mbox":
        from blaze.core.store import mbox

        return mbox.iter_entries(path, buffer, reading)
    if kind == "pack":
        return _iter_pack(path, buffer)
    if kind == "maildir":
        raise DataError("a Maildir is a folder", where=path)
    return iter((Entry(path, buffer, 0, len(buffer)),))


def _iter_compressed(kind: str, path: str, buffer: Buffer, reading: Reading) -> Iterator[Found]:
    from blaze.core.store import compressed

    content = compressed.read(buffer, kind_of_octets(buffer), where=path)
    if len(content.buffer) or content.error is None:
        yield from _iter_octets(kind, path, content.buffer, reading)
    if content.error is not None:
        yield content.error


def _iter_folder(kind: str, path: str, reading: Reading) -> Iterator[Found]:
    try:
        kind = kind or kind_of_folder(path)
    except OSError as error:
        raise _input_error(error, path) from error
    if kind == "maildir":
        from blaze.core.store import maildir

        return maildir.iter_entries(path, reading)
    if kind == "eml":
        from blaze.core.store import folder

        return folder.iter_entries(path, reading)
    if kind == "pack":
        return _iter_pack(path, None)
    raise DataError("an mbox is a file, not a folder", where=path)


def _iter_pack(path: str, buffer: Buffer | None) -> Iterator[Found]:
    found: Iterator[Found] = import_module("blaze.core.store.pack").iter_entries(path, buffer)
    return found


def _select(kind: str, name: str, reading: Reading) -> Iterator[Found]:
    prefix = f"{kind}:" if kind else ""
    position = name.find("#")
    while position >= 0:
        path, wanted = name[:position], name[position + 1 :]
        if _is_pack(kind, path):
            return iter((import_module("blaze.core.store.pack").find_entry(path, None, wanted),))
        if path == STDIN or os.path.exists(path):
            return _only(wanted, _open(prefix + path, reading), name)
        position = name.find("#", position + 1)
    raise NoInputError("no such file or directory", where=name)


def _is_pack(kind: str, path: str) -> bool:
    if os.path.isdir(path):
        return kind == "pack" or (not kind and any(name.endswith(".pack") for name in os.listdir(path)))
    try:
        with open(path, "rb") as file:
            return kind in ("", "pack") and file.read(4) == b"PACK"
    except OSError:
        return False


def _only(wanted: str, found: Iterator[Found], name: str) -> Iterator[Found]:
    for entry in found:
        if isinstance(entry, Entry) and entry.is_called(wanted):
            yield entry
            return
    raise NoInputError("there is no such message in it", where=name)


def _read_stdin() -> Buffer:
    from blaze.core.store import atomic

    if sys.stdin is None:
        raise NoInputError("standard input is closed")
    stream = sys.stdin.buffer
    try:
        fd = stream.fileno()
    except OSError:  # not a real file, as under a test
        return atomic.spool(iter(lambda: stream.read(_CHUNK), b""))
    try:
        return atomic.read_fd(fd)
    except OSError as error:
        raise _input_error(error, STDIN) from error


def _is_file(fd: int) -> bool:
    return stat.S_ISREG(os.fstat(fd).st_mode)


def _open_mbox(kind: str, path: str, fd: int, reading: Reading) -> Iterator[Found]:
    """The messages of a file that is an mbox or begins as one, as it is when no delivery is under way."""
    from blaze.core.store import atomic, mbox, mboxfile, mboxlock

    if os.fstat(fd).st_size > atomic.SMALL:
        file = mboxfile.MboxFile(fd, path, locks=reading.locks)
        if kind == "mbox" or kind_of_octets(file[0:1024]) == "mbox":
            return mbox.iter_entries(path, file, reading)
        file.close()
    with mboxlock.shared(fd, path) if reading.locks else nullcontext():
        os.lseek(fd, 0, os.SEEK_SET)
        data = _read_rest(fd, b"")
    return _iter_octets(kind, path, data, reading)


def _read_rest(fd: int, head: bytes) -> Buffer:
    from blaze.core.store import atomic

    return atomic.read_fd(fd, head)


def _input_error(error: OSError, path: str) -> BlazeError:
    from blaze.core.store import atomic

    return atomic.input_error(error, path)
