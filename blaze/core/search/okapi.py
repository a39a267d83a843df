"""BM25 over the stem objects of a pack, without an index of words."""

from collections import Counter
from collections.abc import Iterator
from math import log
from typing import NamedTuple

from blaze.core.errors import BlazeError, DataError
from blaze.core.store.pack import stems
from blaze.core.store.pack.archive import open_archive
from blaze.core.store.pack.objects import STEM

K1 = 1.2
"""How soon further occurrences of a stem count less."""

B = 0.75
"""How much a long text counts less: 0 not at all, 1 in proportion."""


class Scored(NamedTuple):
    """A mail's name in hexadecimal, and the score of the best of its texts."""

    id: str
    score: float


class _Text(NamedTuple):
    mail: bytes
    counts: dict[bytes, int]  # of the stems that are looked for
    length: int  # in words


def search(
    path: str,
    query: str,
    faults: list[BlazeError],
    *,
    language: str = "english",
    k1: float = K1,
    b: float = B,
) -> list[Scored]:
    """The mails of the archive at `path` whose texts have a stem of `query`, best first.

    The score is the sum over the stems of ln(1 + (N - n + 0.5) / (n + 0.5)) * f * (k1 + 1) / (f + k1 * (1 - b
    + b * length / mean length)): f of the stem in a text, n texts of N have it (Robertson and Zaragoza 2009,
    with Lucene's positive idf). What cannot be read is added to `faults`. Linear in the size of all stem
    objects, of which each is read once; memory holds the stems of the query alone.

    Raises:
        NoInputError, InputOutputError, DataError: the archive cannot be read, or has no stem objects.
        ConfigurationError: PyStemmer is not there.
    """
    wanted = list(stems.count(query, language))
    texts: dict[tuple[bytes, bytes], _Text] = {}
    lengths = number = 0
    seen: set[tuple[bytes, bytes]] = set()
    for stem in _iter_stems(path, faults):
        if (stem.mail, stem.blob) in seen:
            continue  # the same text, in another pack of the folder
        seen.add((stem.mail, stem.blob))
        length = sum(stem.counts.values())
        number += 1
        lengths += length
        counts = {word: stem.counts[word] for word in wanted if word in stem.counts}
        if counts:
            texts[stem.mail, stem.blob] = _Text(stem.mail, counts, length)
    if not number:
        hint = "Make a pack without --no-stems."
        raise DataError("there are no stem objects in it", where=path, hint=hint)
    having = Counter(word for text in texts.values() for word in text.counts)
    idf = {word: log(1 + (number - count + 0.5) / (count + 0.5)) for word, count in having.items()}
    scores: dict[bytes, float] = {}
    for text in texts.values():
        norm = k1 * (1 - b + b * text.length * number / max(lengths, 1))
        score = sum(idf[word] * f * (k1 + 1) / (f + norm) for word, f in text.counts.items())
        scores[text.mail] = max(score, scores.get(text.mail, 0.0))
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [Scored(mail.hex(), score) for mail, score in ordered if score > 0]


def _iter_stems(path: str, faults: list[BlazeError]) -> Iterator[stems.Stem]:
    archive = open_archive(path)
    faults += archive.faults
    for pack in archive.packs:
        for offset, _ in pack.iter_names():
            try:
                if pack.kind_at(offset) == STEM:
                    yield stems.parse(pack.read_at(offset).content)
            except DataError as error:
                faults.append(error)
        faults += pack.faults
