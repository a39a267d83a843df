"""Flags and labels as the formats spell them."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.store.flags import (
    Marks,
    from_header,
    is_expunged,
    is_keyword,
    normalize,
    to_status,
    without_status,
)


@pytest.mark.parametrize(
    ("header", "marks"),
    [
        (b"", Marks("", (), True)),
        (b"Subject: x\n", Marks("", (), True)),
        (b"Status: RO\n", Marks("S", (), False)),
        (b"Status: O\n", Marks("", (), False)),
        (b"status:ro\n", Marks("", (), True)),
        (b"Status: resolved\n", Marks("", (), True)),
        (b"A: b\nStatus: RO\n folded\n", Marks("", (), True)),
        (b"Status: RO\r\nX-Status: AF\r\n", Marks("FRS", (), False)),
        (b"A: b\nX-Status: AFDT\nStatus: O\n", Marks("DFRT", (), False)),
        (b"X-Mozilla-Status: 0001\nX-Mozilla-Status2: 00000000\n", Marks("S", (), False)),
        (b"X-Mozilla-Status: 1007\n", Marks("FPRS", (), False)),
        (b"X-Mozilla-Status: 0000\nX-Mozilla-Status2: 00200000\n", Marks("T", (), True)),
        (b"X-Mozilla-Status: none\n", Marks("", (), True)),
        (b"X-Keywords: work $Junk    \nStatus: O\n", Marks("", ("work", "$Junk"), False)),
        (b"X-Keywords: $Forwarded a\n", Marks("", ("$Forwarded", "a"), True)),
        (b"X-Status: P\n", Marks("P", (), True)),
        (b"X-Gmail-Labels: Inbox,Starred,Work\n", Marks("FS", ("Inbox", "Starred", "Work"), False)),
        (b"X-Gmail-Labels: Unread,Trash\n", Marks("T", ("Unread", "Trash"), False)),
        (b'X-Gmail-Labels: "a, b",c\n', Marks("S", ("a, b", "c"), False)),
        (b"X-Gmail-Labels: =?UTF-8?Q?Entw=C3=BCrfe,Wichtig?=\n", Marks("S", ("Entwürfe", "Wichtig"), False)),
        (b"X-Gmail-Labels: a,\n b\n", Marks("S", ("a", "b"), False)),
        (b"Status: O\nX-Mozilla-Status: 0001\n", Marks("", (), False)),
        (b"Status: \nX-Gmail-Labels: a\n", Marks("", ("a",), True)),
    ],
)
def test_from_header(header: bytes, marks: Marks) -> None:
    assert from_header(header) == marks


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"X-Mozilla-Status: 0009\n", True),
        (b"X-Mozilla-Status: 8008\n", True),
        (b"X-Mozilla-Status: 0001\n", False),
        (b"X-Mozilla-Status2: 00000008\n", False),
        (b"Status: O\nX-Mozilla-Status: 0009\n", False),
        (b"Subject: X-Mozilla-Status: 0009\n", False),
    ],
)
def test_is_expunged(header: bytes, expected: bool) -> None:
    assert is_expunged(header) is expected


@pytest.mark.parametrize(
    ("marks", "front"),
    [
        (Marks("", (), True), b""),
        (Marks("", (), False), b"Status: O\n"),
        (Marks("S"), b"Status: RO\n"),
        (Marks("FR", (), True), b"X-Status: AF\nStatus: \n"),
        (Marks("DT"), b"X-Status: DT\nStatus: O\n"),
        (Marks("PS", ("a", "not a keyword")), b"X-Keywords: a\nX-Status: P\nStatus: RO\n"),
    ],
)
def test_to_status(marks: Marks, front: bytes) -> None:
    assert to_status(b"A: b\n", marks) == front + b"A: b\n"


def test_to_status_overrules_other_programs_fields() -> None:
    header = b"X-Mozilla-Status: 0009\n"
    written = to_status(header, Marks("", (), True))
    assert written == b"Status: \n" + header
    assert from_header(written) == Marks("", (), True)
    assert not is_expunged(written)


def test_to_status_states_no_keyword_twice() -> None:
    header = b"X-Keywords: a\n"
    assert to_status(header, Marks("S", ("a", "b"))) == b"X-Keywords: b\nStatus: RO\n" + header


@pytest.mark.parametrize(
    ("header", "length", "expected"),
    [
        (b"A: b\n", 5, b"Content-Length: 5\nStatus: O\nA: b\n"),
        (b"Content-Length: 5\n", 5, b"Status: O\nContent-Length: 5\n"),
        (
            b"content-length: 6\nX-Original-Content-Length: 7\n",
            5,
            (
                b"Content-Length: 5\nStatus: O\n"
                b"X-Original-content-length: 6\nX-Original-X-Original-Content-Length: 7\n"
            ),
        ),
    ],
)
def test_to_status_gives_the_length(header: bytes, length: int, expected: bytes) -> None:
    assert to_status(header, Marks(), length=length) == expected
    assert without_status(expected) == header


headers = st.lists(
    st.sampled_from(
        [
            b"A: b\n",
            b"Status: resolved\n",
            b"Content-Length: 9\n",
            b"X-Original-Content-Length: 9\n",
            b"X-Mozilla-Status: 0009\n",
            b"X-Keywords: own\n",
            b" folded\n",
            b"X-Gmail-Labels: Work\n",
        ]
    ),
    max_size=5,
).map(b"".join)


@given(
    headers,
    st.sets(st.sampled_from("DFPRST")),
    st.sets(st.sampled_from("abc")),
    st.none() | st.integers(0, 10),
)
def test_without_status_undoes_to_status(
    header: bytes, letters: set[str], labels: set[str], length: int | None
) -> None:
    marks = Marks(normalize("".join(letters)), tuple(sorted(labels)), "S" not in letters)
    written = to_status(header, marks, length=length)
    assert without_status(written) == header
    read = from_header(written)
    assert read.flags == marks.flags
    assert set(labels) <= set(read.labels)
    assert read.is_new == marks.is_new


@pytest.mark.parametrize("label", ["work", "$Junk", "a-b_c.d"])
def test_is_keyword(label: str) -> None:
    assert is_keyword(label)


@pytest.mark.parametrize(
    "label", ["", "two words", "é", "a(b", "a\\b", "a]b", 'a"b', "a%", "a*", "a\x7f", "a\n"]
)
def test_is_keyword_refuses(label: str) -> None:
    assert not is_keyword(label)
