"""`blaze fetch` against a scripted POP3 server: all that a good server never does."""

import os
import poplib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, InputOutputError
from blaze.core.net.delivery import LogIn, Target
from blaze.core.net.fetch import Fetch, FetchOptions, Watcher
from blaze.core.net.pop3 import ConnectOptions, open_session
from blaze.core.net.tls import make_certificates
from blaze.core.sasl import Credentials
from blaze.core.store.intake import Intake, Landed
from blaze.core.store.landing import FileLanding
from blaze.core.store.ledger import Ledger
from tests.bench.frame import peak_memory, python
from tests.support.pop3_server import CAPABILITIES, PASSWORD, USER, Drop, Say, Server, stuffed
from tests.support.socks5 import Socks5

pytestmark = pytest.mark.e2e

BODIES = [b"Subject: %d\r\n\r\n.dot\r\n\r\n..\r\nend %d\r\n" % (number, number) for number in range(4)]


def drop_of(*uids: str | None) -> Drop:
    return Drop(list(zip(uids or ("a", "b", "c", "d"), BODIES, strict=False)))


class Run:
    """Runs of `fetch` inside this process into one folder, without flushing to the disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.landed: list[Landed] = []
        self.failures: list[BlazeError] = []
        self.said: list[str] = []

    def __call__(self, server: Server, options: FetchOptions | None = None, user: str = USER) -> list[bytes]:
        """Fetch; gives the messages that came."""
        self.landed, self.failures = [], []
        connect = ConnectOptions(
            insecure=True,
            timeout=5.0,
            log_in=LogIn(Credentials(user, PASSWORD), in_clear=True),
            inform=self.said.append,
        )
        watcher = Watcher(failed=self.failures.append, inform=self.said.append)
        session = open_session(Target("127.0.0.1", server.port, (ip_address("127.0.0.1"),)), connect)
        try:
            with Ledger(str(self.folder / "state" / "ledger"), sync=False) as ledger:
                landing = FileLanding(f"{self.folder}/m-%s.eml", sync=False)
                Fetch(
                    session, Intake(ledger, landing, self.landed.append), options or FetchOptions(), watcher
                ).run()
        finally:
            session.close()
        return [Path(one.path).read_bytes() for one in self.landed]

    def files(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.folder.glob("m-*.eml"))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def saying(**answers: bytes) -> Say:
    """A script that answers so to verbs, or to `VERB_argument`."""

    def say(verb: str, argument: str) -> bytes | None:
        return answers.get(f"{verb}_{argument}".replace(" ", "_"), answers.get(verb))

    return say


# A server that does all it can


def test_poplib_finds_the_scripted_server_right() -> None:
    with Server(drop_of()) as server:
        peer = poplib.POP3("127.0.0.1", server.port, timeout=5)
        assert set(peer.capa()) >= {"TOP", "UIDL", "PIPELINING"}
        peer.apop(USER, PASSWORD)
        assert peer.stat() == (4, sum(map(len, BODIES)))
        assert peer.uidl()[1] == [b"1 a", b"2 b", b"3 c", b"4 d"]
        assert b"".join(line + b"\r\n" for line in peer.retr(2)[1]) == BODIES[1]
        assert peer.top(1, 0)[1] == [b"Subject: 0", b""]
        peer.dele(1)
        peer.quit()
        assert server.drop.octets() == BODIES[1:]
        peer = poplib.POP3("127.0.0.1", server.port, timeout=5)
        peer.user(USER)
        with pytest.raises(poplib.error_proto):
            peer.pass_("wrong")
        peer.close()


def test_fetch_takes_each_message_once(run: Run) -> None:
    with Server(drop_of()) as server:
        assert run(server, FetchOptions(limit=3)) == BODIES[:3]
        assert run(server) == BODIES[3:]
        assert run(server) == []
        server.drop.messages.append(("e", b"new\r\n"))
        assert run(server, FetchOptions(newline="lf")) == [b"new\n"]
        assert len(server.drop.messages) == 5


def test_fetch_sends_commands_together_only_where_that_is_offered(run: Run) -> None:
    drop = Drop([(f"u{n}", BODIES[0]) for n in range(500)])
    with Server(drop) as server:
        assert len(run(server, FetchOptions(delete=True))) == 500
        assert 50 < server.most_at_once <= 200
        assert not drop.messages
    plain = [capability for capability in CAPABILITIES if capability != "PIPELINING"]
    with Server(drop_of("x", "y"), capabilities=plain) as server:
        assert run(server, FetchOptions(delete=True)) == BODIES[:2]
        assert server.most_at_once == 1
        assert not server.drop.messages


def test_fetch_only_what_is_new(run: Run) -> None:
    with Server(drop_of()) as server:
        assert run(server, FetchOptions(only_new=True)) == []
        server.drop.messages.append(("e", b"new\r\n"))
        assert run(server, FetchOptions(only_new=True, delete=True)) == [b"new\r\n"]
        assert len(server.drop.messages) == 4, "what was never fetched must not be deleted"
        assert run(server) == BODIES


def test_fetch_only_what_is_new_after_a_first_run_that_broke_off(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Ledger, _uids: object, _now: int) -> None:
        raise InputOutputError("the disk is full")

    with Server(drop_of()) as server:
        with monkeypatch.context() as full, pytest.raises(InputOutputError):
            full.setattr(Ledger, "see", broken)
            run(server, FetchOptions(only_new=True))
        assert run(server, FetchOptions(only_new=True)) == []


def test_fetch_deletes_after_days(run: Run) -> None:
    with Server(drop_of()) as server:
        run(server, FetchOptions(delete_after=1))
        assert len(server.drop.messages) == 4
        path = run.folder / "state" / "ledger"
        yesterday = int(time.time()) - 90_000
        path.write_text(re.sub(r'"time": \d+', f'"time": {yesterday}', path.read_text()))
        run(server, FetchOptions(delete_after=1, exclude=frozenset("b")))
        assert [uid for uid, _ in server.drop.messages] == ["b"]
        run(server, FetchOptions(delete_after=0))
        assert not server.drop.messages


def test_fetch_asks_for_utf8_before_the_log_in(run: Run) -> None:
    with Server(drop_of(), capabilities=(*CAPABILITIES, "UTF8")) as server:
        run(server)
        assert server.heard.index("UTF8") < server.heard.index("AUTH CRAM-MD5")


@pytest.mark.parametrize(
    ("capabilities", "heard"),
    [
        (("SASL PLAIN", "UIDL"), "APOP"),
        (("USER", "UIDL"), "APOP"),
        (None, "APOP"),
        (("SASL LOGIN CRAM-MD5",), "AUTH CRAM-MD5"),
    ],
)
def test_fetch_in_clear_prefers_what_hides_the_password(
    run: Run, capabilities: tuple[str, ...] | None, heard: str
) -> None:
    with Server(drop_of(), capabilities=capabilities) as server:
        assert run(server) == BODIES
        assert any(line.startswith(heard) for line in server.heard)


def test_fetch_logs_in_by_user_where_there_is_nothing_else(run: Run) -> None:
    with Server(drop_of(), capabilities=None, say=saying(GREETING=b"+OK\r\n")) as server:
        assert run(server, user=f"recent:{USER}") == BODIES
        assert f"USER recent:{USER}" in server.heard


# Identifiers

WITHOUT_UIDL = [capability for capability in CAPABILITIES if capability != "UIDL"]


def test_fetch_takes_a_refused_uidl_for_no_lack_of_it(run: Run) -> None:
    with Server(drop_of()) as server:
        run(server, FetchOptions(limit=2))
        server.say = saying(UIDL=b"-ERR [SYS/TEMP] index is being rebuilt\r\n")
        with pytest.raises(BlazeError) as caught:
            run(server)
        assert caught.value.status == 75
        server.say = saying()
        assert run(server) == BODIES[2:]


def test_fetch_without_uidl_goes_by_the_headers(run: Run) -> None:
    script = saying(UIDL=b"-ERR unknown\r\n")
    with Server(drop_of(), say=script, capabilities=WITHOUT_UIDL) as server:
        assert run(server, FetchOptions(limit=2)) == BODIES[:2]
        del server.drop.messages[0]
        assert run(server) == BODIES[2:]
        assert run(server) == []
        assert any("headers tell them apart" in line for line in run.said)


def test_fetch_without_uidl_and_top_goes_by_the_headers_still(run: Run) -> None:
    script = saying(UIDL=b"-ERR unknown\r\n", TOP=b"-ERR unknown\r\n")
    with Server(drop_of(), say=script, capabilities=WITHOUT_UIDL) as server:
        assert run(server) == BODIES
        server.drop.messages.append((None, b"Subject: new\r\n\r\n"))
        assert run(server) == [b"Subject: new\r\n\r\n"]


def test_fetch_a_header_that_the_server_changes_is_the_same(run: Run) -> None:
    with Server(Drop([(None, b"Subject: x\r\nStatus: U\r\n\r\nb\r\n")])) as server:
        assert len(run(server)) == 1
        server.drop.messages = [(None, b"Subject: x\r\nStatus: RO\r\nX-UIDL: 7\r\n\r\nb\r\n")]
        assert run(server) == []


def test_fetch_copies_under_one_identifier_come_all(run: Run) -> None:
    with Server(drop_of("same", "same", "other", "same")) as server:
        assert run(server, FetchOptions(limit=2)) == BODIES[:2]
        assert run(server, FetchOptions(delete=True)) == BODIES[2:]
        assert not server.drop.messages


def test_fetch_an_identifier_used_again_is_another_message(run: Run) -> None:
    with Server(drop_of("a", "b")) as server:
        assert run(server, FetchOptions(delete=True)) == BODIES[:2]
        assert run(server) == []
        server.drop.messages = [("a", b"another\r\n")]
        assert run(server) == [b"another\r\n"]


@pytest.mark.parametrize(
    "uid",
    [
        "../../etc/cron.d/x",
        "/abs/olute",
        "a\\b",
        "CON",
        ".bashrc",
        "-rf",
        "x" * 300,
        "a%sb",
        "\u202egpj.exe",
        "?*|<>:",
    ],
)
def test_fetch_identifiers_become_safe_names(run: Run, uid: str) -> None:
    with Server(Drop([(uid, b"one\r\n"), (uid, b"two\r\n")])) as server:
        assert run(server) == [b"one\r\n", b"two\r\n"]
        paths = [Path(one.path) for one in run.landed]
        assert {path.parent for path in paths} == {run.folder}
        assert all(len(os.fsencode(path.name)) <= 255 for path in paths)
        assert run(server) == []


def test_fetch_writes_over_nothing(run: Run) -> None:
    (run.folder / "m-a.eml").write_bytes(b"mine")
    with Server(drop_of("a")) as server:
        assert run(server) == BODIES[:1]
    assert (run.folder / "m-a.eml").read_bytes() == b"mine"
    assert (run.folder / "m-a-2.eml").read_bytes() == BODIES[0]


# Servers that are wrong


@pytest.mark.parametrize(
    "script",
    [
        saying(LIST=b"+OK\r\n1 999999999\r\n2 0\r\n3 1\r\n4 7 and more\r\n.\r\n"),
        saying(LIST=b"+OK\r\n1 1\r\n.\r\n"),
        saying(LIST=b"+OK\r\n.\r\n"),
        saying(STAT=b"+OK 77 1\r\n", RETR_2=b"+OK 3 octets\r\n" + stuffed(BODIES[1])),
        saying(UIDL=b"+OK\r\n4 d\r\n1 a\r\n2 b\r\n3 c\r\n3 c\r\n.\r\n"),
        saying(UIDL=b"+OK\r\n1 a\r\n3\r\n4 d\r\n.\r\n"),
    ],
)
def test_fetch_believes_no_counts(run: Run, script: Say) -> None:
    with Server(drop_of(), say=script) as server:
        assert run(server) == BODIES
        assert run(server) == []


def test_fetch_goes_on_after_a_refused_message(run: Run) -> None:
    with Server(
        drop_of(), say=saying(RETR_2=b"-ERR no such message\r\n", RETR_3=b"-ERR [SYS/TEMP] disk\r\n")
    ) as server:
        assert run(server, FetchOptions(delete=True)) == [BODIES[0], BODIES[3]]
        assert [failure.status for failure in run.failures] == [69, 75]
        assert server.drop.octets() == BODIES[1:3]
        server.say = saying()
        assert run(server) == BODIES[1:3]


def test_fetch_lists_messages_that_are_not_there(run: Run) -> None:
    with Server(drop_of(), say=saying(LIST=b"+OK\r\n1 1\r\n9 1\r\n.\r\n")) as server:
        assert run(server) == BODIES
        assert len(run.failures) >= 1


def test_fetch_more_than_the_server_said_is_not_taken(run: Run) -> None:
    with Server(drop_of(), say=saying(LIST=b"+OK\r\n1 1\r\n2 1\r\n3 1\r\n4 1\r\n.\r\n")) as server:
        assert run(server, FetchOptions(max_size=10, delete=True)) == []
        assert [failure.status for failure in run.failures] == [65] * 4
        assert len(server.drop.messages) == 4


def test_fetch_says_that_not_all_was_deleted(run: Run) -> None:
    with Server(
        drop_of(), say=saying(QUIT=b"-ERR [SYS/TEMP] some deleted messages not removed\r\n")
    ) as server:
        with pytest.raises(BlazeError, match="not removed") as caught:
            run(server, FetchOptions(delete=True))
        assert caught.value.status == 75
        assert run.files() == BODIES


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (saying(GREETING=b"-ERR go away\r\n"), 69),
        (saying(GREETING=b"220 mail.test ESMTP\r\n"), 76),
        (saying(GREETING=b"+OK " + b"x" * 100_000 + b"\r\n"), 76),
        (saying(AUTH=b"-ERR [AUTH] no\r\n"), 77),
        (saying(AUTH=b"-ERR [IN-USE] another session\r\n"), 75),
        (saying(AUTH=b"-ERR maildrop already locked\r\n"), 75),
        (saying(AUTH=b"+ !\r\n"), 76),
        (saying(LIST=b"+OK\r\nx\r\n.\r\n"), 76),
        (saying(LIST=b"-ERR [SYS/PERM] broken\r\n"), 69),
        (saying(RETR_1=b"what?\r\n"), 76),
    ],
)
def test_fetch_says_what_is_wrong(run: Run, script: Say, status: int) -> None:
    with Server(drop_of(), say=script) as server:
        with pytest.raises(BlazeError) as caught:
            run(server)
        assert caught.value.status == status


def test_fetch_cut_at_every_octet(tmp_path: Path) -> None:
    whole = 10_000
    for fuse in range(whole):
        run = Run(tmp_path / str(fuse))
        run.folder.mkdir()
        drop = drop_of("a", "b")
        with Server(drop, fuse=fuse) as server:
            try:
                run(server, FetchOptions(delete=True))
                done = True
            except BlazeError as error:
                assert error.status == 75, (fuse, error)
                done = False
        assert set(BODIES[:2]) <= {*run.files(), *drop.octets()}
        with Server(drop) as server:
            run(server, FetchOptions(delete=True))
        assert run.files() == BODIES[:2], fuse
        assert not drop.messages
        if done:
            return
    pytest.fail("the session never ended")


def test_fetch_waits_no_longer_than_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = blaze(
            tmp_path, f"pop3://u@127.0.0.1:{listener.getsockname()[1]}", "--insecure", "--timeout", "1s"
        )
    assert done.returncode == 75
    assert b"in time" in done.stderr


def test_fetch_a_refused_connection_is_75(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert blaze(tmp_path, f"pop3://u@127.0.0.1:{port}", "--insecure").returncode == 75


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ssl.SSLContext]]:
    folder = tmp_path_factory.mktemp("tls")
    made = make_certificates(["localhost"], datetime.now(UTC))
    (folder / "ca.pem").write_bytes(made.authority)
    (folder / "both.pem").write_bytes(made.chain + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    yield str(folder / "ca.pem"), context


def test_fetch_upgrades_by_stls(tmp_path: Path, authority: tuple[str, ssl.SSLContext]) -> None:
    cafile, context = authority
    with Server(drop_of(), tls=context) as server:
        done = blaze(tmp_path, f"pop3://{USER}@localhost:{server.port}", "--cafile", cafile)
        assert done.returncode == 0, done.stderr
        assert server.heard[:3] == ["CAPA", "STLS", "CAPA"]
        assert len(done.stdout.splitlines()) == 4


def test_fetch_says_nothing_secret_without_tls(tmp_path: Path) -> None:
    with Server(drop_of()) as server:
        done = blaze(tmp_path, f"pop3://{USER}@localhost:{server.port}")
        assert done.returncode == 77
        assert server.heard == ["CAPA"]


@pytest.mark.parametrize("answer", [b"+OK\r\n+OK injected\r\n", b"+OK\r\n-ERR\r\n+OK\r\n"])
def test_fetch_drops_a_server_that_goes_on_in_clear(
    tmp_path: Path, authority: tuple[str, ssl.SSLContext], answer: bytes
) -> None:
    cafile, context = authority
    with Server(drop_of(), tls=context, say=saying(STLS=answer)) as server:
        done = blaze(tmp_path, f"pop3://{USER}@localhost:{server.port}", "--cafile", cafile)
        assert done.returncode == 76
        assert not [line for line in server.heard if line.startswith(("AUTH", "USER", "APOP"))]


# The command


def blaze(folder: Path, *args: str, **environ: str) -> "subprocess.CompletedProcess[bytes]":
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("BLAZE_", "POP3_", "XDG_"))
    }
    return subprocess.run(
        [sys.executable, "-m", "blaze", "fetch", *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        cwd=folder,
        env={**clean, "HOME": str(folder), "BLAZE_PASSWORD": PASSWORD, **environ},
        check=False,
    )


def test_a_proxy_looks_the_name_up(tmp_path: Path) -> None:
    pytest.importorskip("python_socks")
    with Server(drop_of()) as server:
        proxy = Socks5(server.port)
        proxy.start()
        args = ("--insecure", "--offline", "--proxy", f"socks5://127.0.0.1:{proxy.port}", "--maildir", "M")
        done = blaze(tmp_path, f"pop3://{USER}@pop.nowhere.test", *args)
    assert done.returncode == 0, done.stderr
    assert proxy.asked == b"pop.nowhere.test"
    assert len(list((tmp_path / "M" / "new").iterdir())) == len(BODIES)


def test_fetch_keeps_state_by_server_and_user(tmp_path: Path) -> None:
    with Server(drop_of()) as one, Server(drop_of()) as two:
        for server in (one, two, one):
            done = blaze(tmp_path, f"pop3://{USER}@127.0.0.1:{server.port}", "--insecure", "--maildir", "M")
            assert done.returncode == 0, done.stderr
        recent = blaze(
            tmp_path,
            f"pop3://recent:{USER}@127.0.0.1:{one.port}",
            "--insecure",
            "--maildir",
            "M",
            "--auth",
            "USER",
        )
        assert recent.returncode == 0, recent.stderr
    assert len(list((tmp_path / "M" / "new").iterdir())) == 12
    state = tmp_path / ".local" / "state" / "blaze" / "fetch"
    ledgers = list(state.glob("*.jsonl"))
    assert len(ledgers) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in ledgers)
    assert not any(PASSWORD in path.read_text() for path in ledgers)


def test_fetch_two_at_once_is_75(tmp_path: Path) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def wait(verb: str, argument: str) -> bytes | None:
        if (verb, argument) == ("RETR", "1"):
            entered.set()
            go_on.wait(20)
        return None

    with Server(drop_of(), say=wait) as slow:
        args = (f"pop3://{USER}@127.0.0.1:{slow.port}", "--insecure")
        first = threading.Thread(target=blaze, args=(tmp_path, *args))
        first.start()
        assert entered.wait(20)
        state = tmp_path / ".local" / "state" / "blaze" / "fetch"
        ledger = next(state.glob("*.jsonl"))
        with pytest.raises(BlazeError) as caught, Ledger(str(ledger)):
            pass
        go_on.set()
        first.join()
    assert caught.value.status == 75


@pytest.mark.parametrize(
    "args",
    [
        ("--maildir", "M", "--mbox", "b"),
        ("-f", "no-mark"),
        ("-f", "%s-%s"),
        ("-f", "%d"),
        ("-f", "%s/x"),
        ("--keep", "--delete"),
        ("--delete", "--delete-after", "3"),
        ("--headers-only", "--delete"),
        ("--auth", "NONE"),
        ("--tls", "none"),
    ],
)
def test_fetch_refuses_what_makes_no_sense(tmp_path: Path, args: tuple[str, ...]) -> None:
    with Server(drop_of()) as server:
        insecure = () if args[0] == "--tls" else ("--insecure",)
        assert blaze(tmp_path, f"pop3://{USER}@127.0.0.1:{server.port}", *insecure, *args).returncode == 2


@pytest.mark.parametrize(
    "uri", ["pop3://", "pop3://u@", "pop3://u@h:x", "pop3://h/path", "http://h/x", "gopher://h"]
)
def test_fetch_refuses_what_is_no_uri(tmp_path: Path, uri: str) -> None:
    assert blaze(tmp_path, uri).returncode == 2


def test_fetch_needs_something_to_fetch_from(tmp_path: Path) -> None:
    assert blaze(tmp_path).returncode == 78
    assert blaze(tmp_path, "no/such/archive").returncode == 66


def test_fetch_json_has_a_line_for_each_message(tmp_path: Path) -> None:
    import json

    with Server(drop_of()) as server:
        place = f"pop3://{USER}@127.0.0.1:{server.port}"
        done = blaze(tmp_path, place, "--insecure", "--json", "--mbox", "box", "--exclude", "pop3:b")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["uid"] for row in rows] == ["a", "c", "d"]
    assert {row["schema"] for row in rows} == {"blaze.fetch/1"}
    size = len(BODIES[0].replace(b"\r", b""))
    assert rows[0] == {"schema": "blaze.fetch/1", "source": place, "uid": "a", "size": size, "path": "box"}


def test_fetch_a_line_without_end_in_constant_memory(
    tmp_path: Path, long_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    size = 1 << 30 if long_run else 150 << 20

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as lines:
            connection.sendall(b"+OK\r\n")
            for line in lines:
                match line.split()[0].upper():
                    case b"LIST" | b"UIDL":
                        connection.sendall(b"+OK\r\n1 1\r\n.\r\n")
                    case b"RETR":
                        connection.sendall(b"+OK\r\n")
                        for _ in range(size >> 20):
                            connection.sendall(b"x" * (1 << 20))
                        connection.sendall(b"\r\n.\r\n")
                    case b"CAPA":
                        connection.sendall(b"-ERR\r\n")
                    case _:
                        connection.sendall(b"+OK\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        uri = f"pop3://u:p@127.0.0.1:{listener.getsockname()[1]}"
        used = peak_memory(
            python(), "-m", "blaze", "fetch", uri, "--insecure", "--no-sync", "-f", f"{tmp_path}/%s"
        )
    assert (tmp_path / "1").stat().st_size == size + 2
    assert used < 100 << 20
