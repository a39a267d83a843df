"""Leaves from what a person says of content."""

import pytest

from blaze.core.errors import DataError
from blaze.core.mail import content
from blaze.core.mail.compose import Leaf
from blaze.core.mail.content import Content


def test_text_is_utf_8_unless_said_otherwise() -> None:
    leaf = Content().text([b"x"], where="f")
    assert (leaf.type, leaf.params, leaf.encoding, leaf.is_text) == (
        "text/plain",
        {"charset": "utf-8"},
        "auto",
        True,
    )
    said = Content(type="text/markdown", params={"charset": "koi8-r", "variant": "x"}, encoding="8bit")
    leaf = said.text([b"\xff"], where="f")
    assert (leaf.type, leaf.params, leaf.encoding) == ("text/markdown", said.params, "8bit")


def test_text_of_another_type_is_octets() -> None:
    leaf = Content(type="image/png").text([b"\xff"], where="f")
    assert (leaf.type, leaf.params, leaf.is_text) == ("image/png", {}, False)
    assert Content(type="message/rfc822").text([b"x"], where="f").is_text
    assert not Content(params={"charset": "utf-16"}).text([b"\xff\xfe"], where="f").is_text
    with pytest.raises(DataError, match="has parts"):
        Content(type="multipart/mixed").text([b"x"], where="f")


def test_html_takes_the_charset_alone() -> None:
    said = Content(type="text/x", params={"charset": "koi8-r", "format": "flowed"}, encoding="base64")
    leaf = said.html([b"\xff"], where="f")
    assert (leaf.type, leaf.params, leaf.encoding) == ("text/html", {"charset": "koi8-r"}, "base64")
    assert said.html([b"\xff"], where="f", alone=True).params == said.params


@pytest.mark.parametrize(
    ("chunks", "label", "octet"),
    [
        ([b"abc\xff"], "utf-8", "3"),
        ([b"a\xc3", b"\xa9\xc3", b"("], "utf-8", "3"),
        ([b"a\xc3"], "utf-8", "1"),
        ([b"", b"a\xe6\x97"], "UTF8", "1"),
        ([b"\xe6", b"\x97", b"\xa5", b"\x80"], "utf-8", "3"),
        ([b"abc", b"d\xc3"], "us-ascii", "4"),
        ([b"x" * 2000 + b"\xff"], "utf-8", "2,000"),
    ],
)
def test_check_charset_names_the_first_wrong_octet(chunks: list[bytes], label: str, octet: str) -> None:
    with pytest.raises(DataError, match=f"not {label}") as caught:
        content.check_charset(chunks, label, where="f")
    assert caught.value.where == f"f, octet {octet}"


@pytest.mark.parametrize(
    ("chunks", "label"),
    [
        ([b"\xc3", b"", b"\xa9"], "utf-8"),
        ([], "utf-8"),
        ([b"x"], "us-ascii"),
        ([b"\xff"], "latin1"),
        ([b"\xff"], "x"),
    ],
)
def test_check_charset_takes_the_rest(chunks: list[bytes], label: str) -> None:
    content.check_charset(chunks, label, where="f")


def test_said_by_fields_reads_mime_fields() -> None:
    fields = [
        b"Subject: x\n",
        b"Content-Type: text/x; charset=koi8-r\n",
        b"content-transfer-encoding: BASE64\n",
    ]
    said = content.said_by_fields(fields, Content())
    assert (said.type, said.params, said.encoding) == ("text/x", {"charset": "koi8-r"}, "base64")
    assert content.without_mime_fields([*fields, b"MIME-Version: 1.0\n"]) == [b"Subject: x\n"]
    assert content.said_by_fields([b"MIME-Version: 1.0\n"], Content(type="a/b")) == Content(type="a/b")
    for octets, other in (
        (b"Content-Type: a/b\n", Content(type="c/d")),
        (b"Content-Type: a/b\n", Content(params={"a": "b"})),
        (b"Content-Transfer-Encoding: 7bit\n", Content(encoding="8bit")),
        (b"MIME-Version: 2.0\n", Content()),
    ):
        with pytest.raises(DataError):
            content.said_by_fields([octets], other)


@pytest.mark.parametrize(
    ("media_type", "octets", "is_text"),
    [
        ("text/plain", b"a\n", True),
        ("text/plain", b"a\r\n", False),
        ("text/plain", b"a\r", False),
        ("text/plain", b"", True),
        ("image/png", b"a\n", False),
        ("message/rfc822", b"a\r\n", True),
    ],
)
def test_file_is_text_when_its_lines_end_in_lf(media_type: str, octets: bytes, is_text: bool) -> None:
    leaf = content.file([octets], Content(type=media_type), name="n", disposition="attachment")
    assert (leaf.is_text, leaf.filename, leaf.disposition) == (is_text, "n", "attachment")


@pytest.mark.parametrize(
    ("octets", "media_type", "expected"),
    [
        (b"Subject: x\n\nx\n", "message/rfc822", "message/rfc822"),
        (b"Subject: x\r\n\r\n\xe9\r\n", "message/rfc822", "message/rfc822"),
        (b"Subject: x\n\n" + b"x" * 999, "message/rfc822", "application/octet-stream"),
        (b"Subject: x\n\n\0", "message/global", "application/octet-stream"),
        (b"\0", "image/png", "image/png"),
    ],
)
def test_transportable_sends_no_message_as_binary(octets: bytes, media_type: str, expected: str) -> None:
    assert content.transportable([octets], media_type) == expected


def test_with_content_ids_uses_names_where_it_can() -> None:
    names = ["a.png", "a.png", "b c.png", "é.png", None]
    files = [Leaf([], filename=name) for name in names]
    leaves = content.with_content_ids(files, "x.example", b"seed")
    identifiers = [leaf.fields[0].decode() for leaf in leaves]
    assert identifiers[0] == "Content-ID: <a.png@x.example>\n"
    assert len(set(identifiers)) == 5
    assert all(identifier.endswith("@x.example>\n") for identifier in identifiers)
    assert (
        content.with_content_ids([Leaf([], filename=name) for name in names], "x.example", b"seed") == leaves
    )
