"""The line before each message in an mbox: `From `, the sender, and the date of delivery (RFC 4155)."""

import re
from functools import cache
from time import gmtime
from typing import NamedTuple

MAX_FROM_LINE = 1024
"""Octets of a From line that are looked at."""

NOBODY = b"MAILER-DAEMON"
"""The sender in the From line of a message that has none."""

_PLAIN_LENGTH = len(b" Thu Jan  1 00:00:00 1970")
_FIRST_SECOND = -62_135_596_800  # of the year 1
_LAST_SECOND = 253_402_300_799  # of the year 9999
_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # of the months, in days
_LEAP_DAYS_TO_1970 = 477
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7} | {
    "bst": 1,
    "ist": 1,
    "cet": 1,
    "cest": 2,
    "met": 1,
    "eet": 2,
    "eest": 3,
    "msk": 3,
    "jst": 9,
}


class FromLine(NamedTuple):
    """The line before a message in an mbox: the sender, and the time of delivery in seconds, UTC."""

    sender: bytes
    date: int


def parse_from_line(line: bytes) -> FromLine | None:
    """Read a From line, without its newline; None when it has no date that makes sense.

    The date is that of `asctime` (RFC 4155), with or without seconds and zone, the zone before the year or
    after it; or that of a Date field. Without a zone it is UTC.
    """
    if not line.startswith(b"From "):
        return None
    if plain := _plain_date().match(line, len(line) - _PLAIN_LENGTH):
        month, day, hour, minute, second, year = plain.groups()
        date = _seconds(int(year), month, (int(day), int(hour), int(minute), int(second)))
        return None if date is None else FromLine(line[5 : plain.start()].strip(), date)
    asctime, rfc822 = _dates()
    match = asctime.search(line, 4, MAX_FROM_LINE) or rfc822.search(line, 4, MAX_FROM_LINE)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:
        year += 2000 if year < 50 else 1900
    time = (int(match["day"]), int(match["hour"]), int(match["minute"]), int(match["second"] or 0))
    date = _seconds(year, match["month"].capitalize(), time)
    if date is None:
        return None
    zone = match["zone"] or match.groupdict().get("zone_before_year") or b""
    return FromLine(line[5 : match.start()].strip(), date - _offset(zone.decode("ascii")))


def format_from_line(sender: bytes, date_ns: int) -> bytes:
    """The line before a message, with its newline: the sender and the date in UTC, as `asctime` writes it.

    A date before the year 1 or after 9999 becomes the first or the last second of these.
    """
    when = gmtime(min(max(date_ns // 1_000_000_000, _FIRST_SECOND), _LAST_SECOND))
    date = b"%b %b %2d %02d:%02d:%02d %04d" % (
        _DAYS[when.tm_wday],
        _MONTHS[when.tm_mon - 1],
        when.tm_mday,
        when.tm_hour,
        when.tm_min,
        when.tm_sec,
        when.tm_year,
    )
    return b"From %b %b\n" % (sender.translate(None, b"\0\r\n").strip() or NOBODY, date)


def _seconds(year: int, month: bytes, time: tuple[int, int, int, int]) -> int | None:
    """Seconds since 1970 of a time in UTC (day, hour, minute, second), or None when there is no such time."""
    day, hour, minute, second = time
    number = _MONTHS.index(month)
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    length = _LENGTHS[number] + (is_leap and number == 1)
    if not (
        year > 0 and 1 <= day <= length and hour < 24 and minute < 60 and second <= 60
    ):  # 60: a leap second
        return None
    before = year - 1
    leap_days = before // 4 - before // 100 + before // 400 - _LEAP_DAYS_TO_1970 + (is_leap and number > 1)
    days = 365 * (year - 1970) + leap_days + sum(_LENGTHS[:number]) + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _offset(zone: str) -> int:
    """Seconds east of UTC of `+0200` or of a well-known name; 0 for any other name."""
    if zone[:1] in ("+", "-"):
        seconds = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60
        return -seconds if zone[0] == "-" else seconds
    return _ZONES.get(zone.lower(), 0) * 3600


@cache
def _plain_date() -> re.Pattern[bytes]:
    """The date as `asctime` writes it, at the end of nearly every From line."""
    months = b"|".join(_MONTHS)
    time = rb"([0-9]{2}):([0-9]{2}):([0-9]{2})"
    return re.compile(
        rb"[ \t](?:" + b"|".join(_DAYS) + rb") (" + months + rb") ([ 0-9][0-9]) " + time + rb" ([0-9]{4})$"
    )


@cache
def _dates() -> tuple[re.Pattern[bytes], ...]:
    """The dates of `asctime`, and those of a Date field, each at the end of a From line."""
    day = rb"(?P<day>[0-9]{1,2})"
    month = rb"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    time = rb"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
    zone = rb"[+-][0-9]{4}|[a-z]{1,5}"
    last = rb"(?:[ \t]++(?P<zone>" + zone + rb"))?(?:[ \t]++remote from [^\r\n]*+)?[ \t]*+\r?$"
    weekday = rb"(?i)[ \t](?:mon|tue|wed|thu|fri|sat|sun),?[ \t]++"
    blank = rb"[ \t]++"
    middle = rb"(?:[ \t]++(?P<zone_before_year>" + zone + rb"))?[ \t]++(?P<year>[0-9]{4})"
    return (
        re.compile(weekday + month + blank + day + blank + time + middle + last),
        re.compile(weekday + day + rb"[ \t-]" + month + rb"[ \t-](?P<year>[0-9]{2,4})" + blank + time + last),
    )
