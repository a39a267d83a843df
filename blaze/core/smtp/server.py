"""The server's half of SMTP and LMTP as a connection object: octets in, events out, replies in, octets out.

::

    connection.receive_data(octets)
    while (event := connection.next_event()) is not NEED_DATA:
        ...
        octets = connection.send(event.reply)  # or another reply that policy prefers

The first event is `Connected`. Every event with a `reply` proposes what the protocol says when nobody
objects; the connection goes on once `send` was given that reply or another one. That is the whole seam for
policy.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from blaze.core import sasl
from blaze.core.errors import LocalProtocolError, RemoteProtocolError
from blaze.core.smtp import commands, offers
from blaze.core.smtp.commands import (
    Auth,
    Bdat,
    Command,
    CommandError,
    Data,
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Quit,
    Rcpt,
    Rset,
    StartTLS,
)
from blaze.core.smtp.events import (
    NEED_DATA,
    PAUSED,
    Authenticated,
    AuthFailed,
    AuthStep,
    BadRequest,
    BodyChunk,
    ChunkEnd,
    Connected,
    ConnectionClosed,
    MessageEnd,
    NeedData,
    Paused,
    Request,
    ServerEvent,
)
from blaze.core.smtp.grammar import MAX_AUTH_LINE, NO_PARAMETERS, Reply
from blaze.core.smtp.offers import ServerOptions
from blaze.core.smtp.states import AFTER_REFUSAL, TRANSITIONS, BodyEnd, Opening, State
from blaze.core.wire import BareNewline, DotReader, LineBuffer, LineTooLong

MAX_BAD_REQUESTS = 20  # ours: a client that gets so many 5yz in one session is answered 421

_OK = Reply(250, "OK", "2.0.0")
_BAD_SEQUENCE = Reply(503, "Bad sequence of commands", "5.5.1")
_NO_RECIPIENTS = Reply(503, "No valid recipients", "5.5.1")
_LONG_LINE = Reply(500, "Line too long", "5.5.2")
_LONG_AUTH_LINE = Reply(500, "Line too long", "5.5.6")
_BARE_NEWLINE = Reply(500, "Lines end in CRLF, and hold no other CR or LF", "5.5.2")
_BARE_NEWLINE_IN_BODY = Reply(550, "Bare CR or LF in the message", "5.6.11")
_TOO_BIG = Reply(552, "Message size exceeds the limit", "5.3.4")
_TOO_MANY_ERRORS = Reply(421, "Too many errors", "4.7.0")
_AUTH_CANCELLED = Reply(501, "Authentication cancelled", "5.7.0")
_AUTH_MALFORMED = Reply(501, "Malformed response", "5.5.2")
_AUTH_FAILED = Reply(535, "Authentication credentials invalid", "5.7.8")
_AUTH_SUCCEEDED = Reply(235, "Authentication succeeded", "2.7.0")

# An attribute of an Enum costs 90 ns each time, a hundred times in a session.
_AUTH: Final = State.AUTH
_CHUNKING: Final = State.CHUNKING
_CLOSED: Final = State.CLOSED
_CONNECTED: Final = State.CONNECTED
_GREETED: Final = State.GREETED
_HANDSHAKE: Final = State.HANDSHAKE
_MAIL: Final = State.MAIL
_READY: Final = State.READY


class Transaction:
    """One envelope: who sends, to whom, with which parameters."""

    __slots__ = ("parameters", "recipients", "reverse_path")

    def __init__(self, mail: Mail) -> None:
        self.reverse_path = mail.reverse_path
        self.parameters = mail.parameters
        self.recipients: list[Rcpt] = []


_NO_TRANSACTION = Transaction(Mail("", NO_PARAMETERS))


class ServerConnection:
    """One session. See the module for how it is driven.

    `accounts` answers for log-ins, `draw` gives 24 fresh random octets each time it is called (nonces and
    salts of SASL); both are needed only when `options.mechanisms` is not empty. `tls` says that TLS is on
    from the start, `binding` is then its channel binding.
    """

    def __init__(
        self,
        options: ServerOptions,
        *,
        accounts: sasl.Accounts | None = None,
        draw: Callable[[], bytes] | None = None,
        tls: bool = False,
        binding: sasl.ChannelBinding | None = None,
    ) -> None:
        self.options = options
        self.state = _CONNECTED
        self.tls = tls
        self.binding = binding
        self.hello: Ehlo | Helo | Lhlo | None = None
        self.offered: Mapping[str, str] = {}
        """The extensions the client was told of; none before EHLO, and none after HELO."""
        self.identity: str | None = None
        self.transaction = _NO_TRANSACTION
        self.messages = 0
        """Messages taken so far."""
        self.line = b""
        """The last command line, without its CRLF, for a record of the session."""
        self._accounts = accounts
        self._draw = draw
        self._mechanism: sasl.ServerMechanism | None = None
        self._buffer = LineBuffer()
        self._closed = False
        self._bad_requests = 0
        self._body: DotReader | None = None
        self._chunk: Bdat | None = None
        self._chunk_left = 0
        self._discard = 0
        self._size = 0
        greeting = Connected(offers.greeting(options))
        self._subject: type | None = Opening
        self._waiting: ServerEvent | None = greeting
        self._first: ServerEvent | None = greeting

    # What the driver calls.

    def receive_data(self, data: bytes) -> None:
        """Take octets from the client; empty means that it closed the connection.

        Raises:
            RemoteProtocolError: octets in clear after STARTTLS was accepted (RFC 3207 §6).
        """
        if not data:
            self._closed = True
        elif self.state is _HANDSHAKE:
            raise RemoteProtocolError("commands in clear after STARTTLS")
        else:
            self._buffer.feed(data)

    def next_event(self) -> ServerEvent | NeedData | Paused:
        """The next thing that happened. `PAUSED` until the last event with a reply was answered.

        Raises:
            RemoteProtocolError: commands came right behind STARTTLS; the connection must be dropped.
        """
        if self._waiting is not None:
            first, self._first = self._first, None
            return PAUSED if first is None else first
        if self.state is _HANDSHAKE:
            return PAUSED
        if self.state is _CLOSED:
            return ConnectionClosed()
        following = self._next()
        if following is not None:
            return following
        if not self._closed:
            return NEED_DATA
        self.state = _CLOSED
        return ConnectionClosed()

    @property
    def is_drained(self) -> bool:
        """True when `next_event` has nothing to say before octets come: a saved look for a busy driver."""
        return not (self._buffer or self._closed) and self.state is not _CLOSED

    def send(self, reply: Reply, *more: Reply) -> bytes:
        """Answer the last event, and give the octets to write.

        In LMTP a message is answered once for each recipient, in their order: `more` holds the others'
        replies, or one reply stands for all. A positive reply to the `Request` of a `Bdat` gives no octets:
        the one that follows the chunk counts. 421 ends the session.

        Raises:
            LocalProtocolError: nothing waits for a reply, or there are not as many as recipients.
        """
        event, subject = self._waiting, self._subject
        if event is None or subject is None:
            raise LocalProtocolError("no event waits for a reply")
        octets = self._octets(event, reply, more)
        self._waiting = None
        state, code = self.state, reply.code
        if code == 421:
            self.state = _CLOSED
        elif type(event) is BadRequest or code == 334:
            pass
        elif code < 400:
            self.state = TRANSITIONS[state][subject]
            self._accept(event)
        else:
            self.state = AFTER_REFUSAL.get(state, {}).get(subject, state)
            self._refuse(event)
        return octets

    def tls_started(self, binding: sasl.ChannelBinding | None = None) -> None:
        """The handshake after STARTTLS is done: the session starts afresh (RFC 3207 §4.2).

        `binding` is the channel's, when -PLUS mechanisms shall be offered.

        Raises:
            RemoteProtocolError: octets in clear came before STARTTLS was answered; the connection must be
                dropped.
        """
        if self.state is not _HANDSHAKE:
            raise LocalProtocolError("TLS was not asked for")
        self._refuse_clear_text()
        self.state = _GREETED
        self.tls = True
        self.binding = binding
        self.hello = None
        self.offered = {}
        self.identity = None

    # Reading: each gives an event, or None when more octets are needed.

    def _next(self) -> ServerEvent | None:
        if self._body is not None:
            return self._read_body(self._body)
        if self._chunk is not None:
            return self._read_chunk(self._chunk)
        if self._discard:
            self._discard -= len(self._buffer.take(self._discard))
            if self._discard:
                return None
        try:
            line = self._buffer.next_line(MAX_AUTH_LINE)
            if line is None:
                return None
            self.line = line
            if self.state is _AUTH:
                return self._read_auth_response(line)
            return self._read_command(line, commands.parse(line))
        except LineTooLong:
            self.line = b""
            return self._bad(b"", _LONG_AUTH_LINE if self.state is _AUTH else _LONG_LINE)
        except BareNewline:
            self.line = b""
            return self._bad(b"", _BARE_NEWLINE)
        except CommandError as error:
            return self._bad(line or b"", error.reply)

    def _read_command(self, line: bytes, command: Command) -> ServerEvent | None:
        kind = type(command)
        if kind in TRANSITIONS[self.state]:
            refusal = offers.refuse(self, command)
        else:
            without_recipients = self.state is _MAIL and kind in (Data, Bdat)
            refusal = _NO_RECIPIENTS if without_recipients else _BAD_SEQUENCE
        if refusal is not None:
            if isinstance(command, Bdat):
                self._discard = command.size
            return self._bad(line, refusal)
        if isinstance(command, Auth):
            return self._begin_auth(command)
        if isinstance(command, Bdat) and self.state is _CHUNKING:
            self._begin_chunk(command)
            return self._read_chunk(command)
        if kind is StartTLS:
            self._refuse_clear_text()
        event = Request(command, offers.answer(self, command))
        self._subject = kind
        self._waiting = event
        return event

    def _refuse_clear_text(self) -> None:
        if self._buffer:
            self.state = _CLOSED
            raise RemoteProtocolError("commands in clear after STARTTLS")

    def _bad(self, line: bytes, reply: Reply) -> BadRequest:
        if reply.permanent:
            self._bad_requests += 1
        if self.state is _AUTH:
            self.state = _READY
            self._mechanism = None
        if self._bad_requests >= MAX_BAD_REQUESTS:
            reply = _TOO_MANY_ERRORS
        event = BadRequest(line, reply)
        self._subject = BadRequest
        self._waiting = event
        return event

    def _read_body(self, reader: DotReader) -> ServerEvent | None:
        if not reader.done:
            chunk = reader.feed(self._buffer.clear())
            if reader.rest:
                self._buffer.feed(reader.rest)
            self._size += len(chunk)
            if chunk and not self._too_big():
                return BodyChunk(chunk)
            if not reader.done:
                return None
        reply = _OK
        if self._too_big():
            reply = _TOO_BIG
        elif reader.bare_newline and not self.options.normalize_newlines:
            reply = _BARE_NEWLINE_IN_BODY
        self._body = None
        return self._end_message(reply)

    def _too_big(self) -> bool:
        return self.options.max_size is not None and self._size > self.options.max_size

    def _end_message(self, reply: Reply) -> ServerEvent:
        event = MessageEnd(self._size, reply)
        self._subject = BodyEnd
        self._waiting = event
        return event

    def _begin_chunk(self, command: Bdat) -> None:
        self._chunk = command
        self._chunk_left = command.size

    def _read_chunk(self, command: Bdat) -> ServerEvent | None:
        while self._chunk_left:
            chunk = self._buffer.take(self._chunk_left)
            if not chunk:
                return None
            self._chunk_left -= len(chunk)
            self._size += len(chunk)
            if not self._too_big():
                return BodyChunk(chunk)
        self._chunk = None
        if command.last:
            return self._end_message(_TOO_BIG if self._too_big() else _OK)
        event = ChunkEnd(_TOO_BIG if self._too_big() else Reply(250, f"{command.size} octets taken", "2.0.0"))
        self._subject = Bdat
        self._waiting = event
        return event

    # Logging in.

    def _begin_auth(self, command: Auth) -> ServerEvent:
        if self._accounts is None or self._draw is None:
            raise LocalProtocolError("a server that offers AUTH needs accounts and randomness")
        self._mechanism = sasl.server(
            command.mechanism,
            self._accounts,
            nonce=self._draw().hex(),
            salt=self._draw(),
            binding=self.binding,
        )
        self.state = _AUTH
        return self._step_auth(self._mechanism, command.initial)

    def _read_auth_response(self, line: bytes) -> ServerEvent:
        assert self._mechanism is not None
        if line == b"*":
            return self._bad(line, _AUTH_CANCELLED)
        return self._step_auth(self._mechanism, commands.decode_response(line))

    def _step_auth(self, mechanism: sasl.ServerMechanism, response: bytes | None) -> ServerEvent:
        outcome = mechanism.step(response)
        event: ServerEvent
        if isinstance(outcome, sasl.Challenge):
            event = AuthStep(Reply(334, commands.encode_response(outcome.data)))
        elif isinstance(outcome, sasl.Accepted):
            event = Authenticated(outcome.identity, mechanism.name, _AUTH_SUCCEEDED)
        else:
            self._bad_requests += 1
            reply = _AUTH_MALFORMED if outcome.malformed else _AUTH_FAILED
            if self._bad_requests >= MAX_BAD_REQUESTS:
                reply = _TOO_MANY_ERRORS
            event = AuthFailed(mechanism.name, outcome.reason, reply)
        self._subject = Auth
        self._waiting = event
        return event

    # Answering.

    def _octets(self, event: ServerEvent, reply: Reply, more: tuple[Reply, ...]) -> bytes:
        if type(event) is MessageEnd and self.options.lmtp and reply.code != 421:
            count = len(self.transaction.recipients)
            if more and len(more) != count - 1:
                raise LocalProtocolError(f"{len(more) + 1} replies for {count} recipients")
            return b"".join(one.to_bytes() for one in (reply, *more)) if more else reply.to_bytes() * count
        if more:
            raise LocalProtocolError("more than one reply")
        if type(event) is Request and type(event.command) is Bdat and reply.positive:
            return b""
        return reply.to_bytes()

    def _accept(self, event: ServerEvent) -> None:
        if type(event) is Request:
            accept = _ON_ACCEPTED.get(type(event.command))
            if accept:
                accept(self, event.command)
        elif type(event) is MessageEnd:
            self._forget()
            self.messages += 1
        elif type(event) is Authenticated:
            self.identity = event.identity
            self._mechanism = None

    def _accept_hello(self, hello: Ehlo | Helo | Lhlo) -> None:
        self._forget()
        self.hello = hello
        self.offered = {} if isinstance(hello, Helo) else offers.extensions(self)

    def _accept_mail(self, mail: Mail) -> None:
        self.transaction = Transaction(mail)

    def _accept_recipient(self, recipient: Rcpt) -> None:
        self.transaction.recipients.append(recipient)

    def _accept_data(self, _: Data) -> None:
        self._body = DotReader(normalize=self.options.normalize_newlines)
        self._size = 0

    def _accept_chunk(self, chunk: Bdat) -> None:
        self._size = 0
        self._begin_chunk(chunk)

    def _accept_reset(self, _: Rset) -> None:
        self._forget()

    def _accept_quit(self, _: Quit) -> None:
        self._buffer.clear()

    def _refuse(self, event: ServerEvent) -> None:
        if type(event) is MessageEnd:
            self._forget()
        elif type(event) is Request and isinstance(event.command, Bdat):
            self._discard = event.command.size

    def _forget(self) -> None:
        self.transaction = _NO_TRANSACTION


_ON_ACCEPTED: dict[type, Callable[[ServerConnection, Any], None]] = {
    Ehlo: ServerConnection._accept_hello,
    Helo: ServerConnection._accept_hello,
    Lhlo: ServerConnection._accept_hello,
    Mail: ServerConnection._accept_mail,
    Rcpt: ServerConnection._accept_recipient,
    Data: ServerConnection._accept_data,
    Bdat: ServerConnection._accept_chunk,
    Rset: ServerConnection._accept_reset,
    Quit: ServerConnection._accept_quit,
}
"""What a positive reply to a command changes beside the state."""
