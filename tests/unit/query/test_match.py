"""What is read of a message, and whether a query matches it."""

import base64
from datetime import UTC, timedelta, timezone

import pytest

from blaze.core.mail import message
from blaze.core.query import content, parse
from blaze.core.query.match import facts_of, matches
from blaze.core.query.terms import COLUMNS

MESSAGE = b"""\
From: =?utf-8?q?Ren=C3=A9e?= Doe <renee@example.org>
To: list@example.com
Cc: Bob <bob@example.net>
Subject: Running the annual =?utf-8?b?5p2x5Lqs6YO9?= meetings
Date: Fri, 01 Mar 2024 00:30:00 +0100
Message-ID: <one@example.org>
List-Id: The list <dev.lists.example.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=a

--a
Content-Type: text/plain; format=flowed

We spoke about the first\x20
quarter.

Alice wrote:
> an elephant in the room

--\x20
Renee, chair
--a
Content-Type: text/html

<p>We spoke<br>about <b>hyper</b>bole</p><script>var hidden;</script>
--a--
--b
Content-Type: application/pdf; name=x.pdf
Content-Disposition: attachment; filename="Budget 2024.pdf"

%PDF
--b--
"""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("run", True),
        ("meeting", True),
        ("subject:meeting", True),
        ('"annual meetings"', False),
        ('"annual"', True),
        ('subject:"run"', False),
        ("from:renee", True),
        ("from:RENÉE", True),
        ("from:renee@example.org", True),
        ("from:ren*", True),
        ("from:doing", False),
        ("to:bob", False),
        ("cc:bob", True),
        ('"first quarter"', True),
        ("body:elephant", True),
        ("body:annual", False),
        ("hyperbole", True),
        ("hidden", False),
        ("attachment:budget", True),
        ("list:dev", True),
        ("list:dev.lists.example.com", True),
        ("東京", True),
        ("京", True),
        ("京東", False),
        ("都", True),
        ("has:attachment", True),
        ("is:flagged", True),
        ("is:unread", True),
        ("is:seen", False),
        ("larger:100 smaller:2k", True),
        ("larger:2k", False),
        ("mid:one@example.org", True),
        ("mid:One@example.org", False),
        ("date:2024-02-29", True),
        ("date:2024-03-01", False),
        ("date:2024-02..2024-02", True),
        ("date:..2024-01", False),
        ("zebra or elephant", True),
        ("zebra elephant", False),
        ("elephant -zebra", True),
        ("not (zebra or elephant)", False),
        ("...", True),
    ],
)
def test_matches(query: str, expected: bool) -> None:
    assert matches(parse(query), facts_of(MESSAGE, "F"), zone=UTC) is expected
    assert matches(parse(f"-({query})" if query else "-*"), facts_of(MESSAGE, "F"), zone=UTC) is not expected


def test_matches_dates_in_the_zone_given() -> None:
    facts = facts_of(MESSAGE)
    east = timezone(timedelta(hours=1))
    assert matches(parse("date:2024-03-01"), facts, zone=east)
    assert not matches(parse("date:2024-02-29"), facts, zone=east)
    assert not matches(parse("date:1970.."), facts_of(b"Subject: no date\n\n"), zone=UTC)


def test_read_parts_own_words_from_repeated_ones() -> None:
    texts = dict(zip(COLUMNS, content.read(message.parse(MESSAGE)).texts, strict=True))
    assert "first quarter" in texts["body"]
    assert "elephant" not in texts["body"]
    for repeated in ("Alice wrote:", "an elephant", "Renee, chair", "hyperbole"):
        assert repeated in texts["quoted"]
    assert texts["attachment"] == "Budget 2024.pdf"
    assert texts["subject"] == "Running the annual 東京都 meetings"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br>b", ["a", "b"]),
        ("in<b>line</b>", ["inline"]),
        ("<td>x</td><td>y</td>", ["x", "y"]),
        ("<!-- no -->yes", ["yes"]),
        ("<style>p{}</style>x", ["x"]),
        ("a &amp; b &eacute;", ["a", "&", "b", "é"]),
        ("1 < 2 and <3", ["1", "<", "2", "and", "<3"]),
        ("own<blockquote>theirs</blockquote>own", ["own", ">", "theirs", "own"]),
        ("<script>never closed", []),
    ],
)
def test_html_text(html: str, text: list[str]) -> None:
    assert content.html_text(html).split() == text


def test_html_text_is_linear() -> None:
    for bad in ("<!--", "<", "<script", "</", "<blockquote>", "<p "):
        assert content.html_text(bad * 100_000) is not None


def test_read_takes_any_octets() -> None:
    found = content.read(message.parse(b"Subject: \x00\xff\r\nDate: never\r\n\r\n\xff\x00"))
    assert found.links.date is None
    assert "\0" not in "".join(found.texts)
    "".join(found.texts).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x>", ("a@x",)),
        ("<a@x> <b@x>", ("a@x", "b@x")),
        ("Message from Ann <ann@x> of Monday. <a@x>", ("a@x",)),
        ("Message from Ann <ann@x> of Monday. <a@x> <b@x>", ("a@x", "b@x")),
        ('<a@x> from "Ann" <ann@x> at noon', ("a@x",)),
        ("Message from Ann <ann@x> of Monday.", ()),
        ("ann@x's message of Monday", ()),
        ("=?utf-8?q?=3Ca-long-one-of-?=\r\n =?utf-8?q?Python=40x=3E?=", ("a-long-one-of-Python@x",)),
        ("=?utf-8?q?J=C3=B6rg_=3Cj=40x=3E?= on Monday <a@x>", ("a@x",)),
        ("", ()),
    ],
)
def test_read_links_of_prose(value: str, ids: tuple[str, ...]) -> None:
    found = content.read(message.parse(f"In-Reply-To: {value}\n\n".encode()))
    assert found.links.in_reply_to == ids


def test_read_links() -> None:
    found = content.read(
        message.parse(
            b"References: <a@x> <b@x>\nIn-Reply-To: <c@x>\nMessage-ID: <d@x>\nContent-Language: fr\n\nx"
        )
    )
    assert found.links[:3] == ("d@x", ("a@x", "b@x"), ("c@x",))
    assert found.language == "french"


def long_message(text: str, charset: str) -> bytes:
    head = (
        "From: a@b\nMIME-Version: 1.0\nContent-Transfer-Encoding: base64\nContent-Type: text/plain; charset="
    )
    return f"{head}{charset}\n\n".encode() + base64.encodebytes(text.encode(charset))


@pytest.mark.parametrize("charset", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "iso-2022-jp"])
def test_of_a_long_text_the_beginning_is_read(charset: str) -> None:
    line = "東京 first\n"
    count = 3 * content.MAX_TEXT // len(line.encode(charset))
    found = content.read(message.parse(long_message(line * count + "last", charset)))
    body = found.texts[COLUMNS.index("body")]
    assert content.MAX_TEXT * 0.9 < len(body.encode(charset)) <= content.MAX_TEXT
    words = set(found.words[COLUMNS.index("body")])
    assert words >= {"東京", "京", "first"}
    # Whole lines, but for charsets of two and four octets a character.
    assert words == {"東京", "京", "first"} or (charset[4:6].isdigit() and len(words) == 4)


def test_of_a_long_line_the_beginning_is_read() -> None:
    octets = b"From: a@b\n\n" + b"word " * content.MAX_TEXT
    body = content.read(message.parse(octets)).texts[COLUMNS.index("body")]
    assert len(body) == content.MAX_TEXT


def test_of_long_fields_the_beginning_is_read() -> None:
    field = b"Subject: " + b"word\n " * content.MAX_FIELD + b"last\n"
    ids = (b" <%d@x>\n" % number for number in range(content.MAX_FIELD // 5))
    references = b"References:" + b"".join(ids)
    found = content.read(message.parse(b"From: a@b\n" + field * 3 + references + b"\nhello\n"))
    assert len(found.texts[COLUMNS.index("subject")]) <= content.MAX_FIELD
    assert {word[:3] for word in found.words[COLUMNS.index("subject")]} == {"wor"}
    assert found.links.references[:2] == ("0@x", "1@x")
    assert found.words[COLUMNS.index("body")] == ["hello"]
