"""A message taken apart into the headers and leaves that become blobs."""

from typing import NamedTuple

from blaze.core.mail import message
from blaze.core.mail.header import Buffer
from blaze.core.mail.message import Structure
from blaze.core.store.pack import language
from blaze.core.store.pack.skeleton import (
    Document,
    Group,
    Leaf,
    Mail,
    Multipart,
    Part,
    Text,
    iter_pieces,
    walk,
)

MAX_TEXT = 1 << 24
"""Octets of a preamble or an epilogue; a message with a longer one is a leaf, so that memory is bounded."""

MAX_DEPTH = 100
"""Messages inside one another that are taken apart; a deeper one is a leaf."""


class Span(NamedTuple):
    """Where a header or a leaf lies in the buffer."""

    start: int
    end: int


def dissect(buffer: Buffer, start: int, end: int) -> Mail[Span]:
    """The message in `start`..`end` as a skeleton that gives back exactly its octets, and its documents.

    Where the skeleton would not (a NUL in a preamble, a multipart without its close delimiter, a delimiter
    line that ends with LF) all of the message is one leaf under an empty header.
    """
    mail = _take_apart(message.parse(buffer, start, end))
    if mail is not None and _gives_back(mail.root, buffer, start, end):
        return mail
    body = Span(start, end)
    return Mail(Part(Span(start, start), Leaf(body)), Text("plain", language.DEFAULT, body))


def _gives_back(root: Part[Span], buffer: Buffer, start: int, end: int) -> bool:
    """True when the pieces of the skeleton are the octets of the message, in order and without a gap."""
    position = start
    for _, part in walk(root):
        if isinstance(part.body, Multipart) and not _is_held(part.body):
            return False
    for piece in iter_pieces(root):
        if isinstance(piece, Span):
            if piece.start != position or piece.end < piece.start:
                return False
            position = piece.end
        else:
            following = position + len(piece)
            if following > end or buffer[position:following] != piece:
                return False
            position = following
    return position == end


def _is_held(body: Multipart[Span]) -> bool:
    """True when the format can hold the texts around the parts."""
    return not any(b"\0" in text for text in (*body[:4], *(padding for padding, _ in body.parts)))


class _Frame:
    """A container that is being taken apart: what comes before, and the parts that are done."""

    __slots__ = ("children", "documents", "part", "parts")

    def __init__(self, part: message.Part, children: list[message.Part]) -> None:
        self.part = part
        self.children = iter(children)
        self.parts: list[Part[Span]] = []
        self.documents: list[Document[Span]] = []


def _take_apart(root: message.Part) -> Mail[Span] | None:
    """The skeleton and the documents, without recursion; None when a multipart cannot be divided."""
    path: list[_Frame] = []
    part: message.Part | None = root
    while True:
        if part is not None:
            children = _children(part, len(path))
            if children is not None:
                path.append(_Frame(part, children))
                part = next(path[-1].children, None)
                continue
            if part.content_type.type == "multipart":
                return None
            done, document = _leaf(part, is_encapsulated=_is_in_multipart(path))
        else:
            frame = path.pop()
            done, document = _container(frame, is_encapsulated=_is_in_multipart(path))
        if not path:
            return Mail(done, document)
        path[-1].parts.append(done)
        if document is not None:
            path[-1].documents.append(document)
        part = next(path[-1].children, None)


def _is_in_multipart(path: list[_Frame]) -> bool:
    return bool(path) and path[-1].part.structure.boundary is not None


def _children(part: message.Part, depth: int) -> list[message.Part] | None:
    """The parts of a container; None for a leaf, and for a multipart that cannot be divided."""
    structure = part.structure
    if part.content_type.type == "multipart":
        return structure.parts if _is_whole(part) else None
    if structure.parts:
        return structure.parts
    if part.content_type.type == "message" and not structure.defects and depth < MAX_DEPTH:
        start, end = part.body
        inner = message.parse(part.buffer, start, end)
        if part.header.body_start <= part.end and len(inner.header):
            return [inner]
    return None


def _is_whole(part: message.Part) -> bool:
    """True for a multipart that is divided to its end, without endless texts around its parts."""
    if part.structure.boundary is None or part.structure.close is None:
        return False
    return all(end - start <= MAX_TEXT for start, end in (part.preamble, part.epilogue))


def _header_span(part: message.Part, *, is_encapsulated: bool) -> Span:
    """The header of a part alone, or of a message with its empty line."""
    header = part.header
    return Span(header.start, header.end if is_encapsulated else min(header.body_start, part.end))


def _leaf(part: message.Part, *, is_encapsulated: bool) -> tuple[Part[Span], Document[Span] | None]:
    header = _header_span(part, is_encapsulated=is_encapsulated)
    body = Span(*part.body)
    has_empty_line = part.header.end < part.header.body_start <= part.end
    if not has_empty_line and body.start == body.end:
        return Part(header, None, is_encapsulated), None
    found = part.content_type.type == "text" and language.of_part(part)
    document = Text(part.content_type.subtype, found, body) if found else None
    return Part(header, Leaf(body), is_encapsulated), document


def _container(frame: _Frame, *, is_encapsulated: bool) -> tuple[Part[Span], Document[Span] | None]:
    part = frame.part
    header = _header_span(part, is_encapsulated=is_encapsulated)
    if part.structure.boundary is None:
        inner = frame.parts[0]
        grouped = Group("message", frame.documents) if frame.documents else None
        return Part(header, inner, is_encapsulated), grouped
    body = _multipart(part, part.structure, frame.parts)
    return Part(header, body, is_encapsulated), Group(part.content_type.subtype, frame.documents)


def _multipart(part: message.Part, structure: Structure, parts: list[Part[Span]]) -> Multipart[Span]:
    buffer, close = part.buffer, structure.close
    assert structure.boundary is not None
    assert close is not None
    paddings = (buffer[line.padding : line.end] for line in structure.delimiters)
    return Multipart(
        preamble=buffer[slice(*part.preamble)],
        epilogue=buffer[close.end : part.end],
        close_padding=buffer[close.padding : close.end],
        boundary=structure.boundary,
        parts=list(zip(paddings, parts, strict=True)),
    )
