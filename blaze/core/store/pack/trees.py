"""Tree objects: which messages of an archive answer which."""

from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.objects import NAME_SIZE


class Tree(NamedTuple):
    """The replies to a message: its Message-ID, the name of its mail, and their Message-IDs, without `<>`."""

    message_id: bytes
    mail: bytes
    replies: tuple[bytes, ...]

    def to_bytes(self) -> bytes:
        """The content of the tree object, where a Message-ID has its angle brackets."""
        replies = b"".join(b"<%b>\0" % reply for reply in self.replies)
        return b"<%b>\0" % self.message_id + self.mail + replies


def parse(content: Buffer) -> Tree:
    """Read the content of a tree object.

    Raises:
        DataError: it is cut off.
    """
    octets = content[:]
    end = octets.find(b"\0")
    names = end + 1 + NAME_SIZE
    if end < 0 or names > len(octets) or (names < len(octets) and not octets.endswith(b"\0")):
        raise DataError("the tree object is cut off")
    replies = octets[names:-1].split(b"\0") if names < len(octets) else []
    return Tree(_bare(octets[:end]), octets[end + 1 : names], tuple(map(_bare, replies)))


class Threads:
    """Gathers which message answers which, for the trees of an archive."""

    def __init__(self) -> None:
        self._mails: dict[bytes, bytes] = {}
        self._replies: dict[bytes, dict[bytes, None]] = {}

    def add(self, mail: bytes, message_id: str | None, in_reply_to: str | None) -> None:
        """Count in a message: the name of its mail, and what its header says; a Message-ID counts once."""
        own = _octets(message_id)
        if not own:
            return
        self._mails.setdefault(own, mail)
        if parent := _octets(in_reply_to):
            self._replies.setdefault(parent, {})[own] = None

    def trees(self) -> list[Tree]:
        """A tree for every message that is there and has replies, in the order in which they were added."""
        return [
            Tree(message_id, mail, tuple(self._replies[message_id]))
            for message_id, mail in self._mails.items()
            if message_id in self._replies
        ]


def _octets(message_id: str | None) -> bytes:
    """A Message-ID as octets; none of one that the format cannot hold."""
    octets = (message_id or "").encode("utf-8", "surrogateescape")
    return b"" if b"\0" in octets else octets


def _bare(message_id: bytes) -> bytes:
    return message_id[1:-1] if message_id.startswith(b"<") and message_id.endswith(b">") else message_id
