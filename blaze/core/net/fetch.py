"""Everything new in a POP3 maildrop brought to disk, and deleted from the server only when it is there."""

import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from blaze.core.errors import BlazeError, DataError
from blaze.core.net.pop3 import Answer, Message, Session, refusal
from blaze.core.pop3.commands import Retr, Top
from blaze.core.store import atomic
from blaze.core.store.delivery import of_octets
from blaze.core.store.intake import Intake
from blaze.core.store.ledger import DONE, SEEN

DAY = 86400  # seconds
BEGUN = "begun"
"""The name of the value in the ledger that says when a maildrop was listed first."""

MAX_HEADER = 1 << 20  # octets of a header that tell a message from others where there are no unique-ids
_CHANGING = re.compile(rb"(?mi)^(?:X-)?(?:Status|UIDL):[^\n]*\n")
"""Fields that servers change between one session and the next."""


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What to fetch, and what to delete.

    `delete` removes from the server what is safe on disk, of this run and of earlier ones; `delete_after`
    only what has been so for so many days. `only_new` leaves what is there at the first run. `limit` is the
    most messages of one run, the oldest first. Messages of more than `max_size` octets are left.
    `headers_only` fetches no bodies. `exclude` holds unique-ids to leave alone. `newline` is ``lf``,
    ``crlf``, or None for those that come.
    """

    delete: bool = False
    delete_after: float | None = None
    only_new: bool = False
    limit: int | None = None
    max_size: int | None = None
    headers_only: bool = False
    exclude: frozenset[str] = frozenset()
    newline: str | None = None


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how it goes: how many messages and octets will come, each octet, each message, failures."""

    planned: Callable[[int, int], object] = lambda _count, _octets: None
    received: Callable[[int], object] = lambda _octets: None
    fetched: Callable[[], object] = lambda: None
    failed: Callable[[BlazeError], object] = lambda _: None
    inform: Callable[[str], object] = lambda _: None


class Known(NamedTuple):
    """A message of the maildrop under the name that the ledger has for it."""

    uid: str
    message: Message


class Fetch:
    """One session's work: see `run`."""

    def __init__(self, session: Session, intake: Intake, options: FetchOptions, watcher: Watcher) -> None:
        self._session = session
        self._intake = intake
        self._ledger = intake.ledger
        self._options = options
        self._watcher = watcher

    def run(self) -> None:
        """Fetch what is wanted, then delete what may go, then end the session.

        A message that the server refuses is told to the watcher, and the rest is done.

        Raises:
            BlazeError: the connection broke, or nothing more can be written; what came before is safe.
        """
        self._intake.recover()
        there = list(self._identify(self._session.list_messages()))
        present = {known.uid for known in there}
        self._ledger.forget([uid for uid in self._ledger.marks if uid not in present])
        if self._ledger.value(BEGUN) is None:
            if self._options.only_new:
                self._ledger.see((known.uid for known in there), int(time.time()))
            self._ledger.set_value(BEGUN, str(int(time.time())))  # last: a run killed before is no first run
        try:
            self._retrieve(list(self._choose(there)))
        finally:
            self._intake.flush()
        if self._delete(there):
            self._session.quit()
        else:
            self._session.leave()

    # What is there.

    def _identify(self, messages: list[Message]) -> Iterator[Known]:
        """Name each message by its unique-id, or by its header where it has none.

        Messages of one maildrop that share a unique-id are copies of each other, says RFC 1939 §7. Each gets
        a name of its own all the same, by its place among them.
        """
        nameless = [message.number for message in messages if message.unique_id is None]
        if nameless:
            self._watcher.inform(f"no unique-ids for {len(nameless)} messages: their headers tell them apart")
        digests = dict(self._digests(nameless))
        seen: Counter[str] = Counter()
        for message in messages:
            uid = message.unique_id or digests.get(message.number)
            if uid is None:
                continue
            seen[uid] += 1
            yield Known(uid if seen[uid] == 1 else f"{uid} {seen[uid]}", message)

    def _digests(self, numbers: list[int]) -> Iterator[tuple[int, str]]:
        refused: list[int] = []
        for answer in self._session.retrieve(Top(number) for number in numbers):
            if answer.reply.positive:
                yield answer.command.number, _digest(answer.iter_octets())
            else:
                refused.append(answer.command.number)
        for answer in self._session.retrieve(Retr(number) for number in refused):
            if answer.reply.positive:
                yield answer.command.number, _digest(answer.iter_octets())
            else:
                self._watcher.failed(refusal(answer, self._session.server))

    def _choose(self, there: list[Known]) -> Iterator[Known]:
        """What to fetch, in the order of the maildrop."""
        options, count = self._options, 0
        for known in there:
            mark = self._ledger.marks.get(known.uid)
            if mark and (mark.state == DONE or (mark.state == SEEN and options.only_new)):
                continue
            if known.uid in options.exclude or known.message.unique_id in options.exclude:
                continue
            size = known.message.size
            if options.max_size is not None and size is not None and size > options.max_size:
                self._watcher.inform(f"left on the server, {size} octets: {known.uid}")
                continue
            if options.limit is not None and count >= options.limit:
                return
            count += 1
            yield known

    # Getting it.

    def _retrieve(self, wanted: list[Known]) -> None:
        headers_only = self._options.headers_only
        octets = 0 if headers_only else sum(known.message.size or 0 for known in wanted)
        self._watcher.planned(len(wanted), octets)
        names = {known.message.number: known.uid for known in wanted}
        commands: Iterable[Retr | Top] = (Top(n) if headers_only else Retr(n) for n in names)
        for answer in self._session.retrieve(commands):
            if not answer.reply.positive:
                self._watcher.failed(refusal(answer, self._session.server))
            else:
                self._take(names[answer.command.number], answer)
            self._watcher.fetched()

    def _take(self, uid: str, answer: Answer) -> None:
        try:
            chunks = _limited(self._counted(answer.iter_octets()), self._options.max_size)
            buffer = atomic.spool(to_lf(chunks) if self._options.newline == "lf" else chunks)
        except DataError as error:
            self._watcher.failed(DataError(error.what, where=uid))
            return
        delivery = of_octets(b"", date_ns=time.time_ns())._replace(buffer=buffer, end=len(buffer))
        self._intake.add(uid, delivery)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._watcher.received(len(chunk))
            yield chunk

    # And letting it go.

    def _delete(self, there: list[Known]) -> bool:
        """Mark as deleted what may go; False when that is nothing."""
        options = self._options
        if options.headers_only or not (options.delete or options.delete_after is not None):
            return False
        latest = time.time() - (options.delete_after or 0) * DAY
        numbers = []
        for uid, message in there:
            mark = self._ledger.marks.get(uid)
            excluded = uid in options.exclude or message.unique_id in options.exclude
            if mark and mark.state == DONE and mark.time <= latest and not excluded:
                numbers.append(message.number)
        for response in self._session.delete(numbers):
            if not response.reply.positive:
                self._watcher.failed(response.reply.to_error("DELE", self._session.server))
        return bool(numbers)


def to_lf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Every CRLF as LF; a CR alone stays."""
    held = b""
    for chunk in chunks:
        data = held + chunk
        held = b"\r" if data.endswith(b"\r") else b""
        data = data[:-1] if held else data
        if data:
            yield data.replace(b"\r\n", b"\n")
    if held:
        yield held


def _limited(chunks: Iterable[bytes], most: int | None) -> Iterator[bytes]:
    """The chunks; DataError when there are more octets than `most`, whatever the server had said."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if most is not None and size > most:
            raise DataError(f"the message has more than {most} octets, against what the server said")
        yield chunk


def _digest(chunks: Iterable[bytes]) -> str:
    """The name of a message by its header."""
    head = b""
    for chunk in chunks:
        head += chunk
        end = head.find(b"\r\n\r\n")
        if end >= 0 or len(head) >= MAX_HEADER:
            head = head[: end + 2 if end >= 0 else MAX_HEADER]
            break
    return "header-" + hashlib.sha256(_CHANGING.sub(b"", head)).hexdigest()
