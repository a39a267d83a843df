"""The hops of a message."""

import pytest

from blaze.core.mail import header, hops


def line(name: str, date: str) -> str:
    return f"Received: from {name}.test by x.test; {date}\n"


def delays(*lines: str) -> list[tuple[str | None, float | None]]:
    block = header.parse("".join(lines).encode() + b"\n")
    return [(hop.source, hop.delay) for hop in hops.trace(block)]


def test_trace_is_oldest_first_with_delays() -> None:
    assert delays(
        line("c", "Thu, 30 Mar 2017 15:00:01 +0200"),
        line("b", "Thu, 30 Mar 2017 13:00:10 +0000"),
        "Subject: x\n",
        line("a", "Thu, 30 Mar 2017 06:00:00 -0700"),
    ) == [("a.test", None), ("b.test", 10.0), ("c.test", -9.0)]


def test_trace_knows_no_delay_without_two_dates() -> None:
    dated = line("a", "Thu, 30 Mar 2017 13:00:00 +0000")
    assert delays(dated, "Received: from b.test\n", dated) == [
        ("a.test", None),
        ("b.test", None),
        ("a.test", None),
    ]


@pytest.mark.parametrize(
    ("value", "source"),
    [("from a.test by b", "a.test"), ("from [192.0.2.1] by b", "[192.0.2.1]"), ("by b", None)],
)
def test_source(value: str, source: str | None) -> None:
    assert delays(f"Received: {value}\n")[0][0] == source


def test_trace_is_bounded() -> None:
    assert len(delays(*["Received: by x\n"] * 5000)) == hops.MAX_HOPS
    assert delays() == []


@pytest.mark.corpus
def test_trace_of_the_corpus(corpus: list[bytes]) -> None:
    found = [hops.trace(header.parse(message)) for message in corpus]
    assert sum(map(len, found)) > 10_000
    assert sum(hop.delay is not None for trace in found for hop in trace) > 10_000
