"""A sample of the fuzz targets' inputs, from the pieces that matter to each grammar."""

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from tests.fuzz.fuzz_address import fuzz_address
from tests.fuzz.fuzz_date import fuzz_date
from tests.fuzz.fuzz_ids import fuzz_ids
from tests.fuzz.fuzz_received import fuzz_received

PIECES = (
    *(bytes([octet]) for octet in b"\"()<>@,;:.\\ []=+-/'a1\0\xff\t\n"),
    *(b"\r\n ", b"\xc3\xa9", b"\xef\xbc\xa0", b"\xc2\xa0", b"=?utf-8?q?a?=", b"[192.0.2.1]", b"xn--a."),
    *(b"Mon", b"30", b"Mar", b"2017", b"15:00:00", b"+0200", b"GMT", b"PM"),
    *(b"from ", b"by ", b"with ", b"id ", b"for ", b"tls ", b"helo=", b"(TLS1.3)", b"a@b.example"),
)
DATA = st.binary(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)


@pytest.mark.parametrize("fuzz", [fuzz_address, fuzz_date, fuzz_ids, fuzz_received])
@given(data=DATA)
def test_fuzz_target_lets_nothing_pass(fuzz: Callable[[bytes], None], data: bytes) -> None:
    fuzz(data)
