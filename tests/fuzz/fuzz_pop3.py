"""Any octets as what a POP3 server says."""

from blaze.core.errors import BlazeError, ProtocolError
from blaze.core.pop3 import NEED_DATA, ClientConnection, State
from blaze.core.pop3.commands import (
    Auth,
    AuthResponse,
    Capa,
    Dele,
    List,
    Pass,
    Quit,
    Retr,
    Stls,
    Top,
    Uidl,
    User,
)
from blaze.core.pop3.events import BodyChunk, ConnectionClosed, Listing, Response
from blaze.core.pop3.reply import parse_sizes, parse_unique_ids

COMMANDS = (
    Capa(),
    Auth("PLAIN", b""),
    AuthResponse(b"x"),
    User("u"),
    Pass("p"),
    List(),
    Uidl(),
    Retr(1),
    Top(2, 3),
    Dele(1),
    Stls(),
    Quit(),
)


def fuzz_pop3(data: bytes) -> None:
    """Between any two lines the client tries every command; only errors of ours come out."""
    client = ClientConnection()
    received = given = 0
    for line in data.splitlines(keepends=True):
        received += len(line)
        try:
            client.receive_data(line)
            while (event := client.next_event()) is not NEED_DATA and not isinstance(event, ConnectionClosed):
                if isinstance(event, BodyChunk):
                    given += len(event.data)
                elif isinstance(event, Listing):
                    parse_sizes(event.lines)
                    parse_unique_ids(event.lines)
                elif isinstance(event, Response) and not event.reply.positive:
                    event.reply.to_error("RETR", "h")
        except BlazeError:
            return
        assert given <= received
        for command in COMMANDS:
            try:
                octets = client.send(command)
            except ProtocolError:
                continue
            assert octets.count(b"\n") == 1
            if client.state is State.CLOSED:
                return
