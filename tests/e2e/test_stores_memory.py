"""Converting and reading large stores costs the memory of small ones."""

from pathlib import Path

import pytest

from tests.bench.frame import blaze, peak_memory

pytestmark = pytest.mark.e2e

LIMIT = 100_000_000  # octets resident
SIZE = 200_000_000
LONG_SIZE = 2_000_000_000


@pytest.fixture
def size(long_run: bool) -> int:
    return LONG_SIZE if long_run else SIZE


@pytest.mark.parametrize("large", ["one message", "many messages"])
@pytest.mark.parametrize("dest", ["maildir", "eml", "mbox"])
def test_convert_in_constant_memory(tmp_path: Path, size: int, large: str, dest: str) -> None:
    box = make(tmp_path / "box", size, in_one=large == "one message")
    arguments = ("--no-sync", "--verify", str(box), f"{dest}:{tmp_path}/out")
    assert peak_memory(blaze(), "convert", *arguments) < LIMIT
    assert peak_memory(blaze(), "convert", *arguments) < LIMIT  # again: all is compared


def test_hdr_of_an_mbox_in_constant_memory(tmp_path: Path, size: int) -> None:
    box = make(tmp_path / "box", size, in_one=False)
    assert peak_memory(blaze(), "hdr", "-h", "subject", str(box)) < LIMIT
    assert peak_memory(blaze(), "hdr", "-h", "subject", f"{box}#2") < LIMIT


def make(path: Path, size: int, *, in_one: bool) -> Path:
    """An mbox of one message, or of messages of 1 MB, with lines to be quoted."""
    line = b"From here on there is nothing to see but a long line of text that is to be quoted\n"
    block = b">" + line + (b"x" * 76 + b"\n") * 13_000
    with path.open("wb") as file:
        for number in range(size // len(block)):
            if number == 0 or not in_one:
                file.write(b"From a@example.org Mon Jan  1 00:00:00 2024\nSubject: %d\n\n" % number)
            file.write(block)
            if not in_one:
                file.write(b"\n")
        file.write(b"\n")
    return path
