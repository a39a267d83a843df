"""One client of the server: the pure connection object driven by a stream, its messages into a sink."""

import ssl
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from blaze.core.errors import BlazeError, RemoteProtocolError
from blaze.core.net.arrival import Arrival
from blaze.core.net.sessionlog import SessionLog
from blaze.core.net.stream import Stream
from blaze.core.smtp import NEED_DATA, PAUSED, Reply, ServerConnection
from blaze.core.smtp.commands import Bdat, Command, Data, Ehlo, Helo, Lhlo, Mail, Quit, Rset, StartTLS
from blaze.core.smtp.events import (
    AnsweredEvent,
    Authenticated,
    AuthFailed,
    AuthStep,
    BadRequest,
    BodyChunk,
    ConnectionClosed,
    MessageEnd,
    Request,
    ServerEvent,
)
from blaze.core.smtp.states import State

if TYPE_CHECKING:
    from blaze.core.net.server import Server

Policy = Callable[[ServerConnection, ServerEvent], Reply | None]
"""Asked at each stage (`Connected`, each command, each log-in, `MessageEnd`): a reply of its own, or None.

421 ends the session. A message that is answered with a negative reply is not kept.
"""

_LOGGING_IN = (AuthStep, Authenticated, AuthFailed)

_HANDSHAKE: Final = State.HANDSHAKE
_CLOSED: Final = State.CLOSED

MIN_PROGRESS = 1024
"""Octets of a body within the idle time-out that show that the client is alive; ours."""

MAX_REPLIES = 20
"""Commands of a client that are answered before the replies are sent and others get their turn; ours."""

_FULL = Reply(452, "This server takes no more messages", "4.3.1")
_CLOSING = Reply(421, "Service closing", "4.3.2")
_IDLE = Reply(421, "Idle for too long", "4.4.2")
_CANNOT_STORE = Reply(451, "The message could not be stored", "4.3.0")


class Session:
    """A client being served. `progress` is when it last did something (`time.monotonic`)."""

    __slots__ = (
        "_accepting",
        "_arrival",
        "_connection",
        "_log",
        "_octets",
        "_reason",
        "_server",
        "_stream",
        "client",
        "id",
        "is_storing",
        "progress",
    )

    def __init__(self, server: "Server", id: str, client: tuple[str, int]) -> None:  # noqa: A002
        self.id = id
        self.client = client
        self.progress = time.monotonic()
        self.is_storing = False
        self._server = server
        self._log = SessionLog(self._trace if server.trace else None)
        self._arrival: Arrival | None = None
        self._octets = 0
        self._reason: str | None = None
        self._accepting = _CANNOT_STORE
        self._connection: ServerConnection
        self._stream: Stream

    def _trace(self, who: str, text: str) -> None:
        self._server.trace_line(self, who, text)

    def start(self, stream: Stream) -> None:
        """Greet the client, after the handshake where TLS is implicit."""
        self._stream = stream
        context = self._server.options.implicit_tls
        if context:
            stream.start_tls(context)
        else:
            self._connect(tls=False)

    def _connect(self, *, tls: bool) -> None:
        self._connection = self._server.new_connection(self._stream.ssl_object if tls else None)
        self._advance()

    # What the stream tells.

    def received(self, data: bytes) -> None:
        """Octets from the client."""
        if not data and self._waits_for_handshake():
            self._stream.close()
            return
        try:
            self._connection.receive_data(data)
            self._advance()
        except RemoteProtocolError as error:
            self._fail(error.what)

    def secured(self) -> None:
        """TLS is on."""
        tls = self._stream.ssl_object
        assert tls is not None
        self._log.note(_describe(tls))
        if self._server.options.implicit_tls:
            self._connect(tls=True)
        else:
            self._connection.tls_started(self._server.binding(tls))
            self._touch()

    def lost(self, reason: str | None) -> None:
        """The connection is gone."""
        if not self.is_storing:
            self._drop_arrival()
        if reason:
            self._server.tell_error(self, reason)
        self._server.session_ended(self, self._reason or ("lost" if reason else "closed"))

    # What the server asks for.

    def shut_down(self) -> None:
        """Say goodbye as soon as nothing is being stored for the client, if that was not done."""
        if not (self.is_storing or self.is_leaving):
            self._leave(_CLOSING, "shutdown")

    def abandon(self) -> None:
        """End it at once, unless a message of its is being stored."""
        if not self.is_storing:
            self._stream.abort()

    @property
    def is_leaving(self) -> bool:
        """True when the client has had its last reply."""
        return self._stream.is_closing

    def expire(self) -> None:
        """End it: the client did nothing for too long."""
        if self._stream.is_closing:
            self._stream.abort()
        elif self._waits_for_handshake():
            self._fail("no TLS handshake in time")
        else:
            self._server.tell_error(self, "idle for too long")
            self._leave(_IDLE, "timeout")

    def _waits_for_handshake(self) -> bool:
        return not hasattr(self, "_connection") or self._connection.state is _HANDSHAKE

    def _leave(self, reply: Reply, reason: str) -> None:
        self._reason = self._reason or reason
        if not self._waits_for_handshake():
            self._log.server(reply)
            self._stream.write(reply.to_bytes())
        self._stream.close(linger=True)
        self._touch()

    def _fail(self, what: str) -> None:
        self._reason = "dropped"
        self._stream.abort(what)

    def _touch(self) -> None:
        self.progress = time.monotonic()

    # The dialogue.

    def _advance(self) -> None:
        """Take all events there are, and write the replies to them in one go."""
        said: list[bytes] = []
        stream, connection = self._stream, self._connection
        while not stream.is_closing:
            event = connection.next_event()
            if event is NEED_DATA or event is PAUSED:
                break
            if type(event) is Request:
                said.append(self._obey(event))
            elif isinstance(event, BodyChunk):
                self._take(event.data)
                continue
            elif isinstance(event, ConnectionClosed):
                stream.write(b"".join(said))
                stream.close(linger=self._reason == "refused")
                self._touch()
                return
            elif isinstance(event, MessageEnd):
                reply = self._finish(event)
                if reply is None:
                    break
                said.append(self._answer(reply))
                self._log.verdict(reply)
            else:
                said.append(self._respond(event))
            if connection.is_drained or len(said) == MAX_REPLIES:
                break
        if said:
            self._touch()
            stream.write(said[0] if len(said) == 1 else b"".join(said))
            if connection.state is _CLOSED or connection.state is _HANDSHAKE:
                self._after()
            elif len(said) == MAX_REPLIES:
                stream.after_sending(self._advance_safely)

    def _after(self) -> None:
        """Do what the last reply promised: begin TLS, or end the session."""
        if self._connection.state is _CLOSED:
            self._stream.close(linger=self._reason == "refused")
        elif not self._stream.is_closing:
            context = self._server.options.starttls
            assert context is not None
            self._stream.start_tls(context)

    def _obey(self, request: Request) -> bytes:
        """Do what a command asks for, and give the reply."""
        connection, server = self._connection, self._server
        self._log.client(connection.line, request)
        reply = None
        if server.is_stopped or server.intake.is_limited:
            reply = self._refusal(request.command)
        reply = reply or self._proposed(request)
        octets = self._answer(reply)
        if octets:
            self._log.server(reply)
        act = _ON_ACCEPTED.get(type(request.command)) if reply.code < 400 else None
        if act:
            act(self)
        return octets

    def _refusal(self, command: Command) -> Reply | None:
        """What is said to a command when the server ends or is full, if anything."""
        if self._is_closing and type(command) is not Quit:
            return _CLOSING
        return _FULL if type(command) is Mail and self._server.intake.is_full else None

    def _respond(self, event: AnsweredEvent) -> bytes:
        """The reply to what is neither a command to obey nor a message."""
        if isinstance(event, BadRequest):
            self._log.client(self._connection.line, event)
        elif isinstance(event, _LOGGING_IN):
            self._log.secret(self._connection.line)
        reply = self._proposed(event)
        octets = self._answer(reply)
        self._log.server(reply)
        return octets

    def _proposed(self, event: AnsweredEvent) -> Reply:
        """What the policy says to an event, or else the protocol."""
        policy = self._server.policy
        return (policy(self._connection, event) or event.reply) if policy else event.reply

    def _answer(self, reply: Reply) -> bytes:
        octets = self._connection.send(reply)
        if reply.code == 421:
            self._reason = self._reason or "refused"
            self._server.tell_error(self, str(reply))
        return octets

    def _quit(self) -> None:
        self._reason = "quit"

    # Messages.

    def _begin(self) -> None:
        connection = self._connection
        hello = connection.hello
        assert hello is not None
        tls = self._stream.ssl_object
        self._octets = 0
        self._arrival = Arrival(
            session=self.id,
            client=self.client,
            hello=hello,
            tls=tls.version() if tls else None,
            identity=connection.identity,
            transaction=connection.transaction,
            body=self._server.intake.open(),
        )

    def _take(self, data: bytes) -> None:
        self._octets += len(data)
        if self._octets >= MIN_PROGRESS:
            self._octets = 0
            self._touch()
        if self._arrival:
            self._arrival.body.write(data)

    def _finish(self, event: MessageEnd) -> Reply | None:
        """The reply to a whole message; None while it is on its way to the disk."""
        arrival, self._arrival = self._arrival, None
        assert arrival is not None
        self._log.body(arrival.body.size)
        reply = self._proposed(event)
        failure = arrival.body.failure
        if reply.positive and failure:
            reply = _CANNOT_STORE
            self._server.tell_error(self, f"cannot write: {(failure.strerror or str(failure)).lower()}")
        elif reply.positive and not self._claim():
            reply = _CLOSING if self._is_closing else _FULL
        if not reply.positive:
            arrival.body.discard()
            return reply
        arrival.time = time.time()
        arrival.transcript = self._log.take(reply)
        if self._server.intake.stores_at_once(arrival):
            return self._reply_when_stored(reply, self._server.intake.store(self, arrival))
        self.is_storing = True
        self._accepting = reply
        self._stream.pause()
        self._server.intake.store_later(self, arrival)
        return None

    def stored(self, outcome: str | BlazeError | None) -> None:
        """The message is where the sink put it, or it could not be stored."""
        self.is_storing = False
        reply = self._reply_when_stored(self._accepting, outcome)
        self._log.verdict(reply)
        if self._stream.closed:
            return
        self._stream.write(self._connection.send(reply))
        self._stream.resume()
        self._touch()
        if self._server.is_stopped:
            self.shut_down()
        else:
            self._advance_safely()

    @property
    def _is_closing(self) -> bool:
        return self._server.is_stopped or self._server.intake.is_complete

    def _claim(self) -> bool:
        return not self._server.is_stopped and self._server.intake.claim()

    def _reply_when_stored(self, reply: Reply, outcome: str | BlazeError | None) -> Reply:
        if isinstance(outcome, BlazeError):
            self._server.tell_error(self, str(outcome))
            return _CANNOT_STORE
        return reply

    def _advance_safely(self) -> None:
        try:
            self._advance()
        except RemoteProtocolError as error:
            self._fail(error.what)

    def _drop_arrival(self) -> None:
        if self._arrival:
            self._arrival.body.discard()
            self._arrival = None


_ON_ACCEPTED: dict[type, Callable[[Session], None]] = {
    Data: Session._begin,
    Bdat: Session._begin,
    Rset: Session._drop_arrival,
    Ehlo: Session._drop_arrival,
    Helo: Session._drop_arrival,
    Lhlo: Session._drop_arrival,
    StartTLS: Session._drop_arrival,
    Quit: Session._quit,
}
"""What a session does when a command was answered positively."""


def _describe(tls: ssl.SSLObject) -> str:
    cipher = tls.cipher()
    return f"TLS started: {tls.version()}, {cipher[0] if cipher else 'no cipher'}"
