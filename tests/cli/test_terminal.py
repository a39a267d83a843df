"""What is printed on terminals of any width."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from blaze.cli import _render

BLAZE = str(Path(sys.executable).with_name("blaze"))
HOPS = b"".join(
    b"Received: from %s.test by %s.test with ESMTPS; Thu, 1 Jan 2026 00:00:0%d +0000\n" % (one, other, second)
    for one, other, second in ((b"second", b"third", 5), (b"first", b"second", 0))
)


def on_terminal(columns: int, *arguments: str, stdin: bytes) -> str:
    """What blaze prints on a terminal of so many columns."""
    parent, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {k: v for k, v in os.environ.items() if k != "COLUMNS" and not k.startswith("BLAZE_")}
    environment = {**clean, "TERM": "xterm", "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        [BLAZE, *arguments], stdin=subprocess.PIPE, stdout=child, env=environment
    ) as process:
        os.close(child)
        process.communicate(stdin)
    shown = b""
    while True:
        try:
            shown += os.read(parent, 65536)
        except OSError:  # the terminal of a process that has ended
            break
    os.close(parent)
    return shown.decode()


@pytest.mark.parametrize(
    ("environment", "on_terminal", "in_pipe"),
    [
        ({}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
        ({"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
    ],
)
def test_the_variables_that_ask_for_colours(
    environment: dict[str, str], on_terminal: bool, in_pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert [_render._wants_color("auto", is_terminal) for is_terminal in (True, False)] == [
        on_terminal,
        in_pipe,
    ]
    assert _render._wants_color("always", is_terminal=False)
    assert not _render._wants_color("never", is_terminal=True)


@pytest.mark.parametrize("columns", [0, 1, 10, 30, 56, 60, 80, 200])
def test_a_table_shows_every_cell_whole(columns: int) -> None:
    shown = on_terminal(columns, "recv", "extract", "--timeline", stdin=HOPS)
    cells = [line.split("│") for line in shown.splitlines() if "│" in line]
    assert "\x1b" not in shown
    if cells:
        assert "".join(row[4].strip() for row in cells) == "second.testthird.test"
        assert "".join(row[2].replace(" ", "") for row in cells) == (
            "2026-01-0100:00:00+00:002026-01-0100:00:05+00:00"
        )
        assert max(map(len, shown.splitlines())) <= (columns or 80)
    else:
        assert columns < 56
        assert "2\t2026-01-01 00:00:05+00:00\t+5 s\tthird.test\tESMTPS\t\t" in shown.splitlines()
