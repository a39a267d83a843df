"""One SMTP or LMTP session: the blocking loop around `blaze.core.smtp.ClientConnection`."""

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from blaze.core import sasl
from blaze.core.errors import (
    AuthenticationError,
    BlazeError,
    DataError,
    LocalProtocolError,
    SMTPReplyError,
    TemporaryError,
    TLSError,
)
from blaze.core.mail.relay import Outgoing
from blaze.core.net.channel import Channel, binding_for
from blaze.core.net.tls import TLSOptions
from blaze.core.net.transaction import Outcome, Transaction, too_many
from blaze.core.net.transcript import MASK
from blaze.core.smtp import NEED_DATA, ClientConnection, Reply, State
from blaze.core.smtp.commands import (
    Auth,
    AuthResponse,
    Command,
    Ehlo,
    Helo,
    Lhlo,
    Quit,
    StartTLS,
    verb,
)
from blaze.core.smtp.events import (
    AuthChallenge,
    ClientEvent,
    ConnectionClosed,
    Delivered,
    Greeting,
    Response,
    Shutdown,
)
from blaze.core.smtp.grammar import MAX_COMMAND_LINE

PATIENCE_AT_QUIT = 5.0  # seconds; nothing depends on that reply


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait at each stage: the minima of RFC 5321 §4.5.3.2."""

    greeting: float = 300.0
    mail: float = 300.0
    rcpt: float = 300.0
    data: float = 120.0
    block: float = 180.0
    end: float = 600.0

    @classmethod
    def all(cls, seconds: float) -> "Timeouts":
        """The same for every stage."""
        return cls(seconds, seconds, seconds, seconds, seconds, seconds)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who sends to whom, as ``local-part@domain``; an empty sender is the null reverse-path.

    `notify`, `ret` and `envid` ask for delivery status notifications (RFC 3461), where the server offers
    them.
    """

    sender: str
    recipients: Sequence[str]
    notify: str | None = None
    ret: str | None = None
    envid: str | None = None
    options: dict[str, str | None] = field(default_factory=dict)
    """Further parameters of MAIL, ``REQUIRETLS`` for one."""


class Following(NamedTuple):
    """A message that will be sent next, with its envelope."""

    envelope: Envelope
    message: Outgoing


class Session:
    """A dialogue with one server over `channel`.

    Every method raises TemporaryError when the connection is lost or the server silent, RemoteProtocolError
    when it speaks no SMTP; the session is then of no further use.
    """

    def __init__(
        self, channel: Channel, hello: str, *, lmtp: bool = False, timeouts: Timeouts | None = None
    ) -> None:
        self.channel = channel
        self.connection = ClientConnection(lmtp=lmtp)
        self.transactions = 0
        self.begun = False
        """Whether the server may have taken the message at hand: its end is on the way."""
        self.outcomes: dict[str, Outcome] = {}
        """What is certain of the message at hand, by recipient."""
        self.may_change = True
        """Whether a message that does not fit the server may be re-encoded."""
        self.warn: Callable[[str], object] = lambda _: None
        """Is told when re-encoding breaks a signature, and when no notifications can be asked for."""
        self._hello = hello
        self._next_transaction: Transaction | None = None
        self._has_warned = False
        self.timeouts = timeouts or Timeouts()

    @property
    def server(self) -> str:
        """The server's name, for results."""
        return self.channel.where

    @property
    def extensions(self) -> dict[str, str]:
        """What the server offers at the moment."""
        return self.connection.extensions

    @property
    def exhausted(self) -> bool:
        """True when no message can follow: the server left, or its MAILMAX is reached (RFC 9422 §4.1)."""
        return self.connection.state is State.CLOSED or self.exhausted_after(0)

    def exhausted_after(self, more: int) -> bool:
        """Whether the server takes no message after `more` further ones."""
        most = self.connection.limits.get("MAILMAX", 0) if "LIMITS" in self.extensions else 0
        return bool(most and self.transactions + more >= most)

    def greet(self) -> None:
        """Take the greeting and say hello: EHLO, or HELO to a server that does not know it (RFC 5321 §3.2).

        Raises:
            SMTPReplyError: the server does not want to talk.
        """
        event = self._next(self.timeouts.greeting)
        assert isinstance(event, Greeting)
        if not event.reply.positive:
            raise self.refusal(event.reply, "CONNECT")
        self._say_hello()

    def _say_hello(self) -> None:
        first = Lhlo(self._hello) if self.connection.lmtp else Ehlo(self._hello)
        reply = self.command(first)
        if reply.permanent and isinstance(first, Ehlo):
            reply = self.command(Helo(self._hello))
        if not reply.positive:
            raise self.refusal(reply, verb(first))

    def start_tls(self, host: str, options: TLSOptions) -> None:
        """Upgrade to TLS and say hello again (RFC 3207).

        Raises:
            TLSError: it is not offered, refused, or the handshake failed.
        """
        if "STARTTLS" not in self.extensions:
            raise TLSError("the server does not offer STARTTLS", where=self.server)
        reply = self.command(StartTLS())
        if not reply.positive:
            raise TLSError(f"the server refuses STARTTLS: {reply}", where=self.server)
        self.channel.start_tls(host, options, self.timeouts.greeting)
        self.connection.tls_started()
        self._say_hello()

    def command(self, command: Command) -> Reply:
        """Send one command and wait for its reply."""
        self.channel.write(self.connection.send(command), self.timeouts.mail)
        return self.reply(self.timeouts.mail)

    def log_in(
        self,
        credentials: sasl.Credentials,
        mechanism: str | None = None,
        *,
        in_clear: bool = False,
        host: str = "",
        port: int = 0,
    ) -> str:
        """Log in by `mechanism`, or by the strongest that both sides have; gives its name (RFC 4954).

        `in_clear` allows to hand over the secret outside TLS. `host` and `port` are for OAUTHBEARER.

        Raises:
            AuthenticationError: there is no mechanism in common, or none that is safe here.
            SMTPReplyError: the log-in was refused.
        """
        offered = self.extensions.get("AUTH", "").split()
        if not offered:
            raise AuthenticationError("the server does not offer AUTH", where=self.server)
        can_bind = binding_for(self.channel, offered) is not None
        name = mechanism or sasl.choose(offered, credentials, binding=can_bind)
        if name not in offered:
            raise AuthenticationError(
                f"the server does not offer {name}", where=self.server, hint=f"It offers {' '.join(offered)}."
            )
        if name in sasl.CLEAR_TEXT and self.channel.tls is None and not in_clear:
            raise AuthenticationError(
                f"{name} would show the secret on a connection in clear",
                where=self.server,
                hint="Use TLS, or --insecure if that is what you want.",
            )
        client = sasl.client(
            name,
            credentials,
            nonce=secrets.token_urlsafe(24),
            binding=binding_for(self.channel, [name]),
            could_bind=self.channel.tls is not None and not sasl.has_binding(offered),
            host=host,
            port=port,
        )
        self._exchange(client)
        return name

    def _exchange(self, client: sasl.ClientMechanism) -> None:
        initial = client.start()
        deferred = None
        command = Auth(client.name, initial)
        if initial is not None and len(command.to_bytes()) > MAX_COMMAND_LINE:
            # RFC 4954 §4: a long initial response follows an empty challenge.
            command, deferred = Auth(client.name), initial
        octets = self.connection.send(command)
        shown = (
            b"AUTH %b" % client.name.encode()
            + (b" " + MASK if command.initial is not None else b"")
            + b"\r\n"
        )
        while True:
            self.channel.write(octets, self.timeouts.mail, shown=shown)
            event = self._next(self.timeouts.mail)
            if not isinstance(event, AuthChallenge):
                break
            response, deferred = deferred, None
            octets = self.connection.send(AuthResponse(self._respond(client, event.data, response)))
            shown = MASK + b"\r\n"
        assert isinstance(event, Response)
        if not event.reply.positive:
            reply = event.reply
            text = f"{reply.text} ({client.error})" if client.error else reply.text
            raise self.refusal(reply._replace(text=text), "AUTH")
        if not client.complete:
            raise AuthenticationError(
                "the server did not prove that it knows the password", where=self.server
            )

    def _respond(self, client: sasl.ClientMechanism, challenge: bytes, deferred: bytes | None) -> bytes:
        if deferred is not None:
            return deferred
        try:
            return client.respond(challenge)
        except AuthenticationError:
            cancel = self.connection.send(AuthResponse(None))
            self.channel.write(cancel, self.timeouts.mail)
            raise

    def send_message(
        self, envelope: Envelope, message: Outgoing, following: "Following | None" = None
    ) -> list[Outcome]:
        """Hand over one message to its recipients; gives the outcome of each, in their order.

        `following` is what the next call will hand over, if that is known: its envelope may then go out
        behind this message, which saves a round trip.

        Recipients beyond what the server takes at once follow in further transactions (RFC 5321 §4.5.3.1.10,
        RFC 9422 §4.2). A refusal of the sender or the message is the outcome of each recipient. When it
        raises, `outcomes` has what is certain already; `begun` then is about the other recipients.

        Raises:
            DataError: the message cannot be made fit for this server.
            LocalProtocolError: another message was announced, and its envelope is on the way.
        """
        self._warn_of_notifications(envelope)
        outcomes = self.outcomes = {}
        self.begun = False
        waiting = list(dict.fromkeys(envelope.recipients))
        next_one = self._new_transaction(following) if following else None
        begun, self._next_transaction = self._next_transaction, next_one
        if begun and begun.is_ahead and not begun.is_for(envelope, message):
            raise LocalProtocolError("the envelope of another message is on the way", where=self.server)
        while waiting:
            self.begun = False
            batch = self._batch(waiting)
            if begun is None or not begun.is_ahead:
                begun = Transaction(self, envelope, message, batch)
            if len(batch) == len(waiting):
                begun.following = next_one
            try:
                told = begun.run()
            except BlazeError:
                outcomes.update(begun.settled())
                raise
            begun = None
            outcomes.update(told)
            crowded_out = [one for one in batch if too_many(told[one].reply)]
            if crowded_out and not any(outcome.reply.positive for outcome in told.values()):
                crowded_out = []  # there is room for nobody
            for one in crowded_out:
                del outcomes[one]  # it gets another
            waiting = crowded_out + waiting[len(batch) :]
        return [outcomes[one] for one in dict.fromkeys(envelope.recipients)]

    def _warn_of_notifications(self, envelope: Envelope) -> None:
        """Say once when what is asked for of RFC 3461 goes no further."""
        asked = envelope.notify or envelope.ret or envelope.envid
        if asked and "DSN" not in self.extensions and not self._has_warned:
            self._has_warned = True
            self.warn(f"the server offers no DSN, no notification is asked for: {self.server}")

    def _new_transaction(self, following: "Following") -> Transaction | None:
        recipients = list(dict.fromkeys(following.envelope.recipients))
        if len(self._batch(recipients)) < len(recipients):
            return None
        try:
            return Transaction(self, following.envelope, following.message, recipients)
        except DataError:
            return None  # which comes again when it is that message's turn

    def _batch(self, recipients: list[str]) -> list[str]:
        if "LIMITS" not in self.extensions:
            return recipients
        limits = self.connection.limits
        most, most_domains = limits.get("RCPTMAX") or len(recipients), limits.get("RCPTDOMAINMAX")
        if not most_domains:
            return recipients[:most]
        domains: set[str] = set()
        for number, recipient in enumerate(recipients[:most]):
            domains.add(recipient.rpartition("@")[2].lower())
            if len(domains) > most_domains:
                return recipients[:number]
        return recipients[:most]

    def quit(self) -> None:
        """End the session; failures no longer matter, and are passed over."""
        try:
            if self.connection.state is not State.CLOSED:
                self.channel.write(self.connection.send(Quit()), PATIENCE_AT_QUIT)
                self._next(PATIENCE_AT_QUIT)
        except BlazeError:
            # Every message has its answer by now.
            self.connection.state = State.CLOSED
        self.channel.close()

    def close(self) -> None:
        """Drop the connection."""
        self.channel.close()

    # The loop.

    def _next(self, timeout: float) -> ClientEvent:
        event = self.connection.next_event()
        if event is NEED_DATA:
            deadline = time.monotonic() + timeout
            while event is NEED_DATA:
                self.connection.receive_data(self.channel.read(deadline))
                event = self.connection.next_event()
        if isinstance(event, Shutdown):
            raise self.refusal(event.reply, "SESSION")
        if isinstance(event, ConnectionClosed):
            raise TemporaryError("the server closed the connection", where=self.server)
        return event

    def reply(self, timeout: float) -> Reply:
        """Wait for the reply to the oldest command, or to the message."""
        event = self._next(timeout)
        assert isinstance(event, Response | Delivered)
        return event.reply

    def refusal(self, reply: Reply, command: str) -> SMTPReplyError:
        """The negative reply to `command` as an error."""
        return SMTPReplyError(
            reply.text, code=reply.code, enhanced=reply.enhanced, command=command, where=self.server
        )
