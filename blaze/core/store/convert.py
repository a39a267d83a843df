"""Copying the messages of one store into another without losing an octet, a flag, a label or a date."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from blaze.core.errors import BlazeError, DataError, NoInputError, UsageError
from blaze.core.mail import header
from blaze.core.mail.window import iter_chunks
from blaze.core.store import destination, mbox, mboxwrite, source
from blaze.core.store.delivery import Delivery, of_entry
from blaze.core.store.destination import Destination
from blaze.core.store.source import Doubt, Entry, Found, Reading

DEDUPLICATIONS = ("none", "raw", "message-id+body")
"""What makes a message one that was copied already: nothing, all its octets, its Message-ID and its body."""

MAX_PROBLEMS = 100_000
"""Problems kept per run."""


class Options(NamedTuple):
    """How to convert: the kind of mbox that is written (or else read), whether to read back, and so on."""

    mbox: str | None = None
    dedupe: str = "none"
    verify: bool = False
    sync: bool = True


DEFAULTS = Options()


class Problem(NamedTuple):
    """A message that is bad, or could not be copied: the file, the octet offset in it if known, and why."""

    path: str
    offset: int | None
    reason: str


class Report:
    """What a run did: messages copied now, there already, left out as duplicates or as deleted.

    `ambiguous_lines` counts the `>From ` lines that the kind of mbox written cannot tell from quoted ones.
    `exit_codes` are those of what could not be read.
    """

    __slots__ = (
        "ambiguous_lines",
        "copied",
        "doubts",
        "duplicates",
        "exit_codes",
        "omitted",
        "present",
        "problems",
    )

    def __init__(self) -> None:
        self.copied = 0
        self.present = 0
        self.duplicates = 0
        self.omitted = 0
        self.ambiguous_lines = 0
        self.problems: list[Problem] = []
        self.doubts: list[Doubt] = []
        self.exit_codes: set[int] = set()


def convert(
    name: str, dest: str, options: Options = DEFAULTS, *, progress: Callable[[int], object] | None = None
) -> Report:
    """Copy every message of the store `name` into the store `dest`; see `source` and `destination.kind_of`.

    Run again it copies what is missing: a message counts as there when `dest` holds its octets as often as
    the source does. One that is bad (empty, without a header) is copied as it is; one that cannot be read, or
    whose folder `dest` cannot have, is left out; all these are reported. `progress` hears of the octets read.
    Memory does not grow with the size of the stores, but for a digest per message that `dest` holds already,
    or with `verify` or `dedupe`.

    Raises:
        NoInputError, DataError: the source cannot be read at all.
        UsageError: both are the same, or it is not clear what `dest` is to be.
        CannotCreateError, InputOutputError, TemporaryError: the destination cannot be made, written, locked.
    """
    kind, path = destination.kind_of(dest, mbox_kind=options.mbox)
    _refuse_overlap(name, kind, path)
    while True:
        # Of two mboxes the option means the one that is written; the other is looked at.
        run = _Run(destination.make(kind, path, mbox_kind=options.mbox, sync=options.sync), options)
        if kind == "mbox":
            run.mbox_kind = options.mbox or "mboxrd"
            run.reading.mbox = None
        if run.copy_all(_opened(name, run.reading), progress or (lambda _: None)):
            return run.report


def total_size(name: str) -> int | None:
    """The octets that a conversion of the store `name` will read; None where that is not known."""
    path = source.forced_kind(name)[1]
    try:
        if not os.path.isdir(path):
            if not os.path.isfile(path):
                return None  # what is read from a pipe would be missing later
            with open(path, "rb") as file:
                head = file.read(8)
            return os.path.getsize(path) if source.kind_of_octets(head) in ("mbox", "message") else None
        files = (f"{place}/{file}" for place, _, names in os.walk(path) for file in names)
        return sum(os.lstat(file).st_size for file in files)
    except OSError:
        return None


class _Run:
    """One pass from a source to a destination."""

    def __init__(self, target: Destination, options: Options) -> None:
        self.target = target
        self.options = options
        self.mbox_kind: str | None = None
        self.reading = Reading(options.mbox)
        self.report = Report()
        self._held: Counter[bytes] = Counter()
        self._seen: set[bytes] = set()
        self._written: Counter[bytes] = Counter()
        self._names: dict[bytes, tuple[str, int]] = {}

    def copy_all(self, found: Iterator[Found], progress: Callable[[int], object]) -> bool:
        """Copy what is missing; False when the destination was emptied and all must be done again."""
        try:
            self._held = self.target.open()
            for entry in found:
                if isinstance(entry, BlazeError):
                    self._problem(entry.where or "", None, entry.what)
                    self.report.exit_codes.add(entry.status)
                    continue
                self._copy(entry)
                progress(entry.end - entry.start)
            if not self.target.finish(has_strangers=self._held.total() > 0):
                return False
            if self.options.verify:
                self._verify()
        finally:
            self.target.close()
        self.report.doubts = self.reading.doubts
        self.report.omitted = self.reading.omitted
        return True

    def _copy(self, entry: Entry) -> None:
        delivery = of_entry(entry)
        if reason := _fault(delivery):
            self._problem(entry.path, entry.offset, reason)
        if self._is_duplicate(delivery):
            self.report.duplicates += 1
            return
        digest = self.target.digest(delivery) if self._held or self.options.verify else b""
        if self._held.get(digest, 0) > 0:
            self._held[digest] -= 1
            self.report.present += 1
            return
        try:
            self.target.deliver(delivery)
        except DataError as error:
            self._problem(entry.path, entry.offset, str(error))
            if self.options.dedupe != "none":
                self._seen.discard(self._dedupe_key(delivery))  # a copy elsewhere may do better
            return
        self.report.copied += 1
        if self.mbox_kind:
            self.report.ambiguous_lines += mboxwrite.count_ambiguous(delivery, self.mbox_kind)
        if self.options.verify:
            key = self._key(delivery, digest)
            self._written[key] += 1
            self._names[key] = (entry.path, entry.offset)

    def _is_duplicate(self, delivery: Delivery) -> bool:
        if self.options.dedupe == "none":
            return False
        key = self._dedupe_key(delivery)
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _dedupe_key(self, delivery: Delivery) -> bytes:
        return delivery.digest() if self.options.dedupe == "raw" else _identity(delivery)

    def _verify(self) -> None:
        """Read the destination back; report what was written and does not come back the same."""
        for delivery in self.target.iter_deliveries():
            key = self._key(delivery, self.target.digest(delivery))
            if key in self._written:
                self._written[key] -= 1
        for key, count in self._written.items():
            if count > 0:
                self._problem(*self._names[key], "what was written does not read back the same")

    def _key(self, delivery: Delivery, digest: bytes) -> bytes:
        """What must come back: the octets, the flags, the labels, the date (to the second from an mbox)."""
        marks = delivery.marks
        date = (delivery.date_ns or 0) // (1_000_000_000 if self.mbox_kind else 1)
        beside = repr((marks.flags, sorted(marks.labels), date)).encode("utf-8", "surrogateescape")
        return sha256(digest + beside).digest()

    def _problem(self, path: str, offset: int | None, reason: str) -> None:
        if len(self.report.problems) < MAX_PROBLEMS:
            self.report.problems.append(Problem(path, offset, reason))


def _opened(name: str, reading: Reading) -> Iterator[Found]:
    """The messages of the source; what keeps all of it from being read is raised before any is given."""
    found = source.iter_stored([name], reading)
    first = next(found, None)
    if first is None:
        return iter(())
    second = next(found, None)
    if isinstance(first, BlazeError) and second is None:
        raise first
    return chain((first,), () if second is None else (second,), found)


def _refuse_overlap(name: str, kind: str, path: str) -> None:
    there = source.forced_kind(name)[1]
    if there == source.STDIN:
        return
    if os.path.exists(there):
        if os.path.exists(path) and os.path.samefile(there, path):
            raise UsageError("the source and the destination are the same", where=path)
        inside = os.path.realpath(path).startswith(f"{os.path.realpath(there)}/")
        if inside and kind in ("maildir", "eml"):
            raise UsageError("the destination is a part of the source", where=path)
    elif "#" not in there:
        raise NoInputError("no such file or directory", where=there)


def _fault(delivery: Delivery) -> str | None:
    """Why a message is bad, or None."""
    if delivery.size == 0:
        return "the message is empty"
    head = delivery.head or delivery.buffer[delivery.start : min(delivery.start + 1024, delivery.end)]
    return None if mbox.begins_with_header(head) else "the message has no header"


def _identity(delivery: Delivery) -> bytes:
    """A digest of the Message-ID and the body; of the whole message where it has no Message-ID."""
    delivery = delivery.split()
    field = header.parse(delivery.head).get(b"message-id")
    if field is None:
        return delivery.digest()
    octets = sha256(field.unfolded + b"\n")
    for chunk in iter_chunks(delivery.buffer, delivery.start, delivery.end):
        octets.update(chunk)
    return octets.digest()
