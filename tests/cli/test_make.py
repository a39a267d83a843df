"""`blaze make`: values from the environment and the configuration, refusals, and what is never written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def blaze(
    *arguments: bytes | str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "blaze", *arguments],
        input=stdin,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "SOURCE_DATE_EPOCH": "0", "HOME": "/nonexistent", **environment},
        check=False,
    )


@pytest.mark.parametrize("variable", ["BLAZE_FROM", "BLAZE_MAKE_FROM"])
def test_make_takes_one_value_from_a_variable(variable: str) -> None:
    done = blaze("make", **{variable: "Ann Lee <ann@example.org>, bob@example.org"})
    assert (
        b"From: Ann Lee <ann@example.org>, bob@example.org\nSender: Ann Lee <ann@example.org>\n"
        in done.stdout
    )


def test_make_takes_values_from_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "blaze").mkdir()
    (tmp_path / "blaze" / "config.toml").write_text(
        '[make]\nfrom = "Ann <ann@example.org>"\ncc = ["a@example.org", "b@example.org"]\nnewline = "crlf"\n'
    )
    done = blaze("make", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert b"From: Ann <ann@example.org>\r\nCc: a@example.org, b@example.org\r\n" in done.stdout


@pytest.mark.parametrize("character", ["\r", "\n"])
@pytest.mark.parametrize(
    "option",
    [
        "--from",
        "--to",
        "--cc",
        "--bcc",
        "--reply-to",
        "--subject",
        "--in-reply-to",
        "--references",
        "--message-id",
    ],
)
def test_make_refuses_an_injection_before_it_writes(option: str, character: str, tmp_path: Path) -> None:
    output = tmp_path / "mail.eml"
    done = blaze("make", option, f"a@example.org{character}Bcc: victim@example.org", "-o", str(output))
    assert done.returncode == 2
    assert done.stdout == b""
    assert not output.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["make", "-f", "X: a\nBcc: victim@example.org"],
        ["make", "-f", "X\nBcc: victim@example.org"],
        ["make", "-p", "charset=utf-8\nBcc: victim@example.org"],
        ["make", "--type", "text/plain\nBcc: victim@example.org"],
        ["make", "wrap", "-f", "X: a\nBcc: victim@example.org"],
        ["make", "wrap", "-p", "x=a\nBcc: victim@example.org"],
        ["make", "wrap", "--boundary", "a\n--"],
        ["make", "put", "-f", "X: a\nBcc: victim@example.org", "PART"],
        ["make", "put", "--name", "a\nBcc: victim@example.org", "PART"],
        ["make", "put", "PART\nBcc: victim@example.org"],
        ["make", "--attach", "PART\nBcc: victim@example.org"],
        ["make", "add-field", "-f", "X: a\rBcc: victim@example.org"],
        ["make", "add-field", "--subject", "a\nBcc: victim@example.org"],
        ["make", "--subject", b"\xff"],
        ["make", "--encoding", "rot13"],
        ["make", "wrap", "--mixed", "--boundary", ""],
    ],
)
def test_every_command_refuses_an_injection(arguments: list[str | bytes], tmp_path: Path) -> None:
    for name in ("PART", "PART\nBcc: victim@example.org"):
        (tmp_path / name).write_bytes(b"x\n")
    message = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"
    done = blaze(*(f"{tmp_path}/{a}" if str(a).startswith("PART") else a for a in arguments), stdin=message)
    assert done.returncode == 2, done.stderr
    assert done.stdout == b""


def test_make_keeps_a_name_that_is_no_utf_8(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.bin"
    with open(path, "wb") as file:
        file.write(b"\0")
    done = blaze("make", "--attach", path)
    assert done.returncode == 0, done.stderr
    assert b"caf%E9.bin" in done.stdout


def test_make_is_the_same_for_the_same_seed_and_differs_without_one() -> None:
    def made(*arguments: str, **environment: str) -> bytes:
        return blaze("make", "--date", "none", *arguments, stdin=b"x\n", **environment).stdout

    assert made("--seed", "a", SOURCE_DATE_EPOCH="") == made("--seed", "a", SOURCE_DATE_EPOCH="")
    assert made("--seed", "a") != made("--seed", "b")
    assert made(SOURCE_DATE_EPOCH="1") == made(SOURCE_DATE_EPOCH="1") != made(SOURCE_DATE_EPOCH="2")
    assert made(SOURCE_DATE_EPOCH="") != made(SOURCE_DATE_EPOCH="")


def test_make_reads_input_that_has_no_final_newline_or_nothing() -> None:
    for text in (b"", b"x", b"x\n", b"\n", b"x\r\n"):
        made = blaze("make", stdin=text).stdout
        assert made.partition(b"\n\n")[2] == text.replace(b"\r\n", b"\n")


def test_make_with_a_wrong_clock_is_wrong_usage() -> None:
    for epoch in ("x", "1" * 30, "-1"):
        for command in ("make",), ("make", "--date", "none", "--message-id", "none"), ("make", "wrap"):
            done = blaze(*command, SOURCE_DATE_EPOCH=epoch)
            assert done.returncode == 2
            assert done.stderr.startswith(
                b"blaze %b: SOURCE_DATE_EPOCH is no"
                % b" ".join(map(str.encode, command[:2] if command[-1] == "wrap" else command[:1]))
            )


def test_commands_leave_no_half_file(tmp_path: Path) -> None:
    output = tmp_path / "mail.eml"
    done = blaze("make", "put", sys.executable, "-o", str(output), stdin=b"Subject: x\n\nx\n")
    assert done.returncode == 65
    assert list(tmp_path.iterdir()) == []
