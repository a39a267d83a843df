"""An SMTP server in memory, and a client that talks to it octet by octet."""

from collections.abc import Callable, Iterator

from blaze.core.smtp import NEED_DATA, PAUSED, ClientConnection, Reply, ServerConnection, ServerOptions
from blaze.core.smtp.client import Sent
from blaze.core.smtp.events import BodyChunk, ClientEvent, ConnectionClosed, MessageEnd, ServerEvent

Policy = Callable[[ServerConnection, ServerEvent], Reply | None]
NONCE = bytes(range(24))


class Accounts:
    """One user."""

    def password(self, user: str) -> str | None:
        return "pencil" if user == "user" else None

    def check_password(self, user: str, password: str) -> bool:
        return (user, password) == ("user", "pencil")

    def check_token(self, user: str, token: str) -> bool:
        return (user, token) == ("user", "t0ken")

    def check_external(self, identity: str) -> bool:
        return False


class Session:
    """A driver in memory: what the server says, and the messages it took."""

    def __init__(
        self, options: ServerOptions | None = None, policy: Policy | None = None, tls: bool = False
    ) -> None:
        self.server = ServerConnection(
            options or ServerOptions(hostname="mx"), accounts=Accounts(), draw=lambda: NONCE, tls=tls
        )
        self.policy = policy or (lambda _server, _event: None)
        self.body = b""
        self.messages: list[tuple[str, list[str], bytes]] = []
        self.events: list[type] = []
        self.said = self._answer()

    def hear(self, data: bytes) -> bytes:
        self.server.receive_data(data)
        said = self._answer()
        self.said += said
        return said

    def _answer(self) -> bytes:
        said = b""
        while (event := self.server.next_event()) not in (NEED_DATA, PAUSED):
            self.events.append(type(event))
            if isinstance(event, ConnectionClosed):
                break
            if isinstance(event, BodyChunk):
                self.body += event.data
                continue
            reply = self.policy(self.server, event) or event.reply
            if isinstance(event, MessageEnd):
                envelope = self.server.transaction
                recipients = [rcpt.forward_path for rcpt in envelope.recipients]
                if reply.positive:
                    self.messages.append((envelope.reverse_path, recipients, self.body))
                self.body = b""
            said += self.server.send(reply)
        return said


class Pair:
    """A client and a server that exchange at most `cut` octets at a time, and `fuse` from the client in all.

    When the fuse is burnt both see the connection closed.
    """

    def __init__(
        self, session: Session, *, lmtp: bool = False, cut: int = 0, fuse: int | None = None
    ) -> None:
        self.session = session
        self.client = ClientConnection(lmtp=lmtp)
        self.cut = cut
        self.fuse = fuse
        self.events: list[ClientEvent] = []
        self.sent = b""
        self._hear(session.said)

    def send(self, *commands: Sent | BodyChunk) -> list[ClientEvent]:
        """Send commands in one group; gives the events they lead to."""
        octets = b"".join([self.client.send(command) for command in commands])
        if self.fuse is not None:
            octets = octets[: max(0, self.fuse - len(self.sent))]
        self.sent += octets
        before = len(self.events)
        for piece in self._pieces(octets):
            self._hear(self.session.hear(piece))
        if self.fuse is not None and len(self.sent) >= self.fuse:
            self.session.hear(b"")
            self.client.receive_data(b"")
            self._take_events()
        return self.events[before:]

    def _hear(self, octets: bytes) -> None:
        for piece in self._pieces(octets):
            self.client.receive_data(piece)
            self._take_events()

    def _take_events(self) -> None:
        while (event := self.client.next_event()) is not NEED_DATA:
            self.events.append(event)
            if isinstance(event, ConnectionClosed):
                break

    def _pieces(self, octets: bytes) -> Iterator[bytes]:
        step = self.cut or len(octets) or 1
        return (octets[at : at + step] for at in range(0, len(octets), step))
