"""What the transcript of `blaze search` cannot show: how often a Maildir is listed."""

import os
from pathlib import Path

import pytest

from blaze.cli._app import run


def test_names_of_files_that_were_renamed_since_take_one_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    cur, new = tmp_path / "cur", tmp_path / "new"
    cur.mkdir()
    new.mkdir()
    for number in range(20):
        (new / f"{number:02}.x").write_bytes(b"Subject: zebra\n\nx\n")
    assert run(["blaze", "index", str(tmp_path)]) == 0
    for path in list(new.iterdir()):
        path.rename(cur / f"{path.name}:2,S")
    capfd.readouterr()
    listed = []
    listdir = os.listdir

    def counted(path: str) -> list[str]:
        listed.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", counted)
    assert run(["blaze", "search", "--in", str(tmp_path), "--format", "files", "zebra"]) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == [f"{cur}/{number:02}.x:2,S" for number in range(20)]
    assert sorted(listed) == [str(cur), str(new)]
