"""TXT records in memory: a resolver for verdicts under test."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from blaze.core.auth.resolver import Answer, Question, Rcode


class Zone:
    """Answers TXT questions from `texts` (name to one record or several); a Rcode there is the answer itself.

    `asked` holds the names of every query that was made, one tuple for each.
    """

    def __init__(self, texts: Mapping[str, str | bytes | Rcode | Sequence[bytes]]) -> None:
        self.texts = {name.lower(): value for name, value in texts.items()}
        self.asked: list[tuple[str, ...]] = []

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        self.asked.append(tuple(question.name for question in questions))
        return [self._answer(question) for question in questions]

    def _answer(self, question: Question) -> Answer:
        value = self.texts.get(question.name.lower(), Rcode.NXDOMAIN)
        if isinstance(value, Rcode):
            return Answer(question, value)
        if isinstance(value, str):
            value = value.encode()
        return Answer(question, records=(value,) if isinstance(value, bytes) else tuple(value))


def zone_of(folder: Path) -> Zone:
    """The TXT records of a static DNS tree."""
    texts = {path.stem: path.read_text().removeprefix("txt:").strip() for path in folder.glob("*.dns")}
    assert texts
    return Zone(texts)
