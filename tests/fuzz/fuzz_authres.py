"""Any value is an Authentication-Results field, and what is read can be written and read again."""

from blaze.core.auth import authres
from blaze.core.errors import BlazeError


def fuzz_authres(data: bytes) -> None:
    found = authres.parse(data)
    try:
        octets = found.to_bytes()
    except BlazeError:
        return
    again = authres.parse(octets.partition(b":")[2])
    assert [(one.method, one.result) for one in again.results] == [
        (one.method, one.result) for one in found.results
    ]
