"""A whole session of the server over a socket pair: nothing but an end of it may come of any octets."""

import asyncio
import socket

from blaze.core.net.server import Listening, Server
from blaze.core.net.sink import NoSink
from blaze.core.smtp import ServerOptions

OPENING = b"EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"


def fuzz_smtp_session(data: bytes) -> None:
    """Feed `data` behind an envelope, and raise what the loop's callbacks raised."""
    asyncio.run(_session(OPENING + data))


async def _session(octets: bytes) -> None:
    loop = asyncio.get_running_loop()
    raised: list[BaseException] = []
    loop.set_exception_handler(lambda _, context: raised.append(context["exception"]))
    events: list[str] = []
    options = Listening(smtp=ServerOptions(max_size=1000))
    server = Server(options, NoSink(), lambda event, _: events.append(event["event"]))
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    server.start_session(ours, ("", 0))
    with theirs:
        await loop.sock_sendall(theirs, octets)
        theirs.shutdown(socket.SHUT_WR)
        while await loop.sock_recv(theirs, 65536):
            pass
    for _ in range(3):
        await asyncio.sleep(0)
    server.intake.close()
    if raised:
        raise raised[0]
    assert events[-1] == "quit"
