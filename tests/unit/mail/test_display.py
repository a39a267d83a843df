import pytest

from blaze.core.mail import display, header
from blaze.core.mail.header import Field
from blaze.core.mail.window import CHUNK


def field(octets: bytes) -> Field:
    return next(iter(header.parse(octets + b"\n\n")))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("subject", "Subject"),
        ("MESSAGE-ID", "Message-ID"),
        ("mime-version", "MIME-Version"),
        ("content-md5", "Content-MD5"),
        ("dkim-signature", "DKIM-Signature"),
        ("X-MSMail-PRIORITY", "X-MSMail-PRIORITY"),
        ("x-mimeOLE", "X-MimeOLE"),
        ("List-ID", "List-ID"),
        ("-", "-"),
    ],
)
def test_canonical_name(name: str, shown: str) -> None:
    assert display.canonical_name(name) == shown


@pytest.mark.parametrize(
    ("octets", "plain", "decoded"),
    [
        (b"Subject: =?utf-8?q?caf=C3=A9?=", ["=?utf-8?q?caf=C3=A9?="], ["café"]),
        (b"Subject:  a\r\n  b ", ["a  b"], ["a  b"]),
        (b"Subject: \xe9", ["\udce9"], ["\udce9"]),
        (b"Subject: =?utf-8?q?a=0Ab?=", ["=?utf-8?q?a=0Ab?="], ["a b"]),
        (b"Date: Thu, 30 Mar 2017 15:00 EST", ["2017-03-30 15:00:00 -05:00"], ["2017-03-30 15:00:00 -05:00"]),
        (b"Date: soon", ["soon"], ["soon"]),
        (b"To: a@b, C <c@d>", ["a@b,", "C <c@d>"], ["a@b,", "C <c@d>"]),
        (b"To: =?utf-8?q?=C3=89?= <e@f>", ["=?utf-8?q?=C3=89?= <e@f>"], ["É <e@f>"]),
        (b"To: g: a@b, c@d;, e@f", ["g: a@b,", "c@d;,", "e@f"], ["g: a@b,", "c@d;,", "e@f"]),
        (b"To: nobody:;", ["nobody:;"], ["nobody:;"]),
        (b"To: no address", ["no address"], ["no address"]),
        (b"To: a@b c.example, d@e", ["a@b c.example, d@e"], ["a@b c.example, d@e"]),
        (b"To: <a@b>c.example", ["<a@b>c.example"], ["<a@b>c.example"]),
    ],
)
def test_field_lines(octets: bytes, plain: list[str], decoded: list[str]) -> None:
    assert display.field_lines(field(octets), decode=False) == plain
    assert display.field_lines(field(octets), decode=True) == decoded


@pytest.mark.parametrize(
    "value",
    [
        b"x" * (display.MAX_VALUE + 1),
        b"a\r\n b\n\tc\rd\r\r\n e" * (display.MAX_VALUE // 10),
        b"".join(b"z" * (CHUNK - 3 + shift) + "é".encode() + b"\r\n " for shift in range(24)),
        b"\xe9\x80" * display.MAX_VALUE,
    ],
    ids=["one line", "folded", "newlines and characters across the seams", "no UTF-8"],
)
def test_long_value_comes_in_pieces_and_is_cut_for_a_person(value: bytes) -> None:
    long = field(b"Subject: " + value)
    assert display.is_long(long)
    assert "".join(display.iter_value(long)).rstrip(" ") == display.text_of(long, decode=False)
    (line,) = display.field_lines(long, decode=True)
    assert line.endswith("...")
    assert len(line) <= CHUNK + 3


def test_value_at_the_limit_is_not_long() -> None:
    at_limit = field(b"Subject: " + b"x" * (display.MAX_VALUE - 3))
    assert not display.is_long(at_limit)
    assert not display.field_lines(at_limit, decode=True)[0].endswith("...")
