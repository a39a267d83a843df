"""Tag=value lists (RFC 6376 §3.2)."""

import base64

import pytest
from hypothesis import given, strategies as st

from blaze.core.auth import tags
from blaze.core.errors import DataError

WELL_FORMED = [
    (b"", []),
    (b"a=1", [(b"a", b"1")]),
    (b"a=1;", [(b"a", b"1")]),
    (b"a=1; \r\n", [(b"a", b"1")]),
    (b" a = 1 ;\r\n\tb\t=\t2\r\n ", [(b"a", b"1"), (b"b", b"2")]),
    (b"a=;b=", [(b"a", b""), (b"b", b"")]),
    (b"p=ab cd\r\n ef", [(b"p", b"ab cd\r\n ef")]),
    (b"z=a=b=c", [(b"z", b"a=b=c")]),
    (b"x_1=y; A=1; a=2", [(b"x_1", b"y"), (b"A", b"1"), (b"a", b"2")]),
    ("d=münchen.example".encode(), [(b"d", "münchen.example".encode())]),
]


@pytest.mark.parametrize(("raw", "expected"), WELL_FORMED)
def test_parse_well_formed(raw: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert [(tag.name, tag.value) for tag in tags.parse(raw)] == expected


MALFORMED = [
    (b"a", "not-a-tag", 0),
    (b"a=1;b", "not-a-tag", 4),
    (b"a=1;;b=2", "empty-tag", 4),
    (b";a=1", "empty-tag", 0),
    (b"1a=1", "not-a-tag", 0),
    (b"a b=1", "not-a-tag", 0),
    (b"a=1; _b=2", "not-a-tag", 4),
    (b"a=1; b=\x00", "bad-character", 4),
    (b"a=1; b=x\ry", "bad-character", 4),
    (b"a=1; b=x\x0by", "bad-character", 4),
    (b"=1", "not-a-tag", 0),
]


@pytest.mark.parametrize(("raw", "name", "offset"), MALFORMED)
def test_scan_malformed(raw: bytes, name: str, offset: int) -> None:
    assert tags.scan(raw).defects == ((name, offset),)
    with pytest.raises(DataError, match=name) as caught:
        tags.parse(raw)
    assert str(offset) in str(caught.value.where)


def test_scan_keeps_what_is_well_formed() -> None:
    listed = tags.scan(b"v=DMARC1; p=none; rubbish; adkim=s")
    assert [tag.name for tag in listed] == [b"v", b"p", b"adkim"]


def test_duplicates_keep_the_first_value() -> None:
    listed = tags.parse(b"a=1; b=2; a=3; b=4; A=5")
    assert listed.duplicates == (b"a", b"b")
    assert (listed.get(b"a"), listed.get(b"b"), listed.get(b"A")) == (b"1", b"2", b"5")


def test_offsets_enclose_the_value_and_its_white_space() -> None:
    raw = b"a=1;\r\n b = x y \r\n ; c=3"
    tag = tags.parse(raw)[b"b"]
    assert raw[tag.start : tag.end] == b" x y \r\n "
    assert tag.value == b"x y"


def test_get_tells_missing_from_empty() -> None:
    listed = tags.parse(b"a=; b=1")
    assert listed.get(b"a") == b""
    assert listed.get(b"c") is None
    assert b"a" in listed
    assert b"c" not in listed
    assert len(listed) == 2
    with pytest.raises(KeyError):
        listed[b"c"]


@pytest.mark.parametrize("value", [b"QUJD", b"Q U\r\n JD", b"QUI=", b"QQ==", b""])
def test_decode_base64_with_white_space(value: bytes) -> None:
    assert tags.decode_base64(value) == base64.b64decode(value)


@pytest.mark.parametrize(
    "value", [b"Q", b"QUJD!", b"QUI", b"QQ=", b"=QQ=", b"QUJD=", b"QUJD====", b"not_base_64", b"Q\x80=="]
)
def test_decode_base64_refuses(value: bytes) -> None:
    with pytest.raises(DataError):
        tags.decode_base64(value)


@pytest.mark.parametrize(
    ("value", "items"),
    [
        (b"", [b""]),
        (b"a:b", [b"a", b"b"]),
        (b" a :\r\n\tb ", [b"a", b"b"]),
        (b"a::b", [b"a", b"", b"b"]),
        (b"a b:c", [b"a b", b"c"]),
    ],
)
def test_split_colons(value: bytes, items: list[bytes]) -> None:
    assert tags.split_colons(value) == items


names = st.from_regex(rb"\A[A-Za-z][A-Za-z0-9_]{0,8}\Z")
values = st.from_regex(rb"\A([!-:<-~\x80-\xff]([!-:<-~\x80-\xff \t]{0,10}[!-:<-~\x80-\xff])?)?\Z")


@given(st.lists(st.tuples(names, values), unique_by=lambda pair: pair[0]))
def test_parse_undoes_to_bytes(pairs: list[tuple[bytes, bytes]]) -> None:
    raw = b"; ".join(name + b"=" + value for name, value in pairs)
    listed = tags.parse(raw)
    assert [(tag.name, tag.value) for tag in listed] == pairs
    assert listed.to_bytes() == raw
    for tag in listed:
        assert raw[tag.start : tag.end].strip() == tag.value
