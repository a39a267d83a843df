"""A sample of the inputs of the fuzz targets of tags, keys, DKIM and ARC."""

from hypothesis import given, strategies as st

from tests.fuzz.fuzz_arc import fuzz_arc
from tests.fuzz.fuzz_dkim import fuzz_dkim
from tests.fuzz.fuzz_keys import fuzz_keys
from tests.fuzz.fuzz_tags import fuzz_tags

WORDS = [
    b"DKIM-Signature: ",
    b"ARC-Seal: ",
    b"ARC-Message-Signature: ",
    b"ARC-Authentication-Results: i=1; ",
    b"Authentication-Results: example.org; spf=pass (c)",
    b"From: a@example.org",
    b"v=1; a=ed25519-sha256; ",
    b"d=example.org; s=s; ",
    b"h=from:from:to; ",
    b"bh=AAAA; ",
    b"b=QUJD",
    b"i=1; cv=none; ",
    b"i=2; cv=pass; ",
    b"l=3; ",
    b"c=relaxed/simple; ",
    b"x=1; t=2; ",
    b"v=DKIM1; p=",
    b"k=ed25519; ",
    b";",
    b"=",
    b":",
    b'"',
    b"(",
    b"\\",
    b"\r\n",
    b"\n",
    b"\r\n ",
    b"\n\n",
    b"\r",
    b" ",
    b"\t",
    b"\x00",
    b"\x0b",
    b"\xff",
    "ü".encode(),
    b"a" * 80,
]
octets = st.lists(st.sampled_from(WORDS) | st.binary(max_size=3), max_size=25).map(b"".join)


@given(octets)
def test_fuzz_tags(data: bytes) -> None:
    fuzz_tags(data)


@given(octets)
def test_fuzz_keys(data: bytes) -> None:
    fuzz_keys(data)


@given(octets)
def test_fuzz_dkim(data: bytes) -> None:
    fuzz_dkim(data)


@given(octets)
def test_fuzz_arc(data: bytes) -> None:
    fuzz_arc(data)
