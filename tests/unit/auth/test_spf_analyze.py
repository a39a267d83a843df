"""Received-SPF checked again."""

from datetime import UTC, datetime

import pytest

from blaze.core.auth import spf_analyze
from blaze.core.mail import header
from blaze.core.net.dns_static import StaticResolver

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXTS = {"a.test": "txt:v=spf1 ip4:192.0.2.1 -all", "b.test": "txt:v=spf1 ~all", "slow.test": "timeout"}


@pytest.mark.parametrize(
    ("lines", "sender", "result", "expected"),
    [
        ("Received-SPF: pass client-ip=192.0.2.1; envelope-from=x@a.test", "x@a.test", "pass", "pass"),
        ("Received-SPF: pass client-ip=192.0.2.2; envelope-from=x@a.test", "x@a.test", "fail", "pass"),
        (
            'Received-SPF: Pass client-ip=192.0.2.1; envelope-from="x@a.test"; identity=mailfrom',
            "x@a.test",
            "pass",
            "pass",
        ),
        (
            "Received-SPF: none client-ip=192.0.2.1; helo=a.test; identity=helo",
            "postmaster@a.test",
            "pass",
            "none",
        ),
        (
            "Received-SPF: pass client-ip=192.0.2.1; helo=a.test; envelope-from=<>",
            "postmaster@a.test",
            "pass",
            "pass",
        ),
        ("Received-SPF: x client-ip=192.0.2.1; envelope-from=x@b.test", "x@b.test", "softfail", None),
        (
            "Received-SPF: pass client-ip=192.0.2.1; envelope-from=x@slow.test",
            "x@slow.test",
            "temperror",
            "pass",
        ),
        (
            "Received-SPF: pass (mx: domain of x@a.test designates it) client-ip=192.0.2.1",
            "x@a.test",
            "pass",
            "pass",
        ),
        (
            "Received-SPF: pass (mx: domain of transitioning x@a.test) client-ip=192.0.2.1",
            "x@a.test",
            "pass",
            "pass",
        ),
        (
            "Return-Path: <y@b.test>\nReceived-SPF: pass (domain of x@a.test) client-ip=192.0.2.1",
            "x@a.test",
            "pass",
            "pass",
        ),
        ("Return-Path: <x@a.test>\nReceived-SPF: pass client-ip=192.0.2.1", "x@a.test", "pass", "pass"),
        (
            "Return-Path: <>\nReceived-SPF: pass client-ip=192.0.2.1; helo=a.test",
            "postmaster@a.test",
            "pass",
            "pass",
        ),
        (
            "Return-Path: < >\nReceived-SPF: pass client-ip=192.0.2.1; helo=a.test",
            "postmaster@a.test",
            "pass",
            "pass",
        ),
    ],
)
def test_analyze(lines: str, sender: str, result: str, expected: str | None) -> None:
    found = analyzed(lines)
    assert found.result is not None
    assert (found.sender, found.result.status.value, found.expected and found.expected.value) == (
        sender,
        result,
        expected,
    )


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ("Received-SPF: pass", "the field has no client-ip that is an address"),
        (
            "Received-SPF: pass (domain of x@a.test designates 192.0.2.1)",
            "the field has no client-ip that is an address",
        ),
        (
            "Received-SPF: pass client-ip=a.test; envelope-from=x@a.test",
            "the field has no client-ip that is an address",
        ),
        ("Received-SPF: pass client-ip=192.0.2.1", "neither the field nor a Return-Path tells the sender"),
        (
            "Return-Path: <a@b>, <c@d>\nReceived-SPF: pass client-ip=192.0.2.1",
            "neither the field nor a Return-Path tells the sender",
        ),
        (
            "Received-SPF: pass client-ip=192.0.2.1; envelope-from=<>",
            "the reverse-path is null and the field has no helo",
        ),
    ],
)
def test_analyze_says_what_is_missing(lines: str, problem: str) -> None:
    found = analyzed(lines)
    assert (found.result, found.problem) == (None, problem)


def analyzed(lines: str) -> spf_analyze.Analysis:
    block = header.parse(f"{lines}\n\n".encode())
    field = block.get(b"received-spf")
    assert field is not None
    return spf_analyze.analyze(field, block, resolver=StaticResolver(TEXTS), now=NOW)
