"""What a session talks through: a way to a server, most often a socket."""

import socket
import ssl
import time
from collections.abc import Collection
from typing import Protocol

from blaze.core import sasl
from blaze.core.errors import BlazeError, TemporaryError, TimedOutError
from blaze.core.net import tls as tls_door
from blaze.core.net.tls import TLSOptions
from blaze.core.net.transcript import Transcript
from blaze.core.sasl import ChannelBinding

_READ_SIZE = 1 << 16  # octets


class Channel(Protocol):
    """A way to a server. `where` names the server in errors."""

    @property
    def where(self) -> str:
        """The server, for errors."""

    @property
    def tls(self) -> str | None:
        """The version of TLS (``TLSv1.3``), or None."""

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:
        """Send octets; a record shows `shown` instead, where it is given. Raises TemporaryError."""

    def write_body(self, octets: bytes, timeout: float) -> None:
        """Send octets of a message."""

    def read(self, deadline: float) -> bytes:
        """Some octets; none when the server closed. `deadline` is a time of the monotonic clock."""

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None:
        """Do the handshake; see `blaze.core.net.tls.start_tls`."""

    def binding(self) -> ChannelBinding | None:
        """The channel binding of the TLS connection, where there is one."""

    def close(self) -> None:
        """Close the connection."""


def binding_for(channel: Channel, offered: Collection[str]) -> ChannelBinding | None:
    """The channel binding, where one of the SASL mechanisms `offered` can use it; computing it is dear."""
    return channel.binding() if sasl.has_binding(offered) else None


class SocketChannel:
    """A channel over a connected socket, recorded by `transcript`."""

    def __init__(self, connection: socket.socket, where: str, transcript: Transcript | None = None) -> None:
        self.where = where
        self._connection = connection
        self._transcript = transcript
        self._timeout = 0.0

    @property
    def tls(self) -> str | None:
        """See `Channel.tls`."""
        return self._connection.version() if isinstance(self._connection, ssl.SSLSocket) else None

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:
        """See `Channel.write`."""
        if self._transcript:
            self._transcript.sent(shown if shown is not None else octets, tls=self.tls is not None)
        self._send(octets, timeout)

    def write_body(self, octets: bytes, timeout: float) -> None:
        """See `Channel.write_body`."""
        if self._transcript:
            self._transcript.sent_body(len(octets), tls=self.tls is not None)
        self._send(octets, timeout)

    def _send(self, octets: bytes, timeout: float) -> None:
        self._set_timeout(timeout)
        try:
            self._connection.sendall(octets)
        except OSError as error:
            raise self._failure(error) from error

    def read(self, deadline: float) -> bytes:
        """See `Channel.read`."""
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            raise TimedOutError("the server did not answer in time", where=self.where)
        self._set_timeout(remaining)
        try:
            octets = self._connection.recv(_READ_SIZE)
        except OSError as error:
            raise self._failure(error) from error
        if self._transcript:
            self._transcript.received(octets, tls=self.tls is not None)
        return octets

    def _set_timeout(self, seconds: float) -> None:
        """Set the time-out where it is not about that already: each setting is a system call."""
        if not 0.9 * seconds <= self._timeout <= 1.1 * seconds:
            self._connection.settimeout(seconds)
            self._timeout = seconds

    def _failure(self, error: OSError) -> BlazeError:
        if isinstance(error, TimeoutError):
            return TimedOutError("the server did not answer in time", where=self.where)
        if isinstance(error, ssl.SSLError):
            return tls_door.to_error(error, self.where)
        return TemporaryError("the connection was lost", where=self.where)

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None:
        """See `Channel.start_tls`."""
        self._connection = tls_door.start_tls(self._connection, host, options, timeout)
        self._timeout = 0.0
        if self._transcript:
            self._transcript.note(f"TLS started: {self.tls}, {self._connection.cipher()}")

    def binding(self) -> ChannelBinding | None:
        """See `Channel.binding`."""
        if isinstance(self._connection, ssl.SSLSocket):
            return tls_door.channel_binding(self._connection)
        return None

    def close(self) -> None:
        """See `Channel.close`."""
        self._connection.close()
