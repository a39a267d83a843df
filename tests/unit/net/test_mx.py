"""Mail exchangers: their order, and what stands in their place."""

import random
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from blaze.core.auth.resolver import Answer, MailExchanger, Question, Rcode, RecordType
from blaze.core.errors import BlazeError, DNSTemporaryError, NoHostError, UnavailableError
from blaze.core.net.mx import MAX_HOSTS, find_addresses, find_route


class Zone:
    """A resolver with the answers given; all else does not exist."""

    def __init__(self, **answers: Answer) -> None:
        self._answers = answers

    def query(self, questions: Sequence[Question]) -> list[Answer]:
        return [
            self._answers.get(kind.value, Answer(Question(name, kind), Rcode.NXDOMAIN))
            for name, kind in questions
        ]


def _mx(*hosts: tuple[int, str], authenticated: bool = False) -> Answer:
    records = tuple(MailExchanger(preference, host) for preference, host in hosts)
    return Answer(Question("d.test", RecordType.MX), records=records, authenticated=authenticated)


def test_hosts_come_by_preference() -> None:
    route = find_route(
        "d.test", Zone(mx=_mx((20, "c.test"), (5, "a.test."), (10, "B.test"), authenticated=True))
    )
    assert (route.hosts, route.authenticated, route.explicit) == (("a.test", "b.test", "c.test"), True, True)


def test_equal_hosts_are_shuffled() -> None:
    answer = Zone(mx=_mx((10, "a.test"), (10, "b.test"), (5, "first.test")))
    seen = {find_route("d.test", answer, random.Random(seed)).hosts for seed in range(20)}
    assert seen == {("first.test", "a.test", "b.test"), ("first.test", "b.test", "a.test")}


def test_hosts_are_limited_and_unique() -> None:
    many = [(number, f"h{number}.test") for number in range(50)] + [(60, "h1.test")]
    assert len(find_route("d.test", Zone(mx=_mx(*many))).hosts) == MAX_HOSTS


def test_a_domain_without_mx_stands_for_itself() -> None:
    route = find_route("d.test", Zone(mx=_mx()))
    assert (route.hosts, route.explicit) == (("d.test",), False)


def test_an_address_literal_is_not_looked_up() -> None:
    assert find_route("[192.0.2.1]", Zone()).hosts == ("[192.0.2.1]",)


@pytest.mark.parametrize(
    ("zone", "error"),
    [
        (Zone(mx=_mx((0, "."))), UnavailableError),
        (Zone(mx=_mx((0, ""))), UnavailableError),
        (Zone(), NoHostError),
        (Zone(mx=Answer(Question("d.test", RecordType.MX), Rcode.SERVFAIL)), DNSTemporaryError),
        (Zone(mx=Answer(Question("d.test", RecordType.MX), Rcode.TIMEOUT)), DNSTemporaryError),
    ],
)
def test_domains_without_a_route(zone: Zone, error: type[BlazeError]) -> None:
    with pytest.raises(error):
        find_route("d.test", zone)


def test_a_null_mx_beside_others_is_passed_over() -> None:
    assert find_route("d.test", Zone(mx=_mx((0, "."), (10, "a.test")))).hosts == ("a.test",)


@pytest.mark.parametrize(
    ("host", "address"), [("[192.0.2.1]", "192.0.2.1"), ("[IPv6:2001:db8::1]", "2001:db8::1")]
)
def test_addresses_of_literals(host: str, address: str) -> None:
    assert find_addresses(host, Zone()).addresses == (ip_address(address),)


def test_addresses_come_six_first() -> None:
    four = Answer(Question("h", RecordType.A), records=(ip_address("192.0.2.1"),), authenticated=True)
    six = Answer(Question("h", RecordType.AAAA), records=(ip_address("2001:db8::1"),))
    found = find_addresses("h", Zone(a=four, aaaa=six))
    assert [str(address) for address in found.addresses] == ["2001:db8::1", "192.0.2.1"]
    assert not found.authenticated
    assert find_addresses(
        "h", Zone(a=four, aaaa=Answer(Question("h", RecordType.AAAA), authenticated=True))
    ).authenticated


@pytest.mark.parametrize("rcode", [Rcode.SERVFAIL, Rcode.TIMEOUT])
def test_an_answer_that_is_suppressed_takes_no_authenticity_away(rcode: Rcode) -> None:
    four = Answer(Question("h", RecordType.A), records=(ip_address("192.0.2.1"),), authenticated=True)
    assert find_addresses("h", Zone(a=four, aaaa=Answer(Question("h", RecordType.AAAA), rcode))).authenticated


@pytest.mark.parametrize(
    ("zone", "error"),
    [
        (Zone(), NoHostError),
        (Zone(a=Answer(Question("h", RecordType.A), Rcode.TIMEOUT)), DNSTemporaryError),
    ],
)
def test_hosts_without_addresses(zone: Zone, error: type[BlazeError]) -> None:
    with pytest.raises(error):
        find_addresses("h", zone)
    with pytest.raises(NoHostError):
        find_addresses("[not an address]", zone)
