"""The grammar of queries: what each form means, what is refused, and that any text is one or the other."""

from datetime import datetime

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import UsageError
from blaze.core.query import (
    All,
    And,
    DateRange,
    HasAttachment,
    Is,
    MessageId,
    Node,
    Not,
    Or,
    Size,
    Words,
    parse,
)
from blaze.core.query.grammar import MAX_DEPTH, MAX_QUERY, MAX_TERMS

A, B, C = Words("a"), Words("b"), Words("c")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("", All()),
        ("  ", All()),
        ("*", All()),
        ("a", A),
        ("a b", And((A, B))),
        ("a and b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a or b c", Or((A, And((B, C))))),
        ("(a or b) c", And((Or((A, B)), C))),
        ("not a", Not(A)),
        ("not not a", A),
        ("-a", Not(A)),
        ("not -a", A),
        ("a -b", And((A, Not(B)))),
        ("-(a or b) c", And((Not(Or((A, B))), C))),
        ("a-b", Words("a-b")),
        ("!a", Not(A)),
        ("a !(b or c)", And((A, Not(Or((B, C)))))),
        ("!from:a", Not(Words("a", "from"))),
        ("a!b", Words("a!b")),
        ("!", Words("!")),
        ("!!", Words("!!")),
        ("before:2024-03", DateRange(None, datetime(2024, 3, 1))),  # noqa: DTZ001
        ("after:2024-03-02", DateRange(datetime(2024, 3, 2), None)),  # noqa: DTZ001
        ("-AFTER:2024", Not(DateRange(datetime(2024, 1, 1), None))),  # noqa: DTZ001
        ("before:", Words("before:")),
        ("-", Words("-")),
        ('"a b" c', And((Words("a b", "", True), C))),
        ('"or"', Words("or", "", True)),
        ("pre*", Words("pre", "", False, True)),
        ('"pre*"', Words("pre*", "", True)),
        ("from:a", Words("a", "from")),
        ("FROM:a", Words("a", "from")),
        ('subject:"a b"', Words("a b", "subject", True)),
        ("subject:(a or b) c", And((Or((Words("a", "subject"), Words("b", "subject"))), C))),
        ("subject:(a or (from:b))", Or((Words("a", "subject"), Words("b", "from")))),
        ("http://a.b/c", Words("http://a.b/c")),
        ("re: a", And((Words("re:"), A))),
        ("from:", Words("from:")),
        ("mid:<a@b>", MessageId("a@b")),
        ("id:a(1)@b", MessageId("a(1)@b")),
        ("has:attachment", HasAttachment()),
        ("is:Flagged", Is("F")),
        ("is:unread", Not(Is("S"))),
        ("-is:unread", Is("S")),
        ("larger:500", Size(larger=500)),
        ("larger:20k", Size(larger=20 << 10)),
        ("smaller:5MB", Size(smaller=5 << 20)),
    ],
)
def test_parse_forms(text: str, node: Node) -> None:
    assert parse(text) == node


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("(a", "parenthesis"),
        ("a)", "parenthesis"),
        ("()", "nothing between"),
        ('"a', "quotation mark"),
        ("a or", "'or' needs something after"),
        ("or a", "'or' needs something before"),
        ("a and or b", "'or' needs something before"),
        ("(and a)", "'and' needs something before"),
        ("not", "'not' needs something after"),
        ("a (not) b", "'not' needs something after"),
        ("not or a", "'or' needs something before"),
        ("is:odd", "'is:' does not know"),
        ("has:horns", "'has:' does not know"),
        ("larger:much", "'larger:' does not know"),
        ("date:soon", "no date"),
        ("date:2024-13", "no such date"),
        ("date:2023-02-29", "no such date"),
        ("date:0000", "no such date"),
        ("date:9999", "no such date"),
        ("date:..", "needs an end"),
        ("date:today", "must not be relative"),
    ],
)
def test_parse_refuses(text: str, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        parse(text)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2024-12", "2024-12-01", "2025-01-01"),
        ("2024-02-29", "2024-02-29", "2024-03-01"),
        ("20240229", "2024-02-29", "2024-03-01"),
        ("2024-02-29T12:30", "2024-02-29T12:30", "2024-02-29T12:31"),
        ("2024-02-29T12:30:05", "2024-02-29T12:30:05", "2024-02-29T12:30:06"),
        ("2024-01..2024-06", "2024-01-01", "2024-07-01"),
        ("2024-06..2024-01", "2024-01-01", "2024-07-01"),
        ("2024..", "2024-01-01", None),
        ("..2024", None, "2025-01-01"),
        ("today", "2026-03-02", "2026-03-03"),
        ("yesterday", "2026-03-01", "2026-03-02"),
        ("2d", "2026-02-28", "2026-03-01"),
        ("1w..", "2026-02-23", None),
        ("1w..now", "2026-02-23", "2026-03-02T10:00:01"),
        ("3h", "2026-03-02T07:00", "2026-03-02T10:00"),
    ],
)
def test_parse_dates_have_both_ends(text: str, start: str | None, end: str | None) -> None:
    def moment(value: str | None) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value)

    assert parse(f"date:{text}", now=datetime(2026, 3, 2, 10)) == DateRange(moment(start), moment(end))  # noqa: DTZ001


def test_parse_keeps_its_limits() -> None:
    parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH)
    for text in ("(" * (MAX_DEPTH + 1) + "a", "a " * (MAX_TERMS + 1), "a" * (MAX_QUERY + 1)):
        with pytest.raises(UsageError, match="more than"):
            parse(text)


@given(st.text(alphabet='ab"()-*: orandt~é猫', max_size=60))
def test_parse_gives_a_tree_or_a_usage_error(text: str) -> None:
    try:
        node = parse(text)
    except UsageError as error:
        assert error.what
    else:
        assert isinstance(node, tuple)
