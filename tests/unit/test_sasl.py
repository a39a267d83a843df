"""SASL: the RFCs' examples, both halves against each other, attacks, and GNU gsasl as the peer."""

import base64
import shutil
import subprocess

import pytest
from hypothesis import given, strategies as st

from blaze.core import sasl
from blaze.core.errors import AuthenticationError, BlazeError, DataError
from blaze.core.sasl.lines import auth_line, response_line
from blaze.core.sasl.oauth import describe_error
from blaze.core.sasl.scram import ScramClient, ScramServer
from blaze.core.smtp.grammar import MAX_REPLY_LINE

USER = sasl.Credentials("user", "pencil")
BINDING = sasl.ChannelBinding("tls-exporter", bytes(range(32)))


class OneUser:
    """The accounts of a server with one user and one token."""

    def __init__(self, user: str = "user", password: str = "pencil", token: str = "t0ken") -> None:
        self._user, self._password, self._token = user, password, token

    def password(self, user: str) -> str | None:
        return self._password if user == self._user else None

    def check_password(self, user: str, password: str) -> bool:
        return (user, password) == (self._user, self._password)

    def check_token(self, user: str, token: str) -> bool:
        return (user, token) == (self._user, self._token)

    def check_external(self, identity: str) -> bool:
        return identity in ("", self._user)


def _run(client: sasl.ClientMechanism, server: sasl.ServerMechanism) -> sasl.Outcome:
    """Let both halves talk until the server has decided."""
    outcome = server.step(client.start())
    for _ in range(5):
        if not isinstance(outcome, sasl.Challenge):
            return outcome
        outcome = server.step(client.respond(outcome.data))
    raise AssertionError("the exchange does not end")


# RFC 5802 §5 and RFC 7677 §3
SCRAM_EXAMPLES = [
    (
        "SCRAM-SHA-1",
        "fyko+d2lbbFgONRv9qkxdawL",
        "3rfcNHYJY1ZVvWVs7j",
        "QSXCR+Q6sek8bf92",
        "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ),
    (
        "SCRAM-SHA-256",
        "rOprNGfwEbeRWgbNEkqO",
        "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        "W22ZaJ0SNY7soEsUEjb6gQ==",
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ),
]


@pytest.mark.parametrize(("name", "ours", "theirs", "salt", "proof", "signature"), SCRAM_EXAMPLES)
def test_scram_client_speaks_the_example(
    name: str, ours: str, theirs: str, salt: str, proof: str, signature: str
) -> None:
    client = sasl.client(name, USER, nonce=ours)
    assert client.start() == f"n,,n=user,r={ours}".encode()
    final = client.respond(f"r={ours}{theirs},s={salt},i=4096".encode())
    assert final == f"c=biws,r={ours}{theirs},p={proof}".encode()
    assert not client.complete
    assert client.respond(f"v={signature}".encode()) == b""
    assert client.complete


@pytest.mark.parametrize(("name", "ours", "theirs", "salt", "proof", "signature"), SCRAM_EXAMPLES)
def test_scram_server_speaks_the_example(
    name: str, ours: str, theirs: str, salt: str, proof: str, signature: str
) -> None:
    server = sasl.server(name, OneUser(), nonce=theirs, salt=base64.b64decode(salt))
    first = server.step(f"n,,n=user,r={ours}".encode())
    assert first == sasl.Challenge(f"r={ours}{theirs},s={salt},i=4096".encode())
    last = server.step(f"c=biws,r={ours}{theirs},p={proof}".encode())
    assert last == sasl.Challenge(f"v={signature}".encode())
    assert server.step(b"") == sasl.Accepted("user")


def test_scram_server_takes_no_nonce_that_its_challenge_could_not_carry() -> None:
    def first(nonce: str) -> sasl.Outcome:
        server = sasl.server("SCRAM-SHA-256", OneUser(), nonce="y" * 48, salt=b"z" * 24)
        return server.step(f"n,,n=user,r={nonce}".encode())

    longest = first("x" * 1024)
    assert isinstance(longest, sasl.Challenge)
    assert len(base64.b64encode(longest.data)) + len(b"334 \r\n") <= MAX_REPLY_LINE
    too_long = sasl.Rejected("malformed SCRAM-SHA-256 message", malformed=True)
    assert first("x" * 1025) == first("ü" * 513) == too_long


def test_cram_md5_client_speaks_the_example() -> None:
    client = sasl.client("CRAM-MD5", sasl.Credentials("tim", "tanstaaftanstaaf"))
    assert client.start() is None
    response = client.respond(b"<1896.697170952@postoffice.reston.mci.net>")
    assert response == b"tim b913a602c7eda7a495b4e6e7334d3890"


def test_plain_client_speaks_the_example() -> None:
    assert sasl.client("PLAIN", sasl.Credentials("tim", "tanstaaftanstaaf")).start() == (
        b"\0tim\0tanstaaftanstaaf"
    )
    acting = sasl.Credentials("Kurt", "xipj3plmq", authorization="Ursel")
    assert sasl.client("PLAIN", acting).start() == b"Ursel\0Kurt\0xipj3plmq"


def test_oauthbearer_client_speaks_the_example() -> None:
    who = sasl.Credentials("user@example.com", token="vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")
    client = sasl.client("OAUTHBEARER", who, host="server.example.com", port=143)
    assert client.start() == (
        b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
        b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
    )
    error = b'{"status":"invalid_token","scope":"example_scope"}'
    assert client.respond(error) == b"\x01"
    assert client.error == "status: invalid_token, scope: example_scope"
    assert not client.complete


def test_xoauth2_client_speaks_the_providers_example() -> None:
    who = sasl.Credentials("someuser@example.com", token="ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg")
    client = sasl.client("XOAUTH2", who)
    assert client.start() == (
        b"user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01"
    )
    assert client.respond(b'{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}') == b""
    assert client.error == "status: 400, schemes: Bearer, scope: https://mail.google.com/"


@pytest.mark.parametrize(
    ("challenge", "words"),
    [
        (b"", "no reason given"),
        (b"{}", "no reason given"),
        (b"not json", "not json"),
        (b"[1]", "[1]"),
        (b"\xff", "\\xff"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_describe_error_takes_anything(challenge: bytes, words: str) -> None:
    assert describe_error(challenge) == words


PAIRS = [name for name in sasl.MECHANISMS if name != "EXTERNAL"]


def _pair(name: str, credentials: sasl.Credentials, accounts: OneUser) -> sasl.Outcome:
    binding = BINDING if name.startswith("SCRAM") and name.endswith("-PLUS") else None
    client = sasl.client(name, credentials, nonce="abc", binding=binding, host="h", port=1)
    server = sasl.server(name, accounts, nonce="xyz", salt=b"salt", binding=binding)
    return _run(client, server)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("user", ["user", "us=er,2", "ünïcode", "\u2168"])
def test_both_halves_agree_on_the_right_secret(name: str, user: str) -> None:
    credentials = sasl.Credentials(user, "pass word,=\u00aa", token="t0ken")
    prepared = sasl.saslprep(user) if "SCRAM" in name else user
    password = "pass word,=a" if name != "CRAM-MD5" else "pass word,=\u00aa"
    accounts = OneUser(sasl.saslprep(user) if name in ("PLAIN", "LOGIN") else prepared, password)
    outcome = _pair(name, credentials, accounts)
    assert isinstance(outcome, sasl.Accepted), outcome
    assert outcome.identity in (user, prepared)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("user", "secret"), [("user", "wrong"), ("nobody", "pencil"), ("nobody", "")])
def test_the_server_rejects_a_wrong_secret(name: str, user: str, secret: str) -> None:
    if secret == "" and name in sasl.TOKEN_MECHANISMS:
        secret = "empty"
    outcome = _pair(name, sasl.Credentials(user, secret, token=secret), OneUser(token="right"))
    assert isinstance(outcome, sasl.Rejected)


@pytest.mark.parametrize(("authorization", "accepted"), [("", True), ("user", True), ("root", False)])
def test_external_is_decided_by_the_accounts(authorization: str, accepted: bool) -> None:
    client = sasl.client("EXTERNAL", sasl.Credentials("user", authorization=authorization))
    outcome = _run(client, sasl.server("EXTERNAL", OneUser(), nonce="x"))
    assert isinstance(outcome, sasl.Accepted) is accepted


@pytest.mark.parametrize("name", ["PLAIN", "SCRAM-SHA-256"])
def test_acting_as_another_user_is_refused(name: str) -> None:
    outcome = _pair(name, sasl.Credentials("user", "pencil", authorization="root"), OneUser())
    assert outcome == sasl.Rejected("acting as another user is not allowed")


# Channel binding


def _scram(client_binding: sasl.ChannelBinding | None, plus: bool, server_binding: object) -> sasl.Outcome:
    name = "SCRAM-SHA-256-PLUS" if plus else "SCRAM-SHA-256"
    assert server_binding is None or isinstance(server_binding, sasl.ChannelBinding)
    return _run(
        ScramClient(name, USER, "abc", client_binding, could_bind=client_binding is not None and not plus),
        ScramServer(name, OneUser(), "xyz", b"salt", binding=server_binding),
    )


def test_plus_fails_between_two_channels() -> None:
    other = sasl.ChannelBinding("tls-exporter", bytes(32))
    assert _scram(BINDING, True, other) == sasl.Rejected("the channel bindings do not match")


def test_plus_fails_on_another_type() -> None:
    other = sasl.ChannelBinding("tls-unique", BINDING.data)
    assert _scram(BINDING, True, other) == sasl.Rejected("unsupported channel binding type")


def test_a_removed_offer_of_plus_is_found_out() -> None:
    outcome = _scram(BINDING, False, BINDING)
    assert outcome == sasl.Rejected("the offer of channel binding was taken out on the way")


def test_no_binding_on_either_side_is_fine() -> None:
    assert _scram(None, False, BINDING) == sasl.Accepted("user")
    assert _scram(BINDING, False, None) == sasl.Accepted("user")


@pytest.mark.parametrize("name", [*sasl.PASSWORD_MECHANISMS, *sasl.TOKEN_MECHANISMS])
def test_a_mechanism_needs_its_secret(name: str) -> None:
    secret = sasl.Credentials("user", token="t") if name in sasl.PASSWORD_MECHANISMS else USER
    with pytest.raises(AuthenticationError, match=f"{name} needs"):
        sasl.client(name, secret, nonce="abc", binding=BINDING)


def test_plus_needs_a_binding() -> None:
    with pytest.raises(AuthenticationError):
        ScramClient("SCRAM-SHA-1-PLUS", USER, "abc")


# Hostile servers and clients


@pytest.mark.parametrize(
    "challenge",
    [
        b"",
        b"r=abcd",
        b"r=abcd,s=c2FsdA==,i=x",
        b"r=abcd,s=!,i=4096",
        b"r=zzzz,s=c2FsdA==,i=4096",
        b"r=abc,s=c2FsdA==,i=4096",
        b"r=abcd,s=c2FsdA==,i=1",
        b"r=abcd,s=c2FsdA==,i=4294967295",
        b"m=x,r=abcd,s=c2FsdA==,i=4096",
        b"r=abcd,r=abcd,s=c2FsdA==,i=4096",
        b"\xff",
        b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ],
)
def test_scram_client_refuses_a_bad_first_message(challenge: bytes) -> None:
    client = sasl.client("SCRAM-SHA-1", USER, nonce="abc")
    client.start()
    with pytest.raises(AuthenticationError):
        client.respond(challenge)


@pytest.mark.parametrize("final", [b"v=AAAA", b"v=", b"x", b"r=abcd,s=c2FsdA==,i=4096"])
def test_scram_client_refuses_a_server_that_does_not_know_the_password(final: bytes) -> None:
    client = sasl.client("SCRAM-SHA-1", USER, nonce="abc")
    client.start()
    client.respond(b"r=abcd,s=c2FsdA==,i=4096")
    with pytest.raises(AuthenticationError):
        client.respond(final)
    assert not client.complete


def test_scram_client_keeps_the_servers_reason() -> None:
    client = sasl.client("SCRAM-SHA-1", USER, nonce="abc")
    client.start()
    client.respond(b"r=abcd,s=c2FsdA==,i=4096")
    assert client.respond(b"e=invalid-proof") == b""
    assert (client.error, client.complete) == ("invalid-proof", False)


@pytest.mark.parametrize("name", PAIRS)
@given(responses=st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_server_takes_any_octets(name: str, responses: list[bytes]) -> None:
    server = sasl.server(name, OneUser(), nonce="xyz", salt=b"salt", binding=None)
    for response in responses:
        outcome = server.step(response)
        assert not isinstance(outcome, sasl.Accepted)
        if not isinstance(outcome, sasl.Challenge):
            break


@pytest.mark.parametrize("name", PAIRS)
@given(challenges=st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_client_lets_only_its_errors_out(name: str, challenges: list[bytes]) -> None:
    credentials = sasl.Credentials("user", "pencil", token="t")
    client = sasl.client(name, credentials, nonce="abc", binding=BINDING, host="h", port=1)
    client.start()
    try:
        for challenge in challenges:
            client.respond(challenge)
    except BlazeError:
        pass


@pytest.mark.parametrize("name", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "CRAM-MD5"])
def test_client_refuses_nul_in_a_name(name: str) -> None:
    with pytest.raises(DataError):
        client = sasl.client(name, sasl.Credentials("us\0er", "pencil", token="t"), host="h", port=1)
        if client.start() is None:
            client.respond(b"<challenge>")


def test_credentials_show_no_secret() -> None:
    assert "pencil" not in repr(USER)
    assert "t0ken" not in repr(sasl.Credentials("user", token="t0ken"))


# Choice


@pytest.mark.parametrize(
    ("offered", "credentials", "binding", "chosen"),
    [
        ("PLAIN LOGIN", USER, False, "PLAIN"),
        ("LOGIN", USER, False, "LOGIN"),
        ("PLAIN CRAM-MD5", USER, False, "CRAM-MD5"),
        ("PLAIN SCRAM-SHA-1 SCRAM-SHA-256", USER, False, "SCRAM-SHA-256"),
        ("SCRAM-SHA-256 SCRAM-SHA-1-PLUS", USER, True, "SCRAM-SHA-1-PLUS"),
        ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", USER, False, "SCRAM-SHA-256"),
        ("SCRAM-SHA-256 SCRAM-SHA-256-PLUS", USER, True, "SCRAM-SHA-256-PLUS"),
        ("PLAIN XOAUTH2 OAUTHBEARER", sasl.Credentials("u", token="t"), False, "OAUTHBEARER"),
        ("PLAIN XOAUTH2", sasl.Credentials("u", token="t"), False, "XOAUTH2"),
        ("PLAIN EXTERNAL", sasl.Credentials("u"), False, "EXTERNAL"),
    ],
)
def test_choose_takes_the_strongest(
    offered: str, credentials: sasl.Credentials, binding: bool, chosen: str
) -> None:
    assert sasl.choose(offered.split(), credentials, binding=binding) == chosen


def test_choose_says_what_was_offered() -> None:
    with pytest.raises(AuthenticationError, match="GSSAPI NTLM"):
        sasl.choose(["NTLM", "GSSAPI"], USER)


# SASLprep, RFC 4013 §3


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("\u00a0", " "),
        ("\u0627\u0628", "\u0627\u0628"),
        ("", ""),
    ],
)
def test_saslprep_of_the_examples(text: str, prepared: str) -> None:
    assert sasl.saslprep(text) == prepared


@pytest.mark.parametrize("text", ["\u0007", "\u06271", "\u0627a\u0628", "\ue000", "\ufffd", "\U000e0001"])
def test_saslprep_refuses(text: str) -> None:
    with pytest.raises(DataError):
        sasl.saslprep(text)


@given(st.text())
def test_saslprep_is_idempotent(text: str) -> None:
    try:
        prepared = sasl.saslprep(text)
    except DataError:
        return
    assert sasl.saslprep(prepared) == prepared


# GNU gsasl


def _gsasl(mechanism: str, *arguments: str) -> "subprocess.Popen[str]":
    program = shutil.which("gsasl")
    if program is None:
        pytest.skip("gsasl is not installed")
    return subprocess.Popen(
        [program, "--quiet", "--no-cb", f"--mechanism={mechanism}", "--authentication-id=user", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _say(peer: "subprocess.Popen[str]", octets: bytes) -> None:
    assert peer.stdin
    peer.stdin.write(base64.b64encode(octets).decode() + "\n")
    peer.stdin.flush()


def _hear(peer: "subprocess.Popen[str]") -> bytes:
    """The next message: the name of the mechanism and empty challenges are passed over."""
    assert peer.stdout
    for line in peer.stdout:
        if line.strip() and not line.startswith("SCRAM-"):
            return base64.b64decode(line)
    return b""


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
@pytest.mark.parametrize("password", ["pencil", "wrong"])
def test_gsasl_as_client(name: str, password: str) -> None:
    server = sasl.server(name, OneUser(), nonce="xyz", salt=b"salt")
    with _gsasl(name, "--client", f"--password={password}") as peer:
        challenge = server.step(_hear(peer))
        assert isinstance(challenge, sasl.Challenge)
        _say(peer, challenge.data)
        outcome = server.step(_hear(peer))
        if isinstance(outcome, sasl.Challenge):
            _say(peer, outcome.data)
            outcome = server.step(b"")
        peer.kill()
    assert isinstance(outcome, sasl.Accepted) is (password == "pencil")


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_gsasl_as_server(name: str) -> None:
    client = sasl.client(name, USER, nonce="abcdefgh")
    with _gsasl(name, "--server", "--password=pencil") as peer:
        _say(peer, client.start() or b"")
        _say(peer, client.respond(_hear(peer)))
        client.respond(_hear(peer))
        peer.kill()
    assert client.complete


@pytest.mark.parametrize("challenge", [b"", b"e=other-error", b"{}", b"Password:"])
@pytest.mark.parametrize("name", sasl.MECHANISMS)
def test_a_server_that_asks_for_ever_is_left(name: str, challenge: bytes) -> None:
    credentials = sasl.Credentials("user", token="t") if name in sasl.TOKEN_MECHANISMS else USER
    client = sasl.client(name, credentials, nonce="abc", binding=BINDING, host="h", port=1)
    client.start()
    with pytest.raises(AuthenticationError):
        for _ in range(4):
            client.respond(challenge)


# Lines


@pytest.mark.parametrize(
    ("initial", "line"),
    [(None, b"AUTH PLAIN\r\n"), (b"", b"AUTH PLAIN =\r\n"), (b"\0a\0b", b"AUTH PLAIN AGEAYg==\r\n")],
)
def test_auth_line(initial: bytes | None, line: bytes) -> None:
    assert auth_line("PLAIN", initial, len(line)) == line


@pytest.mark.parametrize(("response", "line"), [(None, b"*\r\n"), (b"", b"\r\n"), (b"hi", b"aGk=\r\n")])
def test_response_line(response: bytes | None, line: bytes) -> None:
    assert response_line(response, len(line)) == line
    with pytest.raises(DataError):
        response_line(response, len(line) - 1)


@pytest.mark.parametrize("name", ["", "PLAIN\r\nRSET", "A B", "X" * 21])
def test_auth_line_takes_no_other_name(name: str) -> None:
    with pytest.raises(DataError):
        auth_line(name, None, 512)


def test_auth_line_is_bounded() -> None:
    with pytest.raises(DataError):
        auth_line("PLAIN", b"\0a\0b", len(b"AUTH PLAIN AGEAYg==\r\n") - 1)
