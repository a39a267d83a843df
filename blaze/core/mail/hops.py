"""The way a message has taken, from its Received fields: hops in the order of time, and how long each
took.
"""

from dataclasses import dataclass

from blaze.core.mail import received
from blaze.core.mail.header import Header
from blaze.core.mail.received import Received

MAX_HOPS = 1000  # a message that has been through more goes in circles; servers stop at 100, RFC 5321 §6.3


@dataclass(frozen=True, slots=True)
class Hop:
    """One server's line. `delay` is in seconds since the hop before, None where one of them has no date.

    A negative delay shows that two clocks differ by so much at least.
    """

    received: Received
    delay: float | None

    @property
    def source(self) -> str | None:
        """The name the message came from, else its address."""
        return self.received.from_ or self.received.helo or self.received.from_ip


def trace(header: Header) -> list[Hop]:
    """The hops of a message, oldest first: Received fields stand newest first (RFC 5321 §4.4)."""
    fields = header.get_all(b"received")[:MAX_HOPS]
    hops: list[Hop] = []
    before: Received | None = None
    for field in reversed(fields):
        now = received.parse(field.raw)
        delay = None
        if before and before.date and now.date:
            delay = (now.date.datetime - before.date.datetime).total_seconds()
        hops.append(Hop(now, delay))
        before = now
    return hops
