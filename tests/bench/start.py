"""Start-up: what a command costs before it does anything."""

from collections.abc import Iterator
from pathlib import Path

from tests.bench.frame import Row, blaze, python, spawn

BAR = 1.2


def rows(folder: Path) -> Iterator[Row]:
    message = folder / "start.eml"
    message.write_bytes(
        b"From: a@example.org\nSubject: start\nDate: Thu, 30 Mar 2017 15:00:00 +0200\n\nHello\n"
    )
    peers = {
        "import click": spawn(python(), "-c", "import click"),
        "bare python": spawn(python(), "-c", "pass"),
    }
    for name, arguments in {"--version": ("--version",), "hdr FILE": ("hdr", str(message))}.items():
        yield Row(f"start: blaze {name}", spawn(blaze(), *arguments), peers, {"import click": BAR}, runs=25)
