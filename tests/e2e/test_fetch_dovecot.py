"""`blaze fetch` against Dovecot: TLS, log-ins, destinations, deletion."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError
from blaze.core.net.tls import make_certificates
from blaze.core.store.source import iter_entries
from tests.support.mail_servers import PASSWORD, USER
from tests.support.pop3_dovecot import MECHANISMS, Dovecot, dovecot

pytestmark = pytest.mark.e2e

MESSAGES = [
    b"Subject: %d\n\n.dot\n..\n.\nbody\n%b\n" % (number, b"x" * (number * 731 % 9000)) for number in range(30)
]


class Site:
    """Dovecot, the authority of its certificate, and a file with the password."""

    def __init__(self, folder: Path, server: Dovecot) -> None:
        self.server = server
        self.authority = str(folder / "ca.pem")
        self.password = str(folder / "password")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    # Not in pytest's folder: that one is closed to the users whom the server becomes.
    with tempfile.TemporaryDirectory(prefix="pop3-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = make_certificates(["localhost"], datetime.now(UTC))
        for file, octets in (("ca.pem", made.authority), ("chain.pem", made.chain), ("key.pem", made.key)):
            (folder / file).write_bytes(octets)
        (folder / "password").write_text(PASSWORD + "\n", "utf-8")
        (folder / "password").chmod(0o600)
        (folder / "dovecot").mkdir()
        with dovecot(folder / "dovecot", folder / "chain.pem", folder / "key.pem") as server:
            yield Site(folder, server)


@pytest.fixture
def full(site: Site) -> Site:
    site.server.fill(MESSAGES)
    return site


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
        env={**clean, "HOME": str(folder), **environ},
        check=False,
    )


def who(site: Site) -> tuple[str, ...]:
    return ("-u", USER, "--password-file", site.password, "--cafile", site.authority)


def held(name: str) -> list[bytes]:
    """The messages of a store, with LF newlines."""
    found = []
    for entry in iter_entries([name]):
        assert not isinstance(entry, BlazeError), str(entry)
        found.append(bytes(entry.buffer[entry.start : entry.end]).replace(b"\r\n", b"\n"))
    return found


@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
def test_fetch_into_a_maildir_once(full: Site, tmp_path: Path, scheme: str) -> None:
    port = full.server.port if scheme == "pop3" else full.server.tls_port
    args = (f"{scheme}://localhost:{port}", *who(full), "--maildir", "Mail", "-v")
    done = blaze(tmp_path, *args)
    assert done.returncode == 0, done.stderr
    assert b"logged in by SCRAM-SHA-256" in done.stderr
    assert [(tmp_path / line.decode()).read_bytes() for line in done.stdout.splitlines()] == MESSAGES
    again = blaze(tmp_path, *args)
    assert (again.returncode, again.stdout) == (0, b"")
    assert len(held(str(tmp_path / "Mail"))) == len(MESSAGES) == full.server.count()


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "APOP", "USER"])
def test_fetch_by_every_log_in(site: Site, tmp_path: Path, mechanism: str) -> None:
    site.server.fill(MESSAGES[:1])
    done = blaze(tmp_path, f"pop3s://localhost:{site.server.tls_port}", *who(site), "--auth", mechanism, "-v")
    assert done.returncode == 0, done.stderr
    assert f"logged in by {mechanism}".encode() in done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("mechanism", [*MECHANISMS, "APOP", "USER"])
def test_fetch_refused_log_in_is_77(site: Site, tmp_path: Path, mechanism: str) -> None:
    args = (f"pop3s://localhost:{site.server.tls_port}", "-u", USER, "--cafile", site.authority)
    done = blaze(tmp_path, *args, "--auth", mechanism, BLAZE_PASSWORD="wrong")
    assert done.returncode == 77, done.stderr
    assert b"wrong" not in done.stderr


def test_fetch_in_clear_only_when_told(full: Site, tmp_path: Path) -> None:
    args = (f"pop3://localhost:{full.server.port}", *who(full), "--tls", "none", "--auth", "PLAIN")
    assert blaze(tmp_path, *args).returncode == 2
    done = blaze(tmp_path, *args, "--insecure")
    assert done.returncode == 0
    assert b"in clear" in done.stderr


def test_fetch_stops_at_a_certificate_that_does_not_hold(full: Site, tmp_path: Path) -> None:
    for uri in (f"pop3://localhost:{full.server.port}", f"pop3s://localhost:{full.server.tls_port}"):
        done = blaze(tmp_path, uri, "-u", USER, "--password-file", full.password)
        assert done.returncode == 76, done.stderr
    assert not list(tmp_path.glob("*.eml"))


@pytest.mark.parametrize("destination", [("--mbox", "box"), ("--pack", "mail.pack"), ("-f", "m-%s.eml")])
def test_fetch_into_every_destination(full: Site, tmp_path: Path, destination: tuple[str, str]) -> None:
    args = (f"pop3s://localhost:{full.server.tls_port}", *who(full), *destination)
    first = blaze(tmp_path, *args, "--limit", "10")
    assert first.returncode == 0, first.stderr
    second = blaze(tmp_path, *args)
    assert second.returncode == 0, second.stderr
    names = sorted(map(str, tmp_path.glob("m-*.eml"))) or [str(tmp_path / destination[1])]
    got = [message for name in names for message in held(name)]
    assert sorted(got) == sorted(MESSAGES)


def test_fetch_deletes_what_is_on_disk(full: Site, tmp_path: Path) -> None:
    args = (f"pop3s://localhost:{full.server.tls_port}", *who(full), "--maildir", "Mail")
    assert blaze(tmp_path, *args, "--limit", "5").returncode == 0
    assert blaze(tmp_path, *args, "--delete-after", "1", "--limit", "5").returncode == 0
    assert full.server.count() == len(MESSAGES)
    assert blaze(tmp_path, *args, "--delete").returncode == 0
    assert full.server.count() == 0
    assert sorted(held(str(tmp_path / "Mail"))) == sorted(MESSAGES)
    full.server.fill(MESSAGES[:2])
    again = blaze(tmp_path, *args, "--delete-after", "0")
    assert (again.returncode, full.server.count()) == (0, 0)


def test_fetch_headers_only(full: Site, tmp_path: Path) -> None:
    args = (f"pop3s://localhost:{full.server.tls_port}", *who(full))
    done = blaze(tmp_path, *args, "--headers-only", "--limit", "2", "-f", "h-%s")
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / line.decode()).read_bytes() for line in done.stdout.splitlines()] == [
        b"Subject: 0\r\n\r\n",
        b"Subject: 1\r\n\r\n",
    ]
    assert blaze(tmp_path, *args, "--headers-only", "--delete").returncode == 2
    whole = blaze(tmp_path, *args)
    assert len(whole.stdout.splitlines()) == len(MESSAGES)


def test_fetch_leaves_what_is_large_or_excluded(full: Site, tmp_path: Path) -> None:
    args = (f"pop3s://localhost:{full.server.tls_port}", *who(full))
    done = blaze(tmp_path, *args, "--max-size", "1000", "-v")
    small = [message for message in MESSAGES if len(message.replace(b"\n", b"\r\n")) <= 1000]
    assert len(done.stdout.splitlines()) == len(small)
    assert done.stderr.count(b"left on the server") == len(MESSAGES) - len(small)


def test_fetch_from_the_accounts_of_the_configuration(full: Site, tmp_path: Path) -> None:
    config = tmp_path / ".config" / "blaze" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(
        f'[account.one]\nfetch = "pop3s://localhost:{full.server.tls_port}"\nuser = "{USER}"\n'
        f'password-file = "{full.password}"\ncafile = "{full.authority}"\n'
        f'[account.two]\nfetch = "pop3s://localhost:{full.server.tls_port}"\nuser = "nobody@example.test"\n'
        f'password-command = "echo wrong"\ncafile = "{full.authority}"\n'
        f'[account.three]\nhost = "smtp.example.test"\n'
    )
    done = blaze(tmp_path)
    assert done.returncode == 77, done.stderr
    assert len(done.stdout.splitlines()) == len(MESSAGES)
    assert blaze(tmp_path, "--account", "one").returncode == 0
    assert blaze(tmp_path, "--account", "three").returncode == 78
