"""A pack as what `convert` writes."""

import os
from collections import Counter
from collections.abc import Iterator

from blaze.core.errors import BlazeError
from blaze.core.store.delivery import Delivery, of_entry
from blaze.core.store.pack import iter_entries
from blaze.core.store.pack.archivewrite import Archiver, Options


class PackDestination:
    """A pack, or a folder of packs, that `convert` fills."""

    def __init__(self, path: str, *, sync: bool = True) -> None:
        self.path = path
        self._archiver = Archiver(path, Options(grow=True, sync=sync))

    def open(self) -> Counter[bytes]:
        """Take up what is there; digest it."""
        is_there = os.path.lexists(self.path)
        self._archiver.__enter__()  # from here on nobody else changes it
        return Counter(map(self.digest, self.iter_deliveries())) if is_there else Counter()

    def digest(self, delivery: Delivery) -> bytes:
        """The SHA-256 of the message."""
        return delivery.digest()

    def deliver(self, delivery: Delivery) -> None:
        """Put one message in."""
        self._archiver.add(delivery)

    def finish(self, *, has_strangers: bool) -> bool:  # noqa: ARG002 - other mail may lie there
        """Give the pack its name."""
        if self._archiver.added or not os.path.lexists(self.path):
            self._archiver.finish()
        return True

    def close(self) -> None:
        """Let go; what was not finished is gone."""
        self._archiver.close()

    def iter_deliveries(self) -> Iterator[Delivery]:
        """The messages as they are read back."""
        for found in iter_entries(self.path, None):
            if isinstance(found, BlazeError):
                raise found
            yield of_entry(found)
