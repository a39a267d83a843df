"""`blaze srv` as a process of its own on a free port, and what it keeps."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

BLAZE = [sys.executable, "-m", "blaze"]
ROOT = Path(__file__).resolve().parents[2]


def environment(home: Path) -> dict[str, str]:
    """An environment without the user's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BLAZE_")}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "PYTHONPATH": str(ROOT)}


class Srv:
    """`blaze srv --json` with `options`, writing into `folder`/box/ unless they name a destination.

    Ended by SIGTERM, and then with status 0, when the `with` block ends.
    """

    def __init__(self, folder: Path, *options: str, keep: bool = True) -> None:
        self.folder = folder
        self.box = folder / "box"
        destination = ["-o", f"{self.box}/"] if keep else []
        self.command = [*BLAZE, "srv", "--json", *destination, *options, "127.0.0.1:0"]
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Srv":
        self.process = subprocess.Popen(
            self.command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(self.folder),
            cwd=self.folder,
        )
        listening = self.next_event()
        assert listening["event"] == "listening", listening
        self.port = int(listening["port"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM if kind is None else signal.SIGKILL)
        _, errors = self.process.communicate(timeout=20)
        if kind is None:
            assert self.process.returncode == 0, errors.decode()

    def next_event(self) -> dict[str, Any]:
        """The next event; waits for it."""
        assert self.process.stdout and self.process.stderr
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"srv ended: {self.process.stderr.read().decode()}")
        event: dict[str, Any] = json.loads(line)
        self.events.append(event)
        return event

    def wait_for(self, name: str) -> dict[str, Any]:
        """The next event of that name, those before it passed over."""
        while (event := self.next_event())["event"] != name:
            pass
        return event

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate(timeout=20)

    def messages(self) -> list[bytes]:
        """What lies in the folder, in the order of arrival."""
        return [path.read_bytes() for path in sorted(self.box.glob("*.eml"))]

    def envelopes(self) -> Iterator[dict[str, Any]]:
        """What lies beside the messages."""
        for path in sorted(self.box.glob("*.json")):
            yield json.loads(path.read_text("utf-8"))
