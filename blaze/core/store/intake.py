"""Fetched messages taken in by batches: staged, noted, landed, noted again (see `landing` and `ledger`)."""

import time
from collections.abc import Callable
from typing import NamedTuple

from blaze.core.errors import InputOutputError
from blaze.core.store import landing
from blaze.core.store.delivery import Delivery
from blaze.core.store.landing import Landing
from blaze.core.store.ledger import STAGED, Ledger, Ticket

MAX_BATCH = 64  # messages whose folder is flushed together
MAX_BATCH_OCTETS = 1 << 24
MAX_BATCH_SECONDS = 2.0  # after which a message that came is given its name even alone


class Landed(NamedTuple):
    """A message that is safe on disk: at `path`, of `size` octets."""

    uid: str
    size: int
    path: str


class Intake:
    """Takes messages in. `landed` is told of each that is safe on disk, and noted as such."""

    def __init__(self, ledger: Ledger, destination: Landing, landed: Callable[[Landed], object]) -> None:
        self.ledger = ledger
        self._destination = destination
        self._landed = landed
        self._waiting: list[tuple[str, Ticket, int]] = []
        self._octets = 0
        self._since = 0.0

    def recover(self) -> None:
        """Complete what a run that was killed had begun, or strike it off.

        Raises:
            BlazeError: it cannot be done now.
        """
        begun = [(uid, mark.ticket) for uid, mark in self.ledger.marks.items() if mark.state == STAGED]
        if not begun:
            return
        whole = [uid for uid, ticket in begun if ticket and landing.complete(ticket)]
        self.ledger.finish(whole, int(time.time()))
        self.ledger.forget({uid for uid, _ in begun} - set(whole))

    def add(self, uid: str, delivery: Delivery) -> None:
        """Take a message in; it is safe after the next `flush`, which may be now.

        Raises:
            CannotCreateError, InputOutputError: it cannot be written.
        """
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append((uid, self._destination.stage(uid, delivery), delivery.size))
        self._octets += delivery.size
        if self._destination.is_gradual and self._is_full():
            self.flush()

    def _is_full(self) -> bool:
        return (
            len(self._waiting) >= MAX_BATCH
            or self._octets >= MAX_BATCH_OCTETS
            or time.monotonic() - self._since > MAX_BATCH_SECONDS
        )

    def flush(self) -> None:
        """Make all messages safe that were taken in.

        Raises:
            CannotCreateError, InputOutputError: some could not be; the next run completes them.
        """
        waiting, self._waiting, self._octets = self._waiting, [], 0
        if not waiting:
            return
        tickets = [ticket for _, ticket, _ in waiting]
        try:
            self._destination.secure()
            self.ledger.stage(((uid, ticket) for uid, ticket, _ in waiting), int(time.time()))
            paths = self._destination.land(tickets)
        except OSError as error:
            raise InputOutputError(f"cannot write: {error.strerror}", where=tickets[0].target) from error
        self.ledger.finish((uid for uid, _, _ in waiting), int(time.time()))
        for (uid, _, size), path in zip(waiting, paths, strict=True):
            self._landed(Landed(uid, size, path))
