"""The manifest: a JSON line per message, for what a format has no place for (order, flags, labels, dates)."""

import os
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from blaze.core.store import atomic

MANIFEST = "manifest.jsonl"
"""The manifest's name inside a folder or a Maildir; beside a file it is the file's name, a dot, and this."""


class Record(NamedTuple):
    """One message of a store.

    `id` is its name in the store, `newline` is `lf`, `crlf` or empty where nothing is known, `flags` are the
    letters of `flags`, `date_ns` nanoseconds since 1970 UTC, `name` what it was called where it came from.
    """

    id: str
    newline: str = ""
    flags: str = ""
    labels: tuple[str, ...] = ()
    date_ns: int | None = None
    name: str = ""
    is_new: bool = False

    def to_bytes(self) -> bytes:
        """The record as a JSON line. Octets of a name that are no UTF-8 become `\\\\udcXX`."""
        import json

        values: dict[str, Any] = {
            "id": self.id,
            "newline": self.newline,
            "flags": self.flags,
            "labels": list(self.labels),
            "date": None if self.date_ns is None else format_time(self.date_ns),
            "name": self.name,
        }
        if self.is_new:
            values["new"] = True
        return json.dumps(values, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def parse(line: bytes) -> Record | None:
    """Read a line of a manifest; None for one that is torn or not ours."""
    import json

    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not isinstance(values.get("id"), str):
        return None
    labels = values.get("labels")
    date = values.get("date")
    return Record(
        id=values["id"],
        newline=_text(values.get("newline")),
        flags=_text(values.get("flags")),
        labels=tuple(label for label in labels if isinstance(label, str)) if isinstance(labels, list) else (),
        date_ns=parse_time(date) if isinstance(date, str) else None,
        name=_text(values.get("name")),
        is_new=values.get("new") is True,
    )


class Overlay:
    """What the manifest at `path` says of the messages of a store, read when first asked for."""

    __slots__ = ("_path", "_records")

    def __init__(self, path: str) -> None:
        self._path = path
        self._records: dict[str, Record] | None = None

    def __bool__(self) -> bool:
        return bool(self.records)

    @property
    def records(self) -> dict[str, Record]:
        """The records by their `id`; of several with the same one, the last."""
        if self._records is None:
            self._records = {record.id: record for record in read_manifest(self._path)}
        return self._records

    def labels(self, id: str) -> tuple[str, ...]:  # noqa: A002
        """The labels of the message called `id`."""
        record = self.records.get(id)
        return record.labels if record else ()


def read_manifest(path: str) -> list[Record]:
    """The records of the manifest at `path` in a list; see `iter_manifest`."""
    return list(iter_manifest(path))


def iter_manifest(path: str) -> Iterator[Record]:
    """The records of the manifest at `path`, in order; none where there is no such file.

    Raises:
        InputOutputError, NoInputError: it is there and cannot be read.
    """
    try:
        with open(path, "rb") as lines:
            yield from (record for record in map(parse, lines) if record is not None)
    except FileNotFoundError:
        return
    except OSError as error:
        raise atomic.input_error(error, path) from error


def write_manifest(path: str, records: Iterable[Record], *, sync: bool = True) -> None:
    """Write a whole manifest, in the place of the one at `path` if there is one."""
    atomic.write_file(path, (record.to_bytes() for record in records), force=True, sync=sync)


def append_record(fd: int, record: Record) -> None:
    """Append to a manifest opened by `open_for_append`. Raises `OSError`."""
    atomic.write_all(fd, record.to_bytes())


def open_for_append(path: str) -> int:
    """Open the manifest at `path`, made if need be; a line torn by a crash is cut off. Raises `OSError`."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
    size = os.fstat(fd).st_size
    keep = size
    while keep > 0:
        start = max(keep - 65536, 0)
        newline = os.pread(fd, keep - start, start).rfind(b"\n")
        if newline >= 0:
            keep = start + newline + 1
            break
        keep = start
    if keep < size:
        os.ftruncate(fd, keep)
    return fd


def format_time(nanoseconds: int) -> str | None:
    """A time as RFC 3339 in UTC, with as many digits of the fraction as there are.

    None for one before the year 1 or after 9999, which RFC 3339 cannot say (a broken clock gives files such).
    """
    from datetime import UTC, datetime

    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    try:
        text = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    except (OverflowError, ValueError, OSError):
        return None
    digits = f".{fraction:09}".rstrip("0") if fraction else ""
    return f"{text}{digits}Z"


def parse_time(text: str) -> int | None:
    """Nanoseconds since 1970 UTC of an RFC 3339 time; None when it is none."""
    from datetime import UTC, datetime

    whole, point, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        moment = datetime.fromisoformat(whole + rest[len(digits) :] if point else text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1_000_000_000 + int(f"{digits:0<9}"[:9])


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
