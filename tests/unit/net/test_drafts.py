"""Files that get their name when they are complete, with and without the kernel's help."""

import errno
import os
from pathlib import Path

import pytest

from blaze.core.net import drafts
from blaze.core.net.drafts import Drafts


@pytest.fixture(params=["nameless", "hidden"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "hidden":
        monkeypatch.setattr(drafts, "_NAMELESS", 0)
    return tmp_path


def test_publish_names_a_complete_file(folder: Path) -> None:
    made = Drafts(str(folder), "run")
    draft = made.open()
    os.write(draft.fd, b"octets")
    assert [name for name in os.listdir(folder) if not name.startswith(".")] == []
    made.publish(draft, f"{folder}/name")
    draft.close()
    assert os.listdir(folder) == ["name"]
    assert (folder / "name").read_bytes() == b"octets"


def test_publish_takes_no_name_that_is_taken(folder: Path) -> None:
    (folder / "name").write_bytes(b"old")
    made = Drafts(str(folder), "run")
    draft = made.open()
    with pytest.raises(FileExistsError):
        made.publish(draft, f"{folder}/name")
    draft.close()
    assert os.listdir(folder) == ["name"]
    assert (folder / "name").read_bytes() == b"old"


def test_replace_takes_the_name_of_another(folder: Path) -> None:
    (folder / "name").write_bytes(b"old")
    made = Drafts(str(folder), "run")
    draft = made.open()
    os.write(draft.fd, b"new")
    made.replace(draft, f"{folder}/name")
    draft.close()
    assert os.listdir(folder) == ["name"]
    assert (folder / "name").read_bytes() == b"new"


def test_close_leaves_nothing(folder: Path) -> None:
    Drafts(str(folder), "run").open().close()
    assert os.listdir(folder) == []


def test_permissions_are_those_of_the_umask(folder: Path) -> None:
    before = os.umask(0o027)
    try:
        draft = Drafts(str(folder), "run").open()
    finally:
        os.umask(before)
    assert os.fstat(draft.fd).st_mode & 0o777 == 0o640
    draft.close()


def test_open_falls_back_where_the_file_system_has_no_such_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & drafts._NAMELESS == drafts._NAMELESS:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    made = Drafts(str(tmp_path), "run")
    first, second = made.open(), made.open()
    assert sorted(os.listdir(tmp_path)) == [".run-1.tmp", ".run-2.tmp"]
    first.close()
    second.close()
    assert os.listdir(tmp_path) == []


def test_open_says_what_other_failures_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Drafts(f"{tmp_path}/none", "run").open()
