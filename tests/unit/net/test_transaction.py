"""A transaction over a channel that breaks."""

import pytest

from blaze.core.errors import LocalProtocolError, TemporaryError
from blaze.core.mail.message import parse
from blaze.core.mail.relay import Outgoing
from blaze.core.net.smtp import Envelope, Following, Session
from blaze.core.sasl import ChannelBinding

MESSAGE = b"Subject: x\n\n" + b"y" * 70 * 3000 + b"\n"


class BreakingChannel:
    """Gives `replies` one by one, and breaks when a message is written."""

    where = "mx"
    tls = None

    def __init__(self, *replies: bytes) -> None:
        self._replies = list(replies)

    def write(self, octets: bytes, timeout: float, *, shown: bytes | None = None) -> None:
        """Everything but a message goes through."""

    def write_body(self, octets: bytes, timeout: float) -> None:
        raise TemporaryError("the connection was lost", where="mx")

    def read(self, deadline: float) -> bytes:
        return self._replies.pop(0) if self._replies else b""

    def start_tls(self, *_: object) -> None:
        raise NotImplementedError

    def binding(self) -> ChannelBinding | None:
        return None

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("ehlo", "more"),
    [(b"250-mx\r\n250 CHUNKING\r\n", ()), (b"250-mx\r\n250 PIPELINING\r\n", (b"354 go\r\n",))],
)
def test_a_server_that_hangs_up_on_a_message_may_have_said_why(ehlo: bytes, more: tuple[bytes, ...]) -> None:
    ok = b"250 ok\r\n"
    session = Session(
        BreakingChannel(b"220 hi\r\n", ehlo, ok, ok, *more, b"552 5.3.4 too big\r\n"), "me.test"
    )
    session.greet()
    (outcome,) = session.send_message(Envelope("a@x.test", ["b@x.test"]), Outgoing(parse(MESSAGE)))
    assert (outcome.command, outcome.reply) == ("DATA", (552, "too big", "5.3.4"))


def test_a_server_that_hangs_up_and_says_nothing() -> None:
    ok = b"250 ok\r\n"
    session = Session(BreakingChannel(b"220 hi\r\n", b"250-mx\r\n250 CHUNKING\r\n", ok, ok), "me.test")
    session.greet()
    with pytest.raises(TemporaryError):
        session.send_message(Envelope("a@x.test", ["b@x.test"]), Outgoing(parse(MESSAGE)))


class TakingChannel(BreakingChannel):
    """Takes what is written."""

    def write_body(self, octets: bytes, timeout: float) -> None:
        """Everything goes through."""


def test_a_message_goes_under_no_envelope_but_its_own() -> None:
    ok, go_on = b"250 ok\r\n", b"354 go\r\n"
    channel = TakingChannel(b"220 hi\r\n", b"250-mx\r\n250 PIPELINING\r\n", ok, ok, go_on, ok, ok, ok, go_on)
    session = Session(channel, "me.test")
    session.greet()
    first, second, third = (Envelope("a@x.test", [f"{name}@x.test"]) for name in "bcd")
    message = Outgoing(parse(b"Subject: x\n\nx\n"))
    session.send_message(first, message, Following(second, message))
    with pytest.raises(LocalProtocolError):
        session.send_message(third, message)
