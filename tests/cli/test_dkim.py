"""What transcripts do not show of `blaze dkim`: memory, passwords on a terminal, hostile input."""

import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.bench.frame import peak_memory

BLAZE = str(Path(sys.executable).with_name("blaze"))
DATA = Path(__file__).parents[1] / "data" / "dkim"
LINE = b"Lines of text as long as lines in mail are,  which is some seventy octets\n"
MEGABYTE = 1_000_000
FLAT = 60 * MEGABYTE  # the interpreter and its libraries take half of it


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key.pem"
    shutil.copy(DATA / "ed25519.pem", path)
    path.chmod(0o600)
    return str(path)


def blaze(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BLAZE_")}
    environment = {**clean, "BLAZE_DNS_STATIC": str(DATA / "zone"), "BLAZE_OFFLINE": "1"}
    return subprocess.run(
        [BLAZE, *arguments], input=stdin, capture_output=True, check=False, env=environment, cwd=cwd
    )


def sign(key: str, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return blaze("dkim", "sign", "-s", "ed", "-h", "example.org", "-p", key, *arguments, stdin=stdin)


def test_large_message_is_signed_and_verified_in_little_memory(tmp_path: Path, key: str) -> None:
    large, signed = tmp_path / "large.eml", tmp_path / "signed.eml"
    with large.open("wb") as file:
        file.write(b"From: ann@example.org\n\n")
        for _ in range(150):
            file.write(LINE * 14_000)
    assert large.stat().st_size > 150 * MEGABYTE
    options = ("dkim", "sign", "-s", "ed", "-h", "example.org", "-p", key, "-o", str(signed), str(large))
    assert peak_memory(BLAZE, *options) < FLAT
    record = (DATA / "zone" / "ed._domainkey.example.org.dns").read_text().partition("p=")[2].strip()
    verify = ("dkim", "verify", "--offline", "-e", f"ed:example.org:{record}", str(signed))
    assert peak_memory(BLAZE, *verify) < FLAT
    assert blaze(*verify).stdout == b"[OK]: example.org\n"


def test_gen_makes_both_files_or_none(tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_text("kept")
    made = blaze("dkim", "gen", "-a", "ed25519", "-o", "private.pem", "public.pem", cwd=tmp_path)
    assert (made.returncode, made.stdout) == (73, b"")
    assert b"the file exists: public.pem" in made.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["public.pem"]
    assert (tmp_path / "public.pem").read_text() == "kept"


def test_gen_never_writes_the_public_key_over_the_private_one(tmp_path: Path) -> None:
    options = ("-a", "ed25519", "--force", "-o", "key.pem", "./key.pem")
    made = blaze("dkim", "gen", *options, cwd=tmp_path)
    assert (made.returncode, made.stdout) == (2, b"")
    assert b"would be one file" in made.stderr
    assert not list(tmp_path.iterdir())


def test_no_warning_that_others_can_read_a_public_key(tmp_path: Path) -> None:
    shutil.copy(DATA / "rsa2048-public.pem", tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o644)
    refused = sign(str(tmp_path / "key.pem"), stdin=b"From: a@example.org\n\n")
    assert refused.returncode == 65
    assert b"others can read" not in refused.stderr


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"a\rb\n", b"CRs that no LF follows"),
        (b"x" * 999 + b"\n", b"lines over 998 octets"),
        (b"a\r" + b"x" * 999, b"CRs that no LF follows and lines over 998 octets"),
        (b"x" * 998 + b"\r\n", b""),
        ("é\n".encode(), b""),
    ],
)
def test_sign_warns_of_what_servers_will_change(key: str, body: bytes, words: bytes) -> None:
    signed = sign(key, stdin=b"From: ann@example.org\n\n" + body)
    assert signed.returncode == 0
    told = b"the message has " + words + b": mail servers will change it, and break the signature"
    assert (told in signed.stderr) is bool(words)
    assert bool(signed.stderr) is bool(words)


def test_a_pass_warns_of_a_line_in_the_header_that_is_no_field(key: str) -> None:
    """Programs that end the header there would show what an attacker wrote as a signed body."""
    signed = sign(key, stdin=b"From: ann@example.org\nSubject: x\n\nhello\n").stdout
    good = blaze("dkim", "verify", stdin=signed)
    assert (good.returncode, good.stderr) == (0, b"")
    changed = signed.replace(b"From:", b"Pay to\nX: the account of Eve\nFrom:")
    warned = blaze("dkim", "verify", stdin=changed)
    assert (warned.returncode, warned.stdout) == (0, b"[OK]: example.org\n")
    where = signed.index(b"From:")
    assert f"a line at octet {where} that is no field".encode() in warned.stderr
    assert b"that is no field" in blaze("dkim", "verify", "--json", stdin=changed).stdout
    in_mbox = blaze("dkim", "verify", stdin=b"From ann Thu Mar 30 15:00:00 2017\n" + signed)
    assert (in_mbox.returncode, in_mbox.stderr) == (0, b"")


def test_password_is_asked_for_on_the_terminal_while_the_message_comes_by_a_pipe(tmp_path: Path) -> None:
    shutil.copy(DATA / "rsa2048-encrypted.pem", tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(0o600)
    (tmp_path / "mail.eml").write_bytes(b"From: ann@example.org\n\nhello\n")
    command = f"{BLAZE} dkim sign -s rsa -h example.org -p key.pem < mail.eml > signed.eml"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.execv("/bin/sh", ["sh", "-c", command])
    seen = b""
    while b"Password of key.pem:" not in seen:
        seen += os.read(terminal, 1024)
    os.write(terminal, b"secret\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"secret" not in seen
    assert blaze("dkim", "verify", str(tmp_path / "signed.eml")).stdout == b"[OK]: example.org\n"


def test_thousand_signatures_take_no_time(key: str) -> None:
    message = b"From: ann@example.org\n\nhello\n"
    signed = sign(key, stdin=message).stdout
    field = signed.removesuffix(message)
    started = time.monotonic()
    done = blaze("dkim", "verify", stdin=field * 1000 + message)
    assert time.monotonic() - started < 10
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines), lines.count(b"[OK]: example.org")) == (0, 1000, 20)


def test_control_characters_in_a_domain_are_not_obeyed(key: str) -> None:
    field = b"DKIM-Signature: v=1; a=rsa-sha256; d=\x1b[31mevil; s=s; h=from; bh=AAAA; b=AAAA\n"
    done = blaze("dkim", "verify", "--json", stdin=field + b"From: a@example.org\n\nx\n")
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout


def test_broken_pipe_of_the_reader_is_quiet(key: str) -> None:
    message = b"From: ann@example.org\n\n" + LINE * 20_000
    shell = f"{BLAZE} dkim sign -s ed -h example.org -p {key} | head -c 100 > /dev/null"
    done = subprocess.run(["sh", "-c", shell], input=message, capture_output=True, check=False)
    assert done.stderr == b""


def test_mixed_newlines_and_octets_of_every_value_are_kept(key: str) -> None:
    body = bytes(range(256)) + b"\r\n\n\r\nend without newline"
    message = b"From: ann@example.org\r\nSubject: \xff\x00\n\n" + body
    done = sign(key, stdin=message)
    assert done.stdout.endswith(message)
    assert blaze("dkim", "verify", stdin=done.stdout).returncode == 0
