"""`blaze send` and `blaze submit` against our own server, scripted ones, and the DNS of a folder."""

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from blaze.core.net.tls import make_certificates
from blaze.core.smtp import Reply, ServerOptions
from blaze.core.smtp.commands import Data, Ehlo, Mail, Rcpt
from blaze.core.smtp.events import Connected, MessageEnd, Request, ServerEvent
from tests.support.smtp_server import Server, scripted, server
from tests.support.socks5 import Socks5

pytestmark = pytest.mark.e2e

MESSAGE = b"From: a@sender.test\nTo: c@one.test\nSubject: x\nMessage-ID: <1@sender.test>\n\nhello\n.dot\n"
WIRE = MESSAGE.replace(b"\n", b"\r\n")


_NOWHERE = {"XDG_CONFIG_HOME": "/nonexistent", "XDG_CACHE_HOME": "/dev/null", "HOME": "/nonexistent"}


def blaze(*args: str, stdin: bytes = MESSAGE, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the program."""
    from os import environ as inherited

    clean = {name: value for name, value in inherited.items() if not name.startswith(("BLAZE_", "SMTP_"))}
    return subprocess.run(
        [sys.executable, "-m", "blaze", *args],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**clean, **_NOWHERE, **environ},
        check=False,
    )


def records(done: "subprocess.CompletedProcess[bytes]") -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


class TLSFiles:
    """A fresh authority with certificates for localhost."""

    def __init__(self, folder: Path, hosts: list[str], now: datetime | None = None) -> None:
        made = make_certificates(hosts, now or datetime.now(UTC))
        self.authority, self.chain, self.key = folder / "ca.pem", folder / "chain.pem", folder / "key.pem"
        self.authority.write_bytes(made.authority)
        self.chain.write_bytes(made.chain)
        self.key.write_bytes(made.key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.chain, self.key)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TLSFiles:
    return TLSFiles(tmp_path_factory.mktemp("tls"), ["localhost", "127.0.0.1"])


def refuse(kind: type, code: int, path: str | None = None) -> Callable[[ServerEvent], Reply | None]:
    """A policy that answers `code` to a command or event of that kind, for that recipient."""

    def policy(event: ServerEvent) -> Reply | None:
        subject = event.command if isinstance(event, Request) else event
        if not isinstance(subject, kind):
            return None
        if path and isinstance(subject, Rcpt) and subject.forward_path != path:
            return None
        return Reply(code, "no", None if code == 552 else f"{code // 100}.1.1")

    return policy


# One server


def test_send_hands_over_the_message_with_crlf_and_reports() -> None:
    with server() as peer:
        done = blaze("send", "--json", "-", peer.endpoint)
    assert done.returncode == 0, done.stderr
    assert [taken.body for taken in peer.messages] == [WIRE]
    (record,) = records(done)
    assert record | {"text": ""} == {
        "schema": "blaze.send/1", "source": "-", "message_id": "1@sender.test", "recipient": "c@one.test",
        "status": "sent", "stage": "data", "code": 250, "enhanced": "2.0.0", "text": "",
        "server": peer.endpoint, "tls": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "without",
    ["", "CHUNKING", "CHUNKING PIPELINING", "PIPELINING", "CHUNKING PIPELINING SIZE 8BITMIME DSN SMTPUTF8"],
)
def test_send_uses_what_the_server_offers(without: str, tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + MESSAGE + b"\n" for _ in range(5)))
    options = ServerOptions(hostname="mx", without=frozenset(without.split()))
    with server(options) as peer:
        done = blaze("send", "-r", "c@one.test", "-r", "d@two.test", str(mbox), peer.endpoint)
    assert done.returncode == 0, done.stderr
    assert [(taken.recipients, taken.body) for taken in peer.messages] == [
        (["c@one.test", "d@two.test"], WIRE)
    ] * 5
    assert len(peer.sessions) == 1


def test_bcc_is_a_recipient_and_never_leaves() -> None:
    message = b"Bcc: h@x.test\n" + MESSAGE.replace(b"Subject", b"bcc : i@x.test,\n j@x.test\nSubject")
    with server() as peer:
        assert blaze("send", "-", peer.endpoint, stdin=message).returncode == 0
    assert peer.messages[0].recipients == ["c@one.test", "h@x.test", "i@x.test", "j@x.test"]
    assert peer.messages[0].body == WIRE


@pytest.mark.parametrize(
    ("policy", "code", "statuses"),
    [
        (refuse(Rcpt, 550, "c@one.test"), 67, ["refused", "sent"]),
        (refuse(Rcpt, 450, "c@one.test"), 75, ["deferred", "sent"]),
        (refuse(Rcpt, 550), 67, ["refused", "refused"]),
        (refuse(Mail, 550), 69, ["refused", "refused"]),
        (refuse(Mail, 421), 75, ["deferred", "deferred"]),
        (refuse(Data, 554), 69, ["refused", "refused"]),
        (refuse(MessageEnd, 552), 69, ["refused", "refused"]),
        (refuse(MessageEnd, 451), 75, ["deferred", "deferred"]),
        (refuse(Connected, 554), 69, ["refused", "refused"]),
        (refuse(Connected, 421), 75, ["deferred", "deferred"]),
        (refuse(Ehlo, 421), 75, ["deferred", "deferred"]),
    ],
)
@pytest.mark.parametrize("without", ["CHUNKING", "CHUNKING PIPELINING"])
def test_refusals_are_told_for_each_recipient(
    policy: Any, code: int, statuses: list[str], without: str
) -> None:
    with server(ServerOptions(without=frozenset(without.split())), policy) as peer:
        done = blaze("send", "--json", "-r", "c@one.test", "-r", "d@two.test", "-", peer.endpoint)
    assert done.returncode == code
    assert [record["status"] for record in records(done)] == statuses
    assert len(peer.messages) == statuses.count("sent")


@pytest.mark.parametrize(
    ("policy", "stages"),
    [
        (None, ["data", "data"]),
        (refuse(Connected, 554), ["connect", "connect"]),
        (refuse(Ehlo, 421), ["ehlo", "ehlo"]),
        (refuse(Mail, 550), ["mail", "mail"]),
        (refuse(Rcpt, 550, "c@one.test"), ["rcpt", "data"]),
        (refuse(MessageEnd, 451), ["data", "data"]),
    ],
)
def test_the_stage_is_told(policy: Any, stages: list[str]) -> None:
    with server(None, policy) as peer:
        done = blaze("send", "--json", "-r", "c@one.test", "-r", "d@two.test", "-", peer.endpoint)
    assert [record["stage"] for record in records(done)] == stages


def test_a_reply_of_several_lines_is_told_on_one() -> None:
    def policy(event: ServerEvent) -> Reply | None:
        is_rcpt = isinstance(event, Request) and isinstance(event.command, Rcpt)
        return Reply(550, "no such user\nsee http://mx.test/help", "5.1.1") if is_rcpt else None

    with server(None, policy) as peer:
        done = blaze("send", "-", peer.endpoint)
    told = f"RCPT refused: 550 5.1.1 no such user see http://mx.test/help: c@one.test at {peer.endpoint}"
    assert done.stderr.decode() == f"blaze send: {told}\n"


def test_a_refused_ehlo_is_followed_by_helo() -> None:
    with server(None, refuse(Ehlo, 502)) as peer:
        assert blaze("send", "-", peer.endpoint).returncode == 0
    assert peer.messages[0].body == WIRE


def test_recipients_over_the_limit_follow_in_another_transaction() -> None:
    options = [part for number in range(7) for part in ("-r", f"r{number}@x.test")]
    for without in ("LIMITS", ""):
        with server(ServerOptions(max_recipients=3, without=frozenset({without}))) as peer:
            assert blaze("send", *options, "-", peer.endpoint).returncode == 0
        assert [len(taken.recipients) for taken in peer.messages] == [3, 3, 1]


@pytest.mark.parametrize("reply", [Reply(552, "too many recipients"), Reply(452, "too many", "4.5.3")])
def test_recipients_that_were_too_many_follow(reply: Reply) -> None:
    replies = iter([None, None, reply, reply])

    def policy(event: ServerEvent) -> Reply | None:
        return next(replies, None) if isinstance(event, Request) and isinstance(event.command, Rcpt) else None

    named = [word for name in "abcd" for word in ("-r", f"{name}@x.test")]
    with server(None, policy) as peer:
        assert blaze("send", *named, "-", peer.endpoint).returncode == 0
    assert [len(taken.recipients) for taken in peer.messages] == [2, 2]


def test_a_full_mailbox_is_refused_for_good() -> None:
    with server(None, refuse(Rcpt, 552, "c@one.test")) as peer:
        done = blaze("send", "--json", "-r", "c@one.test", "-r", "d@one.test", "-", peer.endpoint)
    assert done.returncode == 67
    assert [record["status"] for record in records(done)] == ["refused", "sent"]
    assert len(peer.messages) == 1


def test_mailmax_makes_a_new_connection(tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + MESSAGE + b"\n" for _ in range(5)))
    with server(ServerOptions(max_messages=2)) as peer:
        assert blaze("send", str(mbox), peer.endpoint).returncode == 0
    assert (len(peer.messages), len(peer.sessions)) == (5, 3)


def test_a_message_over_the_servers_size_is_not_sent() -> None:
    with server(ServerOptions(max_size=10)) as peer:
        done = blaze("send", "--json", "-", peer.endpoint)
    assert done.returncode == 69
    assert records(done)[0]["enhanced"] == "5.3.4"
    assert not peer.messages


# What must be re-encoded


EIGHT_BIT = "Subject: x\nContent-Type: text/plain; charset=utf-8\n\nüber\n".encode()


def _decoded(body: bytes) -> str:
    from email import message_from_bytes

    parsed = message_from_bytes(body)
    payload = parsed.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def test_eight_bit_bodies_go_as_they_are_to_8bitmime() -> None:
    with server() as peer:
        assert (
            blaze("send", "-s", "a@b.test", "-r", "c@d.test", "-", peer.endpoint, stdin=EIGHT_BIT).returncode
            == 0
        )
    assert peer.messages[0].body == EIGHT_BIT.replace(b"\n", b"\r\n")
    assert peer.messages[0].parameters["BODY"] == "8BITMIME"


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (EIGHT_BIT, "über\r\n"),
        (b"Subject: x\n\none\rtwo\n", "one\rtwo\r\n"),
        (b"Subject: x\n\n" + b"y" * 2000 + b"\n", "y" * 2000 + "\r\n"),
    ],
)
def test_unfit_bodies_are_re_encoded(message: bytes, text: str) -> None:
    args = ("-s", "a@b.test", "-r", "c@d.test", "-")
    with server(ServerOptions(without=frozenset({"8BITMIME", "SMTPUTF8"}))) as peer:
        done = blaze("send", *args, peer.endpoint, stdin=message)
        refused = blaze("send", "--no-downgrade", *args, peer.endpoint, stdin=message)
    assert done.returncode == 0, done.stderr
    assert refused.returncode == 65
    (taken,) = peer.messages
    assert taken.body.isascii()
    assert max(map(len, taken.body.split(b"\r\n"))) <= 998
    assert b"\r" not in taken.body.replace(b"\r\n", b"")
    assert _decoded(taken.body) == text


@pytest.mark.parametrize(
    ("recipient", "without", "code", "sent_to"),
    [
        ("c@bücher.test", "", 0, "c@xn--bcher-kva.test"),
        ("c@bücher.test", "SMTPUTF8", 0, "c@xn--bcher-kva.test"),
        ("ü@bücher.test", "", 0, "ü@xn--bcher-kva.test"),
        ("ü@bücher.test", "SMTPUTF8", 69, None),
    ],
)
def test_smtputf8_only_when_needed(recipient: str, without: str, code: int, sent_to: str | None) -> None:
    with server(ServerOptions(without=frozenset({without}))) as peer:
        assert blaze("send", "-r", recipient, "-", peer.endpoint).returncode == code
    if sent_to:
        assert peer.messages[0].recipients == [sent_to]
        assert ("SMTPUTF8" in peer.messages[0].parameters) is not sent_to.isascii()


def test_a_signature_that_breaks_is_told() -> None:
    signed = b"DKIM-Signature: v=1\n" + EIGHT_BIT
    args = ("-s", "a@b.test", "-r", "c@d.test", "-")
    with server(ServerOptions(without=frozenset({"8BITMIME"}))) as peer:
        assert b"breaks its signature" in blaze("send", *args, peer.endpoint, stdin=signed).stderr
        assert b"signature" not in blaze("send", *args, peer.endpoint, stdin=EIGHT_BIT).stderr


@pytest.mark.parametrize("without", ["", "PIPELINING", "CHUNKING"])
def test_a_message_of_no_octets(without: str) -> None:
    with server(ServerOptions(without=frozenset({without}))) as peer:
        done = blaze("send", "-s", "<>", "-r", "c@one.test", "-", peer.endpoint, stdin=b"")
    assert done.returncode == 0, done.stderr
    assert [(taken.sender, taken.body) for taken in peer.messages] == [("", b"")]


def test_a_recipient_of_the_header_is_one_whatever_the_case_of_its_domain() -> None:
    message = MESSAGE.replace(b"c@one.test", b"c@One.test, C@one.test\nCc: c@ONE.test, c@one.test")
    with server() as peer:
        assert blaze("send", "-", peer.endpoint, stdin=message).returncode == 0
    assert [taken.recipients for taken in peer.messages] == [["c@One.test", "C@one.test"]]


def test_what_is_no_address_among_the_recipients_is_told() -> None:
    message = MESSAGE.replace(b"c@one.test", b"c@one.test, bob, Team: ann@, d@one.test;")
    with server() as peer:
        done = blaze("send", "-", peer.endpoint, stdin=message)
    assert done.returncode == 0
    assert [taken.recipients for taken in peer.messages] == [["c@one.test", "d@one.test"]]
    assert done.stderr.splitlines() == [
        b"warning: no address, and left out: bob: -",
        b"warning: no address, and left out: ann@: -",
    ]


def test_a_name_without_a_domain_is_no_sender() -> None:
    done = blaze("send", "-", "-", stdin=MESSAGE.replace(b"a@sender.test", b"root"))
    assert done.returncode == 65
    assert b"no sender" in done.stderr


def test_a_message_without_a_sender_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"To: c@one.test\n\nx\n")
    with server() as peer:
        done = blaze("send", str(tmp_path / "a.eml"), peer.endpoint)
    assert done.returncode == 65
    assert b"no sender: %b/a.eml\n" % bytes(tmp_path) in done.stderr


@pytest.mark.parametrize(("name", "code"), [("./second.eml", 2), ("second.eml", 68), (".", 68), ("./", 2)])
def test_a_second_message_is_no_server(name: str, code: int, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("second.eml").write_bytes(MESSAGE)
    done = blaze("send", "--offline", "-", name)
    assert done.returncode == code
    assert b"To send several messages" in done.stderr


def test_dsn_is_asked_for() -> None:
    args = ("--notify", "success,failure", "--ret", "hdrs", "--envid", "a+b")
    with server() as peer:
        assert blaze("send", *args, "-", peer.endpoint).returncode == 0
    assert peer.messages[0].parameters["ENVID"] == "a+2Bb"
    assert peer.messages[0].parameters["RET"] == "HDRS"


def test_a_server_without_dsn_is_told_of_once(tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + MESSAGE + b"\n" for _ in range(2)))
    with server(ServerOptions(without=frozenset({"DSN"}))) as peer:
        done = blaze("send", "--notify", "success", str(mbox), peer.endpoint)
    assert (done.returncode, len(peer.messages)) == (0, 2)
    assert done.stderr.count(b"warning: the server offers no DSN") == 1


@pytest.mark.parametrize(
    "args",
    [
        ("-r", "a@b\r\nRCPT TO:<x@y>"),
        ("-r", "a@b\0"),
        ("-s", "a@b>\nDATA"),
        ("-h", "x\r\nQUIT"),
        ("--notify", "never,success"),
        ("--envid", "a\r\nb"),
        ("--envid", "ü"),
        ("--envid", "+" * 34),
        ("-4", "-6"),
    ],
)
def test_what_is_no_address_or_name_is_wrong_usage(args: tuple[str, ...]) -> None:
    if any("\0" in arg for arg in args):
        pytest.skip("no program can be called with a NUL")
    assert blaze("send", *args, "-", "-").returncode == 2


@pytest.mark.parametrize(
    "args",
    [
        ("--tls", "none", "--tls-verify"),
        ("--tls", "none", "--pin", f"sha256:{'0' * 64}"),
        ("--tls", "none", "--tls-cert", "cert.pem"),
        ("--tls-key", "key.pem"),
        ("--tls-verify", "--insecure"),
        ("--require-tls", "--insecure"),
        ("--require-tls", "--tls", "none"),
        ("--insecure", "--pin", f"sha256:{'0' * 64}"),
        ("--pin", "sha256:00"),
        ("-4", "-6"),
        ("-4", "--bind", "::1"),
        ("--bind", "localhost"),
        ("--proxy", "socks5://127.0.0.1:1", "--bind", "127.0.0.1"),
        ("--proxy", "socks5://127.0.0.1:1", "-6"),
    ],
)
@pytest.mark.parametrize("command", ["send", "submit"])
def test_options_that_contradict_each_other_are_wrong_usage(command: str, args: tuple[str, ...]) -> None:
    with server() as peer:
        done = blaze(command, *args, "-", peer.endpoint)
    assert done.returncode == 2, done.stderr
    assert not peer.messages


@pytest.mark.parametrize("args", [("", ""), ("--socket", "/nowhere", "", "localhost:1")])
def test_an_empty_or_second_server_is_wrong_usage(args: tuple[str, ...]) -> None:
    *options, _, mx = args
    assert blaze("send", *options, "-", mx).returncode == 2


def test_an_address_that_is_not_ours_to_connect_from() -> None:
    with server() as peer:
        done = blaze("send", "--bind", "192.0.2.1", "-", peer.endpoint)
    assert done.returncode == 69
    assert done.stderr == b"blaze send: no connection can be made from that address: 192.0.2.1\n"


def test_an_injected_address_in_the_header_is_refused_before_a_byte() -> None:
    with server() as peer:
        done = blaze("send", "-s", "a@b", "-", peer.endpoint, stdin=b'To: "a\\\r\n b"@c.test\n\nx\n')
    assert done.returncode in (0, 65)
    assert all("\n" not in path for taken in peer.messages for path in taken.recipients)


def test_quit_after_sends_nothing() -> None:
    for stage in ("connect", "helo", "tls", "auth", "mail", "rcpt"):
        with server() as peer:
            assert blaze("send", "--quit-after", stage, "-", peer.endpoint).returncode == 0
        assert not peer.messages
        assert peer.sessions


@pytest.mark.parametrize(
    ("stage", "last"),
    [("helo", b"EHLO "), ("auth", b"AUTH PLAIN ****"), ("mail", b"MAIL FROM:"), ("rcpt", b"RCPT TO:")],
)
def test_a_dry_run_ends_after_a_stage(stage: str, last: bytes) -> None:
    done = blaze("submit", "-u", "user", "--quit-after", stage, "-", "-")
    assert done.returncode == 0, done.stderr
    *_, before, end = done.stdout.splitlines()
    assert before.startswith(last)
    assert end == b"QUIT"


def test_a_dry_run_has_a_transcript(tmp_path: Path) -> None:
    record = tmp_path / "t"
    shown = blaze("submit", "-u", "user", "--transcript", str(record), "-", "-").stdout
    text = record.read_bytes()
    marked = {line[29:] for line in text.splitlines() if line[25:29] == b" -> "}
    assert {b"AUTH PLAIN ****", b"[%d octets of message]" % len(WIRE + b"..\r\n"), b"QUIT"} <= marked
    assert b"AUTH PLAIN ****\n" in shown
    assert b"<-  250" in text


@pytest.mark.parametrize("args", [("--json",), ("--transcript", "-")])
def test_nothing_shares_standard_output_with_a_dry_run(args: tuple[str, ...]) -> None:
    done = blaze("send", *args, "-", "-")
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize("args", [("-4",), ("--bind", "127.0.0.1"), ("--proxy", "socks5://127.0.0.1:1")])
def test_options_of_an_address_are_not_for_a_socket(args: tuple[str, ...]) -> None:
    assert blaze("send", *args, "--socket", "/nowhere", "-").returncode == 2


def test_quit_after_asks_about_the_message_at_hand() -> None:
    with server(ServerOptions(max_size=10)) as peer:
        done = blaze("send", "--quit-after", "mail", "-", peer.endpoint)
    assert done.returncode == 69
    assert b"over the server's limit" in done.stderr


def test_what_a_server_refuses_is_named_by_its_place_in_a_store(tmp_path: Path) -> None:
    mbox = tmp_path / "out"
    mbox.write_bytes(b"From a@b Thu Jan  1 00:00:00 1970\n%b\n" % MESSAGE * 2)
    with server(None, refuse(Rcpt, 550, "c@one.test")) as peer:
        done = blaze("send", str(mbox), peer.endpoint)
    assert done.returncode == 67
    lines = done.stderr.decode().splitlines()
    assert [line.rpartition(": ")[2] for line in lines if "c@one" in line] == [
        f"{mbox}#{number}, c@one.test at {peer.endpoint}" for number in (1, 2)
    ]


def test_transcript_has_the_marks_and_no_secrets(tmp_path: Path) -> None:
    record = tmp_path / "t"
    options = ServerOptions(mechanisms=("PLAIN",), clear_text_auth=True)
    with server(options) as peer:
        done = blaze("submit", "--insecure", "-u", "user", "--transcript", str(record), "-", peer.endpoint,
                     BLAZE_PASSWORD="pencil")  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = record.read_text()
    assert " -> EHLO" in text
    assert "<-  235" in text
    assert " -> AUTH PLAIN ****" in text
    assert "cGVuY2ls" not in text
    assert "AHVzZXIA" not in text


# Hostile and broken servers


@pytest.mark.parametrize(
    ("turns", "code"),
    [
        ((b"SSH-2.0-OpenSSH_9\r\n",), 76),
        ((b"220 " + b"a" * 100_000,), 76),
        ((b"220-a\r\n" * 10_000,), 76),
        ((b"220 mx\r\n", b"250 mx\n"), 76),
        ((b"220 mx\r\n", b"250 mx\r\n250 more\r\n"), 76),
        ((b"220 mx\r\n", b"250 mx\r\n", b"354 go\r\n"), 76),
        ((b"",), 75),
        ((b"220 mx\r\n",), 75),
        ((b"220 mx\r\n", b"250 mx\r\n"), 75),
        ((b"220 mx\r\n", b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"), 75),
        ((b"220 mx\r\n", b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"250 ok"), 75),
        ((b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"220 go\r\n250 injected\r\n"), 76),
        ((None,), 75),
        ((b"220 mx\r\n", None), 75),
    ],
)
def test_broken_servers_end_with_the_right_status(turns: tuple[bytes | None, ...], code: int) -> None:
    with scripted(*turns) as port:
        done = blaze("send", "--json", "--timeout", "1s", "-", f"127.0.0.1:{port}")
    assert done.returncode == code, done.stderr
    (record,) = records(done)
    assert record["stage"] is None or record["code"]
    assert record["status"] == ("deferred" if code == 75 else "refused")
    assert code != 76 or record["text"].startswith("the server breaks the protocol: ")
    assert code != 76 or record["text"].endswith(f": 127.0.0.1:{port}")


def test_the_transcript_says_what_broke_the_session_off() -> None:
    with scripted(b"220 hi\r\n", b"250 mx\r\n", b"250 ok\r\n", b"25") as port:
        done = blaze("send", "--transcript", "-", "-", f"127.0.0.1:{port}")
    *_, said, failed = done.stdout.splitlines()
    assert said.endswith(b" <-  25")
    assert failed.endswith(b" *** the server closed the connection: 127.0.0.1:%d" % port)


def test_an_octet_a_moment_is_timed_out() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        try:
            for _ in range(100):
                connection.sendall(b"2")
                time.sleep(0.2)
        except OSError:
            connection.close()

    threading.Thread(target=drip, daemon=True).start()
    started = time.monotonic()
    done = blaze("send", "--timeout", "1s", "-", f"127.0.0.1:{listener.getsockname()[1]}")
    listener.close()
    assert done.returncode == 75
    assert time.monotonic() - started < 10


def test_nobody_listens() -> None:
    with scripted(b"") as port:
        pass
    done = blaze("send", "-", f"127.0.0.1:{port}")
    assert done.returncode == 75
    assert b"refused" in done.stderr


def test_unix_socket_and_lmtp(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    with server(ServerOptions(lmtp=True), refuse(Rcpt, 550, "c@one.test")) as peer:
        peer.close()
        peer._listener = listener

        threading.Thread(target=peer._listen, daemon=True).start()
        done = blaze(
            "send", "--json", "--lmtp", "-r", "c@one.test", "-r", "d@x.test", "-r", "e@x.test", "-", str(path)
        )
        assert done.returncode == 67, done.stderr
        assert {record["recipient"]: record["status"] for record in records(done)} == {
            "c@one.test": "refused", "d@x.test": "sent", "e@x.test": "sent",
        }  # fmt: skip


# TLS


def test_opportunistic_tls_says_when_the_certificate_does_not_hold(tls: TLSFiles) -> None:
    with server(ServerOptions(starttls=True), context=tls.context) as peer:
        done = blaze("send", "--json", "-", peer.endpoint)
    assert done.returncode == 0
    assert b"authority is not trusted" in done.stderr
    assert records(done)[0]["tls"] == "TLSv1.3"
    assert peer.messages


def test_tls_verify_insists(tls: TLSFiles) -> None:
    with server(ServerOptions(starttls=True), context=tls.context) as peer:
        refused = blaze("send", "--tls-verify", "-", peer.endpoint)
        taken = blaze("send", "--tls-verify", "--cafile", str(tls.authority), "-", peer.endpoint)
    assert (refused.returncode, taken.returncode) == (76, 0)
    assert len(peer.messages) == 1


def test_require_tls_is_asked_of_the_server(tls: TLSFiles) -> None:
    args = ("send", "--require-tls", "--cafile", str(tls.authority), "-")
    with server(ServerOptions(starttls=True), context=tls.context) as peer:
        assert blaze(*args, peer.endpoint).returncode == 0
    assert "REQUIRETLS" in peer.messages[0].parameters
    without = ServerOptions(starttls=True, without=frozenset({"REQUIRETLS"}))
    with server(without, context=tls.context) as peer:
        assert blaze(*args, peer.endpoint).returncode == 69
    with server() as peer:
        assert blaze(*args, peer.endpoint).returncode == 76


def test_the_transcript_may_go_to_standard_output() -> None:
    with server() as peer:
        shown = blaze("send", "--transcript", "-", "-", peer.endpoint)
        refused = blaze("send", "--json", "--transcript", "-", "-", peer.endpoint)
    assert b" -> QUIT\n" in shown.stdout
    assert refused.returncode == 2
    assert len(peer.messages) == 1


def test_much_is_said_where_much_is_asked_for() -> None:
    with server() as peer:
        done = blaze("send", "-vv", "-", peer.endpoint)
        probed = blaze("send", "-v", "--quit-after", "rcpt", "-", peer.endpoint)
    assert b" -> EHLO " in done.stderr
    assert b"sent to c@one.test" in done.stderr
    assert probed.stderr.endswith(b"nothing is wrong up to rcpt: %s\n" % peer.endpoint.encode())
    assert len(peer.messages) == 1


def test_a_key_that_others_can_read_is_told(tls: TLSFiles) -> None:
    with server(ServerOptions(starttls=True), context=tls.context) as peer:
        args = ("--cafile", str(tls.authority), "--tls-cert", str(tls.chain), "--tls-key", str(tls.key))
        for mode, told in ((0o644, True), (0o600, False)):
            tls.key.chmod(mode)
            done = blaze("send", *args, "-", f"localhost:{peer.port}")
            assert done.returncode == 0, done.stderr
            assert (b"chmod 600" in done.stderr) is told


def test_in_clear_through_a_proxy_is_told() -> None:
    pytest.importorskip("python_socks")
    with server() as peer:
        proxy = Socks5(peer.port)
        proxy.start()
        done = blaze("send", "--proxy", f"socks5://127.0.0.1:{proxy.port}", "-", "mx.nowhere.test:25")
    assert done.returncode == 0
    assert b"the message goes in clear" in done.stderr


def test_through_a_proxy_that_knows_the_name() -> None:
    pytest.importorskip("python_socks")
    with server() as peer:
        proxy = Socks5(peer.port)
        proxy.start()
        url = f"socks5://127.0.0.1:{proxy.port}"
        done = blaze("send", "--offline", "--proxy", url, "-", "mx.nowhere.test:25")
    assert done.returncode == 0, done.stderr
    assert proxy.asked == b"mx.nowhere.test"
    assert peer.messages


def test_stripped_starttls_is_found_out() -> None:
    with server() as peer:
        assert blaze("send", "--tls-verify", "-", peer.endpoint).returncode == 76
        assert blaze("submit", "-", peer.endpoint).returncode == 76
    assert not peer.messages


def _digest(tls: TLSFiles) -> str:
    import hashlib

    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(tls.chain.read_text().split("-----END CERTIFICATE-----")[0]
                                                   + "-----END CERTIFICATE-----\n")).hexdigest()  # fmt: skip


def test_pin(tls: TLSFiles) -> None:
    with server(ServerOptions(starttls=True), context=tls.context) as peer:
        assert blaze("send", "--pin", f"sha256:{_digest(tls)}", "-", peer.endpoint).returncode == 0
        done = blaze("send", "--pin", "sha256:" + "0" * 64, "-", peer.endpoint)
    assert done.returncode == 76
    assert b"pinned" in done.stderr


@pytest.mark.parametrize(
    ("hosts", "age", "reason"),
    [
        (["other.test"], 0, b"another name"),
        (["localhost"], 100, b"expired"),
        (["localhost"], -100, b"not valid yet"),
    ],
)
def test_certificates_that_do_not_hold_say_why(
    hosts: list[str], age: int, reason: bytes, tmp_path: Path
) -> None:
    files = TLSFiles(tmp_path, hosts, datetime.now(UTC) - timedelta(days=age))
    with server(context=files.context, implicit=True) as peer:
        done = blaze("submit", "--cafile", str(files.authority), "-", f"smtps://localhost:{peer.port}")
    assert done.returncode == 76
    assert reason in done.stderr


def test_a_server_without_tls_on_the_tls_port() -> None:
    with server() as peer:
        done = blaze("submit", "--timeout", "2s", "-", f"smtps://localhost:{peer.port}")
    assert done.returncode == 76
    assert b"try --tls starttls" in done.stderr


# Logging in

ALL = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN")


@pytest.mark.parametrize("mechanism", [*ALL, None])
def test_submit_logs_in(mechanism: str | None, tls: TLSFiles) -> None:
    context = tls.context
    if mechanism and mechanism.endswith("-PLUS"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.chain, tls.key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    named = ("--auth", mechanism) if mechanism else ()
    options = ServerOptions(starttls=True, mechanisms=ALL, require_auth=True)
    with server(options, context=context) as peer:
        args = ("submit", "-v", "--cafile", str(tls.authority), *named, "-u", "user")
        done = blaze(*args, "-", f"localhost:{peer.port}", BLAZE_PASSWORD="pencil")
        wrong = blaze(*args, "-", f"localhost:{peer.port}", BLAZE_PASSWORD="wrong")
    assert done.returncode == 0, done.stderr
    assert f"logged in by {mechanism or 'SCRAM-SHA-256'}".encode() in done.stderr
    assert wrong.returncode == 77
    assert b"wrong" not in wrong.stderr
    assert len(peer.messages) == 1


def test_tokens_and_the_providers_reason(tls: TLSFiles) -> None:
    for mechanism in ("OAUTHBEARER", "XOAUTH2"):
        options = ServerOptions(starttls=True, mechanisms=(mechanism,))
        with server(options, context=tls.context) as peer:
            args = ("submit", "--cafile", str(tls.authority), "-u", "user", "-", f"localhost:{peer.port}")
            done = blaze(*args, "--token-command", "echo t0ken")
            long = blaze(*args, "--token-command", f"echo {'t' * 2000}")
        assert done.returncode == 0, done.stderr
        assert long.returncode == 77
        assert b"status: invalid_token" in long.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--password-command", "echo p", "--auth", "cram-md5"), b"the server does not offer CRAM-MD5"),
        (("--token-command", "echo t", "--auth", "plain"), b"PLAIN needs a password"),
        (("--token-command", "echo t", "--auth", "scram-sha-1"), b"SCRAM-SHA-1 needs a password"),
    ],
)
def test_a_mechanism_gets_what_it_needs_or_nothing(args: tuple[str, ...], told: bytes, tls: TLSFiles) -> None:
    options = ServerOptions(starttls=True, mechanisms=("PLAIN", "SCRAM-SHA-1"))
    with server(options, context=tls.context) as peer:
        trust = ("--cafile", str(tls.authority))
        done = blaze("submit", "-u", "user", *args, *trust, "-", f"localhost:{peer.port}")
    assert done.returncode == 77
    assert told in done.stderr


@pytest.mark.parametrize("args", [("--password-command", "echo p"), ("--auth", "plain")])
def test_a_log_in_needs_a_name(args: tuple[str, ...], tls: TLSFiles) -> None:
    with server(ServerOptions(starttls=True, mechanisms=("PLAIN",)), context=tls.context) as peer:
        done = blaze("submit", *args, "--cafile", str(tls.authority), "-", f"localhost:{peer.port}")
    assert done.returncode == 78
    assert done.stderr.startswith(b"blaze submit: nobody to log in as: localhost\n")
    assert not peer.messages


def test_a_server_that_wants_a_log_in() -> None:
    options = ServerOptions(mechanisms=("PLAIN",), clear_text_auth=True, require_auth=True)
    with server(options) as peer:
        done = blaze("send", "-", peer.endpoint)
    assert done.returncode == 69
    assert done.stderr.endswith(b"\nThe server wants a log-in: submit -u USER.\n")


def test_no_password_in_clear() -> None:
    with server(ServerOptions(mechanisms=("PLAIN",), clear_text_auth=True)) as peer:
        args = ("submit", "-u", "user", "-", peer.endpoint)
        assert blaze(*args, BLAZE_PASSWORD="pencil").returncode == 76
        assert blaze(*args, "--tls", "none", BLAZE_PASSWORD="pencil").returncode == 2
        done = blaze(*args, "--insecure", BLAZE_PASSWORD="pencil")
    assert done.returncode == 0
    assert b"in clear" in done.stderr
    assert len(peer.messages) == 1


def test_secrets_by_file_command_and_netrc(tls: TLSFiles, tmp_path: Path) -> None:
    secret, netrc = tmp_path / "secret", tmp_path / ".netrc"
    secret.write_text("pencil\n")
    netrc.write_text("machine localhost login user password pencil\n")
    options = ServerOptions(starttls=True, mechanisms=("PLAIN",), require_auth=True)
    with server(options, context=tls.context) as peer:
        args = ("submit", "--cafile", str(tls.authority), "-", f"localhost:{peer.port}")
        for path in (secret, netrc):
            path.chmod(0o644)
        assert blaze(*args, "-u", "user", "--password-file", str(secret)).returncode == 78
        assert blaze(*args, HOME=str(tmp_path)).returncode == 78
        for path in (secret, netrc):
            path.chmod(0o600)
        assert blaze(*args, "-u", "user", "--password-file", str(secret)).returncode == 0
        assert blaze(*args, "-u", "user", "--password-command", f"cat {secret}").returncode == 0
        assert blaze(*args, HOME=str(tmp_path)).returncode == 0
        assert blaze(*args, "-u", "user").returncode == 77
        warned = blaze(*args, "-u", "user", "-p", "pencil")
        url = f"submission://user:pen%63il@localhost:{peer.port}"
        assert blaze(*args[:-1], SMTP_URL=url).returncode == 0
        assert blaze(*args[:-1], MAIL_URL=url).returncode == 0
        exposed = blaze(*args[:-1], url)
    assert b"visible to other users" in warned.stderr
    assert exposed.returncode == 2
    assert b"pencil" not in exposed.stderr
    assert b"%63" not in exposed.stderr
    assert len(peer.messages) == 6


def test_submit_through_an_account(tls: TLSFiles, tmp_path: Path) -> None:
    config = tmp_path / "blaze" / "config.toml"
    config.parent.mkdir()
    options = ServerOptions(starttls=True, mechanisms=("PLAIN",), require_auth=True)
    with server(options, context=tls.context) as peer:
        config.write_text(
            f'[account.work]\nhost = "localhost"\nport = {peer.port}\nuser = "user"\nfrom = "me@work.test"\n'
            f'password-command = "echo pencil"\n[submit]\ncafile = "{tls.authority}"\n'
        )
        done = blaze("submit", XDG_CONFIG_HOME=str(tmp_path))
        unknown = blaze("submit", "--account", "home", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert peer.messages[0].sender == "me@work.test"
    assert unknown.returncode == 78


# Mail exchangers


@pytest.fixture
def zone(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "zone"
    folder.mkdir()
    for name, text in {
        "one.test": "mx:mx1.one.test:10 mx2.one.test:20",
        "mx1.one.test": "a:127.0.0.1",
        "mx2.one.test": "a:127.0.0.2",
        "two.test": "a:127.0.0.2\nnodata mx",
        "null.test": "mx:.:0",
        "down.test": "servfail mx",
        "lame.test": "mx:nowhere.lame.test:10",
        "cname.test": "cname:one.test",
    }.items():
        (folder / f"{name}.dns").write_text(text + "\n")
    return folder


class TwoHosts:
    """Servers on 127.0.0.1 and 127.0.0.2 with one port."""

    def __init__(self, first: Server | None, second: Server | None, port: int) -> None:
        self.first, self.second, self.port = first, second, port


def _send_by_mx(zone: Path, port: int, *args: str) -> "subprocess.CompletedProcess[bytes]":
    return blaze("send", "--json", "--offline", "--dns-static", str(zone), "--port", str(port), *args, "-")


def test_mx_hosts_are_tried_in_order_and_domains_grouped(zone: Path) -> None:
    with server() as first, server(address="127.0.0.2", port=first.port) as second:
        done = _send_by_mx(
            zone, first.port, "-r", "a@one.test", "-r", "b@two.test", "-r", "c@ONE.test", "-r", "d@cname.test"
        )
    assert done.returncode == 0, done.stderr
    assert [taken.recipients for taken in first.messages] == [["a@one.test", "c@ONE.test"], ["d@cname.test"]]
    assert [taken.recipients for taken in second.messages] == [["b@two.test"]]
    assert len(first.sessions) == 1


def test_the_next_host_follows_a_temporary_failure(zone: Path) -> None:
    with server(None, refuse(Rcpt, 451)) as first, server(address="127.0.0.2", port=first.port) as second:
        assert _send_by_mx(zone, first.port, "-r", "a@one.test").returncode == 0
        assert (len(first.messages), len(second.messages)) == (0, 1)
    with server(address="127.0.0.2") as second:
        done = _send_by_mx(zone, second.port, "-vv", "-r", "a@one.test")
    assert done.returncode == 0
    refused = b"connection refused: mx1.one.test port %d" % second.port
    assert b"*** " + refused in done.stderr
    assert refused + b"; trying mx2.one.test" in done.stderr


@pytest.mark.parametrize(("size", "code", "taken"), [(100, 75, 0), (1 << 23, 0, 1)])
def test_the_next_host_follows_only_where_the_first_cannot_have_the_message(
    size: int, code: int, taken: int, zone: Path
) -> None:
    turns = (b"220 hi\r\n", b"250 mx\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
    with scripted(*turns) as port, server(address="127.0.0.2", port=port) as second:
        args = ("--offline", "--dns-static", str(zone), "--port", str(port), "-r", "a@one.test")
        done = blaze("send", *args, "-", stdin=MESSAGE + (b"y" * 70 + b"\n") * (size // 71))
    assert (done.returncode, len(second.messages)) == (code, taken), done.stderr
    assert (b"it may arrive twice" in done.stderr) is (taken == 0)


def test_a_probe_goes_on_to_the_next_host_and_asks_for_its_domain(zone: Path) -> None:
    with server(address="127.0.0.2") as second:
        args = ("-v", "--quit-after", "rcpt", "-r", "a@one.test", "-r", "b@null.test", "-r", "c@ONE.test")
        done = _send_by_mx(zone, second.port, *args)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith(b"nothing is wrong up to rcpt: mx2.one.test:%d\n" % second.port)
    assert not second.messages
    assert _send_by_mx(zone, second.port, *args).returncode == 75
    assert _send_by_mx(zone, second.port, "--quit-after", "rcpt", "-r", "a@lame.test").returncode == 68


@pytest.mark.parametrize("code", [421, 554])
def test_a_probe_goes_on_after_a_greeting_that_refuses(zone: Path, code: int) -> None:
    with (
        server(None, refuse(Connected, code)) as first,
        server(address="127.0.0.2", port=first.port) as second,
    ):
        done = _send_by_mx(zone, first.port, "--quit-after", "rcpt", "-r", "a@one.test")
    assert done.returncode == 0, done.stderr
    assert second.sessions


def test_the_next_host_does_not_follow_a_definite_refusal(zone: Path) -> None:
    with server(None, refuse(Rcpt, 550)) as first, server(address="127.0.0.2", port=first.port) as second:
        assert _send_by_mx(zone, first.port, "-r", "a@one.test").returncode == 67
    assert not second.sessions


@pytest.mark.parametrize(
    ("recipient", "code", "status"),
    [
        ("a@null.test", 69, "refused"),
        ("a@unknown.test", 68, "refused"),
        ("a@down.test", 75, "deferred"),
        ("a@lame.test", 68, "refused"),
    ],
)
def test_domains_that_take_no_mail(zone: Path, recipient: str, code: int, status: str) -> None:
    done = _send_by_mx(zone, 1, "-r", recipient)
    assert done.returncode == code, done.stderr
    assert [record["status"] for record in records(done)] == [status]


def test_the_worst_outcome_is_the_exit_status(zone: Path) -> None:
    with server() as first:
        done = _send_by_mx(zone, first.port, "-r", "a@one.test", "-r", "b@null.test", "-r", "c@down.test")
    assert done.returncode == 69
    assert {record["recipient"]: record["status"] for record in records(done)} == {
        "a@one.test": "sent", "b@null.test": "refused", "c@down.test": "deferred",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("message", "args", "told"),
    [
        (b"Subject: x\n\nhell\xc3\xb6\n", ("--no-downgrade",), b"-, two.test:"),
        (b"Subject: x\nTo: a@one.test, b@two.test, %b@two.test\n\n" % (b"c" * 65), (), b"-, 'ccc"),
    ],
)
def test_what_one_domain_cannot_take_leaves_the_others_alone(
    zone: Path, message: bytes, args: tuple[str, ...], told: bytes
) -> None:
    options = ServerOptions(without=frozenset({"8BITMIME", "SMTPUTF8"}))
    named = ("-r", "a@one.test", "-r", "b@two.test") if args else ()
    with server() as first, server(options, address="127.0.0.2", port=first.port):
        done = blaze(
            *("send", "--json", "--offline", "--dns-static", str(zone), "--port", str(first.port)),
            *("-s", "s@one.test", *named, *args, "-"),
            stdin=message,
        )
    assert done.returncode == 65
    assert [record["status"] for record in records(done)][:2] == ["sent", "refused"]
    assert told in done.stdout
    assert [taken.recipients for taken in first.messages] == [["a@one.test"]]


def test_who_failed_for_now_counts_before_who_cannot_be_reached(zone: Path) -> None:
    (zone / "mx2.one.test.dns").write_text("nxdomain\n")
    with server(None, refuse(Rcpt, 451)) as first:
        done = _send_by_mx(zone, first.port, "-r", "a@one.test")
    assert done.returncode == 75, done.stderr
    assert [(record["status"], record["code"]) for record in records(done)] == [("deferred", 451)]
    assert _send_by_mx(zone, 1, "-r", "a@one.test").returncode == 75


def test_an_address_literal_needs_no_dns(zone: Path) -> None:
    with server() as first:
        assert _send_by_mx(zone, first.port, "-r", "a@[127.0.0.1]").returncode == 0
    assert first.messages[0].recipients == ["a@[127.0.0.1]"]


def test_a_message_that_may_not_change_leaves_its_neighbours_alone(tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    bodies = [MESSAGE, MESSAGE + b"y" * 2000 + b"\n", MESSAGE]
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + body + b"\n" for body in bodies))
    for without in ("CHUNKING", ""):
        with server(ServerOptions(without=frozenset({without}))) as peer:
            done = blaze("send", "--no-downgrade", str(mbox), peer.endpoint)
            told = blaze("send", "--no-downgrade", "--json", str(mbox), peer.endpoint)
        assert done.returncode == told.returncode == 65
        assert b"it has a line over 998 octets: %b#2, 127.0.0.1" % bytes(mbox) in done.stderr
        assert [record["status"] for record in records(told)] == ["sent", "refused", "sent"]
        assert [taken.body for taken in peer.messages] == [WIRE, WIRE, WIRE, WIRE]


@pytest.mark.parametrize("bad", ["d" * 65 + "@x.test", "x@☃.test", "x@-bad-.test"])
@pytest.mark.parametrize("without", ["CHUNKING", "CHUNKING PIPELINING"])
def test_a_bad_address_leaves_its_neighbours_alone(bad: str, without: str, tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    bodies = [MESSAGE, MESSAGE.replace(b"c@one.test", bad.encode()), MESSAGE]
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + body + b"\n" for body in bodies))
    with server(ServerOptions(hostname="mx", without=frozenset(without.split()))) as peer:
        done = blaze("send", "--json", str(mbox), peer.endpoint)
    assert done.returncode == 65
    assert [record["status"] for record in records(done)] == ["sent", "refused", "sent"]
    assert [taken.body for taken in peer.messages] == [WIRE, WIRE]


# What is certain when a session breaks off


def _leave_at_the_third_recipient() -> Callable[[ServerEvent], Reply | None]:
    replies = iter([Reply(550, "no such user", "5.1.1"), None, Reply(421, "too many errors", "4.7.0")])

    def policy(event: ServerEvent) -> Reply | None:
        is_rcpt = isinstance(event, Request) and isinstance(event.command, Rcpt)
        return next(replies, None) if is_rcpt else None

    return policy


@pytest.mark.parametrize("without", ["", "CHUNKING", "CHUNKING PIPELINING"])
def test_a_server_that_leaves_says_why_and_its_refusals_count(without: str) -> None:
    options = ServerOptions(hostname="mx", without=frozenset(without.split()))
    named = [word for name in "abcd" for word in ("-r", f"{name}@one.test")]
    with server(options, _leave_at_the_third_recipient()) as peer:
        done = blaze("send", "--json", *named, "-", peer.endpoint)
    assert done.returncode == 67, done.stderr
    told = [(record["status"], record["stage"], record["code"]) for record in records(done)]
    left = ("deferred", "rcpt", 421)
    assert told == [("refused", "rcpt", 550), left, left, left]
    assert not peer.messages


_PIPELINING_OF_TWO = b"250-mx\r\n250-PIPELINING\r\n250 LIMITS RCPTMAX=2\r\n"
_TWO_TAKEN = b"250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"


def test_what_was_taken_counts_when_the_next_transaction_fails() -> None:
    turns = (b"220 hi\r\n", _PIPELINING_OF_TWO, _TWO_TAKEN, b"250 queued\r\n", b"what?\r\n")
    with scripted(*turns) as port:
        done = blaze(
            "send", "--json", "-r", "a@x.test", "-r", "b@x.test", "-r", "c@x.test", "-", f"127.0.0.1:{port}"
        )
    assert done.returncode == 76
    assert [record["status"] for record in records(done)] == ["sent", "sent", "refused"]


def test_the_other_recipients_go_by_a_new_connection_when_the_server_leaves() -> None:
    options = ServerOptions(hostname="mx", max_recipients=2, max_messages=1)
    named = [word for name in "abcde" for word in ("-r", f"{name}@x.test")]
    with server(options) as peer:
        done = blaze("send", "--json", *named, "-", peer.endpoint)
    assert done.returncode == 0, done.stderr
    assert [record["status"] for record in records(done)] == ["sent"] * 5
    assert [len(taken.recipients) for taken in peer.messages] == [2, 2, 1]


def test_a_bad_address_that_comes_after_a_message_was_taken() -> None:
    message = MESSAGE.replace(b"To: ", b"To: a@x.test, b@x.test, %b@x.test, " % (b"c" * 65))
    with server(ServerOptions(hostname="mx", max_recipients=2)) as peer:
        done = blaze("send", "--json", "-", peer.endpoint, stdin=message)
    assert done.returncode == 65
    assert [record["status"] for record in records(done)] == ["sent", "sent", "refused", "refused"]
    assert b"local-part of more than 64" in done.stdout


def test_lmtp_recipients_that_were_answered_before_the_cut() -> None:
    ehlo, replies = b"250-mx\r\n250 PIPELINING\r\n", b"250 ok\r\n" * 4 + b"354 go\r\n"
    with scripted(b"220 hi\r\n", ehlo, replies, b"250 kept\r\n552 5.2.2 full\r\n") as port:
        named = ["-r", "a@x.test", "-r", "b@x.test", "-r", "c@x.test"]
        done = blaze("send", "--lmtp", "--json", *named, "-", f"127.0.0.1:{port}")
    assert done.returncode == 69
    assert [record["status"] for record in records(done)] == ["sent", "refused", "deferred"]


# Connections cut anywhere


class CuttingProxy:
    """Passes a connection on to a server, and cuts it once the client has sent `fuse` octets."""

    def __init__(self, port: int, fuse: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._port, self._fuse = port, fuse
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with self._listener:
            client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._port)) as onward:
            back = threading.Thread(target=self._pass_back, args=(onward, client), daemon=True)
            back.start()
            left = self._fuse
            while left and (octets := client.recv(left)):
                onward.sendall(octets)
                left -= len(octets)
            onward.shutdown(socket.SHUT_WR)
            back.join(10)

    @staticmethod
    def _pass_back(onward: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := onward.recv(65536):
                client.sendall(octets)
            client.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("without", ["CHUNKING", ""])
def test_a_connection_cut_anywhere_reports_only_what_was_taken(without: str, long_run: bool) -> None:
    options = ServerOptions(hostname="mx.test", without=frozenset({without}))
    for fuse in range(0, 260, 1 if long_run else 23):
        with server(options) as peer:
            proxy = CuttingProxy(peer.port, fuse)
            done = blaze("send", "--json", "-h", "c.test", "--timeout", "5s", "-", proxy.endpoint)
        (record,) = records(done)
        assert (record["status"], done.returncode) in (("sent", 0), ("deferred", 75)), (fuse, done.stderr)
        if record["status"] == "sent":
            assert [taken.body for taken in peer.messages] == [WIRE]
