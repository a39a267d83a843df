"""Messages brought to their servers: to one host, or to the mail exchangers of each recipient's domain.

Connections are kept for the messages that follow; a host that failed for now makes way for the next one.
"""

import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, Protocol

from blaze.core import sasl
from blaze.core.errors import (
    BlazeError,
    DataError,
    RemoteProtocolError,
    SMTPReplyError,
    TemporaryError,
    TLSError,
)
from blaze.core.mail.relay import Outgoing
from blaze.core.net import dial
from blaze.core.net.channel import SocketChannel
from blaze.core.net.dial import DialOptions
from blaze.core.net.smtp import Envelope, Following, Session, Timeouts
from blaze.core.net.tls import CertificateError, TLSOptions
from blaze.core.net.transaction import Outcome, Transaction
from blaze.core.net.transcript import Transcript
from blaze.core.smtp import Reply
from blaze.core.smtp.grammar import check_domain

AUTHENTICATION_REQUIRED = 530  # RFC 4954 §6


@dataclass(frozen=True, slots=True)
class LogIn:
    """How to log in; `in_clear` allows a secret outside TLS."""

    credentials: sasl.Credentials
    mechanism: str | None = None
    in_clear: bool = False


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """How to talk to servers.

    `hello` is the client's name; None takes the machine's, or its address where that is no full name. `tls`
    is ``none``, ``opportunistic``, ``starttls`` or ``implicit``; with `insist` only a connection whose
    certificate holds is used. `warn` is told what is less safe than it could be, `inform` what happens.
    """

    hello: str | None = None
    tls: str = "opportunistic"
    insist: bool = False
    tls_options: TLSOptions = field(default_factory=TLSOptions)
    dial: DialOptions = field(default_factory=DialOptions)
    timeouts: Timeouts = field(default_factory=Timeouts)
    lmtp: bool = False
    log_in: LogIn | None = None
    may_change: bool = True
    transcript: Transcript | None = None
    warn: Callable[[str], object] = lambda _: None
    inform: Callable[[str], object] = lambda _: None


@dataclass(frozen=True, slots=True)
class Target:
    """A host to connect to: by its addresses, or by the path of a Unix socket."""

    name: str
    port: int = 25
    addresses: tuple[IPv4Address | IPv6Address, ...] = ()
    path: str | None = None

    def __str__(self) -> str:
        host = f"[{self.name}]" if ":" in self.name else self.name
        return self.path or f"{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves the machine on the way; not where a proxy looks up the addresses."""
        if self.path is not None:
            return True
        return bool(self.addresses) and all(address.is_loopback for address in self.addresses)


class Delivery(NamedTuple):
    """What became of one recipient: `error` is None when the message was taken for it.

    `command` is what the reply answers: CONNECT, EHLO, AUTH, MAIL, RCPT, DATA; None where there was none.
    `in_doubt` says that the server may have taken the message all the same: it never said.
    """

    recipient: str
    reply: Reply
    server: str
    tls: str | None
    error: BlazeError | None
    command: str | None = None
    in_doubt: bool = False

    @property
    def status(self) -> str:
        """``sent``, ``deferred`` or ``refused``."""
        if self.error is None:
            return "sent"
        return "deferred" if self.error.status == TemporaryError.exit_code else "refused"


def open_session(target: Target, options: DeliveryOptions) -> Session:
    """Connect, greet, start TLS and log in, as `options` say.

    Where no certificate is insisted on, one that does not hold is reported and the connection made again
    without asking for it; where TLS itself is optional and fails, again without TLS (RFC 7435).

    Raises:
        BlazeError: what stood in the way; TLSError when safety was insisted on.
    """
    if options.insist and options.tls != "implicit":
        options = replace(options, tls="starttls")
    asks = options.insist or options.tls_options.verify
    if options.tls != "none" and not asks:
        options.warn(f"the certificate is not verified: {target}")
    for verify in (True, False) if asks and not options.insist else (asks,):
        try:
            return _open(target, replace(options, tls_options=replace(options.tls_options, verify=verify)))
        except CertificateError as error:
            if options.insist or not verify:
                raise
            options.warn(f"{error.what}: {target}; going on without that check")
        except TLSError as error:
            if options.tls != "opportunistic":
                raise
            options.warn(f"{error}; going on in clear")
            break
    return _open(target, replace(options, tls="none"))


def _open(target: Target, options: DeliveryOptions) -> Session:
    record = options.transcript
    session = None
    try:
        session = _connect(target, options)
        _begin(session, target, options)
    except BlazeError as error:
        told = _of_server(error, target)
        if record:
            record.failed(str(told))
        if session:
            session.close()
        raise told from error.__cause__
    return session


def _connect(target: Target, options: DeliveryOptions) -> Session:
    record = options.transcript
    if record:
        record.note(f"Trying {target}")
    if target.path is not None:
        connection = dial.dial_unix(target.path, options.dial)
    else:
        connection = dial.dial(target.name, target.addresses, target.port, options.dial)
    channel = SocketChannel(connection, str(target), record)
    hello = options.hello or own_name(connection)
    session = Session(channel, hello, lmtp=options.lmtp, timeouts=options.timeouts)
    session.may_change = options.may_change
    session.warn = options.warn
    return session


def _of_server(error: BlazeError, target: Target) -> BlazeError:
    """The error, with the server that it is about."""
    if isinstance(error, RemoteProtocolError):
        return RemoteProtocolError(f"the server breaks the protocol: {error}", where=str(target))
    error.where = error.where or str(target)
    return error


def own_name(connection: socket.socket | None = None) -> str:
    """What to say in EHLO: the machine's full name, else the address of `connection` as a literal.

    The name is the one the machine has for itself; it is not looked up (RFC 5321 §4.1.4).
    """
    name = socket.gethostname()
    try:
        check_domain(name)
    except DataError:
        name = "localhost"
    if "." in name or connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return name
    address = connection.getsockname()[0].partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _begin(session: Session, target: Target, options: DeliveryOptions) -> None:
    host = target.name.strip("[]")
    if options.tls == "implicit":
        session.channel.start_tls(host, options.tls_options, options.timeouts.greeting)
    session.greet()
    offered = "STARTTLS" in session.extensions
    if options.tls == "starttls" or (options.tls == "opportunistic" and offered):
        session.start_tls(host, options.tls_options)
    elif options.tls == "opportunistic" and not target.is_local:
        options.warn(f"the server offers no TLS, the message goes in clear: {target}")
    if options.log_in:
        login = options.log_in
        if login.in_clear and session.channel.tls is None:
            options.warn(f"the log-in is made in clear: {target}")
        name = session.log_in(
            login.credentials, login.mechanism, in_clear=login.in_clear, host=host, port=target.port
        )
        options.inform(f"logged in by {name}")


STAGES = ("connect", "helo", "tls", "auth", "mail", "rcpt")


def probe(
    target: Target, options: DeliveryOptions, envelope: Envelope, message: Outgoing, stage: str
) -> list[BlazeError]:
    """Hold the dialogue that would bring `message` to a server up to `stage` of `STAGES`, and end it.

    Gives the refusals that came last.

    Raises:
        BlazeError: an earlier stage failed.
    """
    if not reaches(stage, "auth"):
        options = replace(options, log_in=None)
    if not reaches(stage, "tls") and options.tls != "implicit":
        options = replace(options, tls="none", insist=False)
    return end_after(stage, open_session(target, options), envelope, message)


def reaches(stage: str, other: str) -> bool:
    """Whether a dialogue that ends after `stage` goes as far as `other`."""
    return STAGES.index(stage) >= STAGES.index(other)


def end_after(stage: str, session: Session, envelope: Envelope, message: Outgoing) -> list[BlazeError]:
    """Go on with a session that is open and logged in, up to `stage`, and end it; gives the refusals."""
    outcomes: list[Outcome] = []
    if reaches(stage, "mail"):
        transaction = Transaction(session, envelope, message, envelope.recipients)
        outcomes = transaction.probe(recipients=reaches(stage, "rcpt"))
    session.quit()
    return [refusal(outcome, session.server) for outcome in outcomes if not outcome.reply.positive]


class Courier(Protocol):
    """Whoever brings messages to servers."""

    def deliver(
        self, envelope: Envelope, message: Outgoing, following: Following | None = None
    ) -> list[Delivery]:
        """Bring one message to all recipients; never raises for what a server or the network does.

        `following` is what the next call will bring, where that is known.

        Raises:
            DataError: the message or an address is not fit to be sent.
        """

    def close(self) -> None:
        """End all sessions."""


class HostCourier:
    """Brings every message to one host.

    With a `policy` (its name) a failure of TLS is one for now: it is the domain that asks for TLS.
    """

    def __init__(self, target: Target, options: DeliveryOptions, policy: str | None = None) -> None:
        self._policy = policy
        self._target = target
        self._options = options
        self._session: Session | None = None
        self._failure: BlazeError | None = None

    def deliver(
        self, envelope: Envelope, message: Outgoing, following: Following | None = None
    ) -> list[Delivery]:
        """See `Courier.deliver`. After a failure to connect no further attempt is made."""
        told: list[Delivery] = []
        while True:
            reused = self._session is not None
            try:
                session = self._ready()
            except BlazeError as error:
                self._failure = error
                return told + self._failed(envelope, error)
            failure = None
            try:
                session.send_message(envelope, message, following)
            except BlazeError as error:
                failure = error
            certain = _told(session, envelope)
            told += certain
            if failure is None:
                return told
            self._drop(session)
            if self._options.transcript:
                self._options.transcript.failed(str(failure))
            if isinstance(failure, DataError) and not told:
                raise failure
            envelope = _without(envelope, session.outcomes)
            # A server may close a connection at any time: what follows a message goes by a new one.
            goes_on = reused or any(delivery.error is None for delivery in certain)
            if not goes_on or session.begun or failure.status != TemporaryError.exit_code:
                return told + self._broken_off(envelope, failure, begun=session.begun)

    def _broken_off(self, envelope: Envelope, failure: BlazeError, *, begun: bool) -> list[Delivery]:
        error = _of_server(failure, self._target)
        in_doubt = begun and not isinstance(error, SMTPReplyError | DataError)
        if in_doubt:
            error.hint = _IN_DOUBT
        return [one._replace(in_doubt=in_doubt) for one in self._failed(envelope, error)]

    def _ready(self) -> Session:
        if self._failure is not None:
            raise self._failure
        if self._session is not None and self._session.exhausted:
            self.close()
        if self._session is None:
            self._session = self._open()
        return self._session

    def _open(self) -> Session:
        try:
            return open_session(self._target, self._options)
        except TLSError as error:
            if self._policy is None:
                raise
            raise TemporaryError(f"{error.what}, and {self._policy} asks for it", where=error.where) from None

    def _failed(self, envelope: Envelope, error: BlazeError) -> list[Delivery]:
        return [undelivered(recipient, error, str(self._target)) for recipient in envelope.recipients]

    def _drop(self, session: Session) -> None:
        session.close()
        self._session = None

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.quit()
            self._session = None


_IN_DOUBT = "The server may have taken the message: sent again it may arrive twice."


def _without(envelope: Envelope, recipients: Collection[str]) -> Envelope:
    """The envelope without those recipients."""
    rest = [one for one in dict.fromkeys(envelope.recipients) if one not in recipients]
    return replace(envelope, recipients=rest)


def _told(session: Session, envelope: Envelope) -> list[Delivery]:
    """What is certain of the recipients, in their order."""
    outcomes = [
        session.outcomes[one] for one in dict.fromkeys(envelope.recipients) if one in session.outcomes
    ]
    return [
        Delivery(
            outcome.recipient,
            outcome.reply,
            session.server,
            session.channel.tls,
            None if outcome.reply.positive else refusal(outcome, session.server),
            outcome.command,
        )
        for outcome in outcomes
    ]


def refusal(outcome: Outcome, server: str) -> SMTPReplyError:
    """The negative reply that a recipient got from `server`, as an error."""
    code, text, enhanced = outcome.reply
    where = f"{outcome.recipient} at {server}"
    error = SMTPReplyError(text, code=code, enhanced=enhanced, command=outcome.command, where=where)
    if code == AUTHENTICATION_REQUIRED:
        error.hint = "The server wants a log-in: submit -u USER."
    return error


def undelivered(recipient: str, error: BlazeError, server: str) -> Delivery:
    """The delivery that `error` stood in the way of."""
    if isinstance(error, SMTPReplyError):
        reply = Reply(error.code, error.text, error.enhanced)
        return Delivery(recipient, reply, server, None, error, error.command)
    return Delivery(recipient, Reply(0, str(error)), server, None, error)
