"""The place in a text where the words of a query stand, as one line."""

import re
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from blaze.core.query.words import fold

WIDTH = 160
"""Characters of a snippet."""

_BEFORE = 50  # characters shown before the first word that was looked for
_LOOKED_AT = 200_000  # characters of a text


class Snippet(NamedTuple):
    """A line of a text, and where in it the words lie that were looked for, as (start, end)."""

    text: str
    marks: tuple[tuple[int, int], ...]


def make(texts: Iterable[str], forms: Iterable[str]) -> Snippet:
    """The first place in `texts` where one of `forms` (folded words) stands, else their beginning."""
    wanted = tuple(dict.fromkeys(form for form in forms if form))
    first = ""
    for text in texts:
        line = " ".join(text[:_LOOKED_AT].split())
        first = first or line
        spans = _spans(line, wanted)
        if spans:
            start = _word_start(line, max(0, spans[0][0] - _BEFORE))
            shown = line[start : start + WIDTH]
            marks = ((begin - start, end - start) for begin, end in spans if end - start <= len(shown))
            return Snippet(shown, tuple(marks))
    return Snippet(first[:WIDTH], ())


def _spans(line: str, wanted: tuple[str, ...]) -> list[tuple[int, int]]:
    """Where words stand that begin with one of those wanted; no more than a snippet can show."""
    spans: list[tuple[int, int]] = []
    if not wanted:
        return spans
    whole = set(wanted)
    unspaced = tuple(form for form in wanted if not form.isascii())
    for match in _word().finditer(line):
        if spans and match.end() > spans[0][0] + WIDTH:
            break
        word = fold(match[0])
        if word in whole:
            spans.append(match.span())
        elif unspaced and (form := next((form for form in unspaced if form in word), None)):
            start = match.start() + max(match[0].find(form), 0)
            spans.append((start, min(start + len(form), match.end())))
    return spans


def _word_start(line: str, position: int) -> int:
    """The beginning of the word after `position`, unless that is the beginning of the line."""
    return (
        line.find(" ", position) + 1 if position and " " in line[position : position + _BEFORE] else position
    )


@cache
def _word() -> re.Pattern[str]:
    return re.compile(r"[^\W_]+")
