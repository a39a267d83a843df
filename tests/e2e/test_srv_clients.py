"""Clients that were not written here, against `blaze srv`: in clear, STARTTLS, implicit TLS, with log-ins."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.srv import Srv

pytestmark = pytest.mark.e2e

BODY = b"first line\r\n.one dot\r\n..two dots\r\n\r\nFrom the end\r\n"
MESSAGE = b"From: a@example.org\r\nTo: c@example.org\r\nSubject: hello\r\n\r\n" + BODY
USER, PASSWORD = "user", "pen cil"
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Way:
    """How a client comes in: which TLS, and the mechanism it logs in with, if any."""

    tls: str = "none"
    mechanism: str = ""

    def __str__(self) -> str:
        return f"{self.tls} {self.mechanism}".strip()

    @property
    def options(self) -> list[str]:
        tls = {"none": [], "starttls": ["--tls-auto", "--ca-out", "ca.pem"]}
        tls["implicit"] = [*tls["starttls"], "--smtps"]
        return [*tls[self.tls], *(["--auth", "file:users"] if self.mechanism else [])]


PLAIN_WAYS = [Way(tls) for tls in ("none", "starttls", "implicit")]


@pytest.fixture
def serve(tmp_path: Path, way: Way) -> Iterator[Srv]:
    (tmp_path / "users").write_text(f"{USER}:{PASSWORD}\n")
    (tmp_path / "users").chmod(0o600)
    with Srv(tmp_path, "-v", *way.options) as srv:
        yield srv


def run(command: Sequence[str], srv: Srv, stdin: bytes = b"", **environ: str) -> bytes:
    """Run a client in the sink's folder; it must succeed."""
    program = shutil.which(command[0], path=PATH)
    if program is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        [program, *command[1:]],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=srv.folder,
        env={"PATH": PATH, "HOME": str(srv.folder), "LC_ALL": "C.UTF-8", **environ},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout


def check(srv: Srv, way: Way, *, ends_with: bytes = BODY, sender: str = "a@example.org") -> None:
    """One message came, as it should, and its envelope tells how."""
    mail = srv.wait_for("mail")
    octets = Path(mail["path"]).read_bytes()
    assert octets.endswith(ends_with)
    assert (mail["from"], mail["to"]) == (sender, ["c@example.org"])
    envelope = json.loads(Path(mail["path"]).with_suffix(".json").read_text())
    assert (envelope["tls"] is not None) == (way.tls != "none")
    assert envelope["user"] == (USER if way.mechanism else None)
    said = [line["text"] for line in envelope["transcript"]]
    assert any(text.startswith(f"AUTH {way.mechanism}") for text in said) == bool(way.mechanism)
    assert PASSWORD not in json.dumps(envelope)


def parametrize(*ways: Way) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=str)


SWAKS_WAYS = [Way("starttls", name) for name in ("PLAIN", "LOGIN", "CRAM-MD5")]


@parametrize(*PLAIN_WAYS, *SWAKS_WAYS, Way("none", "PLAIN"), Way("implicit", "PLAIN"))
def test_swaks(serve: Srv, way: Way) -> None:
    (serve.folder / "m.eml").write_bytes(MESSAGE.replace(b"\r\n", b"\n"))
    tls = {"none": [], "starttls": ["--tls"], "implicit": ["--tls-on-connect"]}[way.tls]
    if tls:
        tls += ["--tls-ca-path", "ca.pem", "--tls-verify"]
    auth = ["--auth", way.mechanism, "-au", USER, "-ap", PASSWORD] if way.mechanism else []
    server = ["--server", "localhost", "--port", str(serve.port)]
    envelope = ["-f", "a@example.org", "-t", "c@example.org", "--data", "@m.eml"]
    run(["swaks", *server, *envelope, *tls, *auth], serve)
    # swaks sends a final newline of its own
    check(serve, way, ends_with=BODY + b"\r\n")


MSMTP_WAYS = [
    Way("starttls", name) for name in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
]
MSMTP_METHODS = {
    name: name.lower() for name in ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
}


@parametrize(*PLAIN_WAYS, *MSMTP_WAYS, Way("implicit", "PLAIN"), Way("none", "CRAM-MD5"))
def test_msmtp(serve: Srv, way: Way) -> None:
    tls = {"none": ["--tls=off"], "starttls": ["--tls=on"], "implicit": ["--tls=on", "--tls-starttls=off"]}
    options = [*tls[way.tls], *(["--tls-trust-file=ca.pem"] if way.tls != "none" else [])]
    if way.mechanism:
        options += [
            f"--auth={MSMTP_METHODS[way.mechanism]}",
            f"--user={USER}",
            f"--passwordeval=echo {PASSWORD}",
        ]
    server = ["--host=localhost", f"--port={serve.port}", "--from=a@example.org"]
    run(["msmtp", *server, *options, "c@example.org"], serve, MESSAGE.replace(b"\r\n", b"\n"))
    check(serve, way)


CURL_WAYS = [Way("starttls", name) for name in ("PLAIN", "LOGIN", "CRAM-MD5")]


@parametrize(*PLAIN_WAYS, *CURL_WAYS, Way("implicit", "PLAIN"), Way("none", "PLAIN"))
def test_curl(serve: Srv, way: Way) -> None:
    (serve.folder / "m.eml").write_bytes(MESSAGE)
    scheme = "smtps" if way.tls == "implicit" else "smtp"
    options = ["--ssl-reqd"] if way.tls == "starttls" else []
    options += ["--cacert", "ca.pem"] if way.tls != "none" else []
    if way.mechanism:
        options += ["--user", f"{USER}:{PASSWORD}", "--login-options", f"AUTH={way.mechanism}"]
    url = f"{scheme}://localhost:{serve.port}/client.example.org"
    envelope = ["--mail-from", "a@example.org", "--mail-rcpt", "c@example.org", "-T", "m.eml"]
    run(["curl", "--silent", "--show-error", url, *envelope, *options], serve)
    check(serve, way)


@parametrize(Way("starttls", "OAUTHBEARER"))
def test_curl_with_a_token(serve: Srv, way: Way) -> None:
    (serve.folder / "m.eml").write_bytes(MESSAGE)
    (serve.folder / "curlrc").write_text(f'oauth2-bearer = "{PASSWORD}"\n')
    options = ["--ssl-reqd", "--cacert", "ca.pem", "--user", USER, "--login-options", f"AUTH={way.mechanism}"]
    envelope = ["--mail-from", "a@example.org", "--mail-rcpt", "c@example.org", "-T", "m.eml"]
    url = f"smtp://localhost:{serve.port}/client.example.org"
    run(["curl", "-K", "curlrc", "--silent", "--show-error", url, *envelope, *options], serve)
    check(serve, way)


MUTT_AUTH = 'set smtp_pass="%s"\nset smtp_authenticators="%s"\n'


@parametrize(*PLAIN_WAYS, Way("starttls", "PLAIN"), Way("implicit", "CRAM-MD5"))
def test_mutt(serve: Srv, way: Way) -> None:
    scheme = "smtps" if way.tls == "implicit" else "smtp"
    user = f"{USER}@" if way.mechanism else ""
    (serve.folder / "muttrc").write_text(
        f'set smtp_url="{scheme}://{user}localhost:{serve.port}"\n'
        f"set ssl_force_tls={'yes' if way.tls == 'starttls' else 'no'}\n"
        'set certificate_file="ca.pem"\nset from="a@example.org"\nset use_envelope_from=yes\nset copy=no\n'
        + (MUTT_AUTH % (PASSWORD, way.mechanism.lower()) if way.mechanism else "")
    )
    text = BODY.replace(b"\r\n", b"\n")
    run(["mutt", "-n", "-F", "muttrc", "-s", "hello", "c@example.org"], serve, text)
    check(serve, way)


@parametrize(Way("none"))
def test_mail_through_msmtp(serve: Srv, way: Way) -> None:
    """`mail` hands its message to a sendmail; here that is msmtp."""
    if shutil.which("msmtp", path=PATH) is None:
        pytest.skip("msmtp is not installed")
    sendmail = serve.folder / "sendmail"
    sendmail.write_text(
        f'#!/bin/sh\nexec msmtp --host=localhost --port={serve.port} --tls=off --from=a@example.org "$@"\n'
    )
    sendmail.chmod(0o755)
    (serve.folder / ".mailrc").write_text(f"set sendmail={sendmail}\nset sendwait\n")
    run(["mail", "-s", "hello", "c@example.org"], serve, BODY.replace(b"\r\n", b"\n"))
    check(serve, way)


@parametrize(*PLAIN_WAYS, Way("starttls", "PLAIN"), Way("implicit", "LOGIN"))
def test_git_send_email(serve: Srv, way: Way) -> None:
    if not Path("/usr/lib/git-core/git-send-email").exists():
        pytest.skip("git send-email is not installed")
    patch = b"From 0 Mon Sep 17 00:00:00 2001\nFrom: a@example.org\nSubject: [PATCH] x\n\n---\n.dot\n"
    (serve.folder / "0001.patch").write_bytes(patch)
    encryption = {"none": [], "starttls": ["tls"], "implicit": ["ssl"]}[way.tls]
    options = [f"--smtp-encryption={name}" for name in encryption]
    options += [f"--smtp-ssl-cert-path={serve.folder}/ca.pem"] if way.tls != "none" else []
    if way.mechanism:
        options += [f"--smtp-user={USER}", f"--smtp-pass={PASSWORD}", f"--smtp-auth={way.mechanism}"]
    server = ["--smtp-server=localhost", f"--smtp-server-port={serve.port}"]
    envelope = ["--from=a@example.org", "--to=c@example.org", "--suppress-cc=all", "--confirm=never"]
    (serve.folder / ".gitconfig").write_text("[user]\nname = A\nemail = a@example.org\n")
    run(["git", "send-email", *server, *envelope, *options, "0001.patch"], serve, GIT_CONFIG_NOSYSTEM="1")
    check(serve, way, ends_with=b"---\r\n.dot\r\n")


@parametrize(Way("none"))
@pytest.mark.parametrize("keeps", [[], ["-d"]], ids=["a connection each", "one connection"])
def test_smtp_source(serve: Srv, way: Way, keeps: list[str]) -> None:
    messages = ["-s", "10", "-m", "200", "-l", "5000", "-f", "a@example.org", "-t", "c@example.org"]
    run(["smtp-source", *keeps, *messages, f"inet:127.0.0.1:{serve.port}"], serve)
    stored = serve.messages()
    assert len(stored) == 200
    assert all(len(octets) >= 5000 for octets in stored)


@parametrize(Way("none"))
def test_smtp_source_speaks_lmtp(tmp_path: Path, way: Way) -> None:
    with Srv(tmp_path, "--lmtp") as srv:
        messages = ["-L", "-s", "2", "-m", "10", "-r", "3", "-f", "a@example.org", "-t", "c@example.org"]
        run(["smtp-source", *messages, f"inet:127.0.0.1:{srv.port}"], srv)
        assert len(srv.messages()) == 10


def gsasl(srv: Srv, mechanism: str, *options: str) -> bytes:
    """Log in with GNU SASL; its status tells of what comes after the log-in, and is no matter."""
    program = shutil.which("gsasl", path=PATH)
    if program is None:
        pytest.skip("gsasl is not installed")
    secrets = [f"--authentication-id={USER}", f"--password={PASSWORD}"]
    where = ["--smtp", "--starttls", "--x509-ca-file=ca.pem", "localhost", str(srv.port)]
    command = [program, f"--mechanism={mechanism}", *secrets, *options, *where]
    return subprocess.run(
        command,
        input=b"",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=srv.folder,
        timeout=60,
        check=False,
    ).stdout


@parametrize(
    *(Way("starttls", name) for name in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"))
)
def test_gsasl_logs_in(serve: Srv, way: Way) -> None:
    assert b"235 2.7.0" in gsasl(serve, way.mechanism, "--no-cb")


@parametrize(*(Way("starttls", name) for name in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS")))
def test_gsasl_binds_the_log_in_to_tls(serve: Srv, way: Way) -> None:
    """On TLS 1.2: on 1.3 it binds by tls-exporter, which Python's TLS does not give."""
    assert b"235 2.7.0" in gsasl(serve, way.mechanism, "--priority=NORMAL:-VERS-TLS1.3")
