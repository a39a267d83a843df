"""Finding the next good entry of a damaged pack, whose own sizes can no longer be followed."""

import zlib

from blaze.core.mail.header import Buffer
from blaze.core.store.pack import entry
from blaze.core.store.pack.objects import KINDS, NAME_SIZE

_METHOD = b"\x78"  # deflate with a window of 32 KiB, as every writer of packs has it
_STEP = 1 << 14


class Budget:
    """How many octets may be inflated in search of entries: a pack of traps costs no more than a good one."""

    __slots__ = ("left",)

    def __init__(self, size: int) -> None:
        self.left = 64 * size + (1 << 20)


def next_entry(buffer: Buffer, start: int, end: int, budget: Budget) -> int | None:
    """The offset of the first entry from `start` on that inflates to the size in its header, or None."""
    position = start
    while (position := buffer.find(_METHOD, position, end)) >= 0 and budget.left > 0:
        head = buffer[position : position + 2]
        if len(head) == 2 and int.from_bytes(head, "big") % 31 == 0:
            size = _inflated_size(buffer, position, end, budget)
            if size is not None and (offset := _header_before(buffer, position, start, size)) is not None:
                return offset
        position += 1
    return None


def _inflated_size(buffer: Buffer, start: int, end: int, budget: Budget) -> int | None:
    inflater = zlib.decompressobj()
    size: int = 0
    position = start
    try:
        while not inflater.eof and budget.left > 0:
            pending = inflater.unconsumed_tail
            if not pending:
                pending = buffer[position : min(position + _STEP, end)]
                if not pending:
                    return None
                position += len(pending)
            made: int = len(inflater.decompress(pending, _STEP))
            size += made
            budget.left -= made + 64
    except zlib.error:
        budget.left -= 64
        return None
    return size if inflater.eof else None


def _header_before(buffer: Buffer, data: int, start: int, size: int) -> int | None:
    """Where the entry header that ends at `data` and says `size` begins, if there is one."""
    length = len(entry.head_octets(0, size))
    for between in (0, *range(1, entry.MAX_VARINT + 1), NAME_SIZE):
        offset: int = data - between - length
        if offset < start:
            continue
        head = buffer[offset : offset + length]
        kind = head[0] >> 4 & 7
        if head != entry.head_octets(kind, size):
            continue
        plain = between == 0 and kind in KINDS
        by_name = between == NAME_SIZE and kind == entry.REF_DELTA
        by_distance = 0 < between <= entry.MAX_VARINT and kind == entry.OFS_DELTA
        if plain or by_name or (by_distance and _ends_well(buffer[data - between : data])):
            return offset
    return None


def _ends_well(distance: bytes) -> bool:
    """True when only the last octet of a number says that it is the last."""
    return distance[-1] < 0x80 and all(octet & 0x80 for octet in distance[:-1])
