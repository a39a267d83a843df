"""The ARC test suite (github.com/ValiMail/arc_test_suite), unchanged: validation and signing, LF and CRLF.

A sample goes through a DNS server.

No case is excluded. Three validation cases leave the expected result blank: `cv_fail_i1_as_cv_fail`,
`cv_fail_i2_as2_fail` and `cv_fail_i2_as1_fail`, in which a seal says cv=fail. They must fail: by RFC 8617
§5.2, step 2, "if the Chain Validation Status of the highest instance value ARC Set is "fail", then the Chain
Validation status is "fail"", and by step 3.C the cv of every seal with i > 1 must be pass, of i = 1 none.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from blaze.core.auth import arc, keys
from blaze.core.auth.dkim import Signable
from blaze.core.mail import header
from blaze.core.net.dns import DNSOptions, make_resolver
from tests.support.dns_server import dns_server
from tests.support.zone import Zone

VALIDATION_CASES = 171
SIGNING_CASES = 17
SAMPLE = 5  # every fifth case, and all those about keys, go through the server
BLANK = {"cv_fail_i1_as_cv_fail", "cv_fail_i2_as2_fail", "cv_fail_i2_as1_fail"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def iter_cases(path: Path) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Every case of a file as (scenario, name, case)."""
    for scenario in yaml.safe_load_all(path.read_text()):
        for name, case in scenario["tests"].items():
            yield scenario, name, case


def octets_of(case: dict[str, Any], newline: bytes) -> bytes:
    text: str = case["message"]
    return text.encode().replace(b"\n", newline)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_every_validation_case(shared: Path, newline: bytes) -> None:
    cases = list(iter_cases(shared / "conformance" / "arc" / "arc-draft-validation-tests.yml"))
    assert len(cases) == VALIDATION_CASES
    assert {name for _, name, case in cases if case["cv"] == ""} == BLANK
    wrong = []
    for scenario, name, case in cases:
        message = Signable(octets_of(case, newline))
        result = arc.verify(message, resolver=Zone(scenario["txt-records"]), now=NOW)
        expected = str(case["cv"]).lower() or "fail"
        if result.status.value != expected:
            wrong.append((name, expected, result))
    assert wrong == []


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_every_signing_case(shared: Path, newline: bytes) -> None:
    cases = list(iter_cases(shared / "conformance" / "arc" / "arc-draft-sign-tests.yml"))
    assert len(cases) == SIGNING_CASES
    for scenario, name, case in cases:
        zone = Zone(scenario["txt-records"])
        options = arc.Options(
            scenario["domain"],
            scenario["sel"],
            authserv_id=case["srv-id"],
            names=case["sig-headers"].split(":"),
            timestamp=case["t"],
        )
        octets = octets_of(case, newline)
        key = keys.parse_private(scenario["privatekey"].encode())
        sealed = arc.sign(Signable(octets), key, options, resolver=zone, now=NOW)
        made = {field.name: without_white_space(field.raw) for field in header.parse(sealed.fields)}
        expected = {
            field: without_white_space(case[short].encode())
            for field, short in (
                ("ARC-Seal", "AS"),
                ("ARC-Message-Signature", "AMS"),
                ("ARC-Authentication-Results", "AAR"),
            )
            if case[short]
        }
        assert made == expected, name
        assert sealed.fields.count(b"\n") == sealed.fields.count(newline)
        chain = arc.verify(Signable(sealed.fields + octets), resolver=zone, now=NOW)
        assert (chain.status == "pass") == (sealed.chain.status != "fail"), name


@pytest.mark.e2e
def test_a_sample_through_a_dns_server(shared: Path) -> None:
    cases = list(iter_cases(shared / "conformance" / "arc" / "arc-draft-validation-tests.yml"))
    sample = [
        (scenario, name, case)
        for number, (scenario, name, case) in enumerate(cases)
        if number % SAMPLE == 0 or name.startswith(("public_key", "as_fields_b_"))
    ]
    assert len(sample) > 40
    wrong = []
    for scenario, name, case in sample:
        records = {
            domain: [("TXT", " ".join(f'"{part.decode()}"' for part in keys.split_strings(text.encode())))]
            for domain, text in scenario["txt-records"].items()
        }
        with dns_server(records) as server:
            resolver = make_resolver(DNSOptions(nameservers=(server.nameserver,), timeout=2.0))
            result = arc.verify(Signable(octets_of(case, b"\r\n")), resolver=resolver, now=NOW)
        if result.status.value != (str(case["cv"]).lower() or "fail"):
            wrong.append((name, result))
    assert wrong == []


def without_white_space(octets: bytes) -> bytes:
    return b"".join(octets.split())
