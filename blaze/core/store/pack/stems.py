"""Stem objects: how often each stem stands in a text, for full-text search."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any, NamedTuple

from blaze.core.errors import ConfigurationError, DataError
from blaze.core.mail import charset, message, transfer
from blaze.core.mail.header import Buffer
from blaze.core.query.content import html_text
from blaze.core.store.pack.objects import NAME_SIZE

MAX_TEXT = 1 << 24
"""Octets of a text whose words are counted; the rest is left out."""

MAX_STEM = 64
"""Letters of a word that is a word, and no encoded data."""


_BATCH = 1 << 16  # words that are stemmed together, so that memory does not grow with the length of a text


class Stem(NamedTuple):
    """The stems of one text: the mail it is in, its blob, and how often each stem stands in it."""

    mail: bytes
    blob: bytes
    counts: Mapping[bytes, int]

    def to_bytes(self) -> bytes:
        """The content of the stem object; the stems are in the order of their octets."""
        rows = (stem + b"\0" + count.to_bytes(8, "big") for stem, count in sorted(self.counts.items()))
        return self.mail + self.blob + len(self.counts).to_bytes(8, "big") + b"".join(rows)


def parse(content: Buffer) -> Stem:
    """Read the content of a stem object.

    Raises:
        DataError: it is cut off, or the number of stems is not the one it says.
    """
    octets = content[:]
    head = 2 * NAME_SIZE + 8
    if len(octets) < head:
        raise DataError("the stem object is cut off")
    counts: dict[bytes, int] = {}
    position = head
    while position < len(octets):
        end = octets.find(b"\0", position)
        if end < 0 or end + 9 > len(octets):
            raise DataError("the stem object is cut off")
        counts[octets[position:end]] = int.from_bytes(octets[end + 1 : end + 9], "big")
        position = end + 9
    if len(counts) != int.from_bytes(octets[2 * NAME_SIZE : head], "big"):
        raise DataError("the stem object has another number of stems than it says")
    return Stem(octets[:NAME_SIZE], octets[NAME_SIZE : 2 * NAME_SIZE], counts)


def text_of(part: message.Part) -> str:
    """The text of a part as a person reads it: transfer encoding and charset undone, HTML without its tags.

    No more than `MAX_TEXT` octets of its body are looked at. Linear in time.
    """
    start, end = part.body
    octets = transfer.decode_bytes(part.encoding, part.buffer[start : min(end, start + MAX_TEXT)])
    text = charset.decode(octets, part.content_type.params.get("charset")).text
    return html_text(text) if part.content_type.subtype == "html" else text


def count(text: str, language: str) -> Counter[bytes]:
    """The stems of the words of `text`, as UTF-8, and how often each stands there.

    Words are what white space and punctuation leave, in lower case, as BERT's first step has them. Stems are
    those of Snowball's stemmer for `language`.

    Raises:
        ConfigurationError: PyStemmer is not there.
    """
    stemmer = _stemmer(language)
    counts: Counter[bytes] = Counter()
    matches = _words().finditer(text.lower())
    while words := Counter([match[0] for match in islice(matches, _BATCH)]):
        distinct = [word for word in words if len(word) <= MAX_STEM]
        for word, stem in zip(distinct, stemmer.stemWords(distinct), strict=True):
            if stem:
                counts[stem.encode("utf-8", "replace")] += words[word]
    return counts


@cache
def _stemmer(language: str) -> Any:
    try:
        return import_module("Stemmer").Stemmer(language)
    except ImportError as error:
        hint = "pip install PyStemmer"
        raise ConfigurationError("stems need the package PyStemmer", hint=hint) from error


@cache
def _words() -> re.Pattern[str]:
    return re.compile(r"[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*")
