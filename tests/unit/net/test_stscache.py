"""MTA-STS policies kept on disk."""

import json
import stat
from pathlib import Path

import pytest

from blaze.core.errors import CannotCreateError
from blaze.core.net.sts import Policy
from blaze.core.net.stscache import MAX_AGE, MAX_FILE, Kept, PolicyCache

POLICY = Policy("enforce", ("mx.one.test", "*.two.test"), 3600)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "blaze" / "mta-sts.jsonl"


def test_keep_and_find(path: Path, clock: Clock) -> None:
    cache = PolicyCache(str(path), clock)
    assert cache.find("one.test") is None
    cache.keep("one.test", POLICY, "20260101")
    cache.keep("two.test", Policy("none", (), 1), "x")
    cache.keep("one.test", POLICY, "20260102")
    assert PolicyCache(str(path), clock).find("one.test") == Kept(POLICY, "20260102", clock.now)
    assert cache.find("two.test") == Kept(Policy("none", (), 1), "x", clock.now)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("max_age", "later", "holds"),
    [
        (3600, 0, True),
        (3600, 3599, True),
        (3600, 3600, False),
        (3600, -1, False),
        (9_999_999_999, MAX_AGE - 1, True),
        (9_999_999_999, MAX_AGE, False),
    ],
)
def test_a_policy_holds_for_its_time(
    max_age: int, later: float, holds: bool, path: Path, clock: Clock
) -> None:
    cache = PolicyCache(str(path), clock)
    cache.keep("one.test", Policy("enforce", ("mx.one.test",), max_age), "1")
    clock.now += later
    assert (cache.find("one.test") is not None) is holds


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "blaze.mta-sts/2"},
        {"mode": "force"},
        {"mx": 5},
        {"mx": [5]},
        {"max_age": "soon"},
        {"max_age": float("inf")},
        {"fetched": float("nan")},
        {"fetched": None},
        {"domain": ["one.test"]},
    ],
)
def test_entries_that_make_no_sense_are_passed_over(
    change: dict[str, object], path: Path, clock: Clock
) -> None:
    cache = PolicyCache(str(path), clock)
    cache.keep("two.test", POLICY, "1")
    cache.keep("one.test", POLICY, "1")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines = [{**line, **change} if line["domain"] == "one.test" else line for line in lines]
    noise = "not json\n[]\n" + "[" * 100_000 + "\n"
    path.write_text(noise + "".join(json.dumps(line) + "\n" for line in lines))
    assert cache.find("one.test") is None
    assert cache.find("two.test") is not None


def test_the_file_does_not_grow_without_end(path: Path, clock: Clock) -> None:
    cache = PolicyCache(str(path), clock)
    wide = Policy("enforce", tuple(f"mx{number}.one.test" for number in range(4000)), 86400)
    for number in range(30):
        clock.now += 1
        cache.keep(f"d{number}.test", wide, "1")
    assert path.stat().st_size <= MAX_FILE
    assert cache.find("d29.test") is not None
    assert cache.find("d0.test") is None


def test_a_place_that_cannot_be_written(clock: Clock) -> None:
    cache = PolicyCache("/dev/null/blaze/mta-sts.jsonl", clock)
    with pytest.raises(CannotCreateError):
        cache.keep("one.test", POLICY, "1")
    assert cache.find("one.test") is None
