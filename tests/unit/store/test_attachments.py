"""Attachments as files: never outside their folder, never over another file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blaze.core.errors import CannotCreateError, InputOutputError
from blaze.core.store.attachments import Folder


def tree(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*"))


HOSTILE = [
    "../../etc/cron.d/x",
    "/etc/passwd",
    "..",
    ".bashrc",
    "CON",
    "a\0b",
    "a\nb",
    "\u202efdp.exe",
    "x" * 5000,
]


@pytest.mark.parametrize("name", HOSTILE)
def test_write_stays_in_the_folder(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "a" / "b"
    written = Folder(str(inside)).write(name, [b"x"], fallback="part")
    assert Path(written).resolve().parent == inside
    assert tree(tmp_path) == ["a", "a/b", f"a/b/{Path(written).name}"]


def test_write_never_overwrites(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    names = [folder.write("a.txt", [str(n).encode()], fallback="part") for n in range(3)]
    assert [Path(name).name for name in names] == ["a.txt", "a-2.txt", "a-3.txt"]
    assert [Path(name).read_bytes() for name in names] == [b"0", b"1", b"2"]


@pytest.mark.parametrize("target", ["outside.txt", "missing"])
def test_write_never_follows_a_link(tmp_path: Path, target: str) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").symlink_to(tmp_path / target)
    assert Folder(str(folder)).write("a.txt", [b"theirs"], fallback="part") == str(folder / "a-2.txt")
    assert outside.read_text() == "mine"
    assert not (tmp_path / "missing").exists()


def test_write_leaves_no_half_file(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(InputOutputError, match="no space left"):
        Folder(str(tmp_path)).write("a.txt", broken(), fallback="part")
    assert tree(tmp_path) == []


def test_nothing_is_made_without_a_file(tmp_path: Path) -> None:
    with Folder(str(tmp_path / "a")).subfolder("b"):
        pass
    assert tree(tmp_path) == []


def test_subfolder_is_new_and_safe(tmp_path: Path) -> None:
    base = Folder(str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "evil").symlink_to(tmp_path / "elsewhere")
    for name, expected in (
        ("../../evil", "evil-2"),
        ("box#1", "box#1"),
        ("box#1", "box#1-2"),
        ("-#1", "_#1"),
    ):
        with base.subfolder(name) as folder:
            assert folder.write("a", [b"x"], fallback="part") == str(tmp_path / expected / "a")
    assert tree(tmp_path / "elsewhere") == []


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotCreateError, match="folder"):
        Folder(str(tmp_path / "file")).write("a", [b"x"], fallback="part")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="no /proc to count descriptors in")
def test_many_subfolders_hold_no_descriptors(tmp_path: Path) -> None:
    base = Folder(str(tmp_path))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(50):
        with base.subfolder("m") as folder:
            folder.write("a", [b"x"], fallback="part")
    assert len(os.listdir("/proc/self/fd")) <= before + 1
