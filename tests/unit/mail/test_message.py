"""The part tree: where parts, preambles, delimiter lines and epilogues lie."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail import message
from blaze.core.mail.message import Part
from blaze.core.mail.rebuild import rebuild


def sketch(part: Part) -> str:
    """A part as one line: `mixed(text/plain 'a', alternative(...))`."""
    content_type = part.content_type
    if content_type.type == "multipart":
        return f"{content_type.subtype}({', '.join(map(sketch, part.parts))})"
    if part.parts:
        return f"{content_type.subtype}<{sketch(part.parts[0])}>"
    start, end = part.body
    return f"{content_type.type}/{content_type.subtype} {part.buffer[start:end].decode('latin-1')!r}"


def names(part: Part) -> list[str]:
    """The structure defects of a whole tree, in document order."""
    return [defect.name for _, each in message.walk(part) for defect in each.structure.defects]


def mixed(body: bytes, boundary: bytes = b"b", subtype: bytes = b"mixed") -> bytes:
    return b"Content-Type: multipart/" + subtype + b'; boundary="' + boundary + b'"\n\n' + body


INNER = b"Content-Type: multipart/alternative; boundary=in\n\n--in\n\nA\n--in\n\nB\n--in--\n"

STRUCTURES = [
    ("no header, no body", b"", "text/plain ''", []),
    ("header alone", b"Subject: x\n", "text/plain ''", []),
    ("body alone", b"\nhello\n", "text/plain 'hello\\n'", []),
    ("text that is no header", b"hello there\n\nyou\n", "text/plain 'hello there\\n\\nyou\\n'", []),
    ("one part", mixed(b"--b\n\none\n--b--\n"), "mixed(text/plain 'one')", []),
    ("no newline at the end", mixed(b"--b\n\none\n--b--"), "mixed(text/plain 'one')", []),
    ("two parts", mixed(b"--b\n\none\n--b\n\ntwo\n--b--\n"), "mixed(text/plain 'one', text/plain 'two')", []),
    ("last newline is the part's", mixed(b"--b\n\none\n\n--b--\n"), "mixed(text/plain 'one\\n')", []),
    ("empty body", mixed(b"--b\n\n\n--b--\n"), "mixed(text/plain '')", []),
    ("part of one empty line", mixed(b"--b\n\n--b--\n"), "mixed(text/plain '')", []),
    ("nothing between delimiters", mixed(b"--b\n--b\n--b--\n"), "mixed(text/plain '', text/plain '')", []),
    (
        "header without body",
        mixed(b"--b\nContent-Type: text/html\n--b\nX: y\n\n--b--\n"),
        "mixed(text/html '', text/plain '')",
        [],
    ),
    (
        "header without end hides no delimiter",
        mixed(b"--b\nContent-Type: text/html\nA: b\n--b\n\ntwo\n--b--\n"),
        "mixed(text/html '', text/plain 'two')",
        [],
    ),
    (
        "part without header",
        mixed(b"--b\nhello, world\n\nx\n--b--\n"),
        "mixed(text/plain 'hello, world\\n\\nx')",
        [],
    ),
    ("preamble and epilogue", mixed(b"pre\n--b\n\none\n--b--\nepi\n"), "mixed(text/plain 'one')", []),
    ("transport padding", mixed(b"--b \t\n\none\n--b-- \n"), "mixed(text/plain 'one')", []),
    (
        "a stray carriage return is padding",
        mixed(b"--b\r\r\n\none\r\n--b--\r\n"),
        "mixed(text/plain 'one')",
        [],
    ),
    (
        "delimiters after the close are epilogue",
        mixed(b"--b\n\n1\n--b--\n--b\n\n2\n--b--\n"),
        "mixed(text/plain '1')",
        [],
    ),
    (
        "a line that only begins as the boundary",
        mixed(b"--b\n\n--bc\n--b c\n--b--\n"),
        "mixed(text/plain '--bc\\n--b c')",
        [],
    ),
    (
        "hyphens in the text",
        mixed(b"--b\n\n-- \nme\n--\n---b\n--b--\n"),
        "mixed(text/plain '-- \\nme\\n--\\n---b')",
        [],
    ),
    (
        "not at the start of a line",
        mixed(b"--b\n\nx --b\n --b--\n--b--\n"),
        "mixed(text/plain 'x --b\\n --b--')",
        [],
    ),
    (
        "a bare carriage return starts no line",
        mixed(b"--b\n\nx\r--b\n--b--\n"),
        "mixed(text/plain 'x\\r--b')",
        [],
    ),
    (
        "close delimiter missing",
        mixed(b"--b\n\none\n"),
        "mixed(text/plain 'one\\n')",
        ["missing-close-delimiter"],
    ),
    (
        "cut in the header",
        mixed(b"--b\nContent-Ty"),
        "mixed(text/plain 'Content-Ty')",
        ["missing-close-delimiter"],
    ),
    (
        "cut in the delimiter",
        mixed(b"--b\n\none\n--b"),
        "mixed(text/plain 'one', text/plain '')",
        ["missing-close-delimiter"],
    ),
    ("no delimiter at all", mixed(b"text\n"), "mixed()", ["missing-delimiter"]),
    ("no body at all", mixed(b""), "mixed()", ["missing-delimiter"]),
    ("closed at once", mixed(b"--b--\n"), "mixed()", []),
    ("no boundary", b"Content-Type: multipart/mixed\n\n--b\n\none\n--b--\n", "mixed()", ["missing-boundary"]),
    ("an empty boundary", mixed(b"--\n\none\n----\n", b""), "mixed()", ["missing-boundary"]),
    (
        "boundary of 70",
        mixed(b"--" + b"x" * 70 + b"\n\n1\n", b"x" * 70),
        "mixed(text/plain '1\\n')",
        ["missing-close-delimiter"],
    ),
    (
        "boundary of 71",
        mixed(b"--" + b"x" * 71 + b"\n\n1\n--" + b"x" * 71 + b"--", b"x" * 71),
        "mixed(text/plain '1')",
        ["long-boundary"],
    ),
    ("boundary that ends in blanks", mixed(b"--b\n\n1\n--b--\n", b"b  "), "mixed(text/plain '1')", []),
    ("boundary with blanks", mixed(b"--a b\n\n1\n--a b--\n", b"a b"), "mixed(text/plain '1')", []),
    ("boundary in UTF-8", mixed("--é\n\n1\n--é--\n".encode(), "é".encode()), "mixed(text/plain '1')", []),
    (
        "nested",
        mixed(b"--b\n" + INNER + b"--b--\n"),
        "mixed(alternative(text/plain 'A', text/plain 'B'))",
        [],
    ),
    (
        "the outer boundary ends the inner parts",
        mixed(b"--b\n" + INNER.replace(b"--in--\n", b"") + b"--b\n\nC\n--b--\n"),
        "mixed(alternative(text/plain 'A', text/plain 'B'), text/plain 'C')",
        ["missing-close-delimiter"],
    ),
    (
        "the inner boundary is the outer one with a suffix",
        mixed(b"--b\n" + INNER.replace(b"in", b"b2") + b"--b--\n"),
        "mixed(alternative(text/plain 'A', text/plain 'B'))",
        [],
    ),
    (
        "the outer boundary is the inner one with a suffix",
        mixed(b"--in2\n" + INNER + b"--in2--\n", b"in2"),
        "mixed(alternative(text/plain 'A', text/plain 'B'))",
        [],
    ),
    (
        "the inner boundary looks like the close of the outer one",
        mixed(b"--b\n" + INNER.replace(b"=in", b'="b--"').replace(b"--in", b"--b--")),
        "mixed(alternative())",
        ["missing-delimiter"],
    ),
    (
        "the inner boundary is the outer one",
        mixed(b"--b\n" + mixed(b"--b\n\nA\n--b--\n") + b"--b--\n"),
        "mixed(mixed(), text/plain 'A')",
        ["repeated-boundary"],
    ),
    (
        "one boundary in two siblings",
        mixed(b"--b\n" + INNER + b"--b\n" + INNER + b"--b--\n"),
        "mixed(alternative(text/plain 'A', text/plain 'B'), alternative(text/plain 'A', text/plain 'B'))",
        [],
    ),
    (
        "digest",
        mixed(b"--b\n\nSubject: 1\n\none\n--b\nContent-Type: text/plain\n\ntwo\n--b--\n", subtype=b"digest"),
        "digest(rfc822<text/plain 'one'>, text/plain 'two')",
        [],
    ),
    (
        "digest with empty parts",
        mixed(b"--b\n\n--b\n\n\n--b--\n", subtype=b"digest"),
        "digest(rfc822<text/plain ''>, rfc822<text/plain ''>)",
        [],
    ),
    ("message", b"Content-Type: message/rfc822\n\nSubject: x\n\nhi\n", "rfc822<text/plain 'hi\\n'>", []),
    (
        "message/global",
        b"Content-Type: message/global\n\nSubject: \xc3\xa9\n\nhi\n",
        "global<text/plain 'hi\\n'>",
        [],
    ),
    ("empty message", b"Content-Type: message/rfc822\n\n", "rfc822<text/plain ''>", []),
    (
        "message in messages",
        b"Content-Type: message/rfc822\n\n" * 3 + b"\nhi",
        "rfc822<rfc822<rfc822<text/plain 'hi'>>>",
        [],
    ),
    (
        "a multipart in a message in a multipart",
        mixed(b"--b\nContent-Type: message/rfc822\n\n" + INNER + b"epilogue\n--b\n\nC\n--b--\n"),
        "mixed(rfc822<alternative(text/plain 'A', text/plain 'B')>, text/plain 'C')",
        [],
    ),
    (
        "an encoded message is a leaf",
        b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKaGkK\n",
        "message/rfc822 'U3ViamVjdDogeAoKaGkK\\n'",
        ["encoded-message"],
    ),
    (
        "the encoding of a multipart is disregarded",
        b"Content-Transfer-Encoding: base64\n" + mixed(b"--b\n\none\n--b--\n"),
        "mixed(text/plain 'one')",
        ["encoded-multipart"],
    ),
    (
        "other message types are leaves",
        b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n",
        "message/delivery-status 'Reporting-MTA: dns; x\\n'",
        [],
    ),
    (
        "no MIME-Version is needed",
        mixed(b"--b\n\none\n--b--\n", subtype=b"RELATED"),
        "related(text/plain 'one')",
        [],
    ),
]


@pytest.mark.parametrize(
    ("octets", "expected", "defects"), [row[1:] for row in STRUCTURES], ids=[row[0] for row in STRUCTURES]
)
def test_parse_structure(octets: bytes, expected: str, defects: list[str]) -> None:
    root = message.parse(octets)
    assert sketch(root) == expected
    assert names(root) == defects


@pytest.mark.parametrize("octets", [row[1] for row in STRUCTURES if b"\r" not in row[1]])
def test_parse_structure_is_the_same_with_crlf(octets: bytes) -> None:
    root = message.parse(octets.replace(b"\n", b"\r\n"))
    assert sketch(root).replace("\\r\\n", "\\n") == sketch(message.parse(octets))
    assert names(root) == names(message.parse(octets))


@pytest.mark.parametrize("octets", [row[1] for row in STRUCTURES])
def test_rebuild_gives_every_octet_back(octets: bytes) -> None:
    for text in (octets, octets.replace(b"\n", b"\r\n"), octets + b"\r\n", octets[:-2]):
        assert b"".join(rebuild(message.parse(text))) == text


def test_parse_spans_of_a_multipart() -> None:
    octets = mixed(b"pre\r\n--b\t\r\nX: y\r\n\r\none\r\n--b-- \r\nepi")
    root = message.parse(octets)
    cut = [octets[slice(*span)] for span in (root.preamble, root.body, root.epilogue, root.parts[0].body)]
    assert cut == [b"pre\r\n", octets[octets.index(b"pre") :], b"epi", b"one"]
    (line,) = root.structure.delimiters
    assert octets[line.start : line.padding] == b"--b"
    assert octets[line.padding : line.end] == b"\t"
    assert octets[line.end : line.next] == b"\r\n"
    close = root.structure.close
    assert close is not None
    assert octets[close.start : close.end] == b"--b-- "
    assert root.structure.boundary == b"b"


def test_parse_part_of_a_buffer() -> None:
    octets = b"From x\n" + mixed(b"--b\n\none\n--b--\n") + b"--b\n\nnot ours\n"
    start, end = 7, octets.index(b"--b\n\nnot")
    root = message.parse(octets, start, end)
    assert sketch(root) == "mixed(text/plain 'one')"
    assert b"".join(rebuild(root)) == octets[start:end]


def test_walk_gives_parts_in_document_order() -> None:
    root = message.parse(mixed(b"--b\n" + INNER + b"--b\n\nC\n--b--\n"))
    found = [(depth, part.content_type.subtype) for depth, part in message.walk(root)]
    assert found == [(0, "mixed"), (1, "alternative"), (2, "plain"), (2, "plain"), (1, "plain")]


_LINES = st.sampled_from(
    [b"--a", b"--b", b"--c", b"--a--", b"--b--", b"--c--", b"--b ", b"", b"", b"text", b"-- ", b"\r", b"--"]
    + [b"Content-Type: multipart/mixed; boundary=" + name for name in (b"a", b"b", b"c", b"b--")]
    + [
        b"Content-Type: message/rfc822",
        b"Content-Type: multipart/digest; boundary=c",
        b"Subject: x",
        b" folded",
    ]
)


@given(st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n", b""])), max_size=40))
def test_rebuild_law_on_lines_of_mime(lines: list[tuple[bytes, bytes]]) -> None:
    octets = b"".join(line + newline for line, newline in lines)
    root = message.parse(octets)
    assert b"".join(rebuild(root)) == octets
    for _, part in message.walk(root):
        assert part.start <= part.header.end <= part.body[0] <= part.body[1] == part.end
        assert all(part.start <= child.start <= child.end <= part.end for child in part.parts)


@given(st.binary(max_size=300))
def test_rebuild_law_on_any_octets(octets: bytes) -> None:
    assert b"".join(rebuild(message.parse(octets))) == octets
