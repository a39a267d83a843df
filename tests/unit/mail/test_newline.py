"""Octets whose newlines are all CRLF."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail.newline import is_crlf


@pytest.mark.parametrize(
    ("octets", "verdict"),
    [
        (b"", True),
        (b"no newline", True),
        (b"a\r\nb\r\n", True),
        (b"\r\n\r\n", True),
        (b"a\nb", False),
        (b"a\r\nb\n", False),
        (b"a\rb", False),
        (b"a\r\r\n", False),
        (b"\n\r", False),
        (b"a\r\n\r", False),
        (b"\r\r\n\n", False),
    ],
)
def test_is_crlf(octets: bytes, verdict: bool) -> None:
    assert is_crlf(octets) is verdict


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"])).map(b"".join))
def test_is_crlf_is_what_counting_says(octets: bytes) -> None:
    pairs = octets.count(b"\r\n")
    assert is_crlf(octets) is (octets.count(b"\r") == octets.count(b"\n") == pairs)
