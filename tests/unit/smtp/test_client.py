"""The client's half: against scripted servers, hostile ones, and our own server cut at every octet."""

import base64

import pytest

from blaze.core.errors import DataError, LocalProtocolError, RemoteProtocolError
from blaze.core.smtp import NEED_DATA, ClientConnection, Reply, ServerOptions, State
from blaze.core.smtp.commands import (
    Auth,
    AuthResponse,
    Bdat,
    Data,
    Ehlo,
    Helo,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTLS,
)
from blaze.core.smtp.events import (
    AuthChallenge,
    BodyChunk,
    ClientEvent,
    ConnectionClosed,
    Delivered,
    Greeting,
    Response,
    Shutdown,
)
from blaze.core.smtp.grammar import MAX_REPLY_LINE, MAX_REPLY_LINES
from blaze.core.smtp.states import BodyEnd
from tests.support.smtp_session import Pair, Session

OK = b"250 OK\r\n"
EHLO_REPLY = (
    b"250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250-AUTH PLAIN\r\n250 CHUNKING\r\n"
)


def _events(client: ClientConnection, data: bytes) -> list[ClientEvent]:
    client.receive_data(data)
    events: list[ClientEvent] = []
    while (event := client.next_event()) is not NEED_DATA:
        events.append(event)
        if isinstance(event, ConnectionClosed):
            break
    return events


def _greeted(ehlo: bytes = EHLO_REPLY, *, lmtp: bool = False) -> ClientConnection:
    client = ClientConnection(lmtp=lmtp)
    assert _events(client, b"220 mx ESMTP\r\n") == [Greeting(Reply(220, "mx ESMTP"))]
    client.send(Lhlo("c") if lmtp else Ehlo("c"))
    _events(client, ehlo)
    return client


def test_ehlo_tells_the_extensions() -> None:
    client = _greeted(
        b"250-mx greets\r\n250-size\r\n250-AUTH=LOGIN\r\n250-AUTH plain login\r\n250 limits RCPTMAX=5 x=y\r\n"
    )
    assert client.extensions == {"SIZE": "", "AUTH": "LOGIN PLAIN", "LIMITS": "RCPTMAX=5 x=y"}
    assert client.limits == {"RCPTMAX": 5}


def test_helo_after_a_refused_ehlo() -> None:
    client = _greeted(b"502 no\r\n")
    assert client.state is State.GREETED
    client.send(Helo("c"))
    _events(client, OK)
    assert (client.state, client.extensions) == (State.READY, {})


def test_a_pipelined_transaction_is_one_write() -> None:
    client = _greeted()
    octets = (
        client.send(Mail("a@b")) + client.send(Rcpt("c@d")) + client.send(Rcpt("e@f")) + client.send(Data())
    )
    assert octets == b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"
    assert not client.body_may_follow()
    events = _events(client, OK + b"550 5.1.1 no\r\n" + OK + b"354 go\r\n")
    assert [event.reply.code for event in events if isinstance(event, Response)] == [250, 550, 250, 354]
    assert client.body_may_follow()
    body = client.send(BodyChunk(b".a\nb\r")) + client.send(BodyChunk(b"\n.")) + client.send(BodyEnd())
    assert body == b"..a\r\nb\r\n..\r\n.\r\n"
    next_group = client.send(Mail("a@b"))
    assert next_group == b"MAIL FROM:<a@b>\r\n"
    assert _events(client, OK + OK) == [Delivered(Reply(250, "OK")), Response(Mail("a@b"), Reply(250, "OK"))]
    assert client.state is State.MAIL


def test_a_354_without_recipients_is_answered_by_the_dot() -> None:
    client = _greeted()
    for command in (Mail("a@b"), Rcpt("c@d"), Data()):
        client.send(command)
    _events(client, OK + b"550 no\r\n354 go\r\n")
    assert client.send(BodyEnd()) == b".\r\n"
    assert _events(client, b"554 no valid recipients\r\n") == [Delivered(Reply(554, "no valid recipients"))]
    assert client.state is State.READY


def test_without_pipelining_each_reply_is_awaited() -> None:
    client = _greeted(b"250 mx\r\n")
    client.send(Mail("a@b"))
    with pytest.raises(LocalProtocolError):
        client.send(Rcpt("c@d"))


@pytest.mark.parametrize("last", [Data(), Noop(), Quit(), StartTLS(), Auth("PLAIN", b"")])
def test_nothing_follows_the_last_of_a_group(last) -> None:
    client = _greeted()
    if isinstance(last, Data):
        client.send(Mail("a@b"))
        client.send(Rcpt("c@d"))
    client.send(last)
    with pytest.raises(LocalProtocolError):
        client.send(Rset())


@pytest.mark.parametrize(
    "command",
    [
        Rcpt("c@d"),
        Data(),
        Bdat(1),
        BodyChunk(b"x"),
        BodyEnd(),
        AuthResponse(b""),
        Mail("a@b", {"BODY": "8BITMIME"}),
        Mail("a@b", {"SMTPUTF8": None}),
        Mail("a@b", {"XFOO": None}),
    ],
)
def test_out_of_sequence_or_not_offered(command) -> None:
    client = _greeted()
    with pytest.raises(LocalProtocolError):
        client.send(command)


@pytest.mark.parametrize("command", [StartTLS(), Auth("PLAIN")])
def test_commands_of_extensions_that_are_not_offered(command) -> None:
    client = _greeted(b"250 mx\r\n")
    with pytest.raises(LocalProtocolError):
        client.send(command)


def test_binarymime_is_an_extension_of_its_own() -> None:
    mail = Mail("a@b", {"BODY": "BINARYMIME"})
    with pytest.raises(LocalProtocolError):
        _greeted(b"250-mx\r\n250 8BITMIME\r\n").send(mail)
    assert _greeted(b"250-mx\r\n250-8BITMIME\r\n250 BINARYMIME\r\n").send(mail)


def test_bad_values_are_refused_before_a_byte() -> None:
    with pytest.raises(DataError):
        _greeted().send(Mail("a@b", {"SIZE": "x"}))


def test_a_body_with_a_bare_return_is_refused() -> None:
    client = _greeted()
    for command in (Mail("a@b"), Rcpt("c@d"), Data()):
        client.send(command)
    _events(client, OK + OK + b"354 go\r\n")
    with pytest.raises(DataError):
        client.send(BodyChunk(b"a\rb"))


def test_chunks_are_counted() -> None:
    client = _greeted()
    client.send(Mail("a@b"))
    client.send(Rcpt("c@d"))
    assert client.send(Bdat(5)) == b"BDAT 5\r\n"
    assert client.send(BodyChunk(b".\n\r")) == b".\n\r"
    with pytest.raises(LocalProtocolError):
        client.send(Rset())
    with pytest.raises(LocalProtocolError):
        client.send(BodyChunk(b"123"))
    client.send(BodyChunk(b"12"))
    client.send(Bdat(0, last=True))
    events = _events(client, OK * 4)
    assert events[-1] == Delivered(Reply(250, "OK"))
    assert client.state is State.READY


def test_a_refused_chunk_needs_rset() -> None:
    client = _greeted()
    for command in (Mail("a@b"), Rcpt("c@d"), Bdat(0, last=True)):
        client.send(command)
    _events(client, OK + OK + b"552 no\r\n")
    assert client.state is State.FAILED
    with pytest.raises(LocalProtocolError):
        client.send(Mail("a@b"))
    client.send(Rset())
    _events(client, OK)
    assert client.state is State.READY


def test_lmtp_has_a_reply_for_each_accepted_recipient() -> None:
    client = _greeted(lmtp=True)
    for command in (Mail("a@b"), Rcpt("c@d"), Rcpt("e@f"), Rcpt("g@h"), Data()):
        client.send(command)
    _events(client, OK + OK + b"550 no\r\n" + OK + b"354 go\r\n")
    client.send(BodyEnd())
    assert _events(client, OK + b"452 full\r\n") == [
        Delivered(Reply(250, "OK"), "c@d"),
        Delivered(Reply(452, "full"), "g@h"),
    ]
    assert client.state is State.READY


# Hostile servers


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b"+OK POP3\r\n",
        b"250 OK\r\n",
        b"354 go\r\n",
        b"220 mx\n",
        b"220 m\rx\r\n",
        b"2200 mx\r\n",
        b"220-mx\r\n250 mx\r\n",
        b"220" + b"a" * MAX_REPLY_LINE,
        b"220-a\r\n" * MAX_REPLY_LINES,
        b"220 mx\r\n250 out of turn\r\n",
    ],
)
@pytest.mark.parametrize("cut", [0, 1])
def test_what_no_server_says_ends_the_session(data: bytes, cut: int) -> None:
    client = ClientConnection()
    step = cut or len(data)
    with pytest.raises(RemoteProtocolError):
        for at in range(0, len(data), step):
            _events(client, data[at : at + step])
    assert client.next_event() == ConnectionClosed()


def test_a_gigabyte_in_one_line_is_not_kept() -> None:
    client = ClientConnection()
    with pytest.raises(RemoteProtocolError):
        for _ in range(1000):
            _events(client, b"2" * 1000)
    assert len(client._buffer) <= 2 * MAX_REPLY_LINE


@pytest.mark.parametrize(
    ("command", "reply"),
    [
        (Mail("a@b"), b"354 go\r\n"),
        (Quit(), b"334 x\r\n"),
        (Auth("PLAIN"), b"354 go\r\n"),
        (Auth("PLAIN"), b"334 !\r\n"),
    ],
)
def test_replies_out_of_turn(command, reply: bytes) -> None:
    client = _greeted()
    client.send(command)
    with pytest.raises(RemoteProtocolError):
        _events(client, reply)


def test_a_positive_reply_to_data_is_354() -> None:
    client = _greeted()
    for command in (Mail("a@b"), Rcpt("c@d"), Data()):
        client.send(command)
    with pytest.raises(RemoteProtocolError):
        _events(client, OK * 3)


@pytest.mark.parametrize("behind", [b"250 injected\r\n", b"2", b"\r\n"])
def test_replies_behind_starttls_end_the_session(behind: bytes) -> None:
    client = _greeted()
    client.send(StartTLS())
    with pytest.raises(RemoteProtocolError):
        _events(client, b"220 go\r\n" + behind)


def test_replies_before_the_handshake_end_the_session() -> None:
    client = _greeted()
    client.send(StartTLS())
    _events(client, b"220 go\r\n")
    assert client.state is State.HANDSHAKE
    with pytest.raises(RemoteProtocolError):
        client.receive_data(b"250 injected\r\n")


def test_extensions_are_forgotten_after_tls() -> None:
    client = _greeted()
    client.send(StartTLS())
    _events(client, b"220 go\r\n")
    client.tls_started()
    assert (client.extensions, client.state, client.tls) == ({}, State.GREETED, True)
    with pytest.raises(LocalProtocolError):
        client.send(Mail("a@b"))


def test_421_at_any_time() -> None:
    client = _greeted()
    assert _events(client, b"421 4.3.2 going down\r\n") == [
        Shutdown(Reply(421, "going down", "4.3.2")),
        ConnectionClosed(),
    ]


def test_a_negative_greeting_leaves_quit() -> None:
    client = ClientConnection()
    _events(client, b"554 go away\r\n")
    with pytest.raises(LocalProtocolError):
        client.send(Ehlo("c"))
    assert client.send(Quit()) == b"QUIT\r\n"


def test_secrets_are_not_in_events() -> None:
    client = _greeted()
    client.send(Auth("PLAIN", b"\0user\0pencil"))
    assert "pencil" not in repr(_events(client, b"535 no\r\n"))


# Against our own server


def _transaction(pair: Pair) -> None:
    pair.send(Mail("a@b", {"SIZE": "9"}), Rcpt("c@d"), Rcpt("e@f"), Data())
    if pair.client.body_may_follow():
        pair.send(BodyChunk(b"one\n.two"), BodyChunk(b"\r\n..\n"), BodyEnd())


MESSAGE = ("a@b", ["c@d", "e@f"], b"one\r\n.two\r\n..\r\n")


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 7])
def test_client_and_server_in_memory(cut: int) -> None:
    pair = Pair(Session(), cut=cut)
    pair.send(Ehlo("c"))
    _transaction(pair)
    _transaction(pair)
    pair.send(Mail("x@y"), Rcpt("c@d"), Bdat(4), BodyChunk(b"\r\n.\r"), Bdat(1, last=True), BodyChunk(b"\n"))
    pair.send(Quit())
    assert pair.session.messages == [MESSAGE, MESSAGE, ("x@y", ["c@d"], b"\r\n.\r\n")]
    delivered = [event for event in pair.events if isinstance(event, Delivered)]
    assert [event.reply.code for event in delivered] == [250, 250, 250]


def _length() -> int:
    pair = Pair(Session())
    pair.send(Ehlo("c"))
    _transaction(pair)
    return len(pair.sent)


@pytest.mark.parametrize("fuse", range(_length() + 1))
def test_a_connection_cut_at_any_octet_delivers_only_what_it_says(fuse: int) -> None:
    pair = Pair(Session(), fuse=fuse)
    try:
        pair.send(Ehlo("c"))
        _transaction(pair)
    except LocalProtocolError:
        assert pair.client.state is State.CLOSED
    delivered = [event for event in pair.events if isinstance(event, Delivered)]
    assert len(pair.session.messages) == len(delivered) == (fuse == _length())


def test_lmtp_in_memory() -> None:
    pair = Pair(Session(ServerOptions(lmtp=True)), lmtp=True, cut=3)
    pair.send(Lhlo("c"))
    pair.send(Mail("a@b"), Rcpt("c@d"), Rcpt("e@f"), Data())
    pair.send(BodyEnd())
    assert [event for event in pair.events if isinstance(event, Delivered)] == [
        Delivered(Reply(250, "OK", "2.0.0"), "c@d"),
        Delivered(Reply(250, "OK", "2.0.0"), "e@f"),
    ]


def test_log_in_in_memory() -> None:
    pair = Pair(Session(ServerOptions(mechanisms=("LOGIN",), clear_text_auth=True)), cut=1)
    pair.send(Ehlo("c"))
    assert pair.send(Auth("LOGIN")) == [AuthChallenge(b"Username:")]
    assert pair.send(AuthResponse(b"user")) == [AuthChallenge(b"Password:")]
    assert pair.send(AuthResponse(b"pencil"))[0].reply.code == 235
    assert pair.session.server.identity == "user"
    assert base64.b64encode(b"pencil") in pair.sent


def test_log_in_can_be_given_up() -> None:
    pair = Pair(Session(ServerOptions(mechanisms=("CRAM-MD5",))))
    pair.send(Ehlo("c"))
    pair.send(Auth("CRAM-MD5"))
    assert pair.send(AuthResponse(None))[0].reply.code == 501
    assert pair.client.state is State.READY
