"""Verdicts put into a message: what was forged goes, all else stays."""

import pytest

from blaze.core.auth import stamp
from blaze.core.mail import header

FIELD = b"Authentication-Results: mx.test; none\r\n"


def stamped(message: bytes, authserv_id: str = "mx.test") -> bytes:
    head = header.parse(message)
    removed = stamp.find_forged(head, authserv_id)
    return b"".join(stamp.iter_stamped(message, head, len(message), fields=[FIELD], removed=removed))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b"From: a@b.org\r\n\r\nbody", FIELD + b"From: a@b.org\r\n\r\nbody"),
        (b"\r\nbody", FIELD + b"\r\nbody"),
        (b"no header here\r\n", FIELD + b"\r\nno header here\r\n"),
        (b"", FIELD + b"\r\n"),
        (b"From ann Mon Jan  1 00:00:00 2026\nA: b\n\nx",
        b"From ann Mon Jan  1 00:00:00 2026\n" + FIELD + b"A: b\n\nx"),
        (b"A: b", FIELD + b"A: b"),
        (b"A: \xff\x00\r mixed\nB: c\r\n\r\n\x00\xff", FIELD + b"A: \xff\x00\r mixed\nB: c\r\n\r\n\x00\xff"),
    ],
)  # fmt: skip
def test_iter_stamped_keeps_every_octet(message: bytes, expected: bytes) -> None:
    assert stamped(message) == expected


@pytest.mark.parametrize(
    ("value", "forged"),
    [
        (b"mx.test; dkim=pass", True),
        (b" MX.Test. 1; dkim=pass", True),
        (b'"mx.test"; dkim=pass', True),
        (b"(c) mx.test (d); dkim=pass", True),
        (b"\r\n mx.test; dkim=pass", True),
        (b"; dkim=pass", True),
        (b"", True),
        (b"other.test; dkim=pass", False),
        (b"sub.mx.test; dkim=pass", False),
        (b"mx.test.org; dkim=pass", False),
        (b"other.test; x=pass reason=\"mx.test\"", False),
    ],
)  # fmt: skip
def test_iter_stamped_takes_out_what_speaks_in_our_name(value: bytes, forged: bool) -> None:
    field = b"authentication-RESULTS:" + value + b"\r\n"
    message = b"A: 1\r\n" + field + b"B: 2\r\n" + field + b"\r\nbody"
    kept = b"" if forged else field
    assert stamped(message) == FIELD + b"A: 1\r\n" + kept + b"B: 2\r\n" + kept + b"\r\nbody"


@pytest.mark.parametrize(
    ("message", "newline"),
    [
        (b"A: b\r\nC: d\n\n", b"\r\n"),
        (b"A: b\nC: d\r\n", b"\n"),
        (b"", b"\n"),
        (b"A: b", b"\n"),
        (b"\r\nx", b"\r\n"),
    ],
)
def test_newline_of(message: bytes, newline: bytes) -> None:
    assert stamp.newline_of(message, header.parse(message)) == newline
