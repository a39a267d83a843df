"""Real mail servers on loopback, each with its own configuration and folder: Postfix and Dovecot."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

USER, PASSWORD, DOMAIN = "user@example.test", "p\u00e4ncil =,", "example.test"
MECHANISMS = "plain login cram-md5 scram-sha-1 scram-sha-256"


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(path_or_port: Path | int, seconds: float = 20.0) -> None:
    """Wait until a Unix socket or a port takes connections."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if isinstance(path_or_port, int):
                socket.create_connection(("127.0.0.1", path_or_port), timeout=1).close()
            else:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(path_or_port))
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _needs_root(*programs: str) -> None:
    for program in programs:
        if shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
            pytest.skip(f"{program} is not installed")
    if os.geteuid() != 0:
        pytest.skip("the server drops privileges: it must be started by root")


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot: SASL for Postfix at `auth`, LMTP at `lmtp`, Maildirs under `mail`."""

    auth: Path
    lmtp: Path
    mail: Path


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[Dovecot]:
    """Run Dovecot with one user, who logs in by any of `MECHANISMS`."""
    _needs_root("dovecot")
    folder.chmod(0o755)
    base, mail = folder / "dovecot", folder / "dmail"
    mail.mkdir()
    owner = pwd.getpwnam("nobody")
    os.chown(mail, owner.pw_uid, owner.pw_gid)
    users = folder / "users"
    users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", "utf-8")
    users.chmod(0o644)
    config = folder / "dovecot.conf"
    config.write_text(
        f"""
base_dir = {base}
state_dir = {base}
log_path = {folder}/dovecot.log
protocols = lmtp
ssl = no
auth_mechanisms = {MECHANISMS}
disable_plaintext_auth = no
auth_username_chars =
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {users}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={mail}/%u
}}
first_valid_uid = 1
mail_location = maildir:~/Maildir
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
service anvil {{
  chroot =
}}
default_internal_user = nobody
default_login_user = nobody
default_internal_group = {_group(owner.pw_gid)}
"""
    )
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(folder / "lmtp")
        wait_for(folder / "auth")
        yield Dovecot(folder / "auth", folder / "lmtp", mail)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _group(gid: int) -> str:
    import grp

    return grp.getgrgid(gid).gr_name


@dataclass(frozen=True)
class Postfix:
    """A running Postfix: `port` offers STARTTLS, `tls_port` is all TLS; mail lands in `maildir`."""

    port: int
    tls_port: int
    maildir: Path
    log: Path

    def messages(self, count: int, seconds: float = 30.0) -> list[bytes]:
        """What was delivered, in the order of delivery, once there are `count` messages."""
        deadline = time.monotonic() + seconds
        while len(found := self._files()) < count and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(found) >= count, self.log.read_text("utf-8", "replace")[-3000:]
        return [path.read_bytes() for path in found]

    def _files(self) -> list[Path]:
        new = self.maildir / "new"
        return sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns) if new.is_dir() else []

    def empty(self) -> None:
        """Forget what was delivered."""
        for path in self._files():
            path.unlink()


_SERVICES = """
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def postfix(folder: Path, certificate: Path, key: Path, sasl: Path | None = None) -> Iterator[Postfix]:
    """Run Postfix for `DOMAIN`, whose mail lands in one Maildir; `sasl` is Dovecot's socket."""
    _needs_root("postfix")
    etc, spool, data, mail = (folder / name for name in ("etc", "spool", "data", "mail"))
    for path in (etc, spool, data, mail):
        path.mkdir()
        path.chmod(0o755)
    owner = pwd.getpwnam("postfix")
    os.chown(data, owner.pw_uid, owner.pw_gid)
    os.chown(mail, owner.pw_uid, owner.pw_gid)
    port, tls_port, log = free_port(), free_port(), folder / "postfix.log"
    (etc / "main.cf").write_text(
        f"""
compatibility_level = 3.6
queue_directory = {spool}
data_directory = {data}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {log}
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.{DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {mail}
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:{owner.pw_uid}
virtual_gid_maps = static:{owner.pw_gid}
virtual_mailbox_limit = 0
message_size_limit = 20000000
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = may
smtpd_client_connection_count_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_sasl_auth_enable = {"yes" if sasl else "no"}
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl or "none"}
smtpd_tls_auth_only = no
smtpd_recipient_restrictions = check_recipient_access inline:{{{{refused@{DOMAIN} = 550 5.1.1 no such user}},
    {{later@{DOMAIN} = 450 4.2.0 come back}}}}, permit_mynetworks, reject
"""
    )
    (etc / "master.cf").write_text(
        f"127.0.0.1:{port} inet n - n - - smtpd\n"
        f"127.0.0.1:{tls_port} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n" + _SERVICES
    )
    started = subprocess.run(
        ["postfix", "-c", str(etc), "start"], check=False, capture_output=True, text=True
    )
    assert started.returncode == 0, started.stderr + (log.read_text() if log.exists() else "")
    try:
        wait_for(port)
        yield Postfix(port, tls_port, mail / "all", log)
    finally:
        subprocess.run(["postfix", "-c", str(etc), "stop"], check=False, capture_output=True)
