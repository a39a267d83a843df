"""What an index holds of one message, made from its octets."""

from typing import NamedTuple

from blaze.core.mail import message
from blaze.core.mail.header import Buffer
from blaze.core.query import content, languages

_KNOWN_WORDS = 300_000  # whose stems are remembered to be in the index


class Document(NamedTuple):
    """One message as it is indexed.

    `columns` are its words as `terms.COLUMNS` names them, joined by spaces; `texts` the texts they are from,
    joined by NUL; `stems` pairs of a stem and a word, of words that are not known to have been told before.
    """

    size: int
    date: int | None
    sender: str
    subject: str
    message_id: str
    references: str
    in_reply_to: str
    has_attachment: bool
    texts: str
    columns: tuple[str, ...]
    language: str
    stems: tuple[tuple[str, str], ...]


class DocumentReader:
    """Reads messages as documents; remembers the words whose stems it has told, up to a limit."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._size = 0

    def read(self, buffer: Buffer, start: int, end: int) -> Document:
        """The message from `start` to `end` of `buffer`. Linear in its size.

        Raises:
            ConfigurationError: PyStemmer is not there.
        """
        found = content.read(message.parse(buffer, start, end))
        links = found.links
        return Document(
            end - start,
            links.date,
            links.sender,
            links.subject,
            links.message_id,
            " ".join(links.references),
            " ".join(links.in_reply_to),
            found.has_attachment,
            "\0".join(found.texts),
            tuple(map(" ".join, found.words)),
            found.language,
            self._stems(found.words, found.language),
        )

    def _stems(self, columns: tuple[list[str], ...], language: str) -> tuple[tuple[str, str], ...]:
        """The words whose stem is another word, under their stems."""
        known = self._known.setdefault(language, set())
        fresh = [word for word in set().union(*columns) - known if not word.isdigit()]
        if not fresh:
            return ()
        known.update(fresh)
        self._size += len(fresh)
        if self._size > _KNOWN_WORDS:
            self._known.clear()
            self._size = 0
        stems = languages.stem(fresh, language)
        return tuple((stem, word) for stem, word in zip(stems, fresh, strict=True) if stem != word)
