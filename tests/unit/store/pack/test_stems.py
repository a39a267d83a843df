"""Counting the stems of a text."""

import tracemalloc

from blaze.core.store.pack import stems


def test_count_long_text_in_little_memory() -> None:
    """More words than are stemmed together: the counts are whole, and no list of all words is made."""
    text = "Running runners ran, and ran again. " * 60_000
    tracemalloc.start()
    counts = stems.count(text, "english")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    expected = {b"run": 60_000, b"runner": 60_000, b"ran": 120_000, b"and": 60_000, b"again": 60_000}
    assert counts == expected
    assert peak < len(text) + (10 << 20)


def test_count_leaves_out_what_is_no_word() -> None:
    assert stems.count(f"one {'x' * 65} --- two", "english") == {b"one": 1, b"two": 1}
