"""Parts and multiparts as streams: encodings, boundaries, newlines, and what a seed decides."""

import email
import email.policy
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import compose, message
from blaze.core.mail.build import LF, Style
from blaze.core.mail.compose import Draft, Encoded, Leaf, Lines, Span

CRLF = Style(newline=b"\r\n")
UTF8 = Style(utf8=True)


def written(leaf: Leaf, style: Style = LF) -> message.Part:
    return message.parse(b"".join(compose.leaf(leaf, style)))


@pytest.mark.parametrize(
    ("chunks", "lf", "crlf"),
    [
        ([], b"", b""),
        ([b"a\nb\n"], b"a\nb\n", b"a\r\nb\r\n"),
        ([b"a\r\nb\r\n"], b"a\nb\n", b"a\r\nb\r\n"),
        ([b"a\r", b"\nb"], b"a\nb", b"a\r\nb"),
        ([b"a\r", b"", b"\nb"], b"a\nb", b"a\r\nb"),
        ([b"a\rb\r"], b"a\rb\r", b"a\rb\r"),
        ([b"\r", b"\r", b"\n"], b"\r\r\n", b"\r\r\n"),
        ([b"a\r\r", b"\nb\r\nc\n"], b"a\r\r\nb\nc\n", b"a\r\r\nb\r\nc\r\n"),
        ([b"\n", b"\n"], b"\n\n", b"\r\n\r\n"),
    ],
)
def test_iter_with_newline(chunks: list[bytes], lf: bytes, crlf: bytes) -> None:
    assert b"".join(compose.iter_with_newline(chunks, b"\n")) == lf
    assert b"".join(compose.iter_with_newline(chunks, b"\r\n")) == crlf


@given(
    octets=st.lists(st.sampled_from([b"\r", b"\n", b"a", b""]), max_size=20),
    newline=st.sampled_from([b"\n", b"\r\n"]),
)
def test_iter_with_newline_does_not_depend_on_chunks(octets: list[bytes], newline: bytes) -> None:
    whole = b"".join(compose.iter_with_newline([b"".join(octets)], newline))
    assert b"".join(compose.iter_with_newline(octets, newline)) == whole


LONG_LINE = b"x" * 999 + b"\n"
NEARLY_LONG_LINE = b"x" * 998 + b"\n"


@pytest.mark.parametrize(
    ("source", "options", "encoding"),
    [
        (b"", {}, "7bit"),
        (b"a", {}, "7bit"),
        (b"hello\n" * 1000, {}, "7bit"),
        (NEARLY_LONG_LINE, {}, "7bit"),
        (LONG_LINE, {}, "quoted-printable"),
        (b"a nul\0\n" * 10, {}, "quoted-printable"),
        (b"bare\rcr\n" * 10, {}, "quoted-printable"),
        ("one caf\u00e9 in a long line of ASCII\n".encode(), {}, "quoted-printable"),
        ("\u65e5\u672c\u8a9e\n".encode() * 9, {}, "base64"),
        (b"dos\r\nlines\r\n", {}, "7bit"),
        (b"hello\n", {"is_text": False}, "quoted-printable"),
        (b"hello", {"is_text": False}, "7bit"),
        (bytes(range(256)), {"is_text": False}, "base64"),
        (b"Subject: x\n\nhello\n", {"type": "message/rfc822"}, "7bit"),
        ("Subject: x\n\n\u00e9\n".encode(), {"type": "message/rfc822"}, "8bit"),
        (b"Subject: x\n\n" + LONG_LINE, {"type": "message/rfc822"}, "binary"),
        (b"hello\n", {"encoding": "base64"}, "base64"),
        (b"hello\n", {"encoding": "quoted-printable"}, "quoted-printable"),
        (b"\xe9\n", {"encoding": "8bit"}, "8bit"),
        (b"\xe9\0\r" + LONG_LINE, {"encoding": "binary"}, "binary"),
    ],
)
def test_leaf_chooses_an_encoding_and_gives_the_octets_back(
    source: bytes, options: dict[str, object], encoding: str
) -> None:
    part = written(Leaf([source], **options))  # type: ignore[arg-type]
    assert part.encoding == encoding
    decoded = b"".join(message.transfer.decode(part.encoding, part.iter_raw()))
    assert decoded == (source.replace(b"\r\n", b"\n") if options.get("is_text", True) else source)
    if encoding != "binary":
        raw = b"".join(part.iter_raw())
        assert max(map(len, raw.split(b"\n"))) <= 998
        assert b"\r" not in raw
        assert encoding == "8bit" or raw.isascii()


def test_leaf_may_be_8bit_where_headers_are_utf_8() -> None:
    leaf = Leaf(["日本\n".encode()], params={"charset": "utf-8"})
    assert written(leaf, UTF8).encoding == "8bit"
    assert written(leaf).encoding == "quoted-printable" or written(leaf).encoding == "base64"


@pytest.mark.parametrize(
    ("source", "encoding", "media_type"),
    [
        (b"\xe9\n", "7bit", "text/plain"),
        (LONG_LINE, "7bit", "text/plain"),
        (LONG_LINE, "8bit", "text/plain"),
        (b"\0", "8bit", "text/plain"),
        (b"a\rb", "7bit", "text/plain"),
        (b"Subject: x\n\n", "base64", "message/rfc822"),
        (b"Subject: x\n\n", "quoted-printable", "message/rfc822"),
    ],
)
def test_leaf_refuses_an_encoding_that_cannot_carry_the_octets(
    source: bytes, encoding: str, media_type: str
) -> None:
    with pytest.raises(DataError):
        compose.leaf(Leaf([source], media_type, encoding=encoding))


def test_leaf_hides_a_boundary() -> None:
    leaf = Leaf([b"one\n--b\ntwo\n"])
    assert compose.leaf(leaf).encoding == "7bit"
    assert compose.leaf(leaf, enclosed_in="b").encoding == "base64"
    assert compose.leaf(leaf, enclosed_in="other").encoding == "7bit"
    with pytest.raises(DataError, match="occurs in the part"):
        compose.leaf(Leaf([b"--b"], encoding="7bit"), enclosed_in="b")


@pytest.mark.parametrize("cut", range(1, 9))
def test_may_enclose_finds_a_delimiter_across_chunks(cut: int) -> None:
    octets = b"one\n--b-x\n"
    entity = compose.leaf(Leaf([octets[:cut], octets[cut:]]))
    assert not compose.may_enclose(entity, "b-x")
    assert not compose.may_enclose(entity, "b")  # the delimiter of `b` is a prefix of that line
    assert compose.may_enclose(entity, "b-xy")
    assert compose.may_enclose(entity, "-b")


def test_may_enclose_looks_at_the_first_line_and_at_line_starts_only() -> None:
    assert not compose.may_enclose(compose.leaf(Leaf([b"--b"])), "b")
    assert compose.may_enclose(compose.leaf(Leaf([b"see --b"])), "b")


@pytest.mark.parametrize("boundary", ["", "a" * 71, "a ", 'a"b', "a\nb", "\u00e9", "a\0", "a;b", "a<b"])
def test_multipart_refuses_what_is_no_boundary(boundary: str) -> None:
    with pytest.raises(DataError, match="not a boundary"):
        compose.multipart("mixed", [], boundary=boundary)


@pytest.mark.parametrize("boundary", ["a", "a" * 70, "a b", "'()+_,-./:=?", "=_x"])
@pytest.mark.parametrize("style", [LF, CRLF])
def test_multipart_is_read_back(boundary: str, style: Style) -> None:
    parts = [compose.leaf(Leaf([text]), style) for text in (b"", b"x", b"\n", b"one\ntwo\n")]
    octets = b"".join(compose.multipart("mixed", parts, boundary=boundary, style=style))
    root = message.parse(octets)
    assert root.content_type.params["boundary"] == boundary
    read = [octets[slice(*part.body)].replace(b"\r\n", b"\n") for part in root.parts]
    assert read == [b"", b"x", b"\n", b"one\ntwo\n"]
    assert not any(part.defects for part in root.parts)
    assert octets.count(b"\n") == octets.count(style.newline)


def test_multipart_refuses_a_boundary_that_occurs() -> None:
    with pytest.raises(DataError, match="occurs in a part"):
        compose.multipart("mixed", [compose.leaf(Leaf([b"--b--\n"]))], boundary="b")


def test_multipart_is_labelled_by_its_widest_part() -> None:
    ascii_part = compose.leaf(Leaf([b"x\n"]))
    eight_bit = compose.leaf(Leaf([b"\xe9\n"], encoding="8bit"))
    base64 = compose.leaf(Leaf([b"\xe9\n"], encoding="base64"))
    binary = compose.leaf(Leaf([b"\0"], encoding="binary"))
    for parts, encoding in (
        ([ascii_part, base64], "7bit"),
        ([ascii_part, eight_bit], "8bit"),
        ([binary, eight_bit], "binary"),
    ):
        whole = compose.multipart("mixed", parts, boundary="b")
        assert whole.encoding == encoding
        outer = compose.multipart("mixed", [whole], boundary="c")
        assert outer.encoding == encoding
        assert message.parse(b"".join(outer)).encoding == encoding


def test_choose_boundary_follows_from_the_seed_and_avoids_the_parts() -> None:
    parts = [compose.leaf(Leaf([b"hello\n"]))]
    first = compose.choose_boundary(parts, b"seed", "mixed")
    assert compose.choose_boundary(parts, b"seed", "mixed") == first
    assert compose.choose_boundary(parts, b"other", "mixed") != first
    assert compose.choose_boundary(parts, b"seed", "related") != first
    hostile = [compose.leaf(Leaf([b"--" + first.encode() + b"\n"]))]
    second = compose.choose_boundary(hostile, b"seed", "mixed")
    assert second != first
    compose.check_boundary(second)


def test_seed_of_message_leaves_the_date_out() -> None:
    fields = [b"Date: a\n", b"Subject: b\n"]
    seed = compose.seed_of_message(b"s", fields)
    assert compose.seed_of_message(b"s", [b"DATE: c\n", b"Subject: b\n"]) == seed
    assert compose.seed_of_message(b"s", [b"Subject: c\n"]) != seed
    assert compose.seed_of_message(b"t", fields) != seed


def test_content_nests_by_what_there_is() -> None:
    text, html = Leaf([b"t"]), Leaf([b"h"], "text/html")
    image = Leaf([b"\x89"], "image/png", is_text=False)
    for draft, types in (
        (Draft(text=text), "text/plain"),
        (Draft(html=html), "text/html"),
        (Draft(text=text, html=html), "multipart/alternative text/plain text/html"),
        (Draft(html=html, inline=[image]), "multipart/related text/html image/png"),
        (Draft(text=text, attachments=[image]), "multipart/mixed text/plain image/png"),
        (
            Draft(text=text, html=html, inline=[image], attachments=[image]),
            "multipart/mixed multipart/related multipart/alternative text/plain text/html" + " image/png" * 2,
        ),
    ):
        octets = b"".join(compose.content(draft, b"seed"))
        assert [str(part.content_type) for _, part in message.walk(message.parse(octets))] == types.split()
        assert b"".join(compose.content(draft, b"seed")) == octets
    with pytest.raises(DataError):
        compose.content(Draft(), b"seed")


def test_message_holds_no_source_in_memory() -> None:
    read: list[int] = []

    class Counted:
        def __iter__(self) -> Iterator[bytes]:
            for number in range(1000):
                read.append(number)
                yield b"\xff" * 1000

    chunks = compose.message([b"Subject: x\n"], compose.leaf(Leaf(Counted(), "image/png", is_text=False)))
    before = len(read)
    sizes = []
    for chunk in chunks:
        sizes.append(len(chunk))
        if len(sizes) == 5:
            assert len(read) - before < 400
    assert max(sizes) < 200_000
    assert sum(sizes) > 1_300_000


@example(source=[b"\r", b"\r\n"], is_text=True, style=CRLF)
@example(source=[b"\r\r\n"], is_text=True, style=LF)
@given(
    source=st.lists(
        st.binary(max_size=100) | st.sampled_from([b"\r\n", b"\n", b"\r", b"--", b"x" * 200]), max_size=20
    ),
    is_text=st.booleans(),
    style=st.sampled_from([LF, CRLF, UTF8]),
)
def test_leaf_gives_every_octet_back(source: list[bytes], is_text: bool, style: Style) -> None:
    part = written(Leaf(source, is_text=is_text), style)
    octets = b"".join(source)
    decoded = b"".join(message.transfer.decode(part.encoding, part.iter_raw()))
    if is_text:
        assert re.sub(rb"(?<!\r)\r\n", b"\n", decoded) == re.sub(rb"(?<!\r)\r\n", b"\n", octets)
    else:
        assert decoded == octets


@given(texts=st.lists(st.text("ab-\n\u00e9", max_size=60), min_size=1, max_size=4))
def test_content_is_read_by_the_standard_library(texts: list[str]) -> None:
    leaves = [Leaf([text.encode()], params={"charset": "utf-8"}) for text in texts]
    draft = Draft(text=leaves[0], attachments=leaves[1:])
    octets = b"".join(compose.message([], compose.content(draft, b"seed")))
    read = email.message_from_bytes(octets, policy=email.policy.default)
    parts = list(read.iter_parts()) if len(texts) > 1 else [read]
    assert [part.get_payload(decode=True).decode() for part in parts] == texts


def test_span_and_encoded_can_be_read_again() -> None:
    encoded = Encoded(Lines(Span(b"xx\xe9\nyy", 2, 4), b"\n"), "quoted-printable", True, b"\n")
    assert b"".join(encoded) == b"".join(encoded) == b"=E9\n"
    assert Span(b"abcdef", 1, 5).head(2) == b"bc"
    assert Span(b"abcdef", 1, 5).head(9) == b"bcde"
