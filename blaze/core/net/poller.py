"""Which sockets of a server are ready, and when their replies leave: once in a turn for all of them."""

import asyncio
import select
import time
from collections.abc import Callable
from typing import Protocol

READ, WRITE = 1, 4
"""What a socket is watched for; the values of EPOLLIN and EPOLLOUT (epoll_ctl(2))."""

MAX_TIME = 0.01
"""Seconds after which asyncio's own work, the clock's and that of other threads, is looked at again; ours."""

Ready = Callable[[int], object]
"""Told what a socket is ready for: READ, WRITE or both; other bits say that the connection is broken."""


class Outgoing(Protocol):
    """Something that has octets to send."""

    def flush(self) -> None:
        """Send what the peer takes."""


class Poller:
    """Watches sockets on an asyncio loop; one for each server. Closed by `close`.

    What wants to be sent is sent after all sockets that were ready have been read. A client that gets its
    reply at once runs at once, and keeps the server from the other clients that are ready; that costs more
    than half of what a busy server can do.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._outbox: list[Outgoing] = []
        self._is_serving = False

    def watch(self, fd: int, events: int, ready: Ready) -> None:
        """Have `ready` called whenever the socket is ready for any of `events`; it may be watched already."""
        self.ignore(fd)
        if events & READ:
            self.loop.add_reader(fd, ready, READ)
        if events & WRITE:
            self.loop.add_writer(fd, ready, WRITE)

    def ignore(self, fd: int) -> None:
        """Watch a socket no longer that stays open."""
        self.loop.remove_reader(fd)
        self.loop.remove_writer(fd)

    def forget(self, fd: int) -> None:
        """Watch a socket no longer that is about to be closed."""
        self.ignore(fd)

    def send_soon(self, outgoing: Outgoing) -> None:
        """Have `outgoing.flush` called when those that are ready have been heard."""
        if not (self._outbox or self._is_serving):
            self.loop.call_soon(self._flush)
        self._outbox.append(outgoing)

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, []
        for outgoing in outbox:
            outgoing.flush()

    def close(self) -> None:
        """Nothing is watched any more."""


class EpollPoller(Poller):
    """The same by an epoll of its own inside the loop's.

    A turn of the asyncio loop costs a few microseconds for each socket that is ready, and more than that for
    itself; here many turns cost one of the loop's. A sink takes a message in 0.8 of the time.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        loop.add_reader(self._epoll.fileno(), self._serve)

    def watch(self, fd: int, events: int, ready: Ready) -> None:
        """Have `ready` called whenever the socket is ready for any of `events`; it may be watched already."""
        if fd in self._ready:
            self._epoll.modify(fd, events)
        else:
            self._epoll.register(fd, events)
        self._ready[fd] = ready

    def ignore(self, fd: int) -> None:
        """Watch a socket no longer that stays open."""
        # Asked for nothing, an epoll would still tell that a connection is broken, over and over.
        if self._ready.pop(fd, None):
            self._epoll.unregister(fd)

    def forget(self, fd: int) -> None:
        """Watch a socket no longer that is about to be closed, which takes it out of the epoll (epoll(7))."""
        self._ready.pop(fd, None)

    def _serve(self) -> None:
        self._is_serving = True
        deadline = time.monotonic() + MAX_TIME
        try:
            while (found := self._epoll.poll(0)) and time.monotonic() < deadline:
                for fd, events in found:
                    ready = self._ready.get(fd)
                    if ready:
                        ready(events)
                self._flush()
        finally:
            self._is_serving = False
            if self._outbox:
                self.loop.call_soon(self._flush)

    def close(self) -> None:
        """Nothing is watched any more."""
        self.loop.remove_reader(self._epoll.fileno())
        self._epoll.close()


BEST_POLLER: type[Poller] = EpollPoller if hasattr(select, "epoll") else Poller
"""The fastest that the system has."""
