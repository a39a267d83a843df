"""Real mail programs for tests: a Dovecot on loopback, mutt on a pseudo-terminal, procmail."""

import contextlib
import os
import pty
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.mail_servers import free_port

PASSWORD = "secret"
_USER = "mail"

_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap pop3
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={user} home={folder}/home/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = 0
  }}
}}
mail_location = {location}
mbox_write_locks = fcntl dotlock
"""


def why_no_dovecot() -> str | None:
    """Why a Dovecot cannot be run here, or None."""
    if shutil.which("dovecot") is None or shutil.which("doveadm") is None:
        return "no dovecot"
    if os.geteuid() != 0:
        return "dovecot must be started by root"
    with contextlib.suppress(KeyError):
        pwd.getpwnam(_USER)
        return None
    return f"no user {_USER}"


class Dovecot:
    """A running Dovecot; its mail lies in `folder`, its users are any names."""

    def __init__(self, folder: Path, location: str) -> None:
        self.folder = folder
        self.imap_port, self.pop3_port = free_port(), free_port()
        for name in ("run", "state", "home", "mail"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        self.configuration = folder / "conf"
        self.configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                password=PASSWORD,
                user=_USER,
                imap_port=self.imap_port,
                pop3_port=self.pop3_port,
                location=location.format(folder=folder),
            )
        )
        self.give_away()
        self._process = subprocess.Popen(["dovecot", "-F", "-c", str(self.configuration)])
        for port in (self.imap_port, self.pop3_port):
            _wait_for(port, self._process)

    def give_away(self) -> None:
        """Make the mail the user's that Dovecot reads it as."""
        entry = pwd.getpwnam(_USER)
        for top in (self.folder / "home", self.folder / "mail"):
            os.chown(top, entry.pw_uid, entry.pw_gid)
            for path in top.rglob("*"):
                os.chown(path, entry.pw_uid, entry.pw_gid)

    def doveadm(self, *arguments: str, octets: bytes = b"") -> bytes:
        """Run doveadm on this server; gives what it prints."""
        done = subprocess.run(
            ["doveadm", "-c", str(self.configuration), *arguments],
            input=octets,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
        return done.stdout

    def close(self) -> None:
        """Stop the server and everything that it started."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)


@contextlib.contextmanager
def running_dovecot(location: str) -> Iterator[Dovecot]:
    """A Dovecot whose `mail_location` is `location`, `{folder}` in it being its own folder.

    The folder is not pytest's: that one is closed to the user whose mail it is.
    """
    folder = Path(tempfile.mkdtemp(prefix="blaze-dovecot-"))
    server = None
    try:
        server = Dovecot(folder, location)
        yield server
    finally:
        if server is not None:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)


def mutt(folder: Path, mailbox: str, keys: str, *, mbox_type: str = "mbox") -> None:
    """Let mutt open `mailbox` in `folder` and press `keys`, as its `push` command names them."""
    settings = (
        "set folder=. record='' pipe_split=yes pipe_decode=no wait_key=no confirmappend=no confirmcreate=no"
        f" quit=yes delete=no move=no beep=no resolve=no sort=mailbox-order mbox_type={mbox_type}"
    )
    command = ["mutt", "-F", "/dev/null", "-n", "-f", mailbox, "-e", settings, "-e", f'push "{keys}"']
    environment = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    try:
        _drain(leader, process)
    finally:
        process.kill()
        process.wait()
        os.close(leader)


def procmail(folder: Path, destination: str, message: bytes) -> None:
    """Deliver a message by procmail to `destination` (an mbox, or a Maildir when it ends with a slash)."""
    rules = folder / "procmailrc"
    rules.write_text(f"MAILDIR={folder}\nDEFAULT={destination}\nLOCKFILE=\n")
    rules.chmod(0o600)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LOGNAME": "root"}
    subprocess.run(
        ["procmail", "-f", "ann@example.org", "-m", str(rules)],
        input=message,
        env=environment,
        check=True,
        timeout=30,
    )


def _drain(leader: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline, "mutt does not end"
        if select.select([leader], [], [], 0.2)[0]:
            try:
                os.read(leader, 1 << 16)
            except OSError:
                return


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, "the server has ended"
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)
        else:
            return
