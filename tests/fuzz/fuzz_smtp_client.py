"""Any octets as what an SMTP server says."""

from blaze.core.errors import BlazeError, ProtocolError
from blaze.core.smtp import NEED_DATA, ClientConnection, State
from blaze.core.smtp.commands import Auth, Data, Ehlo, Mail, Quit, Rcpt, Rset, StartTLS
from blaze.core.smtp.events import BodyChunk, ConnectionClosed
from blaze.core.smtp.states import BodyEnd

COMMANDS = (
    Ehlo("c"),
    Mail("a@b"),
    Rcpt("c@d"),
    Rcpt("e@f"),
    Data(),
    BodyChunk(b"x"),
    BodyEnd(),
    Rset(),
    Auth("PLAIN", b""),
    StartTLS(),
    Quit(),
)


def fuzz_smtp_client(data: bytes) -> None:
    """Between any two lines the client tries every command; only protocol errors come out."""
    client = ClientConnection(lmtp=data[:1] == b"L")
    for line in data.splitlines(keepends=True):
        try:
            client.receive_data(line)
            while not isinstance(event := client.next_event(), ConnectionClosed) and event is not NEED_DATA:
                pass
        except BlazeError:
            assert client.state in (State.CLOSED, State.HANDSHAKE)
            return
        for command in COMMANDS:
            try:
                octets = client.send(command)
            except ProtocolError:
                continue
            assert b"\n" not in octets.replace(b"\r\n", b"")
