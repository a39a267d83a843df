"""Mail servers on loopback for tests: ours in a thread, and ones that follow a script to the letter."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

from blaze.core import sasl
from blaze.core.errors import BlazeError
from blaze.core.smtp import NEED_DATA, PAUSED, Reply, ServerConnection, ServerOptions, State
from blaze.core.smtp.events import BodyChunk, ConnectionClosed, MessageEnd, ServerEvent
from tests.support.smtp_session import NONCE, Accounts

Policy = Callable[[ServerEvent], Reply | None]


class Taken(NamedTuple):
    """A message that a server took."""

    sender: str
    recipients: list[str]
    parameters: dict[str, str | None]
    body: bytes


class Server:
    """Our server object behind a socket; `messages` and `sessions` grow as clients come."""

    def __init__(
        self,
        options: ServerOptions | None = None,
        policy: Policy | None = None,
        *,
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.options = options or ServerOptions(hostname="mx.test")
        self.policy = policy or (lambda _: None)
        self.messages: list[Taken] = []
        self.sessions: list[ServerConnection] = []
        self._context = context
        self._implicit = implicit
        self._listener = socket.create_server((address, port))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{self.port}"

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, BlazeError), contextlib.ExitStack() as stack:
            stack.enter_context(connection)
            binding = None
            if self._implicit and self._context:
                connection = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
                binding = _binding(connection)
            session = ServerConnection(
                self.options, accounts=Accounts(), draw=lambda: NONCE, tls=self._implicit, binding=binding
            )
            self.sessions.append(session)
            body: list[bytes] = []
            while True:
                event = session.next_event()
                if event is NEED_DATA:
                    session.receive_data(connection.recv(65536))
                elif event is PAUSED and session.state is State.HANDSHAKE and self._context:
                    connection = stack.enter_context(self._context.wrap_socket(connection, server_side=True))
                    session.tls_started(_binding(connection))
                elif isinstance(event, ConnectionClosed):
                    return
                elif isinstance(event, BodyChunk):
                    body.append(event.data)
                else:
                    reply = self.policy(event) or event.reply
                    if isinstance(event, MessageEnd):
                        if reply.positive:
                            self._take(session, b"".join(body))
                        body = []
                    connection.sendall(session.send(reply))

    def _take(self, session: ServerConnection, body: bytes) -> None:
        envelope = session.transaction
        recipients = [rcpt.forward_path for rcpt in envelope.recipients]
        self.messages.append(Taken(envelope.reverse_path, recipients, dict(envelope.parameters), body))


def _binding(connection: ssl.SSLSocket) -> sasl.ChannelBinding | None:
    """What our client can compute too: tls-unique on TLS 1.2."""
    data = connection.get_channel_binding("tls-unique") if connection.version() == "TLSv1.2" else None
    return sasl.ChannelBinding("tls-unique", data) if data else None


@contextlib.contextmanager
def server(
    options: ServerOptions | None = None, policy: Policy | None = None, **more: object
) -> Iterator[Server]:
    """A running `Server`."""
    running = Server(options, policy, **more)  # type: ignore[arg-type]
    try:
        yield running
    finally:
        running.close()


@contextlib.contextmanager
def scripted(*turns: bytes | None) -> Iterator[int]:
    """The port of a server that says `turns`, the first at once, each other after it heard something.

    Then it hangs up. None says nothing, and waits for the client to leave.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    for number, turn in enumerate(turns):
                        if number:
                            connection.recv(65536)
                        if turn is None:
                            while connection.recv(65536):
                                pass
                            break
                        connection.sendall(turn)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
