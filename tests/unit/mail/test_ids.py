import time

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail.ids import MAX_IDS, format_message_id, parse_message_ids


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b>", ["a@b"]),
        (" <a@b>\r\n\t<c@d> ", ["a@b", "c@d"]),
        ("<a@b><c@d>", ["a@b", "c@d"]),
        ("<a@b>, <c@d>;", ["a@b", "c@d"]),
        ("<a@b> (was <x@y>) <c@d>", ["a@b", "c@d"]),
        ("(<x@y>)", []),
        ("", []),
        ("<>", []),
        ("< >", []),
        ("<a@[192.0.2.1]>", ["a@[192.0.2.1]"]),
        ('<"a b"@c>', ['"ab"@c']),
        ('<"a>b"@c>', ['"a>b"@c']),
        ('Your message of "Thu, 1 Jan <x@y>" <a@b>', ["a@b"]),
        ("Message from Joe of Thu, 1 Jan 1998. <a@b>", ["a@b"]),
        ("Joe's message of 1 Jan 1998 15:00", []),
        ("<a@b\r\n c.d>", ["a@bc.d"]),
        ("<a @ b>", ["a@b"]),
        ("<a@b", ["a@b"]),
        ("<a@b <c@d>", ["a@b", "c@d"]),
        ('<"from <a@b>', ["a@b"]),
        ("<<a@b>>", ["a@b"]),
        ("a@b", ["a@b"]),
        ("a@b c@d", ["a@b", "c@d"]),
        ("a@b, word", ["a@b"]),
        ("20170330", ["20170330"]),
        ("two words", []),
        ("<no-at-sign>", ["no-at-sign"]),
        ("<é@b>", ["é@b"]),
        ("<a@b> trailing@c", ["a@b"]),
        ('"<a@b>', ["a@b"]),
        ("<a(b@c>", ["a(b@c"]),
        ("<", []),
        (
            "=?utf-8?q?=3Ca-long-one-from-the-standard-library-of?=\r\n =?utf-8?q?-Python=40b=3E?=",
            ["a-long-one-from-the-standard-library-of-Python@b"],
        ),
        ("<a@b> =?utf-8?q?=3Cc=40d=3E_=3Ce=40f=3E?= <g@h>", ["a@b", "c@d", "e@f", "g@h"]),
        ("=?us-ascii?Q?<a$=3D=3D@b>?=", ["a$==@b"]),
        ("=?utf-8?q?J=C3=B6rg=28=22?= <a@b>", ["a@b"]),
        ("<=?x?q?y?=@z>", ["=?x?q?y?=@z"]),
    ],
    ids=ascii,
)
def test_parse_message_ids(value: str, ids: list[str]) -> None:
    assert parse_message_ids(value.encode()) == ids


def test_parse_message_ids_keeps_octets_that_are_no_utf_8() -> None:
    assert parse_message_ids(b"<\xff@b>") == ["\udcff@b"]


@pytest.mark.parametrize(
    "unit",
    [
        "<a@b>",
        "<a@b> (",
        "<",
        '<"',
        '"',
        "(",
        "a@b ",
        "<a ",
        '<"a"',
        '<"\\',
        "\\",
        ">",
        " ",
        "<\r\n ",
        '<" @"',
    ],
)
def test_parse_message_ids_takes_linear_time_and_gives_a_bounded_number(unit: str) -> None:
    value = (unit * ((1 << 18) // len(unit))).encode()
    start = time.process_time()
    assert len(parse_message_ids(value)) <= MAX_IDS
    assert time.process_time() - start < 3  # a quadratic step takes far longer


@given(st.lists(st.from_regex(r"\A[a-z0-9.$+%-]{1,8}@[a-z0-9.-]{1,8}\Z"), max_size=5))
def test_parse_message_ids_undoes_format_message_id(ids: list[str]) -> None:
    assert parse_message_ids("\r\n ".join(map(format_message_id, ids)).encode()) == ids
    assert parse_message_ids(b"(x)" + " ".join(map(format_message_id, ids)).encode()) == ids


@pytest.mark.parametrize("identifier", ["", "a b", "a>b", "<a@b>", "a\r\n", "a\0", "a\x7f"])
def test_format_message_id_refuses(identifier: str) -> None:
    with pytest.raises(DataError):
        format_message_id(identifier)
