"""The OpenSPF test suite for RFC 7208, unchanged: all of it in memory, a sample through a DNS server.

No case is excluded. Where the suite allows several results the first is its preference.
"""

from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest

from blaze.core.auth import spf
from blaze.core.auth.resolver import Resolver
from blaze.core.net.dns import DNSOptions, make_resolver
from tests.support.dns_server import DNSServer
from tests.support.spf_suite import Case, iter_cases

CASES = 203
SAMPLE = 5  # every fifth case, and all those of the processing limits, go through the server
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def cases(shared: Path) -> list[Case]:
    found = list(iter_cases(shared / "conformance" / "spf" / "rfc7208-tests.yml"))
    assert len(found) == CASES
    return found


def verdict(case: Case, resolver: Resolver) -> spf.Result:
    return spf.check(
        ip_address(case.host),
        case.mailfrom,
        helo=case.helo,
        resolver=resolver,
        now=NOW,
        receiver="receiver.example",
    )


def is_right(case: Case, result: spf.Result) -> bool:
    explanation = None if case.explanation == "DEFAULT" else case.explanation
    return result.status.value in case.results and (
        case.explanation is None or result.explanation == explanation
    )


def test_every_case_in_memory(cases: list[Case]) -> None:
    wrong = [
        (case.name, case.results, case.explanation, result)
        for case in cases
        if not is_right(case, result := verdict(case, case.zone))
    ]
    assert wrong == []


@pytest.mark.e2e
def test_a_sample_through_a_dns_server(cases: list[Case]) -> None:
    sample = [case for number, case in enumerate(cases) if number % SAMPLE == 0 or "limits" in case.name]
    assert len(sample) > 40
    servers = {zone: DNSServer(zone.handle) for zone in {case.zone for case in sample}}
    try:
        resolvers = {
            zone: make_resolver(DNSOptions(nameservers=(server.nameserver,), timeout=1.0))
            for zone, server in servers.items()
        }
        wrong = [
            (case.name, case.results, case.explanation, result)
            for case in sample
            if not is_right(case, result := verdict(case, resolvers[case.zone]))
        ]
    finally:
        for server in servers.values():
            server.close()
    assert wrong == []
