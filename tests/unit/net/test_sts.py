"""MTA-STS policies: read, refused, matched."""

import pytest

from blaze.core.auth.resolver import Rcode
from blaze.core.errors import DataError
from blaze.core.net.sts import Policy, find_announcement, parse
from tests.support.zone import Zone

GOOD = (
    b"version: STSv1\nmode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backup.example.com\n"
    b"max_age: 604800\n"
)


@pytest.mark.parametrize("text", [GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD + b"\nextra: ignored\n"])
def test_parse_reads_the_example(text: bytes) -> None:
    assert parse(text) == Policy(
        "enforce", ("mail.example.com", "*.example.net", "backup.example.com"), 604800
    )


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff\xfe",
        GOOD.replace(b"STSv1", b"STSv2"),
        GOOD.replace(b"enforce", b"force"),
        GOOD.replace(b"604800", b"-1"),
        GOOD.replace(b"mx: ", b"host: "),
        GOOD.replace(b"*.example.net", b"*.*.net"),
        GOOD.replace(b"*.example.net", b"a*.example.net"),
        GOOD + b"no colon\n",
        b"x" * 100_000,
    ],
)
def test_parse_refuses(text: bytes) -> None:
    with pytest.raises(DataError):
        parse(text)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.Example.Com", True),
        ("mx1.example.net", True),
        ("example.net", False),
        ("a.b.example.net", False),
        ("mail.example.com.evil.test", False),
    ],
)
def test_allows_matches_one_label(host: str, allowed: bool) -> None:
    assert parse(GOOD).allows(host) is allowed


@pytest.mark.parametrize(
    ("records", "id_"),
    [
        (b"v=STSv1; id=20160831085700Z;", "20160831085700Z"),
        (b"v=STSv1;id=1", "1"),
        (b"v=STSv1; extension=x; id=1; other=y", "1"),
        ([b"v=spf1 -all", b"v=STSv1; id=1"], "1"),
        ([b"v=STSv1; id=1", b"v=STSv1; id=2"], None),
        (b"v=STSv1;", None),
        (b"v=STSv1; id=not an id", None),
        (b"v=STSv1; id=" + b"1" * 33, None),
        (b"v=STSv2; id=1", None),
        (b"\xff\x00", None),
        ([], None),
        (Rcode.NXDOMAIN, None),
        (Rcode.SERVFAIL, None),
    ],
)
def test_find_announcement(records: bytes | list[bytes] | Rcode, id_: str | None) -> None:
    assert find_announcement("one.test", Zone({"_mta-sts.one.test": records})) == id_
