"""`blaze fetch` of public-inbox archives, made by public-inbox itself."""

import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from blaze.core.net.tls import make_certificates
from tests.e2e.test_fetch import blaze
from tests.support.mail_servers import free_port, wait_for

pytestmark = pytest.mark.e2e


def letter(number: int, body: str = "hello") -> bytes:
    return (
        f"From: A <a@example.org>\nTo: list@example.org\nSubject: message {number}\n"
        f"Message-ID: <{number}@example.org>\nDate: Mon, 1 Jan 2024 00:00:{number:02} +0000\n\n"
        f"{body} {number}\n"
    ).encode()


class Inbox:
    """A public inbox of one version, that messages are put into and taken out of."""

    def __init__(self, folder: Path, version: int) -> None:
        self.path = folder / "inbox"
        self._environ = {
            "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin",
            "HOME": str(folder),
            "PI_CONFIG": str(folder / "config"),
            "PI_EMERGENCY": str(folder / "emergency"),
            "ORIGINAL_RECIPIENT": "list@example.org",
            "GIT_AUTHOR_NAME": "c",
            "GIT_AUTHOR_EMAIL": "c@example.org",
            "GIT_COMMITTER_NAME": "c",
            "GIT_COMMITTER_EMAIL": "c@example.org",
        }
        self._run("public-inbox-init", f"-V{version}", "-L", "basic", "list", str(self.path), "http://127.0.0.1/list",
                  "list@example.org")  # fmt: skip

        # Not SpamAssassin, which is not there.
        self._run("git", "config", "-f", str(folder / "config"), "publicinboxmda.spamcheck", "none")

    def git(self, *command: str) -> str:
        """What git says about its last repository."""
        return self._run("git", f"--git-dir={self.repository}", *command).decode().strip()

    def _run(self, *command: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run(command, input=stdin, env=self._environ, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def add(self, *messages: bytes) -> None:
        for message in messages:
            self._run("public-inbox-mda", "--no-precheck", stdin=message)

    def remove(self, message: bytes) -> None:
        self._run("public-inbox-learn", "rm", stdin=message)

    @property
    def repository(self) -> Path:
        epoch = self.path / "git" / "0.git"
        return epoch if epoch.exists() else self.path


@pytest.fixture(params=[1, 2])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Inbox:
    if shutil.which("public-inbox-init") is None:
        pytest.skip("public-inbox is not installed")
    (tmp_path / "pi").mkdir()
    return Inbox(tmp_path / "pi", request.param)


def fetched(folder: Path, *args: str) -> list[bytes]:
    """What a run fetches, in the order it says."""
    done = blaze(folder, *args)
    assert done.returncode == 0, done.stderr
    return [(folder / line.decode()).read_bytes() for line in done.stdout.splitlines()]


def subjects(messages: list[bytes]) -> list[int]:
    return [int(message.partition(b"Subject: message ")[2].split()[0]) for message in messages]


def test_fetch_a_local_archive_in_order_and_once(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add(*map(letter, range(5)))
    first = fetched(tmp_path, str(inbox.path))
    assert subjects(first) == [0, 1, 2, 3, 4]
    assert all(message.endswith(b"hello %d\n" % number) for number, message in enumerate(first))
    assert fetched(tmp_path, str(inbox.path)) == []
    inbox.add(letter(5), letter(6), letter(7))
    inbox.remove(letter(6))
    assert subjects(fetched(tmp_path, str(inbox.path), "--limit", "1")) == [5]
    assert subjects(fetched(tmp_path, str(inbox.path), "--maildir", "M")) == [7]
    assert fetched(tmp_path, str(inbox.path)) == []


def test_fetch_an_archive_whose_history_was_rewritten(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add(letter(0), letter(1))
    assert subjects(fetched(tmp_path, str(inbox.path))) == [0, 1]
    branch = inbox.git("symbolic-ref", "HEAD")
    tree = inbox.git("rev-parse", "HEAD^{tree}")
    inbox.git("update-ref", branch, inbox.git("commit-tree", "-m", "rewritten", tree))
    inbox.add(letter(2))
    assert subjects(fetched(tmp_path, str(inbox.path))) == [2]


def test_fetch_only_new_messages_of_an_archive(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add(letter(0))
    assert fetched(tmp_path, str(inbox.path), "--new") == []
    inbox.add(letter(1))
    assert subjects(fetched(tmp_path, str(inbox.path), "--new", "--mbox", "box")) == [1]


@contextmanager
def daemon(folder: Path) -> Iterator[int]:
    """git daemon over the repositories in a folder."""
    if not os.path.exists(f"{_exec_path()}/git-daemon"):
        pytest.skip("git daemon is not installed")
    port = free_port()
    process = subprocess.Popen(
        [f"{_exec_path()}/git-daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", f"--port={port}",
         f"--base-path={folder}", str(folder)],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def _exec_path() -> str:
    return subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()


def test_fetch_an_archive_by_git(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add(letter(0), letter(1))
    with daemon(inbox.path.parent) as port:
        uri = f"git://127.0.0.1:{port}/inbox"
        assert subjects(fetched(tmp_path, uri)) == [0, 1]
        assert fetched(tmp_path, uri) == []
        inbox.add(letter(2))
        assert subjects(fetched(tmp_path, uri, "--maildir", "M")) == [2]
        missing = blaze(tmp_path, f"git://127.0.0.1:{port}/nothing")
        assert missing.returncode == 69, missing.stderr
    gone = blaze(tmp_path, uri)
    assert gone.returncode == 75, gone.stderr


def test_fetch_an_archive_by_ssh(inbox: Inbox, tmp_path: Path) -> None:
    """What stands for ssh runs the command of the last argument here."""
    inbox.add(letter(0), letter(1))
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor last; do :; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    for uri in (f"me@host.test:{inbox.path}", f"ssh://me@host.test{inbox.path}"):
        done = blaze(tmp_path, uri, "--maildir", "M", GIT_SSH_COMMAND=str(ssh), GIT_SSH_VARIANT="simple")
        assert done.returncode == 0, done.stderr
        assert subjects([(tmp_path / line.decode()).read_bytes() for line in done.stdout.splitlines()]) == [
            0,
            1,
        ]


def test_fetch_an_archive_by_https(inbox: Inbox, tmp_path: Path) -> None:
    """By the simple protocol, for which files are enough; a certificate that does not hold is refused."""
    inbox.add(letter(0), letter(1))
    inbox.git("update-server-info")
    made = make_certificates(["localhost"], datetime.now(UTC))
    (tmp_path / "ca.pem").write_bytes(made.authority)
    (tmp_path / "both.pem").write_bytes(made.chain + made.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    handler = partial(Quiet, directory=str(inbox.path.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        uri = f"https://localhost:{server.server_port}/inbox"
        strange = blaze(tmp_path, uri)
        done = blaze(tmp_path, uri, GIT_SSL_CAINFO=str(tmp_path / "ca.pem"))
        server.shutdown()
        thread.join()
    assert strange.returncode == 76, strange.stderr
    assert done.returncode == 0, done.stderr
    assert subjects([(tmp_path / line.decode()).read_bytes() for line in done.stdout.splitlines()]) == [0, 1]


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a log."""

    def log_message(self, *_: object) -> None:
        pass


def test_fetch_an_archive_of_several_epochs(tmp_path: Path) -> None:
    if shutil.which("public-inbox-init") is None:
        pytest.skip("public-inbox is not installed")
    (tmp_path / "pi").mkdir()
    inbox = Inbox(tmp_path / "pi", 2)
    inbox.add(letter(0), letter(1))
    other = tmp_path / "other"
    other.mkdir()
    newer = Inbox(other, 2)
    newer.add(letter(2), letter(3))
    shutil.copytree(newer.path / "git" / "0.git", inbox.path / "git" / "1.git")
    assert subjects(fetched(tmp_path, str(inbox.path))) == [0, 1, 2, 3]
    with daemon(tmp_path / "pi") as port:
        args = (f"git://127.0.0.1:{port}/inbox", "--maildir", "M")
        assert subjects(fetched(tmp_path, *args)) == [0, 1, 2, 3]
        assert fetched(tmp_path, *args) == []


@pytest.mark.parametrize(
    ("uri", "status"),
    [
        ("--upload-pack=touch hacked", 2),
        ("ext::sh -c touch% hacked", 66),
        ("ssh://-oProxyCommand=touch hacked/x", 2),
        ("-oProxyCommand=touch:x", 2),
        ("git://127.0.0.1\n/x", 2),
        ("ftp://127.0.0.1/x", 2),
        ("file:///nonexistent/archive", 66),
        (".", 66),
    ],
)
def test_fetch_lets_no_uri_run_anything(tmp_path: Path, uri: str, status: int) -> None:
    done = blaze(tmp_path, uri)
    assert done.returncode == status, done.stderr
    assert not list(tmp_path.rglob("hacked*"))


def test_fetch_runs_nothing_that_an_archive_configures(inbox: Inbox, tmp_path: Path) -> None:
    inbox.add(letter(0))
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hacked\n")
    hook.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "core.sshCommand",
        "core.askPass",
        "uploadpack.packObjectsHook",
    ):
        subprocess.run(["git", f"--git-dir={inbox.repository}", "config", key, str(hook)], check=True)
    hooks = inbox.repository / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-checkout", "pre-auto-gc"):
        shutil.copy(hook, hooks / name)
    assert subjects(fetched(tmp_path, str(inbox.path))) == [0]
    assert not (tmp_path / "hacked").exists()
