"""Fetching 2,000 messages by POP3 from Dovecot: against poplib and mpop, near and far."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.frame import Row, Work, blaze, environment, python
from tests.support.mail_servers import PASSWORD, USER
from tests.support.pop3_dovecot import dovecot

MESSAGES = 2000
FAR = 200
"""Messages that poplib fetches from far: one round trip for each takes it ten seconds."""

ROUND_TRIP = 0.05  # seconds

_POPLIB = """
import poplib, sys
port, folder, most = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
server = poplib.POP3("127.0.0.1", port)
server.user(sys.argv[4])
server.pass_(sys.argv[5])
for number in range(1, min(len(server.uidl()[1]), most) + 1):
    with open(f"{folder}/{number}.eml", "wb") as file:
        file.write(b"\\n".join(server.retr(number)[1]) + b"\\n")
server.quit()
"""


def rows(folder: Path) -> Iterator[Row]:
    if os.geteuid() != 0 or not os.path.exists("/usr/lib/dovecot/pop3"):
        return
    from blaze.core.net.tls import make_certificates

    with tempfile.TemporaryDirectory(prefix="blaze-bench-pop3-") as name:
        place = Path(name)
        place.chmod(0o755)
        made = make_certificates(["localhost"], datetime.now(UTC))
        (place / "chain.pem").write_bytes(made.chain)
        (place / "key.pem").write_bytes(made.key)
        (place / "dovecot").mkdir()
        with dovecot(place / "dovecot", place / "chain.pem", place / "key.pem") as server:
            server.fill(
                [b"Subject: %d\n\n%b" % (n, b"x" * 70 + b"\n") * (10 + n % 60) for n in range(MESSAGES)]
            )
            near = {"poplib": by_poplib(folder, server.port, MESSAGES)}
            if mpop := shutil.which("mpop"):
                near["mpop"] = by_mpop(folder, mpop, server.port)
            bars = {"poplib": 1.1, "mpop": 1.1}
            yield Row("POP3: 2,000 messages, near", by_blaze(folder, server.port), near, bars)
            with delayed(server.port) as port:
                peer = f"poplib, {FAR} of them"
                bar = MESSAGES / FAR / 20
                far = {peer: by_poplib(folder, port, FAR)}
                yield Row(
                    "POP3: 2,000 messages, 50 ms away", by_blaze(folder, port), far, {peer: bar}, runs=3
                )


@contextlib.contextmanager
def delayed(port: int) -> Iterator[int]:
    """A port that leads to `port`, half a round trip late in each direction."""
    program = Path(__file__).parents[1] / "support" / "delay_proxy.py"
    command = [sys.executable, str(program), str(ROUND_TRIP / 2), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def by_blaze(folder: Path, port: int) -> Work:
    def work() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as home:
            uri = f"pop3://127.0.0.1:{port}"
            options = [
                "-u",
                USER,
                "--auth",
                "USER",
                "--tls",
                "none",
                "--insecure",
                "--no-sync",
                "--maildir",
                "M",
            ]
            _run([blaze(), "fetch", uri, *options], home, BLAZE_PASSWORD=PASSWORD)
            assert len(os.listdir(f"{home}/M/new")) == MESSAGES

    return work


def by_poplib(folder: Path, port: int, most: int) -> Work:
    def work() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as home:
            arguments = [str(port), home, str(most), USER, PASSWORD]
            _run([python(), "-c", f"import poplib; poplib._MAXLINE = 1 << 20{_POPLIB}", *arguments], home)
            assert len(os.listdir(home)) == most

    return work


def by_mpop(folder: Path, program: str, port: int) -> Work:
    def work() -> None:
        with tempfile.TemporaryDirectory(dir=folder) as home:
            for part in ("tmp", "new", "cur"):
                os.makedirs(f"{home}/M/{part}")
            config = Path(home) / "mpoprc"
            config.write_text(
                f"account a\nhost 127.0.0.1\nport {port}\ntls off\nauth user\n"
                f"user {USER}\npassword {PASSWORD}\n"
                f"keep on\ndelivery maildir {home}/M\nuidls_file {home}/uidls\n",
                "utf-8",
            )
            config.chmod(0o600)
            _run([program, f"--file={config}", "--quiet", "a"], home)
            assert len(os.listdir(f"{home}/M/new")) == MESSAGES

    return work


def _run(command: list[str], home: str, **variables: str) -> None:
    environ = {**environment(), "HOME": home, "XDG_STATE_HOME": f"{home}/state", **variables}
    done = subprocess.run(
        command, cwd=home, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"{command[0]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}"
        )
