"""Deltas: an object as copies out of another one and octets of its own (`gitformat-pack`)."""

from collections.abc import Iterator

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.entry import MAX_VARINT

MAX_RESULT = 1 << 28
"""Octets that a delta may make. A few octets of delta could else stand for any number."""

MAX_COPY = 0xFFFF
"""Octets of one copy that Git writes; three octets of length could say more."""

MAX_INSERT = 0x7F
"""Octets of one insertion."""

MIN_ANCHOR = 8
"""Octets of a line, or of the beginning of one, by which equal places are found."""

_QUOTING = b">| \t"
_KEY = 12  # octets of the beginning of a line that stand for it where the whole is not found


def apply(base: Buffer, delta: Buffer) -> Iterator[bytes]:
    """The octets that `delta` makes of `base`, in pieces.

    Raises:
        DataError: the delta is not for this base, is cut off, copies from outside the base, or makes more or
            fewer octets than it says; or more than `MAX_RESULT`.
    """
    end = len(delta)
    size, position = _size(delta, 0)
    left, position = _size(delta, position)
    if size != len(base):
        raise DataError("the delta is for a base of another size")
    if left > MAX_RESULT:
        raise DataError("the delta makes an object larger than is read")
    while position < end:
        code = delta[position]
        position += 1
        if code & 0x80:
            start = length = 0
            for bit in range(7):
                if code >> bit & 1:
                    if position >= end:
                        raise DataError("the delta is cut off")
                    if bit < 4:
                        start |= delta[position] << 8 * bit
                    else:
                        length |= delta[position] << 8 * (bit - 4)
                    position += 1
            length = length or 0x10000
            if start + length > size:
                raise DataError("the delta copies from outside its base")
            piece = base[start : start + length]
        elif code:
            piece = delta[position : position + code]
            position += code
            if position > end:
                raise DataError("the delta is cut off")
        else:
            raise DataError("the delta has an unknown instruction")
        left -= len(piece)
        if left < 0:
            raise DataError("the delta makes more than it says")
        yield piece
    if left:
        raise DataError("the delta makes less than it says")


def result_size(delta: Buffer) -> int:
    """How many octets a delta says it makes. Raises `DataError` when it does not say."""
    return _size(delta, _size(delta, 0)[1])[0]


def _size(delta: Buffer, position: int) -> tuple[int, int]:
    size = shift = 0
    for index in range(position, min(position + MAX_VARINT, len(delta))):
        octet = delta[index]
        size |= (octet & 0x7F) << shift
        shift += 7
        if not octet & 0x80:
            return size, index + 1
    raise DataError("the delta is cut off")


class Base:
    """An object that others are made of: its content, and where its lines are.

    Quoting before a line does not count, so that a reply is made of what it quotes.
    """

    __slots__ = ("_lines", "content")

    def __init__(self, content: bytes) -> None:
        self.content = content
        self._lines: dict[bytes, int] | None = None

    @property
    def lines(self) -> dict[bytes, int]:
        """The offset of every line and of every beginning of a line of some length."""
        if self._lines is None:
            found: dict[bytes, int] = {}
            for offset, line in iter_lines(self.content):
                found.setdefault(line[:_KEY], offset)
                found[line] = offset
            self._lines = found
        return self._lines

    def forget_lines(self) -> None:
        """Let the offsets go; they are found again when they are needed."""
        self._lines = None


def iter_lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of `content` that can be anchors, without quoting, with their newline, and their offsets."""
    end = 0
    for line in content.splitlines(keepends=True):
        end += len(line)
        bare = line.lstrip(_QUOTING)
        if len(bare) >= MIN_ANCHOR:
            yield end - len(bare), bare


def make(base: Base, target: bytes) -> bytes:
    """A delta that makes `target` of `base`.

    Lines found in the base are widened to both sides as far as the octets are equal. Linear in the sizes of
    both.
    """
    lines, source = base.lines, base.content
    delta = bytearray(_size_octets(len(source)) + _size_octets(len(target)))
    done = 0
    for offset, line in iter_lines(target):
        if offset < done:
            continue
        at = lines.get(line)
        if at is None:
            at = lines.get(line[:_KEY])
            if at is None:
                continue
        length = _common_prefix(source, at, target, offset)
        if length < MIN_ANCHOR:
            continue
        before = _common_suffix(source, at, target, offset, limit=min(at, offset - done))
        _insert(delta, target[done : offset - before])
        _copy(delta, at - before, length + before)
        done = offset + length
    _insert(delta, target[done:])
    return bytes(delta)


def _common_prefix(first: bytes, at: int, second: bytes, start: int) -> int:
    """How many octets from `first[at]` and `second[start]` on are equal, by comparing ever longer slices."""
    limit = min(len(first) - at, len(second) - start)
    same, step = 0, min(32, limit)
    while step and first[at + same : at + same + step] == second[start + same : start + same + step]:
        same += step
        step = min(2 * step, limit - same)
    while step > 1:  # they differ within the next `step` octets
        half = step // 2
        if first[at + same : at + same + half] == second[start + same : start + same + half]:
            same += half
            step -= half
        else:
            step = half
    return min(same, limit)


def _common_suffix(first: bytes, at: int, second: bytes, start: int, *, limit: int) -> int:
    """How many octets before `first[at]` and `second[start]` are equal, at most `limit`."""
    same = 0
    while same < limit and first[at - same - 1] == second[start - same - 1]:
        same += 1
    return same


def _insert(delta: bytearray, octets: bytes) -> None:
    for start in range(0, len(octets), MAX_INSERT):
        piece = octets[start : start + MAX_INSERT]
        delta.append(len(piece))
        delta += piece


def _copy(delta: bytearray, start: int, length: int) -> None:
    while length:
        step = min(length, MAX_COPY)
        code, operands = 0x80, bytearray()
        for bit, octet in enumerate((*start.to_bytes(4, "little"), *step.to_bytes(2, "little"))):
            if octet:
                code |= 1 << bit
                operands.append(octet)
        delta.append(code)
        delta += operands
        start += step
        length -= step


def _size_octets(size: int) -> bytes:
    octets = bytearray([size & 0x7F])
    while size := size >> 7:
        octets[-1] |= 0x80
        octets.append(size & 0x7F)
    return bytes(octets)
