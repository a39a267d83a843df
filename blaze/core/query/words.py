"""The words of a text, as they are compared: by Unicode's letters, in one case, without accents.

A script that writes no blanks between words (Chinese, Japanese, Thai) gives each pair of neighbour letters,
and the last letter alone; so does Korean, whose words carry endings. A run of letters of such a script is
found by the phrase of its pairs, and one letter by the prefix it is.
"""

import re
import unicodedata
from functools import cache
from itertools import groupby

MAX_WORD = 64
"""Letters of a word; what is longer is encoded data."""

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
# What each octet of an ASCII text becomes: a letter in lower case, a digit, or a blank.
_ASCII = bytes(octet if chr(octet).isalnum() else 0x20 for octet in bytes(range(128)).lower()).ljust(256)


def split(text: str) -> list[str]:
    """The words of `text` in order. Linear in its length; lone surrogates part words."""
    if not text:
        return []
    if text.isascii():
        words = _split_ascii(text)
    else:  # lines in ASCII, which most are, are split twenty times as fast
        words = []
        for is_ascii, lines in groupby(text.split("\n"), str.isascii):
            words += (_split_ascii if is_ascii else _split_unicode)("\n".join(lines))
    if len(text) > MAX_WORD and words and len(max(words, key=len)) > MAX_WORD:
        return [word for word in words if len(word) <= MAX_WORD]
    return words


def phrase(text: str) -> list[str]:
    """The words of a query's phrase: as `split`, but what may follow its end is left open.

    A run of an unspaced script at the end gives its pairs alone: in a message the run may go on.
    """
    found = split(text)
    if len(found) > 1 and len(found[-1]) == 1 and is_unspaced(found[-1]) and found[-2].endswith(found[-1]):
        found.pop()
    return found


def fold(text: str) -> str:
    """`text` in one case and one form of its letters, Latin and Greek ones without accents.

    Compatibility forms (`ﬁ`, full width) become plain letters (Unicode Standard Annex #15, NFKC). The marks
    of other scripts stay: they make other letters, or are the vowels.
    """
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _accents().sub("", decomposed).casefold())


def is_unspaced(text: str) -> bool:
    """True when `text` has letters of a script without blanks between words."""
    return not text.isascii() and _unspaced().search(text) is not None


def _split_ascii(text: str) -> list[str]:
    return text.encode("ascii").translate(_ASCII).decode("ascii").split()


def _split_unicode(text: str) -> list[str]:
    folded = fold(text)
    words: list[str] = _word().findall(folded)
    if _unspaced().search(folded):
        return [piece for word in words for piece in _pieces(word)]
    return words


def _pieces(word: str) -> list[str]:
    """A word, its runs of an unspaced script as pairs of letters and the last letter."""
    pieces = []
    for run in _runs().findall(word):
        if _unspaced().match(run):
            pieces += [run[start : start + 2] for start in range(len(run))]
        else:
            pieces.append(run)
    return pieces


@cache
def _word() -> re.Pattern[str]:
    marks = "".join(
        chr(point)
        for first, last in ((0x300, 0x1E00), (0x20D0, 0x2100), (0x3099, 0x309B), (0xA66F, 0xAC00))
        for point in range(first, last)
        if unicodedata.category(chr(point)).startswith("M")
    )
    return re.compile(rf"[^\W_]+(?:[{marks}]+[^\W_]*)*")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED}]")


@cache
def _runs() -> re.Pattern[str]:
    return re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")


@cache
def _accents() -> re.Pattern[str]:
    return re.compile("(?<=[a-z\u03b1-\u03c9])[\u0300-\u036f]+")
