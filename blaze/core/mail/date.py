"""Dates: reading what fields hold and writing what RFC 5322 §3.3 allows."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import NamedTuple

from blaze.core.errors import DataError
from blaze.core.mail.header import Defect
from blaze.core.mail.lexer import Lexer

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_NUMBERS = {name.encode(): number for number, name in enumerate(_DAYS)}
_MONTH_NUMBERS = {name.encode(): number for number, name in enumerate(_MONTHS, 1)}

# date-time of RFC 5322 §3.3 as nearly everyone writes it.
_COMMON = re.compile(
    rb"[ \t\r\n]*+(?:(Mon|Tue|Wed|Thu|Fri|Sat|Sun),[ ])?[ ]?(\d\d?)[ ]([JFMASOND][a-z][a-z])[ ](\d{4})"
    rb"[ ](\d\d):(\d\d):([0-5]\d)[ ]([+-])(\d\d)([0-5]\d)(?:[ ]\([A-Za-z]*+\))?[ \t\r\n]*+\Z"
)

# The zones of RFC 5322 §4.3 in hours, and UTC. Of the military zones Z alone has a meaning all agree on.
_ZONES = {"ut": 0, "utc": 0, "gmt": 0, "z": 0} | {
    f"{letter}{kind}t": hours + (kind == "d")
    for letter, hours in (("e", -5), ("c", -6), ("m", -7), ("p", -8))
    for kind in "sd"
}


class Date(NamedTuple):
    """A date read from a field.

    `datetime` is always aware. When the zone is not known (``-0000``, a military or unknown name, none at
    all) it is in UTC, as RFC 5322 §3.3 has it for ``-0000``, and `zone_known` is False. Defects hold octet
    offsets.
    """

    datetime: datetime
    zone_known: bool
    defects: tuple[Defect, ...] = ()

    def __str__(self) -> str:
        """The date as RFC 5322 §3.3 writes it, any year; ``-0000`` for an unknown zone."""
        return _text(self.datetime, self.zone_known)

    def to_rfc3339(self) -> str:
        """The date as RFC 3339 §5.6 writes it; the offset of an unknown zone is ``-00:00`` (§4.3)."""
        text = self.datetime.isoformat(timespec="seconds")
        return text if self.zone_known else f"{text[:19]}-00:00"


def parse(value: bytes) -> Date | None:
    """Read a date (RFC 5322 §3.3, §4.3) and what is meant for one; None when there is no date in it.

    Never raises; takes linear time. Taken with a defect: a wrong weekday (`wrong-weekday`), no time
    (`missing-time`), no zone (`missing-zone`), a zone that nobody defines (`unknown-zone`) or that is not
    written as it should be (`zone-syntax`), a year of two or three digits (`obsolete-year`, read as §4.3
    says) or before 1900 (`year-before-1900`), the leap second (`leap-second`, given as second 59), names and
    order of other formats (`date-syntax`), and text that is no part of a date (`unexpected-text`). A day,
    hour, minute or second out of its range is no date.
    """
    match = _COMMON.match(value)
    if match is not None:
        weekday, day, name, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
        try:
            offset = int(zone_hours) * 60 + int(zone_minutes)
            date = datetime(
                int(year),
                _MONTH_NUMBERS[name],
                int(day),
                int(hour),
                int(minute),
                int(second),
                tzinfo=_zone(-offset if sign == b"-" else offset),
            )
        except (KeyError, ValueError):
            pass  # out of range, or no month: the long way says what is wrong
        else:
            known = offset != 0 or sign == b"+"
            if date.year >= 1900 and (weekday is None or _DAY_NUMBERS[weekday] == date.weekday()):
                return Date(date, known)
    return _DateReader(value.decode("latin-1")).read()


def format(date: datetime, *, zone_known: bool = True) -> str:  # noqa: A001
    """`date` as RFC 5322 §3.3 writes it: ``Thu, 30 Mar 2017 15:00:00 +0200``.

    The zone is written as ``-0000`` when `date` is naive (it is taken as UTC) or `zone_known` is False (it is
    brought to UTC first). Seconds in the offset are dropped, the instant is kept. Raises DataError for a year
    before 1900.
    """
    if date.year < 1900:
        raise DataError("a year before 1900 in a date", where=date.isoformat())
    return _text(date, zone_known)


def _text(date: datetime, zone_known: bool) -> str:
    offset = date.utcoffset()
    if offset is None or not zone_known:
        date = date if offset is None else date.astimezone(UTC)
        zone = "-0000"
    else:
        minutes = int(offset / timedelta(minutes=1))
        if offset.seconds % 60:
            date = date.astimezone(_zone(minutes))
        zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"
    return (
        f"{_DAYS[date.weekday()]}, {date.day:02} {_MONTHS[date.month - 1]} {date.year:04}"
        f" {date.hour:02}:{date.minute:02}:{date.second:02} {zone}"
    )


@cache
def _zone(minutes: int) -> timezone:
    """The zone so many minutes east of UTC. Raises ValueError for a day or more."""
    return timezone(timedelta(minutes=minutes)) if minutes else UTC


MAX_TOKENS = 50
"""Numbers, words and marks looked at in one value; what follows them is unexpected text."""

_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


class _Token(NamedTuple):
    """A number, a word in lower case, or a mark; `glued` when it touches the one before."""

    text: str
    offset: int
    glued: bool


_END = _Token("", -1, False)


@cache
def _token_pattern() -> re.Pattern[str]:
    return re.compile(r"[0-9]++|[A-Za-z]++|.", re.DOTALL)


def _number_of(name: str, full_names: tuple[str, ...]) -> int | None:
    """The index of the name that `name` is, or begins with three letters or more."""
    if len(name) >= 3:
        for number, full in enumerate(full_names):
            if full.startswith(name):
                return number
    return None


class _DateReader:
    """Reads a date in any order that leaves no doubt: the month is a name, the time has marks in it."""

    def __init__(self, text: str) -> None:
        self.lexer = Lexer(text)
        self.tokens = list(self._iter_tokens())
        self.index = 0
        self.weekday: int | None = None
        self.day: int | None = None
        self.month: int | None = None
        self.year: int | None = None
        self.time: tuple[int, ...] | None = None  # hour, minute, second
        self.zone: timezone | None = None
        self.zone_known = False

    def _iter_tokens(self) -> Iterator[_Token]:
        lexer = self.lexer
        for _ in range(MAX_TOKENS):
            spaced = lexer.skip_cfws()
            match = _token_pattern().match(lexer.text, lexer.position)
            if match is None:
                return
            yield _Token(match[0].lower(), lexer.position, not spaced)
            lexer.position = match.end()
        lexer.note("unexpected-text")

    def peek(self, ahead: int = 0) -> _Token:
        """The token at hand, or one after it."""
        index = self.index + ahead
        return self.tokens[index] if index < len(self.tokens) else _END

    def note(self, defect: str) -> None:
        self.lexer.note(defect, self.peek().offset if self.peek() is not _END else len(self.lexer.text))

    def read(self) -> Date | None:
        """The date, or None when day, month or year are missing or out of range."""
        while self.index < len(self.tokens):
            text = self.peek().text
            if text.isdecimal():
                taken = self.take_time() or self.take_iso_date() or self.take_day_or_year()
            elif text.isalpha() and text.isascii():
                taken = self.take_name() or self.take_zone_name()
            else:
                taken = self.take_offset() or self.take_mark()
            if not taken:
                self.note("unexpected-text")
                self.index += 1
        return self.result()

    def result(self) -> Date | None:
        if self.day is None or self.month is None or self.year is None:
            return None
        if self.time is None:
            self.note("missing-time")
        hour, minute, second = self.time or (0, 0, 0)
        if second == 60:
            self.note("leap-second")
            second = 59
        if self.zone is None:
            self.note("missing-zone")
        zone = self.zone or UTC
        try:
            date = datetime(self.year, self.month, self.day, hour, minute, second, tzinfo=zone)
        except ValueError:
            return None
        if self.year < 1900:
            self.note("year-before-1900")
        if self.weekday is not None and self.weekday != date.weekday():
            self.note("wrong-weekday")
        return Date(date, self.zone_known, tuple(Defect(*item) for item in self.lexer.defects.items()))

    def take_name(self) -> bool:
        """A day of the week or a month, whole or at least three letters of it; AM or PM."""
        name = self.peek().text
        if self.weekday is None and (weekday := _number_of(name, _FULL_DAYS)) is not None:
            self.weekday = weekday
        elif self.month is None and (month := _number_of(name, _FULL_MONTHS)) is not None:
            self.month = month + 1
            if self.day is None:
                self.note("date-syntax")
        elif name in ("am", "pm") and self.time is not None and self.zone is None:
            self.note("date-syntax")
            if 1 <= self.time[0] <= 12:
                self.time = (self.time[0] % 12 + 12 * (name == "pm"), *self.time[1:])
        else:
            return False
        self.index += 1
        return True

    def take_time(self) -> bool:
        """``hour:minute``, perhaps with seconds and a fraction of them, which is dropped.

        After a whole date full stops may stand for the colons.
        """
        parts: list[int] = []
        ahead, short = 0, False
        dotted = self.peek(1).text == "." and None not in (self.day, self.month, self.year)
        mark = "." if dotted else ":"
        while len(parts) < 3 and self.peek(ahead).text.isdecimal():
            number = self.peek(ahead).text
            if len(number) > 2:
                return False
            short = short or len(number) == 1
            parts.append(int(number))
            ahead += 1
            if self.peek(ahead).text != mark:
                break
            ahead += 1
        if len(parts) < 2 or self.time is not None:
            return False
        if len(parts) == 3 and self.peek(ahead).text == "." and self.peek(ahead + 1).text.isdecimal():
            self.note("date-syntax")
            ahead += 2
        if self.year is None or short or dotted:
            self.note("date-syntax")
        self.time = (*parts, 0) if len(parts) == 2 else tuple(parts)
        self.index += ahead
        return True

    def take_iso_date(self) -> bool:
        """``2017-03-30``, perhaps with the T that stands before the time (RFC 3339 §5.6)."""
        year, dash, month, other_dash, day = (self.peek(ahead) for ahead in range(5))
        numbers = (year.text, month.text, day.text)
        if dash.text != "-" or other_dash.text != "-" or not all(map(str.isdecimal, numbers)):
            return False
        if tuple(map(len, numbers)) != (4, 2, 2) or self.year is not None:
            return False
        self.note("date-syntax")
        self.year, self.month, self.day = map(int, numbers)
        self.index += 5
        if self.peek().text == "t" and self.peek().glued:
            self.index += 1
        return True

    def take_day_or_year(self) -> bool:
        """A number that stands alone."""
        number = self.peek().text
        if len(number) <= 2 and self.day is None:
            self.day = int(number)
        elif 2 <= len(number) <= 5 and self.year is None:
            self.year = int(number)
            if len(number) < 4:  # RFC 5322 §4.3
                self.note("obsolete-year")
                self.year += 2000 if len(number) == 2 and self.year < 50 else 1900
        elif len(number) == 4 and self.time is not None and self.zone is None:
            self.note("zone-syntax")  # an offset without its sign could be either
            self.zone = UTC
        else:
            return False
        self.index += 1
        return True

    def take_zone_name(self) -> bool:
        """A zone by its name (RFC 5322 §4.3). What is not defined there is unknown."""
        name = self.peek().text
        if self.time is None or self.zone is not None:
            return False
        following = self.peek(1)
        hours = _ZONES.get(name)
        if hours == 0 and following.text in ("+", "-") and self.peek(2).text.isdecimal():
            self.note("zone-syntax")  # GMT+0200
            self.index += 1
            return self.take_offset()
        if following.text in ("daylight", "standard", "summer", "time") or (
            following.glued and following.text.isalnum()
        ):
            hours = None  # "GMT Daylight Time" is another zone than GMT, EST5EDT another than EST
        if hours is None:
            self.note("unknown-zone")
        self.zone = UTC if hours is None else _zone(hours * 60)
        self.zone_known = hours is not None
        self.index += 1
        while self.peek().glued and self.peek().text.isalnum():
            self.index += 1
        return True

    def take_offset(self) -> bool:
        """An offset from UTC with its sign."""
        sign, number = self.peek(), self.peek(1)
        if number.text in ("+", "-") and number.glued and self.peek(2).text.isdecimal():
            return self.take_two_signs()
        if (
            sign.text not in ("+", "-")
            or not number.text.isdecimal()
            or self.time is None
            or self.zone is not None
        ):
            return False
        self.index += 2
        digits = number.text
        if self.peek().text == ":" and len(self.peek(1).text) == 2 and self.peek(1).text.isdecimal():
            self.note("zone-syntax")
            digits += self.peek(1).text
            self.index += 2
        elif len(digits) != 4 or not number.glued:
            self.note("zone-syntax")
            digits += "00" if len(digits) <= 2 else ""
        hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) <= 4 else (24, 0)
        if hours >= 24 or minutes >= 60:
            self.note("unknown-zone")
            self.zone = UTC
            return True
        offset = hours * 60 + minutes
        self.zone = _zone(-offset if sign.text == "-" else offset)
        self.zone_known = offset != 0 or sign.text == "+"
        return True

    def take_two_signs(self) -> bool:
        """``+-0500``, which some software wrote: no telling which of the signs is meant."""
        if self.time is None or self.zone is not None:
            return False
        self.note("unknown-zone")
        self.zone = UTC
        self.index += 3
        return True

    def take_mark(self) -> bool:
        """A comma anywhere; a hyphen, slash or full stop between the parts of a date."""
        mark = self.peek().text
        if mark != ",":
            if mark not in ("-", "/", ".") or self.time is not None:
                return False
            self.note("date-syntax")
        self.index += 1
        return True
