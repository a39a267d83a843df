"""What a pack holds: mails, blobs, stems and trees, named by the SHA-1 of kind, length and content."""

from hashlib import sha1
from typing import NamedTuple

from blaze.core.mail.header import Buffer
from blaze.core.mail.window import iter_chunks

MAIL, BLOB, STEM, TREE = 1, 2, 3, 4
"""The type numbers of pack entries, where Git has commit, tree, blob and tag."""

KINDS = {MAIL: "mail", BLOB: "blob", STEM: "stem", TREE: "tree"}
"""The words of the kinds, as they go into an object's name."""

NAME_SIZE = 20
"""Octets of an object's name."""


class Name(bytes):
    """The name of an object, where other octets may stand too."""

    __slots__ = ()


class Object(NamedTuple):
    """The content of an object, with its kind (one of `KINDS`)."""

    kind: int
    content: Buffer

    @property
    def name(self) -> bytes:
        """The object's name; see `name_of`."""
        return name_of(self.kind, self.content, 0, len(self.content))


def name_of(kind: int, buffer: Buffer, start: int, end: int) -> bytes:
    """The name of the object of a kind whose content lies in `start`..`end` of `buffer`: 20 octets.

    It is the SHA-1 of the kind's word, a space, the length in decimal, NUL and the content.
    """
    digest = sha1(b"%s %d\0" % (KINDS[kind].encode("ascii"), end - start), usedforsecurity=False)
    for chunk in iter_chunks(buffer, start, end):
        digest.update(chunk)
    return digest.digest()
