"""What the transcript of `blaze pack` cannot show: another machine, and a list from a file."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from blaze.cli import pack
from blaze.cli._app import run
from blaze.core.store.pack.archive import open_archive
from blaze.core.store.pack.objects import STEM


@pytest.fixture
def message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.eml"
    path.write_bytes(b"Subject: x\n\nsome words\n")
    return path


def kinds(path: str) -> set[int]:
    return {found.kind_at(offset) for found in open_archive(path).packs for offset, _ in found.iter_names()}


def test_make_without_a_stemmer_warns_and_goes_on(
    message: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def missing(_: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(pack, "find_spec", missing)
    assert run(["blaze", "pack", "make", "-o", "a.pack", "a.eml"]) == 0
    assert "PyStemmer is not installed" in capfd.readouterr().err
    assert STEM not in kinds("a.pack")


def test_make_takes_names_from_a_list_beside_the_arguments(message: Path, tmp_path: Path) -> None:
    (tmp_path / "b.eml").write_bytes(b"Subject: y\n\nother words\n")
    (tmp_path / "list").write_bytes(b"b.eml\n\n")
    assert run(["blaze", "pack", "make", "--no-stems", "-o", "a.pack", "--from-list", "list", "a.eml"]) == 0
    names = [found.record.name for found in open_archive("a.pack").iter_messages()]
    assert names == ["a.eml", "b.eml"]


def test_options_come_from_the_environment(message: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLAZE_PACK_MAKE_STEMS", "false")
    assert run(["blaze", "pack", "make", "-o", "a.pack", "a.eml"]) == 0
    assert STEM not in kinds("a.pack")


@pytest.mark.parametrize("action", ["list", "verify", "gc"])
def test_folder_without_packs_is_no_archive(
    message: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], action: str
) -> None:
    assert run(["blaze", "pack", action, str(tmp_path)]) == 66
    assert "there is no pack in this folder" in capfd.readouterr().err
    assert list(tmp_path.iterdir()) == [message]


@pytest.mark.parametrize("output", [(), ("-o", "a.pack"), ("-o", "a.d")])
@pytest.mark.parametrize("command", [("pack", "make"), ("mbox",)])
def test_nothing_is_made_of_what_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: tuple[str, ...], command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["blaze", *command, *output, "missing"]) == 66
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_can_be_read_is_packed_beside_what_cannot(message: Path) -> None:
    assert run(["blaze", "pack", "make", "-o", "a.pack", "missing", "a.eml"]) == 66
    assert len(list(open_archive("a.pack").iter_messages())) == 1


def test_an_empty_mbox_makes_an_empty_pack(message: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mbox").touch()
    assert run(["blaze", "pack", "make", "-o", "a.pack", "mbox:empty.mbox"]) == 0
    assert list(open_archive("a.pack").iter_messages()) == []
