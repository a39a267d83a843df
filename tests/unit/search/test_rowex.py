"""The index of Message-IDs: what is put in is found, renewed, and threaded."""

import os
from pathlib import Path

import pytest

from blaze.core.errors import DataError, NoInputError
from blaze.core.search import rowex
from blaze.core.search.threads import iter_threads
from blaze.core.search.update import update


def write(folder: Path, name: str, fields: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.eml").write_text(fields + "\n\ntext\n")


def test_populate_and_find(tmp_path: Path) -> None:
    folder, index = tmp_path / "f", str(tmp_path / "ids")
    write(folder, "1", "Message-ID: <a@x>\nSubject: =?utf-8?q?=C3=A9?=")
    write(folder, "2", "Message-ID: <b@x>\nReferences: <0@x> <a@x>\nIn-Reply-To: <a@x>")
    write(folder, "3", "Message-ID: <a@x>")
    write(folder, "4", "Subject: no id")
    assert rowex.populate(index, str(folder)) == (4, [])
    found = rowex.find(index, ["b@x", "none@x", "a@x"])
    assert [letter.name for letter in found] == [f"{folder}/{number}.eml" for number in (2, 1, 3)]
    assert found[0].references == ("0@x", "a@x")
    assert found[0].in_reply_to == ("a@x",)
    assert found[1].subject == "é"


def test_populate_renews_a_source_and_leaves_the_others(tmp_path: Path) -> None:
    index = str(tmp_path / "ids")
    write(tmp_path / "f", "1", "Message-ID: <a@x>")
    write(tmp_path / "g", "1", "Message-ID: <b@x>\nReferences: <a@x>")
    rowex.populate(index, str(tmp_path / "f"))
    rowex.populate(index, str(tmp_path / "g"))
    (tmp_path / "f" / "1.eml").unlink()
    write(tmp_path / "f", "2", "Message-ID: <c@x>")
    rowex.populate(index, str(tmp_path / "f"))
    assert rowex.find(index, ["a@x"]) == []
    assert {letter.message_id for letter in rowex.iter_letters(index)} == {"b@x", "c@x"}
    assert [letter.message_id for letter in rowex.iter_letters(index, [str(tmp_path / "f")])] == ["c@x"]
    assert len(list(iter_threads(rowex.iter_letters(index)))) == 2


def test_what_cannot_be_read_takes_nothing_out(tmp_path: Path) -> None:
    folder, index = tmp_path / "f", str(tmp_path / "ids")
    write(folder, "1", "Message-ID: <a@x>")
    rowex.populate(index, str(folder))
    (folder / "1.eml").unlink()
    (folder / "1.eml").symlink_to("nowhere")
    count, faults = rowex.populate(index, str(folder))
    assert (count, len(faults)) == (0, 1)
    assert rowex.find(index, ["a@x"])


def test_other_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "f", "1", "Message-ID: <a@x>")
    with pytest.raises(NoInputError):
        rowex.find(str(tmp_path / "none"), ["a@x"])
    with pytest.raises(NoInputError):
        rowex.populate(str(tmp_path / "ids"), str(tmp_path / "none"))
    update(str(tmp_path / "f"), str(tmp_path / "words"))
    with pytest.raises(DataError):
        rowex.find(str(tmp_path / "words"), ["a@x"])


def test_paths_of_any_octets_and_forced_kinds(tmp_path: Path) -> None:
    folder, index = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff")), str(tmp_path / "ids")
    write(folder, "1", "Message-ID: <a@x>")
    assert rowex.populate(index, f"eml:{folder}") == (1, [])
    assert [letter.name for letter in rowex.find(index, ["a@x"])] == [f"{folder}/1.eml"]
    for source in (f"eml:{folder}", str(folder)):
        assert [letter.name for letter in rowex.iter_letters(index, [source])] == [f"{folder}/1.eml"]
