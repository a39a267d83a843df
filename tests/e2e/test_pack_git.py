"""Git as a reader of our packs, and packs that Git makes read by us."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError
from blaze.core.store import source
from blaze.core.store.delivery import of_octets
from blaze.core.store.pack import packfile
from blaze.core.store.pack.archive import open_archive
from blaze.core.store.pack.archivewrite import Archiver, Options
from blaze.core.store.pack.verify import Verified, verify

pytestmark = pytest.mark.e2e

GIT_TYPES = {"mail": "commit", "blob": "tree", "stem": "blob", "tree": "tag"}


def git(*command: str, cwd: Path, stdin: bytes = b"") -> bytes:
    if shutil.which("git") is None:
        pytest.skip("git is not there")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    return subprocess.run(
        ["git", *command], cwd=cwd, input=stdin, env=environ, check=True, capture_output=True, timeout=60
    ).stdout


@pytest.mark.corpus
def test_git_lists_the_same_offsets_and_sizes(corpus: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "ours.pack"
    with Archiver(str(path), Options(stems=True, trees=True, sync=False)) as archiver:
        for octets in corpus[::5]:
            archiver.add(of_octets(octets))
        archiver.finish()
    copy = tmp_path / "copy.pack"
    shutil.copy(path, copy)
    git("index-pack", "copy.pack", cwd=tmp_path)
    theirs = set()
    for line in git("verify-pack", "-v", "copy.idx", cwd=tmp_path).decode().splitlines():
        words = line.split()
        if len(words) in (5, 7) and len(words[0]) == 40:
            depth = int(words[5]) if len(words) == 7 else 0
            theirs.add((words[1], int(words[4]), int(words[3]), int(words[2]), depth))
    ours = set()
    for found in verify(open_archive(str(path))):
        assert isinstance(found, Verified), found
        # Git gives the size of a delta, not of what it makes.
        size = _inflated_size(path, found.offset)
        ours.add((GIT_TYPES[found.kind], found.offset, found.consumed, size, found.depth))
    assert len(ours) > 2000
    assert any(row[4] for row in ours)
    assert ours == theirs


def _inflated_size(path: Path, offset: int) -> int:
    from blaze.core.store.pack import entry

    octets = path.read_bytes()
    return entry.parse(octets, offset, len(octets)).size


def test_pack_that_git_makes_is_read_with_its_deltas(tmp_path: Path) -> None:
    git("init", "-q", ".", cwd=tmp_path)
    source_of_chance = random.Random(1)
    lines = [f"{source_of_chance.randrange(10**9)} some line of a text\n" for _ in range(2000)]
    contents = []
    for number in range(30):
        lines[number * 7] = f"changed {number}\n"
        contents.append("".join(lines).encode())
        (tmp_path / "file").write_bytes(contents[-1])
        git("hash-object", "-w", "file", cwd=tmp_path)
    names = git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)", cwd=tmp_path)
    for options in (["--delta-base-offset"], []):
        git("pack-objects", "--window=20", *options, "theirs", cwd=tmp_path, stdin=names)
        (path,) = tmp_path.glob("theirs-*.pack")
        found = packfile.open_pack(str(path))
        assert found.index is not None
        assert found.index.is_intact
        read = {bytes(found.read_at(offset).content[:]) for offset, _ in found.iter_names()}
        assert read == set(contents)
        for each in tmp_path.glob("theirs-*"):
            each.unlink()


MAKE = """
import sys
from blaze.__main__ import main
sys.argv = ["blaze", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("output", ["archive.d", "archive.pack"])
def test_killed_at_any_moment_nothing_done_is_lost(output: str, tmp_path: Path, long_run: bool) -> None:
    chance = random.Random(2)
    text = [b"%d a line\n" % chance.randrange(10**9) for _ in range(3000)]
    eml = tmp_path / "eml"
    eml.mkdir()
    messages = []
    for number in range(60):
        body = b"".join(chance.sample(text, 200))
        messages.append(b"Subject: %d\nMessage-ID: <%d@x>\n\n%b" % (number, number, body))
        (eml / f"{number:03}.eml").write_bytes(messages[-1])
    whole = _duration(eml, tmp_path / "timing" / output)
    kills = 200 if long_run else 20
    for attempt in range(kills):
        path = tmp_path / str(attempt) / output
        path.parent.mkdir()
        if output.endswith(".d"):
            _run(eml, path, files=["000.eml", "001.eml"])
        done = _killed(eml, path, after=whole * (0.3 + chance.random()))
        before = _messages(path)
        if done:
            assert sorted(before) == sorted(messages)
        elif output.endswith(".d"):
            assert sorted(before) in (sorted(messages[:2]), sorted(messages))
        else:
            assert before in ([], messages)
        if output.endswith(".d") or not path.exists():
            _run(eml, path)
        assert sorted(_messages(path)) == sorted(messages)
        shutil.rmtree(path.parent)


def _command(eml: Path, path: Path, files: list[str] | None = None) -> list[str]:
    inputs = [str(eml / name) for name in files] if files else [str(eml)]
    return [sys.executable, "-c", MAKE, "pack", "make", "-o", str(path), *inputs]


def _run(eml: Path, path: Path, files: list[str] | None = None) -> None:
    subprocess.run(_command(eml, path, files), check=True, timeout=60)


def _duration(eml: Path, path: Path) -> float:
    path.parent.mkdir()
    started = time.monotonic()
    _run(eml, path)
    return time.monotonic() - started


def _killed(eml: Path, path: Path, *, after: float) -> bool:
    """Start to archive, and kill it; True when it had reported that it was done."""
    with subprocess.Popen(_command(eml, path)) as process:
        try:
            return process.wait(after) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return False


def _messages(path: Path) -> list[bytes]:
    """The messages of an archive; none is damaged, whatever has happened."""
    if not path.exists():
        return []
    read = []
    for found in source.iter_entries([f"pack:{path}"]):
        assert not isinstance(found, BlazeError), found
        read.append(found.octets)
    return read
