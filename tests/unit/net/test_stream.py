"""A stream on a socket pair: what a peer that does not read can make it hold."""

import asyncio
import contextlib
import socket

import pytest

from blaze.core.net.poller import BEST_POLLER, Poller
from blaze.core.net.stream import HIGH_WATER, Stream

ANSWER = b"x" * 1000
SYSTEM = 1 << 16
"""More octets than the system takes for a socket with a small buffer."""


class Answering:
    """Answers every octet at length."""

    def __init__(self) -> None:
        self.stream: Stream
        self.heard = 0
        self.is_lost = False

    def received(self, data: bytes) -> None:
        self.heard += len(data)
        self.stream.write(ANSWER * len(data))

    def secured(self) -> None:
        raise AssertionError("there is no TLS here")

    def lost(self, reason: str | None) -> None:
        self.is_lost = True


POLLERS = pytest.mark.parametrize("kind", sorted({Poller, BEST_POLLER}, key=lambda kind: kind.__name__))


def connect(poller: Poller) -> tuple[Answering, socket.socket]:
    """A listener with its stream, for which the system takes few octets, and the peer's end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    listener = Answering()
    listener.stream = Stream(poller, ours, listener)
    return listener, theirs


@POLLERS
def test_a_peer_that_trickles_and_does_not_read_is_not_heard_on(kind: type[Poller]) -> None:
    async def main() -> None:
        poller = kind(asyncio.get_running_loop())
        listener, theirs = connect(poller)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 1000:
                sent += theirs.send(b"?")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
        await asyncio.sleep(0.05)
        assert listener.heard <= (HIGH_WATER + SYSTEM) // len(ANSWER) + 1 < sent
        answers = 0
        while answers < sent * len(ANSWER):  # it is heard again when it has read
            try:
                answers += len(theirs.recv(1 << 16))
            except BlockingIOError:
                await asyncio.sleep(0.001)
        assert listener.heard == sent
        theirs.close()
        await asyncio.sleep(0.05)
        listener.stream.close()
        await asyncio.sleep(0.05)
        assert listener.is_lost
        poller.close()

    asyncio.run(asyncio.wait_for(main(), 20))


@POLLERS
def test_a_peer_that_sends_nothing_more_gets_all_that_waits(kind: type[Poller]) -> None:
    async def main() -> None:
        poller = kind(asyncio.get_running_loop())
        listener, theirs = connect(poller)
        listener.stream.write(ANSWER * 100)
        await asyncio.sleep(0.01)
        theirs.shutdown(socket.SHUT_WR)
        listener.stream.close(linger=True)
        await asyncio.sleep(0.01)
        answers = b""
        while not answers.endswith(b"!"):
            try:
                answers += theirs.recv(1 << 16) or b"!"
            except BlockingIOError:
                await asyncio.sleep(0.001)
        assert len(answers) == 100 * len(ANSWER) + 1
        assert listener.is_lost
        poller.close()
        theirs.close()

    asyncio.run(asyncio.wait_for(main(), 20))
