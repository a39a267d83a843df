"""Writing an mbox, of any of its kinds, so that a reader gets every message back (RFC 4155)."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256

from blaze.core.errors import CannotCreateError, InputOutputError
from blaze.core.mail.window import iter_chunks
from blaze.core.store import atomic, mbox
from blaze.core.store.delivery import Delivery
from blaze.core.store.flags import to_status, without_status
from blaze.core.store.fromline import NOBODY, format_from_line
from blaze.core.store.mboxlock import Lock, lock_file

_FLUSH = 1 << 18  # octets gathered before they are written


def iter_message(delivery: Delivery, kind: str = "mboxrd") -> Iterator[bytes]:
    """A message as it stands in an mbox of `kind`: its From line, itself, and an empty line.

    Status and X-Status say its flags, instead of any that it has; lines are quoted as the kind wants; a
    last line without a newline gets one. The date is 1970 where none is known.
    """
    delivery = _prepared(delivery)
    sender = delivery.sender or _return_path(delivery.head)
    yield format_from_line(sender, delivery.date_ns or 0)
    body_ends_line = _ends_line(delivery)
    length = _body_length(delivery, kind) if kind in ("mboxcl", "mboxcl2") else None
    if length is not None and not body_ends_line:
        length += 1
    header = to_status(delivery.head, delivery.marks, length=length)
    yield header if kind == "mboxcl2" else _quoted(header, kind)
    yield from _iter_body(delivery, kind)
    yield b"\n" if body_ends_line else b"\n\n"


def digest_in(delivery: Delivery, kind: str) -> bytes:
    """The SHA-256 that a message will have when it is read back from an mbox of `kind`.

    So without Status fields, its last line ended, and for mboxo and mboxcl without the `>` of a `>From `
    line, which these kinds cannot tell from their own.
    """
    delivery = _prepared(delivery)
    octets = sha256(_read_back(delivery.head, kind))
    if kind in ("mboxo", "mboxcl"):
        for chunk in mbox.iter_unquoted(delivery.buffer, delivery.start, delivery.end, deep=False):
            octets.update(chunk)
    else:
        for chunk in iter_chunks(delivery.buffer, delivery.start, delivery.end):
            octets.update(chunk)
    if not _ends_line(delivery):
        octets.update(b"\n")
    return octets.digest()


def count_ambiguous(delivery: Delivery, kind: str) -> int:
    """How many `>From ` lines will be `From ` when read back: some in mboxo and mboxcl, else 0."""
    if kind not in ("mboxo", "mboxcl"):
        return 0
    delivery = delivery.split()
    lines = mbox.iter_from_lines(delivery.buffer, delivery.start - 1, delivery.end)
    inside = sum(quoted and delivery.buffer[at : at + 2] == b">F" for at, quoted in lines)
    return inside + len(re.findall(rb"(?m)^>From ", delivery.head))


def append(path: str, deliveries: Iterable[Delivery], *, kind: str = "mboxrd", sync: bool = True) -> int:
    """Append messages to the mbox at `path`, made if need be; gives how many.

    The file is locked as other programs do, by fcntl and by a dot-lock. When something goes wrong half-way it
    is cut back to what it was. With `sync` the messages are on disk when this returns.

    Raises:
        TemporaryError: another program keeps it locked.
        CannotCreateError: it cannot be opened.
        InputOutputError: it cannot be written.
    """
    with Lock(path) as fd, appending(fd, path, sync=sync):
        count = 0
        writer = Writer(fd, kind)
        for delivery in deliveries:
            writer.add(delivery)
            count += 1
        writer.flush()
    return count


@contextmanager
def appending(fd: int, path: str, *, sync: bool = True) -> Iterator[None]:
    """Inside, messages may be written to the end of a locked mbox; all of them stay, or none.

    An mbox that ended within a message would swallow the next one that any program adds.

    Raises:
        InputOutputError: it could not be written.
    """
    try:
        size = os.lseek(fd, 0, os.SEEK_END)
        try:
            atomic.write_all(fd, missing_end(fd))
            yield
            if sync:
                os.fsync(fd)
        except BaseException:
            os.ftruncate(fd, size)
            raise
    except OSError as error:
        raise InputOutputError(f"cannot write: {error.strerror}", where=path) from error


class Writer:
    """Writes messages to a descriptor one after another, gathering small ones. Methods raise `OSError`."""

    def __init__(self, fd: int, kind: str) -> None:
        self.fd = fd
        self.kind = kind
        self._gathered: list[bytes] = []
        self._size = 0

    def add(self, delivery: Delivery) -> None:
        """Write a message, sooner or later."""
        for chunk in iter_message(delivery, self.kind):
            self.write(chunk)

    def write(self, chunk: bytes) -> None:
        """Write octets as they are, sooner or later."""
        self._gathered.append(chunk)
        self._size += len(chunk)
        if self._size >= _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Hand all that was gathered to the system."""
        atomic.write_all(self.fd, b"".join(self._gathered))
        self._gathered.clear()
        self._size = 0


def open_private(path: str) -> int:
    """Open a file of ours for reading and writing, made if need be, alone: for an mbox being built.

    Raises:
        CannotCreateError: it cannot be made, or another process is at it.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise CannotCreateError(f"cannot create the file: {error.strerror}", where=path) from error
    try:
        lock_file(fd)
    except OSError as error:
        os.close(fd)
        raise CannotCreateError("another process is writing it", where=path) from error
    return fd


def missing_end(fd: int, size: int | None = None) -> bytes:
    """The newlines that an mbox lacks at its end before another message can follow. Raises `OSError`.

    With `size` those that it lacked when it had so many octets.
    """
    size = os.fstat(fd).st_size if size is None else size
    tail = os.pread(fd, min(size, 2), max(size - 2, 0))
    if not tail or tail == b"\n\n":
        return b""
    return b"\n" if tail.endswith(b"\n") else b"\n\n"


def _prepared(delivery: Delivery) -> Delivery:
    """The message with its header block in `head`, without the Status fields that an mbox sets anew."""
    delivery = delivery.split()
    return delivery._replace(head=without_status(delivery.head))


def _ends_line(delivery: Delivery) -> bool:
    """True when the message's last octet is a newline, or there is none."""
    if delivery.end > delivery.start:
        return delivery.buffer[delivery.end - 1 : delivery.end] == b"\n"
    return not delivery.head or delivery.head.endswith(b"\n")


def _body_length(delivery: Delivery, kind: str) -> int | None:
    """The octets that will stand after the empty line, or None where there is no empty line."""
    buffer, start = delivery.buffer, delivery.start
    first = buffer[start : min(start + 2, delivery.end)]
    if not first.startswith((b"\n", b"\r\n")):
        return None
    length = delivery.end - start - (1 if first.startswith(b"\n") else 2)
    if kind == "mboxcl":
        lines = mbox.iter_from_lines(buffer, start - 1, delivery.end)
        length += sum(not quoted and at >= start for at, quoted in lines)
    return length


def _iter_body(delivery: Delivery, kind: str) -> Iterator[bytes]:
    buffer, start, end = delivery.buffer, delivery.start, delivery.end
    if kind == "mboxcl2":
        yield from iter_chunks(buffer, start, end)
    elif end - start <= atomic.SMALL:
        yield _quoted(buffer[start:end], kind)
    else:
        yield from _iter_quoted(delivery, everything=kind == "mboxrd")


def _quoted(octets: bytes, kind: str) -> bytes:
    return _quoting(kind).sub(rb">\1", octets) if b"From " in octets else octets


def _iter_quoted(delivery: Delivery, *, everything: bool) -> Iterator[bytes]:
    done = delivery.start
    for position, is_quoted in mbox.iter_from_lines(delivery.buffer, done - 1, delivery.end):
        if position >= done and (everything or not is_quoted):
            yield from iter_chunks(delivery.buffer, done, position)
            yield b">"
            done = position
    yield from iter_chunks(delivery.buffer, done, delivery.end)


def _read_back(header: bytes, kind: str) -> bytes:
    return re.sub(rb"(?m)^>From ", b"From ", header) if kind in ("mboxo", "mboxcl") else header


def _return_path(header: bytes) -> bytes:
    match = _return_paths().search(header)
    return match[1] if match else NOBODY


@cache
def _return_paths() -> re.Pattern[bytes]:
    return re.compile(rb"(?mi)^Return-Path:[ \t]*<?([^\s<>]+)>?[ \t]*\r?$")


@cache
def _quoting(kind: str) -> re.Pattern[bytes]:
    """The lines that an mbox of `kind` puts a `>` before."""
    return re.compile(rb"(?m)^(>*From )" if kind == "mboxrd" else rb"(?m)^(From )")
