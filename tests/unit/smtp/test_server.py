"""The server's half: scripted dialogues with nothing left over, whole and octet by octet."""

import base64
from collections.abc import Iterable

import pytest

from blaze.core.errors import LocalProtocolError, RemoteProtocolError
from blaze.core.smtp import PAUSED, Reply, ServerConnection, ServerOptions, State
from blaze.core.smtp.commands import Bdat, Mail, Rcpt
from blaze.core.smtp.events import (
    Authenticated,
    AuthFailed,
    BadRequest,
    Connected,
    ConnectionClosed,
    MessageEnd,
    Request,
    ServerEvent,
)
from tests.support.smtp_session import Policy, Session


def _codes(said: bytes) -> list[int]:
    return [int(line[:3]) for line in said.split(b"\r\n") if line and line[3:4] != b"-"]


def _session(
    commands: Iterable[bytes], cut: int, options: ServerOptions | None, policy: Policy | None
) -> Session:
    session = Session(options, policy)
    data = b"".join(commands)
    pieces = [data[at : at + cut] for at in range(0, len(data), cut)] if cut else [data]
    for piece in pieces:
        session.hear(piece)
    return session


HELLO = b"EHLO client\r\n"
MAIL = b"MAIL FROM:<a@b>\r\n"
RCPT = b"RCPT TO:<c@d>\r\n"
DATA = b"DATA\r\n"
BODY = b"Subject: x\r\n\r\nbody\r\n"
QUIT = b"QUIT\r\n"
ENVELOPE = HELLO + MAIL + RCPT

DIALOGUES = [
    ("nothing", [], [220]),
    ("quit", [QUIT], [220, 221]),
    ("a message", [ENVELOPE, DATA, BODY, b".\r\n", QUIT], [220, 250, 250, 250, 354, 250, 221]),
    ("HELO", [b"HELO x\r\n", MAIL, RCPT, DATA, b".\r\n"], [220, 250, 250, 250, 354, 250]),
    (
        "two messages",
        [ENVELOPE, DATA, b".\r\n", MAIL, RCPT, DATA, b".\r\n"],
        [220, *[250] * 3, 354, *[250] * 3, 354, 250],
    ),
    ("no greeting", [MAIL], [220, 503]),
    ("RCPT first", [HELLO, RCPT], [220, 250, 503]),
    ("DATA first", [HELLO, MAIL, DATA], [220, 250, 250, 503]),
    ("MAIL twice", [HELLO, MAIL, MAIL], [220, 250, 250, 503]),
    ("RSET", [ENVELOPE, b"RSET\r\n", RCPT], [220, 250, 250, 250, 250, 503]),
    ("EHLO resets", [ENVELOPE, HELLO, RCPT], [220, 250, 250, 250, 250, 503]),
    ("small talk", [b"NOOP x\r\nHELP\r\nVRFY a\r\nEXPN b\r\n"], [220, 250, 214, 252, 502]),
    ("unknown", [b"FOO\r\n"], [220, 500]),
    ("bare LF", [b"NOOP\n", b"NOOP\r\n"], [220, 500, 250]),
    ("too long", [b"NOOP " + b"a" * 20000 + b"\r\n", b"NOOP\r\n"], [220, 500, 250]),
    ("LHLO", [b"LHLO x\r\n"], [220, 500]),
    ("STARTTLS not offered", [HELLO, b"STARTTLS\r\n"], [220, 250, 502]),
    ("AUTH not offered", [HELLO, b"AUTH PLAIN\r\n"], [220, 250, 502]),
    ("unknown parameter", [HELLO, b"MAIL FROM:<a@b> XFOO=1\r\n"], [220, 250, 555]),
    ("parameter after HELO", [b"HELO x\r\nMAIL FROM:<a@b> SIZE=1\r\n"], [220, 250, 555]),
    (
        "parameters that grow when they are shown",
        [HELLO, MAIL, *(f"RCPT TO:<c@d> {key}\r\n".encode() for key in ("\U000e0001" * 250, "\x80 \x80"))],
        [220, 250, 250, 501, 501],
    ),
    ("bad parameter", [HELLO, b"MAIL FROM:<a@b> BODY=9BIT\r\n"], [220, 250, 501]),
    (
        "DSN",
        [
            HELLO,
            b"MAIL FROM:<> RET=hdrs ENVID=x+2By\r\n",
            b"RCPT TO:<c@d> NOTIFY=success,DELAY ORCPT=rfc822;c+2Bd@d\r\n",
        ],
        [220, 250, 250, 250],
    ),
    ("bad NOTIFY", [HELLO, MAIL, b"RCPT TO:<c@d> NOTIFY=NEVER,DELAY\r\n"], [220, 250, 250, 501]),
    ("UTF-8 without SMTPUTF8", [HELLO, "MAIL FROM:<ü@b>\r\n".encode()], [220, 250, 553]),
    ("UTF-8 recipient without SMTPUTF8", [HELLO, MAIL, "RCPT TO:<ü@b>\r\n".encode()], [220, 250, 250, 553]),
    ("SMTPUTF8", [HELLO, "MAIL FROM:<ü@b> SMTPUTF8\r\nRCPT TO:<ü@b>\r\n".encode()], [220, 250, 250, 250]),
    ("BDAT", [ENVELOPE, b"BDAT 5\r\na\r\n.\rBDAT 3 LAST\r\n\r\nb"], [220, 250, 250, 250, 250, 250]),
    ("BDAT 0 LAST", [ENVELOPE, b"BDAT 0 LAST\r\n", MAIL], [220, *[250] * 5]),
    ("BDAT without recipients", [HELLO, MAIL, b"BDAT 6\r\nQUIT\r\nNOOP\r\n"], [220, 250, 250, 503, 250]),
    ("DATA inside BDAT", [ENVELOPE, b"BDAT 1\r\nx", DATA], [220, 250, 250, 250, 250, 503]),
    ("RSET inside BDAT", [ENVELOPE, b"BDAT 1\r\nx", b"RSET\r\n", MAIL], [220, *[250] * 6]),
    (
        "DATA with BINARYMIME",
        [HELLO, b"MAIL FROM:<a@b> BODY=BINARYMIME\r\n", RCPT, DATA],
        [220, 250, 250, 250, 503],
    ),
    ("bare LF in DATA", [ENVELOPE, DATA, b"a\nb\r\n.\r\n"], [220, 250, 250, 250, 354, 550]),
    ("smuggling", [ENVELOPE, DATA, b"a\n.\n", MAIL, b"\r\n.\r\n"], [220, 250, 250, 250, 354, 550]),
    ("after QUIT", [QUIT, b"NOOP\r\n"], [220, 221]),
    ("errors without end", [b"FOO\r\n" * 30], [220, *[500] * 19, 421]),
]


@pytest.mark.parametrize(("name", "commands", "codes"), DIALOGUES, ids=[row[0] for row in DIALOGUES])
@pytest.mark.parametrize("cut", [0, 1, 7])
def test_server_answers(name: str, commands: list[bytes], codes: list[int], cut: int) -> None:
    session = _session(commands, cut, None, None)
    assert _codes(session.said) == codes
    assert all(sent.endswith(b"\r\n") for sent in [session.said])


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5])
def test_server_gives_the_message_out_as_sent(cut: int) -> None:
    session = _session(
        [ENVELOPE, b"RCPT TO:<e@f>\r\n", DATA, b"..a\r\n\r\n..\r\n.b\r\n.\r\n", QUIT], cut, None, None
    )
    assert session.messages == [("a@b", ["c@d", "e@f"], b".a\r\n\r\n.\r\nb\r\n")]
    assert session.server.state is State.CLOSED


@pytest.mark.parametrize("cut", [0, 1, 2, 3, 5])
def test_server_takes_bdat_octets_as_they_are(cut: int) -> None:
    chunks = [b"BDAT 6\r\n\r\n.\r\n\n", b"BDAT 2 LAST\r\n\0\r"]
    session = _session([ENVELOPE, *chunks, QUIT], cut, None, None)
    assert session.messages == [("a@b", ["c@d"], b"\r\n.\r\n\n\0\r")]


def test_ehlo_lists_what_is_offered() -> None:
    options = ServerOptions(hostname="mx", max_size=100, starttls=True, mechanisms=("PLAIN", "CRAM-MD5"))
    session = Session(options)
    session.hear(HELLO)
    lines = session.said.decode().split("\r\n")[1:-1]
    assert [line[4:] for line in lines] == [
        "mx", "PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "BINARYMIME", "DSN", "ENHANCEDSTATUSCODES",
        "SIZE 100", "LIMITS RCPTMAX=1000", "STARTTLS", "AUTH CRAM-MD5",
    ]  # fmt: skip


def test_without_leaves_extensions_out() -> None:
    session = Session(ServerOptions(without=frozenset({"8BITMIME", "CHUNKING", "BINARYMIME"})))
    session.hear(ENVELOPE)
    assert b"8BITMIME" not in session.said
    assert _codes(session.hear(b"RSET\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\n")) == [250, 555]
    assert _codes(session.hear(MAIL + RCPT + b"BDAT 6\r\nQUIT\r\n")) == [250, 250, 502]


# Limits


def test_size_is_honoured_at_mail() -> None:
    session = Session(ServerOptions(max_size=10))
    assert _codes(session.hear(HELLO + b"MAIL FROM:<a@b> SIZE=11\r\nMAIL FROM:<a@b> SIZE=10\r\n")) == [
        250,
        552,
        250,
    ]


@pytest.mark.parametrize("cut", [0, 1, 7])
def test_size_is_honoured_while_reading(cut: int) -> None:
    session = _session(
        [ENVELOPE, DATA, b"a" * 100_000 + b"\r\n.\r\n", MAIL], cut, ServerOptions(max_size=10), None
    )
    assert _codes(session.said)[-2:] == [552, 250]
    assert not session.messages
    assert len(session.body) <= 10


def test_size_is_honoured_in_chunks() -> None:
    chunks = b"BDAT 8\r\n12345678BDAT 8\r\n12345678BDAT 8 LAST\r\n12345678"
    session = _session([ENVELOPE, chunks, b"RSET\r\n", MAIL], 0, ServerOptions(max_size=10), None)
    assert _codes(session.said)[-5:] == [250, 552, 503, 250, 250]
    assert not session.messages


def test_recipients_are_limited() -> None:
    session = _session([ENVELOPE, RCPT, RCPT], 0, ServerOptions(max_recipients=2), None)
    assert _codes(session.said) == [220, 250, 250, 250, 250, 452]


def test_messages_are_limited() -> None:
    message = MAIL + RCPT + DATA + b".\r\n"
    session = _session([HELLO, message, message], 0, ServerOptions(max_messages=1), None)
    assert _codes(session.said)[-2:] == [250, 421]
    assert session.server.state is State.CLOSED


def test_endless_line_costs_no_memory() -> None:
    session = Session()
    for _ in range(200):
        session.hear(b"a" * 10_000)
    assert len(session.server._buffer) <= 20_000
    assert _codes(session.said) == [220, 500]


# STARTTLS


@pytest.mark.parametrize("behind", [b"NOOP\r\n", b"\0", b"\r\n"])
def test_commands_behind_starttls_drop_the_connection(behind: bytes) -> None:
    session = Session(ServerOptions(starttls=True))
    session.hear(HELLO)
    with pytest.raises(RemoteProtocolError):
        session.hear(b"STARTTLS\r\n" + behind)
    assert session.server.next_event() == ConnectionClosed()


def test_commands_before_the_handshake_drop_the_connection() -> None:
    session = Session(ServerOptions(starttls=True))
    assert _codes(session.hear(HELLO + b"STARTTLS\r\n")) == [250, 220]
    assert session.server.next_event() is PAUSED
    with pytest.raises(RemoteProtocolError):
        session.server.receive_data(b"NOOP\r\n")


def test_recipients_beyond_the_limit_leave_the_transaction_as_it_is() -> None:
    recipients = [b"RCPT TO:<a%d@b>\r\n" % number for number in range(32)]
    commands = [HELLO, MAIL, *recipients, DATA, BODY, b".\r\n"]
    session = _session(commands, 0, ServerOptions(max_recipients=2), None)
    assert _codes(session.said) == [220, 250, 250, 250, 250, *[452] * 30, 354, 250]


def test_commands_that_come_while_starttls_is_being_answered_are_refused() -> None:
    server = ServerConnection(ServerOptions(starttls=True))
    event = server.next_event()
    for line in (HELLO, b"STARTTLS\r\n"):
        assert isinstance(event, Connected | Request)
        server.send(event.reply)
        server.receive_data(line)
        event = server.next_event()
    assert isinstance(event, Request)
    server.receive_data(HELLO + MAIL)
    assert server.send(event.reply).startswith(b"220 ")
    with pytest.raises(RemoteProtocolError):
        server.tls_started()
    assert server.next_event() == ConnectionClosed()


def test_state_starts_afresh_after_tls() -> None:
    options = ServerOptions(starttls=True, mechanisms=("CRAM-MD5", "PLAIN", "SCRAM-SHA-256-PLUS"))
    session = Session(options)
    session.hear(HELLO + b"STARTTLS\r\n")
    session.server.tls_started()
    assert session.server.hello is None
    assert _codes(session.hear(MAIL)) == [503]
    said = session.hear(HELLO)
    assert b"STARTTLS" not in said
    assert b"AUTH CRAM-MD5 PLAIN\r\n" in said
    assert b"REQUIRETLS" in said
    assert _codes(session.hear(b"STARTTLS\r\nMAIL FROM:<a@b> REQUIRETLS\r\n")) == [503, 250]


def test_mail_waits_for_tls_when_it_is_required() -> None:
    session = _session([HELLO, MAIL, b"NOOP\r\n"], 0, ServerOptions(starttls=True, require_tls=True), None)
    assert _codes(session.said) == [220, 250, 530, 250]


def test_tls_started_needs_starttls() -> None:
    with pytest.raises(LocalProtocolError):
        Session().server.tls_started()


# AUTH

PLAIN = base64.b64encode(b"\0user\0pencil")
WRONG = base64.b64encode(b"\0user\0wrong")
CLEAR = ServerOptions(
    mechanisms=("PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"), clear_text_auth=True, require_auth=True
)

LOGINS = [
    ([b"AUTH PLAIN " + PLAIN], [235], "user"),
    ([b"AUTH PLAIN", PLAIN], [334, 235], "user"),
    ([b"AUTH LOGIN", base64.b64encode(b"user"), base64.b64encode(b"pencil")], [334, 334, 235], "user"),
    ([b"AUTH LOGIN " + base64.b64encode(b"user"), base64.b64encode(b"pencil")], [334, 235], "user"),
    ([b"AUTH PLAIN " + WRONG], [535], None),
    ([b"AUTH PLAIN ="], [501], None),
    ([b"AUTH PLAIN", b"*", b"NOOP"], [334, 501, 250], None),
    ([b"AUTH PLAIN", b"!!!", b"NOOP"], [334, 501, 250], None),
    ([b"AUTH PLAIN", b"a" * 13000, b"NOOP"], [334, 500, 250], None),
    ([b"AUTH NTLM"], [504], None),
    ([b"AUTH PLAIN " + PLAIN, b"AUTH PLAIN " + PLAIN], [235, 503], "user"),
    ([b"AUTH CRAM-MD5", b"*"], [334, 501], None),
    ([b"MAIL FROM:<a@b>"], [530], None),
    ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<a@b> AUTH=<>"], [235, 250], "user"),
    ([b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<a@b> AUTH=a@b", b"AUTH PLAIN"], [235, 250, 503], "user"),
    (
        [b"AUTH XOAUTH2 " + base64.b64encode(b"user=user\1auth=Bearer no\1\1"), b"", b"NOOP"],
        [334, 535, 250],
        None,
    ),
]


@pytest.mark.parametrize(("lines", "codes", "identity"), LOGINS)
@pytest.mark.parametrize("cut", [0, 1])
def test_server_logs_in(lines: list[bytes], codes: list[int], identity: str | None, cut: int) -> None:
    session = _session([HELLO, *[line + b"\r\n" for line in lines]], cut, CLEAR, None)
    assert _codes(session.said)[2:] == codes
    assert session.server.identity == identity


def test_clear_text_mechanisms_need_tls() -> None:
    session = Session(ServerOptions(mechanisms=("PLAIN", "CRAM-MD5")))
    assert _codes(session.hear(HELLO + b"AUTH PLAIN " + PLAIN + b"\r\n")) == [250, 538]


def test_guessing_passwords_ends_the_session() -> None:
    session = Session(CLEAR)
    session.hear(HELLO + b"AUTH PLAIN " + WRONG + b"\r\n")
    for _ in range(30):
        session.hear(b"AUTH PLAIN " + WRONG + b"\r\n")
    assert _codes(session.said)[-1] == 421
    assert len(_codes(session.said)) == 22


# LMTP


@pytest.mark.parametrize("body", [DATA + b"x\r\n.\r\n", b"BDAT 1 LAST\r\nx"])
def test_lmtp_answers_for_each_recipient(body: bytes) -> None:
    session = Session(ServerOptions(lmtp=True))
    said = session.hear(b"EHLO x\r\nLHLO x\r\n" + MAIL + RCPT + b"RCPT TO:<e@f>\r\n" + body + QUIT)
    codes = [code for code in _codes(said) if code != 354]
    assert codes == [500, 250, 250, 250, 250, 250, 250, 221]


def test_lmtp_takes_one_reply_for_each_recipient() -> None:
    server = Session(ServerOptions(lmtp=True), policy=lambda _s, _e: None).server
    session = Session(ServerOptions(lmtp=True))
    session.hear(b"LHLO x\r\n" + MAIL + RCPT + b"RCPT TO:<e@f>\r\n" + DATA)
    server = session.server
    server.receive_data(b".\r\n")
    event = server.next_event()
    assert isinstance(event, MessageEnd)
    with pytest.raises(LocalProtocolError):
        server.send(Reply(250), Reply(250), Reply(250))
    assert _codes(server.send(Reply(250, "kept"), Reply(452, "full"))) == [250, 452]
    assert server.state is State.READY


# Policy


def _say_no_to(kind: type, code: int) -> Policy:
    def policy(_server: ServerConnection, event: ServerEvent) -> Reply | None:
        asked = type(event.command) if isinstance(event, Request) else type(event)
        return Reply(code, "no") if asked is kind else None

    return policy


def test_policy_is_asked_at_connect() -> None:
    session = _session([HELLO, QUIT], 0, None, _say_no_to(Connected, 554))
    assert _codes(session.said) == [554, 503, 221]


def test_policy_is_asked_at_mail_and_rcpt() -> None:
    assert _codes(_session([ENVELOPE], 0, None, _say_no_to(Mail, 550)).said) == [220, 250, 550, 503]
    session = _session([ENVELOPE, DATA], 0, None, _say_no_to(Rcpt, 451))
    assert _codes(session.said) == [220, 250, 250, 451, 503]


def test_policy_is_asked_after_the_dot() -> None:
    session = _session([ENVELOPE, DATA, b"x\r\n.\r\n", MAIL], 0, None, _say_no_to(MessageEnd, 452))
    assert _codes(session.said)[-2:] == [452, 250]
    assert not session.messages


def test_policy_may_refuse_chunks() -> None:
    session = _session([ENVELOPE, b"BDAT 3\r\nabcBDAT 3 LAST\r\nabcRSET\r\n"], 0, None, _say_no_to(Bdat, 552))
    assert _codes(session.said)[-3:] == [552, 503, 250]
    assert session.body == b""


def test_policy_may_refuse_an_identity() -> None:
    session = _session([HELLO, b"AUTH PLAIN " + PLAIN + b"\r\n"], 0, CLEAR, _say_no_to(Authenticated, 535))
    assert session.server.identity is None


def test_421_ends_the_session() -> None:
    session = _session([HELLO, MAIL], 0, None, _say_no_to(Mail, 421))
    assert session.server.next_event() == ConnectionClosed()


def test_send_needs_an_event() -> None:
    session = Session()
    with pytest.raises(LocalProtocolError):
        session.server.send(Reply(250))


def test_next_event_waits_for_the_answer() -> None:
    server = ServerConnection(ServerOptions())
    assert isinstance(server.next_event(), Connected)
    server.receive_data(HELLO)
    assert server.next_event() is PAUSED


@pytest.mark.parametrize("at", range(len(ENVELOPE + DATA + b"x\r\n.\r")))
def test_a_cut_connection_gives_no_message(at: int) -> None:
    data = ENVELOPE + DATA + b"x\r\n.\r"
    session = Session()
    session.hear(data[:at])
    session.hear(b"")
    assert session.events[-1] is ConnectionClosed
    assert not session.messages


def test_event_types_of_failures() -> None:
    session = _session([HELLO, b"FOO\r\n", b"AUTH PLAIN " + WRONG + b"\r\n"], 0, CLEAR, None)
    assert session.events == [Connected, Request, BadRequest, AuthFailed]
