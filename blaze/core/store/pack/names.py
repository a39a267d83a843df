"""Names of millions of objects in memory, at a fifth of what a dict of them takes."""

from array import array

from blaze.core.store.pack.objects import NAME_SIZE

_FEWEST_SLOTS = 1 << 10


class Tally:
    """How often each of many names was counted: 30 to 36 octets of memory for each."""

    __slots__ = ("_counts", "_names")

    def __init__(self) -> None:
        self._counts = array("I")
        self._names = Names()

    def add(self, name: bytes) -> None:
        """Count a name once more."""
        number = self._names.find(name)
        if number is None:
            self._names.append(name)
            self._counts.append(1)
        else:
            self._counts[number] += 1

    def take(self, name: bytes) -> bool:
        """Count a name once less; False when it is not counted any more."""
        number = self._names.find(name)
        if number is None or not self._counts[number]:
            return False
        self._counts[number] -= 1
        return True


class Names:
    """Names of 20 octets, numbered from 0 as they are added: 26 to 32 octets of memory for each.

    Finding one, and adding one, takes constant time; a name that is added twice has two numbers. The slots
    are an open hash table, by `hash`, so that nobody can choose names that meet in it.
    """

    __slots__ = ("_count", "_octets", "_slots")

    def __init__(self) -> None:
        self._count = 0
        self._octets = bytearray()
        self._slots = array("I", bytes(4 * _FEWEST_SLOTS))  # numbers, from 1; 0 is an empty slot

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> bytes:
        start = number * NAME_SIZE
        return bytes(self._octets[start : start + NAME_SIZE])

    def find(self, name: bytes) -> int | None:
        """The number of a name, the lowest if it has several; None if it was not added."""
        slots, octets = self._slots, self._octets
        last = len(slots) - 1
        slot = hash(name) & last
        while number := slots[slot]:
            end = number * NAME_SIZE
            if octets[end - NAME_SIZE : end] == name:
                return number - 1
            slot = slot + 1 & last
        return None

    def append(self, name: bytes) -> int:
        """Add a name; gives its number."""
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        self._octets += name
        self._count += 1
        self._take_slot(name, self._count)
        return self._count - 1

    def counts(self) -> list[int]:
        """How many names begin with each octet."""
        counts = [0] * 256
        for first in self._octets[::NAME_SIZE]:
            counts[first] += 1
        return counts

    def in_order(self) -> "array[int]":
        """The numbers in the order of the names. Besides the result, memory for a small part of them."""
        buckets = [array("I") for _ in range(256)]
        for number, first in enumerate(self._octets[::NAME_SIZE]):
            buckets[first].append(number)
        ordered = array("I")
        for bucket in buckets:
            ordered.extend(sorted(bucket, key=self.__getitem__))
        return ordered

    def _grow(self) -> None:
        self._slots = array("I", bytes(4 * 2 * len(self._slots)))
        for number in range(self._count):
            self._take_slot(self[number], number + 1)

    def _take_slot(self, name: bytes, number: int) -> None:
        slots = self._slots
        last = len(slots) - 1
        slot = hash(name) & last
        while slots[slot]:
            slot = slot + 1 & last
        slots[slot] = number
