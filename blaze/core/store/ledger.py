"""What was fetched from one place: a journal in the state folder, a JSON line for each change.

A message is first `staged`: its octets are on disk under a hidden name, and the line says where, and what it
is to become. Then it gets its final name, and only then it is `done`. Whatever interrupts a run, the next one
finds in the journal what to complete (`landing.complete`): nothing is lost and nothing comes twice.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple

from blaze.core.errors import CannotCreateError, InputOutputError, TemporaryError
from blaze.core.store import atomic
from blaze.core.store.manifest import open_for_append

STAGED, DONE, SEEN = "staged", "done", "seen"
_STATES = (STAGED, DONE, SEEN)


class Ticket(NamedTuple):
    """A message on disk under a hidden name (`staged`), and what it becomes: see `landing`."""

    kind: str
    target: str
    staged: str


class Mark(NamedTuple):
    """What is known of a message. `time` is when it was noted, in seconds since 1970 UTC."""

    state: str
    time: int
    ticket: Ticket | None = None


class Ledger:
    """The journal at `path`, made if need be, that one process at a time can have open.

    Raises:
        TemporaryError: another process has it open.
        CannotCreateError: it cannot be made.
        InputOutputError: it cannot be read, or (all methods) written.
    """

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self.path = path
        self._sync = sync
        self._marks: dict[str, Mark] = {}
        self._values: dict[str, str] = {}
        self._fd = -1
        self._lock = -1
        self._lines = 0

    def __enter__(self) -> "Ledger":
        try:
            os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
            self._lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise TemporaryError("another process is fetching from there", where=self.path) from error
        except OSError as error:
            self.close()
            raise CannotCreateError(f"cannot make the state: {error.strerror}", where=self.path) from error
        try:
            self._read()
            self._open()
        except OSError as error:
            self.close()
            raise InputOutputError(f"cannot read the state: {error.strerror}", where=self.path) from error
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go."""
        for fd in (self._fd, self._lock):
            if fd >= 0:
                os.close(fd)
        self._fd = self._lock = -1

    @property
    def marks(self) -> Mapping[str, Mark]:
        """What is known of each message, by its unique-id."""
        return self._marks

    def value(self, name: str) -> str | None:
        """A value kept beside the messages (the last commit of an archive, for one)."""
        return self._values.get(name)

    def stage(self, tickets: Iterable[tuple[str, Ticket]], now: int) -> None:
        """Note that messages are on disk under hidden names."""
        self._note((uid, Mark(STAGED, now, ticket)) for uid, ticket in tickets)

    def finish(self, uids: Iterable[str], now: int) -> None:
        """Note that messages have their final names."""
        self._note((uid, Mark(DONE, now)) for uid in uids)

    def see(self, uids: Iterable[str], now: int) -> None:
        """Note messages that are left where they are."""
        self._note((uid, Mark(SEEN, now)) for uid in uids)

    def set_value(self, name: str, value: str) -> None:
        """Keep a value beside the messages."""
        self._values[name] = value
        self._append(_line({"name": name, "value": value}))

    def forget(self, uids: Iterable[str]) -> None:
        """Strike messages that are no longer there: their unique-ids may come again for others."""
        gone = [uid for uid in uids if self._marks.pop(uid, None)]
        if gone or self._lines > 100 + 4 * len(self._marks):
            self._rewrite()

    def _note(self, marks: Iterable[tuple[str, Mark]]) -> None:
        lines = []
        for uid, mark in marks:
            self._marks[uid] = mark
            lines.append(_mark_line(uid, mark))
        self._append(b"".join(lines))
        self._lines += len(lines)

    def _append(self, octets: bytes) -> None:
        try:
            atomic.write_all(self._fd, octets)
            if self._sync:
                os.fsync(self._fd)
        except OSError as error:
            raise InputOutputError(f"cannot write the state: {error.strerror}", where=self.path) from error

    def _read(self) -> None:
        try:
            file = open(self.path, "rb")  # noqa: SIM115 - closed below
        except FileNotFoundError:
            return
        with file:
            for line in file:
                self._lines += 1
                self._take(line)

    def _take(self, line: bytes) -> None:
        """Take a line; one that is torn by a crash, and so the last, says nothing."""
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(values, dict):
            return
        uid, state, moment = values.get("uid"), values.get("state"), values.get("time")
        if isinstance(uid, str) and state in _STATES and isinstance(moment, int):
            self._marks[uid] = Mark(state, moment, _ticket(values.get("ticket")))
        elif isinstance(values.get("name"), str) and isinstance(values.get("value"), str):
            self._values[values["name"]] = values["value"]

    def _open(self) -> None:
        self._fd = open_for_append(self.path)
        os.fchmod(self._fd, 0o600)
        if self._sync and not self._lines:
            atomic.sync_folder(os.path.dirname(self.path))

    def _rewrite(self) -> None:
        lines = [_line({"name": name, "value": value}) for name, value in self._values.items()]
        lines += [_mark_line(uid, mark) for uid, mark in self._marks.items()]
        atomic.write_file(self.path, lines, force=True, private=True, sync=self._sync)
        os.close(self._fd)
        self._lines = len(lines)
        try:
            self._open()
        except OSError as error:
            raise InputOutputError(f"cannot write the state: {error.strerror}", where=self.path) from error


def file_name(place: str) -> str:
    """The name of the journal for a place (`pop3://user@host:port`): readable, and one for each place."""
    from hashlib import sha256

    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-._@") else "_" for c in place)
    digest = sha256(place.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{readable[:80].lstrip('.')}-{digest[:16]}.jsonl"


def _mark_line(uid: str, mark: Mark) -> bytes:
    values: dict[str, Any] = {"uid": uid, "state": mark.state, "time": mark.time}
    if mark.ticket:
        values["ticket"] = list(mark.ticket)
    return _line(values)


def _line(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values).encode("ascii") + b"\n"


def _ticket(value: Any) -> Ticket | None:
    if isinstance(value, list) and len(value) == 3 and all(isinstance(part, str) for part in value):
        return Ticket(*value)
    return None
