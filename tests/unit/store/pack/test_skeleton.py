"""Mail objects: their bytes are those of the format, and every message comes back from them."""

from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.store.pack import skeleton
from blaze.core.store.pack.dissect import dissect
from blaze.core.store.pack.newlines import to_crlf, to_lf
from blaze.core.store.pack.objects import BLOB, MAIL, Object, name_of
from blaze.core.store.pack.skeleton import Leaf, Multipart, Part


def pack(octets: bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """The mail object of a message with CRLF, and its blobs by name."""
    blobs = {}
    mail = dissect(octets, 0, len(octets))

    def name(span: tuple[int, int]) -> bytes:
        found = name_of(BLOB, octets, *span)
        blobs[found] = octets[slice(*span)]
        return found

    return skeleton.to_bytes(mail, name), blobs


def unpack(content: bytes, blobs: dict[bytes, bytes]) -> bytes:
    pieces = skeleton.iter_pieces(skeleton.parse(content).root)
    return b"".join(blobs[piece] if type(piece) is not bytes else piece for piece in pieces)


def test_example_of_the_format() -> None:
    octets = b"From: a@example.org\r\nSubject: hi\r\n\r\nHello\r\n"
    content, blobs = pack(octets)
    assert [name.hex() for name in blobs] == [
        "17782af9a5f3b744b28bb1fab0ff1ec9fe68c47a",
        "40ee2647744341be918c15f1d0c5e85de4ddc5ed",
    ]
    assert Object(MAIL, content).name.hex() == "022e1b5e065be5ab2809e3f4048f45f6a233de35"
    header, body = blobs
    assert content == header + b"\x02" + body + b"\x08\x05plain\0english\0" + body


NESTED = b"""Subject: all of it
Content-Type: multipart/mixed; boundary=o

pre
--o \t
Content-Type: multipart/alternative; boundary=i
Content-Language: fr

inner pre
--i
Content-Type: text/html
Content-Language: de, en

<p>
--i--
inner epilogue
--o
Content-Type: message/rfc822

Subject: within

text
--o
Content-Type: image/png

\x89PNG
--o
Content-Type: text/plain
Content-Language: tlh

Qapla
--o
X-Nothing: no body

--o--\x20
post
""".replace(b"\n", b"\r\n")


def test_nested_message_has_the_bytes_of_the_format() -> None:
    content, blobs = pack(NESTED)

    def name(octets: bytes) -> bytes:
        octets = octets.replace(b"\n", b"\r\n")
        found = name_of(BLOB, octets, 0, len(octets))
        assert found in blobs, octets
        return found

    alternative = name(b"Content-Type: multipart/alternative; boundary=i\nContent-Language: fr\n")
    html_header, html = name(b"Content-Type: text/html\nContent-Language: de, en\n"), name(b"<p>")
    inner_text = name(b"text")
    assert content == b"".join(
        [
            name(b"Subject: all of it\nContent-Type: multipart/mixed; boundary=o\n\n"),
            b"\x03pre\r\n\0\r\npost\r\n\0 \0o\0",
            b"\xfe \t\0" + alternative + b"\x03inner pre\r\n\0\r\ninner epilogue\0\0i\0",
            b"\xfe\0" + html_header + b"\x02" + html + b"\xff",
            b"\xfe\0" + name(b"Content-Type: message/rfc822\n"),
            b"\x04" + name(b"Subject: within\n\n") + b"\x02" + inner_text,
            b"\xfe\0" + name(b"Content-Type: image/png\n") + b"\x02" + name(b"\x89PNG"),
            b"\xfe\0" + name(b"Content-Type: text/plain\nContent-Language: tlh\n"),
            b"\x02" + name(b"Qapla"),
            b"\xfe\0" + name(b"X-Nothing: no body\n") + b"\x01",
            b"\xff",
            b"\x08\x06mixed\0",
            b"\xfe\x06alternative\0\xfe\x05html\0german\0" + html + b"\xff",
            b"\xfe\x06message\0\xfe\x05plain\0english\0" + inner_text + b"\xff",
            b"\xff",
        ]
    )
    assert unpack(content, blobs) == NESTED


def test_message_without_documents() -> None:
    content, _ = pack(b"Content-Type: image/gif\r\n\r\nGIF")
    assert content.endswith(b"\x07")


def test_report_of_another_message_type_is_a_message_inside() -> None:
    octets = b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; a\r\n\r\nAction: failed\r\n"
    content, blobs = pack(octets)
    assert content[20] == 4
    assert set(blobs.values()) == {octets[:41], b"Reporting-MTA: dns; a\r\n\r\n", b"Action: failed\r\n"}
    assert unpack(content, blobs) == octets


MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"

BROKEN = {
    "NUL in the preamble": MIXED + b"\0\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "NUL in the epilogue": MIXED + b"--b\r\n\r\nx\r\n--b--\r\n\0",
    "no close delimiter": MIXED + b"--b\r\n\r\nx\r\n",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "no parts": MIXED + b"--b--\r\n",
    "LF at a delimiter": MIXED + b"--b\n\r\nx\r\n--b--\r\n",
    "a multipart in a multipart": (
        MIXED + b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--b--\r\n"
    ),
}


@pytest.mark.parametrize("octets", BROKEN.values(), ids=BROKEN)
def test_what_does_not_come_back_is_one_leaf_under_an_empty_header(octets: bytes) -> None:
    content, blobs = pack(octets)
    empty, whole = name_of(BLOB, b"", 0, 0), name_of(BLOB, octets, 0, len(octets))
    assert content == empty + b"\x02" + whole + b"\x08\x05plain\0english\0" + whole
    assert unpack(content, blobs) == octets


NASTY = {
    "empty": b"",
    "one newline": b"\r\n",
    "a CR": b"\r",
    "NULs": b"\0\0\0",
    "no newline": b"Subject: x",
    "header alone": b"Subject: x\r\n",
    "empty body": b"Subject: x\r\n\r\n",
    "body alone": b"no header at all\r\n",
    "bare CR": b"Subject: x\r\r\n\r\na\rb\r\n",
    "mixed": b"Subject: x\r\nTo: y\n\nbody\r\n",
    "empty parts": MIXED + b"--b\r\n--b\r\n\r\n--b\r\n--b--",
}


@pytest.mark.parametrize("octets", NASTY.values(), ids=NASTY)
def test_anything_comes_back(octets: bytes) -> None:
    assert unpack(*pack(octets)) == octets


def test_a_hundred_thousand_parts_come_back() -> None:
    octets = MIXED + b"" + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n"
    content, blobs = pack(octets)
    assert len(blobs) > 3
    assert unpack(content, blobs) == octets


def test_messages_inside_messages_come_back() -> None:
    octets = b"Content-Type: message/rfc822\r\n\r\n" * 5000 + b"Subject: x\r\n\r\ny"
    assert unpack(*pack(octets)) == octets
    octets = b"Content-Type: message/x-other\r\n\r\n" * 5000 + b"Subject: x\r\n\r\ny"
    assert unpack(*pack(octets)) == octets


LINES = st.sampled_from(
    [
        b"Subject: x",
        b"Content-Type: multipart/mixed; boundary=b",
        b"Content-Type: multipart/digest; boundary=c",
        b"Content-Type: message/rfc822",
        b"Content-Type: message/partial",
        b"",
        b"",
        b"--b",
        b"--b ",
        b"--b--",
        b"--c",
        b"--c--",
        b"text",
        b"\0",
    ]
)


@given(st.lists(st.tuples(LINES, st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"])), max_size=30))
def test_any_lines_come_back(lines: list[tuple[bytes, bytes]]) -> None:
    octets = b"".join(line + newline for line, newline in lines)
    content, blobs = pack(octets)
    assert unpack(content, blobs) == octets
    assert skeleton.to_bytes(skeleton.parse(content), lambda name: name) == content


@pytest.mark.parametrize(
    ("octets", "newline", "held"),
    [
        (b"a\nb\n", "lf", b"a\r\nb\r\n"),
        (b"a\r\nb", "crlf", b"a\r\nb"),
        (b"a\r\nb\n", "", b"a\r\nb\n"),
        (b"a\rb\r\n", "", b"a\rb\r\n"),
        (b"a\r", "", b"a\r"),
        (b"a", "", b"a"),
    ],
)
def test_to_crlf(octets: bytes, newline: str, held: bytes) -> None:
    found = to_crlf(octets, 0, len(octets))
    assert (found.newline, found.buffer[found.start : found.end]) == (newline, held)


@given(st.binary(max_size=40).map(lambda octets: octets.replace(b"\r", b"\n")), st.integers(1, 7))
def test_to_lf_undoes_to_crlf_in_any_chunks(octets: bytes, size: int) -> None:
    held = octets.replace(b"\n", b"\r\n")

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(held), size):
            yield held[start : start + size]

    assert b"".join(to_lf(chunks())) == octets


HEX = bytes(range(20))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        HEX,
        HEX + b"\x09",
        HEX + b"\x02" + HEX[:19],
        HEX + b"\x01",
        HEX + b"\x01\x06",
        HEX + b"\x01\x07x",
        HEX + b"\x01\x08\x09",
        HEX + b"\x01\x08\x05plain\0english",
        HEX + b"\x01\x08\x06mixed\0\xfd",
        HEX + b"\x03a\0b\0c\0",
        HEX + b"\x03a\0b\0c\0d\0\x00",
        HEX + b"\x03a\0b\0c\0d\0\xfe\0" + HEX,
        (HEX + b"\x04") * 10_000,
    ],
)
def test_parse_refuses_what_is_no_mail(content: bytes) -> None:
    with pytest.raises(DataError, match="the mail object cannot be read"):
        skeleton.parse(content)


def test_parse_does_not_recurse() -> None:
    content = (HEX + b"\x04") * 100_000 + HEX + b"\x01\x07"
    root = skeleton.parse(content).root
    assert sum(1 for _ in skeleton.walk(root)) == 100_001
    documents = b"\x08" + b"\x06m\0\xfe" * 50_000 + b"\x05p\0e\0" + HEX + b"\xff" * 50_000
    assert len(list(skeleton.iter_texts(skeleton.parse(HEX + b"\x01" + documents).document))) == 1


def test_walk_and_references() -> None:
    part: Part[str] = Part(
        "h",
        Multipart(b"", b"", b"", b"b", [(b"", Part("p", Leaf("l"), True)), (b"", Part("q", None, True))]),
    )
    assert [(depth, found.header) for depth, found in skeleton.walk(part)] == [(0, "h"), (1, "p"), (1, "q")]
    assert list(skeleton.iter_references(part)) == ["h", "p", "l", "q"]
