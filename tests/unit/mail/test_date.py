import json
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from blaze.core.errors import DataError
from blaze.core.mail import date as dates

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "date" / "dates.json").read_text("ascii")
)
assert len(CASES) > 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["value"]))
def test_parse(case: dict[str, Any]) -> None:
    date = dates.parse(case["value"].encode("latin-1"))
    if case["date"] is None:
        assert date is None
        return
    assert date is not None
    assert date.datetime.isoformat() == case["date"]
    assert date.zone_known is case["zone_known"]
    assert [defect.name for defect in date.defects] == case["defects"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"Thu, 30 Mar 2017 15:00:00 +0530", "2017-03-30T15:00:00+05:30"),
        (b"Thu, 30 Mar 2017 15:00:00 GMT", "2017-03-30T15:00:00+00:00"),
        (b"Thu, 30 Mar 2017 15:00:00 -0000", "2017-03-30T15:00:00-00:00"),
        (b"Thu, 30 Mar 2017 15:00:00", "2017-03-30T15:00:00-00:00"),
    ],
)
def test_to_rfc3339_tells_an_unknown_zone(value: bytes, text: str) -> None:
    date = dates.parse(value)
    assert date is not None
    assert date.to_rfc3339() == text


def test_parse_gives_offsets_in_octets() -> None:
    date = dates.parse(b"\xe9\xe9 Wed, 30 Mar 2017 15:00:00 +0200 x")
    assert date is not None
    assert [tuple(defect) for defect in date.defects] == [("unexpected-text", 0), ("wrong-weekday", 36)]


@pytest.mark.parametrize(
    "unit", ["(", "()", "1 ", "Mon ", "1", ":", "a", "+", ",", " ", '"', "1:", "\xff", "Jan"]
)
def test_parse_takes_linear_time(unit: str) -> None:
    value = (unit * ((1 << 20) // len(unit))).encode("latin-1")
    start = time.process_time()
    dates.parse(value)
    assert time.process_time() - start < 5  # a quadratic step takes far longer


ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
EARLIEST, LATEST = datetime(1900, 1, 3), datetime(9999, 12, 29)  # noqa: DTZ001 - hypothesis adds the zone
DATES = st.datetimes(EARLIEST, LATEST, timezones=ZONES).map(lambda date: date.replace(microsecond=0))


@given(DATES)
def test_parse_undoes_format(date: datetime) -> None:
    assert dates.parse(dates.format(date).encode()) == dates.Date(date, True)
    in_utc = dates.parse(dates.format(date, zone_known=False).encode())
    assert in_utc == dates.Date(date.astimezone(UTC), False)
    assert in_utc is not None and dates.parse(str(in_utc).encode()) == in_utc


@given(DATES)
def test_parse_reads_the_obsolete_form_the_same(date: datetime) -> None:
    """The fast pattern and the grammar agree: a comment before the day forces the second."""
    text = dates.format(date)
    fast, slow = dates.parse(text.encode()), dates.parse(b"(x)" + text.encode())
    assert fast is not None and fast == slow


PIECES = st.sampled_from(
    [
        "Mon",
        ",",
        "30",
        "1",
        "Mar",
        "2017",
        "17",
        "15:00:00",
        "15:00",
        "+0200",
        "-0000",
        "EST",
        "GMT",
        "+",
        "-",
        "(x)",
        "(",
        "99:99:99",
        "2017-03-30",
        "T",
        "Z",
        "PM",
        "é",
        ":",
        ".",
        "60",
        "J",
        '"',
        "9" * 30,
    ]
)


@given(st.lists(st.tuples(PIECES, st.sampled_from(["", " ", "\r\n "])), max_size=12))
def test_parse_of_anything_prints_what_it_reads_again(pieces: list[tuple[str, str]]) -> None:
    date = dates.parse("".join(map("".join, pieces)).encode())
    if date is not None:
        again = dates.parse(str(date).encode())
        assert again is not None
        assert (again.datetime, again.zone_known) == (date.datetime, date.zone_known)


def test_format_writes_rfc_5322() -> None:
    zone = timezone(timedelta(hours=-3, minutes=-30))
    assert dates.format(datetime(2017, 3, 3, 5, 6, 7, tzinfo=zone)) == "Fri, 03 Mar 2017 05:06:07 -0330"
    assert dates.format(datetime(2017, 3, 3, 5, 6, 7, tzinfo=UTC)) == "Fri, 03 Mar 2017 05:06:07 +0000"


def test_format_of_a_naive_date_tells_no_zone() -> None:
    assert dates.format(datetime(2017, 3, 3, 5, 6, 7)) == "Fri, 03 Mar 2017 05:06:07 -0000"  # noqa: DTZ001


def test_format_keeps_the_instant_of_an_offset_with_seconds() -> None:
    paris = timezone(timedelta(minutes=9, seconds=21))
    date = datetime(1905, 1, 1, 0, 9, 21, tzinfo=paris)
    assert dates.format(date) == "Sun, 01 Jan 1905 00:09:00 +0009"
    west = datetime(1905, 1, 1, tzinfo=timezone(-timedelta(minutes=9, seconds=21)))
    assert dates.parse(dates.format(west).encode()) == dates.Date(west, True)


def test_format_refuses_years_before_1900() -> None:
    with pytest.raises(DataError, match="1900"):
        dates.format(datetime(1899, 12, 31, tzinfo=UTC))
