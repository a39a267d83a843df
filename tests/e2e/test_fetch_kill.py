"""kill -9 at random moments of `fetch --delete`: all is on the server or on disk, and nothing comes twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError
from blaze.core.store.source import iter_entries
from tests.support.pop3_server import PASSWORD, USER, Drop, Server

pytestmark = pytest.mark.e2e

KILLS, LONG_KILLS = 10, 100
MESSAGES = 150


def held(destination: str) -> Counter[bytes]:
    """The messages of a store, by their subjects."""
    if not os.path.exists(destination.partition(":")[2]):
        return Counter()
    found: Counter[bytes] = Counter()
    for entry in iter_entries([destination]):
        assert not isinstance(entry, BlazeError), str(entry)
        octets = bytes(entry.buffer[entry.start : entry.end])
        assert octets.rstrip().endswith(b"end"), "half a message under a final name"
        found[octets.split(b"\n", 1)[0].strip()] += 1
    return found


def message(number: int) -> bytes:
    return b"Subject: %d\r\n\r\nbody\r\n%bend\r\n" % (number, b"x\r\n" * (number * 7919 % 5000))


@pytest.mark.parametrize("kind", ["maildir", "eml", "mbox"])
def test_fetch_killed_at_any_moment(tmp_path: Path, kind: str, long_run: bool) -> None:
    chance = random.Random(kind)
    target = tmp_path / "dest"
    if kind == "eml":
        target.mkdir()
    options = {
        "maildir": ["--maildir", str(target)],
        "mbox": ["--mbox", str(target)],
        "eml": ["-f", f"{target}/%s.eml"],
    }
    drop, number = Drop(), 0
    heard = 0
    fuse = 0
    process: subprocess.Popen[bytes] | None = None

    def count(_verb: str, _argument: str) -> None:
        nonlocal heard
        heard += 1
        if process and heard == fuse:
            time.sleep(chance.random() / 20)
            process.send_signal(signal.SIGKILL)

    with Server(drop, say=count) as server:
        uri = f"pop3://{USER}@127.0.0.1:{server.port}"
        command = [sys.executable, "-m", "blaze", "fetch", uri, "--insecure", "--delete", *options[kind]]
        environ = {
            **os.environ,
            "HOME": str(tmp_path),
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "BLAZE_PASSWORD": PASSWORD,
        }
        killed = 0
        while killed < (LONG_KILLS if long_run else KILLS):
            while len(drop.messages) < MESSAGES:
                drop.messages.append((f"uid-{number}", message(number)))
                number += 1
            heard, fuse = 0, chance.randrange(1, 2 * MESSAGES + 20)
            process = subprocess.Popen(
                command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
            _, complaint = process.communicate(timeout=60)
            killed += process.returncode == -signal.SIGKILL
            assert process.returncode in (0, -signal.SIGKILL), complaint
            if kind != "mbox":  # whose last message may be half there until the next run
                on_server = {octets.split(b"\r\n", 1)[0] for octets in drop.octets()}
                on_disk = held(f"{kind}:{target}").keys()
                assert not {b"Subject: %d" % n for n in range(number)} - on_server - on_disk
        process, fuse = None, 0
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert not drop.messages
        assert held(f"{kind}:{target}") == Counter(b"Subject: %d" % n for n in range(number))
