"""One POP3 session: the blocking loop around `blaze.core.pop3.ClientConnection`."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from blaze.core import sasl
from blaze.core.errors import (
    AuthenticationError,
    BlazeError,
    TemporaryError,
    TLSError,
    UnavailableError,
)
from blaze.core.net import dial
from blaze.core.net.channel import Channel, SocketChannel, binding_for
from blaze.core.net.dial import DialOptions
from blaze.core.net.tls import TLSOptions
from blaze.core.pop3 import NEED_DATA, ClientConnection, Reply, State
from blaze.core.pop3.commands import (
    MAX_COMMAND_LINE,
    Apop,
    Auth,
    AuthResponse,
    Capa,
    Command,
    Dele,
    List,
    Pass,
    Quit,
    Retr,
    Stls,
    Top,
    Uidl,
    User,
    Utf8,
    verb,
)
from blaze.core.pop3.events import (
    AuthChallenge,
    BodyChunk,
    BodyEnd,
    ConnectionClosed,
    Event,
    Greeting,
    Listing,
    Response,
)
from blaze.core.pop3.reply import parse_sizes, parse_unique_ids

if TYPE_CHECKING:
    from blaze.core.net.delivery import LogIn, Target

REPLY_TIMEOUT = 120.0  # seconds of silence
PATIENCE_AT_QUIT = 60.0  # seconds: a large maildrop is rewritten only now
WINDOW = 200
"""Commands on the way at once: their octets fit into any socket's buffer, so that writing never waits for a
server that waits for us to read (RFC 2449 §6.6)."""

CLEAR_TEXT = sasl.CLEAR_TEXT | {"USER"}
"""The log-ins that hand over the secret itself."""


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """How to talk to a server.

    `tls` is ``implicit``, ``starttls`` or ``none``; `insecure` goes on in clear where STLS is not offered.
    `timeout` is in seconds, for each reply. `warn` is told what is less safe than it could be, `inform` what
    happens.
    """

    tls: str = "starttls"
    insecure: bool = False
    tls_options: TLSOptions = field(default_factory=TLSOptions)
    dial: DialOptions = field(default_factory=DialOptions)
    timeout: float = REPLY_TIMEOUT
    log_in: "LogIn | None" = None
    warn: Callable[[str], object] = lambda _: None
    inform: Callable[[str], object] = lambda _: None


class Message(NamedTuple):
    """A message of the maildrop. `size` is what the server says, None where it says nothing."""

    number: int
    size: int | None
    unique_id: str | None


class Answer:
    """The answer to RETR or TOP: its reply, and the message in chunks as it comes."""

    def __init__(self, command: Retr | Top, reply: Reply, session: "Session") -> None:
        self.command = command
        self.reply = reply
        self._session = session
        self._ended = not reply.positive

    def iter_octets(self) -> Iterator[bytes]:
        """The message, dot-stuffing taken out; what is not taken is passed over. Can be taken once."""
        while not self._ended:
            event = self._session.next_event()
            if isinstance(event, BodyChunk):
                yield event.data
            else:
                assert isinstance(event, BodyEnd)
                self._ended = True


def open_session(target: "Target", options: ConnectOptions) -> "Session":
    """Connect, start TLS and log in; gives a session whose maildrop is open.

    Raises:
        AuthenticationError: the log-in was refused, or could only be made in clear.
        TLSError: the handshake failed, or the certificate does not hold.
        TemporaryError: no connection, or the maildrop is in use.
    """
    if target.path is not None:
        connection = dial.dial_unix(target.path, options.dial)
    else:
        connection = dial.dial(target.name, target.addresses, target.port, options.dial)
    session = Session(SocketChannel(connection, str(target)), options.timeout)
    try:
        _begin(session, target, options)
    except BaseException:
        session.close()
        raise
    return session


def _begin(session: "Session", target: "Target", options: ConnectOptions) -> None:
    host = target.name.strip("[]")
    if options.tls == "implicit":
        session.channel.start_tls(host, options.tls_options, options.timeout)
    session.greet()
    if options.tls == "starttls" and "STLS" in session.capabilities:
        session.start_tls(host, options.tls_options)
    elif options.tls != "implicit":
        if not options.insecure:
            raise AuthenticationError(
                "the server offers no TLS, the password would go in clear",
                where=str(target),
                hint="Use pop3s://, or --insecure if that is what you want.",
            )
        options.warn(f"the log-in is made in clear: {target}")
    if session.channel.tls and not (options.tls_options.verify or options.tls_options.pin):
        options.warn(f"the certificate is not verified: {target}")
    if options.log_in is None:
        raise AuthenticationError("nobody to log in as", where=str(target), hint="Name a user with -u.")
    session.go_utf8()
    name = session.log_in(
        options.log_in.credentials,
        options.log_in.mechanism,
        in_clear=options.log_in.in_clear,
        host=host,
        port=target.port,
    )
    options.inform(f"logged in by {name}")


class Session:
    """A dialogue with one server over `channel`.

    Every method raises TemporaryError when the connection is lost or the server silent, RemoteProtocolError
    when it speaks no POP3; the session is then of no further use.
    """

    def __init__(self, channel: Channel, timeout: float = REPLY_TIMEOUT) -> None:
        self.channel = channel
        self.connection = ClientConnection()
        self._timeout = timeout
        self._timestamp: str | None = None

    @property
    def server(self) -> str:
        """The server's name, for errors."""
        return self.channel.where

    @property
    def capabilities(self) -> dict[str, str]:
        """What the server can do; empty when it does not know CAPA."""
        return self.connection.capabilities

    def greet(self) -> None:
        """Take the greeting and ask for capabilities."""
        event = self.next_event()
        assert isinstance(event, Greeting)
        if not event.reply.positive:
            raise event.reply.to_error("the session", self.server)
        self._timestamp = event.reply.timestamp
        self._say(Capa())
        self.next_event()

    def start_tls(self, host: str, options: TLSOptions) -> None:
        """Upgrade to TLS and ask for capabilities again (RFC 2595 §4).

        Raises:
            TLSError: it is refused, or the handshake failed.
        """
        reply = self._ask(Stls())
        if not reply.positive:
            raise TLSError(f"the server refuses STLS: {reply}", where=self.server)
        self.channel.start_tls(host, options, self._timeout)
        self.connection.tls_started()
        self._say(Capa())
        self.next_event()

    def go_utf8(self) -> None:
        """Ask for messages as they are in UTF-8, where the server knows how (RFC 6856 §2)."""
        if "UTF8" in self.capabilities:
            self._ask(Utf8())

    def log_in(
        self,
        credentials: sasl.Credentials,
        mechanism: str | None = None,
        *,
        in_clear: bool = False,
        host: str = "",
        port: int = 0,
    ) -> str:
        """Log in by a SASL mechanism, ``APOP`` or ``USER``, or by the best that both sides have.

        Gives its name. `in_clear` allows to hand over the secret outside TLS. `host` and `port` are for
        OAUTHBEARER.

        Raises:
            AuthenticationError: refused; no mechanism in common, or none that is safe here.
            TemporaryError: the maildrop is in use (RFC 2449 §8.1.1), or the server says to come later.
        """
        name = mechanism or self._choose(credentials)
        if name in CLEAR_TEXT and self.channel.tls is None and not in_clear:
            raise AuthenticationError(
                f"{name} would show the secret on a connection in clear",
                where=self.server,
                hint="Use TLS, or --insecure if that is what you want.",
            )
        if name == "APOP":
            self._log_in_by_digest(credentials)
        elif name == "USER":
            self._log_in_by_password(credentials)
        else:
            self._log_in_by_sasl(name, credentials, host, port)
        had = self.capabilities
        if had:
            self._say(Capa())
            event = self.next_event()
            if isinstance(event, Listing) and not event.reply.positive:
                self.connection.capabilities = had
        return name

    @property
    def _mechanisms(self) -> list[str]:
        return self.capabilities.get("SASL", "").upper().split()

    def _choose(self, credentials: sasl.Credentials) -> str:
        """The best log-in: SASL before USER inside TLS; in clear, APOP before what shows the password."""
        binding = binding_for(self.channel, self._mechanisms) is not None
        if credentials.password is None:
            return sasl.choose(self._mechanisms, credentials, binding=binding)
        usable = [name for name in self._mechanisms if name in sasl.PASSWORD_MECHANISMS]
        usable = [name for name in usable if binding or not name.endswith("-PLUS")]
        if not self.channel.tls and self._timestamp and not set(usable) - CLEAR_TEXT:
            return "APOP"
        if usable:
            return sasl.choose(usable, credentials, binding=binding)
        if "USER" in self.capabilities or not self.capabilities:
            return "USER"
        if self._timestamp:
            return "APOP"
        return sasl.choose(self._mechanisms, credentials)

    def _log_in_by_digest(self, credentials: sasl.Credentials) -> None:
        if self._timestamp is None:
            raise AuthenticationError("the server offers no APOP", where=self.server)
        command = Apop.of_password(credentials.user, self._timestamp, credentials.password or "")
        self._require(command)

    def _log_in_by_password(self, credentials: sasl.Credentials) -> None:
        self._require(User(credentials.user))
        self._require(Pass(credentials.password or ""))

    def _log_in_by_sasl(self, name: str, credentials: sasl.Credentials, host: str, port: int) -> None:
        if name not in self._mechanisms:
            raise AuthenticationError(
                f"the server does not offer {name}",
                where=self.server,
                hint=f"It offers {' '.join(self._mechanisms) or 'none'}.",
            )
        client = sasl.client(
            name,
            credentials,
            nonce=secrets.token_urlsafe(24),
            binding=binding_for(self.channel, [name]),
            could_bind=self.channel.tls is not None and not sasl.has_binding(self._mechanisms),
            host=host,
            port=port,
        )
        reply = self._exchange(client)
        if not reply.positive:
            shown = f"{reply.text} ({client.error})" if client.error else reply.text
            raise reply._replace(text=shown).to_error("AUTH", self.server)
        if not client.complete:
            raise AuthenticationError(
                "the server did not prove that it knows the password", where=self.server
            )

    def _exchange(self, client: sasl.ClientMechanism) -> Reply:
        initial = client.start()
        deferred = None
        command = Auth(client.name, initial)
        if initial is not None and len(command.to_bytes()) > MAX_COMMAND_LINE:
            command, deferred = Auth(client.name), initial  # it follows an empty challenge, RFC 5034 §4
        self._say(command)
        while isinstance(event := self.next_event(), AuthChallenge):
            response, deferred = deferred, None
            if response is None:
                try:
                    response = client.respond(event.data)
                except AuthenticationError:
                    self._say(AuthResponse(None))
                    raise
            self._say(AuthResponse(response))
        assert isinstance(event, Response)
        return event.reply

    # The maildrop.

    def list_messages(self) -> list[Message]:
        """What is there, by number. Where UIDL is not known (RFC 1939 §7) no message has a unique-id.

        Raises:
            UnavailableError, TemporaryError: the server refuses LIST, or UIDL that it said it knows.
        """
        if self.connection.pipelining:
            self._say(List(), Uidl())
            sizes, identifiers = self._listing(), self._listing()
        else:
            self._say(List())
            sizes = self._listing()
            self._say(Uidl())
            identifiers = self._listing()
        if not sizes.reply.positive:
            raise sizes.reply.to_error("LIST", self.server)
        if not identifiers.reply.positive and (
            "UIDL" in self.capabilities or identifiers.reply.is_temporary()
        ):
            raise identifiers.reply.to_error("UIDL", self.server)
        by_size, by_id = parse_sizes(sizes.lines), parse_unique_ids(identifiers.lines)
        numbers = sorted(by_size.keys() | by_id.keys())
        return [Message(number, by_size.get(number), by_id.get(number)) for number in numbers]

    def _listing(self) -> Listing:
        event = self.next_event()
        assert isinstance(event, Listing)
        return event

    def retrieve(self, commands: Iterable[Retr | Top]) -> Iterator[Answer]:
        """Send RETR or TOP, as many at once as the server takes; gives the answers, in order.

        Each must be taken before the next one; what is left of it is passed over.
        """
        for event in self._pipelined(commands):
            assert isinstance(event, Response)
            command = event.command
            assert isinstance(command, Retr | Top)
            answer = Answer(command, event.reply, self)
            yield answer
            for _ in answer.iter_octets():
                pass

    def delete(self, numbers: Iterable[int]) -> Iterator[Response]:
        """Mark messages as deleted; they go when the session ends by `quit`. Gives the answers, in order."""
        for event in self._pipelined(Dele(number) for number in numbers):
            assert isinstance(event, Response)
            yield event

    def quit(self) -> None:
        """End the session, which deletes what was marked.

        Raises:
            UnavailableError, TemporaryError: the server did not delete all of it (RFC 1939 §6).
        """
        try:
            self._say(Quit())
            event = self.next_event(PATIENCE_AT_QUIT)
        finally:
            self.channel.close()
        if isinstance(event, Response) and not event.reply.positive:
            raise event.reply.to_error("QUIT", self.server)

    def leave(self) -> None:
        """End the session when nothing depends on it any more."""
        if self.connection.state is State.CLOSED or self.connection.waiting:
            self.channel.close()
            return
        with suppress(BlazeError):  # nothing was deleted: whether the server heard us does not matter
            self.quit()

    def close(self) -> None:
        """Drop the connection; what was marked as deleted stays."""
        self.channel.close()

    # The loop.

    def next_event(self, timeout: float | None = None) -> Event:
        """Wait for what happens next."""
        event = self.connection.next_event()
        if event is NEED_DATA:
            deadline = time.monotonic() + (timeout or self._timeout)
            while event is NEED_DATA:
                self.connection.receive_data(self.channel.read(deadline))
                event = self.connection.next_event()
        if isinstance(event, ConnectionClosed):
            raise TemporaryError("the server closed the connection", where=self.server)
        return event

    def _say(self, *commands: Command | AuthResponse) -> None:
        octets = b"".join([self.connection.send(command) for command in commands])
        self.channel.write(octets, self._timeout)

    def _ask(self, command: Command) -> Reply:
        self._say(command)
        event = self.next_event()
        assert isinstance(event, Response)
        return event.reply

    def _require(self, command: Command) -> None:
        reply = self._ask(command)
        if not reply.positive:
            raise reply.to_error(verb(command), self.server)

    def _pipelined(self, commands: Iterable[Command]) -> Iterator[Event]:
        """The answers to many commands; a new one is asked for only when the last one was taken whole."""
        source = iter(commands)
        room = WINDOW if self.connection.pipelining else 1
        connection = self.connection
        exhausted = False
        while True:
            if not exhausted and connection.waiting <= room // 2:
                batch = list(islice(source, room - connection.waiting))
                exhausted = len(batch) < room - connection.waiting
                if batch:
                    self._say(*batch)
            if not connection.waiting:
                return
            yield self.next_event()


def refusal(answer: Answer, server: str) -> BlazeError:
    """What a refused RETR or TOP is to the user; the message's number is in it."""
    what = f"{verb(answer.command)} {answer.command.number}"
    error = answer.reply.to_error(what, server)
    return error if isinstance(error, TemporaryError) else UnavailableError(error.what, where=server)
