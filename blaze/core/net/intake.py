"""Messages on their way from sessions into a sink, counted.

Nothing on the loop waits for the disk: where a sink is not quick, messages are stored by one thread, several
at a time when several are ready, and a client is answered when its message is on disk.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from blaze.core.errors import BlazeError, UnavailableError
from blaze.core.net.arrival import Arrival, Body
from blaze.core.net.sink import Outcome, Sink

if TYPE_CHECKING:
    from blaze.core.net.session import Session


class Limits(NamedTuple):
    """`enough` messages end the service, more than `most` are refused; None is no limit."""

    enough: int | None = None
    most: int | None = None


class Intake:
    """Stores messages; `stored` is told of each with its outcome, `failed` that the sink is of no use now."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sink: Sink,
        limits: Limits,
        stored: "Callable[[Session, Arrival, Outcome], object]",
        failed: Callable[[BaseException], object],
    ) -> None:
        self._loop = loop
        self._sink = sink
        self._limits = limits
        self.is_limited = limits != Limits()
        """Whether messages may ever be refused because of their number."""
        self._stored = stored
        self._failed = failed
        self._taken = 0
        self._waiting: list[tuple[Session, Arrival]] = []
        self._is_writing = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")

    @property
    def is_complete(self) -> bool:
        """True when as many messages were taken as were asked for."""
        enough = self._limits.enough
        return enough is not None and self._taken >= enough

    @property
    def is_full(self) -> bool:
        """True when there are as many messages as may be."""
        most = self._limits.most
        return most is not None and self._taken >= most

    def claim(self) -> bool:
        """Count a message in, if it may still be taken."""
        if self.is_complete or self.is_full:
            return False
        self._taken += 1
        return True

    def open(self) -> Body:
        """A body for the next message."""
        return self._sink.open()

    def stores_at_once(self, arrival: Arrival) -> bool:
        """Whether storing waits for nothing."""
        return self._sink.is_quick and arrival.body.file is None

    def store(self, session: "Session", arrival: Arrival) -> Outcome:
        """Store a message now."""
        outcome = self._sink.store([arrival])[0]
        self._tell(session, arrival, outcome)
        return outcome

    def store_later(self, session: "Session", arrival: Arrival) -> None:
        """Store a message in the other thread; `session.stored` is called then."""
        self._waiting.append((session, arrival))
        if not self._is_writing:
            self._write_batch()

    def close(self) -> None:
        """Nothing more comes."""
        self._writer.shutdown()
        self._sink.close()

    def _tell(self, session: "Session", arrival: Arrival, outcome: Outcome) -> None:
        if isinstance(outcome, BlazeError):
            self._taken -= 1
        self._stored(session, arrival, outcome)

    def _write_batch(self) -> None:
        batch, self._waiting = self._waiting, []
        self._is_writing = True
        future = self._loop.run_in_executor(self._writer, self._sink.store, [one for _, one in batch])
        future.add_done_callback(lambda done: self._written(batch, done))

    def _written(self, batch: "list[tuple[Session, Arrival]]", done: "asyncio.Future[list[Outcome]]") -> None:
        self._is_writing = False
        failure = done.exception()
        if failure:
            self._failed(failure)
        outcomes: list[Outcome]
        outcomes = [UnavailableError("the destination is gone")] * len(batch) if failure else done.result()
        if self._waiting:
            self._write_batch()
        for (session, arrival), outcome in zip(batch, outcomes, strict=True):
            self._tell(session, arrival, outcome)
            session.stored(outcome)
