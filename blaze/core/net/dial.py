"""Connections: TCP by happy eyeballs (RFC 8305), Unix sockets, a chosen local address, a SOCKS5 proxy."""

import errno
import os
import selectors
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain, zip_longest
from typing import TypeAlias

from blaze.core.errors import (
    ConfigurationError,
    NoHostError,
    TemporaryError,
    TimedOutError,
    UnavailableError,
    UsageError,
)

CONNECTION_ATTEMPT_DELAY = 0.25  # seconds until the next address is tried beside the last, RFC 8305 §5

MAX_SOCKET_PATH = 107  # octets, without the NUL that ends it; unix(7)

Address: TypeAlias = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class DialOptions:
    """How connections are made. `timeout` is in seconds, for one connection with all its addresses.

    `family` is 4 or 6 to use only that version of IP. `bind` is the local address to connect from. `proxy` is
    ``socks5://[USER:PASSWORD@]HOST[:PORT]``; the proxy is then given the host's name.
    """

    timeout: float = 30.0
    family: int | None = None
    bind: str | None = None
    proxy: str | None = field(default=None, repr=False)


def dial(host: str, addresses: Sequence[Address], port: int, options: DialOptions) -> socket.socket:
    """A connection to `host`, at whichever of its `addresses` answers first (RFC 8305).

    Raises:
        NoHostError: it has no address of the wanted family.
        TimedOutError: none answered in time.
        TemporaryError: each refused, or cannot be reached now.
        UnavailableError: there is no route to any of them.
    """
    if options.proxy:
        return _dial_through_proxy(options.proxy, host, port, options)
    usable = _interleaved(address for address in addresses if _fits(address, options))
    if not usable:
        family = f"IPv{options.family} " if options.family else ""
        raise NoHostError(f"no {family}address to connect to", where=host)
    return _Race(host, port, options).run(usable)


def dial_unix(path: str, options: DialOptions) -> socket.socket:
    """A connection to the Unix socket at `path`; raises as `dial`, and UsageError when no socket can have
    that path.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise UsageError("the path is too long for a Unix socket", where=path)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(options.timeout)
    try:
        connection.connect(path)
    except OSError as error:
        connection.close()
        raise _to_error(error, path) from error
    return connection


def _fits(address: Address, options: DialOptions) -> bool:
    family = options.family or (ip_address(options.bind).version if options.bind else None)
    return family is None or address.version == family


def _interleaved(addresses: Iterable[Address]) -> list[Address]:
    """IPv6 and IPv4 in turn, IPv6 first, each in the order given (RFC 8305 §4)."""
    every = list(dict.fromkeys(addresses))
    six = [address for address in every if address.version == 6]
    four = [address for address in every if address.version == 4]
    return [address for address in chain.from_iterable(zip_longest(six, four)) if address is not None]


class _Race:
    """Several attempts at once, each begun a little after the one before, or as soon as it failed."""

    def __init__(self, host: str, port: int, options: DialOptions) -> None:
        self._host = host
        self._port = port
        self._bind = options.bind
        self._deadline = time.monotonic() + options.timeout
        self._selector = selectors.DefaultSelector()
        self._errors: list[OSError] = []

    def run(self, addresses: list[Address]) -> socket.socket:
        waiting = list(reversed(addresses))
        try:
            while waiting or self._selector.get_map():
                if waiting and (winner := self._start(waiting.pop())):
                    return winner
                if not self._selector.get_map():
                    continue
                remaining = self._deadline - time.monotonic()
                if remaining <= 0:
                    break
                if winner := self._wait(min(remaining, CONNECTION_ATTEMPT_DELAY) if waiting else remaining):
                    return winner
        finally:
            for key in list((self._selector.get_map() or {}).values()):
                key.fileobj.close()  # type: ignore[union-attr]
            self._selector.close()
        raise self._failure()

    def _start(self, address: Address) -> socket.socket | None:
        family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            if self._bind:
                _bind(connection, self._bind)
            code = connection.connect_ex((str(address), self._port))
        except OSError as error:
            code = error.errno or errno.EINVAL
        if code == 0:
            return _ready(connection)
        if code not in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._errors.append(OSError(code, errno.errorcode.get(code, "")))
            connection.close()
            return None
        self._selector.register(connection, selectors.EVENT_WRITE)
        return None

    def _wait(self, seconds: float) -> socket.socket | None:
        for key, _ in self._selector.select(seconds):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            self._selector.unregister(connection)
            code = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                return _ready(connection)
            self._errors.append(OSError(code, errno.errorcode.get(code, "")))
            connection.close()
        return None

    def _failure(self) -> Exception:
        where = f"{self._host} port {self._port}"
        if not self._errors or time.monotonic() >= self._deadline:
            return TimedOutError("no connection in time", where=where)
        return _to_error(self._errors[-1], where)


def _bind(connection: socket.socket, address: str) -> None:
    try:
        connection.bind((address, 0))
    except OSError:
        connection.close()
        raise UnavailableError("no connection can be made from that address", where=address) from None


def _ready(connection: socket.socket) -> socket.socket:
    connection.setblocking(True)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ENETUNREACH: "no route to the network",
    errno.EHOSTUNREACH: "no route to the host",
    errno.ENOENT: "no such socket",
}


def _to_error(error: OSError, where: str) -> Exception:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return TimedOutError("no connection in time", where=where)
    reason = _REASONS.get(error.errno or 0) or os.strerror(error.errno or 0).lower()
    if error.errno in _NO_ROUTE:
        return UnavailableError(reason, where=where)
    return TemporaryError(reason, where=where)


def _dial_through_proxy(proxy: str, host: str, port: int, options: DialOptions) -> socket.socket:
    try:
        from python_socks import ProxyError, ProxyTimeoutError
        from python_socks.sync import Proxy
    except ImportError:
        raise ConfigurationError(
            "a proxy needs the package python-socks", hint="Install it with: pip install 'blaze-mail[socks]'"
        ) from None
    if not proxy.startswith(("socks5://", "socks5h://")):
        raise UsageError("not a SOCKS5 proxy", hint="Write socks5://[USER:PASSWORD@]HOST[:PORT].")
    where = f"{host} port {port} through the proxy"
    try:
        through = Proxy.from_url(proxy.replace("socks5h://", "socks5://", 1), rdns=True)
        connection: socket.socket = through.connect(dest_host=host, dest_port=port, timeout=options.timeout)
    except ProxyTimeoutError:
        raise TimedOutError("no connection in time", where=where) from None
    except ProxyError as error:
        raise TemporaryError(f"the proxy says: {error}", where=where) from None
    except ValueError:
        raise UsageError("not the URL of a proxy") from None
    except OSError as error:
        if (error.errno or 0) < 0:  # EAI_NONAME and its like, of getaddrinfo
            raise NoHostError("the proxy is no known host", where=_place_of(proxy)) from None
        raise _to_error(error, f"the proxy {_place_of(proxy)}") from error
    connection.settimeout(None)
    return connection


def _place_of(proxy: str) -> str:
    """The host and port of a proxy's URL, for errors: who logs in there is left out."""
    return proxy.partition("://")[2].rpartition("@")[2].rstrip("/")
