"""The header of a new message: what is said, what is filled in, what is refused."""

from datetime import UTC, datetime

import pytest

from blaze.core.errors import DataError
from blaze.core.mail import heading
from blaze.core.mail.build import Style
from blaze.core.mail.heading import Heading, Stamp

NOW = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def fields(heading_: Heading, stamp: Stamp = Stamp(), style: Style = Style()) -> list[str]:  # noqa: B008
    return [octets.decode().rstrip("\n") for octets in heading.header_fields(heading_, stamp, style)]


def test_header_fields_stand_in_the_usual_order() -> None:
    said = Heading(
        fields=["X-Last: z", "Comments: c"],
        subject="s",
        references=["<a@b>", "c@d"],
        in_reply_to=["c@d"],
        message_id="e@f",
        bcc=["bcc@x.example"],
        cc=["cc@x.example"],
        to=["to@x.example, Tom <tom@x.example>"],
        reply_to=["reply@x.example"],
        from_=["Ann <ann@x.example>"],
        date=NOW,
    )
    assert fields(said, Stamp(now=datetime(2000, 1, 1, tzinfo=UTC), seed=b"s")) == [
        "Date: Tue, 14 Nov 2023 22:13:20 +0000",
        "From: Ann <ann@x.example>",
        "Reply-To: reply@x.example",
        "To: to@x.example, Tom <tom@x.example>",
        "Cc: cc@x.example",
        "Bcc: bcc@x.example",
        "Message-ID: <e@f>",
        "In-Reply-To: <c@d>",
        "References: <a@b> <c@d>",
        "Subject: s",
        "X-Last: z",
        "Comments: c",
    ]


def test_header_fields_fills_in_date_and_message_id_only_where_asked() -> None:
    assert fields(Heading()) == []
    date, message_id = fields(Heading(), Stamp(now=NOW, seed=b"s"))
    assert date == "Date: Tue, 14 Nov 2023 22:13:20 +0000"
    assert message_id.endswith("@localhost>")


def test_header_fields_names_the_sender_of_two_authors() -> None:
    two = Heading(from_=["Ann <ann@x.example>", "bob@x.example"])
    assert fields(two)[1] == "Sender: Ann <ann@x.example>"
    typed = Heading(fields=["From: Jörg <ann@x.example>, bob@x.example"])
    assert fields(typed)[1] == "Sender: =?utf-8?q?J=C3=B6rg?= <ann@x.example>"
    other = Heading(from_=two.from_, fields=["Sender: bob@x.example"])
    assert fields(other)[1] == "Sender: bob@x.example"
    assert len(fields(Heading(from_=["ann@x.example"]))) == 1


def test_header_fields_lets_a_field_stand_in_place_of_what_is_filled_in() -> None:
    said = Heading(fields=["date: Thu, 30 Mar 2017 15:00:00 +0200", "MESSAGE-ID: <a@b>"])
    assert fields(said, Stamp(now=NOW, seed=b"s")) == [
        "date: Thu, 30 Mar 2017 15:00:00 +0200",
        "MESSAGE-ID: <a@b>",
    ]


def test_header_fields_makes_the_message_id_from_seed_and_content() -> None:
    stamp = Stamp(now=NOW, seed=b"s")
    ann = Heading(from_=["ann@x.example"])
    (_, _, first) = fields(ann, stamp)
    assert first.endswith("@x.example>")
    assert fields(ann, Stamp(now=datetime(2000, 1, 1, tzinfo=UTC), seed=b"s"))[2] == first
    assert fields(ann, Stamp(now=NOW, seed=b"t"))[2] != first
    assert fields(Heading(from_=["ann@x.example"], subject="x"), stamp)[2] != first
    assert fields(Heading(from_=["a@bücher.example"]), stamp)[2].endswith("@xn--bcher-kva.example>")


@pytest.mark.parametrize(
    "said",
    [
        Heading(subject="a", fields=["subject: b"]),
        Heading(fields=["To: a@b", "To: c@d"]),
        Heading(date=NOW, fields=["Date: Thu, 30 Mar 2017 15:00:00 +0200"]),
        Heading(message_id="a@b", fields=["Message-ID: <c@d>"]),
        Heading(from_=["not an address"]),
        Heading(to=["a@b\nBcc: c@d"]),
        Heading(subject="a\r\nBcc: c@d"),
        Heading(references=["a b\nc"]),
        Heading(in_reply_to=["<a"]),
        Heading(fields=["X: a\nBcc: b"]),
        Heading(fields=["X"]),
    ],
)
def test_header_fields_refuses(said: Heading) -> None:
    with pytest.raises(DataError):
        fields(said, Stamp(now=NOW, seed=b"s"))


def test_header_fields_may_repeat_other_fields() -> None:
    assert fields(Heading(fields=["Comments: a", "Comments: b"])) == ["Comments: a", "Comments: b"]
