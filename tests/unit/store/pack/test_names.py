"""Names, rows and threads kept compactly: the same answers as a dict gives, a fraction of the memory."""

import tracemalloc
from collections import Counter
from collections.abc import Callable
from hashlib import sha1

import pytest
from hypothesis import given, strategies as st

from blaze.core.store.pack.index import Index, Row, Rows, iter_octets
from blaze.core.store.pack.names import Names, Tally
from blaze.core.store.pack.trees import Threads, Tree

MANY = 20_000


def name(number: int) -> bytes:
    return sha1(b"%d" % number).digest()


@given(st.lists(st.binary(min_size=20, max_size=20) | st.integers(0, 20).map(name)))
def test_names_are_found_as_in_a_dict(chosen: list[bytes]) -> None:
    names, numbers = Names(), dict[bytes, int]()
    for number, each in enumerate(chosen):
        assert names.find(each) == numbers.get(each)
        assert names.append(each) == number
        numbers.setdefault(each, number)
    assert len(names) == len(chosen)
    assert [names[number] for number in range(len(names))] == chosen
    assert {each: names.find(each) for each in chosen} == numbers
    assert [names[number] for number in names.in_order()] == sorted(chosen)
    assert [sum(each[0] == first for each in chosen) for first in range(256)] == names.counts()


def test_names_are_found_after_growing() -> None:
    names = Names()
    for number in range(MANY):
        assert names.find(name(number)) is None
        names.append(name(number))
    assert all(names.find(name(number)) == number for number in range(MANY))
    assert names.find(name(MANY)) is None


def fill_names() -> object:
    names = Names()
    for number in range(MANY):
        names.append(name(number))
    return names


def fill_rows() -> object:
    return Rows(Row(name(number), number, number) for number in range(MANY))


def fill_threads() -> object:
    threads = Threads()
    for number in range(MANY):
        threads.add(name(number), f"{number:020}@example.org", f"{number // 2:020}@example.org")
    return threads


@pytest.mark.parametrize(("fill", "octets"), [(fill_names, 36), (fill_rows, 52), (fill_threads, 130)])
def test_memory_of_each_of_many_is_small(fill: Callable[[], object], octets: int) -> None:
    tracemalloc.start()
    kept = fill()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept
    assert held / MANY < octets


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5))))
def test_tally_counts_as_a_counter(steps: list[tuple[bool, int]]) -> None:
    tally, counter = Tally(), Counter[int]()
    for is_added, number in steps:
        if is_added:
            tally.add(name(number))
            counter[number] += 1
        else:
            assert tally.take(name(number)) == (counter[number] > 0)
            counter[number] = max(counter[number] - 1, 0)


@given(st.lists(st.integers(12, 2**40), max_size=50))
def test_index_tells_names_by_offset(offsets: list[int]) -> None:
    rows = [Row(name(number), 0, offset) for number, offset in enumerate(offsets)]
    index = Index(b"".join(iter_octets(Rows(rows), bytes(20))))
    assert list(index.iter_by_offset()) == sorted((row.offset, row.name) for row in rows)


def test_rows_are_announced_and_placed() -> None:
    rows = Rows()
    assert [rows.announce(name(1)), rows.announce(name(2))] == [0, 1]
    assert name(1) in rows
    assert name(3) not in rows
    rows.place(1, 7, 12)
    rows.place(0, 8, 90)
    assert rows.offset_of(name(1)) == 90
    assert rows.find(name(2)) == Row(name(2), 7, 12)
    assert rows.find(name(3)) is None
    assert list(rows) == [Row(name(1), 8, 90), Row(name(2), 7, 12)]


@given(
    st.dictionaries(
        st.binary(min_size=20, max_size=20), st.tuples(st.integers(0, 2**32 - 1), st.integers(12, 2**40))
    )
)
def test_index_holds_the_rows_in_order(found: dict[bytes, tuple[int, int]]) -> None:
    rows = [Row(each, crc, offset) for each, (crc, offset) in found.items()]
    index = Index(b"".join(iter_octets(Rows(rows), bytes(20))))
    assert list(index) == sorted(rows)
    assert index.is_intact


def test_index_of_many_rows_is_written_in_parts() -> None:
    rows = [Row(name(number), number, (number << 20) + 12) for number in range(40_000)]
    chunks = list(iter_octets(Rows(rows), bytes(20)))
    assert max(map(len, chunks)) < 400_000
    assert list(Index(b"".join(chunks))) == sorted(rows)


def test_trees_are_in_the_order_of_the_messages() -> None:
    threads = Threads()
    mails = [bytes([number]) * 20 for number in range(1, 7)]
    threads.add(mails[0], "b@x", "a@x")  # the reply before what it answers
    threads.add(mails[1], "a@x", None)
    threads.add(mails[2], "c@x", "b@x")
    threads.add(mails[3], "d@x", "a@x")
    threads.add(mails[4], "b@x", "a@x")  # a second one of this name
    threads.add(mails[5], None, "a@x")
    threads.add(mails[5], "e@x", "not there@x")
    assert list(threads.iter_trees()) == [
        Tree(b"b@x", mails[0], (b"c@x",)),
        Tree(b"a@x", mails[1], (b"b@x", b"d@x")),
    ]


def test_trees_hold_no_name_with_nul_in_it() -> None:
    threads = Threads()
    threads.add(name(1), "a\0@x", None)
    threads.add(name(2), "b@x", "a\0@x")
    assert list(threads.iter_trees()) == []
