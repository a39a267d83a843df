"""`blaze send`, `submit` and `sendmail` against Postfix with Dovecot's SASL, Dovecot's LMTP and aiosmtpd."""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from blaze.core.net.tls import make_certificates
from tests.e2e.test_send import MESSAGE, WIRE, blaze, records
from tests.support.mail_servers import (
    DOMAIN,
    MECHANISMS,
    PASSWORD,
    USER,
    Dovecot,
    Postfix,
    dovecot,
    free_port,
    postfix,
)

pytestmark = pytest.mark.e2e


class Servers:
    """Postfix and Dovecot together, and the files their clients need."""

    def __init__(self, folder: Path, mta: Postfix, imap: Dovecot) -> None:
        self.postfix = mta
        self.dovecot = imap
        self.authority = str(folder / "ca.pem")
        self.password = str(folder / "password")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    # Not in pytest's folder: that one is closed to the users whom the servers become.
    with tempfile.TemporaryDirectory(prefix="mail-") as name:
        yield from _servers(Path(name))


def _servers(folder: Path) -> Iterator[Servers]:
    folder.chmod(0o755)
    made = make_certificates(["localhost"], datetime.now(UTC))
    for name, octets in (("ca.pem", made.authority), ("chain.pem", made.chain), ("key.pem", made.key)):
        (folder / name).write_bytes(octets)
    (folder / "password").write_text(PASSWORD + "\n", "utf-8")
    (folder / "password").chmod(0o600)
    for name in ("dovecot", "postfix"):
        (folder / name).mkdir()
    with (
        dovecot(folder / "dovecot") as imap,
        postfix(folder / "postfix", folder / "chain.pem", folder / "key.pem", imap.auth) as mta,
    ):
        yield Servers(folder, mta, imap)


@pytest.fixture
def mta(servers: Servers) -> Postfix:
    servers.postfix.empty()
    return servers.postfix


def _body(stored: bytes) -> bytes:
    return stored.split(b"\n\n", 1)[1]


def test_send_to_postfix(servers: Servers, mta: Postfix) -> None:
    done = blaze("send", "--json", "--tls-verify", "--cafile", servers.authority, "-r", f"c@{DOMAIN}", "-",
                 f"localhost:{mta.port}")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert records(done)[0]["tls"] == "TLSv1.3"
    assert _body(mta.messages(1)[0]) == b"hello\n.dot\n"


@pytest.mark.parametrize("mechanism", MECHANISMS.upper().split())
def test_submit_by_every_mechanism(mechanism: str, servers: Servers, mta: Postfix) -> None:
    who = ("-u", USER, "--password-file", servers.password, "--auth", mechanism)
    args = ("--cafile", servers.authority, "-r", f"c@{DOMAIN}", "-", f"localhost:{mta.port}")
    done = blaze("submit", "-v", *who, *args)
    assert done.returncode == 0, done.stderr
    assert f"logged in by {mechanism}".encode() in done.stderr
    mta.messages(1)


def test_submit_takes_the_strongest_mechanism_on_the_tls_port(servers: Servers, mta: Postfix) -> None:
    args = ("submit", "-v", "--cafile", servers.authority, "-u", USER, "-r", f"c@{DOMAIN}", "-",
            f"submissions://localhost:{mta.tls_port}")  # fmt: skip
    done = blaze(*args, "--password-file", servers.password)
    assert done.returncode == 0, done.stderr
    assert b"logged in by SCRAM-SHA-256" in done.stderr
    assert blaze(*args, BLAZE_PASSWORD="wrong").returncode == 77


def test_partial_failures(mta: Postfix) -> None:
    recipients = [f"{name}@{DOMAIN}" for name in ("refused", "later", "fine")]
    args = [part for one in recipients for part in ("-r", one)]
    done = blaze("send", "--json", *args, "-", f"127.0.0.1:{mta.port}")
    assert done.returncode == 67
    assert [(record["status"], record["enhanced"]) for record in records(done)] == [
        ("refused", "5.1.1"), ("deferred", "4.2.0"), ("sent", "2.0.0"),
    ]  # fmt: skip
    mta.messages(1)


def test_sendmail_through_postfix(servers: Servers, mta: Postfix, tmp_path: Path) -> None:
    config = tmp_path / "blaze" / "config.toml"
    config.parent.mkdir()
    config.write_text(
        f'[account.local]\nhost = "localhost"\nport = {mta.port}\nuser = "{USER}"\nfrom = "me@{DOMAIN}"\n'
        f'domain = "{DOMAIN}"\npassword-file = "{servers.password}"\ncafile = "{servers.authority}"\n'
        f'[account.local.aliases]\nroot = ["admin", "ops@{DOMAIN}"]\n'
    )
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    cron = b"To: root\nSubject: Cron\n\noutput\n"
    done = blaze("sendmail", "-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root", stdin=cron, **environ)
    assert done.returncode == 0, done.stderr
    stored = mta.messages(2)
    assert {re.search(rb"Delivered-To: (.*)", message)[1] for message in stored} == {  # type: ignore[index]
        f"admin@{DOMAIN}".encode(), f"ops@{DOMAIN}".encode(),
    }  # fmt: skip
    assert f"From: CronDaemon <me@{DOMAIN}>".encode() in stored[0]
    php = f"To: a@{DOMAIN}\nBcc: b@{DOMAIN}\nSubject: php\n\nhello\n".encode()
    assert blaze("sendmail", "-t", "-i", stdin=php, **environ).returncode == 0
    assert all(b"\nBcc:" not in message for message in mta.messages(4))


def test_sendmail_without_account_or_recipient(tmp_path: Path) -> None:
    assert blaze("sendmail", "-i", "a@b.test").returncode == 78
    (tmp_path / "blaze").mkdir()
    (tmp_path / "blaze" / "config.toml").write_text('[account.x]\nhost = "localhost"\nfrom = "a@b.test"\n')
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert blaze("sendmail", "-i", **environ).returncode == 64
    assert blaze("sendmail", "-bd", **environ).returncode == 64
    for wrong in (("-Z",), ("-N", "sometimes"), ("-R", "half"), ("-V", "x" * 101)):
        assert blaze("sendmail", *wrong, "a@b.test", **environ).returncode == 64


def test_lmtp_into_dovecot(servers: Servers) -> None:
    done = blaze(
        "send", "--json", "--lmtp", "-r", USER, "-r", f"nobody@{DOMAIN}", "-", str(servers.dovecot.lmtp)
    )
    assert done.returncode == 67, done.stderr
    assert [record["status"] for record in records(done)] == ["refused", "sent"] or [
        record["status"] for record in records(done)
    ] == ["sent", "refused"]
    stored = list((servers.dovecot.mail / USER / "Maildir" / "new").iterdir())
    assert _body(stored[0].read_bytes()) == b"hello\n.dot\n"


# Real messages


_TRACE = re.compile(
    rb"\A(?:Return-Path|X-Original-To|Delivered-To|Received):[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE
)


def _without_trace(stored: bytes) -> bytes:
    for _ in range(4):
        stored = _TRACE.sub(b"", stored, count=1)
    return stored


def _without_return_path(message: bytes) -> bytes:
    """What Postfix makes of a message: it drops this field of the last delivery."""
    header, empty, body = message.partition(b"\n\n")
    return re.sub(rb"(?mi)^Return-Path:[^\n]*\n(?:[ \t][^\n]*\n)*", b"", header) + empty + body


def _fits(message: bytes) -> bool:
    """Whether Postfix keeps every octet: no bare CR, no long line, a header that it does not mend, no NUL."""
    header, empty, _ = message.partition(b"\n\n")
    names = [line.partition(b":")[0].lower() for line in re.sub(rb"\n[ \t]+", b" ", header).split(b"\n")]
    return (
        bool(empty)
        and b"\r" not in message
        and b"\0" not in message
        and max(map(len, message.split(b"\n"))) <= 900
        and all(re.fullmatch(rb"[!-9;-~]+", name) for name in names)
        and {b"from", b"date", b"message-id"} <= set(names)
        and not set(names) & {b"bcc", b"resent-bcc", b"content-length"}
        and message.endswith(b"\n")
    )


@pytest.mark.corpus
def test_real_messages_arrive_as_they_are(mta: Postfix, corpus: list[bytes], tmp_path: Path) -> None:
    fitting = [message for message in corpus if _fits(message)][:500]
    mbox = tmp_path / "mbox"
    quoted = [re.sub(rb"(?m)^(>*From )", rb">\1", message) for message in fitting]
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + message + b"\n" for message in quoted))
    done = blaze("send", "--json", "--tls", "none", "-s", f"a@{DOMAIN}", "-r", f"c@{DOMAIN}", f"mbox:{mbox}",
                 f"127.0.0.1:{mta.port}")  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    assert len(fitting) == 500
    stored = sorted(map(_without_trace, mta.messages(len(fitting), 120)))
    assert stored == sorted(map(_without_return_path, fitting))


class _SevenBit:
    """A handler of aiosmtpd that keeps what it is given."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.bodies.append(envelope.original_content)
        return "250 OK"


@pytest.fixture
def aiosmtpd() -> Iterator[_SevenBit]:
    handler = _SevenBit()
    handler.port = free_port()  # type: ignore[attr-defined]
    controller = Controller(handler, "127.0.0.1", handler.port, data_size_limit=0)  # type: ignore[attr-defined]
    controller.start()
    yield handler
    controller.stop()


def test_send_to_aiosmtpd(aiosmtpd: Any) -> None:
    done = blaze("send", "--json", "-", f"127.0.0.1:{aiosmtpd.port}")
    assert done.returncode == 0, done.stderr
    assert aiosmtpd.bodies == [WIRE]
    assert json.loads(done.stdout)["recipient"] == "c@one.test"


def test_a_connection_lost_between_messages_is_made_again(aiosmtpd: Any, tmp_path: Path) -> None:
    mbox = tmp_path / "mbox"
    mbox.write_bytes(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + MESSAGE + b"\n" for _ in range(30)))
    assert blaze("send", str(mbox), f"127.0.0.1:{aiosmtpd.port}").returncode == 0
    assert len(aiosmtpd.bodies) == 30


@pytest.mark.corpus
def test_what_is_re_encoded_keeps_its_meaning(corpus: list[bytes]) -> None:
    from blaze.core.mail import message
    from blaze.core.mail.relay import Outgoing

    unfit = [one for one in corpus if not one.isascii() or max(map(len, one.split(b"\n"))) > 998][:200]
    for original in unfit:
        outgoing = Outgoing(message.parse(original))
        changed = b"".join(outgoing.iter_changed(seven_bit=True, ascii_header=True))
        assert changed.isascii()
        assert max(map(len, changed.split(b"\r\n"))) <= 998
        assert _leaves(changed) == _leaves(original)


def _leaves(octets: bytes) -> list[bytes]:
    parsed = message_from_bytes(octets, policy=policy.compat32)
    return [
        _normal(part.get_payload(decode=True) or b"", part.get_content_maintype() == "text")
        for part in parsed.walk()
        if not part.is_multipart()
    ]


def _normal(octets: bytes, is_text: bool) -> bytes:
    return octets.replace(b"\r\n", b"\n").rstrip(b"\n") if is_text else octets
