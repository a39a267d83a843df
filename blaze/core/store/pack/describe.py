"""What a mail object holds, drawn as two trees: the skeleton, and the documents."""

from collections.abc import Iterator
from typing import Any

from blaze.core.store.pack.objects import Name
from blaze.core.store.pack.skeleton import Document, Leaf, Mail, Multipart, Part, Text, iter_texts, walk

_ASCII = (".-- ", "|-- ", "`-- ", "|   ", "    ", "-.", "x")
_UTF_8 = ("┌── ", "├── ", "└── ", "│   ", "    ", "─┐", "·")


def lines(mail: Mail[Name], *, utf_8: bool) -> Iterator[str]:
    """The trees, line by line: leaves by the names of their blobs."""
    marks = _UTF_8 if utf_8 else _ASCII
    yield "skeleton:"
    yield from _tree(mail.root, marks)
    yield "semantic:"
    if mail.document is None:
        yield marks[6]
    else:
        yield from _tree(mail.document, marks)


def as_json(mail: Mail[Name]) -> dict[str, Any]:
    """The parts in order, each with its depth, and the documents."""
    parts = [
        {
            "depth": depth,
            "header": part.header.hex(),
            "body": part.body.octets.hex() if isinstance(part.body, Leaf) else None,
            "kind": _kind(part),
        }
        for depth, part in walk(mail.root)
    ]
    return {"parts": parts, "documents": list(_documents(mail.document))}


def _kind(part: Part[Name]) -> str:
    if part.body is None:
        return "none"
    if isinstance(part.body, Leaf):
        return "leaf"
    return "multipart" if isinstance(part.body, Multipart) else "message"


def _documents(document: Document[Name] | None) -> Iterator[dict[str, Any]]:
    for text in iter_texts(document):
        yield {"subtype": text.subtype, "language": text.language, "blob": text.octets.hex()}


_Node = Part[Name] | Document[Name]


def _tree(root: _Node, marks: tuple[str, ...]) -> Iterator[str]:
    top, between, last, bar, blank, opened, none = marks
    pending: list[tuple[str, str, _Node]] = [("", top if _children(root, none)[1] else last, root)]
    while pending:
        prefix, branch, node = pending.pop()
        label, children = _children(node, none)
        yield prefix + branch + label + (opened if children else "")
        inner = prefix + (bar if branch == between else blank)
        branches = [between] * (len(children) - 1) + [last]
        pending.extend(
            (inner, drawn, child)
            for drawn, child in zip(reversed(branches), reversed(children), strict=False)
        )


def _children(node: _Node, none: str) -> tuple[str, list[_Node]]:
    """How a node is called, and what is inside it."""
    if isinstance(node, Text):
        return f"({node.subtype}) {node.octets.hex()}", []
    if not isinstance(node, Part):
        return f"<{node.subtype}>", list(node.documents)
    if node.body is None:
        return none, []
    if isinstance(node.body, Leaf):
        return node.body.octets.hex(), []
    if isinstance(node.body, Multipart):
        return "<multipart>", [part for _, part in node.body.parts]
    return "<message>", [node.body]
