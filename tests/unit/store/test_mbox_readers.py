"""Reading an mbox while other programs deliver to it."""

import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, TemporaryError
from blaze.core.store import destination, mboxlock
from blaze.core.store.convert import convert
from blaze.core.store.mboxlock import Lock
from blaze.core.store.source import iter_entries

MESSAGE = b"From a Thu Jan  1 00:00:00 1970\nSubject: hi\n\nHello\n\n"

DELIVERY = """
import fcntl, sys
with open(sys.argv[1], "ab") as box:
    fcntl.lockf(box, fcntl.LOCK_EX)
    box.write(b"From b Thu Jan  1 00:00:00 1970\\nSubject: ha")
    box.flush()
    print(flush=True)
    input()
    box.write(b"lf\\n\\nThe rest\\n\\n")
"""


@contextmanager
def delivery(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another program that has the mbox locked and a message half written, until it is told to go on."""
    with subprocess.Popen(
        [sys.executable, "-c", DELIVERY, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        try:
            yield other
        finally:
            if other.poll() is None:
                other.communicate(b"\n")


def read(name: str) -> list[bytes | BlazeError]:
    return [found if isinstance(found, BlazeError) else found.octets for found in iter_entries([name])]


@pytest.mark.parametrize("before", [b"", MESSAGE, MESSAGE * 40_000], ids=["empty", "small", "mapped"])
@pytest.mark.parametrize("prefix", ["", "mbox:"])
def test_iter_entries_waits_for_a_delivery(tmp_path: Path, prefix: str, before: bytes) -> None:
    path = tmp_path / "box"
    path.write_bytes(before)
    with delivery(path) as other:
        reader = subprocess.Popen(
            [sys.executable, "-m", "blaze", "hdr", "-h", "subject", f"{prefix}{path}"],
            stdout=subprocess.PIPE,
        )
        with pytest.raises(subprocess.TimeoutExpired):
            reader.communicate(timeout=0.6)
        other.communicate(b"\n")  # the delivery is completed
        lines = reader.communicate(timeout=10)[0].splitlines()
    assert lines == [b"Subject: hi"] * before.count(b"Hello") + [b"Subject: half"]


def test_iter_entries_waits_no_longer_than_patience(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)
    (tmp_path / "mail.eml").write_bytes(b"Subject: another\n")
    monkeypatch.setattr(mboxlock, "shared", partial(mboxlock.shared, patience=0.2))
    with delivery(path):
        start = time.monotonic()
        found = list(iter_entries([str(path), f"{tmp_path}/mail.eml"]))
        assert 0.2 <= time.monotonic() - start < 5
    assert isinstance(found[0], TemporaryError)
    assert found[0].where == str(path)
    assert "standard input" in (found[0].hint or "")
    assert not isinstance(found[1], BlazeError)


def test_standard_input_is_read_without_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)
    with delivery(path), path.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "blaze", "hdr"], stdin=stdin, capture_output=True, timeout=10, check=True
        )
    assert done.stdout == b"Subject: hi\nSubject: ha\n"


def test_readers_do_not_wait_for_one_another(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)
    fd = os.open(path, os.O_RDONLY)
    with mboxlock.shared(fd, str(path)):
        assert len(read(str(path))) == 1
        with pytest.raises(TemporaryError), Lock(str(path), patience=0.1):
            pass
    with Lock(str(path), patience=0.1):  # the lock has ended, the descriptor has not
        pass
    os.close(fd)


def test_reading_leaves_the_locks_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)
    program = "import fcntl, sys\nfcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    with path.open("r+b") as other:
        mboxlock.lock_file(other.fileno())
        fd = os.open(path, os.O_RDONLY)
        with pytest.raises(TemporaryError), mboxlock.shared(fd, str(path), patience=0.1):
            pass
        os.close(fd)
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, check=False)
    assert b"BlockingIOError" in done.stderr


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EINVAL, errno.EOPNOTSUPP, errno.EACCES])
def test_file_system_without_locks_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)

    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "fcntl", fail)
    assert read(str(path)) == [b"Subject: hi\n\nHello\n"]


def test_file_that_is_read_only_is_read(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(MESSAGE)
    path.chmod(0o400)
    assert read(str(path)) == [b"Subject: hi\n\nHello\n"]


def test_convert_reads_back_the_mbox_it_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, path = tmp_path / "source.eml", tmp_path / "box.mbox"
    source.write_bytes(b"Subject: another\n\n")
    path.write_bytes(MESSAGE)
    monkeypatch.setattr(mboxlock, "shared", partial(mboxlock.shared, patience=0.0))
    made = destination.make("mbox", str(path))
    assert made.open().total() == 1
    made.close()
    report = convert(str(source), str(path))
    assert (report.copied, report.problems) == (1, [])
    assert len(read(str(path))) == 2


@pytest.mark.parametrize("content", [b"Subject: hi\n\n", b"From: a@example.org\n\n"])
def test_message_is_read_without_a_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    (tmp_path / "mail.eml").write_bytes(content)
    monkeypatch.setattr(mboxlock, "shared", None)
    assert read(f"{tmp_path}/mail.eml") == [content]
