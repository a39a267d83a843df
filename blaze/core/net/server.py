"""An SMTP or LMTP server: one asyncio loop, a session for each client, messages into a sink (`intake`)."""

import asyncio
import errno
import os
import resource
import secrets
import signal
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from blaze.core.errors import BlazeError, NoHostError, UnavailableError
from blaze.core.net import tls as tls_door
from blaze.core.net.arrival import Arrival, rfc3339
from blaze.core.net.intake import Intake, Limits
from blaze.core.net.poller import BEST_POLLER, READ, Poller
from blaze.core.net.session import Policy, Session
from blaze.core.net.sink import Outcome, Sink
from blaze.core.net.stream import Stream
from blaze.core.sasl import Accounts, ChannelBinding
from blaze.core.smtp import Reply, ServerConnection, ServerOptions

BACKLOG = 512
MAX_ACCEPTED = 64  # connections taken in a turn that comes late; ours
LATE = 0.01  # seconds without a look at the listener after which several connections may wait; ours
LINGER = 2.0  # seconds that a client has to take a last reply
GRACE = 5.0  # seconds that sessions have to end once the server stops
_SPARE_FILES = 64  # descriptors that are no connections

EVENTS = frozenset({"listening", "connect", "mail", "error", "quit"})
"""All that a server tells of."""

_TOO_MANY = Reply(421, "Too many connections", "4.7.0").to_bytes()

Tell = Callable[[dict[str, Any], Arrival | None], object]
"""Told each event, as `srv --json` prints it; with `mail` comes the message."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where and how a server listens. Times are in seconds, `port` 0 takes a free one.

    `count` ends the server after so many messages, `max_messages` makes it refuse more.
    """

    host: str = "127.0.0.1"
    port: int = 2525
    smtp: ServerOptions = field(default_factory=ServerOptions)
    starttls: ssl.SSLContext | None = None
    implicit_tls: ssl.SSLContext | None = None
    certificate: bytes | None = None
    """The server's certificate (DER), for channel bindings."""
    accounts: Accounts | None = None
    max_connections: int = 400
    max_messages: int | None = None
    idle_timeout: float = 300.0
    count: int | None = None
    told: frozenset[str] = EVENTS
    """The events that somebody wants to be told; the others are not put together."""


class Server:
    """See `serve`. The methods are for its sessions."""

    def __init__(
        self,
        options: Listening,
        sink: Sink,
        tell: Tell,
        *,
        policy: Policy | None = None,
        trace: Callable[[str, str, str], object] | None = None,
        tick: Callable[[], object] = lambda: None,
        make_poller: Callable[[asyncio.AbstractEventLoop], Poller] = BEST_POLLER,
    ) -> None:
        self.options = options
        self.policy = policy
        self.trace = trace
        self.is_stopped = False
        """Every session ends as soon as it can."""
        self.failure: BaseException | None = None
        self._tell = tell
        self._tick = tick
        self._sessions: set[Session] = set()
        self._prefix = secrets.token_hex(4)
        self._opened = 0
        self._accepted = 0.0
        self._stopping = asyncio.Event()
        self._all_ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self.intake = Intake(
            self._loop, sink, Limits(options.count, options.max_messages), self._stored, self.fail
        )
        self._poller = make_poller(self._loop)
        self._end_point: bytes | None = None

    # For sessions.

    def new_connection(self, tls: ssl.SSLObject | None) -> ServerConnection:
        """The protocol's side of a new session."""
        options = self.options
        return ServerConnection(
            options.smtp,
            accounts=options.accounts,
            draw=lambda: secrets.token_bytes(24),
            tls=tls is not None,
            binding=self.binding(tls) if tls else None,
        )

    def binding(self, tls: ssl.SSLObject) -> ChannelBinding | None:
        """The channel binding of a TLS session, as `tls.channel_binding` sees it from the other end."""
        if not any(name.endswith("-PLUS") for name in self.options.smtp.mechanisms):
            return None
        if tls.version() != "TLSv1.3":
            data = tls.get_channel_binding("tls-unique")
            return ChannelBinding("tls-unique", data) if data else None
        if self._end_point is None and self.options.certificate:
            self._end_point = tls_door.end_point(self.options.certificate)
        return ChannelBinding("tls-server-end-point", self._end_point) if self._end_point else None

    def session_ended(self, session: Session, reason: str) -> None:
        """A session is over."""
        self._sessions.discard(session)
        self._event("quit", session, reason=reason)
        if not self._sessions:
            self._all_ended.set()

    def tell_error(self, session: Session | None, what: str) -> None:
        """Something went wrong in a session."""
        self._event("error", session, what=what)

    def trace_line(self, session: Session, who: str, text: str) -> None:
        """A line of a dialogue was said."""
        if self.trace:
            self.trace(session.id, who, text)

    def _stored(self, session: Session, arrival: Arrival, outcome: Outcome) -> None:
        if isinstance(outcome, BlazeError):
            return
        if "mail" in self.options.told:
            event = {
                "event": "mail",
                "time": rfc3339(arrival.time),
                "session": session.id,
                "from": arrival.transaction.reverse_path,
                "to": arrival.recipients,
                "size": arrival.body.size,
                "path": outcome,
            }
            self._tell(event, arrival)
        if self.intake.is_complete:
            self.stop_soon()

    # Running.

    async def run(self, ready: Callable[[str, int], object]) -> None:
        """Serve until `stop`; `ready` is told the host and port before the first event."""
        listener = _listen(self.options.host, self.options.port)
        try:
            host, port = listener.getsockname()[:2]
            ready(host, port)
            self._event("listening", None, host=host, port=port)
            self._listen_to(listener)
            sweeper = asyncio.create_task(self._sweep())
            sweeper.add_done_callback(self._swept)
            await self._stopping.wait()
        finally:
            self._poller.forget(listener.fileno())
            listener.close()
        await self._end_sessions()
        sweeper.cancel()
        self._poller.close()
        self.intake.close()
        if self.failure:
            raise self.failure

    def start_session(self, connection: socket.socket, client: tuple[str, int]) -> None:
        """Serve a client on a connected socket that does not block; `client` is its address and port."""
        self._opened += 1
        session = Session(self, f"{self._prefix}-{self._opened}", client)
        self._sessions.add(session)
        self._event("connect", session, host=client[0], port=client[1])
        session.start(Stream(self._poller, connection, session))

    def stop(self) -> None:
        """Take no more clients, say 421 to those there are, and end when what they sent is stored."""
        self.is_stopped = True
        self._stopping.set()
        for session in list(self._sessions):
            session.shut_down()

    def stop_soon(self) -> None:
        """Take no more clients; those there are may say QUIT, and have a little while for it."""
        self._stopping.set()

    def fail(self, failure: BaseException) -> None:
        """Stop because of `failure`, which `run` will raise."""
        self.failure = self.failure or failure
        self.stop()

    async def _end_sessions(self) -> None:
        deadline = self._loop.time() + (LINGER if not self.is_stopped else GRACE)
        while self._sessions and not self.failure:
            remaining = deadline - self._loop.time()
            if remaining <= 0:
                is_last_chance = self.is_stopped
                self.stop()
                if is_last_chance:
                    for session in self._sessions:
                        session.abandon()
                deadline = self._loop.time() + GRACE
                continue
            self._all_ended.clear()
            try:
                await asyncio.wait_for(self._all_ended.wait(), remaining)
            except TimeoutError:
                continue

    async def _sweep(self) -> None:
        """End the sessions that do nothing."""
        limit = self.options.idle_timeout
        while True:
            await asyncio.sleep(min(max(limit / 4, 0.05), 1.0))
            self._tick()
            now = time.monotonic()
            for session in list(self._sessions):
                allowed = LINGER if session.is_leaving else limit
                if not session.is_storing and now - session.progress > allowed:
                    session.expire()

    def _swept(self, sweeper: asyncio.Task[None]) -> None:
        """It never ends by itself: it was cancelled, or `tick` failed."""
        failure = None if sweeper.cancelled() else sweeper.exception()
        if failure:
            self.fail(failure)

    def _accept(self, listener: socket.socket) -> None:
        """Take one connection; others that wait are taken in the next turns, between what clients say.

        Where many busy clients make a turn long, several are taken, so that nobody waits for many turns.
        """
        now = time.monotonic()
        count = MAX_ACCEPTED if now - self._accepted > LATE else 1
        self._accepted = now
        while count and self._accept_one(listener):
            count -= 1

    def _accept_one(self, listener: socket.socket) -> bool:
        """Take one connection, if one waits."""
        try:
            connection, address = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError as error:
            self._pause_accepting(listener, error)
            return False
        connection.setblocking(False)
        if len(self._sessions) < self.options.max_connections:
            self.start_session(connection, address[:2])
        else:
            self._turn_away(connection)
        return True

    def _turn_away(self, connection: socket.socket) -> None:
        if not self.options.implicit_tls:
            try:
                connection.send(_TOO_MANY)
            except OSError as error:
                self.tell_error(None, f"too many connections; one is gone: {error.strerror}")
        connection.close()
        self.tell_error(None, "too many connections")

    def _pause_accepting(self, listener: socket.socket, error: OSError) -> None:
        """Out of descriptors or memory: let the sessions there are go on for a moment."""
        self.tell_error(None, f"cannot take a connection: {error.strerror}")
        self._poller.ignore(listener.fileno())
        self._loop.call_later(1.0, self._listen_to, listener)

    def _listen_to(self, listener: socket.socket) -> None:
        if not self._stopping.is_set():
            self._poller.watch(listener.fileno(), READ, lambda _: self._accept(listener))

    def _event(self, name: str, session: Session | None, **details: Any) -> None:
        if name in self.options.told:
            identifier = session.id if session else None
            self._tell({"event": name, "time": rfc3339(time.time()), "session": identifier, **details}, None)


def serve(
    options: Listening,
    sink: Sink,
    tell: Tell,
    *,
    ready: Callable[[str, int], object] = lambda _host, _port: None,
    policy: Policy | None = None,
    trace: Callable[[str, str, str], object] | None = None,
    tick: Callable[[], object] = lambda: None,
) -> bool:
    """Serve SMTP until SIGTERM, SIGINT or the last message of `options.count`; True when it was SIGINT.

    `ready` is called with the host and port before any client is served, `tell` with each event, `trace` with
    each line of a dialogue as `(session, "client" or "server" or "note", text)`, `tick` every second or
    so. `policy` may answer in the
    place of the protocol (see `Policy`). On the way out nothing that was acknowledged is lost.

    Raises:
        UnavailableError, NoHostError: it cannot listen there.
        BrokenPipeError: nobody reads what the sink writes.
    """
    _allow_descriptors(options.max_connections)

    async def run() -> bool:
        server = Server(options, sink, tell, policy=policy, trace=trace, tick=tick)
        loop = asyncio.get_running_loop()
        interrupted = asyncio.Event()

        def interrupt() -> None:
            interrupted.set()
            server.stop()

        loop.add_signal_handler(signal.SIGTERM, server.stop)
        loop.add_signal_handler(signal.SIGINT, interrupt)
        loop.set_exception_handler(lambda _, context: server.fail(_fault(context)))
        await server.run(ready)
        return interrupted.is_set()

    return asyncio.run(run())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _fault(context: dict[str, Any]) -> BaseException:
    error = context.get("exception")
    return error if isinstance(error, BaseException) else RuntimeError(context.get("message", ""))


def _listen(host: str, port: int) -> socket.socket:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise NoHostError("there is no such address here", where=host) from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # its connections inherit it
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        hint = "Ports below 1024 are for root." if error.errno == errno.EACCES else None
        if error.errno == errno.EADDRINUSE:
            hint = "Port 0 takes one that is free."
        reason = os.strerror(error.errno or 0).lower()
        raise UnavailableError(f"cannot listen: {reason}", where=where, hint=hint) from error
    listener.setblocking(False)
    return listener


def _allow_descriptors(connections: int) -> None:
    """Raise the soft limit of open files to what so many connections need, as far as the hard one allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + _SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        ceiling = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, ceiling), hard))
