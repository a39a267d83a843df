"""Threads: links by fields, missing messages, loops, and no more than linear time."""

import random
import time
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from blaze.core.search.threads import Letter, base_subject, iter_threads


def letter(
    id: str,  # noqa: A002
    references: str = "",
    in_reply_to: str = "",
    date: int | None = None,
    subject: str = "",
) -> Letter:
    return Letter(id, id, tuple(references.split()), tuple(in_reply_to.split()), date, "", subject)


def drawn(letters: Iterable[Letter], *, by_subject: bool = False) -> list[str]:
    """One text a thread: `a(b c(?d))`, a question mark before what is missing."""
    texts = []
    for thread in iter_threads(letters, by_subject=by_subject):
        text, depth = "", -1
        for row in thread:
            text += "(" if row.depth > depth else ")" * (depth - row.depth) + " "
            text += row.message_id if row.letter else f"?{row.message_id}"
            depth = row.depth
        texts.append(text[1:] + ")" * depth)
    return texts


@pytest.mark.parametrize(
    ("letters", "threads"),
    [
        ([], []),
        ([letter("a")], ["a"]),
        ([letter("a"), letter("b", "a")], ["a(b)"]),
        ([letter("b", "a"), letter("a")], ["a(b)"]),
        ([letter("a"), letter("b", "", "a")], ["a(b)"]),
        ([letter("a"), letter("b"), letter("c", "a b", "a")], ["a(b(c))"]),
        ([letter("b", "a")], ["?a(b)"]),
        ([letter("c", "a b")], ["?b(c)"]),
        ([letter("c", "a b"), letter("d", "a")], ["?a(?b(c) d)"]),
        ([letter("a"), letter("c", "a b")], ["a(?b(c))"]),
        ([letter("b", "a"), letter("c", "a")], ["?a(b c)"]),
        ([letter("a", "b"), letter("b", "a")], ["a(b)"]),
        ([letter("a", "a")], ["a"]),
        ([letter("a", "c"), letter("b", "a"), letter("c", "b")], ["a(b(c))"]),
        ([letter("x", date=5), letter("a", date=3)], ["a", "x"]),
        ([letter("a"), letter("c", "a", date=2), letter("b", "a", date=1)], ["a(b c)"]),
        ([letter("a", date=1), letter("a", date=2), letter("b", "a")], ["a a(b)"]),
        ([letter(""), letter("")], ["", ""]),
        ([letter("d", "a b c"), letter("b", "x", date=1)], ["?x(b(?c(d)))"]),
    ],
)
def test_iter_threads(letters: list[Letter], threads: list[str]) -> None:
    assert drawn(letters) == threads


def test_iter_threads_tells_why() -> None:
    letters = [letter("a"), letter("b", "a"), letter("c", "", "b"), letter("e", "c d")]
    (thread,) = iter_threads(letters)
    assert [(row.message_id, row.why) for row in thread] == [
        ("a", ""),
        ("b", "References"),
        ("c", "In-Reply-To"),
        ("d", "References of <e>"),
        ("e", "References"),
    ]


def test_iter_threads_looks_at_subjects_only_when_asked() -> None:
    letters = [
        letter("a", subject="A plan", date=1),
        letter("b", subject="Re: [dev] a  plan", date=2),
        letter("c", subject="a plan", date=3),
        letter("d", subject="Re: other", date=4),
    ]
    assert drawn(letters) == ["a", "b", "c", "d"]
    assert drawn(letters, by_subject=True) == ["a(b)", "c", "d"]


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("Re: x", "x"),
        ("RE: Fwd: AW: x", "x"),
        ("Re[2]: x", "x"),
        ("[dev] Re: [dev] x", "x"),
        ("Regarding x", "regarding x"),
        ("Re:", ""),
        ("", ""),
    ],
)
def test_base_subject(subject: str, base: str) -> None:
    assert base_subject(subject) == base


names = st.sampled_from("abcdefg")
letters_of = st.lists(
    st.builds(
        lambda id, references, above, date: letter(id, " ".join(references), above or "", date),  # noqa: A006
        names,
        st.lists(names, max_size=4),
        st.none() | names,
        st.none() | st.integers(0, 9),
    ),
    max_size=8,
)


@given(letters_of)
def test_every_message_stands_in_one_thread_with_what_it_names(letters: list[Letter]) -> None:
    threads = list(iter_threads(letters))
    shown = [row.letter for thread in threads for row in thread if row.letter]
    assert sorted(shown, key=str) == sorted(letters, key=str)
    place = {row.message_id: number for number, thread in enumerate(threads) for row in thread}
    for item in letters:
        for above in (*item.references, *item.in_reply_to):
            assert place.get(above, place[item.message_id]) == place[item.message_id]
    for thread in threads:
        assert all(row.depth <= before.depth + 1 for before, row in pairwise(thread))


@given(letters_of, st.randoms(use_true_random=False))
def test_which_messages_belong_together_does_not_depend_on_their_order(
    letters: list[Letter], chance: random.Random
) -> None:
    def groups(of: list[Letter]) -> set[frozenset[str]]:
        return {frozenset(row.message_id for row in thread if row.letter) for thread in iter_threads(of)}

    shuffled = letters[:]
    chance.shuffle(shuffled)
    assert groups(letters) == groups(shuffled)


@pytest.mark.parametrize("shape", ["chain", "missing chain", "star", "loop", "long references"])
def test_iter_threads_takes_linear_time(shape: str) -> None:
    def made(size: int) -> list[Letter]:
        ids = [f"{number}@x" for number in range(size)]
        match shape:
            case "chain":
                return [letter(ids[0]), *(letter(b, a) for a, b in pairwise(ids))]
            case "missing chain":
                return [letter("end", " ".join(ids))]
            case "star":
                return [letter(id, "hub") for id in ids]  # noqa: A001
            case "loop":
                return [letter(b, a) for a, b in zip([*ids[-1:], *ids], ids, strict=False)]
        return [letter(f"end{number}", " ".join(ids[: 10_000 // 10])) for number in range(size // 1000)]

    def seconds(size: int) -> float:
        letters = made(size)
        started = time.process_time()
        assert sum(map(len, iter_threads(letters)))
        return time.process_time() - started

    small = min(seconds(5_000) for _ in range(3))
    assert seconds(40_000) < 8 * small * 4 + 0.5
