"""The client's half of POP3 as a connection object: commands in, octets out, octets in, events out.

`send` gives the octets of a command; `receive_data` and `next_event` give back a `Response` or a `Listing`
for each, in order, and the messages in between as chunks. What the protocol does not allow at the moment
raises `LocalProtocolError` before a byte is made. Every octet is looked at once, and no message is held.
"""

from collections import deque

from blaze.core.errors import DataError, LocalProtocolError, RemoteProtocolError
from blaze.core.pop3.commands import (
    Auth,
    AuthResponse,
    Capa,
    Command,
    Dele,
    List,
    Noop,
    Retr,
    Stat,
    Top,
    Uidl,
    verb,
)
from blaze.core.pop3.events import (
    NEED_DATA,
    AuthChallenge,
    BodyChunk,
    BodyEnd,
    ConnectionClosed,
    Event,
    Greeting,
    Listing,
    NeedData,
    Response,
)
from blaze.core.pop3.reply import MAX_LISTING, MAX_REPLY_LINE, Reply, parse_capabilities
from blaze.core.pop3.states import AFTER_SUCCESS, ALLOWED, State
from blaze.core.sasl.lines import from_base64
from blaze.core.wire import DotReader, LineBuffer

_PIECE = 1 << 14  # octets routed at a time: what follows the end of a message is copied, at most so much
_LISTINGS = (Capa, List, Uidl)
_MESSAGES = (Retr, Top)
_MAY_FOLLOW = frozenset({Stat, List, Uidl, Retr, Top, Dele, Noop})
"""Commands after which others may be sent before their reply: none of them changes the state."""


class ClientConnection:
    """One session as its client sees it. See the module for how it is driven."""

    def __init__(self, *, tls: bool = False) -> None:
        self.tls = tls
        self.state = State.CONNECTED
        self.capabilities: dict[str, str] = {}
        """What the server can do, from the last CAPA: tag in upper case, its arguments."""
        self._outstanding: deque[Command | AuthResponse] = deque()
        self._auth: Auth | None = None
        self._pieces: deque[bytes] = deque()
        self._lines = LineBuffer()
        self._body: DotReader | None = None
        self._listing: Response | None = None
        self._listed: list[bytes] = []
        self._listed_size = 0
        self._closed = False

    # What the driver calls.

    def send(self, command: Command | AuthResponse) -> bytes:
        """The octets of a command.

        Raises:
            LocalProtocolError: it is not allowed now, or not before the reply to the one before it: without
                PIPELINING there is one at a time (RFC 2449 §6.6).
            RemoteProtocolError: the server said something that nobody asked for.
            DataError: the command holds what no command line may hold.
        """
        if isinstance(command, AuthResponse):
            if self.state is not State.AUTH or self._outstanding:
                raise LocalProtocolError("no challenge waits for a response")
        else:
            self._check(command)
        octets = command.to_bytes()
        if isinstance(command, Auth):
            self._auth = command
        self._outstanding.append(command)
        return octets

    def receive_data(self, data: bytes) -> None:
        """Take octets from the server; empty means that it closed the connection.

        Raises:
            RemoteProtocolError: octets in clear after STLS was accepted (RFC 2595 §4).
        """
        if not data:
            self._closed = True
        elif self.state is State.HANDSHAKE:
            self.state = State.CLOSED
            raise RemoteProtocolError("the server went on in clear after STLS")
        elif len(data) <= _PIECE:
            self._pieces.append(data)
        else:
            self._pieces.extend(data[at : at + _PIECE] for at in range(0, len(data), _PIECE))

    def next_event(self) -> Event | NeedData:
        """The next thing that happened.

        Raises:
            RemoteProtocolError: what the server said is malformed, too long or out of turn; the session is
                over.
        """
        if self.state is State.CLOSED and self._body is None:
            return ConnectionClosed()
        try:
            event = self._read()
        except RemoteProtocolError:
            self.state = State.CLOSED
            self._body = None
            raise
        if event is not NEED_DATA or not self._closed:
            return event
        self.state = State.CLOSED
        self._body = None
        return ConnectionClosed()

    def tls_started(self) -> None:
        """The handshake is done: what the server said before counts no more (RFC 2595 §4)."""
        if self.state is not State.HANDSHAKE:
            raise LocalProtocolError("TLS was not asked for")
        self.state = State.AUTHORIZATION
        self.tls = True
        self.capabilities = {}

    @property
    def waiting(self) -> int:
        """How many commands have no reply yet."""
        return len(self._outstanding)

    @property
    def pipelining(self) -> bool:
        """Whether several commands may be sent at once."""
        return "PIPELINING" in self.capabilities

    # Sending.

    def _check(self, command: Command) -> None:
        if type(command) not in ALLOWED[self.state]:
            raise LocalProtocolError(f"{verb(command)} is not allowed now")
        if self._outstanding or self._body or self._listing:
            last = self._outstanding[-1] if self._outstanding else None
            if not self.pipelining or not (last is None or type(last) in _MAY_FOLLOW):
                raise LocalProtocolError(f"{verb(command)} before the reply to the command before it")
        elif self._lines or self._pieces:
            raise RemoteProtocolError("reply without a command")

    # Receiving.

    def _read(self) -> Event | NeedData:
        while True:
            if self._body is not None:
                if (event := self._read_body(self._body)) is not None:
                    return event
            elif line := self._next_line():
                if (event := self._take_line(line)) is not None:
                    return event
                continue
            if not self._pieces:
                return NEED_DATA
            if self._body is None:
                self._lines.feed(self._pieces.popleft())

    def _next_line(self) -> bytes | None:
        """A line with a final CRLF, so that none is empty."""
        line = self._lines.next_line(MAX_REPLY_LINE)
        return None if line is None else line + b"\r\n"

    def _read_body(self, body: DotReader) -> Event | None:
        while not body.done:
            if not self._pieces:
                return None
            if data := body.feed(self._pieces.popleft()):
                return BodyChunk(data)
        self._body = None
        self._lines.feed(body.rest)
        return BodyEnd()

    def _take_line(self, line: bytes) -> Event | None:
        if self._listing is not None:
            return self._take_listed(self._listing, line)
        text = line[:-2]
        if self.state is State.CONNECTED:
            return self._take_greeting(Reply.parse(text))
        if not self._outstanding:
            raise RemoteProtocolError("reply without a command", where=repr(text[:80]))
        command = self._outstanding.popleft()
        if isinstance(command, AuthResponse):
            assert self._auth is not None
            command = self._auth
        if isinstance(command, Auth) and (text == b"+" or text.startswith(b"+ ")):
            self.state = State.AUTH
            return AuthChallenge(_challenge(text[2:]))
        response = Response(command, Reply.parse(text))
        self._move(response)
        if not response.reply.positive:
            return Listing(*response) if isinstance(command, _LISTINGS) else response
        if isinstance(command, _LISTINGS):
            self._listing = response
            return None
        if isinstance(command, _MESSAGES):
            self._body = DotReader()
            self._pieces.appendleft(self._lines.clear())
        return response

    def _take_greeting(self, reply: Reply) -> Greeting:
        self.state = State.AUTHORIZATION if reply.positive else State.CLOSED
        return Greeting(reply)

    def _move(self, response: Response) -> None:
        kind = type(response.command)
        if response.reply.positive:
            self.state = AFTER_SUCCESS.get(kind, self.state)
        elif kind is Auth:
            self.state = State.AUTHORIZATION
        if self.state is State.HANDSHAKE and (self._lines or self._pieces):
            raise RemoteProtocolError("the server went on in clear after STLS")

    def _take_listed(self, listing: Response, line: bytes) -> Event | None:
        if line != b".\r\n":
            self._listed_size += len(line)
            if self._listed_size > MAX_LISTING:
                raise RemoteProtocolError(f"listing of more than {MAX_LISTING} octets")
            self._listed.append(line[line.startswith(b".") : -2])
            return None
        lines, self._listed, self._listed_size, self._listing = tuple(self._listed), [], 0, None
        if isinstance(listing.command, Capa):
            self.capabilities = parse_capabilities(lines)
        return Listing(*listing, lines)


def _challenge(text: bytes) -> bytes:
    try:
        return from_base64(text.strip(b" "))
    except DataError:
        raise RemoteProtocolError("challenge that is not base64", where=repr(text[:80])) from None
