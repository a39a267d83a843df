"""Deltas and entries: what is made reads back, in Git's own encodings."""

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.store.pack import delta, entry
from blaze.core.store.pack.similar import MAX_DEPTH, Window

WORDS = st.lists(
    st.sampled_from([b"alpha ", b"beta gamma delta ", b"\r\n", b"> ", b"x" * 40, b"\0"]), max_size=60
)


@given(WORDS.map(b"".join), WORDS.map(b"".join))
def test_apply_undoes_make(base: bytes, target: bytes) -> None:
    made = delta.make(delta.Base(base), target)
    assert delta.result_size(made) == len(target)
    assert b"".join(delta.apply(base, made)) == target


@given(st.binary(max_size=300), st.integers(0, 300), st.binary(max_size=40))
def test_apply_undoes_make_for_an_octet_string_that_was_edited(base: bytes, at: int, put_in: bytes) -> None:
    target = base[:at] + put_in + base[at:]
    assert b"".join(delta.apply(base, delta.make(delta.Base(base), target))) == target


def test_make_finds_what_is_quoted() -> None:
    lines = [b"this is line %d of a message that is answered\r\n" % n for n in range(100)]
    base, reply = b"".join(lines), b"".join(b"> " + line for line in lines)
    assert len(delta.make(delta.Base(base), reply)) < len(lines) * 11


def test_make_finds_what_differs_within_lines() -> None:
    base = b"Received: from a.example by b.example; Mon, 1 Jan 2026 00:00:01 +0000\r\n" * 3
    target = base.replace(b":01", b":02")
    assert len(delta.make(delta.Base(base), target)) < len(target) // 2


def test_copies_longer_than_git_writes_are_split() -> None:
    base = b"".join(b"%08d\r\n" % n for n in range(30_000))
    made = delta.make(delta.Base(base), base + b"x")
    assert len(made) < 60
    assert b"".join(delta.apply(base, made)) == base + b"x"


@given(st.integers(1, 7), st.integers(0, 1 << 62), st.integers(1, 1 << 62))
def test_entry_header_reads_back(kind: int, size: int, distance: int) -> None:
    if kind == 5:
        kind = 4
    offset = distance + 12 if kind == entry.OFS_DELTA else 12
    head = entry.head_octets(kind, size)
    after = {entry.OFS_DELTA: entry.distance_octets(distance), entry.REF_DELTA: bytes(20)}.get(kind, b"")
    found = entry.parse(_At(offset, head + after), offset, offset + 100)  # type: ignore[arg-type]
    assert (found.type, found.size, found.data) == (kind, size, offset + len(head + after))
    assert found.base == {entry.OFS_DELTA: 12, entry.REF_DELTA: bytes(20)}.get(kind)


class _At:
    """Octets that lie far out in a buffer."""

    def __init__(self, offset: int, octets: bytes) -> None:
        self.offset = offset
        self.octets = octets

    def __getitem__(self, found: slice) -> bytes:
        return self.octets[found.start - self.offset : found.stop - self.offset]


@pytest.mark.parametrize(
    ("octets", "distance"), [(b"\x01", 1), (b"\x7f", 127), (b"\x80\x00", 128), (b"\xff\x7f", 16511)]
)
def test_distances_are_those_of_git(octets: bytes, distance: int) -> None:
    assert entry.distance_octets(distance) == octets


def test_inflation_stops_at_the_size_that_is_said() -> None:
    import zlib

    octets = entry.head_octets(2, 10) + zlib.compress(b"\0" * 10_000_000)
    with pytest.raises(DataError, match="larger than it says"):
        entry.inflate(octets, entry.parse(octets, 0, len(octets)), len(octets))


def test_window_bounds_the_depth_of_deltas() -> None:
    window, depth = Window(), {}
    text = b"".join(b"%04d: a line that all of them share\r\n" % n for n in range(50))
    for number in range(3 * MAX_DEPTH):
        name = b"%d" % number
        found = window.delta_for(name, text + b"and one that is its own: %d\r\n" % number)
        depth[name] = 0 if found is None else depth[found[0]] + 1
    assert max(depth.values()) == MAX_DEPTH


def test_window_forgets() -> None:
    window = Window(5_000)
    text = b"".join(b"%04d: a line that two of them share\r\n" % n for n in range(50))
    assert window.delta_for(b"first", text) is None
    for number in range(10):
        window.delta_for(
            b"%d" % number, b"".join(b"%d/%04d: something else\r\n" % (number, n) for n in range(90))
        )
    assert window.delta_for(b"again", text + b"x") is None
