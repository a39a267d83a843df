import mmap
import tempfile
import time

import pytest
from hypothesis import given, strategies as st

from blaze.core.mail import header


def names(octets: bytes) -> list[str]:
    return [field.name for field in header.parse(octets)]


def defects(octets: bytes) -> list[tuple[str, int]]:
    return [tuple(defect) for defect in header.parse(octets).defects]


@pytest.mark.parametrize(
    ("octets", "fields", "end", "body_start"),
    [
        (b"A: 1\nB: 2\n\nbody", ["A", "B"], 10, 11),
        (b"A: 1\r\nB: 2\r\n\r\nbody", ["A", "B"], 12, 14),
        (b"A: 1\r\nB: 2\n\r\nbody", ["A", "B"], 11, 13),
        (b"A: 1\nB: 2\n", ["A", "B"], 10, 10),
        (b"A: 1\nB: 2", ["A", "B"], 9, 9),
        (b"\nbody", [], 0, 1),
        (b"\r\nbody", [], 0, 2),
        (b"", [], 0, 0),
        (b"just text\nA: 1\n\nmore", [], 0, 0),
        (b"A: 1\n folded\n\tagain\nB: 2\n\n", ["A", "B"], 25, 26),
        (b"A: 1\n \nB: 2\n\n", ["A", "B"], 12, 13),
        (b"A : 1\nB\t: 2\n\n", ["A", "B"], 12, 13),
        (b"A:\nB:\n\n", ["A", "B"], 6, 7),
        (b"a-b_c!#: x\n\n", ["a-b_c!#"], 11, 12),
        (b"A: x\ry\n\n", ["A"], 7, 8),
        (b"A: 1\nno colon here\nB: 2\n\n", ["A", "B"], 24, 25),
    ],
)
def test_parse_finds_fields_and_the_bounds(
    octets: bytes, fields: list[str], end: int, body_start: int
) -> None:
    block = header.parse(octets)
    assert [field.name for field in block] == fields
    assert (block.start, block.end, block.body_start) == (0, end, body_start)


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"A: 1\n\n", []),
        (b"From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\n", [("mbox-from-line", 0)]),
        (b"A: 1\n>From a@b\nB: 2\n\n", [("mbox-from-line", 5)]),
        (b"A: 1\nnonsense\n\n", [("not-a-field", 5)]),
        (b"A: 1\n\xe9: 2\n\n", [("not-a-field", 5)]),
        (b"A: 1\n\x00: 2\n\n", [("not-a-field", 5)]),
        (b"A: 1\nB C: 2\n\n", [("not-a-field", 5)]),
        (b"A: 1\n: 2\n\n", [("not-a-field", 5)]),
        (b"text\n", [("no-header", 0)]),
        (b"\xef\xbb\xbfA: 1\n\n", [("byte-order-mark", 0)]),
        (b"\xef\xbb\xbftext\n", [("no-header", 0)]),
        (b"A: 1\n\xef\xbb\xbfB: 2\n\n", [("not-a-field", 5)]),
        (b"A: 1", [("header-without-end", 4)]),
        (b" folded first\nA: 1\n\n", [("no-header", 0)]),
    ],
)
def test_parse_makes_faults_defects(octets: bytes, found: list[tuple[str, int]]) -> None:
    assert defects(octets) == found


def test_parse_of_a_part_uses_offsets_of_the_whole_buffer() -> None:
    buffer = b"XXXX\nA: 1\nB: 2\n\nbody"
    block = header.parse(buffer, 5, len(buffer))
    assert [(f.start, f.colon, f.end) for f in block] == [(5, 6, 10), (10, 11, 15)]
    assert block.body_start == 16


def test_parse_finds_the_fields_after_a_byte_order_mark() -> None:
    block = header.parse(b"\n\xef\xbb\xbfA: 1\nB: 2\nA: 3\n\nbody", 1)
    assert [field.octets for field in block] == [b"A: 1\n", b"B: 2\n", b"A: 3\n"]
    assert (block.start, block.first, block.end, block.body_start) == (1, 4, 19, 20)
    assert [field.start for field in block.get_all(b"a")] == [4, 14]
    assert block.get(b"a").start == 4
    large = header.parse(b"\xef\xbb\xbfA: 1\nB: " + b"x" * (1 << 17) + b"\nA: 3\n\n")
    assert [field.raw for field in large.get_all(b"a")] == [b" 1", b" 3"]


@pytest.mark.parametrize(
    ("octets", "top"),
    [
        (b"", 0),
        (b"\nbody", 0),
        (b"text", 0),
        (b"A: 1\n\n", 0),
        (b"\xef\xbb\xbfA: 1\n\n", 3),
        (b"From a@b\nA: 1\n\n", 9),
        (b">From a@b\nA: 1\n\n", 10),
        (b"From a@b", 8),
        (b"From : a@b\n\n", 0),
    ],
)
def test_top_is_where_further_fields_go(octets: bytes, top: int) -> None:
    assert header.parse(octets).top == top


def test_parse_stops_at_the_given_end() -> None:
    buffer = b"A: 1\nB: 2\n\nbody"
    assert names(buffer[:7]) == [f.name for f in header.parse(buffer, 0, 7)] == ["A", "B"]
    assert header.parse(b"\r\n", 0, 1).body_start == 0


def test_field_gives_its_octets_raw_and_unfolded() -> None:
    field = header.parse(b"Subject : one\r\n two \r\n\tthree  \r\n\r\n").get(b"SUBJECT")
    assert field is not None
    assert field.name == "Subject"
    assert field.key == b"subject"
    assert field.octets == b"Subject : one\r\n two \r\n\tthree  \r\n"
    assert field.raw == b" one\r\n two \r\n\tthree  "
    assert field.unfolded == b"one two \tthree"


def test_get_and_get_all_ignore_letter_case_and_look_only_at_names() -> None:
    block = header.parse(b"X: Subject: no\nSUBJECT: 1\n subject: folded\nsubject: 2\n\nsubject: body\n")
    assert [f.unfolded for f in block.get_all(b"Subject")] == [b"1 subject: folded", b"2"]
    first = block.get(b"subject")
    assert first is not None
    assert first.unfolded == b"1 subject: folded"
    assert block.get(b"date") is None


def test_parse_keeps_at_most_max_fields() -> None:
    octets = b"A: 1\n" * (header.MAX_FIELDS + 5) + b"\nbody"
    block = header.parse(octets)
    assert len(block) == header.MAX_FIELDS
    assert [defect.name for defect in block.defects] == ["too-many-fields"]
    assert octets[block.body_start :] == b"body"
    assert len(block.get_all(b"a")) == header.MAX_FIELDS


def test_parse_of_a_mapped_file_agrees_with_bytes_across_windows() -> None:
    for filler in ((1 << 20) - 8, (1 << 20) - 7, (1 << 20) - 6, (1 << 20) - 5, (1 << 20), 3 << 20):
        octets = b"A: " + b"x" * filler + b"\r\n\r\nbody"
        with tempfile.TemporaryFile() as file:
            file.write(octets)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                block = header.parse(mapped)
                assert (block.end, block.body_start) == (len(octets) - 6, len(octets) - 4)


@pytest.mark.parametrize(
    "octets", [b"x" * (1 << 20), b"A:" * (1 << 19), b"\n " * (1 << 19), b": \n" * 200_000]
)
def test_parse_is_linear(octets: bytes) -> None:
    started = time.process_time()
    block = header.parse(b"A: 1\n" + octets)
    _ = len(block), block.defects, block.get_all(b"a")
    assert time.process_time() - started < 2


@given(st.binary())
def test_parse_accounts_for_every_octet(octets: bytes) -> None:
    block = header.parse(octets)
    assert 0 == block.start <= block.end <= block.body_start <= len(octets)
    assert octets[block.end : block.body_start] in {b"", b"\n", b"\r\n"}
    previous = 0
    for field in block:
        assert previous <= field.start < field.colon < field.end <= block.end
        assert octets[field.colon] == ord(":")
        previous = field.end


@given(st.lists(st.tuples(st.from_regex(rb"[!-9;-~]+", fullmatch=True), st.binary(max_size=30)), min_size=1))
def test_parse_reads_back_what_was_written(fields: list[tuple[bytes, bytes]]) -> None:
    clean = [(name, value.replace(b"\n", b"").strip(b" \t\r")) for name, value in fields]
    octets = b"".join(b"%s: %s\r\n" % field for field in clean)
    read = [(f.name.encode(), f.unfolded) for f in header.parse(octets + b"\r\nbody")]
    assert read == clean


def test_parse_of_the_corpus_finds_the_header_of_every_message(corpus: list[bytes]) -> None:
    for message in corpus:
        block = header.parse(message)
        assert block.get(b"received") or block.get(b"from") or block.get(b"date")
        assert message[block.start : block.body_start].endswith((b"\n\n", b"\n\r\n"))


@pytest.mark.parametrize("offset", range(-12, 4))
def test_get_finds_a_field_across_the_seam_of_two_windows(offset: int) -> None:
    wanted = b"Subject: " + b"x" * 50 + b"\n folded\n"
    filler = b"A: " + b"y" * 96 + b"\n"
    start = (1 << 20) + offset
    octets = filler * (start // 100) + b"B" * (start % 100 - 3) + b":z\n" if start % 100 >= 4 else b""
    octets = octets or filler * (start // 100 - 1) + b"B" * (start % 100 + 97) + b":z\n"
    assert len(octets) == start
    block = header.parse(octets + wanted + filler * 100 + wanted + b"\nbody")
    found = block.get(b"subject")
    assert found is not None
    assert (found.start, found.octets) == (start, wanted)
    assert [each.octets for each in block.get_all(b"SUBJECT")] == [wanted, wanted]
    assert block.get(b"missing") is None


@pytest.mark.parametrize("limit", [0, 1, 5, 8, 100])
def test_unfolded_within_a_limit_is_the_beginning(limit: int) -> None:
    field = header.parse(b"A: one\r\n two\r\n\r\n").get(b"a")
    assert field is not None
    assert field.unfolded == b"one two"
    assert field.unfolded_within(limit) == b" one\r\n two"[:limit].replace(b"\r\n", b"").strip()
