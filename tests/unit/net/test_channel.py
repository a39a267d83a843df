"""What both kinds of sessions ask of their channel."""

import subprocess
import sys

import pytest

from blaze.core.net.channel import SocketChannel, binding_for
from blaze.core.net.tls import TLSOptions
from blaze.core.sasl import ChannelBinding

BINDING = ChannelBinding("tls-exporter", b"data")


class Bound:
    """A channel that counts how often its binding is asked for."""

    where = "-"
    tls = "TLSv1.3"

    def __init__(self) -> None:
        self.asked = 0

    def binding(self) -> ChannelBinding:
        self.asked += 1
        return BINDING

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None: ...
    def write_body(self, octets: bytes, timeout: float) -> None: ...
    def read(self, deadline: float) -> bytes:
        return b""

    def start_tls(self, host: str, options: TLSOptions, timeout: float) -> None: ...
    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("offered", "asked"),
    [([], 0), (["PLAIN", "SCRAM-SHA-256"], 0), (["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], 1)],
)
def test_binding_for_asks_only_where_it_can_be_used(offered: list[str], asked: int) -> None:
    channel = Bound()
    assert (binding_for(channel, offered) == BINDING) is bool(asked)
    assert channel.asked == asked


def test_a_pop3_session_loads_no_smtp() -> None:
    code = f"import sys, {SocketChannel.__module__}; print('blaze.core.smtp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout == "False\n"
