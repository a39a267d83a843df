"""The dates of a query: `2024`, `2024-01`, `2024-01-31`, `2024-01-31T12:00`, `today`, `2w`; and ranges."""

import re
from datetime import datetime, timedelta
from functools import cache

from blaze.core.errors import UsageError
from blaze.core.query.nodes import DateRange

_HINT = "Write date:2024, date:2024-01-31, date:2024-01..2024-06, date:..2023, date:2w.. or date:today."
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}


def parse_range(text: str, now: datetime | None) -> DateRange:
    """The moments that `text` speaks of; both ends of a range belong to it, as long as they last.

    `now` is the local time, for dates that are relative to it. A range whose ends are in the wrong order is
    turned round.

    Raises:
        UsageError: it is no date, or relative and `now` is None.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return _span(text, now)
    if not first and not last:
        raise UsageError("a range of dates needs an end", where=f"date:{text}", hint=_HINT)
    start = _span(first, now) if first else DateRange(None, None)
    end = _span(last, now) if last else DateRange(None, None)
    if start.start is not None and end.start is not None and end.start < start.start:
        start, end = end, start
    return DateRange(start.start, end.end)


def _span(text: str, now: datetime | None) -> DateRange:
    """How long one date lasts."""
    if match := _absolute().fullmatch(text):
        try:
            return _calendar([int(digits) for digits in match.groups() if digits])
        except (ValueError, OverflowError):
            raise UsageError("there is no such date", where=f"date:{text}", hint=_HINT) from None
    word = text.lower()
    ago = _ago().fullmatch(word)
    if not ago and word not in ("today", "yesterday", "now"):
        raise UsageError("this is no date", where=f"date:{text}", hint=_HINT)
    if now is None:
        raise UsageError("a date must not be relative here", where=f"date:{text}")
    if word == "now":
        return DateRange(now, now + timedelta(seconds=1))
    try:
        if ago and ago[2] == "h":
            return DateRange(now - int(ago[1]) * _UNITS["h"], now)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        day = midnight - (int(ago[1]) * _UNITS[ago[2]] if ago else timedelta(days=word == "yesterday"))
    except OverflowError:
        raise UsageError("there is no such date", where=f"date:{text}", hint=_HINT) from None
    return DateRange(day, day + timedelta(days=1))


def _calendar(numbers: list[int]) -> DateRange:
    year, month, day, hour, minute, second = numbers + [0] * (6 - len(numbers))
    start = datetime(year, month or 1, day or 1, hour, minute, second)  # noqa: DTZ001 - local by meaning
    match len(numbers):
        case 1:
            end = start.replace(year=year + 1)
        case 2:
            end = start.replace(year=year + month // 12, month=month % 12 + 1)
        case 3:
            end = start + timedelta(days=1)
        case 5:
            end = start + timedelta(minutes=1)
        case _:
            end = start + timedelta(seconds=1)
    return DateRange(start, end)


@cache
def _absolute() -> re.Pattern[str]:
    return re.compile(
        r"([0-9]{4})(?:-?([0-9]{2})(?:-?([0-9]{2})(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?)?)?)?"
    )


@cache
def _ago() -> re.Pattern[str]:
    return re.compile(r"([0-9]{1,6})([hdwy])")
