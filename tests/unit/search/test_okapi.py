"""BM25 over the stem objects of a pack."""

import subprocess
import sys
from math import log
from pathlib import Path

import pytest

from blaze.core.errors import BlazeError, DataError
from blaze.core.search import okapi


@pytest.fixture
def pack(tmp_path: Path) -> str:
    texts = {
        1: "the cats ran and the cat sat",
        2: "a dog ran far away from here to there and back again",
        3: "nothing to see",
    }
    files = []
    for number, text in texts.items():
        path = tmp_path / f"{number}.eml"
        path.write_text(f"Subject: {number}\n\n{text}\n")
        files.append(str(path))
    target = str(tmp_path / "x.pack")
    blaze = str(Path(sys.executable).with_name("blaze"))
    subprocess.run([blaze, "pack", "make", "--stems", "--no-sync", "-o", target, *files], check=True)
    return target


def score(f: int, n: int, length: int, k1: float = 1.2, b: float = 0.75) -> float:
    mean = (7 + 12 + 3) / 3
    return log(1 + (3 - n + 0.5) / (n + 0.5)) * f * (k1 + 1) / (f + k1 * (1 - b + b * length / mean))


def test_search_scores_by_bm25(pack: str) -> None:
    faults: list[BlazeError] = []
    assert [found.score for found in okapi.search(pack, "cat", faults)] == [pytest.approx(score(2, 1, 7))]
    both = okapi.search(pack, "cats running", faults)
    assert [found.score for found in both] == [pytest.approx(score(2, 1, 7))]
    ran = okapi.search(pack, "ran", faults)
    assert [found.score for found in ran] == [pytest.approx(score(1, 2, 7)), pytest.approx(score(1, 2, 12))]
    flat = okapi.search(pack, "ran", faults, b=0.0)
    assert flat[0].score == pytest.approx(flat[1].score)
    once = okapi.search(pack, "cat", faults, k1=0.0)
    assert once[0].score == pytest.approx(log(1 + 2.5 / 1.5))
    assert okapi.search(pack, "unicorn", faults) == []
    assert faults == []


def test_search_needs_stems(tmp_path: Path) -> None:
    message = tmp_path / "1.eml"
    message.write_text("Subject: x\n\ntext\n")
    blaze = str(Path(sys.executable).with_name("blaze"))
    target = str(tmp_path / "x.pack")
    subprocess.run([blaze, "pack", "make", "--no-stems", "--no-sync", "-o", target, str(message)], check=True)
    with pytest.raises(DataError, match="no stem objects"):
        okapi.search(target, "text", [])
