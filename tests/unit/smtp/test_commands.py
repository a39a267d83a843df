"""Command lines: read, written, refused."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.smtp import commands as c
from blaze.core.smtp.grammar import MAX_AUTH_LINE, MAX_COMMAND_LINE


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"EHLO mx.example.org", c.Ehlo("mx.example.org")),
        (b"ehlo [192.0.2.1]", c.Ehlo("[192.0.2.1]")),
        (b"HELO under_score", c.Helo("under_score")),
        (b"LHLO a", c.Lhlo("a")),
        (b"MAIL FROM:<>", c.Mail("")),
        (b"MAIL FROM:<a@b>", c.Mail("a@b")),
        (b"mail from: <a@b>", c.Mail("a@b")),
        (b"MAIL FROM:<a@b> SIZE=1 BODY=8BITMIME", c.Mail("a@b", {"SIZE": "1", "BODY": "8BITMIME"})),
        (b"MAIL FROM:<@x,@y:a@b>", c.Mail("a@b")),
        (b'MAIL FROM:<"a>b"@c> SMTPUTF8', c.Mail('"a>b"@c', {"SMTPUTF8": None})),
        (b"MAIL FROM:<a@b>  ", c.Mail("a@b")),
        (b"RCPT TO:<a@b>", c.Rcpt("a@b")),
        (b"RCPT TO:<Postmaster>", c.Rcpt("Postmaster")),
        (b"RCPT TO:<a@b> NOTIFY=NEVER", c.Rcpt("a@b", {"NOTIFY": "NEVER"})),
        ("RCPT TO:<ü@b>".encode(), c.Rcpt("ü@b")),
        (
            "RCPT TO:<a@b>  ORCPT=utf-8;ü\u3000ü@b  NOTIFY=NEVER".encode(),
            c.Rcpt("a@b", {"ORCPT": "utf-8;ü\u3000ü@b", "NOTIFY": "NEVER"}),
        ),
        (b"DATA", c.Data()),
        (b"data ", c.Data()),
        (b"BDAT 0 LAST", c.Bdat(0, True)),
        (b"bdat 5", c.Bdat(5)),
        (b"RSET", c.Rset()),
        (b"NOOP", c.Noop()),
        (b"NOOP with words", c.Noop("with words")),
        (b"HELP", c.Help()),
        (b"VRFY someone", c.Vrfy("someone")),
        (b"EXPN list", c.Expn("list")),
        (b"QUIT", c.Quit()),
        (b"STARTTLS", c.StartTLS()),
        (b"AUTH PLAIN", c.Auth("PLAIN")),
        (b"auth plain =", c.Auth("PLAIN", b"")),
        (b"AUTH PLAIN AGEAYg==", c.Auth("PLAIN", b"\0a\0b")),
        (b"AUTH X " + b"AAAA" * 2000, c.Auth("X", bytes(6000))),
    ],
)
def test_parse_reads(line: bytes, command: c.Command) -> None:
    parsed = c.parse(line)
    assert parsed == command
    assert type(parsed) is type(command)


@pytest.mark.parametrize(
    ("line", "code", "enhanced"),
    [
        (b"", 500, "5.5.2"),
        (b"FOO", 500, "5.5.2"),
        (b"GET / HTTP/1.1", 500, "5.5.2"),
        (b"\x16\x03\x01", 500, "5.5.2"),
        (b"MAILFROM:<a@b>", 500, "5.5.2"),
        (b"EHLO", 501, "5.5.4"),
        (b"EHLO a b", 501, "5.5.4"),
        (b"DATA x", 501, "5.5.4"),
        (b"QUIT x", 501, "5.5.4"),
        (b"RSET x", 501, "5.5.4"),
        (b"MAIL", 501, "5.5.4"),
        (b"MAIL <a@b>", 501, "5.5.4"),
        (b"MAIL FROM:a@b", 501, "5.1.7"),
        (b"MAIL FROM:<a@b", 501, "5.1.7"),
        (b"MAIL FROM:<a@b>SIZE=1", 501, "5.1.7"),
        (b"MAIL FROM:<a b@c>", 553, "5.1.7"),
        (b"MAIL FROM:<a@b> SIZE=", 501, "5.5.4"),
        (b"MAIL FROM:<a@b> SIZE=1 SIZE=1", 501, "5.5.4"),
        (b"MAIL FROM:<\xff@b>", 501, "5.5.4"),
        (b"RCPT TO:<>", 553, "5.1.3"),
        (b"RCPT TO:<a>", 553, "5.1.3"),
        (b"RCPT FROM:<a@b>", 501, "5.5.4"),
        (b"RCPT TO:<a@b\0>", 500, "5.5.2"),
        (b"NOOP \x1b[2J", 500, "5.5.2"),
        (b"NOOP " + b"a" * MAX_COMMAND_LINE, 500, "5.5.6"),
        (b"BDAT", 501, "5.5.4"),
        (b"BDAT -1", 501, "5.5.4"),
        (b"BDAT 1 FIRST", 501, "5.5.4"),
        (b"BDAT " + b"9" * 21, 501, "5.5.4"),
        ("BDAT ²".encode(), 501, "5.5.4"),
        (b"AUTH", 501, "5.5.4"),
        (b"AUTH P!", 501, "5.5.4"),
        (b"AUTH PLAIN !", 501, "5.5.2"),
        (b"AUTH PLAIN AAA", 501, "5.5.2"),
        (b"VRFY", 501, "5.5.4"),
    ],
)
def test_parse_refuses_with_a_reply(line: bytes, code: int, enhanced: str) -> None:
    with pytest.raises(c.CommandError) as caught:
        c.parse(line)
    assert (caught.value.reply.code, caught.value.reply.enhanced) == (code, enhanced)
    caught.value.reply.to_bytes()


ATOMS = st.from_regex(r"\A[a-z0-9!#$%*+-]{1,20}\Z")
DOMAINS = st.from_regex(r"\A[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,3}\Z")
QUOTED = st.from_regex(r'\A"([a-z @>.]|\\[" \\a-z]){0,10}"\Z')
ADDRESSES = st.builds("{}@{}".format, ATOMS | QUOTED, DOMAINS)
PARAMETERS = st.dictionaries(
    st.from_regex(r"\A[A-Z0-9][A-Z0-9-]{0,10}\Z"),
    st.none() | st.from_regex(r"\A[!-<>-~]{1,20}\Z"),
    max_size=4,
)
COMMANDS = st.one_of(
    st.builds(c.Ehlo, DOMAINS),
    st.builds(c.Helo, DOMAINS),
    st.builds(c.Lhlo, DOMAINS),
    st.builds(c.Mail, ADDRESSES | st.just(""), PARAMETERS),
    st.builds(c.Rcpt, ADDRESSES | st.just("postmaster"), PARAMETERS),
    st.builds(c.Bdat, st.integers(0, 10**20 - 1), st.booleans()),
    st.builds(c.Auth, st.from_regex(r"\A[A-Z0-9_-]{1,20}\Z"), st.none() | st.binary(max_size=300)),
    st.sampled_from(
        [c.Data(), c.Rset(), c.Noop(), c.Help(), c.Quit(), c.StartTLS(), c.Vrfy("a"), c.Expn("b")]
    ),
)


@given(COMMANDS)
def test_parse_undoes_to_bytes(command: c.Command) -> None:
    octets = command.to_bytes()
    assert octets.endswith(b"\r\n")
    assert octets.count(b"\n") == octets.count(b"\r") == 1
    parsed = c.parse(octets[:-2])
    assert parsed == command
    assert type(parsed) is type(command)


INJECTIONS = ["\r\nRSET", "\n", "\r", "\0", "\x1b", "\x85\n"]


@pytest.mark.parametrize("evil", INJECTIONS)
@pytest.mark.parametrize(
    "make",
    [
        lambda evil: c.Ehlo("a" + evil),
        lambda evil: c.Helo(evil + "a"),
        lambda evil: c.Mail(f"a{evil}@b"),
        lambda evil: c.Mail(f"a@b{evil}"),
        lambda evil: c.Mail(f'"a{evil}"@b'),
        lambda evil: c.Mail("a@b", {"ENVID": "x" + evil}),
        lambda evil: c.Mail("a@b", {"X" + evil: None}),
        lambda evil: c.Rcpt("a@b> NOTIFY=NEVER" + evil),
        lambda evil: c.Rcpt("a@b" + evil),
        lambda evil: c.Noop(evil),
        lambda evil: c.Vrfy("a" + evil),
        lambda evil: c.Auth("PLAIN" + evil),
    ],
)
def test_to_bytes_refuses_injected_lines(make, evil: str) -> None:
    with pytest.raises(DataError):
        make(evil).to_bytes()


def test_to_bytes_refuses_lines_over_the_limit() -> None:
    with pytest.raises(DataError):
        c.Noop("a" * MAX_COMMAND_LINE).to_bytes()
    with pytest.raises(DataError):
        c.Auth("PLAIN", bytes(MAX_AUTH_LINE)).to_bytes()
    assert len(c.Noop("a" * (MAX_COMMAND_LINE - 7)).to_bytes()) == MAX_COMMAND_LINE


def test_secrets_are_not_in_the_repr() -> None:
    assert "pencil" not in repr(c.Auth("PLAIN", b"\0user\0pencil"))
    assert "pencil" not in repr(c.AuthResponse(b"pencil"))
