"""mbox reading and writing: separators, quoting, lengths, doubts, round trips."""

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.store import mbox, mboxwrite
from blaze.core.store.delivery import Delivery, of_entry, of_octets
from blaze.core.store.flags import Marks
from blaze.core.store.fromline import FromLine, format_from_line, parse_from_line
from blaze.core.store.source import Doubt, Reading, iter_entries

FROM = b"From a@example.org Mon Jan  1 00:00:00 2024\n"
DATE = 1_704_067_200


def read(data: bytes, kind: str | None = None) -> tuple[list[bytes], list[Doubt]]:
    reading = Reading(kind)
    return [entry.octets for entry in mbox.iter_entries("x", data, reading)], reading.doubts


def write(kind: str, *messages: bytes) -> bytes:
    deliveries = (of_octets(message, date_ns=DATE * 10**9) for message in messages)
    return b"".join(chunk for delivery in deliveries for chunk in mboxwrite.iter_message(delivery, kind))


@pytest.mark.parametrize(
    ("line", "sender", "date"),
    [
        (b"From a@b Thu Aug 22 12:36:23 2002", b"a@b", 1030019783),
        (b"From a@b  Thu Aug 22 12:36:23 2002", b"a@b", 1030019783),
        (b"From a@b Thu Aug 22 12:36:23 2002\r", b"a@b", 1030019783),
        (b"From a@b Thu Aug 22 12:36 2002", b"a@b", 1030019760),
        (b"From - Thu Aug 22 12:36:23 2002", b"-", 1030019783),
        (b"From a b c Thu Aug 22 12:36:23 2002", b"a b c", 1030019783),
        (b"From a@b Thu Aug 22 12:36:23 +0200 2002", b"a@b", 1030012583),
        (b"From a@b Thu Aug 22 12:36:23 2002 -0400", b"a@b", 1030034183),
        (b"From a@b Thu Aug 22 12:36:23 EDT 2002", b"a@b", 1030034183),
        (b"From 171@xxx Thu Aug 22 12:36:23 +0000 2002", b"171@xxx", 1030019783),
        (b"From a@b Thu, 22 Aug 2002 12:36:23 +0200", b"a@b", 1030012583),
        (b"From a@b Thu, 22-Aug-02 12:36:23", b"a@b", 1030019783),
        (b"From a!b Thu Aug 22 12:36:23 2002 remote from host", b"a!b", 1030019783),
        (b"From a@b thu aug  2 1:02:03 2001", b"a@b", 996714123),
    ],
)
def test_parse_from_line_reads_every_form_of_date(line: bytes, sender: bytes, date: int) -> None:
    assert parse_from_line(line) == FromLine(sender, date)


@pytest.mark.parametrize(
    "line",
    [
        b"From here on it is text.",
        b"From a@b",
        b"From a@b Thu Aug 32 12:36:23 2002",
        b"From a@b Thu Feb 30 12:36:23 2002",
        b"From a@b Thu Aug 22 24:36:23 2002",
        b"From a@b Thu Aug 22 12:36:61 2002",
        b"From a@b Thu Aug 22 12:36:23 2002 and more words",
        b">From a@b Thu Aug 22 12:36:23 2002",
        b"from a@b Thu Aug 22 12:36:23 2002",
        b"From a@b Thu Aug 22 12:36:23 0000",
        b"",
    ],
)
def test_parse_from_line_without_a_date_is_none(line: bytes) -> None:
    assert parse_from_line(line) is None


@given(st.binary(max_size=40), st.integers(-(10**11), 10**12))
def test_from_line_that_is_written_parses(sender: bytes, date: int) -> None:
    line = format_from_line(sender, date * 10**9)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    parsed = parse_from_line(line[:-1])
    assert parsed is not None
    assert parsed.date == min(max(date, -62_135_596_800), 253_402_300_799)


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (b"", []),
        (b"\n\n", []),
        (FROM, [b""]),
        (FROM + b"\n", [b""]),
        (FROM + b"A: b\n\nhi\n", [b"A: b\n\nhi\n"]),
        (FROM + b"A: b\n\nhi\n\n", [b"A: b\n\nhi\n"]),
        (FROM + b"A: b\n\nhi", [b"A: b\n\nhi"]),
        (FROM + b"A: b\n\n" + FROM + b"C: d\n\n", [b"A: b\n", b"C: d\n"]),
        (FROM + b"\n" + FROM + b"\n", [b"", b""]),
        (b"\n" + FROM + b"A: b\n\nhi\n\n", [b"A: b\n\nhi\n"]),
        (FROM + b"A: b\r\n\r\nhi\r\n\n" + FROM + b"C: d\n\n", [b"A: b\r\n\r\nhi\r\n", b"C: d\n"]),
        (
            (FROM + b"A: b\n\nhi\n\n" + FROM + b"C: d\n\n").replace(b"\n", b"\r\n"),
            [b"A: b\r\n\r\nhi\r\n", b"C: d\r\n"],
        ),
        (FROM + b"A: b\n\n\n\n\n" + FROM + b"C: d\n", [b"A: b\n\n\n\n", b"C: d\n"]),
        (FROM + b"A: b\n\n>From x\n>>From y\n> From\n", [b"A: b\n\nFrom x\n>From y\n> From\n"]),
        (FROM + b"A: b\n\n" + FROM + b"\xef\xbb\xbfC: d\n\n", [b"A: b\n", b"\xef\xbb\xbfC: d\n"]),
    ],
)
def test_iter_entries_splits(data: bytes, messages: list[bytes]) -> None:
    assert read(data) == (messages, [])


@pytest.mark.parametrize(
    ("body", "count", "reason"),
    [
        (b"text\n" + FROM + b"B: c\n\n", 1, "no empty line before this From line"),
        (b"\nFrom nobody knows\nB: c\n\n", 1, "no date in this From line"),
        (b"\n" + FROM + b"no field\n", 2, "no header follows this From line"),
        (b"\nFrom here on\nit goes\n", 1, None),
        (b"text\nFrom here on\n", 1, None),
    ],
)
def test_iter_spans_reports_doubtful_splits(body: bytes, count: int, reason: str | None) -> None:
    start = FROM + b"A: b\n\n"
    messages, doubts = read(start + body)
    assert len(messages) == count
    offset = len(start) + body.find(b"From ")
    assert doubts == ([Doubt("x", offset, reason)] if reason else [])


def with_length(body: bytes, length: int | None = None) -> bytes:
    return FROM + b"A: b\nContent-Length: %d\n\n" % (len(body) if length is None else length) + body


def test_content_length_that_fits_decides() -> None:
    body = b"one\n\n" + FROM + b"B: c\n\nquoted? >From\n>From x\n"
    data = with_length(body) + b"\n" + with_length(b"two\n") + b"\n"
    messages, doubts = read(data)
    assert [message.split(b"\n\n", 1)[1] for message in messages] == [body, b"two\n"]
    assert [doubt.reason for doubt in doubts] == ["a From line inside the Content-Length"]


@pytest.mark.parametrize("length", [0, 1, 3, 5, 7, 8, 10, 10**6, 10**17])
def test_content_length_that_does_not_fit_is_ignored(length: int) -> None:
    data = with_length(b"one\n\ntwo\n", length) + b"\n" + FROM + b"C: d\n\n"
    messages, _ = read(data)
    assert [message[-5:] for message in messages] == [b"\ntwo\n", b"C: d\n"]


def test_content_length_from_before_quoting_does_not_fit() -> None:
    data = with_length(b">From x\nhi\n", len(b"From x\nhi\n")) + b"\n" + FROM + b"C: d\n\n"
    assert [message[-11:] for message in read(data)[0]] == [b"\nFrom x\nhi\n", b"C: d\n"]


@pytest.mark.parametrize("value", [b"", b"-1", b"1e3", b"9" * 50, b"12 34", b"\xb2"])
def test_content_length_that_is_no_number_is_ignored(value: bytes) -> None:
    data = FROM + b"Content-Length: " + value + b"\n\none\n\n" + FROM + b"C: d\n\n"
    assert len(read(data)[0]) == 2


def test_content_length_of_a_stranger_swallows_no_message() -> None:
    victim = b"\n" + FROM + b"Subject: victim\n\nhi\n\n"
    last = FROM + b"Subject: last\n\nhi\n"
    attack = with_length(b"x\n" + victim.rstrip(b"\n") + b"\n")[: -len(victim) + 1] + victim + last
    messages, doubts = read(attack)
    assert len(messages) == 3
    assert "a Content-Length reaches over this From line" in [doubt.reason for doubt in doubts]
    assert len(read(attack, "mboxcl2")[0]) == 2  # unless the user says that lengths count


def test_hostile_mbox_takes_linear_time() -> None:
    inside = (b"\n" + FROM + b"A: b\n") * 20_000
    message = FROM + b"Status: O\nX: " + b"x" * 900_000 + b"\nContent-Length: %d\n\n" % len(inside) + inside
    started = time.process_time()
    for data in (
        message,
        b"\n".join([FROM[:-1]] * 100_000),
        (FROM + b"A: b\n\n") * 20_000,
        FROM + b">" * 3_000_000,
    ):
        read(data)
    assert time.process_time() - started < 30


def test_kind_that_is_forced_ignores_what_it_does_not_have() -> None:
    data = with_length(b"one\n\n" + FROM + b"B: c\n\n>From x\n") + b"\n"
    assert len(read(data, "mboxrd")[0]) == 2
    assert len(read(data, "mboxcl")[0]) == 1
    assert b"\nFrom x" in read(data, "mboxcl")[0][0]
    assert b"\n>From x" in read(data, "mboxcl2")[0][0]


def test_mboxo_and_mboxrd_unquote_differently() -> None:
    data = FROM + b"A: b\n\n>From x\n>>From y\n"
    assert read(data, "mboxo")[0] == [b"A: b\n\nFrom x\n>>From y\n"]
    assert read(data, "mboxrd")[0] == [b"A: b\n\nFrom x\n>From y\n"]


def test_no_mbox_is_refused_with_its_place() -> None:
    with pytest.raises(DataError) as refused:
        read(b"Subject: x\n\n")
    assert refused.value.where == "x: octet 0"


def test_messages_deleted_by_thunderbird_are_left_out() -> None:
    kept = FROM + b"X-Mozilla-Status: 0001\nA: b\n\n"
    data = kept + FROM + b"X-Mozilla-Status: 0009\nC: d\n\n" + kept
    reading = Reading()
    entries = list(mbox.iter_entries("x", data, reading))
    assert [entry.name for entry in entries] == ["x#1", "x#3"]
    assert reading.omitted == 1


NASTIES = [
    b"",
    b"\n",
    b"\r\n",
    b"\n\n\n",
    b"no header",
    b"no header\n",
    b"From x\n",
    b"From a@example.org Mon Jan  1 00:00:00 2024\n",
    b">From x\n\n>From y\n>>From z\nFrom \n",
    b"\nFrom x\n\nFrom a@example.org Mon Jan  1 00:00:00 2024\nA: b\n\n",
    b"A: b\n\n" + FROM + b"C: d\n\nhi\n",
    b"A: b\r\n\r\nFrom x\r\n",
    b"A: b\n folded\n\nNUL \0 and \xff\r\rcr\n",
    b"Content-Length: 3\n\nlonger than three\n",
    b"Content-Length: 0\n",
    b"content-length : 9\nX-Original-Content-Length: 5\n\nFrom x\n",
    b"Status: resolved\nX-Status: open\n\nhi\n",
    b"X-Keywords: own words\n\nhi\n",
    b"X-Mozilla-Status: 0009\nX-Gmail-Labels: a,b\n\nhi\n",
    b" begins folded\nA: b\n\nhi\n",
    b"A: b\n\n" + b">" * 5000 + b"From x\n",
]


def ended(message: bytes) -> bytes:
    return message if not message or message.endswith(b"\n") else message + b"\n"


@pytest.mark.parametrize("kind", ["mboxrd", "mboxcl2"])
def test_writing_then_reading_gives_the_same_octets(kind: str) -> None:
    data = write(kind, *NASTIES)
    entries = [of_entry(entry) for entry in mbox.iter_entries("x", data, Reading())]
    assert [b"".join(entry.iter_octets()) for entry in entries] == [ended(message) for message in NASTIES]


@pytest.mark.parametrize("kind", ["mboxo", "mboxcl"])
def test_mboxo_and_mboxcl_lose_only_a_quoting_mark(kind: str) -> None:
    data = write(kind, *NASTIES)
    entries = [of_entry(entry) for entry in mbox.iter_entries("x", data, Reading(kind))]
    expected = [re.sub(rb"(?m)^>From ", b"From ", ended(message)) for message in NASTIES]
    assert [b"".join(entry.iter_octets()) for entry in entries] == expected
    changed = sum(mboxwrite.count_ambiguous(of_octets(message), kind) for message in NASTIES)
    assert changed == sum(len(re.findall(rb"(?m)^>From ", message)) for message in NASTIES)


lines = st.lists(
    st.sampled_from(
        [
            b"From ",
            b">From x",
            b">>From ",
            FROM[:-1],
            b"",
            b"A: b",
            b" folded",
            b"Content-Length: 4",
            b"Content-Length: 12",
            b"Status: RO",
            b"text\r",
            b"\0\xff",
        ]
    ),
    max_size=8,
).map(b"\n".join)
messages_with_marks = st.lists(
    st.tuples(
        lines,
        st.sets(st.sampled_from("DFPRST")).map(lambda letters: "".join(sorted(letters))),
        st.sets(st.sampled_from(["$Junk", "work", "b2"])).map(lambda labels: tuple(sorted(labels))),
        st.booleans(),
    ),
    max_size=5,
)


@given(messages_with_marks, st.sampled_from(["mboxrd", "mboxcl2", "mboxo", "mboxcl"]))
def test_marks_and_digests_come_back(
    messages: list[tuple[bytes, str, tuple[str, ...], bool]], kind: str
) -> None:
    deliveries = [
        Delivery(
            data, 0, len(data), marks=Marks(flags, labels, is_new and "S" not in flags), date_ns=DATE * 10**9
        )
        for data, flags, labels, is_new in messages
    ]
    data = b"".join(chunk for delivery in deliveries for chunk in mboxwrite.iter_message(delivery, kind))
    reading = Reading(kind)
    back = [of_entry(entry) for entry in mbox.iter_entries("x", data, reading)]
    assert [entry.digest() for entry in back] == [mboxwrite.digest_in(each, kind) for each in deliveries]
    assert [entry.marks._replace(labels=tuple(sorted(entry.marks.labels))) for entry in back] == [
        delivery.marks for delivery in deliveries
    ]


@given(st.lists(lines, max_size=4))
def test_every_octet_of_a_message_is_read_in_any_window(messages: list[bytes]) -> None:
    data = write("mboxrd", *messages)
    whole = [entry.octets for entry in mbox.iter_entries("x", data, Reading("mboxrd"))]
    original = mbox._WINDOW
    for window in (64, 100):
        mbox._WINDOW = window
        try:
            assert [entry.octets for entry in mbox.iter_entries("x", data, Reading("mboxrd"))] == whole
        finally:
            mbox._WINDOW = original


def test_large_messages_are_mapped_and_quoted_in_pieces(tmp_path: Path) -> None:
    body = b"From here\n" + b"x" * 70 + b"\n>From there\n" + b"y" * 3_000_000 + b"\nFrom the end"
    message = b"Subject: large\n\n" + body
    path = tmp_path / "large.mbox"
    for kind in mbox.KINDS:
        data = write(kind, message, message)
        path.write_bytes(data)
        expected = ended(message)
        if kind in ("mboxo", "mboxcl"):
            expected = expected.replace(b"\n>From there", b"\nFrom there")
        entries = [
            of_entry(e) for e in iter_entries([f"mbox:{path}"], Reading(kind)) if not isinstance(e, Exception)
        ]
        assert [b"".join(entry.iter_octets()) for entry in entries] == [expected, expected]


@pytest.mark.corpus
def test_corpus_is_split_as_its_quoting_says(corpus_mbox: bytes, corpus: list[bytes]) -> None:
    messages, doubts = read(corpus_mbox)
    assert messages[:-1] == corpus[:-1]
    assert messages[-1] == corpus[-1][:-1]  # the empty line at the end belongs to the mbox
    assert doubts == []


@pytest.mark.corpus
@pytest.mark.parametrize("kind", ["mboxrd", "mboxcl2"])
def test_corpus_comes_back_from_an_mbox(corpus: list[bytes], kind: str) -> None:
    data = write(kind, *corpus)
    deliveries = map(of_entry, mbox.iter_entries("x", data, Reading()))
    wanted = [mboxwrite.digest_in(of_octets(message), kind) for message in corpus]
    assert [delivery.digest() for delivery in deliveries] == wanted
