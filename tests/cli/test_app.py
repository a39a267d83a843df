import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata
from pathlib import Path

import click
import pytest
from hypothesis import given, strategies as st

from blaze.cli import _app, _params
from blaze.cli._app import run, worst
from blaze.cli._render import VisibleText, visible
from blaze.core.errors import ConfigurationError
from blaze.core.settings import accounts, read_config

BLAZE = str(Path(sys.executable).with_name("blaze"))
ORDER = (77, 78, 76, 74, 73, 69, 68, 67, 66, 65, 75, 1, 0)


def blaze(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BLAZE_")}
    return subprocess.run(
        [BLAZE, *arguments], input=stdin, capture_output=True, check=False, env={**clean, **environment}
    )


def test_worst_follows_the_order_of_the_contract() -> None:
    for index, status in enumerate(ORDER):
        for other in ORDER[index:]:
            assert worst(status, other) == worst(other, status) == status
    assert worst(0, 2) == worst(2, 77) == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("20s", 20),
        ("2min", 120),
        ("2m", 120),
        ("1h", 3600),
        ("1.5", 1.5),
        ("0", 0),
        ("3 s", 3),
    ],
)
def test_duration_reads_its_units(text: str, seconds: float) -> None:
    assert _params.DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "s", "-1s", "1y", "nan", "inf", "1 2", "ten"])
def test_duration_refuses_the_rest(text: str) -> None:
    with pytest.raises(click.BadParameter):
        _params.DURATION.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("host", "host", None),
        ("host:25", "host", 25),
        (":2525", None, 2525),
        ("[::1]:25", "::1", 25),
        ("[::1]", "::1", None),
        ("::1", "::1", None),
        ("127.0.0.1:0", "127.0.0.1", 0),
    ],
)
def test_endpoint_reads_host_and_port(text: str, host: str | None, port: int | None) -> None:
    assert _params.ENDPOINT.convert(text, None, None) == (host, port)


@pytest.mark.parametrize("text", ["host:", "host:x", "host:65536", "[::1", "[::1]25", "host:-1"])
def test_endpoint_refuses_the_rest(text: str) -> None:
    with pytest.raises(click.BadParameter):
        _params.ENDPOINT.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202egnp.exe", "abc\\u202egnp.exe"),
        ("caf\xe9 \u65e5\u672c", "caf\xe9 \u65e5\u672c"),
        ("5\xa0%\u3000\u2009\u202f", "5\xa0%\u3000\u2009\u202f"),
        (
            "\u0645\u06cc\u200c\u062e \U0001f468\u200d\U0001f469",
            "\u0645\u06cc\u200c\u062e \U0001f468\u200d\U0001f469",
        ),
        ("\U0001fae8", "\U0001fae8"),
        (
            "\u2028\u2029\x85\xad\u200b\u2060\ufeff\ue000",
            "\\u2028\\u2029\\x85\\xad\\u200b\\u2060\\ufeff\\ue000",
        ),
        ("\udce9", "\\udce9"),
        ("\r\x00", "\\r\\x00"),
    ],
)
def test_visible_shows_what_could_steer_a_terminal(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(st.characters(codec=None)))
def test_visible_leaves_nothing_that_steers(text: str) -> None:
    left = {character for character in visible(text) if not character.isprintable()}
    assert all(
        unicodedata.category(character) in {"Zs", "Cn"} for character in left - set("\n\t\u200c\u200d")
    )


def test_a_terminal_gets_escapes_and_a_pipe_gets_octets() -> None:
    message = b"Subject: \x1b[31mred\x07\n\n"
    assert blaze("hdr", stdin=message).stdout == b"Subject: \x1b[31mred\x07\n"
    parent, child = pty.openpty()
    done = subprocess.run([BLAZE, "hdr"], input=message, stdout=child, check=True)
    os.close(child)
    assert os.read(parent, 1000) == b"Subject: \\x1b[31mred\\x07\r\n"
    os.close(parent)
    assert done.returncode == 0


def test_a_terminal_gets_a_message_as_text() -> None:
    message = "Subject: ä\x1b[31m\x07\r\n\r\nover\rwritten \u202e\r\n".encode() + b"\xff\r\n"
    assert blaze("crlf", stdin=message).stdout == message
    parent, child = pty.openpty()
    subprocess.run([BLAZE, "crlf"], input=message, stdout=child, check=True)
    os.close(child)
    shown = os.read(parent, 1000).decode()
    os.close(parent)
    assert shown == "Subject: ä\\x1b[31m\\x07\r\n\r\nover\\rwritten \\u202e\r\n\\udcff\r\n"


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\x1b", "é".encode(), b"a", b"\xff", "😀".encode()])),
    st.integers(1, 3),
)
def test_visible_text_is_the_same_however_it_is_cut(pieces: list[bytes], size: int) -> None:
    octets = b"".join(pieces)
    text = VisibleText()
    shown = b"".join(text.feed(octets[at : at + size]) for at in range(0, len(octets), size)) + text.finish()
    whole = visible(octets.decode("utf-8", "surrogateescape").replace("\r\n", "\n")).encode()
    assert shown == whole


@pytest.mark.parametrize(
    ("columns", "said", "boxed"),
    [
        (0, None, True),
        (1, None, False),
        (39, None, False),
        (40, None, True),
        (60, None, True),
        (0, "44", True),
    ],
)
def test_a_table_loses_nothing_on_a_terminal_of_any_width(
    columns: int, said: str | None, boxed: bool
) -> None:
    message = b"Authentication-Results: mx.example.org; dkim=pass header.d=%b.example\n\n" % (b"abcdefgh" * 6)
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key != "COLUMNS"}
    environment |= {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"} | ({"COLUMNS": said} if said else {})
    subprocess.run([BLAZE, "dmarc", "collect"], input=message, stdout=child, env=environment, check=True)
    os.close(child)
    shown = os.read(parent, 10_000).decode()
    os.close(parent)
    lines = shown.splitlines()
    assert (lines[0][0] == "┏") is boxed
    if boxed:
        assert len(lines[0]) <= int(said or columns or 80)
        shown = "".join(cells[4].strip() for line in lines if len(cells := line.split("│")) > 4)
    assert f"header.d={'abcdefgh' * 6}.example" in shown


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    folder = tmp_path / "many.mbox"
    folder.write_bytes(b"From a@example.org Thu Jan  1 00:00:00 2026\nSubject: x\n\nbody\n\n" * 20_000)
    with subprocess.Popen(
        [BLAZE, "hdr", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) in {0, 141}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["hdr", "--help"], ["hdr"], ["iso"], ["no-command"], ["iso", "?"]]
)
def test_a_pipe_closed_before_the_first_byte_ends_quietly(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([BLAZE, *arguments], input=b"A: 1\n\n", stdout=writer, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 141


@pytest.mark.parametrize(
    ("redirection", "status", "said"),
    [
        ("hdr <&-", 66, b"blaze hdr: standard input is closed\n"),
        ("hdr FILE >&-", 74, b"blaze hdr: standard output is closed\n"),
        ("iso FILE >&-", 74, b"blaze iso: standard output is closed\n"),
        ("descr --json FILE >&- 2>&-", 74, b""),
        ("hdr missing 2>&-", 66, b""),
        ("no-command 2>&-", 2, b""),
    ],
)
def test_a_closed_standard_stream_is_an_error(
    redirection: str, status: int, said: bytes, tmp_path: Path
) -> None:
    (tmp_path / "FILE").write_bytes(b"A: 1\n\n")
    done = subprocess.run(
        f"{BLAZE} {redirection}", shell=True, cwd=tmp_path, stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, done.stderr) == (status, said)


@pytest.mark.parametrize("arguments", [[], ["mdir"]])
def test_a_group_without_a_command_prints_its_help_as_it_is(arguments: list[str]) -> None:
    done = blaze(*arguments)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr == blaze(*arguments, "--help").stdout


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("iso -q missing", 66),
        ("make put -q missing missing", 66),
        ("hdr -q --bogus", 2),
        ("hdr --bogus -vq", 2),
        ("make wrap -q a b c", 2),
        ("dkim verify --now x --quiet", 2),
        ("send -q - localhost:smtp", 2),
        ("submit -q - ftp://localhost", 2),
    ],
)
def test_quiet_says_nothing_but_the_exit_status(line: str, status: int) -> None:
    done = blaze(*line.split(), stdin=MESSAGE)
    assert (done.returncode, done.stdout, done.stderr) == (status, b"", b"")


@pytest.mark.parametrize(
    "line",
    ["extract --all --part 1", "hdr --bogus", "dkim verify --now x", "hdr -j", "send - localhost:smtp"],
)
def test_errors_are_json_where_the_environment_or_the_configuration_asks_for_it(
    line: str, tmp_path: Path
) -> None:
    done = blaze(*line.split(), stdin=MESSAGE, BLAZE_JSON="1")
    assert done.returncode == 2
    assert json.loads(done.stderr)["schema"] == "blaze.error/1"
    command = line.split(" -")[0].replace(" ", ".")
    configuration = configured(tmp_path, f"[{command}]\njson = true\n")
    assert blaze(*line.split(), stdin=MESSAGE, **configuration).stderr == done.stderr


@pytest.mark.parametrize(
    "line", ["hdr", "convert mbox: eml:x", "make --text", "make --html", "send -s a@x.test"]
)
def test_an_empty_name_is_told(line: str) -> None:
    done = blaze(*line.split(), *([] if "mbox:" in line else [""]), stdin=MESSAGE)
    assert (done.returncode, done.stdout) == (66, b"")
    assert done.stderr.endswith(b": no such file or directory: ''\n")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hdr -j x", "'x' is no whole number from 0 on"),
        ("addr -m 0", "'0' is no whole number from 1 on"),
        ("send --port 65536", "'65536' is no whole number from 1 to 65535"),
        ("okapi -b nan x y", "'nan' is no number from 0 to 1"),
        ("rand --seed x 1.5", "'1.5' is no whole number from 0 on"),
    ],
)
def test_a_number_that_is_none_is_told(line: str, said: str) -> None:
    done = blaze(*line.split())
    assert done.returncode == 2
    assert f": {said}\n" in done.stderr.decode()


def test_ctrl_c_ends_with_130() -> None:
    with subprocess.Popen([BLAZE, "hdr"], stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr
        assert b"Traceback" not in process.stderr.read()


def test_standard_output_that_is_full_is_an_error() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BLAZE, "hdr"], input=b"A: 1\n\n", stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 74
    assert done.stderr == b"blaze hdr: no space left on device: standard output\n"


def test_no_traceback_without_blaze_debug(tmp_path: Path) -> None:
    (tmp_path / "blaze").mkdir()
    (tmp_path / "blaze" / "config.toml").write_text("[hdr", "utf-8")
    quiet = blaze("hdr", XDG_CONFIG_HOME=str(tmp_path))
    assert quiet.returncode == 78
    assert b"Traceback" not in quiet.stderr
    assert b"Traceback" in blaze("hdr", XDG_CONFIG_HOME=str(tmp_path), BLAZE_DEBUG="1").stderr


def test_colour_is_for_our_own_words_only() -> None:
    message = b"Subject: \x1b[31mred\n\n"
    assert blaze("hdr", "--color", "always", stdin=message).stdout == b"Subject: \x1b[31mred\n"
    parent, child = pty.openpty()
    subprocess.run([BLAZE, "hdr", "--color", "always"], input=message, stdout=child, check=True)
    os.close(child)
    assert os.read(parent, 1000) == b"Subject: \\x1b[31mred\r\n"
    os.close(parent)


def test_destructive_options_are_not_taken_from_the_environment(tmp_path: Path) -> None:
    existing = tmp_path / "out.eml"
    existing.write_bytes(b"precious")
    done = blaze("make", "-o", str(existing), stdin=b"hello", BLAZE_FORCE="1", BLAZE_MAKE_FORCE="1")
    assert done.returncode == 73
    assert existing.read_bytes() == b"precious"


@pytest.mark.parametrize("count", [0, 1, 16, 17, 100])
@pytest.mark.parametrize("jobs", ["2", "3", "0"])
def test_jobs_print_the_same_in_the_same_order(tmp_path: Path, count: int, jobs: str) -> None:
    box = tmp_path / "many.mbox"
    box.write_bytes(
        b"".join(b"From a@b.c Thu Jan  1 00:00:00 2026\nSubject: %d\n\nbody\n\n" % n for n in range(count))
    )
    alone = blaze("hdr", "-H", "-h", "subject", str(box), str(box))
    shared = blaze("hdr", "-j", jobs, "-H", "-h", "subject", str(box), str(box))
    assert (shared.returncode, shared.stdout) == (alone.returncode, alone.stdout)


def test_jobs_report_what_cannot_be_read_once_and_count_it_in(tmp_path: Path) -> None:
    message = tmp_path / "mail.eml"
    message.write_bytes(b"Subject: x\n\n")
    done = blaze("hdr", "-j", "2", str(tmp_path / "missing"), str(message))
    assert done.returncode == 66
    assert done.stdout == b"Subject: x\n"
    assert done.stderr.count(b"missing") == 1


INTERRUPTED = """
import signal, sys
from blaze.__main__ import main
class Interrupting:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
main()
"""


@pytest.mark.parametrize("module", ["blaze.cli", "click", "difflib"])
def test_an_interrupt_while_modules_are_imported(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module], capture_output=True, check=False, input=b""
    )
    assert (done.returncode, done.stderr.strip()) == (130, b"")


def test_an_interrupt_that_python_wraps(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> int:
        raise RuntimeError("Error calling __set_name__ on 'Field' instance") from KeyboardInterrupt()

    monkeypatch.setattr(_app.blaze, "main", interrupted)
    assert run(["blaze", "hdr"]) == 130
    assert capfd.readouterr() == ("", "")


def test_standard_input_is_not_shared() -> None:
    assert blaze("hdr", "-j", "2", stdin=b"Subject: x\n\n").stdout == b"Subject: x\n"


def configured(folder: Path, text: str) -> dict[str, str]:
    """The environment of a configuration file that holds `text`."""
    (folder / "blaze").mkdir()
    (folder / "blaze" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(folder)}


MESSAGE = b"From: a@x.test\nTo: b@y.test\n\nhello\n"


def test_settings_are_called_as_any_long_option(tmp_path: Path) -> None:
    said = blaze(
        "send", "-", "-", stdin=MESSAGE, **configured(tmp_path, '[send]\nhelo = "one.test"\nenvid = "e"\n')
    )
    assert said.stdout.splitlines()[:2] == [b"EHLO one.test", b"MAIL FROM:<a@x.test> ENVID=e"]
    assert not said.stderr


def test_an_unknown_setting_is_told(tmp_path: Path) -> None:
    said = blaze("send", "-", "-", stdin=MESSAGE, **configured(tmp_path, "[send]\ntmeout = 5\n"))
    where = f"[send] in {tmp_path}/blaze/config.toml"
    assert said.stderr.decode() == f"warning: 'tmeout' is no option of blaze send: {where}\n"
    assert said.returncode == 0


def test_a_wrong_setting_is_a_wrong_configuration(tmp_path: Path) -> None:
    said = blaze("send", "-", "-", stdin=MESSAGE, **configured(tmp_path, "[send]\ntimeout = 'long'\n"))
    assert said.returncode == 78
    assert b"'long' is no duration" in said.stderr
    assert said.stderr.endswith(b"[send] in %s/blaze/config.toml\n" % os.fsencode(tmp_path))


def test_a_wrong_value_of_the_environment_names_its_variable() -> None:
    said = blaze("send", "-", "-", stdin=MESSAGE, BLAZE_SEND_TIMEOUT="long")
    assert said.returncode == 2
    assert said.stderr.splitlines()[1] == b"It comes from the variable BLAZE_SEND_TIMEOUT."


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("--json hdr x", "It goes after the command: 'blaze COMMAND --json'."),
        ("-q hdr x", "It goes after the command: 'blaze COMMAND -q'."),
        ("dkim -v verify x", "It goes after the command: 'blaze dkim COMMAND -v'."),
        ("hdr --decod x", "Did you mean --decode?"),
        ("hdr --jason x", "Did you mean --json or --jobs?"),
        ("hdr -x", "Try 'blaze hdr --help'."),
    ],
)
def test_an_option_that_is_not_there_or_not_there_yet(line: str, advice: str) -> None:
    told = blaze(*line.split()).stderr.decode()
    assert "no such option '-" in told
    assert f"{advice}\n" in told or f'"hint": "{advice}"' in told


def test_an_argument_that_is_read_later_is_told_of_its_command() -> None:
    said = blaze("send", "-", "localhost:smtp", stdin=MESSAGE)
    assert said.returncode == 2
    assert said.stderr.startswith(b"blaze send: ")
    assert said.stderr.endswith(b"Try 'blaze send --help'.\n")


MBOX = b"".join(b"From a Thu Jan  1 00:00:00 1970\nSubject: %d\n\nx\n\n" % number for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (("hdr", "-#2"), b"Subject: 2\n"),
        (("hdr", "-#2", "-h", "subject"), b"Subject: 2\n"),
        (("hdr", "-#3", "{mail}", "-#1"), b"Subject: 3\nSubject: mail\nSubject: 1\n"),
        (("hdr", "-j", "2", "-#3", "-#1"), b"Subject: 3\nSubject: 1\n"),
        (("hdr", "--", "-#2"), b"Subject: 2\n"),
        (("hdr", "mbox:-#2"), b"Subject: 2\n"),
        (("iso", "-#2"), b"Subject: 2\n\nx\n"),
        (("crlf", "-#1"), b"Subject: 1\r\n\r\nx\r\n"),
        (("descr", "-#1"), b"`-- text/plain\n"),
        (("make", "add-field", "-f", "A: -#1", "-#2"), b"A: -#1\nSubject: 2\n\nx\n"),
        (("make", "--date", "none", "--message-id", "none", "--subject", "-#1", "{mail}"), b"Subject: -#1\n"),
        (("convert", "-#2", "{folder}/out.mbox"), b""),
    ],
)
def test_a_message_of_standard_input_is_no_option(
    tmp_path: Path, arguments: tuple[str, ...], printed: bytes
) -> None:
    (tmp_path / "mail.eml").write_bytes(b"Subject: mail\n")
    names = {"mail": f"{tmp_path}/mail.eml", "folder": tmp_path}
    done = blaze(*(each.format(**names) for each in arguments), stdin=MBOX)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(printed)


def test_an_argument_is_told_as_it_was_given(tmp_path: Path) -> None:
    done = blaze("hdr", "-#7", stdin=MBOX)
    assert (done.returncode, done.stderr) == (66, b"blaze hdr: there is no such message in it: -#7\n")
    done = blaze("iso", "a", "-#1")
    assert (done.returncode, b"argument (-#1)" in done.stderr) == (2, True)
    done = blaze("hdr", "-!1")
    assert (done.returncode, b"no such option" in done.stderr) == (2, True)


def test_errors_that_cannot_be_told_count_all_the_same() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [BLAZE, "hdr", "missing", "-#1"], input=MBOX, stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.returncode == 66
    assert done.stdout == b"Subject: 1\n"


def test_an_error_is_one_line_whatever_a_file_is_called() -> None:
    done = blaze("hdr", "no\nblaze hdr: su\rch")
    assert done.stderr == b"blaze hdr: no such file or directory: no\\nblaze hdr: su\\rch\n"


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The tests may run as root, who can read everything; so the system is told to refuse."""
    for name in "a.eml", "b.eml":
        (tmp_path / name).write_bytes(b"Subject: %b\n\n" % name.encode())
    system_open = os.open

    def refuse(path: str, *arguments: int, **options: int) -> int:
        if str(path).endswith("a.eml"):
            raise PermissionError(13, "Permission denied", path)
        return system_open(path, *arguments, **options)

    monkeypatch.setattr(os, "access", lambda path, _: not str(path).endswith("a.eml"))
    monkeypatch.setattr(os, "open", refuse)
    assert run(["blaze", "hdr", f"{tmp_path}/a.eml", f"{tmp_path}/b.eml"]) == 66
    printed = capfd.readouterr()
    assert printed.out == "Subject: b.eml\n"
    assert printed.err == f"blaze hdr: permission denied: {tmp_path}/a.eml\n"


def test_a_folder_that_cannot_be_read_is_no_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "listdir", refuse)
    (tmp_path / "new").mkdir()
    assert run(["blaze", "mdir", "new", "-D", str(tmp_path)]) == 66
    assert "permission denied" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (("help",), b"blaze [OPTIONS] COMMAND"),
        (("help", "hdr"), b"blaze hdr [OPTIONS]"),
        (("help", "pack", "make"), b"blaze pack make [OPTIONS]"),
    ],
)
def test_help_is_a_command_too(arguments: tuple[str, ...], usage: bytes) -> None:
    done = blaze(*arguments)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"Usage: " + usage)


def test_help_about_no_command_is_wrong_usage() -> None:
    done = blaze("help", "hrd")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Did you mean 'hdr'?" in done.stderr


def test_a_configuration_out_of_reach_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after su, when HOME is still somebody else's."""

    def refuse(path: str, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("builtins.open", refuse)
    assert read_config({"HOME": str(tmp_path)}) == {}
    (tmp_path / ".config" / "blaze").mkdir(parents=True)
    (tmp_path / ".config" / "blaze" / "config.toml").touch()
    with pytest.raises(ConfigurationError) as refused:
        read_config({"HOME": str(tmp_path)})
    assert str(refused.value) == (
        f"cannot read the configuration: permission denied: {tmp_path}/.config/blaze/config.toml"
    )


def test_a_configuration_that_is_no_text_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "blaze").mkdir()
    (tmp_path / "blaze" / "config.toml").write_bytes(b"\xff")
    done = blaze("hdr", XDG_CONFIG_HOME=str(tmp_path))
    assert done.returncode == 78
    assert b"the configuration is not UTF-8" in done.stderr


def test_help_is_there_whatever_the_configuration_is(tmp_path: Path) -> None:
    (tmp_path / "blaze").mkdir()
    (tmp_path / "blaze" / "config.toml").write_text("[hdr", "utf-8")
    done = blaze("hdr", "--help", XDG_CONFIG_HOME=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, b"")
    assert blaze("hdr", XDG_CONFIG_HOME=str(tmp_path)).returncode == 78


COMPLETIONS = Path(__file__).resolve().parents[2] / "completions"

BASH = """
source "$1"
COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2)); _blaze; printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("blaze", "sh"), {"show"}),
        (("blaze", "make", ""), {"add-field", "put", "wrap"}),
        (("blaze", "hdr", "--col"), {"--color"}),
        (("blaze", "make", "wrap", "--newline", ""), {"lf", "crlf"}),
        (("blaze", "smtpd", "--lm"), {"--lmtp"}),
        (("blaze", "show", ""), set[str]()),  # so that bash offers the names of files
        (("blaze", "show", "ma"), set[str]()),
    ],
)
def test_bash_completes(words: tuple[str, ...], offered: set[str]) -> None:
    done = subprocess.run(
        ["bash", "--norc", "-c", BASH, "bash", COMPLETIONS / "blaze.bash", *words],
        capture_output=True,
        check=True,
    )
    assert set(done.stdout.decode().split()) == offered


ZSH = """
_describe() { print -rl -- ${${(P)2}%%:*} }
compadd() { shift; print -rl -- "$@" }
_files() { print -r -- FILES }
file=$1; shift; words=("$@"); CURRENT=$#; set --; source $file
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="there is no zsh")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("blaze", ""), {"show", "make", "--version"}),
        (("blaze", "make", ""), {"add-field", "put", "wrap", "--from", "FILES"}),
        (("blaze", "mdir", ""), {"new", "get", "commit"}),
        (("blaze", "dkim", "verify", "--"), {"--dns-static", "-n", "--now", "FILES"}),
        (("blaze", "smtpd", ""), {"--lmtp", "--maildir", "FILES"}),
        (("blaze", "make", "wrap", "--newline", ""), {"lf", "crlf"}),
    ],
)
def test_zsh_completes(words: tuple[str, ...], offered: set[str]) -> None:
    done = subprocess.run(
        ["zsh", "-f", "-c", ZSH, "zsh", COMPLETIONS / "_blaze", *words], capture_output=True, check=True
    )
    assert done.stderr == b""
    assert set(done.stdout.decode().split()) >= offered
    assert ("FILES" in done.stdout.decode().split()) == ("FILES" in offered)


@pytest.mark.skipif(not shutil.which("fish"), reason="there is no fish")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("blaze sh", {"show"}),
        ("blaze make w", {"wrap"}),
        ("blaze hdr --col", {"--color"}),
        ("blaze smtpd --lm", {"--lmtp"}),
        ("blaze show mai", {"mail.eml"}),
    ],
)
def test_fish_completes(tmp_path: Path, line: str, offered: set[str]) -> None:
    (tmp_path / "mail.eml").touch()
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"source {COMPLETIONS}/blaze.fish; complete -C '{line}'"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert {row.split("\t")[0] for row in done.stdout.decode().splitlines()} == offered


def test_the_help_of_config_tells_what_an_account_may_have() -> None:
    said = blaze("config", "--help").stdout.decode()
    words = set(said.replace("=", " ").split())
    assert words >= accounts._KNOWN
    assert "default-account" in words
