"""kill -9 of `convert`, `pack` and `mdir commit` at random moments: nothing half, lost or doubled."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError
from blaze.core.store.delivery import of_entry
from blaze.core.store.source import Entry, iter_entries

pytestmark = pytest.mark.e2e

MESSAGES = 250
KILLS, LONG_KILLS = 20, 200


@pytest.fixture
def kills(long_run: bool) -> int:
    return LONG_KILLS if long_run else KILLS


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """An mbox with flags, labels, quoted lines, two equal messages and a large one."""
    path = tmp_path / "box.mbox"
    chunks = []
    for number in range(MESSAGES):
        body = b"x" * (2_000_000 if number == 100 else number * 37 % 5000)
        subject = number // 2 if number < 10 else number
        chunks.append(b"From a@example.org Mon Jan  1 00:%02d:%02d 2024\n" % (number // 60, number % 60))
        chunks.append(b"Status: %b\nX-Keywords: k%d\n" % (b"RO" if number % 3 else b"", number % 5))
        chunks.append(b"Subject: %d\n\n>From here\n%b\n\n" % (subject, body if number >= 10 else b""))
    path.write_bytes(b"".join(chunks))
    return path


def state(name: str) -> Counter[tuple[bytes, str, tuple[str, ...], int | None]]:
    rows: Counter[tuple[bytes, str, tuple[str, ...], int | None]] = Counter()
    for found in iter_entries([name]):
        assert not isinstance(found, BlazeError), str(found)
        delivery = of_entry(found)
        rows[delivery.digest(), delivery.marks.flags, delivery.marks.labels, delivery.date_ns] += 1
    return rows


def octets(name: str) -> Counter[bytes]:
    digests: Counter[bytes] = Counter()
    for found in iter_entries([name]):
        assert not isinstance(found, BlazeError), str(found)
        digests[of_entry(found).digest()] += 1
    return digests


def blaze(*arguments: str, kill_after: float | None = None) -> bool:
    """Run a command, and kill it unless it ends first; True when it ended and said that all is done."""
    process = subprocess.Popen(
        [sys.executable, "-m", "blaze", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, complaint = process.communicate(timeout=60 if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return False
    assert process.returncode == 0, complaint.decode("utf-8", "replace")
    return True


@pytest.mark.parametrize("dest", ["maildir", "eml", "mbox", "mbox-added", "pack"])
def test_convert_killed_at_any_moment(box: Path, tmp_path: Path, kills: int, dest: str) -> None:
    expected, whole = state(str(box)), octets(str(box))
    chance = random.Random(dest)
    start = time.monotonic()
    blaze("convert", str(box), f"eml:{tmp_path}/measured")
    duration = time.monotonic() - start
    for number in range(kills // 5):
        path = tmp_path / f"out{number}"
        name = f"{dest.partition('-')[0]}:{path}"
        if dest == "mbox-added":
            path.write_bytes(
                b"".join(box.read_bytes().partition(b"Subject: 150\n")[:2]) + b"\n>From here\n\n"
            )
        before = octets(name) if path.exists() else Counter[bytes]()
        for _ in range(2):
            done = blaze("convert", str(box), name, kill_after=chance.uniform(0.05, duration * 1.1))
            if path.exists():
                there = octets(name)
                assert there <= whole + before, "a half message under a final name"
                assert there >= before, "a message is gone"
                assert not done or whole <= there, "reported done and missing"
        assert blaze("convert", str(box), name)
        if before:
            assert octets(name) == whole | before
        else:
            assert state(name) == expected
        assert blaze("convert", str(box), name)
        assert octets(name) == whole | before
        leftovers = [each.name for each in tmp_path.iterdir() if "partial" in each.name]
        assert leftovers == []


def test_pack_make_killed_at_any_moment(box: Path, tmp_path: Path, kills: int) -> None:
    whole, folder, half = octets(str(box)), tmp_path / "archive.d", tmp_path / "half.mbox"
    half.write_bytes(box.read_bytes().partition(b"From a@example.org Mon Jan  1 00:02:00")[0])
    make = ("pack", "make", "--no-stems", "-o", str(folder))
    chance = random.Random("pack make")
    for _ in range(kills // 2):
        shutil.rmtree(folder, ignore_errors=True)
        assert blaze(*make, str(half))
        first = octets(str(folder))
        done = blaze(*make, str(box), kill_after=chance.uniform(0.05, 1.2))
        assert octets(str(folder)) in ((whole,) if done else (first, whole))
        assert blaze(*make, str(box))
        assert octets(str(folder)) == whole
        assert blaze("pack", "verify", str(folder))


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "pack"])
@pytest.mark.parametrize("work", ["delete", "gc"])
def test_pack_made_anew_killed_at_any_moment(
    box: Path, tmp_path: Path, kills: int, work: str, *, is_folder: bool
) -> None:
    made, copy = tmp_path / "made", tmp_path / ("archive.d" if is_folder else "archive/a.pack")
    for number in range(1, 3 if is_folder else 2):
        made.mkdir(exist_ok=True)
        assert blaze("pack", "make", "--no-stems", "--force", "-o", f"{made}/{number}.pack", str(box))
    chance = random.Random(work)
    for _ in range(kills // 4):
        root = copy if is_folder else copy.parent
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(made, root)
        if not is_folder:
            for path in list(root.iterdir()):
                path.rename(root / path.name.replace("1.", "a.", 1))
        before = octets(str(copy))
        arguments, after = ["pack", work, str(copy)], before
        if work == "delete":
            victim = next(found for found in iter_entries([str(copy)]) if isinstance(found, Entry))
            arguments.append(victim.id)
            after = Counter({key: n for key, n in before.items() if key != of_entry(victim).digest()})
        done = blaze(*arguments, kill_after=chance.uniform(0.05, 0.8))
        there = octets(str(copy))
        assert there in ((after,) if done else (before, after))
        if work == "gc" or there != after or _is_still_listed(copy, arguments[-1]):
            assert blaze(*arguments)
        assert octets(str(copy)) == after
        assert blaze("pack", "verify", str(copy))
        if work == "gc" and is_folder:
            assert [name for name in os.listdir(root) if name.endswith(".tmp")] == []


def _is_still_listed(archive: Path, name: str) -> bool:
    """Whether the run was killed between the pack and its manifest."""
    manifests = archive.glob("*.jsonl") if archive.is_dir() else [Path(f"{archive}.manifest.jsonl")]
    return any(f'"id": "{name}"' in path.read_text() for path in manifests)


def test_mdir_commit_killed_at_any_moment(tmp_path: Path, kills: int) -> None:
    root = tmp_path / "md"
    for part in ("tmp", "new", "cur"):
        (root / part).mkdir(parents=True)
    chance = random.Random("mdir")
    for number in range(kills):
        name = f"1700000000.M{number}P1.host"
        (root / "new" / name).write_bytes(b"Subject: %d\n\n" % number)
        done = blaze("mdir", "commit", "-D", str(root), "--seen", name, kill_after=chance.uniform(0.02, 0.3))
        places = [path for part in ("new", "cur") for path in (root / part).glob(f"{name}*")]
        assert len(places) == 1
        assert places[0].read_bytes() == b"Subject: %d\n\n" % number
        assert not done or places[0].name == f"{name}:2,S"
        assert blaze("mdir", "commit", "-D", str(root), "--seen", name)
        assert (root / "cur" / f"{name}:2,S").is_file()
    assert len(os.listdir(root / "cur")) == kills
    assert not os.listdir(root / "new")
