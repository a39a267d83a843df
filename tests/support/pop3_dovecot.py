"""Dovecot as a POP3 server on loopback, with its own configuration and folder."""

import contextlib
import grp
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.mail_servers import PASSWORD, USER, free_port, wait_for

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")


@dataclass(frozen=True)
class Dovecot:
    """A running Dovecot: `port` offers STLS, `tls_port` is all TLS; the mail is in `maildir`."""

    port: int
    tls_port: int
    maildir: Path

    def fill(self, messages: list[bytes]) -> None:
        """Put these messages there, and no others."""
        shutil.rmtree(self.maildir, ignore_errors=True)
        owner = pwd.getpwnam("nobody")
        for path in (
            self.maildir.parent,
            self.maildir,
            *(self.maildir / part for part in ("tmp", "new", "cur")),
        ):
            path.mkdir(exist_ok=True)
            os.chown(path, owner.pw_uid, owner.pw_gid)
        for number, message in enumerate(messages):
            path = self.maildir / "cur" / f"{1700000000 + number}.M{number}P1.host:2,S"
            path.write_bytes(message)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def count(self) -> int:
        """How many messages are there."""
        return sum(1 for part in ("new", "cur") for _ in (self.maildir / part).iterdir())


@contextlib.contextmanager
def dovecot(folder: Path, certificate: Path, key: Path) -> Iterator[Dovecot]:
    """Run Dovecot with one user, who logs in by any of `MECHANISMS`, by APOP or by USER."""
    if shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None:
        pytest.skip("dovecot is not installed")
    if not Path("/usr/lib/dovecot/pop3").exists():
        pytest.skip("dovecot-pop3d is not installed")
    if os.geteuid() != 0:
        pytest.skip("Dovecot drops privileges: it must be started by root")
    folder.chmod(0o755)
    base, mail = folder / "run", folder / "mail"
    mail.mkdir()
    owner = pwd.getpwnam("nobody")
    os.chown(mail, owner.pw_uid, owner.pw_gid)
    users = folder / "users"
    users.write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", "utf-8")
    users.chmod(0o644)
    port, tls_port = free_port(), free_port()
    config = folder / "dovecot.conf"
    config.write_text(
        f"""
base_dir = {base}
state_dir = {base}
log_path = {folder}/dovecot.log
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = {" ".join(MECHANISMS).lower()} apop
disable_plaintext_auth = no
auth_username_chars =
auth_failure_delay = 0
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
mail_max_userip_connections = 100
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {port}
  }}
  inet_listener pop3s {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
default_internal_user = nobody
default_login_user = nobody
default_internal_group = {grp.getgrgid(owner.pw_gid).gr_name}
"""
    )
    process = subprocess.Popen(
        ["dovecot", "-F", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin"},
    )
    try:
        wait_for(port)
        wait_for(tls_port)
        yield Dovecot(port, tls_port, mail / USER / "Maildir")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
