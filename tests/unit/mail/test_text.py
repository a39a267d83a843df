"""The text a person reads: which part, flowed lines, HTML."""

import time
import tracemalloc

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail import message, transfer
from blaze.core.mail.text import best_text_part, html_to_text, iter_readable_text, readable_text, unflow

FLOWED = [
    ("", ""),
    ("a\nb\n", "a\nb\n"),
    ("a \nb\n", "a b\n"),
    ("a \nb \nc\nd", "a b c\nd"),
    ("a \n", "a "),
    ("> a \n> b\nc", "> a b\nc"),
    (">a \n> b", "> a b"),
    ("> a \n>> b \n>> c\n> d", "> a \n>> b c\n> d"),
    ("a \n> b", "a \n> b"),
    (" >not quoted", ">not quoted"),
    (" From me", "From me"),
    ("-- \nAnn \nBee", "-- \nAnn Bee"),
    ("text \n-- \nAnn", "text \n-- \nAnn"),
    ("> -- \n> Ann", "> -- \n> Ann"),
    ("a \n\nb", "a \nb"),
]


@pytest.mark.parametrize(("flowed", "expected"), FLOWED)
def test_unflow_table(flowed: str, expected: str) -> None:
    assert unflow(flowed) == expected


def test_unflow_deletes_the_space_with_delsp() -> None:
    assert unflow("日本 \n語\n", delete_space=True) == "日本語\n"


@given(st.lists(st.text(alphabet="ab-", min_size=1, max_size=5), max_size=8))
def test_unflow_law_of_fixed_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert unflow(text) == text


def part(content_type: str, body: str, *fields: str) -> str:
    return "\n".join([f"Content-Type: {content_type}", *fields, "", body])


def multipart(subtype: str, *parts: str, params: str = "") -> str:
    boundary = f"={subtype}{len(parts)}="
    body = "".join(f"--{boundary}\n{each}\n" for each in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"{params}\n\n{body}--{boundary}--\n'


PLAIN, HTML, IMAGE = part("text/plain", "plain"), part("text/html", "<p>html</p>"), part("image/png", "x")
BEST = [
    (PLAIN, "plain"),
    (HTML, "<p>html</p>"),
    (IMAGE, None),
    ("\nno header", "no header"),
    (multipart("alternative", PLAIN, HTML), "plain"),
    (multipart("alternative", HTML, PLAIN), "plain"),
    (multipart("alternative", part("text/plain", "  \n"), HTML), "<p>html</p>"),
    (multipart("alternative", part("text/plain", " "), IMAGE), " "),
    (multipart("alternative", part("text/enriched", "<bold>x</bold>"), HTML), "<p>html</p>"),
    (multipart("mixed", IMAGE, PLAIN, HTML), "plain"),
    (multipart("mixed", part("text/plain", "log", "Content-Disposition: attachment"), HTML), "<p>html</p>"),
    (multipart("mixed", part("message/rfc822", "Subject: x\n\nforwarded")), None),
    (part("message/rfc822", "Subject: x\n\nforwarded"), "forwarded"),
    (
        multipart("related", IMAGE, part("text/html", "root", "Content-ID: <r>"), params='; start="<r>"'),
        "root",
    ),
    (
        multipart("related", part("text/html", "first"), part("text/html", "second", "Content-ID: <r>")),
        "first",
    ),
    (multipart("mixed", multipart("alternative", multipart("related", HTML, IMAGE), PLAIN), IMAGE), "plain"),
    (multipart("signed", PLAIN, part("application/pgp-signature", "x")), "plain"),
    (part("text/plain", "mine", "Content-Disposition: attachment"), "mine"),
]


@pytest.mark.parametrize(("text", "expected"), BEST)
def test_best_text_part_table(text: str, expected: str | None) -> None:
    best = best_text_part(message.parse(text.encode()))
    assert (best.text() if best else None) == expected


def test_readable_text_flowed_with_crlf() -> None:
    octets = (
        b"Content-Type: text/plain; format=Flowed; DelSp=Yes; charset=utf-8\r\n\r\nZ\xc3\xbc \r\nrich\r\n"
    )
    assert readable_text(message.parse(octets)) == "Zürich\n"


def test_readable_text_leaves_out_a_byte_order_mark() -> None:
    head = b"Content-Type: text/plain; charset=utf-8\n\n"
    assert readable_text(message.parse(head + "\ufeffa\ufeff\n".encode())) == "a\ufeff\n"


def test_readable_text_html() -> None:
    octets = b"Content-Type: text/html; charset=iso-8859-1\n\n<title>t</title><p>Caf\xe9 &amp; <b>bar</b>"
    assert readable_text(message.parse(octets)) == "Café & bar\n"


HTMLS = [
    ("<p>a</p><p>b</p>", ["a", "", "b"]),
    ("<ul><li>one<li>two</ul>", ["  * one", "  * two"]),
    ("<script>alert(1)</script>x<style>p{}</style>", ["x"]),
    ('<a href="http://example.org/">here</a>', ["[here](http://example.org/)"]),
    ("a<!-- comment -->b<!-- open", ["ab"]),
    ("<!DOCTYPE html><html><body>x", ["x"]),
    ("1 < 2 and 3 > 2", ["1 < 2 and 3 > 2"]),
    ("a<br>b", ["a", "b"]),
    ("<p>1. one</p><p>- two</p><p>+ three</p>", ["1. one", "", "- two", "", "+ three"]),
    ("<table><tr><td>a</td><td>b</td></tr><tr><th>c</th><td>d</td></tr></table>", ["a b", "c d"]),
    ('<a href="mailto:a@b.example">a@b.example</a>', ["a@b.example"]),
    ("<blockquote>- quote</blockquote>", ["> - quote"]),
    ("<pre>  code\n\tx</pre>", ["      code", "    \tx"]),
    ("<p>a</p><div>&nbsp;</div><div>&nbsp;</div><div> </div><p>b</p>", ["a", "", "b"]),
    ("<p>Daten&shy;schutz a&#8203;b&#xfeff;</p>", ["Datenschutz ab"]),
    ("", []),
]


@pytest.mark.parametrize(("html", "expected"), HTMLS)
def test_html_to_text_table(html: str, expected: list[str]) -> None:
    assert html_to_text(html).strip("\n").split("\n") == (expected or [""])


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<a",
        "<![CDATA[",
        "<?",
        "<blockquote>",
        "<ul><li>",
        "<a href='x",
        "&amp",
        "<b>",
        "</p",
        "<table><tr><td>x",
        "\n",
        " \n",
        "[x](",
        "<a href='x'>",
        "> ",
        "word ",
    ],
)
def test_html_to_text_is_linear(piece: str) -> None:
    def seconds(count: int) -> float:
        begin = time.process_time()
        html_to_text(piece * count + ">", width=78)
        return time.process_time() - begin

    seconds(100)
    small = min(seconds(1000) for _ in range(3))
    assert seconds(16_000) < 16 * 4 * small + 0.3


@pytest.mark.parametrize(
    ("html", "lines"),
    [
        ("<p>aaa bbb ccc ddd", ["aaa bbb", "ccc ddd"]),
        ("<blockquote>aaa bbb ccc", ["> aaa", "> bbb", "> ccc"]),
        ("<ul><li>aaa bbb", ["  * aaa", "    bbb"]),
        ("<p>aaaaaaaaaa bb-bb-bb-bb", ["aaaaaaaaaa", "bb-bb-bb-bb"]),
        ("<pre>aaa bbb ccc", ["    aaa bbb ccc"]),
    ],
)
def test_html_to_text_wraps_at_the_width(html: str, lines: list[str]) -> None:
    assert html_to_text(html, width=7).strip("\n").split("\n") == lines


@given(st.text(max_size=200) | st.text(alphabet="<>/!-?abp&;='\" ", max_size=60))
def test_html_to_text_never_fails(html: str) -> None:
    assert html_to_text(html).endswith("\n")


TEXTS = [
    ("plain; charset=utf-8", "Zürich and café\r\n\r\nend\rnot an end\r", "utf-8"),
    ("plain; charset=utf-8", "\ufeffBOM in front\r\n", "utf-8"),
    ("plain; charset=iso-8859-1", "Zürich\r\n", "iso-8859-1"),
    ("plain; charset=iso-2022-jp", "日本語のテキスト\n", "iso-2022-jp"),
    ("plain", "no charset, no newline at the end", "ascii"),
    (
        "plain; format=flowed; charset=utf-8",
        "> a flowed \r\n> line, größer\r\n-- \r\nA paragraph \r\nof two\r\n",
        "utf-8",
    ),
    ("plain; format=flowed; delsp=yes", "one \ntwo \n\n>> quoted \n>> on", "ascii"),
    ("html; charset=utf-8", "<p>One &amp; größer</p>\r\n<ul><li>two</ul>", "utf-8"),
]


@pytest.mark.parametrize("encoding", ["8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize(("kind", "text", "codec"), TEXTS)
def test_iter_readable_text_gives_the_same_in_pieces(
    monkeypatch: pytest.MonkeyPatch, kind: str, text: str, codec: str, encoding: str
) -> None:
    body = transfer.encode_bytes(encoding, (text * 50).encode(codec))
    head = f"Content-Type: text/{kind}\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    part = message.parse(head + body)
    whole = readable_text(part)
    monkeypatch.setattr("blaze.core.mail.text.LARGE", 0)
    for size in (1, 2, 7, 1000):
        monkeypatch.setattr("blaze.core.mail.window.CHUNK", size)
        assert "".join(iter_readable_text(part)) == whole


def test_iter_readable_text_takes_constant_memory() -> None:
    line = b"An ordinary line of text, of some 60 octets with its newline.\n"
    part = message.parse(b"Content-Type: text/plain; charset=utf-8\n\n" + line * 300_000)
    tracemalloc.start()
    length = sum(map(len, iter_readable_text(part)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert length == len(line) * 300_000
    assert peak < 2_000_000
