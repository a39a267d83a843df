"""Tree objects: which messages of an archive answer which."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from hashlib import sha1
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.names import Names
from blaze.core.store.pack.objects import NAME_SIZE

_NO_MAIL = bytes(NAME_SIZE)


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
    """Gathers which message answers which, for the trees of an archive.

    A message costs the octets of its Message-ID and about 80 more: what is kept of many is kept in arrays,
    and a Message-ID is found by its SHA-1.
    """

    def __init__(self) -> None:
        self._names = Names()  # the Message-IDs met, numbered; what follows is by number
        self._texts = bytearray()
        self._ends = array("Q")
        self._mails = bytearray()
        self._order = array("I")  # the numbers of the messages that are there
        self._parents = array("I")
        self._replies = array("I")

    def add(self, mail: bytes, message_id: str | None, in_reply_to: str | None) -> None:
        """Count in a message: the name of its mail, and what its header says; a Message-ID counts once."""
        own = _octets(message_id)
        if not own:
            return
        number = self._number(own)
        if self._mail(number) == _NO_MAIL:
            self._mails[number * NAME_SIZE : (number + 1) * NAME_SIZE] = mail
            self._order.append(number)
        if parent := _octets(in_reply_to):
            self._parents.append(self._number(parent))
            self._replies.append(number)

    def iter_trees(self) -> Iterator[Tree]:
        """A tree for every message that is there and has replies, in the order in which they were added."""
        parents = self._parents
        by_parent = array("I", sorted(range(len(parents)), key=parents.__getitem__))
        for number in self._order:
            first = bisect_left(by_parent, number, key=parents.__getitem__)
            end = bisect_right(by_parent, number, first, key=parents.__getitem__)
            if first < end:
                replies = dict.fromkeys(self._replies[place] for place in by_parent[first:end])
                yield Tree(self._text(number), self._mail(number), tuple(map(self._text, replies)))

    def _number(self, message_id: bytes) -> int:
        name = sha1(message_id, usedforsecurity=False).digest()
        number = self._names.find(name)
        if number is None:
            number = self._names.append(name)
            self._texts += message_id
            self._ends.append(len(self._texts))
            self._mails += _NO_MAIL
        return number

    def _text(self, number: int) -> bytes:
        return bytes(self._texts[self._ends[number - 1] if number else 0 : self._ends[number]])

    def _mail(self, number: int) -> bytes:
        return bytes(self._mails[number * NAME_SIZE : (number + 1) * NAME_SIZE])


def _octets(message_id: str | None) -> bytes:
    """A Message-ID as octets; none of one that the format cannot hold."""
    octets = (message_id or "").encode("utf-8", "surrogateescape")
    return b"" if b"\0" in octets else octets


def _bare(message_id: bytes) -> bytes:
    return message_id[1:-1] if message_id.startswith(b"<") and message_id.endswith(b">") else message_id
