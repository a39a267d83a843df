"""Options that the configuration file or the environment sets, in every kind of value these can have."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

BLAZE = str(Path(sys.executable).with_name("blaze"))
MESSAGE = b"From: a@x.test\nTo: b@y.test\nSubject: hi\n\nhello\n"


def blaze(folder: Path, text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run blaze on MESSAGE with a configuration file that holds `text`."""
    (folder / "blaze").mkdir()
    (folder / "blaze" / "config.toml").write_text(text)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BLAZE_")}
    environment |= {"XDG_CONFIG_HOME": str(folder)}
    return subprocess.run(
        [BLAZE, *arguments], input=MESSAGE, capture_output=True, check=False, env={**clean, **environment}
    )


@pytest.mark.parametrize(
    ("table", "arguments", "shown"),
    [
        ("subject = 3", "make", b"\nSubject: 3\n"),
        ("date = 2026-01-01T00:00:00Z", "make", b"Date: Thu, 01 Jan 2026 00:00:00 +0000\n"),
        ('field = "X-A: b"', "make", b"\nX-A: b\n"),
        ('field = ["X-A: b", "X-B: c"]', "make", b"\nX-A: b\nX-B: c\n"),
        ("related = true", "make wrap", b"Content-Type: multipart/related;"),
        ("related = false", "make wrap", b"Content-Type: multipart/mixed;"),
        (
            'recipient = ["Ann <a@x.test>", "c@x.test"]',
            "send - -",
            b"RCPT TO:<a@x.test>\nRCPT TO:<c@x.test>\n",
        ),
        ("port = 2525", "send - -", b"MAIL FROM"),
        ('header = "subject"\nverbose = true\nwith-utf-8 = true', "hdr", b"Subject: hi\n"),
        ('header = "subject"\njson = true', "hdr", b'"headers": [{"name": "Subject"'),
    ],
)
def test_a_setting_is_what_the_option_would_be(
    tmp_path: Path, table: str, arguments: str, shown: bytes
) -> None:
    words = arguments.split()
    command = ".".join(words[:2]) if words[0] == "make" else words[0]
    said = blaze(tmp_path, f"[{command}]\n{table}\n", *words)
    assert (said.returncode, said.stderr) == (0, b"")
    assert shown in said.stdout


@pytest.mark.parametrize(
    ("table", "arguments", "what"),
    [
        ("decode = 3", "hdr", "'decode' is neither true nor false"),
        ("related = 1", "make wrap", "'related' is neither true nor false"),
        ("jobs = [1]", "hdr", "'jobs' takes one text or number at a time"),
        ('header = ["subject", "from"]', "hdr", "'header' takes one text or number at a time"),
        ("sender = []", "send - -", "'sender' takes one text or number at a time"),
        ("recipient = [[]]", "send - -", "'recipient' takes one text or number at a time"),
        ("sender = 3", "send - -", "invalid value for '-s' / '--sender': not an address"),
        ("timeout = nan", "send - -", "'nan' is no duration"),
        ("timeout = true", "send - -", "'true' is no duration"),
        ("date = 07:00:00", "make", "invalid value for '--date'"),
    ],
)
def test_a_setting_of_the_wrong_kind_is_told(tmp_path: Path, table: str, arguments: str, what: str) -> None:
    words = arguments.split()
    command = ".".join(words[:2]) if words[0] == "make" else words[0]
    said = blaze(tmp_path, f"[{command}]\n{table}\n", *words)
    told = said.stderr.decode()
    assert (said.returncode, said.stdout) == (78, b"")
    assert what in told
    assert told.endswith(f": [{command}] in {tmp_path}/blaze/config.toml\n")


@pytest.mark.parametrize(
    ("value", "kind"), [("1", b"related"), ("yes", b"related"), ("0", b"mixed"), ("false", b"mixed")]
)
def test_the_environment_chooses_one_of_several(tmp_path: Path, value: str, kind: bytes) -> None:
    said = blaze(tmp_path, "", "make", "wrap", BLAZE_MAKE_WRAP_RELATED=value)
    assert b"Content-Type: multipart/%s;" % kind in said.stdout


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("hdr = 3", "hdr", "not a table: [hdr] in "),
        ("[account]\nhost = 'x'", "submit -", "not a table: [account.host] in "),
        ("[account.a]\nhots = 'x'", "submit -", "unknown setting 'hots': [account.a] in "),
        ("[account.a]\npin = 'x'", "submit -", ": [account.a] in "),
        ("[account.a]\nfrom = 'x y'", "submit - -", ": [account.a] in "),
        ("[account.a]", "fetch --account a", "the account has no maildrop: [account.a] in "),
        ("[account.a]\n[account.b]", "sendmail -t", "no account to submit through: "),
    ],
)
def test_a_wrong_table_is_told_with_its_file(tmp_path: Path, text: str, arguments: str, told: str) -> None:
    said = blaze(tmp_path, text, *arguments.split())
    assert said.returncode == 78
    assert f"{told}{tmp_path}/blaze/config.toml\n" in said.stderr.decode()
