"""The language of a text, its stems, and the words that say nothing (stop words)."""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from itertools import chain
from typing import Any

from blaze.core.errors import ConfigurationError
from blaze.core.query.stopwords import STOP_WORDS
from blaze.core.query.words import fold

DEFAULT = "english"

_CODES = {
    "ar": "arabic", "ara": "arabic", "hy": "armenian", "eu": "basque", "eus": "basque", "ca": "catalan",
    "cat": "catalan", "da": "danish", "dan": "danish", "nl": "dutch", "nld": "dutch", "dut": "dutch",
    "en": "english", "eng": "english", "eo": "esperanto", "et": "estonian", "est": "estonian",
    "fi": "finnish", "fin": "finnish", "fr": "french", "fra": "french", "fre": "french", "de": "german",
    "deu": "german", "ger": "german", "el": "greek", "ell": "greek", "gre": "greek", "hi": "hindi",
    "hin": "hindi", "hu": "hungarian", "hun": "hungarian", "id": "indonesian", "ind": "indonesian",
    "ga": "irish", "gle": "irish", "it": "italian", "ita": "italian", "lt": "lithuanian",
    "lit": "lithuanian", "ne": "nepali", "nep": "nepali", "no": "norwegian", "nb": "norwegian",
    "nn": "norwegian", "nor": "norwegian", "pt": "portuguese", "por": "portuguese", "ro": "romanian",
    "ron": "romanian", "rum": "romanian", "ru": "russian", "rus": "russian", "sr": "serbian",
    "srp": "serbian", "es": "spanish", "spa": "spanish", "sv": "swedish", "swe": "swedish", "ta": "tamil",
    "tam": "tamil", "tr": "turkish", "tur": "turkish", "yi": "yiddish", "yid": "yiddish",
}  # fmt: skip
"""ISO 639 codes of the languages that Snowball stems."""

_SCRIPTS = (
    ("\u0370", "\u03ff", "greek"), ("\u0400", "\u052f", "russian"), ("\u0530", "\u058f", "armenian"),
    ("\u0590", "\u05ff", "yiddish"), ("\u0600", "\u06ff", "arabic"), ("\u0900", "\u097f", "hindi"),
    ("\u0b80", "\u0bff", "tamil"),
)  # fmt: skip
_ENOUGH = 3  # different stop words that tell a language


def of_codes(tags: Iterable[str]) -> str | None:
    """The language of the first of some language tags (RFC 5646) that Snowball stems, or None."""
    return next((found for tag in tags if (found := _CODES.get(tag.partition("-")[0].lower()))), None)


def detect(words: list[str]) -> str | None:
    """The language that the words of a text are in, or None where too little tells it.

    It is the one with the most of its stop words among them, at least three; failing that, the script says.
    """
    languages = _languages_of_stop_words()
    seen = _all_stop_words().intersection(words)
    votes = Counter(chain.from_iterable(map(languages.__getitem__, seen)))
    best = max(STOP_WORDS, key=votes.__getitem__)
    if votes[best] >= _ENOUGH:
        return best
    return next((found for word in words if not word.isascii() and (found := _of_script(word))), None)


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language; none for one that has no list here."""
    return frozenset(map(fold, STOP_WORDS.get(language, "").split()))


def stem(words: list[str], language: str) -> list[str]:
    """The stem of each word, folded (`words.fold`).

    Raises:
        ConfigurationError: PyStemmer is not there.
    """
    return list(map(fold, _stemmer(language).stemWords(words)))


def _of_script(word: str) -> str | None:
    return next((language for first, last, language in _SCRIPTS if first <= word[0] <= last), None)


@cache
def _languages_of_stop_words() -> dict[str, list[str]]:
    languages: dict[str, list[str]] = {}
    for language in STOP_WORDS:
        for word in stop_words(language):
            languages.setdefault(word, []).append(language)
    return languages


@cache
def _all_stop_words() -> frozenset[str]:
    return frozenset(_languages_of_stop_words())


@cache
def _stemmer(language: str) -> Any:
    try:
        return import_module("Stemmer").Stemmer(language, 0)  # a cache of its own takes longer than the stems
    except ImportError as error:
        raise ConfigurationError("stems need the package PyStemmer", hint="pip install PyStemmer") from error
