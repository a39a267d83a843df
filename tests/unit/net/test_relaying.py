"""Mail exchangers as hosts to connect to."""

import pytest

from blaze.core.net.mx import find_addresses
from blaze.core.net.relaying import domain_of, target_of
from tests.support.zone import Zone


@pytest.mark.parametrize(
    ("recipient", "name", "shown"),
    [
        ("a@[192.0.2.1]", "192.0.2.1", "192.0.2.1:25"),
        ("a@[IPv6:2001:db8::1]", "2001:db8::1", "[2001:db8::1]:25"),
    ],
)
def test_an_address_literal_is_known_by_its_address(recipient: str, name: str, shown: str) -> None:
    host = domain_of(recipient)
    target = target_of(host, 25, find_addresses(host, Zone({})))
    assert (target.name, str(target)) == (name, shown)
    assert str(target.addresses[0]) == name
