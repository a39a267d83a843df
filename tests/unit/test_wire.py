"""Lines and dots: every attack whole and octet by octet, laws by hypothesis."""

import itertools
from typing import Any, NamedTuple

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.wire import (
    BareNewline,
    CRLFWriter,
    DotReader,
    DotWriter,
    LineBuffer,
    LineTooLong,
    iter_crlf,
    iter_dot_stuffed,
)

LIMIT = 16


def _cuts(data: bytes) -> list[list[bytes]]:
    """`data` whole, octet by octet, and in two pieces at every place."""
    halves = [[data[:at], data[at:]] for at in range(1, len(data))]
    return [[data], [bytes([octet]) for octet in data], *halves]


def _lines(pieces: list[bytes]) -> list[bytes | type[Exception]]:
    buffer = LineBuffer()
    lines: list[bytes | type[Exception]] = []
    for piece in pieces:
        buffer.feed(piece)
        while True:
            try:
                line = buffer.next_line(LIMIT)
            except (LineTooLong, BareNewline) as error:
                lines.append(type(error))
                continue
            if line is None:
                break
            lines.append(line)
    return lines


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"NOOP\r\n", [b"NOOP"]),
        (b"NOOP\r\nQUIT\r\n", [b"NOOP", b"QUIT"]),
        (b"\r\n\r\n", [b"", b""]),
        (b"NOOP", []),
        (b"NOOP\r", []),
        (b"NOOP\nQUIT\r\n", [BareNewline, b"QUIT"]),
        (b"\nQUIT\r\n", [BareNewline, b"QUIT"]),
        (b"NO\rOP\r\nQUIT\r\n", [BareNewline, b"QUIT"]),
        (b"NOOP\r\r\nQUIT\r\n", [BareNewline, b"QUIT"]),
        (b"a" * (LIMIT - 2) + b"\r\n", [b"a" * (LIMIT - 2)]),
        (b"a" * (LIMIT - 1) + b"\r\nQUIT\r\n", [LineTooLong, b"QUIT"]),
        (b"a" * (10 * LIMIT) + b"\r\nQUIT\r\n", [LineTooLong, b"QUIT"]),
        (b"a" * (10 * LIMIT), [LineTooLong]),
    ],
)
def test_next_line_gives_the_same_however_it_is_cut(
    data: bytes, expected: list[bytes | type[Exception]]
) -> None:
    for pieces in _cuts(data):
        assert _lines(pieces) == expected


def test_next_line_drops_an_endless_line() -> None:
    buffer = LineBuffer()
    buffer.feed(b"a" * LIMIT)
    with pytest.raises(LineTooLong):
        buffer.next_line(LIMIT)
    for _ in range(1000):
        buffer.feed(b"a" * LIMIT)
        assert buffer.next_line(LIMIT) is None
        assert len(buffer) == 0
    buffer.feed(b"\r\nQUIT\r\n")
    assert buffer.next_line(LIMIT) == b"QUIT"


def test_take_gives_octets_between_lines() -> None:
    buffer = LineBuffer()
    buffer.feed(b"BDAT 4\r\n\r\n\r\nQUIT\r\n")
    assert buffer.next_line(LIMIT) == b"BDAT 4"
    assert buffer.take(4) == b"\r\n\r\n"
    assert buffer.next_line(LIMIT) == b"QUIT"


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.just("feed"), st.sampled_from([b"\r\n", b"\n", b"\r", b"ab", b"NOOP\r\nx", b"c" * LIMIT])
            ),
            st.tuples(st.just("take"), st.integers(0, 5)),
            st.tuples(st.just("line"), st.just(0)),
            st.tuples(st.just("clear"), st.just(0)),
        ),
        max_size=40,
    )
)
def test_line_buffer_gives_every_octet_once(steps: list[tuple[str, Any]]) -> None:
    """Against the octets themselves: whatever is fed and taken in whatever order, nothing moves."""
    buffer = LineBuffer()
    waiting, is_skipping = b"", False
    for step, argument in steps:
        if step == "feed":
            buffer.feed(argument)
            waiting += argument
        elif step == "take":
            assert buffer.take(argument) == waiting[:argument]
            waiting = waiting[argument:]
        elif step == "clear":
            assert buffer.clear() == waiting
            waiting = b""
        else:
            line, waiting, is_skipping = _model_line(waiting, is_skipping)
            try:
                assert buffer.next_line(LIMIT) == line
            except (LineTooLong, BareNewline) as error:
                assert type(error) is line
        assert len(buffer) == len(waiting)
        assert buffer.startswith(waiting[:3])


def _model_line(waiting: bytes, is_skipping: bool) -> tuple[bytes | type[Exception] | None, bytes, bool]:
    """What `next_line` gives, what waits then, and whether the rest of a line is still to be dropped."""
    line, newline, rest = waiting.partition(b"\n")
    if is_skipping:
        return _model_line(rest, False) if newline else (None, b"", True)
    if not newline:
        return (LineTooLong, b"", True) if len(line) >= LIMIT else (None, waiting, False)
    if len(line) >= LIMIT:
        return LineTooLong, rest, False
    return (line[:-1] if line.endswith(b"\r") and line.count(b"\r") == 1 else BareNewline), rest, False


class Reading(NamedTuple):
    """What a `DotReader` made of some pieces."""

    body: bytes
    done: bool
    rest: bytes
    bare_newline: bool


def _read(pieces: list[bytes], *, normalize: bool = False) -> Reading:
    reader = DotReader(normalize=normalize)
    body = b"".join([reader.feed(piece) for piece in pieces])
    return Reading(body, reader.done, reader.rest, reader.bare_newline)


# data after DATA, body, bare newline seen, complete, what is left over
ATTACKS = [
    (b".\r\n", b"", False, True, b""),
    (b"a\r\n.\r\n", b"a\r\n", False, True, b""),
    (b"a\r\n.\r\nQUIT\r\n", b"a\r\n", False, True, b"QUIT\r\n"),
    (b"\r\n.\r\n", b"\r\n", False, True, b""),
    (b"..\r\n.\r\n", b".\r\n", False, True, b""),
    (b".a\r\n.\r\n", b"a\r\n", False, True, b""),
    (b"a\r\n..\r\n.\r\n", b"a\r\n.\r\n", False, True, b""),
    (b"a\r\n.b\r\n.\r\n", b"a\r\nb\r\n", False, True, b""),
    (b"a\r\n..b\r\n.\r\n", b"a\r\n.b\r\n", False, True, b""),
    (b"a.\r\n.\r\n", b"a.\r\n", False, True, b""),
    (b"a\n.\nMAIL\r\n.\r\n", b"a\n.\nMAIL\r\n", True, True, b""),
    (b"a\n.\r\nMAIL\r\n.\r\n", b"a\n.\r\nMAIL\r\n", True, True, b""),
    (b"a\r\n.\nMAIL\r\n.\r\n", b"a\r\n\nMAIL\r\n", True, True, b""),
    (b"a\r.\r\nMAIL\r\n.\r\n", b"a\r.\r\nMAIL\r\n", True, True, b""),
    (b"a\r\n.\rMAIL\r\n.\r\n", b"a\r\n\rMAIL\r\n", True, True, b""),
    (b"a\r.\rMAIL\r\n.\r\n", b"a\r.\rMAIL\r\n", True, True, b""),
    (b"a\n.\rMAIL\r\n.\r\n", b"a\n.\rMAIL\r\n", True, True, b""),
    (b"a\r\r\n.\r\n", b"a\r\r\n", True, True, b""),
    (b"a\r\n.\r\r\n.\r\n", b"a\r\n\r\r\n", True, True, b""),
    (b"a\r\n\n.\r\n\r\n.\r\n", b"a\r\n\n.\r\n\r\n", True, True, b""),
    (b"\n.\r\n\r\n.\r\n", b"\n.\r\n\r\n", True, True, b""),
    (b"a\0b\r\n.\r\n", b"a\0b\r\n", False, True, b""),
    (b"a\r\n.\r\n.\r\n", b"a\r\n", False, True, b".\r\n"),
    (b"a\r\n", b"a", False, False, b""),
    (b"a\n.\n", b"a\n.\n", True, False, b""),
    (b"a", b"a", False, False, b""),
]


@pytest.mark.parametrize(("data", "body", "bare", "done", "rest"), ATTACKS)
def test_dot_reader_ends_only_at_crlf_dot_crlf(
    data: bytes, body: bytes, bare: bool, done: bool, rest: bytes
) -> None:
    for pieces in _cuts(data):
        assert _read(pieces) == (body, done, rest, bare), pieces


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"a\nb\r\n.\r\n", b"a\r\nb\r\n"),
        (b"a\rb\r\n.\r\n", b"a\r\nb\r\n"),
        (b"a\n.\nMAIL\r\n.\r\n", b"a\r\n.\r\nMAIL\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
    ],
)
def test_dot_reader_normalizes_bare_newlines_on_demand(data: bytes, body: bytes) -> None:
    for pieces in _cuts(data):
        assert _read(pieces, normalize=True).body == body


def test_dot_reader_holds_at_most_four_octets() -> None:
    for data in map(bytes, itertools.product(b"\r\n.a", repeat=6)):
        reader = DotReader()
        given_out = len(reader.feed(data))
        stuffing = (b"\r\n" + data).count(b"\r\n.")
        if not reader.done:
            assert len(data) - given_out - stuffing <= 4


BODIES = st.lists(
    st.sampled_from([b".", b"\r\n", b"\n", b"a", b"..", b"\r\n.\r\n", b"text with words"]), max_size=30
).map(b"".join)


@given(BODIES, st.lists(st.integers(1, 7), min_size=1))
def test_stuffing_is_undone_by_reading(body: bytes, sizes: list[int]) -> None:
    sizer = itertools.cycle(sizes)
    chunks = []
    rest = body
    while rest:
        size = next(sizer)
        chunks.append(rest[:size])
        rest = rest[size:]
    wire = b"".join(iter_dot_stuffed(chunks))
    assert wire == b"".join(iter_dot_stuffed([body]))
    canonical = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if not canonical.endswith(b"\r\n") and canonical:
        canonical += b"\r\n"
    assert _read([wire[at : at + 3] for at in range(0, len(wire), 3)]) == (canonical, True, b"", False)


@pytest.mark.parametrize(
    ("body", "offset"), [(b"a\rb", 1), (b"\r", 0), (b"a\r\nb\r", 4), (b"a\r\r\nb", 1), (b"x\r\ny\rz\r\n", 4)]
)
def test_crlf_writer_refuses_a_bare_return_and_says_where(body: bytes, offset: int) -> None:
    for pieces in _cuts(body):
        with pytest.raises(DataError) as caught:
            list(iter_crlf(pieces))
        assert caught.value.where == f"octet {offset}"


def test_crlf_writer_passes_canonical_text_through_uncopied() -> None:
    text = b"one\r\ntwo\r\n"
    assert CRLFWriter().feed(text) is text


@pytest.mark.parametrize(
    ("body", "wire"),
    [
        (b"", b".\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\n", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\n.\r\n", b"..\r\n..\r\n.\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
        (b"a.\n", b"a.\r\n.\r\n"),
    ],
)
def test_dot_stuffed_bodies_by_hand(body: bytes, wire: bytes) -> None:
    for pieces in _cuts(body):
        assert b"".join(iter_dot_stuffed(pieces)) == wire


def test_dot_writer_takes_a_dot_after_a_chunk_that_ends_a_line() -> None:
    writer = DotWriter()
    assert writer.feed(b"a\r\n") + writer.feed(b"") + writer.feed(b".") == b"a\r\n.."
