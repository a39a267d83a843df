"""Any octets as a Received field."""

from datetime import UTC, datetime
from ipaddress import ip_address

from blaze.core.errors import DataError
from blaze.core.mail import received

_WHEN = datetime(2017, 3, 30, 15, tzinfo=UTC)


def fuzz_received(data: bytes) -> None:
    """The client's address is an IP address; a hop that can be written again is read back."""
    hop = received.parse(data)
    if hop.from_ip is not None:
        assert str(ip_address(hop.from_ip)) == hop.from_ip
    try:
        value = received.build(
            from_=hop.from_, from_ip=hop.from_ip, by=hop.by or "b", with_=hop.with_, id=hop.id, date=_WHEN
        )
    except DataError:
        return
    again = received.parse(value)
    assert (again.by, again.with_, again.id) == (hop.by or "b", hop.with_, hop.id)
    assert again.from_ip == hop.from_ip
    assert again.date is not None and again.date.datetime == _WHEN
