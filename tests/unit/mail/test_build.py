"""Header fields: folded at the right places, encoded only where they must be, never forged."""

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import address, build, encoded, header, mime
from blaze.core.mail.address import Group, Mailbox
from blaze.core.mail.build import Style

CRLF = Style(newline=b"\r\n")
UTF8 = Style(utf8=True)


def unfolded(octets: bytes) -> bytes:
    """The value of a field, read by the header parser."""
    (field,) = header.parse(octets)
    return field.unfolded


def lines(octets: bytes) -> list[bytes]:
    return octets.removesuffix(b"\n").split(b"\n")


def test_fold_ends_lines_between_items_before_it_ends_them_inside_one() -> None:
    items = [[b" " + b"a" * 30, b" " + b"b" * 30 + b","], [b" " + b"c" * 20, b" " + b"d" * 20]]
    assert build.fold("X-List", items) == (
        b"X-List: " + b"a" * 30 + b" " + b"b" * 30 + b",\n " + b"c" * 20 + b" " + b"d" * 20 + b"\n"
    )


def test_fold_ends_lines_inside_an_item_that_fits_on_no_line() -> None:
    octets = build.fold("X-List", [[b" one,"], [b" " + b"w" * 19] * 5])
    assert lines(octets) == [b"X-List: one, " + b" ".join([b"w" * 19] * 3), b" " + b" ".join([b"w" * 19] * 2)]


@pytest.mark.parametrize(
    ("length", "first_line"),
    [
        (70, b"Name: " + b"x" * 70),  # 76
        (72, b"Name: " + b"x" * 72),  # 78
        (73, b"Name:"),  # fits on a line of its own
        (77, b"Name:"),
        (78, b"Name: " + b"x" * 78),  # fits nowhere
        (992, b"Name: " + b"x" * 992),  # 998
        (993, b"Name:"),
        (997, b"Name:"),
    ],
)
def test_fold_leaves_the_name_alone_on_its_line_only_where_that_helps(length: int, first_line: bytes) -> None:
    octets = build.fold("Name", [[b" " + b"x" * length]])
    assert lines(octets)[0] == first_line
    assert unfolded(octets) == b"x" * length


def test_fold_refuses_a_piece_that_no_line_holds() -> None:
    with pytest.raises(DataError, match="999 octets"):
        build.fold("Name", [[b" " + b"x" * 998]])


def test_fold_keeps_lines_with_encoded_words_to_76() -> None:
    octets = build.fold("Name", [[b" " + b"x" * 40, b" =?utf-8?q?" + b"y" * 17 + b"?=", b" z"]])
    assert len(lines(octets)[0]) == 76
    assert lines(octets)[1] == b" z"


def test_fold_counts_characters_of_utf_8_and_not_octets() -> None:
    octets = build.fold("Name", [[b" " + "é".encode() * 71, b" z"]], UTF8)
    assert lines(octets)[0].decode() == "Name: " + "é" * 71
    assert build.fold("Name", [[b" " + "é".encode() * 70, b" z"]], UTF8).count(b"\n") == 1


def test_fold_writes_an_empty_value_without_a_trailing_blank() -> None:
    assert build.fold("Bcc", []) == b"Bcc:\n"
    assert build.unstructured("Subject", "", CRLF) == b"Subject:\r\n"


@pytest.mark.parametrize("name", ["", "A B", "A:", "Ä", "A\r\nB", "A\0", "A\t", "x" * 998])
def test_fold_refuses_what_is_no_field_name(name: str) -> None:
    with pytest.raises(DataError, match="not a field name"):
        build.fold(name, [[b" x"]])


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("Hello", b"Subject: Hello\n"),
        ("  Hello  ", b"Subject: Hello\n"),
        ("a   b\tc", b"Subject: a   b\tc\n"),
        ("un caf\u00e9taria", b"Subject: un =?utf-8?q?caf=C3=A9taria?=\n"),
        ("\u65e5\u672c", b"Subject: =?utf-8?b?5pel5pys?=\n"),
        ("caf\u00e9taria  cr\u00e8meries x", b"Subject: =?utf-8?q?caf=C3=A9taria__cr=C3=A8meries?= x\n"),
        ("\u65e5\u672c x \u65e5", b"Subject: =?utf-8?b?5pel5pys?= x =?utf-8?b?5pel?=\n"),
    ],
)
def test_unstructured_encodes_only_what_must_be(text: str, octets: bytes) -> None:
    assert build.unstructured("Subject", text) == octets


@pytest.mark.parametrize("text", ["=?utf-8?q?x?=", "a =?utf-8?q?x?= b", "a\x07b", "\x1b[31m", "a\x85b"])
def test_unstructured_hides_what_would_be_read_otherwise(text: str) -> None:
    octets = build.unstructured("Subject", text)
    assert octets.isascii() and all(octet >= 0x20 or octet == 0x0A for octet in octets)
    assert encoded.decode(unfolded(octets)) == text


def test_unstructured_writes_utf_8_where_it_may() -> None:
    assert build.unstructured("Subject", "caf\u00e9 \u65e5", UTF8) == "Subject: caf\u00e9 \u65e5\n".encode()


def test_unstructured_encodes_a_word_that_no_line_holds() -> None:
    octets = build.unstructured("Subject", "a " + "x" * 1200 + " b")
    assert max(map(len, lines(octets))) <= 76
    assert encoded.decode(unfolded(octets)) == "a " + "x" * 1200 + " b"


def test_unstructured_leaves_a_long_word_whole() -> None:
    url = "https://example.org/" + "x" * 200
    assert lines(build.unstructured("Subject", f"see {url} now")) == [
        b"Subject: see",
        b" " + url.encode(),
        b" now",
    ]


def test_unstructured_never_writes_a_line_of_blanks() -> None:
    text = "a" + " " * 3000 + "b"
    octets = build.unstructured("Subject", text)
    assert all(line.strip() for line in lines(octets))
    assert max(map(len, lines(octets))) <= 76
    assert encoded.decode(unfolded(octets)) == text


@pytest.mark.parametrize("character", ["\r", "\n", "\0"])
def test_every_builder_refuses_characters_that_end_a_field(character: str) -> None:
    bad = f"a{character}Bcc: victim@example.org"
    mailbox = Mailbox(None, "a", "example.org")
    for attempt in (
        lambda: build.unstructured("Subject", bad),
        lambda: build.structured("List-Id", bad),
        lambda: build.field("Subject", bad),
        lambda: build.field("To", bad),
        lambda: build.field("Content-Type", bad),
        lambda: build.parse_field(f"X: {bad}"),
        lambda: build.parse_field(f"X{character}Y: a"),
        lambda: build.message_ids("References", [bad]),
        lambda: build.parameters("Content-Type", bad, {}),
        lambda: build.parameters("Content-Type", "text/plain", {"name": bad}),
        lambda: build.parameters("Content-Type", "text/plain", {bad: "a"}),
        lambda: build.addresses("To", [mailbox._replace(display_name=bad)]),
        lambda: build.addresses("To", [mailbox._replace(local_part=bad)]),
        lambda: build.addresses("To", [mailbox._replace(domain=bad)]),
        lambda: build.addresses("To", [Group(bad, (mailbox,))]),
    ):
        with pytest.raises(DataError):
            attempt()


@pytest.mark.parametrize(
    ("mailbox", "value"),
    [
        (Mailbox(None, "a", "example.org"), b"a@example.org"),
        (Mailbox("", "a", "example.org"), b"a@example.org"),
        (Mailbox("Ann Lee", "a", "example.org"), b"Ann Lee <a@example.org>"),
        (Mailbox("Lee, Ann", "a", "example.org"), b'"Lee, Ann" <a@example.org>'),
        (Mailbox('Ann "A" \\ Lee', "a", "example.org"), b'"Ann \\"A\\" \\\\ Lee" <a@example.org>'),
        (Mailbox("Ann  Lee", "a", "example.org"), b'"Ann  Lee" <a@example.org>'),
        (Mailbox("J\u00f6rgen", "a", "example.org"), b"=?utf-8?q?J=C3=B6rgen?= <a@example.org>"),
        (Mailbox("a@b.org", "a", "example.org"), b'"a@b.org" <a@example.org>'),
        (Mailbox(None, "a b", "example.org"), b'"a b"@example.org'),
        (Mailbox(None, "a", "b\u00fccher.example"), b"a@xn--bcher-kva.example"),
        (Mailbox(None, "a", "[192.0.2.1]"), b"a@[192.0.2.1]"),
    ],
)
def test_addresses_writes_one_mailbox(mailbox: Mailbox, value: bytes) -> None:
    assert build.addresses("To", [mailbox]) == b"To: " + value + b"\n"


def test_addresses_writes_utf_8_where_it_may() -> None:
    mailbox = Mailbox("J\u00f6rgen", "j\u00f6rg", "b\u00fccher.example")
    assert build.addresses("To", [mailbox], UTF8) == "To: Jörgen <jörg@bücher.example>\n".encode()
    with pytest.raises(DataError, match="local-part is not ASCII"):
        build.addresses("To", [mailbox])


def test_addresses_writes_groups() -> None:
    ann, bob = Mailbox(None, "ann", "example.org"), Mailbox("Bob", "bob", "example.org")
    assert build.addresses("To", [Group("A team", (ann, bob)), ann]) == (
        b"To: A team: ann@example.org, Bob <bob@example.org>;, ann@example.org\n"
    )
    assert build.addresses("To", [Group("undisclosed-recipients", ())]) == b"To: undisclosed-recipients:;\n"


@pytest.mark.parametrize("style", [Style(), CRLF, UTF8])
def test_addresses_of_300_recipients_are_folded_after_commas(style: Style) -> None:
    names = ["Ann", "Lee, Bob", "J\u00f6rg M\u00fcller", "\u7530\u4e2d\u592a\u90ce", None]
    mailboxes = [Mailbox(names[i % 5], f"recipient.{i}", "example.org") for i in range(300)]
    octets = build.addresses("To", mailboxes, style)
    written = octets.split(style.newline)[:-1]
    assert all(len(line.decode()) <= 78 for line in written)
    assert all(line.endswith(b",") for line in written[:-1])
    read = address.parse_list(unfolded(octets))
    assert not read.defects
    assert [(box.decoded_name, box.addr_spec) for box in read.mailboxes] == [
        (box.display_name, box.addr_spec) for box in mailboxes
    ]


def test_message_ids_are_folded_between_them() -> None:
    octets = build.message_ids("References", [f"{i}.{'x' * 20}@example.org" for i in range(5)])
    assert all(len(line) <= 78 and line.endswith(b">") for line in lines(octets))
    assert octets.count(b"<") == 5


@pytest.mark.parametrize("identifier", ["", "a b@c", "a@b>", "<a@b", "a\x7f@b", "\u00e9@b", "a\t@b"])
def test_message_ids_refuses_what_is_none(identifier: str) -> None:
    with pytest.raises(DataError, match="not a message identifier"):
        build.message_ids("Message-ID", [identifier])


def test_date_time_keeps_the_zone() -> None:
    when = datetime(2017, 3, 30, 15, 0, tzinfo=timezone(timedelta(hours=2)))
    assert build.date_time("Date", when) == b"Date: Thu, 30 Mar 2017 15:00:00 +0200\n"


@pytest.mark.parametrize(
    "name", ["a.txt", "a b.txt", 'a"b.txt', "\u65e5\u672c\u8a9e.txt", "x" * 500, "\u00e9" * 300]
)
def test_parameters_come_back_from_folded_lines(name: str) -> None:
    octets = build.parameters("Content-Disposition", "attachment", {"filename": name})
    assert max(map(len, lines(octets))) <= 78
    read = mime.parse_content_disposition(unfolded(octets))
    assert (read.type, read.params, read.defects) == ("attachment", {"filename": name}, ())


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("Subject: Hello", b"Subject: Hello\n"),
        ("X-Empty:", b"X-Empty:\n"),
        ("To: Ann <ann@example.org>,bob@example.org", b"To: Ann <ann@example.org>, bob@example.org\n"),
        ("Bcc:", b"Bcc:\n"),
        ("in-reply-to: <a@b> <c@d>", b"in-reply-to: <a@b> <c@d>\n"),
        ("References: a@b c@d", b"References: <a@b> <c@d>\n"),
        ("Date: Thu, 30 Mar 2017 15:00:00 +0200", b"Date: Thu, 30 Mar 2017 15:00:00 +0200\n"),
        ("Subject: =?utf-8?q?caf=C3=A9?= x", b"Subject: =?utf-8?q?caf=C3=A9?= x\n"),
        ("Subject: caf\u00e9taria", b"Subject: =?utf-8?q?caf=C3=A9taria?=\n"),
        ("Keywords: one, two words", b"Keywords: one, two words\n"),
        (
            "Keywords: \u65e5\u672c, caf\u00e9taria",
            (b"Keywords: =?utf-8?b?5pel5pys?=, =?utf-8?q?caf=C3=A9taria?=\n"),
        ),
        ("Content-Type: text/plain;charset=utf-8", b"Content-Type: text/plain; charset=utf-8\n"),
        (
            "Content-Disposition: attachment; filename=\u00e9",
            b"Content-Disposition: attachment; filename*=utf-8''%C3%A9\n",
        ),
        (
            "List-Unsubscribe: <https://example.org/?a=b:c>",
            b"List-Unsubscribe: <https://example.org/?a=b:c>\n",
        ),
    ],
)
def test_parse_field_writes_each_kind_by_its_grammar(text: str, octets: bytes) -> None:
    assert build.parse_field(text) == octets


@pytest.mark.parametrize(
    "text",
    [
        "no colon",
        ": no name",
        "To: not an address",
        "To:",
        "From: a@b c@d",
        "Date: yesterday",
        "Message-ID: <a@b",
        "Content-Type: nonsense",
        "Content-Disposition: ",
        "DKIM-Signature: v=\u00e9",
        "Received: \u00e9",
    ],
)
def test_parse_field_refuses_what_the_field_does_not_take(text: str) -> None:
    with pytest.raises(DataError):
        build.parse_field(text)


def test_structured_ends_in_no_empty_line_after_a_last_comma() -> None:
    assert build.structured("X", "x" * 100 + ",") == b"X: " + b"x" * 100 + b",\n"


@pytest.mark.parametrize("text", ["a\x1b", "a\x7f", "a\x85"])
def test_control_characters_are_refused_where_they_cannot_be_encoded(text: str) -> None:
    for attempt in (
        lambda: build.field("List-Post", text, UTF8),
        lambda: build.addresses("To", [Mailbox(None, text, "example.org")], UTF8),
        lambda: build.addresses("To", [Mailbox(None, "a", text)], UTF8),
        lambda: build.message_ids("References", [text]),
    ):
        with pytest.raises(DataError):
            attempt()


@pytest.mark.parametrize("value", ["", "a/b; c=d", "a/", "a/b/c", "a b", "\u00e9/b", "a\x1b"])
def test_parameters_refuses_what_is_no_type(value: str) -> None:
    with pytest.raises(DataError):
        build.parameters("Content-Type", value, {})


def test_structured_is_folded_after_semicolons_first() -> None:
    value = (
        "mx.example.org; spf=pass smtp.mailfrom=a@example.org; dkim=pass header.d=example.org header.s=sel"
    )
    assert lines(build.structured("Authentication-Results", value)) == [
        b"Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=a@example.org;",
        b" dkim=pass header.d=example.org header.s=sel",
    ]


def test_fields_are_read_the_same_by_the_standard_library() -> None:
    subject = "Längeres Thema mit vielen Wörtern, die über mehrere Zeilen gehen müssen, 件名の続き " * 3
    octets = build.unstructured("Subject", subject) + build.addresses(
        "To", [Mailbox("Jörg, der Große", "a", "example.org"), Mailbox("B. Lee", "b", "example.org")]
    )
    read = email.message_from_bytes(octets + b"\n", policy=email.policy.default)
    assert read["subject"] == subject.strip()
    assert [(box.display_name, box.addr_spec) for box in read["to"].addresses] == [
        ("Jörg, der Große", "a@example.org"),
        ("B. Lee", "b@example.org"),
    ]
    assert not read["subject"].defects
    assert not read["to"].defects


TEXT = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=300)
BLANK_TEXT = st.text(' \tab\u00e9=?_"\\<>@,;:.()\u65e5', max_size=300)


@given(text=TEXT | BLANK_TEXT, utf8=st.booleans(), name=st.sampled_from(["Subject", "X" * 40, "C"]))
def test_unstructured_is_read_back(text: str, utf8: bool, name: str) -> None:
    octets = build.unstructured(name, text, Style(utf8=utf8))
    assert encoded.decode(unfolded(octets)) == text.strip(" \t")
    check_lines(octets, utf8)


@given(name=TEXT | BLANK_TEXT, local=st.text('a.b c"\\@\u00e9', min_size=1, max_size=20))
def test_addresses_are_read_back(name: str, local: str) -> None:
    octets = build.addresses("To", [Mailbox(None, local, "example.org")] * 3, UTF8)
    read = address.parse_list(unfolded(octets))
    assert [box.local_part for box in read.mailboxes] == [local] * 3
    octets = build.addresses("To", [Mailbox(name, "a", "example.org")])
    check_lines(octets, utf8=False)
    (mailbox,) = address.parse_list(unfolded(octets)).mailboxes
    # An encoded display name is taken for what it says, so that reading and writing do not pile up encodings.
    assert (mailbox.decoded_name or "") == encoded.decode_phrase(name.encode()) or (
        (mailbox.decoded_name or "") == name
    )


@given(value=TEXT | BLANK_TEXT)
def test_parameters_are_read_back(value: str) -> None:
    octets = build.parameters("Content-Type", "text/plain", {"name": value, "x": "y"})
    check_lines(octets, utf8=False)
    assert mime.parse_content_type(unfolded(octets)).params == {"name": value, "x": "y"}


def check_lines(octets: bytes, utf8: bool) -> None:
    assert utf8 or octets.isascii()
    written = lines(octets)
    assert all(line.strip(b" \t") for line in written)
    assert all(line.startswith((b" ", b"\t")) for line in written[1:])
    for line in written:
        assert len(line) <= 998
        if len(line.decode()) > 78:  # then nothing could be done about it
            value = line.partition(b":")[2] if line is written[0] else line
            assert not re.search(rb"[^ \t][ \t]+[^ \t]", value)


def test_unstructured_takes_linear_time() -> None:
    octets = build.unstructured("Subject", "é a " * 50_000)
    assert encoded.decode(unfolded(octets)) == ("é a " * 50_000).strip()


def test_date_time_takes_utc() -> None:
    assert build.date_time("Date", datetime(2009, 7, 12, 12, tzinfo=UTC)) == (
        b"Date: Sun, 12 Jul 2009 12:00:00 +0000\n"
    )


@pytest.mark.parametrize("text", ["<a>", "a b", "<a@b> <c@d>", "", " "])
def test_message_id_is_one_identifier_with_a_domain(text: str) -> None:
    with pytest.raises(DataError):
        build.field("Message-ID", text)
    assert build.field("Message-ID", "a@b") == build.field("message-id".title(), "<a@b>").replace(
        b"-Id", b"-ID"
    )
