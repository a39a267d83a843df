"""Connections: the race of addresses, Unix sockets, families, a proxy."""

import socket
import time
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from blaze.core.errors import (
    NoHostError,
    TemporaryError,
    UnavailableError,
    UsageError,
)
from blaze.core.net.dial import MAX_SOCKET_PATH, DialOptions, _interleaved, dial, dial_unix
from tests.support.socks5 import Socks5

LOOPBACK = ip_address("127.0.0.1")
OTHER = ip_address("127.0.0.2")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _port(server: socket.socket) -> int:
    return int(server.getsockname()[1])


def test_addresses_are_tried_in_turn_six_first() -> None:
    addresses = [
        ip_address(text) for text in ("192.0.2.1", "192.0.2.2", "2001:db8::1", "192.0.2.1", "2001:db8::2")
    ]
    assert [str(address) for address in _interleaved(addresses)] == [
        "2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2",
    ]  # fmt: skip


def test_a_refusing_address_makes_way_at_once(listener: socket.socket) -> None:
    started = time.monotonic()
    with dial("h", [OTHER, LOOPBACK], _port(listener), DialOptions(5)) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
        assert connection.getblocking()
    assert time.monotonic() - started < 2


def test_a_silent_address_makes_way_after_a_moment(listener: socket.socket) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.2", _port(listener)))
        full.listen(0)
        crowd = []
        for _ in range(4):  # a full queue answers no further attempt
            extra = socket.socket()
            extra.setblocking(False)
            extra.connect_ex(("127.0.0.2", _port(listener)))
            crowd.append(extra)
        try:
            with dial("h", [OTHER, LOOPBACK], _port(listener), DialOptions(10)) as connection:
                assert connection.getpeername()[0] in ("127.0.0.1", "127.0.0.2")
        finally:
            for extra in crowd:
                extra.close()


def test_nobody_listens(listener: socket.socket) -> None:
    with pytest.raises(TemporaryError, match="connection refused"):
        dial("h", [OTHER], _port(listener), DialOptions(5))


def test_the_family_is_kept(listener: socket.socket) -> None:
    with pytest.raises(NoHostError):
        dial("h", [LOOPBACK], _port(listener), DialOptions(5, family=6))
    with pytest.raises(NoHostError):
        dial("h", [], _port(listener), DialOptions(5))


def test_bind(listener: socket.socket) -> None:
    with dial("h", [LOOPBACK], _port(listener), DialOptions(5, bind="127.0.0.9")) as connection:
        assert connection.getsockname()[0] == "127.0.0.9"
    with pytest.raises(UnavailableError):
        dial("h", [LOOPBACK], _port(listener), DialOptions(5, bind="192.0.2.1"))


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        dial_unix(path, DialOptions(5)).close()
    with pytest.raises(TemporaryError):
        dial_unix(path, DialOptions(5))
    with pytest.raises(TemporaryError, match="no such socket"):
        dial_unix(str(tmp_path / "none"), DialOptions(5))


@pytest.mark.parametrize("length", [MAX_SOCKET_PATH - 1, MAX_SOCKET_PATH, MAX_SOCKET_PATH + 1])
def test_a_path_that_no_socket_has(length: int) -> None:
    with pytest.raises(UsageError if length > MAX_SOCKET_PATH else TemporaryError):
        dial_unix("/" + "x" * (length - 1), DialOptions(5))


def test_through_a_proxy_that_looks_the_name_up(listener: socket.socket) -> None:
    pytest.importorskip("python_socks")
    proxy = Socks5(_port(listener))
    proxy.start()
    options = DialOptions(5, proxy=f"socks5://127.0.0.1:{proxy.port}")
    with dial("mx.test", [], 25, options) as connection:
        onward, _ = listener.accept()
        with onward:
            onward.sendall(b"220 mx\r\n")
            assert connection.recv(100) == b"220 mx\r\n"
    assert proxy.asked == b"mx.test"
    proxy.join(5)


def test_a_proxy_that_refuses() -> None:
    pytest.importorskip("python_socks")
    proxy = Socks5(0, reply=5)
    proxy.start()
    with pytest.raises(TemporaryError, match="the proxy says"):
        dial("mx.test", [], 25, DialOptions(5, proxy=f"socks5://127.0.0.1:{proxy.port}"))
    proxy.join(5)


def test_what_is_no_proxy() -> None:
    pytest.importorskip("python_socks")
    with pytest.raises(UsageError):
        dial("h", [LOOPBACK], 25, DialOptions(5, proxy="http://127.0.0.1:1"))


def test_options_show_no_password() -> None:
    assert "geheim" not in repr(DialOptions(proxy="socks5://u:geheim@h"))


@pytest.mark.parametrize(
    ("proxy", "error", "where"),
    [
        ("socks5://user:secret@127.0.0.1:{closed}", TemporaryError, "the proxy 127.0.0.1:{closed}"),
        ("socks5h://user:secret@no-such-host.invalid:1", NoHostError, "no-such-host.invalid:1"),
    ],
)
def test_a_proxy_that_is_not_there_is_named(
    proxy: str, error: type[Exception], where: str, listener: socket.socket
) -> None:
    pytest.importorskip("python_socks")
    closed = _port(listener)
    listener.close()
    with pytest.raises(error) as raised:
        dial("mx.test", [], 25, DialOptions(5, proxy=proxy.format(closed=closed)))
    assert getattr(raised.value, "where", None) == where.format(closed=closed)
