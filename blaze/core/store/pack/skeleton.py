"""The mail object: how a message is put together from blobs, and which of its parts are documents.

First the skeleton, then the semantic tree. Both are read and written without recursion.
"""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from blaze.core.errors import DataError
from blaze.core.mail.header import Buffer
from blaze.core.store.pack.objects import NAME_SIZE, Name

R = TypeVar("R")

_NO_BODY, _LEAF, _MULTIPART, _MESSAGE = 1, 2, 3, 4
_TEXT, _GROUP, _NO_DOCUMENT, _DOCUMENT = 5, 6, 7, 8
_MORE, _END = 0xFE, 0xFF

MAX_NODES = 1_000_000
"""Parts, or documents, of one mail that are read."""


class Leaf(NamedTuple, Generic[R]):
    """A body that has no parts: where its octets are."""

    octets: R


class Multipart(NamedTuple, Generic[R]):
    """A body of parts: each with the transport padding of the delimiter line before it.

    `epilogue` is all that follows the close delimiter and its padding. No text holds a NUL.
    """

    preamble: bytes
    epilogue: bytes
    close_padding: bytes
    boundary: bytes
    parts: "list[tuple[bytes, Part[R]]]"


class Part(NamedTuple, Generic[R]):
    """A message or a part: where its header is, and its body; a `Part` as body is a message inside.

    The header of a message ends after the empty line. That of a part of a multipart ends before it
    (`is_encapsulated`); unless the body is None the CRLF of the empty line follows it.
    """

    header: R
    body: "Leaf[R] | Multipart[R] | Part[R] | None"
    is_encapsulated: bool = False


class Text(NamedTuple, Generic[R]):
    """A text part as a document: its subtype, its language as Snowball calls it, where its octets are."""

    subtype: str
    language: str
    octets: R


class Group(NamedTuple, Generic[R]):
    """The documents of a multipart, by its subtype; of a message inside, `message`."""

    subtype: str
    documents: "list[Document[R]]"


Document: TypeAlias = Text[R] | Group[R]


class Mail(NamedTuple, Generic[R]):
    """A whole message: its parts, and its documents or None.

    The header and the leaves are spans of a buffer in a message that is taken apart, and names of blobs in an
    object.
    """

    root: Part[R]
    document: Document[R] | None


def iter_pieces(root: Part[R]) -> Iterator[R | bytes]:
    """The message in order: headers and leaves as they are referred to, and the octets between them.

    Where references are `Name`s, which are bytes too, their type tells them apart.
    """
    pending: list[R | bytes | Part[R]] = [root]
    while pending:
        piece = pending.pop()
        if not isinstance(piece, Part):
            yield piece
            continue
        yield piece.header
        if piece.body is None:
            continue
        if piece.is_encapsulated:
            yield b"\r\n"
        if isinstance(piece.body, Leaf):
            yield piece.body.octets
        elif isinstance(piece.body, Part):
            pending.append(piece.body)
        else:
            pending.extend(reversed(_multipart_pieces(piece.body)))


def iter_references(root: Part[R]) -> Iterator[R]:
    """The headers and the leaves that a message refers to, in order."""
    for _, part in walk(root):
        yield part.header
        if isinstance(part.body, Leaf):
            yield part.body.octets


def _multipart_pieces(multipart: Multipart[R]) -> "list[R | bytes | Part[R]]":
    pieces: list[R | bytes | Part[R]] = [multipart.preamble]
    delimiter = b"--" + multipart.boundary
    for padding, part in multipart.parts:
        pieces += [delimiter + padding + b"\r\n", part]
        delimiter = b"\r\n--" + multipart.boundary
    pieces.append(b"\r\n--" + multipart.boundary + b"--" + multipart.close_padding)
    pieces.append(multipart.epilogue)
    return pieces


def walk(root: Part[R]) -> Iterator[tuple[int, Part[R]]]:
    """Every part from `root` down, in order, each with its depth; a message inside is deeper by one."""
    pending = [(0, root)]
    while pending:
        depth, part = pending.pop()
        yield depth, part
        if isinstance(part.body, Part):
            pending.append((depth + 1, part.body))
        elif isinstance(part.body, Multipart):
            pending.extend((depth + 1, inner) for _, inner in reversed(part.body.parts))


def iter_texts(document: Document[R] | None) -> Iterator[Text[R]]:
    """The texts of the documents, in order."""
    pending = [] if document is None else [document]
    while pending:
        node = pending.pop()
        if isinstance(node, Text):
            yield node
        else:
            pending.extend(reversed(node.documents))


def to_bytes(mail: Mail[R], name: Callable[[R], bytes]) -> bytes:
    """The mail object, where `name` gives the name of the blob that a reference is to."""
    out = bytearray()
    pending: list[bytes | Part[R]] = [mail.root]
    while pending:
        node = pending.pop()
        if isinstance(node, bytes):
            out += node
            continue
        out += name(node.header)
        if node.body is None:
            out.append(_NO_BODY)
        elif isinstance(node.body, Leaf):
            out.append(_LEAF)
            out += name(node.body.octets)
        elif isinstance(node.body, Part):
            out.append(_MESSAGE)
            pending.append(node.body)
        else:
            out.append(_MULTIPART)
            for text in node.body[:4]:
                out += text + b"\0"
            pending.append(bytes([_END]))
            for padding, part in reversed(node.body.parts):
                pending += [part, bytes([_MORE]) + padding + b"\0"]
    return bytes(out) + _document_octets(mail.document, name)


def _document_octets(document: Document[R] | None, name: Callable[[R], bytes]) -> bytes:
    if document is None:
        return bytes([_NO_DOCUMENT])
    out = bytearray([_DOCUMENT])
    pending: list[bytes | Document[R]] = [document]
    while pending:
        node = pending.pop()
        if isinstance(node, bytes):
            out += node
        elif isinstance(node, Text):
            out += b"%c%b\0%b\0%b" % (_TEXT, node.subtype.encode(), node.language.encode(), name(node.octets))
        else:
            out += b"%c%b\0" % (_GROUP, node.subtype.encode())
            pending.append(bytes([_END]))
            for inner in reversed(node.documents):
                pending += [inner, bytes([_MORE])]
    return bytes(out)


class _Reader:
    """The octets of a mail object, from the front."""

    __slots__ = ("nodes", "octets", "position")

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 0
        self.nodes = 0

    def octet(self) -> int:
        if self.position >= len(self.octets):
            raise _fault("it is cut off", self.position)
        self.position += 1
        return self.octets[self.position - 1]

    def name(self) -> Name:
        self.position += NAME_SIZE
        if self.position > len(self.octets):
            raise _fault("it is cut off in a name", len(self.octets))
        return Name(self.octets[self.position - NAME_SIZE : self.position])

    def text(self) -> bytes:
        end = self.octets.find(b"\0", self.position)
        if end < 0:
            raise _fault("a text has no end", self.position)
        start, self.position = self.position, end + 1
        return self.octets[start:end]

    def more(self) -> bool:
        code = self.octet()
        if code not in (_MORE, _END):
            raise _fault(f"a list goes on with the octet {code:02x}", self.position - 1)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _fault("it has too many parts", self.position)
        return code == _MORE


def parse(content: Buffer) -> Mail[Name]:
    """Read a mail object; its references are the names of blobs.

    Raises:
        DataError: it is none.
    """
    reader = _Reader(content[:])
    root = _read_skeleton(reader)
    code = reader.octet()
    if code not in (_NO_DOCUMENT, _DOCUMENT):
        raise _fault(f"the documents begin with the octet {code:02x}", reader.position - 1)
    document = _read_document(reader) if code == _DOCUMENT else None
    if reader.position != len(reader.octets):
        raise _fault("something follows it", reader.position)
    return Mail(root, document)


class _Open(NamedTuple):
    """A part that is being read; its body, a list of parts, or the one message in it, is not there yet."""

    header: Name
    is_encapsulated: bool
    multipart: Multipart[Name] | None
    padding: bytes


def _read_skeleton(reader: _Reader) -> Part[Name]:
    path: list[_Open] = []
    padding, is_encapsulated = b"", False
    while True:
        header, code = reader.name(), reader.octet()
        reader.nodes += 1
        done: Part[Name] | None = None
        if code == _NO_BODY:
            done = Part(header, None, is_encapsulated)
        elif code == _LEAF:
            done = Part(header, Leaf(reader.name()), is_encapsulated)
        elif code == _MULTIPART:
            texts = [reader.text() for _ in range(4)]
            path.append(
                _Open(header, is_encapsulated, Multipart(texts[0], texts[1], texts[2], texts[3], []), padding)
            )
        elif code == _MESSAGE and reader.nodes < MAX_NODES:
            path.append(_Open(header, is_encapsulated, None, padding))
            padding, is_encapsulated = b"", False
            continue
        else:
            raise _fault(f"a body begins with the octet {code:02x}", reader.position - 1)
        done = _close(reader, path, done, padding)
        if done is not None:
            return done
        padding, is_encapsulated = reader.text(), True


def _close(reader: _Reader, path: list[_Open], done: Part[Name] | None, padding: bytes) -> Part[Name] | None:
    """Put a part that is read into the one around it, as long as that ends it; the root, once it is done."""
    while path:
        above = path[-1]
        if above.multipart is not None:
            if done is not None:
                above.multipart.parts.append((padding, done))
            if reader.more():
                return None
            done = Part(above.header, above.multipart, above.is_encapsulated)
        else:
            done = Part(above.header, done, above.is_encapsulated)
        padding = above.padding
        path.pop()
    return done


def _read_document(reader: _Reader) -> Document[Name]:
    path: list[Group[Name]] = []
    while True:
        code = reader.octet()
        node: Document[Name]
        if code == _TEXT:
            subtype, language = reader.text(), reader.text()
            node = Text(_word(subtype), _word(language), reader.name())
        elif code == _GROUP:
            node = Group(_word(reader.text()), [])
        else:
            raise _fault(f"a document begins with the octet {code:02x}", reader.position - 1)
        if path:
            path[-1].documents.append(node)
        if isinstance(node, Group):
            path.append(node)
        while path and not reader.more():
            node = path.pop()
        if not path:
            return node


def _word(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _fault(reason: str, position: int) -> DataError:
    return DataError(f"the mail object cannot be read: {reason} at its octet {position}")
