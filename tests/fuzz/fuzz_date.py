"""Any octets as a date."""

from blaze.core.mail import date as dates


def fuzz_date(data: bytes) -> None:
    """A date that is read is printed, and read back as the same instant and zone."""
    date = dates.parse(data)
    if date is None:
        return
    assert all(0 <= offset <= len(data) for _, offset in date.defects)
    again = dates.parse(str(date).encode())
    assert again is not None
    assert (again.datetime, again.zone_known) == (date.datetime, date.zone_known)
    assert not date.zone_known or again.datetime.utcoffset() == date.datetime.utcoffset()
