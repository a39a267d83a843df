"""Files complete or not at all; spooling."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from blaze.core.errors import CannotCreateError, InputOutputError
from blaze.core.store import atomic


def leftovers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_write_file_appears_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "out"
    seen: list[bool] = []

    def chunks() -> Iterator[bytes]:
        yield b"one"
        seen.append(target.exists())
        yield b"two"

    atomic.write_file(str(target), chunks())
    assert seen == [False]
    assert target.read_bytes() == b"onetwo"
    assert leftovers(tmp_path) == ["out"]


def test_write_file_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    atomic.write_file("out", [b"x"])
    assert leftovers(tmp_path) == ["out"]


def test_write_file_refuses_what_exists(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    with pytest.raises(CannotCreateError) as refused:
        atomic.write_file(str(target), [b"new"])
    assert refused.value.where == str(target)
    assert target.read_bytes() == b"old"
    (tmp_path / "dangling").symlink_to("nowhere")
    with pytest.raises(CannotCreateError):
        atomic.write_file(f"{tmp_path}/dangling", [b"new"])
    assert leftovers(tmp_path) == ["dangling", "out"]


def test_write_file_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def chunks() -> Iterator[bytes]:
        yield b"new"
        target.write_bytes(b"other")

    with pytest.raises(CannotCreateError):
        atomic.write_file(str(target), chunks())
    assert target.read_bytes() == b"other"
    assert leftovers(tmp_path) == ["out"]


def test_write_file_by_force_keeps_mode_and_link(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to("out")
    atomic.write_file(str(link), [b"new"], force=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_write_file_by_force_keeps_the_owner(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")
    os.chown(target, 12345, 23456)
    target.chmod(0o660)
    atomic.write_file(str(target), [b"new"], force=True)
    status = target.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 23456, 0o660)


def test_owner_that_may_not_be_kept_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fchown(_fd: int, _uid: int, _gid: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", fchown)
    target = tmp_path / "out"
    target.write_bytes(b"old")
    status = os.stat_result((0o100640, 1, 1, 1, 12345, 23456, 3, 0, 0, 0))
    with target.open("r+b") as file:
        atomic.keep_access(file.fileno(), status)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.parametrize(("private", "umask", "mode"), [(False, 0o027, 0o640), (True, 0o000, 0o600)])
def test_write_file_sets_the_mode(tmp_path: Path, private: bool, umask: int, mode: int) -> None:
    old = os.umask(umask)
    try:
        atomic.write_file(f"{tmp_path}/out", [b"x"], private=private)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == mode


def test_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"old")

    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        atomic.write_file(str(target), chunks(), force=True)
    assert target.read_bytes() == b"old"
    assert leftovers(tmp_path) == ["out"]


def test_full_disk_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic, "write_all", fail)
    with pytest.raises(InputOutputError, match="No space left"):
        atomic.write_file(f"{tmp_path}/out", [b"x"])
    assert leftovers(tmp_path) == []


def test_folder_that_is_missing_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError):
        atomic.write_file(f"{tmp_path}/no/out", [b"x"])


def test_device_is_written_to_directly() -> None:
    atomic.write_file("/dev/null", [b"x"])


def test_file_without_links_is_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    atomic.write_file(f"{tmp_path}/out", [b"x"])
    with pytest.raises(FileExistsError):
        atomic.rename_new(f"{tmp_path}/out", f"{tmp_path}/out")
    assert leftovers(tmp_path) == ["out"]


def test_temporary_name_fits_however_long_the_name_is(tmp_path: Path) -> None:
    for name in ("x" * 255, "é" * 127, "\udcff" * 255):
        temporary = atomic.temporary_name(f"{tmp_path}/{name}")
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY))
        assert Path(temporary).parent == tmp_path


def test_create_new_follows_no_link_and_takes_no_name_twice(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("target")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            atomic.create_new("link", folder=folder)
        os.close(atomic.create_new("new", folder=folder, mode=0o600))
        with pytest.raises(FileExistsError):
            atomic.create_new("new", folder=folder)
        with pytest.raises(CannotCreateError):
            atomic.create_new("no/such", folder=folder)
    finally:
        os.close(folder)
    assert leftovers(tmp_path) == ["link", "new"]


@pytest.mark.parametrize("size", [0, 1, atomic.SMALL, atomic.SMALL + 1, 3 * atomic.SMALL])
def test_spool_holds_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    data = os.urandom(1024) * (size // 1024 + 1)
    chunks = (data[start : min(start + 100_000, size)] for start in range(0, size, 100_000))
    buffer = atomic.spool(chunks)
    assert isinstance(buffer, bytes) == (size <= atomic.SMALL)
    assert len(buffer) == size
    assert buffer[:] == data[:size]
    assert leftovers(tmp_path) == []


def test_spool_without_nameless_files_uses_one_that_is_unlinked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delattr(os, "O_TMPFILE")
    assert len(atomic.spool([b"x" * 2_000_000])) == 2_000_000
    assert leftovers(tmp_path) == []


def test_spool_without_room_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", f"{tmp_path}/none")
    with pytest.raises(InputOutputError) as failed:
        atomic.spool([b"x" * 2_000_000])
    assert failed.value.where == f"{tmp_path}/none"


@pytest.mark.parametrize("force", [False, True])
def test_folder_is_not_replaced(tmp_path: Path, force: bool) -> None:
    with pytest.raises(CannotCreateError, match="is a directory"):
        atomic.write_file(str(tmp_path), [b"x"], force=force)
    assert list(tmp_path.iterdir()) == []
