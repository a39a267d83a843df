"""A message on its way into a store: its octets, and what the store is to know beside them."""

from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from blaze.core.mail.header import Buffer
from blaze.core.mail.window import iter_chunks
from blaze.core.store import mbox
from blaze.core.store.flags import NEW, NO_MARKS, Marks, without_status
from blaze.core.store.source import Entry


class Delivery(NamedTuple):
    """A message: `head`, then the octets from `start` to `end` of `buffer`.

    `head` is empty, or the whole header block without the empty line. `date_ns` is the time of delivery in
    nanoseconds since 1970 UTC, `sender` the envelope's, `folder` where in the store it goes (levels parted by
    `/`), `name` what it was called where it came from.
    """

    buffer: Buffer
    start: int
    end: int
    head: bytes = b""
    marks: Marks = NO_MARKS
    date_ns: int | None = None
    sender: bytes = b""
    folder: str = ""
    name: str = ""

    @property
    def size(self) -> int:
        """The message's octets."""
        return len(self.head) + self.end - self.start

    def iter_octets(self) -> Iterator[bytes]:
        """The message in chunks."""
        if self.head:
            yield self.head
        yield from iter_chunks(self.buffer, self.start, self.end)

    def split(self) -> "Delivery":
        """The same message with its header block in `head`, of at most `mbox.MAX_HEADER` octets."""
        if self.head:
            return self
        head = mbox.header_octets(self.buffer, self.start, self.end)
        return self._replace(head=head, start=self.start + len(head))

    def digest(self) -> bytes:
        """The SHA-256 of the message."""
        octets = sha256()
        for chunk in self.iter_octets():
            octets.update(chunk)
        return octets.digest()


def of_octets(
    data: bytes, *, marks: Marks = NEW, date_ns: int | None = None, sender: bytes = b""
) -> Delivery:
    """A message that was just received."""
    return Delivery(data, 0, len(data), marks=marks, date_ns=date_ns, sender=sender)


def of_entry(entry: Entry) -> Delivery:
    """What an entry of a store is in any other: the Status fields of an mbox become flags and go."""
    delivery = Delivery(
        entry.buffer,
        entry.start,
        entry.end,
        marks=Marks(entry.flags, entry.labels, entry.is_new),
        date_ns=entry.date_ns,
        folder=entry.folder,
        name=entry.id,
    )
    if not isinstance(entry, mbox.MboxEntry):
        return delivery
    delivery = delivery._replace(sender=entry.sender)
    head = entry.header
    cleaned = without_status(head)
    if len(cleaned) == len(head):
        return delivery
    return delivery._replace(head=cleaned, start=entry.start + len(head))


def newline_of(delivery: Delivery) -> str:
    """`crlf` when the first line of a message ends so, else `lf`."""
    first = next(delivery.iter_octets(), b"")
    position = first.find(b"\n")
    return "crlf" if position > 0 and first[position - 1] == 13 else "lf"
