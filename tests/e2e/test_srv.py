"""`blaze srv` as a process: destinations, signals, events, what is on disk when it was acknowledged."""

import base64
import fcntl
import json
import os
import pty
import signal
import smtplib
import socket
import ssl
import stat
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from blaze.core.store import source
from tests.support.srv import BLAZE, Srv, environment

pytestmark = pytest.mark.e2e

MESSAGE = b"Subject: x\r\n\r\n.dot\r\n..\r\nFrom here\r\n\xff\x00\r\n"
EMPTY = b""


def send(
    port: int, message: bytes = MESSAGE, sender: str = "a@b", recipients: tuple[str, ...] = ("c@d",)
) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.sendmail(sender, recipients, message, ["BODY=8BITMIME"])


def entries(path: str) -> list[bytes]:
    found = list(source.iter_entries([path]))
    return [bytes(entry.buffer[entry.start : entry.end]) for entry in found]  # type: ignore[union-attr]


def test_srv_writes_a_folder_with_envelopes(tmp_path: Path) -> None:
    with Srv(tmp_path) as srv:
        send(srv.port, recipients=("c@d", "e@f"))
        mail = srv.wait_for("mail")
        send(srv.port, b"2\r\n")
        second = srv.wait_for("mail")
    assert srv.messages() == [MESSAGE, b"2\r\n"]
    assert (mail["from"], mail["to"], mail["size"]) == ("a@b", ["c@d", "e@f"], len(MESSAGE))
    assert Path(mail["path"]).read_bytes() == MESSAGE
    first, _ = srv.envelopes()
    assert Path(mail["path"]).with_suffix(".json").exists()
    assert (first["from"], first["to"], first["size"], first["path"]) == (
        "a@b",
        ["c@d", "e@f"],
        len(MESSAGE),
        mail["path"],
    )
    assert first["mail_parameters"]["BODY"] == "8BITMIME"
    said = [line["text"] for line in first["transcript"]]
    assert said[0] == "220 localhost ESMTP"
    assert said[-1] == "250 2.0.0 OK"
    assert f"[{len(MESSAGE)} octets of message]" in said
    assert mail["session"] != second["session"]
    assert not [name for name in os.listdir(srv.box) if name.startswith(".")]


@pytest.mark.parametrize("sync", [[], ["--no-sync"]])
def test_srv_keeps_with_each_message_of_a_session_its_own_lines(tmp_path: Path, sync: list[str]) -> None:
    with Srv(tmp_path, *sync, "-v") as srv, smtplib.SMTP("127.0.0.1", srv.port) as client:
        for _ in range(3):
            client.sendmail("a@b", "c@d", MESSAGE)
        for _ in range(3):
            srv.wait_for("mail")
    first, second, third = (
        [line["text"] for line in envelope["transcript"] if not line["text"].startswith("DATA")]
        for envelope in srv.envelopes()
    )
    assert first == second == third
    assert first.count("250 2.0.0 OK") == 1


def test_srv_names_files_by_format(tmp_path: Path) -> None:
    with Srv(tmp_path, "--format", "t-%s.msg") as srv:
        send(srv.port)
        path = srv.wait_for("mail")["path"]
    assert Path(path).name.startswith("t-")
    assert Path(path).suffix == ".msg"
    assert Path(path + ".json").exists()


@pytest.mark.parametrize("sync", [[], ["--no-sync"]])
def test_srv_delivers_into_a_maildir(tmp_path: Path, sync: list[str]) -> None:
    with Srv(tmp_path, "--maildir", "md", *sync, keep=False) as srv:
        for n in range(3):
            send(srv.port, MESSAGE + b"%d\r\n" % n)
    assert entries(f"maildir:{tmp_path}/md") == [MESSAGE + b"%d\r\n" % n for n in range(3)]
    lines = [json.loads(line) for line in (tmp_path / "md.jsonl").read_text().splitlines()]
    assert [line["from"] for line in lines] == ["a@b"] * 3
    assert sorted(Path(line["path"]).name for line in lines) == sorted(os.listdir(tmp_path / "md" / "new"))


def test_srv_appends_to_an_mbox(tmp_path: Path) -> None:
    (tmp_path / "in.mbox").write_bytes(b"From x Thu Jan  1 00:00:00 1970\nSubject: old\n\nold\n\n")
    with Srv(tmp_path, "--mbox", "in.mbox", keep=False) as srv:
        send(srv.port)
        send(srv.port, b"S: 2\r\n\r\nFrom x\r\n>From y\r\n")
        names = [srv.wait_for("mail")["path"] for _ in range(2)]
    assert names == ["in.mbox#2", "in.mbox#3"]
    assert entries(f"mbox:{tmp_path}/in.mbox")[1:] == [MESSAGE, b"S: 2\r\n\r\nFrom x\r\n>From y\r\n"]
    lines = [json.loads(line) for line in (tmp_path / "in.mbox.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == names


def test_srv_takes_one_message_into_a_file_and_ends(tmp_path: Path) -> None:
    with Srv(tmp_path, "-o", "one.eml", keep=False) as srv:
        send(srv.port)
        assert srv.process.wait(10) == 0
    assert (tmp_path / "one.eml").read_bytes() == MESSAGE
    assert json.loads((tmp_path / "one.json").read_text())["from"] == "a@b"


def test_srv_takes_count_messages(tmp_path: Path) -> None:
    with Srv(tmp_path, "-o", "one.eml", "--count", "2", keep=False) as srv:
        with smtplib.SMTP("127.0.0.1", srv.port) as client:
            client.sendmail("a@b", ["c@d"], b"1\r\n")
            client.sendmail("a@b", ["c@d"], b"2\r\n")
            with pytest.raises(smtplib.SMTPException) as refused:
                client.sendmail("a@b", ["c@d"], b"3\r\n")
            assert refused.value.smtp_code == 421
        assert srv.process.wait(10) == 0
    assert (tmp_path / "one.eml").read_bytes() == b"1\r\n"
    assert (tmp_path / "one-2.eml").read_bytes() == b"2\r\n"
    assert not (tmp_path / "one-3.eml").exists()


def run(tmp_path: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*BLAZE, "srv", *options], capture_output=True, env=environment(tmp_path), cwd=tmp_path, timeout=20
    )


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (["-o", "there.eml", "127.0.0.1:0"], 73),
        (["-o", "x/", "--maildir", "y"], 2),
        (["--format", "a-%s.eml"], 2),
        (["-o", "x/", "--format", "a.eml"], 2),
        (["-o", "x/", "--format", "../%s.eml"], 2),
        (["-o", "x/", "--format", "%s%d.eml"], 2),
        (["--smtps"], 2),
        (["--json", "-o", "-"], 2),
        (["--mbox", "there.eml/x"], 73),
        (["--ca-out", "ca.pem"], 2),
        (["-k", "there.eml"], 2),
        (["-c", "there.eml"], 78),
        (["-c", "missing.pem"], 66),
        (["--auth", "some"], 2),
        (["--auth", "file:missing"], 66),
        (["--auth", "file:there.eml"], 78),
        (["--max-size", "big"], 2),
        (["127.0.0.1:99999"], 2),
        (["2525"], 2),
        (["-h", "bad name"], 2),
        (["-h", "a\r\nb"], 2),
        (["no-such-host.invalid:0"], 68),
        (["-o", "there.eml/x/", "127.0.0.1:0"], 73),
    ],
)
def test_srv_refuses_wrong_usage(tmp_path: Path, options: list[str], status: int) -> None:
    (tmp_path / "there.eml").write_bytes(b"no colon\n")
    done = run(tmp_path, *options)
    assert done.returncode == status, done.stderr
    assert done.stderr.startswith((b"blaze srv: ", b'{"schema": "blaze.error/1"'))
    assert b"Traceback" not in done.stderr


def test_srv_says_that_the_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run(tmp_path, f"127.0.0.1:{taken.getsockname()[1]}")
    assert done.returncode == 69
    assert b"address already in use" in done.stderr


def test_srv_writes_the_port_file(tmp_path: Path) -> None:
    with Srv(tmp_path, "--port-file", "port") as srv:
        assert (tmp_path / "port").read_text() == f"{srv.port}\n"
        assert os.listdir(tmp_path).count("port") == 1


def test_srv_prints_messages_without_a_destination(tmp_path: Path) -> None:
    command = [*BLAZE, "srv", "--port-file", "port", "--count", "2", "--with-data", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        port = wait_for_port(tmp_path / "port")
        send(port)
        send(port, b"2\r\n")
        out, err = process.communicate(timeout=20)
    envelope = b"domain-from: %s\nfrom       : <a@b>\nrecipients : <c@d>\n" % socket.getfqdn().encode()
    assert out.replace(b"\n", b"").endswith(b"2\r")
    parts = out.split(b"recipients : <c@d>\n")
    assert [parts[1].split(b"domain-from")[0], parts[2]] == [MESSAGE, b"2\r\n"], envelope
    assert err == f"listening on 127.0.0.1:{port}\n".encode()


def wait_for_port(path: Path) -> int:
    for _ in range(500):
        if path.exists():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError("no port file")


def test_srv_ends_when_nobody_reads_the_messages(tmp_path: Path) -> None:
    command = [*BLAZE, "srv", "--port-file", "port", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        port = wait_for_port(tmp_path / "port")
        assert process.stdout
        process.stdout.close()
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            send(port)
        assert refused.value.smtp_code in (421, 451)
        assert process.wait(20) == 141


def test_srv_prints_into_no_mail_file_when_its_streams_are_closed(tmp_path: Path) -> None:
    """The next files that are opened get the numbers of closed streams."""
    command = f"exec {' '.join(BLAZE)} srv 127.0.0.1:0 --mbox mbox"
    options: dict[str, Any] = {"shell": True, "env": environment(tmp_path), "cwd": tmp_path}
    done = subprocess.run(f"{command} --json >&-", stderr=subprocess.PIPE, timeout=20, **options)
    assert (done.returncode, json.loads(done.stderr)["what"]) == (74, "standard output is closed")
    closed = "-q --port-file port --count 2 <&- >&- 2>&-"
    with subprocess.Popen(f"{command} {closed}", **options) as process:
        port = wait_for_port(tmp_path / "port")
        send(port)
        with pytest.raises(smtplib.SMTPSenderRefused), smtplib.SMTP("127.0.0.1", port) as client:
            client.sendmail("a@b", "c@d", "x\r\n", ["SIZE=99999999999"])
        send(port)
        assert process.wait(20) == 0
    lines = (tmp_path / "mbox.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["path"] for line in lines] == ["mbox#1", "mbox#2"]


def test_srv_ends_when_nobody_reads_the_events_that_wait(tmp_path: Path) -> None:
    command = [*BLAZE, "srv", "--json", "--port-file", "port", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        assert process.stdout
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        port = wait_for_port(tmp_path / "port")
        for _ in range(20):
            send(port)
        time.sleep(0.5)  # the last event is told
        process.stdout.close()
        try:
            assert process.wait(10) == 141
        finally:
            process.kill()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_srv_says_421_on_a_signal(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with Srv(tmp_path) as srv:
        with socket.create_connection(("127.0.0.1", srv.port)) as idle, idle.makefile("rb") as lines:
            assert lines.readline().startswith(b"220 ")
            with socket.create_connection(("127.0.0.1", srv.port)) as busy, busy.makefile("rb") as replies:
                busy.sendall(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\nhalf")
                assert [replies.readline()[:3] for _ in range(5)] == [b"220", b"250", b"250", b"250", b"354"]
                srv.process.send_signal(number)
                assert lines.readline().startswith(b"421 4.3.2 ")
                assert replies.readline().startswith(b"421 4.3.2 ")
                assert lines.readline() == b""
        assert srv.process.wait(20) == status
        srv.process.returncode = 0
    assert srv.messages() == []
    assert not list(srv.box.iterdir())


def test_srv_takes_mail_by_starttls_and_log_in(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# comment\nuser:pencil:x\n")
    (tmp_path / "users").chmod(0o600)
    options = ("--tls-auto", "--ca-out", "ca.pem", "--auth", "file:users")
    with Srv(tmp_path, *options) as srv:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with smtplib.SMTP("localhost", srv.port) as client:
            with pytest.raises(smtplib.SMTPSenderRefused):
                client.sendmail("a@b", ["c@d"], b"no\r\n")
            client.starttls(context=context)
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login("user", "wrong")
            client.login("user", "pencil:x")
            client.sendmail("a@b", ["c@d"], MESSAGE)
        mail = srv.wait_for("mail")
    [envelope] = srv.envelopes()
    assert envelope["tls"] == "TLSv1.3"
    assert envelope["user"] == "user"
    assert Path(mail["path"]).read_bytes() == MESSAGE
    text = json.dumps(envelope)
    assert "AUTH CRAM-MD5" in text
    assert "****" in text
    assert "pencil" not in text


@pytest.mark.parametrize(
    ("mode", "token", "code"),
    [("any", "whatever", 235), ("file:users", "t0ken", 235), ("fail", "t0ken", 535)],
)
def test_srv_takes_tokens(tmp_path: Path, mode: str, token: str, code: int) -> None:
    (tmp_path / "users").write_text("user:t0ken\n")
    (tmp_path / "users").chmod(0o600)
    with Srv(tmp_path, "--auth", mode) as srv, smtplib.SMTP("127.0.0.1", srv.port) as client:
        client.ehlo()
        response = base64.b64encode(f"user=user\x01auth=Bearer {token}\x01\x01".encode()).decode()
        answer = client.docmd("AUTH", f"XOAUTH2 {response}")
        if answer[0] == 334:  # the error's details; an empty response goes on
            answer = client.docmd("")
        assert answer[0] == code


def test_srv_takes_mail_inside_tls(tmp_path: Path) -> None:
    with Srv(tmp_path, "--tls-auto", "--smtps", "--ca-out", "ca.pem") as srv:
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with smtplib.SMTP_SSL("127.0.0.1", srv.port, context=context) as client:
            assert not client.has_extn("starttls")
            client.sendmail("a@b", ["c@d"], MESSAGE * 40000)
    assert srv.messages() == [MESSAGE * 40000]


def test_srv_warns_of_a_key_that_others_can_read(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    from blaze.core.net.tls import make_certificates

    made = make_certificates(["localhost"], datetime.now(UTC))
    (tmp_path / "cert.pem").write_bytes(made.chain)
    (tmp_path / "key.pem").write_bytes(made.key)
    (tmp_path / "key.pem").chmod(0o644)
    srv = Srv(tmp_path, "-c", "cert.pem", "-k", "key.pem")
    with srv:
        with smtplib.SMTP("127.0.0.1", srv.port) as client:
            client.ehlo()
            assert client.has_extn("starttls")
        srv.process.send_signal(signal.SIGTERM)
        _, errors = srv.process.communicate(timeout=20)
    assert b"key.pem can be read by others" in errors


def test_srv_speaks_lmtp(tmp_path: Path) -> None:
    # smtplib reads one reply after the dot, whatever the number of recipients
    with Srv(tmp_path, "--lmtp") as srv:
        with smtplib.LMTP("127.0.0.1", srv.port) as client:
            assert client.sendmail("a@b", ["c@d"], MESSAGE) == {}
        with socket.create_connection(("127.0.0.1", srv.port)) as client, client.makefile("rb") as replies:
            client.sendall(
                b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nQUIT\r\n"
            )
            codes = [line[:3] for line in replies if line[3:4] == b" "]
    assert codes == [b"220", b"250", b"250", b"250", b"250", b"354", b"250", b"250", b"221"]
    assert srv.messages() == [MESSAGE, b""]


def test_srv_refuses_more_than_max_messages(tmp_path: Path) -> None:
    with Srv(tmp_path, "--max-messages", "2") as srv:
        send(srv.port)
        with smtplib.SMTP("127.0.0.1", srv.port) as client:
            client.sendmail("a@b", ["c@d"], MESSAGE)
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                client.sendmail("a@b", ["c@d"], MESSAGE)
            assert refused.value.smtp_code == 452
    assert len(srv.messages()) == 2


def test_srv_serves_200_clients_at_once(tmp_path: Path) -> None:
    with Srv(tmp_path, "--no-sync") as srv:
        clients = [smtplib.SMTP("127.0.0.1", srv.port, timeout=60) for _ in range(200)]
        for client in clients:
            client.ehlo("x")
            client.mail("a@b")
            client.rcpt("c@d")
        for client in clients:
            assert client.docmd("DATA")[0] == 354
        chunk = b"x" * 78 + b"\r\n"
        for client in clients:
            client.send(chunk * 800)
        for number, client in enumerate(clients):
            client.send(b"%d\r\n.\r\n" % number)
        for client in clients:
            assert client.getreply()[0] == 250
            client.close()
        memory = peak_memory(srv.process.pid)
    assert sorted(srv.messages()) == sorted(chunk * 800 + b"%d\r\n" % number for number in range(200))
    assert memory < 100 << 20, memory


def peak_memory(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


@pytest.mark.parametrize("destination", ["folder", "maildir", "mbox"])
def test_srv_takes_a_large_message_in_flat_memory(tmp_path: Path, destination: str, long_run: bool) -> None:
    size = (1000 if long_run else 100) << 20
    options = {"folder": [], "maildir": ["--maildir", "md"], "mbox": ["--mbox", "in.mbox"]}[destination]
    chunk = (b"x" * 62 + b"\r\n") * 16384
    with Srv(tmp_path, "--no-sync", *options, keep=not options) as srv:
        with socket.create_connection(("127.0.0.1", srv.port)) as client, client.makefile("rb") as replies:
            client.sendall(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n")
            for _ in range(5):
                replies.readline()
            for _ in range(size // len(chunk)):
                client.sendall(chunk)
            client.sendall(b".\r\n")
            assert replies.readline().startswith(b"250 ")
        mail = srv.wait_for("mail")
        memory = peak_memory(srv.process.pid)
    assert mail["size"] == size // len(chunk) * len(chunk)
    files = {"folder": "box/*.eml", "maildir": "md/new/*", "mbox": "in.mbox"}[destination]
    [stored] = tmp_path.glob(files)
    assert stored.stat().st_size >= mail["size"]
    assert memory < 100 << 20, memory


@pytest.mark.parametrize("destination", ["folder", "maildir", "mbox"])
def test_srv_keeps_what_it_acknowledged_when_killed(tmp_path: Path, destination: str, long_run: bool) -> None:
    runs = (200 if long_run else 20) // (1 if destination == "folder" else 4)
    for number in range(runs):
        folder = tmp_path / str(number)
        folder.mkdir()
        options = {"folder": [], "maildir": ["--maildir", "md"], "mbox": ["--mbox", "in.mbox"]}[destination]
        with Srv(folder, *options, keep=not options) as srv:
            acknowledged = [_Sender(srv.port, name) for name in range(4)]
            for sender in acknowledged:
                sender.start()
            time.sleep(0.03 + 0.02 * (number % 10))
            srv.kill()
            for sender in acknowledged:
                sender.join(20)
            srv.process.returncode = 0
        kept = stored(folder, destination)
        assert {octets for sender in acknowledged for octets in sender.acknowledged} <= set(kept)
        assert all(octets.endswith(b"end\r\n") for octets in kept), "half a message"
        assert len(set(kept)) == len(kept), "a message twice"


class _Sender(threading.Thread):
    """Sends messages until the server is gone; remembers those that were acknowledged."""

    def __init__(self, port: int, name: int) -> None:
        super().__init__()
        self.port = port
        self.label = name
        self.acknowledged: list[bytes] = []

    def run(self) -> None:
        try:
            client = smtplib.SMTP("127.0.0.1", self.port)
            for number in range(10_000):
                octets = b"Subject: %d-%d\r\n\r\n" % (self.label, number) + b"x" * 5000 + b"\r\nend\r\n"
                client.sendmail("a@b", ["c@d"], octets)
                self.acknowledged.append(octets)
        except (OSError, smtplib.SMTPException):
            return


def stored(folder: Path, destination: str) -> list[bytes]:
    if destination == "folder":
        names = sorted((folder / "box").glob("*.eml"))
        for name in names:
            assert json.loads(name.with_suffix(".json").read_text())["from"] == "a@b"
        return [name.read_bytes() for name in names]
    if destination == "maildir":
        return entries(f"maildir:{folder}/md")
    path = folder / "in.mbox"
    if not path.exists() or not path.stat().st_size:
        return []
    # a write cut by the kill was not acknowledged; the next program sees it as the torn last message
    return [octets for octets in entries(f"mbox:{path}") if octets.endswith(b"end\r\n")]


def test_srv_round_trips_the_corpus(tmp_path: Path, corpus: list[bytes]) -> None:
    sent = []
    with Srv(tmp_path, "--no-sync") as srv, smtplib.SMTP("127.0.0.1", srv.port) as client:
        for octets in corpus:
            crlf = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            if b"\r" in crlf.replace(b"\r\n", b"") or len(sent) == 500:
                continue
            crlf += b"" if crlf.endswith(b"\r\n") else b"\r\n"
            client.sendmail("a@b", ["c@d"], crlf)
            sent.append(crlf)
        assert client.docmd("NOOP")[0] == 250
    assert len(sent) == 500
    assert srv.messages() == sent


def test_srv_files_follow_the_umask(tmp_path: Path) -> None:
    with Srv(tmp_path) as srv:
        send(srv.port)
    [path] = srv.box.glob("*.eml")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


def test_srv_shows_messages_on_a_terminal_as_text(tmp_path: Path) -> None:
    parent, child = pty.openpty()
    port_file = tmp_path / "port"
    command = [*BLAZE, "srv", "--count", "1", "--port-file", str(port_file), "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=child, stderr=subprocess.DEVNULL, env=environment(tmp_path), cwd=tmp_path
    ) as process:
        os.close(child)
        while not port_file.exists():
            assert process.poll() is None
            time.sleep(0.05)
        with smtplib.SMTP("127.0.0.1", int(port_file.read_text()), timeout=20) as client:
            client.sendmail(
                "a@b.test", ["c@d.test"], "Subject: é\x1b]0;x\x07\r\n\r\n".encode() + b"\xffy\r\n"
            )
        assert process.wait(20) == 0
    shown = os.read(parent, 1000).decode()
    os.close(parent)
    assert shown == "Subject: é\\x1b]0;x\\x07\r\n\r\n\\udcffy\r\n"
