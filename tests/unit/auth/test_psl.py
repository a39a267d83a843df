"""The public suffix list: the algorithm of publicsuffix.org on a small list."""

import pytest

from blaze.core.auth.psl import parse
from blaze.core.errors import DataError

LIST = """
// a comment
com
uk
co.uk
*.ck
!www.ck
*.kobe.jp
jp
!city.kobe.jp
公司.cn
cn   trailing words
blogspot.com
""".encode()


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("com", "com"),
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("co.uk", "co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("a.example.co.uk", "example.co.uk"),
        ("example.uk", "example.uk"),
        ("ck", "ck"),
        ("test.ck", "test.ck"),
        ("b.test.ck", "b.test.ck"),
        ("a.b.test.ck", "b.test.ck"),
        ("www.ck", "www.ck"),
        ("x.www.ck", "www.ck"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("x.city.kobe.jp", "city.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("x.xn--55qx5d.cn", "x.xn--55qx5d.cn"),
        ("y.x.xn--55qx5d.cn", "x.xn--55qx5d.cn"),
        ("ann.blogspot.com", "ann.blogspot.com"),
        ("unlisted", "unlisted"),
        ("b.unlisted", "b.unlisted"),
        ("a.b.unlisted", "b.unlisted"),
        (".".join("a" * 2000) + ".com", "a.com"),
    ],
)
def test_organizational_domain(domain: str, expected: str) -> None:
    assert parse(LIST).organizational_domain(domain) == expected


@pytest.mark.parametrize("data", [b"", b"// nothing\n\n", b"\xff\xfe"])
def test_parse_refuses_what_is_no_list(data: bytes) -> None:
    with pytest.raises(DataError):
        parse(data)
