"""The client's half of SMTP and LMTP as a connection object: commands in, octets out, octets in, events out.

`send` takes a command of `commands`, or a piece of body, and gives the octets to write; `receive_data` and
`next_event` give back a `Response` for each command, in order. What the protocol does not allow at the moment
(a command out of sequence, one that must wait for a reply, a parameter the server does not offer) raises
`LocalProtocolError` before a byte is made.
"""

from collections import deque

from blaze.core.errors import DataError, LocalProtocolError, RemoteProtocolError
from blaze.core.sasl.lines import from_base64
from blaze.core.smtp.commands import (
    Auth,
    AuthResponse,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    StartTLS,
    Vrfy,
    verb,
)
from blaze.core.smtp.events import (
    NEED_DATA,
    AuthChallenge,
    BodyChunk,
    ClientEvent,
    ConnectionClosed,
    Delivered,
    Greeting,
    NeedData,
    Response,
    Shutdown,
)
from blaze.core.smtp.grammar import MAX_REPLY_LINE, MAX_REPLY_LINES, Reply
from blaze.core.smtp.parameters import MAIL_PARAMETERS, RCPT_PARAMETERS
from blaze.core.smtp.states import AFTER_REFUSAL, TRANSITIONS, BodyEnd, Opening, State
from blaze.core.wire import CRLFWriter, DotWriter, LineBuffer

_LAST_OF_GROUP = frozenset({Ehlo, Helo, Lhlo, Data, Vrfy, Expn, Noop, Quit, StartTLS, Auth, AuthResponse})
"""Commands whose reply must be seen before anything else is sent (RFC 2920 §3.1, RFC 3207, RFC 4954)."""
_NEEDED_EXTENSION: dict[type, str] = {StartTLS: "STARTTLS", Auth: "AUTH", Bdat: "CHUNKING"}

_GO_ON: dict[type, int] = {Data: 354, Auth: 334}
"""The replies that ask for more."""

Sent = Command | AuthResponse | BodyEnd


class ClientConnection:
    """One session as its client sees it. See the module for how it is driven."""

    def __init__(self, *, lmtp: bool = False, tls: bool = False) -> None:
        self.lmtp = lmtp
        self.tls = tls
        self.state = State.CONNECTED
        """What the replies so far amount to."""
        self.extensions: dict[str, str] = {}
        """What the server offered: keyword in upper case, its arguments. Empty after HELO and before EHLO."""
        self._ahead = State.CONNECTED
        self._outstanding: deque[Sent] = deque()
        self._buffer = LineBuffer()
        self._lines: list[bytes] = []
        self._closed = False
        self._newlines: CRLFWriter | None = None
        self._dots: DotWriter | None = None
        self._chunk_left = 0
        self._accepted: list[str] = []
        self._auth: Auth | None = None

    # What the driver calls.

    def send(self, command: Command | AuthResponse | BodyChunk | BodyEnd) -> bytes:
        """The octets of a command, of a piece of body (`BodyChunk`) or of the dot line (`BodyEnd`).

        After DATA the body may have LF or CRLF newlines; dots are stuffed here. After BDAT it goes as it is,
        as many octets as were announced.

        Raises:
            LocalProtocolError: it is not allowed now, or the server does not offer it.
            RemoteProtocolError: the server said something that nobody asked for, and it was not taken yet.
            DataError: the command holds what no command line may hold, or the body after DATA a bare CR.
        """
        if isinstance(command, BodyChunk):
            return self._send_chunk(command)
        if isinstance(command, BodyEnd):
            return self._send_end()
        if isinstance(command, AuthResponse):
            if self.state is not State.AUTH or self._outstanding:
                raise LocalProtocolError("no challenge waits for a response")
            octets = command.to_bytes()
        else:
            self._check(command)
            octets = command.to_bytes()
            self._ahead = TRANSITIONS[self._ahead][type(command)]
        if isinstance(command, Auth):
            self._auth = command
        elif isinstance(command, Bdat):
            self._chunk_left = command.size
            if command.last:
                self._ahead = TRANSITIONS[State.CHUNKING][BodyEnd]
        self._outstanding.append(command)
        return octets

    def receive_data(self, data: bytes) -> None:
        """Take octets from the server; empty means that it closed the connection.

        Raises:
            RemoteProtocolError: octets in clear after STARTTLS was accepted (RFC 3207 §6).
        """
        if not data:
            self._closed = True
        elif self.state is State.HANDSHAKE:
            raise RemoteProtocolError("the server went on in clear after STARTTLS")
        else:
            self._buffer.feed(data)

    def next_event(self) -> ClientEvent | NeedData:
        """The next thing that happened.

        Raises:
            RemoteProtocolError: a reply that is malformed, too long or out of turn; the session is over.
        """
        if self.state is State.CLOSED:
            return ConnectionClosed()
        try:
            reply = self._read_reply()
            if reply is not None:
                return self._take(reply)
        except RemoteProtocolError:
            self.state = State.CLOSED
            raise
        if not self._closed:
            return NEED_DATA
        self.state = State.CLOSED
        return ConnectionClosed()

    def tls_started(self) -> None:
        """The handshake is done: what the server said before counts no more (RFC 3207 §4.2)."""
        if self.state is not State.HANDSHAKE:
            raise LocalProtocolError("TLS was not asked for")
        self.state = self._ahead = State.GREETED
        self.tls = True
        self.extensions = {}

    def abandon_body(self) -> None:
        """The body cannot be written any more: what the server says now is its reply to the message."""
        if self.body_may_follow():
            self._newlines = self._dots = None
            self._outstanding.append(BodyEnd())

    def body_may_follow(self) -> bool:
        """Whether the server waits for a body after DATA."""
        return self.state is State.DATA and not self._outstanding

    @property
    def waiting(self) -> int:
        """How many commands have no reply yet."""
        return len(self._outstanding)

    @property
    def limits(self) -> dict[str, int]:
        """The limits the server named, ``RCPTMAX`` and others (RFC 9422 §3); malformed ones are left out."""
        named = (item.partition("=") for item in self.extensions.get("LIMITS", "").upper().split())
        return {name: int(value) for name, _, value in named if value.isascii() and value.isdigit()}

    # Sending.

    def _check(self, command: Command) -> None:
        kind = type(command)
        if kind not in TRANSITIONS[self._ahead]:
            raise LocalProtocolError(f"{verb(command)} is not allowed now")
        if self._chunk_left:
            raise LocalProtocolError(f"{verb(command)} inside a chunk")
        if not self._outstanding and self._buffer and not self._buffer.startswith(b"421"):
            raise RemoteProtocolError("reply without a command")
        if self._outstanding:
            last = type(self._outstanding[-1])
            if "PIPELINING" not in self.extensions or last in _LAST_OF_GROUP:
                raise LocalProtocolError(f"{verb(command)} before the reply to the command before it")
        needed = _NEEDED_EXTENSION.get(kind)
        if needed and needed not in self.extensions:
            raise LocalProtocolError(f"{verb(command)} is not offered by the server")
        if isinstance(command, Mail) or (isinstance(command, Rcpt) and command.parameters):
            self._check_parameters(command)

    def _check_parameters(self, command: Mail | Rcpt) -> None:
        known = MAIL_PARAMETERS if isinstance(command, Mail) else RCPT_PARAMETERS
        for name, value in command.parameters.items():
            extension, check = known.get(name, (name, None))
            if extension not in self.extensions:
                raise LocalProtocolError(f"{name} is not offered by the server")
            if check and not check(value):
                raise DataError(f"bad value of {name}", where=repr(value))
        body = command.parameters.get("BODY") or ""
        if body.upper() == "BINARYMIME" and "BINARYMIME" not in self.extensions:
            raise LocalProtocolError("BINARYMIME is not offered by the server")  # RFC 3030 §3

    def _send_chunk(self, chunk: BodyChunk) -> bytes:
        data = chunk.data
        if not data:
            return data
        if self._chunk_left:
            if len(data) > self._chunk_left:
                raise LocalProtocolError("more octets than BDAT announced")
            self._chunk_left -= len(data)
            return data
        if not self.body_may_follow():
            raise LocalProtocolError("the server does not wait for a body")
        if self._newlines is None or self._dots is None:
            self._newlines, self._dots = CRLFWriter(), DotWriter()
        return self._dots.feed(data if chunk.canonical else self._newlines.feed(data))

    def _send_end(self) -> bytes:
        if not self.body_may_follow():
            raise LocalProtocolError("the server does not wait for a body")
        if self._newlines is not None:
            self._newlines.finish()
        octets = (self._dots or DotWriter()).finish()
        self._newlines = self._dots = None
        self._ahead = TRANSITIONS[State.DATA][BodyEnd]
        self._outstanding.append(BodyEnd())
        return octets

    # Receiving.

    def _read_reply(self) -> Reply | None:
        while (line := self._buffer.next_line(MAX_REPLY_LINE)) is not None:
            if not line[:3].isdigit():
                raise RemoteProtocolError("malformed reply", where=repr(line[:80]))
            self._lines.append(line)
            if line[3:4] != b"-":
                lines, self._lines = self._lines, []
                try:
                    return Reply.parse(lines)
                except DataError as error:
                    raise RemoteProtocolError(error.what, where=error.where) from None
            if len(self._lines) >= MAX_REPLY_LINES:
                raise RemoteProtocolError(f"reply of more than {MAX_REPLY_LINES} lines")
        return None

    def _take(self, reply: Reply) -> ClientEvent:
        if self.state is State.CONNECTED and not self._outstanding:
            return self._take_greeting(reply)
        if not self._outstanding:
            if reply.code == 421:
                self.state = State.CLOSED
                return Shutdown(reply)
            raise RemoteProtocolError("reply without a command", where=str(reply))
        command = self._outstanding[0]
        if isinstance(command, BodyEnd) or (isinstance(command, Bdat) and command.last):
            return self._take_delivery(command, reply)
        self._outstanding.popleft()
        if isinstance(command, AuthResponse):
            assert self._auth is not None
            command = self._auth
        self._check_class(command, reply)
        if isinstance(command, Auth) and reply.code == 334:
            self.state = self._ahead = State.AUTH
            return AuthChallenge(_challenge(reply))
        self._move(command, reply)
        return Response(command, reply)

    def _take_greeting(self, reply: Reply) -> Greeting:
        if reply.code != 220 and reply.positive:
            raise RemoteProtocolError("not the greeting of an SMTP server", where=str(reply))
        if reply.positive:
            self.state = self._ahead = TRANSITIONS[State.CONNECTED][Opening]
        elif reply.code == 421:
            self.state = State.CLOSED
        return Greeting(reply)

    def _check_class(self, command: Command, reply: Reply) -> None:
        """Positive replies are 354 to DATA, 334 or 2yz to AUTH, 2yz to all others (RFC 5321 §4.3.2)."""
        fits = reply.code == _GO_ON.get(type(command)) if reply.code >= 300 else not isinstance(command, Data)
        if reply.code < 400 and not fits:
            raise RemoteProtocolError(f"reply out of turn to {verb(command)}", where=str(reply))

    def _move(self, command: Command, reply: Reply) -> None:
        kind = type(command)
        if kind is Auth:
            self.state = State.AUTH
        if reply.code == 421:
            self.state = State.CLOSED
        elif kind is Data and reply.positive:
            self.state = State.DATA  # even without a valid recipient: the dot must follow (RFC 2920 §3.1)
        elif reply.positive:
            self.state = TRANSITIONS[self.state].get(kind, self.state)
            self._learn(command, reply)
        else:
            self.state = AFTER_REFUSAL.get(self.state, {}).get(kind, self.state)
        if not self._outstanding:
            self._ahead = self.state

    def _learn(self, command: Command, reply: Reply) -> None:
        if isinstance(command, Ehlo | Lhlo):
            self.extensions = _extensions(reply)
        elif isinstance(command, Helo):
            self.extensions = {}
        elif isinstance(command, Mail):
            self._accepted = []
        elif isinstance(command, Rcpt):
            self._accepted.append(command.forward_path)
        elif isinstance(command, StartTLS) and (self._buffer or self._lines):
            raise RemoteProtocolError("the server went on in clear after STARTTLS")

    def _take_delivery(self, command: Sent, reply: Reply) -> Delivered:
        if reply.code // 100 == 3:
            raise RemoteProtocolError("reply out of turn to the end of the message", where=str(reply))
        recipient = None
        if self.lmtp and self._accepted:
            recipient = self._accepted.pop(0)
        elif self.lmtp and reply.positive:
            raise RemoteProtocolError("positive reply for a message without recipients", where=str(reply))
        if not self._accepted or not self.lmtp:
            self._outstanding.popleft()
            # A refused chunk leaves the server in a state of which only RSET is sure (RFC 3030 §2).
            self.state = State.READY if reply.positive or isinstance(command, BodyEnd) else State.FAILED
            if not self._outstanding:
                self._ahead = self.state
        if reply.code == 421:
            self.state = State.CLOSED
        return Delivered(reply, recipient)


def _challenge(reply: Reply) -> bytes:
    try:
        return from_base64(reply.text.encode("ascii"))
    except (DataError, UnicodeEncodeError):
        raise RemoteProtocolError("challenge that is not base64", where=str(reply)[:80]) from None


def _extensions(reply: Reply) -> dict[str, str]:
    """The keywords of a reply to EHLO (RFC 5321 §4.1.1.1); old servers write ``AUTH=LOGIN`` too."""
    offered: dict[str, str] = {}
    for line in reply.lines[1:]:
        keyword, _, text = line.strip().partition(" ")
        keyword = keyword.upper()
        if keyword.startswith("AUTH="):
            keyword, text = "AUTH", f"{keyword[5:]} {text}"
        if keyword == "AUTH":
            known = offered.get("AUTH", "").split()
            text = " ".join(dict.fromkeys([*known, *text.upper().split()]))
        if keyword:
            offered[keyword] = text
    return offered
