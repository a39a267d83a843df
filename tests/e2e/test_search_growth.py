"""Indexing grows with the number of messages alone, and its memory does not grow."""

import base64
import resource
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.bench.frame import blaze, peak_memory

pytestmark = [pytest.mark.e2e, pytest.mark.corpus]

LIMIT = 100_000_000  # octets resident, of each process
FACTORS = (1, 4, 16)
SINGLE = 400  # messages
LONG_SINGLE = 6_046


@pytest.fixture
def single(long_run: bool) -> int:
    return LONG_SINGLE if long_run else SINGLE


def test_index_grows_with_the_messages_and_its_memory_does_not(
    single: int, corpus: list[bytes], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seconds = {}
    for factor in FACTORS:
        box, index = tmp_path / f"{factor}.mbox", tmp_path / f"{factor}.index"
        write_copies(box, corpus, single * factor)
        before = processor_seconds()
        memory = peak_memory(blaze(), "index", "--no-sync", "-j", "2", "--index", str(index), str(box))
        seconds[factor] = processor_seconds() - before
        assert memory < LIMIT
        found = peak_memory(blaze(), "search", "--index", str(index), "--sort", "newest", "linux")
        assert found < LIMIT
        record_property(f"{factor} times", f"{seconds[factor]:.1f} s, {memory / 1e6:.0f} MB")
        box.unlink()
        for suffix in ("", "-lock", "-wal", "-shm"):
            Path(f"{index}{suffix}").unlink(missing_ok=True)
    for less, more in pairwise(FACTORS):  # of four times as much; what is quadratic takes 16 times as long
        assert seconds[more] < 2 * 4 * seconds[less]


def processor_seconds() -> float:
    """What processes that have ended have used; a busy machine changes it less than the clock."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def write_copies(path: Path, corpus: list[bytes], count: int) -> None:
    """An mbox of so many messages; those of each round through the corpus have words of their own."""
    with path.open("wb") as file:
        for number in range(count):
            octets = corpus[number % len(corpus)].replace(b"\nFrom ", b"\n>From ").rstrip(b"\n")
            file.write(b"From bench@example.org Thu Jan  1 00:00:00 2026\nX-Copy: %d\n" % number)
            file.write(octets + b"\n\nround%d number%d\n\n" % (number // len(corpus), number))


@pytest.mark.parametrize("encoding", ["7bit", "base64"])
@pytest.mark.parametrize("subtype", ["plain", "html"])
def test_a_large_message_costs_the_memory_of_its_beginning(
    subtype: str, encoding: str, tmp_path: Path
) -> None:
    path, index = tmp_path / "large.eml", str(tmp_path / "index")
    with path.open("wb") as file:
        file.write(
            b"From: a@example.org\nMIME-Version: 1.0\nContent-Type: text/%b\n"
            b"Content-Transfer-Encoding: %b\n\n" % (subtype.encode(), encoding.encode())
        )
        line = b"hello and a line that says the same thing again and again\n"
        block = base64.encodebytes(line * 17_100) if encoding == "base64" else line * 17_100
        for _ in range(200):
            file.write(block)
    assert peak_memory(blaze(), "index", "--no-sync", "--index", index, str(path)) < LIMIT
    assert peak_memory(blaze(), "search", "--index", index, "--snippets", '"again hello"') < LIMIT
