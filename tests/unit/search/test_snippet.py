"""Snippets: where the words of a query stand."""

import pytest

from blaze.core.search import snippet


@pytest.mark.parametrize(
    ("texts", "forms", "marked"),
    [
        (["one two three"], ["two"], ["two"]),
        (["one", "Zwei ÉLAN"], ["elan"], ["ÉLAN"]),
        (["nothing here"], ["two"], []),
        (["東京都の猫"], ["東京", "京都"], ["東京"]),
        (["a\n\nb  two"], ["two", "b"], ["b", "two"]),
        ([""], ["two"], []),
        ([], [], []),
    ],
)
def test_make_marks_the_words(texts: list[str], forms: list[str], marked: list[str]) -> None:
    made = snippet.make(texts, forms)
    assert [made.text[start:end] for start, end in made.marks] == marked
    assert "\n" not in made.text


def test_make_shows_the_place_and_no_more_than_its_width() -> None:
    made = snippet.make(["word " * 1000 + "needle " + "word " * 1000], ["needle"])
    assert "needle" in made.text
    assert len(made.text) <= snippet.WIDTH
