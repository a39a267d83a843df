import pytest
from hypothesis import given, strategies as st

from blaze.core.auth.dkim import Signable
from blaze.core.mail import header

PIECES = [
    b"A: 1\r\n",
    b"a : 2\n",
    b"B:\n",
    b" folded\r\n",
    b"no field\n",
    b"\xff: x\n",
    b"From a b\n",
    b":\n",
    b"\r\n",
    b"\xef\xbb\xbf",
    b"x",
]


def listed(octets: bytes) -> list[tuple[bytes, int, int, int]]:
    return [(field.key, field.start, field.colon, field.end) for field in header.parse(octets)]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join) | st.binary(max_size=60))
def test_fields_are_those_of_the_header(octets: bytes) -> None:
    signable = Signable(octets)
    found = [(f.key, f.start, f.colon, f.end) for name in signable.names for f in signable.fields(name)]
    assert sorted(found, key=lambda row: row[1]) == listed(octets)


@pytest.mark.parametrize("count", [9_000, 10_000, 10_001, 20_000])
def test_fields_of_large_headers_are_those_of_the_header(count: int) -> None:
    octets = b"a:\n" * count + b"\nbody"
    signable = Signable(octets)
    assert signable.count(b"a") == len(listed(octets)) == min(count, header.MAX_FIELDS)
    assert signable.truncated == (count > header.MAX_FIELDS)
