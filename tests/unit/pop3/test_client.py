"""The client's half of POP3, in memory."""

from collections.abc import Iterable

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError, LocalProtocolError, RemoteProtocolError
from blaze.core.pop3 import NEED_DATA, ClientConnection, Reply, State, commands as c
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
from blaze.core.pop3.reply import MAX_REPLY_LINE, parse_sizes, parse_unique_ids
from tests.support.pop3_server import stuffed

OK = Reply(True, "")


def events(client: ClientConnection, *pieces: bytes) -> list[Event]:
    """What the pieces lead to, chunks of a message joined."""
    found: list[Event] = []
    for piece in pieces:
        client.receive_data(piece)
        while (event := client.next_event()) is not NEED_DATA:
            assert not isinstance(event, str)
            if isinstance(event, BodyChunk) and found and isinstance(found[-1], BodyChunk):
                event = BodyChunk(found.pop()[0] + event.data)
            found.append(event)  # type: ignore[arg-type]
            if isinstance(event, ConnectionClosed):
                return found
    return found


def opened(capabilities: bytes = b"PIPELINING\r\n") -> ClientConnection:
    """A client in the transaction state."""
    client = ClientConnection()
    events(client, b"+OK\r\n")
    client.send(c.Capa())
    events(client, b"+OK\r\n" + capabilities + b".\r\n")
    client.send(c.User("u"))
    events(client, b"+OK\r\n")
    client.send(c.Pass("p"))
    events(client, b"+OK\r\n")
    assert client.state is State.TRANSACTION
    return client


def cut(data: bytes, size: int) -> Iterable[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_next_event_gives_the_same_however_the_octets_are_cut(size: int) -> None:
    client = opened()
    sent = b"".join(map(client.send, (c.List(), c.Uidl(), c.Retr(1), c.Retr(2), c.Top(3), c.Dele(1))))
    assert sent == b"LIST\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nTOP 3 0\r\nDELE 1\r\n"
    answers = (
        b"+OK 2\r\n1 10\r\n2 20\r\n.\r\n+OK\r\n1 a/b\r\n2 ..\r\n.\r\n"
        b"+OK 10 octets\r\n..dot\r\n...\r\n\r\n.x\r\n.\r\n"
        b"-ERR no such message\r\n+OK\r\n.\r\n+OK gone\r\n"
    )
    assert events(client, *cut(answers, size)) == [
        Listing(c.List(), Reply(True, "2"), (b"1 10", b"2 20")),
        Listing(c.Uidl(), OK, (b"1 a/b", b"2 ..")),
        Response(c.Retr(1), Reply(True, "10 octets")),
        BodyChunk(b".dot\r\n..\r\n\r\nx\r\n"),
        BodyEnd(),
        Response(c.Retr(2), Reply(False, "no such message")),
        Response(c.Top(3), OK),
        BodyEnd(),
        Response(c.Dele(1), Reply(True, "gone")),
    ]
    assert client.waiting == 0


@given(
    st.lists(st.sampled_from([b".", b"..", b"x", b"\r\n", b".\r\n", b"", b"\n", b"\r"]), max_size=30),
    st.integers(1, 9),
)
def test_next_event_gives_back_what_was_stuffed(parts: list[bytes], size: int) -> None:
    message = b"".join(parts) + b"\r\n"
    client = opened()
    client.send(c.Retr(1))
    client.send(c.Noop())
    found = events(client, *cut(b"+OK\r\n" + stuffed(message) + b"+OK after\r\n", size))
    assert b"".join(event.data for event in found if isinstance(event, BodyChunk)) == message
    assert found[-1] == Response(c.Noop(), Reply(True, "after"))


def test_a_long_line_of_a_message_is_passed_on_as_it_comes() -> None:
    client = opened()
    client.send(c.Retr(1))
    client.receive_data(b"+OK\r\n")
    assert client.next_event() == Response(c.Retr(1), OK)
    total = 0
    for _ in range(100):
        client.receive_data(b"x" * 100_000)
        while isinstance(event := client.next_event(), BodyChunk):
            total += len(event.data)
    assert total >= 9_999_990
    assert sum(map(len, client._pieces)) + len(client._lines) == 0


def test_capa_is_taken_and_forgotten_at_tls() -> None:
    client = ClientConnection()
    assert events(client, b"+OK hi <1@h>\r\n") == [Greeting(Reply(True, "hi <1@h>"))]
    client.send(c.Capa())
    events(client, b"+OK\r\nsasl PLAIN LOGIN\r\nSTLS\r\n.\r\n")
    assert client.capabilities == {"SASL": "PLAIN LOGIN", "STLS": ""}
    client.send(c.Stls())
    events(client, b"+OK\r\n")
    assert client.state is State.HANDSHAKE
    client.tls_started()
    assert (client.state, client.capabilities, client.tls) == (State.AUTHORIZATION, {}, True)


@pytest.mark.parametrize(
    "pieces", [[b"+OK\r\n+OK injected\r\n"], [b"+OK\r\n", b"+OK injected\r\n"], [b"+OK\r\n", b"x"]]
)
def test_octets_in_clear_after_stls_end_the_session(pieces: list[bytes]) -> None:
    client = ClientConnection()
    events(client, b"+OK\r\n")
    client.send(c.Stls())
    with pytest.raises(RemoteProtocolError, match="in clear after STLS"):
        events(client, *pieces)
    assert client.state is State.CLOSED


def test_auth_by_challenges() -> None:
    client = ClientConnection()
    events(client, b"+OK\r\n")
    assert client.send(c.Auth("PLAIN", b"")) == b"AUTH PLAIN =\r\n"
    assert events(client, b"-ERR [AUTH] no\r\n") == [
        Response(c.Auth("PLAIN", b""), Reply(False, "[AUTH] no", "AUTH"))
    ]
    assert client.state is State.AUTHORIZATION
    client.send(c.Auth("CRAM-MD5"))
    assert events(client, b"+ PDFAaD4=\r\n") == [AuthChallenge(b"<1@h>")]
    assert client.send(c.AuthResponse(b"u x")) == b"dSB4\r\n"
    assert events(client, b"+OK\r\n") == [Response(c.Auth("CRAM-MD5"), OK)]
    assert client.state is State.TRANSACTION


@pytest.mark.parametrize(
    "said",
    [
        b"hello\r\n",
        b"+ \r\n",
        b"-ERROR\r\n",
        b"\r\n",
        b"+OK\n",
        b"+OK " + b"x" * MAX_REPLY_LINE + b"\r\n",
        b"*" * MAX_REPLY_LINE,
    ],
)
def test_a_malformed_reply_ends_the_session(said: bytes) -> None:
    client = opened()
    client.send(c.Noop())
    with pytest.raises(RemoteProtocolError):
        events(client, said)
    assert client.next_event() == ConnectionClosed()


def test_a_reply_that_nobody_asked_for_ends_the_session() -> None:
    client = opened()
    with pytest.raises(RemoteProtocolError, match="without a command"):
        events(client, b"+OK\r\n")


def test_send_refuses_what_must_wait() -> None:
    client = opened(b"")
    client.send(c.Retr(1))
    with pytest.raises(LocalProtocolError):
        client.send(c.Retr(2))
    events(client, b"+OK\r\nhalf a message")
    with pytest.raises(LocalProtocolError):
        client.send(c.Noop())
    client = opened()
    client.send(c.Quit())
    with pytest.raises(LocalProtocolError):
        client.send(c.Noop())


@pytest.mark.parametrize("command", [c.Stat(), c.Retr(1), c.Dele(1), c.Uidl(), c.Rset()])
def test_send_refuses_what_needs_a_log_in(command: c.Command) -> None:
    client = ClientConnection()
    with pytest.raises(LocalProtocolError):
        client.send(command)
    events(client, b"+OK\r\n")
    with pytest.raises(LocalProtocolError):
        client.send(command)


@pytest.mark.parametrize(
    "command",
    [c.User("a\r\nQUIT"), c.Pass("a\nb"), c.Pass("\0"), c.User(""), c.User("x" * 250),
     c.Apop("a b", "0" * 32), c.Retr(0), c.Top(1, -1), c.Auth("PLAIN\r\nQUIT"), c.User("\udcff")],
)  # fmt: skip
def test_to_bytes_refuses_what_no_line_may_hold(command: c.Command) -> None:
    with pytest.raises(DataError):
        command.to_bytes()


def test_a_connection_cut_inside_a_message_has_no_end_of_it() -> None:
    client = opened()
    client.send(c.Retr(1))
    found = events(client, b"+OK\r\nhalf\r\n.", b"")
    assert not any(isinstance(event, BodyEnd) for event in found)
    assert found[-1] == ConnectionClosed()


def test_of_password_is_the_example_of_the_standard() -> None:
    command = c.Apop.of_password("mrose", "<1896.697170952@dbc.mtview.ca.us>", "tanstaaf")
    assert command.to_bytes() == b"APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n"


@pytest.mark.parametrize(
    ("greeting", "timestamp"),
    [
        (b"+OK POP3 <1.2@h>", "<1.2@h>"),
        (b"+OK <1.2@h> ready", "<1.2@h>"),
        (b"+OK no stamp", None),
        (b"+OK <nothing>", None),
        (b"+OK <a b@c>", None),
        (b"+OK <\xff@c>", None),
    ],
)
def test_timestamp_is_a_message_id_or_nothing(greeting: bytes, timestamp: str | None) -> None:
    assert Reply.parse(greeting).timestamp == timestamp


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"-ERR [AUTH] bad password", 77),
        (b"-ERR bad password", 77),
        (b"-ERR [IN-USE] the maildrop is open elsewhere", 75),
        (b"-ERR [LOGIN-DELAY] wait", 75),
        (b"-ERR [SYS/TEMP] the disk is full", 75),
        (b"-ERR [SYS/PERM] no such maildrop", 69),
        (b"-ERR maildrop already locked", 75),
        (b"-ERR [AUTH] account locked", 77),
    ],
)
def test_to_error_tells_refused_from_later(line: bytes, status: int) -> None:
    assert Reply.parse(line).to_error("PASS", "h").status == status


def test_listings_of_numbers() -> None:
    assert parse_sizes([b"1 120", b"3 200 more", b" 4  5"]) == {1: 120, 3: 200, 4: 5}
    assert parse_unique_ids([b"1 a b", b"2 \xff", b"3", b"4 x"]) == {1: "a b", 2: "\udcff", 4: "x"}


@pytest.mark.parametrize(
    "line", [b"", b"x 1", b"0 1", b"-1 1", b"1", b"1 x", b"9999999999 1", b"1 " + b"9" * 30]
)
def test_a_listing_that_is_none(line: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_sizes([line])
