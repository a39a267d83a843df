import email.message
import email.parser
import email.policy
import email.utils
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import mime, parameters

CONTENT_TYPES = [
    # value, type, params, defects
    (b"text/plain", "text/plain", {}, ()),
    (b"text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}, ()),
    (b"TEXT/Plain;Charset=US-ASCII;", "text/plain", {"charset": "US-ASCII"}, ()),
    # RFC 2045 §5.1 and §5.2
    (b"text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}, ()),
    (b'text/plain; charset="us-ascii"', "text/plain", {"charset": "us-ascii"}, ()),
    (b"text/plain (a (b \\) c) d); charset=utf-8", "text/plain", {"charset": "utf-8"}, ()),
    (b"(x) text (y) / (z) plain ; charset (a) = (b) utf-8 (c)", "text/plain", {"charset": "utf-8"}, ()),
    # RFC 2046 §5.1.1
    (
        b'multipart/mixed; boundary="gc0pJq0M:08jU534c0p"',
        "multipart/mixed",
        {"boundary": "gc0pJq0M:08jU534c0p"},
        (),
    ),
    (b'multipart/mixed; boundary="=_a b"', "multipart/mixed", {"boundary": "=_a b"}, ()),
    (b'a/b; c="d\\"e\\\\f(g);h"', "a/b", {"c": 'd"e\\f(g);h'}, ()),
    (b'a/b; name="C:\\a dir\\b.txt"', "a/b", {"name": "C:\\a dir\\b.txt"}, ()),
    (b'a/b; c=""', "a/b", {"c": ""}, ()),
    (b"a/b; c=d;\r\n e=f", "a/b", {"c": "d", "e": "f"}, ()),
    (b"application/vnd.x+json;v=1.0'", "application/vnd.x+json", {"v": "1.0'"}, ()),
    # RFC 2231 §3, §4, §4.1
    (
        b'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/x.tar"',
        "message/external-body",
        {"access-type": "URL", "url": "ftp://cs.utk.edu/pub/moore/x.tar"},
        (),
    ),
    (
        b"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
        "application/x-stuff",
        {"title": "This is ***fun***"},
        (),
    ),
    (
        (
            b"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20;"
            b' title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"'
        ),
        "application/x-stuff",
        {"title": "This is even more ***fun*** isn't it!"},
        (),
    ),
    (b"a/b; n*1*=%20b; n*0*=utf-8''a; m=c", "a/b", {"n": "a b", "m": "c"}, ()),
    (b"a/b; n*0*=utf-8''%C3; n*1*=%A9", "a/b", {"n": "é"}, ()),
    (b"a/b; n*0=a; n*1*=%C3%A9; n*2=%41", "a/b", {"n": "aé%41"}, ()),
    (b"a/b; n*=utf-8''%e9; m*=iso-8859-1''%E9", "a/b", {"n": "\udce9", "m": "é"}, ()),
    (b"a/b; n=x; n*=utf-8''%C3%A9", "a/b", {"n": "é"}, ()),
    (b"a/b; n*=utf-8'en'a%; m*=''%zz", "a/b", {"n": "a%", "m": "%zz"}, ()),
    (
        b"a/b; n*10=k; n*9=j; n*8=i; n*7=h; n*6=g; n*5=f; n*4=e; n*3=d; n*2=c; n*1=b; n*0=a",
        "a/b",
        {"n": "abcdefghijk"},
        (),
    ),
    # 8-bit octets
    (b'a/b; name="caf\xc3\xa9"', "a/b", {"name": "café"}, ()),
    (b'a/b; name="caf\xe9"', "a/b", {"name": "caf\udce9"}, ()),
    # what clients write instead
    (b'a/b; name="=?utf-8?B?5pel5pys?="', "a/b", {"name": "日本"}, ("encoded-word-in-parameter",)),
    (
        b"a/b; name==?utf-8?Q?=C3=A9?=.txt",
        "a/b",
        {"name": "é.txt"},
        ("unquoted-value", "encoded-word-in-parameter"),
    ),
    (
        b'a/b; name="=?utf-8?Q?=C3=A9?=\r\n =?utf-8?Q?=C3=A8?="',
        "a/b",
        {"name": "éè"},
        ("encoded-word-in-parameter",),
    ),
    (b'a/b; name*0="=?utf-8?Q?=C3"; name*1="=A9?="', "a/b", {"name": "é"}, ("encoded-word-in-parameter",)),
    (b'a/b; boundary="=?utf-8?Q?a?="', "a/b", {"boundary": "=?utf-8?Q?a?="}, ()),
    (b"a/b; name=my file (1).pdf; x=y", "a/b", {"name": "my file (1).pdf", "x": "y"}, ("unquoted-value",)),
    (b"a/b; name=file(1).pdf", "a/b", {"name": "file(1).pdf"}, ("unquoted-value",)),
    (b"a/b; boundary=----=_Part_1", "a/b", {"boundary": "----=_Part_1"}, ("unquoted-value",)),
    (b"text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}, ("missing-semicolon",)),
    (
        b"text/plain; charset=utf-8 format=flowed",
        "text/plain",
        {"charset": "utf-8", "format": "flowed"},
        ("missing-semicolon",),
    ),
    (
        b'text/plain; charset="utf-8" format=flowed',
        "text/plain",
        {"charset": "utf-8", "format": "flowed"},
        ("missing-semicolon",),
    ),
    (
        b'text/plain; charset="utf-8; format=flowed',
        "text/plain",
        {"charset": "utf-8", "format": "flowed"},
        ("quoted-string-unclosed",),
    ),
    (
        b"text/plain; charset=utf-8; charset=koi8-r",
        "text/plain",
        {"charset": "utf-8"},
        ("duplicate-parameter",),
    ),
    (b"a/b; n*0=a; n*0=b; n*1=c", "a/b", {"n": "ac"}, ("duplicate-parameter",)),
    (b"a/b; n*0=a; n*2=c", "a/b", {"n": "ac"}, ("continuation-gap",)),
    (b"a/b; n*1=a", "a/b", {"n": "a"}, ("continuation-gap",)),
    (b"a/b; n*=plain", "a/b", {"n": "plain"}, ("invalid-encoding",)),
    (b"a/b; n*=klingon''%C3%A9", "a/b", {"n": "é"}, ("invalid-encoding",)),
    (b"a/b; n*x=1; *=2", "a/b", {"n*x": "1", "*": "2"}, ()),
    (b"a/b;; ;c=d;;", "a/b", {"c": "d"}, ()),
    (b"a/b; flag; c=d", "a/b", {"c": "d"}, ("parameter-without-value",)),
    (b'a/b; ="x"; c=d', "a/b", {"c": "d"}, ("invalid-parameter",)),
    (b'a/b; n="x" y; c=d', "a/b", {"n": "x", "c": "d"}, ("invalid-parameter",)),
    (b"a/b; c=d (e", "a/b", {"c": "d"}, ("comment-unclosed",)),
    (b"text", "text/plain", {}, ("missing-subtype",)),
    (b"text/; charset=x", "text/plain", {"charset": "x"}, ("missing-subtype",)),
    (b"multipart; boundary=x", "multipart/mixed", {"boundary": "x"}, ("missing-subtype",)),
    (b"multipart", "text/plain", {}, ("missing-subtype",)),
    (b"image/", "application/octet-stream", {}, ("missing-subtype",)),
    (b"html", "text/plain", {}, ("invalid-type",)),
    (b"text/html/x; charset=a", "text/plain", {"charset": "a"}, ("invalid-type",)),
    (b"t\xc3\xa9xt/html", "text/plain", {}, ("invalid-type",)),
    (b"", "text/plain", {}, ("missing-type",)),
    (b"; charset=utf-8", "text/plain", {"charset": "utf-8"}, ("missing-type",)),
    (b"charset=utf-8", "text/plain", {"charset": "utf-8"}, ("missing-type",)),
]


@pytest.mark.parametrize(("value", "media", "params", "defects"), CONTENT_TYPES)
def test_parse_content_type(
    value: bytes, media: str, params: dict[str, str], defects: tuple[str, ...]
) -> None:
    parsed = mime.parse_content_type(value)
    assert (str(parsed), parsed.params, parsed.defects) == (media, params, defects)
    assert mime._parse_loose_type(value) == parsed


DISPOSITIONS = [
    # RFC 2183 §3
    (b"inline", "inline", {}, ()),
    (
        b'attachment; filename=genome.jpeg; modification-date="Wed, 12 Feb 1997 16:29:51 -0500";',
        "attachment",
        {"filename": "genome.jpeg", "modification-date": "Wed, 12 Feb 1997 16:29:51 -0500"},
        (),
    ),
    (b"ATTACHMENT;FILENAME=a", "attachment", {"filename": "a"}, ()),
    (b'attachment; filename="a;b.txt"', "attachment", {"filename": "a;b.txt"}, ()),
    (
        b"form-data; name=x; filename*=UTF-8''%E2%82%AC.txt",
        "form-data",
        {"name": "x", "filename": "€.txt"},
        (),
    ),
    (
        b"attachment; filename=euro.txt; filename*=utf-8''%e2%82%ac.txt",
        "attachment",
        {"filename": "€.txt"},
        (),
    ),
    (b"attachment;\n filename*0*=iso-8859-1'en'%a3;\n filename*1*=x", "attachment", {"filename": "£x"}, ()),
    (b'"attachment"; filename="a"', "attachment", {"filename": "a"}, ()),
    (b"filename=foo.pdf", "attachment", {"filename": "foo.pdf"}, ("missing-type",)),
    (b"; filename=foo.pdf", "attachment", {"filename": "foo.pdf"}, ("missing-type",)),
    (b"", "attachment", {}, ("missing-type",)),
    (b"a/b; filename=x", "attachment", {"filename": "x"}, ("invalid-type",)),
    (
        b'attachment; filename="=?iso-2022-jp?B?GyRCRnxLXBsoQi50eHQ=?="',
        "attachment",
        {"filename": "日本.txt"},
        ("encoded-word-in-parameter",),
    ),
]


@pytest.mark.parametrize(("value", "kind", "params", "defects"), DISPOSITIONS)
def test_parse_content_disposition(
    value: bytes, kind: str, params: dict[str, str], defects: tuple[str, ...]
) -> None:
    assert mime.parse_content_disposition(value) == (kind, params, defects)


@pytest.mark.parametrize(
    ("disposition", "media", "name"),
    [
        (b"attachment; filename=a", b"text/plain; name=b", "a"),
        (b"attachment", b"text/plain; name=b", "b"),
        (b'attachment; filename=""', b"text/plain; name=b", "b"),
        (None, b"text/plain; name=b", "b"),
        (b"attachment", None, None),
        (None, b'text/plain; name=""', None),
        (None, None, None),
    ],
)
def test_filename_falls_back_to_name(
    disposition: bytes | None, media: bytes | None, name: str | None
) -> None:
    first = None if disposition is None else mime.parse_content_disposition(disposition)
    second = None if media is None else mime.parse_content_type(media)
    assert mime.filename(first, second) == name


@pytest.mark.parametrize(
    ("value", "encoding"),
    [
        (b"base64", "base64"),
        (b" Quoted-Printable ", "quoted-printable"),
        (b"7BIT (really)", "7bit"),
        (b"(a) base64 (b)", "base64"),
        (b'"8bit";', "8bit"),
        (b"", "7bit"),
        (b"()", "7bit"),
        (b"x-uuencode", "x-uuencode"),
        (b"8 bit\xff", "8 bit\\xff"),
    ],
)
def test_parse_content_transfer_encoding(value: bytes, encoding: str) -> None:
    assert mime.parse_content_transfer_encoding(value) == encoding


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        (b"<a@b>", "a@b"),
        (b" (x) <a@b> (y)", "a@b"),
        (b"a@b", "a@b"),
        (b"<a @ b>", "a@b"),
        (b"<<a@b>>", "a@b"),
        (b"<>", None),
        (b"", None),
    ],
)
def test_parse_content_id(value: bytes, identifier: str | None) -> None:
    assert mime.parse_content_id(value) == identifier


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        (b"en", ["en"]),
        (b"mi, en-AU (both)", ["mi", "en-AU"]),
        (b"i-mingo; de,, ", ["i-mingo", "de"]),
        (b"", []),
    ],
)
def test_parse_content_language(value: bytes, tags: list[str]) -> None:
    assert mime.parse_content_language(value) == tags


@pytest.mark.parametrize(
    ("value", "version"),
    [
        # RFC 2045 §4
        (b"1.0", (1, 0)),
        (b"1.0 (produced by MetaSend Vx.x)", (1, 0)),
        (b"(produced by MetaSend Vx.x) 1.0", (1, 0)),
        (b"1.(produced by MetaSend Vx.x)0", (1, 0)),
        (b"2.10", (2, 10)),
        (b"1", None),
        (b"one.zero", None),
        (b"", None),
    ],
)
def test_parse_mime_version(value: bytes, version: tuple[int, int] | None) -> None:
    assert mime.parse_mime_version(value) == version


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        (b"a (b) c", b"a  c"),
        (b"a (b (c) d) e", b"a  e"),
        (b'a "(b)" c', b'a "(b)" c'),
        (b'a (b " c) d', b"a  d"),
        (b"a (b \\) c) d", b"a  d"),
        (b"a \\(b", b"a \\(b"),
        (b"a (b", b"a "),
        (b"a ) b", b"a ) b"),
        (b'a " (b)', b'a " '),
    ],
)
def test_remove_comments(value: bytes, rest: bytes) -> None:
    assert mime.remove_comments(value) == rest


def test_parse_content_description() -> None:
    assert mime.parse_content_description(b"=?utf-8?q?f=C3=AAte?= (1)") == "fête (1)"


ENCODED = [
    ({"charset": "utf-8"}, [b"charset=utf-8"]),
    ({"n": "a b"}, [b'n="a b"']),
    ({"n": 'a"\\'}, [b'n="a\\"\\\\"']),
    ({"n": ""}, [b'n=""']),
    ({"n": "é"}, [b"n*=utf-8''%C3%A9"]),
    ({"n": "a\r\nb"}, [b"n*=utf-8''a%0D%0Ab"]),
    ({"n": "\udce9'"}, [b"n*=unknown-8bit''%E9%27"]),
    ({"name": "=?utf-8?q?a?="}, [b"name*=utf-8''%3D%3Futf-8%3Fq%3Fa%3F%3D"]),
    ({"n": "x" * 100}, [b'n*0="' + b"x" * 70 + b'"', b'n*1="' + b"x" * 30 + b'"']),
    (
        {"filename": "日本語" * 3},
        [
            b"filename*0*=utf-8''%E6%97%A5%E6%9C%AC%E8%AA%9E%E6%97%A5%E6%9C%AC%E8%AA%9E",
            b"filename*1*=%E6%97%A5%E6%9C%AC%E8%AA%9E",
        ],
    ),
]


@pytest.mark.parametrize(("params", "pieces"), ENCODED)
def test_encode_parameters(params: dict[str, str], pieces: list[bytes]) -> None:
    assert mime.encode_parameters(params) == pieces


@pytest.mark.parametrize(
    "params", [{"": "a"}, {"a b": "c"}, {"a*": "b"}, {"é": "b"}, {"a\r\nX": "b"}, {"a": "\ud800"}]
)
def test_encode_parameters_refuses(params: dict[str, str]) -> None:
    with pytest.raises(DataError):
        mime.encode_parameters(params)


def test_to_bytes_refuses_what_is_no_token() -> None:
    with pytest.raises(DataError):
        mime.ContentType("text", "pl ain", {}).to_bytes()
    with pytest.raises(DataError):
        mime.ContentDisposition("inline\r\nX:", {}).to_bytes()


tokens = st.from_regex(r"[!#$&+.0-9^_`a-z{|}~-]{1,12}", fullmatch=True)
params_of_text = st.dictionaries(tokens, st.text(st.characters(codec="utf-8"), max_size=120), max_size=4)


@given(tokens, tokens, params_of_text)
def test_parse_content_type_reads_what_to_bytes_writes(
    kind: str, subtype: str, params: dict[str, str]
) -> None:
    media = mime.ContentType(kind, subtype, params)
    assert mime.parse_content_type(media.to_bytes()) == media
    folded = b";\r\n ".join((f"{kind}/{subtype}".encode(), *mime.encode_parameters(params)))
    assert mime.parse_content_type(folded) == media
    assert max(map(len, folded.split(b"\r\n"))) <= 78
    assert re.fullmatch(rb"[\r\n -~]*", folded)


@given(tokens, st.text(st.characters(codec="utf-8")))
def test_encode_parameters_is_read_by_the_standard_library(kind: str, value: str) -> None:
    message = email.message.Message()
    pieces = mime.encode_parameters({"filename": value})
    message["Content-Disposition"] = b"; ".join((kind.encode(), *pieces)).decode()
    read = message.get_param("filename", header="content-disposition", unquote=True)
    text = email.utils.collapse_rfc2231_value(read)
    if "'" not in value and '"' not in value and "\\" not in value:  # which it unquotes twice
        assert text == value


@given(st.binary(), st.booleans())
def test_parse_any_octets(value: bytes, prefixed: bool) -> None:
    value = b"text/plain; " + value if prefixed else value
    media = mime.parse_content_type(value)
    assert media.type
    assert media.subtype
    disposition = mime.parse_content_disposition(value)
    mime.filename(disposition, media)
    mime.parse_content_transfer_encoding(value)
    mime.parse_content_id(value)
    mime.parse_content_language(value)
    mime.parse_mime_version(value)


syntax = st.lists(
    st.sampled_from(
        [
            b"a",
            b"/",
            b";",
            b"=",
            b'"',
            b"\\",
            b"(",
            b")",
            b" ",
            b"*",
            b"0",
            b"1",
            b"'",
            b"%41",
            b"\xff",
            b"=?utf-8?q?x?=",
        ]
    )
)


@given(syntax)
def test_parse_content_type_both_ways_agree(pieces: list[bytes]) -> None:
    value = b"a/b;c=" + b"".join(pieces)
    assert mime.parse_content_type(value) == mime._parse_loose_type(value)


def test_parse_content_type_limits_parameters() -> None:
    value = b"a/b" + b"".join(b"; p%d=x" % number for number in range(parameters.MAX_PARAMETERS + 5))
    media = mime.parse_content_type(value)
    assert len(media.params) == parameters.MAX_PARAMETERS
    assert media.defects == ("too-many-parameters",)


HOSTILE: list[Callable[[int], bytes]] = [
    lambda count: b"a/b; " + b"a=b(;" * count + b")" * count + b"x",
    lambda count: b"a/b " + b"(" * count,
    lambda count: b"a/b " + b"(x)" * count,
    lambda count: b'a/b "' + b'"' * count,
    lambda count: b"a/b;" + b'\\"a="' * count,
    lambda count: b"a/b;" + b"a " * count,
    lambda count: b"a/b;" + b"a=b c" * count,
    lambda count: b"a/b;" + b"= =" * count,
    lambda count: b"a/b;" + b"(a)=x;" * count,
    lambda count: b"a/b; a=" + b"b\\" * count,
    lambda count: b"a/b" + b";a=b" * count,
    lambda count: b"a/b" + b";a=" * count,
    lambda count: b"a/b;name=" + b"=?utf-8?q?a?=" * count,
    lambda count: b"a/b;n*=utf-8''" + b"%" * count,
    lambda count: b"a/b;n*=utf-8''" + b"%C3" * count,
]


@pytest.mark.parametrize("value", HOSTILE)
def test_parse_in_linear_time(value: Callable[[int], bytes]) -> None:
    def seconds(count: int) -> float:
        octets = value(count)
        start = time.process_time()
        mime.parse_content_type(octets)
        mime.parse_content_id(octets)
        return time.process_time() - start

    small = min(seconds(5_000) for _ in range(3))
    assert min(seconds(40_000) for _ in range(2)) < 32 * small + 0.01


@pytest.mark.corpus
def test_parse_content_type_agrees_with_the_standard_library_on_the_corpus(corpus: list[bytes]) -> None:
    values = {
        re.sub(rb"\r?\n", b"", value).strip()
        for message in corpus
        for value in re.findall(rb"(?mi)^Content-Type:[ \t]*(.*(?:\n[ \t].*)*)", message)
    }
    assert len(values) > 400
    different = []
    for value in filter(bytes.isascii, values):
        message = email.message.Message()
        message["Content-Type"] = value.decode("ascii", "surrogateescape")
        params = {
            name.lower(): email.utils.collapse_rfc2231_value(text)
            for name, text in message.get_params([])[1:]
            if text
        }
        parsed = mime.parse_content_type(value)
        if (message.get_content_type(), params) != (str(parsed), parsed.params) and not parsed.defects:
            different.append((value, params, parsed))
    assert different == []


@pytest.mark.parametrize("parse", [mime.parse_content_type, mime.parse_content_disposition])
@pytest.mark.parametrize("repeated", [b"; a=b", b";", b"; a", b"(", b"()", b'; a="b', b"; a*1=b", b";="])
def test_long_value_is_read_to_the_limit(parse: Callable[[bytes], mime.ContentType], repeated: bytes) -> None:
    value = b"text/plain; name=x" + repeated * (2 * mime.MAX_VALUE // len(repeated))
    parsed = parse(value)
    assert "long-value" in parsed.defects
    assert parsed.params["name"].startswith("x")


def test_value_at_the_limit_has_no_defect() -> None:
    value = b"text/plain; name=" + b"x" * (mime.MAX_VALUE - 17)
    assert mime.parse_content_type(value).defects == ()
    assert "long-value" in mime.parse_content_type(value + b"x").defects
