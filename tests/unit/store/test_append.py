"""Appending to an mbox that other programs use: locks, separators, roll-back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, CannotCreateError, InputOutputError, TemporaryError
from blaze.core.store import destination, mboxwrite
from blaze.core.store.delivery import Delivery, of_octets
from blaze.core.store.mboxlock import Lock
from blaze.core.store.source import iter_entries

MESSAGE = b"Subject: hi\n\nHello\n"


def octets(path: Path) -> list[bytes]:
    return [found.octets for found in iter_entries([f"mbox:{path}"]) if not isinstance(found, BlazeError)]


@pytest.mark.parametrize(
    "before",
    [b"", b"From a Thu Jan  1 00:00:00 1970\nA: b\n", b"From a Thu Jan  1 00:00:00 1970\nA: b\n\nhi"],
)
def test_append_parts_messages(tmp_path: Path, before: bytes) -> None:
    path = tmp_path / "box"
    path.write_bytes(before)
    assert mboxwrite.append(str(path), [of_octets(MESSAGE), of_octets(MESSAGE)]) == 2
    assert mboxwrite.append(str(path), [of_octets(MESSAGE)]) == 1
    assert octets(path)[-3:] == [MESSAGE] * 3
    assert len(octets(path)) == (4 if before else 3)
    assert path.read_bytes().startswith(before)
    assert not (tmp_path / "box.lock").exists()


def test_append_that_fails_cuts_the_file_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "box"
    mboxwrite.append(str(path), [of_octets(MESSAGE)])
    before = path.read_bytes()

    def failing() -> Iterator[Delivery]:
        yield of_octets(b"x" * 2_000_000)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        mboxwrite.append(str(path), failing())
    assert path.read_bytes() == before

    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mboxwrite.atomic, "write_all", fail)
    with pytest.raises(InputOutputError, match="No space left"):
        mboxwrite.append(str(path), [of_octets(MESSAGE)])
    assert path.read_bytes() == before
    assert not (tmp_path / "box.lock").exists()


def test_append_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError):
        mboxwrite.append(f"{tmp_path}/no/box", [of_octets(MESSAGE)])


def test_lock_waits_for_a_dot_lock_of_others(tmp_path: Path) -> None:
    (tmp_path / "box.lock").write_bytes(b"")
    with pytest.raises(TemporaryError) as locked, Lock(f"{tmp_path}/box", patience=0.2):
        pass
    assert "box.lock" in (locked.value.hint or "")
    assert (tmp_path / "box.lock").exists()


def test_lock_waits_for_fcntl_of_others(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(b"")
    program = (
        "import fcntl,sys\nf=open(sys.argv[1],'r+')\nfcntl.lockf(f,fcntl.LOCK_EX)\nprint(flush=True)\ninput()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdin is not None
        other.stdout.readline()
        with pytest.raises(TemporaryError), Lock(str(path), patience=0.2):
            pass
        other.stdin.write(b"\n")
        other.stdin.flush()
        other.wait()
        with Lock(str(path), patience=5) as fd:
            assert os.fstat(fd).st_size == 0


def test_lock_holds_off_others(tmp_path: Path) -> None:
    path = tmp_path / "box"
    program = (
        "import fcntl,sys\nf=open(sys.argv[1],'r+')\n"
        "try: fcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)\nexcept OSError: print('locked')"
    )
    with Lock(str(path)):
        assert (tmp_path / "box.lock").exists()
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True)
        path.read_bytes()  # the end of another descriptor does not end the lock
        again = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=True)
    assert done.stdout == again.stdout == b"locked\n"
    assert not (tmp_path / "box.lock").exists()


def test_lock_lets_go_of_the_dot_lock_while_it_waits(tmp_path: Path) -> None:
    """A program that has fcntl and wants the dot-lock, as mutt and Postfix do, gets it."""
    path = tmp_path / "box"
    path.write_bytes(b"")
    program = """import fcntl, os, sys, time
box = open(sys.argv[1], "r+")
fcntl.lockf(box, fcntl.LOCK_EX)
print(flush=True)
time.sleep(0.3)
for _ in range(1000):
    try:
        os.close(os.open(sys.argv[1] + ".lock", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        time.sleep(0.005)
else:
    sys.exit("no dot-lock")
os.unlink(sys.argv[1] + ".lock")
"""
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with Lock(str(path), patience=20):
            assert other.wait() == 0


def test_lock_is_of_the_file_that_has_the_name(tmp_path: Path) -> None:
    """A program that puts another file there, while its lock is waited for, does not get our message lost."""
    path = tmp_path / "box"
    path.write_bytes(b"")
    program = """import fcntl, os, sys, time
box = open(sys.argv[1], "r+")
fcntl.lockf(box, fcntl.LOCK_EX)
print(flush=True)
time.sleep(0.5)
open(sys.argv[1] + "-new", "w").close()
os.rename(sys.argv[1] + "-new", sys.argv[1])
"""
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        mboxwrite.append(str(path), [of_octets(MESSAGE)])
        other.wait()
    assert MESSAGE in path.read_bytes()


def test_lock_leaves_the_dot_lock_of_others(tmp_path: Path) -> None:
    """A program that took ours for forgotten and has put its own there keeps that; none at all is as well."""
    path = tmp_path / "box"
    with Lock(str(path)):
        os.unlink(f"{path}.lock")
    with Lock(str(path)):
        os.rename(f"{path}.lock", f"{path}.old")
        Path(f"{path}.lock").write_text("1")
    assert Path(f"{path}.lock").read_text() == "1"


def test_lock_of_a_process_that_is_gone_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "box.lock").write_text(f"{gone.pid} {os.uname().nodename}\n")
    with Lock(f"{tmp_path}/box", patience=0.2):
        pass


@pytest.mark.parametrize("content", ["{me} {host}\n", "{gone} elsewhere\n", "{gone}", "no number {host}\n"])
def test_lock_that_may_be_alive_is_left(tmp_path: Path, content: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    text = content.format(me=os.getpid(), host=os.uname().nodename, gone=gone.pid)
    (tmp_path / "box.lock").write_text(text)
    with pytest.raises(TemporaryError), Lock(f"{tmp_path}/box", patience=0.1):
        pass


def test_open_private_is_for_one_process(tmp_path: Path) -> None:
    fd = mboxwrite.open_private(f"{tmp_path}/partial")
    program = "import sys\nfrom blaze.core.store.mboxwrite import open_private\nopen_private(sys.argv[1])"
    (tmp_path / "partial").read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", program, f"{tmp_path}/partial"], capture_output=True, check=False
    )
    os.close(fd)
    assert b"another process is writing it" in done.stderr
    (tmp_path / "link").symlink_to("partial")
    with pytest.raises(CannotCreateError):
        mboxwrite.open_private(f"{tmp_path}/link")


def test_lock_is_for_files(tmp_path: Path) -> None:
    """A copy of /dev/full would never end."""
    os.mkfifo(tmp_path / "pipe")
    for name in ("/dev/full", str(tmp_path), f"{tmp_path}/pipe"):
        with pytest.raises(CannotCreateError, match="an mbox is a file"), Lock(name, patience=0.1):
            pass
        with pytest.raises(CannotCreateError, match="an mbox is a file"):
            destination.make("mbox", name).open()
        assert not os.path.exists(f"{name}.lock")
