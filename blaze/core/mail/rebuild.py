"""A message put together again from its part tree."""

from collections.abc import Iterator
from typing import TypeAlias

from blaze.core.mail import window
from blaze.core.mail.message import Part

_Piece: TypeAlias = (
    bytes | tuple[int, int] | Part
)  # octets, a span of the buffer, or what has pieces of its own


def rebuild(root: Part) -> Iterator[bytes]:
    """The octets of a message, made from the fields, delimiter lines and bodies of its tree.

    The chunks, joined, equal the octets from `root.start` to `root.end`, whatever they are: the tree loses
    nothing. Delimiter lines are made from the boundary parameter. Memory does not grow with the bodies.
    """
    pending: list[_Piece] = [root]
    while pending:
        match pending.pop():
            case bytes() as octets:
                yield octets
            case (start, end):
                yield from window.iter_chunks(root.buffer, start, end)
            case Part() as part:
                yield from _iter_header(part)
                pending.extend(reversed(_body_pieces(part)))


def _iter_header(part: Part) -> Iterator[bytes]:
    position = part.start
    for field in part.header:
        yield from window.iter_chunks(part.buffer, position, field.start)  # lines that are no fields
        yield from window.iter_chunks(part.buffer, field.start, field.end)
        position = field.end
    yield from window.iter_chunks(part.buffer, position, part.body[0])


def _body_pieces(part: Part) -> list[_Piece]:
    structure = part.structure
    if structure.boundary is None:
        return list(structure.parts) or [part.body]
    delimiter = b"--" + structure.boundary
    pieces: list[_Piece] = [part.preamble]
    end = part.preamble[1]
    for line, child in zip(structure.delimiters, structure.parts, strict=True):
        pieces += [(end, line.start), delimiter, (line.padding, line.next), child]
        end = child.end
    if close := structure.close:
        pieces += [
            (end, close.start),
            delimiter + b"--",
            (close.padding, min(close.next, part.end)),
            part.epilogue,
        ]
    return pieces
