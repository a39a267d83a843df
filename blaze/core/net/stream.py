"""A server's side of one connection: octets by callback, TLS begun at any moment.

Thinner than asyncio's transports, which cost a sink more than the protocol and the disk do together, and
which cannot turn to TLS without a moment in which octets in clear may slip by.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from blaze.core.net.poller import READ, WRITE, Poller

READ_SIZE = 1 << 16
"""Octets asked for at a time. Beyond 128 kB the C library would map and unmap memory for each read."""

HIGH_WATER = 1 << 16
"""Octets waiting to be read by the peer beyond which nothing more is read from it."""


class Listener(Protocol):
    """Who is told what happens to a stream; never called from inside `write` or `close`."""

    def received(self, data: bytes) -> None:
        """Octets came, or none: the peer will send nothing more."""

    def secured(self) -> None:
        """The TLS handshake is done."""

    def lost(self, reason: str | None) -> None:
        """The connection is gone, for the last call; `reason` says what went wrong, if anything."""


class Stream:
    """A connected socket. `write` never blocks; what the peer does not take is kept and sent later."""

    __slots__ = (
        "_after_sending",
        "_fd",
        "_is_blocked",
        "_is_queued",
        "_linger",
        "_listener",
        "_paused",
        "_pending",
        "_poller",
        "_socket",
        "_tls",
        "_watched",
        "closed",
        "is_closing",
    )

    def __init__(self, poller: Poller, connection: socket.socket, listener: Listener) -> None:
        self._poller = poller
        self._socket = connection
        self._fd = connection.fileno()
        self._listener = listener
        self._pending = b""
        self._tls: _TLS | None = None
        self._paused = False
        self._watched = 0
        self._is_queued = False
        self._is_blocked = False
        self._linger = False
        self._after_sending: Callable[[], object] | None = None
        self.is_closing = False
        """True when nothing more will be read or can be written."""
        self.closed = False
        self._update()

    @property
    def ssl_object(self) -> ssl.SSLObject | None:
        """The TLS session, once the handshake is done."""
        return self._tls.session if self._tls and self._tls.established else None

    def write(self, octets: bytes) -> None:
        """Send octets, now or when the peer reads on."""
        if self.is_closing or not octets:
            return
        if self._tls is None:
            self._send(octets)
        elif self._tls.established:
            self._send_sealed(self._tls, octets)

    def pause(self) -> None:
        """Read nothing until `resume`."""
        self._paused = True
        self._update()

    def resume(self) -> None:
        """Read again."""
        self._paused = False
        self._update()

    def after_sending(self, call: Callable[[], object]) -> None:
        """Read nothing until all was sent that waits; have `call` called then, once."""
        self._after_sending = call
        self.pause()
        if not (self._is_queued or self._is_blocked):
            self._is_queued = True
            self._poller.send_soon(self)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """From now on all that comes is TLS; the server's half of the handshake is done as octets come."""
        self._tls = _TLS(context)

    def close(self, *, linger: bool = False) -> None:
        """Send what is waiting, then close.

        With `linger` the peer's octets are dropped until it closes too, so that a last reply is not lost to
        a reset.
        """
        if self.is_closing:
            return
        if self._tls:
            self._send(self._tls.finish())
        self.is_closing = True
        self._linger = linger
        if not self._pending:
            self._finish()
        elif not self._is_queued:
            self._update()

    def abort(self, reason: str | None = None) -> None:
        """Close at once; the listener is told soon."""
        if not self.closed:
            listener = self._disconnect()
            self._poller.loop.call_soon(listener.lost, reason)

    def _disconnect(self) -> Listener:
        """Close the socket, and give the listener for its last call.

        It is held here no longer: the two know each other, and only the collector would find them.
        """
        self.closed = self.is_closing = True
        self._poller.forget(self._fd)
        self._socket.close()
        self._after_sending = None
        listener = self._listener
        del self._listener
        return listener

    def _finish(self, *, is_inside: bool = True) -> None:
        """All is sent. `is_inside` says that the listener may be in the middle of something."""
        if self._linger:
            try:
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                self.abort()
            else:
                self._update()
        elif is_inside:
            self.abort()
        else:
            self._disconnect().lost(None)

    def _update(self) -> None:
        """Watch for what is of use now."""
        if self.closed:
            return
        is_wanted = not self._paused and len(self._pending) <= HIGH_WATER
        reads = self._linger if self.is_closing else is_wanted
        wanted = (READ if reads else 0) | (WRITE if self._is_blocked else 0)
        if wanted != self._watched:
            self._watched = wanted
            if wanted:
                self._poller.watch(self._fd, wanted, self._ready)
            else:
                self._poller.ignore(self._fd)

    def _ready(self, events: int) -> None:
        # A broken connection is told whatever was asked for, and shows when it is written to or read.
        if self._is_blocked and events != READ:
            self.flush()
        if self._watched & READ and events != WRITE:
            self._readable()

    def _send(self, octets: bytes) -> None:
        self._pending += octets
        if self._is_blocked:
            self._update()
        elif not self._is_queued:
            self._is_queued = True
            self._poller.send_soon(self)

    def flush(self) -> None:
        """Send what is waiting, as far as the peer takes it."""
        self._is_queued = False
        if self.closed:
            return
        if self._pending:
            try:
                sent = self._socket.send(self._pending)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError as error:
                self.abort(error.strerror)
                return
            self._pending = self._pending[sent:]
        if self._pending or self._is_blocked:
            self._watch(is_blocked=bool(self._pending))
        if self._pending:
            return
        if self.is_closing:
            self._finish(is_inside=False)
        elif self._after_sending:
            call, self._after_sending = self._after_sending, None
            self.resume()
            call()

    def _watch(self, *, is_blocked: bool) -> None:
        if is_blocked != self._is_blocked:
            self._is_blocked = is_blocked
            self._update()

    def _send_sealed(self, tls: "_TLS", octets: bytes) -> None:
        try:
            sealed = tls.seal(octets)
        except ssl.SSLError as error:
            self.abort(_reason(error))
        else:
            self._send(sealed)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.abort(error.strerror)
            return
        if self.is_closing:
            if not data:
                self._stop_lingering()
        elif self._tls is None:
            if not data:
                self.pause()
            self._listener.received(data)
        else:
            self._read_tls(self._tls, data)

    def _stop_lingering(self) -> None:
        """The peer sends nothing more; it may still want to read what is waiting."""
        self._linger = False
        if self._pending:
            self._update()
        else:
            self.abort()

    def _read_tls(self, tls: "_TLS", data: bytes) -> None:
        was_established = tls.established
        try:
            plain = tls.open(data)
        except ssl.SSLError as error:
            self._send(tls.outgoing.read())
            self.flush()
            self.abort(_reason(error))
            return
        self._send(tls.outgoing.read())
        if tls.established and not was_established:
            self._listener.secured()
        if plain and not self.is_closing:
            self._listener.received(plain)
        if (tls.ended or not data) and not self.is_closing:
            self.pause()
            self._listener.received(b"")


def _reason(error: ssl.SSLError) -> str:
    return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"


class _TLS:
    """The server's half of a TLS session between two buffers."""

    __slots__ = ("ended", "established", "incoming", "outgoing", "session")

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        self.session = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.established = False
        self.ended = False

    def open(self, data: bytes) -> bytes:
        """Take octets of the wire, and give those that were inside. Raises `ssl.SSLError`."""
        if not data:
            return b""
        self.incoming.write(data)
        plain: list[bytes] = []
        try:
            if not self.established:
                self.session.do_handshake()
                self.established = True
            while chunk := self.session.read(READ_SIZE):
                plain.append(chunk)
            self.ended = True
        except ssl.SSLWantReadError:
            pass  # the rest of the record has not come yet
        return b"".join(plain)

    def seal(self, octets: bytes) -> bytes:
        """The octets as they go on the wire."""
        self.session.write(octets)
        return self.outgoing.read()

    def finish(self) -> bytes:
        """What says that nothing more comes."""
        if self.established:
            with suppress(ssl.SSLError):  # the peer's half of the farewell is not waited for
                self.session.unwrap()
        return self.outgoing.read()
